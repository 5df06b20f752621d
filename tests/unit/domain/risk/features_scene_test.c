/* One long scene in which every feature has something to say, and what each must say; another in which things happen more
 * than once; then the edges that numbers of a scene do not reach: the moment a checkout and a change share, weekends, and a
 * model that knows too much. */
#include "base/cleanup.h"
#include "domain/affinity/affinity_file.h"
#include "domain/risk/features.h"
#include "ml/als/als.h"
#include "ml/linear/mat.h"
#include "support/spec.h"
#include "unit/domain/affinity/affinity_spec.h"
#include "unit/domain/an_event.h"

#include <math.h>

static struct arena arena;
static struct buf held;

static int forget(void **state)
{
    (void)state;
    arena_free(&arena);
    buf_free(&held);
    forget_events();
    return 0;
}

/* Three products whose factors are easy to tell: shoe and sock at right angles, lamp like the shoe. Trained on a log that
 * ended at as_of_us. */
static struct affinity *a_model(int64_t as_of_us)
{
    static const struct affinity_item items[] = {{.id = "shoe", .popularity = 3},
                                                 {.id = "sock", .popularity = 2},
                                                 {.id = "lamp", .popularity = 1}};
    struct als_options options = als_defaults();
    struct mat factors = mat_make(3, 4);
    struct buf bytes = {0};
    uint8_t sha256[SHA256_BYTES];
    struct err err = {0};
    struct affinity *model = NULL;
    options.factors = 4;
    mat_row(&factors, 0)[0] = 2;
    mat_row(&factors, 1)[1] = 1;
    mat_row(&factors, 2)[0] = 1;
    struct affinity_parts parts = {.items = items,
                                   .count = 3,
                                   .trained = 3,
                                   .factors = &factors,
                                   .options = &options,
                                   .from_us = TEST_DAY_US - DAYS(9),
                                   .as_of_us = as_of_us,
                                   .card = "{}"};
    if (!affinity_write(&parts, &bytes, sha256, &err) || !try_loading(&bytes, &model, &err)) {
        fail_msg("%s", err.text);
    }
    mat_free(&factors);
    buf_free(&held); /* of the model before; a model reads its file's bytes where they are */
    held = bytes;
    return model;
}

#define DAY(d, hour, minute) (DAYS(d) + HOURS(hour) + MINUTES(minute))

