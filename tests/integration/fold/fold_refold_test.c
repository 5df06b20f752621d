/* Shoppers of more events than are read at once are folded again a page at a time: the end is what the whole log says, nobody else waits for more than a page, and whoever
 * takes over goes on. */
#include "base/clock.h"
#include "base/metric.h"
#include "eventlog/maintain.h"
#include "integration/flow_spec.h"
#include "support/spec.h"

enum {
    HEAVY = 8,
    PAGE = 32, /* 4 times as many */
    EVENTS = 700,
    STEPS = 4000
};

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "refold");
    bench.config.heavy_events = HEAVY;
    bench.config.heavy_pause = 0;
    bench.config.fold_batch = 100;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

/* One step; how many events were read in it. */
static int64_t step(void)
{
    const int64_t before = (int64_t)metric_value(METRIC_fold_read);
    struct err err = {0};
    int64_t folded;

    must(folder_step(bench.folder, &folded, &err), &err);
    return (int64_t)metric_value(METRIC_fold_read) - before;
}

static int64_t going_on(void)
{
    return count_of(&bench, "SELECT count(*) FROM cartwright.refolding");
}

static bool waits(const char *key)
{
    return count_of(&bench, arena_printf(&bench.arena,
                                         "SELECT count(*) FROM cartwright.stale_shopper"
                                         " WHERE since IS NOT NULL AND key = '%s'",
                                         key)) > 0;
}

/* A past of everything that pages have to agree about: browsers that it named, orders by cart, things that came in days late. In order. */
static void tell_a_past(const char *customer, const char *anonymous, int count)
{
    static const char *const types[] = {"product_viewed",  "cart_item_added", "page_viewed",
                                        "cart_item_added", "purchase",        "cart_item_added",
                                        "product_viewed",  "consent_given"};
    struct event_row *rows = arena_array(&bench.arena, (size_t)count, sizeof *rows);

    for (int i = 0; i < count; i++) {
        const bool buys = i % 40 == 4;
        rows[i] = row_of(
            &bench,
            &(struct told){.id = arena_printf(&bench.arena, "%s%d",
                                              customer == NULL ? anonymous : customer, i),
                           .type = buys ? "purchase" : types[i % 8 == 4 ? 0 : i % 8],
                           .customer = customer,
                           .anonymous = customer == NULL ? anonymous
                                        : i % 50 == 7    ? arena_printf(&bench.arena, "x%d", i % 9)
                                                         : NULL,
                           .cart = i % 3 == 0 ? arena_printf(&bench.arena, "k%d", i / 60) : NULL,
                           .product = i % 2 == 0 ? "shoe" : "hat",
                           .price_minor = 500,
                           .at_s = INT64_C(4) * (i / 2) + 100});
    }
    append(&bench, rows, (size_t)count);
    fold_to_end(&bench);
}

/* What occurred before everything else is behind no checkpoint. */
static void tell_of_long_ago(const char *id, const char *customer, const char *anonymous)
{
    TELL(&bench, .id = id, .type = "cart_item_added", .customer = customer, .anonymous = anonymous,
         .product = "sock", .price_minor = 300, .at_s = 1);
}

static void begin(void)
{
    for (int i = 0; i < 10 && going_on() == 0; i++) {
        step();
    }
    assert_int_equal(going_on(), 1);
}

static void no_step_reads_more_than_a_page(void **state)
{
    int64_t most = 0;
    int64_t all = 0;
    int steps = 0;
    (void)state;

    tell_a_past("heavy", NULL, EVENTS);
    const char *before = dump_of(&bench, false);
    tell_of_long_ago("far", "heavy", NULL);
    while ((going_on() > 0 || steps < 5) && steps < STEPS) {
        const int64_t read = step();
        most = read > most ? read : most;
        all += read;
        steps++;
    }
    assert_in_range(most, PAGE / 2, PAGE + 2); /* and the event that asks for it */
    assert_true(all > INT64_C(2) * EVENTS);    /* what it says of all, and the fold */
    assert_false(waits("c:heavy"));
    assert_string_not_equal(dump_of(&bench, false), before);
    assert_string_equal(dump_of(&bench, false), dump_of(&bench, true));
    assert_replay_is_clean(&bench);
}

