#ifndef ML_LINEAR_MAT_H
#define ML_LINEAR_MAT_H

#include "base/rng.h"

#include <stdbool.h>
#include <stddef.h>

/* A row-major matrix of floats. Letters used for shapes everywhere in ml/: m shoppers, n items,
 * k factors; a comment (m, k) means m rows and k columns.
 *
 * Owned (mat_make): data 64-byte aligned, ld = cols rounded up to a multiple of 16, padding zero.
 * A view (mat_view) borrows: same struct, never freed, valid as long as what it looks into.
 * A matrix with no columns is allowed, one with no rows too. */
struct mat {
    float *data;
    int rows;
    int cols;
    int ld; /* floats from one row to the next, >= cols */
};

enum { MAT_ALIGN_FLOATS = 16 };

/* cols rounded up to a multiple of 16, at least 16. */
int mat_ld(int cols);

/* A zero-filled matrix owned by the caller; out of memory aborts. */
struct mat mat_make(int rows, int cols);
void mat_free(struct mat *m); /* accepts {0}; never call it on a view */

/* Borrows data; ld in floats. A view of const data (a model file) is for reading only. */
struct mat mat_view(const float *data, int rows, int cols, int ld);

static inline float *mat_row(const struct mat *m, int row)
{
    return m->data + (size_t)row * (size_t)m->ld;
}

/* Dot product of two vectors of `count` floats. The order of additions depends on count alone, so
 * equal vectors give equal products wherever they lie. */
float mat_dot(const float *restrict a, const float *restrict b, int count);

/* Same shape required; padding is left alone. */
void mat_copy(const struct mat *from, struct mat *to);

/* True if no entry is NaN or infinite. */
bool mat_is_finite(const struct mat *m);
bool floats_are_finite(const float *values, size_t count);

/* Fills with independent normal numbers, mean 0, standard deviation stdev, row by row. */
void mat_fill_normal(struct mat *m, double stdev, struct rng *rng);

#endif
