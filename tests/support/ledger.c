/* Promises on one side, rows on the other. */
#include "support/ledger.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 256, SENT = 1, ACKED = 2, SEEN = 4, SHOWN_MAX = 30 };

struct promise {
    char *outreach_id;
    char *cart_id;
    long round;
    long step;
    char *message;
};

/* What one thread wrote down. */
struct writer {
    uint8_t *events; /* SENT, ACKED, SEEN by number */
    size_t event_count, event_cap;
    struct promise *promises;
    size_t promise_count, promise_cap;
};

struct ledger {
    struct writer *writers;
    int writer_count;
    atomic_size_t violations;
    long long cursors[LANES];
};

static void *grown(void *array, size_t count, size_t *cap, size_t size)
{
    if (count < *cap) {
        return array;
    }
    *cap = *cap > 0 ? *cap * 2 : 1024;
    array = realloc(array, *cap * size);
    if (array == NULL) {
        abort();
    }
    return array;
}

struct ledger *ledger_open(int writers)
{
    struct ledger *l = calloc(1, sizeof *l);

    if (l == NULL || (l->writers = calloc((size_t)writers, sizeof *l->writers)) == NULL) {
        abort();
    }
    l->writer_count = writers;
    return l;
}

void ledger_close(struct ledger *l)
{
    for (int i = 0; i < l->writer_count; i++) {
        struct writer *w = &l->writers[i];
        for (size_t p = 0; p < w->promise_count; p++) {
            free(w->promises[p].outreach_id);
            free(w->promises[p].cart_id);
            free(w->promises[p].message);
        }
        free(w->promises);
        free(w->events);
    }
    free(l->writers);
    free(l);
}

static void event_id(int writer, size_t event, char out[LEDGER_ID_MAX])
{
    (void)snprintf(out, LEDGER_ID_MAX, "led-%02d-%09zu", writer, event);
}

/* NULL: no event of this ledger has that id. */
static uint8_t *event_by_id(struct ledger *l, const char *id)
{
    int writer;
    size_t event;
    char again[LEDGER_ID_MAX];

    if (sscanf(id, "led-%d-%zu", &writer, &event) != 2 || writer < 0 || /* NOLINT(cert-err34-c) */
        writer >= l->writer_count || event >= l->writers[writer].event_count) {
        return NULL;
    }
    event_id(writer, event, again);
    return strcmp(again, id) == 0 ? &l->writers[writer].events[event] : NULL;
}

size_t ledger_event(struct ledger *l, int writer, char id[LEDGER_ID_MAX])
{
    struct writer *w = &l->writers[writer];

    w->events = grown(w->events, w->event_count, &w->event_cap, sizeof *w->events);
    w->events[w->event_count] = SENT;
    event_id(writer, w->event_count, id);
    return w->event_count++;
}

void ledger_acked(struct ledger *l, int writer, size_t event)
{
    l->writers[writer].events[event] |= ACKED;
}

static char *copy(const char *text)
{
    char *c = strdup(text);

    if (c == NULL) {
        abort();
    }
    return c;
}

void ledger_outreach(struct ledger *l, int writer, const struct ledger_outreach *o)
{
    struct writer *w = &l->writers[writer];

    w->promises = grown(w->promises, w->promise_count, &w->promise_cap, sizeof *w->promises);
    w->promises[w->promise_count++] = (struct promise){.outreach_id = copy(o->outreach_id),
                                                       .cart_id = copy(o->cart_id),
                                                       .round = o->round,
                                                       .step = o->step,
                                                       .message = copy(o->message)};
}

void ledger_violation(struct ledger *l, const char *fmt, ...)
{
    char text[1000];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (atomic_fetch_add(&l->violations, 1) < SHOWN_MAX) {
        (void)fprintf(stderr, "VIOLATION: %s\n", text);
    }
}

size_t ledger_violations(const struct ledger *l)
{
    return atomic_load(&l->violations);
}

/* ---- the database's side ---- */

/* NULL after a violation. */
static PGresult *query(struct ledger *l, PGconn *conn, const char *sql)
{
    PGresult *res = PQexec(conn, sql);

    if (PQresultStatus(res) == PGRES_TUPLES_OK) {
        return res;
    }
    ledger_violation(l, "the ledger cannot be checked: %s", PQerrorMessage(conn));
    PQclear(res);
    return NULL;
}

int ledger_look_at_cursors(struct ledger *l, PGconn *conn)
{
    PGresult *res =
        PQexec(conn, "SELECT lane, off FROM cartwright.lane_cursor WHERE consumer = 'fold'");
    int ok = PQresultStatus(res) == PGRES_TUPLES_OK;

    for (int i = 0; i < PQntuples(res); i++) {
        long lane = strtol(PQgetvalue(res, i, 0), NULL, 10);
        long long off = strtoll(PQgetvalue(res, i, 1), NULL, 10);
        if (off < l->cursors[lane]) {
            ledger_violation(l, "the cursor of lane %ld went back from %lld to %lld", lane,
                             l->cursors[lane], off);
        }
        l->cursors[lane] = off;
    }
    PQclear(res);
    return ok;
}

