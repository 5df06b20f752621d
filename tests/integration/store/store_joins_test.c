/* The short question of a decision (joins_quiet) against the whole one (joins_pending): over random logs and states of the fold, of random shoppers, whoever asks the
 * short one first is told what the whole one says. A no that is missed costs the promise, so the whole one is the measure. */
#include "base/clock.h"
#include "base/rng.h"
#include "integration/store/store_spec.h"
#include "store/carts.h"
#include "store/outreach.h"

#include <inttypes.h>
#include <string.h>

enum {
    WORLDS = 250,
    QUESTIONS = 8,
    EVENTS_MAX = 7,
    PEOPLE = 4,
    KEYS = 8,
    CARTS = 4,
    BROWSERS_MAX = 2
};

static struct rng rng;
static struct db *plain; /* asks the whole question */

static bool one_in(int n)
{
    return rng_below(&rng, (uint64_t)n) == 0;
}

static const char *pick(const char *const *of, size_t count)
{
    return of[rng_below(&rng, count)];
}

static const char *const browsers[PEOPLE] = {"phone", "tablet", "laptop", "kiosk"};
static const char *const keys[KEYS] = {"c:ann",   "c:bob",    "c:cid",    "c:dee",
                                       "a:phone", "a:tablet", "a:laptop", "a:kiosk"};
static const char *const carts[CARTS] = {"cart", "k-1", "k-2", "k-3"};

/* ---- a world ---- */

/* What may stand in any event; what it means by its type is for the statements to say. */
static const char *random_body(void)
{
    const char *body = "{\"page\": \"home\"";

    if (!one_in(3)) {
        body = arena_printf(&spec.arena, "%s, \"cart_id\": \"%s\"", body, pick(carts, CARTS));
    }
    if (!one_in(3)) {
        body = arena_printf(&spec.arena, "%s, \"%s\": \"%s\"", body,
                            one_in(2) ? "anonymous_id" : "via", pick(browsers, PEOPLE));
    }
    if (one_in(2)) {
        body = arena_printf(&spec.arena, "%s, \"opt_out\": %s", body, one_in(2) ? "true" : "false");
    }
    if (one_in(4)) {
        body = arena_printf(&spec.arena, "%s, \"event\": {\"cart_id\": \"%s\"}", body,
                            pick(carts, CARTS));
    }
    return arena_printf(&spec.arena, "%s}", body);
}

static void add_events(void)
{
    static const char *const types[] = {"purchase",        "consent_withdrawn", "chat_message",
                                        "identify",        "page_viewed",       "logged_out",
                                        "purchase",        "shopper_bound",     "binding_set",
                                        "shopper_unbound", "forwarded"};
    struct event_row rows[EVENTS_MAX];
    enum append_status status[EVENTS_MAX];
    const size_t count = 1 + rng_below(&rng, EVENTS_MAX);

    for (size_t i = 0; i < count; i++) {
        rows[i] =
            an_event(.event_id = arena_printf(&spec.arena, "e%zu", i), .key = pick(keys, KEYS),
                     .type = pick(types, sizeof types / sizeof *types),
                     .occurred_us = NOW_US - SECONDS((int64_t)rng_below(&rng, 9)),
                     .body = random_body());
    }
    assert_ok(store_events_append(spec.db, rows, count, ORIGIN_API, NOW_US, status, &spec.err));
}

/* A statement of one key in so many, as k. */
static void each_key(int one_of, const char *statement)
{
    for (size_t i = 0; i < KEYS; i++) {
        if (one_in(one_of)) {
            sql(arena_printf(&spec.arena, "WITH k AS (SELECT %d AS lane, '%s'::text AS key) %s",
                             event_lane(keys[i]), keys[i], statement));
        }
    }
}

