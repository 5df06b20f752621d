/* Between libmicrohttpd and the handlers: guard, limits, authorization, bodies, answers. A handler
 * sees only requests that passed all of it. */
#include "http/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metric.h"
#include "http/api/router.h"
#include "http/auth.h"
#include "http/wire/conn.h"
#include "http/wire/host.h"
#include "http/wire/reply.h"
#include "http/wire/respond.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    /* a connection's; the library reads heads into half of it (tap.c) */
    CONNECTION_BYTES = 64 * 1024,
    /* a refused body is read up to so many times the largest one, so that the client sees why */
    DISCARD_FACTOR = 8,
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    STACK_BYTES = 1024 * 1024,
#else
    STACK_BYTES = 256 * 1024,
#endif
};
_Static_assert(GATE_HEAD_MAX + GATE_SLACK < CONNECTION_BYTES / 2, "a head comes through whole");
#define DRAIN_IDLE_US INT64_C(500000)

struct server {
    struct app *app;
    struct MHD_Daemon *daemon;
    struct conns *conns;
    int listen_fd; /* ours to close, after the daemon has stopped */
};

static struct conn *conn_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct server *s = cls;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        /* The descriptor is borrowed: the reaper may shut it down, only the library closes it. */
        *context = conn_add(
            s->conns, MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    } else {
        conn_remove(s->conns, *context);
        *context = NULL;
    }
}

/* The first line has been read, and nobody has decoded it yet. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *mhd)
{
    struct server *s = cls;
    struct conn *c = conn_of(mhd);

    conn_request_begins(s->conns, c);
    request_begin(&c->rq, s->app, target);
    c->rq.began_us = c->began_us;
    return c;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode how)
{
    struct server *s = cls;

    (void)mhd;
    (void)how;
    if (*context != NULL) {
        conn_request_ends(s->conns, *context);
        *context = NULL;
    }
}

/* ---- answers ---- */

/* Whether the gate reads nothing behind the request under way. */
static bool is_last(const struct conn *c)
{
    return c->tap.gate.last && c->heads == c->tap.gate.heads;
}

static enum MHD_Result send_answer(struct server *s, struct MHD_Connection *mhd, struct conn *c)
{
    conn_answer_begins(s->conns, c);
    /* here, so that every answer passes by */
    c->rq.answer.close = c->rq.answer.close || guard_ends_connection(&c->guard) || is_last(c);
    body_free(&c->rq.body); /* however long the client takes to read */
    return reply_send(mhd, &c->rq);
}

static enum MHD_Result refuse_at_once(struct server *s, struct MHD_Connection *mhd, struct conn *c,
                                      const struct err *err)
{
    answer_error(&c->rq, err);
    /* Where this request ends is what is in doubt: nothing behind it may be read as another. */
    c->rq.answer.close = true;
    return send_answer(s, mhd, c);
}

/* ---- the head of a request ---- */

static enum MHD_Result look_at_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    (void)kind;
    guard_header(cls, name, value);
    return MHD_YES;
}

static const char *header(struct MHD_Connection *mhd, const char *name)
{
    return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name);
}

static bool takes_body(const struct route *route)
{
    return strcmp(route->method, "GET") != 0 && strcmp(route->method, "DELETE") != 0;
}

/* Everything that can be told without the body. False: it has answered. */
static bool admit(struct MHD_Connection *mhd, struct conn *c)
{
    struct request *rq = &c->rq;
    struct app *app = rq->app;
    struct err err = {0};

    /* there is one: the gate has added nobody's to HTTP/1.0 without it */
    if (app->auth == NULL && !host_is_local(header(mhd, "Host"), app->config->http_hosts)) {
        (void)FAIL(&err, ERR_FORBIDDEN,
                   "without keys (auth off) a request must be for localhost, a loopback address or "
                   "a name of the setting http_hosts, and its Host header must say so");
        answer_error(rq, &err);
        return false;
    }
    /* the route next, since the scope hangs on it; which routes there are is no secret */
    if (!router_find(rq)) {
        return false;
    }
    /* before the body: who may not send it must not make us hold it */
    if (app->auth != NULL && rq->route->scope != 0 &&
        !auth_check(app->auth, header(mhd, "Authorization"), rq->route->scope, &err)) {
        /* whether the key is one could not be looked up: it counts as none */
        (err.kind == ERR_BUSY ? answer_unavailable : answer_error)(rq, &err);
        return false;
    }
    if (!takes_body(rq->route)) {
        return true;
    }
    if (!request_take_media(rq, header(mhd, "Content-Type"), header(mhd, "Content-Encoding"))) {
        return false;
    }
    /* What is announced too large is refused before it is sent; what is not announced (chunks) or
     * grows (gzip) is counted in body_add. */
    if (c->guard.length > (uint64_t)app->config->http_body_max) {
        answer_problem(rq, &(struct problem){.status = 413,
                                             .detail = arena_printf(
                                                 &rq->arena, "the body is larger than %lld bytes",
                                                 (long long)app->config->http_body_max)});
        return false;
    }
    return true;
}

