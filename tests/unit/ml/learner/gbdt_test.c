#include "ml/learner/gbdt.h"

#include "ml/learner/gbdt_internal.h"
#include "ml/linear/logistic.h"
#include "unit/ml/ml_spec.h"

#include <string.h>

enum { ROWS = 3000, COLUMNS = 6, BINS = 16 };

/* Columns 0 .. 3 are ordered, 4 and 5 are sets; labels follow 0, the missing of 1, a pair and 4. */
struct binned {
    uint8_t bin[ROWS * COLUMNS];
    uint8_t label[ROWS];
    int32_t rows[ROWS];
    struct gbdt_data data;
};
static const uint8_t bins_of[COLUMNS] = {BINS, BINS, BINS, 2, 8, GBDT_BINS_MAX};
static const uint8_t is_set[COLUMNS] = {0, 0, 0, 0, 1, 1};

static void fill(struct binned *x, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    for (int r = 0; r < ROWS; r++) {
        uint8_t *bin = x->bin + (size_t)r * COLUMNS;
        for (int c = 0; c < COLUMNS; c++) {
            bin[c] = (uint8_t)rng_below(&rng, bins_of[c]);
        }
        double margin = -1 + 0.15 * bin[0] + (bin[1] == 0 ? 2 : 0);
        margin += (bin[2] > 7) == (bin[3] == 1) ? 0.7 : -0.7;
        margin += bin[4] % 3 == 1 ? 1.5 : 0;
        x->label[r] = rng_unit(&rng) < logistic(margin);
        x->rows[r] = r;
    }
    x->data = (struct gbdt_data){.columns = COLUMNS,
                                 .bin = x->bin,
                                 .bins = bins_of,
                                 .categorical = is_set,
                                 .label = x->label};
}

static struct binned seen;
static struct binned unseen;

static struct row_list all_rows(const struct binned *x)
{
    return (struct row_list){x->rows, ROWS};
}

static struct gbdt_options plain(int trees)
{
    struct gbdt_options o = gbdt_defaults();
    o.trees_max = trees;
    o.row_share = 1;
    o.column_share = 1;
    o.rate = 0.1;
    return o;
}

static struct gbdt trained(const struct gbdt_options *o, struct gbdt_fit *fit)
{
    struct err err = {0};
    struct gbdt m = {0};
    const struct row_list none = {0};
    assert_succeeds(gbdt_train(&seen.data, all_rows(&seen), none, o, &m, fit, &err), err);
    return m;
}

/* ---- the plain reference: sums over rows in double, every split tried, nothing subtracted ---- */

struct sums {
    double gradient, hessian;
};

/* Gradients before the first tree. */
static struct sums of_row(int row, double base)
{
    double p = logistic(base);
    return (struct sums){p - seen.label[row], p * (1 - p)};
}

static double worth(struct sums s, double l2)
{
    return s.gradient * s.gradient / (s.hessian + l2);
}

/* What a split of the node's rows gains; 0 where a side is too light. */
static double gain_of(const uint8_t *in_node, int column, uint64_t left, double base,
                      const struct gbdt_options *o)
{
    struct sums side[2] = {{0}};
    for (int r = 0; r < ROWS; r++) {
        if (in_node[r]) {
            struct sums s = of_row(r, base);
            bool is_left = (left >> seen.bin[(size_t)r * COLUMNS + (size_t)column]) & 1;
            side[is_left].gradient += s.gradient;
            side[is_left].hessian += s.hessian;
        }
    }
    struct sums total = {side[0].gradient + side[1].gradient, side[0].hessian + side[1].hessian};
    if (side[0].hessian < o->child_weight || side[1].hessian < o->child_weight) {
        return 0;
    }
    return worth(side[0], o->l2) + worth(side[1], o->l2) - worth(total, o->l2);
}

