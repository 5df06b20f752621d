/* Specification of a no that is said in properties: what is taken for one, what is told, and where. */
#include "domain/shop/said_no.h"

#include "base/json/jdoc.h"
#include "domain/shop/event_warnings.h"
#include "support/event_twice.h"
#include "support/spec.h"

#define NOW_TEXT "2019-10-01T04:00:00Z"
#define NOW_US   INT64_C(1569902400000000)

static struct arena arena;

static const char *event_text(const char *type, const char *properties)
{
    /* one without any text is told for that as well */
    if (strcmp(type, "chat_message") == 0 && properties[0] == '{' &&
        strstr(properties, "\"text\"") == NULL) {
        properties = arena_printf(&arena, "{\"text\":\"hm\"%s%s", properties[1] == '}' ? "" : ",",
                                  properties + 1);
    }
    return arena_printf(&arena,
                        "{\"event_id\":\"e1\",\"type\":\"%s\",\"customer_id\":\"anna\","
                        "\"anonymous_id\":\"x\",\"occurred_at\":\"" NOW_TEXT
                        "\",\"properties\":%s}",
                        type, properties);
}

static struct event decoded(const char *text)
{
    struct err err = {0};
    struct event e;

    if (!event_text_twice(text, strlen(text), ORIGIN_API, NOW_US, &arena, &e, &err)) {
        fail_msg("%s: %s: %s", text, err.path, err.text);
    }
    return e;
}

/* The codes of the warnings, one behind the other. */
static const char *warned(const char *text)
{
    struct event_warning all[EVENT_WARNINGS_MAX];
    struct event_sent sent = {.received_us = NOW_US};
    struct err err = {0};
    struct event e;
    struct jdoc doc;
    const char *codes = "";

    assert_true(jdoc_read(&doc, text, strlen(text), &arena, &err));
    assert_true(event_decode(doc.root, ORIGIN_API, sent, &arena, &e, &err));
    size_t count = event_warnings(&e, doc.root, &arena, all);
    for (size_t i = 0; i < count; i++) {
        codes = arena_printf(&arena, "%s%s%s", codes, i > 0 ? " " : "", all[i].code);
        assert_true(strstr(all[i].pointer, "/properties/") || strcmp(all[i].pointer, "/type") == 0);
        assert_true(strlen(all[i].detail) < 250);
    }
    jdoc_free(&doc);
    return codes;
}

static const struct {
    const char *properties;
    bool no;
    const char *warned;
} said[] = {
    {"{\"opt_out\":true}", true, ""},
    {"{\"optOut\":true}", true, "taken_for_no"},
    {"{\"opt-out\":\"true\"}", true, "taken_for_no"},
    {"{\"OPTOUT\":1}", true, "taken_for_no"},
    {"{\"opted out\":\"Yes\"}", true, "taken_for_no"},
    {"{\"isOptedOut\":\"1\"}", true, "taken_for_no"},
    {"{\"unsubscribe\":\"on\"}", true, "taken_for_no"},
    {"{\"a\":1,\"unsubscribed\":true,\"b\":true}", true, "taken_for_no"},
    {"{\"Unsubscribed\":\"TRUE\"}", true, "taken_for_no"},
    {"{\"do_not_contact\":true}", true, "taken_for_no"},
    {"{\"doNotContact\":\"y\",\"opt_out\":true}", true, "taken_for_no"},
    {"{\"opt_out\":false,\"unsubscribed\":true}", true, "taken_for_no"},
    {"{\"opt_out\":\"no\",\"unsubscribed\":false,\"optOut\":null,\"unsubscribe\":0,"
     "\"do_not_contact\":\"\"}",
     false, ""},
    {"{\"unsubscribed\":\"2019-10-01\"}", false, "not_read"},
    {"{\"opt_out\":{\"email\":true}}", false, "not_read"},
    {"{\"opt_out\":2}", false, "not_read"},
    {"{\"unsubscribed_at\":\"2019-10-01\"}", false, "not_read"},
    {"{\"unsubscribed_at\":null,\"email_opt_out\":false}", false, ""},
    {"{\"email_opt_out\":true,\"doNotEmail\":1}", false, "not_read not_read"},
    {"{\"unsubscibed\":true}", false, "not_read"},
    {"{\"unsubscibed\":false}", false, ""},
    {"{\"opt_ot\":true}", false, "not_read"},
    {"{\"accepts_marketing\":false}", false, "not_read"},
    {"{\"acceptsMarketing\":true,\"opt_in\":null,\"subscribed\":\"yes\"}", false, ""},
    {"{\"email_opt_in\":false,\"newsletter\":0,\"gdpr_consent\":\"No\"}", false,
     "not_read not_read not_read"},
    {"{\"buyer_accepts_marketing\":false,\"marketingOptIn\":\"off\"}", false, "not_read not_read"},
    {"{\"email_marketing_consent\":{\"state\":\"unsubscribed\",\"at\":null}}", false, "not_read"},
    {"{\"email_marketing_consent\":{\"state\":\"subscribed\",\"at\":null}}", false, ""},
    {"{\"marketing_consent\":\"denied\",\"status\":\"Unsubscribed\",\"dnc\":true}", false,
     "not_read not_read not_read"},
    {"{\"email_opt_in\":true,\"newsletter\":\"weekly\",\"dnc\":false,\"spam_score\":3}", false, ""},
    {"{\"coupon\":\"denied\",\"status\":\"declined\",\"in_stock\":false}", false, ""},
    {"{\"logged_in\":true,\"new\":1,\"outlet\":\"yes\",\"option\":true}", false, ""},
    {"{}", false, ""},
};

