#ifndef DOMAIN_RISK_RISK_FILE_H
#define DOMAIN_RISK_RISK_FILE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "domain/risk/risk.h"
#include "domain/risk/risk_encode.h"
#include "ml/judge/calib_curve.h"

#include <stdint.h>

/* How training writes a risk model and judges it; serving needs risk.h only. */

/* What a risk model learnt from. */
struct risk_window {
    int64_t from_us;
    int64_t as_of_us;
    int64_t horizon_us;
};

/* Borrows everything. */
struct risk_parts {
    struct risk_window window;
    const struct learner *learner; /* of FEATURE_COUNT columns, kinds by risk_kinds */
    struct calib_curve time;       /* of its margins, over risk_position */
    const double
        *usual; /* (FEATURE_COUNT): mean contribution of each feature over the training examples */
    double usual_rest;           /* what no feature has (learner_contributions) */
    const struct learner *ahead; /* of intervals (risk_ahead.h), or NULL */
    const char *card;            /* JSON */
};

/* The bytes of a model file and their SHA-256; *out is owned by the caller (buf_free). */
CAN_FAIL bool risk_write_blend(const struct risk_parts *parts, struct buf *out,
                               uint8_t out_sha256[SHA256_BYTES], struct err *err);
CAN_FAIL bool risk_write_base_rate(double rate, const struct risk_window *window, const char *card,
                                   struct buf *out, uint8_t out_sha256[SHA256_BYTES],
                                   struct err *err);

/* The score of a flat example: what risk_probability computes after risk_flatten. */
double risk_probability_of(const struct risk *r, const struct risk_example *x);

#endif
