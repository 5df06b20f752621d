/* What is known about one shopper, and what they are recommended. */
#include "outreach/customer.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "integration/outreach/outreach_spec.h"
#include "support/spec.h"

static json_t *shown; /* of the last question; freed at the next */
static const char *shown_text;

static void show(struct buf *out)
{
    json_decref(shown);
    shown_text = arena_strdup(&bench.arena, buf_text(out));
    shown = json_loads(shown_text, 0, NULL);
}

/* False: it cannot be told now. */
static bool try_customer(const char *id, bool *out_found, struct err *err)
{
    CLEANUP(arena_free) struct arena arena = {0};
    CLEANUP(buf_free) struct buf out = buf_make(1 << 20);
    const struct outreach_means means = {pool, live, &bench.config};

    if (!customer_read(&means, id, &arena, &out, out_found, err)) {
        return false;
    }
    show(&out);
    return true;
}

static bool customer(const char *id)
{
    struct err err = {0};
    bool found;

    ok(try_customer(id, &found, &err), &err);
    return found;
}

static void recommend(const char *id, struct pick_wish wish)
{
    struct err err = {0};
    CLEANUP(arena_free) struct arena arena = {0};
    CLEANUP(buf_free) struct buf out = buf_make(1 << 20);
    const struct outreach_means means = {pool, live, &bench.config};
    bool found = false;

    ok(customer_recommendations(&means, id, &wish, &arena, &out, &found, &err), &err);
    assert_true(found);
    show(&out);
}

static const char *text_at(const char *name)
{
    const char *text = json_string_value(json_object_get(shown, name));
    return text != NULL ? text : "";
}

static void a_customer_is_shown_with_cart_risk_consent_and_history(void **state)
{
    (void)state;
    did("ann", "consent_withdrawn", 100, "");
    did("ann", "consent_given", 99, ",\"properties\":{\"channel\":\"email\"}");
    did("ann", "product_viewed", 95, A_SHOE);
    did("ann", "cart_item_added", 90, A_SHOE);
    const int64_t from_us = clock_now_us();
    char at[CLOCK_TEXT_MAX];
    assert_true(customer("ann"));
    assert_string_equal(text_at("customer_id"), "ann");
    assert_string_equal(text_at("identity"), "customer");
    json_t *cart = json_object_get(shown, "cart");
    assert_string_equal(json_string_value(json_object_get(cart, "state")), "abandoned");
    assert_int_equal(json_array_size(json_object_get(cart, "items")), 1);
    json_t *risk = json_object_get(shown, "risk");
    assert_true(json_real_value(json_object_get(risk, "probability")) > .89);
    assert_int_equal(json_array_size(json_object_get(shown, "consent")), 2);
    assert_text_contains(shown_text, "\"channel\":\"all\",\"status\":\"withdrawn\",\"at\":\"2");
    assert_text_contains(shown_text, "\"channel\":\"email\",\"status\":\"given\"");
    json_t *history = json_object_get(shown, "history");
    assert_int_equal(json_integer_value(json_object_get(history, "events")), 4);
    assert_int_equal(json_integer_value(json_object_get(history, "views")), 1);
    assert_int_equal(json_integer_value(json_object_get(history, "sessions")), 1);
    assert_int_equal(json_integer_value(json_object_get(history, "orders")), 0);
    assert_null(json_object_get(history, "last_order_at"));
    assert_true(json_is_false(json_object_get(history, "bot")));
    assert_true(strcmp(json_string_value(json_object_get(history, "first_seen_at")),
                       json_string_value(json_object_get(history, "last_seen_at"))) < 0);
    assert_true(strcmp(text_at("at"), clock_format_rfc3339(from_us, at)) >= 0);
}

static void a_buyer_has_no_cart_no_risk_and_a_last_order(void **state)
{
    (void)state;
    did("bob", "cart_item_added", 90, A_SHOE);
    did("bob", "purchase", 80, A_SHOE);
    assert_true(customer("bob"));
    assert_true(json_is_null(json_object_get(shown, "cart")));
    assert_true(json_is_null(json_object_get(shown, "risk")));
    json_t *history = json_object_get(shown, "history");
    assert_int_equal(json_integer_value(json_object_get(history, "orders")), 1);
    assert_non_null(json_object_get(history, "last_order_at"));
}

static void nobody_is_not_found(void **state)
{
    (void)state;
    assert_false(customer("nobody"));
}

/* By whichever id the shop knows them. */
static void an_anonymous_id_shows_the_browser_or_whose_it_is(void **state)
{
    (void)state;
    did_with(bench.db, (struct deed){.anonymous = "cas-laptop",
                                     .type = "cart_item_added",
                                     .minutes_ago = 90,
                                     .more = A_SHOE});
    assert_true(customer("cas-laptop"));
    assert_string_equal(text_at("anonymous_id"), "cas-laptop");
    assert_string_equal(text_at("identity"), "anonymous");
    did("ca", "identify", 80, ",\"anonymous_id\":\"cas-laptop\"");
    fold_to_end(&bench);
    assert_true(customer("cas-laptop"));
    assert_string_equal(text_at("customer_id"), "ca");
    assert_string_equal(text_at("identity"), "customer");
    /* who is known as a customer is no browser of the same id */
    did("cas-laptop", "page_viewed", 70, "");
    assert_true(customer("cas-laptop"));
    assert_string_equal(text_at("customer_id"), "cas-laptop");
}

