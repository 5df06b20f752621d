#include "ml/linear/blas.h"

#include "unit/ml/ml_spec.h"

#include <stddef.h>
#include <stdlib.h>

/* A well-conditioned symmetric positive definite matrix: b' b + I. */
static struct mat a_positive_definite(int k)
{
    struct mat b = random_mat(2 * k, k, 3);
    struct mat a = mat_make(k, k);
    blas_syrk_add(&b, &a);
    blas_mirror(&a);
    for (int i = 0; i < k; i++) {
        mat_row(&a, i)[i] += 1;
    }
    mat_free(&b);
    return a;
}

static void a_solved_system_gives_back_its_right_side(void **state)
{
    (void)state;
    struct err err = {0};
    const int sizes[] = {1, 2, 15, 16, 17, 64};
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        struct mat a = a_positive_definite(sizes[s]);
        struct mat factor = mat_make(sizes[s], sizes[s]);
        struct mat x = random_mat(3, sizes[s], 5);
        mat_copy(&a, &factor);
        memcpy(mat_row(&x, 1), mat_row(&x, 0), (size_t)sizes[s] * sizeof(float));
        assert_succeeds(blas_solve_spd(&factor, mat_row(&x, 1), &err), err);
        blas_gemv(&a, mat_row(&x, 1), mat_row(&x, 2));
        for (int i = 0; i < sizes[s]; i++) {
            assert_close(mat_row(&x, 2)[i], mat_row(&x, 0)[i], 1e-3);
        }
        mat_free(&a);
        mat_free(&factor);
        mat_free(&x);
    }
}

static void a_solve_reads_the_lower_triangle_only(void **state)
{
    (void)state;
    struct err err = {0};
    struct mat a = a_positive_definite(3);
    float b[] = {1, 2, 3};
    mat_row(&a, 0)[2] = NAN;
    assert_succeeds(blas_solve_spd(&a, b, &err), err);
    mat_free(&a);
}

static void nan_is_refused_though_lapack_takes_it(void **state)
{
    (void)state;
    struct err err = {0};
    struct mat a = a_positive_definite(3);
    float b[] = {1, 2, 3};
    mat_row(&a, 2)[1] = NAN;
    assert_refused(blas_solve_spd(&a, b, &err), err, "not finite");
    mat_row(&a, 2)[1] = 0;
    b[0] = INFINITY;
    assert_refused(blas_solve_spd(&a, b, &err), err, "not finite");
    mat_free(&a);
}

static void a_singular_system_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    struct mat a = mat_make(2, 2);
    float b[] = {1, 2};
    mat_row(&a, 0)[0] = 1;
    assert_refused(blas_solve_spd(&a, b, &err), err, "singular at 2");
    mat_free(&a);
}

static void a_solution_that_overflows_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    struct mat a = mat_make(1, 1);
    float b[] = {3e38F};
    a.data[0] = 1e-30F;
    assert_refused(blas_solve_spd(&a, b, &err), err, "overflows");
    mat_free(&a);
}

static void products_agree_with_plain_loops(void **state)
{
    (void)state;
    struct mat a = random_mat(7, 5, 1);
    struct mat b = random_mat(5, 19, 2);
    struct mat c = mat_make(7, 19);
    struct mat gram = mat_make(5, 5);
    double gram_f64[25] = {0};
    blas_gemm(&a, &b, &c);
    blas_syrk_add(&a, &gram);
    blas_gram_add_f64(&a, gram_f64);
    for (int i = 0; i < 7; i++) {
        for (int j = 0; j < 19; j++) {
            double sum = 0;
            for (int q = 0; q < 5; q++) {
                sum += (double)mat_row(&a, i)[q] * (double)mat_row(&b, q)[j];
            }
            assert_close(mat_row(&c, i)[j], sum, 1e-4);
        }
    }
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j <= i; j++) {
            double sum = 0;
            for (int q = 0; q < 7; q++) {
                sum += (double)mat_row(&a, q)[i] * (double)mat_row(&a, q)[j];
            }
            assert_close(mat_row(&gram, i)[j], sum, 1e-4);
            assert_close(gram_f64[i * 5 + j], sum, 1e-12);
        }
    }
    mat_free(&a);
    mat_free(&b);
    mat_free(&c);
    mat_free(&gram);
}

static void a_transposed_product_is_added_to_what_is_there(void **state)
{
    (void)state;
    struct mat a = random_mat(3, 2, 1);
    const float x[] = {1, 10, 100};
    float y[] = {5, 6};
    blas_gemv_transposed_add(&a, x, y);
    for (int c = 0; c < 2; c++) {
        double expected = 5 + c + (double)mat_row(&a, 0)[c] + 10 * (double)mat_row(&a, 1)[c] +
                          100 * (double)mat_row(&a, 2)[c];
        assert_close(y[c], expected, 1e-3);
    }
    mat_free(&a);
}

