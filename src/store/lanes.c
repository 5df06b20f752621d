#include "store/lanes.h"

#include "store/heavy.h"

#include <assert.h>
#include <stdlib.h>

/* Who reads which lane, how far reading got, and how far the log reaches back. Lease = efficiency; the compare-and-set of
 * (epoch, off) in the transaction that writes the fold = correctness. */

static int by_lane(const void *a, const void *b)
{
    const struct lane_lease *x = a;
    const struct lane_lease *y = b;
    return (x->lane > y->lane) - (x->lane < y->lane);
}

static bool shed(struct db *db, const char *owner, const struct lane_lease *held, int count,
                 struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    int32_t lanes[LANES];
    for (int i = 0; i < count; i++) {
        lanes[i] = held[i].lane;
    }
    struct params p = params_make(&a);
    param_text(&p, owner);
    param_i32_array(&p, lanes, (size_t)count);
    return db_exec(db, Q_lanes_shed, &p, NULL, err);
}

bool store_lanes_lease(struct db *db, const char *owner, int64_t lease_us, int want,
                       struct lane_lease *out, int *out_count, struct err *err)
{
    assert(want >= 0 && !db_in_transaction(db));
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(&a);
    param_text(&p, owner);
    param_i64(&p, lease_us);
    param_i64(&p, want < LANES ? want : LANES);
    /* Alone in its transaction: the row locks of a claim must not wait for a batch to be folded. */
    if (!db_query(db, Q_lanes_lease, &p, &rows, err)) {
        return false;
    }
    int count = PQntuples(rows);
    assert(count <= LANES);
    for (int i = 0; i < count; i++) {
        out[i] = (struct lane_lease){row_i32(rows, i, 0), row_i64(rows, i, 1), row_i64(rows, i, 2)};
    }
    /* UPDATE ... RETURNING has no order, and cursors are locked in ascending order everywhere. */
    qsort(out, (size_t)count, sizeof *out, by_lane);
    *out_count = count;
    /* With fewer than wanted there is nothing beyond them to give back. */
    return count < want || shed(db, owner, out, count, err);
}

bool store_lanes_orphaned(struct db *db, bool *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    if (!db_query(db, Q_lanes_orphaned, NULL, &rows, err)) {
        return false;
    }
    *out = row_bool(rows, 0, 0);
    return true;
}

bool store_lanes_release(struct db *db, const char *owner, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    param_text(&p, owner);
    /* The lanes first: an owner that is forgotten but still holds lanes would make the others' shares too large for them to claim. */
    return db_exec(db, Q_lanes_release, &p, NULL, err) &&
           db_exec(db, Q_lane_owner_forget, &p, NULL, err);
}

bool store_lanes_owners(struct db *db, const char *owner, int64_t seen_us, int *out_owners,
                        struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(&a);
    param_text(&p, owner);
    param_i64(&p, seen_us);
    /* Oneself first, so that the count is never 0. */
    if (!db_exec(db, Q_lane_owner_seen, &p, NULL, err) ||
        !db_query(db, Q_lane_owners_count, NULL, &rows, err)) {
        return false;
    }
    *out_owners = (int)row_i64(rows, 0, 0);
    return true;
}

struct db_call store_lanes_lock(const int32_t *lanes, size_t count, struct arena *a)
{
    struct db_call call = {.query = Q_lanes_lock, .params = params_make(a)};
    param_i32_array(&call.params, lanes, count);
    return call;
}

bool store_cursors_advance(struct db *db, const struct lane_lease *before, const int64_t *new_offs,
                           int count, int64_t lease_us, struct err *err)
{
    assert(db_in_transaction(db) && count <= LANES);
    CLEANUP(arena_free) struct arena a = {0};
    int32_t lanes[LANES];
    int64_t epochs[LANES];
    int64_t offs[LANES];
    for (int i = 0; i < count; i++) {
        /* Never back: what a cursor has passed may be gone from the log. */
        assert(new_offs[i] >= before[i].off);
        lanes[i] = before[i].lane;
        epochs[i] = before[i].epoch;
        offs[i] = before[i].off;
    }
    struct params p = params_make(&a);
    param_i32_array(&p, lanes, (size_t)count);
    param_i64_array(&p, epochs, (size_t)count);
    param_i64_array(&p, offs, (size_t)count);
    param_i64_array(&p, new_offs, (size_t)count);
    param_i64(&p, lease_us);
    int64_t moved;
    if (!db_exec(db, Q_cursors_advance, &p, &moved, err)) {
        return false;
    }
    /* Too few: another owner claimed a lane meanwhile (its epoch grew). The caller rolls back what it folded. */
    return moved == count ||
           FAIL(err, ERR_CONFLICT, "%lld of %d lanes are held by another consumer",
                (long long)(count - moved), count);
}

/* NULL, read as 0: there is none. Another clock wrote the time; what is there is at least 1 us old. */
static int64_t age_us(int64_t since_us, int64_t now_us)
{
    if (since_us == 0) {
        return 0;
    }
    return now_us > since_us ? now_us - since_us : 1;
}

bool store_lag(struct db *db, int64_t now_us, struct log_lag *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    if (!db_query(db, Q_log_lag, NULL, &rows, err)) {
        return false;
    }
    *out = (struct log_lag){.events = row_i64(rows, 0, 0),
                            .oldest_us = age_us(row_time(rows, 0, 1), now_us),
                            .dead = row_i64(rows, 0, 2),
                            .stale = row_i64(rows, 0, 3),
                            .stale_us = age_us(row_time(rows, 0, 4), now_us)};
    return true;
}

bool store_lane_trim(struct db *db, int lane, int64_t new_floor, int64_t *out_deleted,
                     struct err *err)
{
    assert(db_in_transaction(db));
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    param_i32(&p, lane);
    param_i64(&p, new_floor);
    /* The floor first: it takes the lane's lock, so no append can meanwhile number from rows about to go. */
    return db_exec(db, Q_lane_floor_raise, &p, NULL, err) &&
           db_exec(db, Q_lane_trim, &p, out_deleted, err) && store_heavy_drop(db, lane, err);
}

bool store_lane_floor_candidate(struct db *db, int lane, int64_t received_before_us,
                                int64_t *out_off, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(&a);
    param_i32(&p, lane);
    param_time(&p, received_before_us);
    if (!db_query(db, Q_lane_floor_candidate, &p, &rows, err)) {
        return false;
    }
    /* A lane without a cursor has nothing that was folded, so nothing may go. */
    *out_off = PQntuples(rows) == 0 ? 0 : row_i64(rows, 0, 0);
    return true;
}
