#ifndef DOMAIN_SHOPPER_SHOPPER_ORDERS_H
#define DOMAIN_SHOPPER_SHOPPER_ORDERS_H

#include "domain/shopper/shopper.h"

/* The orders of a shopper, and what they do to the carts; for the fold only. The rules stand in shopper.h ("Orders"). */

/* A purchase of an order that was seen before. */
bool orders_know(const struct shopper *s, const struct event *e);

void orders_buy(struct shopper *s, const struct event *e, struct arena *a);

/* Forgets the order and its goods. */
void orders_drop(struct shopper *s, size_t index);

/* What items cost, of those whose price is known. */
int64_t orders_sum(const struct event_item *items, size_t count);
int64_t orders_units(const struct event_item *items, size_t count);

/* True if an order that names the event's cart, which is not open, comes before it, and has bought all that it puts there: the order was
 * dated too early. */
bool orders_foretold(const struct shopper *s, const struct event *e);

/* The event without the items that only repeat what was bought just now; none left: it is an echo. c: the cart its items
 * would go to, NULL where they would make one. In arena. */
struct event orders_without_echo(const struct shopper *s, const struct cart *c,
                                 const struct event *e, struct arena *a);

#endif
