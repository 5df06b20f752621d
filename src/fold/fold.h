#ifndef FOLD_FOLD_H
#define FOLD_FOLD_H

#include "base/config.h"
#include "base/err.h"
#include "live/live.h"
#include "live/rescore.h"
#include "store/database.h"
#include "store/events.h"

/* The consumer of the log (event sourcing calls it a projection): leases lanes, reads past the cursors, folds through domain/shopper/shopper.h, and writes
 * shoppers, carts, derived events and cursors in ONE transaction. A fenced cursor rolls all of it
 * back. */

/* One pass over up to fold_batch events of the leased lanes, and over one shopper that an earlier one has put off, if it is due
 * (fold_stale.h); *out_folded 0: nothing was waiting.
 * live may be NULL (no scores). For tests, import and replay. */
struct folder;
CAN_FAIL bool folder_open(const struct database *database, const struct config *config,
                          struct live *live, const char *owner, int lanes_wanted,
                          struct folder **out, struct err *err);
CAN_FAIL bool folder_step(struct folder *f, int64_t *out_folded, struct err *err);
/* Folds the shoppers of its lanes that are stale now, whenever they are due: for who wants to come to an end. How many were. */
CAN_FAIL bool folder_settle(struct folder *f, int *out_folded, struct err *err);
/* How far the fold of the whole log is behind, over the folder's connection. */
CAN_FAIL bool folder_lag(struct folder *f, struct log_lag *out, struct err *err);
/* Scores some carts the fold has not touched since another risk model scored them; does nothing without live models. */
CAN_FAIL bool folder_rescore(struct folder *f, struct rescore *r, struct err *err);
/* Lanes that it cannot fold now, because another transaction holds what they need (the cursor, rows), and lanes that it cannot tell what it
 * derived for them, because another transaction holds those: everything else is folded all the same, and these are tried again. */
struct folder_state {
    int held_lanes;    /* not folded */
    int waiting_lanes; /* not told; of all folders, since each sees the same */
    int64_t held_us;   /* the longest */
};
void folder_look(const struct folder *f, struct folder_state *out);
void folder_close(struct folder **f); /* releases the leases */

/* Folds until every cursor has reached the end of the log, and whoever was put off meanwhile in the lanes that it holds (import calls
 * it before it ends). progress may be NULL. */
CAN_FAIL bool fold_catch_up(const struct database *database, const struct config *config,
                            void (*progress)(void *ctx, int64_t folded), void *ctx,
                            struct err *err);

/* The worker threads of serve. They wait out database failures with backoff, log once per outage,
 * and refresh the lag metrics. */
struct fold_workers;
CAN_FAIL bool fold_workers_start(const struct database *database, const struct config *config,
                                 struct live *live, struct fold_workers **out, struct err *err);
void fold_workers_stop(struct fold_workers **w);
/* Monotonic time of the last successful pass of any worker; readiness looks at it. */
int64_t fold_workers_last_pass_us(const struct fold_workers *w);
/* All workers' held lanes, as of their last passes. */
void fold_workers_look(const struct fold_workers *w, struct folder_state *out);

#endif
