#include "ml/judge/rank_eval.h"

#include "unit/ml/ml_spec.h"

static void a_perfect_list_scores_one_everywhere(void **state)
{
    (void)state;
    struct rank_metrics m = rank_eval((int[]){7, 3, 5}, 3, (int[]){3, 5, 7}, 3, 3);
    assert_close(m.recall, 1, 1e-12);
    assert_close(m.ndcg, 1, 1e-12);
    assert_close(m.reciprocal_rank, 1, 0);
    assert_close(m.hit, 1, 0);
}

static void measures_are_what_the_hand_computes(void **state)
{
    (void)state;
    /* hits at ranks 2 and 4 of 5; four relevant in all */
    struct rank_metrics m = rank_eval((int[]){9, 1, 8, 2, 7}, 5, (int[]){1, 2, 3, 4}, 4, 5);
    double ideal = 1 + 1 / log2(3) + 1 / log2(4) + 1 / log2(5);
    assert_close(m.recall, 0.5, 1e-12);
    assert_close(m.ndcg, (1 / log2(3) + 1 / log2(5)) / ideal, 1e-12);
    assert_close(m.reciprocal_rank, 0.5, 1e-12);
    assert_close(m.hit, 1, 0);
}

static void a_hit_below_k_does_not_count(void **state)
{
    (void)state;
    struct rank_metrics m = rank_eval((int[]){9, 8, 1}, 3, (int[]){1}, 1, 2);
    assert_close(m.recall + m.ndcg + m.reciprocal_rank + m.hit, 0, 0);
}

static void more_relevant_than_k_can_still_reach_a_full_ndcg_but_not_full_recall(void **state)
{
    (void)state;
    struct rank_metrics m = rank_eval((int[]){1, 2}, 2, (int[]){1, 2, 3, 4}, 4, 2);
    assert_close(m.ndcg, 1, 1e-12);
    assert_close(m.recall, 0.5, 1e-12);
}

static void a_short_or_empty_list_is_judged_as_it_is(void **state)
{
    (void)state;
    struct rank_metrics m = rank_eval((int[]){4}, 1, (int[]){4, 6}, 2, 10);
    assert_close(m.recall, 0.5, 1e-12);
    assert_close(m.ndcg, 1 / (1 + 1 / log2(3)), 1e-12);
    assert_close(rank_eval(NULL, 0, (int[]){4}, 1, 10).hit, 0, 0);
}

static void the_mean_of_lists_is_taken_measure_by_measure(void **state)
{
    (void)state;
    const struct rank_metrics lists[] = {{1, 0.5, 1, 1}, {0, 0, 0, 0}};
    struct rank_metrics mean = rank_eval_mean(lists, 2);
    assert_close(mean.recall, 0.5, 1e-12);
    assert_close(mean.ndcg, 0.25, 1e-12);
    assert_close(rank_eval_mean(NULL, 0).recall, 0, 0);
}

static void the_bootstrap_error_is_near_that_of_theory_and_repeatable(void **state)
{
    (void)state;
    enum { COUNT = 400 };
    double values[COUNT];
    struct rng rng = rng_seed(2);
    for (int i = 0; i < COUNT; i++) {
        values[i] = rng_normal(&rng);
    }
    double se = rank_eval_bootstrap_se(values, COUNT, 500, 7);
    assert_close(se, 1 / sqrt(COUNT), 0.01);
    assert_close(se, rank_eval_bootstrap_se(values, COUNT, 500, 7), 0);
    assert_close(rank_eval_bootstrap_se(values, 1, 500, 7), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_perfect_list_scores_one_everywhere),
        cmocka_unit_test(measures_are_what_the_hand_computes),
        cmocka_unit_test(a_hit_below_k_does_not_count),
        cmocka_unit_test(more_relevant_than_k_can_still_reach_a_full_ndcg_but_not_full_recall),
        cmocka_unit_test(a_short_or_empty_list_is_judged_as_it_is),
        cmocka_unit_test(the_mean_of_lists_is_taken_measure_by_measure),
        cmocka_unit_test(the_bootstrap_error_is_near_that_of_theory_and_repeatable),
    };
    return cmocka_run_group_tests_name("ml/judge/rank_eval", tests, NULL, NULL);
}
