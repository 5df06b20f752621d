#include "store/events.h"

#include "base/clock.h"
#include "store/log_row.h"
#include "store/pg/pgtype.h"

#include <assert.h>
#include <string.h>

/* The event log: append and read. Lanes, leases and cursors are in lanes.c. */

/* ---- append ---- */

/* What append_rows and append_if_free are told alike. */
static void param_rows(struct params *p, const struct event_row *rows, size_t count,
                       enum event_origin origin, int64_t received_us)
{
    int32_t *lanes = arena_array(p->arena, count, sizeof *lanes);
    struct log_arrays arrays = log_arrays_make(count, p->arena);

    for (size_t i = 0; i < count; i++) {
        lanes[i] = event_lane(rows[i].key);
        log_arrays_set(&arrays, i, &rows[i], p->arena);
    }
    param_i32_array(p, lanes, count);
    param_blob_array(p, arrays.ids, count);
    param_texts(p, TEXTS(rows, count, key));
    param_i32_array(p, arrays.types, count);
    param_text(p, event_origin_name(origin));
    param_times(p, INT64S(rows, count, occurred_us));
    param_time(p, received_us);
    param_text_array(p, arrays.bodies, count);
}

static void read_statuses(const PGresult *refused, size_t count, enum append_status *out_status)
{
    for (size_t i = 0; i < count; i++) {
        /* Rows come back only for what was not stored, which is rare. */
        out_status[i] = APPEND_STORED;
    }
    for (int r = 0; r < PQntuples(refused); r++) {
        size_t i = (size_t)row_i32(refused, r, 0);
        assert(i < count);
        out_status[i] =
            strcmp(row_text(refused, r, 1), "duplicate") == 0 ? APPEND_DUPLICATE : APPEND_CONFLICT;
    }
}

bool store_events_append(struct db *db, const struct event_row *rows, size_t count,
                         enum event_origin origin, int64_t received_us,
                         enum append_status *out_status, struct err *err)
{
    if (count == 0) {
        return true;
    }
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *refused = NULL;
    struct params p = params_make(&a);
    param_rows(&p, rows, count, origin, received_us);
    /* One statement, so that a batch costs one round trip while the lanes are locked. */
    if (!db_query(db, Q_events_append, &p, &refused, err)) {
        return false;
    }
    read_statuses(refused, count, out_status);
    return true;
}

bool store_events_append_if_free(struct db *db, const struct event_batch *batch,
                                 int64_t received_us, enum append_status *out_status,
                                 struct lane_set *out_held, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *told = NULL;
    struct params p = params_make(&a);

    assert(batch->count > 0);
    param_rows(&p, batch->rows, batch->count, ORIGIN_API, received_us);
    if (!db_query(db, Q_events_append_if_free, &p, &told, err)) {
        return false;
    }
    *out_held = (struct lane_set){0};
    if (PQntuples(told) > 0 && strcmp(row_text(told, 0, 1), "busy") == 0) {
        for (int r = 0; r < PQntuples(told); r++) {
            out_held->has[row_i32(told, r, 0)] = true;
            out_held->count++;
        }
        return true;
    }
    read_statuses(told, batch->count, out_status);
    return true;
}

bool store_events_differ(struct db *db, const struct event_row *row, struct arena *a,
                         const char **out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *told = NULL;
    struct params p = params_make(a);
    size_t id_len;
    const char *id = event_pack_id(row->event_id, a, &id_len);

    param_i32(&p, event_lane(row->key));
    param_bytes(&p, id, id_len);
    param_jsonb(&p, row->body, strlen(row->body));
    if (!db_query(db, Q_events_differ, &p, &told, err)) {
        return false;
    }
    *out = row_null(told, 0, 0) ? NULL : row_text_copy(told, 0, 0, a);
    return true;
}

/* ---- read ---- */

