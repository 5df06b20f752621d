/* Retention: the log gets shorter, what it said stays. */
#include "base/clock.h"
#include "eventlog/maintain.h"
#include "eventlog/view.h"
#include "integration/flow_spec.h"
#include "support/spec.h"

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "maintain");
    bench.config.retention = DAYS(400);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

/* So late that everything told so far is past its time, and nothing that is told afterwards with age_us. */
static struct maintain_result maintain_when(int64_t now_us)
{
    struct err err = {0};
    struct maintain_result r = {0};
    if (!maintain_run(&bench.database, &bench.config, now_us, &r, &err)) {
        fail_msg("%s", err.text);
    }
    return r;
}

static const int64_t everything_is_old = START_US + HOURS(2) + DAYS(400);

static void tell_received(const struct told *t, int64_t received_us)
{
    struct err err = {0};
    enum append_status status;
    struct event_row row = row_of(&bench, t);
    assert_true(store_events_append(bench.db, &row, 1, ORIGIN_API, received_us, &status, &err));
    assert_int_equal(status, APPEND_STORED);
}

static const struct told history[] = {
    {.id = "e1", .type = "cart_item_added", .customer = "y", .product = "shoe", .at_s = 10},
    {.id = "e2", .type = "cart_item_added", .anonymous = "x", .product = "hat", .at_s = 11},
    {.id = "e3", .type = "identify", .customer = "y", .anonymous = "x", .at_s = 12},
    {.id = "e4", .type = "cart_item_added", .customer = "w", .product = "coat", .at_s = 20},
};

static void retention_removes_events_and_keeps_what_they_said(void **state)
{
    (void)state;
    tell_all(&bench, history, COUNT_OF(history));
    fold_to_end(&bench);
    const char *before = dump_of(&bench, false);
    struct maintain_result r = maintain_when(everything_is_old);
    /* derived events are younger: their lanes keep them, and what came after them */
    assert_true(r.deleted >= 2);
    assert_true(r.bases >= 2);
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.event WHERE event_id = 'e4'"), 0);
    assert_string_equal(dump_of(&bench, false), before);
    assert_string_equal(dump_of(&bench, true), before);
    assert_replay_is_clean(&bench);
}

static void young_and_unfolded_events_stay(void **state)
{
    (void)state;
    tell_all(&bench, history, COUNT_OF(history));
    assert_int_equal(maintain_when(everything_is_old).deleted, 0); /* nothing is folded yet */
    fold_to_end(&bench);
    assert_int_equal(maintain_when(START_US + DAYS(399)).deleted, 0); /* nothing is old yet */
    assert_int_equal(maintain_when(everything_is_old).deleted > 0, 1);
    assert_int_equal(maintain_when(everything_is_old).deleted, 0); /* again: nothing is left */
}

static int64_t carts_known(void)
{
    return count_of(&bench, "SELECT count(*) FROM cartwright.cart_party");
}

/* A cart that is named once in a while stays known, whoever named it first; so does one that many name. */
static void cart_ids_that_nobody_names_are_forgotten(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .customer = "y", .cart = "cart-1",
         .product = "shoe", .at_s = 1);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .customer = "z", .cart = "cart-2",
         .product = "shoe", .at_s = 2);
    TELL(&bench, .id = "e3", .type = "cart_item_added", .customer = "w", .cart = "cart-2",
         .product = "shoe", .at_s = 3);
    fold_to_end(&bench);
    assert_int_equal(carts_known(), 2);
    const int64_t now_us = clock_now_us();

    assert_int_equal(maintain_when(now_us + DAYS(399)).cart_ids, 0);
    run_sql(&bench, "UPDATE cartwright.cart_party SET used_at = used_at - interval '100 days'");
    TELL(&bench, .id = "e4", .type = "cart_item_added", .customer = "v", .cart = "cart-2",
         .product = "shoe", .at_s = 4);
    fold_to_end(&bench);
    assert_int_equal(maintain_when(now_us + DAYS(399)).cart_ids, 1);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart_party WHERE cart_id = "
                                      "'cart-2' AND many"),
                     1);
    assert_int_equal(maintain_when(now_us + DAYS(401)).cart_ids, 1);
    assert_int_equal(carts_known(), 0);
    assert_replay_is_clean(&bench);
}

static void offsets_go_on_above_the_floor(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .customer = "y", .product = "shoe",
         .at_s = 1);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .customer = "y", .product = "hat",
         .at_s = 2);
    fold_to_end(&bench);
    assert_int_equal(maintain_when(everything_is_old).deleted, 2);
    TELL(&bench, .id = "e3", .type = "cart_item_added", .customer = "y", .product = "sock",
         .at_s = 3);
    assert_int_equal(count_of(&bench, "SELECT off FROM cartwright.event"), 3);
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, "SELECT lines FROM cartwright.cart"), 3);
    assert_replay_is_clean(&bench);
}

static void an_event_from_before_the_floor_is_folded_onto_the_base(void **state)
{
    (void)state;
    tell_all(&bench, history, COUNT_OF(history));
    fold_to_end(&bench);
    (void)maintain_when(everything_is_old);
    TELL(&bench, .id = "late", .type = "cart_item_added", .customer = "w", .product = "belt",
         .at_s = 5);
    TELL(&bench, .id = "later", .type = "cart_item_added", .customer = "w", .product = "scarf",
         .at_s = 4);
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, "SELECT lines FROM cartwright.cart WHERE key = 'c:w'"), 3);
    assert_replay_is_clean(&bench);
}

