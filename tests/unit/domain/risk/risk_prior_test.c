/* The risk that nobody learnt: what was published comes out of it, whole and in between. */
#include "domain/risk/risk_prior.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "domain/risk/risk_file.h"
#include "support/spec.h"

#include <math.h>

#define NOW INT64_C(1700000000000000)

static double logit(double p)
{
    return log(p / (1 - p));
}

/* A cart after which nothing has come for so long. */
static struct features still_for(int64_t idle_us)
{
    struct features x = {0};
    x.values[FEATURE_IDLE] = (double)idle_us / (double)MINUTES(1);
    return x;
}

static double lost_within(int64_t horizon_us, int64_t idle_us)
{
    CLEANUP(risk_free) struct risk *r = risk_prior_make(horizon_us);
    const struct features x = still_for(idle_us);
    return risk_probability(r, &x);
}

static void assert_near(double is, double wanted)
{
    if (!(fabs(is - wanted) < 1e-6)) {
        fail_msg("%.8f is not %.8f", is, wanted);
    }
}

static void a_new_cart_is_lost_as_often_as_the_studies_say(void **state)
{
    (void)state;
    assert_near(lost_within(DAYS(28), 0), .7022);
    /* of the 29.78 % who buy, half within 20 minutes and 72 % within 12 hours */
    assert_near(lost_within(MINUTES(20), 0), 1 - .2978 * .5);
    assert_near(lost_within(HOURS(12), 0), 1 - .2978 * .72);
    assert_near(lost_within(MINUTES(10), 0), 1 - .2978 * .25);
    /* nobody buys later than the 28 days that were watched */
    assert_near(lost_within(DAYS(60), 0), .7022);
}

static void whoever_has_been_away_is_judged_by_what_is_left(void **state)
{
    (void)state;
    assert_near(lost_within(DAYS(28), MINUTES(20)), .7022 / (1 - .2978 * .5));
    assert_near(lost_within(DAYS(28) - HOURS(12), HOURS(12)), .7022 / (1 - .2978 * .72));
    double before = 0;
    for (int64_t idle = 0; idle <= DAYS(7); idle += HOURS(1)) {
        const double p = lost_within(DAYS(1), idle);
        assert_true(p > before && p < 1);
        before = p;
    }
}

static void an_idle_time_beyond_all_studies_is_a_chance_below_one(void **state)
{
    (void)state;
    const double p = lost_within(DAYS(1), DAYS(3000));
    assert_true(p > .99 && p < 1);
}

static void by_horizon_it_falls_through_its_own(void **state)
{
    CLEANUP(risk_free) struct risk *r = risk_prior_make(DAYS(1));
    const struct features x = still_for(HOURS(2));
    struct risk_within within[RISK_AHEAD_INTERVALS];
    (void)state;
    assert_int_equal(risk_ahead(r, &x, within), RISK_AHEAD_INTERVALS);
    for (int i = 0; i < RISK_AHEAD_INTERVALS; i++) {
        assert_true(i == 0 || within[i].no_purchase < within[i - 1].no_purchase);
        assert_near(within[i].no_purchase, lost_within(within[i].within_us, HOURS(2)));
    }
}

/* The curve of an empty cart of a shopper last seen two minutes ago. */
static int curve_of(const struct risk *r, struct risk_point out[RISK_CURVE_MAX])
{
    static char key[] = "c:anna";
    static char id[] = "cart";
    const struct shopper s = {.key = key, .last_us = NOW - MINUTES(2)};
    const struct cart c = {.id = id, .round = 1, .changed_us = NOW - MINUTES(2)};
    const struct feature_context context = {0};
    return risk_curve(r, &s, &c, NOW, &context, out);
}

static void silence_carries_it_to_a_threshold_above_it(void **state)
{
    CLEANUP(risk_free) struct risk *r = risk_prior_make(DAYS(1));
    struct risk_point curve[RISK_CURVE_MAX];
    (void)state;
    const int count = curve_of(r, curve);
    assert_true(count > 10);
    const struct risk_outlook early = risk_outlook_of(curve, count, .9, NOW);
    assert_true(early.too_early);
    assert_true(early.look_again_us > NOW && early.look_again_us < NOW + HOURS(2));
    assert_false(risk_outlook_of(curve, count, .5, NOW).too_early);
}

