/* The rules of the fold, one by one: what the events of one shopper make of it and its carts. */
#include "domain/shopper/shopper.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "support/spec.h"
#include "unit/domain/an_event.h"

#include <stdio.h>

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    forget_events();
    arena_free(&arena);
    return 0;
}

#define folded(...)                                                                                \
    fold_these((struct event[]){__VA_ARGS__},                                                      \
               sizeof((struct event[]){__VA_ARGS__}) / sizeof(struct event))

static struct shopper *fold_these(struct event *events, size_t count)
{
    return shopper_fold_all(NULL, "c:anna", events, count, INT64_MAX, &arena);
}

/* "p1 x2, p2 x1" of the cart. */
static const char *lines_of(const struct cart *c)
{
    const char *text = "";

    for (size_t i = 0; i < c->line_count; i++) {
        text =
            arena_printf(&arena, "%s%s%s x%lld", text, i == 0 ? "" : ", ", c->lines[i].product_id,
                         (long long)c->lines[i].quantity_milli / QUANTITY_ONE);
    }
    return text;
}

static const struct cart *only_cart(const struct shopper *s)
{
    assert_int_equal(s->cart_count, 1);
    return &s->carts[0];
}

/* ---- lines ---- */

static void what_is_added_adds_up_and_what_is_removed_is_subtracted(void **state)
{
    (void)state;
    const struct cart *c = only_cart(
        folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p1", .quantity = 3, .sku2 = "p2"),
               an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = "p1", .price = 499),
               an_event(EVENT_CART_ITEM_REMOVED, .at = 3, .sku = "p1"),
               an_event(EVENT_CART_ITEM_REMOVED, .at = 4, .sku = "p2", .quantity = 9),
               an_event(EVENT_CART_ITEM_REMOVED, .at = 5, .sku = "p9")));

    assert_string_equal(lines_of(c), "p1 x3");
    assert_int_equal(c->lines[0].price_minor, 499);
    assert_string_equal(c->lines[0].currency, "EUR");
    assert_int_equal(c->lines[0].added_us, TEST_DAY_US + 1);
    assert_int_equal(c->lines[0].touched_us, TEST_DAY_US + 3);
    assert_int_equal(c->changed_us, TEST_DAY_US + 4);
    assert_int_equal(c->signals.adds, 2);
    assert_int_equal(c->signals.removes, 3);
}

static void a_snapshot_replaces_the_lines_and_keeps_their_age_and_price(void **state)
{
    (void)state;
    const struct cart *c = only_cart(
        folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p1", .price = 499, .sku2 = "p2"),
               an_event(EVENT_CART_SNAPSHOT, .at = 2, .sku = "p1", .quantity = 2, .sku2 = "p3")));

    assert_string_equal(lines_of(c), "p1 x2, p3 x1");
    assert_int_equal(c->lines[0].price_minor, 499);
    assert_int_equal(c->lines[0].added_us, TEST_DAY_US + 1);
    assert_int_equal(c->lines[1].added_us, TEST_DAY_US + 2);
}

static void a_snapshot_that_says_what_is_known_changes_nothing(void **state)
{
    (void)state;
    const struct cart *c =
        only_cart(folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p1", .price = 499),
                         an_event(EVENT_CART_SNAPSHOT, .at = 2, .sku = "p1")));

    assert_int_equal(c->changed_us, TEST_DAY_US + 1);
    assert_int_equal(c->signals.events, 2);
}

static void a_checkout_with_items_replaces_and_one_without_does_not(void **state)
{
    (void)state;
    const struct cart *c =
        only_cart(folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p1", .sku2 = "p2"),
                         an_event(EVENT_CHECKOUT_STARTED, .at = 2),
                         an_event(EVENT_CHECKOUT_STARTED, .at = 3, .sku = "p2")));

    assert_string_equal(lines_of(c), "p2 x1");
    assert_int_equal(c->signals.checkout_started_us, TEST_DAY_US + 3);
    assert_int_equal(c->signals.checkout_step, 1);
}

