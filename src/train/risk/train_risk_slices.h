#ifndef TRAIN_RISK_TRAIN_RISK_SLICES_H
#define TRAIN_RISK_TRAIN_RISK_SLICES_H

#include "train/risk/train_risk.h"

/* The later window by segment, for the gate's card: new and returning shoppers, device, cart value
 * in thirds. */
enum { RISK_SLICES_MAX = 12, RISK_SLICE_MODELS = 4 };

struct risk_slice {
    const char *name; /* constant */
    int rows;
    double lost_share;
    double log_loss[RISK_SLICE_MODELS]; /* in the order of p; 0 where that is NULL */
    double auc;                         /* of p[0]; .5 where all went one way */
};

/* labels and each p have moments->count entries, p[0] is not NULL; a segment without rows is left
 * out. Returns how many. */
int risk_slices(const struct moments *moments, const uint8_t *labels,
                const double *const p[RISK_SLICE_MODELS], struct risk_slice out[RISK_SLICES_MAX]);

#endif
