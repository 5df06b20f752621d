#ifndef ML_TOPK_TOPK_BOUND_H
#define ML_TOPK_TOPK_BOUND_H

#include "ml/topk/topk_pack.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* The lines of the proof in topk_index.h as the scan computes them, with its letters. Only topk_index.c and the tests include this.
 *
 * Each is one-sided: rounding may make a bound looser, never tighter. A float operation errs by 2^-24 of its result at most, so that a result
 * of two or three operations is on the safe side once it is moved by 2^-21 or 2^-20 of its size; FLT_MIN on top covers results so small that
 * they lose digits (or all) to underflow, where relative errors say nothing. */

/* (1), (2), (3): a Q + b D, at least how far the score may be from fl(s t I). Its own two roundings are paid for by g, which is more than twice
 * what (2) and (3) ask. */
static inline float topk_bound_slack(const struct tile_bound *b, float norm, float error)
{
    return b->spread * norm + b->length * error + FLT_MIN;
}

/* "score >= h implies fl(s t I) >= h - (a Q + b D)": what fl(s t I) must reach. Lowered whatever its sign. */
static inline float topk_bound_need(float threshold, float slack)
{
    const float need = threshold - slack;
    return need - fabsf(need) * 0x1p-21F;
}

/* (4): the same as a floor of the integer I, inverse being 1 / (S t) at most. r <= 0 is reached by any I: INT32_MIN lets everything through.
 * |I| is below 2^24, so that 2^25 turns everything away as well as any larger number, and fits. */
static inline int32_t topk_bound_floor(float need, float inverse)
{
    const float least = need * inverse * (1 - 0x1p-19F);
    const int32_t floor = (int32_t)(least < 0x1p25F ? least > 0 ? least : 0 : 0x1p25F) - 1;
    return least > 0 ? floor : INT32_MIN;
}

/* (5): no row of that length (L) or shorter scores h. Only "below h": one that equals it may win by its id. */
static inline bool topk_bound_out_of_reach(float threshold, float norm, float reach)
{
    return reach * norm * (1 + 0x1p-20F) + FLT_MIN < threshold;
}

/* (1), (2), (3) for one item whose fl(s t I) is `about`: its score at most, and at least. */
static inline float topk_bound_most(float about, float slack)
{
    const float most = about + slack;
    return most + fabsf(most) * 0x1p-21F;
}

static inline float topk_bound_least(float about, float slack)
{
    const float least = about - slack;
    return least - fabsf(least) * 0x1p-21F;
}

#endif
