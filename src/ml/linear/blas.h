#ifndef ML_LINEAR_BLAS_H
#define ML_LINEAR_BLAS_H

#include "base/err.h"
#include "ml/linear/cpu.h"
#include "ml/linear/mat.h"

/* The only door to OpenBLAS. Shapes are asserted here, ints are checked here once, and every solve
 * is checked for finite numbers before and after: OpenBLAS's spotrf answers "fine" on NaN. Every
 * function is safe to call from several threads at once on distinct outputs. */

/* Chooses OpenBLAS's core (below) and keeps it on one thread: eight callers with one thread each score four times what two BLAS
 * threads do, and train brings its own threads. Call once, before any thread starts; harmless if
 * repeated. */
void blas_init(void);

/* A core is a set of kernels for one kind of processor; OpenBLAS takes one when it is loaded. A version that is older than the processor does not
 * know it and takes kernels of long ago (SSE3), a third as fast or less. So blas_init looks at what the processor can do: where OpenBLAS fell back, it
 * takes the core that fits. A core named by OPENBLAS_CORETYPE in the environment is somebody's decision and stays. */

/* The core in use, as OpenBLAS names it: "Haswell". */
const char *blas_core(void);

/* The core for a processor with these features; NULL where OpenBLAS's own choice cannot be bettered. Never one whose instructions are missing. */
const char *blas_core_for(const struct cpu_features *f);

/* Whether the core's kernels leave wider vectors of the processor unused. A name that is not known (a later version, another architecture) is
 * none. */
bool blas_core_is_fallback(const char *core, const struct cpu_features *f);

/* What to change to when `core` was taken and OPENBLAS_CORETYPE is `set` (NULL or "": it is not); NULL: nothing. */
const char *blas_core_wanted(const char *core, const char *set, const struct cpu_features *f);

/* y = a x;  a (r, c), x (c), y (r). */
void blas_gemv(const struct mat *a, const float *x, float *y);

/* y += a' x;  a (r, c), x (r), y (c). */
void blas_gemv_transposed_add(const struct mat *a, const float *x, float *y);

/* c = a b;  a (r, q), b (q, s), c (r, s). */
void blas_gemm(const struct mat *a, const struct mat *b, struct mat *c);

/* c = a b';  a (r, q), b (s, q), c (r, s). */
void blas_gemm_transposed(const struct mat *a, const struct mat *b, struct mat *c);

/* Lower triangle of c += a' a;  a (r, k), c (k, k). */
void blas_syrk_add(const struct mat *a, struct mat *c);

/* out[k * k] += a' a in double, lower triangle;  a (r, k). */
void blas_gram_add_f64(const struct mat *a, double *out);

/* Copies the lower triangle of c (k, k) to its upper one. */
void blas_mirror(struct mat *c);

/* Solves a x = b for a symmetric positive definite a (k, k), of which only the lower triangle is
 * read. Overwrites a by its Cholesky factor and b (k) by x; both are scratch after a failure. Fails
 * with ERR_INVALID if a or b holds NaN or infinity, a is not positive definite, or x overflows. */
CAN_FAIL bool blas_solve_spd(struct mat *a, float *b, struct err *err);

/* Eigenvectors and eigenvalues of a symmetric a (k, k), of which only the lower triangle is read: row j of a becomes
 * the eigenvector of values[j], values falling. Fails with ERR_INVALID if a holds NaN or infinity, or the iteration
 * does not converge; a is scratch then. */
CAN_FAIL bool blas_eigen(struct mat *a, float *values, struct err *err);

#endif
