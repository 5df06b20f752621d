#ifndef TRAIN_LOG_TRAIN_LOG_H
#define TRAIN_LOG_TRAIN_LOG_H

#include "domain/shopper/shopper.h"
#include "store/pg/db.h"

/* The log as training reads it: shopper by shopper, decoded and folded through the code that serves. */

struct train_log {
    int64_t events;
    int64_t refused; /* the decoder refused them: dead letters */
    int64_t shoppers;
    int64_t bots;
    int64_t first_us; /* 0 for an empty log */
    int64_t last_us;
};

/* One shopper. Everything is borrowed until the callback returns. */
struct train_key {
    const char *key;
    struct event *events; /* those that count, in the fold's order, then the others */
    size_t count;
    const struct shopper *base;  /* what retention left; NULL */
    const struct shopper *final; /* after all events */
    struct arena *arena;
};
/* False with *err untouched: enough, the reading ends early and succeeds. */
typedef bool train_key_fn(void *ctx, const struct train_key *k, struct err *err);

/* Calls fn, on the calling thread, for every shopper that is no bot and that owns its events (a bound anonymous shopper's count for the customer), in order of lane and
 * key, with the events that occurred at or before until_us. Rows are decoded and folded on all cores meanwhile; what fn is shown does not depend on how
 * many there are. *out counts what was read: everything, unless fn ended it. */
CAN_FAIL bool train_log_read(struct db *db, int64_t until_us, train_key_fn *fn, void *ctx,
                             struct train_log *out, struct err *err);
/* The same of those shoppers only that have an event which occurred after active_us, with all their events: a moment within 14 days of an event needs no
 * others. *out counts these. */
CAN_FAIL bool train_log_read_active(struct db *db, int64_t active_us, int64_t until_us,
                                    train_key_fn *fn, void *ctx, struct train_log *out,
                                    struct err *err);

#endif