static struct shopper *the_shopper(void)
{
    struct event events[] = {
        an_event(EVENT_PRODUCT_VIEWED, .at = DAY(0, 10, 0), .sku = "boots", .price = 8000),
        an_event(EVENT_PURCHASE, .at = DAY(0, 10, 5), .sku = "lamp", .quantity = 2, .price = 3000,
                 .order = "o1", .amount = 6000),
        an_event(EVENT_REFUND, .at = DAY(3, 9, 0), .order = "o1"),
        /* a visit that fills the cart */
        an_event(EVENT_PRODUCT_VIEWED, .at = DAY(10, 12, 0), .sku = "shoe", .price = 5000),
        an_event(EVENT_CART_ITEM_ADDED, .at = DAY(10, 12, 1), .cart = "c1", .sku = "shoe",
                 .quantity = 2, .price = 5000),
        an_event(EVENT_CART_ITEM_ADDED, .at = DAY(10, 12, 3), .sku = "hat", .price = 1000),
        an_event(EVENT_CART_ITEM_ADDED, .at = DAY(10, 12, 4), .sku = "sock", .price = 2000),
        an_event(EVENT_CART_ITEM_REMOVED, .at = DAY(10, 12, 5), .sku = "hat"),
        an_event(EVENT_CART_ITEM_REMOVED, .at = DAY(10, 12, 6), .sku = "sock"),
        an_event(EVENT_CART_ITEM_ADDED, .at = DAY(10, 12, 7), .sku = "sock", .price = 2000),
        an_event(EVENT_WISHLIST_ADDED, .at = DAY(10, 12, 8), .sku = "boots"),
        an_event(EVENT_PAGE_VIEWED, .at = DAY(10, 12, 9), .subject = "returns"),
        an_event(EVENT_PAGE_VIEWED, .at = DAY(10, 12, 10), .subject = "delivery"),
        an_event(EVENT_PAGE_VIEWED, .at = DAY(10, 12, 11), .subject = "size guide"),
        an_event(EVENT_PAGE_VIEWED, .at = DAY(10, 12, 12), .subject = "reviews"),
        an_event(EVENT_SEARCHED, .at = DAY(10, 12, 13), .subject = "lamp"),
        /* and one that tries to pay */
        an_event(EVENT_PRODUCT_VIEWED, .at = DAY(10, 14, 0), .sku = "lamp", .price = 900),
        an_event(EVENT_PRODUCT_VIEWED, .at = DAY(10, 14, 2), .sku = "shoe", .price = 5000),
        an_event(EVENT_CHECKOUT_STARTED, .at = DAY(10, 14, 3)),
        an_event(EVENT_CHECKOUT_STEP, .at = DAY(10, 14, 4), .subject = "2"),
        an_event(EVENT_SHIPPING_SHOWN, .at = DAY(10, 14, 5), .amount = 600),
        an_event(EVENT_PAYMENT_INFO, .at = DAY(10, 14, 6)),
        an_event(EVENT_PAYMENT_FAILED, .at = DAY(10, 14, 7)),
        an_event(EVENT_COUPON_ENTERED, .at = DAY(10, 14, 8), .subject = "X"),
        an_event(EVENT_COUPON_APPLIED, .at = DAY(10, 14, 9), .subject = "X"),
        an_event(EVENT_DERIVED_OUTREACH_RELEASED, .at = DAY(10, 14, 10), .cart = "c1",
                 .origin = ORIGIN_DERIVED),
        an_event(EVENT_CART_ITEM_ADDED, .at = DAY(10, 14, 12), .sku = "sock", .price = 2000),
    };
    events[0].device = "phone";
    events[0].channel = "newsletter";
    events[0].campaign = "autumn";
    events[0].locale = "de-DE";
    events[0].timezone = "Europe/Berlin";
    return shopper_fold_all(NULL, "c:anna", events, COUNT_OF(events), INT64_MAX, &arena);
}

