#include "ml/judge/bootstrap.h"

#include "unit/ml/ml_spec.h"

static void the_interval_of_a_mean_is_about_two_standard_errors_each_way(void **state)
{
    enum { N = 400 };
    double values[N];
    struct rng rng = rng_seed(7);
    (void)state;
    for (int i = 0; i < N; i++) {
        values[i] = 3 + rng_normal(&rng);
    }
    struct interval m = bootstrap_mean(values, N, 1);
    assert_close(m.value, 3, 0.15);
    assert_close(m.high - m.value, 1.96 / 20, 0.02);
    assert_close(m.value - m.low, 1.96 / 20, 0.02);
}

static void nine_intervals_in_ten_and_more_hold_the_truth(void **state)
{
    enum { N = 60, TRIALS = 200 };
    double values[N];
    int held = 0;
    struct rng rng = rng_seed(3);
    (void)state;
    for (int trial = 0; trial < TRIALS; trial++) {
        for (int i = 0; i < N; i++) {
            values[i] = rng_unit(&rng) < 0.3 ? 1 : 0;
        }
        struct interval m = bootstrap_mean(values, N, (uint64_t)trial);
        held += m.low <= 0.3 && m.high >= 0.3;
    }
    assert_in_range(held, TRIALS * 9 / 10, TRIALS);
}

static void few_values_have_the_interval_they_deserve(void **state)
{
    (void)state;
    struct interval none = bootstrap_mean(NULL, 0, 1);
    assert_close(none.value + none.low + none.high, 0, 0);
    struct interval one = bootstrap_mean((double[]){4}, 1, 1);
    assert_close(one.low, 4, 0);
    assert_close(one.high, 4, 0);
}

static void the_same_seed_gives_the_same_interval(void **state)
{
    const double values[] = {1.13, 2.71, 3.37, 4.59, 9.01, 0.27, 5.83};
    (void)state;
    struct interval a = bootstrap_mean(values, 7, 1);
    struct interval b = bootstrap_mean(values, 7, 1);
    struct interval c = bootstrap_mean(values, 7, 2);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.low != c.low || a.high != c.high);
}

struct mean_of {
    const double *values;
    int fewest;
};

static double mean_measure(void *ctx, const int32_t *rows, int count)
{
    struct mean_of *m = ctx;
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += m->values[rows[i]];
    }
    m->fewest = count < m->fewest ? count : m->fewest;
    return sum / count;
}

/* Ten rows of one value each: resampled alone they would seem a hundred observations, and the interval three times too narrow. */
static void rows_of_one_group_stay_together(void **state)
{
    enum { GROUPS = 40, EACH = 10, ROWS = GROUPS * EACH };
    double values[ROWS];
    double by_group[GROUPS];
    int32_t group[ROWS];
    struct rng rng = rng_seed(5);
    (void)state;
    for (int g = 0; g < GROUPS; g++) {
        by_group[g] = rng_normal(&rng);
    }
    for (int i = 0; i < ROWS; i++) {
        group[i] = i % GROUPS;
        values[i] = by_group[group[i]];
    }
    struct mean_of m = {values, ROWS};
    const struct bootstrap_rows rows = {group, ROWS, GROUPS, 1000, 1};
    struct interval grouped = bootstrap_groups(&rows, mean_measure, &m);
    struct interval plain = bootstrap_mean(by_group, GROUPS, 2);
    assert_close(grouped.value, plain.value, 1e-12);
    assert_close(grouped.high - grouped.low, plain.high - plain.low, 0.1);
    assert_int_equal(m.fewest, ROWS); /* groups are of one size here */
}

static void groups_of_any_size_and_none_are_fine(void **state)
{
    const double values[] = {1, 2, 3, 4};
    const int32_t group[] = {2, 0, 2, 2};
    struct mean_of m = {values, 99};
    struct bootstrap_rows rows = {group, 4, 3, 200, 1}; /* group 1 is empty */
    (void)state;
    struct interval i = bootstrap_groups(&rows, mean_measure, &m);
    assert_close(i.value, 2.5, 1e-12);
    assert_true(i.low >= 1 && i.high <= 4 && i.low <= i.high);
    rows.count = 0;
    i = bootstrap_groups(&rows, mean_measure, &m);
    assert_close(i.value + i.low + i.high, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_interval_of_a_mean_is_about_two_standard_errors_each_way),
        cmocka_unit_test(nine_intervals_in_ten_and_more_hold_the_truth),
        cmocka_unit_test(few_values_have_the_interval_they_deserve),
        cmocka_unit_test(the_same_seed_gives_the_same_interval),
        cmocka_unit_test(rows_of_one_group_stay_together),
        cmocka_unit_test(groups_of_any_size_and_none_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
