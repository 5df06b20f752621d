/* The table of open connections and its reaper. It shuts sockets down, and never closes one: the
 * descriptor stays libmicrohttpd's. */
#include "http/wire/conn.h"

#include "base/clock.h"
#include "base/cond.h"
#include "base/mem.h"
#include "base/metric.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#define REAP_EVERY_US   INT64_C(100000)
#define OVER_LIMIT_US   INT64_C(1000000) /* to send a request that is turned away */
#define DRAINED_POLL_US INT64_C(10000)

struct conns {
    struct conn_limits limits;
    _Atomic int64_t idle_us; /* of limits; 0 once draining */
    pthread_t reaper;
    pthread_mutex_t lock; /* guards the list, count and closing; a leaf lock */
    pthread_cond_t changed;
    struct conn *head;
    int64_t count;
    bool closing;
    atomic_int_fast64_t busy; /* requests under way */
};

/* Under the lock, or the number might already belong to another file. No I/O that could block: it only
 * marks the socket, and wakes its thread. */
static void deadline_passed(struct conn *c, int64_t now_us)
{
    int64_t deadline_us = atomic_load(&c->deadline_us);

    if (atomic_load(&c->arriving) && !c->over) {
        /* What has come until now is answered; and that must be taken in time, too. Where the last
         * byte came just now, its thread has moved the deadline, and goes on. */
        if (atomic_compare_exchange_strong(&c->deadline_us, &deadline_us,
                                           now_us + c->conns->limits.request_us)) {
            atomic_store(&c->arriving, false);
            atomic_store(&c->tap.late, true);
            (void)shutdown(c->fd, SHUT_RD);
        }
        return;
    }
    /* first, so that its thread does not take this for the client's end */
    atomic_store(&c->tap.cut, true);
    (void)shutdown(c->fd, SHUT_RDWR);
    /* once is enough: its thread reads the end of the connection and removes it */
    atomic_store(&c->deadline_us, INT64_MAX);
}

static void *reaper_main(void *arg)
{
    struct conns *conns = arg;

    (void)pthread_mutex_lock(&conns->lock);
    while (!conns->closing) {
        int64_t now_us = clock_monotonic_us();
        for (struct conn *c = conns->head; c != NULL; c = c->next) {
            if (atomic_load(&c->deadline_us) <= now_us) {
                deadline_passed(c, now_us);
            }
        }
        /* At fixed times, not at the next deadline: deadlines move without the lock and without a
         * signal, which would cost every request a wake-up of this thread. */
        (void)cond_wait_until(&conns->changed, &conns->lock, now_us + REAP_EVERY_US);
    }
    (void)pthread_mutex_unlock(&conns->lock);
    return NULL;
}

CAN_FAIL bool conns_open(const struct conn_limits *limits, struct conns **out, struct err *err)
{
    struct conns *conns = mem_alloc(sizeof *conns);

    conns->limits = *limits;
    atomic_store(&conns->idle_us, limits->idle_us);
    (void)pthread_mutex_init(&conns->lock, NULL);
    cond_init(&conns->changed);
    if (pthread_create(&conns->reaper, NULL, reaper_main, conns) != 0) {
        free(conns);
        return FAIL(err, ERR_INTERNAL, "could not start the reaper thread");
    }
    *out = conns;
    return true;
}

void conns_close(struct conns **conns)
{
    struct conns *c = *conns;

    if (c == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&c->lock);
    c->closing = true;
    (void)pthread_cond_broadcast(&c->changed);
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_join(c->reaper, NULL);
    /* the daemon has stopped (server_stop), so nobody adds or removes any more */
    while (c->head != NULL) {
        conn_remove(c, c->head);
    }
    (void)pthread_cond_destroy(&c->changed);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
    *conns = NULL;
}

static void on_arrival(void *cls)
{
    struct conn *c = cls;

    conn_request_arrives(c->conns, c);
}

struct conn *conn_add(struct conns *conns, int fd)
{
    /* before the lock, under which nothing is allocated */
    struct conn *c = mem_alloc(sizeof *c);
    int64_t now_us = clock_monotonic_us();

    c->fd = fd;
    c->conns = conns;
    gate_open(&c->tap.gate, conns->limits.body_max);
    c->tap.arrives = on_arrival;
    c->tap.cls = c;
    /* where this fails its requests are refused, having passed no gate */
    (void)tap_add(fd, &c->tap);
    (void)pthread_mutex_lock(&conns->lock);
    /* counted like the others, having a thread and a descriptor as well */
    c->over = conns->count >= conns->limits.open_max;
    /* from now on: a client that connects and sends nothing holds a thread, too */
    atomic_store(&c->deadline_us, now_us + (c->over ? OVER_LIMIT_US : conns->limits.request_us));
    c->next = conns->head;
    if (conns->head != NULL) {
        conns->head->before = c;
    }
    conns->head = c;
    conns->count++;
    (void)pthread_mutex_unlock(&conns->lock);
    metric_add(METRIC_http_connections, 1);
    return c;
}