// NOLINTNEXTLINE(readability-function-size): as long as the table of features
static void every_feature_has_its_value(void **state)
{
    const struct {
        enum feature_id feature;
        double value;
    } numbers[] = {
        {FEATURE_IDLE, 8},
        {FEATURE_OPEN, 139},
        {FEATURE_UNCHANGED, 8},
        {FEATURE_LINES, 2},
        {FEATURE_UNITS, 4},
        {FEATURE_TOTAL, 14000},
        {FEATURE_PRICE_MAX, 5000},
        {FEATURE_PRICE_MIN, 2000},
        {FEATURE_ADDS, 5},
        {FEATURE_REMOVES, 2},
        {FEATURE_VIEWS, 2},
        {FEATURE_LINE_VIEWS, 1},
        {FEATURE_SEARCHES, 1},
        {FEATURE_ROUND_EVENTS, 22},
        {FEATURE_CHECKOUT, 1},
        {FEATURE_CHECKOUT_AGE, 17},
        {FEATURE_CHECKOUT_STEP, 2},
        {FEATURE_SHIPPING, 1},
        {FEATURE_SHIPPING_COST, 600},
        {FEATURE_SHIPPING_SHARE, 600. / 14000},
        {FEATURE_PAYMENT_INFO, 1},
        {FEATURE_PAYMENT_FAILED, 1},
        {FEATURE_COUPON_ENTERED, 1},
        {FEATURE_COUPON_APPLIED, 1},
        {FEATURE_COUPON_DENIED, 0},
        {FEATURE_PAGES_RETURNS, 1},
        {FEATURE_PAGES_SHIPPING, 1},
        {FEATURE_PAGES_SIZE, 1},
        {FEATURE_PAGES_REVIEWS, 1},
        {FEATURE_ROUND, 1},
        {FEATURE_CONTACTED, 1},
        {FEATURE_LINE_AGE_MAX, 139},
        {FEATURE_LINE_AGE_MIN, 133},
        {FEATURE_UNITS_PER_LINE, 2},
        {FEATURE_PRICE_MEAN, 3500},
        {FEATURE_PRICE_SPREAD, 2.5},
        {FEATURE_TOP_SHARE, 10. / 14},
        {FEATURE_REMOVED_SHARE, 2. / 7},
        {FEATURE_OTHER_VIEWS, 1},
        {FEATURE_VIEWS_PER_LINE, 0.5},
        {FEATURE_SHIPPING_AGE, 15},
        {FEATURE_PAYMENT_INFO_AGE, 14},
        {FEATURE_PAYMENT_FAILED_AGE, 13},
        {FEATURE_COUPON_AGE, 11},
        {FEATURE_DOUBT_PAGES, 4},
        {FEATURE_CHANGED_SINCE_CHECKOUT, 1},
        {FEATURE_CHECKOUT_QUIET, 0},
        {FEATURE_CUSTOMER, 1},
        {FEATURE_EVENTS, 26},
        {FEATURE_ALL_VIEWS, 4},
        {FEATURE_ORDERS, 1},
        {FEATURE_REFUNDS, 1},
        {FEATURE_SPENT, 6000},
        {FEATURE_SESSIONS, 3},
        {FEATURE_KNOWN, 10 + 260. / 1440},
        {FEATURE_ORDER_AGE, 10 + 255. / 1440},
        {FEATURE_UNITS_BOUGHT, 2},
        {FEATURE_REFUND_SHARE, 1},
        {FEATURE_ORDER_VALUE, 6000},
        {FEATURE_TOTAL_TO_ORDER, 14. / 6},
        {FEATURE_ORDERS_PER_VISIT, 1. / 3},
        {FEATURE_EVENTS_PER_VISIT, 26. / 3},
        {FEATURE_VISITS_PER_WEEK, 3 / ((10 + 260. / 1440) / 7)},
        {FEATURE_VIEW_AGE, 18},
        {FEATURE_ADD_AGE, 8},
        {FEATURE_REMOVE_AGE, 134},
        {FEATURE_SEARCH_AGE, 127},
        {FEATURE_EVENTS_10M, 1},
        {FEATURE_EVENTS_60M, 10},
        {FEATURE_RECENT_PRODUCTS, 5},
        {FEATURE_GAP_1, 3},
        {FEATURE_GAP_MEAN, 12. / 9},
        {FEATURE_IDLE_TO_PACE, 8 / (12. / 9 + 1. / 6)},
        {FEATURE_VISIT_LENGTH, 12},
        {FEATURE_VISIT_EVENTS, 10},
        {FEATURE_RETURNS, 1},
        {FEATURE_AWAY, 107},
        {FEATURE_DISTINCT_TYPES, 9},
        {FEATURE_AFTER_ADD, 0},
        {FEATURE_VIEWS_AFTER_ADD, 0},
        {FEATURE_AFTER_SHIPPING, 5},
        {FEATURE_VIEWED_AGAIN, 1},
        {FEATURE_VIEWED_AGAIN_AGE, 18},
        {FEATURE_VIEWED_IN_CART, 1},
        {FEATURE_TAKEN_OUT, 1},
        {FEATURE_ADDED_AGAIN, 1},
        {FEATURE_CHEAPER_VIEWED, 1},
        {FEATURE_PRICE_TO_VIEWED, 3500. / 4725},
        {FEATURE_PRICE_TO_BOUGHT, 3500. / 3000},
        {FEATURE_WISHED, 1},
        {FEATURE_HOUR, 14},
        {FEATURE_WEEKDAY, 4},
        {FEATURE_LOCAL_HOUR, 16},
        {FEATURE_LOCAL_WEEKEND, 0},
        {FEATURE_TASTE, .5 + sqrt(.125)},
        {FEATURE_COHERENCE, 0.5},
        {FEATURE_KNOWN_LINES, 1},
        {FEATURE_SHOP_BUYING, .4},
        {FEATURE_SHOP_TREND, 1},
    };
    const struct {
        enum feature_id feature;
        const char *id;
    } ids[] = {
        {FEATURE_LAST_1, "cart_item_added"}, {FEATURE_LAST_2, "coupon_applied"},
        {FEATURE_LAST_3, "coupon_entered"},  {FEATURE_LAST_4, "payment_failed"},
        {FEATURE_LAST_5, "payment_info"},    {FEATURE_NEWEST_PRODUCT, "sock"},
        {FEATURE_DEAREST_PRODUCT, "shoe"},   {FEATURE_VIEWED_PRODUCT, "shoe"},
        {FEATURE_DEVICE, "phone"},           {FEATURE_CHANNEL, "newsletter"},
        {FEATURE_CAMPAIGN, "autumn"},        {FEATURE_LOCALE, "de-DE"},
        {FEATURE_TIMEZONE, "Europe/Berlin"},
    };
    CLEANUP(affinity_free) struct affinity *model = a_model(TEST_DAY_US);
    struct shop_day days[40];
    struct shop_days shop = {days, COUNT_OF(days)};
    struct feature_context context = {.affinity = model, .days = &shop};
    struct shopper *s = the_shopper();
    struct features x;
    (void)state;
    for (int i = 0; i < 40; i++) {
        int last_day = (int)(TEST_DAY_US / DAYS(1)) + 10;
        days[i] = (struct shop_day){.day = last_day - 39 + i, .adds = 60, .orders = 40};
    }
    features_of(s, shopper_open_cart(s), TEST_DAY_US + DAY(10, 14, 20), &context, &x);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        if (!(fabs(x.values[numbers[i].feature] - numbers[i].value) < 1e-9)) {
            fail_msg("%s is %.12g, not %.12g", feature_def(numbers[i].feature)->name,
                     x.values[numbers[i].feature], numbers[i].value);
        }
    }
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        assert_string_equal(x.ids[ids[i].feature], ids[i].id);
    }
    assert_int_equal(COUNT_OF(numbers) + COUNT_OF(ids),
                     FEATURE_COUNT); /* a new one is told here too */
}

