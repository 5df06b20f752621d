/* Why a cart's risk is what it is, in numbers: the learner's exact contributions, feature by feature,
 * against those of a usual cart. What is said of them to people is domain/speak/reasons.h. */
#include "domain/risk/risk.h"
#include "domain/risk/risk_internal.h"

#include <math.h>
#include <string.h>

bool risk_contributions(const struct risk *r, const struct features *x, double out[FEATURE_COUNT])
{
    double slope;
    double intercept;
    double usual = r->usual_rest;

    if (!r->is_blend && !r->is_prior) {
        memset(out, 0, FEATURE_COUNT * sizeof *out);
        return false;
    }
    const struct risk_example example = risk_flatten(x);
    if (r->is_prior) {
        memset(out, 0, FEATURE_COUNT * sizeof *out);
        out[FEATURE_IDLE] = risk_prior_margin(r, &example) - risk_prior_usual(r);
        return true;
    }
    /* The calibration's slope scales them all; its own part is the idle time's, which it depends on. */
    calib_curve_at(&r->time, risk_position(&example), &slope, &intercept);
    /* what no feature has, less the usual: the same for all rows but for rounding */
    const double rest = learner_contributions(r->learner, example.cells, out) - r->usual_rest;
    for (int f = 0; f < FEATURE_COUNT; f++) {
        usual += r->usual[f];
        out[f] = slope * (out[f] - r->usual[f]);
    }
    /* With m the raw margin, the sum over all is slope m + intercept - usual: the calibrated margin
     * against the usual cart's raw one, which risk_usual_logit tells. */
    out[FEATURE_IDLE] += slope * rest + intercept + (slope - 1) * usual;
    return true;
}

double risk_base_logit(double rate)
{
    /* the bounds of calib_apply: a rate of 0 or 1 has no logit */
    double p = fmin(fmax(rate, 1e-9), 1 - 1e-9);
    return log(p / (1 - p));
}

double risk_usual_logit(const struct risk *r)
{
    double margin = r->is_blend   ? r->usual_rest
                    : r->is_prior ? risk_prior_usual(r)
                                  : risk_base_logit(r->rate);
    for (int f = 0; r->is_blend && f < FEATURE_COUNT; f++) {
        margin += r->usual[f];
    }
    return margin + r->shift;
}
