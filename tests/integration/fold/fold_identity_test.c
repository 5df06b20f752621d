/* Anonymous shoppers and their customers, across lanes: whatever arrives first, the same carts. */
#include "integration/flow_spec.h"
#include "support/spec.h"

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "identity");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static void a_cart_follows_its_anonymous_shopper_to_the_customer(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .anonymous = "x", .product = "shoe",
         .at_s = 10);
    fold_to_end(&bench);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE key = 'a:x'"), 1);

    TELL(&bench, .id = "e2", .type = "identify", .customer = "y", .anonymous = "x", .at_s = 20);
    fold_to_end(&bench);

    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE key = 'a:x'"), 0);
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE key = 'c:y' AND lines = 1"),
        1);
    assert_string_equal(text_of(&bench, "SELECT key FROM cartwright.cart_lane"), "c:y");
    assert_replay_is_clean(&bench);
}

static void events_of_a_bound_shopper_are_forwarded_once(void **state)
{
    (void)state;
    TELL(&bench, .id = "e1", .type = "identify", .customer = "y", .anonymous = "x", .at_s = 1);
    fold_to_end(&bench);
    TELL(&bench, .id = "e2", .type = "cart_item_added", .anonymous = "x", .product = "shoe",
         .at_s = 10);
    fold_to_end(&bench);
    TELL(&bench, .id = "e3", .type = "identify", .customer = "z", .anonymous = "x", .at_s = 30);
    fold_to_end(&bench);

    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.event WHERE type = 'forwarded'"), 1);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE key = 'c:y'"), 1);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.cart WHERE key = 'c:z'"), 0);
    assert_replay_is_clean(&bench);
}

static void two_open_carts_become_their_union(void **state)
{
    (void)state;
    static const struct told events[] = {
        {.id = "e1",
         .type = "cart_item_added",
         .customer = "y",
         .product = "shoe",
         .quantity = 2,
         .at_s = 1},
        {.id = "e2",
         .type = "cart_item_added",
         .anonymous = "x",
         .product = "shoe",
         .quantity = 3,
         .at_s = 2},
        {.id = "e3", .type = "cart_item_added", .anonymous = "x", .product = "hat", .at_s = 3},
        {.id = "e4", .type = "identify", .customer = "y", .anonymous = "x", .at_s = 4},
    };
    tell_all(&bench, events, COUNT_OF(events));
    fold_to_end(&bench);

    assert_string_equal(text_of(&bench, "SELECT lines || ' lines, ' || units || ' units' FROM "
                                        "cartwright.cart WHERE status = 'open'"),
                        "2 lines, 4 units");
    assert_replay_is_clean(&bench);
}

/* All orders of n things: Heap's algorithm, one step a call. */
struct orders {
    size_t at[8];
    size_t counts[8];
    size_t n;
    size_t i;
};

static bool next_order(struct orders *o)
{
    while (o->i < o->n) {
        if (o->counts[o->i] < o->i) {
            size_t with = o->i % 2 == 0 ? 0 : o->counts[o->i];
            size_t kept = o->at[with];
            o->at[with] = o->at[o->i];
            o->at[o->i] = kept;
            o->counts[o->i]++;
            o->i = 0;
            return true;
        }
        o->counts[o->i++] = 0;
    }
    return false;
}

static const struct told story[] = {
    {.id = "a1", .type = "cart_item_added", .anonymous = "x", .product = "shoe", .at_s = 10},
    {.id = "i1", .type = "identify", .customer = "y", .anonymous = "x", .at_s = 20},
    {.id = "c1", .type = "cart_item_added", .customer = "y", .product = "hat", .at_s = 15},
    {.id = "i2", .type = "identify", .customer = "z", .anonymous = "x", .at_s = 40},
    {.id = "a2", .type = "cart_item_added", .anonymous = "x", .product = "sock", .at_s = 50},
};

/* together: arrive first and fold then; else fold after every arrival */
static const char *carts_of_order(const struct orders *o, bool together)
{
    forget_everything(&bench);
    for (size_t i = 0; i < o->n; i++) {
        tell_all(&bench, &story[o->at[i]], 1);
        if (!together) {
            fold_to_end(&bench);
        }
    }
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
    return dump_of(&bench, false);
}

static void any_arrival_order_of_bindings_and_events_gives_the_same_shoppers(void **state)
{
    (void)state;
    struct orders o = {.at = {0, 1, 2, 3, 4}, .n = COUNT_OF(story)};
    const char *expected = carts_of_order(&o, true);
    assert_text_contains(expected, "\"shopper\":\"c:z\"");
    int orders = 0;
    do {
        assert_string_equal(carts_of_order(&o, orders % 8 == 0), expected);
        orders++;
    } while (next_order(&o));
    assert_int_equal(orders, 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_cart_follows_its_anonymous_shopper_to_the_customer, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(events_of_a_bound_shopper_are_forwarded_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(two_open_carts_become_their_union, setup, teardown),
        cmocka_unit_test_setup_teardown(
            any_arrival_order_of_bindings_and_events_gives_the_same_shoppers, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
