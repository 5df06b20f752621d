/* The feature table is documented and stable, and features_of says what happened, and no more. */
#include "domain/risk/features.h"

#include "domain/risk/risk_encode.h"
#include "domain/shop/local_time.h"
#include "support/spec.h"
#include "unit/domain/an_event.h"

#include <math.h>
#include <stdio.h>

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    arena_free(&arena);
    forget_events();
    return 0;
}

static struct shopper *shopper_after(struct event *events, size_t count)
{
    return shopper_fold_all(NULL, "c:anna", events, count, INT64_MAX, &arena);
}

static struct features features_at(const struct shopper *s, int64_t at)
{
    struct features x;
    assert_non_null(shopper_open_cart(s));
    features_of(s, shopper_open_cart(s), TEST_DAY_US + at, NULL, &x);
    return x;
}

/* The cart that most tests look at: two products, a checkout with shipping shown, a denied coupon. */
static struct shopper *a_shopper_at_the_checkout(void)
{
    struct event events[] = {
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(0), .sku = "shoe", .price = 5000),
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(1), .sku = "shoe", .quantity = 2,
                 .price = 5000),
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(2), .sku = "shoe", .price = 5000),
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(3), .sku = "sock", .price = 1000),
        an_event(EVENT_SEARCHED, .at = MINUTES(4), .subject = "boots"),
        an_event(EVENT_CHECKOUT_STARTED, .at = MINUTES(6)),
        an_event(EVENT_SHIPPING_SHOWN, .at = MINUTES(7), .amount = 990),
        an_event(EVENT_COUPON_DENIED, .at = MINUTES(8), .subject = "WELCOME"),
    };
    return shopper_after(events, COUNT_OF(events));
}

static void every_feature_is_documented(void **state)
{
    static const char *const units[] = {"minutes", "days", "count",   "minor", "share",
                                        "ratio",   "hour", "weekday", "flag",  "id"};
    (void)state;
    for (int f = 0; f < FEATURE_COUNT; f++) {
        const struct feature_def *def = feature_def((enum feature_id)f);
        bool known = false;
        for (size_t u = 0; u < COUNT_OF(units); u++) {
            known = known || strcmp(def->unit, units[u]) == 0;
        }
        assert_true(known);
        assert_true(strlen(feature_group_name(def->group)) > 3);
        assert_true(strlen(def->meaning) > 5);
        assert_int_equal(def->kind == FEATURE_FLAG, strcmp(def->unit, "flag") == 0);
        assert_int_equal(def->kind == FEATURE_ID, strcmp(def->unit, "id") == 0);
        for (int g = 0; g < f; g++) {
            assert_string_not_equal(def->name, feature_def((enum feature_id)g)->name);
        }
    }
}

/* Models in the field are refused by another schema: changing the table must be meant, and this line changed with it. */
static void the_table_changes_only_on_purpose(void **state)
{
    uint8_t schema[SHA256_BYTES];
    char hex[SHA256_HEX];
    (void)state;
    risk_schema(schema);
    assert_string_equal(hash_hex(schema, sizeof schema, hex),
                        "d5aa74060225c8394038dd82eb2c49de42508ba4691ac5bf57f7fa9007b9b993");
}

