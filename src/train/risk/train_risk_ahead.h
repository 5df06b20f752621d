#ifndef TRAIN_RISK_TRAIN_RISK_AHEAD_H
#define TRAIN_RISK_TRAIN_RISK_AHEAD_H

#include "base/jenc.h"
#include "domain/risk/risk.h"
#include "domain/risk/risk_ahead.h"
#include "train/common/training.h"
#include "train/risk/train_rows.h"

/* The learner of intervals (domain/risk/risk_ahead.h): a row for every interval of every moment that was
 * over when the log ended, up to the one with the purchase. */
enum { RISK_AHEAD_ROWS_MAX = 120000 };
struct risk_ahead_fit {
    int rows;                  /* taken, of all; 0: too few, there is no learner */
    int bought;                /* of these rows: a purchase falls into the interval */
    struct learner_fit learnt; /* as the rows were taken: purchases weigh more than they happen */
};

/* moments (by time, labelled or not) of a log that ended at as_of_us. Of more than rows_max rows
 * each outcome keeps a share, purchases the larger one, and what that does to the odds is taken
 * back. *out is owned by the caller (learner_free), and NULL where they are too few. */
CAN_FAIL bool risk_fit_ahead(const struct training *t, const struct moments *moments,
                             int64_t as_of_us, int rows_max, struct learner **out,
                             struct risk_ahead_fit *out_fit, struct err *err);

/* How a model's curve does by horizon: on all moments whose horizon ended with the log or before.
 * No rows at any of them where the model has no intervals. */
struct risk_horizon {
    int64_t within_us;
    int rows;
    double lost;      /* share without a purchase within it */
    double predicted; /* mean of what the model says */
    double brier, ece;
    double base_brier; /* of the share lost before the cut */
};
void risk_horizons_judge(const struct risk *model, const struct moments *before, int64_t cut_us,
                         const struct moments *after, int64_t as_of_us,
                         struct risk_horizon out[RISK_AHEAD_INTERVALS]);

/* The member "by_horizon": an array, one object for each horizon with rows. */
void risk_horizons_json(const struct risk_horizon horizons[RISK_AHEAD_INTERVALS], struct jenc *j);

#endif
