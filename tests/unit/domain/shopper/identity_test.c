/* Anonymous shoppers and customers: who owns whose events, and what happens when they meet. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "domain/shopper/shopper.h"
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

#define folded(key, ...)                                                                           \
    fold_these(key, (struct event[]){__VA_ARGS__},                                                 \
               sizeof((struct event[]){__VA_ARGS__}) / sizeof(struct event))

static struct shopper *fold_these(const char *key, struct event *events, size_t count)
{
    return shopper_fold_all(NULL, key, events, count, INT64_MAX, &arena);
}

static struct event bound(int64_t at, const char *customer)
{
    return an_event(EVENT_DERIVED_SHOPPER_BOUND, .at = at, .via = "x", .customer = customer);
}

static struct event binding(int64_t version, int64_t from_us, int64_t until_us)
{
    return an_event(EVENT_DERIVED_BINDING_SET, .at = 1, .via = "x", .version = version,
                    .interval = {from_us, until_us});
}

static struct event identify(int64_t at)
{
    return an_event(EVENT_IDENTIFY, .at = at, .anonymous = "x");
}

static struct event forwarded_add(int64_t at, const char *cart, const char *sku, int64_t quantity)
{
    return an_event(EVENT_CART_ITEM_ADDED, .at = at, .via = "x", .cart = cart, .sku = sku,
                    .quantity = quantity);
}

static const char *lines_of(const struct cart *c)
{
    const char *text = "";

    for (size_t i = 0; c != NULL && i < c->line_count; i++) {
        text =
            arena_printf(&arena, "%s%s%s x%lld", text, i == 0 ? "" : ", ", c->lines[i].product_id,
                         (long long)c->lines[i].quantity_milli / QUANTITY_ONE);
    }
    return text;
}

/* ---- effects ---- */

static void what_names_both_in_the_customer_s_lane_asks_for_a_binding(void **state)
{
    struct event e = identify(MINUTES(3));
    struct event f = an_event(EVENT_SEARCHED, .at = 1, .anonymous = "x");
    (void)state;

    struct shopper_login login;
    assert_true(shopper_login(folded("c:anna", e), &e, &login));
    assert_string_equal(login.via, "x");
    assert_int_equal(login.at_us, TEST_DAY_US + MINUTES(3));
    assert_true(shopper_login(folded("c:anna", f), &f, &login));
    assert_false(shopper_login(folded("c:anna", f, e), &e, &login)); /* the first has asked */
}

/* ---- the anonymous shopper ---- */

static void an_event_belongs_to_the_newest_binding_at_its_time(void **state)
{
    (void)state;
    struct shopper *s = folded("a:x", bound(HOURS(4), "bob"), bound(HOURS(2), "anna"));

    assert_string_equal(shopper_owner_at(s, TEST_DAY_US + HOURS(1)), "anna");
    assert_string_equal(shopper_owner_at(s, TEST_DAY_US + HOURS(2)), "anna");
    assert_string_equal(shopper_owner_at(s, TEST_DAY_US + HOURS(4)), "bob");
    assert_string_equal(shopper_owner_at(s, TEST_DAY_US + HOURS(9)), "bob");
    assert_null(shopper_owner_at(folded("a:x", an_event(EVENT_SEARCHED, .at = 1)), 5));
}

static void a_bound_shopper_keeps_no_cart_and_only_counts(void **state)
{
    (void)state;
    struct shopper *s = folded("a:x", an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "p"),
                               bound(HOURS(2), "anna"), an_event(EVENT_SEARCHED, .at = 9));

    assert_int_equal(s->cart_count, 0);
    assert_int_equal(s->recent_count, 0);
    assert_int_equal(s->events, 2);
    assert_int_equal(s->first_us, TEST_DAY_US + 1);
    assert_int_equal(s->last_us, TEST_DAY_US + 9);
}

