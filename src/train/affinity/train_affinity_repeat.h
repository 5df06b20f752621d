#ifndef TRAIN_AFFINITY_TRAIN_AFFINITY_REPEAT_H
#define TRAIN_AFFINITY_TRAIN_AFFINITY_REPEAT_H

#include "train/affinity/train_affinity.h"

/* What the purchases of a category before until_us say of its products, by item of the training. Owned: affinity_repeats_free. */
struct affinity_repeats {
    int64_t *
        after_us; /* people buy the same one again; AFFINITY_NEVER_US: they do not; 0: too little is known */
    uint8_t *once; /* 1: who has bought one buys no other of the category either */
};
struct affinity_repeats affinity_repeats(const struct affinity_training *a, int64_t until_us);
void affinity_repeats_free(struct affinity_repeats *r);

#endif
