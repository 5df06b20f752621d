/* Joins that rest on a cart id alone: what takes one back makes it one that was never told, in whatever order they come. */
#include "domain/shopper/shopper_grounds.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "domain/shopper/shopper_again.h"
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

static struct event named(int64_t at, const char *browser, const char *cart)
{
    return an_event(EVENT_DERIVED_SHOPPER_NAMED, .at = at, .anonymous = browser, .cart = cart,
                    .origin = ORIGIN_DERIVED);
}

static struct event unnamed(int64_t at, const char *browser, const char *cart)
{
    return an_event(EVENT_DERIVED_SHOPPER_NAMED, .at = at, .anonymous = browser, .cart = cart,
                    .taken_back = true, .origin = ORIGIN_DERIVED);
}

static struct event bound(int64_t at, const char *customer, const char *cart)
{
    return an_event(EVENT_DERIVED_SHOPPER_BOUND, .at = at, .via = "x", .customer = customer,
                    .cart = cart, .guessed = true, .origin = ORIGIN_DERIVED);
}

static struct event unbound(int64_t at, const char *customer, const char *cart)
{
    return an_event(EVENT_DERIVED_SHOPPER_UNBOUND, .at = at, .via = "x", .customer = customer,
                    .cart = cart, .taken_back = true, .origin = ORIGIN_DERIVED);
}

static struct event added(int64_t at, const char *browser)
{
    return an_event(EVENT_CART_ITEM_ADDED, .at = at, .id = arena_printf(&arena, "a%d", (int)at),
                    .sku = "p1", .anonymous = browser);
}

static const char *text_of(const struct shopper *s)
{
    CLEANUP(buf_free) struct buf text = buf_make(1 << 20);

    shopper_encode(s, &text);
    return arena_strdup(&arena, buf_text(&text));
}

static struct shopper *onto(const struct shopper *base, const char *key, struct event *events,
                            size_t count)
{
    return shopper_fold_all(base, key, events, count, INT64_MAX, &arena);
}

#define folded(key, ...)                                                                           \
    onto(NULL, key, (struct event[]){__VA_ARGS__},                                                 \
         sizeof((struct event[]){__VA_ARGS__}) / sizeof(struct event))
#define folded_onto(base, ...)                                                                     \
    onto(base, (base)->key, (struct event[]){__VA_ARGS__},                                         \
         sizeof((struct event[]){__VA_ARGS__}) / sizeof(struct event))

/* "anna k1, bob k2" */
static const char *grounds_of(const struct shopper *s)
{
    const char *text = "";

    for (size_t i = 0; i < s->ground_count; i++) {
        const struct ground *g = &s->grounds[i];
        text = arena_printf(&arena, "%s%s%s %s", text, i == 0 ? "" : ", ", g->other,
                            g->cart_id == NULL ? "-" : g->cart_id);
    }
    return text;
}

static void a_customer_folds_as_if_what_is_taken_back_had_never_been_told(void **state)
{
    (void)state;
    const char *without = text_of(folded("c:anna", added(1, NULL), added(9, NULL)));

    assert_string_not_equal(
        text_of(folded("c:anna", added(1, NULL), named(3, "x", "k1"), added(9, NULL))), without);
    assert_string_equal(text_of(folded("c:anna", added(1, NULL), named(3, "x", "k1"),
                                       unnamed(3, "x", "k1"), added(9, NULL))),
                        without);
    assert_string_equal(text_of(folded("c:anna", unnamed(2, "x", "k1"), added(9, NULL),
                                       named(5, "x", "k1"), named(3, "x", "k1"), added(1, NULL))),
                        without);
}

static void what_takes_back_one_cart_leaves_what_rests_on_another(void **state)
{
    (void)state;
    const struct shopper *s = folded("c:anna", named(3, "x", "k1"), named(4, "x", "k2"),
                                     named(5, "y", "k1"), unnamed(3, "x", "k1"));

    assert_string_equal(grounds_of(s), "x k2, y k1");
    assert_int_equal(s->named_count, 2);
    assert_int_equal(s->named[0].first_us, TEST_DAY_US + 4);
    s = folded("a:x", bound(3, "anna", "k1"), bound(4, "bob", "k2"), unbound(3, "anna", "k1"));
    assert_string_equal(shopper_owner_now(s), "bob");
    assert_string_equal(grounds_of(s), "bob k2");
    assert_true(s->guessed);
}

