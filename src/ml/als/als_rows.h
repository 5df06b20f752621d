#ifndef ML_ALS_ALS_ROWS_H
#define ML_ALS_ALS_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* One row of implicit-feedback ALS in the eigenbasis of the other side's Gram matrix: there the dense part of the row's system is
 * diagonal, and conjugate gradients touch only the vectors of the row's own entries. What als_eigen.c and als_serve.c share. */

/* The other side. Everything is borrowed; vectors have ld floats, those beyond k are zero. */
struct als_system {
    const float *others; /* (o, ld); NULL where packed is given */
    const uint16_t
        *packed;        /* (o, ld) in half precision: others = unit * packed; NULL with others */
    float unit;         /* a power of two; 1 with others */
    int ld;             /* a multiple of 16, at most ALS_FACTORS_MAX */
    const float *dense; /* (ld) a0 * eigenvalue, >= 0 */
    int steps;          /* of conjugate gradients, at most */
    float tolerance; /* of the residual's preconditioned norm relative to the start; 0: all steps */
};

struct als_row {
    const int32_t *column; /* (count) */
    const float *weight;   /* (count) */
    int64_t count;
    int64_t after; /* entries that may be read behind them: those of the next rows, fetched ahead */
    float ridge;   /* > 0 */
};

/* Improves x (ld, a start) towards the solution of
 *     (diag(dense) + ridge + sum of c h h') x = right,
 * right being the sum of c h where it is NULL; where it is given (ld), the start is zero whatever x holds. Overflow leaves an x that is not finite. */
typedef void als_row_fn(const struct als_system *system, const struct als_row *row,
                        const float *right, float *x);

/* The kernel for this processor; a packed other side needs als_rows_can_pack. */
als_row_fn *als_row_kernel(const struct als_system *system);
int als_rows_can_pack(void);

/* packed[i] = values[i] / unit in half precision, rounded to nearest even; count is a multiple of 16. Only where als_rows_can_pack. */
void als_pack(const float *values, size_t count, float unit, uint16_t *packed);

#endif
