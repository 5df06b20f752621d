/* The best split of one histogram, against every split there is; and the walk through trees made by hand. */
#include "ml/learner/gbdt_internal.h"

#include "unit/ml/ml_spec.h"

#include <stdlib.h>

/* A histogram as numbers; packed by the test. */
struct bins {
    int count;
    double gradient[GBDT_BINS_MAX];
    double hessian[GBDT_BINS_MAX];
    uint64_t packed[GBDT_BINS_MAX];
    uint64_t total;
};

enum { SCALE = 1 << 10 }; /* numbers are eighths: exact */

static void pack(struct bins *b)
{
    b->total = 0;
    for (int i = 0; i < b->count; i++) {
        b->packed[i] =
            gbdt_pack((int32_t)(b->gradient[i] * SCALE), (uint32_t)(b->hessian[i] * SCALE));
        b->total += b->packed[i];
    }
}

/* empty: how many bins of eight hold nothing. */
static struct bins random_bins(int count, bool missing, int empty, struct rng *rng)
{
    struct bins b = {.count = count};
    for (int i = missing ? 0 : 1; i < count; i++) {
        if ((int)rng_below(rng, 8) >= empty) {
            b.gradient[i] = ((double)rng_below(rng, 400) - 200) / 8;
            b.hessian[i] = (double)(1 + rng_below(rng, 200)) / 8;
        }
    }
    pack(&b);
    return b;
}

/* Sums of the bins in the set. */
static void sum_of(const struct bins *b, uint64_t set, double *gradient, double *hessian)
{
    *gradient = 0;
    *hessian = 0;
    for (int i = 0; i < b->count; i++) {
        if (set >> i & 1) {
            *gradient += b->gradient[i];
            *hessian += b->hessian[i];
        }
    }
}

static double gain_of(const struct bins *b, uint64_t left, double l2, double child_weight)
{
    double g[3];
    double h[3];
    sum_of(b, left, &g[0], &h[0]);
    sum_of(b, ~left, &g[1], &h[1]);
    sum_of(b, ~UINT64_C(0), &g[2], &h[2]);
    if (h[0] <= 0 || h[1] <= 0 || h[0] < child_weight || h[1] < child_weight) {
        return 0;
    }
    return g[0] * g[0] / (h[0] + l2) + g[1] * g[1] / (h[1] + l2) - g[2] * g[2] / (h[2] + l2);
}

/* Bins 1 .. last. */
static uint64_t up_to(int last)
{
    return (last == 63 ? ~UINT64_C(0) : (UINT64_C(2) << last) - 1) & ~UINT64_C(1);
}

static void the_best_border_of_all_is_taken_with_the_missing_on_the_better_side(void **state)
{
    (void)state;
    struct rng rng = rng_seed(1);
    const int counts[] = {1, 2, 3, 9, 63, 64};
    for (int round = 0; round < 600; round++) {
        const struct bins b = random_bins(counts[round % 6], round % 2 == 0, round / 6 % 7, &rng);
        const struct gbdt_split_rules rules = {
            .l2 = round % 3, .child_weight = round % 5 * 10, .scale = SCALE};
        double best = 0;
        for (int last = 1; last < b.count; last++) {
            for (uint64_t missing = 0; missing < 2; missing++) {
                best = fmax(best, gain_of(&b, up_to(last) | missing, rules.l2, rules.child_weight));
            }
        }
        const struct gbdt_split s = gbdt_best_split(b.packed, b.count, false, b.total, &rules);
        assert_close(s.gain, best, 1e-9 * (1 + best));
        assert_close(gain_of(&b, s.left, rules.l2, rules.child_weight), s.gain, 1e-9 * (1 + best));
        if (best <= 0) {
            assert_true(s.left == 0);
        }
    }
}

