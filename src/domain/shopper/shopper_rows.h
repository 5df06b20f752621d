#ifndef DOMAIN_SHOPPER_SHOPPER_ROWS_H
#define DOMAIN_SHOPPER_SHOPPER_ROWS_H

#include "domain/shopper/shopper.h"

/* The rows of an order, for the fold only (shopper.h, "Orders"). */

/* The index of the order that the purchase is a row of; order_count: of none that is known. */
size_t rows_order_of(const struct shopper *s, const struct event *e);
/* The row names the cart that the order named last. */
bool rows_same_cart(const struct order_seen *order, const struct event *e);

#endif
