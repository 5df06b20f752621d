/* The consumer: exactly-once effect, whoever dies, whoever comes back from the dead. */
#include "base/clock.h"
#include "base/stop.h"
#include "fold/fold.h"
#include "integration/flow_spec.h"
#include "support/spec.h"

#include <stdio.h>

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "fold");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static struct folder *a_folder(const char *owner)
{
    struct err err = {0};
    struct folder *f = NULL;
    if (!folder_open(&bench.database, &bench.config, NULL, owner, LANES, &f, &err)) {
        fail_msg("folder %s: %s", owner, err.text);
    }
    return f;
}

static int64_t step(struct folder *f)
{
    struct err err = {0};
    int64_t folded = 0;
    if (!folder_step(f, &folded, &err)) {
        fail_msg("step: %s", err.text);
    }
    return folded;
}

/* Some shoppers in different lanes, three events each. */
static void tell_of_shoppers(int from, int to)
{
    for (int i = from; i < to; i++) {
        char ids[3][32];
        char customer[32];
        (void)snprintf(customer, sizeof customer, "customer-%d", i);
        for (int e = 0; e < 3; e++) {
            (void)snprintf(ids[e], sizeof ids[e], "e-%d-%d", i, e);
        }
        const struct told events[] = {
            {.id = ids[0],
             .type = "product_viewed",
             .customer = customer,
             .product = "shoe",
             .at_s = 1},
            {.id = ids[1],
             .type = "cart_item_added",
             .customer = customer,
             .product = "shoe",
             .at_s = 2},
            {.id = ids[2],
             .type = "cart_item_added",
             .customer = customer,
             .product = "hat",
             .at_s = 3},
        };
        tell_all(&bench, events, COUNT_OF(events));
    }
}

static void every_event_is_folded_once_into_its_cart(void **state)
{
    (void)state;
    tell_of_shoppers(0, 20);
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE lines = 2"), 20);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.shopper"), 20);
    assert_replay_is_clean(&bench);
}

static void an_undecodable_event_becomes_a_dead_letter_and_blocks_nobody(void **state)
{
    (void)state;
    run_sql(&bench, "SELECT * FROM cartwright.append_events('[{\"event_id\": \"bad\", \"type\": "
                    "\"cart_item_added\", \"customer_id\": \"y\", \"occurred_at\": "
                    "\"2026-01-01T00:00:01Z\", \"items\": [{\"product_id\": \"p\", \"quantity\": "
                    "-3}]}]')");
    TELL(&bench, .id = "good", .type = "cart_item_added", .customer = "y", .product = "p",
         .at_s = 2);
    fold_to_end(&bench);
    assert_string_equal(
        text_of(&bench, "SELECT event_id || ' ' || pointer FROM cartwright.dead_letter"),
        "bad /items/0/quantity");
    assert_int_equal(count_of(&bench, "SELECT units FROM cartwright.cart WHERE key = 'c:y'"), 1);
    assert_replay_is_clean(&bench);
}

static void unknown_types_are_counted_exactly_once(void **state)
{
    (void)state;
    TELL(&bench, .id = "u1", .type = "drone_landed", .anonymous = "x", .at_s = 1);
    TELL(&bench, .id = "u2", .type = "drone_landed", .anonymous = "x", .at_s = 2);
    TELL(&bench, .id = "i", .type = "identify", .customer = "y", .anonymous = "x", .at_s = 3);
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, "SELECT sum(events) FROM cartwright.unknown_type"), 2);
    assert_replay_is_clean(&bench);
}

static void a_zombie_that_lost_its_lanes_writes_nothing(void **state)
{
    (void)state;
    struct folder *zombie = a_folder("zombie");
    assert_int_equal(step(zombie), 0); /* has all the lanes now */
    tell_of_shoppers(0, 2);
    /* it stood still for longer than its lease, and somebody else took over */
    run_sql(&bench, "UPDATE cartwright.lane_cursor SET lease_until = '-infinity'");
    run_sql(&bench, "DELETE FROM cartwright.lane_owner");
    struct folder *heir = a_folder("heir");
    while (step(heir) > 0) {
    }
    const char *before = dump_of(&bench, false);
    tell_of_shoppers(2, 4);
    assert_int_equal(step(zombie), 0); /* fenced */
    assert_string_equal(dump_of(&bench, false), before);
    folder_close(&zombie);
    while (step(heir) > 0) {
    }
    folder_close(&heir);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE lines = 2"), 4);
    assert_replay_is_clean(&bench);
}

static void a_folder_that_was_fenced_asks_the_database_where_the_cursors_are(void **state)
{
    (void)state;
    bench.config.fold_lease = MINUTES(10); /* no renewal comes to its help */
    struct folder *fenced = a_folder("fenced");
    assert_int_equal(step(fenced), 0);
    tell_of_shoppers(0, 2);
    run_sql(&bench, "UPDATE cartwright.lane_cursor SET lease_until = '-infinity'");
    run_sql(&bench, "DELETE FROM cartwright.lane_owner");
    struct folder *heir = a_folder("heir");
    while (step(heir) > 0) {
    }
    folder_close(&heir);
    tell_of_shoppers(2, 3);
    assert_int_equal(step(fenced), 0); /* its cursors are those of before */
    int64_t folded = 0;
    for (int64_t n = step(fenced); n > 0; n = step(fenced)) {
        folded += n;
    }
    assert_int_equal(folded, 3);
    folder_close(&fenced);
    assert_replay_is_clean(&bench);
}

