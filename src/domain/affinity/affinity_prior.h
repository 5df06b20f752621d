#ifndef DOMAIN_AFFINITY_AFFINITY_PRIOR_H
#define DOMAIN_AFFINITY_AFFINITY_PRIOR_H

#include "base/jenc.h"
#include "domain/affinity/affinity_file.h"
#include "domain/shop/event.h"
#include "domain/shop/product.h"

/* The affinity model that a shop starts with, number 0 of its kind: nothing of it was trained. It counts what shoppers looked at, carted and bought
 * lately (the event weights and the decay of training), and knows the catalogue. Algorithm "prior". Its picks are like a product of the shopper
 * (same category and brand, by price), then popular in its category, then popular; what nobody has touched is never called popular. */
#define AFFINITY_PRIOR_VERSION "affinity-prior-0"

/* One mention of a product: by the catalogue, or by an event. */
struct prior_mention {
    struct affinity_item item; /* popularity: of the event when it happened */
    int64_t at_us;             /* of the event; 0: the catalogue */
};

/* What it is made of, in any order; {0} is empty. */
struct affinity_prior {
    struct arena arena;
    struct prior_mention *mentions;
    size_t count, cap;
    int64_t from_us, as_of_us; /* of the events */
};
void affinity_prior_free(struct affinity_prior *p);
void affinity_prior_product(struct affinity_prior *p, const struct product *product);
void affinity_prior_event(struct affinity_prior *p, const struct event *e);

/* The model's bytes and their SHA-256, as affinity_write; needs one product at least. The same products and events give the same bytes, in whatever
 * order they were told; p is for nothing else afterwards. */
CAN_FAIL bool affinity_prior_write(struct affinity_prior *p, struct buf *out,
                                   uint8_t out_sha256[SHA256_BYTES], struct err *err);

/* The members of its card, into an object that is open. */
void affinity_prior_card(struct jenc *j);

#endif
