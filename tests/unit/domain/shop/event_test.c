#include "domain/shop/event.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hash.h"
#include "domain/shop/event_hints.h"
#include "domain/shop/money.h"
#include "support/event_twice.h"
#include "support/spec.h"

#include <stdio.h>

#define NOW_TEXT "2019-10-01T04:00:00Z"
#define NOW_US   INT64_C(1569902400000000)

static struct arena arena;

static int empty_the_arena(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* A valid event; rest are further members, each with its comma before it. */
static const char *event_text(const char *type, const char *rest)
{
    return arena_printf(&arena,
                        "{\"event_id\":\"e1\",\"type\":\"%s\",\"customer_id\":\"anna\","
                        "\"anonymous_id\":\"x\",\"occurred_at\":\"" NOW_TEXT "\"%s}",
                        type, rest);
}

static struct event decoded(const char *json)
{
    struct err err = {0};
    struct event e;

    if (!event_text_twice(json, strlen(json), ORIGIN_API, NOW_US, &arena, &e, &err)) {
        fail_msg("%s: %s: %s", json, err.path, err.text);
    }
    return e;
}

static void expect_refused(const char *json, const char *path, const char *text)
{
    struct err err = {0};
    struct event e = {.round = 77};

    assert_false(event_text_twice(json, strlen(json), ORIGIN_API, NOW_US, &arena, &e, &err));
    assert_string_equal(err.path, path);
    assert_string_equal(err.text, text);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_int_equal(e.round, 77);
}

/* ---- what is read ---- */

static void a_full_event_is_read_whole(void **state)
{
    (void)state;
    struct event e = decoded(event_text(
        "cart_item_added",
        ",\"cart_id\":\"c9\",\"order_id\":\"o1\",\"session_id\":\"s1\",\"context\":{\"locale\":"
        "\"de-DE\",\"timezone\":\"Europe/Berlin\",\"device\":\"phone\",\"channel\":\"web\","
        "\"user_agent\":\"Firefox\",\"campaign\":\"fall\",\"own\":{\"x\":[1]}},\"properties\":{"
        "\"free\":true},\"items\":[{\"product_id\":\"p1\",\"quantity\":3,\"price_minor\":499,"
        "\"currency\":\"EUR\"},{\"product_id\":\"p2\"}]"));

    assert_int_equal(e.type, EVENT_CART_ITEM_ADDED);
    assert_string_equal(e.sort_id, "e1");
    assert_string_equal(e.cart_id, "c9");
    assert_string_equal(e.timezone, "Europe/Berlin");
    assert_string_equal(e.campaign, "fall");
    assert_int_equal(e.item_count, 2);
    assert_int_equal(e.items[0].price_minor, 499);
    assert_string_equal(e.items[0].currency, "EUR");
    assert_int_equal(e.items[1].quantity_milli, 1000);
    assert_int_equal(e.items[1].price_minor, MONEY_UNKNOWN);
    assert_string_equal(e.items[1].currency, "");
    assert_string_equal(event_key(&e, &arena), "c:anna");
}

/* People would read it as "¤4.99". */
static void a_price_in_no_currency_is_none(void **state)
{
    (void)state;
    struct event e = decoded(
        event_text("cart_item_added",
                   ",\"items\":[{\"product_id\":\"p1\",\"price_minor\":499,\"currency\":\"XXX\"},"
                   "{\"product_id\":\"p2\",\"price_minor\":499,\"currency\":\"XTS\"},"
                   "{\"product_id\":\"p3\",\"price_minor\":-100,\"currency\":\"XXX\"}]"));

    assert_int_equal(e.item_count, 2);
    for (size_t i = 0; i < e.item_count; i++) {
        assert_int_equal(e.items[i].price_minor, MONEY_UNKNOWN);
        assert_string_equal(e.items[i].currency, "");
    }
    /* a discount does not become a product */
    assert_int_equal(e.adjustment_count, 1);
}

static void every_type_of_the_table_is_known_by_its_name(void **state)
{
    (void)state;
    for (int t = 1; t < EVENT_TYPE_COUNT; t++) {
        assert_int_equal(event_type_of(event_type_name((enum event_type)t)), t);
    }
    assert_int_equal(event_type_of("cart_exploded"), EVENT_UNKNOWN);
    assert_int_equal(event_type_of("unknown"), EVENT_UNKNOWN);
}

static void an_unknown_type_is_kept_with_its_name(void **state)
{
    (void)state;
    struct event e = decoded(event_text("game_played", ""));

    assert_int_equal(e.type, EVENT_UNKNOWN);
    assert_string_equal(e.type_name, "game_played");
}

static void a_time_ahead_of_our_clock_is_clamped_up_to_a_day(void **state)
{
    (void)state;
    struct event e = decoded("{\"event_id\":\"e\",\"type\":\"searched\",\"customer_id\":\"a\","
                             "\"occurred_at\":\"2019-10-02T04:00:00Z\"}");

    assert_int_equal(e.occurred_us, NOW_US);
    expect_refused("{\"event_id\":\"e\",\"type\":\"searched\",\"customer_id\":\"a\","
                   "\"occurred_at\":\"2019-10-02T04:00:00.000001Z\"}",
                   "/occurred_at", "must not be more than 24 hours ahead");
    expect_refused("{\"event_id\":\"e\",\"type\":\"searched\",\"customer_id\":\"a\","
                   "\"occurred_at\":\"1999-12-31T23:59:59Z\"}",
                   "/occurred_at", "must not be before 2000-01-01");
}

static void the_log_decides_the_times_of_what_it_holds(void **state)
{
    (void)state;
    struct err err = {0};
    struct event e;
    const char *json = "{\"event_id\":\"e\",\"type\":\"searched\",\"customer_id\":\"a\","
                       "\"occurred_at\":\"2049-10-02T04:00:00Z\"}";

    assert_true(event_log_twice(json, strlen(json), ORIGIN_SQL, (struct event_times){5, 9}, &arena,
                                &e, &err));
    assert_int_equal(e.occurred_us, 5);
    assert_int_equal(e.received_us, 9);
    assert_int_equal(e.origin, ORIGIN_SQL);
}

static const struct {
    const char *type;
    const char *properties;
    const char *subject;
    int64_t amount_minor;
} free_properties[] = {
    {"page_viewed", "{\"page\":\"returns\"}", "returns", MONEY_UNKNOWN},
    {"searched", "{\"query\":\"red shoes\"}", "red shoes", MONEY_UNKNOWN},
    {"checkout_step", "{\"step\":2}", "2", MONEY_UNKNOWN},
    {"checkout_step", "{\"step\":\"payment\"}", "payment", MONEY_UNKNOWN},
    {"coupon_denied", "{\"code\":\"SAVE\"}", "SAVE", MONEY_UNKNOWN},
    {"consent_withdrawn", "{\"channel\":\"sms\"}", "sms", MONEY_UNKNOWN},
    {"payment_failed", "{\"reason\":\"3ds\"}", "3ds", MONEY_UNKNOWN},
    {"shipping_shown", "{\"cost_minor\":990}", NULL, 990},
    {"purchase", "{\"total_minor\":0}", NULL, 0},
    {"refund", "{\"total_minor\":100}", NULL, 100},
    /* of another type than hoped for: not there */
    {"page_viewed", "{\"page\":7}", NULL, MONEY_UNKNOWN},
    {"page_viewed", "{\"page\":\"\"}", NULL, MONEY_UNKNOWN},
    {"checkout_step", "{\"step\":true}", NULL, MONEY_UNKNOWN},
    {"shipping_shown", "{\"cost_minor\":\"990\"}", NULL, MONEY_UNKNOWN},
    {"shipping_shown", "{\"cost_minor\":-1}", NULL, MONEY_UNKNOWN},
    {"purchase", "{\"total_minor\":9.5}", NULL, MONEY_UNKNOWN},
    {"page_viewed", "{}", NULL, MONEY_UNKNOWN},
    {"consent_given", "{\"source\":\"footer\"}", NULL, MONEY_UNKNOWN},
};

static void the_fold_s_properties_are_read_leniently(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(free_properties); i++) {
        struct event e = decoded(
            event_text(free_properties[i].type,
                       arena_printf(&arena, ",\"properties\":%s", free_properties[i].properties)));
        assert_int_equal(e.amount_minor, free_properties[i].amount_minor);
        if (free_properties[i].subject == NULL) {
            assert_null(e.subject);
        } else {
            assert_string_equal(e.subject, free_properties[i].subject);
        }
    }
}

