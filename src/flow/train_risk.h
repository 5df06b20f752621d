#ifndef FLOW_TRAIN_RISK_H
#define FLOW_TRAIN_RISK_H

#include "domain/risk_file.h"
#include "flow/risk_drift.h"
#include "flow/train_internal.h"
#include "flow/train_moments.h"

/* What train_risk.c (moments, gate) and train_risk_fit.c (the learner) share. */

struct risk_fit {
    struct trained file;
    struct learner_fit learnt;
    bool logistic; /* nothing but logistic regression: asked for, or better on the rows held out */
    struct calib_curve time; /* of the learner's margins, by idle time */
};

/* What is asked for: a model of the window, with a card. */
typedef void risk_card_fn(void *ctx, const struct risk_fit *fit, struct buf *out);
struct risk_wish {
    struct risk_window window;
    risk_card_fn *card; /* may look at the fit, but for its file */
    void *ctx;
    bool
        logistic; /* nothing but risk_fit_logistic: neither other parts nor a calibration by idle time */
};

/* One learner from the moments; shoppers are held out as a whole to stop it and to weigh and calibrate its parts. Needs both labels among the
 * moments. */
CAN_FAIL bool risk_fit_learner(const struct training *t, const struct moments *m,
                               const struct risk_wish *wish, struct risk_fit *out, struct err *err);
void risk_fit_free(struct risk_fit *fit);

/* Logistic regression on the same rows: the simple learner of the gate. Owned: learner_free. */
CAN_FAIL bool risk_fit_logistic(const struct training *t, const struct moments *m,
                                struct learner **out, struct err *err);

/* The later window as training's gate sees it. Borrowed until the callback returns. */
struct risk_later {
    struct risk_window window;
    int64_t cut_us;
    const struct moments *before; /* their outcome was known at the cut */
    const struct moments *after;  /* labelled, by time */
    const int32_t *shopper_of;    /* (after->count) 0 .. shoppers-1 */
    int shoppers;
    double base_rate;              /* share lost before the cut */
    const struct risk *challenger; /* trained on what lies before the cut */
    const struct champion *champion;
    bool champion_judged; /* its log ended before the cut, and it foretells the same */
};
typedef bool risk_later_fn(void *ctx, const struct risk_later *later, struct err *err);
/* Trains what training would have made at the cut (INT64_MIN: training's own cut) and hands the later window to fn; stores nothing. Fails with
 * ERR_REFUSED where that is too little. */
CAN_FAIL bool risk_training_later(struct risk_training *training, int64_t cut_us, risk_later_fn *fn,
                                  void *ctx, struct err *err);

#endif
