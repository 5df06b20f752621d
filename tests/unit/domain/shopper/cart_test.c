/* One cart by itself: lines, prices and times under every change, and what a merge keeps of either side. */
#include "domain/shopper/cart.h"

#include "support/spec.h"
#include "unit/domain/an_event.h"

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    forget_events();
    arena_free(&arena);
    return 0;
}

static char cart_id[] = "own";
static char side_id[] = "side";
static char hat[] = "hat";
static char shoe[] = "shoe";

static struct cart an_open_cart(int64_t at_us)
{
    struct cart c = {.id = cart_id};

    cart_open(&c, at_us);
    return c;
}

static void add(struct cart *c, const char *sku, int64_t at, int64_t price)
{
    const struct event e = an_event(EVENT_CART_ITEM_ADDED, .at = at, .sku = sku, .price = price);

    cart_add(c, &e, &arena);
}

static void replace(struct cart *c, struct event e)
{
    cart_replace(c, &e, &arena);
}

static int64_t after(int64_t us)
{
    return us - TEST_DAY_US;
}

/* ---- rounds ---- */

static void a_new_round_keeps_who_the_cart_is_and_nothing_of_the_old_one(void **state)
{
    (void)state;
    struct cart c = {
        .id = cart_id,
        .via = side_id,
        .into = side_id,
        .round = 3,
        .status = CART_BOUGHT,
        .closed_us = 9,
        .released = {5},
        .recovered = true,
        .imported = true,
        .signals = {.adds = 4, .shipping_minor = 490},
    };

    cart_open(&c, 20);
    assert_string_equal(c.id, "own");
    assert_string_equal(c.via, "side");
    assert_null(c.into);
    assert_int_equal(c.round, 4);
    assert_int_equal(c.status, CART_OPEN);
    assert_int_equal(c.opened_us, 20);
    assert_int_equal(c.changed_us, 20);
    assert_int_equal(c.closed_us, 0);
    assert_int_equal(c.released[0], 0);
    assert_false(c.recovered || c.imported);
    assert_int_equal(c.signals.adds, 0);
    assert_true(c.signals.shipping_minor == MONEY_UNKNOWN);
}

static void a_release_of_any_step_makes_a_purchase_a_recovery(void **state)
{
    const struct event bought = an_event(EVENT_PURCHASE, .at = 9, .origin = ORIGIN_IMPORT);
    (void)state;

    for (int step = 0; step < STEPS_MAX; step++) {
        struct cart c = an_open_cart(1);
        c.released[step] = 1;
        cart_close(&c, CART_BOUGHT, &bought);
        assert_true(c.recovered && c.imported);
        assert_int_equal(after(c.closed_us), 9);
        assert_int_equal(after(c.changed_us), 9);
        c = an_open_cart(1);
        c.released[step] = 1;
        cart_close(&c, CART_EMPTIED, &bought);
        assert_false(c.recovered);
    }
}

/* ---- lines ---- */

static void room_for_lines_doubles_from_four(void **state)
{
    (void)state;
    static const size_t expected[][2] = {{0, 4}, {1, 4},  {4, 4},    {5, 8},
                                         {8, 8}, {9, 16}, {200, 256}};

    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(cart_lines_capacity(expected[i][0]), expected[i][1]);
    }
}

static void a_quantity_ends_at_its_limit(void **state)
{
    const struct event all =
        an_event(EVENT_CART_ITEM_ADDED, .sku = "hat", .quantity = CART_UNITS_MAX - 1);
    (void)state;
    struct cart c = an_open_cart(1);

    cart_add(&c, &all, &arena);
    add(&c, "hat", 2, 0);
    assert_int_equal(c.lines[0].quantity_milli, CART_QUANTITY_MAX);
    add(&c, "hat", 3, 0);
    assert_int_equal(c.lines[0].quantity_milli, CART_QUANTITY_MAX);
}

