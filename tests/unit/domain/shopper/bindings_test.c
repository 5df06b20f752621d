/* Bindings by themselves: what a base brings, what newer sets replace, and who goes when there are too many. */
#include "domain/shopper/shopper_bindings.h"

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

static struct event bound(int64_t at, const char *customer)
{
    return an_event(EVENT_DERIVED_SHOPPER_BOUND, .at = at, .via = "x", .customer = customer);
}

static struct event set_of(const char *via, int64_t version, int64_t from_us, int64_t until_us)
{
    return an_event(EVENT_DERIVED_BINDING_SET, .via = via, .version = version,
                    .interval = {from_us, until_us});
}

static struct shopper *collect(const char *key, const struct shopper *base,
                               const struct event *events, size_t count)
{
    struct shopper *s = base == NULL ? shopper_new(key, &arena) : shopper_copy(base, &arena);

    bindings_collect(s, base, events, count, &arena);
    return s;
}

/* "x 1-5 v1, y 2-6 v1" */
static const char *told(const struct shopper *s)
{
    const char *text = "";

    for (size_t i = 0; i < s->binding_count; i++) {
        const struct binding *b = &s->bindings[i];
        text = arena_printf(&arena, "%s%s%s %lld-%lld v%lld", text, i == 0 ? "" : ", ", b->other,
                            (long long)b->from_us, (long long)b->until_us, (long long)b->version);
    }
    return text;
}

/* ---- the customer ---- */

static struct shopper *a_customer_of_two_browsers(void)
{
    const struct event sets[] = {set_of("y", 1, 2, 6), set_of("x", 1, 1, 5)};

    return collect("c:anna", NULL, sets, 2);
}

static void a_set_replaces_its_own_browser_s_intervals_and_no_other_s(void **state)
{
    const struct event fresh = set_of("x", 2, 3, 9);
    const struct event none = set_of("x", 2, 0, 0);
    (void)state;
    struct shopper *base = a_customer_of_two_browsers();

    assert_string_equal(told(base), "x 1-5 v1, y 2-6 v1");
    assert_string_equal(told(collect("c:anna", base, &fresh, 1)), "x 3-9 v2, y 2-6 v1");
    assert_string_equal(told(collect("c:anna", base, &none, 1)), "x 0-0 v2, y 2-6 v1");
    assert_string_equal(told(collect("c:anna", base, NULL, 0)), "x 1-5 v1, y 2-6 v1");
}

static void a_set_that_is_not_newer_than_the_base_says_nothing(void **state)
{
    const struct event sets[] = {set_of("x", 1, 3, 9), set_of("y", 0, 3, 9)};
    (void)state;
    struct shopper *base = a_customer_of_two_browsers();

    assert_string_equal(told(collect("c:anna", base, sets, 2)), "x 1-5 v1, y 2-6 v1");
}

static void of_several_sets_the_newest_counts_wherever_it_stands(void **state)
{
    const struct event up[] = {set_of("x", 2, 2, 9), set_of("x", 3, 3, 9), set_of("x", 4, 4, 9)};
    const struct event down[] = {up[2], up[1], up[0]};
    (void)state;

    assert_string_equal(told(collect("c:anna", NULL, up, 3)), "x 4-9 v4");
    assert_string_equal(told(collect("c:anna", NULL, down, 3)), "x 4-9 v4");
}

static void what_was_identified_stays_so_under_a_newer_set(void **state)
{
    const struct event fresh[] = {set_of("x", 2, 3, 9), set_of("y", 2, 3, 9), set_of("z", 1, 3, 9)};
    (void)state;
    struct shopper *base = a_customer_of_two_browsers();

    base->bindings[1].identified = true; /* y */
    struct shopper *s = collect("c:anna", base, fresh, 3);
    assert_string_equal(told(s), "x 3-9 v2, y 3-9 v2, z 3-9 v1");
    assert_false(s->bindings[0].identified || s->bindings[2].identified);
    assert_true(s->bindings[1].identified);
}

