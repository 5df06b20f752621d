#ifndef DOMAIN_RISK_RISK_H
#define DOMAIN_RISK_RISK_H

#include "base/err.h"
#include "domain/risk/features.h"
#include "domain/shopper/shopper.h"
#include "ml/file/model_file.h"

/* P(the shopper buys nothing within the model's horizon of this moment | state now). Three algorithms
 * serve through the same face: "blend" (ml/learner/learner.h: factorization machine and boosted trees,
 * calibrated), "base_rate" (one number) and "prior" (domain/risk/risk_prior.h: before anything was learnt). Immutable; used by many threads. */
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

/* Moves every score by so much in logit: the daily correction by matured labels. Before the model
 * is shared; replaces an earlier shift. */
void risk_shift(struct risk *r, double logit);
double risk_shift_of(const struct risk *r);

/* What each feature adds to the score beyond what it adds to that of a usual cart, in logit
 * (positive: towards losing the cart): logit(probability) = risk_usual_logit + their sum, within
 * 1e-4. false: the model has none (base_rate), and out is all 0. */
bool risk_contributions(const struct risk *r, const struct features *x, double out[FEATURE_COUNT]);
double risk_usual_logit(const struct risk *r);

/* ---- risk over time ----
 *
 * The clock starts at the shopper's last event. P(no purchase within the horizon of a moment) at
 * idle time u is the model at that moment: training has rows at log-spaced idle times from 30 s to
 * 14 d (train/risk/train_moments.h), each labelled by what happened within the horizon of it, whatever
 * the shopper did in between. So nothing has to be composed over other events on the way: "another
 * event ends this state" is a fact about the next state, not about the label. Moments whose horizon
 * ends after the log are not labelled (the log's end does not depend on the shopper, so leaving
 * them out biases nothing). */
enum { RISK_CURVE_MAX = 16 };
#define RISK_CURVE_END_US INT64_C(1209600000000) /* 14 days without an event */

struct risk_point {
    int64_t at_us;
    double probability;
};

/* The score now, and what it will be if nothing happens until then: now, then the idle times of a
 * log-spaced grid still to come, up to RISK_CURVE_END_US after the last event. Returns how many: at
 * least 1, and just 1 for base_rate, which does not change. */
int risk_curve(const struct risk *r, const struct shopper *s, const struct cart *c, int64_t now_us,
               const struct feature_context *context, struct risk_point out[RISK_CURVE_MAX]);

/* Read from the curve. */
struct risk_outlook {
    bool too_early;        /* silence alone will make it time to speak */
    int64_t look_again_us; /* when: the cart is abandoned then and the risk at the threshold, to the
                              second (linear between points); 0 where it is not too early */
};
/* abandoned_us: when the cart is abandoned if nothing happens, or was. */
struct risk_outlook risk_outlook_of(const struct risk_point *curve, int count, double threshold,
                                    int64_t abandoned_us);

/* ---- risk by horizon ----
 *
 * P(no purchase within h of now | state now, idle time included) for every h up to
 * RISK_AHEAD_END_US: a discrete-time survival model of the time until the shopper buys (Singer and
 * Willett 1993; Tutz and Schmid 2016), whatever the shopper does in between, as landmarking has it
 * (van Houwelingen 2007). The time ahead is parted at 30 s .. 14 d; the same learner says for each
 * interval how likely a purchase falls into it if none came before (domain/risk/risk_ahead.h). Whoever
 * buys in no interval is gone: leaving for good gives no sign, so it is the outcome that is left
 * and has no interval of its own. A log that ends too early only takes intervals away, not the
 * moment (right censoring).
 *
 * At the model's own horizon the curve goes through risk_probability: it is that score and its
 * daily correction which are judged, and the intervals say how it spreads over time. */
#define RISK_AHEAD_END_US INT64_C(1209600000000) /* 14 days */
enum { RISK_AHEAD_INTERVALS = 13 };

struct risk_within {
    int64_t within_us;
    double no_purchase; /* falls with within_us; at RISK_AHEAD_END_US: gone */
};

/* At the end of every interval. Returns how many: RISK_AHEAD_INTERVALS, or 1, the model's own
 * horizon, where it has no intervals (base_rate, or too little to learn them from). */
int risk_ahead(const struct risk *r, const struct features *x,
               struct risk_within out[RISK_AHEAD_INTERVALS]);

#endif
