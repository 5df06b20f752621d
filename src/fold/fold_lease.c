/* Which lanes a folder has, and when it looks for more. */
#include "fold/fold_lease.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define ORPHANS_LOOK_US SECONDS(1) /* how often a folder looks for lanes whose lease has run out */
#define SEEKING_US      INT64_C(200000) /* and at least so often who has less than its share */

void leases_forget(struct fold_leases *l)
{
    l->count = 0;
    l->leased_us = 0;
}

static int by_lane(const void *a, const void *b)
{
    const struct lane_lease *x = a;
    const struct lane_lease *y = b;

    return (x->lane > y->lane) - (x->lane < y->lane);
}

/* Where we have less than our share, a lane that was ours and was not renewed is one whose cursor somebody holds: it stays ours, so that it is
 * seen to be stuck. Should it have been taken from us after all, the fence says so. */
static void keep(struct fold_leases *l, const struct lane_lease *before, int count)
{
    const int renewed = l->count;

    for (int i = 0; i < count && l->count < l->due; i++) {
        if (bsearch(&before[i], l->all, (size_t)renewed, sizeof *before, by_lane) == NULL) {
            l->all[l->count++] = before[i];
        }
    }
    qsort(l->all, (size_t)l->count, sizeof *l->all, by_lane);
}

static bool lease(struct fold_leases *l, struct db *db, struct err *err)
{
    struct lane_lease before[LANES];
    const int held = l->count;
    int owners;

    memcpy(before, l->all, (size_t)held * sizeof *before);
    /* Says too that we are here, so that the others give back what is beyond their share. */
    if (!store_lanes_owners(db, l->owner, l->lease_us, &owners, err)) {
        return false;
    }
    int share = (LANES + owners - 1) / owners; /* rounded up: no lane is left to nobody */
    l->due = share < l->wanted ? share : l->wanted;
    if (!store_lanes_lease(db, l->owner, l->lease_us, l->due, l->all, &l->count, err)) {
        return false;
    }
    keep(l, before, held);
    l->leased_us = clock_monotonic_us();
    return true;
}

/* Whether somebody's lease has run out. Then our share has grown, too: who is not seen any more does not count. */
static bool sees_orphans(struct fold_leases *l, struct db *db, bool *out, struct err *err)
{
    int64_t now_us = clock_monotonic_us();

    *out = false;
    if (now_us < l->orphans_look_us) {
        return true;
    }
    l->orphans_look_us = now_us + ORPHANS_LOOK_US;
    return store_lanes_orphaned(db, out, err);
}

/* Renewed well before it runs out; who has less than its share looks more often. */
static int64_t look_every_us(const struct fold_leases *l)
{
    int64_t seeking_us = l->lease_us / 20 < SEEKING_US ? l->lease_us / 20 : SEEKING_US;

    return l->count < l->due ? seeking_us : l->lease_us / 3;
}

bool leases_hold(struct fold_leases *l, struct db *db, struct err *err)
{
    bool orphans = false;

    if (l->leased_us == 0 || clock_monotonic_us() - l->leased_us >= look_every_us(l)) {
        return lease(l, db, err);
    }
    return sees_orphans(l, db, &orphans, err) && (!orphans || lease(l, db, err));
}

const struct lane_lease *lease_of(const struct lane_lease *leases, int count, int lane)
{
    for (int i = 0; i < count; i++) {
        if (leases[i].lane == lane) {
            return &leases[i];
        }
    }
    return NULL;
}

const int32_t *leases_lanes(const struct lane_lease *leases, int count, struct arena *a)
{
    int32_t *lanes = arena_array(a, (size_t)count, sizeof *lanes);

    for (int i = 0; i < count; i++) {
        lanes[i] = leases[i].lane;
    }
    return lanes;
}
