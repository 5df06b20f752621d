#include "ml/learner/fm_field.h"

#include "base/cleanup.h"
#include "ml/learner/fm_field_internal.h"
#include "ml/linear/cpu.h"
#include "ml/linear/logistic.h"
#include "unit/ml/ml_spec.h"

#include <string.h>

enum { ROWS = 2000, COLUMNS = 7, PER_COLUMN = 12, SLOTS = COLUMNS * PER_COLUMN };
enum { FEATURES = SLOTS + COLUMNS };

/* Slots of 7 columns; labels follow pairs of columns. Each slot also stands for its column's half. */
struct slotted {
    int32_t slot[ROWS * COLUMNS];
    uint8_t label[ROWS];
    int32_t rows[ROWS];
    int32_t feature[SLOTS * FM_FIELD_FEATURES_MAX];
    struct fm_field_data data;
};

static void fill(struct slotted *x, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    for (int r = 0; r < ROWS; r++) {
        int value[COLUMNS];
        for (int c = 0; c < COLUMNS; c++) {
            value[c] = (int)rng_below(&rng, PER_COLUMN);
            x->slot[r * COLUMNS + c] = c * PER_COLUMN + value[c];
        }
        double margin = (value[0] > 5) == (value[1] > 5) ? 1.2 : -1.2;
        margin += 0.2 * (value[2] - 6);
        x->label[r] = rng_unit(&rng) < logistic(margin);
        x->rows[r] = r;
    }
    for (int s = 0; s < SLOTS; s++) {
        int32_t *f = x->feature + (size_t)s * FM_FIELD_FEATURES_MAX;
        f[0] = s;
        f[1] = s % PER_COLUMN > 5 ? SLOTS + s / PER_COLUMN : -1;
        f[2] = -1;
    }
    x->data = (struct fm_field_data){.columns = COLUMNS,
                                     .slots = SLOTS,
                                     .slot = x->slot,
                                     .label = x->label,
                                     .features = FEATURES,
                                     .feature = x->feature};
}

static struct slotted seen;
static struct slotted unseen;

static struct fm_field trained(const struct fm_field_options *o, struct fm_field_fit *fit)
{
    struct err err = {0};
    struct fm_field m = {0};
    assert_succeeds(fm_field_train(&seen.data, (struct row_list){seen.rows, ROWS * 3 / 4},
                                   (struct row_list){seen.rows + ROWS * 3 / 4, ROWS / 4}, o, &m,
                                   fit, &err),
                    err);
    return m;
}

static double loss_on(const struct fm_field *m, const struct slotted *x)
{
    double loss = 0;
    for (int r = 0; r < ROWS; r++) {
        double margin = fm_field_margin(m, x->slot + (size_t)r * COLUMNS, COLUMNS);
        loss += logistic_loss(margin, x->label[r]) / ROWS;
    }
    return loss;
}

static void it_finds_pairs_that_a_logistic_regression_cannot(void **state)
{
    (void)state;
    struct fm_field_options o = fm_field_defaults();
    struct fm_field_fit fit = {0};
    o.rate = 0.1F;
    struct fm_field m = trained(&o, &fit);
    o.factors = 0;
    struct fm_field linear = trained(&o, &fit);
    assert_less(loss_on(&m, &unseen), loss_on(&linear, &unseen) - 0.05);
    fm_field_free(&m);
    fm_field_free(&linear);
}

static void all_kernels_score_what_the_reference_scores(void **state)
{
    (void)state;
    const int factors[] = {0, 1, 5, 15, 16, 40, FM_FIELD_FACTORS_MAX};
    for (size_t i = 0; i < COUNT_OF(factors); i++) {
        struct fm_field m = {.slots = SLOTS, .factors = factors[i], .bias = 0.5F};
        m.weights = random_mat(SLOTS, factors[i] + 1, 9);
        for (int level = CPU_PORTABLE; level <= CPU_AVX512; level++) {
            enum cpu_level before = cpu_limit((enum cpu_level)level);
            for (int r = 0; r < 50; r++) {
                const int32_t *slots = seen.slot + (size_t)r * COLUMNS;
                double exact = fm_field_margin_reference(&m, slots, COLUMNS);
                double sizes = 1 + fabs(exact) + factors[i] * COLUMNS * COLUMNS;
                assert_close(fm_field_margin(&m, slots, COLUMNS), exact, 1e-5 * sizes);
            }
            (void)cpu_limit(before);
        }
        mat_free(&m.weights);
    }
}

