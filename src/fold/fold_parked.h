#ifndef FOLD_FOLD_PARKED_H
#define FOLD_FOLD_PARKED_H

#include "store/lanes.h"

#include <stdbool.h>

/* Lanes that a folder cannot fold, because somebody holds what they need: the cursor, rows. They are left alone for a while, the others are
 * folded. Zero it at the start, and clear it at the end: the metric counts them. */
struct parked {
    int64_t since_us; /* monotonic; 0: it is not */
    int64_t until_us;
    int64_t for_us;
};
struct fold_parked {
    struct parked lanes[LANES];
    int count;
};

/* It could not be folded, for the first time or again. */
void parked_put(struct fold_parked *p, int lane);
/* It could. */
void parked_take(struct fold_parked *p, int lane);
bool parked_has(const struct fold_parked *p, int lane);
/* Parked, and to be tried again. */
bool parked_is_due(const struct fold_parked *p, int lane);
/* Since when the longest is parked, monotonic; INT64_MAX: none is. */
int64_t parked_since_us(const struct fold_parked *p);
/* Forgets lanes other than these: they were lost to another folder, and are its to park. */
void parked_keep(struct fold_parked *p, const struct lane_lease *ours, int count);
void parked_clear(struct fold_parked *p);

#endif
