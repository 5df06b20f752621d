/* The dense steps of a sweep: what the kernels make of a basis and of a Gram matrix beside plain double loops. */
#include "ml/als/als_rotation.h"

#include "ml/als/als.h"
#include "ml/linear/blas.h"
#include "ml/linear/cpu.h"
#include "unit/ml/ml_spec.h"

#include <stdlib.h>

static const int widths[] = {1, 5, 16, 17, 32, 48, 64, 65, 80, 112, 128, 144, 256, 300};
static const int heights[] = {0, 1, 3, 4, 5, 6, 7, 23, 24, 25, 49, 100, 333};
enum {
    WIDTHS = sizeof widths / sizeof *widths,
    HEIGHTS = sizeof heights / sizeof *heights,
    MOST = 6400
};

/* Sums of `count` products of numbers around 1 in float: above what rounding does, far below what a product left out does. */
static double bound(int count)
{
    return 2e-6 * (double)count + 1e-6;
}

static void padding_is_zero(const struct mat *m)
{
    for (int r = 0; r < m->rows; r++) {
        for (int c = m->cols; c < m->ld; c++) {
            assert_true(mat_row(m, r)[c] == 0);
        }
    }
}

/* What plain double loops make of rows [begin, end) of before (rows, k); owned by the caller. */
static double *rotated_plainly(const struct mat *before, const struct mat *basis, int begin,
                               int end)
{
    const int k = basis->cols;
    double *want = mem_array((size_t)before->rows * (size_t)k + 1, sizeof *want);
    for (int r = 0; r < before->rows; r++) {
        for (int j = 0; j < k; j++) {
            double sum = 0;
            for (int i = 0; r >= begin && r < end && i < k; i++) {
                sum += (double)mat_row(before, r)[i] * (double)mat_row(basis, j)[i];
            }
            want[(size_t)r * (size_t)k + (size_t)j] =
                r >= begin && r < end ? sum : (double)mat_row(before, r)[j];
        }
    }
    return want;
}

/* Rotates rows [begin, end) of a matrix by each kernel and looks at all of them. */
static void check_rotation(int rows, int k, int begin, int end)
{
    struct mat basis = random_mat(k, k, 7);
    struct mat before = random_mat(rows, k, 8);
    double *want = rotated_plainly(&before, &basis, begin, end);
    for (int level = CPU_PORTABLE; level <= CPU_AVX512; level++) {
        enum cpu_level limit = cpu_limit((enum cpu_level)level);
        struct mat m = mat_make(rows, k);
        mat_copy(&before, &m);
        struct als_rotation rotation = als_rotation_make(&basis);
        float *scratch = aligned_alloc(64, als_rotation_scratch(k) * sizeof *scratch);
        assert_non_null(scratch);
        als_rotation_apply(&rotation, &m, begin, end, scratch);
        for (int r = 0; r < rows; r++) {
            for (int j = 0; j < k; j++) {
                const double is = (double)mat_row(&m, r)[j];
                assert_true(fabs(is - want[(size_t)r * (size_t)k + (size_t)j]) <= bound(k));
            }
        }
        padding_is_zero(&m);
        free(scratch);
        als_rotation_free(&rotation);
        mat_free(&m);
        (void)cpu_limit(limit);
    }
    mem_free(&want);
    mat_free(&basis);
    mat_free(&before);
}

static void rows_are_rotated_into_the_basis_by_every_kernel(void **state)
{
    (void)state;
    for (int w = 0; w < WIDTHS; w++) {
        /* long ones take every height up to a group and its neighbours: what is behind it repeats */
        for (int h = 0; h < HEIGHTS && heights[h] * widths[w] <= MOST; h++) {
            check_rotation(heights[h], widths[w], 0, heights[h]);
        }
        check_rotation(60, widths[w], 13, 47);
    }
    check_rotation(333, 300, 20, 333); /* more than BLAS gets at once */
}

static void check_gram(int rows, int k)
{
    struct mat m = random_mat(rows, k, 9);
    double *want = mem_array((size_t)k * (size_t)k, sizeof *want);
    for (int r = 0; r < rows; r++) {
        for (int i = 0; i < k; i++) {
            for (int j = 0; j < k; j++) {
                want[i * k + j] += (double)mat_row(&m, r)[i] * (double)mat_row(&m, r)[j];
            }
        }
    }
    for (int level = CPU_PORTABLE; level <= CPU_AVX512; level++) {
        enum cpu_level limit = cpu_limit((enum cpu_level)level);
        struct mat gram = als_gram(&m, 2);
        assert_int_equal(gram.rows, k);
        assert_int_equal(gram.cols, k);
        for (int i = 0; i < k; i++) {
            for (int j = 0; j < k; j++) {
                assert_true(fabs((double)mat_row(&gram, i)[j] - want[i * k + j]) <= bound(rows));
                assert_true(mat_row(&gram, i)[j] == mat_row(&gram, j)[i]);
            }
        }
        padding_is_zero(&gram);
        mat_free(&gram);
        (void)cpu_limit(limit);
    }
    mem_free(&want);
    mat_free(&m);
}

static void the_gram_matrix_is_the_same_by_every_kernel(void **state)
{
    (void)state;
    for (int w = 0; w < WIDTHS; w++) {
        for (int h = 1; h < HEIGHTS && heights[h] * widths[w] <= MOST; h += 2) {
            check_gram(heights[h], widths[w]);
        }
    }
    check_gram(3000, 20); /* parts of several blocks */
    check_gram(333, 65);
}

static void the_gram_matrix_does_not_depend_on_threads(void **state)
{
    (void)state;
    struct mat m = random_mat(2000, 40, 11);
    struct mat one = als_gram(&m, 1);
    struct mat four = als_gram(&m, 4);
    assert_memory_equal(one.data, four.data, 40 * (size_t)one.ld * sizeof *one.data);
    mat_free(&m);
    mat_free(&one);
    mat_free(&four);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_rotated_into_the_basis_by_every_kernel),
        cmocka_unit_test(the_gram_matrix_is_the_same_by_every_kernel),
        cmocka_unit_test(the_gram_matrix_does_not_depend_on_threads),
    };
    TSAN_RUNS_ONLY("thread", tests);
    blas_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
