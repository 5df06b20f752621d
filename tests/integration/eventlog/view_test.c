/* A shopper as of now: what is stored, and what nobody has folded yet. */
#include "base/clock.h"
#include "eventlog/shopper_log.h"
#include "eventlog/view.h"
#include "integration/flow_spec.h"
#include "support/spec.h"

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "view");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static struct view view_of(const char *key, int64_t until_us)
{
    struct err err = {0};
    struct view v;
    if (!view_read(bench.db, key, until_us, &bench.arena, &v, &err)) {
        fail_msg("%s", err.text);
    }
    return v;
}

static const char *key_of(const char *key, const char *cart)
{
    struct err err = {0};
    struct view v;
    const struct view_ask ask = {.key = key, .cart_id = cart, .until_us = INT64_MAX};
    if (!view_find(bench.db, &ask, &bench.arena, &v, &err)) {
        fail_msg("%s", err.text);
    }
    return v.key == NULL ? "(unknown)" : v.key;
}

static void a_view_never_lags_behind_an_acknowledged_event(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .customer = "y", .product = "shoe",
         .at_s = 1);
    fold_to_end(&bench);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .customer = "y", .product = "hat",
         .at_s = 2);
    struct view v = view_of("c:y", INT64_MAX);
    assert_true(v.known);
    assert_int_equal(v.lane, event_lane("c:y"));
    assert_int_equal(v.shopper->carts[0].line_count, 2);
    assert_int_equal(v.last_off, 2);
}

static void news_out_of_order_are_folded_in_their_place(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "purchase", .customer = "y", .product = "shoe", .at_s = 50);
    fold_to_end(&bench);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .customer = "y", .product = "shoe",
         .at_s = 2);
    struct view v = view_of("c:y", INT64_MAX);
    assert_int_equal(v.shopper->carts[0].status, CART_BOUGHT);
    assert_null(shopper_open_cart(v.shopper));
}

static void a_view_of_the_past_leaves_out_what_came_later(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .customer = "y", .product = "shoe",
         .at_s = 10);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .customer = "y", .product = "hat",
         .at_s = 20);
    fold_to_end(&bench);
    assert_int_equal(view_of("c:y", START_US + SECONDS(15)).shopper->carts[0].line_count, 1);
    assert_int_equal(view_of("c:y", START_US + SECONDS(20)).shopper->carts[0].line_count, 2);
}

static void nobody_is_unknown_and_empty(void **state)
{
    (void)state;
    struct view v = view_of("c:nobody", INT64_MAX);
    assert_false(v.known);
    assert_int_equal(v.shopper->cart_count, 0);
    assert_int_equal(v.last_off, 0);
}

static void an_unreadable_document_is_folded_again_from_the_log(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .customer = "y", .product = "shoe",
         .at_s = 1);
    fold_to_end(&bench);
    run_sql(&bench, "UPDATE cartwright.shopper SET doc = 'of another version'");
    assert_int_equal(view_of("c:y", INT64_MAX).shopper->carts[0].line_count, 1);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .customer = "y", .product = "hat",
         .at_s = 2);
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

static void a_request_finds_its_shopper_by_customer_browser_and_cart(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .anonymous = "x", .cart = "basket",
         .product = "shoe", .at_s = 1);
    fold_to_end(&bench);
    assert_string_equal(key_of("a:x", NULL), "a:x");
    assert_string_equal(key_of(NULL, "basket"), "a:x");
    assert_string_equal(key_of("c:y", NULL), "c:y");
    assert_string_equal(key_of("a:nobody", NULL), "(unknown)");
    assert_string_equal(key_of(NULL, "nothing"), "(unknown)");

    TELL(&bench, .id = "e2", .type = "identify", .customer = "y", .anonymous = "x", .at_s = 2);
    fold_to_end(&bench);
    assert_string_equal(key_of("a:x", NULL), "c:y");
    assert_string_equal(key_of(NULL, "basket"), "c:y");
}

/* ---- retention ---- */

static struct db *other;

