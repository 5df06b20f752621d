#ifndef STORE_PRIVATE_PGCLUSTER_H
#define STORE_PRIVATE_PGCLUSTER_H

#include "base/err.h"
#include "store/private/child.h"

#include <limits.h>

/* Where a private PostgreSQL lies, which programs run it, and as whom. Holds no lock: pgserver.c
 * does. */
struct pgcluster {
    struct child_user user;
    char bin[PATH_MAX];  /* folder of initdb, pg_ctl, postgres */
    char data[PATH_MAX]; /* the cluster, absolute, links resolved */
    char socket[64];     /* short: a Unix socket's path may have 107 bytes */
};

/* Finds or makes the cluster under data_dir (absolute, exists), with everything a start needs. Call
 * it under the lock. */
CAN_FAIL bool pgcluster_prepare(const char *data_dir, struct pgcluster *out, struct err *err);

/* Starts the server and returns when it takes connections; stops it. The server outlives this
 * process. ERR_BUSY: what is left of one that was killed is still in its way. */
CAN_FAIL bool pgcluster_start(const struct pgcluster *c, struct err *err);
CAN_FAIL bool pgcluster_stop(const struct pgcluster *c, struct err *err);

/* True if a PostgreSQL of this cluster runs. A pid file left by a killed server does not count. */
bool pgcluster_running(const struct pgcluster *c);

#endif
