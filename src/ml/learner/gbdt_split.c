/* The best split of one histogram. */
#include "ml/learner/gbdt_internal.h"

#include <stdlib.h>

/* Sums of a side, in integers of the tree's scale. */
struct side {
    int64_t gradient;
    int64_t hessian;
};

static struct side side_of(uint64_t packed)
{
    return (struct side){gbdt_gradient(packed), gbdt_hessian(packed)};
}

static struct side plus(struct side a, struct side b)
{
    return (struct side){a.gradient + b.gradient, a.hessian + b.hessian};
}

static struct side minus(struct side a, struct side b)
{
    return (struct side){a.gradient - b.gradient, a.hessian - b.hessian};
}

static double worth(struct side s, const struct gbdt_split_rules *r)
{
    /* Half of what the best constant step of these rows lowers the loss by, to second order: G^2 /
     * (H + lambda) (Chen, Guestrin: XGBoost, KDD 2016, equation 6). The halves are dropped on both
     * sides of every comparison. */
    double gradient = (double)s.gradient / r->scale;
    return gradient * gradient / ((double)s.hessian / r->scale + r->l2);
}

/* What parting the rows into `left` and the rest gains; 0 where a side would be too light. */
static double gain_of(struct side left, struct side total, const struct gbdt_split_rules *r)
{
    struct side right = minus(total, left);
    /* in integers, so that a side of exactly the weight asked for is not refused by rounding */
    double least = r->child_weight * r->scale;
    if (left.hessian <= 0 || right.hessian <= 0 || (double)left.hessian < least ||
        (double)right.hessian < least) {
        return 0;
    }
    /* in doubles of exact integers: the same gain wherever the histogram was added up */
    return worth(left, r) + worth(right, r) -
           worth(total, r); /* XGBoost's equation 7 without its gamma */
}

static void keep_better(struct gbdt_split *best, double gain, uint64_t left)
{
    if (gain > best->gain) { /* strictly: of equal ones the first, whatever comes later */
        best->gain = gain;
        best->left = left;
    }
}

/* Every border, with the missing on the left and on the right. Where none is missing here, those to
 * come take the heavier side. */
static struct gbdt_split split_ordered(const uint64_t *histogram, int bins, struct side total,
                                       const struct gbdt_split_rules *rules)
{
    struct gbdt_split best = {0};
    struct side left = {0, 0};
    /* bin 0 has no place in the order */
    struct side missing = side_of(histogram[0]);
    bool any_missing = histogram[0] != 0;
    for (int b = 1; b < bins; b++) {
        if (histogram[b] == 0 && b > 1) {
            continue; /* the same two sides as before */
        }
        /* from left to right: each border costs one addition */
        left = plus(left, side_of(histogram[b]));
        /* bins 1 .. b; a shift by 64 would not be defined */
        uint64_t below = (b == 63 ? ~UINT64_C(0) : (UINT64_C(1) << (b + 1)) - 1) & ~UINT64_C(1);
        if (any_missing) { /* learn the side (XGBoost, algorithm 3) */
            keep_better(&best, gain_of(left, total, rules), below);
            keep_better(&best, gain_of(plus(left, missing), total, rules), below | 1);
        } else {
            /* those missing later are taken for what most rows here are */
            bool heavier = 2 * left.hessian >= total.hessian;
            keep_better(&best, gain_of(left, total, rules), below | (heavier ? 1 : 0));
        }
    }
    return best;
}

struct ranked_bin {
    double key;
    int bin;
};

static int by_key(const void *a, const void *b)
{
    const struct ranked_bin *x = a;
    const struct ranked_bin *y = b;
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return x->bin - y->bin;
}

/* Bins in order of their mean gradient, drawn towards 0 where rows are few: the best two-sided
 * split of a set is a border in this order (Fisher 1958). There are far more sets than borders, and
 * one of them always looks good: they are judged under a larger penalty, and bins too light to be
 * judged stay on the right. */
static struct gbdt_split split_set(const uint64_t *histogram, int bins, struct side total,
                                   const struct gbdt_split_rules *rules)
{
    enum { SMOOTHING = 5, SET_L2 = 10, BIN_WEIGHT_MIN = 5 };
    struct gbdt_split_rules strict = *rules;
    struct ranked_bin ranked[GBDT_BINS_MAX];
    struct gbdt_split best = {0};
    struct side left = {0, 0};
    uint64_t mask = 0;
    int count = 0;
    strict.l2 += SET_L2;
    for (int b = 0; b < bins; b++) { /* 0, too: missing is one bin of a set like any other */
        struct side s = side_of(histogram[b]);
        /* a few rows of one class have an extreme mean by chance, and
         * would stand first in any order */
        if ((double)s.hessian >= BIN_WEIGHT_MIN * rules->scale) {
            /* drawn towards 0, so that bins of many rows stand at the ends */
            double weight = (double)s.hessian / rules->scale + SMOOTHING;
            ranked[count++] = (struct ranked_bin){(double)s.gradient / rules->scale / weight, b};
        }
    }
    qsort(ranked, (size_t)count, sizeof *ranked, by_key);
    for (int i = 0; i < count; i++) {
        left = plus(left, side_of(histogram[ranked[i].bin]));
        mask |= UINT64_C(1) << ranked[i].bin;
        keep_better(&best, gain_of(left, total, &strict), mask);
    }
    return best;
}

struct gbdt_split gbdt_best_split(const uint64_t *histogram, int bins, bool categorical,
                                  uint64_t total, const struct gbdt_split_rules *rules)
{
    return categorical ? split_set(histogram, bins, side_of(total), rules)
                       : split_ordered(histogram, bins, side_of(total), rules);
}