/* ---- a cart that was looked at again and again ---- */

static struct shopper *the_hesitant_shopper(void)
{
    struct event events[] = {
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(0), .sku = "boots", .price = 8000),
        /* the visit that opens the cart: a return, but none to it */
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(41), .sku = "shoe", .price = 4000),
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(42), .sku = "hat", .price = 2000),
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(43), .sku = "sock", .price = 500),
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(44), .sku = "belt"),
        an_event(EVENT_WISHLIST_ADDED, .at = MINUTES(44), .sku = "tie"),
        an_event(EVENT_CART_ITEM_REMOVED, .at = MINUTES(45), .sku = "sock"),
        an_event(EVENT_CART_ITEM_REMOVED, .at = MINUTES(46), .sku = "belt"),
        an_event(EVENT_CART_ITEM_REMOVED, .at = MINUTES(46)),
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(47), .sku = "belt"),
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(48), .sku = "scarf", .price = 3000),
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(48), .sku = "scarf", .price = 3000),
        an_event(EVENT_WISHLIST_ADDED, .at = MINUTES(49), .sku = "boots"),
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(51), .sku = "shoe", .price = 4000),
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(52), .sku = "hat", .price = 2000),
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(53), .sku = "shoe", .price = 4100),
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(53)),
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(54), .sku = "sock", .price = 600),
        an_event(EVENT_SEARCHED, .at = MINUTES(120), .subject = "tie"),
        an_event(EVENT_SHIPPING_SHOWN, .at = MINUTES(121), .amount = 490),
        an_event(EVENT_PAGE_VIEWED, .at = MINUTES(122), .subject = "returns"),
        an_event(EVENT_PAGE_VIEWED, .at = MINUTES(123), .subject = "reviews"),
    };
    return shopper_fold_all(NULL, "a:x", events, COUNT_OF(events), INT64_MAX, &arena);
}

