/* What one shopper may cost a batch, and through it the others: bytes, events that change hands, and how what is read and told grows with what
 * somebody does. Counted in rows, so that it holds on any machine. */
#include "base/clock.h"
#include "base/metric.h"
#include "base/rng.h"
#include "eventlog/maintain.h"
#include "integration/flow_spec.h"
#include "support/at_length.h"
#include "support/spec.h"

#include <stdlib.h>

enum { HEAVY = 16 }; /* at once 8, a page 2 */

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "bounds");
    bench.config.heavy_events = HEAVY;
    bench.config.heavy_pause = 0;
    bench.config.fold_batch = 400;
    fold_to_end(&bench); /* opens the folder */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static int64_t step(void)
{
    struct err err = {0};
    int64_t folded = 0;

    must(folder_step(bench.folder, &folded, &err), &err);
    return folded;
}

/* ---- bytes ---- */

/* Of one customer, in order, with so many bytes of properties each. */
static void tell_large(const char *customer, int first, int count, int bytes)
{
    run_sql(
        &bench,
        arena_printf(
            &bench.arena,
            "SELECT cartwright.append_rows(array_agg(v.id), array_agg('c:%s'::text), array_agg('cart_item_added'::text), 'api', array_agg(v.at),"
            "  timestamptz '2026-01-01 01:00Z', array_agg(jsonb_build_object('event_id', v.id, 'type', 'cart_item_added', 'customer_id', '%s',"
            "  'occurred_at', v.at, 'properties', jsonb_build_object('page', repeat('x', %d)), 'items', jsonb_build_array(jsonb_build_object("
            "  'product_id', 'p' || n, 'quantity', 1)))))"
            "  FROM (SELECT n, '%s' || n AS id, timestamptz '2026-01-01Z' + n * interval '1 second' AS at FROM generate_series(%d, %d) n) v",
            customer, customer, bytes, customer, first, first + count - 1));
}

static void large_events_are_folded_in_parts_of_so_many_bytes(void **state)
{
    int64_t folded = 1;
    int64_t all = 0;
    (void)state;

    bench.config.heavy_events = 0;
    bench.config.fold_batch_bytes = 200000;
    tell_large("anna", 1, 12, 60000);
    tell_large("anna", 13, 1, 500000); /* larger by itself than a batch may be */
    tell_large("anna", 14, 3, 10);
    for (int i = 0; folded > 0 && i < 100; i++) {
        folded = step();
        assert_in_range(folded, 0, 3);
        all += folded;
    }
    assert_int_equal(all, 16);
    assert_int_equal(count_of(&bench, "SELECT lines FROM cartwright.cart"), 16);
    assert_replay_is_clean(&bench);
}

static void who_sends_little_waits_for_no_large_events(void **state)
{
    (void)state;
    bench.config.fold_batch_bytes = 200000;
    tell_large("anna", 1, 40, 60000);
    TELL(&bench, .id = "b1", .type = "cart_item_added", .customer = "bob", .product = "hat",
         .at_s = 1);
    (void)step();
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE key = 'c:bob'"),
                     1);
    assert_true(count_of(&bench, "SELECT lines FROM cartwright.cart WHERE key = 'c:anna'") < 4);
}

/* Of n lines, which lie in the log as few bytes. */
static const char *order_of(const char *id, int n)
{
    CLEANUP(buf_free) struct buf body = buf_make(1 << 20);

    buf_printf(
        &body,
        "{\"event_id\":\"%s\",\"type\":\"purchase\",\"customer_id\":\"anna\",\"occurred_at\":"
        "\"2026-01-01T00:00:00Z\",\"order_id\":\"%s\",\"items\":[{\"product_id\":\"p",
        id, id);
    for (int i = 1; i < n; i++) {
        buf_add_str(&body, "\"},{\"product_id\":\"p");
    }
    buf_add_str(&body, "\"}]}");
    return arena_strdup(&bench.arena, buf_text(&body));
}