static void a_discount_that_is_added_alone_opens_no_cart_and_joins_one(void **state)
{
    (void)state;
    const struct event discount = an_event(EVENT_CART_ITEM_ADDED, .at = 2, .off = 500);
    const struct cart *c =
        only_cart(folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p1"), discount));

    assert_string_equal(lines_of(c), "p1 x1");
    assert_int_equal(c->adjustment_count, 1);
    assert_int_equal(folded(discount)->cart_count, 0);
}

static void past_its_limit_a_cart_drops_the_longest_untouched_line(void **state)
{
    static struct event events[CART_LINES_MAX + 2];
    (void)state;

    for (int i = 0; i < CART_LINES_MAX + 1; i++) {
        events[i] =
            an_event(EVENT_CART_ITEM_ADDED, .at = i + 1, .sku = arena_printf(&arena, "p%d", i));
    }
    events[CART_LINES_MAX + 1] = an_event(EVENT_CART_ITEM_ADDED, .at = CART_LINES_MAX, .sku = "p0");
    const struct cart *c = only_cart(fold_these(events, CART_LINES_MAX + 2));

    assert_int_equal(c->line_count, CART_LINES_MAX);
    for (size_t i = 0; i < c->line_count; i++) {
        assert_string_not_equal(c->lines[i].product_id, "p1");
        assert_true(i == 0 || strcmp(c->lines[i - 1].product_id, c->lines[i].product_id) < 0);
    }
}

/* ---- rounds ---- */

static void buying_closes_the_round_and_the_next_item_opens_another(void **state)
{
    (void)state;
    struct event events[] = {
        an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p1"),
        an_event(EVENT_PURCHASE, .at = 2, .sku = "p1", .price = 499),
        an_event(EVENT_CART_ITEM_ADDED, .at = 3, .sku = "p2"),
    };
    const struct cart *c = only_cart(fold_these(events, 2));

    assert_int_equal(c->status, CART_BOUGHT);
    assert_int_equal(c->closed_us, TEST_DAY_US + 2);
    assert_string_equal(lines_of(c), "p1 x1");
    c = only_cart(fold_these(events, 3));
    assert_int_equal(c->status, CART_OPEN);
    assert_int_equal(c->round, 2);
    assert_int_equal(c->closed_us, 0);
    assert_int_equal(c->opened_us, TEST_DAY_US + 3);
    assert_int_equal(c->signals.events, 1);
    assert_string_equal(lines_of(c), "p2 x1");
}

static void a_cart_and_a_purchase_of_the_same_second_end_as_a_purchase(void **state)
{
    (void)state;
    struct shopper *s = folded(an_event(EVENT_PURCHASE, .at = 1, .id = "a"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 1, .id = "b", .sku = "p1"));

    assert_int_equal(only_cart(s)->status, CART_BOUGHT);
}

static void a_cart_bought_after_a_release_is_recovered(void **state)
{
    (void)state;
    struct shopper *s =
        folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .cart = "c1", .sku = "p1"),
               an_event(EVENT_DERIVED_OUTREACH_RELEASED, .at = 2, .cart = "c1", .step = 2),
               an_event(EVENT_PURCHASE, .at = 3, .cart = "c1"));

    assert_true(only_cart(s)->recovered);
    assert_int_equal(only_cart(s)->released[1], TEST_DAY_US + 2);
    assert_int_equal(s->last_us, TEST_DAY_US + 3);
    assert_int_equal(s->events, 2);
}

static void a_release_after_the_purchase_recovers_nothing(void **state)
{
    (void)state;
    struct shopper *s = folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .cart = "c1", .sku = "p1"),
                               an_event(EVENT_PURCHASE, .at = 2, .cart = "c1"),
                               an_event(EVENT_DERIVED_OUTREACH_RELEASED, .at = 3, .cart = "c1"));

    assert_false(only_cart(s)->recovered);
}

/* State of a cart x event: the status it ends in, and its round. */
static const struct {
    enum cart_status before;
    enum event_type type;
    bool items;
    enum cart_status after;
    int64_t round;
} transitions[] = {
    {CART_OPEN, EVENT_CART_ITEM_ADDED, true, CART_OPEN, 1},
    {CART_OPEN, EVENT_CART_ITEM_REMOVED, true, CART_EMPTIED, 1},
    {CART_OPEN, EVENT_CART_SNAPSHOT, true, CART_OPEN, 1},
    {CART_OPEN, EVENT_CART_SNAPSHOT, false, CART_EMPTIED, 1},
    {CART_OPEN, EVENT_CHECKOUT_STARTED, true, CART_OPEN, 1},
    {CART_OPEN, EVENT_CHECKOUT_STARTED, false, CART_OPEN, 1},
    {CART_OPEN, EVENT_PURCHASE, false, CART_BOUGHT, 1},
    {CART_OPEN, EVENT_REFUND, true, CART_OPEN, 1},
    {CART_OPEN, EVENT_PRODUCT_VIEWED, true, CART_OPEN, 1},
    {CART_OPEN, EVENT_WISHLIST_ADDED, true, CART_OPEN, 1},
    {CART_OPEN, EVENT_UNKNOWN, true, CART_OPEN, 1},
    {CART_BOUGHT, EVENT_CART_ITEM_ADDED, true, CART_OPEN, 2},
    {CART_BOUGHT, EVENT_CART_ITEM_REMOVED, true, CART_BOUGHT, 1},
    {CART_BOUGHT, EVENT_CART_SNAPSHOT, true, CART_OPEN, 2},
    {CART_BOUGHT, EVENT_CART_SNAPSHOT, false, CART_BOUGHT, 1},
    {CART_BOUGHT, EVENT_CHECKOUT_STARTED, true, CART_OPEN, 2},
    {CART_BOUGHT, EVENT_CHECKOUT_STARTED, false, CART_BOUGHT, 1},
    {CART_BOUGHT, EVENT_PURCHASE, false, CART_BOUGHT, 1},
    {CART_BOUGHT, EVENT_REFUND, true, CART_BOUGHT, 1},
    {CART_EMPTIED, EVENT_CART_ITEM_ADDED, true, CART_OPEN, 2},
    {CART_EMPTIED, EVENT_CART_ITEM_REMOVED, true, CART_EMPTIED, 1},
    {CART_EMPTIED, EVENT_CART_SNAPSHOT, true, CART_OPEN, 2},
    {CART_EMPTIED, EVENT_CART_SNAPSHOT, false, CART_EMPTIED, 1},
    {CART_EMPTIED, EVENT_CHECKOUT_STARTED, true, CART_OPEN, 2},
    {CART_EMPTIED, EVENT_CHECKOUT_STARTED, false, CART_EMPTIED, 1},
    {CART_EMPTIED, EVENT_PURCHASE, false, CART_EMPTIED, 1},
    {CART_EMPTIED, EVENT_PRODUCT_VIEWED, true, CART_EMPTIED, 1},
};

