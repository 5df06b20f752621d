#ifndef DOMAIN_SHOPPER_SHOPPER_IDENTITY_H
#define DOMAIN_SHOPPER_SHOPPER_IDENTITY_H

#include "domain/shopper/shopper.h"

/* Whose events are whose; for the fold only. The rules stand in shopper.h under "Identity". */

bool identity_is_anonymous(const struct shopper *s); /* its key is that of an anonymous shopper */
/* Before this time an anonymous shopper's events are a customer's, or forgotten: it only counts them.
 * INT64_MIN: none is; INT64_MAX: all are. */
int64_t identity_handed_until(const struct shopper *s);

/* An event forwarded to this customer from an anonymous shopper. */
bool identity_is_forwarded(const struct event *e);
/* True if an event is this shopper's to fold: its own, or forwarded out of an interval that is its. */
bool identity_counts(const struct shopper *s, const struct event *e);
/* The side whose carts the event is about: NULL for the shopper's own. */
const char *identity_side(const struct shopper *s, const struct event *e);

/* True if what the event says is the shopper's own word: told under its key, or by a browser where it was logged in then. Else it
 * was a guest's, who may have been anybody. */
bool identity_is_own_word(const struct shopper *s, const struct event *e);

/* True if it says of both who they are: the customer's own, with an anonymous id. */
bool identity_names(const struct shopper *s, const struct event *e);
/* From when on it says so: of an order that is told inexactly from the time that was told, though it is folded at the end of that. */
int64_t identity_names_us(const struct event *e);
/* Folds such an event: the side of its anonymous shopper ends, its open carts merge. */
void identity_join(struct shopper *s, const struct event *e, struct arena *a);
/* The same of one that came too late: the side ends, but each of its carts stays a cart of its own, so that no round that was closed by
 * then has more in it. */
void identity_join_late(struct shopper *s, const struct event *e);
/* A logout at a browser, folded by a customer: its login there has ended. */
void identity_leave(struct shopper *s, const struct event *e);

#endif