/* A table of what each feature must be. */
// NOLINTNEXTLINE(readability-function-size): as long as the table
static void a_cart_is_told_in_numbers(void **state)
{
    const struct {
        enum feature_id feature;
        double value;
    } expected[] = {
        {FEATURE_IDLE, 12},
        {FEATURE_OPEN, 19},
        {FEATURE_LINES, 2},
        {FEATURE_UNITS, 3},
        {FEATURE_TOTAL, 11000},
        {FEATURE_PRICE_MAX, 5000},
        {FEATURE_PRICE_MIN, 1000},
        {FEATURE_ADDS, 2},
        {FEATURE_REMOVES, 0},
        {FEATURE_LINE_VIEWS, 1},
        {FEATURE_SEARCHES, 1},
        {FEATURE_CHECKOUT, 1},
        {FEATURE_CHECKOUT_AGE, 14},
        {FEATURE_SHIPPING, 1},
        {FEATURE_SHIPPING_COST, 990},
        {FEATURE_SHIPPING_SHARE, .09},
        {FEATURE_COUPON_DENIED, 1},
        {FEATURE_COUPON_APPLIED, 0},
        {FEATURE_PAYMENT_FAILED, 0},
        {FEATURE_ROUND, 1},
        {FEATURE_CONTACTED, 0},
        {FEATURE_CUSTOMER, 1},
        {FEATURE_EVENTS, 8},
        {FEATURE_ORDERS, 0},
        {FEATURE_VIEW_AGE, 18},
        {FEATURE_ADD_AGE, 17},
        {FEATURE_SEARCH_AGE, 16},
        {FEATURE_EVENTS_60M, 8},
        {FEATURE_EVENTS_10M, 0},
        {FEATURE_RECENT_PRODUCTS, 2},
        {FEATURE_HOUR, 0},
        {FEATURE_WEEKDAY, 1}, /* 2019-10-01 was a Tuesday */
        {FEATURE_LINE_AGE_MAX, 19},
        {FEATURE_LINE_AGE_MIN, 17},
        {FEATURE_UNITS_PER_LINE, 1.5},
        {FEATURE_PRICE_MEAN, 3000},
        {FEATURE_PRICE_SPREAD, 5},
        {FEATURE_TOP_SHARE, 10. / 11},
        {FEATURE_REMOVED_SHARE, 0},
        {FEATURE_VIEWS_PER_LINE, .5},
        {FEATURE_SHIPPING_AGE, 13},
        {FEATURE_COUPON_AGE, 12},
        {FEATURE_CHANGED_SINCE_CHECKOUT, 0},
        {FEATURE_CHECKOUT_QUIET, 1},
        {FEATURE_VISITS_PER_WEEK, 1},
        {FEATURE_EVENTS_PER_VISIT, 8},
        {FEATURE_ORDERS_PER_VISIT, 0},
        {FEATURE_GAP_1, 1},
        {FEATURE_GAP_MEAN, 8. / 7},
        {FEATURE_VISIT_LENGTH, 8},
        {FEATURE_VISIT_EVENTS, 8},
        {FEATURE_RETURNS, 0},
        {FEATURE_DISTINCT_TYPES, 6},
        {FEATURE_AFTER_ADD, 4},
        {FEATURE_VIEWS_AFTER_ADD, 0},
        {FEATURE_AFTER_SHIPPING, 1},
        {FEATURE_VIEWED_AGAIN, 1},
        {FEATURE_VIEWED_AGAIN_AGE, 18},
        {FEATURE_VIEWED_IN_CART, 1},
        {FEATURE_CHEAPER_VIEWED, 0},
        {FEATURE_PRICE_TO_VIEWED, .6},
        {FEATURE_LOCAL_WEEKEND, 0},
    };
    (void)state;
    struct features x = features_at(a_shopper_at_the_checkout(), MINUTES(20));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        if (!(fabs(x.values[expected[i].feature] - expected[i].value) < 1e-9)) {
            fail_msg("%s is %g, not %g", feature_def(expected[i].feature)->name,
                     x.values[expected[i].feature], expected[i].value);
        }
    }
    assert_string_equal(x.ids[FEATURE_LAST_1], "coupon_denied");
    assert_string_equal(x.ids[FEATURE_LAST_2], "shipping_shown");
    assert_string_equal(x.ids[FEATURE_NEWEST_PRODUCT], "sock");
    assert_string_equal(x.ids[FEATURE_DEAREST_PRODUCT], "shoe");
    assert_string_equal(x.ids[FEATURE_VIEWED_PRODUCT], "shoe");
    assert_string_equal(x.currency, "EUR");
}

