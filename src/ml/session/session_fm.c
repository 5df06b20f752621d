/* Scores: sums of rows that a lookup finds; 12 KiB of weights stay in the first cache. */
#include "ml/session/session_fm.h"

#include <assert.h>
#include <string.h>

/* The lowest 256 levels are kept free, so that the first key means nothing but 0. */
enum { MANTISSA_BITS = 11, LOWEST_OCTAVE = 22, LEVEL_MIN = 256, LEVEL_MAX = 65535 };

uint16_t session_fm_level(float value)
{
    if (!(value > 0)) {
        return 0;
    }
    /* A float's bits are its logarithm, linear within an octave: a monotone transform of
     * the value without a call of logf. */
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    int64_t level = (int64_t)(bits >> (23 - MANTISSA_BITS)) -
                    ((127 - LOWEST_OCTAVE) * (INT64_C(1) << MANTISSA_BITS));
    /* also what is above 0 but too small keeps apart from "nothing" */
    level = level < LEVEL_MIN ? LEVEL_MIN : level;
    return (uint16_t)(level > LEVEL_MAX ? LEVEL_MAX : level);
}

void session_fm_add(const struct session_fm *fm, const uint16_t *level, int from, int to,
                    struct session_fm_base *base)
{
    /* A local copy: the compiler cannot know that base and fm do not overlap. */
    float vector[SESSION_FM_FACTORS];
    memcpy(vector, base->vector, sizeof vector);
    float sum = base->sum;
    for (int f = from; f < to; f++) {
        uint16_t l = level[f - from];
        int bin = fm->bin[f][l >> 8];
        const float *pair = fm->pair[f][bin];
        /* 0 for "nothing", which has no logarithm: that bin's weight speaks for it */
        float z = l ? ((float)l * (1.F / (1 << MANTISSA_BITS)) - fm->mean[f]) * fm->scale[f] : 0;
        sum += fm->weight[f][bin] + fm->linear[f] * z;
        for (int k = 0; k < SESSION_FM_FACTORS; k++) {
            vector[k] += pair[k];
        }
    }
    base->sum = sum;
    memcpy(base->vector, vector, sizeof vector);
}

double session_fm_score_reference(const struct session_fm *fm, const uint16_t *level)
{
    double score = 0;
    for (int f = 0; f < fm->features; f++) {
        const float *v = fm->pair[f][fm->bin[f][level[f] >> 8]];
        /* weight holds w - |v|^2 / 2, so that the fast score is |sum v|^2 / 2 and needs
         * no sum of squares: undone here */
        double square = 0;
        for (int k = 0; k < SESSION_FM_FACTORS; k++) {
            square += (double)v[k] * (double)v[k];
        }
        double z =
            level[f] ? ((double)level[f] / 2048 - (double)fm->mean[f]) * (double)fm->scale[f] : 0;
        score += (double)fm->weight[f][fm->bin[f][level[f] >> 8]] + square / 2 +
                 (double)fm->linear[f] * z;
        for (int g = f + 1; g < fm->features; g++) {
            const float *u = fm->pair[g][fm->bin[g][level[g] >> 8]];
            for (int k = 0; k < SESSION_FM_FACTORS; k++) {
                score += (double)v[k] * (double)u[k];
            }
        }
    }
    return score;
}
