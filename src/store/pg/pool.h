#ifndef STORE_PG_POOL_H
#define STORE_PG_POOL_H

#include "base/err.h"
#include "store/pg/db.h"

/* A fixed array of connections behind a mutex and a condition variable. */
struct pool;

CAN_FAIL bool pool_open(const char *conninfo, bool prepared, int size, int64_t wait_us,
                        struct pool **out, struct err *err);
void pool_close(struct pool **pool);

/* Waits at most wait_us, then ERR_BUSY "no database connection within N ms". Broken connections are
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
