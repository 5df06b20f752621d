#ifndef STORE_DATABASE_H
#define STORE_DATABASE_H

#include "base/config.h"
#include "base/err.h"
#include "store/pg/db.h"
#include "store/pg/pool.h"
#include "store/private/pgserver.h"

/* How every command reaches PostgreSQL: DATABASE_URL, else the private server. Checks fsync,
 * full_page_writes and synchronous_commit (refused unless unsafe_database), and migrates under an
 * advisory lock. */
struct database {
    struct pgserver *server; /* NULL with database_url */
    char conninfo[1200];
    bool pooled;      /* a connection pooler stands before the server */
    bool prepared;    /* database_prepared; where that is not told, off behind a pooler */
    bool distributed; /* over several servers (store/pg/distribute.h) */
};

/* Refuses a database that is to be distributed (database_distributed) and is not: database_distribute does that, once and with nobody else there. */
CAN_FAIL bool database_open(const struct config *config, struct database *out, struct err *err);
CAN_FAIL bool database_distribute(struct database *d, struct err *err);
void database_close(struct database *d); /* CLEANUP; accepts {0} */
CAN_FAIL bool database_connect(const struct database *d, struct db **out, struct err *err);

#endif