static void a_side_too_light_is_no_side(void **state)
{
    (void)state;
    struct bins b = {.count = 4, .gradient = {0, 8, 0, -8}, .hessian = {0, 4, 20, 4}};
    pack(&b);
    struct gbdt_split_rules rules = {.l2 = 1, .child_weight = 4, .scale = SCALE};
    assert_less(0,
                gbdt_best_split(b.packed, 4, false, b.total, &rules).gain); /* as light as may be */
    rules.child_weight = 4.125;
    assert_close(gbdt_best_split(b.packed, 4, false, b.total, &rules).gain, 0, 0);
    b.hessian[3] = 20; /* now the right side may stand alone, the left one still not */
    pack(&b);
    assert_true((gbdt_best_split(b.packed, 4, false, b.total, &rules).left & 6) == 6);
    b.hessian[1] = 20;
    b.hessian[3] = 4;
    pack(&b);
    assert_true((gbdt_best_split(b.packed, 4, false, b.total, &rules).left & 6) == 2);
}

/* Where no row lacks the number in training, those that will do go with the many. */
/* Rows whose second derivative was rounded to nothing: a step of any size would lower their loss by the formula, without end where
 * l2 is 0. */
static void a_side_without_weight_is_no_side_whatever_its_gradient(void **state)
{
    (void)state;
    const struct gbdt_split_rules rules = {.l2 = 0, .child_weight = 0, .scale = SCALE};
    struct bins right = {.count = 3, .gradient = {0, 3, 9}, .hessian = {0, 4, 0}};
    struct bins left = {.count = 3, .gradient = {0, 9, 3}, .hessian = {0, 0, 4}};
    pack(&right);
    pack(&left);
    assert_true(gbdt_best_split(right.packed, 3, false, right.total, &rules).gain <= 0);
    assert_true(gbdt_best_split(left.packed, 3, false, left.total, &rules).gain <= 0);
}

static void what_was_never_missing_goes_to_the_heavier_side(void **state)
{
    (void)state;
    const struct gbdt_split_rules rules = {.l2 = 1, .scale = SCALE};
    struct bins b = {.count = 3, .gradient = {0, 8, -8}, .hessian = {0, 30, 10}};
    pack(&b);
    assert_true(gbdt_best_split(b.packed, 3, false, b.total, &rules).left == 3);
    b.hessian[1] = 10; /* as heavy as the other */
    pack(&b);
    assert_true(gbdt_best_split(b.packed, 3, false, b.total, &rules).left == 3);
    b.hessian[1] = 9.875;
    pack(&b);
    assert_true(gbdt_best_split(b.packed, 3, false, b.total, &rules).left == 2);
}

struct ranked {
    double mean;
    int bin;
};

static int by_mean(const void *a, const void *b)
{
    const struct ranked *x = a;
    const struct ranked *y = b;
    return x->mean != y->mean ? (x->mean > y->mean) - (x->mean < y->mean) : x->bin - y->bin;
}

/* Borders in the order of smoothed means, judged under the larger penalty; bins of less than 5 stay on the right. */
static void sets_are_borders_in_the_order_of_their_means(void **state)
{
    (void)state;
    struct rng rng = rng_seed(2);
    for (int round = 0; round < 300; round++) {
        const struct bins b = random_bins(round % 4 ? 2 + round % 9 : 64, true, round % 5, &rng);
        const struct gbdt_split_rules rules = {
            .l2 = round % 3, .child_weight = round % 5 * 10, .scale = SCALE};
        struct ranked ranked[GBDT_BINS_MAX];
        int count = 0;
        for (int i = 0; i < b.count; i++) {
            if (b.hessian[i] >= 5) {
                ranked[count++] = (struct ranked){b.gradient[i] / (b.hessian[i] + 5), i};
            }
        }
        qsort(ranked, (size_t)count, sizeof *ranked, by_mean);
        struct gbdt_split best = {0};
        uint64_t set = 0;
        for (int i = 0; i < count; i++) {
            set |= UINT64_C(1) << ranked[i].bin;
            const double gain = gain_of(&b, set, rules.l2 + 10, rules.child_weight);
            if (gain > best.gain + 1e-9) {
                best = (struct gbdt_split){.gain = gain, .left = set};
            }
        }
        const struct gbdt_split s = gbdt_best_split(b.packed, b.count, true, b.total, &rules);
        assert_close(s.gain, best.gain, 1e-9 * (1 + best.gain));
        assert_true(s.left == best.left);
    }
}

