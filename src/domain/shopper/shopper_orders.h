#ifndef DOMAIN_SHOPPER_SHOPPER_ORDERS_H
#define DOMAIN_SHOPPER_SHOPPER_ORDERS_H

#include "domain/shopper/shopper.h"

/* The orders of a shopper, and what they do to the carts; for the fold only. The rules stand in shopper.h ("Orders"). */

/* A purchase of an order that was seen before. */
bool orders_know(const struct shopper *s, const struct event *e);

void orders_buy(struct shopper *s, const struct event *e, struct arena *a);

/* order_cancelled, or a payment_failed that names an order which was told (or, soon after it, the cart that it closed): the
 * order never was, and the carts it closed are open again. A payment_failed of a checkout that is still going on changes
 * nothing here. */
void orders_cancel(struct shopper *s, const struct event *e);

/* The event without the items that only repeat what was bought just now; none left: it is an echo. open: the cart its items
 * would go to, NULL where they would begin a round. In arena. */
struct event orders_without_echo(const struct shopper *s, const struct cart *open,
                                 const struct event *e, struct arena *a);

#endif
