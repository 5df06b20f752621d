/* Which cart is meant, who makes room, and whose side is whose. */
#include "domain/shopper/shopper_carts.h"

#include "domain/shopper/shopper_identity.h"
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

#define a_cart(...) ((struct cart){.round = 1, .id = __VA_ARGS__})

static struct shopper *with_carts(const struct cart *carts, size_t count)
{
    struct shopper *s = shopper_new("c:anna", &arena);

    memcpy(s->carts, carts, count * sizeof *carts);
    s->cart_count = count;
    return s;
}

static char a[] = "a";
static char b[] = "b";
static char c[] = "c";
static char d[] = "d";
static char e[] = "e";
static char x[] = "x";
static char y[] = "y";

/* ---- the cart that is meant ---- */

static void a_merged_cart_s_name_leads_to_where_its_lines_are(void **state)
{
    (void)state;
    const struct cart carts[] = {a_cart(a, .status = CART_MERGED, .into = b),
                                 a_cart(b, .status = CART_MERGED, .into = c),
                                 a_cart(c, .status = CART_MERGED, .into = d), a_cart(d)};
    struct shopper *s = with_carts(carts, 4);

    assert_string_equal(carts_find(s, "a")->id, "d");
    assert_string_equal(carts_find(s, "d")->id, "d");
    assert_null(carts_find(s, "e"));
    s->cart_count = 3; /* d had to make room */
    assert_string_equal(carts_find(s, "a")->id, "c");
}

/* No fold makes one; what is stored may be anything. */
static void carts_in_a_ring_have_an_end(void **state)
{
    (void)state;
    const struct cart carts[] = {a_cart(a, .status = CART_MERGED, .into = b),
                                 a_cart(b, .status = CART_MERGED, .into = a)};

    assert_non_null(carts_find(with_carts(carts, 2), "a"));
}

static void each_side_has_its_own_newest_open_cart(void **state)
{
    (void)state;
    const struct cart carts[] = {a_cart(a, .changed_us = 5), a_cart(b, .changed_us = 5),
                                 a_cart(c, .changed_us = 9, .via = x),
                                 a_cart(d, .changed_us = 8, .status = CART_BOUGHT)};
    struct shopper *s = with_carts(carts, 4);

    assert_string_equal(carts_newest_open(s, NULL)->id, "a"); /* of equals the first by id */
    assert_string_equal(carts_newest_open(s, "x")->id, "c");
    assert_null(carts_newest_open(s, "y"));
    s->carts[1].changed_us = 6;
    assert_string_equal(carts_newest_open(s, NULL)->id, "b");
}

/* ---- room ---- */

static const struct event an_add = {.type = EVENT_CART_ITEM_ADDED, .occurred_us = 100};

static struct shopper *with_another(const struct cart *carts, const char *id)
{
    struct shopper *s = with_carts(carts, CARTS_MAX);
    struct event event = an_add;

    event.cart_id = id;
    (void)carts_for_items(s, &event, NULL, &arena);
    assert_int_equal(s->cart_count, CARTS_MAX);
    for (size_t i = 1; i < s->cart_count; i++) {
        assert_true(strcmp(s->carts[i - 1].id, s->carts[i].id) < 0);
    }
    return s;
}

static void closed_carts_make_room_before_open_ones_and_older_before_newer(void **state)
{
    (void)state;
    struct cart carts[] = {a_cart(b, .changed_us = 1), a_cart(c, .changed_us = 7),
                           a_cart(d, .changed_us = 9, .status = CART_BOUGHT, .round = 5),
                           a_cart(e, .changed_us = 8, .status = CART_EMPTIED, .round = 3)};

    struct shopper *s = with_another(carts, "a");
    assert_null(shopper_cart(s, "e"));
    assert_int_equal(s->dropped_rounds, 3);
    assert_int_equal(shopper_cart(s, "a")->round, 4);
    carts[3].changed_us = 9;
    assert_null(shopper_cart(with_another(carts, "f"), "d")); /* of equals the first by id */
    carts[2].status = carts[3].status = CART_OPEN;
    assert_null(shopper_cart(with_another(carts, "bb"), "b"));
}

