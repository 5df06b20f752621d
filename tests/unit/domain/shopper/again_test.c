/* Folding on from a state that was noted on the way (shopper_again.h). That it is the fold of everything, random sets say as well: shuffle_test. */
#include "domain/shopper/shopper_again.h"

#include "base/cleanup.h"
#include "domain/shopper/shopper_pages.h"
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

static void notes_lie_closer_towards_the_end(void **state)
{
    struct event events[100];
    struct checkpoints notes = {.spacing = 10};
    const int64_t told[] = {4, 20, 36, 50, 60, 80, 90};
    bool keep[COUNT_OF(told)];
    (void)state;

    for (int i = 0; i < (int)COUNT_OF(events); i++) {
        events[i] = an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(i / 2), .sku = "p1");
    }
    (void)shopper_fold_noting(NULL, "c:anna", events, COUNT_OF(events), &notes, &arena);
    assert_int_equal(notes.count, 4); /* 80, 40, 20 and 10 from the end, between two times */
    assert_int_equal(notes.all[0].events, 20);
    assert_int_equal(notes.all[1].events, 60);
    assert_int_equal(notes.all[3].events, 90);
    assert_int_equal(notes.all[3].at_us, TEST_DAY_US + MINUTES(44));

    checkpoints_thin(told, COUNT_OF(told), 100, keep);
    /* 96, 80, 64, 50, 40, 20 and 10 from the end: without 80 and 64 the gap from 96 to 50 is no longer than 50 */
    assert_true(keep[0] && !keep[1] && !keep[2] && keep[3] && keep[4] && keep[5] && keep[6]);
}

/* 80 from the end is the first event itself, before which nothing is folded: the next place does. */
static void notes_of_a_page_lie_so_far_from_the_end_of_all(void **state)
{
    struct event events[80];
    struct checkpoints notes = {.spacing = 10};
    (void)state;

    for (int i = 0; i < (int)COUNT_OF(events); i++) {
        events[i] = an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(i), .sku = "p1");
    }
    struct shopper *s = shopper_new("c:anna", &arena);
    shopper_fold_page(s, events, 45, NULL, (struct page_place){.folded = 0, .behind = 35}, &notes,
                      &arena);
    assert_int_equal(notes.count, 2); /* 80 and 40 from the end */
    assert_int_equal(notes.all[0].events, 1);
    assert_int_equal(notes.all[1].events, 40);
    shopper_fold_page(s, events + 45, 35, NULL, (struct page_place){.folded = 45, .behind = 0},
                      &notes, &arena);
    assert_int_equal(notes.count, 2); /* 20 and 10 */
    assert_int_equal(notes.all[0].events, 60);
    assert_int_equal(notes.all[1].events, 70);
}

/* Whom to forget for a name too many, only the whole set tells; what is not behind the state, it should have folded. */
static void news_that_a_state_cannot_hold_want_all_events(void **state)
{
    struct event *events = arena_array(&arena, NAMED_MAX + 1, sizeof *events);
    struct event *behind = arena_array(&arena, NAMED_MAX + 1, sizeof *behind);
    struct checkpoints notes = {.spacing = 10};
    struct checkpoints more = {.spacing = 10};
    size_t n = 1;
    (void)state;

    for (int i = 0; i <= NAMED_MAX; i++) {
        events[i] = an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(i), .sku = "p1",
                             .anonymous = arena_printf(&arena, "x%d", i));
    }
    const struct event again =
        an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(NAMED_MAX), .sku = "p1", .anonymous = "x499");
    const struct shopper *known =
        shopper_fold_noting(NULL, "c:anna", events, NAMED_MAX, &notes, &arena);
    const struct checkpoint *from = &notes.all[notes.count - 1];
    for (int i = 0; i < NAMED_MAX; i++) {
        behind[n] = events[i];
        n += events[i].occurred_us > from->at_us ? 1 : 0;
    }
    behind[0] = events[NAMED_MAX];
    assert_null(shopper_fold_again(known, from, behind, n, 1, &more, &arena));
    for (size_t i = n = 1; i < (size_t)NAMED_MAX; i++) {
        behind[n] = events[i];
        n += events[i].occurred_us > from->at_us ? 1 : 0;
    }
    behind[0] = again;
    assert_non_null(shopper_fold_again(known, from, behind, n, 1, &more, &arena));
    behind[0] = again;
    behind[0].occurred_us = from->at_us; /* not behind it */
    assert_null(shopper_fold_again(known, from, behind, n, 1, &more, &arena));
}

