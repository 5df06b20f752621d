/* When the purchase comes: what the curve over the time ahead says of carts whose true one is known. */
#include "train/risk/train_risk_fit.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/rng.h"
#include "domain/risk/risk_ahead.h"
#include "domain/risk/risk_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Under sanitizers, which see the same code with fewer carts and take four times as long: what chance may then decide is asserted in
 * dev only. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CARTS_ARE_MANY false
#else
#define CARTS_ARE_MANY true
#endif
enum { CARTS = CARTS_ARE_MANY ? 6000 : 1500, LOG_DAYS = 40 };
/* A quarter of the rows that the carts have over the time ahead. */
enum { ROWS_FEW = CARTS * 4 / 3 };

static struct moment carts[CARTS];
static const struct moment *cart_list[CARTS];

static const double share_of_few = 0.25; /* of the carts with one line are bought within 14 days */
static const double share_of_many = 0.8; /* of those with five */

/* Those who buy do it at a time that is log-uniform between a minute and 14 days. */
static double no_purchase_truly(bool many, int64_t within_us)
{
    const double reached = log((double)within_us / (double)MINUTES(1)) /
                           log((double)RISK_AHEAD_END_US / (double)MINUTES(1));
    return 1 - (many ? share_of_many : share_of_few) * fmax(reached, 0);
}

/* Moments up to the very end of the log: of the last 14 days not everything is known. */
static struct moments carts_with_a_known_curve(int count)
{
    struct rng rng = rng_seed(11);
    for (int i = 0; i < count; i++) {
        struct moment *m = &carts[i];
        const bool many = rng_unit(&rng) < 0.5;
        const bool buys = rng_unit(&rng) < (many ? share_of_many : share_of_few);
        const double wait = exp(rng_unit(&rng) * log((double)RISK_AHEAD_END_US / MINUTES(1)));
        *m = (struct moment){.key_number = i, .key_hash = rng_u64(&rng)};
        m->at_us = DAYS(LOG_DAYS) * (i + 1) / count;
        m->bought_us = buys ? m->at_us + (int64_t)(wait * (double)MINUTES(1)) : INT64_MAX;
        m->lost = moment_is_lost(m, DAYS(1));
        m->x.cells[FEATURE_LINES].number = many ? 5 : 1;
        m->x.cells[FEATURE_IDLE].number = i % 2 ? 1 : 60;
        cart_list[i] = m;
    }
    return (struct moments){cart_list, count};
}

static struct moments labelled(const struct moments *seen)
{
    struct moments known = {.all = seen->all};
    while (known.count < seen->count && known.all[known.count]->at_us <= DAYS(LOG_DAYS) - DAYS(1)) {
        known.count++;
    }
    return known;
}

static void no_card(void *ctx, const struct risk_fit *fit, struct buf *out)
{
    (void)ctx;
    (void)fit;
    buf_add_str(out, "{}");
}

/* A model as serving has it; out's bytes must outlive it. */
static struct risk *trained(int count, struct risk_fit *out)
{
    const struct train_options options = {.seed = 1};
    const struct training t = {.options = &options, .threads = 2};
    const struct moments seen = carts_with_a_known_curve(count);
    const struct moments known = labelled(&seen);
    const struct risk_wish wish = {.window = {0, DAYS(LOG_DAYS), DAYS(1)},
                                   .seen = &seen,
                                   .card = no_card,
                                   .recipe = RISK_LOGISTIC,
                                   .plain = true};
    struct model_file file = {0};
    struct risk *loaded = NULL;
    struct err err = {0};
    if (!risk_fit_learner(&t, &known, &wish, out, &err) ||
        !model_file_view(out->file.bytes.data, out->file.bytes.len, &file, &err) ||
        !risk_load(&file, "risk-blend-1", &loaded, &err)) {
        fail_msg("%s", err.text);
    }
    return loaded;
}

/* One model for all tests but that of too few. */
static struct risk_fit fit;
static struct risk *r;

static int train_once(void **state)
{
    (void)state;
    r = trained(CARTS, &fit);
    return 0;
}

static int free_it(void **state)
{
    (void)state;
    risk_free(&r);
    risk_fit_free(&fit);
    return 0;
}

static void the_curve_is_that_of_the_carts_at_every_horizon(void **state)
{
    (void)state;
    assert_true(fit.ahead.rows > CARTS && fit.ahead.bought > CARTS / 4);
    for (int many = 0; many < 2; many++) {
        const struct risk_example *x = &carts[0].x;
        for (int i = 0; i < CARTS && (x->cells[FEATURE_LINES].number > 3) != (many == 1); i++) {
            x = &carts[i].x;
        }
        double last = 1;
        for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
            const int64_t within_us = risk_ahead_ends()[i];
            const double p = risk_no_purchase_within(r, x, within_us);
            assert_true(p > 0 && p < last);
            assert_true(fabs(p - no_purchase_truly(many == 1, within_us)) < 0.05 ||
                        !CARTS_ARE_MANY);
            const double between = risk_no_purchase_within(r, x, within_us - within_us / 4);
            assert_true(between >= p && between <= last);
            last = p;
        }
        assert_true(risk_no_purchase_within(r, x, DAYS(1)) == risk_probability_of(r, x));
        assert_true(risk_no_purchase_within(r, x, DAYS(30)) == last);
    }
}

