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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_limit_lowers_the_level_and_is_taken_back),
        cmocka_unit_test(a_limit_above_the_machine_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