static void a_browser_is_its_own_again_and_tells_so_by_a_newer_version(void **state)
{
    (void)state;
    const struct shopper *own = folded("a:x", added(1, "x"));
    const struct shopper *joined = folded("a:x", added(1, "x"), bound(3, "anna", "k1"));
    struct shopper *s =
        folded("a:x", unbound(3, "anna", "k1"), added(1, "x"), bound(3, "anna", "k1"));
    const char *told[2 * BINDINGS_MAX];

    assert_string_equal(shopper_owner_now(joined), "anna");
    assert_int_equal(joined->cart_count, 0);
    assert_null(shopper_owner_now(s));
    assert_true(s->bindings_seen > joined->bindings_seen);
    assert_int_equal(shopper_bindings_changed(joined, s, told), 1);
    assert_string_equal(told[0], "anna");
    s->bindings_seen = 0;
    s->bound_last_us = 0;
    assert_string_equal(text_of(s), text_of(own));
}

/* A login is no guess. */
static void what_was_said_stays(void **state)
{
    (void)state;
    const struct event login =
        an_event(EVENT_DERIVED_SHOPPER_BOUND, .at = 5, .via = "x", .customer = "anna");

    assert_string_equal(
        shopper_owner_now(folded("a:x", bound(3, "anna", "k1"), login, unbound(3, "anna", "k1"))),
        "anna");
    const struct shopper *s =
        folded("c:anna", named(3, "x", "k1"), added(5, "x"), unnamed(3, "x", "k1"));
    assert_int_equal(s->named_count, 1);
    assert_int_equal(s->named[0].said_us, TEST_DAY_US + 5);
    assert_false(s->named[0].guessed);
}

/* A release of before told no cart. */
static void a_guess_that_names_no_cart_goes_with_any_about_the_two(void **state)
{
    (void)state;
    assert_int_equal(
        folded("c:anna", named(3, "x", NULL), named(3, "y", NULL), unnamed(3, "x", "k1"))
            ->named_count,
        1);
    assert_null(shopper_owner_now(folded("a:x", bound(3, "anna", NULL), unbound(3, "anna", "k1"))));
    assert_string_equal(
        shopper_owner_now(folded("a:x", bound(3, "anna", NULL), unbound(3, "bob", "k1"))), "anna");
}

/* What retention has folded away cannot be folded again, but whose it is, is known. */
static void what_a_base_had_folded_is_taken_back_as_well(void **state)
{
    (void)state;
    const struct shopper *base =
        folded("a:x", bound(3, "anna", "k1"), bound(4, "bob", "k2"), added(2, "x"));
    assert_string_equal(shopper_owner_now(folded_onto(base, added(20, "x"))), "anna");
    assert_string_equal(
        shopper_owner_now(folded_onto(base, added(20, "x"), unbound(3, "anna", "k1"))), "bob");
    const struct shopper *s =
        folded_onto(base, unbound(4, "bob", "k2"), unbound(3, "anna", "k1"), added(20, "x"));
    assert_null(shopper_owner_now(s));
    assert_int_equal(s->cart_count, 1);

    base = folded("c:anna", named(3, "x", "k1"), named(4, "y", "k2"), added(5, "z"));
    s = folded_onto(base, unnamed(3, "x", "k1"));
    assert_string_equal(grounds_of(s), "y k2");
    assert_int_equal(s->named_count, 2);
    assert_string_equal(s->named[0].other, "y");
}

/* A base of a release that kept no grounds. */
static void of_a_base_without_grounds_whoever_it_was_joined_with_is_asked_about(void **state)
{
    (void)state;
    struct shopper *base = folded("a:x", bound(3, "anna", "k1"), added(2, "x"));

    base->ground_count = 0;
    assert_string_equal(shopper_owner_now(folded_onto(base, added(20, "x"))), "anna");
    assert_null(shopper_owner_now(folded_onto(base, unbound(3, "anna", "k1"), added(20, "x"))));
}

