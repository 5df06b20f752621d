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

static void *reaper_main(void *arg)
{
    struct conns *conns = arg;

    (void)pthread_mutex_lock(&conns->lock);
    while (!conns->closing) {
        int64_t now_us = clock_monotonic_us();
        for (struct conn *c = conns->head; c != NULL; c = c->next) {
            if (atomic_load(&c->deadline_us) <= now_us) {
                /* not I/O that could block: it only marks the socket, and it must happen under the
                 * lock, or the number might already belong to another file */
                (void)shutdown(c->fd, SHUT_RDWR);
                atomic_store(&c->deadline_us, INT64_MAX);
            }
        }
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
    while (c->head != NULL) {
        conn_remove(c, c->head);
    }
    (void)pthread_cond_destroy(&c->changed);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
    *conns = NULL;
}

struct conn *conn_add(struct conns *conns, int fd)
{
    struct conn *c = mem_alloc(sizeof *c);
    int64_t now_us = clock_monotonic_us();

    c->fd = fd;
    (void)pthread_mutex_lock(&conns->lock);
    c->over = conns->count >= conns->limits.open_max;
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
    if (atomic_load(&conn->busy)) {
        conn_request_ends(conns, conn);
    }
    (void)pthread_mutex_lock(&conns->lock);
    if (conn->next != NULL) {
        conn->next->before = conn->before;
    }
    *(conn->before != NULL ? &conn->before->next : &conns->head) = conn->next;
    conns->count--;
    (void)pthread_mutex_unlock(&conns->lock);
    metric_sub(METRIC_http_connections, 1);
    arena_free(&conn->rq.arena);
    free(conn);
}

void conn_request_begins(struct conns *conns, struct conn *conn)
{
    if (!atomic_exchange(&conn->busy, true)) {
        atomic_fetch_add(&conns->busy, 1);
    }
    if (!conn->over) {
        atomic_store(&conn->deadline_us, clock_monotonic_us() + conns->limits.request_us);
    }
    conn->phase = PHASE_HEAD;
    conn->discarded = 0;
    conn->guard = (struct guard){0};
}

void conn_request_arrived(struct conn *conn)
{
    atomic_store(&conn->deadline_us, INT64_MAX);
}

void conn_answer_begins(struct conns *conns, struct conn *conn)
{
    atomic_store(&conn->deadline_us, clock_monotonic_us() + conns->limits.request_us);
}

void conn_request_ends(struct conns *conns, struct conn *conn)
{
    request_end(&conn->rq);
    atomic_store(&conn->deadline_us, clock_monotonic_us() + atomic_load(&conns->idle_us));
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
        if (!atomic_load(&c->busy) && atomic_load(&c->deadline_us) > until_us) {
            atomic_store(&c->deadline_us, until_us);
        }
    }
    while (now_us < began_us + wait_us && (conns->count > 0 || atomic_load(&conns->busy) > 0)) {
        (void)cond_wait_until(&conns->changed, &conns->lock, now_us + DRAINED_POLL_US);
        now_us = clock_monotonic_us();
    }
    bool drained = atomic_load(&conns->busy) == 0;
    (void)pthread_mutex_unlock(&conns->lock);
    return drained;
}
