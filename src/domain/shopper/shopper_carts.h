#ifndef DOMAIN_SHOPPER_SHOPPER_CARTS_H
#define DOMAIN_SHOPPER_SHOPPER_CARTS_H

#include "domain/shopper/shopper.h"

/* Which cart of a shopper an event belongs to; for the fold only. A side is an anonymous shopper's id,
 * NULL for the shopper's own. Pointers are valid until the next cart is made. */

/* The cart of that id, or where it merged into; NULL. */
struct cart *carts_find(struct shopper *s, const char *cart_id);

/* The open cart of the side changed last; NULL. */
struct cart *carts_newest_open(struct shopper *s, const char *side);

/* The cart whose signals the event tells of: the named one, else the newest open one of the side. NULL:
 * none. May be closed. */
struct cart *carts_of_event(struct shopper *s, const struct event *e, const char *side);

/* The cart that the event's items go to, opened if it was closed or not there. */
struct cart *carts_for_items(struct shopper *s, const struct event *e, const char *side,
                             struct arena *a);

/* Remembers the cart that the event names, if it is none of the shopper's, nor was. Behind whatever the event does to carts. */
void carts_mention(struct shopper *s, const struct event *e, struct arena *a);

#endif