/* Who waits for something, and what for. */
static void add_waiting(void)
{
    each_key(20,
             one_in(2)
                 ? "INSERT INTO cartwright.stale_shopper SELECT lane, key, now(), now(), 1 FROM k"
                 : "INSERT INTO cartwright.stale_shopper SELECT lane, key, NULL, now(), 1 FROM k");
    each_key(
        40,
        "INSERT INTO cartwright.handing_over SELECT lane, key, 0, 9, now(), NULL, now(), now(), now() FROM k");
    each_key(
        40,
        arena_printf(
            &spec.arena,
            "INSERT INTO cartwright.derived_waiting SELECT lane, 'd', key, 'forwarded', now(), now(), '{\"via\": \"%s\"}' FROM k",
            pick(browsers, PEOPLE)));
}

/* As the fold may leave it at any time, and as it cannot: the questions must agree there, too. */
static void add_states(void)
{
    if (!one_in(4)) {
        sql("UPDATE cartwright.lane_cursor c SET off = l.off FROM (SELECT lane, max(off) AS off FROM cartwright.log GROUP BY lane) AS l"
            " WHERE l.lane = c.lane");
    }
    each_key(12, "UPDATE cartwright.lane_cursor c SET off = 0 FROM k WHERE c.lane = k.lane");
    each_key(3, "INSERT INTO cartwright.shopper SELECT lane, key, 1, 'x' FROM k");
    each_key(
        3,
        arena_printf(
            &spec.arena,
            "INSERT INTO cartwright.cart SELECT lane, key, '%s', 1, 'open', 1, 1, 1, 'EUR', now(), now(), now(), 0, false, false FROM k",
            pick(carts, CARTS)));
    for (size_t i = 0; i < CARTS; i++) {
        sql(arena_printf(
            &spec.arena,
            "INSERT INTO cartwright.cart_party SELECT cartwright.lane_of('k:%s'), '%s', '%s', '%s', %s, %s, now(), NULL, '%s', now()",
            carts[i], carts[i], keys[rng_below(&rng, PEOPLE)],
            keys[PEOPLE + rng_below(&rng, PEOPLE)], one_in(3) ? "true" : "false",
            one_in(2) ? "now()" : "NULL", keys[rng_below(&rng, PEOPLE)]));
    }
    add_waiting();
}

/* ---- a shopper that is asked about ---- */

static int64_t newest_of(const char *key)
{
    return sql_number(arena_printf(
        &spec.arena, "SELECT coalesce(max(off), 0) FROM cartwright.log WHERE key = '%s'", key));
}

static size_t some(const char *const *of, size_t count, size_t most, const char **out)
{
    size_t n = 0;

    for (size_t i = 0; i < count && n < most; i++) {
        if (one_in(3)) {
            out[n++] = of[i];
        }
    }
    return n;
}

struct asked {
    struct joins joins;
    const char *vias[PEOPLE], *open[PEOPLE], *cart_ids[CARTS], *apart[CARTS];
    const char *ordered[CARTS], *shared[2 * CARTS];
    struct own_time own[PEOPLE + 1];
};

static bool is_among(const char *id, const char *const *ids, size_t count)
{
    bool found = false;

    for (size_t i = 0; i < count && !found; i++) {
        found = strcmp(ids[i], id) == 0;
    }
    return found;
}

/* Of whom it is settled was its own always; the others, and an anonymous shopper, for a time. */
static void random_own(struct asked *q)
{
    struct joins *j = &q->joins;
    const int64_t since_us = NOW_US - SECONDS((int64_t)rng_below(&rng, 9));

    q->own[j->own_count++] =
        (struct own_time){j->key, j->key[0] == 'a' && one_in(4) ? since_us : INT64_MIN, INT64_MAX};
    for (size_t i = 0; i < j->via_count; i++) {
        const bool open = is_among(j->vias[i], j->open, j->open_count);
        q->own[j->own_count++] = (struct own_time){arena_printf(&spec.arena, "a:%s", j->vias[i]),
                                                   open ? since_us : INT64_MIN,
                                                   open ? since_us + SECONDS(3) : INT64_MAX};
    }
    j->own = q->own;
}

