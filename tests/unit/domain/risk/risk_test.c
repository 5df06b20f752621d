/* The risk model: rows, a planted effect through file and back, reasons that add up, refusals. */
#include "domain/risk/risk.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "domain/risk/risk_file.h"
#include "support/spec.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS = 4000 };

/* Shipping shown and long idle times lose carts; everything else is noise. */
static struct risk_example an_example(struct rng *rng, uint8_t *lost)
{
    struct risk_example x;
    for (int f = 0; f < FEATURE_COUNT; f++) {
        enum feature_kind kind = feature_def((enum feature_id)f)->kind;
        if (kind == FEATURE_ID) {
            x.cells[f].id = 1 + rng_below(rng, 50);
        } else {
            x.cells[f].number = floor(rng_unit(rng) * (kind == FEATURE_FLAG ? 2 : 1000));
        }
    }
    if (rng_unit(rng) < .1) {
        x.cells[FEATURE_TOTAL].number = (double)NAN;
    }
    double margin = (x.cells[FEATURE_SHIPPING].number > 0 ? 2 : -2) +
                    (x.cells[FEATURE_IDLE].number - 500) / 250;
    *lost = rng_unit(rng) < 1 / (1 + exp(-margin));
    return x;
}

struct world {
    struct risk_example examples[ROWS];
    uint8_t lost[ROWS];
    struct learner *learner;
    double usual[FEATURE_COUNT];
    double usual_rest;
    struct buf bytes;
    uint8_t sha256[SHA256_BYTES];
};
static struct world w;

static void must(bool ok, const struct err *err)
{
    if (!ok) {
        fail_msg("%s", err->text);
    }
}

static void train_world(void)
{
    struct err err = {0};
    struct learner_fit fit;
    uint8_t kinds[FEATURE_COUNT];
    risk_kinds(kinds);
    const struct learner_table table = {
        .rows = ROWS,
        .columns = FEATURE_COUNT,
        .kind = kinds,
        .cells = w.examples[0].cells,
        .label = w.lost,
    };
    struct learner_options options = learner_defaults(ROWS);
    options.machine_bags = 1;
    options.boosting_bags = 1;
    options.folds_run = 1;
    must(learner_train(&table, &options, &w.learner, &fit, &err), &err);
}

static int build_world(void **state)
{
    struct err err = {0};
    struct rng rng = rng_seed(7);
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        w.examples[i] = an_example(&rng, &w.lost[i]);
    }
    train_world();
    for (int i = 0; i < ROWS; i++) {
        double one[FEATURE_COUNT];
        w.usual_rest += learner_contributions(w.learner, w.examples[i].cells, one) / ROWS;
        for (int f = 0; f < FEATURE_COUNT; f++) {
            w.usual[f] += one[f] / ROWS;
        }
    }
    const struct risk_parts parts = {
        .window = {1, 2, 3},
        .learner = w.learner,
        .time = {.knots = 2, .at = {0, 8}, .slope = {1, 1.2}, .intercept = {.1, -.2}},
        .usual = w.usual,
        .usual_rest = w.usual_rest,
        .card = "{}",
    };
    must(risk_write_blend(&parts, &w.bytes, w.sha256, &err), &err);
    return 0;
}

static int free_world(void **state)
{
    (void)state;
    learner_free(&w.learner);
    buf_free(&w.bytes);
    return 0;
}

static struct risk *loaded(void)
{
    struct err err = {0};
    struct model_file file = {0};
    struct risk *r = NULL;
    must(model_file_view(w.bytes.data, w.bytes.len, &file, &err) &&
             risk_load(&file, "risk-blend-1", &r, &err),
         &err);
    return r;
}

/* ---- rows ---- */

static void an_id_is_its_text_and_nothing_is_missing(void **state)
{
    struct features x = {0};
    (void)state;
    x.ids[FEATURE_DEVICE] = "phone";
    x.values[FEATURE_TOTAL] = (double)NAN;
    x.values[FEATURE_LINES] = (double)INFINITY;
    struct risk_example one = risk_flatten(&x);
    x.ids[FEATURE_CHANNEL] = "phone";
    struct risk_example two = risk_flatten(&x);
    assert_true(one.cells[FEATURE_DEVICE].id != 0 && one.cells[FEATURE_CHANNEL].id == 0);
    assert_true(two.cells[FEATURE_CHANNEL].id == one.cells[FEATURE_DEVICE].id);
    assert_true(isnan(one.cells[FEATURE_TOTAL].number) && isnan(one.cells[FEATURE_LINES].number));
}

