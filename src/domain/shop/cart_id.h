#ifndef DOMAIN_SHOP_CART_ID_H
#define DOMAIN_SHOP_CART_ID_H

#include <stdbool.h>

/* Whether a cart's id tells it apart from other shoppers' carts, or is a word that every cart of a shop is called: "cart", "default",
 * "ShoppingCart". One with a digit does; one without if it has 16 characters beside the words that shops call carts by. Where a
 * constant slips through, it is noticed by how many use it (fold/fold_orders.c). NULL: it does not. */
bool cart_id_tells_apart(const char *cart_id);

#endif