/* ---- the core ---- */

#define SSE_CPU ((struct cpu_features){.avx = false})
#define AVX_CPU ((struct cpu_features){.avx = true})
#define AVX2_CPU                                                                                   \
    ((struct cpu_features){.avx = true, .fma = true, .avx2 = true, .bmi = true, .bmi2 = true})
/* More than AVX2, less than Skylake-X: Knights Landing. */
#define HALF_WIDE_CPU                                                                              \
    ((struct cpu_features){.avx = true,                                                            \
                           .fma = true,                                                            \
                           .avx2 = true,                                                           \
                           .bmi = true,                                                            \
                           .bmi2 = true,                                                           \
                           .avx512f = true,                                                        \
                           .avx512cd = true})
#define AVX512_CPU                                                                                 \
    ((struct cpu_features){.avx = true,                                                            \
                           .fma = true,                                                            \
                           .avx2 = true,                                                           \
                           .bmi = true,                                                            \
                           .bmi2 = true,                                                           \
                           .avx512f = true,                                                        \
                           .avx512cd = true,                                                       \
                           .avx512bw = true,                                                       \
                           .avx512dq = true,                                                       \
                           .avx512vl = true})

static void openblas_falls_back_and_the_core_is_chosen_by_what_the_processor_can_do(void **state)
{
    (void)state;
    const struct {
        const char *core, *set;
        struct cpu_features cpu;
        const char *wanted; /* NULL: left as it is */
    } cases[] = {
        {"Prescott", NULL, SSE_CPU, NULL},
        {"Prescott", NULL, AVX_CPU, "Sandybridge"},
        {"Prescott", NULL, AVX2_CPU, "Haswell"},
        {"Prescott", NULL, HALF_WIDE_CPU, "Haswell"},
        {"Prescott", NULL, AVX512_CPU, "SkylakeX"},
        {"Prescott", "", AVX512_CPU, "SkylakeX"},
        {"Nehalem", NULL, AVX2_CPU, "Haswell"},
        {"Barcelona", NULL, AVX512_CPU, "SkylakeX"},
        {"Sandybridge", NULL, AVX2_CPU, "Haswell"},
        {"Haswell", NULL, AVX512_CPU, "SkylakeX"},
        /* OpenBLAS knows the processor */
        {"Haswell", NULL, AVX2_CPU, NULL},
        {"Zen", NULL, AVX2_CPU, NULL},
        {"Excavator", NULL, AVX2_CPU, NULL},
        {"Piledriver", NULL, AVX_CPU, NULL},
        {"SkylakeX", NULL, AVX512_CPU, NULL},
        {"Cooperlake", NULL, AVX512_CPU, NULL},
        {"SapphireRapids", NULL, AVX512_CPU, NULL},
        {"Neoversen1", NULL, SSE_CPU, NULL},
        {"Of next year", NULL, AVX512_CPU, NULL},
        /* somebody decided */
        {"Prescott", "Prescott", AVX512_CPU, NULL},
        {"Haswell", "Haswell", AVX512_CPU, NULL},
        {"Nehalem", "no such core", AVX2_CPU, NULL},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *got = blas_core_wanted(cases[i].core, cases[i].set, &cases[i].cpu);
        const char *wanted = cases[i].wanted;
        if (!(got && wanted ? strcmp(got, wanted) == 0 : got == wanted)) {
            fail_msg("case %zu, %s: %s, not %s", i, cases[i].core, got ? got : "left as it is",
                     wanted ? wanted : "left as it is");
        }
    }
}

/* Each feature on its own is what a machine may lack: its kernels are then not taken. */
static void a_core_is_never_one_whose_instructions_are_missing(void **state)
{
    (void)state;
    const struct cpu_features all = AVX512_CPU;
    const struct {
        size_t offset;
        const char *without;
    } needed[] = {
        {offsetof(struct cpu_features, avx), NULL},
        {offsetof(struct cpu_features, fma), "Sandybridge"},
        {offsetof(struct cpu_features, avx2), "Sandybridge"},
        {offsetof(struct cpu_features, bmi), "Sandybridge"},
        {offsetof(struct cpu_features, bmi2), "Sandybridge"},
        {offsetof(struct cpu_features, avx512f), "Haswell"},
        {offsetof(struct cpu_features, avx512cd), "Haswell"},
        {offsetof(struct cpu_features, avx512bw), "Haswell"},
        {offsetof(struct cpu_features, avx512dq), "Haswell"},
        {offsetof(struct cpu_features, avx512vl), "Haswell"},
    };
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        struct cpu_features f = all;
        *(bool *)((char *)&f + needed[i].offset) = false;
        const char *core = blas_core_for(&f);
        if (needed[i].without) {
            assert_non_null(core);
            assert_string_equal(core, needed[i].without);
        } else {
            assert_null(core);
        }
    }
}