/* What retention does to y when everything up to the n-th event is old: in one transaction, so that no snapshot ever sees half of it. */
static void retain_up_to(int n)
{
    struct err err = {0};
    struct view v;
    if (n > 0 && view_read(other, "c:y", START_US + SECONDS(n), &bench.arena, &v, &err)) {
        const struct shopper_row base = {
            .lane = v.lane, .key = v.key, .doc = shopper_to_doc(v.shopper, &bench.arena)};
        if (db_begin(other, &err) && store_bases_write(other, &base, 1, &err)) {
            PQclear(PQexec(
                db_conn(other),
                arena_printf(&bench.arena,
                             "DELETE FROM cartwright.event WHERE key = 'c:y' AND off <= %d", n)));
            assert_true(db_commit(other, &err));
            return;
        }
    }
    fail_msg("%s", err.text);
}

/* libpq's call that every query goes through, wrapped by the linker: retention comes before each of a view's. */
int __real_PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int result_format);
int __wrap_PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int result_format);
static int retained = -1; /* -1: it sleeps */
static bool retaining;

int __wrap_PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int result_format)
{
    if (retained >= 0 && !retaining) {
        retaining = true;
        retain_up_to(++retained);
        retaining = false;
    }
    return __real_PQsendQueryPrepared(conn, name, count, values, lengths, formats, result_format);
}

static void tell_four_products(void)
{
    static const char *const products[] = {"shoe", "hat", "belt", "sock"};
    for (int i = 0; i < 4; i++) {
        TELL(&bench, .id = arena_printf(&bench.arena, "e%d", i + 1), .type = "cart_item_added",
             .customer = "y", .product = products[i], .at_s = i + 1);
    }
    fold_to_end(&bench);
}

static struct view view_under_retention(int64_t until_us)
{
    struct err err = {0};
    assert_true(database_connect(&bench.database, &other, &err));
    retained = 0;
    struct view v = view_of("c:y", until_us);
    retained = -1;
    db_close(&other);
    return v;
}

static void retention_between_two_queries_of_a_view_loses_nothing(void **state)
{
    (void)state;
    tell_four_products();
    run_sql(&bench, "UPDATE cartwright.shopper SET doc = 'of another version'");
    struct view v = view_under_retention(INT64_MAX);
    assert_int_equal(v.shopper->carts[0].line_count, 4);
    assert_int_equal(v.shopper->events, 4);
    assert_int_equal(v.last_off, 4);
}

static void retention_between_two_queries_into_the_past_loses_nothing(void **state)
{
    (void)state;
    tell_four_products();
    struct view v = view_under_retention(START_US + SECONDS(3));
    assert_int_equal(v.shopper->carts[0].line_count, 3);
    assert_int_equal(v.shopper->events, 3);
}