/* Of a shopper with more orders than refunds, and more visits than orders: each share is the other way up. */
static void shares_of_the_past_are_of_what_they_say(void **state)
{
    struct event events[] = {
        an_event(EVENT_PURCHASE, .at = DAYS(0), .order = "o1", .sku = "p1", .amount = 1000),
        an_event(EVENT_PURCHASE, .at = DAYS(1), .order = "o2", .sku = "p1", .amount = 2000),
        an_event(EVENT_PURCHASE, .at = DAYS(2), .order = "o3", .sku = "p1", .amount = 3000),
        an_event(EVENT_PURCHASE, .at = DAYS(3), .order = "o4", .sku = "p1", .amount = 2000),
        an_event(EVENT_REFUND, .at = DAYS(4), .order = "o4"),
        an_event(EVENT_CART_ITEM_ADDED, .at = DAYS(5), .sku = "p2", .price = 500),
    };
    (void)state;
    struct features x = features_at(
        shopper_fold_all(NULL, "c:anna", events, COUNT_OF(events), INT64_MAX, &arena), DAYS(6));
    assert_true(x.values[FEATURE_REFUND_SHARE] == 1. / 4);
    assert_true(x.values[FEATURE_ORDER_VALUE] == 2000);
    assert_true(x.values[FEATURE_TOTAL_TO_ORDER] == 1. / 4);
    assert_true(x.values[FEATURE_ORDERS_PER_VISIT] == 4. / 5); /* a refund is no visit */
    assert_true(x.values[FEATURE_EVENTS_PER_VISIT] == 6. / 5);
}

/* One event, an addition that nothing precedes, a coupon without a checkout. */
static void of_little_it_is_told_what_there_is(void **state)
{
    struct event events[] = {
        an_event(EVENT_CART_ITEM_ADDED, .at = 0, .sku = "shoe"),
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(1), .sku = "hat"),
        an_event(EVENT_COUPON_ENTERED, .at = MINUTES(2)),
    };
    (void)state;
    struct features x =
        features_at(shopper_fold_all(NULL, "c:anna", events, 1, INT64_MAX, &arena), MINUTES(5));
    assert_true(x.values[FEATURE_VISIT_EVENTS] == 1);
    assert_true(x.values[FEATURE_VISIT_LENGTH] == 0);
    assert_true(x.values[FEATURE_AFTER_ADD] == 0);
    x = features_at(shopper_fold_all(NULL, "c:anna", events, COUNT_OF(events), INT64_MAX, &arena),
                    MINUTES(5));
    assert_true(x.values[FEATURE_AFTER_ADD] == 2);
    assert_true(x.values[FEATURE_VIEWS_AFTER_ADD] == 1);
    assert_true(x.values[FEATURE_COUPON_AGE] == 3);
    assert_true(x.values[FEATURE_CHECKOUT_QUIET] == 0);
}

/* Of what is sold by weight a line may cost less than the least there is. */
static void the_dearest_line_may_be_less_than_a_minor_unit(void **state)
{
    (void)state;
    struct event events[] = {an_event(EVENT_CART_ITEM_ADDED, .sku = "salt", .price = 1),
                             an_event(EVENT_CART_ITEM_ADDED, .sku = "tea", .price = 1)};
    struct shopper *s = shopper_after(events, 2);
    for (size_t i = 0; i < 2; i++) {
        s->carts[0].lines[i].quantity_milli = 600;
    }
    struct features x = features_at(s, MINUTES(1));
    assert_true(x.values[FEATURE_TOP_SHARE] == 0.6 / x.values[FEATURE_TOTAL]);
}

static void what_is_not_known_is_missing_and_not_zero(void **state)
{
    struct event events[] = {an_event(EVENT_CART_ITEM_ADDED, .sku = "shoe")};
    const enum feature_id missing[] = {FEATURE_TOTAL,
                                       FEATURE_PRICE_MAX,
                                       FEATURE_SHIPPING_COST,
                                       FEATURE_SHIPPING_SHARE,
                                       FEATURE_CHECKOUT_AGE,
                                       FEATURE_ORDER_AGE,
                                       FEATURE_REMOVE_AGE,
                                       FEATURE_SEARCH_AGE,
                                       FEATURE_GAP_1,
                                       FEATURE_AWAY,
                                       FEATURE_PRICE_TO_VIEWED,
                                       FEATURE_TOTAL_TO_ORDER,
                                       FEATURE_REFUND_SHARE,
                                       FEATURE_LOCAL_HOUR,
                                       FEATURE_TASTE,
                                       FEATURE_COHERENCE,
                                       FEATURE_SHOP_BUYING,
                                       FEATURE_SHOP_TREND,
                                       FEATURE_PRICE_MIN,
                                       FEATURE_PRICE_MEAN,
                                       FEATURE_PRICE_SPREAD,
                                       FEATURE_TOP_SHARE,
                                       FEATURE_SHIPPING_AGE,
                                       FEATURE_PAYMENT_INFO_AGE,
                                       FEATURE_PAYMENT_FAILED_AGE,
                                       FEATURE_COUPON_AGE,
                                       FEATURE_ORDER_VALUE,
                                       FEATURE_VIEW_AGE,
                                       FEATURE_GAP_MEAN,
                                       FEATURE_IDLE_TO_PACE,
                                       FEATURE_AFTER_SHIPPING,
                                       FEATURE_VIEWED_AGAIN_AGE,
                                       FEATURE_CHEAPER_VIEWED,
                                       FEATURE_PRICE_TO_BOUGHT,
                                       FEATURE_KNOWN_LINES};
    (void)state;
    struct features x = features_at(shopper_after(events, 1), MINUTES(1));
    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        assert_true(isnan(x.values[missing[i]]));
    }
    assert_null(x.ids[FEATURE_DEVICE]);
    assert_null(x.ids[FEATURE_LAST_2]);
    assert_string_equal(x.currency, "");
}

