#ifndef TRAIN_TRAIN_H
#define TRAIN_TRAIN_H

#include "base/config.h"
#include "base/err.h"
#include "store/database.h"
#include "train/common/train_options.h"

/* Training: log -> fold -> examples -> model + its baseline -> gate on a later time window -> rows,
 * files, promotion. Same log, as_of and seed give the same bytes.
 *
 * Results for affinity and risk (the part not asked for is untouched). A challenger that loses is
 * stored as refused and the baseline (or the champion) serves: that is no failure. Too little data
 * for any model: ERR_REFUSED with what is missing. */
CAN_FAIL bool train_run(const struct database *database, const struct config *config,
                        const struct train_options *options, struct train_result *out_affinity,
                        struct train_result *out_risk, struct err *err);

#endif