static void a_past_before_the_base_is_refused_and_its_last_moment_is_not(void **state)
{
    (void)state;
    struct err err = {0};
    struct view v;
    tell_four_products();
    assert_true(database_connect(&bench.database, &other, &err));
    retain_up_to(2);
    db_close(&other);
    assert_false(view_read(bench.db, "c:y", START_US + SECONDS(2) - 1, &bench.arena, &v, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.path, "at");
    assert_text_contains(err.text, "2026-01-01T00:00:02Z");
    assert_int_equal(view_of("c:y", START_US + SECONDS(2)).shopper->carts[0].line_count, 2);
    assert_int_equal(view_of("c:y", START_US + SECONDS(3)).shopper->carts[0].line_count, 3);
    assert_int_equal(view_of("c:y", INT64_MAX).shopper->carts[0].line_count, 4);
}

static void who_is_left_only_in_a_base_is_known(void **state)
{
    (void)state;
    struct err err = {0};
    tell_four_products();
    assert_true(database_connect(&bench.database, &other, &err));
    retain_up_to(4);
    db_close(&other);
    run_sql(&bench, "UPDATE cartwright.shopper SET doc = 'of another version'");
    struct view v = view_of("c:y", INT64_MAX);
    assert_true(v.known);
    assert_int_equal(v.shopper->carts[0].line_count, 4);
    assert_int_equal(v.last_off, 0);
}

/* ---- news ---- */

static void the_newest_offset_is_that_of_the_document_or_of_the_news(void **state)
{
    (void)state;
    tell_four_products();
    assert_int_equal(view_of("c:y", INT64_MAX).last_off, 4);
    assert_int_equal(view_of("c:y", INT64_MAX).rows.events.count, 0);
    TELL(&bench, .id = "e5", .type = "page_viewed", .customer = "y", .at_s = 9);
    assert_int_equal(view_of("c:y", INT64_MAX).last_off, 5);
    assert_int_equal(view_of("c:y", INT64_MAX).rows.events.count, 1);
    assert_int_equal(view_of("c:y", START_US + SECONDS(2)).last_off, 5);
    assert_true(view_of("c:y", START_US + SECONDS(2)).rows.whole);
}

static void news_that_no_decoder_takes_count_for_nothing_but_are_seen(void **state)
{
    (void)state;
    tell_four_products();
    TELL(&bench, .id = "e5", .type = "cart_item_added", .customer = "y", .product = "bag",
         .at_s = 9);
    TELL(&bench, .id = "e6", .type = "page_viewed", .customer = "y", .at_s = 10);
    run_sql(&bench, "UPDATE cartwright.event SET body = '{\"type\":7}' WHERE event_id = 'e5'");
    struct view v = view_of("c:y", INT64_MAX);
    assert_int_equal(v.last_off, 6);
    assert_int_equal(v.shopper->events, 5);
    assert_int_equal(v.shopper->carts[0].line_count, 4);
}

/* ---- whom a request means, in the past ---- */

static struct view found_at(const char *key, const char *cart, int64_t until_us)
{
    struct err err = {0};
    struct view v;
    const struct view_ask ask = {.key = key, .cart_id = cart, .until_us = until_us};
    if (!view_find(bench.db, &ask, &bench.arena, &v, &err)) {
        fail_msg("%s", err.text);
    }
    return v;
}

static void a_browser_is_whose_it_is_now_whatever_time_is_looked_at(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .anonymous = "x", .product = "shoe",
         .at_s = 1);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .anonymous = "x", .product = "hat",
         .at_s = 5);
    struct view alone = found_at("a:x", NULL, START_US + SECONDS(3));
    assert_string_equal(alone.key, "a:x");
    assert_int_equal(alone.shopper->carts[0].line_count, 1);
    struct view before = found_at("a:x", NULL, START_US);
    assert_string_equal(before.key, "a:x");
    assert_true(before.known); /* not seen yet then, but no stranger */
    assert_int_equal(before.shopper->events, 0);
    assert_null(found_at("a:z", NULL, START_US).key);

    TELL(&bench, .id = "e3", .type = "identify", .customer = "y", .anonymous = "x", .at_s = 9);
    fold_to_end(&bench);
    struct view joined = found_at("a:x", NULL, START_US + SECONDS(7));
    assert_string_equal(joined.key, "c:y");
    assert_int_equal(joined.lane, event_lane("c:y"));
    assert_string_equal(found_at("a:x", NULL, INT64_MAX).key, "c:y");
    assert_int_equal(found_at("a:x", NULL, INT64_MAX).shopper->carts[0].line_count, 2);
}

static void a_cart_is_found_in_the_past_of_its_shopper(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .customer = "y", .cart = "basket",
         .product = "shoe", .at_s = 1);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .customer = "y", .cart = "basket",
         .product = "hat", .at_s = 5);
    fold_to_end(&bench);
    assert_int_equal(found_at(NULL, "basket", START_US + SECONDS(3)).shopper->carts[0].line_count,
                     1);
    assert_int_equal(found_at(NULL, "basket", INT64_MAX).shopper->carts[0].line_count, 2);
    assert_null(found_at(NULL, "basket-2", START_US + SECONDS(3)).key);
}

/* ---- what a decision asks besides ---- */

static struct shopper_rows rows_for_decision(const char *key)
{
    struct err err = {0};
    struct view v;
    const struct view_ask ask = {.key = key, .until_us = INT64_MAX, .for_decision = true};
    if (!view_find(bench.db, &ask, &bench.arena, &v, &err)) {
        fail_msg("%s", err.text);
    }
    return v.rows;
}