/* One interval too many: the earliest end goes, then the earliest start, then the last by name. */
static void too_many_intervals_lose_the_one_that_ended_first(void **state)
{
    static const struct {
        int64_t from_us, until_us;
        const char *via;
    } losers[] = {{50, 99, "a"}, {49, 100, "a"}, {50, 100, "z"}};
    static struct event sets[BINDINGS_MAX + 1];
    (void)state;

    for (size_t l = 0; l < COUNT_OF(losers); l++) {
        for (int i = 0; i < BINDINGS_MAX; i++) {
            sets[i] = set_of(arena_printf(&arena, "m%03d", i), 1, 50, 100);
        }
        sets[BINDINGS_MAX] = set_of(losers[l].via, 1, losers[l].from_us, losers[l].until_us);
        struct shopper *s = collect("c:anna", NULL, sets, BINDINGS_MAX + 1);
        assert_int_equal(s->binding_count, BINDINGS_MAX);
        for (size_t i = 0; i < s->binding_count; i++) {
            assert_string_not_equal(s->bindings[i].other, losers[l].via);
            assert_true(i == 0 || strcmp(s->bindings[i - 1].other, s->bindings[i].other) < 0);
        }
    }
}

static struct event names(const char *via, int64_t at_us)
{
    struct event e = an_event(EVENT_PRODUCT_VIEWED, .sku = "p1", .anonymous = via);

    e.occurred_us = at_us;
    return e;
}

/* All are named, v first, and one of its two intervals had to go. Named once more, it gets that back. */
static void who_was_named_longest_ago_and_is_named_again_wants_all_events(void **state)
{
    enum { OTHERS = BINDINGS_MAX - 1, COUNT = 2 * OTHERS + 2 };
    static const struct event_interval two[] = {{50, 60}, {70, 80}};
    static struct event events[COUNT + 1];
    (void)state;

    for (int i = 0; i < OTHERS; i++) {
        const char *via = arena_printf(&arena, "m%03d", i);
        events[(size_t)2 * (size_t)i] = set_of(via, 1, 50, 100);
        events[(size_t)2 * (size_t)i + 1] = names(via, 1000 + i);
    }
    events[COUNT - 2] = set_of("v", 1, 0, 0);
    events[COUNT - 2].intervals = two;
    events[COUNT - 2].interval_count = 2;
    events[COUNT - 1] = names("v", 900);
    const struct shopper *s = collect("c:anna", NULL, events, COUNT);
    assert_int_equal(s->binding_count, BINDINGS_MAX);
    assert_string_equal(s->bindings[0].other, "m000");
    assert_int_equal(s->bindings[BINDINGS_MAX - 1].from_us, 70);

    events[COUNT] = names("v", 5000);
    assert_true(bindings_full(s, &events[COUNT]));
    s = collect("c:anna", NULL, events, COUNT + 1); /* which is what the whole set says */
    assert_string_equal(s->bindings[0].other, "m001");
    assert_int_equal(s->bindings[BINDINGS_MAX - 2].from_us, 50);
    /* Now m001 is the one of longest ago: the others have all that is theirs, and need nobody's help. */
    for (int i = 1; i < OTHERS; i++) {
        const struct event again = names(arena_printf(&arena, "m%03d", i), 6000);
        assert_int_equal(bindings_full(s, &again), i == 1);
    }
    const struct event later = names("v", 6000);
    const struct event gone = names("m000", 6000);
    const struct event before = names("m001", 1001);
    assert_false(bindings_full(s, &later));
    assert_true(bindings_full(s, &gone));
    assert_false(bindings_full(s, &before));
}

