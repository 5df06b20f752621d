/* Queries over what is on its way from anonymous shoppers to their owners. What becomes of it is for fold/ to say. */
#include "store/handing.h"

#include "base/cleanup.h"

static struct params key_params(struct history_key key, struct arena *a)
{
    struct params p = params_make(a);

    param_i32(&p, key.lane);
    param_text(&p, key.key);
    return p;
}

bool store_handing_put(struct db *db, struct history_key key, const struct handing *h,
                       struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = key_params(key, &a);

    param_i64(&p, h->done_off);
    param_i64(&p, h->last_off);
    param_time(&p, h->from_us);
    return db_exec(db, Q_handing_put, &p, NULL, err);
}

bool store_handing_claim(struct db *db, const int32_t *lanes, size_t count, struct arena *a,
                         struct history_key *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct params p = params_make(a);

    param_i32_array(&p, lanes, count);
    if (!db_query(db, Q_handing_claim, &p, &r, err)) {
        return false;
    }
    *out = (struct history_key){0};
    if (PQntuples(r) > 0) {
        *out = (struct history_key){row_i32(r, 0, 0), row_text_copy(r, 0, 1, a)};
    }
    return true;
}

bool store_handing_read(struct db *db, struct history_key key, struct arena *a, struct handing *out,
                        bool *out_found, struct err *err)
{
    CLEANUP(rows_clear) PGresult *r = NULL;
    struct params p = key_params(key, a);

    if (!db_query(db, Q_handing_read, &p, &r, err)) {
        return false;
    }
    *out_found = PQntuples(r) > 0;
    if (*out_found) {
        *out = (struct handing){.done_off = row_i64(r, 0, 0),
                                .last_off = row_i64(r, 0, 1),
                                .from_us = row_time(r, 0, 2),
                                .doc = row_text_copy(r, 0, 3, a)};
    }
    return true;
}

bool store_handing_move(struct db *db, struct history_key key, int64_t done_off, int64_t due_us,
                        struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = key_params(key, &a);

    param_i64(&p, done_off);
    param_time(&p, due_us);
    return db_exec(db, Q_handing_move, &p, NULL, err);
}

bool store_handing_end(struct db *db, struct history_key key, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = key_params(key, &a);

    return db_exec(db, Q_handing_end, &p, NULL, err);
}
