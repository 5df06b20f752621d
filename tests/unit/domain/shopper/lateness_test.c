/* What is late and what is not, and the place in the order that is kept: the edges of the fold's rules. */
#include "domain/shopper/shopper.h"

#include "base/rng.h"
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

static struct shopper *fold_two(const struct shopper *base, const char *key, struct event one,
                                struct event two)
{
    struct event events[] = {one, two};

    return shopper_fold_all(base, key, events, 2, INT64_MAX, &arena);
}

static int64_t late(struct event one, struct event two)
{
    return fold_two(NULL, "c:anna", one, two)->late_events;
}

/* ---- late ---- */

static void only_a_closer_makes_late_what_was_received_after_it(void **state)
{
    const struct event straggler = an_event(EVENT_REFUND, .at = HOURS(1), .late_by = DAYS(9));
    (void)state;

    assert_int_equal(late(straggler, an_event(EVENT_PURCHASE, .at = HOURS(2))), 1);
    assert_int_equal(late(straggler, an_event(EVENT_CART_SNAPSHOT, .at = HOURS(2))), 1);
    assert_int_equal(late(straggler, an_event(EVENT_CART_SNAPSHOT, .at = HOURS(2), .sku = "p")), 0);
    assert_int_equal(late(straggler, an_event(EVENT_SEARCHED, .at = HOURS(2))), 0);
    assert_int_equal(late(straggler, an_event(EVENT_PURCHASE, .at = HOURS(1) - 1)), 0);
}

static void a_closer_received_in_the_same_moment_makes_nothing_late(void **state)
{
    const struct event straggler = an_event(EVENT_REFUND, .at = HOURS(1), .late_by = DAYS(9));
    (void)state;

    assert_int_equal(
        late(straggler, an_event(EVENT_PURCHASE, .at = HOURS(2), .late_by = DAYS(9) - HOURS(1))),
        0);
    assert_int_equal(late(straggler, an_event(EVENT_PURCHASE, .at = HOURS(2),
                                              .late_by = DAYS(9) - HOURS(1) - 1)),
                     1);
}

/* Of several closers the one that was received first decides, wherever it stands behind the straggler. */
static void the_closer_received_first_decides(void **state)
{
    const struct event straggler = an_event(EVENT_REFUND, .at = HOURS(1), .late_by = DAYS(9));
    const struct event soon = an_event(EVENT_PURCHASE, .at = HOURS(2), .order = "o1");
    const struct event later =
        an_event(EVENT_PURCHASE, .at = HOURS(3), .order = "o2", .late_by = DAYS(10));
    (void)state;
    struct event events[] = {straggler, soon, later};

    assert_int_equal(shopper_fold_all(NULL, "c:anna", events, 3, INT64_MAX, &arena)->late_events,
                     1);
}

static void what_joins_shoppers_or_consents_is_never_late(void **state)
{
    static const enum event_type types[] = {EVENT_IDENTIFY, EVENT_ALIAS, EVENT_CONSENT_GIVEN,
                                            EVENT_CONSENT_WITHDRAWN};
    const struct event closer = an_event(EVENT_PURCHASE, .at = HOURS(2));
    (void)state;

    for (size_t i = 0; i < COUNT_OF(types); i++) {
        struct event e = an_event(types[i], .at = HOURS(1), .late_by = DAYS(9), .subject = "sms",
                                  .anonymous = "x");
        assert_int_equal(late(e, closer), 0);
    }
    struct event derived = an_event(EVENT_DERIVED_OUTREACH_RELEASED, .at = HOURS(1), .cart = "c",
                                    .late_by = DAYS(9), .origin = ORIGIN_DERIVED);
    assert_int_equal(late(derived, closer), 0);
}

static void what_occurred_before_a_closer_that_retention_folded_away_is_late(void **state)
{
    (void)state;
    struct shopper *base = fold_two(NULL, "c:anna", an_event(EVENT_SEARCHED, .at = HOURS(1)),
                                    an_event(EVENT_PURCHASE, .at = HOURS(2)));

    for (int64_t ahead = -1; ahead <= 1; ahead++) {
        struct event straggler = an_event(EVENT_REFUND, .at = HOURS(2) + ahead, .late_by = DAYS(9));
        struct shopper *s = shopper_fold_all(base, "c:anna", &straggler, 1, INT64_MAX, &arena);
        assert_int_equal(s->late_events, ahead <= 0);
    }
}

