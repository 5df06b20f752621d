#ifndef DOMAIN_SHOPPER_SHOPPER_STAND_INS_H
#define DOMAIN_SHOPPER_SHOPPER_STAND_INS_H

#include "domain/shopper/shopper_pages.h"

/* What was left of events that were not whole as they came, and the mended ones that count instead (domain/shop/event_salvage.h): whatever time, cart or order
 * either tells. A function of the set: a stand-in counts for nothing where the set has the whole event under the id that both were sent with, under the same key
 * or the shopper's own. For the fold only. */

/* Only the set says what e does: it stands in, or what stood in for it may have been folded. */
bool stand_ins_are_asked(const struct shopper *s, const struct event *e);

/* Learns of all events of the set; s is the base's copy, or new. */
void stand_ins_collect(struct shopper *s, const struct event *events, size_t count,
                       struct arena *a);

/* The whole one has come, as s knows. */
bool stand_in_is_mended(const struct shopper *s, const struct event *e);

/* Of another state of the same shopper, which knows the whole set. */
void stand_ins_take(struct shopper *s, const struct shopper *known);

#endif