/* Of an anonymous shopper the carts that tell one apart, and what it ordered, whether it has that or not. */
static void random_shared(struct asked *q)
{
    struct joins *j = &q->joins;

    j->ordered = q->ordered;
    j->shared = q->shared;
    j->ordered_count =
        j->key[0] == 'a' && one_in(3) ? some(carts + 1, CARTS - 1, CARTS - 1, q->ordered) : 0;
    for (size_t i = 0; i < j->apart_count && j->key[0] == 'a'; i++) {
        q->shared[j->shared_count++] = q->apart[i];
    }
    for (size_t i = 0; i < j->ordered_count; i++) {
        q->shared[j->shared_count++] = q->ordered[i];
    }
    j->shares = j->key[0] == 'a' && one_in(10);
}

static void random_joins(struct asked *q)
{
    struct joins *j = &q->joins;

    *q = (struct asked){0};
    j->key = pick(keys, KEYS);
    j->lane = event_lane(j->key);
    j->via_count = j->key[0] == 'c' ? some(browsers, PEOPLE, BROWSERS_MAX, q->vias) : 0;
    j->open_count = some(q->vias, j->via_count, BROWSERS_MAX, q->open);
    j->cart_count = some(carts, CARTS, CARTS, q->cart_ids);
    for (size_t i = 0; i < j->cart_count; i++) {
        if (strcmp(q->cart_ids[i], "cart") != 0) {
            q->apart[j->apart_count++] = q->cart_ids[i];
        }
    }
    j->vias = q->vias;
    j->open = q->open;
    j->cart_ids = q->cart_ids;
    j->apart = q->apart;
    random_own(q);
    random_shared(q);
    j->dropped = one_in(10);
    j->news = one_in(10);
    j->last_off = newest_of(j->key) - (one_in(6) ? 1 : 0);
    if (j->key[0] == 'c' && one_in(3)) {
        j->found_by = j->via_count > 0 && !one_in(4)
                          ? arena_printf(&spec.arena, "a:%s", pick(q->vias, j->via_count))
                          : arena_printf(&spec.arena, "a:%s", pick(browsers, PEOPLE));
        j->found_by_off = newest_of(j->found_by) - (one_in(6) ? 1 : 0);
    }
}

/* Whatever the parameters are called in sql/queries/outreach.sql. */
static struct joins_pending asked_whole(const struct joins *j)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(&spec.arena);
    const char *names[PEOPLE + 1];
    size_t count = 0;

    for (; count < j->via_count; count++) {
        names[count] = j->vias[count];
    }
    if (j->key[0] == 'a') {
        names[count++] = j->key + 2;
    }
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
    assert_ok(db_query(plain, Q_joins_pending, &p, &rows, &spec.err));
    return (struct joins_pending){
        .any = row_bool(rows, 0, 0),
        .due_us = row_null(rows, 0, 1) ? 0 : row_time(rows, 0, 1),
        .ordered_us = row_null(rows, 0, 2) ? 0 : row_time(rows, 0, 2),
        .moved = row_bool(rows, 0, 3),
        .withdrawn_us = row_null(rows, 0, 4) ? 0 : row_time(rows, 0, 4),
        .sharers = row_null(rows, 0, 5) ? NULL : row_text_copy(rows, 0, 5, &spec.arena)};
}

static const char *told(const struct joins_pending *p)
{
    return arena_printf(&spec.arena,
                        "any %d, moved %d, due %" PRId64 ", ordered %" PRId64 ", withdrawn %" PRId64
                        ", sharers %s",
                        p->any, p->moved, p->due_us, p->ordered_us, p->withdrawn_us,
                        p->sharers == NULL ? "none" : p->sharers);
}

/* How often the connection of the store has asked it. */
static int64_t times(const char *query)
{
    return sql_number(arena_printf(
        &spec.arena,
        "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE name = '%s'",
        query));
}

/* ---- tests ---- */

static void ask_both_ways(int world, int question)
{
    struct asked q;
    struct joins_pending got;

    random_joins(&q);
    assert_ok(store_joins_pending(spec.db, &q.joins, &spec.arena, &got, &spec.err));
    const struct joins_pending whole = asked_whole(&q.joins);
    if (strcmp(told(&got), told(&whole)) != 0) {
        fail_msg("world %d, question %d (%s): %s\n  instead of %s", world, question, q.joins.key,
                 told(&got), told(&whole));
    }
}

