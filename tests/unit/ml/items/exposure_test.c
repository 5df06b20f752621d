/* Lifts that spread what is shown: who gets them, how far they go, and that they cost the least. */
#include "ml/items/exposure.h"

#include "base/rng.h"
#include "support/spec.h"

#include <math.h>
#include <stdlib.h>

enum { LISTS = 400, ITEMS = 60, LENGTH = 20 };

static int64_t start[LISTS + 1];
static int32_t item[LISTS * LENGTH];
static float score[LISTS * LENGTH];
static float lift[ITEMS];
static int32_t before[ITEMS];
static int32_t after[ITEMS];

struct entry {
    float score;
    int32_t item;
};

static int best_first(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

/* Each list ranks all items by how popular they are and a taste of its own, and keeps the best. */
static struct exposure_lists random_lists(uint64_t seed, double popularity)
{
    struct rng r = rng_seed(seed);
    struct entry all[ITEMS];
    for (int l = 0; l < LISTS; l++) {
        for (int32_t i = 0; i < ITEMS; i++) {
            all[i] = (struct entry){(float)exp(rng_normal(&r) - popularity * (double)i / ITEMS), i};
        }
        qsort(all, ITEMS, sizeof *all, best_first);
        for (int p = 0; p < LENGTH; p++) {
            item[l * LENGTH + p] = all[p].item;
            score[l * LENGTH + p] = all[p].score;
        }
        start[l + 1] = start[l] + LENGTH;
    }
    return (struct exposure_lists){LISTS, start, item, score};
}

static const struct exposure_options usual = {
    .shown = 3, .kept = 1, .floor = .5, .most = 1, .rounds = 200};

static int shown_at_all(const int32_t *shown)
{
    int count = 0;
    for (int i = 0; i < ITEMS; i++) {
        count += shown[i] > 0;
    }
    return count;
}

static void
what_hardly_anybody_was_shown_comes_up_and_what_everybody_was_is_not_lifted(void **state)
{
    const struct exposure_lists l = random_lists(1, 4);
    (void)state;
    exposure_count(&l, ITEMS, &usual, lift, before); /* all 0 */
    exposure_lifts(&l, ITEMS, &usual, lift);
    exposure_count(&l, ITEMS, &usual, lift, after);
    assert_true(shown_at_all(after) > shown_at_all(before));
    for (int i = 0; i < ITEMS; i++) {
        assert_true(lift[i] >= 0 && lift[i] <= 1);
        /* the mean is 20, the floor half of it; the mean of many steps leaves a trace */
        assert_true(before[i] < 20 || lift[i] < .02F);
        assert_true(before[i] > 5 || lift[i] > .1F);
    }
}

/* Where the bound is no hindrance all reach the floor, about. */
static void with_room_enough_every_item_reaches_the_floor(void **state)
{
    const struct exposure_lists l = random_lists(2, 1);
    struct exposure_options o = usual;
    (void)state;
    o.most = 3;
    exposure_lifts(&l, ITEMS, &o, lift);
    exposure_count(&l, ITEMS, &o, lift, after);
    for (int i = 0; i < ITEMS; i++) {
        assert_in_range(after[i], 7, LISTS);
    }
}

/* Nobody passes another of more than the bound times its own score; so lists whose scores lie wider apart stay as they are. */
static void no_item_passes_one_that_is_better_by_more_than_the_bound(void **state)
{
    const struct exposure_lists l = random_lists(3, 4);
    struct exposure_options o = usual;
    (void)state;
    for (int i = 0; i < LISTS; i++) {
        for (int p = 0; p < LENGTH; p++) {
            score[i * LENGTH + p] = (float)exp(-1.1 * p);
        }
    }
    exposure_count(&l, ITEMS, &o, lift, before);
    o.most = 1.05;
    exposure_lifts(&l, ITEMS, &o, lift);
    exposure_count(&l, ITEMS, &o, lift, after);
    assert_memory_equal(before, after, sizeof after);
    o.most = 1.15;
    exposure_lifts(&l, ITEMS, &o, lift);
    exposure_count(&l, ITEMS, &o, lift, after);
    assert_memory_not_equal(before, after, sizeof after);
}

/* The place that is kept is the first by score, whatever is lifted. */
static void the_places_that_are_kept_are_by_score(void **state)
{
    const struct exposure_lists l = random_lists(4, 4);
    const struct exposure_options first = {
        .shown = 1, .kept = 1, .floor = 1, .most = 1, .rounds = 50};
    (void)state;
    for (int i = 0; i < ITEMS; i++) {
        lift[i] = 0;
    }
    exposure_count(&l, ITEMS, &first, lift, before);
    exposure_lifts(&l, ITEMS, &usual, lift);
    exposure_count(&l, ITEMS, &first, lift, after);
    assert_memory_equal(before, after, sizeof after);
}

static void nothing_is_lifted_where_the_bound_is_none_or_nobody_is_listed(void **state)
{
    const struct exposure_lists l = random_lists(5, 4);
    const struct exposure_lists nobody = {0, start, item, score};
    struct exposure_options o = usual;
    (void)state;
    exposure_lifts(&nobody, ITEMS, &o, lift);
    for (int i = 0; i < ITEMS; i++) {
        assert_true(lift[i] == 0);
    }
    o.most = 0;
    exposure_lifts(&l, ITEMS, &o, lift);
    for (int i = 0; i < ITEMS; i++) {
        assert_true(lift[i] == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            what_hardly_anybody_was_shown_comes_up_and_what_everybody_was_is_not_lifted),
        cmocka_unit_test(with_room_enough_every_item_reaches_the_floor),
        cmocka_unit_test(no_item_passes_one_that_is_better_by_more_than_the_bound),
        cmocka_unit_test(the_places_that_are_kept_are_by_score),
        cmocka_unit_test(nothing_is_lifted_where_the_bound_is_none_or_nobody_is_listed),
    };
    return cmocka_run_group_tests_name("exposure", tests, NULL, NULL);
}