#define CORE_VARIABLE "OPENBLAS_CORETYPE"
extern void gotoblas_dynamic_init(void) __attribute__((weak));
extern void gotoblas_dynamic_quit(void) __attribute__((weak));

static bool core_can_be_chosen; /* nobody has set it, and this OpenBLAS has several */

static void a_core_that_openblas_fell_back_to_is_replaced(void **state)
{
    (void)state;
    const struct cpu_features f = cpu_features();
    if (!core_can_be_chosen || !blas_core_for(&f)) {
        print_message("not here: the core is set, the only one, or the best anyway\n");
        skip();
    }
    /* As the library is after it has met a processor that it does not know. */
    (void)setenv(CORE_VARIABLE, "Prescott", 1);
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    (void)unsetenv(CORE_VARIABLE);
    assert_string_equal(blas_core(), "Prescott");
    blas_init();
    assert_string_equal(blas_core(), blas_core_for(&f));
    assert_null(getenv(CORE_VARIABLE));
}

static void a_core_that_was_set_stays(void **state)
{
    (void)state;
    if (!core_can_be_chosen) {
        skip();
    }
    (void)setenv(CORE_VARIABLE, "Prescott", 1);
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    blas_init();
    assert_string_equal(blas_core(), "Prescott");
    assert_string_equal(getenv(CORE_VARIABLE), "Prescott");
    (void)unsetenv(CORE_VARIABLE);
    blas_init();
    assert_null(getenv(CORE_VARIABLE));
}

static void assert_product(const struct mat *a, const struct mat *b, const struct mat *c)
{
    for (int i = 0; i < c->rows; i++) {
        for (int j = 0; j < c->cols; j++) {
            double sum = 0;
            for (int q = 0; q < a->cols; q++) {
                sum += (double)mat_row(a, i)[q] * (double)mat_row(b, q)[j];
            }
            assert_close(mat_row(c, i)[j], sum, 1e-3);
        }
    }
}

/* Beyond the sizes at which kernels block, and with remainders of every kind. */
static void large_products_of_the_core_in_use_agree_with_plain_loops(void **state)
{
    (void)state;
    const int sizes[][3] = {
        {64, 64, 64}, {129, 257, 65}, {33, 500, 400}, {1, 384, 1000}, {301, 1, 77}};
    print_message("OpenBLAS core %s\n", blas_core());
    for (size_t s = 0; s < COUNT_OF(sizes); s++) {
        struct mat a = random_mat(sizes[s][0], sizes[s][1], 11);
        struct mat b = random_mat(sizes[s][1], sizes[s][2], 12);
        struct mat c = mat_make(sizes[s][0], sizes[s][2]);
        blas_gemm(&a, &b, &c);
        assert_product(&a, &b, &c);
        mat_free(&a);
        mat_free(&b);
        mat_free(&c);
    }
}

static int start_blas(void **state)
{
    (void)state;
    core_can_be_chosen = !getenv(CORE_VARIABLE) && gotoblas_dynamic_init;
    blas_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(openblas_falls_back_and_the_core_is_chosen_by_what_the_processor_can_do),
        cmocka_unit_test(a_core_is_never_one_whose_instructions_are_missing),
        cmocka_unit_test(a_core_that_was_set_stays),
        cmocka_unit_test(a_core_that_openblas_fell_back_to_is_replaced),
        cmocka_unit_test(large_products_of_the_core_in_use_agree_with_plain_loops),
        cmocka_unit_test(a_solved_system_gives_back_its_right_side),
        cmocka_unit_test(a_solve_reads_the_lower_triangle_only),
        cmocka_unit_test(nan_is_refused_though_lapack_takes_it),
        cmocka_unit_test(a_singular_system_is_refused),
        cmocka_unit_test(a_solution_that_overflows_is_refused),
        cmocka_unit_test(products_agree_with_plain_loops),
        cmocka_unit_test(a_transposed_product_is_added_to_what_is_there),
    };
    return cmocka_run_group_tests_name("ml/linear/blas", tests, start_blas, NULL);
}