static void check_log(struct ledger *l, PGconn *conn)
{
    PGresult *res = query(l, conn,
                          "SELECT event_id, lane = cartwright.lane_of(key) FROM cartwright.event"
                          " WHERE origin = 'api'");

    for (int i = 0; res != NULL && i < PQntuples(res); i++) {
        const char *id = PQgetvalue(res, i, 0);
        uint8_t *event = event_by_id(l, id);
        if (event == NULL) {
            ledger_violation(l, "event %s is in the log, but nobody sent it", id);
            continue;
        }
        if ((*event & SEEN) != 0) {
            ledger_violation(l, "event %s is in the log twice", id);
        }
        if (PQgetvalue(res, i, 1)[0] != 't') {
            ledger_violation(l, "event %s is not in the lane of its key", id);
        }
        *event |= SEEN;
    }
    PQclear(res);
    for (int w = 0; w < l->writer_count; w++) {
        for (size_t e = 0; e < l->writers[w].event_count; e++) {
            if ((l->writers[w].events[e] & (ACKED | SEEN)) == ACKED) {
                ledger_violation(l, "event led-%02d-%09zu was acknowledged, and is lost", w, e);
            }
        }
    }
}

static void check_promise(struct ledger *l, PGconn *conn, const struct promise *p)
{
    char round[24];
    char step[24];
    const char *values[] = {p->outreach_id, p->cart_id, round, step, p->message};

    (void)snprintf(round, sizeof round, "%ld", p->round);
    (void)snprintf(step, sizeof step, "%ld", p->step);
    PGresult *res =
        PQexecParams(conn,
                     "SELECT message::jsonb = $5::jsonb FROM cartwright.outreach"
                     " WHERE outreach_id = $1 AND subject = 'cart:' || $2 AND round = $3::int"
                     " AND step = $4::int AND decision = 'send'",
                     5, NULL, values, NULL, NULL, 0);
    if (PQntuples(res) != 1) {
        ledger_violation(l, "outreach %s (cart %s, round %ld, step %ld) was answered; %d rows%s",
                         p->outreach_id, p->cart_id, p->round, p->step, PQntuples(res),
                         PQresultErrorMessage(res));
    } else if (PQgetvalue(res, 0, 0)[0] != 't') {
        ledger_violation(l, "outreach %s was answered with another message than is stored",
                         p->outreach_id);
    }
    PQclear(res);
}

/* Every row of the query is a violation; its columns tell which. */
static void check_none(struct ledger *l, PGconn *conn, const char *what, const char *sql)
{
    PGresult *res = query(l, conn, sql);

    for (int i = 0; res != NULL && i < PQntuples(res); i++) {
        char text[600] = "";
        size_t len = 0;
        for (int c = 0; c < PQnfields(res) && len < sizeof text; c++) {
            int n = snprintf(text + len, sizeof text - len, " %s=%s", PQfname(res, c),
                             PQgetvalue(res, i, c));
            len += n > 0 ? (size_t)n : 0;
        }
        ledger_violation(l, "%s:%s", what, text);
    }
    PQclear(res);
}

static void check_outreach(struct ledger *l, PGconn *conn)
{
    for (int w = 0; w < l->writer_count; w++) {
        for (size_t p = 0; p < l->writers[w].promise_count; p++) {
            check_promise(l, conn, &l->writers[w].promises[p]);
        }
    }
    check_none(l, conn, "two messages for one cart, round and step",
               "SELECT subject, round, step, array_agg(key ORDER BY decided_at) AS keys,"
               " array_agg(decided_at ORDER BY decided_at) AS at"
               " FROM cartwright.outreach WHERE decision = 'send'"
               " GROUP BY subject, round, step HAVING count(*) > 1");
    check_none(
        l, conn, "a send without exactly one outreach_released, or one without a send",
        "WITH released AS (SELECT lane, key, 'cart:' || (body ->> 'cart_id') AS subject,"
        "   (body ->> 'round')::int AS round, (body ->> 'step')::int AS step, count(*) AS n"
        "   FROM cartwright.event WHERE type = 'outreach_released' GROUP BY 1, 2, 3, 4, 5),"
        " sent AS (SELECT lane, key, subject, round, step, outreach_id FROM cartwright.outreach"
        "   WHERE decision = 'send')"
        " SELECT lane, key, subject, round, step, outreach_id, n FROM sent"
        " FULL JOIN released USING (lane, key, subject, round, step)"
        " WHERE outreach_id IS NULL OR n IS DISTINCT FROM 1");
}

void ledger_check(struct ledger *l, PGconn *conn)
{
    check_log(l, conn);
    check_outreach(l, conn);
}

static long number(PGconn *conn, const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    long n = PQntuples(res) == 1 ? strtol(PQgetvalue(res, 0, 0), NULL, 10) : -1;

    PQclear(res);
    return n;
}

long ledger_lag(PGconn *conn)
{
    return number(conn, "SELECT count(*) FROM cartwright.event e JOIN cartwright.lane_cursor c"
                        " ON c.lane = e.lane AND c.consumer = 'fold' WHERE e.off > c.off");
}

void ledger_summary(const struct ledger *l, PGconn *conn)
{
    size_t sent = 0;
    size_t acked = 0;
    size_t promises = 0;

    for (int w = 0; w < l->writer_count; w++) {
        sent += l->writers[w].event_count;
        promises += l->writers[w].promise_count;
        for (size_t e = 0; e < l->writers[w].event_count; e++) {
            acked += (l->writers[w].events[e] & ACKED) != 0;
        }
    }
    printf("ledger: %zu events sent, %zu acknowledged, %ld stored, %ld derived; %zu answers to "
           "send, %ld messages; %zu violations\n",
           sent, acked, number(conn, "SELECT count(*) FROM cartwright.event WHERE origin = 'api'"),
           number(conn, "SELECT count(*) FROM cartwright.event WHERE origin = 'derived'"), promises,
           number(conn, "SELECT count(*) FROM cartwright.outreach WHERE decision = 'send'"),
           ledger_violations(l));
}
