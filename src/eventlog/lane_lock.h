#ifndef EVENTLOG_LANE_LOCK_H
#define EVENTLOG_LANE_LOCK_H

#include "store/events.h"
#include "store/pg/db.h"

/* Work on one lane that folders have to keep out of: runs fn in a transaction that holds the lane's cursor. A folder's
 * transaction begins with its cursors, so it has either ended before or waits, and then reads what fn
 * wrote. Retried when the database asks for it, so fn starts its counts anew each time. cursor_off is
 * where the fold stands. Where somebody else holds the lane it fails after the patience of db, and db_locked_out says so. */
typedef bool lane_lock_fn(struct db *db, int lane, int64_t cursor_off, void *ctx, struct err *err);
CAN_FAIL bool lane_lock_run(struct db *db, int lane, lane_lock_fn *fn, void *ctx, struct err *err);

/* Work on every lane, one after the other; lanes that somebody else holds are put off until all others are done, some times. *out_left: those
 * that were held all the time. work fails as lane_lock_run does. */
typedef bool lane_work_fn(struct db *db, int lane, void *ctx, struct err *err);
CAN_FAIL bool lane_lock_each(struct db *db, lane_work_fn *work, void *ctx,
                             struct lane_set *out_left, struct err *err);

#endif
