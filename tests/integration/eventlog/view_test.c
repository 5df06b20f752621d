/* A shopper as of now: what is stored, and what nobody has folded yet. */
#include "base/clock.h"
#include "eventlog/view.h"
#include "integration/flow_spec.h"
#include "support/spec.h"

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "view");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static struct view view_of(const char *key, int64_t until_us)
{
    struct err err = {0};
    struct view v;
    if (!view_read(bench.db, key, until_us, &bench.arena, &v, &err)) {
        fail_msg("%s", err.text);
    }
    return v;
}

static const char *key_of(const char *key, const char *cart)
{
    struct err err = {0};
    struct view v;
    const struct view_ask ask = {.key = key, .cart_id = cart, .until_us = INT64_MAX};
    if (!view_find(bench.db, &ask, &bench.arena, &v, &err)) {
        fail_msg("%s", err.text);
    }
    return v.key == NULL ? "(unknown)" : v.key;
}

static void a_view_never_lags_behind_an_acknowledged_event(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .customer = "y", .product = "shoe",
         .at_s = 1);
    fold_to_end(&bench);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .customer = "y", .product = "hat",
         .at_s = 2);
    struct view v = view_of("c:y", INT64_MAX);
    assert_true(v.known);
    assert_int_equal(v.lane, event_lane("c:y"));
    assert_int_equal(v.shopper->carts[0].line_count, 2);
    assert_int_equal(v.last_off, 2);
}

static void news_out_of_order_are_folded_in_their_place(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "purchase", .customer = "y", .product = "shoe", .at_s = 50);
    fold_to_end(&bench);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .customer = "y", .product = "shoe",
         .at_s = 2);
    struct view v = view_of("c:y", INT64_MAX);
    assert_int_equal(v.shopper->carts[0].status, CART_BOUGHT);
    assert_null(shopper_open_cart(v.shopper));
}

static void a_view_of_the_past_leaves_out_what_came_later(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .customer = "y", .product = "shoe",
         .at_s = 10);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .customer = "y", .product = "hat",
         .at_s = 20);
    fold_to_end(&bench);
    assert_int_equal(view_of("c:y", START_US + SECONDS(15)).shopper->carts[0].line_count, 1);
    assert_int_equal(view_of("c:y", START_US + SECONDS(20)).shopper->carts[0].line_count, 2);
}

static void nobody_is_unknown_and_empty(void **state)
{
    (void)state;
    struct view v = view_of("c:nobody", INT64_MAX);
    assert_false(v.known);
    assert_int_equal(v.shopper->cart_count, 0);
    assert_int_equal(v.last_off, 0);
}

static void an_unreadable_document_is_folded_again_from_the_log(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .customer = "y", .product = "shoe",
         .at_s = 1);
    fold_to_end(&bench);
    run_sql(&bench, "UPDATE cartwright.shopper SET doc = 'of another version'");
    assert_int_equal(view_of("c:y", INT64_MAX).shopper->carts[0].line_count, 1);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .customer = "y", .product = "hat",
         .at_s = 2);
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
}

static void a_request_finds_its_shopper_by_customer_browser_and_cart(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .anonymous = "x", .cart = "basket",
         .product = "shoe", .at_s = 1);
    fold_to_end(&bench);
    assert_string_equal(key_of("a:x", NULL), "a:x");
    assert_string_equal(key_of(NULL, "basket"), "a:x");
    assert_string_equal(key_of("c:y", NULL), "c:y");
    assert_string_equal(key_of("a:nobody", NULL), "(unknown)");
    assert_string_equal(key_of(NULL, "nothing"), "(unknown)");

    TELL(&bench, .id = "e2", .type = "identify", .customer = "y", .anonymous = "x", .at_s = 2);
    fold_to_end(&bench);
    assert_string_equal(key_of("a:x", NULL), "c:y");
    assert_string_equal(key_of(NULL, "basket"), "c:y");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_view_never_lags_behind_an_acknowledged_event, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(news_out_of_order_are_folded_in_their_place, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_view_of_the_past_leaves_out_what_came_later, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(nobody_is_unknown_and_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unreadable_document_is_folded_again_from_the_log, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_request_finds_its_shopper_by_customer_browser_and_cart,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
