#ifndef FOLD_FOLD_STALE_H
#define FOLD_FOLD_STALE_H

#include "base/config.h"
#include "live/live.h"
#include "store/history.h"
#include "store/lanes.h"

/* Shoppers that a batch has put off (fold_heavy.h), one at a time and each in a transaction of its own, so that nobody waits for them but
 * themselves. Of a folder's time they get one part in heavy_pause + 1. For fold.c only. */

/* When this folder looks for one again; monotonic. */
struct stale_clock {
    int64_t look_us;
    int64_t free_us; /* until then it has done its part */
    bool goes_on; /* with pages of the one that it has begun, where there is nothing else to do */
};

/* What folding one takes; borrowed. */
struct stale_means {
    struct db *db;
    const struct config *config;
    struct live *live; /* NULL: no scores */
    const struct lane_lease *leases;
    int lease_count;
};

enum stale_end {
    STALE_NONE,   /* none is due */
    STALE_FOLDED, /* one was */
    STALE_PAGE,   /* a page of one: there are more (fold_refold.h) */
    STALE_FAILED, /* one was not: it is due again later, and everything else goes on */
    STALE_FENCED  /* its lane is somebody else's by now */
};

/* Folds at most one, or the first part of what it has waited with (the rest is due again later), or a page. idle: there is nothing else to do. False: the connection is
 * of no more use. */
CAN_FAIL bool fold_stale_step(const struct stale_means *m, struct stale_clock *clock, bool idle,
                              enum stale_end *out, struct err *err);
/* Of a shopper whose events cannot be folded with those of others: they wait from now on, and are tried by themselves. */
CAN_FAIL bool fold_stale_put_aside(const struct stale_means *m, struct history_key key,
                                   struct err *err);
/* Folds all of these lanes that are stale now, whenever they are due and however much of the time that takes, or until one cannot be. */
CAN_FAIL bool fold_stale_settle(const struct stale_means *m, int *out_folded, struct err *err);

#endif