/* One step of one kernel over two entries; out (2 entries, weights and sums of 32 lanes each). */
static void step_by(enum cpu_level level, float *out)
{
    enum { LANES = 32 };
    const int32_t index[] = {2, 0};
    const float value[] = {0.57735F, 1};
    float target[LANES];
    float mask[LANES];
    float decay[LANES];
    struct mat state = random_mat(3, 2 * LANES, 5);
    for (int r = 0; r < 3; r++) {
        for (int l = 0; l < LANES; l++) {
            mat_row(&state, r)[LANES + l] = 1 + 0.1F * (float)(l + r);
            target[l] = 0.1F * (float)l - 1;
            mask[l] = l < 20 ? 1 : 0;
            decay[l] = 0.01F;
        }
    }
    const struct fm_step s = {.base = state.data,
                              .stride = state.ld,
                              .lanes = LANES,
                              .count = 2,
                              .index = index,
                              .value = value,
                              .target = target,
                              .mask = mask,
                              .decay = decay,
                              .error = -0.4F,
                              .rate = 0.05F};
    enum cpu_level before = cpu_limit(level);
    fm_step_run(&s);
    (void)cpu_limit(before);
    memcpy(out, state.data, (size_t)3 * 2 * LANES * sizeof *out);
    mat_free(&state);
}

static void all_kernels_take_the_same_step(void **state)
{
    (void)state;
    enum { FLOATS = 3 * 2 * 32 };
    float plain[FLOATS];
    float fast[FLOATS];
    step_by(CPU_PORTABLE, plain);
    for (int level = CPU_AVX2; level <= CPU_AVX512; level++) {
        step_by((enum cpu_level)level, fast);
        for (int i = 0; i < FLOATS; i++) {
            assert_close(fast[i], plain[i], 2e-6 * (1 + fabs((double)plain[i])));
        }
    }
}

static void contributions_add_up_to_the_margin(void **state)
{
    (void)state;
    struct fm_field_options o = fm_field_defaults();
    struct fm_field_fit fit = {0};
    struct fm_field m = trained(&o, &fit);
    for (int r = 0; r < ROWS; r++) {
        const int32_t *slots = unseen.slot + (size_t)r * COLUMNS;
        double parts[COLUMNS];
        double sum = (double)m.bias;
        fm_field_contributions(&m, slots, COLUMNS, parts);
        for (int c = 0; c < COLUMNS; c++) {
            sum += parts[c];
        }
        assert_close(sum, fm_field_margin_reference(&m, slots, COLUMNS), 1e-9);
    }
    fm_field_free(&m);
}

static void the_mean_of_machines_scores_the_mean_of_their_margins(void **state)
{
    (void)state;
    struct fm_field_options o = fm_field_defaults();
    struct fm_field_fit fit = {0};
    struct fm_field a = trained(&o, &fit);
    o.seed = 2;
    struct fm_field b = trained(&o, &fit);
    const struct fm_field *const both[] = {&a, &b};
    struct fm_field mean = fm_field_mean(both, 2);
    for (int r = 0; r < ROWS; r++) {
        const int32_t *slots = unseen.slot + (size_t)r * COLUMNS;
        double middle = (fm_field_margin_reference(&a, slots, COLUMNS) +
                         fm_field_margin_reference(&b, slots, COLUMNS)) /
                        2;
        assert_close(fm_field_margin_reference(&mean, slots, COLUMNS), middle, 1e-5);
    }
    fm_field_free(&a);
    fm_field_free(&b);
    fm_field_free(&mean);
}

/* Two hundred columns that never vary, and labels of a tenth: each step of a row moves what all rows have
 * in common two hundred times over, but what comes out is right on average. */
