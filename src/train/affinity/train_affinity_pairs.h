#ifndef TRAIN_AFFINITY_TRAIN_AFFINITY_PAIRS_H
#define TRAIN_AFFINITY_TRAIN_AFFINITY_PAIRS_H

#include "train/affinity/train_affinity.h"

/* What products have to do with each other, counted and tested: the evidence of the reasons (domain/affinity/affinity_reason.c). */

/* For each product others, ascending. Owned. */
struct product_pairs {
    int64_t *start; /* (products + 1) */
    int32_t *target;
};
void product_pairs_free(struct product_pairs *p);

/* Whether two of `all` that came `a` and `b` times met more often (`both`) than by chance. */
bool pairs_beyond_chance(double both, double a, double b, double all);

/* Of visits before until_us. together: carted or bought in one visit, in both directions; next: looked at right after it. position: of an item
 * that has weight by then; trained: how many positions. */
void affinity_count_pairs(const struct affinity_training *a, int64_t until_us,
                          const int32_t *position, int32_t trained, struct product_pairs *together,
                          struct product_pairs *next);

enum { AFFINITY_PAIR_SECTIONS = 4 };
void affinity_pair_sections(const struct product_pairs *together, const struct product_pairs *next,
                            int32_t trained, struct affinity_section out[AFFINITY_PAIR_SECTIONS]);

#endif
