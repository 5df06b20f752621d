#ifndef STORE_STALE_H
#define STORE_STALE_H

#include "store/history.h"

/* Shoppers of very many events whose past is folded again by itself (sql/migrations/0020_stale_shoppers.sql). When, fold/ says. */

/* In the transaction that moves the cursors of their lanes past their events. */
CAN_FAIL bool store_stale_mark(struct db *db, const struct history_keys *keys, struct err *err);
/* The same of those to whom more is on its way, in the transaction that tells them some of it, before it does: they are not due for so long. */
CAN_FAIL bool store_stale_await(struct db *db, const struct history_keys *keys, int64_t us,
                                struct err *err);
/* All of it is there: they rest no longer than pause times what they took last. */
CAN_FAIL bool store_stale_arrived(struct db *db, const struct history_keys *keys, int64_t pause,
                                  struct err *err);

/* Of some lanes the one that has been due longest, if any is (key in arena, NULL: none is). It is due again only after pause times what it took
 * last, at least at_least_us. */
struct stale_turn {
    int64_t at_least_us;
    int64_t pause;
};
CAN_FAIL bool store_stale_claim(struct db *db, const int32_t *lanes, size_t count,
                                const struct stale_turn *turn, struct arena *a,
                                struct history_key *out, struct err *err);
/* All of these lanes are due now. */
CAN_FAIL bool store_stale_hasten(struct db *db, const int32_t *lanes, size_t count,
                                 struct err *err);
/* It took so long, and rests for rest_us; folded: it is stale no more. */
CAN_FAIL bool store_stale_took(struct db *db, struct history_key key, int64_t took_us,
                               int64_t rest_us, bool folded, struct err *err);

#endif
