#ifndef DOMAIN_RISK_H
#define DOMAIN_RISK_H

#include "base/err.h"
#include "domain/features.h"
#include "domain/shopper.h"
#include "ml/model_file.h"

/* P(the shopper buys nothing within the model's horizon | state now). Two algorithms serve through
 * the same face: "fm" (logistic factorization machine on binned features, Platt-calibrated) and
 * "base_rate" (one number). Immutable; used by many threads. */
struct risk;

CAN_FAIL bool risk_load(struct model_file *file, const char *version, struct risk **out,
                        struct err *err); /* owns the file afterwards */
void risk_free(struct risk **r);
const char *risk_version(const struct risk *r);
const char *risk_algorithm(const struct risk *r);
int64_t risk_horizon_us(const struct risk *r);

double risk_probability(const struct risk *r, const struct features *x); /* 0..1, never NaN */

/* What moved the score, strongest first: groups of features, signed contribution in logit
 * (positive: towards losing the cart), in words with the value ("shipping cost of $9.90 was shown",
 * "12 idle minutes"). At most max; 0 for base_rate. */
struct risk_reason {
    enum feature_id feature;
    double contribution;
    char text[120];
};
int risk_reasons(const struct risk *r, const struct features *x, const char *locale,
                 struct risk_reason *out, int max);

#endif
