#ifndef TRAIN_RISK_TRAIN_RISK_SLICES_H
#define TRAIN_RISK_TRAIN_RISK_SLICES_H

#include "train/risk/risk_segments.h"

/* The later window by segment, for the gate's card. */
enum risk_slice_model {
    RISK_SLICE_CHALLENGER,
    RISK_SLICE_BASE_RATE,
    RISK_SLICE_LOGISTIC,
    RISK_SLICE_CHAMPION,
    RISK_SLICE_MODELS
};

struct risk_slice {
    const char *name; /* constant */
    int rows;
    double lost_share;
    double log_loss[RISK_SLICE_MODELS]; /* 0 where p is NULL */
    double auc;                         /* of the challenger; .5 where all went one way */
};

/* The segments of `after`, their bounds taken from `before` the cut. labels and each p have after->count entries, the
 * challenger's is not NULL; a segment without rows is left out. Returns how many. */
int risk_slices(const struct moments *before, const struct moments *after, const uint8_t *labels,
                const double *const p[RISK_SLICE_MODELS], struct risk_slice out[RISK_SEGMENTS]);

#endif
