/* What an order does to the carts, and what comes after it: echoes, repeats, cancellations, renewals. */
#include "domain/shopper/shopper.h"

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

static int by_cart(void **state)
{
    const struct shopper_rules rules = {.echo_us = MINUTES(30), .undo_us = DAYS(1)};
    (void)state;

    shopper_rules_set(&rules);
    return 0;
}

static int by_lines(void **state)
{
    const struct shopper_rules rules = {
        .closes_lines = true, .echo_us = MINUTES(30), .undo_us = DAYS(1)};
    (void)state;

    shopper_rules_set(&rules);
    return 0;
}

static int forget_rules(void **state)
{
    return by_cart(state) + forget(state);
}

#define folded(...)                                                                                \
    fold_these((struct event[]){__VA_ARGS__},                                                      \
               sizeof((struct event[]){__VA_ARGS__}) / sizeof(struct event))

static struct shopper *fold_these(struct event *events, size_t count)
{
    return shopper_fold_all(NULL, "c:anna", events, count, INT64_MAX, &arena);
}

#define added(...)    an_event(EVENT_CART_ITEM_ADDED, __VA_ARGS__)
#define snapshot(...) an_event(EVENT_CART_SNAPSHOT, __VA_ARGS__)
#define bought(...)   an_event(EVENT_PURCHASE, __VA_ARGS__)

/* "open 1: p1 x2, p2 x1" of the one cart there is. */
static const char *cart_of(const struct shopper *s)
{
    char quantity[QUANTITY_TEXT_MAX];

    if (s->cart_count != 1) {
        return arena_printf(&arena, "%zu carts", s->cart_count);
    }
    const struct cart *c = &s->carts[0];
    const char *text =
        arena_printf(&arena, "%s %lld:", cart_status_name(c->status), (long long)c->round);
    for (size_t i = 0; i < c->line_count; i++) {
        text = arena_printf(&arena, "%s%s %s x%s", text, i == 0 ? "" : ",", c->lines[i].product_id,
                            quantity_text(c->lines[i].quantity_milli, quantity));
    }
    return text;
}

static void assert_cart(const struct shopper *s, const char *expected)
{
    assert_string_equal(cart_of(s), expected);
}

/* ---- echoes ---- */

static void what_only_repeats_the_bought_lines_soon_after_begins_no_round(void **state)
{
    static const struct {
        struct event_plan plan;
        const char *cart;
    } after[] = {
        {{EVENT_CART_SNAPSHOT, .at = HOURS(1) + SECONDS(2), .sku = "p1", .quantity = 2},
         "bought 1: p1 x2, p2 x1"},
        {{EVENT_CART_SNAPSHOT, .at = HOURS(1) + SECONDS(2), .sku = "p2"}, "bought 1: p1 x2, p2 x1"},
        {{EVENT_CHECKOUT_STARTED, .at = HOURS(1) + MINUTES(30), .sku = "p1"},
         "bought 1: p1 x2, p2 x1"},
        /* later, more of it, something else, an addition, another variant: a new round */
        {{EVENT_CART_SNAPSHOT, .at = HOURS(1) + MINUTES(30) + 1, .sku = "p1"}, "open 2: p1 x1"},
        {{EVENT_CART_SNAPSHOT, .at = HOURS(1) + SECONDS(2), .sku = "p1", .quantity = 3},
         "open 2: p1 x3"},
        {{EVENT_CART_SNAPSHOT, .at = HOURS(1) + SECONDS(2), .sku = "p1", .sku2 = "p3"},
         "open 2: p1 x1, p3 x1"},
        {{EVENT_CART_ITEM_ADDED, .at = HOURS(1) + SECONDS(2), .sku = "p1"}, "open 2: p1 x1"},
        {{EVENT_CART_SNAPSHOT, .at = HOURS(1) + SECONDS(2), .sku = "p1", .variant = "blue"},
         "open 2: p1 x1"},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(after); i++) {
        assert_cart(
            folded(added(.at = 1, .sku = "p1", .variant = "red", .quantity = 2, .sku2 = "p2"),
                   bought(.at = HOURS(1), .order = "o"), event_planned(&after[i].plan)),
            after[i].cart);
    }
}