/* ---- scores ---- */

static void a_planted_effect_is_learnt(void **state)
{
    CLEANUP(risk_free) struct risk *r = loaded();
    double shown = 0;
    double hidden = 0;
    (void)state;
    for (int i = 0; i < 500; i++) {
        struct risk_example x = w.examples[i];
        x.cells[FEATURE_SHIPPING].number = 1;
        shown += risk_probability_of(r, &x) / 500;
        x.cells[FEATURE_SHIPPING].number = 0;
        hidden += risk_probability_of(r, &x) / 500;
    }
    assert_true(shown > .75 && hidden < .25);
}

static double logit_of(double p)
{
    return log(p / (1 - p));
}

static void the_loaded_model_scores_as_the_trained_one_did(void **state)
{
    CLEANUP(risk_free) struct risk *r = loaded();
    (void)state;
    for (int i = 0; i < 100; i++) {
        double part = fmin(risk_position(&w.examples[i]) / 8, 1);
        double margin = learner_margin(w.learner, w.examples[i].cells);
        double trained = (1 + .2 * part) * margin + .1 - .3 * part;
        double served = logit_of(risk_probability_of(r, &w.examples[i]));
        assert_true(fabs(trained - served) < 1e-9);
    }
    assert_string_equal(risk_version(r), "risk-blend-1");
    assert_string_equal(risk_algorithm(r), "blend");
    assert_int_equal(risk_horizon_us(r), 3);
}

static void a_shift_moves_every_score_by_as_much_and_a_later_one_replaces_it(void **state)
{
    CLEANUP(risk_free) struct risk *r = loaded();
    (void)state;
    for (int i = 0; i < 20; i++) {
        risk_shift(r, 0);
        double before = logit_of(risk_probability_of(r, &w.examples[i]));
        risk_shift(r, 5);
        risk_shift(r, -.5);
        double after = logit_of(risk_probability_of(r, &w.examples[i]));
        assert_true(fabs(after - before + .5) < 1e-9);
    }
    assert_true(risk_shift_of(r) == -.5);
}

static void what_cannot_be_is_scored_without_a_nan(void **state)
{
    CLEANUP(risk_free) struct risk *r = loaded();
    static const double values[] = {
        (double)NAN, (double)INFINITY, -(double)INFINITY, 1e300, -1e9, 0};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        struct features x = {0};
        for (int f = 0; f < FEATURE_COUNT; f++) {
            x.values[f] = values[i];
        }
        double p = risk_probability(r, &x);
        assert_true(p > 0 && p < 1);
    }
}

/* ---- contributions ---- */

static struct features a_cart_with_shipping(void)
{
    struct features x = {.currency = "USD"};
    for (int f = 0; f < FEATURE_COUNT; f++) {
        x.values[f] = feature_def((enum feature_id)f)->kind == FEATURE_NUMERIC ? 500 : 0;
    }
    x.values[FEATURE_SHIPPING] = 1;
    x.values[FEATURE_IDLE] = 990;
    x.values[FEATURE_WEEKDAY] = 3;
    return x;
}

static void contributions_add_up_to_the_score(void **state)
{
    CLEANUP(risk_free) struct risk *r = loaded();
    double contributions[FEATURE_COUNT];
    struct features x = a_cart_with_shipping();
    (void)state;
    assert_true(risk_contributions(r, &x, contributions));
    double logit = risk_usual_logit(r);
    for (int f = 0; f < FEATURE_COUNT; f++) {
        logit += contributions[f];
    }
    double p = risk_probability(r, &x);
    assert_true(fabs(logit - log(p / (1 - p))) < 1e-4);
}

