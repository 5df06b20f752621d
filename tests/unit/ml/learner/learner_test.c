#include "ml/learner/learner_internal.h"

#include "base/mem.h"
#include "ml/linear/cpu.h"
#include "ml/linear/logistic.h"
#include "unit/ml/ml_spec.h"

#include <float.h>
#include <string.h>

enum { ROWS = 1500, COLUMNS = 5 };

/* A number that matters, one that matters only beside an id, one that is noise, and two ids, one
 * of many values. A tenth of the numbers is missing. */
struct shop {
    union learner_cell cells[ROWS * COLUMNS];
    uint8_t label[ROWS];
    uint64_t group[ROWS];
    struct learner_table table;
};
static const uint8_t kinds[COLUMNS] = {LEARNER_NUMBER, LEARNER_NUMBER, LEARNER_NUMBER, LEARNER_ID,
                                       LEARNER_ID};

static void shop_fill(struct shop *s, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    for (int r = 0; r < ROWS; r++) {
        union learner_cell *cell = s->cells + (size_t)r * COLUMNS;
        uint64_t kind = rng_below(&rng, 4);
        for (int c = 0; c < 3; c++) {
            cell[c].number = rng_unit(&rng) < 0.1 ? (double)NAN : rng_normal(&rng);
        }
        cell[3].id = kind + 1;
        cell[4].id = rng_below(&rng, 200) * 1000003 + 7;
        double margin = -0.5;
        margin += isnan(cell[0].number) ? 1 : 1.5 * cell[0].number;
        margin += isnan(cell[1].number) ? 0 : (kind < 2 ? 1.5 : -1.5) * cell[1].number;
        s->label[r] = rng_unit(&rng) < logistic(margin);
        s->group[r] = (uint64_t)r / 4 + 1;
    }
    s->table = (struct learner_table){
        .rows = ROWS, .columns = COLUMNS, .kind = kinds, .cells = s->cells, .label = s->label};
}

static struct shop shop;
static struct shop later; /* of the same kind, never trained on */

static struct learner_options quick(void)
{
    struct learner_options o = learner_defaults(ROWS);
    o.machine_bags = 2;
    o.boosting_bags = 2;
    o.folds = 3;
    o.folds_run = 3;
    o.machine.epochs_max = 20;
    o.boosting.trees_max = 80;
    o.boosting.rate = 0.1;
    return o;
}

static struct learner *trained(const struct learner_table *t, const struct learner_options *o,
                               struct learner_fit *fit)
{
    struct learner *l = NULL;
    struct err err = {0};
    assert_succeeds(learner_train(t, o, &l, fit, &err), err);
    return l;
}

/* One of all rows under quick(), for the tests that only look at it. */
static struct learner *first;
static struct learner_fit first_fit;

static double auc_on(const struct learner *l, const struct shop *s)
{
    double margins[ROWS];
    learner_margins(l, s->cells, ROWS, margins);
    return calib_auc(margins, s->label, ROWS);
}

/* A learner as the bytes of a model file; owned by the caller. */
static struct buf bytes_of(const struct learner *l)
{
    const uint8_t schema[SHA256_BYTES] = {7};
    uint8_t sha256[SHA256_BYTES];
    struct err err = {0};
    struct buf out = buf_make(1 << 26);
    struct model_builder b = model_builder_make("learner-test", schema);
    learner_save(l, &b);
    assert_succeeds(model_builder_finish(&b, &out, sha256, &err), err);
    return out;
}

static void it_finds_what_numbers_ids_and_both_together_say(void **state)
{
    (void)state;
    const struct learner *l = first;
    const struct learner_fit fit = first_fit;
    assert_less(0.81, auc_on(l, &later));
    assert_int_equal(fit.held_out_rows, ROWS);
    assert_less(fit.blend.log_loss, fit.base_rate.log_loss - 0.1);
    assert_less(fit.blend.log_loss, fit.machine.log_loss + 1e-6);
    assert_less(fit.blend.log_loss, fit.boosting.log_loss + 1e-6);
}

