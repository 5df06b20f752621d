#include "ml/fm.h"

#include "ml/logistic.h"
#include "unit/ml/ml_spec.h"

enum { FEATURES = 40, ENTRIES = 6, ROWS = 600 };

/* Rows of ENTRIES distinct features each; labels follow some features and a little chance. */
struct examples {
    int64_t start[ROWS + 1];
    int32_t index[ROWS * ENTRIES];
    float value[ROWS * ENTRIES];
    uint8_t label[ROWS];
    struct fm_data data;
};

static void examples_fill(struct examples *x, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    for (int r = 0; r < ROWS; r++) {
        double margin = -0.3;
        x->start[r] = (int64_t)r * (int64_t)ENTRIES;
        for (int e = 0; e < ENTRIES; e++) {
            int at = r * ENTRIES + e;
            /* one feature out of each of ENTRIES groups: distinct by construction */
            x->index[at] = e * (FEATURES / ENTRIES) + (int)rng_below(&rng, FEATURES / ENTRIES);
            x->value[at] = (float)(0.5 + rng_unit(&rng));
            margin += x->index[at] % 3 == 0 ? 0.8 : -0.2;
        }
        x->label[r] = rng_unit(&rng) < logistic(margin);
    }
    x->start[ROWS] = (int64_t)ROWS * ENTRIES;
    x->data = (struct fm_data){.rows = ROWS,
                               .features = FEATURES,
                               .start = x->start,
                               .index = x->index,
                               .value = x->value,
                               .label = x->label};
}

static struct examples examples;
static const struct fm_data *const data = &examples.data;

/* A model with random parameters, owned by the caller. */
static struct fm random_model(int factors)
{
    return (struct fm){.features = FEATURES,
                       .factors = factors,
                       .bias = 0.25F,
                       .linear = random_mat(1, FEATURES, 31),
                       .pairs = random_mat(FEATURES, factors, 32)};
}

static void the_score_is_the_sum_over_pairs_of_the_definition(void **state)
{
    (void)state;
    const int factors[] = {0, 1, 8, 17, FM_FACTORS_MAX};
    for (size_t i = 0; i < COUNT_OF(factors); i++) {
        struct fm model = random_model(factors[i]);
        for (int r = 0; r < 50; r++) {
            struct fm_row row = fm_data_row(data, r);
            double expected = fm_score_reference(&model, &row);
            assert_close(fm_score(&model, &row), expected, 1e-9 * (1 + fabs(expected)));
        }
        fm_free(&model);
    }
}

static void contributions_add_up_to_the_margin(void **state)
{
    (void)state;
    struct fm model = random_model(8);
    for (int r = 0; r < 50; r++) {
        struct fm_row row = fm_data_row(data, r);
        double parts[ENTRIES];
        double sum = (double)model.bias;
        fm_contributions(&model, &row, parts);
        for (int e = 0; e < row.count; e++) {
            sum += parts[e];
        }
        assert_close(sum, fm_score(&model, &row), 1e-9 * (1 + fabs(sum)));
    }
    fm_free(&model);
}

static void a_contribution_is_the_linear_term_and_half_of_the_pairs(void **state)
{
    (void)state;
    const float linear[] = {1, 10};
    struct mat pairs = mat_make(2, 1);
    double parts[2];
    mat_row(&pairs, 0)[0] = 3;
    mat_row(&pairs, 1)[0] = 5;
    struct fm model = fm_view(0, linear, 2, &pairs);
    const struct fm_row row = {2, (int32_t[]){0, 1}, (float[]){2, 1}};
    fm_contributions(&model, &row, parts); /* the pair is worth 3 * 5 * 2 * 1 = 30 */
    assert_close(parts[0], 2 + 15, 1e-12);
    assert_close(parts[1], 10 + 15, 1e-12);
    mat_free(&pairs);
}

static void an_empty_row_scores_the_bias(void **state)
{
    (void)state;
    struct fm model = random_model(8);
    const struct fm_row row = {0};
    assert_close(fm_score(&model, &row), 0.25, 0);
    fm_free(&model);
}

static void a_value_that_is_not_a_number_counts_as_absent(void **state)
{
    (void)state;
    struct fm model = random_model(8);
    const float odd[] = {NAN, INFINITY, -INFINITY, 0};
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        const struct fm_row row = {2, (int32_t[]){3, 9}, (float[]){1, odd[i]}};
        const struct fm_row without = {1, (int32_t[]){3}, (float[]){1}};
        assert_close(fm_score(&model, &row), fm_score(&model, &without), 1e-12);
    }
    fm_free(&model);
}