// NOLINTNEXTLINE(readability-function-size): a list
static void what_clearly_is_a_no_is_taken_and_what_may_be_one_is_told(void **state)
{
    static const char *const types[] = {"chat_message", "identify", "alias", "profile_changed"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        for (size_t t = 0; t < COUNT_OF(types); t++) {
            const char *text = event_text(types[t], said[i].properties);
            const struct event e = decoded(text);
            if (e.opt_out != said[i].no || event_withdraws(&e) != said[i].no ||
                strcmp(warned(text), said[i].warned) != 0) {
                fail_msg("%s: %d, %s", text, e.opt_out, warned(text));
            }
        }
    }
}

static enum no_sign sign_of(const char *name, const char *value)
{
    const char *text = arena_printf(&arena, "{\"%s\":%s}", name, value);
    struct err err = {0};
    struct jdoc doc;

    assert_true(jdoc_read(&doc, text, strlen(text), &arena, &err));
    enum no_sign sign = no_sign_of(name, jval_get(doc.root, name), &arena);
    jdoc_free(&doc);
    return sign;
}

static void every_name_of_the_table_is_known(void **state)
{
    static const struct {
        const char *name, *value;
        enum no_sign sign;
    } rows[] = {
#define SAID(name)   {name, "true", NO_SIGN_SAID},
#define NEARLY(name) {name, "true", NO_SIGN_UNCLEAR},
#define YES(name)    {name, "false", NO_SIGN_UNCLEAR},
#include "domain/shop/said_no_table.inc"
#undef SAID
#undef NEARLY
#undef YES
        {"", "true", NO_SIGN_NONE},
        {"o", "true", NO_SIGN_NONE},
        {"OptOut", "true", NO_SIGN_SAID},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (sign_of(rows[i].name, rows[i].value) != rows[i].sign) {
            fail_msg("%s", rows[i].name);
        }
    }
}

/* Of these a half would count by itself: an order that says it is still one. */
// NOLINTNEXTLINE(readability-function-size): a list
static void where_no_no_is_heard_it_is_told(void **state)
{
    static const char *const types[] = {"purchase",         "searched",   "page_viewed",
                                        "checkout_started", "logged_out", "refund"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        for (size_t t = 0; t < COUNT_OF(types); t++) {
            const char *text = event_text(types[t], said[i].properties);
            assert_false(decoded(text).opt_out);
            const bool silent = strstr(said[i].properties, "true") == NULL && !said[i].no;
            if (said[i].no && strcmp(warned(text), "not_read") != 0 &&
                strcmp(warned(text), "not_read not_read") != 0) {
                fail_msg("%s: %s", text, warned(text));
            }
            if (silent) {
                assert_string_equal(warned(text), said[i].warned);
            }
        }
    }
}

