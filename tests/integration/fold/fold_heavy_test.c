/* Shoppers of very many events: folded again from checkpoints, they are what the whole log says, and cost little. */
#include "base/clock.h"
#include "base/metric.h"
#include "base/rng.h"
#include "eventlog/maintain.h"
#include "integration/flow_spec.h"
#include "support/spec.h"

#include <stdlib.h>

enum { EVENTS = 600, HEAVY = 16 };

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "heavy");
    bench.config.heavy_events = HEAVY;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static const char *const checkpoints_sql = "SELECT count(*) FROM cartwright.heavy_checkpoint";

static bool one_in(struct rng *r, uint64_t n)
{
    return rng_below(r, n) == 0;
}

/* Of one customer, the i-th in order of time; some on its browsers, now and then with both ids. */
static struct told an_event(struct rng *r, int i)
{
    static const char *const types[] = {
        "product_viewed", "product_viewed",    "cart_item_added", "cart_item_added", "purchase",
        "cart_snapshot",  "cart_item_removed", "page_viewed",     "consent_given",   "searched"};
    static const char *const products[] = {"shoe", "hat", "sock"};
    const bool named = one_in(r, 12);
    const bool anonymous = !named && one_in(r, 6);
    const char *browser = one_in(r, 2) ? "phone" : "desk";

    return (struct told){.id = arena_printf(&bench.arena, "e%d", i),
                         .type = types[rng_below(r, COUNT_OF(types))],
                         .customer = anonymous ? NULL : "heavy",
                         .anonymous = named || anonymous ? browser : NULL,
                         .product = products[rng_below(r, COUNT_OF(products))],
                         .price_minor = 500,
                         .at_s = INT64_C(5) * i / 2};
}

/* Nearly in order: every third up to ten places late, a few anywhere. */
static void disorder(struct event_row *rows, int count, struct rng *r)
{
    for (int i = 0; i < count / 3; i++) {
        int from = (int)rng_below(r, (uint64_t)count);
        int to = one_in(r, 20) ? (int)rng_below(r, (uint64_t)count) : from + (int)rng_below(r, 10);
        struct event_row row = rows[from];
        to = to < count ? to : count - 1;
        rows[from] = rows[to];
        rows[to] = row;
    }
}

static void tell_in_disorder(uint64_t seed)
{
    struct rng r = rng_seed(seed);
    struct event_row rows[EVENTS];

    for (int i = 0; i < EVENTS; i++) {
        struct told t = an_event(&r, i);
        rows[i] = row_of(&bench, &t);
    }
    disorder(rows, EVENTS, &r);
    for (int i = 0; i < EVENTS; i += 6) {
        append(&bench, rows + i, 6);
        fold_to_end(&bench);
    }
}

static void out_of_order_it_is_what_the_log_says(void **state)
{
    const int64_t before = (int64_t)metric_value(METRIC_fold_checkpoints);
    (void)state;

    tell_in_disorder(1);
    assert_true((int64_t)metric_value(METRIC_fold_checkpoints) - before > 20);
    assert_true(count_of(&bench, checkpoints_sql) > 3);
    assert_string_equal(dump_of(&bench, false), dump_of(&bench, true));
    assert_replay_is_clean(&bench);
}

/* Nothing of what it did before is read: the log could be gone. */
static void a_late_event_reads_what_is_behind_it_only(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        TELL(&bench, .id = arena_printf(&bench.arena, "v%d", i), .type = "product_viewed",
             .customer = "heavy", .product = "shoe", .at_s = INT64_C(10) * i);
        if (i % 7 == 0) {
            fold_to_end(&bench);
        }
    }
    fold_to_end(&bench);
    assert_true(count_of(&bench, checkpoints_sql) > 3); /* though all came in order */
    run_sql(&bench, "CREATE TABLE aside AS SELECT * FROM cartwright.event WHERE off <= 100;"
                    "DELETE FROM cartwright.event WHERE off <= 100");
    TELL(&bench, .id = "late", .type = "cart_item_added", .customer = "heavy", .product = "hat",
         .at_s = 1955);
    fold_to_end(&bench);
    run_sql(&bench, "INSERT INTO cartwright.event SELECT * FROM aside");
    assert_int_equal(count_of(&bench, "SELECT lines FROM cartwright.cart"), 1);
    assert_replay_is_clean(&bench);
}

