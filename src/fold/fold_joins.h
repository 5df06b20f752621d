#ifndef FOLD_FOLD_JOINS_H
#define FOLD_FOLD_JOINS_H

#include "domain/shopper/shopper_pages.h"
#include "store/refolding.h"

/* In arena. */
struct fold_joins {
    struct event *all; /* as shopper_page_join copies them */
    size_t count, room;
    struct page_stand_ins stand_ins;
};
/* Of what a shopper that is folded in pages keeps of all its events (store_refolding_facts) those that join it by a cart alone, or take that back, and which
 * events that were not whole were mended. most: read at once. */
CAN_FAIL bool fold_joins_read(struct db *db, struct history_key key, struct heavy_most most,
                              struct arena *a, struct fold_joins *out, struct err *err);
/* What is known by them before anything is learnt; base NULL: none. */
struct shopper *fold_joins_begin(const char *key, const struct shopper *base, struct fold_joins *j,
                                 struct arena *a);

#endif
