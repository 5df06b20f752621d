#ifndef DOMAIN_AFFINITY_AFFINITY_SHELF_H
#define DOMAIN_AFFINITY_AFFINITY_SHELF_H

#include "domain/affinity/affinity.h"

#include <stdint.h>

/* What the catalogue says of a model's products now: in stock or not, and the price. The scan leaves out by it what cannot be shown. It may be
 * some seconds old; whoever shows picks looks at the products themselves. Filled by one thread, then read by many. */
struct affinity_shelf;

/* Everything in stock, at the prices of training. Owned by the caller; for this model only. */
struct affinity_shelf *affinity_shelf_make(const struct affinity *m);
struct affinity_shelf *affinity_shelf_copy(const struct affinity_shelf *shelf);
void affinity_shelf_free(struct affinity_shelf **shelf);

/* Whether two shelves of one model say the same of every product. */
bool affinity_shelf_equals(const struct affinity_shelf *a, const struct affinity_shelf *b);

/* Of one product. */
struct shelf_facts {
    int64_t stock;       /* 0: out of stock; anything else is in stock */
    int64_t price_minor; /* MONEY_UNKNOWN keeps that of training */
    char currency[4];    /* "" unknown */
    bool titled;
};

/* Whether affinity_shelf_put would change anything. */
bool affinity_shelf_differs(const struct affinity_shelf *shelf, const struct affinity *m,
                            const char *product_id, const struct shelf_facts *facts);

/* Products the model does not know are passed over. */
void affinity_shelf_put(struct affinity_shelf *shelf, const struct affinity *m,
                        const char *product_id, const struct shelf_facts *facts);

/* Whether most products have a title: then those without are left out. Where few have, the catalogue is not told yet, and they would be all that is
 * ever shown. NULL: nobody knows. */
bool affinity_shelf_has_titles(const struct affinity_shelf *shelf);

#endif
