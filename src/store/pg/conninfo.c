#include "store/pg/conninfo.h"

#include <stdbool.h>
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

bool conninfo_connect(const char *conninfo, PGconn **out, struct err *err)
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
    complete(&s, given);
    PGconn *conn = PQconnectdbParams(s.keys, s.values, 0);
    PQconninfoFree(given);
    if (PQstatus(conn) != CONNECTION_OK) {
        const char *why = PQerrorMessage(conn);
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