static void of_a_browser_that_is_nobody_s_nothing_is_passed_on(void **state)
{
    int64_t handed = 0;
    (void)state;

    tell_a_past(NULL, "kiosk", EVENTS);
    tell_of_long_ago("far", NULL, "kiosk");
    begin();
    for (int i = 0; going_on() > 0 && i < STEPS; i++) {
        step();
        handed += count_of(&bench, "SELECT count(*) FROM cartwright.handing_over");
    }
    assert_int_equal(going_on(), 0);
    assert_int_equal(handed, 0);
}

/* What was left of an order, as the log keeps it. */
static void tell_what_was_left_of(const char *id, const char *customer, int64_t at_s)
{
    struct event_row row = row_of(
        &bench, &(struct told){.id = arena_printf(&bench.arena, EVENT_STAND_IN_PREFIX "%s", id),
                               .type = "purchase",
                               .customer = customer,
                               .product = "shoe",
                               .price_minor = 500,
                               .at_s = at_s});

    row.body = arena_printf(&bench.arena, "%.*s,\"stands_for\":\"%s\"}", (int)strlen(row.body) - 1,
                            row.body, id);
    append(&bench, &row, 1);
}

/* Its time was when it came in; the mended one tells a time before everything else. */
static void an_order_that_was_mended_at_another_time_counts_once_in_pages_as_well(void **state)
{
    static const char mended[] =
        "SELECT count(*) FROM cartwright.shopper WHERE key = 'c:heavy' AND doc LIKE '%\"mended\":%'";
    (void)state;

    tell_a_past("heavy", NULL, EVENTS);
    tell_what_was_left_of("late", "heavy", 900);
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, mended), 0);
    TELL(&bench, .id = "late", .type = "purchase", .customer = "heavy", .order = "L",
         .product = "sock", .price_minor = 300, .at_s = 1);
    begin();
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, mended), 1);
    assert_string_equal(dump_of(&bench, false), dump_of(&bench, true));
    assert_replay_is_clean(&bench);
}

static void others_are_folded_between_two_pages(void **state)
{
    (void)state;
    tell_a_past("heavy", NULL, EVENTS);
    tell_of_long_ago("far", "heavy", NULL);
    begin();
    for (int i = 0; i < 5; i++) {
        step();
        TELL(&bench, .id = arena_printf(&bench.arena, "o%d", i), .type = "cart_item_added",
             .customer = arena_printf(&bench.arena, "other%d", i), .product = "hat", .at_s = 5000);
        step();
        assert_int_equal(count_of(&bench, arena_printf(&bench.arena,
                                                       "SELECT count(*) FROM cartwright.cart"
                                                       " WHERE key = 'c:other%d'",
                                                       i)),
                         1);
        assert_int_equal(going_on(), 1);
    }
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

/* While it goes on with others about, it has one part in heavy_pause + 1 of the time; with nothing else to do, all of it. */
static void it_rests_where_others_wait_only(void **state)
{
    const int64_t until_us = clock_monotonic_us() + SECONDS(120);
    (void)state;

    tell_a_past("heavy", NULL, EVENTS);
    bench.config.heavy_pause = 1000;
    tell_of_long_ago("far", "heavy", NULL);
    begin();
    const int64_t done = count_of(&bench, "SELECT done_off FROM cartwright.refolding");
    for (int i = 0; i < 5; i++) {
        TELL(&bench, .id = arena_printf(&bench.arena, "o%d", i), .type = "page_viewed",
             .customer = "other", .at_s = 5000 + i);
        step();
    }
    assert_int_equal(count_of(&bench, "SELECT done_off FROM cartwright.refolding"), done);
    while (going_on() > 0 && clock_monotonic_us() < until_us) {
        step();
    }
    assert_int_equal(going_on(), 0);
    assert_false(waits("c:heavy"));
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.stale_shopper"
                                      " WHERE key = 'c:heavy' AND due_at > now()"),
                     1); /* it makes up for it afterwards */
    assert_replay_is_clean(&bench);
}