static void a_removal_touches_what_it_leaves_and_nothing_where_there_was_none(void **state)
{
    const struct event two = an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "hat", .quantity = 2);
    const struct event unknown = an_event(EVENT_CART_ITEM_REMOVED, .at = 2, .sku = "shoe");
    const struct event one = an_event(EVENT_CART_ITEM_REMOVED, .at = 3, .sku = "hat");
    const struct event last =
        an_event(EVENT_CART_ITEM_REMOVED, .at = 4, .sku = "hat", .origin = ORIGIN_IMPORT);
    (void)state;
    struct cart c = an_open_cart(1);

    cart_add(&c, &two, &arena);
    cart_remove(&c, &unknown);
    assert_int_equal(after(c.changed_us), 1);
    cart_remove(&c, &one);
    assert_int_equal(c.lines[0].quantity_milli, 1000);
    assert_int_equal(after(c.lines[0].touched_us), 3);
    assert_int_equal(after(c.lines[0].added_us), 1);
    cart_remove(&c, &last);
    assert_int_equal(c.status, CART_EMPTIED);
    assert_int_equal(c.line_count, 0);
    assert_true(c.imported);
}

/* Adds products of one time until the cart is full. */
static void fill(struct cart *c, int64_t at)
{
    for (int i = (int)c->line_count; i < CART_LINES_MAX; i++) {
        add(c, arena_printf(&arena, "m%05d", i), at, 0);
    }
    assert_int_equal(c->line_count, CART_LINES_MAX);
}

static void of_lines_touched_last_together_the_one_added_first_makes_room(void **state)
{
    (void)state;
    struct cart c = an_open_cart(1);

    add(&c, "z", 1, 0);
    fill(&c, 5);
    add(&c, "z", 5, 0);
    add(&c, "a", 6, 0);
    assert_int_equal(c.line_count, CART_LINES_MAX);
    assert_true(cart_has(&c, "a") && cart_has(&c, "m00001") && !cart_has(&c, "z"));
    assert_int_equal(c.lines_cut, 1);
    /* all others are of one time: the first by id goes, whichever place the new one takes */
    add(&c, "z", 6, 0);
    assert_true(cart_has(&c, "a") && cart_has(&c, "z") && !cart_has(&c, "m00001"));
    add(&c, "m000015", 6, 0);
    assert_true(cart_has(&c, "m000015") && cart_has(&c, "m00003") && !cart_has(&c, "m00002"));
    for (size_t i = 1; i < c.line_count; i++) {
        assert_true(strcmp(c.lines[i - 1].product_id, c.lines[i].product_id) < 0);
    }
}

static bool buy(struct cart *c, struct event e)
{
    return cart_buy_lines(c, &e, &arena);
}

static void an_order_takes_its_lines_and_closes_the_cart_with_the_last(void **state)
{
    const struct event two = an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "hat", .quantity = 2);
    (void)state;
    struct cart c = an_open_cart(1);

    cart_add(&c, &two, &arena);
    add(&c, "shoe", 2, 0);
    const struct cart_line *before = c.lines;
    assert_true(buy(&c, an_event(EVENT_PURCHASE, .at = 3, .sku = "mug")));
    assert_int_equal(after(c.changed_us), 2); /* nothing of it */
    assert_true(buy(&c, an_event(EVENT_PURCHASE, .at = 4, .sku = "hat", .origin = ORIGIN_IMPORT)));
    assert_int_equal(c.status, CART_OPEN);
    assert_int_equal(c.lines[0].quantity_milli, 1000);
    assert_int_equal(after(c.lines[0].touched_us), 4);
    assert_int_equal(after(c.lines[1].touched_us), 2);
    assert_int_equal(after(c.changed_us), 4);
    assert_true(c.imported);
    assert_int_equal(before[0].quantity_milli, 2000); /* an older state may point to it */
    assert_true(buy(&c, an_event(EVENT_PURCHASE, .at = 5, .sku = "hat", .quantity = 9)));
    assert_int_equal(c.line_count, 1);
    assert_false(buy(&c, an_event(EVENT_PURCHASE, .at = 6, .sku = "shoe")));
    assert_int_equal(c.status, CART_BOUGHT);
    assert_int_equal(after(c.closed_us), 6);
    assert_int_equal(c.line_count, 1); /* what was bought last stays known */
    assert_string_equal(c.lines[0].product_id, "shoe");
    assert_int_equal(c.lines[0].quantity_milli, 1000);
}

/* ---- snapshots ---- */

static struct cart a_cart_of_a_hat(void)
{
    struct cart c = an_open_cart(TEST_DAY_US + 1);

    add(&c, "hat", 1, 900);
    return c;
}

