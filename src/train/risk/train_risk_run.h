#ifndef TRAIN_RISK_TRAIN_RISK_RUN_H
#define TRAIN_RISK_TRAIN_RISK_RUN_H

#include "train/common/train_gate.h"
#include "train/risk/risk_drift.h"
#include "train/risk/train_risk_ahead.h"
#include "train/risk/train_risk_choice.h"
#include "train/risk/train_risk_fit.h"
#include "train/risk/train_risk_slices.h"

/* One run of a training: train_risk.c fills it, train_risk_judge.c judges it, train_risk_tell.c tells it. */

struct risk_quality {
    struct learner_measure measure;
    double ece;
};

/* Everything the two halves of a training share. */
struct risk_run {
    const struct training *t;
    struct risk_window window;
    struct moments seen;  /* all, by time */
    struct moments known; /* the first of them: labelled */
    int64_t cut_us;
    struct moments before; /* moments whose outcome was known at the cut */
    struct moments after;
    int shoppers_after;
    int32_t *shopper_of; /* (after.count) 0 .. shoppers_after-1 */
    struct champion champion;
    bool champion_judged;
    struct risk_fit judged; /* trained on what was before the cut */
    struct risk_fit kept;   /* trained on everything */
    double before_rate;
    double known_rate;
    struct risk_quality challenger, baseline, logistic, rival;
    struct risk_slice slices[RISK_SEGMENTS];
    int slice_count;
    struct risk_horizon ahead[RISK_AHEAD_INTERVALS]; /* of the challenger */
    struct risk_drift drift; /* of the features, from before the cut to after it */
    double psi_score; /* of the challenger's, from the first half after the cut to the second */
    struct verdict verdict;
    struct risk_choice choice;
    /* of what was chosen to the logistic regression that stands for it; 0: what was chosen stands
     * itself */
    double behind;
};

#endif
