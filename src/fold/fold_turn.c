#include "fold/fold_turn.h"

#include <string.h>

int turn_take(struct fold_turn *t, struct lane_lease *lanes, int n)
{
    struct lane_lease all[LANES];
    int first = 0;
    int taken = n >> t->less;

    taken = taken < TURN_LANES_LEAST ? TURN_LANES_LEAST : taken;
    if (taken >= n) {
        return n;
    }
    /* From where the last turn ended, round and round: no lane waits longer than a round. */
    while (first < n && lanes[first].lane < t->next) {
        first++;
    }
    memcpy(all, lanes, (size_t)n * sizeof *all);
    for (int i = 0; i < taken; i++) {
        lanes[i] = all[(first + i) % n];
    }
    t->next = lanes[taken - 1].lane + 1;
    return taken;
}

/* Lanes of which something came; *out_full: of how many as much as the share of each, so that more may be there. */
static int lanes_count(const struct log_event *events, size_t count, int most, int *out_full)
{
    int lanes = 0;
    size_t in_lane = 0;

    for (size_t i = 0; i < count; i++) {
        lanes += i == 0 || events[i].lane != events[i - 1].lane ? 1 : 0;
    }
    *out_full = 0;
    for (size_t i = 0; i < count; i++) {
        in_lane = i > 0 && events[i].lane == events[i - 1].lane ? in_lane + 1 : 1;
        /* A batch is dealt out in equal shares (store_events_after): a lane that gave all of its
         * own may have more. */
        bool last = i + 1 == count || events[i + 1].lane != events[i].lane;
        *out_full += last && in_lane >= (size_t)(most / lanes) ? 1 : 0;
    }
    return lanes;
}

bool turn_came(struct fold_turn *t, const struct log_event *events, size_t count, int most)
{
    int full;
    int lanes = lanes_count(events, count, most, &full);
    bool asked_all = t->less == 0;

    if (count == 0) {
        t->less = 0;
        return asked_all;
    }
    if (2 * full > lanes && lanes > TURN_LANES_LEAST) {
        t->less++;
    } else if (!asked_all && 2 * full <= lanes) {
        t->less--;
    }
    return true;
}