static void whoever_takes_over_goes_on_where_it_stands(void **state)
{
    int64_t read = 0;
    (void)state;

    tell_a_past("heavy", NULL, EVENTS);
    tell_of_long_ago("far", "heavy", NULL);
    begin();
    for (int i = 0; i < 60 && count_of(&bench, "SELECT count(*) FROM cartwright.refolding"
                                               " WHERE phase = 2 AND folded > 500") == 0;
         i++) {
        step();
    }
    assert_int_equal(going_on(), 1);
    folder_close(&bench.folder);
    const int64_t before = (int64_t)metric_value(METRIC_fold_read);
    fold_to_end(&bench);
    read = (int64_t)metric_value(METRIC_fold_read) - before;
    assert_in_range(read, 1, EVENTS); /* not what had been folded once more */
    assert_replay_is_clean(&bench);
}

static void what_comes_in_meanwhile_is_folded_afterwards(void **state)
{
    (void)state;

    tell_a_past("heavy", NULL, EVENTS);
    tell_of_long_ago("far", "heavy", NULL);
    begin();
    step();
    tell_of_long_ago("farther", "heavy", NULL);
    TELL(&bench, .id = "now", .type = "cart_item_added", .customer = "heavy", .product = "glove",
         .at_s = 5000);
    step();
    assert_true(count_of(&bench, "SELECT r.last_off FROM cartwright.refolding r") <
                count_of(&bench, "SELECT max(off) FROM cartwright.log WHERE key = 'c:heavy'"));
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.shopper"
                                      " WHERE key = 'c:heavy' AND doc LIKE '%glove%'"),
                     1);
    assert_replay_is_clean(&bench);
}