static void the_highest_dropped_round_is_remembered(void **state)
{
    (void)state;
    const struct cart carts[] = {a_cart(b, .changed_us = 1, .round = 5),
                                 a_cart(c, .changed_us = 2, .round = 2), a_cart(d, .changed_us = 3),
                                 a_cart(e, .changed_us = 4)};
    struct shopper *s = with_another(carts, "f");
    struct event event = an_add;

    assert_int_equal(s->dropped_rounds, 5);
    event.cart_id = "g";
    assert_int_equal(carts_for_items(s, &event, NULL, &arena)->round, 6);
    assert_null(shopper_cart(s, "c"));
    assert_int_equal(s->dropped_rounds, 5);
}

static void expect_dropped(const struct shopper *s, const char *ids)
{
    const char *text = "";

    for (size_t i = 0; i < s->dropped_count; i++) {
        text = arena_printf(&arena, "%s %s", text, s->dropped[i].id);
    }
    assert_string_equal(text, ids);
}

static void what_made_room_is_remembered_by_its_id_until_it_comes_back(void **state)
{
    (void)state;
    static const char *const ids[] = {"6", "7", "basket", "8", "9", "10", "3"};
    static char first[CARTS_MAX][2] = {"2", "3", "4", "5"};
    const struct cart carts[] = {
        a_cart(first[0], .changed_us = 1), a_cart(first[1], .changed_us = 2),
        a_cart(first[2], .changed_us = 3), a_cart(first[3], .changed_us = 4)};
    struct shopper *s = with_carts(carts, CARTS_MAX);
    struct event event = an_add;

    expect_dropped(s, "");
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        event.cart_id = ids[i];
        event.occurred_us++;
        carts_for_items(s, &event, NULL, &arena)->changed_us = event.occurred_us;
    }
    /* "basket" made room as well, but is a word; 3 did, and is back */
    expect_dropped(s, " 2 4 5 6 7");
    assert_non_null(shopper_cart(s, "3"));
    assert_null(shopper_cart(s, "basket"));
}

static void of_very_many_that_made_room_the_oldest_are_forgotten(void **state)
{
    (void)state;
    struct shopper *s = shopper_new("c:anna", &arena);
    struct event event = an_add;

    for (int i = 0; i < CARTS_MAX + DROPPED_MAX + 2; i++) {
        event.cart_id = arena_printf(&arena, "id-%d", i);
        event.occurred_us++;
        carts_for_items(s, &event, NULL, &arena)->changed_us = event.occurred_us;
    }
    assert_int_equal(s->dropped_count, DROPPED_MAX);
    assert_string_equal(s->dropped[0].id, "id-2");
    assert_string_equal(s->dropped[DROPPED_MAX - 1].id,
                        arena_printf(&arena, "id-%d", DROPPED_MAX + 1));
}

static void mention(struct shopper *s, struct event event)
{
    carts_mention(s, &event, &arena);
}

static const char *mentioned_by(const struct shopper *s)
{
    const char *text = "";

    for (size_t i = 0; i < s->mentioned_count; i++) {
        text = arena_printf(&arena, "%s %s", text, s->mentioned[i].id);
    }
    return text;
}

static void a_cart_that_is_only_named_is_remembered_until_it_is_there(void **state)
{
    (void)state;
    const struct cart carts[] = {a_cart(b, .changed_us = 1)};
    struct shopper *s = with_carts(carts, 1);
    struct event event = an_add;

    mention(s, (struct event){.type = EVENT_CHECKOUT_STARTED, .cart_id = "1"});
    mention(s, (struct event){.type = EVENT_PAGE_VIEWED, .cart_id = "2"});
    mention(s, (struct event){.type = EVENT_CHECKOUT_STEP, .cart_id = "1"});
    assert_string_equal(mentioned_by(s), " 2 1"); /* the newest last, each once */
    mention(s, (struct event){.type = EVENT_PAGE_VIEWED, .cart_id = "b"});
    mention(s, (struct event){.type = EVENT_PAGE_VIEWED, .cart_id = "basket"});
    mention(s, (struct event){.type = EVENT_PAGE_VIEWED});
    mention(s, (struct event){.type = EVENT_PURCHASE, .cart_id = "3"});
    mention(s, (struct event){.type = EVENT_CONSENT_WITHDRAWN, .cart_id = "3"});
    mention(s, (struct event){.type = EVENT_CHAT_MESSAGE, .cart_id = "3", .opt_out = true});
    mention(s, (struct event){.type = EVENT_DERIVED_OUTREACH_RELEASED,
                              .cart_id = "3",
                              .origin = ORIGIN_DERIVED});
    assert_string_equal(mentioned_by(s), " 2 1");
    event.cart_id = "2";
    (void)carts_for_items(s, &event, NULL, &arena);
    assert_string_equal(mentioned_by(s), " 1");
}