static void the_short_question_never_hides_what_the_whole_one_says(void **state)
{
    (void)state;
    const int64_t asked = (int64_t)WORLDS * QUESTIONS;

    plain = spec_connect();
    for (int world = 1; world <= WORLDS; world++) {
        rng = rng_seed((uint64_t)world);
        spec_empty();
        add_events();
        add_states();
        for (int i = 0; i < QUESTIONS; i++) {
            ask_both_ways(world, i);
        }
        arena_reset(&spec.arena);
    }
    db_close(&plain);
    /* Both ways were gone, and often enough. */
    assert_true(times("joins_pending") > asked / 4);
    assert_true(times("joins_pending") < asked - asked / 8);
}

static const char *sharers_of(const char *cart, bool ordered)
{
    struct joins_pending got;
    const struct own_time own[] = {{"a:phone", INT64_MIN, INT64_MAX}};
    const struct joins j = {.lane = event_lane("a:phone"),
                            .key = "a:phone",
                            .cart_ids = &cart,
                            .cart_count = 1,
                            .own = own,
                            .own_count = 1,
                            .shared = &cart,
                            .shared_count = 1,
                            .ordered = &cart,
                            .ordered_count = ordered ? 1 : 0,
                            .last_off = newest_of("a:phone")};

    assert_ok(store_joins_pending(spec.db, &j, &spec.arena, &got, &spec.err));
    return got.sharers == NULL ? "" : got.sharers;
}

static void party(const char *cart, const char *customer, const char *ordered_at)
{
    sql(arena_printf(&spec.arena,
                     "INSERT INTO cartwright.cart_party SELECT cartwright.lane_of('k:%s'), '%s', "
                     "'c:zoe', 'a:phone', true, %s, now(), NULL, %s, now()",
                     cart, cart, ordered_at, customer));
}

/* Customers who ordered the cart of a browser; who only named it where somebody ordered it; and their newest events, whatever those are of. */
static void who_a_browser_may_be_is_told_with_how_far_they_came(void **state)
{
    (void)state;
    append(an_event(.event_id = "e1", .key = "a:phone", .type = "purchase",
                    .body = "{\"cart_id\": \"k-2\"}"));
    append(an_event(.event_id = "e2", .key = "c:bob", .type = "purchase",
                    .body = "{\"cart_id\": \"k-1\"}"));
    append(an_event(.event_id = "e3", .key = "c:ann", .type = "consent_withdrawn",
                    .body = "{\"cart_id\": \"k-1\"}"));
    append(an_event(.event_id = "e4", .key = "a:kiosk", .type = "purchase",
                    .body = "{\"cart_id\": \"k-3\"}"));
    append(an_event(.event_id = "e5", .key = "a:phone", .body = "{\"cart_id\": \"k-1\"}"));
    sql("UPDATE cartwright.lane_cursor SET off = 9");
    party("k-2", "'c:cid'", "now()");
    party("k-3", "'c:dee'", "now()");
    assert_string_equal(sharers_of("k-1", false),
                        "{\"keys\" : [\"c:ann\", \"c:bob\"], \"offs\" : [1, 1]}");
    append(an_event(.event_id = "e6", .key = "c:bob", .body = "{\"page\": \"home\"}"));
    assert_string_equal(sharers_of("k-1", false),
                        "{\"keys\" : [\"c:ann\", \"c:bob\"], \"offs\" : [1, 2]}");
    assert_string_equal(sharers_of("k-2", false), ""); /* it ordered the cart itself: */
    assert_string_equal(sharers_of("k-2", true), "{\"keys\" : [\"c:cid\"], \"offs\" : [null]}");
    assert_string_equal(sharers_of("k-3", false), "{\"keys\" : [\"c:dee\"], \"offs\" : [null]}");
    sql("UPDATE cartwright.cart_party SET ordered_at = NULL");
    assert_string_equal(sharers_of("k-3", false), "");
    append(an_event(.event_id = "e7", .key = "c:eve", .type = "identify",
                    .body = "{\"anonymous_id\": \"kiosk\"}"));
    append(an_event(.event_id = "e8", .key = "c:fay", .type = "binding_set",
                    .body = "{\"via\": \"kiosk\"}")); /* nobody told that */
    assert_string_equal(sharers_of("k-3", false), "{\"keys\" : [\"c:eve\"], \"offs\" : [1]}");
}