static void of_another_version_it_begins_anew(void **state)
{
    (void)state;
    tell_a_past("heavy", NULL, EVENTS);
    tell_of_long_ago("far", "heavy", NULL);
    begin();
    for (int i = 0; i < 60 && count_of(&bench, "SELECT count(*) FROM cartwright.refolding"
                                               " WHERE phase = 2 AND folded > 200") == 0;
         i++) {
        step();
    }
    run_sql(&bench, "UPDATE cartwright.refolding SET doc = '{}'");
    step();
    assert_true(waits("c:heavy"));
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

static void retention_and_a_rebuild_in_between_change_nothing(void **state)
{
    struct maintain_result result;
    struct replay_result rebuilt;
    struct err err = {0};
    (void)state;

    tell_a_past("heavy", NULL, EVENTS);
    run_sql(&bench, "UPDATE cartwright.log SET received_at = received_at - interval '300 days'"
                    " WHERE off <= 300");
    bench.config.retention = DAYS(100);
    must(maintain_run(&bench.database, &bench.config, START_US + DAYS(1), &result, &err), &err);
    assert_true(result.deleted > 0);
    TELL(&bench, .id = "bound", .type = "identify", .customer = "heavy", .anonymous = "x3",
         .at_s = 800);
    tell_of_long_ago("far", "heavy", NULL);
    begin();
    for (int i = 0; i < 4; i++) {
        step();
    }
    must(replay_rebuild(&bench.database, &bench.config, &rebuilt, &err), &err);
    assert_int_equal(going_on(), 0);
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

/* A document of another version may have told less: what nobody has answered is told again, page by page. */
static void who_is_folded_anew_for_a_new_version_tells_its_logins(void **state)
{
    static const char logins[] = "SELECT count(*) FROM cartwright.event"
                                 " WHERE type = 'shopper_bound' AND key = 'a:x3'";
    (void)state;

    tell_a_past("heavy", NULL, EVENTS);
    assert_true(count_of(&bench, logins) > 0);
    TELL(&bench, .id = "later", .type = "page_viewed", .customer = "heavy", .at_s = 3000);
    fold_to_end(&bench);
    run_sql(&bench, "DELETE FROM cartwright.log WHERE key IN ('a:x3', 'c:heavy')"
                    " AND type IN (cartwright.type_code('shopper_bound'),"
                    "              cartwright.type_code('binding_set'))");
    run_sql(&bench, "DELETE FROM cartwright.heavy_shopper; DELETE FROM cartwright.heavy_event;"
                    "DELETE FROM cartwright.heavy_checkpoint"); /* as of all that is removed */
    assert_int_equal(count_of(&bench, logins), 0);
    run_sql(
        &bench,
        "UPDATE cartwright.shopper SET doc = regexp_replace(doc, '\"format\":\\d+', '\"format\":1')"
        " WHERE key = 'c:heavy'");
    TELL(&bench, .id = "view", .type = "page_viewed", .customer = "heavy", .at_s = 4);
    begin(); /* not with the batch, however little of it can be read */
    fold_to_end(&bench);
    assert_true(count_of(&bench, logins) > 0);
    assert_replay_is_clean(&bench);
}

/* A kiosk: many people, in the middle of its past; what changes hands is passed on. */
static void a_browser_of_many_customers_is_folded_so_as_well(void **state)
{
    (void)state;
    tell_a_past(NULL, "kiosk", EVENTS / 4);
    for (int i = 0; i < 6; i++) {
        TELL(&bench, .id = arena_printf(&bench.arena, "in%d", i), .type = "identify",
             .customer = arena_printf(&bench.arena, "person%d", i % 3), .anonymous = "kiosk",
             .at_s = INT64_C(50) * ((i * 5) % 6) + 120);
        if (i % 3 == 0) {
            TELL(&bench, .id = arena_printf(&bench.arena, "out%d", i), .type = "logged_out",
                 .anonymous = "kiosk", .at_s = INT64_C(50) * ((i * 5) % 6) + 140);
        }
    }
    tell_of_long_ago("far", NULL, "kiosk");
    begin();
    fold_to_end(&bench);
    assert_true(count_of(&bench, "SELECT count(*) FROM cartwright.event"
                                 " WHERE type = 'forwarded'") > EVENTS / 8);
    assert_string_equal(dump_of(&bench, false), dump_of(&bench, true));
    assert_replay_is_clean(&bench);
}

/* Few events behind a state, but large ones: they are not read at once either, and pages of them have fewer. */
static void what_lies_behind_a_state_is_bounded_in_bytes(void **state)
{
    int64_t most = 0;
    (void)state;

    bench.config.heavy_events = 64;
    bench.config.fold_batch_bytes = 65536;
    run_sql(
        &bench,
        "SELECT count(*) FROM (SELECT 'big' || n AS id, timestamptz '2026-01-01Z' + n * interval '1 second' AS at,"
        "  (SELECT string_agg(md5(n || ' ' || i), '') FROM generate_series(1, 150) i) AS text"
        "    FROM generate_series(100, 299) n OFFSET 0) e, LATERAL cartwright.append_rows(ARRAY[e.id], ARRAY['c:heavy'],"
        "  ARRAY['page_viewed'], 'api', ARRAY[e.at], timestamptz '2026-01-01 01:00Z', ARRAY[jsonb_build_object('event_id',"
        "  e.id, 'type', 'page_viewed', 'customer_id', 'heavy', 'occurred_at', e.at, 'properties',"
        "  jsonb_build_object('text', e.text))])");
    fold_to_end(&bench);
    assert_true(count_of(&bench, "SELECT count(*) FROM cartwright.heavy_checkpoint") > 2);
    TELL(&bench, .id = "late", .type = "cart_item_added", .customer = "heavy", .product = "hat",
         .at_s = 270); /* 29 behind it, and half of heavy_events are 32 */
    begin();
    for (int i = 0; i < STEPS && going_on() > 0; i++) {
        const int64_t read = step();
        most = read > most ? read : most;
    }
    assert_in_range(most, 5, 20);
    assert_string_equal(dump_of(&bench, false), dump_of(&bench, true));
    assert_replay_is_clean(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_step_reads_more_than_a_page, setup, teardown),
        cmocka_unit_test_setup_teardown(of_a_browser_that_is_nobody_s_nothing_is_passed_on, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(others_are_folded_between_two_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(it_rests_where_others_wait_only, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_order_that_was_mended_at_another_time_counts_once_in_pages_as_well, setup, teardown),
        cmocka_unit_test_setup_teardown(whoever_takes_over_goes_on_where_it_stands, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_comes_in_meanwhile_is_folded_afterwards, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(of_another_version_it_begins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(retention_and_a_rebuild_in_between_change_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(who_is_folded_anew_for_a_new_version_tells_its_logins,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_browser_of_many_customers_is_folded_so_as_well, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_lies_behind_a_state_is_bounded_in_bytes, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("refolding by pages", tests, NULL, NULL);
}