static void every_state_meets_every_event_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(transitions); i++) {
        struct event events[] = {
            an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p1"),
            an_event(transitions[i].before == CART_BOUGHT    ? EVENT_PURCHASE
                     : transitions[i].before == CART_EMPTIED ? EVENT_CART_SNAPSHOT
                                                             : EVENT_SEARCHED,
                     .at = 2),
            an_event(transitions[i].type, .at = HOURS(1), /* no echo of the order any more */
                     .sku = transitions[i].items ? "p1" : NULL),
        };
        const struct cart *c = only_cart(fold_these(events, 3));
        if (c->status != transitions[i].after || c->round != transitions[i].round) {
            fail_msg("%s and %s (%s items): %s in round %lld",
                     cart_status_name(transitions[i].before), event_type_name(transitions[i].type),
                     transitions[i].items ? "with" : "no", cart_status_name(c->status),
                     (long long)c->round);
        }
    }
}

/* ---- which cart ---- */

static void an_event_belongs_to_the_cart_it_names_else_to_the_last_changed(void **state)
{
    (void)state;
    struct shopper *s = folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .cart = "c1", .sku = "p1"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 2, .cart = "c2", .sku = "p2"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 3, .sku = "p3"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 4, .cart = "c1", .sku = "p4"),
                               an_event(EVENT_COUPON_DENIED, .at = 5));

    assert_string_equal(lines_of(shopper_cart(s, "c1")), "p1 x1, p4 x1");
    assert_string_equal(lines_of(shopper_cart(s, "c2")), "p2 x1, p3 x1");
    assert_ptr_equal(shopper_open_cart(s), shopper_cart(s, "c1"));
    assert_int_equal(shopper_cart(s, "c1")->signals.coupon_denied_us, TEST_DAY_US + 5);
    assert_int_equal(shopper_cart(s, "c2")->signals.coupon_denied_us, 0);
}

static void a_shopper_who_names_no_cart_has_the_one_of_its_key(void **state)
{
    (void)state;
    struct shopper *s = folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p1"));

    /* SHA-256("c:anna") */
    assert_string_equal(only_cart(s)->id, "cart_c7e3f4f1888e731d8c581149");
}

static void events_without_items_open_no_cart(void **state)
{
    (void)state;
    struct shopper *s =
        folded(an_event(EVENT_CHECKOUT_STARTED, .at = 1, .cart = "c1"),
               an_event(EVENT_CART_SNAPSHOT, .at = 2), an_event(EVENT_PURCHASE, .at = 3),
               an_event(EVENT_CART_ITEM_REMOVED, .at = 4, .sku = "p1"));

    assert_int_equal(s->cart_count, 0);
    assert_null(shopper_open_cart(s));
}

static void the_longest_unchanged_closed_cart_makes_room(void **state)
{
    (void)state;
    struct shopper *s = folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .cart = "c1", .sku = "p"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 2, .cart = "c2", .sku = "p"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 3, .cart = "c3", .sku = "p"),
                               an_event(EVENT_CART_SNAPSHOT, .at = 4, .cart = "c2"),
                               an_event(EVENT_CART_SNAPSHOT, .at = 5, .cart = "c3"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 6, .cart = "c4", .sku = "p"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 7, .cart = "c5", .sku = "p"));

    assert_int_equal(s->cart_count, CARTS_MAX);
    assert_null(shopper_cart(s, "c2"));
    assert_non_null(shopper_cart(s, "c1"));
    assert_non_null(shopper_cart(s, "c3"));
}

static void a_cart_that_comes_back_after_making_room_is_in_a_round_it_never_had(void **state)
{
    CLEANUP(buf_free) struct buf text = buf_make(100000);
    struct err err = {0};
    struct shopper *again;
    (void)state;
    struct shopper *s = folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .cart = "c1", .sku = "p"),
                               an_event(EVENT_PURCHASE, .at = 2, .cart = "c1"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 3, .cart = "c1", .sku = "p"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 4, .cart = "c2", .sku = "p"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 5, .cart = "c3", .sku = "p"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 6, .cart = "c4", .sku = "p"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 7, .cart = "c5", .sku = "p"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 8, .cart = "c1", .sku = "p"));

    assert_null(shopper_cart(s, "c2"));
    assert_int_equal(shopper_cart(s, "c4")->round, 1);
    assert_int_equal(shopper_cart(s, "c5")->round, 3);
    assert_int_equal(shopper_cart(s, "c1")->round, 3);
    assert_int_equal(s->dropped_rounds, 2);
    shopper_encode(s, &text);
    assert_text_contains(buf_text(&text), "\"dropped_rounds\":2");
    assert_true(shopper_decode(buf_text(&text), text.len, &arena, &again, &err));
    assert_int_equal(again->dropped_rounds, 2);
    assert_int_equal(s->dropped_count, 1); /* c1 is back, for which c2 made room */
    assert_int_equal(again->dropped_count, 1);
    assert_string_equal(again->dropped[0].id, "c2");
}

/* ---- orders ---- */

static void an_order_closes_the_cart_it_names_and_no_other(void **state)
{
    (void)state;
    struct shopper *s = folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .cart = "c1", .sku = "p"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 2, .cart = "c2", .sku = "q"),
                               an_event(EVENT_PURCHASE, .at = 3, .cart = "c1"));

    assert_int_equal(shopper_cart(s, "c1")->status, CART_BOUGHT);
    assert_int_equal(shopper_cart(s, "c2")->status, CART_OPEN);
}

static void an_order_that_names_no_cart_we_know_closes_all(void **state)
{
    (void)state;
    struct shopper *s = folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .cart = "c1", .sku = "p"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 2, .cart = "c2", .sku = "p"),
                               an_event(EVENT_PURCHASE, .at = 3, .cart = "c9"));

    assert_int_equal(shopper_cart(s, "c1")->status, CART_BOUGHT);
    assert_int_equal(shopper_cart(s, "c2")->status, CART_BOUGHT);
}

