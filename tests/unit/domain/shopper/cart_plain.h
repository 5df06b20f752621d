#ifndef DOMAIN_SHOPPER_CART_PLAIN_H
#define DOMAIN_SHOPPER_CART_PLAIN_H

#include "domain/shopper/cart.h"
#include "domain/shopper/cart_lines.h"

/* As cart_add and the others; of plain_absorb the lines alone. */
void plain_add(struct cart *c, const struct event *e, struct arena *a);
void plain_remove(struct cart *c, const struct event *e);
void plain_replace(struct cart *c, const struct event *e, struct arena *a);
bool plain_buy_lines(struct cart *c, const struct event *e, struct arena *a);
void plain_absorb(struct cart *c, struct cart *side, struct arena *a);

#endif
