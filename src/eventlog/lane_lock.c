/* Exclusive work on a lane. */
#include "eventlog/lane_lock.h"

#include "base/stop.h"
#include "store/history.h"

enum { ATTEMPTS = 8 };
#define RETRY_US INT64_C(20000)

static bool attempt(struct db *db, int lane, lane_lock_fn *fn, void *ctx, struct err *err)
{
    int64_t cursor_off;

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
        if (!db_alive(db) || !db_retryable(db) || stop_wait_us(RETRY_US << i)) {
            return false;
        }
    }
    return false;
}
