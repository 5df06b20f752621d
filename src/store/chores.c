#include "store/chores.h"

/* Rows of the chores: who does one, until when, and what came of the last. */

bool store_chore_read(struct db *db, const char *name, struct arena *a, struct chore *out,
                      struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(a);
    param_text(&p, name);
    if (!db_query(db, Q_chore_read, &p, &rows, err)) {
        return false;
    }
    if (PQntuples(rows) != 1) {
        return FAIL(err, ERR_INTERNAL, "the table chore has no row %s", name);
    }
    *out = (struct chore){
        .held = row_bool(rows, 0, 0),
        .begun_us = row_time(rows, 0, 1),
        .ended_us = row_time(rows, 0, 2),
        .events = row_i64(rows, 0, 3),
        .outcome = row_text_copy(rows, 0, 4, a),
        .detail = row_text_copy(rows, 0, 5, a),
        .now_us = row_time(rows, 0, 6),
        .log_events = row_i64(rows, 0, 7),
        .trained_us = row_time(rows, 0, 8),
    };
    return true;
}

bool store_chore_take(struct db *db, const char *name, const char *owner, const struct chore *seen,
                      int64_t lease_us, bool *out_taken, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    int64_t taken;
    param_text(&p, name);
    param_text(&p, owner);
    param_time_opt(&p, seen->begun_us);
    param_i64(&p, seen->log_events);
    param_i64(&p, lease_us);
    if (!db_exec(db, Q_chore_take, &p, &taken, err)) {
        return false;
    }
    *out_taken = taken == 1;
    return true;
}

bool store_chore_keep(struct db *db, const char *name, const char *owner, int64_t lease_us,
                      struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    param_text(&p, name);
    param_text(&p, owner);
    param_i64(&p, lease_us);
    return db_exec(db, Q_chore_keep, &p, NULL, err);
}

bool store_chore_end(struct db *db, const char *name, const char *owner, const char *outcome,
                     const char *detail, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    param_text(&p, name);
    param_text(&p, owner);
    param_text(&p, outcome);
    param_text(&p, detail);
    return db_exec(db, Q_chore_end, &p, NULL, err);
}
