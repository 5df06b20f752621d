#ifndef DOMAIN_SHOPPER_SHOPPER_LATE_H
#define DOMAIN_SHOPPER_SHOPPER_LATE_H

#include "domain/shopper/shopper.h"

/* Lateness, for the fold only (shopper.h, "Late"). */

/* Of the closers from one time on: when the first of them was received. */
struct closers {
    int64_t any_us;   /* of all */
    int64_t every_us; /* of orders that close every cart: they name none */
    int64_t one_us; /* of empty snapshots that name none: each has closed one, whichever was open */
    struct closer_of_cart {
        const char *cart; /* NULL: free */
        int64_t received_us;
    } * of_cart;                /* of those that name one; open addressing. NULL: nobody asks */
    size_t slots;               /* a power of two */
    struct shopper_rules rules; /* an order that takes lines alone closes nothing */
};

bool late_is_closer(const struct event *e);
/* Came in so long after it occurred that a closer decides whether it is late. */
bool late_is_tardy(const struct event *e);
/* No closers yet, and room for every cart that closers of these events name; in arena. */
struct closers late_closers_room(const struct event *events, size_t count, struct arena *a);
/* known: of carts, only those that are in it. */
void late_closers_add(struct closers *c, const struct event *e, bool known);
/* [i] for events in order, in arena: a closer at or after it had been received before it. s: before the first of them. later: those after the
 * last, NULL: there are none. */
bool *late_find(const struct shopper *s, const struct event *events, size_t count,
                const struct closers *later, struct arena *a);

#endif