static struct features features_at(const struct shopper *s, int64_t at)
{
    struct features x;
    features_of(s, shopper_open_cart(s), TEST_DAY_US + at, NULL, &x);
    return x;
}

static void what_was_done_twice_counts_twice(void **state)
{
    static const struct {
        enum feature_id feature;
        double value;
    } expected[] = {
        {FEATURE_AFTER_ADD, 10},
        {FEATURE_VIEWS_AFTER_ADD, 5},
        {FEATURE_AFTER_SHIPPING, 2},
        {FEATURE_VIEWED_AGAIN, 2},
        {FEATURE_VIEWED_AGAIN_AGE, 77},
        {FEATURE_VIEWED_IN_CART, 0},
        {FEATURE_TAKEN_OUT, 2},
        {FEATURE_ADDED_AGAIN, 0},
        {FEATURE_WISHED, 2},
        {FEATURE_CHEAPER_VIEWED, 2},
        {FEATURE_PRICE_TO_VIEWED, 3000. / (21700. / 6)}, /* the belt's price is not known */
        {FEATURE_RECENT_PRODUCTS, 7},
        {FEATURE_RETURNS, 1},
        {FEATURE_DISTINCT_TYPES, 5}, /* a wish is the tenth of the last, an addition the eleventh */
        {FEATURE_EVENTS_10M, 3},
        {FEATURE_EVENTS_60M, 4},
        {FEATURE_GAP_1, 1},
        {FEATURE_GAP_MEAN, 1},
        {FEATURE_AWAY, 66},
        {FEATURE_VISIT_EVENTS, 4},
        {FEATURE_VISIT_LENGTH, 3},
        {FEATURE_REMOVE_AGE, 84},
        {FEATURE_OPEN, 89},
        {FEATURE_UNCHANGED, 82},
        {FEATURE_CUSTOMER, 0},
        {FEATURE_SESSIONS, 3},
    };
    (void)state;
    struct features x = features_at(the_hesitant_shopper(), MINUTES(130));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        if (!(fabs(x.values[expected[i].feature] - expected[i].value) < 1e-9)) {
            fail_msg("%s is %.12g, not %.12g", feature_def(expected[i].feature)->name,
                     x.values[expected[i].feature], expected[i].value);
        }
    }
    assert_true(isnan(x.values[FEATURE_PRICE_TO_BOUGHT]));
}

/* Arrays are longer than what is in them, and what was there before stays behind the end. */
static void what_lies_behind_the_last_event_and_line_is_not_read(void **state)
{
    static const enum event_type types[] = {EVENT_PRODUCT_VIEWED, EVENT_CART_ITEM_ADDED,
                                            EVENT_CART_ITEM_REMOVED, EVENT_PURCHASE,
                                            EVENT_WISHLIST_ADDED};
    static char shoe[] = "shoe";
    static char other[] = "zebra";
    (void)state;
    struct shopper *s = the_hesitant_shopper();
    struct cart *c = &s->carts[0];
    struct features clean = features_at(s, MINUTES(130));

    assert_int_equal(c->line_count, 3); /* of four */
    c->lines[3] = (struct cart_line){.product_id = other,
                                     .quantity_milli = 7000,
                                     .price_minor = 9000,
                                     .added_us = 1,
                                     .touched_us = INT64_MAX};
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        s->recent[s->recent_count] =
            (struct recent_event){types[i], s->last_us + HOURS(1), i % 2 == 0 ? shoe : other, 1};
        struct features x = features_at(s, MINUTES(130));
        assert_memory_equal(x.values, clean.values, sizeof x.values);
        assert_memory_equal(x.ids, clean.ids, sizeof x.ids);
    }
}

/* ---- edges ---- */

