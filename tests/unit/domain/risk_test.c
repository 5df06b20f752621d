/* The risk model: encoding, a planted effect through file and back, reasons that add up, refusals. */
#include "domain/risk.h"

#include "base/cleanup.h"
#include "base/rng.h"
#include "domain/risk_file.h"
#include "support/spec.h"

#include <math.h>
#include <stdlib.h>

enum { ROWS = 6000 };

/* Shipping shown and long idle times lose carts; everything else is noise. */
static struct risk_example an_example(struct rng *rng, uint8_t *lost)
{
    struct risk_example x;
    for (int f = 0; f < FEATURE_COUNT; f++) {
        enum feature_kind kind = feature_def((enum feature_id)f)->kind;
        double limit = kind == FEATURE_ID ? 50 : kind == FEATURE_FLAG ? 2 : 1000;
        x.values[f] = floor(rng_unit(rng) * limit);
    }
    x.values[FEATURE_TOTAL] = rng_unit(rng) < .1 ? RISK_MISSING : x.values[FEATURE_TOTAL];
    double margin =
        (x.values[FEATURE_SHIPPING] > 0 ? 2 : -2) + (x.values[FEATURE_IDLE] - 500) / 250;
    *lost = rng_unit(rng) < 1 / (1 + exp(-margin));
    return x;
}

struct world {
    struct risk_example examples[ROWS];
    const struct risk_example *pointers[ROWS];
    uint8_t lost[ROWS];
    struct arena arena;
    struct risk_bins bins;
    struct risk_encoder encoder;
    struct fm fm;
    double usual[FEATURE_COUNT];
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
    struct fm_fit fit;
    int64_t entries = 0;
    int64_t *start = calloc(ROWS + 1, sizeof *start);
    int32_t *index = calloc((size_t)ROWS * RISK_ENTRIES_MAX, sizeof *index);
    float *value = calloc((size_t)ROWS * RISK_ENTRIES_MAX, sizeof *value);
    assert_true(start && index && value);
    for (int i = 0; i < ROWS; i++) {
        struct risk_row row;
        risk_encode(&w.encoder, &w.examples[i], &row);
        memcpy(index + entries, row.index, (size_t)row.count * sizeof *index);
        memcpy(value + entries, row.value, (size_t)row.count * sizeof *value);
        entries += row.count;
        start[i + 1] = entries;
    }
    const struct fm_data data = {ROWS, w.encoder.columns, start, index, value, w.lost};
    struct fm_options options = fm_defaults(ROWS);
    options.validation_from = ROWS * 4 / 5;
    options.rate = .005F; /* as training does (flow/train_risk_fit.c) */
    must(fm_train(&data, &options, &w.fm, &fit, &err), &err);
    free(start);
    free(index);
    free(value);
}

static int build_world(void **state)
{
    struct err err = {0};
    struct rng rng = rng_seed(7);
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        w.examples[i] = an_example(&rng, &w.lost[i]);
        w.pointers[i] = &w.examples[i];
    }
    w.bins = risk_bins_learn(w.pointers, ROWS, &w.arena);
    must(risk_encoder_make(w.bins, (uint64_t)w.bins.start[RISK_GROUPS], &w.encoder, &err), &err);
    train_world();
    for (int i = 0; i < ROWS; i++) {
        double one[FEATURE_COUNT];
        risk_contributions(&w.encoder, &w.fm, &w.examples[i], one);
        for (int f = 0; f < FEATURE_COUNT; f++) {
            w.usual[f] += one[f] / ROWS;
        }
    }
    const struct risk_parts parts = {
        .window = {1, 2, 3},
        .bins = w.bins,
        .fm = &w.fm,
        .calibration = {.slope = 1.1, .intercept = -.1},
        .usual = w.usual,
        .probes = w.examples,
        .probe_count = RISK_PROBES,
        .card = "{}",
    };
    must(risk_write_fm(&parts, &w.bytes, w.sha256, &err), &err);
    return 0;
}

static int free_world(void **state)
{
    (void)state;
    arena_free(&w.arena);
    fm_free(&w.fm);
    buf_free(&w.bytes);
    return 0;
}

static struct risk *loaded(void)
{
    struct err err = {0};
    struct model_file file = {0};
    struct risk *r = NULL;
    must(model_file_view(w.bytes.data, w.bytes.len, &file, &err) &&
             risk_load(&file, "risk-fm-1", &r, &err),
         &err);
    return r;
}

/* ---- encoding ---- */

static void columns_of_a_row_are_distinct_and_in_range(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        struct risk_row row;
        risk_encode(&w.encoder, &w.examples[i], &row);
        for (int a = 0; a < row.count; a++) {
            assert_in_range(row.index[a], 0, w.encoder.columns - 1);
            for (int b = 0; b < a; b++) {
                assert_int_not_equal(row.index[a], row.index[b]);
            }
        }
    }
}

static void missing_is_a_bin_of_its_own(void **state)
{
    struct risk_example with = w.examples[0];
    struct risk_example without = w.examples[0];
    struct risk_row a;
    struct risk_row b;
    int differing = 0;
    (void)state;
    with.values[FEATURE_TOTAL] = 1e12; /* the highest bin there is */
    without.values[FEATURE_TOTAL] = RISK_MISSING;
    risk_encode(&w.encoder, &with, &a);
    risk_encode(&w.encoder, &without, &b);
    assert_int_equal(a.count, b.count);
    for (int i = 0; i < a.count; i++) {
        differing += a.index[i] != b.index[i];
    }
    assert_int_equal(differing, RISK_RESOLUTIONS);
}

