#ifndef STORE_EVENTS_H
#define STORE_EVENTS_H

#include "domain/shop/event.h"
#include "domain/shop/event_kept.h"
#include "store/lanes.h"
#include "store/pg/db.h"

/* The event log. One event to append: its envelope, and the body as sent (JSON text). */
struct event_row {
    const char *event_id;
    const char *key;
    const char *type;
    int64_t occurred_us; /* effective */
    const char *body;
};
enum append_status { APPEND_STORED, APPEND_DUPLICATE, APPEND_CONFLICT };

/* Appends in one statement (own transaction unless one is open); received_at is received_us for all. out_status has count elements.
 * Retries are safe: ids make it idempotent. Locks the lanes of the keys until commit. */
CAN_FAIL bool store_events_append(struct db *db, const struct event_row *rows, size_t count,
                                  enum event_origin origin, int64_t received_us,
                                  enum append_status *out_status, struct err *err);

/* What a row that is APPEND_CONFLICT says otherwise than the stored event of its id: "/cart_id, /items", at most ten members; in arena. NULL: there is
 * nothing to tell. */
CAN_FAIL bool store_events_differ(struct db *db, const struct event_row *row, struct arena *a,
                                  const char **out, struct err *err);

/* Some of the lanes. */
struct lane_set {
    bool has[LANES];
    int count;
};

/* Events of whole lanes, for those who serve many. */
struct event_batch {
    const struct event_row *rows;
    size_t count; /* at least one */
};
/* The same in a transaction of its own, of all of the rows or of none: where another transaction holds some of the lanes, *out_held has those,
 * out_status is not set, and the rows of the other lanes may be sent again at once. Waits for a moment only. Rows come by lane, as an append of
 * one lane a call, which a database in shards wants, would take them. */
CAN_FAIL bool store_events_append_if_free(struct db *db, const struct event_batch *batch,
                                          int64_t received_us, enum append_status *out_status,
                                          struct lane_set *out_held, struct err *err);

/* A stored event as read back. Text in the arena or borrowed from the result, as each function says. Its body is as it lies in the log; who wants the
 * JSON that was sent asks for it (log_event_body), and who wants to know what it says decodes it (log_event_decode of eventlog/). */
struct log_event {
    int lane;
    int64_t off;
    const char *event_id;
    const char *key;
    const char *type;
    enum event_origin origin;
    int64_t occurred_us;
    int64_t received_us;
    struct event_packed packed;
};
/* For the decoder; in arena, or borrowed from the event. */
struct event_kept log_event_kept(const struct log_event *e, struct arena *a);
/* As it was sent, of an event with its id and type; in arena, or borrowed. */
const char *log_event_body(const struct log_event *e, struct arena *a, size_t *out_len);
size_t log_event_body_len(const struct log_event *e);

/* Events past each lane's off, by lane and offset, so many at most in all, in equal shares over the lanes that have news; in arena. One that
 * is larger than all may be together comes alone. */
struct events_most {
    int64_t events;
    int64_t bytes; /* of their bodies, as they were sent */
};
CAN_FAIL bool store_events_after(struct db *db, const struct lane_lease *lanes, int lane_count,
                                 struct events_most most, struct arena *a, struct log_event **out,
                                 size_t *out_count, struct err *err);
/* Of the last per_lane events of each lane that are folded, those that occurred after after_us, in order of when they occurred; in arena. */
CAN_FAIL bool store_events_latest(struct db *db, int64_t after_us, int per_lane, struct arena *a,
                                  struct log_event **out, size_t *out_count, struct err *err);

CAN_FAIL bool store_dead_letter(struct db *db, const struct log_event *e, const char *pointer,
                                const char *detail, int64_t now_us, struct err *err);
/* Adds one for each of n events, by its lane and type; the same pair may come several times. */
CAN_FAIL bool store_unknown_types_count(struct db *db, const int *lanes, const char *const *types,
                                        size_t n, int64_t now_us, struct err *err);

/* Streams the whole log ordered by (lane, key, off), for training; rows borrowed during the call, and event_id and type NULL: packed has them, and
 * log_event_kept makes them. until_us: occurred at or before; INT64_MAX: all. Bases (shopper_base) are read separately: store_bases_stream. */
typedef bool log_event_fn(void *ctx, const struct log_event *e, struct err *err);
CAN_FAIL bool store_events_stream(struct db *db, int64_t until_us, log_event_fn *fn, void *ctx,
                                  struct err *err);
/* The same of those shoppers only that have an event which occurred after active_us, whole. */
CAN_FAIL bool store_events_stream_active(struct db *db, int64_t active_us, int64_t until_us,
                                         log_event_fn *fn, void *ctx, struct err *err);

#endif
