#ifndef TRAIN_COMMON_TRAIN_OPTIONS_H
#define TRAIN_COMMON_TRAIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The least that any model is learnt from: interactions of the affinity, moments of the risk. A log with fewer events has neither. */
enum { TRAIN_EVENTS_MIN = 10 };

/* What a training is asked for, and what came of it. */
enum train_kind { TRAIN_AFFINITY = 1, TRAIN_RISK = 2, TRAIN_ALL = 3 };
struct train_options {
    enum train_kind kind;
    int64_t as_of_us; /* INT64_MAX: everything in the log */
    uint64_t seed;
    int64_t horizon_us; /* label horizon of risk */
    int ahead_rows_max; /* rows that the learner of the time ahead is shown, at most; 0: see train_risk_ahead.h */
    bool spread_given; /* else chosen where it is free */
    double spread;     /* how often each product is wanted in lists, in parts of the mean of all */
    bool json;         /* one JSON line a step on out, else text */
    FILE *out;
};
struct train_result {
    char version[64]; /* what serves now */
    char trained[64]; /* the challenger; "" where none could be trained */
    bool promoted;    /* the challenger beat baseline and champion */
    char reason[256]; /* the gate's verdict in words */
};

#endif
