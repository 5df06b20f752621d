/* Shoppers of very many events: folded again from checkpoints, they are what the whole log says, and cost little. */
#include "base/clock.h"
#include "base/metric.h"
#include "base/rng.h"
#include "eventlog/maintain.h"
#include "eventlog/view.h"
#include "integration/flow_spec.h"
#include "store/heavy.h"
#include "support/at_length.h"
#include "support/spec.h"

#include <stdlib.h>

enum { EVENTS = 600, HEAVY = 16 };

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "heavy");
    bench.config.heavy_events = HEAVY;
    bench.config.heavy_pause =
        0; /* unless a test says so, who is put off is folded in the same step */
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
    /* before several of the checkpoints, which are of no use then */
    TELL(&bench, .id = "later", .type = "product_viewed", .customer = "heavy", .product = "hat",
         .at_s = 1505);
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
    run_sql(&bench, "UPDATE cartwright.log SET received_at = received_at - interval '300 days'"
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
    run_sql(
        &bench,
        "ALTER TABLE cartwright.log DROP CONSTRAINT log_origin_check;"
        "UPDATE cartwright.log SET origin = 'l' WHERE key = 'a:kiosk'"
        " AND type = cartwright.type_code('product_viewed') AND occurred_at < timestamptz '2026-01-01 00:07Z'");
    TELL(&bench, .id = "i2", .type = "identify", .customer = "bob", .anonymous = "kiosk",
         .at_s = 420);
    fold_to_end(&bench);
    run_sql(&bench, "UPDATE cartwright.log SET origin = 'a' WHERE origin = 'l'");
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

/* ---- who is put off ---- */

static void fold_to_cursor(void)
{
    struct err err = {0};
    struct log_lag lag = {.events = 1};
    int64_t folded;

    for (int i = 0; lag.events > 0 && i < 1000; i++) {
        if (!folder_step(bench.folder, &folded, &err) || !folder_lag(bench.folder, &lag, &err)) {
            fail_msg("fold: %s", err.text);
        }
    }
    assert_int_equal(lag.events, 0);
}

static int64_t stale_count(void)
{
    return count_of(&bench,
                    "SELECT count(*) FROM cartwright.stale_shopper WHERE since IS NOT NULL");
}

/* Whenever they are due, and what that tells others, too. */
static void settle(void)
{
    struct err err = {0};
    int folded = 1;

    fold_to_cursor();
    for (int i = 0; folded > 0 && i < 100; i++) {
        if (!folder_settle(bench.folder, &folded, &err)) {
            fail_msg("settle: %s", err.text);
        }
        fold_to_cursor();
    }
    assert_int_equal(stale_count(), 0);
}

static void view_some(const char *who, int count)
{
    for (int i = 0; i < count; i++) {
        TELL(&bench, .id = arena_printf(&bench.arena, "%s%d", who, i), .type = "product_viewed",
             .customer = who, .product = "shoe", .at_s = INT64_C(10) * i + 100);
    }
    fold_to_end(&bench);
}

/* From now on it rests for long: the second thing from far back waits. */
static void put_off(void)
{
    view_some("heavy", 60);
    bench.config.heavy_pause = 1000;
    TELL(&bench, .id = "far0", .type = "page_viewed", .customer = "heavy", .at_s = 1);
    fold_to_cursor();
    run_sql(&bench, "UPDATE cartwright.stale_shopper SET due_at = now() + interval '1 hour'");
    assert_int_equal(stale_count(), 0); /* the first was folded at once */
}

static struct replay_result checked(void)
{
    struct replay_result r = {0};
    struct err err = {0};

    if (!replay_check(&bench.database, &bench.config, START_US + HOURS(2), &r, &err)) {
        fail_msg("replay: %s", err.text);
    }
    if (r.differences > 0) {
        fail_msg("%s", r.first);
    }
    return r;
}

static int64_t lines_seen(const char *key)
{
    struct err err = {0};
    struct view v;

    if (!view_read(bench.db, key, INT64_MAX, &bench.arena, &v, &err)) {
        fail_msg("%s", err.text);
    }
    assert_false(v.unread);
    return (int64_t)v.shopper->carts[0].line_count;
}

static void who_is_put_off_waits_and_nobody_else(void **state)
{
    struct log_lag lag;
    struct err err = {0};
    (void)state;

    put_off();
    TELL(&bench, .id = "far1", .type = "cart_item_added", .customer = "heavy", .product = "hat",
         .at_s = 2);
    TELL(&bench, .id = "ann1", .type = "cart_item_added", .customer = "ann", .product = "hat",
         .at_s = 2);
    fold_to_cursor();
    assert_true(folder_lag(bench.folder, &lag, &err));
    assert_int_equal(lag.stale, 1);
    assert_true(lag.stale_us > 0);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart"), 1); /* ann's */
    TELL(&bench, .id = "now1", .type = "product_viewed", .customer = "heavy", .product = "sock",
         .at_s = 2000);
    fold_to_cursor();
    assert_int_equal(checked().unread, 2);
    assert_int_equal(lines_seen("c:heavy"), 1); /* whoever asks is told all the same */
    settle();
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart"), 2);
    assert_replay_is_clean(&bench);
}

/* The rest it has is what the fold took, times heavy_pause; then the next step folds it. */
static void after_its_rest_it_is_folded_by_itself(void **state)
{
    (void)state;
    put_off();
    TELL(&bench, .id = "far1", .type = "cart_item_added", .customer = "heavy", .product = "hat",
         .at_s = 2);
    fold_to_cursor();
    assert_true(count_of(&bench, "SELECT took_us FROM cartwright.stale_shopper") > 0);
    assert_int_equal(stale_count(), 1);
    folder_close(&bench.folder); /* another one knows nothing of what this one did */
    bench.config.heavy_pause = 1;
    run_sql(&bench, "UPDATE cartwright.stale_shopper SET due_at = now() + interval '300 ms'");
    fold_to_end(&bench);
    assert_true(count_of(&bench, "SELECT count(*) FROM cartwright.stale_shopper"
                                 " WHERE due_at > since OR since IS NULL") == 1);
    assert_replay_is_clean(&bench);
}

static void its_logins_are_told_while_it_waits(void **state)
{
    (void)state;
    put_off();
    TELL(&bench, .id = "phone1", .type = "cart_item_added", .anonymous = "phone", .product = "sock",
         .at_s = 1500);
    TELL(&bench, .id = "far1", .type = "page_viewed", .customer = "heavy", .at_s = 2);
    fold_to_cursor();
    for (int i = 0; i < 5; i++) {
        TELL(&bench, .id = arena_printf(&bench.arena, "both%d", i), .type = "page_viewed",
             .customer = "heavy", .anonymous = "phone", .at_s = 1600 + i);
    }
    fold_to_cursor();
    assert_int_equal(stale_count(), 1);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event WHERE key = 'a:phone'"
                                      " AND type = 'shopper_bound'"),
                     1); /* of one batch the first: the rest says no more */
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event WHERE key = 'c:heavy'"
                                      " AND type = 'forwarded'"),
                     1);
    settle();
    assert_int_equal(count_of(&bench, "SELECT lines FROM cartwright.cart WHERE status = 'open'"),
                     1);
    assert_replay_is_clean(&bench);
}

