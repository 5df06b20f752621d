/* Exclusive work on a lane. */
#include "eventlog/lane_lock.h"

#include "base/clock.h"
#include "base/stop.h"
#include "store/history.h"

#include <string.h>

enum { ATTEMPTS = 8, ROUNDS = 3 };
#define RETRY_US    INT64_C(20000)
#define PATIENCE_US SECONDS(1) /* with a lane that somebody else holds, a round */

static bool attempt(struct db *db, int lane, lane_lock_fn *fn, void *ctx, struct err *err)
{
    int64_t cursor_off;

    /* The cursor before anything else, as in a folder's transaction: one of the two
     * waits, never both. */
    return db_begin(db, err) && store_cursor_hold(db, lane, &cursor_off, err) &&
           fn(db, lane, cursor_off, ctx, err) && db_commit(db, err);
}

bool lane_lock_run(struct db *db, int lane, lane_lock_fn *fn, void *ctx, struct err *err)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        if (attempt(db, lane, fn, ctx, err)) {
            return true;
        }
        db_rollback(db);
        /* Who holds the cursor for longer than our patience may do so for an hour: the caller has other lanes. */
        if (!db_alive(db) || db_locked_out(db) || !db_retryable(db) ||
            stop_wait_us(RETRY_US << i)) {
            return false;
        }
    }
    return false;
}

/* One round over the lanes that are left. */
static bool round_over(struct db *db, lane_work_fn *work, void *ctx, struct lane_set *left,
                       struct err *err)
{
    for (int lane = 0; lane < LANES; lane++) {
        struct err why = {0};
        if (!left->has[lane]) {
            continue;
        }
        if (work(db, lane, ctx, &why)) {
            left->has[lane] = false;
            left->count--;
        } else if (!db_locked_out(db)) {
            *err = why;
            return false;
        }
    }
    return true;
}

bool lane_lock_each(struct db *db, lane_work_fn *work, void *ctx, struct lane_set *out_left,
                    struct err *err)
{
    struct lane_set left = {.count = LANES};

    memset(left.has, true, sizeof left.has);
    db_patience(db, PATIENCE_US);
    for (int i = 0; i < ROUNDS && left.count > 0; i++) {
        if (!round_over(db, work, ctx, &left, err)) {
            return false;
        }
    }
    *out_left = left;
    return true;
}