static void a_cut_through_a_shopper_whose_events_came_out_of_order_still_replays(void **state)
{
    (void)state;
    static const struct told first = {
        .id = "e1", .type = "purchase", .customer = "y", .product = "shoe", .at_s = 60};
    static const struct told second = {
        .id = "e2", .type = "cart_item_added", .customer = "y", .product = "shoe", .at_s = 10};
    tell_received(&first, START_US + HOURS(1));
    tell_received(&second, START_US + HOURS(5));
    fold_to_end(&bench);
    const char *before = dump_of(&bench, false);
    assert_int_equal(maintain_when(START_US + HOURS(3) + DAYS(400)).deleted, 0); /* not yet */
    assert_string_equal(dump_of(&bench, false), before);
    assert_int_equal(maintain_when(START_US + HOURS(3) + DAYS(430)).deleted, 2); /* both are old */
    assert_string_equal(dump_of(&bench, false), before);
    assert_replay_is_clean(&bench);
    TELL(&bench, .id = "e3", .type = "cart_item_added", .customer = "y", .product = "hat",
         .at_s = 70);
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

static void a_cut_that_cannot_wait_any_longer_stores_what_replay_will_find(void **state)
{
    (void)state;
    static const struct told first = {
        .id = "e1", .type = "purchase", .customer = "y", .product = "shoe", .at_s = 60};
    static const struct told second = {
        .id = "e2", .type = "cart_item_added", .customer = "y", .product = "shoe", .at_s = 10};
    tell_received(&first, START_US + HOURS(1));
    tell_received(&second, START_US + DAYS(40));
    fold_to_end(&bench);
    assert_int_equal(maintain_when(START_US + HOURS(3) + DAYS(430)).deleted, 1);
    assert_replay_is_clean(&bench);
    TELL(&bench, .id = "e3", .type = "cart_item_added", .customer = "y", .product = "hat",
         .at_s = 70);
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

static void retention_under_load_loses_nothing(void **state)
{
    (void)state;
    struct err err = {0};
    struct fold_workers *workers = NULL;
    assert_true(fold_workers_start(&bench.database, &bench.config, NULL, &workers, &err));
    for (int i = 0; i < 6; i++) {
        for (int n = 0; n < 20; n++) {
            /* downwards: every event is out of order, so every fold reads base and log */
            TELL(&bench, .id = arena_printf(&bench.arena, "r%d-%d", i, n),
                 .type = "cart_item_added", .customer = arena_printf(&bench.arena, "c%d", n),
                 .product = "shoe", .at_s = 100 - i);
        }
        (void)maintain_when(everything_is_old);
    }
    fold_workers_stop(&workers);
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE units = 6"), 20);
    assert_replay_is_clean(&bench);
}

static void a_view_starts_from_the_base(void **state)
{
    (void)state;
    struct err err = {0};
    struct view v;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .customer = "y", .product = "shoe",
         .at_s = 10);
    fold_to_end(&bench);
    (void)maintain_when(everything_is_old);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .customer = "y", .product = "hat",
         .at_s = 5);
    assert_true(view_read(bench.db, "c:y", INT64_MAX, &bench.arena, &v, &err));
    assert_true(v.known);
    assert_int_equal(v.shopper->carts[0].line_count, 2);
    assert_int_equal(v.last_off, 2);
}

static void a_lane_that_somebody_holds_is_left_for_the_next_run(void **state)
{
    (void)state;
    static const char *const holds[] = {
        "SELECT off FROM cartwright.lane_cursor WHERE lane = cartwright.lane_of('c:w') FOR UPDATE",
        "SELECT lane FROM cartwright.lane WHERE lane = cartwright.lane_of('c:w') FOR UPDATE"};
    for (size_t i = 0; i < COUNT_OF(holds); i++) {
        (void)teardown(NULL);
        (void)setup(NULL);
        tell_all(&bench, history, COUNT_OF(history));
        fold_to_end(&bench);
        const char *before = dump_of(&bench, false);
        run_sql(&bench, "BEGIN");
        run_sql(&bench, holds[i]);
        struct maintain_result r = maintain_when(everything_is_old);
        assert_int_equal(r.held, 1);
        assert_true(r.deleted >= 1);
        assert_int_equal(
            count_of(&bench, "SELECT count(*) FROM cartwright.event WHERE event_id = 'e4'"), 1);
        run_sql(&bench, "COMMIT");
        r = maintain_when(everything_is_old);
        assert_int_equal(r.held, 0);
        assert_int_equal(
            count_of(&bench, "SELECT count(*) FROM cartwright.event WHERE event_id = 'e4'"), 0);
        assert_string_equal(dump_of(&bench, true), before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(retention_removes_events_and_keeps_what_they_said, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(young_and_unfolded_events_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(cart_ids_that_nobody_names_are_forgotten, setup, teardown),
        cmocka_unit_test_setup_teardown(offsets_go_on_above_the_floor, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_from_before_the_floor_is_folded_onto_the_base,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_cut_through_a_shopper_whose_events_came_out_of_order_still_replays, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_cut_that_cannot_wait_any_longer_stores_what_replay_will_find, setup, teardown),
        cmocka_unit_test_setup_teardown(retention_under_load_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_view_starts_from_the_base, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lane_that_somebody_holds_is_left_for_the_next_run, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