static void rows_of_one_order_id_are_one_order_and_its_total_counts_once(void **state)
{
    (void)state;
    struct shopper *s =
        folded(an_event(EVENT_PURCHASE, .at = HOURS(1), .order = "o1", .sku = "p", .amount = 5000),
               an_event(EVENT_PURCHASE, .at = HOURS(9), .order = "o1", .sku = "p", .amount = 5000),
               an_event(EVENT_PURCHASE, .at = HOURS(9), .order = "o2", .sku = "p", .price = 100));

    assert_int_equal(s->orders_total, 2);
    assert_int_equal(s->spent_minor, 5100);
    assert_int_equal(s->units_bought, 2); /* the same order hours later is told again, not bought */
    assert_int_equal(s->last_order_us, TEST_DAY_US + HOURS(9));
}

static void rows_without_an_id_within_a_minute_are_one_order(void **state)
{
    (void)state;
    struct shopper *s =
        folded(an_event(EVENT_PURCHASE, .at = SECONDS(0), .sku = "p", .price = 100),
               an_event(EVENT_PURCHASE, .at = SECONDS(60), .sku = "q", .price = 100),
               an_event(EVENT_PURCHASE, .at = SECONDS(120), .sku = "r", .price = 100),
               an_event(EVENT_PURCHASE, .at = SECONDS(181), .sku = "s", .price = 100));

    assert_int_equal(s->orders_total, 2);
    assert_int_equal(s->spent_minor, 400);
}

static void a_later_row_of_an_order_closes_no_new_round(void **state)
{
    (void)state;
    struct shopper *s = folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p"),
                               an_event(EVENT_PURCHASE, .at = 2, .order = "o1"),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 3, .sku = "q"),
                               an_event(EVENT_PURCHASE, .at = 4, .order = "o1"));

    assert_int_equal(only_cart(s)->status, CART_OPEN);
    assert_int_equal(only_cart(s)->round, 2);
}

/* ---- lateness ---- */

static struct shopper *with_an_old_add(int64_t late_by, enum event_origin origin)
{
    return folded(an_event(EVENT_CART_ITEM_ADDED, .at = HOURS(1), .sku = "p1"),
                  an_event(EVENT_PURCHASE, .at = HOURS(3)),
                  an_event(EVENT_CART_ITEM_ADDED, .at = HOURS(2), .sku = "p2", .late_by = late_by,
                           .origin = origin));
}

static void an_event_more_than_a_day_late_does_not_change_a_closed_round(void **state)
{
    (void)state;
    struct shopper *s = with_an_old_add(HOURS(24) + 1, ORIGIN_API);

    assert_string_equal(lines_of(only_cart(s)), "p1 x1");
    assert_int_equal(s->late_events, 1);
    assert_int_equal(s->events, 2);
}

static void within_a_day_it_still_does(void **state)
{
    (void)state;
    struct shopper *s = with_an_old_add(HOURS(24), ORIGIN_API);

    assert_string_equal(lines_of(only_cart(s)), "p1 x1, p2 x1");
    assert_int_equal(s->late_events, 0);
}

static void an_import_is_never_late(void **state)
{
    (void)state;
    struct shopper *s = with_an_old_add(DAYS(400), ORIGIN_IMPORT);

    assert_int_equal(s->late_events, 0);
}

static void without_a_closer_after_it_an_old_event_counts(void **state)
{
    (void)state;
    struct shopper *s =
        folded(an_event(EVENT_PURCHASE, .at = HOURS(1)),
               an_event(EVENT_CART_ITEM_ADDED, .at = HOURS(2), .sku = "p", .late_by = DAYS(9)));

    assert_int_equal(s->late_events, 0);
    assert_int_equal(only_cart(s)->status, CART_OPEN);
}

static void a_closer_that_came_in_after_it_makes_nothing_late(void **state)
{
    (void)state;
    struct shopper *s =
        folded(an_event(EVENT_CART_ITEM_ADDED, .at = HOURS(2), .sku = "p", .late_by = DAYS(9)),
               an_event(EVENT_PURCHASE, .at = HOURS(3), .late_by = DAYS(9)));

    assert_int_equal(s->late_events, 0);
}

static void a_withdrawal_of_consent_counts_whenever_it_comes(void **state)
{
    (void)state;
    struct shopper *s = folded(
        an_event(EVENT_PURCHASE, .at = HOURS(3)),
        an_event(EVENT_CONSENT_WITHDRAWN, .at = HOURS(2), .subject = "sms", .late_by = DAYS(9)));

    assert_int_equal(shopper_consent(s, "sms"), -1);
}

static void a_closer_received_before_a_folded_straggler_asks_for_a_refold(void **state)
{
    struct event straggler =
        an_event(EVENT_CART_ITEM_ADDED, .at = HOURS(1), .sku = "p", .late_by = DAYS(9));
    struct event closer = an_event(EVENT_PURCHASE, .at = HOURS(2));
    struct shopper *s = shopper_new("c:anna", &arena);
    (void)state;

    assert_int_equal(shopper_apply(s, &straggler, &arena), SHOPPER_FOLDED);
    assert_int_equal(shopper_apply(s, &closer, &arena), SHOPPER_REFOLD);
    assert_int_equal(only_cart(s)->status, CART_OPEN);
}

static void a_straggler_of_the_closer_s_own_time_asks_for_a_refold(void **state)
{
    struct event closer = an_event(EVENT_PURCHASE, .at = HOURS(1));
    struct event straggler = an_event(EVENT_REFUND, .at = HOURS(1), .late_by = DAYS(9));
    struct shopper *s = shopper_new("c:anna", &arena);
    (void)state;

    assert_int_equal(shopper_apply(s, &closer, &arena), SHOPPER_FOLDED);
    assert_int_equal(shopper_apply(s, &straggler, &arena), SHOPPER_REFOLD);
    assert_int_equal(folded(closer, straggler)->late_events, 1);
}

