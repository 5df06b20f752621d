#ifndef DOMAIN_SHOPPER_SHOPPER_EVENT_H
#define DOMAIN_SHOPPER_SHOPPER_EVENT_H

#include "domain/shopper/shopper.h"

/* What one event does to a shopper and its carts, given that it counts, is not late, and everything
 * before it was folded. For the fold only. */
void shopper_event(struct shopper *s, const struct event *e, struct arena *a);

#endif