/* The best of all borders of all ordered columns, the missing on either side. */
static double best_ordered_gain(const uint8_t *in_node, double base, const struct gbdt_options *o)
{
    double best = 0;
    for (int c = 0; c < 4; c++) {
        for (int b = 1; b < bins_of[c]; b++) {
            uint64_t below = ((UINT64_C(2) << b) - 1) & ~UINT64_C(1);
            best = fmax(best, gain_of(in_node, c, below, base, o));
            best = fmax(best, gain_of(in_node, c, below | 1, base, o));
        }
    }
    return best;
}

/* The best of all sets of the column of 8 bins. */
static double best_set_gain(const uint8_t *in_node, double base, const struct gbdt_options *o)
{
    double best = 0;
    for (uint64_t set = 1; set < 255; set++) {
        best = fmax(best, gain_of(in_node, 4, set, base, o));
    }
    return best;
}

static void check_node(const struct gbdt *m, const uint8_t *in_node, int node,
                       const struct gbdt_options *o)
{
    struct sums total = {0};
    for (int r = 0; r < ROWS; r++) {
        if (in_node[r]) {
            struct sums s = of_row(r, m->base);
            total.gradient += s.gradient;
            total.hessian += s.hessian;
        }
    }
    if (total.hessian <= 0) {
        return; /* behind a branch that ended early */
    }
    assert_close(m->value[node], -o->rate * total.gradient / (total.hessian + o->l2), 1e-6);
    if (node < gbdt_splits(m->depth)) {
        double taken = gain_of(in_node, m->column[node], m->left[node], m->base, o);
        assert_less(best_ordered_gain(in_node, m->base, o), taken + 1e-3);
        if (total.hessian > 100) { /* each bin is heavy enough; sets are judged stricter */
            assert_less(0.85 * best_set_gain(in_node, m->base, o), taken + 1e-3);
        }
    }
}

static void every_split_of_a_tree_is_the_best_there_is(void **state)
{
    (void)state;
    struct gbdt_options o = plain(1);
    struct gbdt_fit fit = {0};
    o.depth = 3;
    struct gbdt m = trained(&o, &fit);
    for (int node = 0; node < gbdt_nodes(o.depth); node++) {
        static uint8_t in_node[ROWS];
        for (int r = 0; r < ROWS; r++) {
            int at = node; /* the row is there if all splits from the node up lead to it */
            bool inside = true;
            for (; at > 0; at = (at - 1) / 2) {
                int parent = (at - 1) / 2;
                uint8_t bin = seen.bin[(size_t)r * COLUMNS + (size_t)m.column[parent]];
                inside = inside && ((m.left[parent] >> bin) & 1) == (uint64_t)(at % 2);
            }
            in_node[r] = inside;
        }
        check_node(&m, in_node, node, &o);
    }
    gbdt_free(&m);
}

static double loss_on(const struct gbdt *m, const struct binned *x)
{
    double loss = 0;
    for (int r = 0; r < ROWS; r++) {
        loss += logistic_loss(gbdt_margin(m, x->bin + (size_t)r * COLUMNS), x->label[r]) / ROWS;
    }
    return loss;
}

static double mean_distance(const struct gbdt *a, const struct gbdt *b)
{
    double sum = 0;
    for (size_t r = 0; r < ROWS; r++) {
        const uint8_t *bins = unseen.bin + r * COLUMNS;
        sum += fabs(gbdt_margin(a, bins) - gbdt_margin(b, bins)) / ROWS;
    }
    return sum;
}