/* The order's own items count as well as the cart's, whatever the cart was called. */
static void an_echo_is_known_by_the_goods_and_not_by_the_cart(void **state)
{
    (void)state;
    const struct shopper *s = folded(bought(.at = 1, .order = "o", .sku = "p1"),
                                     snapshot(.at = SECONDS(9), .cart = "another", .sku = "p1"));

    assert_int_equal(s->cart_count, 0);
    /* what the order says of a line and what the cart said: the larger, in whichever order they are told */
    assert_cart(folded(added(.at = 1, .sku = "p1", .quantity = 2),
                       bought(.at = HOURS(1), .order = "o", .sku = "p1"),
                       snapshot(.at = HOURS(1) + 9, .sku = "p1", .quantity = 2)),
                "bought 1: p1 x2");
    assert_cart(folded(added(.at = 1, .sku = "p1"),
                       bought(.at = HOURS(1), .order = "o", .sku = "p1", .quantity = 2),
                       snapshot(.at = HOURS(1) + 9, .sku = "p1", .quantity = 2)),
                "bought 1: p1 x1");
}

static void after_the_first_order_s_echo_the_next_order_has_its_own(void **state)
{
    (void)state;
    const struct shopper *s = folded(bought(.at = 1, .order = "o", .sku = "p1"),
                                     bought(.at = HOURS(2), .order = "n", .sku = "p2"),
                                     snapshot(.at = HOURS(2) + 1, .sku = "p1"));

    assert_cart(s, "open 1: p1 x1");
    assert_cart(folded(bought(.at = 1, .order = "o", .sku = "p1"),
                       bought(.at = HOURS(2), .order = "n", .sku = "p2"),
                       snapshot(.at = HOURS(2) + 1, .sku = "p3"),
                       snapshot(.at = HOURS(2) + 2, .sku = "p2")),
                "open 1: p2 x1");
    assert_int_equal(folded(bought(.at = 1, .order = "o", .sku = "p1"),
                            bought(.at = HOURS(2), .order = "n", .sku = "p2"),
                            snapshot(.at = HOURS(2) + 1, .sku = "p2"))
                         ->cart_count,
                     0);
}

/* What orders bought is kept as long as one may be undone, or edited; and no more of it than a cart has lines. */
static void what_an_order_bought_long_since_is_forgotten(void **state)
{
    static struct event events[CART_LINES_MAX + 1];
    (void)state;
    const struct shopper *s =
        folded(bought(.at = 1, .order = "o", .sku = "p1"),
               bought(.at = 1 + ORDER_LINES_AGE_US, .order = "n", .sku = "p2"),
               bought(.at = 2 + ORDER_LINES_AGE_US, .order = "m", .sku = "p3"));

    assert_int_equal(s->order_count, 3);
    assert_int_equal(s->bought_count, 2);
    assert_string_equal(s->bought[0].product_id, "p2");
    for (int i = 0; i <= CART_LINES_MAX; i++) {
        events[i] = bought(.at = i, .order = "o", .sku = arena_printf(&arena, "p%d", i));
    }
    s = fold_these(events, COUNT_OF(events));
    assert_int_equal(s->bought_count, CART_LINES_MAX);
    assert_string_equal(s->bought[0].product_id, "p1");
}

/* ---- repeats ---- */

static void a_row_that_repeats_an_old_order_buys_nothing(void **state)
{
    (void)state;
    const struct shopper *s =
        folded(bought(.at = 1, .order = "o", .sku = "p1", .price = 500),
               added(.at = HOURS(1), .sku = "p2"),
               bought(.at = HOURS(2), .order = "o", .sku = "p1", .price = 500));

    assert_cart(s, "open 1: p2 x1");
    assert_int_equal(s->orders_total, 1);
    assert_int_equal(s->units_bought, 1);
    assert_int_equal(s->spent_minor, 500);
    assert_int_equal(s->last_order_us, TEST_DAY_US + 1);
    assert_int_equal(s->bought_count, 1);
    assert_int_equal(s->orders[0].at_us, TEST_DAY_US + 1);
}

