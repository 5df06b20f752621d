#include "ml/judge/calib.h"

#include "ml/linear/logistic.h"
#include "unit/ml/ml_spec.h"

enum { ROWS = 20000 };

static double margins[ROWS];
static uint8_t labels[ROWS];

/* Labels drawn from logistic(slope * margin + intercept). */
static void draw(double slope, double intercept)
{
    struct rng rng = rng_seed(17);
    for (int i = 0; i < ROWS; i++) {
        margins[i] = 3 * rng_normal(&rng);
        labels[i] = rng_unit(&rng) < logistic(slope * margins[i] + intercept);
    }
}

static void platt_finds_the_slope_and_intercept_that_made_the_labels(void **state)
{
    (void)state;
    const struct platt truths[] = {{1, 0}, {0.4, -1.5}, {-0.7, 0.5}, {2, 3}};
    for (size_t i = 0; i < COUNT_OF(truths); i++) {
        struct err err = {0};
        struct platt found;
        draw(truths[i].slope, truths[i].intercept);
        assert_succeeds(calib_fit(margins, labels, ROWS, &found, &err), err);
        assert_close(found.slope, truths[i].slope, 0.1);
        assert_close(found.intercept, truths[i].intercept, 0.15);
    }
}

static void after_platt_the_mean_probability_is_the_base_rate(void **state)
{
    (void)state;
    struct err err = {0};
    struct platt found;
    double probability = 0;
    double positives = 0;
    draw(0.4, -1.5);
    assert_succeeds(calib_fit(margins, labels, ROWS, &found, &err), err);
    for (int i = 0; i < ROWS; i++) {
        probability += calib_apply(&found, margins[i]) / ROWS;
        positives += labels[i];
    }
    assert_close(probability, positives / ROWS, 1e-3);
}

static void scaling_the_margins_scales_the_slope_even_by_a_billion(void **state)
{
    (void)state;
    struct err err = {0};
    struct platt found;
    struct platt scaled;
    draw(0.4, -1.5);
    assert_succeeds(calib_fit(margins, labels, ROWS, &found, &err), err);
    for (int i = 0; i < ROWS; i++) {
        margins[i] *= 1e9;
    }
    assert_succeeds(calib_fit(margins, labels, ROWS, &scaled, &err), err);
    assert_close(scaled.slope * 1e9, found.slope, 1e-5);
    assert_close(scaled.intercept, found.intercept, 1e-5);
}

static void perfectly_parted_classes_still_give_finite_numbers(void **state)
{
    (void)state;
    struct err err = {0};
    struct platt found;
    const double parted[] = {-2, -1, 1, 2};
    const uint8_t classes[] = {0, 0, 1, 1};
    assert_succeeds(calib_fit(parted, classes, 4, &found, &err), err);
    double p = calib_apply(&found, 2);
    assert_less(0.5, p);
    assert_less(p, 0.95); /* the smoothed target of two rows is 3/4: never certain on so little */
}

static void equal_margins_give_the_smoothed_base_rate(void **state)
{
    (void)state;
    struct err err = {0};
    struct platt found;
    const double same[] = {5, 5, 5, 5};
    const uint8_t classes[] = {0, 0, 0, 1};
    assert_succeeds(calib_fit(same, classes, 4, &found, &err), err);
    assert_close(calib_apply(&found, 5), (3 * (1.0 / 5) + 2.0 / 3) / 4, 1e-3);
}

static void what_cannot_be_calibrated_is_refused(void **state)
{
    (void)state;
    const struct {
        double margin;
        uint8_t first, second;
        const char *text;
    } cases[] = {{(double)NAN, 0, 1, "not a finite"},
                 {(double)INFINITY, 0, 1, "not a finite"},
                 {1, 0, 2, "label 2"},
                 {1, 0, 0, "both classes"},
                 {1, 1, 1, "both classes"}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        struct platt found;
        assert_refused(calib_fit((double[]){0, cases[i].margin},
                                 (uint8_t[]){cases[i].first, cases[i].second}, 2, &found, &err),
                       err, cases[i].text);
    }
    struct err err = {0};
    struct platt found;
    assert_refused(calib_fit(NULL, NULL, 0, &found, &err), err, "both classes");
}