/* ---- what is refused ---- */

static const struct {
    const char *type;
    const char *rest;
    const char *path;
    const char *text;
} refusals[] = {
    {"searched", ",\"colour\":1", "/colour", "is not a known member"},
    {"searched", ",\"received_at\":\"" NOW_TEXT "\"", "/received_at", "is not a known member"},
    {"searched", ",\"cart_id\":\"\"", "/cart_id", "must not be empty"},
    {"searched", ",\"cart_id\":7.5", "/cart_id", "must be a string, not a number with a fraction"},
    {"searched", ",\"cart_id\":7.0", "/cart_id", "must be a string, not a number with a fraction"},
    {"searched", ",\"order_id\":true", "/order_id", "must be a string, not true"},
    {"searched", ",\"cart_id\":\"a\\tb\"", "/cart_id", "must not contain control characters"},
    {"searched", ",\"cart_id\":\"a\\u007f\"", "/cart_id", "must not contain control characters"},
    {"searched", ",\"properties\":[]", "/properties", "must be an object, not an array"},
    {"searched", ",\"properties\":{\"x\":1e300}", "/properties",
     "must not hold numbers of 9.2e18 or more"},
    {"searched", ",\"properties\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":[[[{}]]]}}}}}}}",
     "/properties", "must not be nested deeper than 10 levels"},
    {"consent_given", ",\"properties\":{\"channel\":7}", "/properties/channel",
     "must be a string, not an integer"},
    {"consent_withdrawn", ",\"properties\":{\"channel\":[\"sms\"]}", "/properties/channel",
     "must be a string, not an array"},
    {"consent_withdrawn", ",\"properties\":{\"channel\":\"\"}", "/properties/channel",
     "must not be empty"},
    {"consent_given", ",\"properties\":{\"channel\":\"a\\nb\"}", "/properties/channel",
     "must not contain control characters"},
    {"searched", ",\"context\":{\"locale\":1}", "/context/locale",
     "must be a string, not an integer"},
    {"cart_item_added", "", "/items", "is required"},
    {"cart_item_added", ",\"items\":[]", "/items",
     "must have at least one element for cart_item_added"},
    {"product_viewed", "", "/items", "is required"},
    {"wishlist_added", "", "/items", "is required"},
    {"cart_item_removed", "", "/items", "is required"},
    {"cart_snapshot", "", "/items", "is required"},
    {"purchase", ",\"items\":[{}]", "/items/0/product_id", "is required"},
    {"cart_item_added", ",\"items\":[{\"product_id\":\"p\"},{\"product_id\":\"p\",\"quantity\":0}]",
     "/items/1/quantity", "must be between 0.001 and 100000"},
    {"cart_item_added", ",\"items\":[{\"product_id\":\"p\",\"quantity\":0.0004}]",
     "/items/0/quantity", "must be between 0.001 and 100000"},
    {"cart_snapshot", ",\"items\":[{\"product_id\":\"p\",\"quantity\":100000.001}]",
     "/items/0/quantity", "must be between 0 and 100000"},
    {"cart_snapshot", ",\"items\":[{\"product_id\":\"p\",\"quantity\":\"2\"}]", "/items/0/quantity",
     "must be a number, not a string"},
    {"cart_snapshot",
     ",\"items\":[{\"product_id\":\"p\",\"price_minor\":9.99,\"currency\":\"EUR\"}]",
     "/items/0/price_minor", "must be an integer, not a number with a fraction"},
    {"product_viewed",
     ",\"items\":[{\"product_id\":\"p\",\"price_minor\":-5,\"currency\":\"EUR\"}]",
     "/items/0/price_minor", "must be between 0 and 1000000000000"},
    {"cart_snapshot", ",\"items\":[{\"product_id\":\"p\",\"variant_id\":{}}]",
     "/items/0/variant_id", "must be a string, not an object"},
    {"purchase", ",\"items\":[{\"product_id\":\"p\",\"quantity\":-3}]", "/items/0/quantity",
     "must be between 0 and 100000"},
    {"purchase", ",\"items\":[{\"product_id\":\"p\",\"price_minor\":5}]", "/items/0/currency",
     "is required with price_minor"},
    {"purchase", ",\"items\":[{\"product_id\":\"p\",\"price_minor\":5,\"currency\":\"eur\"}]",
     "/items/0/currency", "must be three upper-case letters"},
    {"purchase", ",\"items\":[{\"product_id\":\"p\",\"price_minor\":-5}]", "/items/0/currency",
     "is required with price_minor"},
    {"purchase",
     ",\"items\":[{\"product_id\":\"p\",\"price_minor\":1000000000001,\"currency\":\"EUR\"}]",
     "/items/0/price_minor", "must be between -1000000000000 and 1000000000000"},
    {"purchase", ",\"items\":[{\"product_id\":\"p\",\"colour\":\"red\"}]", "/items/0/colour",
     "is not a known member"},
    {"shopper_bound", "", "/type", "is written by Cartwright itself"},
    {"binding_set", "", "/type", "is written by Cartwright itself"},
    {"forwarded", "", "/type", "is written by Cartwright itself"},
    {"outreach_released", "", "/type", "is written by Cartwright itself"},
};