static void the_first_binding_of_a_shopper_with_a_past_asks_for_a_refold(void **state)
{
    struct shopper *s = shopper_new("a:x", &arena);
    struct event view = an_event(EVENT_SEARCHED, .at = 1);
    struct event first = bound(HOURS(2), "anna");
    struct event next = bound(HOURS(4), "bob");
    struct event between = bound(HOURS(3), "cleo");
    (void)state;

    assert_int_equal(shopper_apply(s, &view, &arena), SHOPPER_FOLDED);
    assert_int_equal(shopper_apply(s, &first, &arena), SHOPPER_REFOLD);
    s = folded("a:x", view, first);
    assert_int_equal(shopper_apply(s, &next, &arena), SHOPPER_FOLDED);
    assert_int_equal(shopper_apply(s, &between, &arena), SHOPPER_REFOLD);
    assert_int_equal(s->bindings_seen, 2);
}

static void repeated_identifies_of_one_customer_are_one_binding(void **state)
{
    (void)state;
    struct shopper *s = folded("a:x", bound(HOURS(1), "anna"), bound(HOURS(2), "anna"),
                               bound(HOURS(3), "bob"), bound(HOURS(4), "anna"));
    struct event_interval intervals[BINDINGS_MAX];

    assert_int_equal(s->binding_count, 3);
    assert_int_equal(s->bindings_seen, 4);
    assert_int_equal(shopper_intervals_of(s, "anna", intervals), 2);
    assert_true(intervals[0].from_us == INT64_MIN);
    assert_int_equal(intervals[0].until_us, TEST_DAY_US + HOURS(3));
    assert_int_equal(intervals[1].from_us, TEST_DAY_US + HOURS(4));
    assert_true(intervals[1].until_us == INT64_MAX);
}

static void a_binding_between_two_of_the_same_customer_splits_them(void **state)
{
    (void)state;
    struct shopper *s =
        folded("a:x", bound(HOURS(1), "anna"), bound(HOURS(3), "anna"), bound(HOURS(2), "bob"));

    assert_string_equal(shopper_owner_at(s, TEST_DAY_US + HOURS(2)), "bob");
    assert_string_equal(shopper_owner_at(s, TEST_DAY_US + HOURS(3)), "anna");
}

static void only_customers_whose_intervals_changed_are_told(void **state)
{
    const char *customers[2 * BINDINGS_MAX];
    (void)state;

    struct shopper *one = folded("a:x", bound(HOURS(1), "anna"));
    struct shopper *two = folded("a:x", bound(HOURS(1), "anna"), bound(HOURS(2), "bob"));
    struct shopper *three = folded("a:x", bound(HOURS(1), "anna"), bound(HOURS(2), "bob"),
                                   bound(HOURS(3), "bob"), bound(HOURS(4), "cleo"));
    assert_int_equal(shopper_bindings_changed(NULL, one, customers), 1);
    assert_int_equal(shopper_bindings_changed(one, two, customers), 2);
    assert_int_equal(shopper_bindings_changed(two, three, customers), 2);
    assert_string_equal(customers[0], "bob");
    assert_string_equal(customers[1], "cleo");
    assert_int_equal(shopper_bindings_changed(two, two, customers), 0);
}

/* ---- the customer ---- */

static void a_forwarded_event_counts_inside_an_interval_only(void **state)
{
    (void)state;
    struct shopper *s = folded("c:anna", binding(1, TEST_DAY_US + 10, TEST_DAY_US + 20),
                               an_event(EVENT_SEARCHED, .at = 9, .via = "x"),
                               an_event(EVENT_SEARCHED, .at = 10, .via = "x"),
                               an_event(EVENT_SEARCHED, .at = 19, .via = "x"),
                               an_event(EVENT_SEARCHED, .at = 20, .via = "x"),
                               an_event(EVENT_SEARCHED, .at = 15, .via = "stranger"),
                               an_event(EVENT_SEARCHED, .at = 15));

    assert_int_equal(s->events, 3);
}

