#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "store/events.h"
#include "store/lanes.h"
#include "store/pg/db.h"
#include "store/shoppers.h"

/* Whole histories of shoppers, many at a time: for folding again, replay and retention. */

/* Shoppers to read; the arrays run in parallel and are borrowed. */
struct history_keys {
    const int32_t *lanes;
    const char *const *keys;
    size_t count;
};

/* Events of one key, oldest offset first. */
struct history {
    struct log_event *events;
    size_t count;
    bool more; /* of a part that was asked for: it is not all */
};

/* out[i] gets the events of key i up to last_offs[i]; in arena. */
CAN_FAIL bool store_history_events(struct db *db, const struct history_keys *keys,
                                   const int64_t *last_offs, struct arena *a, struct history *out,
                                   struct err *err);
/* One shopper; the key is borrowed. */
struct history_key {
    int32_t lane;
    const char *key;
};
/* Offsets from behind after_off up to last_off, of what occurred at since_us (INT64_MIN: ever) or later; the first `most`. */
struct history_range {
    int64_t after_off;
    int64_t last_off;
    int64_t since_us;
    int64_t most;
};
/* In arena. */
CAN_FAIL bool store_history_page(struct db *db, struct history_key key,
                                 const struct history_range *range, struct arena *a,
                                 struct history *out, struct err *err);
/* Of what there is of the range, whatever its time, how many events and how many bytes, as they lie in the log. */
CAN_FAIL bool store_history_size(struct db *db, struct history_key key,
                                 const struct history_range *range, int64_t *out_events,
                                 int64_t *out_bytes, struct err *err);
/* The same as a page, and no further than the event that goes beyond so many bytes, as they were sent. */
CAN_FAIL bool store_history_page_within(struct db *db, struct history_key key,
                                        const struct history_range *range, int64_t bytes,
                                        struct arena *a, struct history *out, struct err *err);
/* For store/ only: a query with the columns of history_events and one key, and one of its rows (but for lane and key); in arena. Within: the first of them that
 * are so many, and no further than the event that goes beyond so many bytes, as they were sent; it says whether there are more. */
struct history_most {
    int64_t events;
    int64_t bytes;
};
CAN_FAIL bool store_history_rows_within(struct db *db, enum query_id q, const struct params *p,
                                        struct history_key key, struct history_most most,
                                        struct history *out, struct err *err);
CAN_FAIL bool store_history_rows(struct db *db, enum query_id q, const struct params *p,
                                 struct history_key key, struct history *out, struct err *err);
CAN_FAIL bool store_history_event_of_row(const PGresult *r, int row, struct arena *a,
                                         struct log_event *e, struct err *err);
/* out[i] gets the stored document and the base of key i; in arena. */
CAN_FAIL bool store_history_docs(struct db *db, const struct history_keys *keys, struct arena *a,
                                 struct shopper_row *out, struct err *err);
/* Stored cart rows of the keys, in order of the keys and of cart id; without scores (NaN). In
 * arena. */
CAN_FAIL bool store_history_carts(struct db *db, const struct history_keys *keys, struct arena *a,
                                  struct cart_row **out, size_t *out_count, struct err *err);
/* Every key the lane knows anything about, in C order; in arena. */
CAN_FAIL bool store_lane_keys(struct db *db, int lane, struct arena *a, const char ***out,
                              size_t *out_count, struct err *err);

struct lane_state {
    int64_t cursor; /* of the fold */
    int64_t floor_off;
    bool used; /* some event, shopper or cart is in it */
};
CAN_FAIL bool store_lane_states(struct db *db, struct lane_state out[LANES], struct err *err);
/* Events past the cursors, and derived ones that are not in the log yet. */
CAN_FAIL bool store_unread_count(struct db *db, int64_t *out_count, struct err *err);

/* Locks the lane's cursor to the end of the transaction; *out_off is where the fold stands. */
CAN_FAIL bool store_cursor_hold(struct db *db, int lane, int64_t *out_off, struct err *err);
/* Deletes what is stored of these shoppers of the lane. */
CAN_FAIL bool store_shoppers_delete(struct db *db, int lane, const char *const *keys, size_t count,
                                    struct err *err);

#endif
