#include "store/outreach.h"

#include "domain/shop/event.h"
#include "store/lanes.h"
#include "store/products.h"

#include <string.h>

/* Decisions. The primary key (lane, key, subject, round, step) is what makes "twice" impossible. */

static struct params put_params(const struct outreach_row *row, const struct outreach_event *event,
                                struct arena *a)
{
    struct params p = params_make(a);
    param_i32(&p, row->lane);
    param_text(&p, row->subject);
    param_i32(&p, row->round);
    param_i32(&p, row->step);
    param_text(&p, row->outreach_id);
    param_text(&p, row->key);
    param_text(&p, row->decision);
    param_text(&p, row->reason);
    param_time(&p, row->decided_us);
    /* json, not jsonb: an answer repeats what was decided byte for byte. */
    param_text(&p, row->summary);
    param_text(&p, row->why);
    param_text(&p, row->message);
    param_text(&p, event != NULL ? event->event_id : NULL);
    param_jsonb(&p, event != NULL ? event->body : NULL, event != NULL ? strlen(event->body) : 0);
    param_text(&p, row->cart_digest);
    return p;
}

bool store_outreach_put(struct db *db, const struct outreach_row *row,
                        const struct outreach_event *event, bool *out_stored, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = put_params(row, event, &a);
    if (!db_query(db, Q_outreach_put, &p, &rows, err)) {
        return false;
    }
    /* The status of the append: none where it was stored, or where nothing was to be appended. */
    if (!row_null(rows, 0, 1)) {
        return FAIL(err, ERR_INTERNAL, "the event of %s was in the log before its row (%s)",
                    row->outreach_id, row_text(rows, 0, 1));
    }
    /* 0: a send is there already, and stays. */
    *out_stored = row_i64(rows, 0, 0) == 1;
    return true;
}

static struct outreach_row row_at(const PGresult *rows, struct arena *a)
{
    const char *subject = row_text_copy(rows, 0, 1, a);

    return (struct outreach_row){
        .lane = row_i32(rows, 0, 0),
        .subject = subject,
        .cart_id = subject + strlen(OUTREACH_OF_CART),
        .round = row_i32(rows, 0, 2),
        .step = row_i32(rows, 0, 3),
        .outreach_id = row_text_copy(rows, 0, 4, a),
        .key = row_text_copy(rows, 0, 5, a),
        .decision = row_text_copy(rows, 0, 6, a),
        .reason = row_text_copy(rows, 0, 7, a),
        .decided_us = row_time(rows, 0, 8),
        .summary = row_text_copy(rows, 0, 9, a),
        .why = row_text_copy(rows, 0, 10, a),
        .message = row_text_copy(rows, 0, 11, a),
    };
}

bool store_outreach_by_id(struct db *db, int lane, const char *outreach_id, struct arena *a,
                          struct outreach_row *out, bool *out_found, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(a);
    param_i32(&p, lane);
    param_text(&p, outreach_id);
    if (!db_query(db, Q_outreach_by_id, &p, &rows, err)) {
        return false;
    }
    *out_found = PQntuples(rows) == 1;
    if (*out_found) {
        *out = row_at(rows, a);
    }
    return true;
}

/* All anonymous shoppers that are it, itself among them if it is one. */
static const char **names_of(const struct joins *j, struct arena *a, size_t *out_count)
{
    const char **names = arena_array(a, j->via_count + 1, sizeof *names);
    size_t count = 0;

    for (; count < j->via_count; count++) {
        names[count] = j->vias[count];
    }
    if (j->key[0] == 'a') {
        names[count++] = j->key + 2;
    }
    *out_count = count;
    return names;
}

static struct params joins_params(const struct joins *j, struct arena *a)
{
    struct params p = params_make(a);
    size_t count;
    const char **names = names_of(j, a, &count);

