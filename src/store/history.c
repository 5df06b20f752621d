/* Queries over whole histories of shoppers. What they mean is for eventlog/ to say. */
#include "store/history.h"

#include "base/cleanup.h"
#include "store/log_row.h"

#include <assert.h>
#include <math.h>

static struct params keys_params(const struct history_keys *keys, struct arena *a)
{
    struct params p = params_make(a);

    param_i32_array(&p, keys->lanes, keys->count);
    param_text_array(&p, keys->keys, keys->count);
    return p;
}

bool store_history_event_of_row(const PGresult *r, int row, struct arena *a, struct log_event *e,
                                struct err *err)
{
    const struct log_cells cells =
        log_cells_at(r, row, (struct log_columns){.id = 2, .type = 3, .origin = 4, .body = 7});

    e->off = row_i64(r, row, 1);
    e->occurred_us = row_time(r, row, 5);
    e->received_us = row_time(r, row, 6);
    return log_event_open(&cells, a, e, err);
}

/* bytes: no further than the event that goes beyond so many, as they were sent; what is packed may be many times as much. */
static bool read_histories(struct db *db, enum query_id q, const struct params *p,
                           const struct history_keys *keys, int64_t bytes, struct history *out,
                           struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct arena *a = p->arena;

    if (!db_query(db, q, p, &r, err)) {
        return false;
    }
    int rows = PQntuples(r);
    struct log_event *events = arena_array(a, (size_t)rows, sizeof *events);
    for (size_t i = 0; i < keys->count; i++) {
        /* A key without events has no row. */
        out[i] = (struct history){0};
    }
    /* Rows come key by key, so one array holds all histories and each is a stretch of it. */
    for (int row = 0; row < rows && bytes >= 0; row++) {
        size_t i = (size_t)row_i64(r, row, 0);
        assert(i < keys->count);
        events[row].lane = keys->lanes[i];
        events[row].key = keys->keys[i];
        if (!store_history_event_of_row(r, row, a, &events[row], err)) {
            return false;
        }
        if (out[i].count++ == 0) {
            out[i].events = &events[row];
        }
        if (bytes < INT64_MAX) { /* nobody counts what is not bounded */
            bytes -= (int64_t)log_event_body_len(&events[row]);
        }
    }
    return true;
}

bool store_history_events(struct db *db, const struct history_keys *keys, const int64_t *last_offs,
                          struct arena *a, struct history *out, struct err *err)
{
    struct params p = keys_params(keys, a);

    param_i64_array(&p, last_offs, keys->count);
    return read_histories(db, Q_history_events, &p, keys, INT64_MAX, out, err);
}

static bool rows_within(struct db *db, enum query_id q, const struct params *p,
                        struct history_key key, int64_t bytes, struct history *out, struct err *err)
{
    const struct history_keys one = {.lanes = &key.lane, .keys = &key.key, .count = 1};

    return read_histories(db, q, p, &one, bytes, out, err);
}

bool store_history_rows(struct db *db, enum query_id q, const struct params *p,
                        struct history_key key, struct history *out, struct err *err)
{
    return rows_within(db, q, p, key, INT64_MAX, out, err);
}

bool store_history_rows_within(struct db *db, enum query_id q, const struct params *p,
                               struct history_key key, struct history_most most,
                               struct history *out, struct err *err)
{
    int64_t bytes = 0;
    size_t kept = 0;

    if (!rows_within(db, q, p, key, most.bytes, out, err)) {
        return false;
    }
    while (kept < out->count && (int64_t)kept < most.events && (kept == 0 || bytes <= most.bytes)) {
        bytes += (int64_t)log_event_body_len(&out->events[kept++]);
    }
    out->more = kept < out->count || bytes > most.bytes;
    out->count = kept;
    return true;
}

static struct params range_params(struct history_key key, const struct history_range *range,
                                  struct arena *a)
{
    struct params p = params_make(a);

    param_i32(&p, key.lane);
    param_text(&p, key.key);
    param_i64(&p, range->after_off);
    param_i64(&p, range->last_off);
    param_time(&p, range->since_us);
    param_i64(&p, range->most);
    return p;
}

bool store_history_page(struct db *db, struct history_key key, const struct history_range *range,
                        struct arena *a, struct history *out, struct err *err)
{
    const struct params p = range_params(key, range, a);

    return store_history_rows(db, Q_history_page, &p, key, out, err);
}

