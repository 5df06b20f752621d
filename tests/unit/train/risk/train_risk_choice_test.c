/* Which learner: told by what was measured, with each shopper one draw. And what a learner does with what it is told. */
#include "train/risk/train_risk_choice.h"

#include "base/cleanup.h"
#include "base/rng.h"
#include "support/spec.h"

#include <math.h>

enum { SHOPPERS = 300, EACH = 4, ROWS = SHOPPERS * EACH };

struct later {
    struct moment moment[ROWS];
    const struct moment *all[ROWS];
    double plainer[ROWS];
};
static struct later l;

static struct moments moments(void)
{
    return (struct moments){l.all, ROWS};
}

static int fill(void **state)
{
    struct rng rng = rng_seed(5);
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        l.moment[i].key_number = i / EACH;
        l.all[i] = &l.moment[i];
        l.plainer[i] = rng_unit(&rng);
    }
    return 0;
}

/* Losses lower by so much on average, with so much chance in them: a shopper's moments share it. */
static void lower(double by, double chance, double out[ROWS])
{
    struct rng rng = rng_seed(6);
    double shared = 0;
    for (int i = 0; i < ROWS; i++) {
        shared = i % EACH == 0 ? (rng_unit(&rng) - 0.5) * chance : shared;
        out[i] = l.plainer[i] - by + shared;
    }
}

static void lower_losses_win(void **state)
{
    double losses[ROWS];
    const struct moments m = moments();
    (void)state;
    lower(0.1, 0.5, losses);
    assert_true(risk_choice_beats(&m, losses, l.plainer));
}

static void the_same_or_higher_losses_do_not(void **state)
{
    double losses[ROWS];
    const struct moments m = moments();
    (void)state;
    assert_false(risk_choice_beats(&m, l.plainer, l.plainer));
    lower(-0.1, 0.5, losses);
    assert_false(risk_choice_beats(&m, losses, l.plainer));
}

/* Of chance between -.5 and .5 the mean of 300 shoppers has a standard error of .017, that of 1,200 moments would have one of .008. */
static void lower_by_chance_does_not_win_however_many_moments_a_shopper_has(void **state)
{
    double losses[ROWS];
    double mean = 0;
    const struct moments m = moments();
    (void)state;
    lower(0, 1, losses);
    for (int i = 0; i < ROWS; i++) {
        mean += (l.plainer[i] - losses[i]) / ROWS;
    }
    lower(0.013 - mean, 1, losses);
    assert_false(risk_choice_beats(&m, losses, l.plainer));
    lower(0.025 - mean, 1, losses);
    assert_true(risk_choice_beats(&m, losses, l.plainer));
}

/* A quarter lies after the cut; what was not known at it lies on neither side. */
static void a_cut_parts_what_was_known_from_what_came_later(void **state)
{
    struct moment at[8] = {0};
    const struct moment *all[8];
    (void)state;
    for (int i = 0; i < 8; i++) {
        at[i].at_us = INT64_C(10) * (i + 1);
        all[i] = &at[i];
    }
    const struct moments m = {all, 8};
    const int64_t cut_us = moments_cut_us(&m);
    CLEANUP(moment_parts_free) struct moment_parts p = moments_part(&m, cut_us, 15);
    assert_int_equal(cut_us, 70);
    assert_int_equal(p.after.count, 2);
    assert_true(p.after.all[0] == &at[6] && p.after.all[1] == &at[7]);
    assert_int_equal(p.before.count, 5);
    for (int i = 0; i < p.before.count; i++) {
        assert_true(p.before.all[i] == &at[i]);
    }
}

static void too_little_to_tell_is_learnt_from_by_logistic_regression(void **state)
{
    const struct training none = {0};
    struct risk_choice choice;
    struct err err = {0};
    const struct moments m = {l.all, 50};
    (void)state;
    assert_true(risk_choose(&none, &m, 1, &choice, &err));
    assert_int_equal(choice.recipe, RISK_LOGISTIC);
    assert_int_equal(choice.rows, 0);
}

/* ---- learners ---- */

/* What is learnt of the time ahead is the subject of train_risk_ahead_test. */
enum { CARTS = 3000, AHEAD_ROWS = 2000 };
static struct moment carts[CARTS];
static const struct moment *cart_list[CARTS];