static void read_event(const PGresult *rows, int r, struct arena *a, void *out)
{
    const struct log_cells cells =
        log_cells_at(rows, r, (struct log_columns){.id = 2, .type = 4, .origin = 5, .body = 8});
    struct log_event e = {.lane = row_i32(rows, r, 0),
                          .off = row_i64(rows, r, 1),
                          .key = row_text_copy(rows, r, 3, a),
                          .occurred_us = row_time(rows, r, 6),
                          .received_us = row_time(rows, r, 7)};
    struct err unseen;
    const bool known = log_event_open(&cells, a, &e, &unseen);

    assert(known); /* the table allows no other origin */
    (void)known;
    *(struct log_event *)out = e;
}

static bool list_events(struct db *db, enum query_id q, const struct params *p,
                        struct log_event **out, size_t *out_count, struct err *err)
{
    struct db_rows events;
    if (!db_list(db, q, p, sizeof **out, read_event, &events, err)) {
        return false;
    }
    *out = events.all;
    *out_count = events.count;
    return true;
}

/* Where the rows of each lane begin; returns how many there are. */
static int lane_starts(const PGresult *r, int starts[LANES])
{
    int n = 0;

    for (int row = 0; row < PQntuples(r); row++) {
        if (row == 0 || row_i32(r, row, 0) != row_i32(r, row - 1, 0)) {
            assert(n < LANES);
            starts[n++] = row;
        }
    }
    return n;
}

/* What is left of the bytes, and for how many lanes. */
struct shares {
    int64_t left;
    int lanes;
    bool any;
};

/* Of the rows of one lane, from this one on, as many as its share takes, into out[row] and on; returns how many. */
static size_t open_lane(const PGresult *r, int row, struct shares *s, struct arena *a,
                        struct log_event *out)
{
    const int lane = row_i32(r, row, 0);
    int64_t share = s->left / s->lanes--;
    size_t n = 0;

    for (int i = row; i < PQntuples(r) && row_i32(r, i, 0) == lane; i++) {
        read_event(r, i, a, &out[i]);
        const int64_t bytes = (int64_t)log_event_body_len(&out[i]);
        if (s->any && bytes > (n == 0 ? s->left : share)) {
            return n;
        }
        n++;
        s->any = true;
        share -= bytes;
        s->left -= bytes;
    }
    return n;
}

/* The statement has counted the bytes as they lie there, so that no more is read than that; as they were sent they may be many times as many, and the
 * shares are those of events_after once more. Each time another lane comes first, or the last ones would be left over for ever. */
static size_t open_shares(const PGresult *r, int64_t bytes, struct arena *a, struct log_event *out)
{
    int starts[LANES];
    size_t kept[LANES];
    const int lanes = lane_starts(r, starts);
    struct shares s = {.left = bytes, .lanes = lanes};
    size_t n = 0;

    const int first = lanes == 0 ? 0 : (int)(clock_monotonic_us() % lanes);
    for (int i = 0; i < lanes; i++) {
        const int at = (first + i) % lanes;
        kept[at] = open_lane(r, starts[at], &s, a, out);
    }
    for (int i = 0; i < lanes; i++) {
        memmove(out + n, out + starts[i], kept[i] * sizeof *out);
        n += kept[i];
    }
    return n;
}

// NOLINTNEXTLINE(readability-function-size): a list is two outputs
bool store_events_after(struct db *db, const struct lane_lease *lanes, int lane_count,
                        struct events_most most, struct arena *a, struct log_event **out,
                        size_t *out_count, struct err *err)
{
    assert(lane_count <= LANES && most.events > 0);
    int32_t numbers[LANES];
    int64_t offs[LANES];
    for (int i = 0; i < lane_count; i++) {
        numbers[i] = lanes[i].lane;
        offs[i] = lanes[i].off;
    }
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct params p = params_make(a);
    param_i32_array(&p, numbers, (size_t)lane_count);
    param_i64_array(&p, offs, (size_t)lane_count);
    /* In all, not a lane: what a fold holds in memory must not grow with the lanes it has
     * leased. */
    param_i64(&p, most.events);
    param_i64(&p, most.bytes);
    if (!db_query(db, Q_events_after, &p, &r, err)) {
        return false;
    }
    *out = arena_array(a, (size_t)PQntuples(r), sizeof **out);
    *out_count = open_shares(r, most.bytes, a, *out);
    return true;
}