static void tell_orders(int count, int lines)
{
    for (int i = 0; i < count; i++) {
        const char *const id = arena_printf(&bench.arena, "o%d", i);
        append(&bench,
               &(struct event_row){.event_id = id,
                                   .key = "c:anna",
                                   .type = "purchase",
                                   .occurred_us = START_US,
                                   .body = order_of(id, lines)},
               1);
    }
}

static void and_of_so_many_bytes_as_they_were_sent(void **state)
{
    int64_t folded = 1;
    (void)state;

    tell_orders(12, 1000);
    const int64_t packed = count_of(&bench, "SELECT sum(octet_length(body)) FROM cartwright.log");
    const int64_t sent = count_of(&bench, "SELECT sum(length(body::text)) FROM cartwright.event");
    assert_true(packed * 2 < sent);
    bench.config.fold_batch_bytes = packed + 1000; /* all of them, as they lie there */
    int steps = 0;
    for (; folded > 0; steps++) {
        folded = step();
        assert_true(folded * sent / 12 <= bench.config.fold_batch_bytes);
    }
    assert_true(steps > 2);
    assert_replay_is_clean(&bench);
}

static int64_t turns(void)
{
    return (int64_t)metric_value(METRIC_fold_stale_folded);
}

static void put_off(const char *key)
{
    run_sql(&bench,
            arena_printf(&bench.arena,
                         "INSERT INTO cartwright.stale_shopper VALUES (cartwright.lane_of('%s'),"
                         " '%s', now(), now() + interval '1 hour', 1)",
                         key, key));
}

static void so_is_in_turns_who_was_put_off(void **state)
{
    const int64_t before = turns();
    int settled = 0;
    struct err err = {0};
    (void)state;

    bench.config.fold_batch_bytes = 200000;
    put_off("c:anna");
    tell_large("anna", 1, 16, 60000);
    for (int64_t folded = 1; folded > 0;) {
        folded = step();
    }
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart"), 0);
    must(folder_settle(bench.folder, &settled, &err), &err);
    assert_in_range(turns() - before, 4, 6);
    assert_int_equal(count_of(&bench, "SELECT lines FROM cartwright.cart"), 16);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.stale_shopper"
                                      " WHERE since IS NOT NULL"),
                     0);
    assert_replay_is_clean(&bench);
}

/* ---- what cannot be folded ---- */

/* What a customer's row costs is more than the database has, until it is mended. */
static void break_shopper(const char *key)
{
    run_sql(&bench, "CREATE OR REPLACE FUNCTION too_much() RETURNS trigger LANGUAGE plpgsql AS $$"
                    " BEGIN RAISE EXCEPTION 'out of memory' USING ERRCODE = '53200'; END $$");
    run_sql(&bench, arena_printf(&bench.arena,
                                 "CREATE TRIGGER too_much BEFORE INSERT OR UPDATE"
                                 " ON cartwright.shopper FOR EACH ROW WHEN (new.key = '%s')"
                                 " EXECUTE FUNCTION too_much()",
                                 key));
}

static void mend_shopper(void)
{
    run_sql(&bench, "DROP TRIGGER too_much ON cartwright.shopper");
}

static int failures(int steps)
{
    int n = 0;

    for (int i = 0; i < steps; i++) {
        struct err err = {0};
        int64_t folded;
        n += folder_step(bench.folder, &folded, &err) ? 0 : 1;
    }
    return n;
}

static void who_cannot_be_folded_is_put_aside_and_the_others_are(void **state)
{
    const int64_t before = (int64_t)metric_value(METRIC_fold_put_aside);
    (void)state;

    for (int i = 0; i < 40; i++) {
        TELL(&bench, .id = arena_printf(&bench.arena, "o%d", i), .type = "cart_item_added",
             .customer = arena_printf(&bench.arena, "other%d", i % 20), .product = "hat",
             .at_s = i);
        TELL(&bench, .id = arena_printf(&bench.arena, "p%d", i), .type = "cart_item_added",
             .customer = "poison", .product = "hat", .at_s = i);
    }
    break_shopper("c:poison");
    assert_in_range(failures(20), 3, 4); /* together, of the lane, alone, and once more */
    assert_int_equal((int64_t)metric_value(METRIC_fold_put_aside) - before, 1);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart"), 20);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.stale_shopper"
                                      " WHERE key = 'c:poison' AND since IS NOT NULL"),
                     1);
    mend_shopper();
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart"), 21);
    assert_replay_is_clean(&bench);
}

