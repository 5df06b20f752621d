/* Whether one model is better than another, beyond chance. */
#include "ml/judge/paired.h"

#include "unit/ml/ml_spec.h"

enum { ROWS = 8 };

static const double plainer[ROWS] = {1, 1, 1, 1, 1, 1, 1, 1};

static void a_gain_on_every_row_is_no_chance(void **state)
{
    (void)state;
    const double richer[ROWS] = {.8, .9, .7, .8, .9, .8, .7, .9};
    assert_true(paired_beats(richer, plainer, NULL, ROWS));
    assert_false(paired_beats(plainer, richer, NULL, ROWS));
}

static void no_gain_and_a_gain_within_chance_do_not_beat(void **state)
{
    (void)state;
    /* gains of 2, -2, 2, -2 ... with a little more on top: mean .05, standard error .76 */
    const double richer[ROWS] = {-1, 3, -1, 3, -1, 3, -1, 2.6};
    assert_false(paired_beats(plainer, plainer, NULL, ROWS));
    assert_false(paired_beats(richer, plainer, NULL, ROWS));
}

/* Six rows of one shopper gain, one of each of two others loses: by rows that is a gain beyond chance,
 * by shoppers it is one draw against two. */
static void rows_of_one_group_are_one_draw(void **state)
{
    (void)state;
    const double richer[ROWS] = {.5, .5, .5, .5, .5, .5, 1.6, 1.6};
    const uint64_t group[ROWS] = {7, 7, 7, 7, 7, 7, 8, 9};
    const uint64_t apart[ROWS] = {7, 8, 7, 9, 7, 7, 7, 7}; /* any order of the rows */
    const double shuffled[ROWS] = {.5, 1.6, .5, 1.6, .5, .5, .5, .5};
    assert_true(paired_beats(richer, plainer, NULL, ROWS));
    assert_false(paired_beats(richer, plainer, group, ROWS));
    assert_false(paired_beats(shuffled, plainer, apart, ROWS));
}

static void one_draw_or_none_tells_nothing(void **state)
{
    (void)state;
    const double richer[ROWS] = {0};
    const uint64_t group[ROWS] = {3, 3, 3, 3, 3, 3, 3, 3};
    assert_false(paired_beats(richer, plainer, group, ROWS));
    assert_false(paired_beats(richer, plainer, NULL, 1));
    assert_false(paired_beats(richer, plainer, NULL, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gain_on_every_row_is_no_chance),
        cmocka_unit_test(no_gain_and_a_gain_within_chance_do_not_beat),
        cmocka_unit_test(rows_of_one_group_are_one_draw),
        cmocka_unit_test(one_draw_or_none_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