enum { USES = 4, ORDERS = 24, SPLITS = 8 };

/* The n-th order of all uses. */
static void in_order(int n, const struct cart_use of[USES], struct cart_use out[USES])
{
    memcpy(out, of, USES * sizeof *of);
    for (int i = USES; i > 1; i--) {
        const int k = n % i;
        const struct cart_use last = out[i - 1];
        out[i - 1] = out[k];
        out[k] = last;
        n /= i;
    }
}

static void put_batch(const struct cart_use *uses, size_t count)
{
    const struct cart_uses batch = {uses, count, DAYS(20000)};
    struct cart_meeting *met;
    size_t met_count;

    assert_ok(store_cart_uses_put(spec.db, &batch, &spec.arena, &met, &met_count, &spec.err));
}

/* A bit of splits: the batch ends behind this use. */
static void put_in_batches(const struct cart_use *uses, int splits)
{
    size_t first = 0;

    for (size_t i = 0; i < USES; i++) {
        if (i == USES - 1 || (splits >> i & 1) != 0) {
            put_batch(uses + first, i + 1 - first);
            first = i + 1;
        }
    }
}

static const char *first_of(const struct cart_use all[USES], int order, int splits)
{
    struct cart_use uses[USES];

    sql("DELETE FROM cartwright.cart_party");
    in_order(order, all, uses);
    put_in_batches(uses, splits);
    return sql_text("SELECT concat_ws(' ', first_customer, extract(epoch FROM first_at)::bigint)"
                    "  FROM cartwright.cart_party");
}

/* By the times of the events, of two at one time by the key: in every order, and in batches of every size. */
static void which_customer_named_a_cart_first_does_not_depend_on_what_is_folded_first(void **state)
{
    (void)state;
    const int lane = event_lane("k:k-1");
    const struct cart_use all[USES] = {
        {lane, "k-1", "c:bob", INT64_MIN, SECONDS(500)},
        {lane, "k-1", "c:cid", INT64_MIN, SECONDS(500)},
        {lane, "k-1", "c:ann", SECONDS(510), SECONDS(510)},
        {lane, "k-1", "a:phone", SECONDS(400), SECONDS(400)},
    };
    const struct cart_use late[USES] = {
        all[1], all[2], all[3], {lane, "k-1", "c:ann", INT64_MIN, SECONDS(499)}};

    for (int order = 0; order < ORDERS; order++) {
        for (int splits = 0; splits < SPLITS; splits++) {
            assert_string_equal(first_of(all, order, splits), "c:bob 500");
            assert_string_equal(first_of(late, order, splits), "c:ann 499");
        }
    }
}

/* Of a shopper with a browser, a cart and a history, all of it folded. */
static void of_an_ordinary_shopper_the_whole_question_is_not_asked(void **state)
{
    (void)state;
    const char *via = "phone";
    const char *cart = "k-1";
    const struct own_time own[] = {{"c:ann", INT64_MIN, INT64_MAX},
                                   {"a:phone", INT64_MIN, INT64_MAX}};
    struct joins_pending got;

    append(an_event(.event_id = "e1", .key = "a:phone", .type = "cart_item_added",
                    .body = "{\"cart_id\": \"k-1\"}"));
    append(an_event(.event_id = "e2", .type = "identify", .body = "{\"anonymous_id\": \"phone\"}"));
    append(an_event(.event_id = "e3", .type = "purchase", .body = "{\"cart_id\": \"k-1\"}"));
    append(an_event(.event_id = "e4", .key = "c:bob", .type = "purchase",
                    .body = "{\"cart_id\": \"k-2\"}"));
    sql("UPDATE cartwright.lane_cursor SET off = 9");
    struct joins j = {.lane = event_lane("c:ann"),
                      .key = "c:ann",
                      .vias = &via,
                      .via_count = 1,
                      .cart_ids = &cart,
                      .cart_count = 1,
                      .apart = &cart,
                      .apart_count = 1,
                      .own = own,
                      .own_count = 2,
                      .last_off = newest_of("c:ann")};
    assert_ok(store_joins_pending(spec.db, &j, &spec.arena, &got, &spec.err));
    assert_string_equal(told(&got), told(&(struct joins_pending){0}));
    j.found_by = "a:phone";
    j.found_by_off = newest_of("a:phone");
    assert_ok(store_joins_pending(spec.db, &j, &spec.arena, &got, &spec.err));
    assert_int_equal(times("joins_quiet"), 2);
    assert_int_equal(times("joins_pending"), 0);
}

