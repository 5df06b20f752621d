#ifndef TRAIN_RISK_RISK_SEGMENTS_H
#define TRAIN_RISK_RISK_SEGMENTS_H

#include "train/risk/train_rows.h"

/* The kinds of shoppers and carts that the risk is looked at apart for, in training's card and in the evaluation. */
struct risk_segment_range {
    const char *name; /* constant: "on a tablet" */
    enum feature_id feature;
    double low,
        high; /* low <= value < high, as risk_value gives it; missing values lie below all others */
};
enum { RISK_SEGMENTS = 14 };

/* Carts are small, middle or large by thirds of the known totals before the cut: what is judged draws none of its own bounds. */
void risk_segments_of(const struct moments *before, struct risk_segment_range out[RISK_SEGMENTS]);
bool risk_segment_has(const struct risk_segment_range *range, const struct risk_example *x);

#endif