static void few_checkpoints_are_kept_of_many_events(void **state)
{
    (void)state;
    for (int i = 0; i < 400; i++) {
        TELL(&bench, .id = arena_printf(&bench.arena, "v%d", i), .type = "product_viewed",
             .customer = "heavy", .product = "shoe", .at_s = INT64_C(4) * i);
        fold_to_end(&bench);
    }
    assert_in_range(count_of(&bench, checkpoints_sql), 4, 14);
    assert_true(count_of(&bench, "SELECT min(events) FROM cartwright.heavy_checkpoint") < 200);
}

static void retention_forgets_what_lies_on_what_it_removed(void **state)
{
    struct maintain_result result;
    struct err err = {0};
    (void)state;

    tell_in_disorder(2);
    run_sql(&bench, "UPDATE cartwright.event SET received_at = received_at - interval '300 days'"
                    " WHERE off <= 150");
    bench.config.retention = DAYS(100);
    if (!maintain_run(&bench.database, &bench.config, START_US + DAYS(1), &result, &err)) {
        fail_msg("maintain: %s", err.text);
    }
    assert_true(result.deleted > 0);
    assert_int_equal(
        count_of(&bench,
                 "SELECT count(*) FROM cartwright.heavy_event h WHERE NOT EXISTS"
                 " (SELECT FROM cartwright.event e WHERE e.lane = h.lane AND e.off = h.off)"),
        0);
    TELL(&bench, .id = "late", .type = "cart_item_added", .customer = "heavy", .product = "hat",
         .at_s = 1490);
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

static void a_rebuild_begins_without_checkpoints(void **state)
{
    struct replay_result result;
    struct err err = {0};
    (void)state;

    tell_in_disorder(3);
    run_sql(&bench, "UPDATE cartwright.heavy_checkpoint SET doc = '{}'");
    if (!replay_rebuild(&bench.database, &bench.config, &result, &err)) {
        fail_msg("rebuild: %s", err.text);
    }
    assert_int_equal(count_of(&bench, checkpoints_sql), 0);
    TELL(&bench, .id = "late", .type = "cart_item_added", .customer = "heavy", .product = "hat",
         .at_s = 1490);
    fold_to_end(&bench);
    assert_true(count_of(&bench, checkpoints_sql) > 3);
    assert_replay_is_clean(&bench);
}

/* What lies before the login cannot even be read. */
static void a_login_on_a_kiosk_reads_what_changes_hands_only(void **state)
{
    (void)state;
    TELL(&bench, .id = "i1", .type = "identify", .customer = "anna", .anonymous = "kiosk",
         .at_s = 1);
    for (int i = 0; i < 50; i++) {
        TELL(&bench, .id = arena_printf(&bench.arena, "v%d", i), .type = "product_viewed",
             .anonymous = "kiosk", .product = "shoe", .at_s = INT64_C(10) * i + 2);
    }
    fold_to_end(&bench);
    run_sql(&bench,
            "ALTER TABLE cartwright.event DROP CONSTRAINT event_origin_check;"
            "UPDATE cartwright.event SET origin = 'lost' WHERE key = 'a:kiosk'"
            " AND type = 'product_viewed' AND occurred_at < timestamptz '2026-01-01 00:07Z'");
    TELL(&bench, .id = "i2", .type = "identify", .customer = "bob", .anonymous = "kiosk",
         .at_s = 420);
    fold_to_end(&bench);
    run_sql(&bench, "UPDATE cartwright.event SET origin = 'api' WHERE origin = 'lost'");
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event"
                                      " WHERE type = 'forwarded' AND key = 'c:bob'"),
                     8); /* 422 to 492 */
    assert_replay_is_clean(&bench);
}

static void with_0_nobody_is_heavy(void **state)
{
    (void)state;
    bench.config.heavy_events = 0;
    tell_in_disorder(4);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.heavy_shopper"), 0);
    assert_replay_is_clean(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(out_of_order_it_is_what_the_log_says, setup, teardown),
        cmocka_unit_test_setup_teardown(a_late_event_reads_what_is_behind_it_only, setup, teardown),
        cmocka_unit_test_setup_teardown(few_checkpoints_are_kept_of_many_events, setup, teardown),
        cmocka_unit_test_setup_teardown(retention_forgets_what_lies_on_what_it_removed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_rebuild_begins_without_checkpoints, setup, teardown),
        cmocka_unit_test_setup_teardown(a_login_on_a_kiosk_reads_what_changes_hands_only, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(with_0_nobody_is_heavy, setup, teardown),
    };
    return cmocka_run_group_tests_name("heavy shoppers", tests, NULL, NULL);
}
