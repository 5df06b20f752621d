#ifndef EVALUATE_EVALUATE_H
#define EVALUATE_EVALUATE_H

#include "base/config.h"
#include "base/err.h"
#include "store/database.h"

#include <stdio.h>

/* How good the models are on the shop's own log: it is parted in two by time, models are trained on what lies before the cut, and judged beside
 * simple baselines on what came after it. Reads the log and stores no model; an evaluation of risk writes down the days of the shop that are
 * missing, as training does (train/risk/train_context.h). Same log, times and seed give the same figures. */
enum evaluate_kind { EVALUATE_AFFINITY, EVALUATE_RISK };

struct evaluate_options {
    enum evaluate_kind kind;
    int64_t as_of_us; /* end of the log that is used; INT64_MAX: everything */
    int64_t cut_us;   /* INT64_MIN: where training parts it */
    int64_t horizon_us;
    uint64_t seed;
    int ahead_rows_max; /* as in struct train_options */
    int k;              /* length of the lists that affinity is judged on: 1 .. EVALUATE_K_MAX */
    bool
        spread_given; /* affinity: picks are spread so far, whatever it costs; else as training would */
    double spread;      /* in parts of the mean number of shoppers of a product */
    bool json;          /* one JSON object on out, else a plain table */
    FILE *out;          /* results */
    FILE *progress;     /* steps, in words */
    const char *report; /* path of the HTML report to write; NULL: none */
};
enum { EVALUATE_K_MAX = 50 };

/* Too little data to judge anything: ERR_REFUSED with what is missing. */
CAN_FAIL bool evaluate_run(const struct database *database, const struct config *config,
                           const struct evaluate_options *options, struct err *err);

#endif
