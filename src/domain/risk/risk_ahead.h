#ifndef DOMAIN_RISK_RISK_AHEAD_H
#define DOMAIN_RISK_RISK_AHEAD_H

#include "base/buf.h"
#include "base/err.h"
#include "domain/risk/risk.h"
#include "domain/risk/risk_encode.h"

#include <stdint.h>

/* The time ahead of a moment in intervals (survival in discrete time: the learner tells the hazard
 * of each), and the learner's rows for them: the ONE place where this happens, for training and for
 * serving. Interval i ends at risk_ahead_ends()[i] and begins where the one before ends, the first
 * at once. */
const int64_t *
risk_ahead_ends(void); /* (RISK_AHEAD_INTERVALS) ascending, log-spaced, 30 s to 14 d */

/* A row of the learner: the features of the moment, and which interval. */
enum { RISK_AHEAD_COLUMNS = FEATURE_COUNT + 1 };
void risk_ahead_row(const struct risk_example *x, int interval,
                    union learner_cell out[RISK_AHEAD_COLUMNS]);
void risk_ahead_kinds(uint8_t out[RISK_AHEAD_COLUMNS]);

/* The learner of RISK_AHEAD_COLUMNS columns as bytes within a risk model's file; *out is owned by
 * the caller (buf_free). */
CAN_FAIL bool risk_ahead_write(const struct learner *l, struct buf *out, struct err *err);

/* False: base_rate, or there was too little to learn intervals from. */
bool risk_has_ahead(const struct risk *r);

/* What risk_ahead answers for a flat example, at any horizon above 0 (longer ones than
 * RISK_AHEAD_END_US count as it). The model must have intervals. */
double risk_no_purchase_within(const struct risk *r, const struct risk_example *x,
                               int64_t within_us);

#endif
