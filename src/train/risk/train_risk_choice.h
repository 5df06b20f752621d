#ifndef TRAIN_RISK_TRAIN_RISK_CHOICE_H
#define TRAIN_RISK_TRAIN_RISK_CHOICE_H

#include "train/risk/train_risk_fit.h"

/* How the recipes do on the later part of the moments (labelled, by time), each trained on what was
 * known when that part began, and as the daily correction would have it. */
struct risk_choice {
    /* the plainest that none beats by a standard error; logistic regression where there is too
     * little to tell */
    enum risk_recipe recipe;
    int rows; /* that told; 0: too little */
    double log_loss[RISK_RECIPES];
};
CAN_FAIL bool risk_choose(const struct training *t, const struct moments *m, int64_t horizon_us,
                          struct risk_choice *out, struct err *err);
/* Whether the losses of the moments are lower than those of a plainer learner by more than one
 * standard error, each shopper one draw. */
bool risk_choice_beats(const struct moments *m, const double *losses, const double *plainer);

#endif
