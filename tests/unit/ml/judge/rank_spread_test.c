#include "ml/judge/rank_spread.h"

#include "unit/ml/ml_spec.h"

static void every_item_equally_often_is_full_coverage_without_inequality(void **state)
{
    const int64_t shown[] = {3, 3, 3, 3};
    const int64_t known[] = {1, 1, 1, 1};
    (void)state;
    struct rank_spread s = rank_spread(shown, known, 4, 7, 9);
    assert_close(s.coverage, 1, 1e-12);
    assert_close(s.gini, 0, 1e-12);
    assert_close(s.most_shown, 1.0 / 3, 1e-12);
    assert_close(s.novelty, 2, 1e-12); /* -log2(2 / 8) */
    assert_close(s.top_tenth, 0.1, 1e-12);
}

static void one_item_for_everybody_is_the_other_end(void **state)
{
    const int64_t shown[] = {0, 9, 0, 0};
    const int64_t known[] = {1, 7, 0, 2};
    (void)state;
    struct rank_spread s = rank_spread(shown, known, 4, 7, 9);
    assert_close(s.coverage, 0.25, 1e-12);
    assert_close(s.most_shown, 1, 1e-12);
    assert_close(s.gini, 0.75, 1e-12);     /* 1 - 1 / items */
    assert_close(s.novelty, 0, 1e-12);     /* everybody knows it */
    assert_close(s.top_tenth, 0.4, 1e-12); /* a tenth of four items is two fifths of the first */
}

static void nothing_shown_is_zeros(void **state)
{
    const int64_t none[] = {0, 0};
    double curve[3] = {9, 9, 9};
    (void)state;
    struct rank_spread s = rank_spread(none, none, 2, 0, 0);
    assert_close(s.coverage + s.gini + s.novelty + s.top_tenth + s.most_shown, 0, 0);
    rank_concentration(none, none, 2, 3, curve);
    assert_close(curve[0] + curve[1] + curve[2], 0, 0);
}

static void the_concentration_curve_goes_from_the_best_known_on(void **state)
{
    const int64_t shown[] = {1, 6, 2, 1};
    const int64_t known[] = {5, 9, 7, 0};
    double curve[5];
    (void)state;
    rank_concentration(shown, known, 4, 5, curve);
    assert_close(curve[0], 0, 1e-12);
    assert_close(curve[1], 0.6, 1e-12);
    assert_close(curve[2], 0.8, 1e-12);
    assert_close(curve[3], 0.9, 1e-12);
    assert_close(curve[4], 1, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_equally_often_is_full_coverage_without_inequality),
        cmocka_unit_test(one_item_for_everybody_is_the_other_end),
        cmocka_unit_test(nothing_shown_is_zeros),
        cmocka_unit_test(the_concentration_curve_goes_from_the_best_known_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
