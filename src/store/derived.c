#include "store/derived.h"

#include <assert.h>

/* The queue of derived events before held lanes. */

enum { MOVE_MAX = 2000 };

/* Rows to go into the log, and those that have to wait. */
struct parted {
    struct event_row *free;
    size_t free_count;
    struct event_row *held;
    int32_t *held_lanes; /* of held */
    size_t held_count;
};

static bool lock_free(struct db *db, const int32_t *lanes, size_t count, bool free[LANES],
                      struct arena *a, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(a);

    param_i32_array(&p, lanes, count);
    if (!db_query(db, Q_derived_lock, &p, &rows, err)) {
        return false;
    }
    for (int r = 0; r < PQntuples(rows); r++) {
        free[row_i32(rows, r, 0)] = true;
    }
    return true;
}

static struct parted part(const struct event_row *rows, const int32_t *lanes, size_t count,
                          const bool free[LANES], struct arena *a)
{
    struct parted p = {.free = arena_array(a, count, sizeof *p.free),
                       .held = arena_array(a, count, sizeof *p.held),
                       .held_lanes = arena_array(a, count, sizeof *p.held_lanes)};

    for (size_t i = 0; i < count; i++) {
        if (free[lanes[i]]) {
            p.free[p.free_count++] = rows[i];
        } else {
            p.held_lanes[p.held_count] = lanes[i];
            p.held[p.held_count++] = rows[i];
        }
    }
    return p;
}

static bool put(struct db *db, const struct parted *parted, int64_t now_us, struct arena *a,
                struct err *err)
{
    const struct event_row *rows = parted->held;
    const size_t count = parted->held_count;
    struct params p = params_make(a);

    if (count == 0) {
        return true;
    }
    param_i32_array(&p, parted->held_lanes, count);
    param_texts(&p, TEXTS(rows, count, event_id));
    param_texts(&p, TEXTS(rows, count, key));
    param_texts(&p, TEXTS(rows, count, type));
    param_times(&p, INT64S(rows, count, occurred_us));
    param_jsonbs(&p, TEXTS(rows, count, body));
    param_time(&p, now_us);
    return db_exec(db, Q_derived_put, &p, NULL, err);
}

bool store_derived_append(struct db *db, const struct event_row *rows, size_t count, int64_t now_us,
                          struct arena *a, size_t *out_waiting, struct err *err)
{
    assert(db_in_transaction(db));
    bool free[LANES] = {false};
    int32_t *lanes = arena_array(a, count, sizeof *lanes);
    enum append_status *status = arena_array(a, count, sizeof *status);

    for (size_t i = 0; i < count; i++) {
        lanes[i] = event_lane(rows[i].key);
    }
    /* before they are parted: a lane found free has to be so until its rows are in and committed */
    if (!lock_free(db, lanes, count, free, a, err)) {
        return false;
    }
    const struct parted p = part(rows, lanes, count, free, a);
    *out_waiting = p.held_count;
    return store_events_append(db, p.free, p.free_count, ORIGIN_DERIVED, now_us, status, err) &&
           put(db, &p, now_us, a, err);
}

bool store_derived_move(struct db *db, int64_t now_us, struct derived_moved *out, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(&a);

    assert(!db_in_transaction(db));
    param_time(&p, now_us);
    param_i64(&p, MOVE_MAX);
    if (!db_query(db, Q_derived_move, &p, &rows, err)) {
        return false;
    }
    const int64_t events = row_i64(rows, 0, 0);
    *out = (struct derived_moved){.events = events,
                                  .held_lanes = (int)(row_i64(rows, 0, 1) - row_i64(rows, 0, 2)),
                                  .more = events == MOVE_MAX};
    return true;
}
