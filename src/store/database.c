#include "store/database.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "store/pg/conninfo.h"
#include "store/pg/distribute.h"
#include "store/pg/migrate.h"
#include "store/pg/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From settings to a database that may be used: found or started, durable, migrated. */

enum { SERVER_VERSION_MIN = 140000 };

#define CONNECT_US SECONDS(20) /* and prepare: for a server under load, not for one that sleeps */

static void conn_finish(PGconn **conn)
{
    PQfinish(*conn);
}

/* One cell, as text: a setting of the server as SHOW prints it. */
static bool show(PGconn *conn, const char *sql, char *out, size_t size, struct err *err)
{
    CLEANUP(rows_clear) PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1) {
        return FAIL(err, ERR_BUSY, "%s: %.*s", sql, (int)strcspn(PQerrorMessage(conn), "\n"),
                    PQerrorMessage(conn));
    }
    (void)snprintf(out, size, "%s", PQgetvalue(res, 0, 0));
    return true;
}

/* An acknowledged event must survive a crash of the server. */
static bool check_durable(PGconn *conn, struct err *err)
{
    /* Without the first a crash may lose what was committed, without the second pages half written
     * stay so, without the third COMMIT answers before the log is on disk. */
    static const char *const settings[] = {"fsync", "full_page_writes", "synchronous_commit"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        char sql[64];
        char value[32];
        (void)snprintf(sql, sizeof sql, "SHOW %s", settings[i]);
        if (!show(conn, sql, value, sizeof value, err)) {
            return false;
        }
        if (strcmp(value, "off") == 0) {
            return FAIL_AT(
                err, ERR_REFUSED, "database_url",
                "the database runs with %s=off and may lose acknowledged events; unsafe_database=on accepts that",
                settings[i]);
        }
    }
    return true;
}

static bool check_server(PGconn *conn, struct err *err)
{
    char encoding[32];
    if (PQserverVersion(conn) < SERVER_VERSION_MIN) {
        return FAIL_AT(err, ERR_REFUSED, "database_url",
                       "PostgreSQL 14 or newer is needed, this is version %d",
                       PQserverVersion(conn) / 10000);
    }
    if (!show(conn, "SHOW server_encoding", encoding, sizeof encoding, err)) {
        return false;
    }
    /* Ids and titles are any Unicode; another encoding would refuse some of them in the middle of a
     * batch. */
    return strcmp(encoding, "UTF8") == 0 ||
           FAIL_AT(err, ERR_REFUSED, "database_url", "the database must be encoded in UTF8, not %s",
                   encoding);
}

/* A pooler cannot tell its clients the process that will serve them: it makes a number up. */
static bool find_pooler(PGconn *conn, bool *out_pooled, struct err *err)
{
    char backend[32];
    if (!show(conn, "SELECT pg_backend_pid()", backend, sizeof backend, err)) {
        return false;
    }
    *out_pooled = strtol(backend, NULL, 10) != PQbackendPID(conn);
    return true;
}

static bool prepare_database(const struct config *config, struct database *d, struct err *err)
{
    CLEANUP(conn_finish) PGconn *conn = NULL;
    if (!conninfo_connect(d->conninfo, INT64_MAX, &conn, err) || !check_server(conn, err) ||
        !(config->unsafe_database || check_durable(conn, err)) ||
        !find_pooler(conn, &d->pooled, err)) {
        return false;
    }
    /* Behind a pooler a statement may be asked of a connection that never prepared it, or find its name taken by
     * another release's text. Whoever says `on` knows that theirs keeps statements apart. */
    d->prepared = config->database_prepared &&
                  (!d->pooled || config->source[CONFIG_ID_database_prepared] != CONFIG_DEFAULT);
    return migrate_run(conn, NULL, err) && distribute_run(conn, false, &d->distributed, err) &&
           (d->distributed || !config->database_distributed ||
            FAIL_AT(err, ERR_REFUSED, "database_distributed",
                    "the database is not distributed yet: stop what serves, and run cartwright "
                    "migrate"));
}

bool database_distribute(struct database *d, struct err *err)
{
    CLEANUP(conn_finish) PGconn *conn = NULL;
    return conninfo_connect(d->conninfo, INT64_MAX, &conn, err) &&
           distribute_run(conn, true, &d->distributed, err);
}

bool database_open(const struct config *config, struct database *out, struct err *err)
{
    struct database d = {0};
    const char *conninfo = config->database_url;
    if (conninfo[0] == '\0') {
        if (!pgserver_open(config->data_dir, &d.server, err)) {
            return false;
        }
        conninfo = pgserver_conninfo(d.server);
    }
    (void)snprintf(d.conninfo, sizeof d.conninfo, "%s", conninfo);
    if (!prepare_database(config, &d, err)) {
        database_close(&d);
        return false;
    }
    *out = d;
    return true;
}

void database_close(struct database *d)
{
    pgserver_close(&d->server);
}

bool database_connect(const struct database *d, struct db **out, struct err *err)
{
    const int64_t until_us = clock_monotonic_us() + CONNECT_US;
    struct db *db;
    if (!db_open_by(d->conninfo, d->prepared, until_us, &db, err)) {
        return false;
    }
    db_bound(db, until_us);
    /* no bound on a statement: who connects here also reads the whole log and stores models */
    if (!db_settle(db, 0, err)) {
        db_close(&db);
        return false;
    }
    db_bound(db, INT64_MAX);
    *out = db;
    return true;
}
