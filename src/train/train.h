#ifndef TRAIN_TRAIN_H
#define TRAIN_TRAIN_H

#include "base/config.h"
#include "base/err.h"
#include "store/private/database.h"

#include <stdio.h>

/* Training: log -> fold -> examples -> model + its baseline -> gate on a later time window -> rows,
 * files, promotion. Same log, as_of and seed give the same bytes. */
enum train_kind { TRAIN_AFFINITY = 1, TRAIN_RISK = 2, TRAIN_ALL = 3 };
struct train_options {
    enum train_kind kind;
    int64_t as_of_us; /* INT64_MAX: everything in the log */
    uint64_t seed;
    int64_t horizon_us; /* label horizon of risk */
    bool json;          /* one JSON line a step on out, else text */
    FILE *out;
};
struct train_result {
    char version[64]; /* what serves now */
    char trained[64]; /* the challenger; "" where none could be trained */
    bool promoted;    /* the challenger beat baseline and champion */
    char reason[256]; /* the gate's verdict in words */
};
/* Results for affinity and risk (the part not asked for is untouched). A challenger that loses is
 * stored as refused and the baseline (or the champion) serves: that is no failure. Too little data
 * for any model: ERR_REFUSED with what is missing. */
CAN_FAIL bool train_run(const struct database *database, const struct config *config,
                        const struct train_options *options, struct train_result *out_affinity,
                        struct train_result *out_risk, struct err *err);

#endif
