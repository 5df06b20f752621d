#ifndef ML_ALS_ALS_ROTATION_H
#define ML_ALS_ALS_ROTATION_H

#include "ml/linear/mat.h"

#include <stddef.h>

/* Rotates rows of factors into another basis, in place: a row x becomes (x . v_0, x . v_1, ...). With AVX-512 by a kernel that keeps its
 * sums in registers and packs nothing; else, and where `factors` is large, by BLAS. Which one depends on the factors and the processor
 * only. */
struct als_rotation {
    struct mat basis;   /* (k, k) v by row; borrowed */
    struct mat columns; /* (k, k) its transpose; empty where BLAS rotates */
};

/* basis (k, k), borrowed, unchanged for as long as the rotation is used. */
struct als_rotation als_rotation_make(const struct mat *basis);
void als_rotation_free(struct als_rotation *rotation);

/* Floats of the scratch that each thread brings along, aligned to 64 bytes, for rows of k factors. */
size_t als_rotation_scratch(int factors);

/* Rows [begin, end) of m (any, k), ld = mat_ld(k), padding zero. */
void als_rotation_apply(const struct als_rotation *rotation, struct mat *m, int begin, int end,
                        float *scratch);

#endif
