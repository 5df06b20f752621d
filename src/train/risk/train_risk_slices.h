#ifndef TRAIN_RISK_TRAIN_RISK_SLICES_H
#define TRAIN_RISK_TRAIN_RISK_SLICES_H

#include "train/risk/risk_segments.h"

/* The later window by segment, for the gate's card. */
enum { RISK_SLICE_MODELS = 4 };

struct risk_slice {
    const char *name; /* constant */
    int rows;
    double lost_share;
    double log_loss[RISK_SLICE_MODELS]; /* in the order of p; 0 where that is NULL */
    double auc;                         /* of p[0]; .5 where all went one way */
};

/* The segments of `after`, their bounds taken from `before` the cut. labels and each p have after->count entries, p[0] is not
 * NULL; a segment without rows is left out. Returns how many. */
int risk_slices(const struct moments *before, const struct moments *after, const uint8_t *labels,
                const double *const p[RISK_SLICE_MODELS], struct risk_slice out[RISK_SEGMENTS]);

#endif
