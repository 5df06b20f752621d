/* Which lanes are left alone, and for how long. Why they cannot be folded is fold.c's to find out. */
#include "fold/fold_parked.h"

#include "base/clock.h"
#include "base/metric.h"

#define PARKED_US     INT64_C(250000) /* a lane that cannot be folded is left alone for so long, */
#define PARKED_MAX_US SECONDS(2)      /* then twice as long, up to this */

void parked_put(struct fold_parked *p, int lane)
{
    struct parked *l = &p->lanes[lane];
    int64_t now_us = clock_monotonic_us();

    if (l->since_us == 0) {
        *l = (struct parked){.since_us = now_us, .for_us = PARKED_US / 2};
        p->count++;
        metric_add(METRIC_fold_held, 1);
    }
    l->for_us = l->for_us * 2 < PARKED_MAX_US ? l->for_us * 2 : PARKED_MAX_US;
    l->until_us = now_us + l->for_us;
}

void parked_take(struct fold_parked *p, int lane)
{
    if (p->lanes[lane].since_us != 0) {
        p->lanes[lane] = (struct parked){0};
        p->count--;
        metric_sub(METRIC_fold_held, 1);
    }
}

bool parked_has(const struct fold_parked *p, int lane)
{
    return p->lanes[lane].since_us != 0;
}

bool parked_is_due(const struct fold_parked *p, int lane)
{
    return parked_has(p, lane) && p->lanes[lane].until_us <= clock_monotonic_us();
}

int64_t parked_since_us(const struct fold_parked *p)
{
    int64_t since_us = INT64_MAX;

    for (int lane = 0; lane < LANES; lane++) {
        if (parked_has(p, lane) && p->lanes[lane].since_us < since_us) {
            since_us = p->lanes[lane].since_us;
        }
    }
    return since_us;
}

void parked_keep(struct fold_parked *p, const struct lane_lease *ours, int count)
{
    bool is_ours[LANES] = {false};

    for (int i = 0; i < count; i++) {
        is_ours[ours[i].lane] = true;
    }
    for (int lane = 0; lane < LANES && p->count > 0; lane++) {
        /* one that is not due yet may only have been left out of a renewal */
        if (!is_ours[lane] && parked_is_due(p, lane)) {
            parked_take(p, lane);
        }
    }
}

void parked_clear(struct fold_parked *p)
{
    for (int lane = 0; lane < LANES; lane++) {
        parked_take(p, lane);
    }
}
