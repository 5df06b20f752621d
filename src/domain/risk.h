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

/* Checks the file (kind, schema, shapes, ranges, and that its self-test examples score as they did
 * in training) and takes it over: the caller's *file is then {0}. On failure the file stays the
 * caller's. */
CAN_FAIL bool risk_load(struct model_file *file, const char *version, struct risk **out,
                        struct err *err);
void risk_free(struct risk **r);
const char *risk_version(const struct risk *r);
const char *risk_algorithm(const struct risk *r);
int64_t risk_horizon_us(const struct risk *r);
int64_t risk_as_of_us(const struct risk *r); /* end of the log it was trained on */

double risk_probability(const struct risk *r, const struct features *x); /* 0..1, never NaN */

/* What moved the score away from that of a usual cart, strongest first: one row a feature, signed
 * contribution in logit (positive: towards losing the cart), in words with the value ("shipping
 * cost of $9.90 was shown", "12 minutes without any action"). At most max; 0 for base_rate.
 * logit(probability) = risk_usual_logit + the sum over all features. */
struct risk_reason {
    enum feature_id feature;
    double contribution;
    char text[120];
};
int risk_reasons(const struct risk *r, const struct features *x, const char *locale,
                 struct risk_reason *out, int max);
double risk_usual_logit(const struct risk *r);

#endif
