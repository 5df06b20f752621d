/* Every call into OpenBLAS, and nothing else: shapes asserted, solves guarded against NaN. */
#include "ml/linear/blas.h"

#include "base/mem.h"

#include <assert.h>
#include <cblas.h>
#include <math.h>
#include <string.h>

/* LAPACK's Fortran entry points; Debian's libopenblas brings them without a header of their own. */
extern void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info);
extern void ssyevd_(const char *job, const char *uplo, const int *n, float *a, const int *lda,
                    float *values, float *work, const int *lwork, int *iwork, const int *liwork,
                    int *info);
extern void spotrs_(const char *uplo, const int *n, const int *nrhs, const float *a, const int *lda,
                    float *b, const int *ldb, int *info);

enum { F64_ROWS = 256 }; /* rows widened to double at a time */

void blas_init(void)
{
    openblas_set_num_threads(1);
}

void blas_gemv(const struct mat *a, const float *x, float *y)
{
    if (a->rows == 0 || a->cols == 0) {
        memset(y, 0, (size_t)a->rows * sizeof *y);
        return;
    }
    cblas_sgemv(CblasRowMajor, CblasNoTrans, a->rows, a->cols, 1, a->data, a->ld, x, 1, 0, y, 1);
}

void blas_gemv_transposed_add(const struct mat *a, const float *x, float *y)
{
    if (a->rows > 0 && a->cols > 0) {
        cblas_sgemv(CblasRowMajor, CblasTrans, a->rows, a->cols, 1, a->data, a->ld, x, 1, 1, y, 1);
    }
}

void blas_gemm(const struct mat *a, const struct mat *b, struct mat *c)
{
    assert(a->cols == b->rows && c->rows == a->rows && c->cols == b->cols);
    if (c->rows == 0 || c->cols == 0) {
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, c->rows, c->cols, a->cols, 1, a->data,
                a->ld, b->data, b->ld, 0, c->data, c->ld);
}

void blas_gemm_transposed(const struct mat *a, const struct mat *b, struct mat *c)
{
    assert(a->cols == b->cols && c->rows == a->rows && c->cols == b->rows);
    if (c->rows > 0 && c->cols > 0) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, c->rows, c->cols, a->cols, 1, a->data,
                    a->ld, b->data, b->ld, 0, c->data, c->ld);
    }
}

void blas_syrk_add(const struct mat *a, struct mat *c)
{
    assert(c->rows == a->cols && c->cols == a->cols);
    if (a->rows > 0 && a->cols > 0) {
        cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, a->cols, a->rows, 1, a->data, a->ld, 1,
                    c->data, c->ld);
    }
}

void blas_gram_add_f64(const struct mat *a, double *out)
{
    int k = a->cols;
    assert(k > 0 && k <= 1024);
    double *wide = mem_array((size_t)F64_ROWS * (size_t)k, sizeof *wide);
    for (int from = 0; from < a->rows; from += F64_ROWS) {
        int rows = a->rows - from < F64_ROWS ? a->rows - from : F64_ROWS;
        for (int r = 0; r < rows; r++) {
            const float *row = mat_row(a, from + r);
            for (int c = 0; c < k; c++) {
                wide[(size_t)r * (size_t)k + (size_t)c] = (double)row[c];
            }
        }
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, k, rows, 1, wide, k, 1, out, k);
    }
    mem_free(&wide);
}

void blas_mirror(struct mat *c)
{
    assert(c->rows == c->cols);
    for (int i = 0; i < c->rows; i++) {
        for (int j = 0; j < i; j++) {
            mat_row(c, j)[i] = mat_row(c, i)[j];
        }
    }
}

static bool lower_is_finite(const struct mat *a)
{
    for (int i = 0; i < a->rows; i++) {
        if (!floats_are_finite(mat_row(a, i), (size_t)i + 1)) {
            return false;
        }
    }
    return true;
}

bool blas_solve_spd(struct mat *a, float *b, struct err *err)
{
    assert(a->rows == a->cols && a->rows > 0);
    const int k = a->rows;
    const int one = 1;
    int info = 0;
    if (!lower_is_finite(a) || !floats_are_finite(b, (size_t)k)) {
        return FAIL(err, ERR_INVALID,
                    "a least-squares system of %d unknowns holds a number that is not finite", k);
    }
    /* Fortran reads columns: our lower triangle by rows is its upper one. */
    spotrf_("U", &k, a->data, &a->ld, &info);
    if (info != 0) {
        return FAIL(err, ERR_INVALID, "a least-squares system of %d unknowns is singular at %d", k,
                    info);
    }
    spotrs_("U", &k, &one, a->data, &a->ld, b, &k, &info);
    if (info != 0 || !floats_are_finite(b, (size_t)k)) {
        return FAIL(err, ERR_INVALID, "a least-squares system of %d unknowns overflows", k);
    }
    return true;
}

/* LAPACK's order is rising. */
static void reverse_rows(struct mat *a, float *values)
{
    for (int low = 0, high = a->rows - 1; low < high; low++, high--) {
        float value = values[low];
        values[low] = values[high];
        values[high] = value;
        for (int i = 0; i < a->cols; i++) {
            float kept = mat_row(a, low)[i];
            mat_row(a, low)[i] = mat_row(a, high)[i];
            mat_row(a, high)[i] = kept;
        }
    }
}

bool blas_eigen(struct mat *a, float *values, struct err *err)
{
    assert(a->rows == a->cols && a->rows > 0 && a->rows <= 4096);
    const int k = a->rows;
    const int work_size = 1 + 6 * k + 2 * k * k;
    const int index_size = 3 + 5 * k;
    int info = 0;
    if (!lower_is_finite(a)) {
        return FAIL(err, ERR_INVALID,
                    "a symmetric matrix of %d rows holds a number that is not finite", k);
    }
    float *work = mem_array((size_t)work_size, sizeof *work);
    int *index = mem_array((size_t)index_size, sizeof *index);
    /* Fortran reads columns: our lower triangle by rows is its upper one, and its columns come back as our rows. */
    ssyevd_("V", "U", &k, a->data, &a->ld, values, work, &work_size, index, &index_size, &info);
    mem_free(&work);
    mem_free(&index);
    if (info != 0 || !mat_is_finite(a) || !floats_are_finite(values, (size_t)k)) {
        return FAIL(err, ERR_INVALID, "the eigenvectors of a matrix of %d rows cannot be found", k);
    }
    reverse_rows(a, values);
    return true;
}