static uint64_t discard_max(const struct request *rq)
{
    return (uint64_t)rq->app->config->http_body_max * DISCARD_FACTOR;
}

/* Whether the gate has refused the request under way: nothing is let through behind one. */
static bool is_refused(const struct conn *c)
{
    return c->tap.gate.refused != 0 && c->heads == c->tap.gate.heads;
}

static enum MHD_Result send_refusal(struct server *s, struct MHD_Connection *mhd, struct conn *c)
{
    const struct gate *g = &c->tap.gate;

    metric_add(METRIC_http_refused, 1);
    answer_problem(&c->rq, &(struct problem){.status = g->refused, .detail = g->why});
    c->rq.answer.close = true;
    return send_answer(s, mhd, c);
}

/* A second look at what the gate has let through. */
CAN_FAIL static bool pass_guard(const struct conn *c, const char *version, struct err *err)
{
    if (c->heads > c->tap.gate.heads) {
        return FAIL(err, ERR_INTERNAL, "the HTTP library reads past the gate");
    }
    return guard_target(c->rq.target, err) && guard_end(&c->guard, c->rq.method, version, err);
}

static enum MHD_Result on_head(struct server *s, struct MHD_Connection *mhd, struct conn *c,
                               const char *version)
{
    struct request *rq = &c->rq;
    struct err err = {0};

    /* the library's own reading of the head, for what is needed of it */
    (void)MHD_get_connection_values(mhd, MHD_HEADER_KIND, look_at_header, &c->guard);
    /* before anything is refused, so that the refusal has its id */
    request_name(rq, header(mhd, "X-Request-Id"),
                 c->guard.traces == 1 ? header(mhd, "traceparent") : NULL);
    /* Gate and guard before all else, or a route, a key or a limit would decide on a request that
     * may not be what it seems. */
    if (is_refused(c)) {
        return send_refusal(s, mhd, c);
    }
    if (!pass_guard(c, version, &err)) {
        metric_add(METRIC_http_refused, 1);
        return refuse_at_once(s, mhd, c, &err);
    }
    if (c->over) {
        (void)FAIL(&err, ERR_BUSY, "all %lld connections are in use",
                   (long long)s->app->connections);
        return refuse_at_once(s, mhd, c, &err);
    }
    if (admit(mhd, c)) {
        c->phase = PHASE_BODY;
        return MHD_YES;
    }
    /* Closing on a client that still sends would reset the connection under the answer: so it waits
     * for the end of the body, and of a request without one. */
    c->phase = PHASE_DISCARD;
    /* Who expects 100-continue has not begun to send, and a body this long is not worth waiting
     * for. Chunks announce nothing: on_body counts them. */
    if (!c->guard.expects_continue && c->guard.length <= discard_max(rq)) {
        return MHD_YES;
    }
    rq->answer.close = true;
    return send_answer(s, mhd, c);
}

/* ---- the body, and the handler ---- */

static enum MHD_Result on_body(struct conn *c, const char *bytes, size_t len)
{
    struct request *rq = &c->rq;
    struct err err = {0};

    /* A refusal is only prepared: the library takes no answer while it hands out a body. */
    if (c->phase == PHASE_BODY && !body_add(&rq->body, bytes, len, &err)) {
        if (rq->body.too_large) {
            answer_problem(rq, &(struct problem){.status = 413, .detail = err.text});
        } else {
            answer_error(rq, &err);
        }
        /* its part of the budget goes back now, not when the client has sent the rest */
        body_free(&rq->body);
        c->phase = PHASE_DISCARD;
    } else if (c->phase == PHASE_DISCARD) {
        c->discarded += len;
    }
    /* MHD_NO cuts the connection: a client that sends on and on never reads the answer */
    return c->discarded > discard_max(rq) ? MHD_NO : MHD_YES;
}

static void handle(struct request *rq)
{
    /* who sends a body learns of all its faults at once */
    struct err_more more = {.count = 0};
    struct err err = {.more = takes_body(rq->route) ? &more : NULL};

    if (!rq->route->handle(rq, &err)) {
        answer_error(rq, &err);
    } else if (rq->answer.status == 0) {
        /* a handler that succeeded and has not answered would leave the client waiting */
        (void)FAIL(&err, ERR_INTERNAL, "no answer");
        answer_error(rq, &err);
    }
}

