/* Every call into OpenBLAS, and the choice of its kernels: shapes asserted, solves
 * guarded against NaN. */
#include "ml/linear/blas.h"

#include "base/mem.h"

#include <assert.h>
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* LAPACK's Fortran entry points; Debian's libopenblas brings them without a header of their own. */
extern void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info);
extern void ssyevd_(const char *job, const char *uplo, const int *n, float *a, const int *lda,
                    float *values, float *work, const int *lwork, int *iwork, const int *liwork,
                    int *info);
extern void spotrs_(const char *uplo, const int *n, const int *nrhs, const float *a, const int *lda,
                    float *b, const int *ldb, int *info);

#define CORE_VARIABLE "OPENBLAS_CORETYPE"

enum { F64_ROWS = 256 }; /* rows widened to double at a time */

/* ---- the core ---- */

/* OpenBLAS's own way to its core: init does nothing while there is one, else it reads
 * OPENBLAS_CORETYPE or looks at the processor; quit forgets it. They are exported by builds for
 * several processors (DYNAMIC_ARCH) and missing from others, which have no core to choose. */
extern void gotoblas_dynamic_init(void) __attribute__((weak));
extern void gotoblas_dynamic_quit(void) __attribute__((weak));

/* Vectors that a core's kernels use. */
enum core_class { CORE_SSE, CORE_AVX, CORE_AVX2, CORE_AVX512 };

static const struct {
    const char *name;
    enum core_class class;
} cores[] = {
    {"Prescott", CORE_SSE},
    {"Core2", CORE_SSE},
    {"Penryn", CORE_SSE},
    {"Dunnington", CORE_SSE},
    {"Nehalem", CORE_SSE},
    {"Atom", CORE_SSE},
    {"Nano", CORE_SSE},
    {"Opteron", CORE_SSE},
    {"Opteron_SSE3", CORE_SSE},
    {"Barcelona", CORE_SSE},
    {"Bobcat", CORE_SSE},
    {"Sandybridge", CORE_AVX},
    {"Bulldozer", CORE_AVX},
    {"Piledriver", CORE_AVX},
    {"Steamroller", CORE_AVX},
    {"Excavator", CORE_AVX2}, /* OpenBLAS knows that processor: not better served by Haswell's */
    {"Haswell", CORE_AVX2},
    {"Zen", CORE_AVX2},
    {"SkylakeX", CORE_AVX512},
    {"Cooperlake", CORE_AVX512},
    {"SapphireRapids", CORE_AVX512},
};

static enum core_class class_of_cpu(const struct cpu_features *f)
{
    /* What the compiler may use in kernels built for Skylake-X, Haswell and Sandy Bridge. */
    if (!f->avx) {
        return CORE_SSE;
    }
    if (!f->avx2 || !f->fma || !f->bmi || !f->bmi2) {
        return CORE_AVX;
    }
    /* all five of Skylake-X: its kernels were compiled with them, and one
     * missing is an illegal instruction */
    const bool wide = f->avx512f && f->avx512cd && f->avx512bw && f->avx512dq && f->avx512vl;
    return wide ? CORE_AVX512 : CORE_AVX2;
}

const char *blas_core(void)
{
    return openblas_get_corename();
}

const char *blas_core_for(const struct cpu_features *f)
{
    /* by class; nothing for SSE, where OpenBLAS's own choice is at least as good */
    static const char *const best[] = {NULL, "Sandybridge", "Haswell", "SkylakeX"};
    return best[class_of_cpu(f)];
}

bool blas_core_is_fallback(const char *core, const struct cpu_features *f)
{
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++) {
        if (strcmp(core, cores[i].name) == 0) {
            return cores[i].class < class_of_cpu(f);
        }
    }
    /* a name of a later OpenBLAS, or of another architecture: it knew what it chose */
    return false;
}

const char *blas_core_wanted(const char *core, const char *set, const struct cpu_features *f)
{
    /* named by somebody: a decision, also where it is slow */
    const bool is_set = set && *set != '\0';
    return !is_set && blas_core_is_fallback(core, f) ? blas_core_for(f) : NULL;
}

/* Before the first product, as if the library were loaded with that core. */
static void take_core(const char *core)
{
    /* built for one processor: there is no core to choose */
    if (!gotoblas_dynamic_init || !gotoblas_dynamic_quit) {
        return;
    }
    // NOLINTBEGIN(concurrency-mt-unsafe): no thread was started yet
    (void)setenv(CORE_VARIABLE, core, 1);
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    (void)unsetenv(CORE_VARIABLE); /* for those that we start: it was not set before */
    // NOLINTEND(concurrency-mt-unsafe)
}

void blas_init(void)
{
    const struct cpu_features f = cpu_features();
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no thread was started yet
    const char *wanted = blas_core_wanted(blas_core(), getenv(CORE_VARIABLE), &f);
    if (wanted) {
        take_core(wanted);
    }
    /* callers bring their own threads (parallel.h); two BLAS threads would wait for each other */
    openblas_set_num_threads(1);
}

/* ---- products ---- */

void blas_gemv(const struct mat *a, const float *x, float *y)
{
    /* without columns sgemv returns at once, before it has set y to 0 */
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
    /* one triangle is half the work of a product; Cholesky reads no more, and blas_mirror makes the
     * other one */
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
    /* A block at a time: all of a in doubles would take twice its memory besides. */
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
    /* the upper one is not LAPACK's to read, and may hold anything */
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
    /* asked here, since spotrf answers "fine" on NaN */
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
    /* L and then L' backwards: two triangular solves, no inverse */
    spotrs_("U", &k, &one, a->data, &a->ld, b, &k, &info);
    /* nearly singular, where the factor was finite and the quotient is not */
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
    /* what LAPACK's documentation of ssyevd asks for with eigenvectors */
    const int work_size = 1 + 6 * k + 2 * k * k;
    const int index_size = 3 + 5 * k;
    int info = 0;
    if (!lower_is_finite(a)) {
        return FAIL(err, ERR_INVALID,
                    "a symmetric matrix of %d rows holds a number that is not finite", k);
    }
    float *work = mem_array((size_t)work_size, sizeof *work);
    int *index = mem_array((size_t)index_size, sizeof *index);
    /* Fortran reads columns: our lower triangle by rows is its upper one, and its columns come back
     * as our rows. */
    ssyevd_("V", "U", &k, a->data, &a->ld, values, work, &work_size, index, &index_size, &info);
    mem_free(&work);
    mem_free(&index);
    if (info != 0 || !mat_is_finite(a) || !floats_are_finite(values, (size_t)k)) {
        return FAIL(err, ERR_INVALID, "the eigenvectors of a matrix of %d rows cannot be found", k);
    }
    reverse_rows(a, values);
    return true;
}
