/* Queries over shoppers of very many events. What they mean is for fold/ to say. */
#include "store/heavy.h"

#include "base/cleanup.h"

#include <assert.h>

bool store_heavy_known(struct db *db, const struct history_keys *keys, struct arena *a,
                       struct heavy_known *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct params p = params_make(a);

    param_i32_array(&p, keys->lanes, keys->count);
    param_text_array(&p, keys->keys, keys->count);
    if (!db_query(db, Q_heavy_known, &p, &r, err)) {
        return false;
    }
    for (size_t i = 0; i < keys->count; i++) {
        out[i] = (struct heavy_known){0};
    }
    for (int row = 0; row < PQntuples(r); row++) {
        const size_t i = (size_t)row_i32(r, row, 0);
        assert(i < keys->count);
        out[i] = (struct heavy_known){.known_off = row_i64(r, row, 1),
                                      .doc = row_text_copy(r, row, 2, a)};
    }
    return true;
}

static struct params key_params(struct history_key key, struct arena *a)
{
    struct params p = params_make(a);

    param_i32(&p, key.lane);
    param_text(&p, key.key);
    return p;
}

static void read_checkpoint(const PGresult *rows, int r, struct arena *a, void *out)
{
    (void)a;
    *(struct heavy_checkpoint *)out =
        (struct heavy_checkpoint){.at_us = row_time(rows, r, 0), .events = row_i64(rows, r, 1)};
}

bool store_heavy_checkpoints(struct db *db, struct history_key key, struct arena *a,
                             struct heavy_checkpoint **out, size_t *out_count, struct err *err)
{
    struct params p = key_params(key, a);
    struct db_rows rows;

    if (!db_list(db, Q_heavy_checkpoints, &p, sizeof **out, read_checkpoint, &rows, err)) {
        return false;
    }
    *out = rows.all;
    *out_count = rows.count;
    return true;
}

bool store_heavy_checkpoint_doc(struct db *db, struct history_key key, int64_t at_us,
                                struct arena *a, const char **out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct params p = key_params(key, a);

    param_time(&p, at_us);
    if (!db_query(db, Q_heavy_checkpoint_doc, &p, &r, err)) {
        return false;
    }
    *out = PQntuples(r) == 1 ? row_text_copy(r, 0, 0, a) : NULL;
    return true;
}

bool store_heavy_behind(struct db *db, struct history_key key, struct heavy_place behind,
                        struct heavy_most most, struct arena *a, struct history *out,
                        struct err *err)
{
    const int64_t one_more = most.events < INT64_MAX ? most.events + 1 : most.events;
    struct params p = key_params(key, a);

    param_time(&p, behind.at_us);
    param_i64(&p, behind.off);
    param_i64(&p, one_more);
    param_i64(&p, most.bytes);
    return store_history_rows_within(db, Q_heavy_behind, &p, key,
                                     (struct history_most){most.events, most.bytes}, out, err);
}

bool store_heavy_more_behind(struct db *db, struct history_key key, int64_t since_us, int64_t count,
                             bool *out, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct params p = key_params(key, &a);

    param_time(&p, since_us);
    param_i64(&p, count);
    if (!db_query(db, Q_heavy_more_behind, &p, &r, err)) {
        return false;
    }
    *out = row_bool(r, 0, 0);
    return true;
}

bool store_heavy_know(struct db *db, struct history_key key, int64_t known_off, const char *doc,
                      struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params known = key_params(key, &a);

    param_i64(&known, known_off);
    param_text(&known, doc);
    return db_exec(db, Q_heavy_know, &known, NULL, err);
}

/* Of the events up to there, those that are not known yet. */
static bool add_events(struct db *db, struct history_key key, int64_t last_off, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params events = key_params(key, &a);

    param_i64(&events, last_off);
    return db_exec(db, Q_heavy_events_add, &events, NULL, err);
}

bool store_heavy_checkpoints_add(struct db *db, struct history_key key,
                                 const struct heavy_checkpoint *added, size_t count,
                                 struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = key_params(key, &a);

    param_times(&p, INT64S(added, count, at_us));
    param_i64s(&p, INT64S(added, count, events));
    param_texts(&p, TEXTS(added, count, doc));
    return count == 0 || db_exec(db, Q_heavy_checkpoints_add, &p, NULL, err);
}

static bool keep_checkpoints(struct db *db, struct history_key key, const struct heavy_fold *fold,
                             struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params kept = key_params(key, &a);

    param_time_array(&kept, fold->kept_us, fold->kept_count);
    return db_exec(db, Q_heavy_checkpoints_keep, &kept, NULL, err);
}