static double value_of(struct event *events, size_t count, int64_t at, enum feature_id feature)
{
    struct shopper *s = shopper_fold_all(NULL, "c:anna", events, count, INT64_MAX, &arena);
    struct features x;
    features_of(s, shopper_open_cart(s), TEST_DAY_US + at, NULL, &x);
    return x.values[feature];
}

static void a_change_in_the_moment_of_the_checkout_is_no_change_after_it(void **state)
{
    struct event same[] = {
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(1), .sku = "shoe"),
        an_event(EVENT_CHECKOUT_STARTED, .at = MINUTES(1)),
    };
    struct event after[] = {
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(1), .sku = "shoe"),
        an_event(EVENT_CHECKOUT_STARTED, .at = MINUTES(1)),
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(1) + 1, .sku = "sock"),
    };
    (void)state;
    assert_true(value_of(same, 2, MINUTES(2), FEATURE_CHANGED_SINCE_CHECKOUT) == 0);
    assert_true(value_of(same, 2, MINUTES(2), FEATURE_CHECKOUT_QUIET) == 1);
    assert_true(value_of(after, 3, MINUTES(2), FEATURE_CHANGED_SINCE_CHECKOUT) == 1);
    assert_true(value_of(after, 3, MINUTES(2), FEATURE_CHECKOUT_QUIET) == 0);
}

static void the_weekend_is_saturday_and_sunday_where_the_shopper_is(void **state)
{
    /* 2019-10-04 was a Friday */
    static const struct {
        int64_t at;
        const char *zone;
        double weekend, weekday;
    } expected[] = {
        {DAY(3, 23, 59), NULL, 0, 4},
        {DAY(4, 0, 0), NULL, 1, 5},
        {DAY(5, 23, 59), NULL, 1, 6},
        {DAY(6, 0, 0), NULL, 0, 0},
        {DAY(3, 22, 0), "Europe/Berlin", 1, 4},   /* Saturday there, Friday in UTC */
        {DAY(5, 22, 0), "Europe/Berlin", 0, 6},   /* Monday there */
        {DAY(4, 3, 0), "America/New_York", 0, 5}, /* Friday there */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        struct event e = an_event(EVENT_CART_ITEM_ADDED, .sku = "shoe");
        e.timezone = expected[i].zone;
        assert_true(value_of(&e, 1, expected[i].at, FEATURE_LOCAL_WEEKEND) == expected[i].weekend);
        assert_true(value_of(&e, 1, expected[i].at, FEATURE_WEEKDAY) == expected[i].weekday);
    }
}

static void a_model_is_not_asked_about_a_moment_before_its_log_ended(void **state)
{
    static const enum feature_id of_model[] = {FEATURE_TASTE, FEATURE_COHERENCE,
                                               FEATURE_KNOWN_LINES};
    const int64_t now_us = TEST_DAY_US + DAY(10, 14, 20);
    (void)state;
    struct shopper *s = the_shopper();
    for (int64_t ahead_us = -1; ahead_us <= 1; ahead_us++) {
        CLEANUP(affinity_free) struct affinity *model = a_model(now_us + ahead_us);
        struct feature_context context = {.affinity = model};
        struct features x;
        features_of(s, shopper_open_cart(s), now_us, &context, &x);
        for (size_t i = 0; i < COUNT_OF(of_model); i++) {
            assert_int_equal(isnan(x.values[of_model[i]]), ahead_us > 0);
        }
    }
}

static void events_on_the_edge_of_a_window_are_outside_of_it(void **state)
{
    struct event events[] = {
        an_event(EVENT_SEARCHED, .at = 0),
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(50), .sku = "shoe"),
        an_event(EVENT_SEARCHED, .at = MINUTES(60)),
    };
    (void)state;
    assert_true(value_of(events, 3, MINUTES(60), FEATURE_EVENTS_10M) == 1);
    assert_true(value_of(events, 3, MINUTES(60) - 1, FEATURE_EVENTS_10M) ==
                1); /* counts as the last event's time */
    assert_true(value_of(events, 2, MINUTES(60) - 1, FEATURE_EVENTS_10M) == 1);
    assert_true(value_of(events, 3, MINUTES(60), FEATURE_EVENTS_60M) == 2);
    assert_true(value_of(events, 2, MINUTES(60) - 1, FEATURE_EVENTS_60M) == 2);
}