/* ---- what changes hands ---- */

static void view_on_kiosk(int first, int count)
{
    struct event_row *rows = arena_array(&bench.arena, (size_t)count, sizeof *rows);

    for (int i = 0; i < count; i++) {
        rows[i] = row_of(
            &bench, &(struct told){.id = arena_printf(&bench.arena, "v%d", first + i),
                                   .type = i % 4 == 0 ? "cart_item_added" : "product_viewed",
                                   .anonymous = "kiosk",
                                   .product = arena_printf(&bench.arena, "p%d", (first + i) % 9),
                                   .at_s = INT64_C(10) * (first + i)});
    }
    append(&bench, rows, (size_t)count);
}

static void log_in(const char *customer, int64_t at_s)
{
    TELL(&bench, .id = arena_printf(&bench.arena, "%s%d", customer, (int)at_s), .type = "identify",
         .customer = customer, .anonymous = "kiosk", .at_s = at_s);
}

static int64_t forwarded_to(const char *customer)
{
    return count_of(&bench, arena_printf(&bench.arena,
                                         "SELECT count(*) FROM cartwright.event"
                                         " WHERE type = 'forwarded' AND key = 'c:%s'",
                                         customer));
}

static int64_t handing_count(void)
{
    return count_of(&bench, "SELECT count(*) FROM cartwright.handing_over");
}

/* Until something is being handed over. */
static void fold_to_handing(void)
{
    for (int i = 0; handing_count() == 0 && i < 100; i++) {
        (void)step();
    }
    assert_int_equal(handing_count(), 1);
}

/* Most rows that one transaction appended for others. */
static int64_t told_at_once(void)
{
    return count_of(
        &bench,
        "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n"
        " FROM cartwright.log WHERE type = cartwright.type_code('forwarded') GROUP BY xmin::text) t");
}

static void a_kiosk_is_handed_over_in_pages(void **state)
{
    int64_t before = 0;
    (void)state;

    view_on_kiosk(0, 100);
    fold_to_end(&bench);
    log_in("anna", 1000);
    fold_to_handing();
    assert_in_range(forwarded_to("anna"), 0, HEAVY / 2);
    before = forwarded_to("anna");
    for (int i = 0; handing_count() > 0 && i < 500; i++) {
        (void)step();
        const int64_t now = forwarded_to("anna");
        assert_in_range(now - before, 0, HEAVY / 8); /* a page, in one step */
        before = now;
    }
    fold_to_end(&bench);
    assert_int_equal(forwarded_to("anna"), 100);
    assert_in_range(told_at_once(), 1, HEAVY / 2);
    assert_int_equal(count_of(&bench, "SELECT lines FROM cartwright.cart WHERE key = 'c:anna'"), 9);
    assert_replay_is_clean(&bench);
}

/* However long they would rest. */
static void settle(void)
{
    struct err err = {0};

    for (int settled = 1; settled > 0;) {
        must(folder_settle(bench.folder, &settled, &err), &err);
        settled += (int)step();
    }
}

static int64_t refolds(void)
{
    return (int64_t)metric_value(METRIC_fold_refolds);
}

/* Her login is behind all of it, so each page puts her out of order. */
static void who_is_handed_so_much_is_folded_once_all_of_it_is_there(void **state)
{
    (void)state;
    view_on_kiosk(0, 200);
    fold_to_end(&bench);
    bench.config.heavy_pause = 1000;
    log_in("anna", 2000);
    fold_to_handing();
    const int64_t before = refolds();
    for (int i = 0; handing_count() > 0 && i < 1000; i++) {
        (void)step();
    }
    settle();
    assert_int_equal(forwarded_to("anna"), 200);
    assert_in_range(refolds() - before, 1, 4);
    assert_int_equal(count_of(&bench, "SELECT lines FROM cartwright.cart WHERE key = 'c:anna'"), 9);
    assert_replay_is_clean(&bench);
}

