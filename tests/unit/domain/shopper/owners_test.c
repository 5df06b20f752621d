/* Whose a browser is: what logins and logouts make of it, all at once and one by one, and when one by one does not do. */
#include "domain/shopper/shopper_pages.h"
#include "support/spec.h"
#include "unit/domain/an_event.h"

#include <stdio.h>
#include <stdlib.h>

enum { CHANGES_MAX = 6 };

static struct arena arena;

static int forget(void **state)
{
    (void)state;
    forget_events();
    arena_free(&arena);
    return 0;
}

/* "10+anna" logs in at minute 10, "10?anna" is taken for it, "40-anna" logs out, "40-" is somebody's logout as the browser tells it, "45v" does something. */
static struct event event_of(const char *word)
{
    char *rest;
    const int64_t at = MINUTES(strtol(word, &rest, 10));
    const char kind = *rest++;

    if (kind == 'v') {
        return an_event(EVENT_SEARCHED, .at = at);
    }
    if (kind == '-' && *rest == '\0') {
        return an_event(EVENT_LOGGED_OUT, .at = at);
    }
    struct event e =
        kind == '-'
            ? an_event(EVENT_DERIVED_SHOPPER_UNBOUND, .at = at, .via = "x", .customer = rest)
            : an_event(EVENT_DERIVED_SHOPPER_BOUND, .at = at, .via = "x", .customer = rest);
    e.guessed = kind == '?';
    return e;
}

/* In order of arrival. */
static size_t events_of(const char *told, struct event out[CHANGES_MAX])
{
    char *words = arena_strdup(&arena, told);
    size_t count = 0;

    for (char *word; (word = strsep(&words, " ")) != NULL;) {
        assert_true(count < CHANGES_MAX);
        out[count++] = event_of(word);
    }
    return count;
}

static const char *minute_of(int64_t us)
{
    return us == INT64_MIN || us == INT64_MAX
               ? ""
               : arena_printf(&arena, "%lld", (long long)((us - TEST_DAY_US) / MINUTES(1)));
}

/* "anna ..40, bob 40.."; guesses are marked. */
static const char *owners_of(const struct shopper *s)
{
    const char *text = "";

    for (size_t i = 0; i < s->binding_count; i++) {
        const struct binding *b = &s->bindings[i];
        text =
            arena_printf(&arena, "%s%s%s%s %s..%s", text, i == 0 ? "" : ", ", s->guessed ? "?" : "",
                         b->other, minute_of(b->from_us), minute_of(b->until_us));
    }
    return text;
}

static struct shopper *fold_first(const char *told, size_t count)
{
    struct event events[CHANGES_MAX];

    (void)events_of(told, events);
    return shopper_fold_all(NULL, "a:x", events, count, INT64_MAX, &arena);
}

/* In pages, of what occurred at one time each. */
static const struct shopper *learnt_in_pages(const struct shopper *base, const struct event *events,
                                             size_t count)
{
    struct event *facts = arena_array(&arena, count, sizeof *facts);
    struct event *joins = arena_array(&arena, count, sizeof *joins);
    const struct shopper *nobody = shopper_new("a:x", &arena);
    size_t fact_count = 0;
    size_t join_count = 0;

    for (size_t i = 0; i < count; i++) {
        if (shopper_page_joins(&events[i])) {
            joins[join_count++] = shopper_page_join(&events[i], &arena);
        }
        if (shopper_page_keeps(nobody, &events[i])) {
            size_t at = fact_count++;
            for (; at > 0 && facts[at - 1].occurred_us > events[i].occurred_us; at--) {
                facts[at] = facts[at - 1];
            }
            facts[at] = events[i];
        }
    }
    struct shopper *who = shopper_pages_begin("a:x", base, joins, join_count, &arena);
    struct learn_page page = {INT64_MIN, INT64_MIN};
    for (size_t from = 0, end; page.until_us < INT64_MAX; from = end) {
        for (end = from; end < fact_count && facts[end].occurred_us == facts[from].occurred_us;
             end++) {
        }
        page.until_us = end < fact_count ? facts[from].occurred_us : INT64_MAX;
        shopper_pages_learn(who, base, page, facts + from, end - from, &arena);
        page.after_us = page.until_us;
    }
    return who;
}

