#ifndef DOMAIN_SHOPPER_SHOPPER_ORDERS_H
#define DOMAIN_SHOPPER_SHOPPER_ORDERS_H

#include "domain/shopper/shopper.h"

/* The orders of a shopper, and what they do to the carts; for the fold only. The rules stand in shopper.h ("Orders"). */

/* A purchase of an order that was seen before. */
bool orders_know(const struct shopper *s, const struct event *e);

/* The purchase closes no cart, but takes out of it what it names: by the rule, and where all of its lines could be read. */
bool orders_take_lines(struct shopper_rules rules, const struct event *e);

void orders_buy(struct shopper *s, const struct event *e, struct arena *a);

/* Forgets the order and its goods. */
void orders_drop(struct shopper *s, size_t index);

/* What items cost, of those whose price is known. */
int64_t orders_sum(const struct event_item *items, size_t count);
int64_t orders_units(const struct event_item *items, size_t count);

/* True if an order that names the event's cart, which is not open, comes before it, and has bought all that it puts there: the order was
 * dated too early. */
bool orders_foretold(const struct shopper *s, const struct event *e);

/* Orders that are dated by the day lie at its end (domain/shop/event.h), and that day may be the one
 * before their cart's. */

/* The newest such order that, as far as it tells, may be of the cart that the event brings items to,
 * and bought one of them, which had lain in no cart; NULL. */
struct order_seen *orders_dated_before(struct shopper *s, const struct event *e);
/* The cart, open, turns out to be that order's. */
void orders_take_cart(struct shopper *s, const struct order_seen *order, struct cart *c,
                      const struct event *e, struct arena *a);
/* True if the cart that the event would bring items to is such an order's, and the day after it is
 * not over. */
bool orders_have_taken(const struct shopper *s, const struct event *e);
/* The last time at which the order may have closed a cart. */
int64_t orders_until_us(const struct order_seen *order);

/* The event without the items that only repeat what was bought just now; none left: it is an echo. c: the cart its items
 * would go to, NULL where they would make one. In arena. */
struct event orders_without_echo(const struct shopper *s, const struct cart *c,
                                 const struct event *e, struct arena *a);

#endif