static void a_pause_of_thirty_minutes_to_the_microsecond_is_still_one_visit(void **state)
{
    struct event together[] = {
        an_event(EVENT_CART_ITEM_ADDED, .at = 0, .sku = "shoe"),
        an_event(EVENT_SEARCHED, .at = MINUTES(30)),
    };
    struct event apart[] = {
        an_event(EVENT_CART_ITEM_ADDED, .at = 0, .sku = "shoe"),
        an_event(EVENT_SEARCHED, .at = MINUTES(30) + 1),
    };
    (void)state;
    assert_true(value_of(together, 2, MINUTES(31), FEATURE_VISIT_EVENTS) == 2);
    assert_true(value_of(together, 2, MINUTES(31), FEATURE_RETURNS) == 0);
    assert_true(value_of(together, 2, MINUTES(31), FEATURE_SESSIONS) == 1);
    assert_true(value_of(apart, 2, MINUTES(31), FEATURE_VISIT_EVENTS) == 1);
    assert_true(value_of(apart, 2, MINUTES(31), FEATURE_RETURNS) == 1);
    assert_true(value_of(apart, 2, MINUTES(31), FEATURE_SESSIONS) == 2);
}

static void of_equals_the_first_by_id_is_the_newest_and_the_dearest(void **state)
{
    struct event both = an_event(EVENT_CART_ITEM_ADDED, .sku = "hat", .price = 500, .sku2 = "shoe");
    (void)state;
    both.items[1].price_minor = 500;
    memcpy(both.items[1].currency, "EUR", sizeof both.items[1].currency);
    struct features x =
        features_at(shopper_fold_all(NULL, "c:anna", &both, 1, INT64_MAX, &arena), 1);
    assert_string_equal(x.ids[FEATURE_NEWEST_PRODUCT], "hat");
    assert_string_equal(x.ids[FEATURE_DEAREST_PRODUCT], "hat");
}

static void an_order_of_unknown_worth_is_an_order_without_a_value(void **state)
{
    struct event events[] = {
        an_event(EVENT_PURCHASE, .at = 0, .sku = "lamp"),
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(1), .sku = "shoe", .price = 500),
    };
    (void)state;
    assert_true(isnan(value_of(events, 2, MINUTES(2), FEATURE_ORDER_VALUE)));
    assert_true(isnan(value_of(events, 2, MINUTES(2), FEATURE_TOTAL_TO_ORDER)));
    assert_true(value_of(events, 2, MINUTES(2), FEATURE_ORDERS_PER_VISIT) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_feature_has_its_value, forget),
        cmocka_unit_test_teardown(what_was_done_twice_counts_twice, forget),
        cmocka_unit_test_teardown(what_lies_behind_the_last_event_and_line_is_not_read, forget),
        cmocka_unit_test_teardown(of_equals_the_first_by_id_is_the_newest_and_the_dearest, forget),
        cmocka_unit_test_teardown(an_order_of_unknown_worth_is_an_order_without_a_value, forget),
        cmocka_unit_test_teardown(a_change_in_the_moment_of_the_checkout_is_no_change_after_it,
                                  forget),
        cmocka_unit_test_teardown(the_weekend_is_saturday_and_sunday_where_the_shopper_is, forget),
        cmocka_unit_test_teardown(a_model_is_not_asked_about_a_moment_before_its_log_ended, forget),
        cmocka_unit_test_teardown(events_on_the_edge_of_a_window_are_outside_of_it, forget),
        cmocka_unit_test_teardown(a_pause_of_thirty_minutes_to_the_microsecond_is_still_one_visit,
                                  forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