/* One by one: a letter for each, f where it was folded, r where all had to be folded again, as where the browser itself tells of a logout. */
static const char *steps_of(const char *told, const struct shopper **out)
{
    struct event events[CHANGES_MAX];
    const size_t count = events_of(told, events);
    struct shopper *s = shopper_new("a:x", &arena);
    char steps[CHANGES_MAX + 1] = "";

    for (size_t i = 0; i < count; i++) {
        const bool folded = shopper_apply(s, &events[i], &arena) == SHOPPER_FOLDED;
        steps[i] = folded ? 'f' : 'r';
        s = folded ? s : fold_first(told, i + 1);
    }
    *out = s;
    return arena_strdup(&arena, steps);
}

static const struct {
    const char *told;
    const char *owners;
    const char *steps;
} cases[] = {
    {"10+anna", "anna ..", "f"},
    {"10+anna 20+anna", "anna ..", "ff"},
    {"10+anna 40+bob", "anna ..40, bob 40..", "ff"},
    {"10+anna 40+bob 60+anna", "anna ..40, bob 40..60, anna 60..", "fff"},
    /* logouts */
    {"10+anna 40-anna", "anna ..40", "ff"},
    {"10+anna 40-", "anna ..40", "fr"},
    {"10+anna 40-bob", "anna ..", "ff"}, /* somebody else's says nothing */
    {"10+anna 40+bob 60-anna", "anna ..40, bob 40..", "fff"},
    {"10+anna 40+bob 60-bob", "anna ..40, bob 40..60", "fff"},
    {"10+anna 40- 60-", "anna ..40", "frr"},
    {"10+anna 40- 60-anna", "anna ..40", "frf"},
    {"10- 20+anna", "anna ..", "fr"},
    /* the time between is that of whoever logs in next */
    {"10+anna 40- 60+anna", "anna ..", "frf"},
    {"10+anna 40- 60+bob", "anna ..40, bob 40..", "frf"},
    /* in one moment */
    {"10+anna 40-bob 40+bob", "anna ..40, bob 40..40", "ffr"},
    {"10+anna 40+bob 40-bob 50+anna", "anna ..40, bob 40..40, anna 40..", "ffrf"},
    {"10+bob 40+bob 40+anna", "bob ..", "ffr"},
    {"10+anna 40- 40+bob", "anna ..40, bob 40..40", "frr"},
    {"10+anna 40-anna 40-", "anna ..40", "ffr"},
    /* in another order than that of time */
    {"40+bob 10+anna", "anna ..40, bob 40..", "fr"},
    {"10+anna 60- 40-anna", "anna ..40", "frr"},
    {"10+anna 60-bob 40+carl", "anna ..40, carl 40..",
     "ffr"}, /* what changed nothing has its time as well */
    /* guesses */
    {"10?anna", "?anna ..", "r"},
    {"10?anna 40?bob", "?anna ..", "rr"},
    {"40?bob 10?anna", "?anna ..", "rr"},
    {"10?anna 40-", "?anna ..40", "rr"},
    {"10?anna 40+bob", "bob ..", "rr"},
    {"10+anna 40?bob", "anna ..", "fr"},
    {"10+anna 40?bob 60+carl", "anna ..60, carl 60..", "frf"},
    /* what was folded by then, and is somebody else's now */
    {"5v 10+anna", "anna ..", "fr"},
    {"10+anna 30v 20+anna", "anna ..", "fff"},
    {"10+anna 30v 40-anna", "anna ..40", "fff"},
    {"10+anna 40v 40-anna", "anna ..40", "fff"},
    {"10+anna 50v 40-anna", "anna ..40", "ffr"},
    {"10+anna 50v 40-bob", "anna ..", "fff"},
    {"10+anna 50v 40+bob", "anna ..40, bob 40..", "fff"},
    {"10+anna 40- 45v 60+bob", "anna ..40, bob 40..", "frfr"},
    {"10+anna 40- 45v 60+anna", "anna ..", "frfr"},
    {"10+anna 40-anna 45v 60+bob", "anna ..40, bob 40..", "fffr"},
    {"10+anna 30v 40-anna 60+bob", "anna ..40, bob 40..", "ffff"},
    {"10+anna 40-anna 45v 60-anna", "anna ..40", "ffff"},
    {"10+anna 40- 45v 60-", "anna ..40", "frfr"},
};