static void only_the_whole_set_says_what_a_guess_does(void **state)
{
    (void)state;
    struct shopper *anna = shopper_new("c:anna", &arena);
    struct shopper *x = shopper_new("a:x", &arena);
    const struct event about_anna[] = {named(3, "x", "k1"), unnamed(3, "x", "k1")};
    const struct event about_x[] = {bound(3, "anna", "k1"), unbound(3, "anna", "k1")};

    for (int i = 0; i < 2; i++) {
        assert_int_equal(shopper_apply(anna, &about_anna[i], &arena), SHOPPER_REFOLD);
        assert_int_equal(shopper_apply(x, &about_x[i], &arena), SHOPPER_REFOLD);
    }
}

/* From a state on the way, where what was taken back before lies in between. */
static void from_a_state_what_was_taken_back_stays_so(void **state)
{
    struct event events[40];
    struct event behind[42];
    struct checkpoints notes = {.spacing = 4};
    struct checkpoints more = {.spacing = 4};
    size_t n = 1;
    (void)state;

    for (int i = 0; i < 37; i++) {
        events[i] = added(INT64_C(10) * i, NULL);
    }
    events[37] = unnamed(1, "x", "k1"); /* far before the guess */
    events[38] = named(355, "x", "k1");
    events[39] = named(356, "y", "k2");
    const struct shopper *known =
        shopper_fold_noting(NULL, "c:anna", events, COUNT_OF(events), &notes, &arena);
    const struct checkpoint *from = &notes.all[0];
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        behind[n] = events[i];
        n += events[i].occurred_us > from->at_us ? 1 : 0;
    }
    behind[0] = added(365, NULL);
    const struct shopper *s = shopper_fold_again(known, from, behind, n, 1, &more, &arena);
    assert_non_null(s);
    assert_string_equal(grounds_of(s), "y k2");
    for (int i = 0; i < 37; i++) { /* without what was taken back, the same */
        events[i] = added(INT64_C(10) * i, NULL);
    }
    events[37] = added(365, NULL);
    events[38] = named(356, "y", "k2");
    assert_string_equal(text_of(s), text_of(onto(NULL, "c:anna", events, 39)));
    behind[0] = unnamed(356, "y", "k2");
    assert_null(shopper_fold_again(known, from, behind, n, 1, &more, &arena));
}

/* Of very many a customer keeps the newest, and a browser the first, which counts. */
static void of_very_many_those_are_kept_that_are_asked_about(void **state)
{
    static struct event events[GROUNDS_MAX + 2];
    (void)state;

    for (int i = 0; i < GROUNDS_MAX + 2; i++) {
        events[i] = named(100 - i, arena_printf(&arena, "x%d", i), "k1");
    }
    const struct shopper *s = onto(NULL, "c:anna", events, COUNT_OF(events));
    assert_int_equal(s->ground_count, GROUNDS_MAX);
    assert_string_equal(s->grounds[GROUNDS_MAX - 1].other, "x0");
    for (int i = 0; i < GROUNDS_MAX + 2; i++) {
        events[i] = bound(100 - i, arena_printf(&arena, "y%d", i), "k1");
    }
    s = onto(NULL, "a:x", events, COUNT_OF(events));
    assert_int_equal(s->ground_count, GROUNDS_MAX);
    assert_string_equal(s->grounds[0].other, arena_printf(&arena, "y%d", GROUNDS_MAX + 1));
    assert_string_equal(shopper_owner_now(s), s->grounds[0].other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_customer_folds_as_if_what_is_taken_back_had_never_been_told,
                                  forget),
        cmocka_unit_test_teardown(what_takes_back_one_cart_leaves_what_rests_on_another, forget),
        cmocka_unit_test_teardown(a_browser_is_its_own_again_and_tells_so_by_a_newer_version,
                                  forget),
        cmocka_unit_test_teardown(what_was_said_stays, forget),
        cmocka_unit_test_teardown(a_guess_that_names_no_cart_goes_with_any_about_the_two, forget),
        cmocka_unit_test_teardown(what_a_base_had_folded_is_taken_back_as_well, forget),
        cmocka_unit_test_teardown(
            of_a_base_without_grounds_whoever_it_was_joined_with_is_asked_about, forget),
        cmocka_unit_test_teardown(only_the_whole_set_says_what_a_guess_does, forget),
        cmocka_unit_test_teardown(from_a_state_what_was_taken_back_stays_so, forget),
        cmocka_unit_test_teardown(of_very_many_those_are_kept_that_are_asked_about, forget),
    };
    return cmocka_run_group_tests_name("grounds", tests, NULL, NULL);
}
