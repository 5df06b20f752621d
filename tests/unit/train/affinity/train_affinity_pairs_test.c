/* Which products are said to go together (those that met more often than by chance, by how visits are cut), and which are bought again. */
#include "base/clock.h"
#include "support/spec.h"
#include "train/affinity/train_affinity_pairs.h"
#include "train/affinity/train_affinity_repeat.h"

#include <stdlib.h>

enum { PRODUCTS = 6, MOST = 4000 };

static struct interaction told[MOST];
static struct affinity_training training;
static struct product_pairs together;
static struct product_pairs next;

static int forget(void **state)
{
    (void)state;
    product_pairs_free(&together);
    product_pairs_free(&next);
    training = (struct affinity_training){0};
    return 0;
}

static void did(int shopper, int32_t item, int64_t at_us, bool chosen)
{
    told[training.count++] = (struct interaction){
        .at_us = at_us, .shopper = shopper, .item = item, .weight = 1, .chosen = chosen};
}

static void count_until(int64_t until_us)
{
    static const int32_t position[PRODUCTS] = {0, 1, 2, 3, 4, 5};
    training.all = told;
    affinity_count_pairs(&training, until_us, position, PRODUCTS, &together, &next);
}

static bool have(const struct product_pairs *p, int from, int to)
{
    for (int64_t i = p->start[from]; i < p->start[from + 1]; i++) {
        if (p->target[i] == to) {
            return true;
        }
    }
    return false;
}

static void a_pair_has_to_meet_more_often_than_chance_explains(void **state)
{
    (void)state;
    assert_true(pairs_beyond_chance(30, 60, 60, 1000)); /* 3.6 expected */
    assert_false(pairs_beyond_chance(4, 60, 60, 1000));
    assert_false(pairs_beyond_chance(0, 60, 60, 1000));
    assert_false(pairs_beyond_chance(3, 500, 500, 1000)); /* they shun each other: 250 expected */
    assert_false(pairs_beyond_chance(2, 2, 2, 100000));   /* twice is no evidence, however rare */
    assert_true(pairs_beyond_chance(5, 5, 5, 100000));
    assert_false(pairs_beyond_chance(100, 100, 100, 100)); /* everybody takes both */
}

/* 0 with 1 and 2 with 3 in carts, each of 40 shoppers; 4 with anything. */
static void what_is_carted_in_one_visit_goes_together_both_ways(void **state)
{
    (void)state;
    for (int s = 0; s < 80; s++) {
        const int32_t first = s % 2 ? 0 : 2;
        did(s, first, DAYS(1), true);
        did(s, first + 1, DAYS(1) + MINUTES(9), true);
        if (s % 4 < 2) {
            did(s, 4, DAYS(1) + MINUTES(12), true);
        }
    }
    count_until(DAYS(2));
    assert_true(have(&together, 0, 1) && have(&together, 1, 0));
    assert_true(have(&together, 2, 3) && have(&together, 3, 2));
    assert_false(have(&together, 0, 2) || have(&together, 1, 3));
    assert_false(have(&together, 0, 4) || have(&together, 4, 1));
    assert_true(have(&next, 0, 1));
    assert_false(have(&next, 1, 0));
}

static void what_is_looked_at_or_lies_in_another_visit_does_not_go_together(void **state)
{
    (void)state;
    for (int s = 0; s < 80; s++) {
        const int32_t first = s % 2 ? 0 : 2;
        did(s, first, DAYS(1), true);
        did(s, 5, DAYS(1), true); /* of the same moment: an order, and nothing comes next */
        did(s, first + 1, DAYS(1) + (s < 40 ? MINUTES(31) : MINUTES(1)), s < 40);
    }
    count_until(DAYS(2));
    assert_false(have(&together, 0, 1) || have(&together, 2, 3));
    assert_false(have(&next, 0, 5) || have(&next, 2, 5));
}

static void what_comes_after_the_cut_is_not_known(void **state)
{
    (void)state;
    for (int s = 0; s < 80; s++) {
        const int32_t first = s % 2 ? 0 : 2;
        did(s, first, DAYS(1), true);
        did(s, first + 1, DAYS(1) + MINUTES(1), true);
    }
    count_until(DAYS(1) + MINUTES(1));
    assert_false(have(&together, 0, 1));
    assert_int_equal(together.start[PRODUCTS], 0);
    assert_int_equal(next.start[PRODUCTS], 0);
}

/* ---- what is bought again ---- */

/* Coffee is bought again after 10 to 29 days, by some after half an hour (an order of two rows); a sofa never; of tea too few are told. */
static void consumables_are_bought_again_after_their_category_s_time(void **state)
{
    static struct item_facts facts[PRODUCTS] = {{.category = "coffee"}, {.category = "coffee"},
                                                {.category = "sofas"},  {.category = "tea"},
                                                {.category = NULL},     {.category = "sofas"}};
    (void)state;
    training = (struct affinity_training){
        .all = told, .items = {.count = PRODUCTS}, .facts = facts, .facts_count = PRODUCTS};
    for (int s = 0; s < 40; s++) {
        const int32_t items[] = {0, 2, 3, 4};
        for (size_t i = 0; i < COUNT_OF(items); i++) {
            did(s, items[i], DAYS(1), true);
        }
        did(s, 0, DAYS(1) + MINUTES(30), true);
        if (s % 2 == 0) {
            did(s, 0, DAYS(11) + DAYS(s / 2), true);
            did(s, 4, DAYS(11), true);
        }
        if (s < 10) {
            did(s, 3, DAYS(11), true);
        }
    }
    for (size_t i = 0; i < training.count; i++) {
        told[i].bought = true;
    }
    int64_t *intervals = affinity_repeat_intervals(&training, DAYS(900));
    assert_int_equal(intervals[0], DAYS(15)); /* the sixth of 20 */
    assert_int_equal(intervals[1], DAYS(15));
    assert_int_equal(intervals[2] + intervals[3] + intervals[4] + intervals[5], 0);
    free(intervals);
    intervals =
        affinity_repeat_intervals(&training, DAYS(11)); /* the second purchases are not known yet */
    assert_int_equal(intervals[0], 0);
    free(intervals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_has_to_meet_more_often_than_chance_explains),
        cmocka_unit_test_teardown(what_is_carted_in_one_visit_goes_together_both_ways, forget),
        cmocka_unit_test_teardown(what_is_looked_at_or_lies_in_another_visit_does_not_go_together,
                                  forget),
        cmocka_unit_test_teardown(what_comes_after_the_cut_is_not_known, forget),
        cmocka_unit_test_teardown(consumables_are_bought_again_after_their_category_s_time, forget),
    };
    return cmocka_run_group_tests_name("pairs of products", tests, NULL, NULL);
}