/* Product 8 is hardly ever bought, product 9 mostly; every shopper has one moment, idle for a minute or for an hour. */
static struct moments carts_of_two_products(int count)
{
    struct rng rng = rng_seed(7);
    for (int i = 0; i < count; i++) {
        struct moment *m = &carts[i];
        const bool first = rng_unit(&rng) < 0.5;
        *m = (struct moment){.key_number = i, .key_hash = rng_u64(&rng)};
        m->x.cells[FEATURE_NEWEST_PRODUCT].id = first ? 8 : 9;
        m->x.cells[FEATURE_IDLE].number = i % 2 ? 1 : 60;
        m->lost = rng_unit(&rng) < (first ? 0.9 : 0.3);
        cart_list[i] = m;
    }
    return (struct moments){cart_list, count};
}

/* What the second product takes from the margin of the first, and of one that was never seen. */
static void margins_of(enum risk_recipe recipe, double *out_second, double *out_unseen)
{
    const struct train_options options = {.seed = 1};
    const struct training t = {.options = &options, .threads = 1};
    const struct moments m = carts_of_two_products(CARTS);
    CLEANUP(learner_free) struct learner *learner = NULL;
    struct err err = {0};
    struct risk_example x = carts[0].x;
    double margin[3];
    static const uint64_t products[] = {8, 9, 123456789};
    if (!risk_fit_plain(&t, &m, recipe, &learner, &err)) {
        fail_msg("%s", err.text);
    }
    for (int i = 0; i < 3; i++) {
        x.cells[FEATURE_NEWEST_PRODUCT].id = products[i];
        margin[i] = learner_margin(learner, x.cells);
    }
    *out_second = margin[0] - margin[1];
    *out_unseen = margin[0] - margin[2];
}

static void without_products_all_of_them_are_alike_and_never_seen(void **state)
{
    double second;
    double unseen;
    (void)state;
    margins_of(RISK_LOGISTIC, &second, &unseen);
    assert_true(second > 2);
    margins_of(RISK_WITHOUT_PRODUCTS, &second, &unseen);
    assert_true(second == 0 && unseen == 0);
}

static void no_card(void *ctx, const struct risk_fit *fit, struct buf *out)
{
    (void)ctx;
    (void)fit;
    buf_add_str(out, "{}");
}

/* Margins that are right need no calibration; one made by halves must not bend them. */
static void calibration_over_time_needs_rows_and_leaves_what_is_right(void **state)
{
    const struct train_options options = {.seed = 1, .ahead_rows_max = AHEAD_ROWS};
    const struct training t = {.options = &options, .threads = 1};
    struct risk_wish wish = {.window = {1, 2, 3}, .card = no_card, .recipe = RISK_LOGISTIC};
    struct err err = {0};
    (void)state;
    for (int count = 500; count <= CARTS; count += 2500) {
        const struct moments m = carts_of_two_products(count);
        wish.seen = &m;
        struct risk_fit fit = {0};
        if (!risk_fit_learner(&t, &m, &wish, &fit, &err)) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(fit.time.knots, count < 2500 ? 0 : IDLE_MOMENTS + 1);
        for (int k = 0; k < fit.time.knots; k++) {
            assert_true(fabs(fit.time.slope[k] - 1) < 0.3 && fabs(fit.time.intercept[k]) < 0.3);
        }
        risk_fit_free(&fit);
    }
}

static void what_is_to_stay_plain_is_not_calibrated_over_time(void **state)
{
    const struct train_options options = {.seed = 1, .ahead_rows_max = AHEAD_ROWS};
    const struct training t = {.options = &options, .threads = 1};
    const struct moments m = carts_of_two_products(CARTS);
    const struct risk_wish wish = {
        .window = {1, 2, 3}, .seen = &m, .card = no_card, .recipe = RISK_LOGISTIC, .plain = true};
    struct risk_fit fit = {0};
    struct err err = {0};
    (void)state;
    if (!risk_fit_learner(&t, &m, &wish, &fit, &err)) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(fit.time.knots, 0);
    risk_fit_free(&fit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_parts_what_was_known_from_what_came_later),
        cmocka_unit_test(lower_losses_win),
        cmocka_unit_test(the_same_or_higher_losses_do_not),
        cmocka_unit_test(lower_by_chance_does_not_win_however_many_moments_a_shopper_has),
        cmocka_unit_test(without_products_all_of_them_are_alike_and_never_seen),
        cmocka_unit_test(calibration_over_time_needs_rows_and_leaves_what_is_right),
        cmocka_unit_test(what_is_to_stay_plain_is_not_calibrated_over_time),
        cmocka_unit_test(too_little_to_tell_is_learnt_from_by_logistic_regression),
    };
    return cmocka_run_group_tests_name("which learner", tests, fill, NULL);
}