/* Its event names the cart, which it does not keep any more; somebody's order of it waits. */
static void of_carts_that_are_kept_no_more_the_whole_question_is_asked(void **state)
{
    (void)state;
    struct joins_pending got;
    struct joins j = {.lane = event_lane("c:ann"), .key = "c:ann"};

    append(an_event(.event_id = "e1", .type = "cart_item_added", .body = "{\"cart_id\": \"k-1\"}"));
    sql("UPDATE cartwright.lane_cursor SET off = 9");
    append(an_event(.event_id = "e2", .key = "c:bob", .type = "purchase",
                    .body = "{\"cart_id\": \"k-1\"}"));
    sql(arena_printf(&spec.arena, "UPDATE cartwright.lane_cursor SET off = 0 WHERE lane = %d",
                     event_lane("c:bob")));
    j.last_off = newest_of("c:ann");
    assert_ok(store_joins_pending(spec.db, &j, &spec.arena, &got, &spec.err));
    assert_false(got.any);
    j.dropped = true;
    assert_ok(store_joins_pending(spec.db, &j, &spec.arena, &got, &spec.err));
    assert_true(got.any);
}

static void view_pages(const char *name, size_t count)
{
    struct event_row *rows = arena_array(&spec.arena, count, sizeof *rows);
    enum append_status *status = arena_array(&spec.arena, count, sizeof *status);

    for (size_t i = 0; i < count; i++) {
        rows[i] = an_event(.event_id = arena_printf(&spec.arena, "%s%zu", name, i));
    }
    assert_ok(store_events_append(spec.db, rows, count, ORIGIN_API, NOW_US, status, &spec.err));
}

static bool is_pending(const struct joins *j)
{
    struct joins_pending got;

    assert_ok(store_joins_pending(spec.db, j, &spec.arena, &got, &spec.err));
    return got.any;
}

static void of_very_many_events_those_that_came_last_are_asked_which_carts_they_name(void **state)
{
    (void)state;
    struct joins j = {.lane = event_lane("c:ann"), .key = "c:ann", .dropped = true};

    view_pages("before", 1000);
    append(an_event(.event_id = "e1", .type = "cart_item_added", .body = "{\"cart_id\": \"k-1\"}"));
    sql("UPDATE cartwright.lane_cursor SET off = 9999");
    append(an_event(.event_id = "e2", .key = "c:bob", .type = "purchase",
                    .body = "{\"cart_id\": \"k-1\"}"));
    sql(arena_printf(&spec.arena, "UPDATE cartwright.lane_cursor SET off = 0 WHERE lane = %d",
                     event_lane("c:bob")));
    assert_true(is_pending(&j));
    view_pages("behind", 999);
    assert_true(is_pending(&j));
    view_pages("too many", 1);
    assert_false(is_pending(&j));
}

/* Bob ordered the cart of the tablet and the phone alike. He keeps one of that id because the tablet was taken for his, which is being taken back: by
 * that his order becomes one of somebody who keeps none. */