static void of_very_many_that_were_only_named_the_longest_unnamed_are_forgotten(void **state)
{
    (void)state;
    struct shopper *s = shopper_new("c:anna", &arena);

    for (int i = 0; i < MENTIONED_MAX + 2; i++) {
        mention(s, (struct event){.type = EVENT_PAGE_VIEWED,
                                  .cart_id = arena_printf(&arena, "id-%d", i)});
    }
    assert_int_equal(s->mentioned_count, MENTIONED_MAX);
    assert_string_equal(s->mentioned[0].id, "id-2");
    assert_string_equal(s->mentioned[MENTIONED_MAX - 1].id,
                        arena_printf(&arena, "id-%d", MENTIONED_MAX + 1));
}

/* ---- opening ---- */

static void items_open_the_next_round_for_who_brings_them(void **state)
{
    (void)state;
    const struct cart carts[] = {a_cart(b, .status = CART_BOUGHT, .round = 2, .via = x)};
    struct event event = an_add;
    event.cart_id = "b";
    event.origin = ORIGIN_IMPORT;

    struct cart *own = carts_for_items(with_carts(carts, 1), &event, NULL, &arena);
    assert_null(own->via);
    assert_int_equal(own->round, 3);
    assert_int_equal(own->opened_us, 100);
    assert_true(own->imported);
    event.origin = ORIGIN_API;
    struct cart *side = carts_for_items(with_carts(carts, 1), &event, "y", &arena);
    assert_string_equal(side->via, "y");
    assert_false(side->imported);
}

static void an_open_cart_changes_hands_only_to_the_shopper(void **state)
{
    (void)state;
    const struct cart of_side[] = {a_cart(b, .via = x, .opened_us = 7)};
    const struct cart own[] = {a_cart(b, .opened_us = 7)};
    struct event event = an_add;
    event.cart_id = "b";

    assert_null(carts_for_items(with_carts(of_side, 1), &event, NULL, &arena)->via);
    assert_string_equal(carts_for_items(with_carts(of_side, 1), &event, "y", &arena)->via, "x");
    assert_null(carts_for_items(with_carts(own, 1), &event, "y", &arena)->via);
    assert_int_equal(carts_for_items(with_carts(own, 1), &event, NULL, &arena)->opened_us, 7);
    assert_int_equal(carts_for_items(with_carts(own, 1), &event, NULL, &arena)->round, 1);
}

static void a_cart_without_a_name_is_the_side_s_own_default(void **state)
{
    (void)state;
    struct shopper *s = shopper_new("c:anna", &arena);
    const char *own = carts_for_items(s, &an_add, NULL, &arena)->id;
    const char *side = carts_for_items(s, &an_add, "x", &arena)->id;

    assert_string_equal(own, "cart_c7e3f4f1888e731d8c581149"); /* SHA-256("c:anna") */
    assert_string_not_equal(side, own);
    assert_string_equal(side,
                        carts_for_items(shopper_new("a:x", &arena), &an_add, NULL, &arena)->id);
}

/* ---- sides ---- */

static struct shopper *with_bindings(const char *key)
{
    struct shopper *s = shopper_new(key, &arena);

    s->bindings = arena_array(&arena, 2, sizeof *s->bindings);
    s->bindings[0] = (struct binding){.other = x, .from_us = 10, .until_us = 20};
    s->bindings[1] =
        (struct binding){.other = y, .from_us = 30, .until_us = 40, .identified = true};
    s->binding_count = 2;
    return s;
}

static void a_side_ends_with_its_own_identify(void **state)
{
    (void)state;
    struct shopper *s = with_bindings("c:anna");
    const struct event of_x = {.via = "x"};
    const struct event of_y = {.via = "y"};
    const struct event of_z = {.via = "z"};
    const struct event own = {0};
    const struct event identify = {.type = EVENT_IDENTIFY, .anonymous_id = "x"};

    assert_string_equal(identity_side(s, &of_x), "x");
    assert_null(identity_side(s, &of_y));
    assert_string_equal(identity_side(s, &of_z), "z");
    assert_null(identity_side(s, &own));
    s->bindings[1].identified = false;
    identity_join(s, &identify, &arena);
    assert_null(identity_side(s, &of_x));
    assert_string_equal(identity_side(s, &of_y), "y");
}