    param_i32(&p, j->lane);
    param_text(&p, j->key);
    param_text_array(&p, j->vias, j->via_count);
    param_text_array(&p, j->open, j->open_count);
    param_text_array(&p, names, count);
    param_text_array(&p, j->cart_ids, j->cart_count);
    param_i64(&p, j->last_off);
    param_text(&p, j->found_by);
    param_i64(&p, j->found_by_off);
    param_bool(&p, j->dropped);
    param_text_array(&p, j->apart, j->apart_count);
    param_texts(&p, TEXTS(j->own, j->own_count, key));
    param_times(&p, INT64S(j->own, j->own_count, from_us));
    param_times(&p, INT64S(j->own, j->own_count, until_us));
    param_text_array(&p, j->shared, j->shared_count);
    param_text_array(&p, j->ordered, j->ordered_count);
    return p;
}

static struct joins_pending pending_at(const PGresult *rows, const struct joins *j, struct arena *a)
{
    return (struct joins_pending){.any = row_bool(rows, 0, 0) || j->wait,
                                  .due_us = row_null(rows, 0, 1) ? 0 : row_time(rows, 0, 1),
                                  .ordered_us = row_null(rows, 0, 2) ? 0 : row_time(rows, 0, 2),
                                  .moved = row_bool(rows, 0, 3),
                                  .withdrawn_us = row_null(rows, 0, 4) ? 0 : row_time(rows, 0, 4),
                                  .sharers =
                                      row_null(rows, 0, 5) ? NULL : row_text_copy(rows, 0, 5, a)};
}

/* The place of who it was found by among the vias; via_count: not there. */
static size_t found_among(const struct joins *j)
{
    size_t i = 0;

    while (i < j->via_count && strcmp(j->vias[i], j->found_by + 2) != 0) {
        i++;
    }
    return i;
}

/* Its keys were its own whenever they were used. */
static bool is_nobody_else(const struct joins *j)
{
    bool own = j->open_count == 0;

    for (size_t i = 0; i < j->own_count && own; i++) {
        own = j->own[i].from_us == INT64_MIN && j->own[i].until_us == INT64_MAX;
    }
    return own;
}

/* Whom joins_quiet may be asked about, and is not known to say no of. */
static bool is_ordinary(const struct joins *j)
{
    return !j->news && !j->dropped && !j->shares && !j->wait && is_nobody_else(j) &&
           (j->found_by == NULL || found_among(j) < j->via_count);
}

/* Those it only ordered are looked at as those it had. */
static const char **carts_of(const struct joins *j, struct arena *a, size_t *out_count)
{
    const char **carts = arena_array(a, j->cart_count + j->ordered_count, sizeof *carts);
    size_t count = 0;

    for (size_t i = 0; i < j->cart_count; i++) {
        carts[count++] = j->cart_ids[i];
    }
    for (size_t i = 0; i < j->ordered_count; i++) {
        carts[count++] = j->ordered[i];
    }
    *out_count = count;
    return carts;
}

static struct params quiet_params(const struct joins *j, struct arena *a)
{
    struct params p = params_make(a);
    const size_t count = j->via_count + 1;
    int32_t *lanes = arena_array(a, count, sizeof *lanes);
    const char **keys = arena_array(a, count, sizeof *keys);
    int64_t *offs = arena_array(a, count, sizeof *offs);
    size_t named;
    const char **names = names_of(j, a, &named);
    size_t cart_count;
    const char **carts = carts_of(j, a, &cart_count);

    for (size_t i = 0; i < j->via_count; i++) {
        keys[i] = arena_printf(a, "a:%s", j->vias[i]);
        lanes[i] = event_lane(keys[i]);
        offs[i] = INT64_MAX; /* as far as the cursor is */
    }
    if (j->found_by != NULL) {
        offs[found_among(j)] = j->found_by_off;
    }
    keys[j->via_count] = j->key;
    lanes[j->via_count] = j->lane;
    offs[j->via_count] = j->last_off;
    param_i32_array(&p, lanes, count);
    param_text_array(&p, keys, count);
    param_i64_array(&p, offs, count);
    param_text_array(&p, names, named);
    param_text_array(&p, carts, cart_count);
    param_text_array(&p, j->ordered, j->ordered_count);
    return p;
}