/* A yes that says no is one, in whatever words: whatever may be a no is no yes. */
static void a_consent_that_is_refused_is_withdrawn(void **state)
{
    static const struct {
        const char *properties;
        bool refused;
    } given[] = {
        {"{}", false},
        {"{\"channel\":\"email\"}", false},
        {"{\"granted\":true,\"status\":\"confirmed\",\"source\":\"footer\"}", false},
        {"{\"opt_out\":false,\"unsubscribed\":0,\"opt_in\":null}", false},
        {"{\"value\":1,\"email_opt_in\":\"yes\"}", false},
        {"{\"channel\":\"email\",\"granted\":false}", true},
        {"{\"opt_out\":true}", true},
        {"{\"Granted\":\"no\"}", true},
        {"{\"status\":\"denied\"}", true},
        {"{\"consent\":false}", true},
        {"{\"state\":\"unsubscribed\"}", true},
        {"{\"email_opt_in\":0}", true},
        {"{\"email_opt_out\":true}", true},
        {"{\"unsubscribed_at\":\"2019-10-01\"}", true},
        {"{\"email_marketing_consent\":{\"state\":\"not_subscribed\"}}", true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(given); i++) {
        const char *text = event_text("consent_given", given[i].properties);
        const struct event e = decoded(text);
        if (event_withdraws(&e) != given[i].refused ||
            strcmp(warned(text), given[i].refused ? "taken_for_no" : "") != 0) {
            fail_msg("%s: %d, %s", text, event_withdraws(&e), warned(text));
        }
    }
    const struct event of_email =
        decoded(event_text("consent_given", "{\"channel\":\"email\",\"granted\":false}"));
    assert_string_equal(of_email.subject, "email");
}

/* Of a type that nobody knows the name may say it. */
static void a_type_that_may_be_a_no_is_told(void **state)
{
    static const struct {
        const char *type;
        const char *warned;
    } types[] = {
        {"email_unsubscribed", "not_read"},
        {"Unsubscribed from List", "not_read"},
        {"$unsubscribed", "not_read"},
        {"contact.unsubscribed", "not_read"},
        {"Marked Email as Spam", "not_read"},
        {"spamreport", "not_read"},
        {"complaint", "not_read"},
        {"consent_denied", "not_read"},
        {"marketing_consent_revoked", "not_read"},
        {"customers/redact", "not_read"},
        {"gdpr_delete", "not_read"},
        {"group_unsubscribe", "not_read"},
        {"email_opened", ""},
        {"subscribed", ""},
        {"payment_denied", ""},
        {"donation_made", ""},
        {"unsubscribe", "taken_for_no"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        const char *text = event_text(types[i].type, "{}");
        if (strcmp(warned(text), types[i].warned) != 0) {
            fail_msg("%s: %s", text, warned(text));
        }
    }
}

/* However it was said: what is stored of it says it in the one way that everybody reads. */
static void what_is_stored_of_it_says_opt_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        const char *text = event_text("identify", said[i].properties);
        if (said[i].no) {
            const char *stored = event_mark_opt_out(text, &arena);
            assert_true(strncmp(stored, "{\"opt_out\":true,", 16) == 0);
            assert_true(decoded(stored).opt_out);
        }
    }
}

