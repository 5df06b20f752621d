#ifndef FOLD_FOLD_APART_H
#define FOLD_FOLD_APART_H

#include "store/events.h"
#include "store/history.h"

/* What becomes of a batch that cannot be folded, by whatever it is that the database has not the memory or the time for: it is tried again lane by
 * lane, then the lane that fails event by event, and once more; then whose event that is waits by itself (fold_stale.h), and everybody else is
 * folded. For fold.c only. */
struct fold_apart {
    bool lanes;  /* the next batches are of one lane each, */
    int lane;    /* and of this one of one event each; -1: none */
    int64_t off; /* the event of it that failed by itself; 0: none */
    char *key;   /* of that lane: who is put aside next; owned. NULL: nobody */
};

/* Nothing has failed. */
void apart_reset(struct fold_apart *x);
/* A batch did; what comes next is smaller. */
void apart_failed(struct fold_apart *x, const struct log_event *events, size_t count);
/* Of the events, how many at the start come together: of one lane, or one. */
size_t apart_run(const struct fold_apart *x, const struct log_event *events, size_t count);
/* Who is to be put aside, as long as x stands; key NULL: nobody. */
struct history_key apart_key(const struct fold_apart *x);

#endif