static void contributions_and_what_no_column_has_add_up_to_the_margin(void **state)
{
    (void)state;
    const struct learner *l = first;
    for (int r = 0; r < ROWS; r++) {
        const union learner_cell *row = later.cells + (size_t)r * COLUMNS;
        double parts[COLUMNS];
        double sum = learner_contributions(l, row, parts);
        double sizes = 1 + fabs(sum);
        for (int c = 0; c < COLUMNS; c++) {
            sum += parts[c];
            sizes += fabs(parts[c]);
        }
        assert_close(sum, learner_margin(l, row), 1e-5 * sizes);
    }
}

static void the_same_seed_gives_the_same_bytes_on_any_number_of_threads(void **state)
{
    (void)state;
    struct learner_options o = quick();
    struct learner_fit fit = {0};
    o.machine.epochs_max = 4;
    o.boosting.trees_max = 12;
    struct buf bytes[3];
    for (int i = 0; i < 3; i++) {
        o.threads = i == 1 ? 4 : 1;
        o.seed = i == 2 ? 2 : 1;
        struct learner *l = trained(&shop.table, &o, &fit);
        bytes[i] = bytes_of(l);
        learner_free(&l);
    }
    assert_int_equal(bytes[0].len, bytes[1].len);
    assert_memory_equal(bytes[0].data, bytes[1].data, bytes[0].len);
    assert_true(bytes[0].len != bytes[2].len ||
                memcmp(bytes[0].data, bytes[2].data, bytes[0].len) != 0);
    for (int i = 0; i < 3; i++) {
        buf_free(&bytes[i]);
    }
}

static void a_learner_out_of_a_file_scores_and_explains_the_same(void **state)
{
    (void)state;
    struct err err = {0};
    struct model_file file = {0};
    struct learner *loaded = NULL;
    const struct learner *l = first;
    struct buf bytes = bytes_of(l);
    assert_succeeds(model_file_view(bytes.data, bytes.len, &file, &err), err);
    assert_succeeds(learner_load(&file, &loaded, &err), err);
    for (int r = 0; r < ROWS; r++) {
        const union learner_cell *row = later.cells + (size_t)r * COLUMNS;
        double a[COLUMNS];
        double b[COLUMNS];
        assert_close(learner_margin(loaded, row), learner_margin(l, row), 0);
        assert_close(learner_contributions(loaded, row, a), learner_contributions(l, row, b), 0);
        assert_memory_equal(a, b, sizeof a);
    }
    struct buf again = bytes_of(loaded);
    assert_int_equal(again.len, bytes.len);
    assert_memory_equal(again.data, bytes.data, bytes.len);
    learner_free(&loaded);
    buf_free(&bytes);
    buf_free(&again);
}

static void odd_cells_still_give_a_finite_margin(void **state)
{
    (void)state;
    const double odd[] = {
        (double)NAN, (double)INFINITY, -(double)INFINITY, DBL_MAX, -DBL_MAX, 1e9, 5e-324, 0};
    struct learner_options o = quick();
    struct learner_fit fit = {0};
    o.machine.epochs_max = 4;
    o.boosting.trees_max = 12;
    for (size_t i = 0; i < COUNT_OF(odd); i++) { /* among the rows trained on, too */
        shop.cells[i * 7 * COLUMNS].number = odd[i];
    }
    struct learner *l = trained(&shop.table, &o, &fit);
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        union learner_cell row[COLUMNS] = {
            {.number = odd[i]}, {.number = odd[i]}, {.number = -odd[i]}, {.id = 0}, {.id = i}};
        assert_true(isfinite(learner_margin(l, row)));
        assert_less(0, learner_probability(l, row));
        assert_less(learner_probability(l, row), 1);
    }
    learner_free(&l);
    shop_fill(&shop, 1);
}

static void a_constant_column_and_an_empty_one_say_nothing(void **state)
{
    (void)state;
    struct learner_options o = quick();
    struct learner_fit fit = {0};
    for (int r = 0; r < ROWS; r++) {
        shop.cells[(size_t)r * COLUMNS].number = 1e9;
        shop.cells[(size_t)r * COLUMNS + 1].number = (double)NAN;
    }
    struct learner *l = trained(&shop.table, &o, &fit);
    double parts[COLUMNS];
    union learner_cell row[COLUMNS];
    memcpy(row, shop.cells, sizeof row);
    double before = learner_margin(l, row);
    row[0].number = -5; /* never seen, and nothing is known of it */
    assert_close(learner_margin(l, row), before, 1e-6);
    (void)learner_contributions(l, row, parts);
    assert_true(isfinite(parts[0]) && isfinite(parts[1]));
    learner_free(&l);
    shop_fill(&shop, 1);
}

