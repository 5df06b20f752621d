#ifndef STORE_PG_DISTRIBUTE_H
#define STORE_PG_DISTRIBUTE_H

#include "base/err.h"

#include <libpq-fe.h>
#include <stdbool.h>

/* A database over several servers, by Citus: the tables that grow are distributed by lane, and what a single server does in one statement over lanes is done
 * lane by lane (sql/distributed; src/http/docs/distribution.md). The database says itself whether it is. */

/* One row, one boolean. */
#define DISTRIBUTED_SQL "SELECT to_regclass('cartwright.distribution') IS NOT NULL"

/* Distributes the database if `wanted`, in one transaction under the lock of migrations. One that is distributed already gets what has changed in
 * sql/distributed or by a migration since, wanted or not. *out_is: whether it is distributed now. The schema must be migrated. */
CAN_FAIL bool distribute_run(PGconn *conn, bool wanted, bool *out_is, struct err *err);

#endif