static void
beside_the_event_opt_out_is_known_where_a_no_is_heard_and_meant_by_its_other_names(void **state)
{
    static const struct {
        const char *type, *member, *says; /* NULL: taken */
    } cases[] = {
        {"identify", "\"opt_out\":true", NULL},
        {"profile_changed", "\"opt_out\":true", NULL},
        {"chat_message", "\"optOut\":true", "did you mean opt_out?"},
        {"identify", "\"unsubscribed\":true", "did you mean opt_out?"},
        {"chat_message", "\"doNotContact\":true", "did you mean opt_out?"},
        {"identify", "\"opt_out\":\"yes\"", "must be true or false"},
        {"purchase", "\"opt_out\":true", "is not a known member"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *text =
            arena_printf(&arena, "{%s,%s", cases[i].member, event_text(cases[i].type, "{}") + 1);
        struct err err = {0};
        struct event e;
        bool taken = event_text_twice(text, strlen(text), ORIGIN_API, NOW_US, &arena, &e, &err);
        assert_int_equal(taken, cases[i].says == NULL);
        if (taken) {
            assert_true(e.opt_out);
        } else {
            assert_text_contains(err.text, cases[i].says);
        }
    }
}

static int forget(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

/* Chatbots call it by several names, and some have one in the other. */
static void a_message_is_read_wherever_chatbots_put_it_and_told_where_there_is_none(void **state)
{
    static const struct {
        const char *properties;
        bool no;
        const char *warned;
    } messages[] = {
        {"{\"text\":\"STOP\"}", true, ""},
        {"{\"message\":\"STOP\"}", true, "taken_for_no"},
        {"{\"body\":\"Stop. Thank you\"}", true, "taken_for_no"},
        {"{\"text\":{\"body\":\"STOP\"}}", true, "taken_for_no"},
        {"{\"message\":{\"text\":\"stop\"}}", true, "taken_for_no"},
        {"{\"message\":\"which size is this?\"}", false, ""},
        {"{\"text\":\"hello\",\"message\":\"STOP\"}", true, ""},
        {"{\"text\":\"please stop the delivery\"}", false, "not_read"},
        {"{\"text\":\"lassen Sie mich bitte in Ruhe damit\"}", false, "not_read"},
        {"{\"text\":5}", false, "not_read"},
        {"{\"content\":\"STOP\"}", false, "not_read"},
        {"{\"text\":null,\"opt_out\":true}", true, ""},
    };
    (void)state;

    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        const char *text = arena_printf(&arena,
                                        "{\"event_id\":\"e1\",\"type\":\"chat_message\","
                                        "\"customer_id\":\"anna\",\"occurred_at\":\"" NOW_TEXT
                                        "\",\"properties\":%s}",
                                        messages[i].properties);
        assert_int_equal(decoded(text).opt_out, messages[i].no);
        assert_string_equal(warned(text), messages[i].warned);
    }
}

/* ---- what another tracker says elsewhere, or by another name ---- */

static void what_stands_where_nobody_reads_it_is_told(void **state)
{
    static const struct {
        const char *type;
        const char *beside; /* the type */
        const char *properties;
        const char *warned;
    } events[] = {
        {"purchase", "", "{\"customer_id\":\"anna\",\"order_id\":\"Q-5\"}", "not_read not_read"},
        {"purchase", "", "{\"userId\":\"anna\"}", "not_read"},
        {"purchase", ",\"customer_id\":\"c\",\"order_id\":\"o\"",
         "{\"customer_id\":\"anna\",\"order_id\":\"Q-5\"}", ""},
        {"order_cancelled", "", "{\"order_id\":17}", "not_read"},
        {"order_cancelled", "", "{\"order_id\":null}", ""},
        {"cart_item_added", ",\"items\":[{\"product_id\":\"p\",\"quantity\":1}]",
         "{\"cart_id\":\"k\"}", "not_read"},
        {"an_own_type", "", "{\"customer_id\":\"anna\"}", ""},
        {"shipping_shown", "", "{\"shipping_cost\":490}", "not_read"},
        {"coupon_applied", "", "{\"coupon_code\":\"X\"}", "not_read"},
        {"searched", "", "{\"q\":\"lamp\"}", "not_read"},
        {"searched", "", "{\"query\":\"lamp\",\"q\":\"lamp\"}", ""},
        {"payment_failed", "", "{\"error\":\"declined\"}", "not_read"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        const char *text =
            arena_printf(&arena,
                         "{\"event_id\":\"e1\",\"type\":\"%s\",\"anonymous_id\":\"b\","
                         "\"occurred_at\":\"" NOW_TEXT "\"%s,\"properties\":%s}",
                         events[i].type, events[i].beside, events[i].properties);
        if (strcmp(warned(text), events[i].warned) != 0) {
            fail_msg("%s: \"%s\"", text, warned(text));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_clearly_is_a_no_is_taken_and_what_may_be_one_is_told,
                                  forget),
        cmocka_unit_test_teardown(every_name_of_the_table_is_known, forget),
        cmocka_unit_test_teardown(where_no_no_is_heard_it_is_told, forget),
        cmocka_unit_test_teardown(a_consent_that_is_refused_is_withdrawn, forget),
        cmocka_unit_test_teardown(a_type_that_may_be_a_no_is_told, forget),
        cmocka_unit_test_teardown(what_is_stored_of_it_says_opt_out, forget),
        cmocka_unit_test_teardown(
            beside_the_event_opt_out_is_known_where_a_no_is_heard_and_meant_by_its_other_names,
            forget),
        cmocka_unit_test(a_message_is_read_wherever_chatbots_put_it_and_told_where_there_is_none),
        cmocka_unit_test_teardown(what_stands_where_nobody_reads_it_is_told, forget),
    };
    return cmocka_run_group_tests_name("a no in properties", tests, NULL, NULL);
}
