#ifndef ML_SESSION_SESSION_FM_H
#define ML_SESSION_SESSION_FM_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* A factorization machine that ranks: of a list of candidates it says which one the shopper takes. Each feature is a number >= 0; its logarithm, cut
 * into bins, selects a weight and a vector, and enters as a number besides (so that two candidates rarely tie):
 *
 *     score = sum_f w[f, bin] + sum_f linear[f] z_f + sum_{f < g} v[f, bin] . v[g, bin]
 *
 * Trained by softmax over the list (Rendle: Factorization Machines, ICDM 2010; Cao et al.: Learning to rank, ICML 2007). */
enum {
    SESSION_FM_FEATURES_MAX = 32,
    SESSION_FM_BINS = 16,
    SESSION_FM_FACTORS = 8,
    SESSION_FM_KEYS = 256, /* eighths of an octave, 2^-22 .. 2^10 */
    SESSION_FM_LIST_MAX = 512,
};

/* All plain floats, so that it can be stored as it lies. */
struct session_fm {
    int32_t features;
    uint8_t bin[SESSION_FM_FEATURES_MAX][SESSION_FM_KEYS];
    float mean[SESSION_FM_FEATURES_MAX];  /* of log2 of values above 0 */
    float scale[SESSION_FM_FEATURES_MAX]; /* 1 / standard deviation */
    float linear[SESSION_FM_FEATURES_MAX];
    float weight[SESSION_FM_FEATURES_MAX][SESSION_FM_BINS]; /* w - |v|^2 / 2 */
    float pair[SESSION_FM_FEATURES_MAX][SESSION_FM_BINS][SESSION_FM_FACTORS];
};

/* A feature's value as 16 bits: 0 for anything not above 0, else its logarithm in 1/2048 octave, clamped to 2^-22 .. 2^10. */
uint16_t session_fm_level(float value);

/* Lists of candidates, one a query. Borrows. */
struct session_fm_data {
    int queries;
    int features;
    const int64_t *start;  /* (queries + 1): candidates of query q, at most SESSION_FM_LIST_MAX */
    const int32_t *target; /* (queries): which of its candidates was taken, from 0 */
    const uint16_t *level; /* (start[queries], features) */
    const float *offset;   /* (start[queries]): log of how many candidates each stands for */
};

struct session_fm_options {
    int epochs; /* >= 1 */
    float rate; /* AdaGrad step, > 0; a third of it in the last epoch */
    float l2;   /* >= 0 */
    uint64_t seed;
    int threads; /* does not change a bit of the result */
};

/* Same data and options, same bytes. Fails with ERR_INVALID without a query, with ERR_INTERNAL if the numbers diverge. *out_loss: mean -log p of
 * the last epoch, met on the way. */
CAN_FAIL bool session_fm_train(const struct session_fm_data *data,
                               const struct session_fm_options *options, struct session_fm *out,
                               double *out_loss, struct err *err);

/* What the features of a query add for all its candidates. */
struct session_fm_base {
    float sum;
    float vector[SESSION_FM_FACTORS];
};

/* Adds features `from` .. `to` - 1 (level holds only those) to *base, which starts as {0}. */
void session_fm_add(const struct session_fm *fm, const uint16_t *level, int from, int to,
                    struct session_fm_base *base);

static inline float session_fm_finish(const struct session_fm_base *base)
{
    float square = 0;
    for (int k = 0; k < SESSION_FM_FACTORS; k++) {
        square += base->vector[k] * base->vector[k];
    }
    return base->sum + .5F * square;
}

/* The definition, pair by pair in double. */
double session_fm_score_reference(const struct session_fm *fm, const uint16_t *level);

#endif