static void of_several_carts_of_a_side_the_newest_takes_in_the_others(void **state)
{
    (void)state;
    const struct cart carts[] = {a_cart(a, .via = x, .changed_us = 5),
                                 a_cart(b, .via = x, .changed_us = 9),
                                 a_cart(c, .via = y, .changed_us = 7)};
    const struct event identify = {.type = EVENT_IDENTIFY, .anonymous_id = "x", .occurred_us = 100};
    struct shopper *s = with_carts(carts, 3);

    identity_join(s, &identify, &arena);
    assert_null(s->carts[1].via);
    assert_int_equal(s->carts[1].status, CART_OPEN);
    assert_int_equal(s->carts[0].status, CART_MERGED);
    assert_string_equal(s->carts[0].into, "b");
    assert_string_equal(s->carts[2].via, "y");
    assert_int_equal(s->carts[2].status, CART_OPEN);
}

static void nobody_forwards_to_an_anonymous_shopper(void **state)
{
    (void)state;
    const struct event inside = {.type = EVENT_SEARCHED, .via = "x", .occurred_us = 15};
    const struct event set = {.type = EVENT_DERIVED_BINDING_SET, .via = "x"};
    const struct event bound = {.type = EVENT_DERIVED_SHOPPER_BOUND, .via = "x"};
    const struct event own = {.type = EVENT_SEARCHED};

    assert_true(identity_counts(with_bindings("c:anna"), &inside));
    assert_false(identity_counts(with_bindings("a:anna"), &inside));
    assert_true(identity_is_forwarded(&inside));
    assert_false(identity_is_forwarded(&set) || identity_is_forwarded(&bound));
    assert_false(identity_is_forwarded(&own));
    assert_int_equal(identity_handed_until(with_bindings("a:anna")), 40);
    assert_true(identity_handed_until(with_bindings("c:anna")) == INT64_MIN);
}

static void a_customer_has_no_owner_and_tells_no_intervals(void **state)
{
    (void)state;
    struct event_interval intervals[BINDINGS_MAX];

    assert_null(shopper_owner_at(with_bindings("c:anna"), 15));
    assert_int_equal(shopper_intervals_of(with_bindings("c:anna"), "x", intervals), 0);
    assert_string_equal(shopper_owner_at(with_bindings("a:anna"), 10), "x");
    assert_string_equal(shopper_owner_at(with_bindings("a:anna"), 19), "x");
    assert_string_equal(shopper_owner_at(with_bindings("a:anna"), 30), "y");
}

/* What was forgotten, what lies between, what came after the last logout: none of it is anybody else's. */
static void what_no_binding_holds_is_nobody_s(void **state)
{
    (void)state;
    static const int64_t times[] = {INT64_MIN, 5, 9, 20, 29, 40, INT64_MAX};
    struct shopper *s = with_bindings("a:anna");

    for (size_t i = 0; i < COUNT_OF(times); i++) {
        assert_null(shopper_owner_at(s, times[i]));
    }
    assert_null(shopper_owner_now(s));
    s->bindings[1].until_us = INT64_MAX;
    assert_string_equal(shopper_owner_now(s), "y");
    assert_null(shopper_owner_now(with_bindings("c:anna")));
}

/* A customer, an anonymous shopper, in the customer's own lane: without any of these nothing is asked for. */
static void only_an_event_that_names_both_in_its_first_lane_asks_for_a_binding(void **state)
{
    (void)state;
    const struct event whole = {
        .type = EVENT_PURCHASE, .customer_id = "anna", .anonymous_id = "z", .occurred_us = 15};
    struct event event = whole;
    struct shopper_login login;

    assert_true(shopper_login(with_bindings("c:anna"), &event, &login));
    assert_string_equal(login.via, "z");
    assert_int_equal(login.at_us, 15);
    assert_false(login.ends);
    assert_false(shopper_login(with_bindings("a:anna"), &event, &login));
    event.via = "z";
    assert_false(shopper_login(with_bindings("c:anna"), &event, &login));
    event = whole;
    event.anonymous_id = NULL;
    assert_false(shopper_login(with_bindings("c:anna"), &event, &login));
}

