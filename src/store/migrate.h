#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "base/err.h"

#include <libpq-fe.h>

/* Applies the embedded migrations newer than the database, each in one transaction, under an advisory lock; records version, name,
 * SHA-256 in cartwright.migration (schema and table are created first). Refuses a changed checksum and a database newer than this binary. */
CAN_FAIL bool migrate_run(PGconn *conn, int *out_applied, struct err *err);

#endif