static void among_equals_a_forwarded_event_sorts_by_its_original_s_id(void **state)
{
    struct event own = an_event(EVENT_PRODUCT_VIEWED, .at = 5, .id = "b", .sku = "second");
    struct event forwarded = an_event(EVENT_PRODUCT_VIEWED, .at = 5, .id = "cartwright:fwd:1",
                                      .via = "x", .sku = "first");
    (void)state;

    forwarded.sort_id = "a";
    struct shopper *s = folded("c:anna", binding(1, INT64_MIN, INT64_MAX), own, forwarded);
    assert_string_equal(s->recent[0].product_id, "first");
    assert_string_equal(s->at_id, "b");
    assert_int_equal(shopper_apply(s, &forwarded, &arena), SHOPPER_REFOLD);
}

/* A guest's order that is sent again once the guest has logged in, and by a second browser. */
static void one_event_under_several_keys_of_a_person_counts_once(void **state)
{
    (void)state;
    struct event own = an_event(EVENT_CART_ITEM_ADDED, .at = 5, .id = "e5", .sku = "p1");
    struct event forwarded =
        an_event(EVENT_CART_ITEM_ADDED, .at = 5, .id = "cartwright:fwd:1", .via = "x", .sku = "p1");
    struct event again =
        an_event(EVENT_CART_ITEM_ADDED, .at = 5, .id = "cartwright:fwd:2", .via = "x", .sku = "p1");
    struct event other = an_event(EVENT_CART_ITEM_ADDED, .at = 5, .id = "e6", .sku = "p1");

    forwarded.sort_id = again.sort_id = "e5";
    struct shopper *s =
        folded("c:anna", binding(1, INT64_MIN, INT64_MAX), forwarded, own, again, other);
    assert_int_equal(s->events, 2);
    assert_string_equal(lines_of(shopper_open_cart(s)), "p1 x2");
    assert_null(shopper_open_cart(s)->via); /* the own one counts */
    s = folded("c:anna", binding(1, INT64_MIN, INT64_MAX), forwarded);
    assert_int_equal(shopper_apply(s, &own, &arena), SHOPPER_REFOLD);
}

static void the_newest_binding_set_decides_and_asks_for_a_refold(void **state)
{
    struct event view = an_event(EVENT_SEARCHED, .at = 9, .via = "x");
    struct event old = binding(1, INT64_MIN, INT64_MAX);
    struct event fresh = binding(2, TEST_DAY_US + 10, INT64_MAX);
    struct event again = binding(3, TEST_DAY_US + 10, INT64_MAX);
    (void)state;

    struct shopper *s = folded("c:anna", view, fresh, old);
    assert_int_equal(s->events, 0);
    assert_int_equal(shopper_apply(s, &old, &arena), SHOPPER_FOLDED);
    assert_int_equal(shopper_apply(s, &again, &arena), SHOPPER_FOLDED);
    assert_int_equal(s->bindings[0].version, 3);
    s = folded("c:anna", view, old);
    assert_int_equal(s->events, 1);
    assert_int_equal(shopper_apply(s, &fresh, &arena), SHOPPER_REFOLD);
}

static void until_the_identify_the_side_keeps_its_own_cart(void **state)
{
    (void)state;
    struct event events[] = {
        binding(1, INT64_MIN, INT64_MAX),
        forwarded_add(1, "side", "p1", 2),
        an_event(EVENT_CART_ITEM_ADDED, .at = 2, .cart = "own", .sku = "p2"),
        an_event(EVENT_COUPON_DENIED, .at = 3, .via = "x"),
        identify(HOURS(1)),
    };
    struct shopper *s = fold_these("c:anna", events, 4);

    assert_string_equal(shopper_cart(s, "side")->via, "x");
    assert_int_equal(shopper_cart(s, "side")->signals.coupon_denied_us, TEST_DAY_US + 3);
    assert_ptr_equal(shopper_open_cart(s), shopper_cart(s, "own"));
}

