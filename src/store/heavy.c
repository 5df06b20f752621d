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
    /* A left join of what was asked: row i is key i. */
    assert((size_t)PQntuples(r) == keys->count);
    for (size_t i = 0; i < keys->count; i++) {
        out[i] = (struct heavy_known){.known_off = row_i64(r, (int)i, 0),
                                      .doc = row_text_copy(r, (int)i, 1, a)};
    }
    return true;
}

static struct params key_params(struct heavy_key key, struct arena *a)
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

bool store_heavy_checkpoints(struct db *db, struct heavy_key key, struct arena *a,
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

bool store_heavy_checkpoint_doc(struct db *db, struct heavy_key key, int64_t at_us, struct arena *a,
                                const char **out, struct err *err)
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

static bool read_events(struct db *db, enum query_id q, const struct params *p,
                        struct heavy_key key, struct arena *a, struct history *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;

    if (!db_query(db, q, p, &r, err)) {
        return false;
    }
    *out = (struct history){.count = (size_t)PQntuples(r)};
    out->events = arena_array(a, out->count, sizeof *out->events);
    for (size_t i = 0; i < out->count; i++) {
        out->events[i].lane = key.lane;
        out->events[i].key = key.key;
        if (!store_history_event_of_row(r, (int)i, a, &out->events[i], err)) {
            return false;
        }
    }
    return true;
}

bool store_heavy_news(struct db *db, struct heavy_key key, int64_t after_off, int64_t last_off,
                      struct arena *a, struct history *out, struct err *err)
{
    struct params p = key_params(key, a);

    param_i64(&p, after_off);
    param_i64(&p, last_off);
    return read_events(db, Q_heavy_news, &p, key, a, out, err);
}

bool store_heavy_behind(struct db *db, struct heavy_key key, int64_t at_us, struct arena *a,
                        struct history *out, struct err *err)
{
    struct params p = key_params(key, a);

    param_time(&p, at_us);
    return read_events(db, Q_heavy_behind, &p, key, a, out, err);
}

static bool know(struct db *db, struct heavy_key key, const struct heavy_fold *fold,
                 struct arena *a, struct err *err)
{
    struct params known = key_params(key, a);
    struct params events = key_params(key, a);

    param_i64(&known, fold->last_off);
    param_text(&known, fold->doc);
    param_i64(&events, fold->last_off);
    /* The events first: they go on from where the known ones end. */
    return db_exec(db, Q_heavy_events_add, &events, NULL, err) &&
           db_exec(db, Q_heavy_know, &known, NULL, err);
}

static bool keep_checkpoints(struct db *db, struct heavy_key key, const struct heavy_fold *fold,
                             struct arena *a, struct err *err)
{
    struct params kept = key_params(key, a);
    struct params added = key_params(key, a);

    param_time_array(&kept, fold->kept_us, fold->kept_count);
    param_times(&added, INT64S(fold->added, fold->added_count, at_us));
    param_i64s(&added, INT64S(fold->added, fold->added_count, events));
    param_texts(&added, TEXTS(fold->added, fold->added_count, doc));
    return db_exec(db, Q_heavy_checkpoints_keep, &kept, NULL, err) &&
           (fold->added_count == 0 || db_exec(db, Q_heavy_checkpoints_add, &added, NULL, err));
}

bool store_heavy_write(struct db *db, struct heavy_key key, const struct heavy_fold *fold,
                       struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};

    return know(db, key, fold, &a, err) && keep_checkpoints(db, key, fold, &a, err);
}

bool store_heavy_drop(struct db *db, int lane, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);

    param_i32(&p, lane);
    return db_exec(db, Q_heavy_drop, &p, NULL, err);
}
