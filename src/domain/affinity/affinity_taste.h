#ifndef DOMAIN_AFFINITY_AFFINITY_TASTE_H
#define DOMAIN_AFFINITY_AFFINITY_TASTE_H

#include "domain/affinity/affinity.h"

/* How a cart looks to an affinity model: features of risk, not picks. NaN: cannot be told. */
struct affinity_taste {
    double fit;       /* cosine between the cart's products and the shopper's others, -1 .. 1 */
    double coherence; /* mean cosine of pairs of the cart's products, -1 .. 1 */
    double known;     /* share of the lines that have factors, 0 .. 1 */
};

/* Products count by the direction of their factors, not by their length, which says how popular they
 * are. The shopper's others are the products of the last events that are not in the cart, weighted as
 * in training: by event type, fading with age. No fold-in is solved: some microseconds at most. A
 * model without factors tells nothing. */
struct affinity_taste affinity_taste_of(const struct affinity *m, const struct shopper *s,
                                        const struct cart *c, int64_t now_us);

#endif
