#ifndef LIVE_RESCORE_H
#define LIVE_RESCORE_H

#include "base/config.h"
#include "base/err.h"
#include "live/live.h"
#include "store/pg/db.h"

/* The fold scores the carts it writes; this scores the others when a new risk model serves, so that GET /v1/carts?order=risk compares
 * scores of one model. A walk over the open carts seen within expired_after, a batch at a time, begun again when the model changes. */
struct rescore {
    char version[64]; /* the model of the walk; "" none yet */
    bool done;
    int lane; /* where the walk stands */
    char key[EVENT_KEY_MAX + 1];
    char cart_id[EVENT_ID_MAX + 1];
};

/* One batch; cheap when there is nothing to do. *out_scored may be NULL. */
CAN_FAIL bool rescore_step(struct rescore *r, struct db *db, struct live *live,
                           const struct config *config, int64_t now_us, int64_t *out_scored,
                           struct err *err);

#endif