/* Nobody is heavy: the first of them go with the batch, and the rest from there on. */
static void so_is_one_that_is_never_heavy(void **state)
{
    (void)state;
    bench.config.heavy_events = 0;
    bench.config.fold_batch = 4000;
    view_on_kiosk(0, 1400);
    fold_to_end(&bench);
    log_in("anna", 14000);
    fold_to_handing();
    assert_in_range(forwarded_to("anna"), 1000,
                    1250); /* the first page may have come in the same step */
    fold_to_end(&bench);
    assert_int_equal(forwarded_to("anna"), 1400);
    assert_replay_is_clean(&bench);
}

static void other_events_are_folded_between_the_pages(void **state)
{
    (void)state;
    bench.config.heavy_pause = 1000;
    view_on_kiosk(0, 100);
    log_in("anna", 1000);
    fold_to_handing();
    TELL(&bench, .id = "b1", .type = "cart_item_added", .customer = "bob", .product = "hat",
         .at_s = 1);
    view_on_kiosk(200, 1); /* its own as well */
    (void)step();
    (void)step();
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE key = 'c:bob'"),
                     1);
    assert_int_equal(handing_count(), 1);
    for (int i = 0; handing_count() > 0 && i < 1000; i++) {
        (void)step(); /* there is time for all of it where nothing else is to be done */
    }
    assert_int_equal(handing_count(), 0);
    settle(); /* who it was handed to rests as any other */
    assert_int_equal(forwarded_to("anna"), 101);
    assert_replay_is_clean(&bench);
}

static void whose_it_turns_out_to_be_meanwhile_gets_it_as_well(void **state)
{
    (void)state;
    view_on_kiosk(0, 100);
    log_in("anna", 1000);
    fold_to_handing();
    for (int i = 0; i < 12; i++) {
        (void)step();
    }
    assert_int_equal(handing_count(), 1);
    log_in("bob", 505); /* until she logs in it was his */
    fold_to_end(&bench);
    assert_int_equal(forwarded_to("bob"), 100);
    assert_replay_is_clean(&bench);
}

static void retention_leaves_what_is_not_handed_over(void **state)
{
    struct maintain_result result;
    struct err err = {0};
    (void)state;

    view_on_kiosk(0, 100);
    log_in("anna", 1000);
    fold_to_handing();
    bench.config.retention = DAYS(100);
    must(maintain_run(&bench.database, &bench.config, START_US + DAYS(200), &result, &err), &err);
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, "SELECT lines FROM cartwright.cart WHERE key = 'c:anna'"), 9);
    assert_replay_is_clean(&bench);
}

/* ---- random kiosks ---- */

enum { DEEDS = 240 };

static void random_deeds(struct rng *r, struct event_row rows[DEEDS])
{
    static const char *const types[] = {"product_viewed", "cart_item_added", "cart_item_added",
                                        "purchase", "page_viewed"};
    static const char *const people[] = {"anna", "bob", "carl"};

    for (int i = 0; i < DEEDS; i++) {
        const bool login = rng_below(r, 30) == 0;
        const bool logout = !login && rng_below(r, 60) == 0;
        rows[i] = row_of(
            &bench,
            &(struct told){
                .id = arena_printf(&bench.arena, "e%d", i),
                .type = login    ? "identify"
                        : logout ? "logged_out"
                                 : types[rng_below(r, COUNT_OF(types))],
                .customer =
                    login || rng_below(r, 8) == 0 ? people[rng_below(r, COUNT_OF(people))] : NULL,
                .anonymous = "kiosk",
                .product = login || logout ? NULL : arena_printf(&bench.arena, "p%d", i % 7),
                .at_s = INT64_C(10) * i});
    }
    for (int i = 0; i < DEEDS / 20; i++) { /* some come in late */
        const size_t from = rng_below(r, DEEDS);
        const size_t to = rng_below(r, DEEDS);
        const struct event_row row = rows[from];
        rows[from] = rows[to];
        rows[to] = row;
    }
}

