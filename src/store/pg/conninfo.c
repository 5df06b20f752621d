#include "store/pg/conninfo.h"

#include "base/clock.h"
#include "store/pg/db_internal.h"

#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Opens a connection; must not know about queries. */

struct setting {
    const char *key;
    const char *value;
};

static const struct setting additions[] =
    {
        {"connect_timeout", "3"},           {"keepalives_idle", "5"},
        {"keepalives_interval", "2"},       {"keepalives_count", "3"},
        {"tcp_user_timeout", "10000"}, /* ms; without it a write to a dead peer hangs for a quarter
                                          of an hour */
        {"application_name", "cartwright"},
};

enum { SETTINGS_MAX = 64 };

struct settings {
    const char *keys[SETTINGS_MAX + 1];
    const char *values[SETTINGS_MAX + 1];
    size_t count;
};

static void set(struct settings *s, const char *key, const char *value)
{
    /* libpq knows some forty keywords, each of which comes once. */
    if (s->count < SETTINGS_MAX) {
        s->keys[s->count] = key;
        s->values[s->count] = value;
        s->count++;
    }
}

static const char *value_of(const struct settings *s, const char *key)
{
    for (size_t i = 0; i < s->count; i++) {
        if (strcmp(s->keys[i], key) == 0) {
            return s->values[i];
        }
    }
    return NULL;
}

static void complete(struct settings *s, const PQconninfoOption *given)
{
    for (const PQconninfoOption *o = given; o->keyword != NULL; o++) {
        /* Ours below, whatever the string says: text parameters are UTF-8. */
        if (o->val != NULL && strcmp(o->keyword, "client_encoding") != 0) {
            set(s, o->keyword, o->val);
        }
    }
    for (size_t i = 0; i < sizeof additions / sizeof *additions; i++) {
        /* What the operator says goes before what we think is good for them. */
        if (value_of(s, additions[i].key) == NULL) {
            set(s, additions[i].key, additions[i].value);
        }
    }
    const char *host = value_of(s, "host");
    /* Several hosts are a cluster: only the primary is of use, and after a failover it is another one. */
    if (host != NULL && strchr(host, ',') != NULL && value_of(s, "target_session_attrs") == NULL) {
        set(s, "target_session_attrs", "read-write");
    }
    set(s, "client_encoding", "UTF8");
}

/* Notices (a table that exists already, a lock that was waited for) are nobody's to print. */
static void ignore_notice(void *ctx, const PGresult *res)
{
    (void)ctx;
    (void)res;
}

/* libpq goes to the next of several hosts when one stays silent, but only in a call that has the thread to itself. */
static bool has_one_host(const struct settings *s)
{
    const char *host = value_of(s, "host");
    const char *address = value_of(s, "hostaddr");

    return (host == NULL || strchr(host, ',') == NULL) &&
           (address == NULL || strchr(address, ',') == NULL);
}

/* PQconnectdbParams with an end: its own connect_timeout is never below two seconds, and knows nothing of who waits. */
static PGconn *connect_by(const struct settings *s, int64_t until_us, bool *out_late)
{
    PGconn *conn = PQconnectStartParams(s->keys, s->values, 0);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;

    *out_late = false;
    while (conn != NULL && PQstatus(conn) != CONNECTION_BAD && next != PGRES_POLLING_OK &&
           next != PGRES_POLLING_FAILED && !*out_late) {
        *out_late = !db_wait_socket(PQsocket(conn),
                                    next == PGRES_POLLING_READING ? POLLIN : POLLOUT, until_us);
        next = *out_late ? next : PQconnectPoll(conn);
    }
    return conn;
}

/* The operator's connect_timeout or ours, as libpq would keep it; none where it is 0. */
static int64_t connect_end_us(const struct settings *s, int64_t until_us)
{
    int64_t timeout_us = SECONDS(strtol(value_of(s, "connect_timeout"), NULL, 10));
    int64_t end_us = timeout_us > 0 ? clock_monotonic_us() + timeout_us : INT64_MAX;

    return until_us < end_us ? until_us : end_us;
}

static PGconn *connect_one(const struct settings *s, int64_t until_us, bool *out_late)
{
    *out_late = false;
    return has_one_host(s) ? connect_by(s, connect_end_us(s, until_us), out_late)
                           : PQconnectdbParams(s->keys, s->values, 0);
}

bool conninfo_connect(const char *conninfo, int64_t until_us, PGconn **out, struct err *err)
{
    char *problem = NULL;
    /* Only what the string itself says has a value here; of the rest libpq asks its environment
     * (PGHOST ...) as it does for every client. */
    PQconninfoOption *given = PQconninfoParse(conninfo, &problem);
    if (given == NULL) {
        err_at(err, "database_url");
        err_fill(err, ERR_INVALID, "%.*s", problem == NULL ? 0 : (int)strcspn(problem, "\n"),
                 problem == NULL ? "" : problem);
        PQfreemem(problem);
        return false;
    }
    struct settings s = {.count = 0};
    bool late;
    complete(&s, given);
    PGconn *conn = connect_one(&s, until_us, &late);
    PQconninfoFree(given);
    if (PQstatus(conn) != CONNECTION_OK) {
        const char *why = late ? "the database does not answer" : PQerrorMessage(conn);
        /* Busy, also for a wrong password: libpq tells no SQLSTATE of a connection that never was,
         * and most of these pass. */
        err_fill(err, ERR_BUSY, "%.*s", (int)strcspn(why, "\n"), why);
        PQfinish(conn);
        return false;
    }
    (void)PQsetNoticeReceiver(conn, ignore_notice, NULL);
    *out = conn;
    return true;
}
