#ifndef TRAIN_COMMON_TRAIN_GATE_H
#define TRAIN_COMMON_TRAIN_GATE_H

#include "train/common/champion.h"

/* Scores of the contenders on the same later window, one value a shopper, higher is better. NULL: did not take part. */
struct contest {
    const char *metric; /* "NDCG@10" */
    const double *challenger;
    const double *baseline;
    const double *simple;    /* a learner so plain that one that is worse is not worth its keep */
    const char *simple_name; /* "logistic regression" */
    const double *champion;
    int count;        /* shoppers */
    double per;       /* values are divided by it to give the metric's mean */
    int64_t as_of_us; /* end of the log the challenger learnt from */
    uint64_t seed;
};
struct verdict {
    bool passed;            /* the challenger may serve */
    bool champion_stands;   /* if it may not: the champion keeps serving, else the baseline does */
    double gain;            /* challenger - baseline */
    double gain_error;      /* standard error of it, by bootstrap over shoppers */
    bool beats_baseline;    /* by more than chance */
    double behind_simple;   /* by more than chance; 0 otherwise */
    double behind_champion; /* 0 where it was not judged; below 0: better */
    char reason[256];
};
/* The challenger passes if it beats the baseline beyond chance (one-sided 95 %), is not beaten beyond chance by the simple learner, is not behind the
 * champion (its mean: a challenger as good has learnt from more), and learnt from no older log than the champion. */
struct verdict gate_judge(const struct contest *c, const struct champion *champion);
/* The verdict where no challenger could be trained or judged. */
struct verdict gate_without_challenger(const struct champion *champion, const char *why);

#endif