static void the_largest_values_still_give_a_finite_margin(void **state)
{
    (void)state;
    struct fm model = random_model(8);
    const struct fm_row row = {2, (int32_t[]){3, 9}, (float[]){3.4e38F, -3.4e38F}};
    double parts[2];
    fm_contributions(&model, &row, parts);
    assert_true(isfinite(fm_score(&model, &row)) && isfinite(parts[0]) && isfinite(parts[1]));
    fm_free(&model);
}

static void the_same_seed_gives_the_same_bytes_and_another_one_does_not(void **state)
{
    (void)state;
    struct err err = {0};
    struct fm_options o = fm_defaults(ROWS);
    struct fm models[3];
    struct fm_fit fit;
    o.epochs_max = 3;
    for (int i = 0; i < 3; i++) {
        o.seed = i == 2 ? 2 : 1;
        assert_succeeds(fm_train(data, &o, &models[i], &fit, &err), err);
    }
    size_t bytes = (size_t)FEATURES * (size_t)models[0].pairs.ld * sizeof(float);
    assert_memory_equal(models[0].pairs.data, models[1].pairs.data, bytes);
    assert_memory_equal(models[0].linear.data, models[1].linear.data, FEATURES * sizeof(float));
    assert_memory_not_equal(models[0].pairs.data, models[2].pairs.data, bytes);
    for (int i = 0; i < 3; i++) {
        fm_free(&models[i]);
    }
}

struct watch {
    double losses[200];
    int epochs;
    int stop_after;
};

static bool record(void *ctx, int epoch, double train_loss, double validation_loss)
{
    struct watch *watch = ctx;
    (void)train_loss;
    watch->losses[epoch] = validation_loss;
    watch->epochs = epoch;
    return epoch != watch->stop_after;
}

static void the_epoch_with_the_best_validation_is_kept(void **state)
{
    (void)state;
    struct err err = {0};
    struct watch watch = {0};
    struct fm_options o = fm_defaults(ROWS);
    struct fm model;
    struct fm_fit fit;
    o.validation_from = 400;
    o.epochs_max = 199;
    o.rate = 0.3F; /* fast enough to overfit 400 rows soon */
    o.l2_pairs = 0;
    o.progress = record;
    o.progress_ctx = &watch;
    assert_succeeds(fm_train(data, &o, &model, &fit, &err), err);
    assert_int_equal(fit.epochs_run, watch.epochs);
    assert_int_equal(fit.epochs_run, fit.epoch_kept + o.patience);
    assert_close(fm_log_loss(&model, data, 400, ROWS), watch.losses[fit.epoch_kept], 0);
    for (int e = 1; e <= watch.epochs; e++) {
        assert_true(watch.losses[fit.epoch_kept] <= watch.losses[e]);
    }
    fm_free(&model);
}

static void without_validation_all_epochs_run_and_the_last_is_kept(void **state)
{
    (void)state;
    struct err err = {0};
    struct fm_options o = fm_defaults(ROWS);
    struct fm model;
    struct fm_fit fit;
    o.epochs_max = 7;
    assert_succeeds(fm_train(data, &o, &model, &fit, &err), err);
    assert_int_equal(fit.epochs_run, 7);
    assert_int_equal(fit.epoch_kept, 7);
    fm_free(&model);
}

static void training_lowers_the_loss_below_that_of_the_base_rate(void **state)
{
    (void)state;
    struct err err = {0};
    struct fm_options o = fm_defaults(ROWS);
    struct fm model;
    struct fm_fit fit;
    double positives = 0;
    for (int r = 0; r < ROWS; r++) {
        positives += data->label[r];
    }
    double rate = positives / ROWS;
    assert_succeeds(fm_train(data, &o, &model, &fit, &err), err);
    assert_less(fm_log_loss(&model, data, 0, ROWS),
                -rate * log(rate) - (1 - rate) * log(1 - rate) - 0.02);
    fm_free(&model);
}

