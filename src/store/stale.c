/* Queries over stale shoppers. What becomes of them is for fold/ to say. */
#include "store/stale.h"

#include "base/cleanup.h"

bool store_stale_mark(struct db *db, const struct history_keys *keys, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);

    param_i32_array(&p, keys->lanes, keys->count);
    param_text_array(&p, keys->keys, keys->count);
    return keys->count == 0 || db_exec(db, Q_stale_mark, &p, NULL, err);
}

static bool of_keys(struct db *db, enum query_id q, const struct history_keys *keys, int64_t number,
                    struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);

    param_i32_array(&p, keys->lanes, keys->count);
    param_text_array(&p, keys->keys, keys->count);
    param_i64(&p, number);
    return keys->count == 0 || db_exec(db, q, &p, NULL, err);
}

bool store_stale_await(struct db *db, const struct history_keys *keys, int64_t us, struct err *err)
{
    return of_keys(db, Q_stale_await, keys, us, err);
}

bool store_stale_arrived(struct db *db, const struct history_keys *keys, int64_t pause,
                         struct err *err)
{
    return of_keys(db, Q_stale_arrived, keys, pause, err);
}

bool store_stale_claim(struct db *db, const int32_t *lanes, size_t count,
                       const struct stale_turn *turn, struct arena *a, struct history_key *out,
                       struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct params p = params_make(a);

    param_i32_array(&p, lanes, count);
    param_i64(&p, turn->at_least_us);
    param_i64(&p, turn->pause);
    if (!db_query(db, Q_stale_claim, &p, &r, err)) {
        return false;
    }
    *out = (struct history_key){0};
    if (PQntuples(r) > 0) {
        *out = (struct history_key){row_i32(r, 0, 0), row_text_copy(r, 0, 1, a)};
    }
    return true;
}

bool store_stale_hasten(struct db *db, const int32_t *lanes, size_t count, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);

    param_i32_array(&p, lanes, count);
    return db_exec(db, Q_stale_hasten, &p, NULL, err);
}

bool store_stale_took(struct db *db, struct history_key key, int64_t took_us, int64_t rest_us,
                      bool folded, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);

    param_i32(&p, key.lane);
    param_text(&p, key.key);
    param_i64(&p, took_us);
    param_i64(&p, rest_us);
    param_bool(&p, folded);
    return db_exec(db, Q_stale_took, &p, NULL, err);
}
