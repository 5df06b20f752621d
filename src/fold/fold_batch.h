#ifndef FOLD_FOLD_BATCH_H
#define FOLD_FOLD_BATCH_H

#include "eventlog/shopper_log.h"
#include "live/live.h"

/* One batch of the fold, from what was read to what is written. Everything lives in its arena. */

/* One event of the batch; event.type_name is NULL where it does not decode. */
struct fold_event {
    const struct log_event *log;
    struct event event;
    struct err fault; /* of an event that does not decode */
    bool dead;
};

/* One shopper that the batch touches. */
struct fold_key {
    int32_t lane;
    const char *key;
    struct fold_event *events; /* a run of the batch, in the order to fold */
    size_t count;
    int64_t last_off; /* newest of the run */
    const char *doc;  /* as stored; NULL: new */
    const char *stored_carts[CARTS_MAX];
    size_t stored_cart_count;
    bool sweep;             /* what carts are stored is not known */
    struct shopper *before; /* only where the binding may change */
    struct shopper *after;
    bool wants_history; /* fold again from the log, or forward all of it */
    bool refold;
    struct history history; /* where wanted: all events up to last_off */
};

struct fold_batch {
    struct arena *arena;
    struct fold_event *events; /* by lane, key, time, offset */
    size_t count;
    struct fold_key *keys;
    size_t key_count;
    struct history_keys names; /* of keys, in parallel */
    int64_t last_offs[LANES];  /* newest offset of each lane in the batch; 0 none */
    int64_t now_us;
    size_t dead;
    size_t refolds;
};

/* Decodes and groups. */
void fold_batch_make(struct fold_batch *b, const struct log_event *events, size_t count,
                     int64_t now_us, struct arena *a);
/* Reads what is stored of the shoppers and folds the events in. */
CAN_FAIL bool fold_batch_apply(struct fold_batch *b, struct db *db, struct err *err);
/* Writes shoppers and carts; the risk model of models (either NULL: none) scores the carts at now. */
CAN_FAIL bool fold_batch_write(const struct fold_batch *b, struct db *db,
                               const struct config *config, const struct live_set *models,
                               struct err *err);
/* Appends what the batch tells other shoppers (identity), in one statement. */
CAN_FAIL bool fold_batch_derive(const struct fold_batch *b, struct db *db, struct err *err);
/* Dead letters and counts of unknown types. */
CAN_FAIL bool fold_batch_count(const struct fold_batch *b, struct db *db, struct err *err);

#endif