static void a_snapshot_that_repeats_a_line_does_not_touch_it(void **state)
{
    (void)state;
    struct cart c = a_cart_of_a_hat();

    replace(&c, an_event(EVENT_CART_SNAPSHOT, .at = 7, .sku = "hat", .price = 900, .sku2 = "shoe"));
    assert_int_equal(after(c.lines[0].added_us), 1);
    assert_int_equal(after(c.lines[0].touched_us), 1);
    assert_int_equal(after(c.lines[1].touched_us), 7);
    assert_int_equal(after(c.changed_us), 7);
}

static void a_snapshot_that_only_leaves_out_a_line_is_a_change(void **state)
{
    (void)state;
    struct cart c = a_cart_of_a_hat();

    add(&c, "shoe", 2, 0);
    replace(&c, an_event(EVENT_CART_SNAPSHOT, .at = 7, .sku = "hat", .origin = ORIGIN_IMPORT));
    assert_int_equal(c.line_count, 1);
    assert_int_equal(after(c.changed_us), 7);
    assert_true(c.imported);
    assert_int_equal(after(c.lines[0].touched_us), 1);
}

/* Quantity, price, currency: each by itself makes the line another. */
static void a_line_that_differs_in_one_thing_was_touched(void **state)
{
    struct event quantity = an_event(EVENT_CART_SNAPSHOT, .at = 7, .sku = "hat", .quantity = 2);
    struct event price = an_event(EVENT_CART_SNAPSHOT, .at = 7, .sku = "hat", .price = 800);
    struct event currency = an_event(EVENT_CART_SNAPSHOT, .at = 7, .sku = "hat", .price = 900);
    const struct event *const snapshots[] = {&quantity, &price, &currency};
    (void)state;

    memcpy(currency.items[0].currency, "USD", sizeof currency.items[0].currency);
    for (size_t i = 0; i < COUNT_OF(snapshots); i++) {
        struct cart c = a_cart_of_a_hat();
        cart_replace(&c, snapshots[i], &arena);
        assert_int_equal(after(c.lines[0].touched_us), 7);
        assert_int_equal(after(c.lines[0].added_us), 1);
        assert_int_equal(after(c.changed_us), 7);
    }
}

/* It takes the place of the other, at the same price: still another cart. */
static void a_product_instead_of_another_of_its_price_is_a_change(void **state)
{
    (void)state;
    struct cart c = a_cart_of_a_hat();

    replace(&c, an_event(EVENT_CART_SNAPSHOT, .at = 7, .sku = "cap", .price = 900));
    assert_string_equal(c.lines[0].product_id, "cap");
    assert_int_equal(after(c.lines[0].touched_us), 7);
    assert_int_equal(after(c.changed_us), 7);
}

static void a_product_that_a_snapshot_names_twice_adds_up(void **state)
{
    (void)state;
    struct cart c = a_cart_of_a_hat();

    replace(&c, an_event(EVENT_CART_SNAPSHOT, .at = 7, .sku = "hat", .quantity = 2, .price = 700,
                         .sku2 = "hat"));
    assert_int_equal(c.line_count, 1);
    assert_int_equal(c.lines[0].quantity_milli, 3000);
    assert_int_equal(c.lines[0].price_minor, 700); /* not what it cost before */
}

/* ---- merging ---- */

static const struct event joined = {.type = EVENT_IDENTIFY, .occurred_us = TEST_DAY_US + 50};

/* What becomes of a line of the shopper's own when this one joins it. */
static struct cart_line joined_by(struct cart_line own, struct cart_line from)
{
    struct cart_line *own_lines = arena_array(&arena, cart_lines_capacity(1), sizeof *own_lines);
    struct cart c = an_open_cart(1);
    struct cart side = {.id = side_id, .lines = &from, .line_count = 1};

    own_lines[0] = own;
    c.lines = own_lines;
    c.line_count = 1;
    cart_absorb(&c, &side, &joined, &arena);
    return c.lines[0];
}

#define a_hat(...)                                                                                 \
    ((struct cart_line){.product_id = hat, .quantity_milli = 1000, .currency = "EUR", __VA_ARGS__})

