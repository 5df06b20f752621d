#ifndef EVALUATE_EVALUATE_INTERNAL_H
#define EVALUATE_EVALUATE_INTERNAL_H

#include "base/clock.h"
#include "evaluate/evaluate.h"
#include "evaluate/report.h"
#include "train/train_internal.h"

/* What the evaluate*.c files share; nobody else includes this. */

/* Results as they leave, whichever was asked for. All start empty; filled by the kind's own file. */
struct evaluated {
    struct buf text;
    struct buf json;
    struct buf page; /* left empty where no report was asked for */
};

/* t: connected, log not read yet. */
CAN_FAIL bool evaluate_affinity(struct training *t, const struct evaluate_options *o,
                                struct evaluated *out, struct err *err);

CAN_FAIL bool evaluate_risk(struct training *t, const struct evaluate_options *o,
                            struct evaluated *out, struct err *err);

/* A cut that was asked for has to leave something of the log on both sides: ERR_REFUSED, naming the log's ends. */
CAN_FAIL bool evaluate_cut_check(const struct training *t, int64_t cut_us, struct err *err);

/* "2026-11-22 09:00 UTC". Returns out. */
char *evaluate_time_text(int64_t us, char out[CLOCK_TEXT_MAX]);

#endif