static void what_teaches_nothing_or_is_out_of_range_is_refused(void **state)
{
    (void)state;
    const struct learner_options good = quick();
    struct learner_options o = good;
    struct learner_fit fit = {0};
    struct learner *l = NULL;
    struct err err = {0};
    uint8_t label[ROWS] = {0};
    uint8_t odd_kinds[COLUMNS] = {0, 0, 0, 9, 0};
    struct learner_table t = shop.table;
    t.label = label;
    assert_refused(learner_train(&t, &o, &l, &fit, &err), err, "one class");
    label[3] = 2;
    assert_refused(learner_train(&t, &o, &l, &fit, &err), err, "row 3 has label 2");
    t = shop.table;
    t.kind = odd_kinds;
    assert_refused(learner_train(&t, &o, &l, &fit, &err), err, "column 3");
    t = shop.table;
    t.rows = 0;
    assert_refused(learner_train(&t, &o, &l, &fit, &err), err, "0 and 5");
    o.folds_run = 9;
    assert_refused(learner_train(&shop.table, &o, &l, &fit, &err), err, "folds");
    o = good;
    o.boosting.rate = (double)NAN;
    assert_refused(learner_train(&shop.table, &o, &l, &fit, &err), err, "rate");
    o = good;
    o.machine.l2_factors = INFINITY;
    assert_refused(learner_train(&shop.table, &o, &l, &fit, &err), err, "penalties");
    o = good;
    o.machine_bags = 0;
    o.boosting_bags = 0;
    assert_refused(learner_train(&shop.table, &o, &l, &fit, &err), err, "bags");
}

static void few_rows_are_learnt_from_with_care(void **state)
{
    (void)state;
    struct learner_options o = quick();
    struct learner_fit fit = {0};
    struct learner_table t = shop.table;
    t.rows = 12;
    struct learner *l = trained(&t, &o, &fit);
    assert_int_equal(fit.held_out_rows, 0);
    for (int r = 0; r < ROWS; r++) {
        assert_less(fabs(learner_margin(l, later.cells + (size_t)r * COLUMNS)), 4);
    }
    learner_free(&l);
}

static void in_order_of_time_the_end_is_held_out_without_groups_seen_before(void **state)
{
    (void)state;
    struct learner_options o = quick();
    struct learner_fit fit = {0};
    o.machine.epochs_max = 2;
    o.boosting.trees_max = 5;
    struct learner_table t = shop.table;
    t.in_time_order = true;
    struct learner *l = trained(&t, &o, &fit);
    assert_int_equal(fit.held_out_rows, ROWS / o.folds);
    learner_free(&l);
    t.group = shop.group;
    for (int r = ROWS - 100; r < ROWS; r++) {
        shop.group[r] = 1; /* the first shopper comes back */
    }
    l = trained(&t, &o, &fit);
    /* windows begin at 1000, 1166 and 1333, the last two of them within a group of four */
    assert_int_equal(fit.held_out_rows, ROWS / o.folds - 100 - 2 - 3);
    learner_free(&l);
    shop_fill(&shop, 1);
}

/* The first column's sign turns after half of the rows. */
static void in_order_of_time_what_no_longer_holds_is_forgotten(void **state)
{
    (void)state;
    struct learner_options o = quick();
    struct learner_fit fit = {0};
    struct learner_table t = shop.table;
    uint8_t label[ROWS];
    double auc[2];
    for (int r = 0; r < ROWS; r++) {
        double x = shop.cells[(size_t)r * COLUMNS].number;
        label[r] = r < ROWS / 2 ? x > 0 : x < 0;
    }
    t.label = label;
    t.in_time_order = true;
    for (int forgets = 0; forgets < 2; forgets++) {
        double margins[ROWS];
        uint8_t now[ROWS];
        o.forgets = forgets;
        struct learner *l = trained(&t, &o, &fit);
        for (int r = 0; r < ROWS; r++) {
            now[r] = later.cells[(size_t)r * COLUMNS].number < 0;
        }
        learner_margins(l, later.cells, ROWS, margins);
        auc[forgets] = calib_auc(margins, now, ROWS);
        assert_true(forgets ? fit.half_life > 0 : fit.half_life <= 0);
        learner_free(&l);
    }
    assert_less(auc[0], auc[1]);
    assert_less(0.9, auc[1]);
}

