#include "store/carts.h"

#include <math.h>

/* Cart rows: written with the fold, read by lists. Pages are in carts_page.c. */

/* Of the rows, what identifies them. */
struct identities {
    int32_t *lanes;
    const char **keys, **cart_ids;
};

static struct identities identities_of(const struct cart_row *rows, size_t count, struct arena *a)
{
    struct identities c = {
        .lanes = arena_array(a, count, sizeof *c.lanes),
        .keys = arena_array(a, count, sizeof *c.keys),
        .cart_ids = arena_array(a, count, sizeof *c.cart_ids),
    };
    for (size_t i = 0; i < count; i++) {
        c.lanes[i] = rows[i].lane;
        c.keys[i] = rows[i].key;
        c.cart_ids[i] = rows[i].cart_id;
    }
    return c;
}

/* The rest of a row. */
struct facts {
    int32_t *rounds, *lines, *contacted;
    const char **statuses, **currencies, **risk_models;
    int64_t *units, *totals, *opened, *changed, *seen, *scored;
    bool *bots, *imported;
    double *risks;
};

static struct facts facts_make(size_t count, struct arena *a)
{
    return (struct facts){
        .rounds = arena_array(a, count, sizeof(int32_t)),
        .lines = arena_array(a, count, sizeof(int32_t)),
        .contacted = arena_array(a, count, sizeof(int32_t)),
        .statuses = arena_array(a, count, sizeof(char *)),
        .currencies = arena_array(a, count, sizeof(char *)),
        .risk_models = arena_array(a, count, sizeof(char *)),
        .units = arena_array(a, count, sizeof(int64_t)),
        .totals = arena_array(a, count, sizeof(int64_t)),
        .opened = arena_array(a, count, sizeof(int64_t)),
        .changed = arena_array(a, count, sizeof(int64_t)),
        .seen = arena_array(a, count, sizeof(int64_t)),
        .scored = arena_array(a, count, sizeof(int64_t)),
        .bots = arena_array(a, count, sizeof(bool)),
        .imported = arena_array(a, count, sizeof(bool)),
        .risks = arena_array(a, count, sizeof(double)),
    };
}

static struct facts facts_of(const struct cart_row *rows, size_t count, struct arena *a)
{
    struct facts f = facts_make(count, a);
    for (size_t i = 0; i < count; i++) {
        bool scored = !isnan(rows[i].risk);
        f.rounds[i] = rows[i].round;
        f.lines[i] = rows[i].lines;
        f.contacted[i] = rows[i].contacted;
        f.statuses[i] = rows[i].status;
        f.currencies[i] = rows[i].currency;
        f.units[i] = rows[i].units;
        f.totals[i] = rows[i].total_minor;
        f.opened[i] = rows[i].opened_us;
        f.changed[i] = rows[i].changed_us;
        f.seen[i] = rows[i].seen_us;
        f.bots[i] = rows[i].bot;
        f.imported[i] = rows[i].imported;
        f.risks[i] = rows[i].risk;
        f.risk_models[i] = scored ? rows[i].risk_model : NULL;
        f.scored[i] = scored ? rows[i].scored_us : INT64_MIN;
    }
    return f;
}

static void add_facts(struct params *p, const struct facts *f, size_t count)
{
    param_i32_array(p, f->rounds, count);
    param_text_array(p, f->statuses, count);
    param_i32_array(p, f->lines, count);
    param_i64_array(p, f->units, count);
    param_i64_array(p, f->totals, count);
    param_text_array(p, f->currencies, count);
    param_time_array(p, f->opened, count);
    param_time_array(p, f->changed, count);
    param_time_array(p, f->seen, count);
    param_i32_array(p, f->contacted, count);
    param_bool_array(p, f->bots, count);
    param_bool_array(p, f->imported, count);
    param_f64_array(p, f->risks, count);
    param_text_array(p, f->risk_models, count);
    param_time_array(p, f->scored, count);
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
    struct identities c = identities_of(rows, count, &a);
    struct params p = params_make(&a);
    param_text_array(&p, c.cart_ids, count);
    param_i32_array(&p, c.lanes, count);
    param_text_array(&p, c.keys, count);
    return db_exec(db, Q_cart_lanes_delete, &p, NULL, err);
}

static bool delete_others(struct db *db, const int *lanes, const char *const *keys,
                          size_t key_count, const struct identities *keep, size_t count,
                          struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *gone = NULL;
    struct params p = params_make(&a);
    param_i32_array(&p, lanes, key_count);
    param_text_array(&p, keys, key_count);
    param_i32_array(&p, keep->lanes, count);
    param_text_array(&p, keep->keys, count);
    param_text_array(&p, keep->cart_ids, count);
    return db_query(db, Q_carts_delete_others, &p, &gone, err) && forget_lanes(db, gone, err);
}

bool store_carts_write(struct db *db, const int *lanes, const char *const *keys, size_t key_count,
                       const struct cart_row *rows, size_t count, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct identities c = identities_of(rows, count, &a);
    if (key_count != 0 && !delete_others(db, lanes, keys, key_count, &c, count, err)) {
        return false;
    }
    if (count == 0) {
        return true;
    }
    struct facts f = facts_of(rows, count, &a);
    struct params carts = params_make(&a);
    param_i32_array(&carts, c.lanes, count);
    param_text_array(&carts, c.keys, count);
    param_text_array(&carts, c.cart_ids, count);
    add_facts(&carts, &f, count);
    struct params cart_lanes = params_make(&a);
    param_text_array(&cart_lanes, c.cart_ids, count);
    param_i32_array(&cart_lanes, c.lanes, count);
    param_text_array(&cart_lanes, c.keys, count);
    return db_exec(db, Q_carts_upsert, &carts, NULL, err) &&
           db_exec(db, Q_cart_lanes_upsert, &cart_lanes, NULL, err);
}

struct cart_row cart_row_at(const PGresult *rows, int r)
{
    return (struct cart_row){
        .lane = row_i32(rows, r, 0),
        .key = row_text(rows, r, 1),
        .cart_id = row_text(rows, r, 2),
        .round = row_i32(rows, r, 3),
        .status = row_text(rows, r, 4),
        .lines = row_i32(rows, r, 5),
        .units = row_i64(rows, r, 6),
        .total_minor = row_i64_or(rows, r, 7, INT64_MIN),
        .currency = row_text(rows, r, 8),
        .opened_us = row_time(rows, r, 9),
        .changed_us = row_time(rows, r, 10),
        .seen_us = row_time(rows, r, 11),
        .contacted = row_i32(rows, r, 12),
        .bot = row_bool(rows, r, 13),
        .imported = row_bool(rows, r, 14),
        .risk = row_f64(rows, r, 15),
        .risk_model = row_text(rows, r, 16),
        .scored_us = row_time(rows, r, 17),
    };
}
