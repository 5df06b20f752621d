#ifndef TRAIN_RISK_TRAIN_RISK_H
#define TRAIN_RISK_TRAIN_RISK_H

#include "domain/risk/risk_file.h"
#include "train/common/champion.h"
#include "train/risk/train_rows.h"

/* Training of the risk model: takes the log's shoppers one by one, and then makes, judges and stores. */
struct risk_training;
CAN_FAIL bool risk_training_new(const struct training *t, struct risk_training **out,
                                struct err *err);
void risk_training_free(struct risk_training **r);
CAN_FAIL bool risk_training_key(struct risk_training *r, const struct train_key *k,
                                struct err *err);
CAN_FAIL bool risk_training_finish(struct risk_training *r, struct train_result *out,
                                   struct err *err);

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
/* Trains what training would have made at the cut (INT64_MIN: training's own cut) and hands the
 * later window to fn; stores nothing. Fails with ERR_REFUSED where that is too little. */
CAN_FAIL bool risk_training_later(struct risk_training *training, int64_t cut_us, risk_later_fn *fn,
                                  void *ctx, struct err *err);

#endif