static void a_probability_never_reaches_certainty_or_nan(void **state)
{
    (void)state;
    const struct platt plain = {1, 0};
    const double odd[] = {1e300, -1e300, (double)INFINITY, -(double)INFINITY, (double)NAN};
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        double p = calib_apply(&plain, odd[i]);
        assert_true(p >= 1e-9 && p <= 1 - 1e-9);
    }
}

static void brier_and_log_loss_are_what_the_hand_computes(void **state)
{
    (void)state;
    const double p[] = {0.9, 0.2, 0.5};
    const uint8_t y[] = {1, 0, 1};
    assert_close(calib_brier(p, y, 3), (0.01 + 0.04 + 0.25) / 3, 1e-12);
    assert_close(calib_log_loss(p, y, 3), -(log(0.9) + log(0.8) + log(0.5)) / 3, 1e-12);
    assert_true(isfinite(calib_log_loss((double[]){0, 1}, (uint8_t[]){1, 0}, 2)));
    assert_close(calib_brier(NULL, NULL, 0), 0, 0);
    assert_close(calib_log_loss(NULL, NULL, 0), 0, 0);
}

/* P(positive above negative) + half the ties, pair by pair. */
static double auc_by_pairs(const double *scores, const uint8_t *y, int count)
{
    double wins = 0;
    double pairs = 0;
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < count; j++) {
            if (y[i] && !y[j]) {
                pairs++;
                wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
            }
        }
    }
    return wins / pairs;
}

static void auc_counts_pairs_and_halves_ties(void **state)
{
    (void)state;
    double scores[300];
    uint8_t y[300];
    struct rng rng = rng_seed(3);
    for (int i = 0; i < 300; i++) {
        y[i] = rng_unit(&rng) < 0.3;
        scores[i] = (double)rng_below(&rng, 20) + 3 * y[i];
    }
    assert_close(calib_auc(scores, y, 300), auc_by_pairs(scores, y, 300), 1e-12);
}

static void auc_at_its_ends(void **state)
{
    (void)state;
    const double up[] = {1, 2, 3, 4};
    const uint8_t good[] = {0, 0, 1, 1};
    const uint8_t bad[] = {1, 1, 0, 0};
    const uint8_t one_class[] = {1, 1, 1, 1};
    assert_close(calib_auc(up, good, 4), 1, 0);
    assert_close(calib_auc(up, bad, 4), 0, 0);
    assert_close(calib_auc((double[]){7, 7, 7, 7}, good, 4), 0.5, 0);
    assert_close(calib_auc(up, one_class, 4), 0.5, 0);
    assert_close(calib_auc(NULL, NULL, 0), 0.5, 0);
}

static void average_precision_takes_ties_as_one_step(void **state)
{
    (void)state;
    const double scores[] = {4, 3, 2, 1};
    const double tied[] = {4, 3, 3, 1};
    const uint8_t y[] = {1, 0, 1, 0};
    assert_close(calib_average_precision(scores, y, 4), (1 + 2.0 / 3) / 2, 1e-12);
    assert_close(calib_average_precision(tied, y, 4), (1 + 2.0 / 3) / 2, 1e-12);
    assert_close(calib_average_precision((double[]){1, 1, 1, 1}, y, 4), 0.5, 1e-12);
    assert_close(calib_average_precision(scores, (uint8_t[]){0, 0, 0, 0}, 4), 0, 0);
}

