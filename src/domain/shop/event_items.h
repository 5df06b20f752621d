#ifndef DOMAIN_SHOP_EVENT_ITEMS_H
#define DOMAIN_SHOP_EVENT_ITEMS_H

#include "base/arena.h"
#include "base/json/jdec.h"
#include "domain/shop/event.h"

/* Reads the member `items` of d, whose type is known, to e->items and e->adjustments, in arena. */
void event_read_items(struct jdec *d, struct arena *a, struct event *e);

#endif
