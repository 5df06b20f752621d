#ifndef DOMAIN_SHOPPER_SHOPPER_BINDINGS_H
#define DOMAIN_SHOPPER_SHOPPER_BINDINGS_H

#include "domain/shopper/shopper.h"

/* Who belongs to whom; for the fold only. The rules stand in shopper.h under "Identity". */

/* What the whole set says: bindings from base (NULL: none) and from the shopper_bound or binding_set
 * events among these. */
void bindings_collect(struct shopper *s, const struct shopper *base, const struct event *events,
                      size_t count, struct arena *a);

/* The same for one more shopper_bound or binding_set. SHOPPER_REFOLD: it changes which events count; s
 * is unchanged. */
enum shopper_step bindings_apply(struct shopper *s, const struct event *e, struct arena *a);

#endif