static void intervals_of_one_browser_are_told_in_order_of_time(void **state)
{
    static const struct event_interval intervals[] = {{40, 50}, {10, 20}, {60, INT64_MAX}};
    struct event set = set_of("x", 1, 0, 0);
    (void)state;

    set.intervals = intervals;
    set.interval_count = 3;
    struct shopper *s = collect("c:anna", NULL, &set, 1);
    assert_int_equal(s->binding_count, 3);
    assert_int_equal(s->bindings[0].from_us, 10);
    assert_int_equal(s->bindings[1].from_us, 40);
    assert_int_equal(s->bindings[2].from_us, 60);
}

/* A set that only repeats what is known asks for nothing; any difference asks for a refold, and leaves all as it is. */
static void a_set_that_differs_in_one_bound_asks_for_a_refold(void **state)
{
    const struct event same = set_of("y", 2, 2, 6);
    const struct event not_newer = set_of("y", 2, 3, 9);
    const struct event differ[] = {set_of("y", 3, 1, 6), set_of("y", 3, 2, 7), set_of("y", 3, 0, 0),
                                   set_of("z", 1, 2, 6)};
    static const struct event_interval two[] = {{2, 6}, {8, 9}};
    struct event more = set_of("y", 3, 0, 0);
    (void)state;
    struct shopper *s = a_customer_of_two_browsers();

    assert_int_equal(bindings_apply(s, &same, &arena), SHOPPER_FOLDED);
    assert_int_equal(bindings_apply(s, &not_newer, &arena), SHOPPER_FOLDED);
    assert_string_equal(told(s), "x 1-5 v1, y 2-6 v2");
    for (size_t i = 0; i < COUNT_OF(differ); i++) {
        assert_int_equal(bindings_apply(s, &differ[i], &arena), SHOPPER_REFOLD);
    }
    more.intervals = two;
    more.interval_count = 2;
    assert_int_equal(bindings_apply(s, &more, &arena), SHOPPER_REFOLD);
    assert_string_equal(told(s), "x 1-5 v1, y 2-6 v2");
}

static void a_repeated_set_of_several_intervals_gives_all_of_them_its_version(void **state)
{
    static const struct event_interval two[] = {{2, 6}, {8, 9}};
    static const struct event_interval other[] = {{2, 6}, {8, 10}};
    struct event first = set_of("y", 1, 0, 0);
    struct event again = set_of("y", 2, 0, 0);
    struct event moved = set_of("y", 3, 0, 0);
    const struct event neighbours[] = {set_of("x", 1, 1, 5), set_of("z", 1, 1, 5)};
    (void)state;

    first.intervals = again.intervals = two;
    moved.intervals = other;
    first.interval_count = again.interval_count = moved.interval_count = 2;
    const struct event sets[] = {first, neighbours[0], neighbours[1]};
    struct shopper *s = collect("c:anna", NULL, sets, 3);
    assert_int_equal(bindings_apply(s, &again, &arena), SHOPPER_FOLDED);
    assert_string_equal(told(s), "x 1-5 v1, y 2-6 v2, y 8-9 v2, z 1-5 v1");
    assert_int_equal(bindings_apply(s, &moved, &arena), SHOPPER_REFOLD);
}

/* ---- the anonymous shopper ---- */

static void a_base_s_owners_and_newer_ones_are_one_sequence(void **state)
{
    const struct event before[] = {bound(10, "anna"), bound(30, "bob")};
    const struct event later[] = {bound(20, "cleo"), bound(40, "bob")};
    (void)state;
    struct shopper *base = collect("a:x", NULL, before, 2);
    struct shopper *s = collect("a:x", base, later, 2);

    assert_int_equal(s->binding_count, 3);
    assert_string_equal(s->bindings[0].other, "anna");
    assert_int_equal(s->bindings[0].until_us, TEST_DAY_US + 20);
    assert_string_equal(s->bindings[1].other, "cleo");
    assert_int_equal(s->bindings[1].until_us, TEST_DAY_US + 30);
    assert_string_equal(s->bindings[2].other, "bob");
    assert_true(s->bindings[2].until_us == INT64_MAX);
    assert_int_equal(s->bindings_seen, 4);
    assert_int_equal(s->bound_last_us, TEST_DAY_US + 40); /* no change, but the latest */
    s = collect("a:x", s, before, 1);
    assert_int_equal(s->bindings_seen, 5);
    assert_int_equal(s->bound_last_us, TEST_DAY_US + 40);
}