static void a_second_row_within_a_minute_is_more_of_the_order(void **state)
{
    (void)state;
    const struct shopper *s =
        folded(bought(.at = 1, .order = "o", .sku = "p1", .price = 500),
               bought(.at = SECONDS(60) + 1, .order = "o", .sku = "p2", .price = 70),
               bought(.at = SECONDS(120) + 2, .order = "o", .sku = "p2", .price = 70));

    assert_int_equal(s->orders_total, 1);
    assert_int_equal(s->units_bought, 2);
    assert_int_equal(s->spent_minor, 570);
    assert_int_equal(s->orders[0].spent_minor, 570);
    /* one has an id and the other none: two */
    s = folded(bought(.at = 1, .order = "o", .sku = "p1"), bought(.at = 2, .sku = "p2"));
    assert_int_equal(s->orders_total, 2);
    s = folded(bought(.at = 1, .sku = "p1"), bought(.at = 2, .order = "o", .sku = "p2"));
    assert_int_equal(s->orders_total, 2);
}

/* ---- cancellations ---- */

static void a_cancelled_order_never_was_and_its_cart_goes_on(void **state)
{
    static const struct event_plan undo[] = {
        {EVENT_ORDER_CANCELLED, .order = "o"}, {EVENT_PAYMENT_FAILED, .order = "o"},
        {EVENT_ORDER_CANCELLED, .cart = "k"},  {EVENT_PAYMENT_FAILED, .cart = "k"},
        {EVENT_ORDER_CANCELLED, .at = 0},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(undo); i++) {
        struct event_plan plan = undo[i];
        plan.at = HOURS(1) + MINUTES(20);
        const struct shopper *s = folded(
            bought(.at = 1, .order = "before", .sku = "p9", .price = 100),
            added(.at = 2, .cart = "k", .sku = "p1", .price = 500),
            an_event(EVENT_DERIVED_OUTREACH_RELEASED, .at = MINUTES(9), .cart = "k",
                     .origin = ORIGIN_DERIVED),
            bought(.at = HOURS(1), .order = "o", .sku = "p1", .price = 500), event_planned(&plan));
        assert_cart(s, "open 1: p1 x1");
        assert_int_equal(s->carts[0].released[0], TEST_DAY_US + MINUTES(9));
        assert_int_equal(s->carts[0].changed_us, TEST_DAY_US + HOURS(1) + MINUTES(20));
        assert_int_equal(s->carts[0].closed_us, 0);
        assert_false(s->carts[0].recovered);
        assert_null(s->carts[0].order_id);
        assert_int_equal(s->orders_total, 1);
        assert_int_equal(s->spent_minor, 100);
        assert_int_equal(s->units_bought, 1);
        assert_int_equal(s->last_order_us, TEST_DAY_US + 1);
    }
}

static void what_names_no_known_order_cancels_none(void **state)
{
    static const struct event_plan others[] = {
        {EVENT_ORDER_CANCELLED, .order = "x"},
        {EVENT_PAYMENT_FAILED, .order = "x"},
        {EVENT_PAYMENT_FAILED, .at = 0},
        {EVENT_ORDER_CANCELLED, .order = "o", .at = 1},
        {EVENT_REFUND, .order = "o"},
        {EVENT_PAYMENT_FAILED, .cart = "k"}, /* an hour later: of what lies in it now */
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct event_plan plan = others[i];
        plan.at = plan.at == 0 ? HOURS(2) : plan.at;
        assert_cart(folded(added(.at = 2, .cart = "k", .sku = "p1"),
                           bought(.at = HOURS(1), .order = "o"), event_planned(&plan)),
                    "bought 1: p1 x1");
    }
}

/* The second try of the payment: the shop tells the order again. */
static void a_cancelled_order_that_is_told_again_is_bought(void **state)
{
    (void)state;
    const struct shopper *s =
        folded(added(.at = 2, .sku = "p1"), bought(.at = HOURS(1), .order = "o"),
               an_event(EVENT_PAYMENT_FAILED, .at = HOURS(1) + MINUTES(1), .order = "o"),
               bought(.at = HOURS(1) + MINUTES(2), .order = "o"),
               snapshot(.at = HOURS(1) + MINUTES(3), .sku = "p1"));

    assert_cart(s, "bought 1: p1 x1");
    assert_int_equal(s->orders_total, 1);
    assert_int_equal(s->last_order_us, TEST_DAY_US + HOURS(1) + MINUTES(2));
}

