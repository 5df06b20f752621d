#ifndef FOLD_FOLD_HEAVY_H
#define FOLD_FOLD_HEAVY_H

#include "fold/fold_batch.h"

/* Shoppers of heavy_events or more, for fold_batch.c only. */

/* Folds those that ask for a refold from their checkpoints, as far as these do. Who would take more than a batch has time for waits from
 * now on (k->waits), unless it is alone; what is left asks for its history (k->refold). Those that are in order and have grown by
 * heavy_events are folded again as well, so that their checkpoints come along. */
CAN_FAIL bool fold_heavy_try(struct fold_batch *b, struct db *db, struct err *err);
/* Folds one shopper from its whole history, which was read, and keeps checkpoints if it is heavy. base: NULL, none. k->after is
 * in arena a. */
CAN_FAIL bool fold_heavy_whole(struct fold_batch *b, struct fold_key *k, const char *base,
                               struct arena *a, struct db *db, struct err *err);

#endif