static void of_two_owners_of_one_moment_the_last_by_name_has_it(void **state)
{
    const struct event two[] = {bound(10, "bob"), bound(10, "anna")};
    (void)state;
    struct shopper *s = collect("a:x", NULL, two, 2);

    assert_int_equal(s->binding_count, 2);
    assert_string_equal(shopper_owner_at(s, TEST_DAY_US + 10), "bob");
}

static void of_too_many_owners_the_oldest_are_forgotten(void **state)
{
    static struct event events[BINDINGS_MAX + 2];
    (void)state;

    for (int i = 0; i < BINDINGS_MAX + 2; i++) {
        events[i] = bound(i + 1, arena_printf(&arena, "c%03d", i));
    }
    struct shopper *s = collect("a:x", NULL, events, BINDINGS_MAX + 1);
    assert_int_equal(s->binding_count, BINDINGS_MAX);
    assert_string_equal(s->bindings[0].other, "c001");
    assert_string_equal(s->bindings[BINDINGS_MAX - 1].other, "c500");
    assert_int_equal(bindings_apply(s, &events[BINDINGS_MAX + 1], &arena), SHOPPER_FOLDED);
    assert_int_equal(s->binding_count, BINDINGS_MAX);
    assert_string_equal(s->bindings[0].other, "c002");
    assert_string_equal(s->bindings[BINDINGS_MAX - 1].other, "c501");
    assert_int_equal(s->bindings_seen, BINDINGS_MAX + 2);
}

static void only_a_later_binding_is_folded_at_once(void **state)
{
    const struct event first = bound(10, "anna");
    const struct event same_time = bound(20, "bob");
    const struct event repeated = bound(20, "anna");
    const struct event later = bound(21, "bob");
    (void)state;
    struct shopper *s = shopper_new("a:x", &arena);

    assert_int_equal(bindings_apply(s, &first, &arena), SHOPPER_FOLDED); /* nothing was folded */
    assert_int_equal(bindings_apply(s, &repeated, &arena), SHOPPER_FOLDED);
    assert_int_equal(s->binding_count, 1);
    assert_int_equal(bindings_apply(s, &same_time, &arena), SHOPPER_REFOLD);
    assert_int_equal(s->bindings_seen, 2);
    assert_int_equal(bindings_apply(s, &later, &arena), SHOPPER_FOLDED);
    assert_int_equal(s->bindings[0].until_us, TEST_DAY_US + 21);
    assert_int_equal(s->bound_last_us, TEST_DAY_US + 21);
}

/* An event, a late one, a release: after any of them the first binding changes who folds it. */
static void with_any_past_the_first_binding_asks_for_a_refold(void **state)
{
    static char id[] = "e1";
    const struct event first = bound(10, "anna");
    (void)state;

    for (int i = 0; i < 3; i++) {
        struct shopper *s = shopper_new("a:x", &arena);
        s->events = i == 0;
        s->late_events = i == 1;
        s->at_id = i == 2 ? id : NULL;
        assert_int_equal(bindings_apply(s, &first, &arena), SHOPPER_REFOLD);
        assert_int_equal(s->binding_count, 0);
    }
}

/* Of more names than are kept the longest unnamed go, and the rest stands in the order of names, in which it is searched. */
static void of_too_many_names_the_newest_stay_in_their_order(void **state)
{
    enum { MORE = 40 };
    static struct event events[NAMED_MAX + MORE];
    (void)state;

    for (int i = 0; i < NAMED_MAX + MORE; i++) {
        events[i] = an_event(EVENT_PRODUCT_VIEWED, .sku = "p", .at = MINUTES(i),
                             .anonymous = arena_printf(&arena, "browser-%04d", i));
    }
    const struct shopper *s = collect("c:anna", NULL, events, NAMED_MAX + MORE);
    assert_int_equal(s->named_count, NAMED_MAX);
    for (int i = 0; i < NAMED_MAX; i++) {
        assert_string_equal(s->named[i].other, arena_printf(&arena, "browser-%04d", MORE + i));
    }
}