/* They follow the columns, not what they or their ids are called. */
static void contributions_are_the_same_under_another_name_that_was_never_seen(void **state)
{
    CLEANUP(risk_free) struct risk *r = loaded();
    double one[FEATURE_COUNT];
    double two[FEATURE_COUNT];
    struct features x = a_cart_with_shipping();
    (void)state;
    x.ids[FEATURE_CAMPAIGN] = "spring";
    assert_true(risk_contributions(r, &x, one));
    x.ids[FEATURE_CAMPAIGN] = "autumn";
    assert_true(risk_contributions(r, &x, two));
    assert_memory_equal(one, two, sizeof one);
}

static void what_the_model_learnt_about_moves_the_score(void **state)
{
    CLEANUP(risk_free) struct risk *r = loaded();
    double contributions[FEATURE_COUNT];
    struct features x = a_cart_with_shipping();
    (void)state;
    assert_true(risk_contributions(r, &x, contributions));
    assert_true(contributions[FEATURE_SHIPPING] > 0.05);
}

/* ---- base rate and refusals ---- */

static void a_base_rate_is_one_number_without_contributions(void **state)
{
    CLEANUP(risk_free) struct risk *r = NULL;
    CLEANUP(buf_free) struct buf bytes = {0};
    uint8_t sha256[SHA256_BYTES];
    struct model_file file = {0};
    double contributions[FEATURE_COUNT];
    struct features x = a_cart_with_shipping();
    struct err err = {0};
    (void)state;
    must(risk_write_base_rate(.73, &(struct risk_window){1, 2, 3}, "{}", &bytes, sha256, &err) &&
             model_file_view(bytes.data, bytes.len, &file, &err) &&
             risk_load(&file, "risk-base_rate-1", &r, &err),
         &err);
    assert_true(risk_probability(r, &x) == .73);
    assert_false(risk_contributions(r, &x, contributions));
    assert_true(contributions[FEATURE_SHIPPING] == 0);
    assert_string_equal(risk_algorithm(r), "base_rate");
}

/* Writes the same sections again, some with other bytes. */
static struct buf forged(const char *kind, uint8_t schema_flip, const char *section,
                         const void *data)
{
    struct err err = {0};
    struct model_file file = {0};
    struct buf out = {0};
    uint8_t sha256[SHA256_BYTES];
    must(model_file_view(w.bytes.data, w.bytes.len, &file, &err), &err);
    file.schema[0] ^= schema_flip;
    struct model_builder b = model_builder_make(kind, file.schema);
    for (int i = 0; i < file.count; i++) {
        const struct model_section *s = &file.sections[i];
        model_builder_add(&b, s->name, s->dtype,
                          section && strcmp(s->name, section) == 0 ? data : s->data, s->count);
    }
    must(model_builder_finish(&b, &out, sha256, &err), &err);
    return out;
}

static void assert_refused(struct buf bytes, const char *why)
{
    struct err err = {0};
    struct model_file file = {0};
    struct risk *r = NULL;
    must(model_file_view(bytes.data, bytes.len, &file, &err), &err);
    if (risk_load(&file, "risk-blend-1", &r, &err)) {
        fail_msg("loaded, but expected: %s", why);
    }
    assert_int_equal(err.kind, ERR_INVALID);
    assert_text_contains(err.text, why);
    assert_null(r);
    assert_non_null(file.bytes); /* still the caller's */
    buf_free(&bytes);
}

/* The model's file with one value (len bytes) of a section overwritten. */
static struct buf spoilt(const char *section, size_t index, const void *value, size_t len)
{
    struct err err = {0};
    struct model_file file = {0};
    struct model_section found = {0};
    must(model_file_view(w.bytes.data, w.bytes.len, &file, &err), &err);
    for (int i = 0; i < file.count; i++) {
        found = strcmp(file.sections[i].name, section) == 0 ? file.sections[i] : found;
    }
    assert_true(found.count > index);
    char *data = mem_array((size_t)found.count, len);
    memcpy(data, found.data, (size_t)found.count * len);
    memcpy(data + index * len, value, len);
    struct buf out = forged("risk-blend", 0, section, data);
    mem_free(&data);
    return out;
}