static void at_the_identify_the_lines_join_with_the_larger_quantity(void **state)
{
    (void)state;
    struct shopper *s = folded(
        "c:anna", binding(1, INT64_MIN, INT64_MAX), forwarded_add(1, "side", "p1", 2),
        forwarded_add(2, "side", "p3", 1), an_event(EVENT_COUPON_DENIED, .at = 3, .via = "x"),
        an_event(EVENT_CART_ITEM_ADDED, .at = 4, .cart = "own", .sku = "p1", .sku2 = "p2"),
        identify(HOURS(1)));
    const struct cart *own = shopper_cart(s, "own");

    assert_string_equal(lines_of(own), "p1 x2, p2 x1, p3 x1");
    assert_int_equal(own->signals.coupon_denied_us, TEST_DAY_US + 3);
    assert_int_equal(own->opened_us, TEST_DAY_US + 1);
    assert_int_equal(own->changed_us, TEST_DAY_US + HOURS(1));
    assert_int_equal(shopper_cart(s, "side")->status, CART_MERGED);
    assert_string_equal(shopper_cart(s, "side")->into, "own");
    assert_ptr_equal(shopper_open_cart(s), own);
}

static void without_an_own_cart_the_side_s_becomes_the_customer_s(void **state)
{
    (void)state;
    struct shopper *s = folded("c:anna", binding(1, INT64_MIN, INT64_MAX),
                               forwarded_add(1, NULL, "p1", 2), identify(HOURS(1)));
    const struct cart *c = shopper_open_cart(s);

    assert_non_null(c);
    assert_null(c->via);
    assert_int_equal(c->round, 1);
    assert_string_equal(lines_of(c), "p1 x2");
    /* the id that the anonymous shopper's cart had in its own lane */
    assert_string_equal(c->id,
                        folded("a:x", an_event(EVENT_CART_ITEM_ADDED, .sku = "p"))->carts[0].id);
}

static void after_the_identify_forwarded_events_are_the_customer_s_own(void **state)
{
    (void)state;
    struct shopper *s = folded("c:anna", binding(1, INT64_MIN, INT64_MAX),
                               an_event(EVENT_CART_ITEM_ADDED, .at = 1, .cart = "own", .sku = "p1"),
                               identify(2), forwarded_add(3, NULL, "p2", 1));

    assert_int_equal(s->cart_count, 1);
    assert_string_equal(lines_of(shopper_open_cart(s)), "p1 x1, p2 x1");
}

static void a_merged_cart_s_name_stands_for_the_cart_it_went_into(void **state)
{
    (void)state;
    struct shopper *s =
        folded("c:anna", binding(1, INT64_MIN, INT64_MAX), forwarded_add(1, "side", "p1", 1),
               an_event(EVENT_CART_ITEM_ADDED, .at = 2, .cart = "own", .sku = "p2"), identify(3),
               an_event(EVENT_CART_ITEM_ADDED, .at = 4, .cart = "side", .sku = "p3"),
               an_event(EVENT_PURCHASE, .at = 5, .cart = "side"));

    assert_string_equal(lines_of(shopper_cart(s, "own")), "p1 x1, p2 x1, p3 x1");
    assert_int_equal(shopper_cart(s, "own")->status, CART_BOUGHT);
    assert_int_equal(shopper_cart(s, "side")->status, CART_MERGED);
}

static void a_release_to_the_side_is_not_forgotten_by_the_merge(void **state)
{
    (void)state;
    struct shopper *s =
        folded("c:anna", binding(1, INT64_MIN, INT64_MAX), forwarded_add(1, "side", "p1", 1),
               an_event(EVENT_DERIVED_OUTREACH_RELEASED, .at = 2, .via = "x", .cart = "side"),
               an_event(EVENT_CART_ITEM_ADDED, .at = 3, .cart = "own", .sku = "p2"), identify(4));

    assert_int_equal(shopper_cart(s, "own")->released[0], TEST_DAY_US + 2);
}