static void an_id_says_the_same_through_the_features_and_flat(void **state)
{
    struct features x = {0};
    (void)state;
    x.ids[FEATURE_DEVICE] = "phone";
    struct risk_example one = risk_flatten(&x);
    x.ids[FEATURE_CHANNEL] = "phone"; /* the same text of another feature is another id */
    struct risk_example two = risk_flatten(&x);
    assert_true(one.values[FEATURE_DEVICE] == two.values[FEATURE_DEVICE]);
    assert_true(two.values[FEATURE_DEVICE] != two.values[FEATURE_CHANNEL]);
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
        x.values[FEATURE_SHIPPING] = 1;
        shown += risk_probability_of(r, &x) / 500;
        x.values[FEATURE_SHIPPING] = 0;
        hidden += risk_probability_of(r, &x) / 500;
    }
    assert_true(shown > .65 && hidden < .35);
}

static void the_loaded_model_scores_as_the_trained_one_did(void **state)
{
    CLEANUP(risk_free) struct risk *r = loaded();
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct risk_row row;
        risk_encode(&w.encoder, &w.examples[i], &row);
        const struct fm_row view = {row.count, row.index, row.value};
        double margin = fm_score(&w.fm, &view);
        double trained = calib_apply(&(struct platt){1.1, -.1}, margin);
        double served = risk_probability_of(r, &w.examples[i]);
        assert_memory_equal(&trained, &served, sizeof served);
    }
    assert_string_equal(risk_version(r), "risk-fm-1");
    assert_string_equal(risk_algorithm(r), "fm");
    assert_int_equal(risk_horizon_us(r), 3);
}

/* ---- reasons ---- */

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

static void reasons_add_up_to_the_score(void **state)
{
    CLEANUP(risk_free) struct risk *r = loaded();
    struct risk_reason reasons[FEATURE_COUNT];
    struct features x = a_cart_with_shipping();
    (void)state;
    int count = risk_reasons(r, &x, "en", reasons, FEATURE_COUNT);
    double logit = risk_usual_logit(r);
    for (int i = 0; i < count; i++) {
        logit += reasons[i].contribution;
    }
    double p = risk_probability(r, &x);
    assert_true(fabs(logit - log(p / (1 - p))) < 1e-6);
}

static void the_strongest_reasons_come_first_and_in_words(void **state)
{
    CLEANUP(risk_free) struct risk *r = loaded();
    struct risk_reason reasons[3];
    struct features x = a_cart_with_shipping();
    bool shipping = false;
    (void)state;
    assert_int_equal(risk_reasons(r, &x, "en", reasons, 3), 3);
    for (int i = 0; i < 3; i++) {
        assert_true(i == 0 || fabs(reasons[i].contribution) <= fabs(reasons[i - 1].contribution));
        if (reasons[i].feature == FEATURE_SHIPPING) {
            shipping = true;
            assert_true(reasons[i].contribution > 0);
            assert_string_equal(reasons[i].text, "shipping cost was shown");
        }
    }
    assert_true(shipping);
}

/* ---- base rate and refusals ---- */

static void a_base_rate_is_one_number_without_reasons(void **state)
{
    CLEANUP(risk_free) struct risk *r = NULL;
    CLEANUP(buf_free) struct buf bytes = {0};
    uint8_t sha256[SHA256_BYTES];
    struct model_file file = {0};
    struct risk_reason reason;
    struct features x = a_cart_with_shipping();
    struct err err = {0};
    (void)state;
    must(risk_write_base_rate(.73, &(struct risk_window){1, 2, 3}, "{}", &bytes, sha256, &err) &&
             model_file_view(bytes.data, bytes.len, &file, &err) &&
             risk_load(&file, "risk-base_rate-1", &r, &err),
         &err);
    assert_true(risk_probability(r, &x) == .73);
    assert_int_equal(risk_reasons(r, &x, "en", &reason, 1), 0);
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
    assert_false(risk_load(&file, "risk-fm-1", &r, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_text_contains(err.text, why);
    assert_null(r);
    assert_non_null(file.bytes); /* still the caller's */
    buf_free(&bytes);
}

static void a_model_that_would_misread_is_refused_and_says_why(void **state)
{
    static const double scores[RISK_PROBES] = {.5, .5, .5, .5, .5, .5, .5, .5};
    static const int32_t shape[2] = {7, 8};
    static const int64_t window[3] = {5, 4, 3};
    (void)state;
    assert_refused(forged("risk-fm", 1, NULL, NULL), "another feature table");
    assert_refused(forged("affinity-als", 0, NULL, NULL), "kind");
    assert_refused(forged("risk-fm", 0, "probe_score", scores), "self-test");
    assert_refused(forged("risk-fm", 0, "shape", shape), "columns");
    assert_refused(forged("risk-fm", 0, "window", window), "window");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_of_a_row_are_distinct_and_in_range),
        cmocka_unit_test(missing_is_a_bin_of_its_own),
        cmocka_unit_test(an_id_says_the_same_through_the_features_and_flat),
        cmocka_unit_test(a_planted_effect_is_learnt),
        cmocka_unit_test(the_loaded_model_scores_as_the_trained_one_did),
        cmocka_unit_test(reasons_add_up_to_the_score),
        cmocka_unit_test(the_strongest_reasons_come_first_and_in_words),
        cmocka_unit_test(a_base_rate_is_one_number_without_reasons),
        cmocka_unit_test(a_model_that_would_misread_is_refused_and_says_why),
    };
    return cmocka_run_group_tests(tests, build_world, free_world);
}