/* ---- the shopper ---- */

static void consent_is_kept_by_channel_and_the_newest_word_counts(void **state)
{
    (void)state;
    struct shopper *s = folded(an_event(EVENT_CONSENT_GIVEN, .at = 1, .subject = "sms"),
                               an_event(EVENT_CONSENT_WITHDRAWN, .at = 2),
                               an_event(EVENT_CONSENT_GIVEN, .at = 3, .subject = "email"));

    assert_int_equal(shopper_consent(s, "sms"), -1);
    assert_int_equal(shopper_consent(s, "email"), 1);
    assert_int_equal(shopper_consent(s, "push"), -1);
    assert_int_equal(shopper_consent(shopper_new("c:x", &arena), "sms"), 0);
}

static void of_a_yes_and_a_no_at_the_same_time_the_no_counts(void **state)
{
    (void)state;
    /* an identify that says no comes before a yes of its moment, by its place in the funnel */
    struct event no = an_event(EVENT_IDENTIFY, .at = 1, .id = "a");
    no.opt_out = true;
    assert_int_equal(
        shopper_consent(folded(no, an_event(EVENT_CONSENT_GIVEN, .at = 1, .id = "b")), "sms"), -1);
    struct shopper *s =
        folded(an_event(EVENT_CONSENT_WITHDRAWN, .at = 1, .id = "a", .subject = "sms"),
               an_event(EVENT_CONSENT_GIVEN, .at = 1, .id = "b", .subject = "sms"),
               an_event(EVENT_CONSENT_GIVEN, .at = 1, .id = "c"));

    assert_int_equal(shopper_consent(s, "sms"), -1);
}

static void a_withdrawal_outlives_consents_to_more_channels_than_we_keep(void **state)
{
    struct event events[CONSENTS_MAX + 5];
    (void)state;

    events[0] = an_event(EVENT_CONSENT_WITHDRAWN, .at = 1);
    events[1] = an_event(EVENT_CONSENT_WITHDRAWN, .at = 2, .subject = "sms");
    for (int i = 2; i < CONSENTS_MAX + 5; i++) {
        events[i] = an_event(EVENT_CONSENT_GIVEN, .at = i + 1,
                             .subject = arena_printf(&arena, "channel %d", i));
    }
    struct shopper *s = fold_these(events, CONSENTS_MAX + 5);

    assert_int_equal(s->consent_count, CONSENTS_MAX);
    assert_int_equal(shopper_consent(s, "sms"), -1);
    assert_int_equal(shopper_consent(s, "push"), -1);
}

static void of_more_withdrawals_than_we_keep_none_is_forgotten(void **state)
{
    struct event events[2 * CONSENTS_MAX + 1];
    size_t count = 0;
    (void)state;

    for (int i = 0; i <= CONSENTS_MAX; i++) {
        events[count++] = an_event(EVENT_CONSENT_WITHDRAWN, .at = i + 1,
                                   .subject = arena_printf(&arena, "channel %d", i));
    }
    for (int i = 1; i <= CONSENTS_MAX; i++) { /* all but the first are given back */
        events[count++] = an_event(EVENT_CONSENT_GIVEN, .at = 100 + i,
                                   .subject = arena_printf(&arena, "channel %d", i));
    }
    struct shopper *s = fold_these(events, count);

    assert_int_equal(s->consent_count, CONSENTS_MAX);
    assert_int_equal(shopper_consent(s, "channel 0"), -1);
    assert_int_equal(shopper_consent(s, "all"), -1);
    assert_int_equal(shopper_consent(s, arena_printf(&arena, "channel %d", CONSENTS_MAX)), 1);
}

static void a_channel_that_sorts_first_is_kept_first_when_another_made_room(void **state)
{
    struct event events[CONSENTS_MAX + 1];
    (void)state;

    for (int i = 0; i < CONSENTS_MAX; i++) {
        events[i] = an_event(EVENT_CONSENT_GIVEN, .at = i + 1,
                             .subject = arena_printf(&arena, "channel %d", i));
    }
    events[CONSENTS_MAX] = an_event(EVENT_CONSENT_GIVEN, .at = CONSENTS_MAX + 1, .subject = "a");
    struct shopper *s = fold_these(events, CONSENTS_MAX + 1);

    assert_int_equal(s->consent_count, CONSENTS_MAX);
    assert_string_equal(s->consents[0].channel, "a");
    assert_string_equal(s->consents[1].channel, "channel 1");
}

static void a_crawler_is_a_bot_for_good(void **state)
{
    (void)state;
    assert_true(folded(an_event(EVENT_PRODUCT_VIEWED, .at = 1, .agent = "x Googlebot/2.1"),
                       an_event(EVENT_PRODUCT_VIEWED, .at = 2, .agent = "Firefox"))
                    ->bot);
    assert_true(folded(an_event(EVENT_SEARCHED, .agent = "curl/8.1"))->bot);
    assert_true(folded(an_event(EVENT_SEARCHED, .agent = "HeadlessChrome/99"))->bot);
    assert_false(folded(an_event(EVENT_SEARCHED, .agent = "Android 9; CUBOT_X19"))->bot);
    assert_false(folded(an_event(EVENT_SEARCHED, .at = 1))->bot);
}

static void more_than_120_events_in_a_minute_are_no_person_s(void **state)
{
    static struct event events[BOT_EVENTS_PER_MINUTE + 1];
    (void)state;

    for (int i = 0; i <= BOT_EVENTS_PER_MINUTE; i++) {
        events[i] = an_event(EVENT_SEARCHED, .at = SECONDS(i) / 3);
    }
    assert_false(fold_these(events, BOT_EVENTS_PER_MINUTE)->bot);
    assert_true(fold_these(events, BOT_EVENTS_PER_MINUTE + 1)->bot);
}