static void a_cancellation_leaves_a_round_alone_that_has_begun_since(void **state)
{
    (void)state;
    assert_cart(folded(added(.at = 2, .sku = "p1"), bought(.at = HOURS(1), .order = "o"),
                       added(.at = HOURS(2), .sku = "p2"),
                       an_event(EVENT_ORDER_CANCELLED, .at = HOURS(3), .order = "o")),
                "open 2: p2 x1");
}

/* ---- renewals ---- */

static void a_renewal_closes_nothing_and_is_no_order(void **state)
{
    (void)state;
    const struct shopper *s =
        folded(added(.at = 2, .sku = "p1"),
               an_event(EVENT_RENEWAL, .at = HOURS(1), .order = "o", .sku = "p1"));

    assert_cart(s, "open 1: p1 x1");
    assert_int_equal(s->orders_total, 0);
    assert_int_equal(s->last_order_us, 0);
    assert_int_equal(s->last_us, TEST_DAY_US + 2);
}

/* ---- the idle time ---- */

static void only_the_shopper_s_own_doing_ends_the_idle_time(void **state)
{
    static const enum event_type shop[] = {EVENT_UNKNOWN,         EVENT_REFUND,
                                           EVENT_ORDER_CANCELLED, EVENT_RENEWAL,
                                           EVENT_CONSENT_GIVEN,   EVENT_CONSENT_WITHDRAWN};
    static const enum event_type own[] = {EVENT_PAGE_VIEWED,  EVENT_CART_ITEM_ADDED,
                                          EVENT_PURCHASE,     EVENT_IDENTIFY,
                                          EVENT_CHAT_MESSAGE, EVENT_PAYMENT_FAILED};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(shop); i++) {
        const struct shopper *s =
            folded(added(.at = 1, .sku = "p1"), an_event(shop[i], .at = HOURS(2)));
        assert_int_equal(s->last_us, TEST_DAY_US + 1);
        assert_int_equal(s->sessions, 1);
        assert_int_equal(s->events, 2);
    }
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        const struct shopper *s =
            folded(added(.at = 1, .sku = "p1"),
                   an_event(own[i], .at = HOURS(2), .sku = "p1", .anonymous = "x"));
        assert_int_equal(s->last_us, TEST_DAY_US + HOURS(2));
        assert_int_equal(s->sessions, 2);
    }
}

/* ---- what was said ---- */

static void a_chat_message_that_opts_out_withdraws_consent_whenever_it_comes(void **state)
{
    (void)state;
    const struct shopper *s =
        folded(an_event(EVENT_CONSENT_GIVEN, .at = 1), added(.at = 2, .sku = "p1"),
               an_event(EVENT_CHAT_MESSAGE, .at = 3, .opt_out = true, .late_by = DAYS(9)),
               an_event(EVENT_CHAT_MESSAGE, .at = 4), bought(.at = 5));

    assert_int_equal(shopper_consent(s, "email"), -1);
    assert_int_equal(s->late_events, 0);
    s = folded(an_event(EVENT_CHAT_MESSAGE, .at = 4));
    assert_int_equal(shopper_consent(s, "email"), 0);
    /* who says yes again is asked again */
    s = folded(an_event(EVENT_CHAT_MESSAGE, .at = 1, .opt_out = true),
               an_event(EVENT_CONSENT_GIVEN, .at = 2));
    assert_int_equal(shopper_consent(s, "email"), 1);
}

/* Beside what else the event says: who somebody is. */
static void a_no_counts_in_whatever_says_it_and_so_does_the_rest(void **state)
{
    (void)state;
    const struct shopper *s =
        folded(added(.at = 2, .sku = "p1"), an_event(EVENT_IDENTIFY, .at = 3, .anonymous = "x",
                                                     .opt_out = true, .late_by = DAYS(9)));

    assert_int_equal(shopper_consent(s, "email"), -1);
    assert_int_equal(s->late_events, 0);
    assert_int_equal(s->carts[0].line_count, 1);
    s = folded(added(.at = 2, .sku = "p1"), an_event(EVENT_UNKNOWN, .at = 3, .opt_out = true));
    assert_int_equal(shopper_consent(s, "email"), -1);
    assert_int_equal(s->carts[0].line_count, 1);
}

