#include "store/pg/distribute.h"

#include "base/cleanup.h"
#include "base/hash.h"
#include "store/pg/db_error.h"
#include "store/pg/migrate.h"
#include "store/pg/rows.h"

#include <stdio.h>
#include <string.h>

/* sql/distributed, applied as a whole and as often as needed: each of its files may be run again on a database that has it. */

static const struct migration parts[] = {
#define MIGRATION(version, name, sql) {version, name, sql},
#include "distribution_table.inc"
#undef MIGRATION
};
enum { PARTS = sizeof parts / sizeof *parts };

static const char table_sql[] = "CREATE TABLE IF NOT EXISTS cartwright.distribution ("
                                " part text PRIMARY KEY,"
                                " sha256 text NOT NULL,"
                                " migration int NOT NULL,"
                                " applied_at timestamptz NOT NULL DEFAULT now())";

/* The newest migration stands beside each part: it may have made a table, or a function anew. */
static const char same_sql[] =
    "SELECT EXISTS (SELECT FROM cartwright.distribution d WHERE d.part = $1 AND d.sha256 = $2"
    " AND d.migration = (SELECT max(m.version) FROM cartwright.migration m))";
static const char applied_sql[] =
    "INSERT INTO cartwright.distribution (part, sha256, migration)"
    " VALUES ($1, $2, (SELECT max(m.version) FROM cartwright.migration m))"
    " ON CONFLICT (part) DO UPDATE SET sha256 = excluded.sha256, migration = excluded.migration, applied_at = now()";

/* The first cell is true. */
static bool ask(PGconn *conn, const char *sql, bool *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        (void)db_fault_fill(conn, res, "distribute", err);
        return false;
    }
    *out = strcmp(PQgetvalue(res, 0, 0), "t") == 0;
    return true;
}

/* With the name and the checksum of a part; *out_true: the first cell, if there is one. */
static bool of_part(PGconn *conn, const char *sql, const struct migration *part, bool *out_true,
                    struct err *err)
{
    uint8_t sum[SHA256_BYTES];
    char hex[SHA256_HEX];
    hash_sha256(part->sql, strlen(part->sql), sum);
    const char *const values[] = {part->name, hash_hex(sum, sizeof sum, hex)};
    CLEANUP(rows_clear)
    PGresult *res = PQexecParams(conn, sql, 2, NULL, values, NULL, NULL, 0);
    const ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        (void)db_fault_fill(conn, res, "distribute", err);
        return false;
    }
    *out_true = PQntuples(res) == 1 && strcmp(PQgetvalue(res, 0, 0), "t") == 0;
    return true;
}

static bool all_the_same(PGconn *conn, bool *out, struct err *err)
{
    *out = true;
    for (int i = 0; i < PARTS && *out; i++) {
        if (!of_part(conn, same_sql, &parts[i], out, err)) {
            return false;
        }
    }
    return true;
}

static bool check_citus(PGconn *conn, struct err *err)
{
    bool there;
    return ask(conn,
               "SELECT EXISTS (SELECT FROM pg_proc WHERE proname = 'create_distributed_table')",
               &there, err) &&
           (there || FAIL_AT(err, ERR_REFUSED, "database_distributed",
                             "this database has no Citus: CREATE EXTENSION citus comes first"));
}

static bool apply_all(PGconn *conn, struct err *err)
{
    bool ignored;
    if (!check_citus(conn, err) || !migrate_text(conn, "distribute", table_sql, err)) {
        return false;
    }
    for (int i = 0; i < PARTS; i++) {
        if (!migrate_text(conn, parts[i].name, parts[i].sql, err) ||
            !of_part(conn, applied_sql, &parts[i], &ignored, err)) {
            return false;
        }
    }
    return true;
}

struct wish {
    bool wanted;
    bool is;
};

static bool distribute(PGconn *conn, void *ctx, struct err *err)
{
    struct wish *w = ctx;
    bool same = false;
    /* Looked up under the lock: another process may have done it while we waited. */
    if (!ask(conn, DISTRIBUTED_SQL, &w->is, err) || (w->is && !all_the_same(conn, &same, err))) {
        return false;
    }
    if (same || !(w->is || w->wanted)) {
        return true;
    }
    w->is = true;
    return apply_all(conn, err);
}

bool distribute_run(PGconn *conn, bool wanted, bool *out_is, struct err *err)
{
    struct wish w = {.wanted = wanted};
    /* Nearly no database is distributed, and none of the others waits for the lock to learn that. */
    if (!ask(conn, DISTRIBUTED_SQL, &w.is, err)) {
        return false;
    }
    if ((w.is || wanted) && !migrate_locked(conn, distribute, &w, err)) {
        return false;
    }
    *out_is = w.is;
    return true;
}