static void sent_are_the_sends_of_the_shoppers_own_carts(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .customer = "y", .cart = "k1",
         .product = "shoe", .at_s = 1);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .customer = "z", .cart = "k2",
         .product = "shoe", .at_s = 1);
    fold_to_end(&bench);
    run_sql(
        &bench,
        "INSERT INTO cartwright.outreach"
        " SELECT cartwright.lane_of(o.key), 'cart:' || o.cart, o.round, o.step, 'out_' || o.cart || o.round || o.step, o.key, o.decision, 'risk', now(), '{}', '{}',"
        "        CASE WHEN o.decision = 'send' THEN '{}'::json END"
        "   FROM (VALUES ('c:y', 'k1', 1, 1, 'send'), ('c:y', 'k1', 2, 3, 'send'), ('c:y', 'k1', 3, 1, 'silence'), ('c:z', 'k2', 1, 1, 'send')) AS o(key, cart, round, step, decision)");
    struct shopper_rows rows = rows_for_decision("c:y");
    assert_int_equal(rows.sent_count, 2);
    assert_string_equal(rows.sent[0].subject, "cart:k1");
    assert_int_equal(rows.sent[0].round, 1);
    assert_int_equal(rows.sent[0].step, 1);
    assert_int_equal(rows.sent[1].round, 2);
    assert_int_equal(rows.sent[1].step, 3);
    assert_string_equal(rows.sent[1].outreach_id, "out_k123");
    assert_int_equal(found_at("c:y", NULL, INT64_MAX).rows.sent_count, 0); /* nobody asked */
}

/* Page views of customer z, one a second: from the n-th on. */
static void tell_of_z(int from, int count)
{
    run_sql(
        &bench,
        arena_printf(
            &bench.arena,
            "INSERT INTO cartwright.event"
            " SELECT cartwright.lane_of('c:z'), n, 'z' || n, 'c:z', 'page_viewed', 'api', t.at, t.at,"
            "        jsonb_build_object('event_id', 'z' || n, 'type', 'page_viewed', 'customer_id', 'z',"
            "                           'occurred_at', t.at)"
            "   FROM generate_series(%d, %d) n,"
            "        LATERAL (SELECT timestamptz '2026-01-01Z' + n * interval '1 second' AS at) t",
            from, from + count - 1));
}

static enum err_kind refusal(int64_t until_us, const char **out_path)
{
    static struct err err;
    struct view v;

    err = (struct err){0};
    assert_false(view_read(bench.db, "c:z", until_us, &bench.arena, &v, &err));
    *out_path = err.path;
    return err.kind;
}

static void of_very_many_events_a_view_reads_a_part_or_nothing(void **state)
{
    const char *path;
    (void)state;

    bench.config.fold_batch = 4000;
    tell_of_z(1, VIEW_EVENTS_MAX);
    assert_int_equal(view_of("c:z", INT64_MAX).shopper->events, VIEW_EVENTS_MAX);
    assert_int_equal(view_of("c:z", START_US + SECONDS(9)).shopper->events, 9);
    bench.config.heavy_events = 0;
    tell_of_z(VIEW_EVENTS_MAX + 1, 1);
    assert_int_equal(refusal(START_US + SECONDS(9), &path), ERR_INVALID);
    assert_string_equal(path, "at");
    assert_int_equal(refusal(INT64_MAX, &path), ERR_BUSY); /* until they are folded */
    fold_to_end(&bench);
    assert_int_equal(view_of("c:z", INT64_MAX).shopper->events, VIEW_EVENTS_MAX + 1);

    TELL(&bench, .id = "late", .type = "page_viewed", .customer = "z", .at_s = 3);
    assert_int_equal(refusal(INT64_MAX, &path), ERR_BUSY);
    fold_to_end(&bench);
    assert_int_equal(view_of("c:z", INT64_MAX).shopper->events, VIEW_EVENTS_MAX + 2);
    assert_int_equal(refusal(START_US + SECONDS(9), &path), ERR_INVALID);

    /* Nobody folds it until something happens, so it is read whatever that takes. */
    run_sql(&bench, "UPDATE cartwright.shopper SET doc = '{}'");
    assert_int_equal(view_of("c:z", INT64_MAX).shopper->events, VIEW_EVENTS_MAX + 2);
}

/* The same of fat ones: 200 of them are more than may be read at once. */
static void tell_of_fat_z(int from, int count)
{
    run_sql(
        &bench,
        arena_printf(
            &bench.arena,
            "INSERT INTO cartwright.event"
            " SELECT cartwright.lane_of('c:z'), n, 'z' || n, 'c:z', 'page_viewed', 'api', t.at, t.at,"
            "        jsonb_build_object('event_id', 'z' || n, 'type', 'page_viewed', 'customer_id', 'z',"
            "                           'occurred_at', t.at, 'properties', jsonb_build_object('x', repeat('x', 60000)))"
            "   FROM generate_series(%d, %d) n,"
            "        LATERAL (SELECT timestamptz '2026-01-01Z' + n * interval '1 second' AS at) t",
            from, from + count - 1));
}