/* So many events of one second as no hand could do. */
static const struct shopper *a_burst(const struct event_plan *plan)
{
    static struct event events[BOT_EVENTS_PER_MINUTE + 5];

    for (size_t i = 0; i < COUNT_OF(events); i++) {
        events[i] = event_planned(plan);
    }
    return fold_these(events, COUNT_OF(events));
}

static void the_rate_counts_what_the_shopper_does_and_not_how_it_was_written_down(void **state)
{
    static const struct {
        struct event_plan plan;
        bool bot;
    } cases[] = {
        {{.type = EVENT_PURCHASE, .order = "o1", .sku = "p"}, false},
        {{.type = EVENT_PURCHASE, .sku = "p"}, false}, /* within a minute they are one order */
        {{.type = EVENT_REFUND, .order = "o1", .sku = "p"}, false},
        {{.type = EVENT_PRODUCT_VIEWED, .sku = "p", .origin = ORIGIN_IMPORT}, false},
        {{.type = EVENT_PRODUCT_VIEWED, .sku = "p", .origin = ORIGIN_SQL}, true},
        {{.type = EVENT_SEARCHED, .origin = ORIGIN_IMPORT, .agent = "Googlebot"}, true},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (a_burst(&cases[i].plan)->bot != cases[i].bot) {
            fail_msg("case %zu: bot is not %d", i, cases[i].bot);
        }
    }
}

static void a_program_that_buys_order_after_order_is_a_bot(void **state)
{
    static struct event events[BOT_EVENTS_PER_MINUTE + 1];
    (void)state;

    for (int i = 0; i <= BOT_EVENTS_PER_MINUTE; i++) {
        events[i] = an_event(EVENT_PURCHASE, .sku = "p", .order = arena_printf(&arena, "o%d", i));
    }
    assert_true(fold_these(events, COUNT_OF(events))->bot);
}

static void the_last_forty_events_are_remembered_oldest_first(void **state)
{
    struct event events[RECENT_MAX + 3];
    (void)state;

    for (int i = 0; i < RECENT_MAX + 3; i++) {
        events[i] = an_event(EVENT_PRODUCT_VIEWED, .at = i + 1, .price = 100,
                             .sku = arena_printf(&arena, "p%d", i));
    }
    struct shopper *s = fold_these(events, RECENT_MAX + 3);

    assert_int_equal(s->recent_count, RECENT_MAX);
    assert_string_equal(s->recent[0].product_id, "p3");
    assert_int_equal(s->recent[RECENT_MAX - 1].at_us, TEST_DAY_US + RECENT_MAX + 3);
    assert_int_equal(s->recent[0].price_minor, 100);
    assert_int_equal(s->views, RECENT_MAX + 3);
}

/* A tracker says on every page who it is. */
static void who_somebody_is_crowds_out_nothing(void **state)
{
    (void)state;
    struct shopper *s = folded(an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "p"),
                               an_event(EVENT_IDENTIFY, .at = 2), an_event(EVENT_ALIAS, .at = 3),
                               an_event(EVENT_LOGGED_OUT, .at = 4));
    assert_int_equal(s->recent_count, 1);
}

static void half_an_hour_of_silence_starts_a_new_session(void **state)
{
    (void)state;
    struct shopper *s = folded(an_event(EVENT_SEARCHED, .at = MINUTES(1), .locale = "de"),
                               an_event(EVENT_SEARCHED, .at = MINUTES(31), .locale = "fr"),
                               an_event(EVENT_SEARCHED, .at = MINUTES(61) + 1));

    assert_int_equal(s->sessions, 2);
    assert_int_equal(s->first_us, TEST_DAY_US + MINUTES(1));
    assert_int_equal(s->last_us, TEST_DAY_US + MINUTES(61) + 1);
    assert_string_equal(s->locale, "fr");
}

/* ---- signals ---- */

static void what_happens_around_an_open_cart_is_counted_in_its_round(void **state)
{
    (void)state;
    struct shopper *s = folded(
        an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "p1"),
        an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = "p1"),
        an_event(EVENT_PRODUCT_VIEWED, .at = 3, .sku = "p1"),
        an_event(EVENT_PRODUCT_VIEWED, .at = 4, .sku = "p2"), an_event(EVENT_SEARCHED, .at = 5),
        an_event(EVENT_PAGE_VIEWED, .at = 6, .subject = "/help/Returns-policy"),
        an_event(EVENT_PAGE_VIEWED, .at = 7, .subject = "Size guide"),
        an_event(EVENT_PAGE_VIEWED, .at = 8, .subject = "outfits"),
        an_event(EVENT_CHECKOUT_STEP, .at = 9, .subject = "payment"),
        an_event(EVENT_CHECKOUT_STEP, .at = 10, .subject = "2"),
        an_event(EVENT_SHIPPING_SHOWN, .at = 11, .amount = 990));
    const struct cart_signals *n = &only_cart(s)->signals;

    assert_int_equal(n->events, 10);
    assert_int_equal(n->views, 2);
    assert_int_equal(n->line_views, 1);
    assert_int_equal(n->searches, 1);
    assert_int_equal(n->pages_returns, 1);
    assert_int_equal(n->pages_size, 1);
    assert_int_equal(n->pages_shipping + n->pages_reviews, 0);
    assert_int_equal(n->checkout_step, 3);
    assert_int_equal(n->shipping_shown_us, TEST_DAY_US + 11);
    assert_int_equal(n->shipping_minor, 990);
}

