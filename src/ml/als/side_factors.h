#ifndef ML_ALS_SIDE_FACTORS_H
#define ML_ALS_SIDE_FACTORS_H

#include "ml/linear/mat.h"

#include <stdint.h>

/* Factors for items that nobody has touched yet (cold start), from what is known of them: the mean of all trained factors plus an effect for each thing that is
 * known (its category, its brand, its price band, pairs of these),
 *
 *     h_i = mean + sum over groups g of effect_g[level_g(i)],
 *
 * fitted to the trained factors h by ridge regression: the effects minimise
 *
 *     sum over trained i of |h_i - mean - sum_g effect_g[level_g(i)]|^2  +  sum_g ridge_g sum over levels |effect|^2,
 *
 * so that a level seen on few items says little. Solved group by group (each has a closed form while the others stand still) until nothing moves;
 * linear in the factors, so a rotation of these rotates the answer alike. Deterministic. */
enum { SIDE_GROUPS_MAX = 8 };

struct side_info {
    int items;   /* (n) those with factors first */
    int trained; /* how many those are */
    int groups;
    const int32_t *level[SIDE_GROUPS_MAX]; /* (n) 0 .. levels[g] - 1; -1: not known, no effect */
    int32_t levels[SIDE_GROUPS_MAX];
};

/* Factors of the other items, (items - trained, k), owned by the caller, from those of the trained (trained >= 1, k), finite. ridge > 0: the same
 * for every group. An item of which nothing is known gets the mean. */
struct mat side_factors_fit(const struct mat *factors, const struct side_info *info, double ridge);

/* The ridge of a small grid that predicts a fifth of the trained items (by number) best from the others, and how much better than their mean it
 * does: out_explained is 1 - squared error / that of the mean; 0 or less: what is known of items says nothing about their factors. Looks at up to
 * 20,000 items, evenly taken. Needs 10 trained items; with fewer explained is 0. */
double side_factors_ridge(const struct mat *factors, const struct side_info *info,
                          double *out_explained);

#endif
