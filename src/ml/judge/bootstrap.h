#ifndef ML_JUDGE_BOOTSTRAP_H
#define ML_JUDGE_BOOTSTRAP_H

#include <stdint.h>

/* Intervals by resampling (Efron's percentile bootstrap): what else the same measure might have been on as many other shoppers. Seeded. */
struct interval {
    double value; /* on the data itself */
    double low;   /* 2.5 % of the resamples lie below */
    double high;  /* 2.5 % lie above */
};

enum { BOOTSTRAP_ROUNDS = 1000 };

/* Mean of values, one a shopper; {0} for none, low = high = value for one. */
struct interval bootstrap_mean(const double *values, int count, uint64_t seed);

/* A measure of rows drawn with replacement, whole groups at a time (the moments of one shopper stay together): fn sees row numbers, some of them
 * more than once. group: (rows) 0 .. groups-1. rounds: resamples (>= 2), for measures that are dear. */
typedef double bootstrap_measure(void *ctx, const int32_t *rows, int count);
struct bootstrap_rows {
    const int32_t *group;
    int count;
    int groups;
    int rounds;
    uint64_t seed;
};
/* A measure: the mean of ctx, which is double values[rows]. */
double bootstrap_row_mean(void *ctx, const int32_t *rows, int count);
struct interval bootstrap_groups(const struct bootstrap_rows *rows, bootstrap_measure *fn,
                                 void *ctx);

#endif
