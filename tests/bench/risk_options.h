#ifndef BENCH_RISK_OPTIONS_H
#define BENCH_RISK_OPTIONS_H

#include "bench/risk_rows.h"

/* What eval_risk is asked for; texts are borrowed from the command line. */
struct risk_options {
    const char *train, *test;
    struct risk_columns columns;
    int folds;
    const char *where_column, *where_values;
    double refit_share;
    int seed, repeat, threads;
    bool peers;
};

enum { REPEAT_MAX = 100 };

extern const char risk_usage[];

/* Fails with ERR_INVALID, which names the option. */
CAN_FAIL bool risk_options_parse(int argc, char **argv, struct risk_options *o, struct err *err);

#endif