static void reliability_bins_have_about_equal_mass_and_hold_every_row(void **state)
{
    (void)state;
    struct reliability_bin table[CALIB_BINS];
    int rows = 0;
    draw(1, 0);
    for (int i = 0; i < ROWS; i++) {
        margins[i] = logistic(margins[i]);
    }
    assert_int_equal(calib_reliability(margins, labels, ROWS, CALIB_BINS, table), CALIB_BINS);
    for (int b = 0; b < CALIB_BINS; b++) {
        assert_in_range(table[b].count, ROWS / CALIB_BINS - 1, ROWS / CALIB_BINS + 1);
        assert_true(b == 0 || table[b].mean_probability > table[b - 1].mean_probability);
        assert_close(table[b].positive_rate, table[b].mean_probability, 0.05);
        rows += table[b].count;
    }
    assert_int_equal(rows, ROWS);
    assert_less(calib_ece(margins, labels, ROWS), 0.015);
}

static void equal_probabilities_share_a_bin_whatever_their_order(void **state)
{
    (void)state;
    const double p[] = {0.5, 0.5, 0.5, 0.5, 0.9};
    const uint8_t y[] = {0, 1, 1, 0, 1};
    struct reliability_bin table[4];
    assert_int_equal(calib_reliability(p, y, 5, 4, table), 2);
    assert_int_equal(table[0].count, 4);
    assert_close(table[0].positive_rate, 0.5, 0);
    assert_close(calib_ece(p, y, 5), 0.1 / 5, 1e-12);
    assert_close(calib_ece(NULL, NULL, 0), 0, 0);
}

static void refitting_the_intercept_meets_the_rate_of_the_labels(void **state)
{
    (void)state;
    enum { N = 4000 };
    static double scores[N];
    static uint8_t truth[N];
    struct rng rng = rng_seed(5);
    struct err err = {0};
    double shift = 0;
    double mean = 0;
    double rate = 0;
    for (int i = 0; i < N; i++) {
        scores[i] = 2 * rng_normal(&rng);
        truth[i] = rng_unit(&rng) < logistic(scores[i] - 1.5); /* the base rate has moved */
        rate += truth[i] / (double)N;
    }
    assert_succeeds(calib_refit_intercept(scores, truth, N, &shift, &err), err);
    for (int i = 0; i < N; i++) {
        mean += logistic(scores[i] + shift) / N;
    }
    assert_close(shift, -1.5, 0.15);
    assert_close(mean, rate, 1e-3);
}

static void refitting_the_intercept_to_nothing_or_one_class_stays_finite(void **state)
{
    (void)state;
    const double scores[] = {-3, 0, 800, 1e9};
    const uint8_t ones[] = {1, 1, 1, 1};
    const uint8_t odd[] = {1, 2, 1, 1};
    const double nans[] = {0, (double)NAN, 0, 0};
    struct err err = {0};
    double shift = 7;
    assert_succeeds(calib_refit_intercept(NULL, NULL, 0, &shift, &err), err);
    assert_close(shift, 0, 0);
    assert_succeeds(calib_refit_intercept(scores, ones, 4, &shift, &err), err);
    assert_true(isfinite(shift) && shift > 0 && shift < 20);
    assert_refused(calib_refit_intercept(scores, odd, 4, &shift, &err), err, "row 1");
    assert_refused(calib_refit_intercept(nans, ones, 4, &shift, &err), err, "row 1");
}

/* The ridge of .1: so much is asked for before few rows move the intercept far. */
static void the_refitted_intercept_is_where_rows_and_ridge_balance(void **state)
{
    (void)state;
    const struct {
        double score[3];
        uint8_t label[3];
        int count;
    } cases[] = {{{0}, {1}, 1},
                 {{0}, {0}, 1},
                 {{-3, 0, 2}, {1, 1, 1}, 3},
                 {{1, 1, 1}, {0, 1, 0}, 3},
                 {{-9, 4}, {0, 1}, 2},
                 {{40, -40, 3}, {0, 1, 1}, 3}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        double shift = 0;
        assert_succeeds(
            calib_refit_intercept(cases[i].score, cases[i].label, cases[i].count, &shift, &err),
            err);
        double excess = 0.1 * shift;
        for (int r = 0; r < cases[i].count; r++) {
            excess += logistic(cases[i].score[r] + shift) - cases[i].label[r];
        }
        assert_close(excess, 0, 1e-8);
    }
}

