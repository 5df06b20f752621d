#include "store/carts.h"

#include "domain/shop/event.h"

#include <math.h>

/* Cart rows: written with the fold, read by lists. Pages are in carts_page.c. */

/* What a write without a score leaves as it is. */
struct scores {
    const char **models; /* NULL: no score */
    int64_t *times;      /* INT64_MIN: no score */
};

static struct scores scores_of(const struct cart_row *rows, size_t count, struct arena *a)
{
    struct scores s = {
        .models = arena_array(a, count, sizeof *s.models),
        .times = arena_array(a, count, sizeof *s.times),
    };
    for (size_t i = 0; i < count; i++) {
        bool scored = !isnan(rows[i].risk);
        s.models[i] = scored ? rows[i].risk_model : NULL;
        s.times[i] = scored ? rows[i].scored_us : INT64_MIN;
    }
    return s;
}

static void add_facts(struct params *p, const struct cart_row *rows, size_t count)
{
    /* In the order of $4 to $15 of carts_upsert. */
    param_i32s(p, INT32S(rows, count, round));
    param_texts(p, TEXTS(rows, count, status));
    param_i32s(p, INT32S(rows, count, lines));
    param_i64s(p, INT64S(rows, count, units));
    param_i64s(p, INT64S(rows, count, total_minor));
    param_texts(p, TEXTS(rows, count, currency));
    param_times(p, INT64S(rows, count, opened_us));
    param_times(p, INT64S(rows, count, changed_us));
    param_times(p, INT64S(rows, count, seen_us));
    param_i32s(p, INT32S(rows, count, contacted));
    param_bools(p, BOOLS(rows, count, bot));
    param_bools(p, BOOLS(rows, count, imported));
}

static void add_scores(struct params *p, const struct cart_row *rows, size_t count)
{
    struct scores s = scores_of(rows, count, p->arena);
    /* A NaN travels as NULL, and the upsert keeps all three stored columns where the risk is NULL. */
    param_f64s(p, DOUBLES(rows, count, risk));
    param_text_array(p, s.models, count);
    param_time_array(p, s.times, count);
}

/* $1 cart ids, $2 lanes, $3 keys: of both statements about cart_lane. */
static struct params cart_lanes_params(const struct cart_row *rows, size_t count, struct arena *a)
{
    struct params p = params_make(a);
    param_texts(&p, TEXTS(rows, count, cart_id));
    param_i32s(&p, INT32S(rows, count, lane));
    param_texts(&p, TEXTS(rows, count, key));
    return p;
}

/* The cart ids of rows that are gone lead nowhere any more. */
static bool forget_lanes(struct db *db, const PGresult *gone, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    size_t count = (size_t)PQntuples(gone);
    if (count == 0) {
        return true;
    }
    struct cart_row *rows = arena_array(&a, count, sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        rows[i].lane = row_i32(gone, (int)i, 0);
        rows[i].key = row_text(gone, (int)i, 1);
        rows[i].cart_id = row_text(gone, (int)i, 2);
    }
    struct params p = cart_lanes_params(rows, count, &a);
    return db_exec(db, Q_cart_lanes_delete, &p, NULL, err);
}

static bool delete_others(struct db *db, const int *lanes, const char *const *keys,
                          size_t key_count, const struct cart_row *keep, size_t count,
                          struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *gone = NULL;
    struct params p = params_make(&a);
    param_i32_array(&p, lanes, key_count);
    param_text_array(&p, keys, key_count);
    param_i32s(&p, INT32S(keep, count, lane));
    param_texts(&p, TEXTS(keep, count, key));
    param_texts(&p, TEXTS(keep, count, cart_id));
    /* The rows that went come back from the delete: only they may have to be forgotten in cart_lane. */
    return db_query(db, Q_carts_delete_others, &p, &gone, err) && forget_lanes(db, gone, err);
}

bool store_carts_write(struct db *db, const int *lanes, const char *const *keys, size_t key_count,
                       const struct cart_row *rows, size_t count, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    if (key_count != 0 && !delete_others(db, lanes, keys, key_count, rows, count, err)) {
        return false;
    }
    if (count == 0) {
        return true;
    }
    struct params carts = params_make(&a);
    param_i32s(&carts, INT32S(rows, count, lane));
    param_texts(&carts, TEXTS(rows, count, key));
    param_texts(&carts, TEXTS(rows, count, cart_id));
    add_facts(&carts, rows, count);
    add_scores(&carts, rows, count);
    struct params cart_lanes = cart_lanes_params(rows, count, &a);
    return db_exec(db, Q_carts_upsert, &carts, NULL, err) &&
           db_exec(db, Q_cart_lanes_upsert, &cart_lanes, NULL, err);
}

