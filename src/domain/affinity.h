#ifndef DOMAIN_AFFINITY_H
#define DOMAIN_AFFINITY_H

#include "base/arena.h"
#include "base/err.h"
#include "domain/shopper.h"
#include "ml/model_file.h"

/* Which products: an affinity model over a model file. Two algorithms serve through the same face: "als" (fold-in of the live shopper,
 * exact top-K) and "popularity" (time-decayed counts). Immutable; used by many threads. */
struct affinity;

/* Where a pick came from, best first: the cold-start chain.
 *   SESSION   items nearest to the shopper's factors, folded in from what they did; needs one item the model was trained on
 *   SIMILAR   like a cart or viewed product that has no factors yet: same category, same brand, nearest price
 *   CATEGORY  popular in a category of the shopper's products
 *   POPULAR   popular overall */
enum pick_source { PICK_SESSION, PICK_SIMILAR, PICK_CATEGORY, PICK_POPULAR };
const char *
pick_source_name(enum pick_source s); /* "session", "similar", "popular_in_category", "popular" */

struct pick {
    const char *product_id; /* borrowed from the model */
    double score;           /* comparable only within one source */
    enum pick_source source;
    const char *
        because; /* product id of the shopper's own event that moved it most, or category for PICK_CATEGORY; NULL for popular */
};
enum { PICKS_MAX = 100 };
struct picks {
    struct pick items[PICKS_MAX];
    int count;
};

/* Checks the file (kind, schema, shapes, ranges, self-test) and takes it over: the caller's *file is then {0}. On failure it stays the
 * caller's. version is copied ("affinity-als-3"). */
CAN_FAIL bool affinity_load(struct model_file *file, const char *version, struct affinity **out,
                            struct err *err);
void affinity_free(struct affinity **a);
const char *affinity_version(const struct affinity *a);
const char *affinity_algorithm(const struct affinity *a);
int64_t affinity_as_of_us(const struct affinity *a); /* end of the log it was trained on */
bool affinity_knows(const struct affinity *a,
                    const char *product_id); /* trained on, or in its catalogue */

/* Filter: true keeps the product (in stock, not just bought ...); the open carts' own products and those bought lately are always left out. */
typedef bool pick_filter(void *ctx, const char *product_id);

/* Top k for this shopper. Fold-in uses the shopper's recent events and cart lines with the training's event weights and time decay at now_us.
 * Fills from the chain until k are found; says of each pick where it came from. */
void affinity_rank(const struct affinity *m, const struct shopper *s, int64_t now_us, int k,
                   pick_filter *keep, void *ctx, struct picks *out);

/* Event weight of the model and of training: 0 for types that say nothing about taste. */
double affinity_event_weight(enum event_type type);

#endif
