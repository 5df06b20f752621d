#ifndef ML_LEARNER_FM_FIELD_INTERNAL_H
#define ML_LEARNER_FM_FIELD_INTERNAL_H

#include "ml/linear/cpu.h"

#include <stdint.h>

/* The inner loops of the machine of tables, each for three kinds of processor; only the machine's
 * own files and their tests include this. Vectors have `lanes` floats, a multiple of 16. */

/* sums[l] = sum over entries of x_e w_e[l], squares[l] the sum of the squares of these products.
 * squares may be NULL. Row e of the weights is at base + index[e] * stride. */
struct fm_gather {
    const float *base;
    int stride; /* floats */
    int lanes;
    int count;
    const int32_t *index; /* (count) */
    const float *value;   /* (count), or NULL: all 1 */
};
void fm_gather_sums(const struct fm_gather *g, float *restrict sums, float *restrict squares);

/* One AdaGrad step of every entry: with error = probability - label,
 *   gradient[l] = error x_e (target[l] - w_e[l] x_e mask[l]) + decay[l] w_e[l]
 * is squared onto the entry's second `lanes` floats, and its weights move by
 * -rate gradient / sqrt(sum of squares). Entries are distinct. The square root's relative error is
 * below 1e-6. */
struct fm_step {
    float *base;
    int stride;
    int lanes;
    int count;
    const int32_t *index;
    const float *value;
    const float *target; /* (lanes) */
    const float *mask;   /* (lanes) 1 for factors, 0 for the linear weight and padding */
    const float *decay;  /* (lanes) */
    float error;
    float rate;
};
void fm_step_run(const struct fm_step *s);

/* The kernels of fm_field_vec.c; fm_gather_sums and fm_step_run choose. */
void fm_sums_avx2(const struct fm_gather *g, float *restrict sums, float *restrict squares);
void fm_sums_avx512(const struct fm_gather *g, float *restrict sums, float *restrict squares);
void fm_step_avx2(const struct fm_step *s);
void fm_step_avx512(const struct fm_step *s);

#endif