/* It closes nothing, but it was received: what came in after it may be late because of it. */
static void a_late_closer_still_makes_others_late(void **state)
{
    const struct event first = an_event(EVENT_PURCHASE, .at = HOURS(5), .order = "o1");
    const struct event tardy =
        an_event(EVENT_PURCHASE, .at = HOURS(4), .order = "o2", .late_by = DAYS(3));
    (void)state;
    struct shopper *s = fold_two(NULL, "c:anna", first, tardy);

    assert_int_equal(s->late_events, 1);
    assert_int_equal(s->closed_until_us, TEST_DAY_US + HOURS(5));
    struct event alone = tardy;
    s = shopper_fold_all(NULL, "c:anna", &alone, 1, INT64_MAX, &arena);
    assert_int_equal(s->closed_until_us, TEST_DAY_US + HOURS(4));
    assert_int_equal(s->tardy_received_us, TEST_DAY_US + HOURS(4) + DAYS(3));
}

/* What was ordered of another cart meanwhile says nothing of this one. */
static void a_late_closer_is_late_only_for_one_that_closes_as_much(void **state)
{
    static const struct {
        const char *of, *meanwhile; /* NULL: every cart */
        int64_t late;
    } rows[] = {
        {"k1", "k2", 0}, {"k1", "k1", 1}, {"k1", NULL, 1}, {NULL, "k2", 0}, {NULL, NULL, 1}};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (int64_t by_snapshot = 0; by_snapshot < 2; by_snapshot++) {
            const struct event tardy =
                an_event(EVENT_PURCHASE, .at = HOURS(2), .late_by = HOURS(25), .order = "o1",
                         .cart = rows[i].of);
            const struct event closer =
                an_event(by_snapshot ? EVENT_CART_SNAPSHOT : EVENT_PURCHASE, .at = HOURS(3),
                         .order = by_snapshot ? NULL : "o2", .cart = rows[i].meanwhile);
            /* which cart a snapshot without one has emptied, nobody knows */
            const bool unknown = by_snapshot && rows[i].meanwhile == NULL;
            assert_int_equal(late(tardy, closer), unknown ? 0 : rows[i].late);
        }
    }
}

static void an_order_told_a_day_late_closes_its_cart_whatever_became_of_another(void **state)
{
    (void)state;
    struct event events[] = {
        an_event(EVENT_CART_ITEM_ADDED, .at = HOURS(1), .cart = "k1", .sku = "p1"),
        an_event(EVENT_CART_ITEM_ADDED, .at = HOURS(1) + 1, .cart = "k2", .sku = "p2"),
        an_event(EVENT_PURCHASE, .at = HOURS(2), .late_by = HOURS(25), .cart = "k2", .order = "o"),
        an_event(EVENT_CART_SNAPSHOT, .at = HOURS(3), .cart = "k1"),
    };
    const struct shopper *s =
        shopper_fold_all(NULL, "c:anna", events, COUNT_OF(events), INT64_MAX, &arena);

    assert_null(shopper_open_cart(s));
    assert_int_equal(s->order_count, 1);
}

static void an_order_told_a_day_late_closes_its_cart_though_a_snapshot_emptied_some(void **state)
{
    static const char *const named[] = {"k1", NULL};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(named); i++) {
        struct event events[] = {
            an_event(EVENT_CART_ITEM_ADDED, .at = HOURS(1), .cart = "k1", .sku = "p1"),
            an_event(EVENT_PURCHASE, .at = HOURS(2), .late_by = HOURS(40), .cart = named[i],
                     .order = "o", .sku = "p1"),
            an_event(EVENT_CART_ITEM_ADDED, .at = HOURS(3), .cart = "k2", .sku = "p2"),
            an_event(EVENT_CART_SNAPSHOT, .at = HOURS(4)),
        };
        const struct shopper *s =
            shopper_fold_all(NULL, "c:anna", events, COUNT_OF(events), INT64_MAX, &arena);

        assert_null(shopper_open_cart(s));
        assert_int_equal(s->order_count, 1);
    }
    /* such a snapshot that is late itself is late for another one */
    assert_int_equal(late(an_event(EVENT_CART_SNAPSHOT, .at = HOURS(2), .late_by = HOURS(40)),
                          an_event(EVENT_CART_SNAPSHOT, .at = HOURS(3))),
                     1);
}