static void a_model_with_numbers_that_lead_astray_is_refused(void **state)
{
    const double large = 1e9;
    const double falling = -1;
    const int32_t far = 1 << 20;
    const uint8_t odd = 9;
    const uint8_t bin = 200;
    (void)state;
    assert_refused(spoilt("learner.shape", 0, &far, sizeof far), "out of range");
    assert_refused(spoilt("learner.kind", 3, &odd, 1), "column");
    assert_refused(spoilt("learner.first", 2, &far, sizeof far), "do not");
    assert_refused(spoilt("learner.edges", 0, &large, sizeof large), "column");
    assert_refused(spoilt("learner.bin", 3, &bin, 1), "slot 3 has bin 200");
    assert_refused(spoilt("learner.column", 0, &far, sizeof far), "tree");
    assert_refused(spoilt("learner.numbers", 2, &large, sizeof large), "self-test");
    assert_refused(spoilt("time_slope", 0, &falling, sizeof falling), "calibration over time");
}

static void a_model_that_would_misread_is_refused_and_says_why(void **state)
{
    static const int64_t window[3] = {5, 4, 3};
    (void)state;
    assert_refused(forged("risk-blend", 1, NULL, NULL), "another feature table");
    assert_refused(forged("affinity-als", 0, NULL, NULL), "kind");
    assert_refused(forged("risk-blend", 0, "window", window), "window");
}

/* ---- over time ---- */

static void a_curve_is_crossed_where_its_line_is(void **state)
{
    const struct risk_point curve[] = {{0, .2}, {SECONDS(100), .4}, {SECONDS(200), .8}};
    struct risk_outlook o = risk_outlook_of(curve, 3, .6, 0);
    (void)state;
    assert_true(o.too_early);
    assert_int_equal(o.look_again_us, SECONDS(150));
    assert_false(risk_outlook_of(curve, 3, .2, 0).too_early); /* it is high enough now */
    assert_int_equal(risk_outlook_of(curve, 3, .2, 0).look_again_us, 0);
    assert_false(risk_outlook_of(curve, 3, .9, 0).too_early); /* silence alone will not get there */
    assert_int_equal(risk_outlook_of(curve, 1, .9, 0).look_again_us, 0);
}

/* Too early is one thing, whether the cart is not abandoned yet or the risk too low: there is a time to come back. */
static void before_the_cart_is_abandoned_it_is_too_early_whatever_the_risk(void **state)
{
    const struct risk_point curve[] = {{SECONDS(5), .2}, {SECONDS(105), .4}, {SECONDS(205), .8}};
    static const struct {
        double threshold;
        int64_t abandoned_s, look_again_s;
    } cases[] = {
        {.1, 5, 0},     /* abandoned, and high enough: now */
        {.1, 6, 6},     /* high enough as soon as it is abandoned */
        {.6, 50, 155},  /* abandoned before it is high enough */
        {.6, 180, 180}, /* and after */
        {.9, 50, 50},   /* never high enough, but not abandoned yet */
        {.9, 5, 0},     /* silence alone will not get there */
    };
    (void)state;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct risk_outlook o =
            risk_outlook_of(curve, 3, cases[i].threshold, SECONDS(cases[i].abandoned_s));
        assert_int_equal(o.look_again_us, SECONDS(cases[i].look_again_s));
        assert_int_equal(o.too_early, cases[i].look_again_s != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_its_text_and_nothing_is_missing),
        cmocka_unit_test(a_planted_effect_is_learnt),
        cmocka_unit_test(the_loaded_model_scores_as_the_trained_one_did),
        cmocka_unit_test(a_shift_moves_every_score_by_as_much_and_a_later_one_replaces_it),
        cmocka_unit_test(what_cannot_be_is_scored_without_a_nan),
        cmocka_unit_test(contributions_add_up_to_the_score),
        cmocka_unit_test(contributions_are_the_same_under_another_name_that_was_never_seen),
        cmocka_unit_test(what_the_model_learnt_about_moves_the_score),
        cmocka_unit_test(a_base_rate_is_one_number_without_contributions),
        cmocka_unit_test(a_curve_is_crossed_where_its_line_is),
        cmocka_unit_test(before_the_cart_is_abandoned_it_is_too_early_whatever_the_risk),
        cmocka_unit_test(a_model_with_numbers_that_lead_astray_is_refused),
        cmocka_unit_test(a_model_that_would_misread_is_refused_and_says_why),
    };
    return cmocka_run_group_tests(tests, build_world, free_world);
}
