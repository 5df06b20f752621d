#ifndef HTTP_WIRE_APP_H
#define HTTP_WIRE_APP_H

#include "base/config.h"
#include "eventlog/intake.h"
#include "fold/fold.h"
#include "http/wire/budget.h"
#include "live/live.h"
#include "outreach/outreach.h"
#include "store/pg/pool.h"

#include <stdatomic.h>
#include <stdint.h>

/* What the handlers work with. Everything is borrowed from whoever starts the server and outlives
 * it. */
struct app {
    const struct config *config;
    struct pool *pool;
    struct outreach_means outreach; /* of these */
    struct intake *intake;
    struct live *live;
    const struct fold_workers *folders; /* NULL: this replica folds nothing */
    struct auth *auth;                  /* NULL: auth is off */
    int64_t connections;       /* http_connections, or what the limit of open files leaves of it */
    int64_t connections_spare; /* beyond, for those that are only told so */
    struct budget bodies;
    atomic_bool draining;
    uint8_t process_id[8]; /* random: request ids of two replicas differ */
    atomic_uint_least64_t requests;
    _Atomic int64_t ready_us; /* monotonic time of the last check that found the database */
};

#endif
