/* Scores brought up to date after a model was promoted. */
#include "store/scores.h"

#include "base/cleanup.h"

static void read_unscored(const PGresult *rows, int r, struct arena *a, void *out)
{
    *(struct unscored *)out = (struct unscored){
        .lane = row_i32(rows, r, 0),
        .key = row_text_copy(rows, r, 1, a),
        .cart_id = row_text_copy(rows, r, 2, a),
        .doc = row_text_copy(rows, r, 3, a),
    };
}

bool store_carts_unscored(struct db *db, const struct unscored_query *q, struct arena *a,
                          struct unscored **out, size_t *out_count, struct err *err)
{
    struct params p = params_make(a);
    struct db_rows found;

    param_text(&p, q->model);
    param_time(&p, q->seen_from_us);
    /* By position in the key, not by OFFSET: a page costs the same however far the walk has
     * come. */
    param_i32(&p, q->after.lane);
    param_text(&p, q->after.key);
    param_text(&p, q->after.cart_id);
    param_i64(&p, q->limit);
    if (!db_list(db, Q_carts_unscored, &p, sizeof **out, read_unscored, &found, err)) {
        return false;
    }
    *out = found.all;
    *out_count = found.count;
    return true;
}

bool store_carts_score(struct db *db, const char *model, int64_t scored_us,
                       const struct cart_score *scores, size_t count, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);

    param_text(&p, model);
    param_time(&p, scored_us);
    param_i32s(&p, INT32S(scores, count, lane));
    param_texts(&p, TEXTS(scores, count, key));
    param_texts(&p, TEXTS(scores, count, cart_id));
    param_times(
        &p, INT64S(scores, count, seen_us)); /* tells a cart that has moved on since it was read */
    param_f64s(&p, DOUBLES(scores, count, risk));
    return db_exec(db, Q_carts_score, &p, NULL, err);
}
