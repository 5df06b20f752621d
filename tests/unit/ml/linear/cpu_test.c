#include "ml/linear/cpu.h"

#include "unit/ml/ml_spec.h"

static void a_limit_lowers_the_level_and_is_taken_back(void **state)
{
    (void)state;
    enum cpu_level best = cpu_level();
    enum cpu_level before = cpu_limit(CPU_PORTABLE);
    assert_int_equal(cpu_level(), CPU_PORTABLE);
    assert_int_equal(cpu_limit(before), CPU_PORTABLE);
    assert_int_equal(cpu_level(), best);
}

static void a_limit_above_the_machine_changes_nothing(void **state)
{
    (void)state;
    enum cpu_level best = cpu_level();
    enum cpu_level before = cpu_limit(CPU_AVX512);
    assert_int_equal(cpu_level(), best);
    cpu_limit(before);
}

static void a_level_needs_every_instruction_of_its_kernels(void **state)
{
    (void)state;
    const struct cpu_features avx2 = {
        .avx = true, .fma = true, .avx2 = true, .bmi = true, .bmi2 = true};
    struct cpu_features f = avx2;
    assert_int_equal(cpu_level_of(&f), CPU_AVX2);
    f.fma = false;
    assert_int_equal(cpu_level_of(&f), CPU_PORTABLE);
    f = avx2;
    f.avx512f = f.avx512cd = f.avx512bw = f.avx512dq = f.avx512vl = true;
    assert_int_equal(cpu_level_of(&f), CPU_AVX2);
    f.avx512vnni = true;
    assert_int_equal(cpu_level_of(&f), CPU_AVX512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_lowers_the_level_and_is_taken_back),
        cmocka_unit_test(a_limit_above_the_machine_changes_nothing),
        cmocka_unit_test(a_level_needs_every_instruction_of_its_kernels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
