/* Why a cart's risk is what it is: the learner's exact contributions, group by group, against those
 * of a usual cart. */
#include "domain/risk/risk.h"
#include "domain/risk/risk_internal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A second feature is told where it adds at least so much of what the first one does. */
static const double SECOND_SHARE = 0.5;

/* What the features of a group add, and the two that add most in its direction; FEATURE_COUNT: none
 * does. */
struct group {
    enum feature_group id;
    double contribution;
    enum feature_id first, second;
};

static int strongest_first(const void *a, const void *b)
{
    const struct group *x = a;
    const struct group *y = b;
    double dx = fabs(x->contribution);
    double dy = fabs(y->contribution);
    if (dx != dy) {
        return dx < dy ? 1 : -1;
    }
    /* a fixed order of equals: the same cart is told the same reasons */
    return (int)x->id - (int)y->id;
}

/* One pass for the groups' sums, one for their features: an answer waits for this. */
static void gather(const double moved[FEATURE_COUNT], struct group out[GROUP_COUNT])
{
    for (int g = 0; g < GROUP_COUNT; g++) {
        out[g] = (struct group){
            .id = (enum feature_group)g, .first = FEATURE_COUNT, .second = FEATURE_COUNT};
    }
    for (int f = 0; f < FEATURE_COUNT; f++) {
        out[feature_def((enum feature_id)f)->group].contribution += moved[f];
    }
    for (int f = 0; f < FEATURE_COUNT; f++) {
        struct group *g = &out[feature_def((enum feature_id)f)->group];
        /* What pulls against its group is no reason for what the group did. NaN is none either. */
        if (!(moved[f] * g->contribution > 0)) {
            continue;
        }
        if (g->first == FEATURE_COUNT || fabs(moved[f]) > fabs(moved[g->first])) {
            g->second = g->first;
            g->first = (enum feature_id)f;
        } else if (g->second == FEATURE_COUNT || fabs(moved[f]) > fabs(moved[g->second])) {
            g->second = (enum feature_id)f;
        }
    }
}

static void tell(const struct features *x, const double moved[FEATURE_COUNT], const char *locale,
                 const struct group *g, struct risk_reason *out)
{
    char first[FEATURE_TEXT_MAX];
    char second[FEATURE_TEXT_MAX];
    out->group = g->id;
    out->feature = g->first;
    out->contribution = g->contribution;
    feature_words(x, g->first, locale, first);
    if (g->second == FEATURE_COUNT ||
        fabs(moved[g->second]) < SECOND_SHARE * fabs(moved[g->first])) {
        (void)snprintf(out->text, sizeof out->text, "%s", first);
        return;
    }
    (void)snprintf(out->text, sizeof out->text, "%s, %s", first,
                   feature_words(x, g->second, locale, second));
}

/* What each feature adds to the calibrated margin beyond what it adds to a usual cart. The
 * calibration's slope scales them all; its own part is the idle time's, which it depends on. */
static void moved_by(const struct risk *r, const struct risk_example *x,
                     double moved[FEATURE_COUNT])
{
    double slope;
    double intercept;
    double usual = r->usual_rest;
    calib_curve_at(&r->time, risk_position(x), &slope, &intercept);
    /* what no feature has, less the usual: the same for all rows but for rounding */
    double rest = learner_contributions(r->learner, x->cells, moved) - r->usual_rest;
    for (int f = 0; f < FEATURE_COUNT; f++) {
        usual += r->usual[f];
        moved[f] = slope * (moved[f] - r->usual[f]);
    }
    /* With m the raw margin, the sum over all is slope m + intercept - usual: the calibrated margin
     * against the usual cart's raw one, which risk_usual_logit tells. */
    moved[FEATURE_IDLE] += slope * rest + intercept + (slope - 1) * usual;
}

int risk_reasons(const struct risk *r, const struct features *x, const char *locale,
                 struct risk_reason *out, int max)
{
    assert(max >= 0);
    if (!r->is_blend) {
        return 0;
    }
    struct group all[GROUP_COUNT];
    double moved[FEATURE_COUNT];
    struct risk_example example = risk_flatten(x);
    int count = 0;
    moved_by(r, &example, moved);
    gather(moved, all);
    /* a group that moved nothing has no first feature and is overwritten by the next */
    for (int g = 0; g < GROUP_COUNT; g++) {
        all[count] = all[g];
        count += all[g].first != FEATURE_COUNT;
    }
    qsort(all, (size_t)count, sizeof *all, strongest_first);
    count = count < max ? count : max;
    for (int i = 0; i < count; i++) {
        tell(x, moved, locale, &all[i], &out[i]);
    }
    return count;
}

double risk_base_logit(double rate)
{
    /* the bounds of calib_apply: a rate of 0 or 1 has no logit */
    double p = fmin(fmax(rate, 1e-9), 1 - 1e-9);
    return log(p / (1 - p));
}

double risk_usual_logit(const struct risk *r)
{
    double margin = r->is_blend ? r->usual_rest : risk_base_logit(r->rate);
    for (int f = 0; r->is_blend && f < FEATURE_COUNT; f++) {
        margin += r->usual[f];
    }
    return margin + r->shift;
}
