#ifndef FLOW_TRAIN_RISK_H
#define FLOW_TRAIN_RISK_H

#include "domain/risk_file.h"
#include "flow/train_internal.h"
#include "flow/train_moments.h"
#include "ml/fm.h"

/* What train_risk.c (moments, gate) and train_risk_fit.c (the machine) share. */

/* Moments by pointer, as a window of time selects them. Borrows. */
struct moments {
    const struct moment **all;
    int count;
};

struct risk_fit {
    struct trained file;
    struct fm_fit machine;
    int columns;
    int fit_rows;
    int calibration_rows; /* shoppers the machine has not seen: early stopping and calibration */
    double base_rate;     /* share of lost moments */
    struct platt calibration;
};

/* One machine from the moments. A fifth of the shoppers (by hash) is kept out of the steps: they stop the training and calibrate it, so that
 * moments of one cart never stand on both sides. Needs both labels among the others. card may look at *out, but for its file. */
typedef void risk_card_fn(void *ctx, const struct risk_fit *fit, struct buf *out);
CAN_FAIL bool risk_fit_machine(const struct training *t, const struct moments *m,
                               const struct risk_window *window, risk_card_fn *card, void *ctx,
                               struct risk_fit *out, struct err *err);
void risk_fit_free(struct risk_fit *fit);

#endif
