#include "support/pg_fixture.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 63, URL_MAX_BYTES = 512 };

static void die(const char *what, const char *detail)
{
    (void)fprintf(stderr, "pg_fixture: %s: %s\n", what, detail);
    abort();
}

/* The value of one keyword of CARTWRIGHT_TEST_PG; the caller frees it. */
static char *test_server(const char *keyword)
{
    const char *conninfo = getenv("CARTWRIGHT_TEST_PG");
    if (!conninfo) {
        die("CARTWRIGHT_TEST_PG is not set", "run this test through ctest");
    }
    char *problem = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &problem);
    if (!options) {
        die("CARTWRIGHT_TEST_PG", problem);
    }
    char *value = NULL;
    for (const PQconninfoOption *o = options; o->keyword && !value; o++) {
        if (strcmp(o->keyword, keyword) == 0 && o->val) {
            value = strdup(o->val);
        }
    }
    PQconninfoFree(options);
    if (!value) {
        die("CARTWRIGHT_TEST_PG lacks", keyword);
    }
    return value;
}

static void run_on_server(const char *verb, const char *name, const char *rest)
{
    char *host = test_server("host");
    char *user = test_server("user");
    const char *const keys[] = {"host", "user", "dbname", "options", NULL};
    const char *const values[] = {host, user, "postgres", "-c client_min_messages=error", NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 0);
    if (PQstatus(conn) != CONNECTION_OK) {
        die("connect", PQerrorMessage(conn));
    }
    char sql[256];
    (void)snprintf(sql, sizeof sql, "%s \"%s\" %s", verb, name, rest);
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        die(sql, PQerrorMessage(conn));
    }
    PQclear(res);
    PQfinish(conn);
    free(user);
    free(host);
}

static char *url_of(const char *database, const char *host, const char *port)
{
    char *user = test_server("user");
    char *url = malloc(URL_MAX_BYTES);
    if (!url) {
        abort();
    }
    int n = snprintf(url, URL_MAX_BYTES, "postgresql:///%s?host=%s&user=%s%s", database, host, user,
                     port);
    if (n < 0 || n >= URL_MAX_BYTES) {
        die("URL too long", database);
    }
    free(user);
    return url;
}

char *pg_fixture_database(const char *name)
{
    /* Never the same name twice: a pooler that has just failed to log in to a dropped database refuses the next client that
     * asks for one of its name. */
    static int made;
    char database[NAME_MAX_BYTES + 1];
    int n = snprintf(database, sizeof database, "t_%s_%d_%d", name, (int)getpid(), ++made);
    if (n < 0 || (size_t)n >= sizeof database) {
        die("name too long", name);
    }
    run_on_server("DROP DATABASE IF EXISTS", database, "WITH (FORCE)");
    char from[NAME_MAX_BYTES + sizeof "TEMPLATE "];
    (void)snprintf(from, sizeof from, "TEMPLATE %s",
                   pg_fixture_distributed() ? getenv("CARTWRIGHT_TEST_TEMPLATE")
                                            : "cartwright_template");
    run_on_server("CREATE DATABASE", database, from);

    const char *pooler = getenv("CARTWRIGHT_TEST_POOLER");
    char *host = test_server("host");
    char *url =
        pooler == NULL ? url_of(database, host, "") : url_of(database, pooler, "&port=6432");
    free(host);
    return url;
}

bool pg_fixture_pooled(void)
{
    return getenv("CARTWRIGHT_TEST_POOLER") != NULL;
}

bool pg_fixture_distributed(void)
{
    return getenv("CARTWRIGHT_TEST_TEMPLATE") != NULL;
}

void pg_fixture_drop(char *url)
{
    if (!url) {
        return;
    }
    const char *start = url + strlen("postgresql:///");
    char database[NAME_MAX_BYTES + 1];
    (void)snprintf(database, sizeof database, "%.*s", (int)strcspn(start, "?"), start);
    run_on_server("DROP DATABASE IF EXISTS", database, "WITH (FORCE)");
    free(url);
}

static bool somebody_waits(PGconn *conn)
{
    /* the views of statistics stand still within a transaction */
    PQclear(PQexec(conn, "SELECT pg_stat_clear_snapshot()"));
    /* In a distributed database a lane is asked for again and again instead (lane_await). */
    PGresult *res = PQexec(conn, "SELECT FROM pg_stat_activity WHERE datname = current_database() "
                                 "AND (wait_event_type = 'Lock' OR wait_event = 'PgSleep')");
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        die("pg_stat_activity", PQerrorMessage(conn));
    }
    bool waits = PQntuples(res) > 0;
    PQclear(res);
    return waits;
}

void pg_fixture_await_lock(struct pg_conn *conn)
{
    for (int tries = 0; !somebody_waits(conn); tries++) {
        if (tries == 20000) {
            die("nobody waits for a lock", "");
        }
        (void)poll(NULL, 0, 1);
    }
}