/* It has taken its own lines only. */
static void by_lines_an_order_makes_none_late(void **state)
{
    const struct event tardy = an_event(EVENT_PURCHASE, .at = HOURS(2), .late_by = HOURS(40),
                                        .cart = "k", .order = "o1", .sku = "p1");
    const struct event lines =
        an_event(EVENT_PURCHASE, .at = HOURS(3), .cart = "k", .order = "o2", .sku = "p2");
    const struct event whole = an_event(EVENT_PURCHASE, .at = HOURS(3), .cart = "k", .order = "o2");
    const struct event unread = an_event(EVENT_PURCHASE, .at = HOURS(3), .cart = "k", .order = "o2",
                                         .sku = "p2", .lines_left_out = true);
    struct shopper_rules rules = {.echo_us = MINUTES(30), .undo_us = DAYS(1)};
    (void)state;

    assert_int_equal(late(tardy, lines), 1);
    rules.closes_lines = true;
    shopper_rules_set(&rules);
    assert_int_equal(late(tardy, lines), 0);
    assert_int_equal(late(tardy, whole), 1);
    assert_int_equal(late(tardy, unread), 1);
    assert_int_equal(late(an_event(EVENT_SEARCHED, .at = HOURS(2), .late_by = HOURS(40)), lines),
                     1);
    rules.closes_lines = false;
    shopper_rules_set(&rules);
}

/* Whichever of many closers was received first of those that count, as one look at each of them has it. */
static void of_many_closers_those_of_the_same_cart_count(void **state)
{
    static const char *const carts[] = {NULL, "k1", "k2", "k3", "k4", "k5", "k6"};
    enum { EVENTS = 40 };
    int late_ones = 0;
    (void)state;

    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct rng r = rng_seed(seed);
        struct event events[EVENTS];
        int64_t expected = 0;
        for (int i = 0; i < EVENTS; i++) {
            events[i] = an_event(rng_below(&r, 3) > 0 ? EVENT_PURCHASE : EVENT_CART_SNAPSHOT,
                                 .at = HOURS(1 + i), .late_by = HOURS((int64_t)rng_below(&r, 60)),
                                 .order = arena_printf(&arena, "o%d", i),
                                 .cart = carts[rng_below(&r, COUNT_OF(carts))]);
        }
        for (int i = 0; i < EVENTS; i++) {
            bool is_late = false;
            for (int k = i + 1; k < EVENTS; k++) {
                const bool one = events[k].type == EVENT_CART_SNAPSHOT;
                const bool as_much = (events[k].cart_id == NULL &&
                                      (!one || events[i].type == EVENT_CART_SNAPSHOT)) ||
                                     (events[i].cart_id != NULL && events[k].cart_id != NULL &&
                                      strcmp(events[i].cart_id, events[k].cart_id) == 0);
                is_late = is_late || (as_much && events[k].received_us < events[i].received_us);
            }
            expected += is_late && events[i].received_us - events[i].occurred_us > LATE_WINDOW_US;
        }
        late_ones += (int)expected;
        assert_int_equal(
            shopper_fold_all(NULL, "c:anna", events, EVENTS, INT64_MAX, &arena)->late_events,
            expected);
        arena_reset(&arena);
    }
    assert_true(late_ones > 1000);
}

static void a_straggler_after_the_last_closer_is_folded_at_once(void **state)
{
    const struct event closer = an_event(EVENT_PURCHASE, .at = HOURS(1));
    const struct event straggler = an_event(EVENT_SEARCHED, .at = HOURS(1) + 1, .late_by = DAYS(9));
    const struct event same_moment =
        an_event(EVENT_PURCHASE, .at = HOURS(2), .late_by = DAYS(9) - HOURS(1) + 1);
    (void)state;
    struct shopper *s = shopper_new("c:anna", &arena);

    assert_int_equal(shopper_apply(s, &closer, &arena), SHOPPER_FOLDED);
    assert_int_equal(s->tardy_received_us, 0); /* it came in when it occurred */
    assert_int_equal(shopper_apply(s, &straggler, &arena), SHOPPER_FOLDED);
    assert_int_equal(s->tardy_received_us, TEST_DAY_US + HOURS(1) + 1 + DAYS(9));
    /* received with the straggler, not before it */
    assert_int_equal(shopper_apply(s, &same_moment, &arena), SHOPPER_FOLDED);
    assert_int_equal(s->late_events, 0);
}

