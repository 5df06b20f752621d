#ifndef TRAIN_AFFINITY_TRAIN_AFFINITY_REPEAT_H
#define TRAIN_AFFINITY_TRAIN_AFFINITY_REPEAT_H

#include "train/affinity/train_affinity.h"

/* After how long people buy a product again, by item of the training: what its category's purchases before until_us say. 0: its category is not
 * known, or what is in it is not bought again. Owned: free. */
int64_t *affinity_repeat_intervals(const struct affinity_training *a, int64_t until_us);

#endif
