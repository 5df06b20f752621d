#ifndef FOLD_FOLD_HEAVY_H
#define FOLD_FOLD_HEAVY_H

#include "domain/shopper/shopper_again.h"
#include "fold/fold_batch.h"
#include "store/heavy.h"

/* Shoppers of heavy_events or more, for fold/ only. */

/* So many events of one shopper are read at once where nobody waits for it: a page. heavy_events: the setting. */
int64_t fold_heavy_page(int64_t heavy_events);
/* How far from the end its first checkpoint lies; and checkpoints as they are stored, in arena. */
int64_t fold_heavy_spacing(int64_t heavy_events);
struct heavy_checkpoint *fold_heavy_rows(const struct checkpoints *notes, struct arena *a);

/* Folds those that ask for a refold from their checkpoints, as far as these do. Who would take more than a batch has time for waits from
 * now on (k->waits); alone, it is then too long (b->too_long) if its history is more than a page. What is left asks for its history (k->refold). Those that are in order and have grown by
 * heavy_events are folded again as well, so that their checkpoints come along. */
CAN_FAIL bool fold_heavy_try(struct fold_batch *b, struct db *db, struct err *err);
/* Folds one shopper from its whole history, which was read, and keeps checkpoints if it is heavy. base: NULL, none. k->after is
 * in arena a. */
CAN_FAIL bool fold_heavy_whole(struct fold_batch *b, struct fold_key *k, const char *base,
                               struct arena *a, struct db *db, struct err *err);

#endif