/* ---- the place in the order ---- */

static void at_one_time_the_place_is_that_of_the_type_then_of_the_id(void **state)
{
    const struct event search = an_event(EVENT_SEARCHED, .at = 5, .id = "m");
    const struct event add = an_event(EVENT_CART_ITEM_ADDED, .at = 5, .id = "a", .sku = "p");
    const struct event before = an_event(EVENT_SEARCHED, .at = 5, .id = "l");
    const struct event behind = an_event(EVENT_SEARCHED, .at = 5, .id = "n");
    (void)state;
    struct shopper *s = shopper_new("c:anna", &arena);

    assert_int_equal(shopper_apply(s, &search, &arena), SHOPPER_FOLDED);
    assert_int_equal(shopper_apply(s, &before, &arena), SHOPPER_REFOLD);
    assert_int_equal(shopper_apply(s, &search, &arena), SHOPPER_REFOLD);
    assert_int_equal(shopper_apply(s, &behind, &arena), SHOPPER_FOLDED);
    assert_int_equal(shopper_apply(s, &add, &arena), SHOPPER_FOLDED);
    assert_int_equal(shopper_apply(s, &behind, &arena), SHOPPER_REFOLD);
}

static void the_place_never_moves_back_onto_a_base(void **state)
{
    struct event older = an_event(EVENT_SEARCHED, .at = 2, .id = "old");
    (void)state;
    struct shopper *base = fold_two(NULL, "c:anna", an_event(EVENT_SEARCHED, .at = 1),
                                    an_event(EVENT_SEARCHED, .at = 9, .id = "last"));
    struct shopper *s = shopper_fold_all(base, "c:anna", &older, 1, INT64_MAX, &arena);

    assert_int_equal(s->at_us, TEST_DAY_US + 9);
    assert_string_equal(s->at_id, "last");
    assert_int_equal(s->events, 3);
}

static void an_older_closer_onto_a_base_does_not_reopen_what_the_newer_closed(void **state)
{
    struct event older = an_event(EVENT_PURCHASE, .at = HOURS(1), .order = "o1");
    (void)state;
    struct shopper *base = fold_two(NULL, "c:anna", an_event(EVENT_SEARCHED, .at = 1),
                                    an_event(EVENT_PURCHASE, .at = HOURS(5), .order = "o2"));
    struct shopper *s = shopper_fold_all(base, "c:anna", &older, 1, INT64_MAX, &arena);

    assert_int_equal(s->closed_until_us, TEST_DAY_US + HOURS(5));
}

static void events_until_a_moment_include_those_of_it(void **state)
{
    struct event events[] = {an_event(EVENT_SEARCHED, .at = 6), an_event(EVENT_SEARCHED, .at = 5),
                             an_event(EVENT_SEARCHED, .at = 4)};
    (void)state;

    assert_int_equal(shopper_fold_all(NULL, "c:anna", events, 3, TEST_DAY_US + 5, &arena)->events,
                     2);
}

/* ---- a bound anonymous shopper ---- */

static struct event bound(int64_t at)
{
    return an_event(EVENT_DERIVED_SHOPPER_BOUND, .at = at, .via = "x");
}

