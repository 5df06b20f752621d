#include "store/outreach.h"

/* Decisions. The primary key (lane, cart_id, round, step) is what makes "twice" impossible. */

bool store_outreach_put(struct db *db, const struct outreach_row *row, bool *out_stored,
                        struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    param_i32(&p, row->lane);
    param_text(&p, row->cart_id);
    param_i32(&p, row->round);
    param_i32(&p, row->step);
    param_text(&p, row->outreach_id);
    param_text(&p, row->key);
    param_text(&p, row->decision);
    param_text(&p, row->reason);
    param_time(&p, row->decided_us);
    param_text(&p, row->summary);
    param_text(&p, row->why);
    param_text(&p, row->message);
    int64_t stored;
    if (!db_exec(db, Q_outreach_put, &p, &stored, err)) {
        return false;
    }
    *out_stored = stored == 1;
    return true;
}

static struct outreach_row row_at(const PGresult *rows, struct arena *a)
{
    return (struct outreach_row){
        .lane = row_i32(rows, 0, 0),
        .cart_id = row_text_copy(rows, 0, 1, a),
        .round = row_i32(rows, 0, 2),
        .step = row_i32(rows, 0, 3),
        .outreach_id = row_text_copy(rows, 0, 4, a),
        .key = row_text_copy(rows, 0, 5, a),
        .decision = row_text_copy(rows, 0, 6, a),
        .reason = row_text_copy(rows, 0, 7, a),
        .decided_us = row_time(rows, 0, 8),
        .summary = row_text_copy(rows, 0, 9, a),
        .why = row_text_copy(rows, 0, 10, a),
        .message = row_text_copy(rows, 0, 11, a),
    };
}

static bool read_one(struct db *db, enum query_id q, const struct params *p,
                     struct outreach_row *out, bool *out_found, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    if (!db_query(db, q, p, &rows, err)) {
        return false;
    }
    *out_found = PQntuples(rows) == 1;
    if (*out_found) {
        *out = row_at(rows, p->arena);
    }
    return true;
}

// NOLINTNEXTLINE(readability-function-size): the key has four parts
bool store_outreach_by_key(struct db *db, int lane, const char *cart_id, int round, int step,
                           struct arena *a, struct outreach_row *out, bool *out_found,
                           struct err *err)
{
    struct params p = params_make(a);
    param_i32(&p, lane);
    param_text(&p, cart_id);
    param_i32(&p, round);
    param_i32(&p, step);
    return read_one(db, Q_outreach_by_key, &p, out, out_found, err);
}

bool store_outreach_by_id(struct db *db, int lane, const char *outreach_id, struct arena *a,
                          struct outreach_row *out, bool *out_found, struct err *err)
{
    struct params p = params_make(a);
    param_i32(&p, lane);
    param_text(&p, outreach_id);
    return read_one(db, Q_outreach_by_id, &p, out, out_found, err);
}
