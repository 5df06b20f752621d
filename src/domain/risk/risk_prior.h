#ifndef DOMAIN_RISK_RISK_PRIOR_H
#define DOMAIN_RISK_RISK_PRIOR_H

#include "base/jenc.h"
#include "domain/risk/risk.h"

/* The risk model that a shop starts with, number 0 of its kind: nothing of it was learnt, all of it was published. How many carts are never bought, and
 * when those who buy do so; from both the chance that a cart that has been still for so long is bought within a time. It serves through the same face as
 * the others (algorithm "prior"): with a curve and by horizon; all that moves it is the idle time. */
#define RISK_PRIOR_VERSION "risk-prior-0"

/* For any horizon above 0; free with risk_free. */
struct risk *risk_prior_make(int64_t horizon_us);

/* What lies between the lowest and the highest of the published studies, for the same moment and with the same daily correction. False: it is no prior,
 * and has no such range. */
bool risk_prior_range(const struct risk *r, const struct features *x, double *out_low,
                      double *out_high);

/* The members of its card, with sources and dates, into an object that is open. */
void risk_prior_card(struct jenc *j);

#endif
