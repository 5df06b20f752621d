/* What waits for lanes that somebody else holds. */
#include "fold/fold_waiting.h"

#include "base/clock.h"
#include "base/metric.h"
#include "store/derived.h"

#define WAITING_LOOK_US SECONDS(1) /* between looks of who knows of nothing */

bool waiting_let_in(struct fold_waiting *w, struct db *db, struct err *err)
{
    const int64_t now_us = clock_monotonic_us();
    struct derived_moved moved;

    if (!w->any && now_us < w->look_us) {
        return true;
    }
    if (!store_derived_move(db, clock_now_us(), &moved, err)) {
        return false;
    }
    w->since_us = w->lanes > 0 ? w->since_us : now_us;
    w->lanes = moved.held_lanes;
    w->any = moved.held_lanes > 0 || moved.more;
    w->look_us = now_us + WAITING_LOOK_US;
    metric_set(METRIC_fold_waiting, moved.held_lanes);
    return true;
}

void waiting_forget(struct fold_waiting *w)
{
    w->look_us = 0;
}

int64_t waiting_since_us(const struct fold_waiting *w)
{
    return w->lanes > 0 ? w->since_us : INT64_MAX;
}
