#ifndef STORE_LANES_H
#define STORE_LANES_H

#include "store/pg/db.h"

enum { LANES = 256 };

/* A lane held by an owner: where its reading stands, and the epoch that fences whoever held it before. */
struct lane_lease {
    int lane;
    int64_t epoch;
    int64_t off;
};

/* Renews the owner's own lanes and takes lanes whose lease has run out, `want` in all (at most LANES); what the owner held beyond
 * that it gives back. Lanes whose cursor another transaction holds are left out. out has room for LANES, in ascending order. Own transaction. */
CAN_FAIL bool store_lanes_lease(struct db *db, const char *owner, int64_t lease_us, int want,
                                struct lane_lease *out, int *out_count, struct err *err);
/* Whether the lease of any lane has run out, or it never had one. */
CAN_FAIL bool store_lanes_orphaned(struct db *db, bool *out, struct err *err);
/* Gives all of them back, and is no longer counted as an owner. */
CAN_FAIL bool store_lanes_release(struct db *db, const char *owner, struct err *err);
/* Announces the owner for seen_us and counts who announced itself, it included: a fair share is LANES / owners, rounded up. */
CAN_FAIL bool store_lanes_owners(struct db *db, const char *owner, int64_t seen_us, int *out_owners,
                                 struct err *err);

/* FOR UPDATE to commit, in ascending order; waits as long as the transaction has patience (ERR_BUSY). For db_begin_with, or by itself in a
 * transaction. */
struct db_call store_lanes_lock(const int32_t *lanes, size_t count, struct arena *a);

/* Compare-and-set of all the cursors in the open transaction: false with ERR_CONFLICT if any was fenced (roll back, drop the leases).
 * Cheapest as the first statement of the transaction: a zombie then touches nothing else. */
CAN_FAIL bool store_cursors_advance(struct db *db, const struct lane_lease *before,
                                    const int64_t *new_offs, int count, int64_t lease_us,
                                    struct err *err);

struct log_lag {
    int64_t events;
    int64_t oldest_us; /* age of the oldest unread event; 0 for none */
    int64_t dead;
    int64_t
        stale; /* shoppers whose events the cursors have passed, and that are folded by themselves */
    int64_t stale_us; /* how long the oldest of them has been; 0 for none */
};
CAN_FAIL bool store_lag(struct db *db, int64_t now_us, struct log_lag *out, struct err *err);

/* Retention: one lane; see eventlog/maintain.h. Deletes events with off <= new_floor and sets floor_off, in the open transaction. */
CAN_FAIL bool store_lane_trim(struct db *db, int lane, int64_t new_floor, int64_t *out_deleted,
                              struct err *err);
/* Largest off such that it and everything before it in the lane was received before the time and is folded; 0 for none. */
CAN_FAIL bool store_lane_floor_candidate(struct db *db, int lane, int64_t received_before_us,
                                         int64_t *out_off, struct err *err);

#endif