static void of_few_but_fat_events_a_view_reads_as_little(void **state)
{
    const char *path;
    (void)state;

    bench.config.heavy_events = 0;
    tell_of_fat_z(1, 100);
    assert_int_equal(view_of("c:z", INT64_MAX).shopper->events, 100); /* 6 MB can be read */
    tell_of_fat_z(101, 100);
    assert_int_equal(refusal(INT64_MAX, &path), ERR_BUSY); /* until they are folded */
    assert_int_equal(refusal(START_US + SECONDS(500), &path), ERR_INVALID);
    assert_string_equal(path, "at");
    fold_to_end(&bench);
    assert_int_equal(view_of("c:z", INT64_MAX).shopper->events, 200);

    TELL(&bench, .id = "late", .type = "page_viewed", .customer = "z", .at_s = 3);
    assert_int_equal(refusal(INT64_MAX, &path), ERR_BUSY);
    fold_to_end(&bench);
    assert_int_equal(view_of("c:z", INT64_MAX).shopper->events, 201);
}

/* The same as services write them, which is packed: so many bytes of one text, or of a piece that lies in the log as two. */
static void tell_of_packed_z(int from, int count, const char *piece, size_t bytes)
{
    struct event_row *rows = arena_array(&bench.arena, (size_t)count, sizeof *rows);
    char *filler = arena_alloc(&bench.arena, bytes + 1);
    const size_t len = strlen(piece);

    for (size_t i = 0; i < bytes; i++) {
        filler[i] = piece[i % len];
    }
    filler[bytes - bytes % len] = '\0';
    for (int i = 0; i < count; i++) {
        rows[i] = row_of(&bench, &(struct told){.id = arena_printf(&bench.arena, "z%d", from + i),
                                                .type = "page_viewed",
                                                .customer = "z",
                                                .at_s = from + i});
        rows[i].body = arena_printf(&bench.arena, "%.*s,\"properties\":{\"x\":[\"%s\"]}}",
                                    (int)strlen(rows[i].body) - 1, rows[i].body, filler);
    }
    append(&bench, rows, (size_t)count);
}

static void what_is_fat_only_as_it_was_sent_is_fat(void **state)
{
    static const char piece[] = "\",{\"user_agent\":\"Mozilla/5.0 (Windows NT 10.0; Win64; x64) "
                                "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1\"},\"";
    const char *path;
    (void)state;

    bench.config.heavy_events = 0;
    tell_of_packed_z(1, 100, piece, 60000);
    assert_int_equal(view_of("c:z", INT64_MAX).shopper->events, 100);
    tell_of_packed_z(101, 100, piece, 60000);
    assert_true(count_of(&bench, "SELECT sum(octet_length(body)) FROM cartwright.log") <
                VIEW_BYTES_MAX / 4);
    assert_int_equal(refusal(INT64_MAX, &path), ERR_BUSY);
    assert_int_equal(refusal(START_US + SECONDS(500), &path), ERR_INVALID);
    assert_string_equal(path, "at");
}

/* The statement and whoever counts what came of it mean the same bytes, or a part would pass for all of it. */
static void what_fits_just_so_is_read_to_the_last_event(void **state)
{
    (void)state;
    bench.config.heavy_events = 0;
    tell_of_packed_z(1, 280, "x", 29800);
    assert_in_range(count_of(&bench, "SELECT sum(octet_length(body)) FROM cartwright.log"),
                    VIEW_BYTES_MAX - 279 * 400 + 29900, VIEW_BYTES_MAX);
    assert_int_equal(view_of("c:z", INT64_MAX).shopper->events, 280);
}

#define VIEW_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* ---- of very many events ---- */

static const char *encoded(const struct shopper *s)
{
    return shopper_to_doc(s, &bench.arena);
}