static void what_the_fold_could_not_trust_is_refused_with_a_pointer_to_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        expect_refused(event_text(refusals[i].type, refusals[i].rest), refusals[i].path,
                       refusals[i].text);
    }
}

static void an_event_of_nobody_is_refused(void **state)
{
    (void)state;
    expect_refused("{\"event_id\":\"e\",\"type\":\"searched\",\"occurred_at\":\"" NOW_TEXT "\"}",
                   "/customer_id", "is required where there is no anonymous_id");
    expect_refused("{\"event_id\":\"e\",\"type\":\"identify\",\"customer_id\":\"a\","
                   "\"occurred_at\":\"" NOW_TEXT "\"}",
                   "/anonymous_id", "is required for identify");
    expect_refused("{\"event_id\":\"e\",\"type\":\"alias\",\"anonymous_id\":\"a\","
                   "\"occurred_at\":\"" NOW_TEXT "\"}",
                   "/customer_id", "is required for alias");
}

/* Everything that is wrong, as "path text" lines. */
static const char *all_faults(const char *json)
{
    struct err_more more = {0};
    struct err err = {.more = &more};
    struct event e;

    assert_false(event_text_twice(json, strlen(json), ORIGIN_API, NOW_US, &arena, &e, &err));
    const char *text = arena_printf(&arena, "%s %s\n", err.path, err.text);
    for (int i = 0; i < more.count; i++) {
        text = arena_printf(&arena, "%s%s %s\n", text, more.all[i].path, more.all[i].text);
    }
    return text;
}

/* Every system of a shop numbers something. */
static void an_id_that_is_an_integer_is_its_digits(void **state)
{
    (void)state;
    struct event e = decoded(
        "{\"event_id\":1,\"type\":\"purchase\",\"customer_id\":17,\"anonymous_id\":-5,"
        "\"cart_id\":9223372036854775807,\"order_id\":-9223372036854775808,\"session_id\":0,"
        "\"occurred_at\":\"" NOW_TEXT "\","
        "\"items\":[{\"product_id\":3,\"variant_id\":4,\"line_id\":-0}]}");
    assert_string_equal(e.event_id, "1");
    assert_string_equal(e.customer_id, "17");
    assert_string_equal(e.anonymous_id, "-5");
    assert_string_equal(e.cart_id, "9223372036854775807");
    assert_string_equal(e.order_id, "-9223372036854775808");
    assert_string_equal(e.session_id, "0");
    assert_string_equal(e.items[0].product_id, "3");
    assert_string_equal(e.items[0].variant_id, "4");
    assert_string_equal(e.items[0].line_id, "0");
    assert_true(e.id_as_number);
    assert_string_equal(event_key(&e, &arena), "c:17");
    e = decoded(
        "{\"event_id\":\"1\",\"type\":\"purchase\",\"customer_id\":\"17\",\"occurred_at\":\"" NOW_TEXT
        "\",\"items\":[{\"product_id\":\"3\",\"quantity\":2}]}");
    assert_false(e.id_as_number);
    e = decoded(
        "{\"event_id\":\"1\",\"type\":\"purchase\",\"customer_id\":\"17\",\"occurred_at\":\"" NOW_TEXT
        "\",\"items\":[{\"product_id\":\"3\"},{\"product_id\":4}]}");
    assert_true(e.id_as_number);
}