bool store_cart_uses_put(struct db *db, const struct cart_uses *uses, struct arena *a,
                         struct cart_meeting **out, size_t *out_count, struct err *err)
{
    CLEANUP(arena_free) struct arena scratch = {0};
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(&scratch);
    size_t met = 0;

    param_i32s(&p, INT32S(uses->all, uses->count, lane));
    param_texts(&p, TEXTS(uses->all, uses->count, cart_id));
    param_texts(&p, TEXTS(uses->all, uses->count, key));
    param_times(&p, INT64S(uses->all, uses->count, ordered_us));
    param_time(&p, uses->now_us);
    param_times(&p, INT64S(uses->all, uses->count, named_us));
    if (!db_query(db, Q_cart_parties_put, &p, &rows, err)) {
        return false;
    }
    *out = arena_array(a, (size_t)PQntuples(rows), sizeof **out);
    for (int i = 0; i < PQntuples(rows); i++) {
        if (!row_null(rows, i, 1) && !row_null(rows, i, 2)) {
            (*out)[met++] = (struct cart_meeting){.cart_id = row_text_copy(rows, i, 0, a),
                                                  .customer = row_text_copy(rows, i, 1, a),
                                                  .anonymous = row_text_copy(rows, i, 2, a),
                                                  .ordered_us = row_time(rows, i, 3),
                                                  .taken_back = row_bool(rows, i, 4)};
        }
    }
    *out_count = met;
    return true;
}

bool store_cart_uses_trim(struct db *db, int lane, int64_t before_us, int64_t *out_deleted,
                          struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct params p = params_make(&a);

    param_i32(&p, lane);
    param_time(&p, before_us);
    return db_exec(db, Q_cart_parties_trim, &p, out_deleted, err);
}

bool store_carts_ordered(struct db *db, const struct cart_row *rows, size_t count, struct arena *a,
                         struct cart_order_by **out, size_t *out_count, struct err *err)
{
    CLEANUP(arena_free) struct arena scratch = {0};
    CLEANUP(rows_clear) PGresult *found = NULL;
    struct params p = params_make(&scratch);

    param_i32s(&p, INT32S(rows, count, lane));
    param_texts(&p, TEXTS(rows, count, key));
    param_texts(&p, TEXTS(rows, count, cart_id));
    if (!db_query(db, Q_carts_ordered, &p, &found, err)) {
        return false;
    }
    *out_count = (size_t)PQntuples(found);
    *out = arena_array(a, *out_count, sizeof **out);
    for (int i = 0; i < PQntuples(found); i++) {
        (*out)[i] = (struct cart_order_by){.cart = (size_t)row_i32(found, i, 0),
                                           .key = row_text_copy(found, i, 1, a),
                                           .at_us = row_time(found, i, 2)};
    }
    return true;
}

static const char *text_at(const PGresult *rows, int r, int column, struct arena *a)
{
    return a != NULL ? row_text_copy(rows, r, column, a) : row_text(rows, r, column);
}

void cart_facts_at(const PGresult *rows, int r, int first, struct arena *a, struct cart_row *out)
{
    out->cart_id = text_at(rows, r, first, a);
    out->round = row_i32(rows, r, first + 1);
    out->status = text_at(rows, r, first + 2, a);
    out->lines = row_i32(rows, r, first + 3);
    out->units = row_i64(rows, r, first + 4);
    out->total_minor = row_i64_or(rows, r, first + 5, INT64_MIN);
    out->currency = text_at(rows, r, first + 6, a);
    out->opened_us = row_time(rows, r, first + 7);
    out->changed_us = row_time(rows, r, first + 8);
    out->seen_us = row_time(rows, r, first + 9);
    out->contacted = row_i32(rows, r, first + 10);
    out->bot = row_bool(rows, r, first + 11);
    out->imported = row_bool(rows, r, first + 12);
}

struct cart_row cart_row_at(const PGresult *rows, int r)
{
    struct cart_row row = {
        .lane = row_i32(rows, r, 0),
        .key = row_text(rows, r, 1),
        .risk = row_f64(rows, r, 15),
        .risk_model = row_text(rows, r, 16),
        .scored_us = row_time(rows, r, 17),
    };

    cart_facts_at(rows, r, 2, NULL, &row);
    return row;
}
