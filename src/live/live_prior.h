#ifndef LIVE_LIVE_PRIOR_H
#define LIVE_LIVE_PRIOR_H

#include "live/live_held.h"
#include "store/pg/db.h"

/* The models that serve before anything was learnt, and where what was learnt does not load: version 0 of each kind. */

/* The risk: old again where it is that one with that correction. One reference to the caller. */
struct held *live_prior_risk(struct held *old, int64_t horizon_us, double shift);

/* The affinity as the newest events of every lane and the catalogue have it: old again where nothing changed, or where it is too soon to look (it is
 * looked at every every_us, and so seldom that it takes no more than a hundredth of the time). old is any holder of its kind, or NULL. *out is NULL
 * where there is no product yet. One reference to the caller; on failure of the database, none. */
struct prior_look {
    int64_t every_us;
    int64_t next_us;              /* monotonic; 0 at the start, and for now */
    uint8_t sha256[SHA256_BYTES]; /* of what was last made */
};
CAN_FAIL bool live_prior_affinity(struct db *db, struct prior_look *look, struct held *old,
                                  struct held **out, struct err *err);

/* What other models may know of this one: nothing, since it is learnt from the very day that they judge. */
bool live_prior_is(const struct held *h);

#endif