/* But for ties between splits, which rounding decides. */
static void two_rows_of_half_the_weight_are_as_good_as_one(void **state)
{
    (void)state;
    enum { SINGLES = ROWS / 2, BOTH = SINGLES + SINGLES / 2 };
    static float weight[ROWS];
    static int32_t twice[BOTH]; /* the second half of the singles stands there twice */
    const struct gbdt_options o = plain(10);
    struct gbdt_fit fit = {0};
    struct gbdt m[3] = {{0}}; /* singles; twice with weights; twice without */
    struct err err = {0};
    struct gbdt_data data = seen.data;
    for (int32_t r = 0; r < BOTH; r++) {
        twice[r] = r < SINGLES ? r : r - SINGLES / 2;
        weight[twice[r]] = twice[r] < SINGLES / 2 ? 1 : 0.5F;
    }
    for (int i = 0; i < 3; i++) {
        const struct row_list list = {i == 0 ? seen.rows : twice, i == 0 ? SINGLES : BOTH};
        data.weight = i == 1 ? weight : NULL;
        assert_succeeds(gbdt_train(&data, list, (struct row_list){0}, &o, &m[i], &fit, &err), err);
    }
    assert_close(m[0].base, m[1].base, 1e-12);
    assert_less(mean_distance(&m[0], &m[1]), mean_distance(&m[0], &m[2]) / 5);
    for (int i = 0; i < 3; i++) {
        gbdt_free(&m[i]);
    }
}

static void each_tree_lowers_the_training_loss_and_many_find_what_is_there(void **state)
{
    (void)state;
    struct gbdt_options o = plain(100);
    struct gbdt_fit fit = {0};
    struct gbdt m = trained(&o, &fit);
    double before = 1e9;
    for (int trees = 0; trees <= 100; trees += 10) {
        struct gbdt first = m;
        first.trees = trees;
        assert_less(loss_on(&first, &seen), before);
        before = loss_on(&first, &seen);
    }
    struct gbdt none = m;
    none.trees = 0;
    assert_less(loss_on(&m, &unseen), loss_on(&none, &unseen) - 0.04);
    gbdt_free(&m);
}

static void the_same_trees_grow_on_any_number_of_threads(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    static uint8_t bin[MANY * COLUMNS];
    static uint8_t label[MANY];
    static int32_t rows[MANY];
    struct gbdt_options o = gbdt_defaults();
    struct gbdt models[3];
    struct gbdt_fit fit;
    struct err err = {0};
    o.trees_max = 8;
    for (int r = 0; r < MANY; r++) {
        memcpy(bin + (size_t)r * COLUMNS, seen.bin + (size_t)(r % ROWS) * COLUMNS, COLUMNS);
        label[r] = (uint8_t)(seen.label[r % ROWS] ^ (r % 7 == 0));
        rows[r] = r;
    }
    const struct gbdt_data data = {COLUMNS, bin, bins_of, is_set, label, NULL};
    for (int i = 0; i < 3; i++) {
        o.threads = i + 1;
        assert_succeeds(gbdt_train(&data, (struct row_list){rows, MANY}, (struct row_list){0}, &o,
                                   &models[i], &fit, &err),
                        err);
    }
    size_t splits = 8 * (size_t)gbdt_splits(o.depth);
    for (int i = 1; i < 3; i++) {
        assert_memory_equal(models[0].left, models[i].left, splits * sizeof(uint64_t));
        assert_memory_equal(models[0].column, models[i].column, splits * sizeof(int32_t));
        assert_memory_equal(models[0].value, models[i].value,
                            8 * (size_t)gbdt_nodes(o.depth) * sizeof(float));
    }
    for (int i = 0; i < 3; i++) {
        gbdt_free(&models[i]);
    }
}

static void contributions_add_up_to_the_margin(void **state)
{
    (void)state;
    struct gbdt_options o = plain(50);
    struct gbdt_fit fit = {0};
    struct gbdt m = trained(&o, &fit);
    for (int r = 0; r < ROWS; r++) {
        const uint8_t *bins = unseen.bin + (size_t)r * COLUMNS;
        double parts[COLUMNS] = {0};
        double sum = gbdt_contributions(&m, bins, 1, parts);
        for (int c = 0; c < COLUMNS; c++) {
            sum += parts[c];
        }
        assert_close(sum, gbdt_margin(&m, bins), 1e-9);
    }
    gbdt_free(&m);
}