bool store_events_latest(struct db *db, int64_t after_us, int per_lane, struct arena *a,
                         struct log_event **out, size_t *out_count, struct err *err)
{
    /* By occurrence over all lanes, but cut by offset in each: the log has no index on time, and needs none for this. */
    struct params p = params_make(a);
    assert(per_lane > 0);
    param_time(&p, after_us);
    param_i64(&p, per_lane);
    return list_events(db, Q_events_latest, &p, out, out_count, err);
}

struct event_stream {
    log_event_fn *fn;
    void *ctx;
};

static int64_t copied_time(const char *field)
{
    int64_t v = pg_get64(field);
    /* The infinities of a timestamp, which move by no epoch. */
    return v == INT64_MAX || v == INT64_MIN ? v : v + PG_EPOCH_US;
}

/* Text is used where it lies: the fields end with a zero byte that db_copy_out has put there. */
static bool stream_event(void *ctx, const struct copy_row *row, struct err *err)
{
    struct event_stream *s = ctx;
    /* The columns of events_read and events_read_active, one for one. */
    assert(row->count == 9 && row->len[4] == 2);
    const struct log_cells cells = {.id = row->data[2],
                                    .id_len = (size_t)row->len[2],
                                    .type = pg_get16(row->data[4]),
                                    .origin = row->data[5][0],
                                    .body = row->data[8],
                                    .body_len = (size_t)row->len[8]};
    struct log_event e = {.lane = pg_get32(row->data[0]),
                          .off = pg_get64(row->data[1]),
                          .key = row->data[3],
                          .occurred_us = copied_time(row->data[6]),
                          .received_us = copied_time(row->data[7])};

    return log_event_peek(&cells, &e, err) && s->fn(s->ctx, &e, err);
}

/* For the COPY that follows: until the transaction ends, and no longer. */
static bool set_time(struct db *db, enum query_id setting, int64_t at_us, struct err *err)
{
    assert(db_in_transaction(db));
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    /* COPY takes no parameters; a setting of the transaction is read in its place, also through a
     * pooler. */
    param_time(&p, at_us);
    return db_exec(db, setting, &p, NULL, err);
}

bool store_events_stream(struct db *db, int64_t until_us, log_event_fn *fn, void *ctx,
                         struct err *err)
{
    struct event_stream s = {.fn = fn, .ctx = ctx};

    return set_time(db, Q_events_read_until, until_us, err) &&
           db_copy_out(db, Q_events_read, stream_event, &s, err);
}

bool store_events_stream_active(struct db *db, int64_t active_us, int64_t until_us,
                                log_event_fn *fn, void *ctx, struct err *err)
{
    struct event_stream s = {.fn = fn, .ctx = ctx};

    return set_time(db, Q_events_read_until, until_us, err) &&
           set_time(db, Q_events_read_active_from, active_us, err) &&
           db_copy_out(db, Q_events_read_active, stream_event, &s, err);
}

/* ---- what the fold counts ---- */

bool store_dead_letter(struct db *db, const struct log_event *e, const char *pointer,
                       const char *detail, int64_t now_us, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    param_i32(&p, e->lane);
    param_i64(&p, e->off);
    param_text(&p, e->event_id);
    param_text(&p, e->key);
    param_text(&p, pointer);
    param_text(&p, detail);
    size_t len;
    const char *body = log_event_body(e, &a, &len);
    param_textn(&p, body, len);
    param_time(&p, now_us);
    /* Folding it again (after a crash, or from the start) finds it there and changes nothing. */
    return db_exec(db, Q_dead_letter_put, &p, NULL, err);
}

bool store_unknown_types_count(struct db *db, const int *lanes, const char *const *types, size_t n,
                               int64_t now_us, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    param_i32_array(&p, lanes, n);
    param_text_array(&p, types, n);
    param_time(&p, now_us);
    /* In the transaction of the fold: a batch that is folded again after a crash is counted once. */
    return n == 0 || db_exec(db, Q_unknown_types_count, &p, NULL, err);
}
