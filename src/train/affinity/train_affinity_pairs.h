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

/* What all that was counted adds up to. Of carts: the products in them, and how often one of them lay beside another. Of steps from one product to
 * the next: their number, for both. */
struct pairs_margins {
    double tokens;
    double meetings;
};
/* How often two products that came so often would meet if nothing but chance brought them together. */
double pairs_expected(const struct pairs_margins *m, double from, double to);
/* The chance that they meet `both` times or more where so many meetings are expected (Poisson); 1 where both is not above it. */
double pairs_chance(double both, double expected);
/* The largest chance at which a pair may still be claimed, so that at most one in twenty of the claims is false: chances of some of the pairs
 * `tested`, the others' being larger. Sorts them. 0: none. */
double pairs_threshold(double *chances, size_t count, double tested);

/* Of visits before until_us, beyond chance. together: carted or bought in one visit and of two categories, in both directions; next: looked at right
 * after it. A shopper counts once for each. position: of an item that has weight by then; trained: how many positions. */
void affinity_count_pairs(const struct affinity_training *a, int64_t until_us,
                          const int32_t *position, int32_t trained, struct product_pairs *together,
                          struct product_pairs *next);

enum { AFFINITY_PAIR_SECTIONS = 4 };
void affinity_pair_sections(const struct product_pairs *together, const struct product_pairs *next,
                            int32_t trained, struct affinity_section out[AFFINITY_PAIR_SECTIONS]);

#endif