static void of_two_prices_the_one_touched_later_stays_in_either_order(void **state)
{
    (void)state;
    const struct cart_line old = a_hat(.price_minor = 700, .touched_us = 4);
    const struct cart_line new = a_hat(.price_minor = 900, .touched_us = 5, .currency = "USD");
    const struct cart_line other = a_hat(.price_minor = 800, .touched_us = 4);

    assert_int_equal(joined_by(old, new).price_minor, 900);
    assert_string_equal(joined_by(old, new).currency, "USD");
    assert_int_equal(joined_by(new, old).price_minor, 900);
    assert_string_equal(joined_by(new, old).currency, "USD");
    assert_int_equal(joined_by(old, other).price_minor, 700); /* of one time: the shopper's own */
}

static void a_price_that_is_known_is_better_than_a_later_one_that_is_not(void **state)
{
    (void)state;
    const struct cart_line known = a_hat(.price_minor = 700, .touched_us = 4);
    const struct cart_line unknown = a_hat(.price_minor = MONEY_UNKNOWN, .touched_us = 5);

    assert_int_equal(joined_by(known, unknown).price_minor, 700);
    assert_int_equal(joined_by(unknown, known).price_minor, 700);
    assert_int_equal(joined_by(unknown, known).touched_us, 5);
}

static void a_line_of_both_is_as_old_as_the_older_and_as_large_as_the_larger(void **state)
{
    (void)state;
    const struct cart_line one = a_hat(.quantity_milli = 3000, .added_us = 1, .touched_us = 9);
    const struct cart_line two = a_hat(.quantity_milli = 5000, .added_us = 2, .touched_us = 8);
    const struct cart_line both[] = {joined_by(one, two), joined_by(two, one)};

    for (size_t i = 0; i < COUNT_OF(both); i++) {
        assert_int_equal(both[i].quantity_milli, 5000);
        assert_int_equal(both[i].added_us, 1);
        assert_int_equal(both[i].touched_us, 9);
    }
}

static void a_line_that_only_the_side_has_comes_as_it_is(void **state)
{
    (void)state;
    struct cart_line line = {.product_id = shoe,
                             .quantity_milli = 2000,
                             .price_minor = 4000,
                             .currency = "EUR",
                             .added_us = 3,
                             .touched_us = 6};
    struct cart c = an_open_cart(1);
    struct cart side = {.id = side_id, .lines = &line, .line_count = 1};

    add(&c, "hat", 1, 0);
    cart_absorb(&c, &side, &joined, &arena);
    assert_int_equal(c.line_count, 2);
    assert_string_equal(c.lines[1].product_id, "shoe");
    assert_int_equal(c.lines[1].quantity_milli, 2000);
    assert_int_equal(c.lines[1].price_minor, 4000);
    assert_string_equal(c.lines[1].currency, "EUR");
    assert_int_equal(c.lines[1].added_us, 3);
    assert_int_equal(c.lines[1].touched_us, 6);
}

static const struct cart_signals few = {.checkout_started_us = 1,
                                        .checkout_step = 2,
                                        .shipping_shown_us = 3,
                                        .shipping_minor = 4,
                                        .payment_info_us = 5,
                                        .payment_failed_us = 6,
                                        .coupon_entered_us = 7,
                                        .coupon_applied_us = 8,
                                        .coupon_denied_us = 9,
                                        .pages_returns = 1,
                                        .pages_shipping = 2,
                                        .pages_size = 3,
                                        .pages_reviews = 4,
                                        .adds = 5,
                                        .removes = 6,
                                        .views = 7,
                                        .line_views = 8,
                                        .searches = 9,
                                        .events = 10};
static const struct cart_signals many = {.checkout_started_us = 21,
                                         .checkout_step = 22,
                                         .shipping_shown_us = 23,
                                         .shipping_minor = 24,
                                         .payment_info_us = 25,
                                         .payment_failed_us = 26,
                                         .coupon_entered_us = 27,
                                         .coupon_applied_us = 28,
                                         .coupon_denied_us = 29,
                                         .pages_returns = 100,
                                         .pages_shipping = 200,
                                         .pages_size = 300,
                                         .pages_reviews = 400,
                                         .adds = 500,
                                         .removes = 600,
                                         .views = 700,
                                         .line_views = 800,
                                         .searches = 900,
                                         .events = 1000};
