#ifndef FOLD_FOLD_JOINS_H
#define FOLD_FOLD_JOINS_H

#include "domain/shop/event.h"
#include "store/refolding.h"

/* Of what a shopper that is folded in pages keeps of all its events (store_refolding_facts) those that join it by a cart alone, or take that back, as
 * shopper_page_join copies them; in arena. most: read at once. */
CAN_FAIL bool fold_joins_read(struct db *db, struct history_key key, struct heavy_most most,
                              struct arena *a, struct event **out, size_t *out_count,
                              struct err *err);

#endif