static int64_t step_of(const char *name)
{
    return only_cart(folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p1"),
                            an_event(EVENT_CHECKOUT_STEP, .at = 2, .subject = name)))
        ->signals.checkout_step;
}

static void a_step_of_checkout_has_a_number_by_whatever_name(void **state)
{
    (void)state;
    const struct {
        const char *name;
        int64_t number;
    } steps[] = {{NULL, 1},      {"", 1},
                 {"0", 1},       {"1", 1},
                 {"7", 7},       {"99", 99},
                 {"100", 99},    {"shipping_method", 2},
                 {"Payment", 3}, {"confirmation", 4},
                 {"wrapping", 1}};

    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        assert_int_equal(step_of(steps[i].name), steps[i].number);
    }
}

static void what_happens_after_a_cart_was_bought_is_no_sign_of_it(void **state)
{
    (void)state;
    const struct shopper *s =
        folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .cart = "c1", .sku = "p1"),
               an_event(EVENT_PRODUCT_VIEWED, .at = 2, .sku = "p1"),
               an_event(EVENT_PURCHASE, .at = 3, .cart = "c1"),
               an_event(EVENT_PRODUCT_VIEWED, .at = 4, .cart = "c1", .sku = "p1"),
               an_event(EVENT_SEARCHED, .at = 5));

    assert_int_equal(only_cart(s)->signals.views, 1);
    assert_int_equal(only_cart(s)->signals.searches, 0);
    assert_int_equal(s->views, 2);
}

/* ---- order ---- */

static void the_same_event_twice_counts_once(void **state)
{
    struct event e = an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p1");
    (void)state;

    assert_string_equal(lines_of(only_cart(folded(e, e, e))), "p1 x1");
}

static void an_event_that_sorts_before_the_last_one_asks_for_a_refold(void **state)
{
    struct event first = an_event(EVENT_SEARCHED, .at = 1);
    struct event second = an_event(EVENT_SEARCHED, .at = 2);
    struct shopper *s = shopper_new("c:anna", &arena);
    (void)state;

    assert_int_equal(shopper_apply(s, &second, &arena), SHOPPER_FOLDED);
    assert_int_equal(shopper_apply(s, &first, &arena), SHOPPER_REFOLD);
    assert_int_equal(shopper_apply(s, &second, &arena), SHOPPER_REFOLD);
    assert_int_equal(s->events, 1);
}

static void what_retention_has_folded_is_built_upon(void **state)
{
    (void)state;
    struct shopper *base = folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p1"),
                                  an_event(EVENT_PURCHASE, .at = HOURS(2)));
    struct event later[] = {
        an_event(EVENT_CART_ITEM_ADDED, .at = HOURS(1), .sku = "p9", .late_by = DAYS(3)),
        an_event(EVENT_CART_ITEM_ADDED, .at = HOURS(4), .sku = "p2"),
    };
    struct shopper *s = shopper_fold_all(base, "c:anna", later, 2, INT64_MAX, &arena);

    assert_int_equal(s->late_events, 1);
    assert_int_equal(only_cart(s)->round, 2);
    assert_string_equal(lines_of(only_cart(s)), "p2 x1");
    assert_int_equal(only_cart(base)->round, 1);
}

static void count_visit(void *ctx, const struct shopper *s, const struct event *e)
{
    int64_t *events = ctx;

    assert_int_equal(s->last_us, e->occurred_us);
    *events = s->events;
}

static void a_visitor_sees_the_state_after_every_event(void **state)
{
    int64_t seen = 0;
    struct event events[] = {an_event(EVENT_SEARCHED, .at = 2), an_event(EVENT_SEARCHED, .at = 1)};
    (void)state;

    (void)shopper_fold_visiting(NULL, "c:anna", events, 2, count_visit, &seen, &arena);
    assert_int_equal(seen, 2);
}

/* ---- text ---- */

static void text_that_the_encoder_would_not_write_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "{\"key\":\"anna\"}",
        "{ \"key\":\"c:anna\"}",
        "{\"key\":\"c:anna\"} ",
        "{\"key\":\"c:anna\",\"events\":01}",
        "{\"key\":\"c:anna\",\"events\":-1}",
        "{\"key\":\"c:anna\",\"events\":9223372036854775807}",
        "{\"key\":\"c:anna\",\"events\":99999999999999999999}",
        "{\"key\":\"c:anna\",\"bot\":false}",
        "{\"key\":\"c:anna\",\"events\":0}",
        "{\"key\":\"c:anna\",\"consents\":[[\"sms\",false,1]]}",
        "{\"key\":\"c:anna\",\"colour\":1}",
        "{\"events\":1,\"key\":\"c:anna\"}",
        "{\"key\":\"c:anna\",\"recent\":[]}",
        "{\"key\":\"c:anna\",\"recent\":[[\"danced\",1,null,null]]}",
        "{\"key\":\"c:anna\",\"orders\":[[null]]}",
        "{\"key\":\"c:anna\",\"carts\":[{\"round\":1}]}",
        "{\"key\":\"c:an\\u0000na\"}",
        "{\"key\":\"c:an\\u000ana\"}",
        "{\"key\":\"c:an\xe4na\"}",
        "{\"key\":\"c:anna\",\"carts\":[{\"id\":\"c1\",\"round\":1,\"released\":[5,0]}]}",
        "{\"key\":\"c:anna\\",
        "{\"key\":\"c:anna",
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct err err = {0};
        struct shopper *s = NULL;
        if (shopper_decode(texts[i], strlen(texts[i]), &arena, &s, &err)) {
            fail_msg("%s was taken", texts[i]);
        }
        assert_null(s);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void strange_characters_survive_the_text(void **state)
{
    CLEANUP(buf_free) struct buf text = buf_make(4096);
    const char *locale = "\"\\\b\f\n\r\t\x01\x1f\x7f/\xc3\xa4\xf0\x9f\x9b\x92";
    struct shopper *s = folded(an_event(EVENT_SEARCHED, .at = 1, .locale = locale));
    struct shopper *back = NULL;
    struct err err = {0};
    (void)state;

    shopper_encode(s, &text);
    assert_true(shopper_decode(buf_text(&text), text.len, &arena, &back, &err));
    assert_string_equal(back->locale, locale);
}

