#include "ml/judge/curves.h"

#include "unit/ml/ml_spec.h"

static void a_perfect_score_gains_all_positives_first(void **state)
{
    const double scores[] = {.1, .9, .2, .8};
    const uint8_t labels[] = {0, 1, 0, 1};
    double gain[5];
    (void)state;
    curve_gain(scores, labels, 4, 5, gain);
    assert_close(gain[0], 0, 0);
    assert_close(gain[1], .5, 1e-12);
    assert_close(gain[2], 1, 1e-12);
    assert_close(gain[4], 1, 1e-12);
}

static void equal_scores_gain_the_diagonal_whatever_their_order(void **state)
{
    const double scores[] = {.5, .5, .5, .5};
    const uint8_t labels[] = {1, 1, 0, 0};
    double gain[5];
    double recall[4];
    double precision[4];
    (void)state;
    curve_gain(scores, labels, 4, 5, gain);
    for (int i = 0; i < 5; i++) {
        assert_close(gain[i], i / 4.0, 1e-12);
    }
    assert_int_equal(curve_precision_recall(scores, labels, 4, 4, recall, precision), 1);
    assert_close(recall[0], 1, 1e-12);
    assert_close(precision[0], .5, 1e-12);
}

static void precision_by_recall_is_what_the_hand_computes(void **state)
{
    const double scores[] = {.9, .8, .7, .6, .5};
    const uint8_t labels[] = {1, 0, 1, 0, 0};
    double recall[10];
    double precision[10];
    (void)state;
    assert_int_equal(curve_precision_recall(scores, labels, 5, 10, recall, precision), 2);
    assert_close(recall[0], .5, 1e-12);
    assert_close(precision[0], 1, 1e-12);
    assert_close(recall[1], 1, 1e-12);
    assert_close(precision[1], 2.0 / 3, 1e-12);
}

static void without_positives_or_rows_there_is_no_curve(void **state)
{
    const double scores[] = {.9, .8};
    const uint8_t labels[] = {0, 0};
    double gain[3] = {9, 9, 9};
    double recall[2];
    double precision[2];
    (void)state;
    curve_gain(scores, labels, 2, 3, gain);
    assert_close(gain[0] + gain[1] + gain[2], 0, 0);
    assert_int_equal(curve_precision_recall(scores, labels, 2, 2, recall, precision), 0);
    curve_gain(NULL, NULL, 0, 3, gain);
    assert_close(gain[2], 0, 0);
    assert_int_equal(curve_precision_recall(NULL, NULL, 0, 2, recall, precision), 0);
}

static void the_gain_never_falls(void **state)
{
    enum { N = 500, POINTS = 41 };
    double scores[N];
    uint8_t labels[N];
    double gain[POINTS];
    struct rng rng = rng_seed(1);
    (void)state;
    for (int i = 0; i < N; i++) {
        scores[i] = (double)rng_below(&rng, 20);
        labels[i] = (uint8_t)rng_below(&rng, 2);
    }
    curve_gain(scores, labels, N, POINTS, gain);
    for (int i = 1; i < POINTS; i++) {
        assert_true(gain[i] >= gain[i - 1]);
    }
    assert_close(gain[POINTS - 1], 1, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_perfect_score_gains_all_positives_first),
        cmocka_unit_test(equal_scores_gain_the_diagonal_whatever_their_order),
        cmocka_unit_test(precision_by_recall_is_what_the_hand_computes),
        cmocka_unit_test(without_positives_or_rows_there_is_no_curve),
        cmocka_unit_test(the_gain_never_falls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
