/* Scores brought up to date after a model was promoted. */
#include "store/scores.h"

#include "base/cleanup.h"

bool store_carts_unscored(struct db *db, const struct unscored_query *q, struct arena *a,
                          struct unscored **out, size_t *out_count, struct err *err)
{
    struct params p = params_make(a);
    CLEANUP(rows_clear) PGresult *rows = NULL;

    param_text(&p, q->model);
    param_time(&p, q->seen_from_us);
    param_i32(&p, q->after.lane);
    param_text(&p, q->after.key);
    param_text(&p, q->after.cart_id);
    param_i64(&p, q->limit);
    if (!db_query(db, Q_carts_unscored, &p, &rows, err)) {
        return false;
    }
    int count = PQntuples(rows);
    struct unscored *found = arena_array(a, (size_t)count + 1, sizeof *found);
    for (int i = 0; i < count; i++) {
        found[i] = (struct unscored){
            .lane = (int)row_i64(rows, i, 0),
            .key = arena_strdup(a, row_text(rows, i, 1)),
            .cart_id = arena_strdup(a, row_text(rows, i, 2)),
            .doc = arena_strdup(a, row_text(rows, i, 3)),
        };
    }
    *out = found;
    *out_count = (size_t)count;
    return true;
}

bool store_carts_score(struct db *db, const char *model, int64_t scored_us,
                       const struct cart_score *scores, size_t count, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);
    int32_t *lanes = arena_array(&a, count + 1, sizeof *lanes);
    const char **keys = arena_array(&a, count + 1, sizeof *keys);
    const char **ids = arena_array(&a, count + 1, sizeof *ids);
    int64_t *seen = arena_array(&a, count + 1, sizeof *seen);
    double *risks = arena_array(&a, count + 1, sizeof *risks);

    for (size_t i = 0; i < count; i++) {
        lanes[i] = scores[i].lane;
        keys[i] = scores[i].key;
        ids[i] = scores[i].cart_id;
        seen[i] = scores[i].seen_us;
        risks[i] = scores[i].risk;
    }
    param_text(&p, model);
    param_time(&p, scored_us);
    param_i32_array(&p, lanes, count);
    param_text_array(&p, keys, count);
    param_text_array(&p, ids, count);
    param_time_array(&p, seen, count);
    param_f64_array(&p, risks, count);
    return db_exec(db, Q_carts_score, &p, NULL, err);
}