static void the_last_contact_is_of_whichever_cart(void **state)
{
    (void)state;
    const struct shopper *s = folded(
        added(.at = 1, .cart = "a", .sku = "p1"), added(.at = 2, .cart = "b", .sku = "p2"),
        an_event(EVENT_DERIVED_OUTREACH_RELEASED, .at = 3, .cart = "a", .origin = ORIGIN_DERIVED));

    assert_int_equal(s->contacted_us, TEST_DAY_US + 3);
    assert_int_equal(shopper_cart(s, "b")->released[0], 0);
}

/* ---- an order that takes its own lines ---- */

static void by_lines_what_was_not_ordered_stays_in_the_cart(void **state)
{
    static const struct {
        struct event_plan order;
        const char *cart;
    } orders[] = {
        {{.sku = "p1"}, "open 1: p1 x1, p2 x1"},
        {{.sku = "p1", .quantity = 2}, "open 1: p2 x1"},
        {{.sku = "p1", .quantity = 9}, "open 1: p2 x1"},
        {{.sku = "p1", .quantity = 2, .sku2 = "p2"}, "bought 1: p1 x2, p2 x1"},
        {{.sku = "p7"}, "open 1: p1 x2, p2 x1"},
        {{.sku = NULL}, "bought 1: p1 x2, p2 x1"}, /* an order that names nothing is of all */
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        struct event_plan plan = orders[i].order;
        plan.type = EVENT_PURCHASE;
        plan.at = HOURS(1);
        const struct shopper *s =
            folded(added(.at = 1, .sku = "p1", .quantity = 2, .sku2 = "p2"), event_planned(&plan));
        assert_cart(s, orders[i].cart);
        bool open = s->carts[0].status == CART_OPEN;
        assert_int_equal(s->carts[0].left_us, open ? TEST_DAY_US + HOURS(1) : 0);
        assert_int_equal(s->orders_total, 1);
    }
}

static void by_lines_an_old_snapshot_does_not_bring_bought_lines_back(void **state)
{
    (void)state;
    const struct event order = bought(.at = HOURS(1), .sku = "p1");

    assert_cart(folded(added(.at = 1, .sku = "p1", .sku2 = "p2"), order,
                       snapshot(.at = HOURS(1) + SECONDS(2), .sku = "p1", .sku2 = "p2")),
                "open 1: p2 x1");
    /* after the window it means what it says */
    assert_cart(folded(added(.at = 1, .sku = "p1", .sku2 = "p2"), order,
                       snapshot(.at = HOURS(2), .sku = "p1", .sku2 = "p2")),
                "open 1: p1 x1, p2 x1");
}

/* ---- the memory of what was bought ---- */

/* "p1@1 p2@1", times after the test's beginning. */
static const char *memory_of(const struct shopper *s)
{
    const char *text = "";

    for (size_t i = 0; i < s->purchase_count; i++) {
        text =
            arena_printf(&arena, "%s%s%s@%lld", text, i == 0 ? "" : " ", s->purchases[i].product_id,
                         (long long)(s->purchases[i].at_us - TEST_DAY_US));
    }
    return text;
}

static void every_item_of_every_row_is_remembered_with_its_time(void **state)
{
    (void)state;
    const struct shopper *s =
        folded(bought(.at = 5, .order = "o", .sku = "p2", .sku2 = "p1"),
               bought(.at = 6, .order = "o", .sku = "p3"),
               bought(.at = DAYS(9), .order = "n", .sku = "p1", .sku2 = "p1"));

    assert_string_equal(memory_of(s), "p1@5 p2@5 p3@6 p1@777600000000");
    assert_int_equal(shopper_bought_us(s, "p1"), TEST_DAY_US + DAYS(9));
    assert_int_equal(shopper_bought_us(s, "p3"), TEST_DAY_US + 6);
    assert_int_equal(shopper_bought_us(s, "p4"), 0);
}