/* NOLINTNEXTLINE(readability-function-size): the library sets its parameters */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **context)
{
    struct server *s = cls;
    struct conn *c = *context;

    (void)url; /* the library has decoded it: rq.target is what was sent */
    /* on_target sets it with the first line, so this cannot be */
    if (c == NULL) {
        return MHD_NO;
    }
    if (c->phase == PHASE_HEAD) {
        c->rq.method = method;
        return on_head(s, mhd, c, version);
    }
    if (*upload_len > 0) {
        size_t len = *upload_len;
        /* all taken: what is left here, the library would hand out again */
        *upload_len = 0;
        return on_body(c, upload, len);
    }
    conn_request_arrived(c);
    /* whatever was found before: what the client sent last is what was wrong */
    if (is_refused(c)) {
        return send_refusal(s, mhd, c);
    }
    /* else the answer stands already, made when the head or a piece of the body was refused */
    if (c->phase == PHASE_BODY) {
        handle(&c->rq);
    }
    return send_answer(s, mhd, c);
}

/* ---- life ---- */

static void on_log(void *cls, const char *fmt, va_list ap)
{
    char text[500];

    (void)cls;
    (void)vsnprintf(text, sizeof text, fmt, ap);
    text[strcspn(text, "\n")] = '\0';
    /* for debugging only: any client can cause such lines by hanging up */
    log_line(LOG_DEBUG, "http_library", "%s", text);
}

static struct MHD_Daemon *start_daemon(struct server *s, const struct config *config)
{
    /* our reaper is exact; the library's own time-out is the net below it */
    int64_t timeout_us = config->http_idle + config->http_deadline + SECONDS(30);

    /* A thread a connection, because handlers block on the database: a thread of a pool that blocks
     * stalls all the connections it owns. poll, because select ends at descriptor 1023; ITC,
     * because MHD_quiesce_daemon needs it. */
    return MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
            MHD_USE_ITC | MHD_USE_ERROR_LOG,
        /* The logger stands first, or what the library says before it goes to standard error.
         * STRICT_FOR_CLIENT adds little (a Host, no blanks in targets); the guard does the rest. */
        0, NULL, NULL, on_request, s,                   /* options, a line each: */
        MHD_OPTION_EXTERNAL_LOGGER, on_log, s,          //
        MHD_OPTION_LISTEN_SOCKET, s->listen_fd,         //
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, //
        MHD_OPTION_URI_LOG_CALLBACK, on_target, s,      //
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,   //
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)(s->app->connections + s->app->connections_spare), //
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)config->http_connections_per_ip,            //
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,                             //
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(timeout_us / SECONDS(1)),                       //
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES,                                        //
        MHD_OPTION_STRICT_FOR_CLIENT, 1,                                                          //
        MHD_OPTION_END);
}

CAN_FAIL bool server_start(struct app *app, const struct listener *listener, struct server **out,
                           struct err *err)
{
    const struct config *config = app->config;
    struct conn_limits limits = {.open_max = app->connections,
                                 .request_us = config->http_deadline,
                                 .idle_us = config->http_idle,
                                 .body_max = (uint64_t)config->http_body_max * DISCARD_FACTOR};
    struct server *s = mem_alloc(sizeof *s);

    s->app = app;
    s->listen_fd = listener->fd;
    if (!conns_open(&limits, &s->conns, err)) {
        free(s);
        return false;
    }
    s->daemon = start_daemon(s, config);
    if (s->daemon == NULL) {
        conns_close(&s->conns);
        free(s);
        return FAIL(err, ERR_INTERNAL, "the HTTP server does not start");
    }
    *out = s;
    return true;
}

/* The descriptor is closed after the daemon has stopped: one of its threads may still look at it. */
static void stop_listening(struct server *s)
{
    if (MHD_quiesce_daemon(s->daemon) != MHD_INVALID_SOCKET) {
        /* so that the kernel refuses new connections instead of parking them */
        (void)shutdown(s->listen_fd, SHUT_RDWR);
    }
}

bool server_drain(struct server *server, int64_t wait_us)
{
    /* in this order, so that nobody who is told to close comes back in between */
    stop_listening(server);
    atomic_store(&server->app->draining, true);
    return conns_drain(server->conns, DRAIN_IDLE_US, wait_us);
}

void server_stop(struct server **server)
{
    struct server *s = *server;

    if (s != NULL) {
        /* The daemon before the socket and the table of connections: until it has joined its
         * threads they use both. */
        stop_listening(s);
        MHD_stop_daemon(s->daemon);
        (void)close(s->listen_fd);
        conns_close(&s->conns);
        free(s);
        *server = NULL;
    }
}