static void nothing_is_ever_infinite_in_a_row(void **state)
{
    struct event free_gift[] = {an_event(EVENT_CART_ITEM_ADDED, .sku = "gift"),
                                an_event(EVENT_SHIPPING_SHOWN, .amount = 500)};
    (void)state;
    struct features x = features_at(shopper_after(free_gift, 2), 0);
    struct risk_example flat = risk_flatten(&x);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        if (feature_def((enum feature_id)f)->kind != FEATURE_ID) {
            bool endless = isinf(flat.cells[f].number);
            assert_false(endless);
        }
    }
}

static void the_same_state_and_time_give_the_same_bits(void **state)
{
    (void)state;
    struct features one = features_at(a_shopper_at_the_checkout(), MINUTES(33));
    struct features two = features_at(a_shopper_at_the_checkout(), MINUTES(33));
    assert_memory_equal(one.values, two.values, sizeof one.values);
}

static void what_was_taken_out_and_put_back_is_told_apart(void **state)
{
    struct event events[] = {
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(1), .sku = "shoe"),
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(2), .sku = "sock"),
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(3), .sku = "hat"),
        an_event(EVENT_CART_ITEM_REMOVED, .at = MINUTES(4), .sku = "sock"),
        an_event(EVENT_CART_ITEM_REMOVED, .at = MINUTES(5), .sku = "hat"),
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(6), .sku = "hat"),
    };
    (void)state;
    struct features x = features_at(shopper_after(events, COUNT_OF(events)), MINUTES(7));
    assert_true(x.values[FEATURE_TAKEN_OUT] == 1);   /* the sock */
    assert_true(x.values[FEATURE_ADDED_AGAIN] == 1); /* the hat */
    assert_true(fabs(x.values[FEATURE_REMOVED_SHARE] - 2. / 6) < 1e-12);
}

static void a_return_after_a_pause_is_a_visit_of_its_own(void **state)
{
    struct event events[] = {
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(0), .sku = "shoe"),
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(100), .sku = "shoe"),
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(102), .sku = "sock"),
    };
    (void)state;
    struct features x = features_at(shopper_after(events, COUNT_OF(events)), MINUTES(106));
    assert_true(x.values[FEATURE_RETURNS] == 1);
    assert_true(x.values[FEATURE_AWAY] == 100);
    assert_true(x.values[FEATURE_VISIT_LENGTH] == 2);
    assert_true(fabs(x.values[FEATURE_IDLE_TO_PACE] - 4 / (2 + 1. / 6)) < 1e-12);
    assert_true(x.values[FEATURE_VIEWED_IN_CART] == 0);
}

/* ---- where the shopper is ---- */

