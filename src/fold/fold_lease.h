#ifndef FOLD_FOLD_LEASE_H
#define FOLD_FOLD_LEASE_H

#include "store/lanes.h"

/* The lanes of one folder. Every live folder of every process wants its part of them, gives back what is more, and takes over what a
 * dead one's lease leaves. A lease only keeps folders out of each other's way: what is right, the fence sees to
 * (store_cursors_advance). */
struct fold_leases {
    struct lane_lease all[LANES]; /* in ascending order */
    int count;
    char *owner; /* owned by the folder */
    int64_t lease_us;
    int wanted;              /* at most */
    int due;                 /* the share of it when last looked at */
    int64_t leased_us;       /* monotonic; 0: asks again before the next read */
    int64_t orphans_look_us; /* monotonic, the next look for lanes that a dead folder leaves */
};

/* Renews, takes or gives back where it is time to. */
CAN_FAIL bool leases_hold(struct fold_leases *l, struct db *db, struct err *err);
/* One of some, NULL: it is not among them. And the lanes of all of them, in arena. */
const struct lane_lease *lease_of(const struct lane_lease *leases, int count, int lane);
const int32_t *leases_lanes(const struct lane_lease *leases, int count, struct arena *a);
/* Only the database knows by now whose they are, and where their cursors stand. */
void leases_forget(struct fold_leases *l);

#endif
