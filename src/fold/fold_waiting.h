#ifndef FOLD_FOLD_WAITING_H
#define FOLD_FOLD_WAITING_H

#include "store/pg/db.h"

/* What was derived for lanes that others hold (store/derived.h), as last seen. For fold.c only; zero it at the start. */
struct fold_waiting {
    bool any;
    int lanes;
    int64_t since_us; /* monotonic, as the next */
    int64_t look_us;
};

/* Lets into their lanes what is waiting for them, as far as they are free. Whoever derived it may be gone: everybody looks now and then,
 * and in every pass who knows of some. */
CAN_FAIL bool waiting_let_in(struct fold_waiting *w, struct db *db, struct err *err);
/* Of a batch nobody knows whether it committed: something may wait. */
void waiting_forget(struct fold_waiting *w);
/* Since when, on the monotonic clock; INT64_MAX: nothing waits. */
int64_t waiting_since_us(const struct fold_waiting *w);

#endif