/* Told and folded in whatever parts. */
static const char *fold_in_parts(const struct event_row rows[DEEDS], struct rng *r)
{
    forget_everything(&bench);
    for (size_t i = 0, n; i < DEEDS; i += n) {
        n = 1 + rng_below(r, 60);
        n = n < DEEDS - i ? n : DEEDS - i;
        append(&bench, rows + i, n);
        for (uint64_t steps = rng_below(r, 12); steps > 0; steps--) {
            (void)step();
        }
    }
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
    return dump_of(&bench, false);
}

static void whatever_hands_it_goes_through_the_end_is_the_same(void **state)
{
    const uint64_t seeds = at_length() ? 200 : 8;
    const int64_t before = (int64_t)metric_value(METRIC_fold_handed);
    (void)state;

    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct rng r = rng_seed(seed);
        struct event_row rows[DEEDS];
        random_deeds(&r, rows);
        bench.config.heavy_events = 0;
        const char *expected = fold_in_parts(rows, &r);
        bench.config.heavy_events = HEAVY;
        const char *dump = fold_in_parts(rows, &r);
        if (strcmp(dump, expected) != 0) {
            fail_msg("seed %d:\n%s\nexpected:\n%s", (int)seed, dump, expected);
        }
    }
    assert_true((int64_t)metric_value(METRIC_fold_handed) - before > 50);
}

/* ---- how it grows ---- */

struct cost {
    int64_t read;
    int64_t told;
};

static struct cost spent(void)
{
    return (struct cost){(int64_t)metric_value(METRIC_fold_read),
                         (int64_t)metric_value(METRIC_fold_told)};
}

/* Of the i-th of n events, one second after the other, folded as they come. */
typedef struct told deed_of(int i);

static struct cost cost_of(deed_of *deed, int n)
{
    forget_everything(&bench);
    const struct cost before = spent();
    for (int i = 0; i < n; i++) {
        const struct told t = deed(i);
        tell_all(&bench, &t, 1);
        if (i % 16 == 15) {
            fold_to_end(&bench);
        }
    }
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
    return (struct cost){spent().read - before.read, spent().told - before.told};
}

static void assert_grows_no_faster(const char *what, int64_t of_few, int64_t of_twice_as_many)
{
    if (of_twice_as_many > of_few * 5 / 2 + 20) {
        fail_msg("%s: %lld, and of twice as many %lld", what, (long long)of_few,
                 (long long)of_twice_as_many);
    }
}

/* An ordinary setting of heavy_events, which so few events do not reach. */
static void assert_linear(deed_of *deed, int n)
{
    bench.config.heavy_events = 2000;
    const struct cost few = cost_of(deed, n);
    const struct cost many = cost_of(deed, 2 * n);

    assert_grows_no_faster("events read", few.read, many.read);
    assert_grows_no_faster("events told", few.told, many.told);
}

static const char *name_of(const char *prefix, int i)
{
    return arena_printf(&bench.arena, "%s%d", prefix, i);
}

static struct told shared_cart(int i)
{
    return (struct told){.id = name_of("e", i),
                         .type = "cart_item_added",
                         .anonymous = name_of("x", i),
                         .cart = "cart1",
                         .product = "shoe",
                         .at_s = i};
}

static void a_cart_id_that_all_browsers_share_costs_each_the_same(void **state)
{
    (void)state;
    assert_linear(shared_cart, 100);
}

static struct told many_customers(int i)
{
    return (struct told){.id = name_of("e", i),
                         .type = i % 2 == 0 ? "identify" : "cart_item_added",
                         .customer = i % 2 == 0 ? name_of("y", i) : NULL,
                         .anonymous = "kiosk",
                         .product = i % 2 == 0 ? NULL : "shoe",
                         .at_s = i};
}