static void a_copy_shares_nothing_with_its_original(void **state)
{
    CLEANUP(buf_free) struct buf before = buf_make(4096);
    CLEANUP(buf_free) struct buf after = buf_make(4096);
    struct shopper *s = folded(an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p1"));
    struct event more = an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = "p1", .sku2 = "p2");
    (void)state;

    shopper_encode(s, &before);
    assert_int_equal(shopper_apply(shopper_copy(s, &arena), &more, &arena), SHOPPER_FOLDED);
    shopper_encode(s, &after);
    assert_string_equal(buf_text(&before), buf_text(&after));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_adds_up_and_what_is_removed_is_subtracted),
        cmocka_unit_test(a_snapshot_replaces_the_lines_and_keeps_their_age_and_price),
        cmocka_unit_test(a_snapshot_that_says_what_is_known_changes_nothing),
        cmocka_unit_test(a_checkout_with_items_replaces_and_one_without_does_not),
        cmocka_unit_test(a_discount_that_is_added_alone_opens_no_cart_and_joins_one),
        cmocka_unit_test(past_its_limit_a_cart_drops_the_longest_untouched_line),
        cmocka_unit_test(buying_closes_the_round_and_the_next_item_opens_another),
        cmocka_unit_test(a_cart_and_a_purchase_of_the_same_second_end_as_a_purchase),
        cmocka_unit_test(a_cart_bought_after_a_release_is_recovered),
        cmocka_unit_test(a_release_after_the_purchase_recovers_nothing),
        cmocka_unit_test(every_state_meets_every_event_as_the_table_says),
        cmocka_unit_test(an_event_belongs_to_the_cart_it_names_else_to_the_last_changed),
        cmocka_unit_test(a_shopper_who_names_no_cart_has_the_one_of_its_key),
        cmocka_unit_test(events_without_items_open_no_cart),
        cmocka_unit_test(the_longest_unchanged_closed_cart_makes_room),
        cmocka_unit_test(a_cart_that_comes_back_after_making_room_is_in_a_round_it_never_had),
        cmocka_unit_test(an_order_closes_the_cart_it_names_and_no_other),
        cmocka_unit_test(an_order_that_names_no_cart_we_know_closes_all),
        cmocka_unit_test(rows_of_one_order_id_are_one_order_and_its_total_counts_once),
        cmocka_unit_test(rows_without_an_id_within_a_minute_are_one_order),
        cmocka_unit_test(a_later_row_of_an_order_closes_no_new_round),
        cmocka_unit_test(an_event_more_than_a_day_late_does_not_change_a_closed_round),
        cmocka_unit_test(within_a_day_it_still_does),
        cmocka_unit_test(an_import_is_never_late),
        cmocka_unit_test(without_a_closer_after_it_an_old_event_counts),
        cmocka_unit_test(a_closer_that_came_in_after_it_makes_nothing_late),
        cmocka_unit_test(a_withdrawal_of_consent_counts_whenever_it_comes),
        cmocka_unit_test(a_closer_received_before_a_folded_straggler_asks_for_a_refold),
        cmocka_unit_test(a_straggler_of_the_closer_s_own_time_asks_for_a_refold),
        cmocka_unit_test(consent_is_kept_by_channel_and_the_newest_word_counts),
        cmocka_unit_test(of_a_yes_and_a_no_at_the_same_time_the_no_counts),
        cmocka_unit_test(a_withdrawal_outlives_consents_to_more_channels_than_we_keep),
        cmocka_unit_test(of_more_withdrawals_than_we_keep_none_is_forgotten),
        cmocka_unit_test(a_channel_that_sorts_first_is_kept_first_when_another_made_room),
        cmocka_unit_test(a_crawler_is_a_bot_for_good),
        cmocka_unit_test(more_than_120_events_in_a_minute_are_no_person_s),
        cmocka_unit_test(the_rate_counts_what_the_shopper_does_and_not_how_it_was_written_down),
        cmocka_unit_test(a_program_that_buys_order_after_order_is_a_bot),
        cmocka_unit_test(the_last_forty_events_are_remembered_oldest_first),
        cmocka_unit_test(who_somebody_is_crowds_out_nothing),
        cmocka_unit_test(half_an_hour_of_silence_starts_a_new_session),
        cmocka_unit_test(what_happens_around_an_open_cart_is_counted_in_its_round),
        cmocka_unit_test(the_same_event_twice_counts_once),
        cmocka_unit_test(an_event_that_sorts_before_the_last_one_asks_for_a_refold),
        cmocka_unit_test(what_retention_has_folded_is_built_upon),
        cmocka_unit_test(a_visitor_sees_the_state_after_every_event),
        cmocka_unit_test(a_step_of_checkout_has_a_number_by_whatever_name),
        cmocka_unit_test(what_happens_after_a_cart_was_bought_is_no_sign_of_it),
        cmocka_unit_test(text_that_the_encoder_would_not_write_is_refused),
        cmocka_unit_test(strange_characters_survive_the_text),
        cmocka_unit_test(a_copy_shares_nothing_with_its_original),
    };
    return cmocka_run_group_tests_name("the fold", tests, NULL, forget);
}
