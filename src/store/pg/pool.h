#ifndef STORE_PG_POOL_H
#define STORE_PG_POOL_H

#include "base/err.h"
#include "store/pg/db.h"

/* A fixed array of connections behind a mutex. Who finds none free stands in line and is served in order. */
struct pool;

CAN_FAIL bool pool_open(const char *conninfo, bool prepared, int size, int64_t wait_us,
                        struct pool **out, struct err *err);
void pool_close(struct pool **pool);

/* Before the first lease: everything done with a lease ends within lease_us (db_bound), and a connection is replaced at max_age_us,
 * give or take a tenth. 0: no bound, as after pool_open. */
void pool_bound(struct pool *pool, int64_t lease_us, int64_t max_age_us);

struct pool_state {
    int size;
    int in_use;
    int waiting;
    int64_t oldest_us; /* how long the first in line has waited */
};
void pool_look(struct pool *pool, struct pool_state *out);

/* Waits at most wait_us, connecting included, then ERR_BUSY "no database connection within N ms". Broken connections are
 * replaced here, with backoff. */
CAN_FAIL bool pool_take(struct pool *pool, struct db **out, struct err *err);

struct lease {
    struct pool *pool;
    struct db *db;
};
/* CLEANUP(pool_return) struct lease l = {.pool = pool}; if (!pool_lease(pool, &l, err)) ...
 * Returning rolls back an open transaction. */
CAN_FAIL bool pool_lease(struct pool *pool, struct lease *out, struct err *err);
void pool_return(struct lease *lease);

#endif