/* Of times and of the step the later; what shipping cost, where it was shown later; of counts the sum. */
static const struct cart_signals both = {.checkout_started_us = 21,
                                         .checkout_step = 22,
                                         .shipping_shown_us = 23,
                                         .shipping_minor = 24,
                                         .payment_info_us = 25,
                                         .payment_failed_us = 26,
                                         .coupon_entered_us = 27,
                                         .coupon_applied_us = 28,
                                         .coupon_denied_us = 29,
                                         .pages_returns = 101,
                                         .pages_shipping = 202,
                                         .pages_size = 303,
                                         .pages_reviews = 404,
                                         .adds = 505,
                                         .removes = 606,
                                         .views = 707,
                                         .line_views = 808,
                                         .searches = 909,
                                         .events = 1010};

static void every_signal_of_either_cart_is_in_the_merged_one(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct cart c = an_open_cart(1);
        struct cart side = {.id = side_id, .signals = turn == 0 ? many : few};
        c.signals = turn == 0 ? few : many;
        cart_absorb(&c, &side, &joined, &arena);
        assert_memory_equal(&c.signals, &both, sizeof both);
    }
}

static void of_two_costs_of_shipping_shown_at_one_time_the_own_stays(void **state)
{
    (void)state;
    struct cart c = an_open_cart(1);
    struct cart side = {.id = side_id, .signals = {.shipping_shown_us = 3, .shipping_minor = 490}};

    c.signals.shipping_shown_us = 3;
    c.signals.shipping_minor = 690;
    cart_absorb(&c, &side, &joined, &arena);
    assert_int_equal(c.signals.shipping_minor, 690);
}

static void a_merged_cart_began_with_the_older_and_was_spoken_about_with_either(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct cart c = an_open_cart(turn == 0 ? 10 : 20);
        struct cart side = {.id = side_id, .via = side_id, .opened_us = turn == 0 ? 20 : 10};
        c.released[0] = 5;
        c.released[STEPS_MAX - 1] = 6;
        side.released[0] = 4;
        side.released[STEPS_MAX - 1] = 7;
        cart_absorb(&c, &side, &joined, &arena);
        assert_int_equal(c.opened_us, 10);
        assert_int_equal(c.released[0], 5);
        assert_int_equal(c.released[STEPS_MAX - 1], 7);
        assert_int_equal(after(c.changed_us), 50);
        assert_int_equal(side.status, CART_MERGED);
        assert_string_equal(side.into, "own");
        assert_int_equal(after(side.closed_us), 50);
        assert_int_equal(side.line_count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_round_keeps_who_the_cart_is_and_nothing_of_the_old_one),
        cmocka_unit_test(a_release_of_any_step_makes_a_purchase_a_recovery),
        cmocka_unit_test(room_for_lines_doubles_from_four),
        cmocka_unit_test(a_quantity_ends_at_its_limit),
        cmocka_unit_test(a_removal_touches_what_it_leaves_and_nothing_where_there_was_none),
        cmocka_unit_test(of_lines_touched_last_together_the_one_added_first_makes_room),
        cmocka_unit_test(an_order_takes_its_lines_and_closes_the_cart_with_the_last),
        cmocka_unit_test(a_snapshot_that_repeats_a_line_does_not_touch_it),
        cmocka_unit_test(a_snapshot_that_only_leaves_out_a_line_is_a_change),
        cmocka_unit_test(a_line_that_differs_in_one_thing_was_touched),
        cmocka_unit_test(a_product_instead_of_another_of_its_price_is_a_change),
        cmocka_unit_test(a_product_that_a_snapshot_names_twice_adds_up),
        cmocka_unit_test(of_two_prices_the_one_touched_later_stays_in_either_order),
        cmocka_unit_test(a_price_that_is_known_is_better_than_a_later_one_that_is_not),
        cmocka_unit_test(a_line_of_both_is_as_old_as_the_older_and_as_large_as_the_larger),
        cmocka_unit_test(a_line_that_only_the_side_has_comes_as_it_is),
        cmocka_unit_test(every_signal_of_either_cart_is_in_the_merged_one),
        cmocka_unit_test(of_two_costs_of_shipping_shown_at_one_time_the_own_stays),
        cmocka_unit_test(a_merged_cart_began_with_the_older_and_was_spoken_about_with_either),
    };
    return cmocka_run_group_tests_name("carts", tests, NULL, forget);
}