static void an_own_event_takes_over_the_side_s_cart_it_names(void **state)
{
    (void)state;
    struct shopper *s =
        folded("c:anna", binding(1, INT64_MIN, INT64_MAX), forwarded_add(1, "side", "p1", 1),
               an_event(EVENT_CART_ITEM_ADDED, .at = 2, .cart = "side", .sku = "p2"));

    assert_null(shopper_cart(s, "side")->via);
    assert_string_equal(lines_of(shopper_open_cart(s)), "p1 x1, p2 x1");
}

static void what_a_stranger_bound_later_does_not_stay_with_the_customer(void **state)
{
    (void)state;
    struct shopper *s =
        folded("c:anna", binding(1, INT64_MIN, INT64_MAX), binding(2, INT64_MIN, TEST_DAY_US + 2),
               identify(1), forwarded_add(2, NULL, "p1", 1));

    assert_int_equal(s->cart_count, 0);
}

static void binding_events_of_another_lane_say_nothing(void **state)
{
    struct shopper *customer = shopper_new("c:anna", &arena);
    struct shopper *anonymous = shopper_new("a:x", &arena);
    struct event to_anonymous = bound(1, "anna");
    struct event to_customer = binding(1, INT64_MIN, INT64_MAX);
    struct event lost = an_event(EVENT_SEARCHED, .at = 1, .via = "x");
    (void)state;

    assert_int_equal(shopper_apply(customer, &to_anonymous, &arena), SHOPPER_FOLDED);
    assert_int_equal(shopper_apply(anonymous, &to_customer, &arena), SHOPPER_FOLDED);
    assert_int_equal(shopper_apply(anonymous, &lost, &arena), SHOPPER_FOLDED);
    assert_int_equal(customer->binding_count, 0);
    assert_int_equal(anonymous->binding_count, 0);
    assert_int_equal(anonymous->events, 0);
}

/* Who had the browser, by logins and logouts at these minutes; a logout names nobody. */
static const struct shopper *browser_of(const char *const *customers, const int *minutes,
                                        size_t count)
{
    struct event events[4];

    assert_true(count <= COUNT_OF(events));
    for (size_t i = 0; i < count; i++) {
        events[i] = customers[i] == NULL
                        ? an_event(EVENT_LOGGED_OUT, .at = MINUTES(minutes[i]))
                        : an_event(EVENT_DERIVED_SHOPPER_BOUND, .at = MINUTES(minutes[i]),
                                   .via = "x", .customer = customers[i]);
    }
    return shopper_fold_all(NULL, "a:x", events, count, INT64_MAX, &arena);
}

static void the_first_time_that_changed_hands_is_known(void **state)
{
    static const char *const names[] = {"anna", "bob", NULL};
    static const int minutes[] = {10, 40, 60};
    const struct shopper *nobodys = browser_of(names, minutes, 0);
    const struct shopper *annas = browser_of(names, minutes, 1);
    const struct shopper *both = browser_of(names, minutes, 2);
    const struct shopper *left = browser_of(names, minutes, 3);
    (void)state;

    assert_true(shopper_owner_changed_from(nobodys, nobodys) == INT64_MAX);
    assert_true(shopper_owner_changed_from(annas, annas) == INT64_MAX);
    assert_true(shopper_owner_changed_from(nobodys, annas) == INT64_MIN);
    assert_true(shopper_owner_changed_from(annas, both) == TEST_DAY_US + MINUTES(40));
    assert_true(shopper_owner_changed_from(both, annas) == TEST_DAY_US + MINUTES(40));
    assert_true(shopper_owner_changed_from(left, both) ==
                TEST_DAY_US + MINUTES(60) + LOGOUT_LASTS_US);
    assert_true(shopper_owner_changed_from(both, left) == INT64_MAX); /* it is nobody's */
    assert_true(shopper_owner_changed_from(annas, left) == TEST_DAY_US + MINUTES(40));
    forget_events();
    arena_free(&arena);
}

