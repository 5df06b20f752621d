#ifndef FOLD_FOLD_HAND_H
#define FOLD_FOLD_HAND_H

#include "fold/fold_stale.h"

/* Anonymous shoppers that turned out to be somebody's, and have done more than a batch passes on at once (sql/migrations/0034_bounded_fold.sql):
 * their events go to whom they belong to a page at a time, each in a transaction of its own, so that no lane they go into is held for
 * longer. While there is anything else to fold, all of them together get of a folder's time one part in heavy_pause + 1. For fold/ only. */

enum { HAND_PAGE_BYTES = 1 << 20 }; /* of bodies, in one page */

/* So many events of one shopper a batch passes on itself, and a page has. heavy_events: the setting. */
int64_t hand_at_once(int64_t heavy_events);
int64_t hand_page(int64_t heavy_events);

/* When this folder looks again, and until when it has done its part; monotonic. */
struct hand_clock {
    int64_t look_us;
    int64_t free_us;
    bool waiting; /* some of the last page waits for lanes that others hold (store/derived.h) */
};

enum hand_end {
    HAND_NONE,   /* there is nothing, or it is not the time */
    HAND_PAGE,   /* a page was passed on */
    HAND_FAILED, /* it was not: it is tried again */
    HAND_FENCED  /* its lane is somebody else's by now */
};

/* At most one page; idle: there is nothing else to do. *out_count: how many events of it were read. False: the connection is of no more
 * use. */
CAN_FAIL bool fold_hand_step(const struct stale_means *m, struct hand_clock *clock, bool idle,
                             enum hand_end *out, int64_t *out_count, struct err *err);
/* All of these lanes, or until one page cannot be. */
CAN_FAIL bool fold_hand_settle(const struct stale_means *m, int *out_pages, struct err *err);

#endif