/* As of then, folded from everything. */
static const char *as_folded(int64_t until_us)
{
    const char *key = "c:z";
    const int32_t lane = event_lane(key);
    const struct history_keys one = {.lanes = &lane, .keys = &key, .count = 1};
    const int64_t all = INT64_MAX;
    struct history h;
    struct shopper *s;
    struct err err = {0};

    assert_true(store_history_events(bench.db, &one, &all, &bench.arena, &h, &err));
    assert_true(shopper_log_fold(key, NULL, &h, until_us, &bench.arena, &s, &err));
    return encoded(s);
}

static void assert_view_is_what_the_log_says(int64_t until_us)
{
    const struct view v = view_of("c:z", until_us);

    assert_false(v.unread);
    assert_string_equal(encoded(v.shopper), as_folded(until_us));
}

static void heavy_z(void)
{
    bench.config.fold_batch = 1000;
    for (int i = 0; i < 12; i++) {
        tell_of_z(1 + 1000 * i, 1000);
        fold_to_end(&bench);
    }
}

static void of_very_many_events_it_reads_what_lies_behind_a_checkpoint(void **state)
{
    (void)state;
    heavy_z();
    TELL(&bench, .id = "late", .type = "cart_item_added", .customer = "z", .product = "hat",
         .at_s = 11900); /* not folded yet */
    assert_view_is_what_the_log_says(INT64_MAX);
    assert_view_is_what_the_log_says(START_US + SECONDS(11950));
    assert_view_is_what_the_log_says(START_US + SECONDS(11600));
    fold_to_end(&bench);
    assert_view_is_what_the_log_says(START_US + SECONDS(11950));
}

static void where_that_is_too_much_the_present_is_unread_and_the_past_refused(void **state)
{
    const char *path;
    (void)state;
    heavy_z();
    TELL(&bench, .id = "far", .type = "cart_item_added", .customer = "z", .product = "hat",
         .at_s = 3); /* not folded yet */
    const struct view v = view_of("c:z", INT64_MAX);
    assert_true(v.unread && v.known);
    assert_int_equal(v.shopper->events, 12000);
    assert_int_equal(v.last_off, count_of(&bench, "SELECT max(off) FROM cartwright.event"));
    assert_view_is_what_the_log_says(START_US + SECONDS(1000));
    assert_int_equal(refusal(START_US + SECONDS(4000), &path), ERR_INVALID);
    assert_string_equal(path, "at");
    fold_to_end(&bench);
    assert_view_is_what_the_log_says(INT64_MAX);
    /* Of another version, and too many to be read: what is known is nothing. */
    run_sql(&bench, "UPDATE cartwright.shopper SET doc = '{}';"
                    "UPDATE cartwright.heavy_shopper SET doc = '{}'");
    assert_true(view_of("c:z", INT64_MAX).unread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_view_never_lags_behind_an_acknowledged_event, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(news_out_of_order_are_folded_in_their_place, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_view_of_the_past_leaves_out_what_came_later, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nobody_is_unknown_and_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unreadable_document_is_folded_again_from_the_log, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_request_finds_its_shopper_by_customer_browser_and_cart,
                                        setup, teardown),
        VIEW_TEST(retention_between_two_queries_of_a_view_loses_nothing),
        VIEW_TEST(retention_between_two_queries_into_the_past_loses_nothing),
        VIEW_TEST(a_past_before_the_base_is_refused_and_its_last_moment_is_not),
        VIEW_TEST(who_is_left_only_in_a_base_is_known),
        VIEW_TEST(the_newest_offset_is_that_of_the_document_or_of_the_news),
        VIEW_TEST(news_that_no_decoder_takes_count_for_nothing_but_are_seen),
        VIEW_TEST(a_browser_is_whose_it_is_now_whatever_time_is_looked_at),
        VIEW_TEST(a_cart_is_found_in_the_past_of_its_shopper),
        VIEW_TEST(of_very_many_events_a_view_reads_a_part_or_nothing),
        VIEW_TEST(of_few_but_fat_events_a_view_reads_as_little),
        VIEW_TEST(what_is_fat_only_as_it_was_sent_is_fat),
        VIEW_TEST(what_fits_just_so_is_read_to_the_last_event),
        VIEW_TEST(of_very_many_events_it_reads_what_lies_behind_a_checkpoint),
        VIEW_TEST(where_that_is_too_much_the_present_is_unread_and_the_past_refused),
        VIEW_TEST(sent_are_the_sends_of_the_shoppers_own_carts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