static void recipes_that_cannot_be_told_apart_share_the_bags(void **state)
{
    (void)state;
    struct learner_options o = quick();
    struct learner_fit fit = {0};
    o.boosting_bags = 3;
    o.machine_bags = 0;
    o.boosting.trees_max = 50;
    o.folds = LEARNER_FOLDS_MAX;
    o.folds_run = LEARNER_FOLDS_MAX;
    o.other_depth = 4;
    o.other_l2 = o.boosting.l2;
    o.other_row_share = o.boosting.row_share;
    o.other_column_share = o.boosting.column_share;
    struct learner *both = trained(&shop.table, &o, &fit);
    assert_int_equal(fit.boosting_depth + fit.boosting_depth_beside, 4 + o.boosting.depth);
    assert_int_equal(both->boosting.depth, o.boosting.depth);
    assert_int_equal(both->boosting.trees, 2 * fit.boosting_trees + fit.boosting_trees_beside);
    assert_less(0.75, auc_on(both, &later));
    o.boosting_bags = 1; /* nothing to share */
    struct learner *one = trained(&shop.table, &o, &fit);
    assert_int_equal(fit.boosting_depth_beside, 0);
    assert_int_equal(one->boosting.trees, fit.boosting_trees);
    o.boosting_bags = 3;
    o.other_l2 = 1e6; /* trees that say next to nothing lose in every fold */
    struct learner *better = trained(&shop.table, &o, &fit);
    assert_int_equal(fit.boosting_depth, o.boosting.depth);
    assert_int_equal(fit.boosting_depth_beside, 0);
    assert_int_equal(better->boosting.trees, 3 * fit.boosting_trees);
    learner_free(&both);
    learner_free(&one);
    learner_free(&better);
}

static void a_part_that_is_not_wanted_is_left_out(void **state)
{
    (void)state;
    struct learner_options o = quick();
    struct learner_fit fit = {0};
    o.boosting_bags = 0;
    struct learner *machine = trained(&shop.table, &o, &fit);
    assert_close(fit.weight_boosting, 0, 0);
    assert_less(0, fit.weight_machine);
    o = quick();
    o.machine_bags = 0;
    struct learner *boosting = trained(&shop.table, &o, &fit);
    assert_close(fit.weight_machine, 0, 0);
    assert_less(0.8, auc_on(machine, &later));
    assert_less(0.75, auc_on(boosting, &later));
    learner_free(&machine);
    learner_free(&boosting);
}

/* Margins of one part that tells all there is to tell, and of one that only repeats it with noise. */
static void a_part_that_does_not_help_beyond_chance_is_left_out(void **state)
{
    (void)state;
    enum { HELD = 800 };
    double tells[HELD];
    double other[HELD];
    uint8_t label[HELD];
    struct rng rng = rng_seed(8);
    for (int i = 0; i < HELD; i++) {
        tells[i] = 1.5 * rng_normal(&rng);
        other[i] = tells[i] + rng_normal(&rng);
        label[i] = rng_unit(&rng) < logistic(tells[i]);
    }
    struct learner_held held = {
        .machine = other, .boosting = tells, .labels = label, .count = HELD};
    struct learner_weights w = learner_choose_parts(&held);
    assert_close(w.machine, 0, 0);
    assert_less(0.5, w.boosting);
    held =
        (struct learner_held){.machine = tells, .boosting = other, .labels = label, .count = HELD};
    w = learner_choose_parts(&held);
    assert_close(w.boosting, 0, 0);
    assert_less(0.5, w.machine);
    /* each knows what the other does not: both stay */
    for (int i = 0; i < HELD; i++) {
        other[i] = 1.5 * rng_normal(&rng);
        label[i] = rng_unit(&rng) < logistic(tells[i] + other[i]);
    }
    w = learner_choose_parts(&held);
    assert_less(0.5, w.boosting);
    assert_less(0.5, w.machine);
    /* the same gain, but all rows are of one shopper: no draw beside it tells that it is no chance */
    uint64_t group[HELD] = {0};
    held.group = group;
    w = learner_choose_parts(&held);
    assert_true(w.machine <= 0 || w.boosting <= 0);
}