/* An order that names the cart of a browser makes the two one, whenever the customer is folded. */
static void whose_cart_it_orders_is_known_while_it_waits(void **state)
{
    (void)state;
    put_off();
    TELL(&bench, .id = "phone1", .type = "cart_item_added", .anonymous = "phone", .cart = "k1",
         .product = "sock", .at_s = 1500);
    TELL(&bench, .id = "far1", .type = "page_viewed", .customer = "heavy", .at_s = 2);
    TELL(&bench, .id = "order", .type = "purchase", .customer = "heavy", .cart = "k1",
         .order = "o1", .product = "sock", .at_s = 1700);
    fold_to_cursor();
    assert_int_equal(stale_count(), 1);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event WHERE key = 'a:phone'"
                                      " AND type = 'shopper_bound'"),
                     1);
    settle();
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE cart_id = 'k1'"
                                      " AND status = 'bought'"),
                     1);
    assert_replay_is_clean(&bench);
}

static void a_rebuild_and_retention_leave_alone_what_waits(void **state)
{
    struct maintain_result result;
    struct replay_result rebuilt;
    struct err err = {0};
    (void)state;

    put_off();
    TELL(&bench, .id = "phone1", .type = "cart_item_added", .anonymous = "phone", .product = "sock",
         .at_s = 1500);
    TELL(&bench, .id = "far1", .type = "identify", .customer = "heavy", .anonymous = "phone",
         .at_s = 2);
    fold_to_cursor();
    assert_int_equal(stale_count(), 1);
    run_sql(&bench, "UPDATE cartwright.event SET received_at = received_at - interval '300 days'");
    bench.config.retention = DAYS(100);
    assert_true(maintain_run(&bench.database, &bench.config, START_US + DAYS(1), &result, &err));
    assert_true(result.deleted > 10);
    assert_true(replay_rebuild(&bench.database, &bench.config, &rebuilt, &err));
    assert_true(rebuilt.unread >= 1);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event WHERE event_id ="
                                      " 'far1'"),
                     1);
    settle();
    assert_int_equal(count_of(&bench, "SELECT lines FROM cartwright.cart"), 1);
    assert_replay_is_clean(&bench);
}