static void the_mean_of_models_scores_the_mean_of_their_margins(void **state)
{
    (void)state;
    struct gbdt_options o = gbdt_defaults();
    struct gbdt_fit fit = {0};
    o.trees_max = 13;
    struct gbdt a = trained(&o, &fit);
    o.seed = 2;
    for (int depth = 2; depth <= 5; depth += 3) { /* shallower than a, and as deep */
        o.depth = depth;
        struct gbdt b = trained(&o, &fit);
        const struct gbdt *const both[] = {&b, &a};
        struct gbdt mean = gbdt_mean(both, 2);
        assert_int_equal(mean.depth, a.depth);
        assert_true(gbdt_is_sound(&mean));
        for (int r = 0; r < ROWS; r++) {
            const uint8_t *bins = unseen.bin + (size_t)r * COLUMNS;
            double parts[3][COLUMNS] = {{0}};
            double none = gbdt_contributions(&mean, bins, 1, parts[0]);
            double nones = gbdt_contributions(&a, bins, 0.5, parts[1]);
            nones += gbdt_contributions(&b, bins, 0.5, parts[2]);
            assert_close(gbdt_margin(&mean, bins),
                         (gbdt_margin(&a, bins) + gbdt_margin(&b, bins)) / 2, 1e-6);
            assert_close(none, nones, 1e-6);
            for (int c = 0; c < COLUMNS; c++) {
                assert_close(parts[0][c], parts[1][c] + parts[2][c], 1e-6);
            }
        }
        gbdt_free(&b);
        gbdt_free(&mean);
    }
    gbdt_free(&a);
}

static void validation_tells_when_to_stop(void **state)
{
    (void)state;
    struct gbdt_options o = plain(400);
    struct gbdt_fit fit = {0};
    struct err err = {0};
    struct gbdt m = {0};
    const struct row_list train = {seen.rows, 300};
    const struct row_list held = {seen.rows + 300, ROWS - 300};
    o.patience = 10;
    o.rate = 0.3; /* learns 300 rows by heart soon */
    assert_succeeds(gbdt_train(&seen.data, train, held, &o, &m, &fit, &err), err);
    assert_int_equal(m.trees, fit.trees_kept);
    double loss = 0;
    for (int r = 300; r < ROWS; r++) {
        loss += logistic_loss(gbdt_margin(&m, seen.bin + (size_t)r * COLUMNS), seen.label[r]);
    }
    assert_close(fit.validation_loss, loss / (ROWS - 300), 1e-9); /* of the trees that are kept */
    assert_int_equal(fit.trees_run, fit.trees_kept + 10);
    gbdt_free(&m);
}

/* One column of two values: behind the first split there is nothing left to part. */
static void a_branch_that_ends_early_says_its_own_step_in_all_its_leaves(void **state)
{
    (void)state;
    enum { HALF = 100 };
    static uint8_t bin[2 * HALF];
    static uint8_t label[2 * HALF];
    static const uint8_t three = 3;
    static const uint8_t ordered = 0;
    struct gbdt_options o = plain(1);
    struct gbdt_fit fit = {0};
    struct gbdt m = {0};
    struct err err = {0};
    for (int r = 0; r < 2 * HALF; r++) {
        bin[r] = r < HALF ? 1 : 2;
        label[r] = r % HALF < (r < HALF ? 30 : 60);
    }
    const struct gbdt_data data = {1, bin, &three, &ordered, label, NULL};
    const struct row_list rows = {seen.rows, 2 * HALF};
    o.depth = 3;
    assert_succeeds(gbdt_train(&data, rows, (struct row_list){0}, &o, &m, &fit, &err), err);
    const double p = 0.45;
    assert_close(m.base, log(p / (1 - p)), 1e-12);
    for (int side = 0; side < 2; side++) {
        const double gradient = HALF * p - (side ? 60 : 30);
        const double step = -o.rate * gradient / (HALF * p * (1 - p) + o.l2);
        for (int node = 0; node < gbdt_nodes(3); node++) {
            int top = node;
            while (top > 2) {
                top = (top - 1) / 2;
            }
            if (top == 1 + side) {
                assert_close(m.value[node], step, 1e-6);
            }
        }
    }
    assert_close(m.value[0], 0, 1e-6);
    gbdt_free(&m);
}