static void of_a_keeper_who_may_be_none_any_more_it_is_waited_for(void **state)
{
    (void)state;
    const char *cart = "k-1";
    const struct own_time own = {"a:phone", INT64_MIN, INT64_MAX};
    struct joins j = {.lane = event_lane("a:phone"),
                      .key = "a:phone",
                      .cart_ids = &cart,
                      .cart_count = 1,
                      .apart = &cart,
                      .apart_count = 1,
                      .own = &own,
                      .own_count = 1};
    static const struct {
        const char *key, *type;
        bool waits;
    } news[] = {{"a:tablet", "shopper_unbound", true},
                {"c:bob", "binding_set", true},
                {"a:tablet", "shopper_bound", true},
                {"a:tablet", "page_viewed", false},
                {"c:ann", "binding_set", false}};

    append(an_event(.event_id = "e1", .key = "a:phone", .type = "cart_item_added",
                    .body = "{\"cart_id\": \"k-1\"}"));
    append(an_event(.event_id = "e2", .key = "c:bob", .type = "purchase",
                    .body = "{\"cart_id\": \"k-1\"}"));
    sql("INSERT INTO cartwright.cart_party SELECT cartwright.lane_of('k:k-1'), 'k-1', 'c:bob', 'a:tablet', true, now()");
    j.last_off = newest_of("a:phone");
    for (size_t i = 0; i < sizeof news / sizeof *news; i++) {
        sql("UPDATE cartwright.lane_cursor SET off = 99");
        assert_false(is_pending(&j));
        append(an_event(.event_id = arena_printf(&spec.arena, "n%zu", i), .key = news[i].key,
                        .type = news[i].type, .body = "{\"page\": \"home\"}"));
        sql(arena_printf(&spec.arena,
                         "UPDATE cartwright.lane_cursor SET off = %lld WHERE lane = %d",
                         (long long)newest_of(news[i].key) - 1, event_lane(news[i].key)));
        assert_int_equal(is_pending(&j), news[i].waits);
    }
    sql("UPDATE cartwright.lane_cursor SET off = 99");
    sql("INSERT INTO cartwright.stale_shopper SELECT cartwright.lane_of('c:bob'), 'c:bob', now(), now(), 1");
    assert_true(is_pending(&j));
    sql("DELETE FROM cartwright.stale_shopper");
    sql("INSERT INTO cartwright.derived_waiting SELECT cartwright.lane_of('a:tablet'), 'd', 'a:tablet', 'shopper_unbound', now(), now(), '{}'");
    assert_true(is_pending(&j));
}

/* Whatever it is that the shopper is to be told, and whoever told it: a browser that is known to be theirs, one of which nothing is known yet. */
static void what_the_shopper_is_to_be_told_itself_is_waited_for(void **state)
{
    (void)state;
    const char *phone = "phone";
    struct joins j = {.lane = event_lane("c:ann"),
                      .key = "c:ann",
                      .vias = &phone,
                      .via_count = 1,
                      .last_off = 99};
    static const struct {
        const char *key, *via;
        bool waits;
    } told[] = {{"c:ann", "tablet", true},
                {"c:ann", "phone", true},
                {"a:phone", "phone", true},
                {"c:bob", "tablet", false}};

    sql("UPDATE cartwright.lane_cursor SET off = 99");
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        assert_false(is_pending(&j));
        sql(arena_printf(
            &spec.arena,
            "INSERT INTO cartwright.derived_waiting SELECT cartwright.lane_of('%s'), 'd', '%s', 'forwarded', now(), now(), '{\"via\": \"%s\"}'",
            told[i].key, told[i].key, told[i].via));
        assert_int_equal(is_pending(&j), told[i].waits);
        sql("DELETE FROM cartwright.derived_waiting");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(the_short_question_never_hides_what_the_whole_one_says),
        SPEC_TEST(of_an_ordinary_shopper_the_whole_question_is_not_asked),
        SPEC_TEST(of_carts_that_are_kept_no_more_the_whole_question_is_asked),
        SPEC_TEST(of_very_many_events_those_that_came_last_are_asked_which_carts_they_name),
        SPEC_TEST(of_a_keeper_who_may_be_none_any_more_it_is_waited_for),
        SPEC_TEST(what_the_shopper_is_to_be_told_itself_is_waited_for),
        SPEC_TEST(who_a_browser_may_be_is_told_with_how_far_they_came),
        SPEC_TEST(which_customer_named_a_cart_first_does_not_depend_on_what_is_folded_first),
    };
    return cmocka_run_group_tests(tests, NULL, spec_discard);
}