void conn_remove(struct conns *conns, struct conn *conn)
{
    /* libmicrohttpd promises MHD_OPTION_NOTIFY_COMPLETED only for requests whose handler was
     * called: one that was cut off in its head is ended here. */
    if (atomic_load(&conn->busy)) {
        conn_request_ends(conns, conn);
    }
    /* Taken out of the list before the library closes the descriptor (its notification comes
     * first): the reaper must not shut down a number that belongs to another file by then. */
    (void)pthread_mutex_lock(&conns->lock);
    if (conn->next != NULL) {
        conn->next->before = conn->before;
    }
    *(conn->before != NULL ? &conn->before->next : &conns->head) = conn->next;
    conns->count--;
    (void)pthread_mutex_unlock(&conns->lock);
    metric_sub(METRIC_http_connections, 1);
    /* likewise before the descriptor is closed */
    tap_remove(conn->fd);
    gate_close(&conn->tap.gate);
    arena_free(&conn->rq.arena);
    free(conn);
}

void conn_request_arrives(struct conns *conns, struct conn *conn)
{
    /* an exchange: a connection adds one to the busy ones, and takes one away */
    if (atomic_exchange(&conn->busy, true)) {
        return;
    }
    atomic_fetch_add(&conns->busy, 1);
    atomic_store(&conn->arriving, true);
    conn->began_us = clock_monotonic_us();
    /* once a request, counted from its first byte, and not put off by those that follow: else it
     * could be kept alive by a byte a second (slowloris). Who is above the limit keeps the short
     * one of conn_add. */
    if (!conn->over) {
        atomic_store(&conn->deadline_us, conn->began_us + conns->limits.request_us);
    }
}

void conn_request_begins(struct conns *conns, struct conn *conn)
{
    /* of requests that came together nobody has told that they arrive */
    conn_request_arrives(conns, conn);
    conn->heads++;
    conn->phase = PHASE_HEAD;
    conn->discarded = 0;
    conn->guard = (struct guard){0};
}

void conn_request_arrived(struct conn *conn)
{
    atomic_store(&conn->arriving, false);
    /* from here on we are the slow ones, waiting for a commit or a lock */
    atomic_store(&conn->deadline_us, INT64_MAX);
}

void conn_answer_begins(struct conns *conns, struct conn *conn)
{
    atomic_store(&conn->arriving, false);
    /* a client that does not read holds its thread just as one that does not write */
    atomic_store(&conn->deadline_us, clock_monotonic_us() + conns->limits.request_us);
}

void conn_request_ends(struct conns *conns, struct conn *conn)
{
    request_end(&conn->rq);
    /* 0 while draining: the reaper closes keep-alive connections at its next look */
    atomic_store(&conn->deadline_us, clock_monotonic_us() + atomic_load(&conns->idle_us));
    /* last: who drains takes 0 busy requests for "everybody was answered" */
    if (atomic_exchange(&conn->busy, false)) {
        atomic_fetch_sub(&conns->busy, 1);
    }
}

bool conns_drain(struct conns *conns, int64_t idle_us, int64_t wait_us)
{
    int64_t began_us = clock_monotonic_us();
    int64_t now_us = began_us;

    (void)pthread_mutex_lock(&conns->lock);
    atomic_store(&conns->idle_us, 0); /* their answers say Connection: close */
    for (struct conn *c = conns->head; c != NULL; c = c->next) {
        int64_t until_us = began_us + idle_us;
        /* only shortened; a request that begins meanwhile sets its own deadline again */
        if (!atomic_load(&c->busy) && atomic_load(&c->deadline_us) > until_us) {
            atomic_store(&c->deadline_us, until_us);
        }
    }
    /* By looking: neither the end of a request nor a connection that goes away signals. */
    while (now_us < began_us + wait_us && (conns->count > 0 || atomic_load(&conns->busy) > 0)) {
        (void)cond_wait_until(&conns->changed, &conns->lock, now_us + DRAINED_POLL_US);
        now_us = clock_monotonic_us();
    }
    /* an idle connection that is left is owed nothing */
    bool drained = atomic_load(&conns->busy) == 0;
    (void)pthread_mutex_unlock(&conns->lock);
    return drained;
}