static void of_an_order_without_items_the_cart_says_what_was_bought(void **state)
{
    (void)state;
    assert_string_equal(
        memory_of(folded(added(.at = 1, .sku = "p1", .sku2 = "p2"), bought(.at = 7, .order = "o"))),
        "p1@7 p2@7");
    /* else the order says it: a price may have been agreed on for half of the cart */
    assert_string_equal(memory_of(folded(added(.at = 1, .sku = "p1", .sku2 = "p2"),
                                         bought(.at = 7, .order = "o", .sku = "p2"))),
                        "p2@7");
}

static void what_was_cancelled_or_told_again_was_not_bought(void **state)
{
    (void)state;
    assert_string_equal(
        memory_of(folded(bought(.at = 1, .order = "o", .sku = "p1"),
                         bought(.at = DAYS(1), .order = "n", .sku = "p1", .sku2 = "p2"),
                         an_event(EVENT_ORDER_CANCELLED, .at = DAYS(2), .order = "n"))),
        "p1@1");
    assert_string_equal(
        memory_of(folded(bought(.at = 1, .order = "o", .sku = "p1"),
                         bought(.at = DAYS(1), .order = "n", .sku = "p1", .sku2 = "p2"),
                         an_event(EVENT_ORDER_CANCELLED, .at = DAYS(2), .order = "o"))),
        "p1@86400000000 p2@86400000000");
    /* another order bought it in the same moment */
    assert_string_equal(
        memory_of(folded(bought(.at = 7, .order = "o", .sku = "p1"),
                         bought(.at = 7, .order = "n", .sku = "p1", .sku2 = "p2"),
                         an_event(EVENT_ORDER_CANCELLED, .at = DAYS(2), .order = "n"))),
        "p1@7");
    assert_string_equal(memory_of(folded(bought(.at = 1, .order = "o", .sku = "p1"),
                                         bought(.at = DAYS(1), .order = "o", .sku = "p1"))),
                        "p1@1");
}

static void the_memory_is_bounded_by_number_and_age(void **state)
{
    static struct event events[PURCHASES_MAX + 2];
    (void)state;

    for (int i = 0; i < PURCHASES_MAX + 2; i++) {
        events[i] = bought(.at = 1 + HOURS(i), .order = arena_printf(&arena, "o%d", i),
                           .sku = arena_printf(&arena, "p%d", i));
    }
    const struct shopper *s = fold_these(events, COUNT_OF(events));
    assert_int_equal(s->purchase_count, PURCHASES_MAX);
    assert_string_equal(s->purchases[0].product_id, "p2");
    assert_int_equal(shopper_bought_us(s, "p1"), 0);
    assert_string_equal(
        memory_of(folded(bought(.at = 1, .order = "o", .sku = "p1"),
                         bought(.at = 2, .order = "m", .sku = "p2"),
                         bought(.at = 2 + PURCHASES_AGE_US, .order = "n", .sku = "p3"))),
        "p2@2 p3@34560000000002");
}

static void a_state_tells_by_which_rules_it_was_folded(void **state)
{
    const struct shopper_rules other = {.closes_lines = true, .echo_us = SECONDS(7)};
    (void)state;
    int64_t before = shopper_rules_stamp();
    const struct shopper *old = shopper_new("c:anna", &arena);

    shopper_rules_set(&other);
    assert_int_not_equal(shopper_rules_stamp(), before);
    const struct shopper *s = shopper_new("c:anna", &arena);
    assert_true(shopper_rules_of(s).closes_lines);
    assert_int_equal(shopper_rules_of(s).echo_us, SECONDS(7));
    assert_false(shopper_rules_of(old).closes_lines);
    assert_int_equal(shopper_rules_of(old).echo_us, MINUTES(30));
}

#define CASE(name, rules) cmocka_unit_test_setup_teardown(name, rules, forget_rules)

/* ---- orders that are dated before their cart ---- */

static void what_an_order_that_names_the_cart_bought_before_it_came_there_is_bought(void **state)
{
    (void)state;
    struct event order =
        bought(.at = 0, .order = "o", .cart = "k", .sku = "p", .quantity = 2, .sku2 = "q");
    struct event first = added(.at = HOURS(10), .cart = "k", .sku = "p", .quantity = 2);
    struct event second = added(.at = HOURS(11), .cart = "k", .sku = "q");
    struct event told = snapshot(.at = HOURS(12), .cart = "k", .sku = "p", .quantity = 2);

    assert_null(shopper_open_cart(folded(order, first, second, told)));
}

