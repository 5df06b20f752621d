#ifndef DOMAIN_SHOPPER_CART_H
#define DOMAIN_SHOPPER_CART_H

#include "domain/shopper/shopper.h"

/* Changes of one cart, for the fold only; the rules stand in shopper.h. Each stamps changed_us and
 * imported from the event, where something changed. */

enum {
    CART_UNITS_MAX = 1000000000,
};
/* What a line can add up to, in thousandths; one event brings at most EVENT_QUANTITY_MAX units. */
#define CART_QUANTITY_MAX (CART_UNITS_MAX * INT64_C(1000))

/* Slots that an array of this many lines has, at least: cart_add relies on it. */
size_t cart_lines_capacity(size_t count);

/* First round of a new cart, or the next one of a closed cart: no lines, no signals. */
void cart_open(struct cart *c, int64_t at_us);
/* Bought, and then the order was cancelled: the round goes on, with the messages it had. */
void cart_reopen(struct cart *c, const struct event *e);
void cart_close(struct cart *c, enum cart_status status, const struct event *e);

void cart_add(struct cart *c, const struct event *e, struct arena *a);
void cart_remove(struct cart *c, const struct event *e); /* the last line gone empties the cart */
void cart_replace(struct cart *c, const struct event *e, struct arena *a);

/* What an order takes of the lines. True: something is left, and the cart stays open; else it is bought whole. */
bool cart_buy_lines(struct cart *c, const struct event *e, struct arena *a);

/* The side cart's lines, signals and releases join c; side ends as CART_MERGED into c. */
void cart_absorb(struct cart *c, struct cart *side, const struct event *e, struct arena *a);

bool cart_has(const struct cart *c, const char *product_id);

#endif
