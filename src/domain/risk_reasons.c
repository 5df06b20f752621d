/* Why a cart's risk is what it is: the learner's exact contributions, group by group, against those of
 * a usual cart. */
#include "domain/risk.h"
#include "domain/risk_internal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A second feature is told where it adds at least so much of what the first one does. */
static const double SECOND_SHARE = 0.5;

static int strongest_first(const void *a, const void *b)
{
    const struct risk_reason *x = a;
    const struct risk_reason *y = b;
    double dx = fabs(x->contribution);
    double dy = fabs(y->contribution);
    if (dx != dy) {
        return dx < dy ? 1 : -1;
    }
    return (int)x->group - (int)y->group;
}

/* The feature of the group that adds most in the direction of sign, other than `but`; FEATURE_COUNT:
 * none does. */
static enum feature_id leader(const double moved[FEATURE_COUNT], enum feature_group group,
                              double sign, enum feature_id but)
{
    enum feature_id best = FEATURE_COUNT;
    for (int f = 0; f < FEATURE_COUNT; f++) {
        enum feature_id id = (enum feature_id)f;
        bool candidate = id != but && feature_def(id)->group == group && moved[f] * sign > 0;
        if (candidate && (best == FEATURE_COUNT || moved[f] * sign > moved[best] * sign)) {
            best = id;
        }
    }
    return best;
}

static void tell(const struct features *x, const double moved[FEATURE_COUNT], const char *locale,
                 struct risk_reason *reason)
{
    char first[FEATURE_TEXT_MAX];
    char second[FEATURE_TEXT_MAX];
    enum feature_id next = leader(moved, reason->group, reason->contribution, reason->feature);
    feature_words(x, reason->feature, locale, first);
    if (next == FEATURE_COUNT || fabs(moved[next]) < SECOND_SHARE * fabs(moved[reason->feature])) {
        (void)snprintf(reason->text, sizeof reason->text, "%s", first);
        return;
    }
    (void)snprintf(reason->text, sizeof reason->text, "%s, %s", first,
                   feature_words(x, next, locale, second));
}

/* What each feature adds to the calibrated margin beyond what it adds to a usual cart. The calibration's slope scales them all; its own part is the idle
 * time's, which it depends on. */
static void moved_by(const struct risk *r, const struct risk_example *x,
                     double moved[FEATURE_COUNT])
{
    double slope;
    double intercept;
    double usual = r->usual_rest;
    calib_curve_at(&r->time, risk_position(x), &slope, &intercept);
    double rest = learner_contributions(r->learner, x->cells, moved) - r->usual_rest;
    for (int f = 0; f < FEATURE_COUNT; f++) {
        usual += r->usual[f];
        moved[f] = slope * (moved[f] - r->usual[f]);
    }
    moved[FEATURE_IDLE] += slope * rest + intercept + (slope - 1) * usual;
}

int risk_reasons(const struct risk *r, const struct features *x, const char *locale,
                 struct risk_reason *out, int max)
{
    assert(max >= 0);
    if (!r->is_blend) {
        return 0;
    }
    struct risk_reason all[GROUP_COUNT] = {0};
    double moved[FEATURE_COUNT];
    struct risk_example example = risk_flatten(x);
    int count = 0;
    moved_by(r, &example, moved);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        all[feature_def((enum feature_id)f)->group].contribution += moved[f];
    }
    for (int g = 0; g < GROUP_COUNT; g++) {
        struct risk_reason reason = {.group = (enum feature_group)g,
                                     .contribution = all[g].contribution};
        reason.feature = leader(moved, reason.group, reason.contribution, FEATURE_COUNT);
        if (reason.feature != FEATURE_COUNT) {
            all[count++] = reason;
        }
    }
    qsort(all, (size_t)count, sizeof *all, strongest_first);
    count = count < max ? count : max;
    for (int i = 0; i < count; i++) {
        out[i] = all[i];
        tell(x, moved, locale, &out[i]);
    }
    return count;
}

double risk_base_logit(double rate)
{
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