/* What came too late changes no round that was closed: the browser's cart is the customer's, beside the one that was ordered. */
static void a_login_that_came_too_late_still_says_whose_the_cart_is(void **state)
{
    const struct event login =
        an_event(EVENT_PRODUCT_VIEWED, .at = HOURS(2), .anonymous = "x", .late_by = DAYS(9));
    (void)state;
    const struct shopper *s =
        folded("c:anna", binding(1, INT64_MIN, INT64_MAX), forwarded_add(HOURS(1), "of-x", "p", 1),
               an_event(EVENT_CART_ITEM_ADDED, .at = HOURS(1), .cart = "own", .sku = "q"), login,
               an_event(EVENT_PURCHASE, .at = HOURS(3), .cart = "own", .order = "o1"),
               forwarded_add(HOURS(4), NULL, "r", 1));

    assert_int_equal(s->late_events, 1);
    assert_string_equal(lines_of(shopper_cart(s, "own")), "q x1");
    assert_int_equal(shopper_cart(s, "own")->status, CART_BOUGHT);
    assert_ptr_equal(shopper_open_cart(s), shopper_cart(s, "of-x"));
    assert_string_equal(lines_of(shopper_open_cart(s)), "p x1, r x1");
}

/* The same id at another time is another event: shops number their events anew. */
static void an_event_told_under_two_keys_is_one_if_its_time_is(void **state)
{
    (void)state;
    const struct event own = an_event(EVENT_PRODUCT_VIEWED, .id = "e", .at = 5, .sku = "p1");
    const struct event again =
        an_event(EVENT_PRODUCT_VIEWED, .id = "e", .at = 5, .sku = "p1", .via = "x");
    const struct event later =
        an_event(EVENT_PRODUCT_VIEWED, .id = "e", .at = 6, .sku = "p1", .via = "x");

    assert_int_equal(folded("c:anna", binding(1, INT64_MIN, INT64_MAX), own, again)->views, 1);
    assert_int_equal(folded("c:anna", binding(1, INT64_MIN, INT64_MAX), own, later)->views, 2);
}

/* Answered otherwise since, it is asked for; what had been asked for is not asked for again. */
static void a_login_of_before_is_asked_for_when_an_answer_made_it_one(void **state)
{
    const struct event first = an_event(EVENT_SEARCHED, .at = 1, .anonymous = "x");
    const struct event login = an_event(EVENT_SEARCHED, .at = MINUTES(5), .anonymous = "x");
    const struct event holds = binding(1, INT64_MIN, INT64_MAX);
    const struct event ended = binding(2, INT64_MIN, TEST_DAY_US + MINUTES(2));
    (void)state;
    const struct shopper *unanswered = folded("c:anna", first, login);
    const struct shopper *held = folded("c:anna", first, login, holds);
    const struct shopper *taken = folded("c:anna", first, login, holds, ended);

    assert_true(shopper_login_again(held, taken, &login));
    assert_true(shopper_login_again(unanswered, taken, &login));
    assert_false(shopper_login_again(taken, taken, &login));
    assert_false(shopper_login_again(unanswered, held, &login));
    assert_false(shopper_login_again(held, held, &login));
    assert_false(shopper_login_again(taken, unanswered, &login));
}

static void who_had_another_time_is_told_and_nobody_else(void **state)
{
    const struct event before[] = {bound(MINUTES(10), "anna"), bound(MINUTES(40), "bob"),
                                   bound(MINUTES(80), "carl")};
    struct event after[] = {before[0], bound(MINUTES(40), "dan"), bound(MINUTES(60), "bob"),
                            before[2]};
    struct event first[] = {before[0], before[1], before[2]};
    const char *told[2 * BINDINGS_MAX];
    (void)state;
    const struct shopper *was = fold_these("a:x", first, COUNT_OF(first));
    const struct shopper *is = fold_these("a:x", after, COUNT_OF(after));

    assert_int_equal(shopper_bindings_changed(was, is, told), 2);
    assert_string_equal(told[0], "bob");
    assert_string_equal(told[1], "dan");
    assert_int_equal(shopper_bindings_changed(is, was, told), 2);
}

