#ifndef DOMAIN_SHOPPER_SHOPPER_BINDINGS_H
#define DOMAIN_SHOPPER_SHOPPER_BINDINGS_H

#include "domain/shopper/shopper.h"

/* Who belongs to whom; for the fold only. The rules stand in shopper.h under "Identity". */

/* What the whole set says: from base (NULL: none) and from these events. s is base's copy, or new. */
void bindings_collect(struct shopper *s, const struct shopper *base, const struct event *events,
                      size_t count, struct arena *a);

/* A customer's events name these, each once, in any order and as many as are kept; the names are borrowed. */
void bindings_set_named(struct shopper *s, const struct named_via *named, size_t count,
                        struct arena *a);

/* The same for one more login, logout or binding_set. SHOPPER_REFOLD: it changes which events count; s
 * is unchanged. */
enum shopper_step bindings_apply(struct shopper *s, const struct event *e, struct arena *a);

/* The same for one more event of any other kind, which may name an anonymous shopper; full: only the
 * whole set tells whom to forget for it. */
bool bindings_full(const struct shopper *s, const struct event *e);
void bindings_name(struct shopper *s, const struct event *e, struct arena *a);

#endif
