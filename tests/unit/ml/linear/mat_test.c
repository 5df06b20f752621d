#include "ml/linear/mat.h"

#include "unit/ml/ml_spec.h"

static void owned_rows_are_aligned_and_padded_with_zeros(void **state)
{
    (void)state;
    struct mat m = mat_make(3, 17);
    assert_int_equal(m.ld, 32);
    for (int r = 0; r < 3; r++) {
        assert_int_equal((uintptr_t)mat_row(&m, r) % 64, 0);
        for (int c = 0; c < m.ld; c++) {
            assert_close(mat_row(&m, r)[c], 0, 0);
        }
    }
    mat_free(&m);
    assert_null(m.data);
}

static void a_matrix_may_have_no_rows_or_no_columns(void **state)
{
    (void)state;
    struct mat no_rows = mat_make(0, 5);
    struct mat no_cols = mat_make(5, 0);
    assert_true(mat_is_finite(&no_rows) && mat_is_finite(&no_cols));
    assert_non_null(no_rows.data);
    mat_free(&no_rows);
    mat_free(&no_cols);
}

static void the_dot_product_agrees_with_double_at_every_length(void **state)
{
    (void)state;
    struct mat m = random_mat(2, 100, 7);
    for (int count = 0; count <= 100; count++) {
        double expected = 0;
        for (int i = 0; i < count; i++) {
            expected += (double)mat_row(&m, 0)[i] * (double)mat_row(&m, 1)[i];
        }
        assert_close(mat_dot(mat_row(&m, 0), mat_row(&m, 1), count), expected, 1e-4);
    }
    mat_free(&m);
}

static void one_nan_or_infinity_anywhere_is_seen(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    struct mat m = random_mat(4, 5, 1);
    for (int cell = 0; cell < 20; cell++) {
        float *at = &mat_row(&m, cell / 5)[cell % 5];
        float good = *at;
        for (size_t b = 0; b < COUNT_OF(bad); b++) {
            *at = bad[b];
            assert_false(mat_is_finite(&m));
        }
        *at = good;
    }
    assert_true(mat_is_finite(&m));
    mat_free(&m);
}

static void the_largest_floats_count_as_finite(void **state)
{
    (void)state;
    const float large[] = {3.4e38F, 3.4e38F, -3.4e38F};
    assert_true(floats_are_finite(large, COUNT_OF(large)));
}

static void copying_leaves_the_padding_of_the_target_alone(void **state)
{
    (void)state;
    struct mat from = random_mat(2, 3, 1);
    struct mat to = mat_make(2, 3);
    mat_row(&to, 0)[5] = 42;
    mat_copy(&from, &to);
    assert_memory_equal(mat_row(&from, 1), mat_row(&to, 1), 3 * sizeof(float));
    assert_close(mat_row(&to, 0)[5], 42, 0);
    mat_free(&from);
    mat_free(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owned_rows_are_aligned_and_padded_with_zeros),
        cmocka_unit_test(a_matrix_may_have_no_rows_or_no_columns),
        cmocka_unit_test(the_dot_product_agrees_with_double_at_every_length),
        cmocka_unit_test(one_nan_or_infinity_anywhere_is_seen),
        cmocka_unit_test(the_largest_floats_count_as_finite),
        cmocka_unit_test(copying_leaves_the_padding_of_the_target_alone),
    };
    return cmocka_run_group_tests_name("ml/linear/mat", tests, NULL, NULL);
}