/* ---- whose yes it is ---- */

static struct event said(enum event_type type, int64_t minute, const char *via)
{
    return an_event(type, .at = MINUTES(minute), .via = via);
}

static struct event owned(int64_t version, int64_t from_minute, int64_t until_us)
{
    return binding(version, from_minute == 0 ? INT64_MIN : TEST_DAY_US + MINUTES(from_minute),
                   until_us);
}

static void what_a_guest_consents_to_is_no_yes_of_who_logs_in_later(void **state)
{
    const struct event no = said(EVENT_CONSENT_WITHDRAWN, 1, NULL);
    const struct event guest = said(EVENT_CONSENT_GIVEN, 2, "x");
    const struct event theirs = said(EVENT_CONSENT_GIVEN, 4, "x");
    (void)state;
    const struct event ever = owned(1, 0, INT64_MAX);

    assert_int_equal(
        shopper_consent(folded("c:anna", no, guest, identify(MINUTES(3)), ever), "sms"), -1);
    assert_int_equal(shopper_consent(folded("c:anna", guest, identify(MINUTES(3)), ever), "sms"),
                     0);
    assert_int_equal(
        shopper_consent(folded("c:anna", no, theirs, identify(MINUTES(3)), ever), "sms"), 1);
}

static void a_guest_s_no_is_one_of_who_logs_in_later(void **state)
{
    (void)state;
    struct shopper *s =
        folded("c:anna", said(EVENT_CONSENT_GIVEN, 1, NULL), said(EVENT_CONSENT_WITHDRAWN, 2, "x"),
               identify(MINUTES(3)), owned(1, 0, INT64_MAX));

    assert_int_equal(shopper_consent(s, "sms"), -1);
}

static void behind_a_logout_a_browser_consents_for_nobody(void **state)
{
    static const char *const through[] = {NULL, "x"}; /* her own, or one of the browser */
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        struct event out =
            an_event(EVENT_LOGGED_OUT, .at = MINUTES(2), .via = through[i], .anonymous = "x");
        struct shopper *s =
            folded("c:anna", identify(MINUTES(1)), out, said(EVENT_CONSENT_WITHDRAWN, 3, NULL),
                   said(EVENT_CONSENT_GIVEN, 4, "x"), identify(MINUTES(5)), owned(1, 0, INT64_MAX));
        assert_int_equal(shopper_consent(s, "sms"), -1);
    }
}

static void a_login_that_somebody_else_s_has_ended_consents_to_nothing_later(void **state)
{
    (void)state;
    /* another customer was there from 2 to 3, and hers again is what a guest did from 3 on */
    struct event mine = an_event(EVENT_DERIVED_BINDING_SET, .at = 1, .via = "x", .version = 1,
                                 .interval = {TEST_DAY_US + MINUTES(3), INT64_MAX});
    struct shopper *s =
        folded("c:anna", identify(MINUTES(1)), said(EVENT_CONSENT_WITHDRAWN, 2, NULL),
               said(EVENT_CONSENT_GIVEN, 4, "x"), identify(MINUTES(5)), mine);

    assert_int_equal(shopper_consent(s, "sms"), -1);
}

static void a_browser_that_is_hers_by_a_guess_consents_to_nothing(void **state)
{
    struct event guess = an_event(EVENT_DERIVED_SHOPPER_NAMED, .at = MINUTES(1), .anonymous = "x");
    (void)state;
    struct shopper *s = folded("c:anna", guess, said(EVENT_CONSENT_WITHDRAWN, 2, NULL),
                               said(EVENT_CONSENT_GIVEN, 3, "x"), owned(1, 0, INT64_MAX));

    assert_int_equal(shopper_consent(s, "sms"), -1);
}

