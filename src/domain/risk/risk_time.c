/* Risk over the time that nothing happens, and what follows from it: whether it is too early to
 * speak, and when to look again. */
#include "domain/risk/risk.h"

#include "base/clock.h"
#include "domain/risk/risk_internal.h"

#include <assert.h>
#include <math.h>

/* Idle times of the curve, about threefold each as in training but not the same ones. */
static const int64_t grid[] = {SECONDS(30), MINUTES(1), MINUTES(3), MINUTES(10),      MINUTES(30),
                               HOURS(1),    HOURS(2),   HOURS(4),   HOURS(8),         HOURS(16),
                               DAYS(1),     DAYS(3),    DAYS(7),    RISK_CURVE_END_US};

static double score_at(const struct risk *r, const struct shopper *s, const struct cart *c,
                       int64_t at_us, const struct feature_context *context)
{
    struct features x;
    /* the state as it is, only the clock moved: that is what "nothing happens" means */
    features_of(s, c, at_us, context, &x);
    return risk_probability(r, &x);
}

int risk_curve(const struct risk *r, const struct shopper *s, const struct cart *c, int64_t now_us,
               const struct feature_context *context, struct risk_point out[RISK_CURVE_MAX])
{
    int64_t from_us = now_us > s->last_us ? now_us : s->last_us;
    int count = 0;

    _Static_assert(sizeof grid / sizeof grid[0] < RISK_CURVE_MAX, "room for now as well");
    out[count++] = (struct risk_point){from_us, score_at(r, s, c, from_us, context)};
    const bool moves = r->is_blend || r->is_prior;
    for (size_t i = 0; moves && i < sizeof grid / sizeof grid[0]; i++) {
        int64_t at_us = s->last_us + grid[i];
        /* points already behind us are not of the future */
        if (at_us > from_us) {
            out[count++] = (struct risk_point){at_us, score_at(r, s, c, at_us, context)};
        }
    }
    return count;
}

/* When the curve reaches the threshold; 0: not within it. */
static int64_t reached_us(const struct risk_point *curve, int count, double threshold)
{
    /* The first crossing. All points before it lie below, so that b is
     * above a and the division is safe. */
    for (int i = 1; i < count && curve[0].probability < threshold; i++) {
        const struct risk_point *a = &curve[i - 1];
        const struct risk_point *b = &curve[i];
        if (b->probability >= threshold) {
            double part = (threshold - a->probability) / (b->probability - a->probability);
            /* rounded up: looking a second too soon would find it still too early */
            double seconds = ceil(part * (double)(b->at_us - a->at_us) / (double)SECONDS(1));
            int64_t at_us = a->at_us + SECONDS((int64_t)seconds);
            return at_us < b->at_us ? at_us : b->at_us;
        }
    }
    return curve[0].probability < threshold ? 0 : curve[0].at_us;
}

struct risk_outlook risk_outlook_of(const struct risk_point *curve, int count, double threshold,
                                    int64_t abandoned_us)
{
    assert(count >= 1);
    const int64_t now_us = curve[0].at_us;
    int64_t at_us = reached_us(curve, count, threshold);

    at_us = at_us > abandoned_us ? at_us : abandoned_us;
    return at_us > now_us ? (struct risk_outlook){true, at_us} : (struct risk_outlook){0};
}