/* ---- the same as all at once ---- */

enum { DONE = 40 };

static struct event seen_at(int64_t minute)
{
    return an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(minute), .sku = "p1");
}

/* News behind the last state that was noted: folded from there, or NULL where that does not do. */
static struct shopper *go_on(const struct event *first, struct event news, bool *out_same)
{
    CLEANUP(buf_free) struct buf expected = buf_make(1 << 20);
    CLEANUP(buf_free) struct buf got = buf_make(1 << 20);
    struct event events[DONE + 1];
    struct event behind[DONE + 1] = {news};
    struct checkpoints notes = {.spacing = 4};
    struct checkpoints more = {.spacing = 4};
    size_t n = 1;

    memcpy(events, first, DONE * sizeof *events);
    const struct shopper *known = shopper_fold_noting(NULL, "c:anna", events, DONE, &notes, &arena);
    const struct checkpoint *from = &notes.all[notes.count - 1];
    for (int i = 0; i < DONE; i++) {
        behind[n] = first[i];
        n += first[i].occurred_us > from->at_us ? 1 : 0;
    }
    struct shopper *s = shopper_fold_again(known, from, behind, n, 1, &more, &arena);
    if (s != NULL) {
        memcpy(events, first, DONE * sizeof *events);
        events[DONE] = news;
        shopper_encode(shopper_fold_all(NULL, "c:anna", events, DONE + 1, INT64_MAX, &arena),
                       &expected);
        shopper_encode(s, &got);
        *out_same = strcmp(buf_text(&expected), buf_text(&got)) == 0;
    }
    return s;
}

static void what_comes_behind_a_state_is_folded_from_there(void **state)
{
    struct event events[DONE];
    bool same = false;
    (void)state;

    for (int i = 0; i < DONE; i++) {
        events[i] = seen_at(i);
    }
    events[1] = an_event(EVENT_DERIVED_BINDING_SET, .at = MINUTES(1), .via = "x", .version = 1,
                         .interval = {INT64_MIN, INT64_MAX});
    events[2] = an_event(EVENT_IDENTIFY, .at = MINUTES(2), .anonymous = "x");
    const struct event late =
        an_event(EVENT_CART_ITEM_ADDED, .at = MINUTES(37), .sku = "p9", .late_by = HOURS(1));
    assert_non_null(go_on(events, late, &same));
    assert_true(same);
    assert_non_null(go_on(
        events, an_event(EVENT_PRODUCT_VIEWED, .at = MINUTES(50), .sku = "p2", .anonymous = "y"),
        &same));
    assert_true(same);
    assert_null(go_on(events, seen_at(5), &same)); /* before the state */
}

/* Which intervals are whose must be as the state had it. */
static void other_intervals_want_all_events(void **state)
{
    struct event events[DONE];
    bool same = false;
    (void)state;

    for (int i = 0; i < DONE; i++) {
        events[i] = seen_at(i);
    }
    events[1] = an_event(EVENT_DERIVED_BINDING_SET, .at = MINUTES(1), .via = "x", .version = 1,
                         .interval = {TEST_DAY_US, TEST_DAY_US + MINUTES(9)});
    const struct event_interval others[] = {{TEST_DAY_US + 1, TEST_DAY_US + MINUTES(9)},
                                            {TEST_DAY_US, TEST_DAY_US + MINUTES(8)}};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_null(go_on(events,
                          an_event(EVENT_DERIVED_BINDING_SET, .at = MINUTES(50), .via = "x",
                                   .version = 2, .interval = others[i]),
                          &same));
    }
    assert_null(go_on(events,
                      an_event(EVENT_DERIVED_BINDING_SET, .at = MINUTES(50), .via = "y",
                               .version = 1, .interval = others[0]),
                      &same));
    assert_non_null(
        go_on(events,
              an_event(EVENT_DERIVED_BINDING_SET, .at = MINUTES(50), .via = "x", .version = 2,
                       .interval = {TEST_DAY_US, TEST_DAY_US + MINUTES(9)}),
              &same));
    assert_true(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(notes_lie_closer_towards_the_end, forget),
        cmocka_unit_test_teardown(notes_of_a_page_lie_so_far_from_the_end_of_all, forget),
        cmocka_unit_test_teardown(news_that_a_state_cannot_hold_want_all_events, forget),
        cmocka_unit_test_teardown(what_comes_behind_a_state_is_folded_from_there, forget),
        cmocka_unit_test_teardown(other_intervals_want_all_events, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
