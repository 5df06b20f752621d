#include "ml/judge/drift.h"

#include "unit/ml/ml_spec.h"

enum { N = 4000 };

static void fill(double *out, double mean, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    for (int i = 0; i < N; i++) {
        out[i] = mean + rng_normal(&rng);
    }
}

static void the_same_distribution_moves_only_by_chance(void **state)
{
    double a[N];
    double b[N];
    (void)state;
    fill(a, 0, 1);
    fill(b, 0, 2);
    assert_less(drift_psi(a, N, b, N, -99), 0.02);
    assert_close(drift_psi(a, N, a, N, -99), 0, 1e-12);
}

static void a_shift_of_one_deviation_is_an_alarm_and_the_further_the_louder(void **state)
{
    double a[N];
    double b[N];
    double c[N];
    (void)state;
    fill(a, 0, 1);
    fill(b, 1, 2);
    fill(c, 2, 3);
    assert_less(0.2, drift_psi(a, N, b, N, -99));
    assert_less(drift_psi(a, N, b, N, -99), drift_psi(a, N, c, N, -99));
}

static void two_bins_are_what_the_hand_computes(void **state)
{
    /* 30 : 10 before, 10 : 30 after, half a case added to each */
    double a[40];
    double b[40];
    double p = 30.5 / 41;
    double q = 10.5 / 41;
    (void)state;
    for (int i = 0; i < 40; i++) {
        a[i] = i < 30 ? 0 : 1;
        b[i] = i < 10 ? 0 : 1;
    }
    double expected = (q - p) * log(q / p) + (p - q) * log(p / q);
    assert_close(drift_psi(a, 40, b, 40, -1), expected, 1e-12);
    assert_close(drift_psi_names(a, 40, b, 40), expected, 1e-12);
}

static void values_that_go_missing_are_drift(void **state)
{
    double a[N];
    double b[N];
    (void)state;
    fill(a, 50, 1);
    fill(b, 50, 2);
    for (int i = 0; i < N / 2; i++) {
        b[i] = -1;
    }
    assert_less(0.2, drift_psi(a, N, b, N, -1));
    for (int i = 0; i < N; i++) {
        a[i] = b[i] = -1;
    }
    assert_close(drift_psi(a, N, b, N, -1), 0, 1e-12);
}

static void a_name_that_was_never_seen_counts_with_the_others(void **state)
{
    double a[N];
    double b[N];
    (void)state;
    for (int i = 0; i < N; i++) {
        a[i] = i % 100;
        b[i] = i % 100;
    }
    assert_close(drift_psi_names(a, N, b, N), 0, 1e-9);
    for (int i = 0; i < N; i++) {
        b[i] = i % 2 ? 7777 : b[i];
    }
    assert_less(0.2, drift_psi_names(a, N, b, N));
}

static void an_empty_sample_has_not_moved(void **state)
{
    const double a[] = {1, 2, 3};
    (void)state;
    assert_close(drift_psi(a, 3, NULL, 0, -1), 0, 0);
    assert_close(drift_psi(a, 0, a, 3, -1), 0, 0);
    assert_close(drift_psi_names(a, 3, a, 0), 0, 0);
    assert_close(drift_psi_names(a, 0, a, 3), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_distribution_moves_only_by_chance),
        cmocka_unit_test(a_shift_of_one_deviation_is_an_alarm_and_the_further_the_louder),
        cmocka_unit_test(two_bins_are_what_the_hand_computes),
        cmocka_unit_test(values_that_go_missing_are_drift),
        cmocka_unit_test(a_name_that_was_never_seen_counts_with_the_others),
        cmocka_unit_test(an_empty_sample_has_not_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