static void a_tree_asks_only_for_its_share_of_columns(void **state)
{
    (void)state;
    struct gbdt_options o = plain(30);
    struct gbdt_fit fit = {0};
    bool asked[COLUMNS] = {false};
    o.column_share = 0.3; /* two of six */
    struct gbdt m = trained(&o, &fit);
    const int splits = gbdt_splits(m.depth);
    for (int t = 0; t < m.trees; t++) {
        bool here[COLUMNS] = {false};
        int count = 0;
        for (int i = 0; i < splits; i++) {
            const int at = t * splits + i;
            if (m.left[at] != ~UINT64_C(0)) {
                count += !here[m.column[at]];
                here[m.column[at]] = true;
                asked[m.column[at]] = true;
            }
        }
        assert_in_range(count, 1, 2);
    }
    for (int c = 0; c < COLUMNS; c++) {
        assert_true(asked[c]); /* each in its turn */
    }
    gbdt_free(&m);
}

static void of_equal_columns_the_first_is_asked(void **state)
{
    (void)state;
    static uint8_t twice[ROWS * 2];
    static const uint8_t bins[] = {2, 2};
    static const uint8_t none[] = {0, 0};
    static uint8_t label[ROWS];
    struct gbdt_options o = plain(3);
    struct gbdt_fit fit = {0};
    struct gbdt m = {0};
    struct err err = {0};
    const struct gbdt_data data = {2, twice, bins, none, label, NULL};
    for (int r = 0; r < ROWS; r++) {
        label[r] = r % 3 == 0;
        memset(twice + 2 * (size_t)r, r % 3 == 0 || r % 7 == 0, 2);
    }
    o.depth = 1;
    assert_succeeds(gbdt_train(&data, all_rows(&seen), (struct row_list){0}, &o, &m, &fit, &err),
                    err);
    for (int t = 0; t < m.trees; t++) {
        assert_true(m.left[t] != ~UINT64_C(0)); /* it is parted */
        assert_int_equal(m.column[t], 0);
    }
    gbdt_free(&m);
    assert_null(m.owned);
    assert_int_equal(m.trees, 0);
    gbdt_free(&m); /* of nothing, nothing */
}

static void constant_columns_grow_no_split(void **state)
{
    (void)state;
    static uint8_t same[ROWS * COLUMNS];
    struct gbdt_options o = plain(5);
    struct gbdt_fit fit = {0};
    struct gbdt m = {0};
    struct err err = {0};
    const struct gbdt_data data = {COLUMNS, same, bins_of, is_set, seen.label, NULL};
    assert_succeeds(gbdt_train(&data, all_rows(&seen), (struct row_list){0}, &o, &m, &fit, &err),
                    err);
    assert_close(gbdt_margin(&m, same), m.base, 1e-6);
    assert_close(gbdt_margin(&m, unseen.bin), m.base, 1e-6);
    gbdt_free(&m);
}

static void what_teaches_nothing_is_refused(void **state)
{
    (void)state;
    static uint8_t ones[ROWS];
    struct gbdt_options o = plain(5);
    struct gbdt_fit fit = {0};
    struct gbdt m = {0};
    struct err err = {0};
    struct gbdt_data data = seen.data;
    data.label = ones;
    const struct row_list none = {0};
    for (uint8_t label = 0; label <= 1; label++) {
        memset(ones, label, sizeof ones);
        assert_refused(gbdt_train(&data, all_rows(&seen), none, &o, &m, &fit, &err), err,
                       "one class");
    }
    assert_refused(gbdt_train(&seen.data, none, none, &o, &m, &fit, &err), err, "rows must be");
    o.depth = GBDT_DEPTH_MAX + 1;
    assert_refused(gbdt_train(&seen.data, all_rows(&seen), none, &o, &m, &fit, &err), err, "depth");
    o = plain(5);
    o.row_share = 0;
    assert_refused(gbdt_train(&seen.data, all_rows(&seen), none, &o, &m, &fit, &err), err,
                   "shares");
    o = plain(5);
    o.l2 = (double)NAN;
    assert_refused(gbdt_train(&seen.data, all_rows(&seen), none, &o, &m, &fit, &err), err, "l2");
}

