#ifndef STORE_PG_MIGRATE_H
#define STORE_PG_MIGRATE_H

#include "base/err.h"

#include <libpq-fe.h>

/* Applies the embedded migrations newer than the database, each in one transaction that holds an
 * advisory lock from its first statement (a session's lock would not survive a transaction-pooling
 * PgBouncer); records version, name and SHA-256 in cartwright.migration (schema and table are
 * created first). Refuses a changed checksum and a database newer than this binary. out_applied may
 * be NULL. */
CAN_FAIL bool migrate_run(PGconn *conn, int *out_applied, struct err *err);

/* One migration: sql/migrations/NNNN_name.sql. */
struct migration {
    int version;
    const char *name;
    const char *sql;
};
/* The same with another list, in ascending order of version: for tests of what is refused. */
CAN_FAIL bool migrate_run_list(PGconn *conn, const struct migration *list, int count,
                               int *out_applied, struct err *err);

/* What the rest of the schema's changes stands on (distribute.h): statements in one text, told as `what` where they fail; and a transaction
 * under the lock of migrations, without timeouts, undone where fn fails. */
CAN_FAIL bool migrate_text(PGconn *conn, const char *what, const char *sql, struct err *err);
typedef bool migrate_fn(PGconn *conn, void *ctx, struct err *err);
CAN_FAIL bool migrate_locked(PGconn *conn, migrate_fn *fn, void *ctx, struct err *err);

/* The embedded list. */
const struct migration *migrate_embedded(int *out_count);

#endif
