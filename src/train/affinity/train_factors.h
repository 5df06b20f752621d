#ifndef TRAIN_AFFINITY_TRAIN_FACTORS_H
#define TRAIN_AFFINITY_TRAIN_FACTORS_H

#include "ml/als/als.h"
#include "train/common/training.h"

/* A factorization as `train` runs it: what it takes is told before it is taken, progress is shown (a bar on a terminal, one line a sweep with
 * --json, else nothing), and where `keep` is set, it goes on from the last checkpoint in the models directory and leaves new ones there: after
 * every sweep, unless the last one took more than a second and a tenth of the time since. A checkpoint that cannot be written is told once and costs nothing
 * else. Same bytes as als_train. */
struct train_factors {
    const struct training *t;
    const char *what; /* "before the cut" */
    bool keep;
};
CAN_FAIL bool train_factors(const struct train_factors *job, const struct csr *interactions,
                            const struct als_options *options, struct mat *out_shoppers,
                            struct mat *out_items, struct err *err);

/* The training has ended: its checkpoints are of no use any more. */
void train_factors_forget(const struct training *t);

#endif
