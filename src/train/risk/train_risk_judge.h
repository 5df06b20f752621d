#ifndef TRAIN_RISK_TRAIN_RISK_JUDGE_H
#define TRAIN_RISK_TRAIN_RISK_JUDGE_H

#include "train/risk/train_risk_run.h"

/* The later window: everybody's figures on it, and the gate's verdict. */

/* Opens what was trained before the cut (owned by the caller: risk_free), numbers the shoppers of the later window (keys: of
 * the whole log) and says whether the champion can be judged beside it. */
CAN_FAIL bool risk_run_open(struct risk_run *r, int32_t keys, struct risk **out_challenger,
                            struct err *err);
/* Judges r->judged beside the base rate, logistic regression and the champion. */
CAN_FAIL bool risk_run_judge(struct risk_run *r, int32_t keys, struct err *err);

#endif