static void a_document_of_another_version_is_made_anew_with_exactly_its_carts(void **state)
{
    (void)state;
    TELL(&bench, .id = "a", .type = "cart_item_added", .customer = "y", .product = "p", .at_s = 1);
    fold_to_end(&bench);
    /* what some other version may have left: a document nobody can read, and a cart beside the real one */
    run_sql(&bench, "UPDATE cartwright.shopper SET doc = '{\"v\": 999}' WHERE key = 'c:y'");
    run_sql(
        &bench,
        "CREATE TEMP TABLE stale ON COMMIT DROP AS SELECT * FROM cartwright.cart WHERE key = 'c:y';"
        " UPDATE stale SET cart_id = 'of-another-version';"
        " INSERT INTO cartwright.cart SELECT * FROM stale"); /* one transaction: a pooler keeps no session */
    TELL(&bench, .id = "b", .type = "cart_item_added", .customer = "y", .product = "q", .at_s = 2);
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE key = 'c:y'"), 1);
    assert_int_equal(count_of(&bench, "SELECT lines FROM cartwright.cart WHERE key = 'c:y'"), 2);
    assert_replay_is_clean(&bench);
}

static void folders_share_the_lanes_and_inherit_from_the_dead(void **state)
{
    (void)state;
    struct folder *one = a_folder("one");
    struct folder *two = a_folder("two");
    (void)step(one);
    (void)step(two);
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.lane_cursor WHERE owner = 'one'"), 128);
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.lane_cursor WHERE owner = 'two'"), 128);
    /* one dies without a word */
    run_sql(&bench,
            "UPDATE cartwright.lane_cursor SET lease_until = '-infinity' WHERE owner = 'one'");
    run_sql(&bench,
            "UPDATE cartwright.lane_owner SET seen_until = '-infinity' WHERE owner = 'one'");
    assert_false(stop_wait_us(bench.config.fold_lease / 2));
    (void)step(two);
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.lane_cursor WHERE owner = 'two'"), 256);
    folder_close(&one);
    folder_close(&two);
}

static void a_closed_folder_leaves_its_lanes_to_others_at_once(void **state)
{
    (void)state;
    struct folder *f = a_folder("gone");
    (void)step(f);
    folder_close(&f);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.lane_cursor WHERE "
                                      "lease_until > now() OR owner IS NOT NULL"),
                     0);
}

static void catching_up_reads_the_log_to_its_end_and_says_how_far_it_is(void **state)
{
    (void)state;
    struct err err = {0};
    tell_of_shoppers(0, 30);
    assert_true(fold_catch_up(&bench.database, &bench.config, NULL, NULL, &err));
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE lines = 2"), 30);
    assert_replay_is_clean(&bench);
}

static void workers_fold_what_comes_in_and_stop_when_told(void **state)
{
    (void)state;
    struct err err = {0};
    struct fold_workers *workers = NULL;
    int64_t until_us = clock_monotonic_us() + SECONDS(20);
    assert_true(fold_workers_start(&bench.database, &bench.config, NULL, &workers, &err));
    int64_t passed_us = fold_workers_last_pass_us(workers);
    tell_of_shoppers(0, 20);
    while (count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE lines = 2") < 20 &&
           clock_monotonic_us() < until_us) {
        assert_false(stop_wait_us(10000));
    }
    assert_true(fold_workers_last_pass_us(workers) > passed_us);
    fold_workers_stop(&workers);
    assert_null(workers);
    assert_replay_is_clean(&bench);
}

static void workers_outlive_the_loss_of_their_connections(void **state)
{
    (void)state;
    struct err err = {0};
    struct fold_workers *workers = NULL;
    int64_t until_us = clock_monotonic_us() + SECONDS(30);
    assert_true(fold_workers_start(&bench.database, &bench.config, NULL, &workers, &err));
    for (int i = 0; i < 5; i++) {
        tell_of_shoppers(10 * i, 10 * i + 10);
        run_sql(&bench, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                        "current_database() AND pid <> pg_backend_pid()");
    }
    while (count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE lines = 2") < 50 &&
           clock_monotonic_us() < until_us) {
        assert_false(stop_wait_us(10000));
    }
    fold_workers_stop(&workers);
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_event_is_folded_once_into_its_cart, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_undecodable_event_becomes_a_dead_letter_and_blocks_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_types_are_counted_exactly_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_zombie_that_lost_its_lanes_writes_nothing, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_folder_that_was_fenced_asks_the_database_where_the_cursors_are, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_document_of_another_version_is_made_anew_with_exactly_its_carts, setup, teardown),
        cmocka_unit_test_setup_teardown(folders_share_the_lanes_and_inherit_from_the_dead, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_closed_folder_leaves_its_lanes_to_others_at_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(catching_up_reads_the_log_to_its_end_and_says_how_far_it_is,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(workers_fold_what_comes_in_and_stop_when_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(workers_outlive_the_loss_of_their_connections, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