static const char *cart_shown(void)
{
    const char *id = json_string_value(json_object_get(json_object_get(shown, "cart"), "cart_id"));
    return id != NULL ? id : "none";
}

static int64_t events_shown(void)
{
    return json_integer_value(json_object_get(json_object_get(shown, "history"), "events"));
}

/* Nothing folds here but fold_to_end. */
static void of_an_id_all_is_shown_and_of_its_browsers_what_was_folded(void **state)
{
    (void)state;
    did("fay", "identify", 90, ",\"anonymous_id\":\"fays-phone\"");
    fold_to_end(&bench);
    did("fay", "cart_item_added", 80, ",\"cart_id\":\"fays\"" A_SHOE);
    did("fay", "consent_withdrawn", 79, "");
    did_with(bench.db, (struct deed){.anonymous = "fays-phone",
                                     .type = "purchase",
                                     .minutes_ago = 70,
                                     .more = ",\"cart_id\":\"fays\"" A_SHOE});
    assert_true(customer("fay"));
    assert_string_equal(cart_shown(), "fays");
    assert_int_equal(events_shown(), 3);
    assert_int_equal(json_array_size(json_object_get(shown, "consent")), 1);
    fold_to_end(&bench);
    assert_true(customer("fay"));
    assert_string_equal(cart_shown(), "none");
    assert_int_equal(events_shown(), 4);
}

static void who_a_browser_is_is_waited_for_where_the_log_says_it(void **state)
{
    (void)state;
    const struct config config = bench.config;
    struct err err = {0};
    bool found;

    did_with(bench.db, (struct deed){.anonymous = "gils-phone",
                                     .type = "cart_item_added",
                                     .minutes_ago = 90,
                                     .more = A_SHOE});
    did("gil", "identify", 80, ",\"anonymous_id\":\"gils-phone\"");
    bench.config.database_wait = 1000;
    bench.config.database_timeout = 1000;
    const bool told = try_customer("gils-phone", &found, &err);
    bench.config = config;
    assert_false(told);
    assert_int_equal(err.kind, ERR_BUSY);
    assert_true(customer("gil")); /* who has nothing yet but the login */
    assert_string_equal(cart_shown(), "none");
    fold_to_end(&bench);
    assert_true(customer("gils-phone"));
    assert_string_equal(text_at("customer_id"), "gil");
    assert_string_not_equal(cart_shown(), "none");
}

static void recommendations_are_as_many_as_wished_and_say_whose(void **state)
{
    (void)state;
    did("dan", "cart_item_added", 90, A_SHOE);
    recommend("dan", (struct pick_wish){.k = 2});
    assert_string_equal(text_at("customer_id"), "dan");
    assert_true(json_is_true(json_object_get(shown, "known")));
    json_t *items = json_object_get(json_object_get(shown, "recommendations"), "items");
    assert_int_equal(json_array_size(items), 2);
    assert_text_contains(shown_text, "\"product_id\":\"hat\"");
    assert_text_contains(shown_text, "\"algorithm\":\"popularity\"");
    recommend("dan", (struct pick_wish){.k = 0});
    items = json_object_get(json_object_get(shown, "recommendations"), "items");
    assert_int_equal(json_array_size(items), 0);
}

static void what_lies_in_the_cart_is_not_recommended(void **state)
{
    (void)state;
    did("eve", "cart_item_added", 90,
        ",\"items\":[{\"product_id\":\"hat\",\"quantity\":1,\"price_minor\":990,\"currency\":\"EUR\"}]");
    recommend("eve", (struct pick_wish){.k = 3});
    assert_null(strstr(shown_text, "\"product_id\":\"hat\""));
    assert_text_contains(shown_text, "\"product_id\":\"scarf\"");
}

static void a_stranger_gets_what_is_popular_and_is_told_to_be_one(void **state)
{
    (void)state;
    recommend("stranger", (struct pick_wish){.k = 3});
    assert_true(json_is_false(json_object_get(shown, "known")));
    assert_text_contains(shown_text, "\"product_id\":\"hat\"");
}

static int forget(void **state)
{
    json_decref(shown);
    shown = NULL;
    return outreach_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_customer_is_shown_with_cart_risk_consent_and_history),
        cmocka_unit_test(a_buyer_has_no_cart_no_risk_and_a_last_order),
        cmocka_unit_test(nobody_is_not_found),
        cmocka_unit_test(an_anonymous_id_shows_the_browser_or_whose_it_is),
        cmocka_unit_test(of_an_id_all_is_shown_and_of_its_browsers_what_was_folded),
        cmocka_unit_test(who_a_browser_is_is_waited_for_where_the_log_says_it),
        cmocka_unit_test(recommendations_are_as_many_as_wished_and_say_whose),
        cmocka_unit_test(what_lies_in_the_cart_is_not_recommended),
        cmocka_unit_test(a_stranger_gets_what_is_popular_and_is_told_to_be_one),
    };
    return cmocka_run_group_tests_name("customers", tests, outreach_setup, forget);
}