/* More logins than are remembered. */
static void a_browser_of_many_customers_costs_each_the_same(void **state)
{
    (void)state;
    assert_linear(many_customers, 600);
}

static struct told flipping(int i)
{
    return (struct told){.id = name_of("e", i),
                         .type = "page_viewed",
                         .customer = i % 2 == 0 ? "anna" : "bob",
                         .anonymous = "kiosk",
                         .at_s = i};
}

static struct told many_browsers(int i)
{
    return (struct told){.id = name_of("e", i),
                         .type = "page_viewed",
                         .customer = "anna",
                         .anonymous = name_of("x", i),
                         .at_s = i};
}

static void what_is_told_grows_no_faster(deed_of *deed, int n)
{
    bench.config.heavy_events = 2000;
    const int64_t few = cost_of(deed, n).told;

    assert_grows_no_faster("events told", few, cost_of(deed, 2 * n).told);
}

/* Whoever hears that hands have changed is folded again; what that tells others does not grow with it. */
static void hands_that_change_at_every_event_tell_each_time_the_same(void **state)
{
    (void)state;
    what_is_told_grows_no_faster(flipping, 100);
}

static void a_customer_of_many_browsers_tells_each_the_same(void **state)
{
    (void)state;
    what_is_told_grows_no_faster(many_browsers, 100);
}

static struct told one_product(int i)
{
    return (struct told){.id = name_of("e", i),
                         .type = "cart_item_added",
                         .customer = name_of("y", i),
                         .product = "shoe",
                         .at_s = i};
}

static void a_product_in_all_carts_costs_each_the_same(void **state)
{
    (void)state;
    assert_linear(one_product, 100);
}

static struct told edited_order(int i)
{
    return (struct told){.id = name_of("e", i),
                         .type = "purchase",
                         .customer = "anna",
                         .order = "o1",
                         .product = name_of("p", i % 5),
                         .quantity = 1 + i % 3,
                         .at_s = i};
}

static void an_order_that_is_edited_all_the_time_costs_each_time_the_same(void **state)
{
    (void)state;
    assert_linear(edited_order, 100);
}

#define BOUNDS_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOUNDS_TEST(large_events_are_folded_in_parts_of_so_many_bytes),
        BOUNDS_TEST(who_sends_little_waits_for_no_large_events),
        BOUNDS_TEST(and_of_so_many_bytes_as_they_were_sent),
        BOUNDS_TEST(so_is_in_turns_who_was_put_off),
        BOUNDS_TEST(who_cannot_be_folded_is_put_aside_and_the_others_are),
        BOUNDS_TEST(a_kiosk_is_handed_over_in_pages),
        BOUNDS_TEST(who_is_handed_so_much_is_folded_once_all_of_it_is_there),
        BOUNDS_TEST(so_is_one_that_is_never_heavy),
        BOUNDS_TEST(other_events_are_folded_between_the_pages),
        BOUNDS_TEST(whose_it_turns_out_to_be_meanwhile_gets_it_as_well),
        BOUNDS_TEST(retention_leaves_what_is_not_handed_over),
        BOUNDS_TEST(whatever_hands_it_goes_through_the_end_is_the_same),
        BOUNDS_TEST(a_cart_id_that_all_browsers_share_costs_each_the_same),
        BOUNDS_TEST(a_browser_of_many_customers_costs_each_the_same),
        BOUNDS_TEST(hands_that_change_at_every_event_tell_each_time_the_same),
        BOUNDS_TEST(a_customer_of_many_browsers_tells_each_the_same),
        BOUNDS_TEST(a_product_in_all_carts_costs_each_the_same),
        BOUNDS_TEST(an_order_that_is_edited_all_the_time_costs_each_time_the_same),
    };
    return cmocka_run_group_tests_name("bounds of the fold", tests, NULL, NULL);
}
