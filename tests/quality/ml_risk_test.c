/* Does the factorization machine find what lies in pairs, and is it honest after calibration? */
#include "ml/calib.h"
#include "ml/fm.h"
#include "ml/logistic.h"
#include "unit/ml/ml_spec.h"

enum { ROWS = 24000, TRAIN = 12000, VALID = 15000, CALIBRATE = 19000, SIDES = 12, ENTRIES = 3 };

/* Carts with a device, a campaign and the hour: lost or not by the pair (device, campaign) alone,
 * which no sum of single effects can tell; rows stand in order of time. */
struct carts {
    int64_t start[ROWS + 1];
    int32_t index[ROWS * ENTRIES];
    float value[ROWS * ENTRIES];
    uint8_t label[ROWS];
    double truth[ROWS];
    struct fm_data data;
};

static struct carts carts;

static void carts_make(uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    for (int r = 0; r < ROWS; r++) {
        int device = (int)rng_below(&rng, SIDES);
        int campaign = (int)rng_below(&rng, SIDES);
        carts.start[r] = (int64_t)r * ENTRIES;
        int32_t *index = &carts.index[carts.start[r]];
        index[0] = device;
        index[1] = SIDES + campaign;
        index[2] = 2 * SIDES + (int)rng_below(&rng, 24);
        for (int e = 0; e < ENTRIES; e++) {
            carts.value[carts.start[r] + e] = 1;
        }
        carts.truth[r] = logistic(0.5 + ((device + campaign) % 2 ? 1.6 : -1.6));
        carts.label[r] = rng_unit(&rng) < carts.truth[r];
    }
    carts.start[ROWS] = (int64_t)ROWS * ENTRIES;
    carts.data = (struct fm_data){.rows = ROWS,
                                  .features = 2 * SIDES + 24,
                                  .start = carts.start,
                                  .index = carts.index,
                                  .value = carts.value,
                                  .label = carts.label};
}

static struct fm train(int factors, uint64_t seed)
{
    struct err err = {0};
    struct fm_options o = fm_defaults(VALID);
    struct fm model;
    struct fm_fit fit;
    struct fm_data seen = carts.data;
    seen.rows = VALID;
    o.factors = factors;
    o.seed = seed;
    o.validation_from = TRAIN;
    assert_succeeds(fm_train(&seen, &o, &model, &fit, &err), err);
    return model;
}

/* Margins of rows from .. to-1. */
static void score(const struct fm *model, int from, int to, double *out)
{
    for (int r = from; r < to; r++) {
        struct fm_row row = fm_data_row(&carts.data, r);
        out[r - from] = fm_score(model, &row);
    }
}

static double test_auc(const struct fm *model)
{
    static double margins[ROWS];
    score(model, CALIBRATE, ROWS, margins);
    return calib_auc(margins, carts.label + CALIBRATE, ROWS - CALIBRATE);
}

static void pairs_are_learnt_that_logistic_regression_cannot_see(void **state)
{
    (void)state;
    double best = calib_auc(carts.truth + CALIBRATE, carts.label + CALIBRATE, ROWS - CALIBRATE);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct fm pairs = train(8, seed);
        struct fm plain = train(0, seed);
        print_message("AUC, seed %d: k=8 %.4f, k=0 %.4f, the truth %.4f\n", (int)seed,
                      test_auc(&pairs), test_auc(&plain), best);
        assert_less(best - 0.02, test_auc(&pairs));
        assert_less(test_auc(&plain), 0.55);
        fm_free(&pairs);
        fm_free(&plain);
    }
}

static void platt_makes_margins_honest_that_were_not(void **state)
{
    (void)state;
    static double margins[ROWS];
    static double before[ROWS];
    static double after[ROWS];
    const int test_rows = ROWS - CALIBRATE;
    struct err err = {0};
    struct platt platt;
    struct fm model = train(8, 1);
    score(&model, VALID, ROWS, margins);
    for (int i = 0; i < ROWS - VALID; i++) {
        margins[i] = 3 * margins[i] - 1; /* overconfident and shifted, as under drift */
    }
    assert_succeeds(calib_fit(margins, carts.label + VALID, CALIBRATE - VALID, &platt, &err), err);
    for (int i = 0; i < test_rows; i++) {
        before[i] = logistic(margins[CALIBRATE - VALID + i]);
        after[i] = calib_apply(&platt, margins[CALIBRATE - VALID + i]);
    }
    const uint8_t *labels = carts.label + CALIBRATE;
    print_message("ECE %.4f -> %.4f, Brier %.4f -> %.4f\n", calib_ece(before, labels, test_rows),
                  calib_ece(after, labels, test_rows), calib_brier(before, labels, test_rows),
                  calib_brier(after, labels, test_rows));
    assert_less(0.1, calib_ece(before, labels, test_rows));
    assert_less(calib_ece(after, labels, test_rows), 0.03);
    assert_less(calib_brier(after, labels, test_rows), calib_brier(before, labels, test_rows));
    fm_free(&model);
}

static void the_brier_score_is_below_that_of_the_base_rate(void **state)
{
    (void)state;
    static double probabilities[ROWS];
    const int test_rows = ROWS - CALIBRATE;
    const uint8_t *labels = carts.label + CALIBRATE;
    struct fm model = train(8, 1);
    double rate = 0;
    score(&model, CALIBRATE, ROWS, probabilities);
    for (int i = 0; i < test_rows; i++) {
        probabilities[i] = logistic(probabilities[i]);
        rate += labels[i] / (double)test_rows;
    }
    assert_less(calib_brier(probabilities, labels, test_rows), 0.75 * rate * (1 - rate));
    fm_free(&model);
}

static int start(void **state)
{
    (void)state;
    carts_make(51);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_learnt_that_logistic_regression_cannot_see),
        cmocka_unit_test(platt_makes_margins_honest_that_were_not),
        cmocka_unit_test(the_brier_score_is_below_that_of_the_base_rate),
    };
    return cmocka_run_group_tests_name("quality/risk", tests, start, NULL);
}
