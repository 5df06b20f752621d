#include "store/shoppers.h"

#include <assert.h>

/* Folded shoppers: one row each, and the base retention left of them. */

/* Columns of shoppers_read and history_docs. */
enum { NUMBER, FOLDED_OFF, DOC, BASE, STALE };

static void part_at(const PGresult *rows, int r, struct arena *a, struct shopper_row *out)
{
    if (!PQgetisnull(rows, r, DOC)) {
        out->folded_off = row_i64(rows, r, FOLDED_OFF);
        out->doc = row_text_copy(rows, r, DOC, a);
    }
    if (!PQgetisnull(rows, r, BASE)) {
        out->base = row_text_copy(rows, r, BASE, a);
    }
    out->stale = out->stale || row_bool(rows, r, STALE);
}

void store_shopper_parts(const PGresult *rows, const int *lanes, const char *const *keys,
                         size_t count, struct arena *a, struct shopper_row *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct shopper_row){.lane = lanes[i], .key = keys[i]};
    }
    for (int r = 0; r < PQntuples(rows); r++) {
        const size_t i = (size_t)row_i32(rows, r, NUMBER);
        assert(i < count);
        part_at(rows, r, a, &out[i]);
    }
}

bool store_shoppers_read(struct db *db, const int *lanes, const char *const *keys, size_t count,
                         struct arena *a, struct shopper_row *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(a);
    param_i32_array(&p, lanes, count);
    param_text_array(&p, keys, count);
    if (count == 0) {
        return true;
    }
    if (!db_query(db, Q_shoppers_read, &p, &rows, err)) {
        return false;
    }
    store_shopper_parts(rows, lanes, keys, count, a, out);
    return true;
}

bool store_shoppers_write(struct db *db, const struct shopper_row *rows, size_t count,
                          struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    param_i32s(&p, INT32S(rows, count, lane));
    param_texts(&p, TEXTS(rows, count, key));
    param_i64s(&p, INT64S(rows, count, folded_off));
    param_texts(&p,
                TEXTS(rows, count, doc)); /* one that is missing fails: the column takes no NULL */
    /* The statement sorts by (lane, key): the order in which all writers lock shoppers. */
    return count == 0 || db_exec(db, Q_shoppers_write, &p, NULL, err);
}

bool store_bases_write(struct db *db, const struct shopper_row *rows, size_t count, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    param_i32s(&p, INT32S(rows, count, lane));
    param_texts(&p, TEXTS(rows, count, key));
    param_texts(&p, TEXTS(rows, count, doc));
    return count == 0 || db_exec(db, Q_bases_write, &p, NULL, err);
}

struct stream {
    shopper_row_fn *fn;
    void *ctx;
};

static bool stream_base(void *ctx, const PGresult *row, struct err *err)
{
    const struct stream *s = ctx;
    struct shopper_row shopper = {
        .lane = row_i32(row, 0, 0),
        .key = row_text(row, 0, 1),
        .base = row_text(row, 0, 2),
    };
    return s->fn(s->ctx, &shopper, err);
}

bool store_bases_stream(struct db *db, shopper_row_fn *fn, void *ctx, struct err *err)
{
    struct stream s = {fn, ctx};
    return db_stream(db, Q_bases_stream, NULL, stream_base, &s, err);
}

bool store_bases_stream_active(struct db *db, int64_t active_us, shopper_row_fn *fn, void *ctx,
                               struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct stream s = {fn, ctx};
    struct params p = params_make(&a);
    param_time(&p, active_us);
    return db_stream(db, Q_bases_stream_active, &p, stream_base, &s, err);
}