/* Browser x is anna's from 10 to 20, as her last answer said. */
static void what_is_known_is_not_asked_again(void **state)
{
    (void)state;
    struct event event = {.type = EVENT_SEARCHED, .customer_id = "anna", .anonymous_id = "x"};
    struct shopper_login login;

    for (event.occurred_us = 9; event.occurred_us <= 20; event.occurred_us++) {
        assert_int_equal(shopper_login(with_bindings("c:anna"), &event, &login),
                         event.occurred_us < 10 || event.occurred_us == 20);
    }
    event.type = EVENT_LOGGED_OUT;
    event.occurred_us = 15;
    assert_true(shopper_login(with_bindings("c:anna"), &event, &login));
    assert_true(login.ends);
}

static void until_there_is_an_answer_only_the_first_event_asks(void **state)
{
    (void)state;
    static char z[] = "z";
    struct named_via named = {.other = z, .first_us = 50, .last_us = 90};
    struct event event = {.type = EVENT_SEARCHED, .customer_id = "anna", .anonymous_id = "z"};
    struct shopper *s = with_bindings("c:anna");
    struct shopper_login login;

    s->named = &named;
    s->named_count = 1;
    event.occurred_us = 50;
    assert_true(shopper_login(s, &event, &login));
    event.occurred_us = 51;
    assert_false(shopper_login(s, &event, &login));
    event.occurred_us = 50 + MINUTES(10);
    assert_true(shopper_login(s, &event, &login));
    event.occurred_us = 51;
    s->bindings[1] = (struct binding){.other = z}; /* none: denied */
    assert_true(shopper_login(s, &event, &login));
}

/* Either bound of an interval, and their number, make it another. */
static void a_customer_is_told_of_any_change_of_its_intervals_once(void **state)
{
    (void)state;
    const char *told[2 * BINDINGS_MAX];
    struct shopper *before = with_bindings("a:anna");
    struct shopper *after = with_bindings("a:anna");

    assert_int_equal(shopper_bindings_changed(before, after, told), 0);
    after->bindings[1].until_us = 41;
    assert_int_equal(shopper_bindings_changed(before, after, told), 1);
    assert_string_equal(told[0], "y");
    after->bindings[1].until_us = 40;
    after->bindings[1].from_us = 31;
    assert_int_equal(shopper_bindings_changed(before, after, told), 1);
    after->binding_count = 1;
    assert_int_equal(shopper_bindings_changed(before, after, told), 1);
    assert_int_equal(shopper_bindings_changed(after, before, told), 1);
    assert_string_equal(told[0], "y");
    assert_int_equal(shopper_bindings_changed(NULL, before, told), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_merged_cart_s_name_leads_to_where_its_lines_are),
        cmocka_unit_test(carts_in_a_ring_have_an_end),
        cmocka_unit_test(each_side_has_its_own_newest_open_cart),
        cmocka_unit_test(closed_carts_make_room_before_open_ones_and_older_before_newer),
        cmocka_unit_test(the_highest_dropped_round_is_remembered),
        cmocka_unit_test(what_made_room_is_remembered_by_its_id_until_it_comes_back),
        cmocka_unit_test(of_very_many_that_made_room_the_oldest_are_forgotten),
        cmocka_unit_test(a_cart_that_is_only_named_is_remembered_until_it_is_there),
        cmocka_unit_test(of_very_many_that_were_only_named_the_longest_unnamed_are_forgotten),
        cmocka_unit_test(items_open_the_next_round_for_who_brings_them),
        cmocka_unit_test(an_open_cart_changes_hands_only_to_the_shopper),
        cmocka_unit_test(a_cart_without_a_name_is_the_side_s_own_default),
        cmocka_unit_test(a_side_ends_with_its_own_identify),
        cmocka_unit_test(of_several_carts_of_a_side_the_newest_takes_in_the_others),
        cmocka_unit_test(nobody_forwards_to_an_anonymous_shopper),
        cmocka_unit_test(a_customer_has_no_owner_and_tells_no_intervals),
        cmocka_unit_test(only_an_event_that_names_both_in_its_first_lane_asks_for_a_binding),
        cmocka_unit_test(what_is_known_is_not_asked_again),
        cmocka_unit_test(until_there_is_an_answer_only_the_first_event_asks),
        cmocka_unit_test(what_no_binding_holds_is_nobody_s),
        cmocka_unit_test(a_customer_is_told_of_any_change_of_its_intervals_once),
    };
    return cmocka_run_group_tests_name("which cart, and whose", tests, NULL, forget);
}