/* More than one page of it, and more than a batch has time for. */
static void a_first_login_on_a_kiosk_hands_all_of_it_over(void **state)
{
    enum { VIEWS = 2500 };
    struct event_row *rows = arena_array(&bench.arena, VIEWS, sizeof *rows);
    (void)state;

    for (int i = 0; i < VIEWS; i++) {
        rows[i] = row_of(&bench, &(struct told){.id = arena_printf(&bench.arena, "v%d", i),
                                                .type = "product_viewed",
                                                .anonymous = "kiosk",
                                                .product = "shoe",
                                                .at_s = i + 10});
    }
    bench.config.fold_batch = 700;
    bench.config.heavy_events = INT64_C(10) * HEAVY; /* a page of 2 would be 1,250 of them */
    append(&bench, rows, VIEWS - 300);
    fold_to_end(&bench);
    append(&bench, rows + VIEWS - 300, 300); /* not folded yet, when: */
    TELL(&bench, .id = "login", .type = "identify", .customer = "anna", .anonymous = "kiosk",
         .at_s = 3000);
    const int64_t before = (int64_t)metric_value(METRIC_fold_stale_folded);
    fold_to_end(&bench);
    assert_true((int64_t)metric_value(METRIC_fold_stale_folded) > before);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event"
                                      " WHERE type = 'forwarded' AND key = 'c:anna'"),
                     VIEWS);
    assert_replay_is_clean(&bench);
}

/* In whatever parts, and whoever is put off for however long. */
static const char *fold_in_parts(const struct event_row *rows, struct rng *r)
{
    forget_everything(&bench);
    for (int i = 0, n; i < EVENTS; i += n) {
        n = 1 + (int)rng_below(r, 30);
        n = n < EVENTS - i ? n : EVENTS - i;
        append(&bench, rows + i, (size_t)n);
        if (one_in(r, 2)) {
            fold_to_cursor();
        }
        if (one_in(r, 8)) {
            settle();
        }
        if (one_in(r, 12)) {
            (void)checked(); /* what waits is no difference */
        }
    }
    fold_to_cursor();
    settle();
    assert_replay_is_clean(&bench);
    return dump_of(&bench, false);
}

static void at_random_moments_of_folding(uint64_t seed)
{
    struct rng r = rng_seed(seed);
    struct event_row rows[EVENTS];
    const int64_t before = (int64_t)metric_value(METRIC_fold_stale_folded);

    for (int i = 0; i < EVENTS; i++) {
        struct told t = an_event(&r, i);
        rows[i] = row_of(&bench, &t);
    }
    disorder(rows, EVENTS, &r);
    bench.config.heavy_events = 0;
    bench.config.heavy_pause = 1000;
    const char *expected = fold_in_parts(rows, &r);
    bench.config.heavy_events = HEAVY;
    const char *dump = fold_in_parts(rows, &r);
    if (strcmp(dump, expected) != 0) {
        fail_msg("seed %d:\n%s\nexpected:\n%s", (int)seed, dump, expected);
    }
    assert_true((int64_t)metric_value(METRIC_fold_stale_folded) - before > 3);
}

static void whenever_they_are_folded_the_end_is_the_same(void **state)
{
    const uint64_t seeds = at_length() ? 60 : 5;
    (void)state;

    fold_to_end(&bench); /* opens the folder */
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        at_random_moments_of_folding(seed);
    }
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
        cmocka_unit_test_setup_teardown(who_is_put_off_waits_and_nobody_else, setup, teardown),
        cmocka_unit_test_setup_teardown(after_its_rest_it_is_folded_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(its_logins_are_told_while_it_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(whose_cart_it_orders_is_known_while_it_waits, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_rebuild_and_retention_leave_alone_what_waits, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_first_login_on_a_kiosk_hands_all_of_it_over, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(whenever_they_are_folded_the_end_is_the_same, setup,
                                        teardown),
    };
    return cmocka_run_group_tests_name("heavy shoppers", tests, NULL, NULL);
}