static void logins_and_logouts_say_whose_a_browser_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct event events[CHANGES_MAX];
        const size_t count = events_of(cases[i].told, events);
        const struct shopper *by_steps;
        const char *at_once = owners_of(fold_first(cases[i].told, count));
        const char *steps = steps_of(cases[i].told, &by_steps);
        if (strcmp(at_once, cases[i].owners) != 0 || strcmp(steps, cases[i].steps) != 0 ||
            strcmp(owners_of(by_steps), cases[i].owners) != 0) {
            fail_msg("%s: at once %s, one by one %s (%s)", cases[i].told, at_once,
                     owners_of(by_steps), steps);
        }
        assert_int_equal(by_steps->bindings_seen, fold_first(cases[i].told, count)->bindings_seen);
        assert_string_equal(owners_of(learnt_in_pages(NULL, events, count)), cases[i].owners);
    }
}

/* Retention keeps owners and forgets what made them. */
static void what_retention_left_goes_on(void **state)
{
    static const struct {
        const char *before, *behind, *owners;
    } kept[] = {
        {"10+anna", "40+bob", "anna ..40, bob 40.."},
        {"10+anna 40-", "60+bob", "anna ..40, bob 40.."},
        {"10+anna 40-", "60+anna", "anna .."},
        {"10+anna 40-", "40+bob", "anna ..40, bob 40..40"}, /* in one moment, the login first */
        {"10v", "40+bob", "bob .."},
        {"10+anna 40+bob 60-", "70-", "anna ..40, bob 40..60"},
        {"10?anna", "40?bob", "?anna .."},
        {"10?anna", "40+bob", "bob .."},
        {"10?anna 30-", "40+bob", "bob .."},
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        struct event events[CHANGES_MAX];
        const size_t before = events_of(kept[i].before, events);
        const struct shopper *base =
            shopper_fold_all(NULL, "a:x", events, before, INT64_MAX, &arena);
        const size_t behind = events_of(kept[i].behind, events);
        const char *in_pages = owners_of(learnt_in_pages(base, events, behind));
        const char *owners =
            owners_of(shopper_fold_all(base, "a:x", events, behind, INT64_MAX, &arena));
        if (strcmp(owners, kept[i].owners) != 0 || strcmp(in_pages, kept[i].owners) != 0) {
            fail_msg("%s, then %s: %s, in pages %s", kept[i].before, kept[i].behind, owners,
                     in_pages);
        }
    }
}

static struct event change_at(enum event_type type, int64_t ms, const char *customer)
{
    return an_event(type, .at = ms * INT64_C(1000), .via = "x", .customer = customer);
}

static const char *owner_at(const struct shopper *s, int64_t ms)
{
    const char *owner = shopper_owner_at(s, TEST_DAY_US + ms * INT64_C(1000));

    return owner == NULL ? "nobody" : owner;
}

static void expect_owners_of_a_second(const struct shopper *s, const char *at_800,
                                      const char *at_1100, const char *at_1250)
{
    assert_string_equal(owner_at(s, 200), "anna");
    assert_string_equal(owner_at(s, 800), at_800);
    assert_string_equal(owner_at(s, 1100), at_1100);
    assert_string_equal(owner_at(s, 1250), at_1250);
}