static void training_stops_when_the_caller_says_so(void **state)
{
    (void)state;
    struct err err = {0};
    struct watch watch = {.stop_after = 2};
    struct fm_options o = fm_defaults(ROWS);
    struct fm model = {0};
    struct fm_fit fit;
    o.progress = record;
    o.progress_ctx = &watch;
    assert_false(fm_train(data, &o, &model, &fit, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_int_equal(watch.epochs, 2);
    assert_null(model.linear.data);
}

static void odd_options_are_refused(void **state)
{
    (void)state;
    const struct fm_options good = fm_defaults(ROWS);
    struct fm_options bad[11];
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        bad[i] = good;
    }
    bad[0].factors = -1;
    bad[1].factors = FM_FACTORS_MAX + 1;
    bad[2].epochs_max = 0;
    bad[3].patience = 0;
    bad[4].rate = 0;
    bad[5].rate = NAN;
    bad[6].l2_linear = -1;
    bad[7].l2_pairs = INFINITY;
    bad[8].init_stdev = NAN;
    bad[9].validation_from = 0;
    bad[10].validation_from = ROWS + 1;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = {0};
        struct fm model;
        struct fm_fit fit;
        assert_refused(fm_train(data, &bad[i], &model, &fit, &err), err, "must");
    }
}

static void odd_examples_are_refused(void **state)
{
    (void)state;
    static struct examples bad;
    const char *const texts[] = {"not a finite",     "not a finite", "feature 40 of 40",
                                 "feature -1 of 40", "label 2",      "one class",
                                 "one class"};
    for (int i = 0; i < 7; i++) {
        struct err err = {0};
        struct fm_options o = fm_defaults(ROWS);
        struct fm model;
        struct fm_fit fit;
        examples_fill(&bad, 9);
        bad.value[77] = i == 0 ? NAN : i == 1 ? INFINITY : bad.value[77];
        bad.index[77] = i == 2 ? FEATURES : i == 3 ? -1 : bad.index[77];
        bad.label[ROWS - 1] = i == 4 ? 2 : bad.label[ROWS - 1];
        o.validation_from =
            i >= 5 ? 500 : ROWS; /* one class among training rows is enough to refuse */
        for (int r = 0; i >= 5 && r < 500; r++) {
            bad.label[r] = i == 5;
        }
        assert_refused(fm_train(&bad.data, &o, &model, &fit, &err), err, texts[i]);
    }
}

static void numbers_that_blow_up_are_a_failure_not_a_model(void **state)
{
    (void)state;
    static struct examples huge;
    struct err err = {0};
    struct fm_options o = fm_defaults(ROWS);
    struct fm model = {0};
    struct fm_fit fit;
    examples_fill(&huge, 9);
    huge.value[3] = 3e38F;
    assert_false(fm_train(&huge.data, &o, &model, &fit, &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_text_contains(err.text, "diverged");
    assert_null(model.linear.data);
}

static void a_constant_column_does_no_harm(void **state)
{
    (void)state;
    static struct examples constant;
    struct err err = {0};
    struct fm_options o = fm_defaults(ROWS);
    struct fm model;
    struct fm_fit fit;
    examples_fill(&constant, 9);
    for (int r = 0; r < ROWS; r++) {
        constant.index[constant.start[r]] = 0;
        constant.value[constant.start[r]] = 1;
    }
    assert_succeeds(fm_train(&constant.data, &o, &model, &fit, &err), err);
    assert_true(mat_is_finite(&model.linear) && mat_is_finite(&model.pairs));
    fm_free(&model);
}

static int start(void **state)
{
    (void)state;
    examples_fill(&examples, 8);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_score_is_the_sum_over_pairs_of_the_definition),
        cmocka_unit_test(contributions_add_up_to_the_margin),
        cmocka_unit_test(a_contribution_is_the_linear_term_and_half_of_the_pairs),
        cmocka_unit_test(an_empty_row_scores_the_bias),
        cmocka_unit_test(a_value_that_is_not_a_number_counts_as_absent),
        cmocka_unit_test(the_largest_values_still_give_a_finite_margin),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_and_another_one_does_not),
        cmocka_unit_test(the_epoch_with_the_best_validation_is_kept),
        cmocka_unit_test(without_validation_all_epochs_run_and_the_last_is_kept),
        cmocka_unit_test(training_lowers_the_loss_below_that_of_the_base_rate),
        cmocka_unit_test(training_stops_when_the_caller_says_so),
        cmocka_unit_test(odd_options_are_refused),
        cmocka_unit_test(odd_examples_are_refused),
        cmocka_unit_test(numbers_that_blow_up_are_a_failure_not_a_model),
        cmocka_unit_test(a_constant_column_does_no_harm),
    };
    return cmocka_run_group_tests_name("ml/fm", tests, start, NULL);
}
