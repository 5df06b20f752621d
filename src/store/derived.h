#ifndef STORE_DERIVED_H
#define STORE_DERIVED_H

#include "store/events.h"

/* Derived events whose lanes another transaction holds: they wait beside the log, so that the fold which derived them can commit. Their ids come
 * from their cause: what is derived again while it waits, or after, is a duplicate. */

/* In the open transaction of the fold: appends what goes into lanes that are free, and has the rest wait; waits for nobody itself.
 * *out_waiting: how many. */
CAN_FAIL bool store_derived_append(struct db *db, const struct event_row *rows, size_t count,
                                   int64_t now_us, struct arena *a, size_t *out_waiting,
                                   struct err *err);

struct derived_moved {
    int64_t events;
    int held_lanes; /* that others wait for, and are held still */
    bool more;      /* there was more than one call moves */
};
/* What waits for lanes that are free by now, into the log. In a transaction of its own; waits for nobody. */
CAN_FAIL bool store_derived_move(struct db *db, int64_t now_us, struct derived_moved *out,
                                 struct err *err);

#endif
