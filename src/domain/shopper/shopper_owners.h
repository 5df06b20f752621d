#ifndef DOMAIN_SHOPPER_SHOPPER_OWNERS_H
#define DOMAIN_SHOPPER_SHOPPER_OWNERS_H

#include "domain/shopper/shopper.h"

/* Whose an anonymous shopper is; for shopper_bindings.c only. */

/* What the whole set says: owners from base (NULL: none) and from the changes among these events. */
void owners_collect(struct shopper *s, const struct shopper *base, const struct event *events,
                    size_t count, struct arena *a);

/* One more change. SHOPPER_REFOLD: it changes which events are the shopper's own to fold; s is unchanged. */
enum shopper_step owners_apply(struct shopper *s, const struct event *e, struct arena *a);

#endif