static void options_are_taken_up_to_their_ends_and_not_beyond(void **state)
{
    (void)state;
    enum { CASES = 18 };
    const struct gbdt_options good = plain(2);
    struct gbdt_options bad[CASES];
    struct gbdt_options ends[] = {good, good, good};
    ends[0].trees_max = 0;
    ends[1].depth = 1;
    ends[1].l2 = 0;
    ends[1].child_weight = 0;
    ends[2].depth = GBDT_DEPTH_MAX;
    ends[2].rate = 1;
    ends[2].patience = 1;
    for (int i = 0; i < CASES; i++) {
        bad[i] = good;
    }
    bad[0].trees_max = -1;
    bad[1].trees_max = GBDT_TREES_MAX + 1;
    bad[2].patience = 0;
    bad[3].depth = 0;
    bad[4].depth = GBDT_DEPTH_MAX + 1;
    bad[5].rate = 0;
    bad[6].rate = 1.001;
    bad[7].row_share = 0;
    bad[8].row_share = 1.001;
    bad[9].column_share = 0;
    bad[10].column_share = 1.001;
    bad[11].l2 = -0.001;
    bad[12].l2 = 1.1e12;
    bad[13].child_weight = -0.001;
    bad[14].child_weight = 1.1e12;
    bad[15].threads = 0;
    bad[16].threads = 1 << 20;
    bad[17].rate = (double)NAN;
    for (int i = 0; i < CASES; i++) {
        struct gbdt_fit fit = {0};
        struct gbdt m = {0};
        struct err err = {0};
        assert_false(
            gbdt_train(&seen.data, all_rows(&seen), (struct row_list){0}, &bad[i], &m, &fit, &err));
        assert_int_equal(err.kind, ERR_INVALID);
    }
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct gbdt_fit fit = {0};
        struct gbdt m = trained(&ends[i], &fit);
        assert_int_equal(m.trees, ends[i].trees_max);
        assert_int_equal(fit.trees_run, ends[i].trees_max);
        gbdt_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_split_of_a_tree_is_the_best_there_is),
        cmocka_unit_test(two_rows_of_half_the_weight_are_as_good_as_one),
        cmocka_unit_test(each_tree_lowers_the_training_loss_and_many_find_what_is_there),
        cmocka_unit_test(the_same_trees_grow_on_any_number_of_threads),
        cmocka_unit_test(contributions_add_up_to_the_margin),
        cmocka_unit_test(the_mean_of_models_scores_the_mean_of_their_margins),
        cmocka_unit_test(validation_tells_when_to_stop),
        cmocka_unit_test(a_branch_that_ends_early_says_its_own_step_in_all_its_leaves),
        cmocka_unit_test(a_tree_asks_only_for_its_share_of_columns),
        cmocka_unit_test(of_equal_columns_the_first_is_asked),
        cmocka_unit_test(constant_columns_grow_no_split),
        cmocka_unit_test(options_are_taken_up_to_their_ends_and_not_beyond),
        cmocka_unit_test(what_teaches_nothing_is_refused),
    };
    TSAN_RUNS_ONLY("thread", tests);
    fill(&seen, 1);
    fill(&unseen, 2);
    return cmocka_run_group_tests_name("ml/learner/gbdt", tests, NULL, NULL);
}