bool store_history_size(struct db *db, struct history_key key, const struct history_range *range,
                        int64_t *out_events, int64_t *out_bytes, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct params p = params_make(&a);

    param_i32(&p, key.lane);
    param_text(&p, key.key);
    param_i64(&p, range->after_off);
    param_i64(&p, range->last_off);
    param_i64(&p, range->most);
    if (!db_query(db, Q_history_size, &p, &r, err)) {
        return false;
    }
    *out_events = row_i64(r, 0, 0);
    *out_bytes = row_i64(r, 0, 1);
    return true;
}

bool store_history_page_within(struct db *db, struct history_key key,
                               const struct history_range *range, int64_t bytes, struct arena *a,
                               struct history *out, struct err *err)
{
    struct params p = range_params(key, range, a);

    param_i64(&p, bytes);
    return rows_within(db, Q_history_page_within, &p, key, bytes, out, err);
}

bool store_history_docs(struct db *db, const struct history_keys *keys, struct arena *a,
                        struct shopper_row *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct params p = keys_params(keys, a);

    if (!db_query(db, Q_history_docs, &p, &r, err)) {
        return false;
    }
    store_shopper_parts(r, keys->lanes, keys->keys, keys->count, a, out);
    return true;
}

static struct cart_row cart_of_row(const PGresult *r, int row, const struct history_keys *keys,
                                   struct arena *a)
{
    const size_t i = (size_t)row_i64(r, row, 0);

    assert(i < keys->count);
    struct cart_row cart = {.lane = keys->lanes[i], .key = keys->keys[i], .risk = (double)NAN};
    cart_facts_at(r, row, 1, a, &cart);
    return cart;
}

bool store_history_carts(struct db *db, const struct history_keys *keys, struct arena *a,
                         struct cart_row **out, size_t *out_count, struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct params p = keys_params(keys, a);

    if (!db_query(db, Q_history_carts, &p, &r, err)) {
        return false;
    }
    int rows = PQntuples(r);
    struct cart_row *carts = arena_array(a, (size_t)rows, sizeof *carts);
    for (int row = 0; row < rows; row++) {
        carts[row] = cart_of_row(r, row, keys, a);
    }
    *out = carts;
    *out_count = (size_t)rows;
    return true;
}

static void read_key(const PGresult *rows, int r, struct arena *a, void *out)
{
    *(const char **)out = row_text_copy(rows, r, 0, a);
}

bool store_lane_keys(struct db *db, int lane, struct arena *a, const char ***out, size_t *out_count,
                     struct err *err)
{
    struct db_rows keys;
    struct params p = params_make(a);

    param_i32(&p, lane);
    if (!db_list(db, Q_history_lane_keys, &p, sizeof **out, read_key, &keys, err)) {
        return false;
    }
    *out = keys.all;
    *out_count = keys.count;
    return true;
}

bool store_lane_states(struct db *db, struct lane_state out[LANES], struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;

    if (!db_query(db, Q_history_lane_states, NULL, &r, err)) {
        return false;
    }
    for (int row = 0; row < PQntuples(r); row++) {
        int lane = row_i32(r, row, 0);
        assert(lane >= 0 && lane < LANES);
        out[lane] = (struct lane_state){.cursor = row_i64(r, row, 1),
                                        .floor_off = row_i64(r, row, 2),
                                        .used = row_bool(r, row, 3)};
    }
    return true;
}

bool store_unread_count(struct db *db, int64_t *out_count, struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;

    if (!db_query(db, Q_history_unread, NULL, &r, err)) {
        return false;
    }
    *out_count = row_i64(r, 0, 0);
    return true;
}

bool store_cursor_hold(struct db *db, int lane, int64_t *out_off, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct params p = params_make(&a);

    /* Without a transaction the lock would be gone with the statement. */
    assert(db_in_transaction(db));
    param_i32(&p, lane);
    if (!db_query(db, Q_history_cursor_hold, &p, &r, err)) {
        return false;
    }
    if (PQntuples(r) != 1) {
        /* Migration 1 makes one a lane, and nothing deletes any. */
        return FAIL(err, ERR_INTERNAL, "lane %d has no cursor", lane);
    }
    *out_off = row_i64(r, 0, 0);
    return true;
}

bool store_shoppers_delete(struct db *db, int lane, const char *const *keys, size_t count,
                           struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);

    param_i32(&p, lane);
    param_text_array(&p, keys, count);
    return count == 0 || db_exec(db, Q_history_shoppers_delete, &p, NULL, err);
}