static void the_type_says_no_where_a_property_of_its_name_would(void **state)
{
    static const struct {
        const char *type;
        const char *rest;
        bool no;
    } types[] = {
        {"unsub", "", true},
        {"opt_out", "", true},
        {"optout", "", true},
        {"optOut", "", true},
        {"opted_out", "", true},
        {"do_not_contact", "", true},
        {"Unsubscribed", ",\"properties\":{\"list\":\"news\"}", true},
        {"opt_out", ",\"opt_out\":false", false},
        {"opt_out", ",\"properties\":{\"opted_out\":false}", false},
        {"unsubscribed", ",\"properties\":{\"subscribed\":true}", false},
        {"subscribed", "", false},
        {"stop", "", false},
        {"order_placed", "", false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct event e = decoded(event_text(types[i].type, types[i].rest));
        assert_int_equal(e.opt_out, types[i].no);
    }
}

static void all_faults_of_an_event_are_told_at_once_where_the_caller_wants_them(void **state)
{
    (void)state;
    assert_string_equal(
        all_faults(
            "{\"event_id\":[7],\"type\":\"cart_item_added\",\"userId\":\"ada\",\"occurred_at\":\"yesterday\","
            "\"items\":[{\"sku\":\"p\",\"qty\":1},{\"product_id\":\"q\",\"price_minor\":\"5\",\"currency\":\"eur\"}],"
            "\"timestamp\":1}"),
        "/event_id must be a string, not an array\n"
        "/occurred_at must be a time such as 2019-10-01T04:00:00Z\n"
        "/items/0/product_id is required\n"
        "/items/0/sku is not a known member; did you mean product_id?\n"
        "/items/0/qty is not a known member; did you mean quantity?\n"
        "/items/1/price_minor must be an integer, not a string\n"
        "/items/1/currency must be three upper-case letters\n"
        "/userId is not a known member; did you mean customer_id?\n"
        "/timestamp is not a known member\n"
        "/customer_id is required where there is no anonymous_id\n");
    assert_string_equal(
        all_faults("{\"event_id\":\"e\",\"type\":\"identify\",\"anonymous_id\":\"\","
                   "\"occurred_at\":\"" NOW_TEXT "\"}"),
        "/anonymous_id must not be empty\n/customer_id is required for identify\n");
    assert_string_equal(all_faults("{\"event_id\":\"\",\"event\":\"x\",\"anonymous_id\":\"y\"}"),
                        "/event_id must not be empty\n"
                        "/type is required\n"
                        "/occurred_at is required\n"
                        "/event is not a known member; did you mean type?\n");
    assert_string_equal(all_faults("[1]"), " must be an object, not an array\n");
}

static void an_unknown_type_has_a_hint_where_others_call_it_so(void **state)
{
    static const struct {
        const char *type;
        const char *meant;
    } cases[] = {
        {"add_to_cart", "cart_item_added"},
        {"Order Completed", "purchase"},
        {"cart_item_aded", "cart_item_added"},
        {"pageView", "page_viewed"},
        {"game_played", NULL},
        {"shopper_bond", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *meant = event_type_hint(cases[i].type);
        if (cases[i].meant == NULL) {
            assert_null(meant);
        } else {
            assert_non_null(meant);
            assert_string_equal(meant, cases[i].meant);
        }
    }
}

static void an_id_of_201_bytes_is_refused_and_one_of_200_is_not(void **state)
{
    char id[EVENT_ID_MAX + 2];
    (void)state;

    memset(id, 'x', sizeof id);
    id[EVENT_ID_MAX + 1] = '\0';
    expect_refused(event_text("searched", arena_printf(&arena, ",\"cart_id\":\"%s\"", id)),
                   "/cart_id", "must be at most 200 bytes, not 201");
    id[EVENT_ID_MAX] = '\0';
    (void)decoded(event_text("searched", arena_printf(&arena, ",\"cart_id\":\"%s\"", id)));
}

static void a_consent_s_channel_of_301_bytes_is_refused_and_one_of_300_is_not(void **state)
{
    char channel[302];
    (void)state;

    memset(channel, 'c', sizeof channel);
    channel[301] = '\0';
    expect_refused(
        event_text("consent_given",
                   arena_printf(&arena, ",\"properties\":{\"channel\":\"%s\"}", channel)),
        "/properties/channel", "must be at most 300 bytes, not 301");
    channel[300] = '\0';
    struct event e = decoded(event_text(
        "consent_given", arena_printf(&arena, ",\"properties\":{\"channel\":\"%s\"}", channel)));
    assert_string_equal(e.subject, channel);
}

static void a_number_without_a_fraction_is_an_integer_however_it_is_written(void **state)
{
    (void)state;
    struct event e = decoded(event_text(
        "purchase", ",\"properties\":{\"total_minor\":3998.0},\"items\":[{\"product_id\":\"p\","
                    "\"quantity\":2.0,\"price_minor\":1999.0,\"currency\":\"EUR\"}]"));

    assert_int_equal(e.items[0].quantity_milli, 2000);
    assert_int_equal(e.items[0].price_minor, 1999);
    assert_int_equal(e.amount_minor, 3998);
}

static void a_quantity_has_three_decimals_and_a_line_of_none_is_not_there(void **state)
{
    (void)state;
    struct event e = decoded(event_text("cart_snapshot",
                                        ",\"items\":[{\"product_id\":\"bread\",\"quantity\":0},"
                                        "{\"product_id\":\"cheese\",\"quantity\":0.35},"
                                        "{\"product_id\":\"ham\",\"quantity\":0.30000000000000004},"
                                        "{\"product_id\":\"oil\",\"quantity\":0.3335},"
                                        "{\"product_id\":\"rope\",\"quantity\":99999.999}]"));

    assert_int_equal(e.item_count, 4);
    assert_string_equal(e.items[0].product_id, "cheese");
    assert_int_equal(e.items[0].quantity_milli, 350);
    assert_int_equal(e.items[1].quantity_milli, 300);
    assert_int_equal(e.items[2].quantity_milli, 334);
    assert_int_equal(e.items[3].quantity_milli, 99999999);
}

static void a_line_of_a_negative_price_is_an_adjustment_and_no_product(void **state)
{
    (void)state;
    struct event e = decoded(
        event_text("cart_snapshot",
                   ",\"items\":[{\"product_id\":\"gift\",\"price_minor\":-1,\"currency\":\"EUR\"},"
                   "{\"product_id\":\"mug\",\"variant_id\":\"blue\",\"line_id\":\"7\","
                   "\"price_minor\":1000,\"currency\":\"EUR\"},{\"product_id\":\"free\"}]"));

    assert_int_equal(e.item_count, 2);
    assert_string_equal(e.items[0].product_id, "mug");
    assert_string_equal(e.items[0].variant_id, "blue");
    assert_string_equal(e.items[0].line_id, "7");
    assert_null(e.items[1].variant_id);
    assert_int_equal(e.adjustment_count, 1);
    assert_string_equal(e.adjustments[0].product_id, "gift");
    assert_int_equal(e.adjustments[0].price_minor, 1);
}

/* ---- clocks ---- */

static const struct {
    const char *own;  /* sent_at of the event; NULL: none */
    int64_t batch_us; /* of the batch, before it was received; INT64_MIN: none */
    int64_t shift_us; /* of occurred_at, in a purchase or a consent_withdrawn */
} clocks[] = {
    {NULL, INT64_MIN, 0},
    {"2019-10-02T00:55:00Z", INT64_MIN, MINUTES(5)}, /* its clock is five minutes slow */
    {"2019-10-02T01:05:00Z", INT64_MIN, -MINUTES(5)},
    {"2019-10-02T00:50:00Z", INT64_MIN, MINUTES(10)},
    {"2019-10-02T00:49:59.999999Z", INT64_MIN, 0}, /* another time altogether */
    {"2019-10-02T01:10:00Z", INT64_MIN, -MINUTES(10)},
    {"2019-10-02T01:10:00.000001Z", INT64_MIN, 0},
    {"2012-01-01T00:00:00Z", INT64_MIN, 0},
    {NULL, MINUTES(3), MINUTES(3)},
    {NULL, MINUTES(-3), -MINUTES(3)},
    {NULL, MINUTES(11), 0},
    {"2019-10-02T00:59:00Z", MINUTES(3), MINUTES(1)}, /* the event's own goes first */
};

/* Sent again as it was, an addition must not come behind its order: nothing but an end is moved later. */
static const struct {
    const char *type;
    bool ends;
} told_late[] = {{"searched", false},         {"cart_item_added", false}, {"consent_given", false},
                 {"order_cancelled", false},  {"identify", false},        {"purchase", true},
                 {"consent_withdrawn", true}, {"chat_message", true},     {"unsubscribed", true},
                 {"an_own_type", false}};

static void a_clock_that_is_a_few_minutes_off_is_corrected_once(void **state)
{
    const int64_t received_us = INT64_C(1569978000000000); /* 2019-10-02T01:00:00Z */
    (void)state;

    for (size_t n = 0; n < COUNT_OF(clocks) * COUNT_OF(told_late); n++) {
        const size_t i = n / COUNT_OF(told_late);
        const size_t t = n % COUNT_OF(told_late);
        const int64_t shift_us =
            clocks[i].shift_us > 0 && !told_late[t].ends ? 0 : clocks[i].shift_us;
        struct err err = {0};
        struct event e;
        const char *own =
            clocks[i].own == NULL ? "" : arena_printf(&arena, ",\"sent_at\":\"%s\"", clocks[i].own);
        const char *text = arena_printf(&arena,
                                        "{\"event_id\":\"e\",\"type\":\"%s\","
                                        "\"customer_id\":\"c\",\"anonymous_id\":\"x\","
                                        "\"items\":[{\"product_id\":\"p\"}],\"occurred_at\":"
                                        "\"2019-10-02T00:30:00.000001Z\"%s}",
                                        told_late[t].type, own);
        struct event_road road = {.origin = ORIGIN_API, .sent.received_us = received_us};
        if (clocks[i].batch_us != INT64_MIN) {
            road.sent.sent_us = received_us - clocks[i].batch_us;
        }
        bool taken;
        assert_null(event_decode_twice(text, strlen(text), &road, &arena, &taken, &e, &err));
        assert_true(taken);
        assert_int_equal(e.occurred_us, received_us - MINUTES(30) + shift_us + 1);
        /* read again from the log, where it was settled, it is not corrected again */
        struct event_times times = {.occurred_us = 7, .received_us = received_us};
        assert_true(event_log_twice(text, strlen(text), ORIGIN_API, times, &arena, &e, &err));
        assert_int_equal(e.occurred_us, 7);
    }
}

static void an_order_and_a_no_are_at_the_end_of_the_second_or_the_day_that_is_told(void **state)
{
    static const struct {
        const char *type;
        const char *occurred_at;
        int64_t shift_us;
    } told[] = {{"purchase", "2019-10-02T00:30:00Z", 999999},
                {"purchase", "2019-10-02T00:30:00+00:00", 999999},
                {"purchase", "2019-10-02T00:30:00.0Z", 999999},
                {"purchase", "2019-10-02T00:30:00.000001Z", 1},
                {"consent_withdrawn", "2019-10-02T00:30:00Z", 999999},
                {"consent_given", "2019-10-02T00:30:00Z", 0},
                {"unsubscribed", "2019-10-02T00:30:00Z", 999999},
                {"an_own_type", "2019-10-02T00:30:00Z", 0},
                {"chat_message", "2019-10-01T00:00:00.000Z", -MINUTES(30) - 1},
                {"order_cancelled", "2019-10-02T00:30:00Z", 999999},
                {"refund", "2019-10-02T00:30:00Z", 999999},
                {"cart_item_added", "2019-10-02T00:30:00Z", 0},
                {"purchase", "2019-10-02T01:00:00Z", MINUTES(30)}, /* never ahead of our clock */
                /* dated by the day */
                {"purchase", "2019-10-02T00:00:00Z", MINUTES(30)},
                {"purchase", "2019-10-01T00:00:00Z", -MINUTES(30) - 1},
                {"order_cancelled", "2019-10-01T00:00:00+00:30", -MINUTES(60) - 1},
                {"purchase", "2019-10-01T00:00:00.000Z", -MINUTES(30) - 1},
                {"purchase", "2019-10-02T00:00:00.000001Z", -MINUTES(30) + 1},
                {"cart_item_added", "2019-10-02T00:00:00Z", -MINUTES(30)}};
    const int64_t received_us = INT64_C(1569978000000000); /* 2019-10-02T01:00:00Z */
    (void)state;

    for (size_t i = 0; i < COUNT_OF(told); i++) {
        const char *text =
            arena_printf(&arena,
                         "{\"event_id\":\"e\",\"type\":\"%s\",\"customer_id\":\"c\","
                         "\"items\":[{\"product_id\":\"p\"}],\"occurred_at\":\"%s\"}",
                         told[i].type, told[i].occurred_at);
        struct err err = {0};
        struct event e;
        assert_true(
            event_text_twice(text, strlen(text), ORIGIN_API, received_us, &arena, &e, &err));
        assert_int_equal(e.occurred_us, received_us - MINUTES(30) + told[i].shift_us);
        /* who was logged in for it was so from the time that was told */
        int64_t at_us;
        assert_true(clock_parse_rfc3339(told[i].occurred_at, &at_us, &err));
        assert_int_equal(e.told_us, e.occurred_us > at_us ? at_us : 0);
    }
}

/* Settled by the log, where a sender's clock that was behind has moved both, and none of it is moved beyond the order. */
static void of_an_order_of_the_log_it_is_known_when_what_was_told_began(void **state)
{
    static const struct {
        const char *occurred_at;
        int64_t occurred_us; /* behind 2019-10-02T00:30:00Z */
        int64_t told_us;
    } told[] = {{"2019-10-02T00:30:00Z", 999999, 0},
                {"2019-10-02T00:30:00Z", 400000, 0},
                {"2019-10-02T00:30:00Z", SECONDS(60) + 999999, SECONDS(60)},
                {"2019-10-02T00:30:00.000Z", 999999, 0},
                {"2019-10-02T00:30:00.001Z", 999999, INT64_MAX},
                {"2019-10-02T00:30:00Z", 0, INT64_MAX},
                {"2019-10-02T00:30:00Z", -SECONDS(5), INT64_MAX},
                {"yesterday", 999999, INT64_MAX}};
    const int64_t at_us = INT64_C(1569976200000000);
    (void)state;

    for (size_t i = 0; i < COUNT_OF(told); i++) {
        const char *text =
            arena_printf(&arena,
                         "{\"event_id\":\"e\",\"type\":\"purchase\",\"customer_id\":\"c\","
                         "\"items\":[{\"product_id\":\"p\"}],\"occurred_at\":\"%s\"}",
                         told[i].occurred_at);
        const struct event_times times = {at_us + told[i].occurred_us, at_us + MINUTES(30)};
        struct err err = {0};
        struct event e;
        assert_true(event_log_twice(text, strlen(text), ORIGIN_API, times, &arena, &e, &err));
        assert_int_equal(e.told_us, told[i].told_us == INT64_MAX ? 0 : at_us + told[i].told_us);
    }
}

static void a_corrected_time_is_never_ahead_of_ours(void **state)
{
    static const char text[] = "{\"event_id\":\"e\",\"type\":\"purchase\",\"customer_id\":\"c\","
                               "\"occurred_at\":\"2019-10-02T00:58:00Z\","
                               "\"sent_at\":\"2019-10-02T00:55:00Z\"}";
    struct err err = {0};
    struct event e;
    (void)state;

    assert_true(event_text_twice(text, strlen(text), ORIGIN_API, INT64_C(1569978000000000), &arena,
                                 &e, &err));
    assert_int_equal(e.occurred_us, INT64_C(1569978000000000));
}

/* ---- chat ---- */

static void a_chat_message_that_says_stop_opts_out(void **state)
{
    (void)state;
    static const struct {
        const char *members;
        bool opt_out;
    } chats[] = {
        {",\"properties\":{\"text\":\"STOP!\"}", true},
        {",\"properties\":{\"text\":\"hello\"}", false},
        {",\"properties\":{\"text\":\"hello\"},\"opt_out\":true", true},
        {",\"properties\":{\"text\":\"hello\",\"opt_out\":true}", true},
        {",\"properties\":{\"text\":\"hello\",\"opt_out\":\"no\"}", false},
        {",\"properties\":{\"text\":\"hello\",\"opt_out\":null},\"opt_out\":null", false},
        {",\"properties\":{\"text\":\"stop\"},\"opt_out\":false", true},
        {",\"properties\":{\"text\":7}", false},
        {"", false},
    };

    for (size_t i = 0; i < COUNT_OF(chats); i++) {
        struct event e = decoded(event_text("chat_message", chats[i].members));
        assert_int_equal(e.opt_out, chats[i].opt_out);
        assert_int_equal(event_says_consent(&e), chats[i].opt_out);
    }
    struct event other = decoded(event_text("searched", ",\"properties\":{\"text\":\"stop\"}"));
    assert_false(other.opt_out);
}

/* The text may move to a table of its own: the event still says it. */
static void the_mark_stays_when_the_words_are_gone(void **state)
{
    (void)state;
    const char *sent = event_text("chat_message", ",\"properties\":{\"text\":\"stop\"}");
    const char *kept = event_mark_opt_out(sent, &arena);
    struct event e = decoded(kept);

    assert_true(e.opt_out);
    assert_string_equal(
        event_mark_opt_out(event_text("chat_message", ""), &arena),
        arena_printf(&arena, "{\"opt_out\":true,%s", event_text("chat_message", "") + 1));
    e = decoded(event_mark_opt_out(event_text("chat_message", ""), &arena));
    assert_true(e.opt_out);
}

static void a_purchase_that_renews_is_no_purchase(void **state)
{
    (void)state;
    struct event e = decoded(event_text("purchase", ",\"properties\":{\"kind\":\"renewal\"}"));

    assert_int_equal(e.type, EVENT_RENEWAL);
    assert_string_equal(e.type_name, "purchase");
    e = decoded(event_text("purchase", ",\"properties\":{\"kind\":\"gift\"}"));
    assert_int_equal(e.type, EVENT_PURCHASE);
    e = decoded(event_text("purchase", ",\"properties\":{\"kind\":1}"));
    assert_int_equal(e.type, EVENT_PURCHASE);
}

static void items_that_add_up_past_the_range_are_refused(void **state)
{
    struct buf items = buf_make(1 << 20);
    (void)state;

    for (int i = 0; i < 100; i++) {
        buf_printf(&items,
                   "%s{\"product_id\":\"p\",\"quantity\":100000,\"price_minor\":"
                   "1000000000000,\"currency\":\"EUR\"}",
                   i == 0 ? ",\"items\":[" : ",");
    }
    buf_add_str(&items, "]");
    expect_refused(event_text("purchase", buf_text(&items)), "/items",
                   "must not add up to more than 9223372036854775807");
    buf_free(&items);
}

static void text_that_is_no_json_object_is_refused(void **state)
{
    (void)state;
    struct err err = {0};
    struct event e;

    assert_false(event_text_twice("{", 1, ORIGIN_API, NOW_US, &arena, &e, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    expect_refused("[]", "", "must be an object, not an array");
}

/* ---- lanes and derived events ---- */

static void the_lane_is_the_first_byte_of_the_key_s_hash(void **state)
{
    uint8_t digest[SHA256_BYTES];
    (void)state;

    hash_sha256("a:x", 3, digest);
    assert_int_equal(event_lane("a:x"), digest[0]);
    assert_int_equal(event_lane(""), 0xe3);
}

static struct event decoded_derived(const struct buf *body)
{
    struct err err = {0};
    struct event e;
    struct event_times times = {NOW_US, NOW_US};

    if (!event_log_twice(buf_text(body), body->len, ORIGIN_DERIVED, times, &arena, &e, &err)) {
        fail_msg("%s: %s: %s", buf_text(body), err.path, err.text);
    }
    return e;
}

static void a_login_and_its_end_lie_with_the_anonymous_shopper(void **state)
{
    (void)state;

    for (int ends = 0; ends < 2; ends++) {
        CLEANUP(buf_free) struct buf body = buf_make(4096);
        event_encode_login(&body, &(struct login){"b1", "anna", "x\"y", NOW_US, ends == 1,
                                                  ends == 0, ends == 1, "k-1"});
        struct event e = decoded_derived(&body);
        assert_int_equal(e.type,
                         ends ? EVENT_DERIVED_SHOPPER_UNBOUND : EVENT_DERIVED_SHOPPER_BOUND);
        assert_string_equal(e.customer_id, "anna");
        assert_string_equal(e.via, "x\"y");
        assert_string_equal(e.cart_id, "k-1");
        assert_int_equal(e.guessed, ends == 0);
        assert_int_equal(e.taken_back, ends == 1);
        assert_string_equal(event_key(&e, &arena), "a:x\"y");
    }
}

static void a_naming_lies_with_the_customer(void **state)
{
    CLEANUP(buf_free) struct buf body = buf_make(4096);
    (void)state;

    event_encode_named(&body, &(struct naming){.id = "n1",
                                               .customer_id = "anna",
                                               .anonymous_id = "x",
                                               .cart_id = "k-1",
                                               .at_us = NOW_US,
                                               .taken_back = true});
    struct event e = decoded_derived(&body);
    assert_int_equal(e.type, EVENT_DERIVED_SHOPPER_NAMED);
    assert_string_equal(e.anonymous_id, "x");
    assert_string_equal(e.cart_id, "k-1");
    assert_true(e.taken_back);
    assert_string_equal(event_key(&e, &arena), "c:anna");
}

static void a_binding_set_keeps_its_intervals_and_their_open_ends(void **state)
{
    CLEANUP(buf_free) struct buf body = buf_make(4096);
    const struct event_interval intervals[] = {{INT64_MIN, NOW_US}, {NOW_US + 5, INT64_MAX}};
    const struct binding_set set = {"b1", "anna", "x", 3, intervals, 2, NOW_US};
    (void)state;

    event_encode_binding_set(&body, &set);
    struct event e = decoded_derived(&body);
    assert_int_equal(e.version, 3);
    assert_int_equal(e.interval_count, 2);
    assert_memory_equal(e.intervals, intervals, sizeof intervals);
    assert_string_equal(event_key(&e, &arena), "c:anna");
}

static void a_forwarded_event_comes_out_as_the_one_it_wraps(void **state)
{
    CLEANUP(buf_free) struct buf body = buf_make(4096);
    const char *original = "{\"event_id\":\"e7\",\"type\":\"cart_item_added\",\"anonymous_id\":"
                           "\"x\",\"occurred_at\":\"2019-10-02T01:00:00Z\",\"items\":["
                           "{\"product_id\":\"p\",\"quantity\":2}]}";
    const struct forwarding f = {
        "cartwright:fwd:1",  "anna", "x", original, strlen(original), ORIGIN_IMPORT,
        {NOW_US, NOW_US + 9}};
    (void)state;

    event_encode_forwarded(&body, &f);
    struct event e = decoded_derived(&body);
    assert_int_equal(e.type, EVENT_CART_ITEM_ADDED);
    assert_int_equal(e.origin, ORIGIN_IMPORT);
    assert_string_equal(e.event_id, "cartwright:fwd:1");
    assert_string_equal(e.sort_id, "e7");
    assert_string_equal(e.customer_id, "anna");
    assert_string_equal(e.via, "x");
    assert_int_equal(e.occurred_us, NOW_US);
    assert_int_equal(e.received_us, NOW_US + 9);
    assert_int_equal(e.items[0].quantity_milli, 2000);
}

static void a_forwarding_of_a_forwarding_is_refused(void **state)
{
    CLEANUP(buf_free) struct buf inner = buf_make(4096);
    CLEANUP(buf_free) struct buf outer = buf_make(4096);
    struct err err = {0};
    struct event e;
    (void)state;

    event_encode_login(
        &inner, &(struct login){.id = "b1", .customer_id = "anna", .via = "x", .at_us = NOW_US});
    const struct forwarding f = {"cartwright:fwd:1", "anna",    "x",
                                 buf_text(&inner),   inner.len, ORIGIN_DERIVED,
                                 {NOW_US, NOW_US}};
    event_encode_forwarded(&outer, &f);
    assert_false(
        event_log_twice(buf_text(&outer), outer.len, ORIGIN_DERIVED, f.times, &arena, &e, &err));
    assert_string_equal(err.path, "/event/type");
    assert_string_equal(err.text, "must not be shopper_bound");
}

static void a_release_names_its_cart_round_and_step(void **state)
{
    CLEANUP(buf_free) struct buf body = buf_make(4096);
    const struct release r = {
        .id = "r1", .anonymous_id = "x", .cart_id = "c1", .round = 2, .step = 1, .at_us = NOW_US};
    (void)state;

    event_encode_outreach_released(&body, &r);
    struct event e = decoded_derived(&body);
    assert_int_equal(e.type, EVENT_DERIVED_OUTREACH_RELEASED);
    assert_string_equal(e.cart_id, "c1");
    assert_int_equal(e.round, 2);
    assert_int_equal(e.step, 1);
    assert_string_equal(event_key(&e, &arena), "a:x");
}

static void an_event_of_the_shop_is_no_derived_event(void **state)
{
    (void)state;
    struct err err = {0};
    struct event e;
    const char *json = event_text("searched", "");

    assert_false(event_text_twice(json, strlen(json), ORIGIN_DERIVED, NOW_US, &arena, &e, &err));
    assert_string_equal(err.text, "must be that of a derived event");
}

static void an_id_of_a_derived_event_cannot_be_taken_from_outside(void **state)
{
    static const char json[] = "{\"event_id\":\"cartwright:x\",\"type\":\"searched\","
                               "\"customer_id\":\"a\",\"occurred_at\":\"" NOW_TEXT "\"}";
    static const char near[] = "{\"event_id\":\"cartwright\",\"type\":\"searched\","
                               "\"customer_id\":\"a\",\"occurred_at\":\"" NOW_TEXT "\"}";
    static const enum event_origin outside[] = {ORIGIN_API, ORIGIN_SQL, ORIGIN_IMPORT};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(outside); i++) {
        struct err err = {0};
        struct event e;
        assert_false(event_text_twice(json, strlen(json), outside[i], NOW_US, &arena, &e, &err));
        assert_string_equal(err.path, "/event_id");
        assert_string_equal(err.text, "must not begin with cartwright:");
    }
    assert_string_equal(decoded(near).event_id, "cartwright");
}

static void a_derived_id_depends_on_scope_and_cause_and_nothing_else(void **state)
{
    char one[EVENT_DERIVED_ID_MAX];
    char two[EVENT_DERIVED_ID_MAX];
    (void)state;

    assert_string_equal(event_derived_id("fwd", "c:a", "e1", one),
                        event_derived_id("fwd", "c:a", "e1", two));
    assert_string_not_equal(one, event_derived_id("fwd", "c:ae", "1", two));
    assert_int_equal(strncmp(one, "cartwright:fwd:", 15), 0);
    assert_int_equal(strlen(one), 15 + 64);
}

/* However a no was said: what is stored of it is read back, and as a no. A door that stores what the fold refuses loses it. */
static void what_is_stored_of_a_no_is_read_as_one(void **state)
{
    static const char *const rests[] = {
        ",\"opt_out\":true",
        ",\"opt_out\":true,\"properties\":{\"text\":\"please leave it\"}",
        ",\"opt_out\":true,\"properties\":{\"text\":\"STOP\",\"opt_out\":true}",
        ",\"opt_out\":false,\"properties\":{\"text\":\"STOP\"}",
        ",\"opt_out\":false,\"properties\":{\"opt_out\":true,\"size\":0.1}",
        ",\"opt\\u005fout\":true",
        ",\"opt\\u005fout\":false,\"properties\":{\"text\":\"stop\",\"n\":9007199254740993}",
        ",\"properties\":{\"opt_out\":true}",
        ",\"properties\":{\"opt_out\":\"true\"}",
        ",\"properties\":{\"opt_out\":\"yes\"}",
        ",\"properties\":{\"opt_out\":1}",
        ",\"properties\":{\"text\":\"Stop!\"}",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rests); i++) {
        const char *sent = event_text("chat_message", rests[i]);
        assert_true(decoded(sent).opt_out);
        const char *stored = event_mark_opt_out(sent, &arena);
        const struct event back = decoded(stored);
        assert_true(back.opt_out);
        assert_string_equal(back.event_id, "e1");
        assert_string_equal(event_mark_opt_out(stored, &arena), stored); /* told once */
        assert_int_equal(strstr(sent, "9007199254740993") != NULL,
                         strstr(stored, "9007199254740993") != NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_event_is_read_whole),
        cmocka_unit_test(every_type_of_the_table_is_known_by_its_name),
        cmocka_unit_test(an_unknown_type_is_kept_with_its_name),
        cmocka_unit_test(a_time_ahead_of_our_clock_is_clamped_up_to_a_day),
        cmocka_unit_test(the_log_decides_the_times_of_what_it_holds),
        cmocka_unit_test(the_fold_s_properties_are_read_leniently),
        cmocka_unit_test(what_the_fold_could_not_trust_is_refused_with_a_pointer_to_it),
        cmocka_unit_test(an_event_of_nobody_is_refused),
        cmocka_unit_test(an_id_that_is_an_integer_is_its_digits),
        cmocka_unit_test(the_type_says_no_where_a_property_of_its_name_would),
        cmocka_unit_test(all_faults_of_an_event_are_told_at_once_where_the_caller_wants_them),
        cmocka_unit_test(an_unknown_type_has_a_hint_where_others_call_it_so),
        cmocka_unit_test(an_id_of_201_bytes_is_refused_and_one_of_200_is_not),
        cmocka_unit_test(a_consent_s_channel_of_301_bytes_is_refused_and_one_of_300_is_not),
        cmocka_unit_test(a_number_without_a_fraction_is_an_integer_however_it_is_written),
        cmocka_unit_test(a_quantity_has_three_decimals_and_a_line_of_none_is_not_there),
        cmocka_unit_test(a_line_of_a_negative_price_is_an_adjustment_and_no_product),
        cmocka_unit_test(a_clock_that_is_a_few_minutes_off_is_corrected_once),
        cmocka_unit_test(a_price_in_no_currency_is_none),
        cmocka_unit_test(an_order_and_a_no_are_at_the_end_of_the_second_or_the_day_that_is_told),
        cmocka_unit_test(of_an_order_of_the_log_it_is_known_when_what_was_told_began),
        cmocka_unit_test(a_corrected_time_is_never_ahead_of_ours),
        cmocka_unit_test(a_chat_message_that_says_stop_opts_out),
        cmocka_unit_test(the_mark_stays_when_the_words_are_gone),
        cmocka_unit_test(a_purchase_that_renews_is_no_purchase),
        cmocka_unit_test(items_that_add_up_past_the_range_are_refused),
        cmocka_unit_test(text_that_is_no_json_object_is_refused),
        cmocka_unit_test(the_lane_is_the_first_byte_of_the_key_s_hash),
        cmocka_unit_test(a_login_and_its_end_lie_with_the_anonymous_shopper),
        cmocka_unit_test(a_naming_lies_with_the_customer),
        cmocka_unit_test(a_binding_set_keeps_its_intervals_and_their_open_ends),
        cmocka_unit_test(a_forwarded_event_comes_out_as_the_one_it_wraps),
        cmocka_unit_test(a_forwarding_of_a_forwarding_is_refused),
        cmocka_unit_test(what_is_stored_of_a_no_is_read_as_one),
        cmocka_unit_test(a_release_names_its_cart_round_and_step),
        cmocka_unit_test(an_event_of_the_shop_is_no_derived_event),
        cmocka_unit_test(an_id_of_a_derived_event_cannot_be_taken_from_outside),
        cmocka_unit_test(a_derived_id_depends_on_scope_and_cause_and_nothing_else),
    };
    return cmocka_run_group_tests_name("events", tests, NULL, empty_the_arena);
}