/* A quarter of the rows, half of them purchases by then: the hazards are still those of all rows. */
static void rows_left_out_do_not_change_the_odds(void **state)
{
    const struct train_options options = {.seed = 1};
    const struct training t = {.options = &options, .threads = 2};
    const struct moments seen = {cart_list, CARTS};
    CLEANUP(learner_free) struct learner *all = NULL;
    CLEANUP(learner_free) struct learner *some = NULL;
    struct model_file of_r;
    struct risk_ahead_fit of_some;
    struct err err = {0};
    (void)state;
    /* the model has the one of all rows: the same moments, the same seed */
    if (!model_file_view(fit.file.bytes.data, fit.file.bytes.len, &of_r, &err) ||
        !risk_ahead_load(&of_r, &all, &err) ||
        !risk_fit_ahead(&t, &seen, DAYS(LOG_DAYS), ROWS_FEW, &some, &of_some, &err)) {
        fail_msg("%s", err.text);
    }
    assert_true(fit.ahead.rows > ROWS_FEW * 4);
    assert_true(fabs((double)of_some.rows / ROWS_FEW - 1) < 0.05);
    assert_true(of_some.bought > fit.ahead.bought / 2);
    for (int i = 2; i < RISK_AHEAD_INTERVALS; i++) {
        double mean[2] = {0, 0};
        for (int c = 0; c < 200; c++) {
            union learner_cell row[RISK_AHEAD_COLUMNS];
            risk_ahead_row(&carts[c].x, i, row);
            mean[0] += learner_probability(all, row) / 200;
            mean[1] += learner_probability(some, row) / 200;
        }
        assert_true(fabs(mean[1] - mean[0]) < 0.02 || !CARTS_ARE_MANY);
    }
}

/* The daily correction moves the score, and the curve with it. */
static void a_shift_moves_the_whole_curve_and_keeps_it_falling(void **state)
{
    const struct risk_example *x = &carts[0].x;
    double before[RISK_AHEAD_INTERVALS];
    (void)state;
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        before[i] = risk_no_purchase_within(r, x, risk_ahead_ends()[i]);
    }
    risk_shift(r, 1.5);
    double last = 1;
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        const double p = risk_no_purchase_within(r, x, risk_ahead_ends()[i]);
        assert_true(p > before[i] && p < last);
        last = p;
    }
    risk_shift(r, 0);
}

static void too_few_purchases_leave_the_score_alone(void **state)
{
    CLEANUP(risk_fit_free) struct risk_fit small = {0};
    CLEANUP(risk_free) struct risk *without = trained(150, &small);
    struct features none = {0};
    struct risk_within points[RISK_AHEAD_INTERVALS];
    (void)state;
    const struct moments all = {cart_list, CARTS};
    struct risk_horizon h[RISK_AHEAD_INTERVALS];
    assert_int_equal(small.ahead.rows, 0);
    assert_false(risk_has_ahead(without));
    assert_int_equal(risk_ahead(without, &none, points), 1);
    assert_true(points[0].within_us == DAYS(1));
    assert_true(points[0].no_purchase == risk_probability(without, &none));
    risk_horizons_judge(without, &all, DAYS(LOG_DAYS), &all, DAYS(LOG_DAYS), h);
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        assert_int_equal(h[i].rows, 0);
    }
}

/* What a chatbot is told is what was judged. */
static void answers_carry_the_curve_that_is_judged(void **state)
{
    struct risk_within points[RISK_AHEAD_INTERVALS];
    struct features x = {0};
    const struct risk_example flat = risk_flatten(&x);
    (void)state;
    assert_true(risk_has_ahead(r));
    assert_int_equal(risk_ahead(r, &x, points), RISK_AHEAD_INTERVALS);
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        assert_int_equal(points[i].within_us, risk_ahead_ends()[i]);
        assert_true(points[i].no_purchase ==
                    risk_no_purchase_within(r, &flat, points[i].within_us));
    }
}

/* Horizons are judged on what was over when the log ended. */
static void horizons_are_judged_on_moments_whose_outcome_is_known(void **state)
{
    const struct moments all = {cart_list, CARTS};
    struct risk_horizon h[RISK_AHEAD_INTERVALS];
    (void)state;
    risk_horizons_judge(r, &all, DAYS(LOG_DAYS), &all, DAYS(LOG_DAYS), h);
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        const double part = 1 - (double)h[i].within_us / (double)DAYS(LOG_DAYS);
        assert_true(fabs(h[i].rows - part * CARTS) < 2);
        if (CARTS_ARE_MANY) {
            assert_true(fabs(h[i].predicted - h[i].lost) < 0.03);
            assert_true(h[i].ece < 0.04);
            assert_true(h[i].brier <= h[i].base_brier + 1e-3);
        }
    }
    assert_true(h[RISK_AHEAD_INTERVALS - 1].brier < 0.9 * h[RISK_AHEAD_INTERVALS - 1].base_brier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_curve_is_that_of_the_carts_at_every_horizon),
        cmocka_unit_test(rows_left_out_do_not_change_the_odds),
        cmocka_unit_test(a_shift_moves_the_whole_curve_and_keeps_it_falling),
        cmocka_unit_test(answers_carry_the_curve_that_is_judged),
        cmocka_unit_test(horizons_are_judged_on_moments_whose_outcome_is_known),
        cmocka_unit_test(
            too_few_purchases_leave_the_score_alone), /* the last: it makes other carts */
    };
    return cmocka_run_group_tests_name("the time ahead", tests, train_once, free_it);
}