static void what_it_did_not_buy_or_comes_a_day_later_is_in_a_cart(void **state)
{
    (void)state;
    struct event order = bought(.at = 0, .order = "o", .cart = "k", .sku = "p");
    struct event more = added(.at = HOURS(10), .cart = "k", .sku = "p", .quantity = 2);
    struct event other = added(.at = HOURS(10), .cart = "k", .sku = "q");
    struct event elsewhere = added(.at = HOURS(10), .cart = "l", .sku = "p");
    struct event nowhere = added(.at = HOURS(10), .sku = "p");
    struct event late = added(.at = HOURS(24) + 1, .cart = "k", .sku = "p");

    assert_string_equal(cart_of(folded(order, more)), "open 1: p x2");
    assert_string_equal(cart_of(folded(order, other)), "open 1: q x1");
    assert_string_equal(cart_of(folded(order, elsewhere)), "open 1: p x1");
    assert_string_equal(cart_of(folded(order, nowhere)), "open 1: p x1");
    assert_string_equal(cart_of(folded(order, late)), "open 1: p x1");
}

static void what_lay_in_the_cart_and_comes_there_again_is_wanted_again(void **state)
{
    (void)state;
    struct event first = added(.at = 1, .cart = "k", .sku = "p");
    struct event order = bought(.at = HOURS(1), .order = "o", .cart = "k", .sku = "p");
    struct event again = added(.at = HOURS(2), .cart = "k", .sku = "p");

    assert_string_equal(cart_of(folded(first, order, again)), "open 2: p x1");
}

/* ---- orders dated by the day, which lie at its end ---- */

#define DAY_S_END (DAYS(1) - 1)

static void an_order_of_the_day_before_closes_the_cart_that_has_its_goods(void **state)
{
    (void)state;
    struct event order = bought(.at = DAY_S_END, .order = "o", .sku = "p");
    struct event named = bought(.at = DAY_S_END, .order = "o", .cart = "k", .sku = "p");
    struct event other = added(.at = HOURS(34), .sku = "q");
    struct event both = snapshot(.at = HOURS(34), .cart = "k", .sku = "p", .sku2 = "q");
    struct event less = snapshot(.at = HOURS(35), .cart = "k", .sku = "p");
    struct event own = added(.at = HOURS(35), .sku = "p");
    struct event more = added(.at = HOURS(36), .sku = "q");
    struct event cancelled = an_event(EVENT_ORDER_CANCELLED, .at = HOURS(37), .order = "o");
    struct event again = added(.at = HOURS(36), .sku = "p");

    /* midnight in Berlin, told as UTC in whole seconds */
    struct event local = bought(.at = HOURS(23) + 999999, .order = "o", .sku = "p");

    assert_null(shopper_open_cart(folded(local, other, own)));
    assert_null(shopper_open_cart(folded(order, other, own)));
    assert_null(shopper_open_cart(folded(order, own, more)));
    assert_null(shopper_open_cart(folded(order, both, less)));
    assert_null(shopper_open_cart(folded(named, both)));
    assert_null(shopper_open_cart(folded(named, both, less)));
    assert_string_equal(cart_of(folded(order, other, own, cancelled)), "open 1: p x1, q x1");
    /* once it has its goods, it takes none of another round */
    assert_string_equal(cart_of(folded(order, own, again)), "bought 1: p x1");
}

static void it_leaves_a_cart_that_has_none_of_its_goods_or_comes_another_day(void **state)
{
    (void)state;
    struct event order = bought(.at = DAY_S_END, .order = "o", .sku = "p");
    struct event named = bought(.at = DAY_S_END, .order = "o", .cart = "k", .sku = "p");
    struct event nameless = bought(.at = DAY_S_END, .sku = "p");
    struct event exact = bought(.at = DAY_S_END - SECONDS(1), .order = "o", .sku = "p");
    struct event other = added(.at = HOURS(34), .sku = "q");
    struct event own = added(.at = HOURS(35), .sku = "p");
    struct event elsewhere = added(.at = HOURS(35), .cart = "l", .sku = "p");
    struct event late = added(.at = DAYS(2), .sku = "p");
    struct event before = added(.at = HOURS(10), .sku = "p");

    assert_string_equal(cart_of(folded(order, other)), "open 1: q x1");
    assert_string_equal(cart_of(folded(named, elsewhere)), "open 1: p x1");
    assert_string_equal(cart_of(folded(nameless, own)), "open 1: p x1");
    assert_string_equal(cart_of(folded(exact, own)), "open 1: p x1");
    assert_string_equal(cart_of(folded(order, late)), "open 1: p x1");
    assert_string_equal(cart_of(folded(before, order, own)), "open 2: p x1");
}

