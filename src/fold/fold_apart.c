/* How small the batches are after one could not be folded. Pure: who folds, and who puts aside, is fold.c. */
#include "fold/fold_apart.h"

#include "base/mem.h"

void apart_reset(struct fold_apart *x)
{
    mem_free(&x->key);
    *x = (struct fold_apart){.lane = -1};
}

/* How many at the start are of one lane. */
static size_t lane_run(const struct log_event *events, size_t count)
{
    size_t n = 1;

    while (n < count && events[n].lane == events[0].lane) {
        n++;
    }
    return n;
}

void apart_failed(struct fold_apart *x, const struct log_event *events, size_t count)
{
    /* A connection may break once, at whatever it is. */
    const bool again = count == 1 && events[0].lane == x->lane && events[0].off == x->off;

    x->lanes = true;
    x->lane = lane_run(events, count) == count ? events[0].lane : x->lane;
    x->off = count == 1 ? events[0].off : 0;
    if (again) {
        mem_free(&x->key);
        x->key = mem_strdup(events[0].key);
    }
}

size_t apart_run(const struct fold_apart *x, const struct log_event *events, size_t count)
{
    return events[0].lane == x->lane ? 1 : lane_run(events, count);
}

struct history_key apart_key(const struct fold_apart *x)
{
    return (struct history_key){.lane = x->lane, .key = x->key};
}