/* ---- encoding ---- */

enum { NUMBERS = 3 };

/* The same number in every column of numbers: the bin is that of counting borders one by one. */
static void assert_counted(const struct learner_encoder *e, double value)
{
    union learner_cell row[NUMBERS] = {{.number = value}, {.number = value}, {.number = value}};
    int32_t slots[NUMBERS];
    uint8_t bins[NUMBERS];
    learner_encode(e, row, slots, bins);
    for (int c = 0; c < NUMBERS; c++) {
        int32_t slot = isnan(value) ? SLOT_MISSING : 1;
        for (int32_t b = e->edge_start[c]; b < e->edge_start[c + 1]; b++) {
            slot += e->edges[b] <= value;
        }
        assert_int_equal(slots[c], e->first[c] + slot);
        assert_int_equal(bins[c], e->bin[slots[c]]);
    }
}

static void every_kernel_finds_the_bin_that_counting_finds(void **state)
{
    static union learner_cell cells[ROWS * NUMBERS];
    const double far[] = {0, -1e9, 1e300, (double)INFINITY, -(double)INFINITY, (double)NAN};
    struct learner_table table = shop.table;
    struct learner_arrays arrays = {0};
    int32_t *feature = NULL;
    int features = 0;
    (void)state;
    for (int r = 0; r < ROWS; r++) {
        union learner_cell *row = cells + (size_t)r * NUMBERS;
        row[0].number = 5; /* no border */
        row[1].number = r % 2;
        row[2].number = r * r / 7.0; /* as many as there may be */
    }
    table.columns = NUMBERS; /* the shop's first are of numbers too */
    table.cells = cells;
    const struct learner_encoder e = learner_encoder_learn(&table, 3, &arrays, &feature, &features);
    assert_true(e.edge_start[3] - e.edge_start[2] > NUMBER_BINS_MAX / 2);
    for (int level = CPU_PORTABLE; level <= CPU_AVX512; level++) {
        enum cpu_level before = cpu_limit((enum cpu_level)level);
        for (size_t i = 0; i < sizeof far / sizeof *far; i++) {
            assert_counted(&e, far[i]);
        }
        for (int32_t b = 0; b < e.edge_start[NUMBERS]; b++) {
            assert_counted(&e, e.edges[b]);
            assert_counted(&e, nextafter(e.edges[b], -(double)INFINITY));
            assert_counted(&e, nextafter(e.edges[b], (double)INFINITY));
        }
        (void)cpu_limit(before);
    }
    learner_arrays_free(&arrays);
    mem_free(&feature);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_finds_the_bin_that_counting_finds),
        cmocka_unit_test(it_finds_what_numbers_ids_and_both_together_say),
        cmocka_unit_test(contributions_and_what_no_column_has_add_up_to_the_margin),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes_on_any_number_of_threads),
        cmocka_unit_test(a_learner_out_of_a_file_scores_and_explains_the_same),
        cmocka_unit_test(odd_cells_still_give_a_finite_margin),
        cmocka_unit_test(a_constant_column_and_an_empty_one_say_nothing),
        cmocka_unit_test(what_teaches_nothing_or_is_out_of_range_is_refused),
        cmocka_unit_test(few_rows_are_learnt_from_with_care),
        cmocka_unit_test(in_order_of_time_the_end_is_held_out_without_groups_seen_before),
        cmocka_unit_test(in_order_of_time_what_no_longer_holds_is_forgotten),
        cmocka_unit_test(recipes_that_cannot_be_told_apart_share_the_bags),
        cmocka_unit_test(a_part_that_is_not_wanted_is_left_out),
        cmocka_unit_test(a_part_that_does_not_help_beyond_chance_is_left_out),
    };
    TSAN_RUNS_ONLY("thread", tests);
    shop_fill(&shop, 1);
    shop_fill(&later, 2);
    const struct learner_options o = quick();
    first = trained(&shop.table, &o, &first_fit);
    const int failed = cmocka_run_group_tests_name("ml/learner/learner", tests, NULL, NULL);
    learner_free(&first);
    return failed;
}