/* The base is what retention left: who was logged in there still is. */
static void a_login_that_was_folded_away_still_lets_a_browser_consent(void **state)
{
    CLEANUP(buf_free) struct buf text = buf_make(1 << 20);
    struct shopper *read = NULL;
    struct err err = {0};
    struct event yes = said(EVENT_CONSENT_GIVEN, 3, "x");
    (void)state;

    shopper_encode(folded("c:anna", identify(MINUTES(1)), said(EVENT_CONSENT_WITHDRAWN, 2, NULL),
                          owned(1, 0, INT64_MAX)),
                   &text);
    assert_true(shopper_decode(text.data, text.len, &arena, &read, &err));
    assert_int_equal(shopper_consent(read, "sms"), -1);
    assert_int_equal(shopper_apply(read, &yes, &arena), SHOPPER_FOLDED);
    assert_int_equal(shopper_consent(read, "sms"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_names_both_in_the_customer_s_lane_asks_for_a_binding),
        cmocka_unit_test(an_event_belongs_to_the_newest_binding_at_its_time),
        cmocka_unit_test(a_bound_shopper_keeps_no_cart_and_only_counts),
        cmocka_unit_test(the_first_binding_of_a_shopper_with_a_past_asks_for_a_refold),
        cmocka_unit_test(repeated_identifies_of_one_customer_are_one_binding),
        cmocka_unit_test(a_binding_between_two_of_the_same_customer_splits_them),
        cmocka_unit_test(only_customers_whose_intervals_changed_are_told),
        cmocka_unit_test(a_forwarded_event_counts_inside_an_interval_only),
        cmocka_unit_test(among_equals_a_forwarded_event_sorts_by_its_original_s_id),
        cmocka_unit_test(one_event_under_several_keys_of_a_person_counts_once),
        cmocka_unit_test(the_newest_binding_set_decides_and_asks_for_a_refold),
        cmocka_unit_test(until_the_identify_the_side_keeps_its_own_cart),
        cmocka_unit_test(at_the_identify_the_lines_join_with_the_larger_quantity),
        cmocka_unit_test(without_an_own_cart_the_side_s_becomes_the_customer_s),
        cmocka_unit_test(after_the_identify_forwarded_events_are_the_customer_s_own),
        cmocka_unit_test(a_merged_cart_s_name_stands_for_the_cart_it_went_into),
        cmocka_unit_test(a_release_to_the_side_is_not_forgotten_by_the_merge),
        cmocka_unit_test(an_own_event_takes_over_the_side_s_cart_it_names),
        cmocka_unit_test(what_a_stranger_bound_later_does_not_stay_with_the_customer),
        cmocka_unit_test(binding_events_of_another_lane_say_nothing),
        cmocka_unit_test(the_first_time_that_changed_hands_is_known),
        cmocka_unit_test(a_login_that_came_too_late_still_says_whose_the_cart_is),
        cmocka_unit_test(an_event_told_under_two_keys_is_one_if_its_time_is),
        cmocka_unit_test(a_login_of_before_is_asked_for_when_an_answer_made_it_one),
        cmocka_unit_test(who_had_another_time_is_told_and_nobody_else),
        cmocka_unit_test(what_a_guest_consents_to_is_no_yes_of_who_logs_in_later),
        cmocka_unit_test(a_guest_s_no_is_one_of_who_logs_in_later),
        cmocka_unit_test(behind_a_logout_a_browser_consents_for_nobody),
        cmocka_unit_test(a_login_that_somebody_else_s_has_ended_consents_to_nothing_later),
        cmocka_unit_test(a_browser_that_is_hers_by_a_guess_consents_to_nothing),
        cmocka_unit_test(a_login_that_was_folded_away_still_lets_a_browser_consent),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, forget);
}