static void columns_that_never_vary_do_not_move_the_mean(void **state)
{
    enum { CONSTANT = 200, SOME = 1000 };
    static int32_t slot[SOME * CONSTANT];
    static int32_t feature[CONSTANT * FM_FIELD_FEATURES_MAX];
    uint8_t label[SOME];
    int32_t rows[SOME];
    struct rng rng = rng_seed(3);
    double rate = 0;
    (void)state;
    for (int r = 0; r < SOME; r++) {
        label[r] = rng_unit(&rng) < 0.1;
        rate += (double)label[r] / SOME;
        rows[r] = r;
        for (int c = 0; c < CONSTANT; c++) {
            slot[r * CONSTANT + c] = c;
        }
    }
    for (int c = 0; c < CONSTANT; c++) {
        int32_t *f = feature + (size_t)c * FM_FIELD_FEATURES_MAX;
        f[0] = c;
        f[1] = -1;
    }
    const struct fm_field_data data = {.columns = CONSTANT,
                                       .slots = CONSTANT,
                                       .slot = slot,
                                       .label = label,
                                       .features = CONSTANT,
                                       .feature = feature};
    struct fm_field_options o = fm_field_defaults();
    struct err err = {0};
    for (int factors = 0; factors < 2; factors++) {
        CLEANUP(fm_field_free) struct fm_field m = {0};
        struct fm_field_fit fit;
        o.factors = factors * 4;
        o.epochs_max = 3;
        assert_succeeds(fm_field_train(&data, (struct row_list){rows, SOME}, (struct row_list){0},
                                       &o, &m, &fit, &err),
                        err);
        assert_close(logistic(fm_field_margin(&m, slot, CONSTANT)), rate, 1e-3);
    }
}

static void slots_that_no_row_used_say_nothing(void **state)
{
    (void)state;
    struct fm_field_options o = fm_field_defaults();
    struct fm_field_fit fit = {0};
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        seen.slot[i] -= seen.slot[i] == PER_COLUMN - 1; /* the last slot of the first column */
    }
    struct fm_field m = trained(&o, &fit);
    const float *w = mat_row(&m.weights, PER_COLUMN - 1);
    for (int f = 0; f <= m.factors; f++) {
        assert_close(w[f], 0, 0);
    }
    fm_field_free(&m);
    fill(&seen, 1);
}

static void the_same_seed_gives_the_same_bytes_and_another_one_does_not(void **state)
{
    (void)state;
    struct fm_field_options o = fm_field_defaults();
    struct fm_field_fit fit = {0};
    struct fm_field m[3];
    for (int i = 0; i < 3; i++) {
        o.seed = i == 2 ? 2 : 1;
        m[i] = trained(&o, &fit);
    }
    size_t bytes = (size_t)SLOTS * (size_t)m[0].weights.ld * sizeof(float);
    assert_memory_equal(m[0].weights.data, m[1].weights.data, bytes);
    assert_memory_not_equal(m[0].weights.data, m[2].weights.data, bytes);
    for (int i = 0; i < 3; i++) {
        fm_field_free(&m[i]);
    }
}

static void what_teaches_nothing_is_refused(void **state)
{
    (void)state;
    static const uint8_t zeros[ROWS] = {0};
    struct fm_field_options o = fm_field_defaults();
    struct fm_field_fit fit = {0};
    struct fm_field m = {0};
    struct err err = {0};
    struct fm_field_data data = seen.data;
    const struct row_list all = {seen.rows, ROWS};
    const struct row_list none = {0};
    data.label = zeros;
    assert_refused(fm_field_train(&data, all, none, &o, &m, &fit, &err), err, "one class");
    assert_refused(fm_field_train(&seen.data, none, none, &o, &m, &fit, &err), err, "0 training");
    o.factors = FM_FIELD_FACTORS_MAX + 1;
    assert_refused(fm_field_train(&seen.data, all, none, &o, &m, &fit, &err), err, "factors");
    o = fm_field_defaults();
    o.rate = NAN;
    assert_refused(fm_field_train(&seen.data, all, none, &o, &m, &fit, &err), err, "rate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_finds_pairs_that_a_logistic_regression_cannot),
        cmocka_unit_test(all_kernels_score_what_the_reference_scores),
        cmocka_unit_test(all_kernels_take_the_same_step),
        cmocka_unit_test(contributions_add_up_to_the_margin),
        cmocka_unit_test(the_mean_of_machines_scores_the_mean_of_their_margins),
        cmocka_unit_test(columns_that_never_vary_do_not_move_the_mean),
        cmocka_unit_test(slots_that_no_row_used_say_nothing),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_and_another_one_does_not),
        cmocka_unit_test(what_teaches_nothing_is_refused),
    };
    fill(&seen, 1);
    fill(&unseen, 2);
    return cmocka_run_group_tests_name("ml/learner/fm_field", tests, NULL, NULL);
}
