#include "store/pg/db_error.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* SQLSTATE to the kinds of base/err.h: the one place that knows which failures a retry may cure. */

struct fault_row {
    const char *prefix; /* of the SQLSTATE; the first row that matches counts */
    struct db_fault fault;
};

static const struct fault_row fault_rows[] = {
    {"40001", {ERR_BUSY, true, false, false}}, /* serialization failure */
    {"40P01", {ERR_BUSY, true, false, false}}, /* deadlock */
    {"55P03", {ERR_BUSY, true, false, true}},  /* lock timeout */
    {"57P0",
     {ERR_BUSY, true, true, false}}, /* shutdown, crash, starting up, idle session timeout */
    {"25P03", {ERR_BUSY, true, true, false}}, /* idle in transaction timeout */
    {"25006",
     {ERR_BUSY, true, true, false}}, /* read only: a standby after failover; connect anew */
    {"08P01", {ERR_INTERNAL, false, true, false}}, /* we sent what the server cannot read */
    {"08", {ERR_BUSY, true, true, false}},         /* connection */
    {"57014", {ERR_BUSY, false, false, false}},    /* statement timeout */
    {"53300", {ERR_BUSY, true, true, false}},      /* too many connections */
    {"53", {ERR_BUSY, false, false, false}},       /* disk full, out of memory: no hot loop */
};

struct db_fault db_fault_of(const char *sqlstate)
{
    if (sqlstate == NULL) {
        return (struct db_fault){ERR_BUSY, true, true, false};
    }
    for (size_t i = 0; i < sizeof fault_rows / sizeof *fault_rows; i++) {
        if (strncmp(sqlstate, fault_rows[i].prefix, strlen(fault_rows[i].prefix)) == 0) {
            return fault_rows[i].fault;
        }
    }
    return (struct db_fault){ERR_INTERNAL, false, false, false};
}

/* libpq's messages are several lines; one clause is enough. */
static int first_line(const char *text)
{
    return (int)strcspn(text, "\n");
}

/* libpq reports a failed write before it has noticed that the connection is gone: then the socket has an end, or last words, to
 * read. On a connection that stands there is nothing. */
static bool is_lost(const PGconn *conn)
{
    char byte;
    int fd = PQsocket(conn);

    if (PQstatus(conn) == CONNECTION_BAD || fd < 0) {
        return true;
    }
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* Two ways to learn that what one transaction prepared is not there, or is somebody else's, in the next. */
static bool is_of_pooler(const char *sqlstate)
{
    return sqlstate != NULL && (strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "42P05") == 0);
}

struct db_fault db_fault_fill(PGconn *conn, const PGresult *res, const char *query, struct err *err)
{
    const char *sqlstate = res == NULL ? NULL : PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *text = res == NULL ? NULL : PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    struct db_fault fault = db_fault_of(sqlstate);

    if (text == NULL) {
        text = PQerrorMessage(conn);
    }
    if (PQstatus(conn) == CONNECTION_BAD || (sqlstate == NULL && is_lost(conn))) {
        fault = db_fault_of(NULL);
    } else if (sqlstate == NULL) {
        /* The connection stands, so libpq itself refused: a defect of ours. Its state is unknown.
         */
        fault = (struct db_fault){ERR_INTERNAL, false, true, false};
    }
    err_fill(err, fault.kind, "%s: %.*s (%s)%s", query, first_line(text), text,
             sqlstate == NULL ? "no answer" : sqlstate,
             is_of_pooler(sqlstate) ? "; a pooler in transaction mode needs database_prepared=off"
                                    : "");
    return fault;
}
