/* Does the risk learner find what lies in pairs, is what it says true, and does each part earn its place? */
#include "ml/judge/calib.h"
#include "ml/learner/learner.h"
#include "ml/linear/logistic.h"
#include "support/at_length.h"
#include "unit/ml/ml_spec.h"

#include <stdlib.h>

enum { ROWS = 16000, TRAIN = 10000, TEST = ROWS - TRAIN, SIDES = 12, COLUMNS = 4 };

/* Carts with a device, a campaign, the hour and a total: lost or not by the pair (device, campaign), which no
 * sum of single effects can tell, and by totals in the middle of their range. Rows stand in order of time. */
struct carts {
    union learner_cell cells[ROWS * COLUMNS];
    uint8_t label[ROWS];
    double truth[ROWS];
};
static struct carts carts;
static const uint8_t kinds[COLUMNS] = {LEARNER_ID, LEARNER_ID, LEARNER_ID, LEARNER_NUMBER};

static void carts_make(uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    for (int r = 0; r < ROWS; r++) {
        union learner_cell *row = carts.cells + (size_t)r * COLUMNS;
        uint64_t device = rng_below(&rng, SIDES);
        uint64_t campaign = rng_below(&rng, SIDES);
        double total = rng_unit(&rng);
        row[0].id = 1 + device;
        row[1].id = 1 + campaign;
        row[2].id = 1 + rng_below(&rng, 24);
        row[3].number = total;
        carts.truth[r] = logistic(((device + campaign) % 2 ? 1.6 : -1.6) +
                                  (total > 0.4 && total < 0.6 ? 1.5 : -0.5));
        carts.label[r] = rng_unit(&rng) < carts.truth[r];
    }
}

static struct learner_options quick(uint64_t seed)
{
    struct learner_options o = learner_defaults(TRAIN);
    o.machine_bags = 1;
    o.boosting_bags = 1;
    o.folds_run = 2;
    o.threads = 2;
    o.seed = seed;
    return o;
}

static struct learner *train(const struct learner_options *o, struct learner_fit *fit)
{
    const struct learner_table table = {.rows = TRAIN,
                                        .columns = COLUMNS,
                                        .kind = kinds,
                                        .cells = carts.cells,
                                        .label = carts.label};
    struct learner *l = NULL;
    struct err err = {0};
    assert_succeeds(learner_train(&table, o, &l, fit, &err), err);
    return l;
}

/* Both parts, seed 1: trained once for all tests. */
static struct learner *whole;

/* What the learner says of the rows it has not seen. */
static void score(const struct learner *l, double out[TEST])
{
    for (int r = 0; r < TEST; r++) {
        out[r] = learner_probability(l, carts.cells + (size_t)(TRAIN + r) * COLUMNS);
    }
}

static double auc_of(const struct learner *l)
{
    static double p[TEST];
    score(l, p);
    return calib_auc(p, carts.label + TRAIN, TEST);
}

static void pairs_are_learnt_that_logistic_regression_cannot_see(void **state)
{
    (void)state;
    double best = calib_auc(carts.truth + TRAIN, carts.label + TRAIN, TEST);
    const uint64_t seeds = at_length() ? 3 : 1;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct learner_fit fit;
        struct learner_options o = quick(seed);
        o.boosting_bags = 0;
        struct learner *pairs = train(&o, &fit);
        o.machine.factors = 0;
        struct learner *plain = train(&o, &fit);
        print_message("AUC, seed %d: machine %.4f, without factors %.4f, the truth %.4f\n",
                      (int)seed, auc_of(pairs), auc_of(plain), best);
        assert_less(best - 0.03, auc_of(pairs));
        assert_less(auc_of(plain), auc_of(pairs) - 0.1);
        learner_free(&pairs);
        learner_free(&plain);
    }
}

static void scores_are_honest_and_close_to_the_truth(void **state)
{
    (void)state;
    static double p[TEST];
    const uint8_t *labels = carts.label + TRAIN;
    score(whole, p);
    double rate = 0;
    for (int r = 0; r < TEST; r++) {
        rate += labels[r] / (double)TEST;
    }
    const double truth = calib_brier(carts.truth + TRAIN, labels, TEST);
    print_message("Brier %.4f, the truth's %.4f, base rate %.4f, ECE %.4f\n",
                  calib_brier(p, labels, TEST), truth, rate * (1 - rate),
                  calib_ece(p, labels, TEST));
    assert_less(calib_brier(p, labels, TEST), 1.03 * truth);
    assert_less(calib_brier(p, labels, TEST), 0.75 * rate * (1 - rate));
    assert_less(calib_ece(p, labels, TEST), 0.04); /* .01 to .02 are chance */
}

static void two_parts_are_no_worse_than_either(void **state)
{
    (void)state;
    struct learner_fit fit;
    struct learner_options o = quick(1);
    o.boosting_bags = 0;
    struct learner *machine = train(&o, &fit);
    o.boosting_bags = 1;
    o.machine_bags = 0;
    struct learner *trees = train(&o, &fit);
    print_message("AUC: both %.4f, machine %.4f, trees %.4f\n", auc_of(whole), auc_of(machine),
                  auc_of(trees));
    assert_less(auc_of(machine) - 0.003, auc_of(whole));
    assert_less(auc_of(trees) - 0.003, auc_of(whole));
    learner_free(&machine);
    learner_free(&trees);
}

static int start(void **state)
{
    struct learner_fit fit;
    const struct learner_options o = quick(1);
    (void)state;
    carts_make(51);
    whole = train(&o, &fit);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    learner_free(&whole);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_learnt_that_logistic_regression_cannot_see),
        cmocka_unit_test(scores_are_honest_and_close_to_the_truth),
        cmocka_unit_test(two_parts_are_no_worse_than_either),
    };
    return cmocka_run_group_tests_name("quality/risk", tests, start, finish);
}