/* All at once, one by one, and the last onto what retention left of the others. */
static void expect_owners(struct event events[3], size_t count, const char *at_800,
                          const char *at_1100, const char *at_1250)
{
    struct event copy[3];
    struct shopper *s = shopper_new("a:x", &arena);

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(shopper_apply(s, &events[i], &arena), SHOPPER_FOLDED);
    }
    expect_owners_of_a_second(s, at_800, at_1100, at_1250);
    memcpy(copy, events, sizeof copy);
    s = shopper_fold_all(NULL, "a:x", copy, count - 1, INT64_MAX, &arena);
    s = shopper_fold_all(s, "a:x", &events[count - 1], 1, INT64_MAX, &arena);
    expect_owners_of_a_second(s, at_800, at_1100, at_1250);
    memcpy(copy, events, sizeof copy);
    s = shopper_fold_all(NULL, "a:x", copy, count, INT64_MAX, &arena);
    expect_owners_of_a_second(s, at_800, at_1100, at_1250);
}

/* Orders are told in whole seconds, and a logout is in the middle of one. */
static void a_logout_lasts_a_second_or_until_somebody_logs_in(void **state)
{
    (void)state;
    struct event in = change_at(EVENT_DERIVED_SHOPPER_BOUND, 0, "anna");
    struct event out = change_at(EVENT_DERIVED_SHOPPER_UNBOUND, 250, "anna");
    struct event again = change_at(EVENT_DERIVED_SHOPPER_BOUND, 700, "anna");
    struct event other = change_at(EVENT_DERIVED_SHOPPER_BOUND, 700, "bob");
    struct event later = change_at(EVENT_DERIVED_SHOPPER_BOUND, 5000, "bob");

    expect_owners((struct event[]){in, out, out}, 2, "anna", "anna", "nobody");
    expect_owners((struct event[]){in, out, again}, 3, "anna", "anna", "anna");
    expect_owners((struct event[]){in, out, other}, 3, "bob", "bob", "bob");
    expect_owners((struct event[]){in, out, later}, 3, "anna", "anna", "bob");
}

static struct event login_at(int minute, const char *customer)
{
    return an_event(EVENT_DERIVED_SHOPPER_BOUND, .at = MINUTES(minute), .via = "x",
                    .customer = customer);
}

static void of_many_owners_the_newest_are_kept_and_the_oldest_begins_where_it_began(void **state)
{
    enum { MANY = BINDINGS_MAX + 3 };
    struct event events[MANY];
    (void)state;

    for (int i = 0; i < MANY; i++) {
        events[i] = login_at(i, i % 2 == 0 ? "anna" : "bob");
    }
    events[MANY - 1] = login_at(MANY - 1, "bob"); /* once more */
    const struct shopper *s =
        shopper_fold_all(NULL, "a:x", events, BINDINGS_MAX, INT64_MAX, &arena);
    assert_int_equal(s->binding_count, BINDINGS_MAX);
    assert_true(s->bindings[0].from_us == INT64_MIN);
    s = shopper_fold_all(NULL, "a:x", events, MANY, INT64_MAX, &arena);
    assert_int_equal(s->binding_count, BINDINGS_MAX);
    assert_true(s->bindings[0].from_us == TEST_DAY_US + MINUTES(2));
    assert_true(s->bindings[BINDINGS_MAX - 1].until_us == INT64_MAX);
    const char *owners = owners_of(s);
    assert_string_equal(owners_of(learnt_in_pages(NULL, events, MANY)), owners);
    const struct shopper *base = shopper_fold_all(NULL, "a:x", events, 3, INT64_MAX, &arena);
    assert_string_equal(owners_of(learnt_in_pages(base, events + 3, MANY - 3)), owners);
    /* what is older than all of them says nothing any more */
    const char *const older[] = {"anna", "carl"};
    for (size_t i = 0; i < COUNT_OF(older); i++) {
        struct event old = login_at(1, older[i]);
        assert_string_equal(owners_of(learnt_in_pages(s, &old, 1)), owners);
        assert_string_equal(owners_of(shopper_fold_all(s, "a:x", &old, 1, INT64_MAX, &arena)),
                            owners);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(logins_and_logouts_say_whose_a_browser_is, forget),
        cmocka_unit_test_teardown(what_retention_left_goes_on, forget),
        cmocka_unit_test_teardown(
            of_many_owners_the_newest_are_kept_and_the_oldest_begins_where_it_began, forget),
        cmocka_unit_test_teardown(a_logout_lasts_a_second_or_until_somebody_logs_in, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