/* ---- orders told in whole seconds, which lie at the end of their second ---- */

static void a_cart_begun_in_the_second_of_an_order_is_left_by_one_that_names_another(void **state)
{
    (void)state;
    const int64_t end = SECONDS(60) + 999999;
    struct event first = added(.at = 0, .cart = "k", .sku = "p");
    struct event next = added(.at = SECONDS(60) + 700000, .cart = "l", .sku = "q");
    struct event same = added(.at = SECONDS(60) + 700000, .cart = "k", .sku = "q");
    struct event named = bought(.at = end, .order = "o", .cart = "k", .sku = "p");
    struct event unnamed = bought(.at = end, .order = "o", .sku = "p");

    const struct cart *open = shopper_open_cart(folded(first, next, named));
    assert_non_null(open);
    assert_string_equal(open->id, "l");
    /* which of them it closes it does not say, and nobody who bought may be told */
    assert_null(shopper_open_cart(folded(first, next, unnamed)));
    assert_null(shopper_open_cart(folded(first, same, named)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_only_repeats_the_bought_lines_soon_after_begins_no_round, by_cart),
        CASE(an_echo_is_known_by_the_goods_and_not_by_the_cart, by_cart),
        CASE(after_the_first_order_s_echo_the_next_order_has_its_own, by_cart),
        CASE(what_an_order_bought_long_since_is_forgotten, by_cart),
        CASE(a_row_that_repeats_an_old_order_buys_nothing, by_cart),
        CASE(a_second_row_within_a_minute_is_more_of_the_order, by_cart),
        CASE(a_cancelled_order_never_was_and_its_cart_goes_on, by_cart),
        CASE(what_names_no_known_order_cancels_none, by_cart),
        CASE(a_cancelled_order_that_is_told_again_is_bought, by_cart),
        CASE(a_cancellation_leaves_a_round_alone_that_has_begun_since, by_cart),
        CASE(a_renewal_closes_nothing_and_is_no_order, by_cart),
        CASE(only_the_shopper_s_own_doing_ends_the_idle_time, by_cart),
        CASE(a_chat_message_that_opts_out_withdraws_consent_whenever_it_comes, by_cart),
        CASE(a_no_counts_in_whatever_says_it_and_so_does_the_rest, by_cart),
        CASE(the_last_contact_is_of_whichever_cart, by_cart),
        CASE(by_lines_what_was_not_ordered_stays_in_the_cart, by_lines),
        CASE(by_lines_an_old_snapshot_does_not_bring_bought_lines_back, by_lines),
        CASE(every_item_of_every_row_is_remembered_with_its_time, by_cart),
        CASE(of_an_order_without_items_the_cart_says_what_was_bought, by_cart),
        CASE(what_was_cancelled_or_told_again_was_not_bought, by_cart),
        CASE(the_memory_is_bounded_by_number_and_age, by_cart),
        CASE(a_state_tells_by_which_rules_it_was_folded, by_cart),
        CASE(what_an_order_that_names_the_cart_bought_before_it_came_there_is_bought, by_cart),
        CASE(what_it_did_not_buy_or_comes_a_day_later_is_in_a_cart, by_cart),
        CASE(what_lay_in_the_cart_and_comes_there_again_is_wanted_again, by_cart),
        CASE(an_order_of_the_day_before_closes_the_cart_that_has_its_goods, by_cart),
        CASE(it_leaves_a_cart_that_has_none_of_its_goods_or_comes_another_day, by_cart),
        CASE(a_cart_begun_in_the_second_of_an_order_is_left_by_one_that_names_another, by_cart),
    };
    return cmocka_run_group_tests_name("orders", tests, NULL, NULL);
}
