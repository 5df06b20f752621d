#ifndef DOMAIN_RISK_RISK_ENCODE_H
#define DOMAIN_RISK_RISK_ENCODE_H

#include "base/hash.h"
#include "domain/risk/features.h"
#include "ml/learner/learner.h"

#include <stdint.h>

/* From features to a row of the learner (ml/learner/learner.h): the ONE place where this happens, for
 * training and for serving. Numbers and flags stay as they are, NaN for missing; an id becomes a
 * hash of its text, 0 for missing. Bins, and what to do with an id never seen, are the learner's
 * business. */
struct risk_example {
    union learner_cell cells[FEATURE_COUNT];
};
struct risk_example risk_flatten(const struct features *x);

/* One feature of it as a number, for who compares and sorts rows: an id's is as good as another,
 * but the same for the same text; RISK_MISSING where it is missing (no feature is negative). */
#define RISK_MISSING (-1.0)
double risk_value(const struct risk_example *x, enum feature_id f);

/* (FEATURE_COUNT) enum learner_kind of each feature. */
void risk_kinds(uint8_t out[FEATURE_COUNT]);

/* Where a row lies on the axis of time calibration: log2(1 + idle / 30 s). */
double risk_position(const struct risk_example *x);

/* SHA-256 of the feature table and of this layout: a model of another schema would read other
 * numbers. */
void risk_schema(uint8_t out[SHA256_BYTES]);

#endif
