#include "ml/linear/blas.h"

#include "unit/ml/ml_spec.h"

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

static int start_blas(void **state)
{
    (void)state;
    blas_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
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