static void a_packed_sum_is_the_sum_of_both_halves(void **state)
{
    (void)state;
    uint64_t sum = 0;
    int64_t gradient = 0;
    int64_t hessian = 0;
    struct rng rng = rng_seed(3);
    for (int i = 0; i < 1000; i++) {
        const int32_t g = (int32_t)rng_below(&rng, 2000001) - 1000000;
        const uint32_t h = (uint32_t)rng_below(&rng, 1000000);
        sum += gbdt_pack(g, h);
        gradient += g;
        hessian += h;
        assert_true(gbdt_gradient(sum) == gradient && gbdt_hessian(sum) == hessian);
    }
    assert_int_equal(gbdt_gradient(gbdt_pack(-1, 0)), -1);
}

/* ---- trees made by hand ---- */

enum { COLUMNS = 3, DEPTH = 2, TREES = 19 };

/* Trees of random splits and values; owned. */
static struct gbdt random_trees(uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    struct gbdt m = gbdt_make(COLUMNS, DEPTH, TREES);
    const struct gbdt_owned *owned = m.owned;
    for (int i = 0; i < TREES * gbdt_splits(DEPTH); i++) {
        owned->left[i] = rng_below(&rng, 256);
        owned->column[i] = (int32_t)rng_below(&rng, COLUMNS);
    }
    for (int i = 0; i < TREES * gbdt_nodes(DEPTH); i++) {
        owned->value[i] = (float)rng_normal(&rng);
    }
    m.base = 0.25;
    return m;
}

static void a_margin_is_the_base_and_one_leaf_of_every_tree(void **state)
{
    (void)state;
    struct gbdt m = random_trees(1);
    struct rng rng = rng_seed(2);
    for (int round = 0; round < 100; round++) {
        uint8_t bins[COLUMNS];
        double sum = m.base;
        for (int c = 0; c < COLUMNS; c++) {
            bins[c] = (uint8_t)rng_below(&rng, 8);
        }
        m.trees = round % (TREES + 1);
        for (int t = 0; t < m.trees; t++) {
            int node = 0;
            while (node < 3) {
                const uint64_t left = m.left[t * 3 + node];
                node = 2 * node + (left >> bins[m.column[t * 3 + node]] & 1 ? 1 : 2);
            }
            assert_int_equal(gbdt_leaf(&m, t, bins), node);
            sum += (double)m.value[t * 7 + node];
        }
        assert_close(gbdt_margin(&m, bins), sum, 1e-12);
        double parts[COLUMNS] = {100, 0, 0}; /* added to */
        const double none = gbdt_contributions(&m, bins, 0.5, parts);
        assert_close(none + parts[0] - 100 + parts[1] + parts[2], sum / 2, 1e-12);
        double roots = m.base;
        for (size_t t = 0; t < (size_t)m.trees; t++) {
            roots += (double)m.value[t * 7];
        }
        assert_close(none, roots / 2, 1e-12);
    }
    gbdt_free(&m);
}

static void a_model_that_asks_for_a_column_it_has_not_is_unsound(void **state)
{
    (void)state;
    struct gbdt m = random_trees(3);
    const struct gbdt_owned *owned = m.owned;
    const int places[] = {0, TREES * 3 - 1};
    assert_true(gbdt_is_sound(&m));
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        const int32_t odd[] = {-1, COLUMNS, COLUMNS - 1};
        for (size_t j = 0; j < COUNT_OF(odd); j++) {
            owned->column[places[i]] = odd[j];
            assert_true(gbdt_is_sound(&m) == (j == 2));
        }
    }
    gbdt_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_border_of_all_is_taken_with_the_missing_on_the_better_side),
        cmocka_unit_test(a_side_too_light_is_no_side),
        cmocka_unit_test(a_side_without_weight_is_no_side_whatever_its_gradient),
        cmocka_unit_test(what_was_never_missing_goes_to_the_heavier_side),
        cmocka_unit_test(sets_are_borders_in_the_order_of_their_means),
        cmocka_unit_test(a_packed_sum_is_the_sum_of_both_halves),
        cmocka_unit_test(a_margin_is_the_base_and_one_leaf_of_every_tree),
        cmocka_unit_test(a_model_that_asks_for_a_column_it_has_not_is_unsound),
    };
    return cmocka_run_group_tests_name("ml/learner/gbdt_split", tests, NULL, NULL);
}