static void a_bound_shopper_counts_in_any_order_and_never_our_own_doing(void **state)
{
    const struct event second = an_event(EVENT_SEARCHED, .at = 20);
    const struct event first = an_event(EVENT_SEARCHED, .at = 10);
    const struct event release =
        an_event(EVENT_DERIVED_OUTREACH_RELEASED, .at = 5, .cart = "c", .origin = ORIGIN_DERIVED);
    struct event binding = bound(1);
    (void)state;
    struct shopper *s = shopper_fold_all(NULL, "a:x", &binding, 1, INT64_MAX, &arena);

    assert_int_equal(shopper_apply(s, &release, &arena), SHOPPER_FOLDED);
    assert_int_equal(s->events, 0);
    assert_int_equal(s->at_us, TEST_DAY_US + 5);
    assert_int_equal(shopper_apply(s, &second, &arena), SHOPPER_FOLDED);
    assert_int_equal(shopper_apply(s, &first, &arena), SHOPPER_FOLDED);
    assert_int_equal(s->events, 2);
    assert_int_equal(s->first_us, TEST_DAY_US + 10);
    assert_int_equal(s->last_us, TEST_DAY_US + 20);
    assert_int_equal(s->at_us, TEST_DAY_US + 20);
}

/* Folded onto a base of before the binding, only counts and the place are left of it. */
static void a_binding_leaves_of_a_base_its_counts_and_its_place(void **state)
{
    struct event events[] = {
        an_event(EVENT_REFUND, .at = HOURS(1), .late_by = DAYS(9)),
        an_event(EVENT_CART_ITEM_ADDED, .at = HOURS(1), .sku = "p"),
        an_event(EVENT_PURCHASE, .at = HOURS(2), .id = "last"),
    };
    struct event binding = bound(1);
    (void)state;
    struct shopper *base = shopper_fold_all(NULL, "a:x", events, 3, INT64_MAX, &arena);
    struct shopper *s = shopper_fold_all(base, "a:x", &binding, 1, INT64_MAX, &arena);

    assert_int_equal(base->late_events, 1);
    assert_int_equal(s->events, 3); /* the late one is forwarded like any other */
    assert_int_equal(s->late_events, 0);
    assert_int_equal(s->cart_count + s->recent_count + s->order_count, 0);
    assert_int_equal(s->first_us, TEST_DAY_US + HOURS(1));
    assert_int_equal(s->last_us, TEST_DAY_US + HOURS(2));
    assert_int_equal(s->at_us, TEST_DAY_US + HOURS(2));
    assert_int_equal(s->at_rank, base->at_rank);
    assert_string_equal(s->at_id, "last");
    assert_int_equal(s->bindings_seen, 1);
    assert_int_equal(s->bound_last_us, TEST_DAY_US + 1);
    struct event again = bound(2);
    struct shopper *twice = shopper_fold_all(s, "a:x", &again, 1, INT64_MAX, &arena);
    assert_int_equal(twice->events, 3);
    assert_int_equal(twice->bindings_seen, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_closer_makes_late_what_was_received_after_it),
        cmocka_unit_test(a_closer_received_in_the_same_moment_makes_nothing_late),
        cmocka_unit_test(the_closer_received_first_decides),
        cmocka_unit_test(what_joins_shoppers_or_consents_is_never_late),
        cmocka_unit_test(what_occurred_before_a_closer_that_retention_folded_away_is_late),
        cmocka_unit_test(a_late_closer_still_makes_others_late),
        cmocka_unit_test(a_late_closer_is_late_only_for_one_that_closes_as_much),
        cmocka_unit_test(an_order_told_a_day_late_closes_its_cart_whatever_became_of_another),
        cmocka_unit_test(an_order_told_a_day_late_closes_its_cart_though_a_snapshot_emptied_some),
        cmocka_unit_test(by_lines_an_order_makes_none_late),
        cmocka_unit_test(of_many_closers_those_of_the_same_cart_count),
        cmocka_unit_test(a_straggler_after_the_last_closer_is_folded_at_once),
        cmocka_unit_test(at_one_time_the_place_is_that_of_the_type_then_of_the_id),
        cmocka_unit_test(the_place_never_moves_back_onto_a_base),
        cmocka_unit_test(an_older_closer_onto_a_base_does_not_reopen_what_the_newer_closed),
        cmocka_unit_test(events_until_a_moment_include_those_of_it),
        cmocka_unit_test(a_bound_shopper_counts_in_any_order_and_never_our_own_doing),
        cmocka_unit_test(a_binding_leaves_of_a_base_its_counts_and_its_place),
    };
    return cmocka_run_group_tests_name("lateness and order", tests, NULL, forget);
}