/* The targets of Platt: (n + 1) / (n + 2) and 1 / (n + 2). */
static void at_platts_fit_the_residuals_sum_to_nothing(void **state)
{
    (void)state;
    const double margin[] = {-2, 0.5, 1, 3, -1, 0, 7};
    const uint8_t label[] = {0, 0, 1, 1, 1, 0, 0};
    struct err err = {0};
    struct platt found;
    double residual = 0;
    double moment = 0;
    assert_succeeds(calib_fit(margin, label, 7, &found, &err), err);
    for (int i = 0; i < 7; i++) {
        const double miss =
            logistic(found.slope * margin[i] + found.intercept) - (label[i] ? 4.0 / 5 : 1.0 / 6);
        residual += miss;
        moment += miss * margin[i];
    }
    assert_close(residual, 0, 1e-6);
    assert_close(moment, 0, 1e-5);
}

static void what_chance_alone_shows_tells_honest_probabilities_from_others(void **state)
{
    (void)state;
    enum { N = 3000 };
    static double p[N];
    static uint8_t truth[N];
    struct rng rng = rng_seed(6);
    for (int i = 0; i < N; i++) {
        p[i] = rng_unit(&rng);
        truth[i] = rng_unit(&rng) < p[i];
    }
    struct calib_range chance = calib_ece_by_chance(p, N, 200, 1);
    assert_less(chance.low, calib_ece(p, truth, N));
    assert_less(calib_ece(p, truth, N), chance.high);
    for (int i = 0; i < N; i++) {
        p[i] = p[i] * p[i]; /* far too low */
    }
    chance = calib_ece_by_chance(p, N, 200, 1);
    assert_less(chance.high, calib_ece(p, truth, N));
}

static void brier_skill_is_0_for_the_base_rate_and_1_for_certainty(void **state)
{
    (void)state;
    const uint8_t truth[] = {1, 0, 0, 0};
    const double rate[] = {0.25, 0.25, 0.25, 0.25};
    const double sure[] = {1, 0, 0, 0};
    assert_close(calib_brier_skill(rate, truth, 4), 0, 1e-12);
    assert_close(calib_brier_skill(sure, truth, 4), 1, 1e-12);
    assert_close(calib_brier_skill(sure, truth + 1, 3), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(platt_finds_the_slope_and_intercept_that_made_the_labels),
        cmocka_unit_test(after_platt_the_mean_probability_is_the_base_rate),
        cmocka_unit_test(scaling_the_margins_scales_the_slope_even_by_a_billion),
        cmocka_unit_test(perfectly_parted_classes_still_give_finite_numbers),
        cmocka_unit_test(equal_margins_give_the_smoothed_base_rate),
        cmocka_unit_test(what_cannot_be_calibrated_is_refused),
        cmocka_unit_test(a_probability_never_reaches_certainty_or_nan),
        cmocka_unit_test(brier_and_log_loss_are_what_the_hand_computes),
        cmocka_unit_test(auc_counts_pairs_and_halves_ties),
        cmocka_unit_test(auc_at_its_ends),
        cmocka_unit_test(average_precision_takes_ties_as_one_step),
        cmocka_unit_test(reliability_bins_have_about_equal_mass_and_hold_every_row),
        cmocka_unit_test(equal_probabilities_share_a_bin_whatever_their_order),
        cmocka_unit_test(refitting_the_intercept_meets_the_rate_of_the_labels),
        cmocka_unit_test(refitting_the_intercept_to_nothing_or_one_class_stays_finite),
        cmocka_unit_test(the_refitted_intercept_is_where_rows_and_ridge_balance),
        cmocka_unit_test(at_platts_fit_the_residuals_sum_to_nothing),
        cmocka_unit_test(what_chance_alone_shows_tells_honest_probabilities_from_others),
        cmocka_unit_test(brier_skill_is_0_for_the_base_rate_and_1_for_certainty),
    };
    return cmocka_run_group_tests_name("ml/judge/calib", tests, NULL, NULL);
}