/* A guess says nothing itself, and is remembered where there was one. */
static void when_a_browser_was_named_first_last_and_without_a_guess_is_known(void **state)
{
    (void)state;
    const struct event events[] = {
        an_event(EVENT_PRODUCT_VIEWED, .sku = "p", .at = 5, .anonymous = "x"),
        an_event(EVENT_PRODUCT_VIEWED, .sku = "p", .at = 9, .anonymous = "x"),
        an_event(EVENT_PRODUCT_VIEWED, .sku = "p", .at = 2, .anonymous = "x"),
        an_event(EVENT_DERIVED_SHOPPER_NAMED, .at = 1, .anonymous = "x"),
        an_event(EVENT_DERIVED_SHOPPER_NAMED, .at = 20, .anonymous = "x"),
        an_event(EVENT_DERIVED_SHOPPER_NAMED, .at = 7, .anonymous = "y"),
        an_event(EVENT_PRODUCT_VIEWED, .sku = "p", .at = 8, .anonymous = "z"),
    };
    const struct shopper *s = collect("c:anna", NULL, events, COUNT_OF(events));
    const struct named_via expected[] = {
        {.first_us = 1, .last_us = 20, .said_us = 2, .guessed = true},
        {.first_us = 7, .last_us = 7, .said_us = -TEST_DAY_US, .guessed = true},
        {.first_us = 8, .last_us = 8, .said_us = 8}};

    assert_int_equal(s->named_count, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(s->named[i].first_us, TEST_DAY_US + expected[i].first_us);
        assert_int_equal(s->named[i].last_us, TEST_DAY_US + expected[i].last_us);
        assert_int_equal(s->named[i].said_us, TEST_DAY_US + expected[i].said_us);
        assert_int_equal(s->named[i].guessed, expected[i].guessed);
    }
    struct shopper *told = collect("c:anna", NULL, events, 1);
    shopper_take_name(told, &events[2], &arena);
    assert_int_equal(told->named[0].first_us, TEST_DAY_US + 2);
    shopper_take_name(told, &events[6], &arena);
    assert_int_equal(told->named_count, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_replaces_its_own_browser_s_intervals_and_no_other_s),
        cmocka_unit_test(a_set_that_is_not_newer_than_the_base_says_nothing),
        cmocka_unit_test(of_several_sets_the_newest_counts_wherever_it_stands),
        cmocka_unit_test(what_was_identified_stays_so_under_a_newer_set),
        cmocka_unit_test(too_many_intervals_lose_the_one_that_ended_first),
        cmocka_unit_test(who_was_named_longest_ago_and_is_named_again_wants_all_events),
        cmocka_unit_test(intervals_of_one_browser_are_told_in_order_of_time),
        cmocka_unit_test(a_set_that_differs_in_one_bound_asks_for_a_refold),
        cmocka_unit_test(a_repeated_set_of_several_intervals_gives_all_of_them_its_version),
        cmocka_unit_test(a_base_s_owners_and_newer_ones_are_one_sequence),
        cmocka_unit_test(of_two_owners_of_one_moment_the_last_by_name_has_it),
        cmocka_unit_test(of_too_many_owners_the_oldest_are_forgotten),
        cmocka_unit_test(of_too_many_names_the_newest_stay_in_their_order),
        cmocka_unit_test(when_a_browser_was_named_first_last_and_without_a_guess_is_known),
        cmocka_unit_test(only_a_later_binding_is_folded_at_once),
        cmocka_unit_test(with_any_past_the_first_binding_asks_for_a_refold),
    };
    return cmocka_run_group_tests_name("bindings", tests, NULL, forget);
}
