#ifndef DOMAIN_SHOPPER_SHOPPER_CANCEL_H
#define DOMAIN_SHOPPER_SHOPPER_CANCEL_H

#include "domain/shopper/shopper.h"

/* order_cancelled, or a payment_failed that names an order which was told (or, soon after it, the cart that it closed): the
 * order, or the items that are cancelled of it, never was, and the carts it closed are open again (shopper.h, "After an
 * order"). A payment_failed of a checkout that is still going on changes nothing here. For the fold only. */
void orders_cancel(struct shopper *s, const struct event *e, struct arena *a);

#endif
