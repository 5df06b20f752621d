#include "store/pg/migrate.h"

#include "base/cleanup.h"
#include "base/hash.h"
#include "store/pg/db_error.h"
#include "store/pg/rows.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Forward-only migrations. Each transaction takes the lock, looks again at what is applied, and
 * applies the next one, so any number of processes may start at once, and one that dies leaves a
 * whole number of migrations behind. */

static const struct migration embedded[] = {
#define MIGRATION(version, name, sql) {version, name, sql},
#include "migration_table.inc"
#undef MIGRATION
};

/* The number is arbitrary; it only has to be the same for ever. */
#define LOCK_SQL "SELECT pg_advisory_xact_lock(7233174017)"

/* Without the timeouts of the role or of the session: another process's migration may take as long as an index over the log does. */
static const char begin_sql[] =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout "
    "= 0; SET LOCAL idle_in_transaction_session_timeout = 0";

/* Looks first, so that a role that may not create schemas can use a database that is ready. It looks in the catalog: to_regclass() may answer by
 * what its process remembers, and an advisory lock that was waited for does not make it forget; the lock of a table does. */
static const char bootstrap_sql[] = "DO $$ BEGIN"
                                    " IF NOT EXISTS (SELECT FROM pg_catalog.pg_tables WHERE "
                                    "schemaname = 'cartwright' AND tablename = 'migration') THEN"
                                    "  CREATE SCHEMA IF NOT EXISTS cartwright;"
                                    "  CREATE TABLE cartwright.migration ("
                                    "   version int PRIMARY KEY,"
                                    "   name text NOT NULL,"
                                    "   sha256 text NOT NULL,"
                                    "   applied_at timestamptz NOT NULL DEFAULT now());"
                                    " END IF; END $$";

const struct migration *migrate_embedded(int *out_count)
{
    *out_count = (int)(sizeof embedded / sizeof *embedded);
    return embedded;
}

bool migrate_text(PGconn *conn, const char *what, const char *sql, struct err *err)
{
    /* The simple protocol: a migration is many statements in one text, and this is the one that
     * takes them. */
    CLEANUP(rows_clear) PGresult *res = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        (void)db_fault_fill(conn, res, what, err);
        return false;
    }
    return true;
}

static char *checksum(const struct migration *m, char out[SHA256_HEX])
{
    uint8_t sum[SHA256_BYTES];
    hash_sha256(m->sql, strlen(m->sql), sum);
    return hash_hex(sum, sizeof sum, out);
}

/* Compares row `row` of what the database has with the list. */
static bool check_applied(const PGresult *applied, int row, const struct migration *list, int count,
                          struct err *err)
{
    char sum[SHA256_HEX];
    const char *version = PQgetvalue(applied, row, 0);
    const char *name = PQgetvalue(applied, row, 1);
    /* An older program beside a newer one would write what the newer schema does not expect. */
    if (row >= count) {
        return FAIL(err, ERR_REFUSED,
                    "the database is newer than this program: it has migration %s (%s)", version,
                    name);
    }
    const struct migration *m = &list[row];
    if (strtol(version, NULL, 10) != m->version) {
        return FAIL(err, ERR_REFUSED,
                    "the database has migration %s (%s) where this program has %d (%s)", version,
                    name, m->version, m->name);
    }
    if (strcmp(PQgetvalue(applied, row, 2), checksum(m, sum)) != 0) {
        return FAIL(err, ERR_REFUSED,
                    "migration %d (%s) is not the one that was applied to this database",
                    m->version, m->name);
    }
    return true;
}

static bool check_all_applied(PGconn *conn, const struct migration *list, int count, int *out_done,
                              struct err *err)
{
    CLEANUP(rows_clear)
    PGresult *applied =
        PQexec(conn, "SELECT version, name, sha256 FROM cartwright.migration ORDER BY version");
    if (PQresultStatus(applied) != PGRES_TUPLES_OK) {
        (void)db_fault_fill(conn, applied, "migrate", err);
        return false;
    }
    /* In order of version, and the list is: row i must be entry i, or one was left out. */
    for (int row = 0; row < PQntuples(applied); row++) {
        if (!check_applied(applied, row, list, count, err)) {
            return false;
        }
    }
    *out_done = PQntuples(applied);
    return true;
}

static bool apply(PGconn *conn, const struct migration *m, struct err *err)
{
    char what[80];
    (void)snprintf(what, sizeof what, "migration %d (%s)", m->version, m->name);
    if (!migrate_text(conn, what, m->sql, err)) {
        return false;
    }
    char sum[SHA256_HEX];
    char version[16];
    (void)snprintf(version, sizeof version, "%d", m->version);
    const char *const values[] = {version, m->name, checksum(m, sum)};
    /* In the transaction of the migration: it is recorded exactly where it was applied. */
    CLEANUP(rows_clear)
    PGresult *res = PQexecParams(
        conn, "INSERT INTO cartwright.migration (version, name, sha256) VALUES ($1, $2, $3)", 3,
        NULL, values, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        (void)db_fault_fill(conn, res, what, err);
        return false;
    }
    return true;
}

bool migrate_locked(PGconn *conn, migrate_fn *fn, void *ctx, struct err *err)
{
    /* A transaction is begun here; inside of the caller's all would be undone together. */
    assert(PQtransactionStatus(conn) == PQTRANS_IDLE);
    /* Each statement sees what the previous holder of the lock committed: in a snapshot the list of what is applied could be older than the lock. */
    if (!migrate_text(conn, "migrate", begin_sql, err)) {
        return false;
    }
    if (!migrate_text(conn, "migrate", LOCK_SQL, err) || !fn(conn, ctx, err)) {
        /* What failed is told; that the rollback fails too, on a lost connection, is not news. */
        PQclear(PQexec(conn, "ROLLBACK"));
        return false;
    }
    return migrate_text(conn, "migrate", "COMMIT", err);
}

struct migration_list {
    const struct migration *all;
    int count;
    bool more; /* there was one to apply */
};

/* One transaction: the next migration, if there is one. */
static bool step(PGconn *conn, void *ctx, struct err *err)
{
    struct migration_list *list = ctx;
    int applied = 0;
    if (!migrate_text(conn, "migrate", bootstrap_sql, err) ||
        !check_all_applied(conn, list->all, list->count, &applied, err)) {
        return false;
    }
    /* Looked up under the lock: another process may have applied it while we waited. */
    list->more = applied < list->count;
    return !list->more || apply(conn, &list->all[applied], err);
}

bool migrate_run_list(PGconn *conn, const struct migration *list, int count, int *out_applied,
                      struct err *err)
{
    struct migration_list migrations = {.all = list, .count = count, .more = true};
    int applied = 0;
    while (migrations.more) {
        if (!migrate_locked(conn, step, &migrations, err)) {
            return false;
        }
        applied += migrations.more;
    }
    if (out_applied != NULL) {
        *out_applied = applied;
    }
    return true;
}

bool migrate_run(PGconn *conn, int *out_applied, struct err *err)
{
    int count;
    const struct migration *list = migrate_embedded(&count);
    return migrate_run_list(conn, list, count, out_applied, err);
}