/* What is asked first: of most it is enough. In a cluster it would take as many statements as the whole. */
static struct db_call joins_ask(const struct db *db, const struct joins *j, struct arena *a)
{
    return is_ordinary(j) && !db_distributed(db)
               ? (struct db_call){.query = Q_joins_quiet, .params = quiet_params(j, a)}
               : (struct db_call){.query = Q_joins_pending, .params = joins_params(j, a)};
}

/* Of what came back of that; where it was not enough the whole question follows, of what is committed by then. */
static bool joins_answer(struct db *db, const struct joins *j, const struct db_call *asked,
                         struct arena *a, struct joins_pending *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;

    if (asked->query == Q_joins_pending) {
        *out = pending_at(asked->rows, j, a);
        return true;
    }
    if (row_bool(asked->rows, 0, 0)) {
        *out = (struct joins_pending){0};
        return true;
    }
    const struct params p = joins_params(j, a);
    if (!db_query(db, Q_joins_pending, &p, &rows, err)) {
        return false;
    }
    *out = pending_at(rows, j, a);
    return true;
}

bool store_joins_pending(struct db *db, const struct joins *j, struct arena *a,
                         struct joins_pending *out, struct err *err)
{
    struct db_call call = joins_ask(db, j, a);

    const bool ok = db_query(db, call.query, &call.params, &call.rows, err) &&
                    joins_answer(db, j, &call, a, out, err);
    db_calls_clear(&call, 1);
    return ok;
}

bool store_cart_pending(struct db *db, const struct cart_look *look, bool *out, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(&a);

    param_text(&p, look->cart_id);
    param_text_array(&p, look->keys, look->key_count);
    param_bool(&p, look->kept);
    if (!db_query(db, Q_cart_pending, &p, &rows, err)) {
        return false;
    }
    *out = row_bool(rows, 0, 0);
    return true;
}

bool store_joins_shaken(struct db *db, const struct shaken_look *look, bool *out_soon,
                        bool *out_many, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(&a);

    param_text_array(&p, look->cart_ids, look->cart_count);
    param_text_array(&p, look->keys, look->key_count);
    param_bool(&p, look->strict);
    if (!db_query(db, Q_joins_shaken, &p, &rows, err)) {
        return false;
    }
    *out_soon = row_bool(rows, 0, 0);
    *out_many = row_bool(rows, 0, 1);
    return true;
}

/* What came back of the questions; of the products: none were asked for where ids are none. */
static bool look_at(struct db *db, const struct release_look *look, const struct db_call *joins,
                    const struct db_call *products, struct arena *a, struct release_seen *out,
                    struct err *err)
{
    out->products = arena_array(a, look->id_count + 1, sizeof *out->products);
    if (look->id_count > 0) {
        store_products_answer(products->rows, a, out->products);
    }
    return joins_answer(db, &look->joins, joins, a, &out->pending, err);
}

bool store_look(struct db *db, const struct release_look *look, struct arena *a,
                struct release_seen *out, struct err *err)
{
    struct db_call calls[2] = {joins_ask(db, &look->joins, a),
                               store_products_ask(look->ids, look->id_count, a)};
    const int count = look->id_count > 0 ? 2 : 1;

    const bool ok =
        db_ask(db, calls, count, err) && look_at(db, look, &calls[0], &calls[1], a, out, err);
    db_calls_clear(calls, count);
    return ok;
}

bool store_release_begin(struct db *db, const struct release_look *look, struct arena *a,
                         struct release_seen *out, struct err *err)
{
    /* The lock is a statement of its own, before the look: a statement sees what was committed when
     * it began, and the lock may wait. Of its rows nobody needs to know. */
    struct db_call calls[3] = {store_lanes_lock(look->lanes, look->lane_count, a),
                               joins_ask(db, &look->joins, a),
                               store_products_ask(look->ids, look->id_count, a)};
    const int count = look->id_count > 0 ? 3 : 2;

    const bool ok = db_begin_with(db, calls, count, err) &&
                    look_at(db, look, &calls[1], &calls[2], a, out, err);
    db_calls_clear(calls, count);
    return ok;
}
