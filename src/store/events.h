#ifndef STORE_EVENTS_H
#define STORE_EVENTS_H

#include "domain/event.h"
#include "store/db.h"

/* The event log. One event to append: its envelope, and the body as sent (JSON text). */
struct event_row {
    const char *event_id;
    const char *key;
    const char *type;
    int64_t occurred_us; /* effective */
    const char *body;
};
enum append_status { APPEND_STORED, APPEND_DUPLICATE, APPEND_CONFLICT };

/* Appends in one statement (own transaction unless one is open); received_at is received_us for
 * all. out_status has count elements. Retries are safe: ids make it idempotent. */
CAN_FAIL bool store_events_append(struct db *db, const struct event_row *rows, size_t count,
                                  enum event_origin origin, int64_t received_us,
                                  enum append_status *out_status, struct err *err);

/* A stored event as read back. Text in the arena or borrowed from the result, as each function
 * says. */
struct log_event {
    int lane;
    int64_t off;
    const char *event_id;
    const char *key;
    const char *type;
    enum event_origin origin;
    int64_t occurred_us;
    int64_t received_us;
    const char *body;
    size_t body_len;
};

/* Leases: takes up to `want` lanes whose lease has run out or is this owner's own, renews the rest.
 * Fills lanes, epochs, offs (arrays of 256). */
struct lane_lease {
    int lane;
    int64_t epoch;
    int64_t off;
};
CAN_FAIL bool store_lanes_lease(struct db *db, const char *owner, int64_t lease_us, int want,
                                struct lane_lease *out, int *out_count, struct err *err);
CAN_FAIL bool store_lanes_release(struct db *db, const char *owner, struct err *err);

/* Events past each lane's off, in offset order, at most `limit` over all lanes (fair over lanes);
 * in arena. */
CAN_FAIL bool store_events_after(struct db *db, const struct lane_lease *lanes, int lane_count,
                                 int limit, struct arena *a, struct log_event **out,
                                 size_t *out_count, struct err *err);
/* All events of a key with off > after_off, by off; in arena. */
CAN_FAIL bool store_events_of_key(struct db *db, int lane, const char *key, int64_t after_off,
                                  struct arena *a, struct log_event **out, size_t *out_count,
                                  struct err *err);
/* Highest off of a key; 0 for none. Inside the release transaction, after store_lane_lock, it is
 * exact. */
CAN_FAIL bool store_events_last_off(struct db *db, int lane, const char *key, int64_t *out_off,
                                    struct err *err);
CAN_FAIL bool store_lane_lock(struct db *db, int lane, struct err *err); /* FOR UPDATE, to commit */

/* Compare-and-set of all the cursors in the open transaction: false with ERR_CONFLICT if any was
 * fenced (roll back, drop the leases). */
CAN_FAIL bool store_cursors_advance(struct db *db, const struct lane_lease *before,
                                    const int64_t *new_offs, int count, int64_t lease_us,
                                    struct err *err);

CAN_FAIL bool store_dead_letter(struct db *db, const struct log_event *e, const char *pointer,
                                const char *detail, int64_t now_us, struct err *err);
CAN_FAIL bool store_unknown_types_count(struct db *db, const int *lanes, const char *const *types,
                                        const int64_t *counts, size_t n, int64_t now_us,
                                        struct err *err);

struct log_lag {
    int64_t events;
    int64_t oldest_us; /* age of the oldest unread event; 0 for none */
    int64_t dead;
};
CAN_FAIL bool store_lag(struct db *db, int64_t now_us, struct log_lag *out, struct err *err);

/* Streams the whole log ordered by (lane, key, off), for replay and training; rows borrowed during
 * the call. until_us: occurred at or before. Bases (shopper_base) are read separately:
 * store_bases_stream. */
typedef bool log_event_fn(void *ctx, const struct log_event *e, struct err *err);
CAN_FAIL bool store_events_stream(struct db *db, int64_t until_us, log_event_fn *fn, void *ctx,
                                  struct err *err);

/* Retention: one lane; see flow/maintain.h. Deletes events with off <= new_floor and sets
 * floor_off, in the open transaction. */
CAN_FAIL bool store_lane_trim(struct db *db, int lane, int64_t new_floor, int64_t *out_deleted,
                              struct err *err);
/* Largest off such that it and everything before it in the lane was received before the time and is
 * folded; 0 for none. */
CAN_FAIL bool store_lane_floor_candidate(struct db *db, int lane, int64_t received_before_us,
                                         int64_t *out_off, struct err *err);

#endif