static void the_hour_is_the_shoppers_own(void **state)
{
    static const struct {
        const char *zone;
        int64_t at_us;
        int minutes;
    } expected[] = {
        {"UTC", TEST_DAY_US, 0},
        {"Europe/Berlin", TEST_DAY_US, 120},
        {"Europe/Berlin", INT64_C(1572137999000000), 120}, /* 2019-10-27T00:59:59Z */
        {"Europe/Berlin", INT64_C(1572138000000000), 60},
        {"Europe/London", INT64_C(1553993999000000), 0}, /* 2019-03-31T00:59:59Z */
        {"Europe/London", INT64_C(1553994000000000), 60},
        {"America/New_York", INT64_C(1572764400000000), -300}, /* 2019-11-03T07:00Z */
        {"America/New_York", TEST_DAY_US, -240},
        {"Australia/Sydney", INT64_C(1577836800000000), 660}, /* January */
        {"Australia/Sydney", INT64_C(1561939200000000), 600}, /* July */
        {"Asia/Kolkata", TEST_DAY_US, 330},
        {"-03:30", TEST_DAY_US, -210},
        {"Africa/Cairo", INT64_C(1689336000000000), 180}, /* July 2023: summer time is back */
        {"Australia/Lord_Howe", INT64_C(1577836800000000), 660}, /* half an hour of summer time */
        {"America/Nuuk", INT64_C(1577836800000000), -180},
    };
    int seconds;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_true(local_time_offset(expected[i].zone, expected[i].at_us, &seconds));
        assert_int_equal(seconds, expected[i].minutes * 60);
    }
    assert_false(local_time_offset("Mars/Olympus", TEST_DAY_US, &seconds));
    assert_false(local_time_offset("../../../etc/localtime", TEST_DAY_US, &seconds));
    assert_false(local_time_offset("/usr/share/zoneinfo/Europe/Berlin", TEST_DAY_US, &seconds));
    assert_false(local_time_offset("Europe", TEST_DAY_US, &seconds));
    assert_false(local_time_offset("", TEST_DAY_US, &seconds));
    assert_false(local_time_offset("+25:00", TEST_DAY_US, &seconds));
    assert_false(local_time_offset(NULL, TEST_DAY_US, &seconds));
}

/* ---- the shop ---- */

static void rates_know_no_day_that_had_not_ended_a_day_before(void **state)
{
    struct shop_day days[40];
    struct shop_days some = {days, 40};
    (void)state;
    for (int i = 0; i < 40; i++) {
        days[i] = (struct shop_day){.day = 100 + i, .adds = 60, .orders = 40};
    }
    int64_t noon_us = DAYS(138) + HOURS(12); /* the last that counts is 136 */
    struct shop_rates before = shop_days_rates(&some, noon_us);
    days[37].orders = days[38].orders = 100000;
    struct shop_rates after = shop_days_rates(&some, noon_us);
    assert_memory_equal(&before, &after, sizeof before);
    assert_true(fabs(before.buying - .4) < .001 && fabs(before.trend - 1) < .001);
    days[36].orders = 100000;
    assert_true(shop_days_rates(&some, noon_us).buying > .9);
    assert_true(isnan(shop_days_rates(&some, DAYS(100)).buying)); /* nothing was known yet */
}

static void a_time_before_the_last_event_counts_as_that_event(void **state)
{
    (void)state;
    struct features before = features_at(a_shopper_at_the_checkout(), MINUTES(5));
    assert_true(before.values[FEATURE_IDLE] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_feature_is_documented),
        cmocka_unit_test(the_table_changes_only_on_purpose),
        cmocka_unit_test_teardown(a_cart_is_told_in_numbers, forget),
        cmocka_unit_test_teardown(shares_of_the_past_are_of_what_they_say, forget),
        cmocka_unit_test_teardown(of_little_it_is_told_what_there_is, forget),
        cmocka_unit_test_teardown(the_dearest_line_may_be_less_than_a_minor_unit, forget),
        cmocka_unit_test_teardown(what_is_not_known_is_missing_and_not_zero, forget),
        cmocka_unit_test_teardown(nothing_is_ever_infinite_in_a_row, forget),
        cmocka_unit_test_teardown(the_same_state_and_time_give_the_same_bits, forget),
        cmocka_unit_test_teardown(what_was_taken_out_and_put_back_is_told_apart, forget),
        cmocka_unit_test_teardown(a_return_after_a_pause_is_a_visit_of_its_own, forget),
        cmocka_unit_test(the_hour_is_the_shoppers_own),
        cmocka_unit_test(rates_know_no_day_that_had_not_ended_a_day_before),
        cmocka_unit_test_teardown(a_time_before_the_last_event_counts_as_that_event, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