bool store_heavy_write(struct db *db, struct history_key key, const struct heavy_fold *fold,
                       struct err *err)
{
    /* The events first: they go on from where the known ones end. */
    return add_events(db, key, fold->last_off, err) &&
           store_heavy_know(db, key, fold->last_off, fold->doc, err) &&
           keep_checkpoints(db, key, fold, err) &&
           store_heavy_checkpoints_add(db, key, fold->added, fold->added_count, err);
}

bool store_heavy_forget(struct db *db, struct history_key key, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = key_params(key, &a);

    return db_exec(db, Q_heavy_forget, &p, NULL, err);
}

/* ---- one shopper, as of a moment ---- */

enum view_part { VIEW_SHOPPER, VIEW_KNOWN, VIEW_CHECKPOINT, VIEW_NEWS, VIEW_BEHIND };
enum view_column {
    VIEW_PART,
    VIEW_OFF,
    VIEW_ID,
    VIEW_TYPE,
    VIEW_ORIGIN,
    VIEW_OCCURRED,
    VIEW_RECEIVED,
    VIEW_BODY
};

static bool view_event(const PGresult *r, int row, struct history_key key, struct arena *a,
                       struct history *out, int64_t *bytes, struct err *err)
{
    struct log_event *e = &out->events[out->count++];

    *e = (struct log_event){.lane = key.lane, .key = key.key};
    if (!store_history_event_of_row(r, row, a, e, err)) {
        return false;
    }
    *bytes += (int64_t)log_event_body_len(e);
    return true;
}

/* The parts of a UNION have the same columns: what has none of its own travels in those of events. */
static bool view_row(const PGresult *r, int row, struct history_key key, struct arena *a,
                     struct heavy_view *v, struct err *err)
{
    switch ((enum view_part)row_i32(r, row, VIEW_PART)) {
    case VIEW_SHOPPER:
        v->newest_off = row_i64(r, row, VIEW_OFF);
        v->more = !row_null(r, row, VIEW_TYPE);
        v->due_us = row_null(r, row, VIEW_OCCURRED) ? 0 : row_time(r, row, VIEW_OCCURRED);
        return true;
    case VIEW_KNOWN:
        v->doc = row_text_copy(r, row, VIEW_BODY, a);
        return true;
    case VIEW_CHECKPOINT:
        v->from = (struct heavy_checkpoint){.at_us = row_time(r, row, VIEW_OCCURRED),
                                            .events = row_i64(r, row, VIEW_OFF),
                                            .doc = row_text_copy(r, row, VIEW_BODY, a)};
        return true;
    case VIEW_NEWS:
        return view_event(r, row, key, a, &v->news, &v->event_bytes, err);
    case VIEW_BEHIND:
        return view_event(r, row, key, a, &v->behind, &v->event_bytes, err);
    }
    return FAIL(err, ERR_INTERNAL, "a row of an unknown part");
}

static bool is_view_event(const PGresult *r, int row)
{
    const enum view_part part = (enum view_part)row_i32(r, row, VIEW_PART);

    return part == VIEW_NEWS || part == VIEW_BEHIND;
}

/* As they lie in the log, which is how the statement counts them. */
static int64_t view_bytes(const PGresult *r)
{
    int64_t bytes = 0;

    for (int row = 0; row < PQntuples(r); row++) {
        bytes += is_view_event(r, row) ? (int64_t)row_len(r, row, VIEW_BODY) : 0;
    }
    return bytes;
}

bool store_heavy_view(struct db *db, struct history_key key, int64_t until_us,
                      struct heavy_most most, struct arena *a, struct heavy_view *out,
                      struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct heavy_view v = {0};
    struct params p = key_params(key, a);

    param_time(&p, until_us);
    param_i64(&p, most.events);
    param_i64(&p, most.bytes);
    if (!db_query(db, Q_heavy_view, &p, &r, err)) {
        return false;
    }
    /* Counted before one is unpacked and again while they are: few bytes in the log may be very
     * many as they were sent. */
    bool fat = view_bytes(r) > most.bytes;
    v.news.events = arena_array(a, (size_t)PQntuples(r), sizeof *v.news.events);
    v.behind.events = arena_array(a, (size_t)PQntuples(r), sizeof *v.behind.events);
    for (int row = 0; row < PQntuples(r); row++) {
        if (!(fat && is_view_event(r, row)) && !view_row(r, row, key, a, &v, err)) {
            return false;
        }
        fat = fat || v.event_bytes > most.bytes;
    }
    if (fat) {
        v.more = true;
        v.news.count = 0;
        v.behind.count = 0;
    }
    *out = v;
    return true;
}

bool store_heavy_drop(struct db *db, int lane, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);

    param_i32(&p, lane);
    return db_exec(db, Q_heavy_drop, &p, NULL, err);
}
