/* Daily checks of risk models. */
#include "store/risk_checks.h"

#include "base/cleanup.h"

#include <string.h>

bool store_risk_check_put(struct db *db, const char *version, const struct risk_check *c,
                          int64_t now_us, bool *out_stored, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    int64_t stored = 0;

    param_text(&p, version);
    param_i32(&p, (int32_t)c->day);
    param_f64(&p, c->shift);
    param_i64(&p, c->moments);
    param_f64(&p, c->brier);
    param_f64(&p, c->brier_base);
    param_f64(&p, c->psi_score);
    param_jsonb(&p, c->psi, strlen(c->psi));
    param_time(&p, now_us);
    if (!db_exec(db, Q_risk_check_insert, &p, &stored, err)) {
        return false;
    }
    /* None: another replica was first today. */
    *out_stored = stored > 0;
    return true;
}

bool store_risk_check_newest(struct db *db, const char *version, struct arena *a,
                             struct risk_check *out, bool *out_found, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(a);

    param_text(&p, version);
    if (!db_query(db, Q_risk_check_newest, &p, &rows, err)) {
        return false;
    }
    /* No check yet is no correction: a shift of 0. */
    *out = (struct risk_check){0};
    *out_found = PQntuples(rows) > 0;
    if (*out_found) {
        *out = (struct risk_check){.day = row_i32(rows, 0, 0),
                                   .shift = row_f64(rows, 0, 1),
                                   .moments = row_i64(rows, 0, 2),
                                   .brier = row_f64(rows, 0, 3),
                                   .brier_base = row_f64(rows, 0, 4),
                                   .psi_score = row_f64(rows, 0, 5),
                                   .psi = row_text_copy(rows, 0, 6, a),
                                   .psi_max = row_f64(rows, 0, 7),
                                   .psi_alarms = row_i64(rows, 0, 8)};
    }
    return true;
}
