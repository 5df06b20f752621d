#include "store/carry.h"

#include "store/log_row.h"

#include <assert.h>

/* Rows of the old form, a page at a time: read as they are, packed here, moved in one statement. */

bool store_carry_state(struct db *db, struct carry_state *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;

    if (!db_query(db, Q_carry_state, NULL, &r, err)) {
        return false;
    }
    *out = (struct carry_state){.left = PQntuples(r) > 0};
    if (out->left) {
        out->events = row_i64(r, 0, 0);
        out->moved = row_i64(r, 0, 1);
        out->bytes = row_i64(r, 0, 2);
    }
    return true;
}

/* Borrowed from the result. */
static struct event_row row_at(const PGresult *r, int row)
{
    return (struct event_row){.event_id = row_text(r, row, 1),
                              .key = row_text(r, row, 2),
                              .type = row_text(r, row, 3),
                              .occurred_us = row_time(r, row, 4),
                              .body = row_text(r, row, 5)};
}

static bool move(struct db *db, int lane, const PGresult *page, struct arena *a, int64_t *out_moved,
                 struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;
    const size_t count = (size_t)PQntuples(page);
    int64_t *offs = arena_array(a, count, sizeof *offs);
    struct log_arrays arrays = log_arrays_make(count, a);
    struct params p = params_make(a);

    for (size_t i = 0; i < count; i++) {
        const struct event_row row = row_at(page, (int)i);
        offs[i] = row_i64(page, (int)i, 0);
        log_arrays_set(&arrays, i, &row, a);
    }
    param_i32(&p, lane);
    param_i64_array(&p, offs, count);
    param_blob_array(&p, arrays.ids, count);
    param_i32_array(&p, arrays.types, count);
    param_text_array(&p, arrays.bodies, count);
    if (!db_query(db, Q_carry_move, &p, &r, err)) {
        return false;
    }
    *out_moved = row_i64(r, 0, 0);
    return true;
}

bool store_carry_page(struct db *db, int lane, struct events_most most, int64_t *off,
                      bool *out_empty, int64_t *out_moved, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *page = NULL;
    struct params p = params_make(&a);

    assert(!db_in_transaction(db));
    param_i32(&p, lane);
    param_i64(&p, *off);
    param_i64(&p, most.events);
    param_i64(&p, most.bytes);
    if (!db_query(db, Q_carry_page, &p, &page, err)) {
        return false;
    }
    *out_moved = 0;
    *out_empty = PQntuples(page) == 0;
    if (*out_empty) {
        return true;
    }
    if (!move(db, lane, page, &a, out_moved, err)) {
        return false;
    }
    *off = *out_moved > 0 ? row_i64(page, PQntuples(page) - 1, 0) : *off;
    return true;
}

bool store_carry_end(struct db *db, bool *out_done, struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;

    if (!db_query(db, Q_carry_end, NULL, &r, err)) {
        return false;
    }
    *out_done = row_bool(r, 0, 0);
    return true;
}