static void the_idle_time_is_all_that_moves_it(void **state)
{
    CLEANUP(risk_free) struct risk *r = risk_prior_make(DAYS(1));
    double contributions[FEATURE_COUNT];
    const struct features now = still_for(0);
    const struct features later = still_for(HOURS(3));
    (void)state;
    assert_true(risk_contributions(r, &now, contributions));
    assert_true(contributions[FEATURE_IDLE] == 0);
    assert_true(risk_contributions(r, &later, contributions));
    for (int f = 0; f < FEATURE_COUNT; f++) {
        assert_true(f == FEATURE_IDLE || contributions[f] == 0);
    }
    assert_near(risk_usual_logit(r) + contributions[FEATURE_IDLE],
                logit(risk_probability(r, &later)));
}

static void the_daily_correction_moves_it_and_its_range(void **state)
{
    CLEANUP(risk_free) struct risk *r = risk_prior_make(DAYS(1));
    const struct features x = still_for(HOURS(3));
    const double p = risk_probability(r, &x);
    double low;
    double high;
    (void)state;
    risk_shift(r, -1);
    assert_near(logit(risk_probability(r, &x)), logit(p) - 1);
    assert_true(risk_prior_range(r, &x, &low, &high));
    assert_true(low < risk_probability(r, &x) && risk_probability(r, &x) < high);
}

static void the_range_is_that_of_the_studies(void **state)
{
    CLEANUP(risk_free) struct risk *r = risk_prior_make(DAYS(28));
    const struct features x = still_for(0);
    double low;
    double high;
    (void)state;
    assert_true(risk_prior_range(r, &x, &low, &high));
    assert_near(low, .55);
    assert_near(high, .84);
}

static void what_was_learnt_has_no_such_range(void **state)
{
    CLEANUP(risk_free) struct risk *r = NULL;
    CLEANUP(buf_free) struct buf bytes = {0};
    uint8_t sha256[SHA256_BYTES];
    struct model_file file = {0};
    struct err err = {0};
    const struct features x = still_for(0);
    double low;
    double high;
    (void)state;
    assert_true(
        risk_write_base_rate(.7, &(struct risk_window){1, 2, 3}, "{}", &bytes, sha256, &err) &&
        model_file_view(bytes.data, bytes.len, &file, &err) && risk_load(&file, "r", &r, &err));
    assert_false(risk_prior_range(r, &x, &low, &high));
}

static void its_card_names_where_every_figure_is_from(void **state)
{
    CLEANUP(buf_free) struct buf out = buf_make(4096);
    struct jenc j = jenc_begin(&out);
    (void)state;
    jenc_object(&j, NULL);
    risk_prior_card(&j);
    jenc_object_end(&j);
    assert_text_contains(buf_text(&out), "\"prior\":true");
    assert_text_contains(buf_text(&out), "Baymard");
    assert_text_contains(buf_text(&out), "\"low\":0.55,\"high\":0.84");
    assert_text_contains(buf_text(&out), "{\"after\":\"12h\",\"share\":0.72}");
    assert_text_contains(buf_text(&out), "\"date\":\"2012\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_cart_is_lost_as_often_as_the_studies_say),
        cmocka_unit_test(whoever_has_been_away_is_judged_by_what_is_left),
        cmocka_unit_test(an_idle_time_beyond_all_studies_is_a_chance_below_one),
        cmocka_unit_test(by_horizon_it_falls_through_its_own),
        cmocka_unit_test(silence_carries_it_to_a_threshold_above_it),
        cmocka_unit_test(the_idle_time_is_all_that_moves_it),
        cmocka_unit_test(the_daily_correction_moves_it_and_its_range),
        cmocka_unit_test(the_range_is_that_of_the_studies),
        cmocka_unit_test(what_was_learnt_has_no_such_range),
        cmocka_unit_test(its_card_names_where_every_figure_is_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
