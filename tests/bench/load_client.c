/* The load of the benchmarks. It shares the machine with the server, so it does as little as a
 * client can: bytes are built beforehand, and answers are looked at in place. */
#include "bench/load_client.h"

#include "base/clock.h"
#include "base/mem.h"
#include "support/http_answer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_MAX = 256 << 10, EVENTS_AT_ONCE = 256, STALL_MS = 30000 };

struct load_conn {
    int fd;
    const struct load_request *request; /* NULL: idle */
    size_t sent;
    int64_t began_us;
    size_t len;
    char *answer; /* ANSWER_MAX + 1 bytes */
};

struct load {
    const struct load_plan *plan;
    struct load_conn *conns;
    int epoll;
    size_t next;
    size_t under_way;
    size_t answers;
    int64_t until_us;
    int64_t *latencies;
};

__attribute__((noreturn)) static void die(const char *what, const char *detail)
{
    (void)fprintf(stderr, "load: %s: %s\n", what, detail);
    exit(1);
}

struct load_request load_request_make(const char *path, const char *key, const char *body,
                                      size_t body_len)
{
    char head[512];
    int n = snprintf(head, sizeof head,
                     "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                     body != NULL ? "POST" : "GET", path, key, body_len);
    if (n < 0 || (size_t)n >= sizeof head) {
        die("request head too long", path);
    }
    struct load_request r = {.len = (size_t)n + body_len};
    r.bytes = mem_alloc(r.len);
    memcpy(r.bytes, head, (size_t)n);
    if (body != NULL) {
        memcpy(r.bytes + n, body, body_len);
    }
    return r;
}

void load_requests_free(struct load_request *requests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(requests[i].bytes);
    }
    free(requests);
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;

    return (*x > *y) - (*x < *y);
}

double load_quantile(int64_t *values, size_t n, double share)
{
    if (n == 0) {
        return 0;
    }
    qsort(values, n, sizeof *values, compare);
    return (double)values[(size_t)((double)(n - 1) * share)];
}

static void watch(const struct load *l, struct load_conn *c, int op, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};

    if (epoll_ctl(l->epoll, op, c->fd, &e) != 0) {
        die("epoll_ctl", strerror(errno));
    }
}

static void dial(const struct load *l, struct load_conn *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)l->plan->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;

    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        die("connect", strerror(errno));
    }
    (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    c->answer = mem_alloc(ANSWER_MAX + 1);
    watch(l, c, EPOLL_CTL_ADD, EPOLLIN);
}

/* Sends as much as the socket takes; the rest when it is writable again. */
static void send_more(const struct load *l, struct load_conn *c)
{
    size_t left = c->request->len - c->sent;
    ssize_t n = send(c->fd, c->request->bytes + c->sent, left, MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n < 0 && errno != EAGAIN) {
        die("send", strerror(errno));
    }
    bool partial_before = c->sent > 0;
    c->sent += n > 0 ? (size_t)n : 0;
    bool partial = c->sent < c->request->len;
    if (partial || partial_before) {
        watch(l, c, EPOLL_CTL_MOD, partial ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
}

static void begin_next(struct load *l, struct load_conn *c)
{
    int64_t now_us = clock_monotonic_us();

    c->request = NULL;
    if (l->next == l->plan->request_count || now_us >= l->until_us) {
        return;
    }
    c->request = &l->plan->requests[l->next++];
    c->sent = 0;
    c->len = 0;
    c->began_us = now_us;
    l->under_way++;
    send_more(l, c);
}

static void receive(struct load *l, struct load_conn *c)
{
    struct http_answer answer;
    ssize_t n = recv(c->fd, c->answer + c->len, ANSWER_MAX - c->len, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n <= 0) {
        die("recv", n < 0 ? strerror(errno) : "the server hung up");
    }
    c->len += (size_t)n;
    c->answer[c->len] = '\0';
    enum http_scan scan = http_answer_scan(c->answer, c->len, &answer);
    if (scan == HTTP_PARTIAL && c->len < ANSWER_MAX) {
        return;
    }
    if (scan != HTTP_WHOLE || answer.status < 200 || answer.status > 299) {
        die("unexpected answer", c->answer);
    }
    l->latencies[l->answers++] = clock_monotonic_us() - c->began_us;
    l->under_way--;
    if (l->plan->on_answer != NULL) {
        l->plan->on_answer(l->plan->ctx, answer.body, answer.body_len);
    }
    begin_next(l, c);
}

static void serve_events(struct load *l)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int n = epoll_wait(l->epoll, events, EVENTS_AT_ONCE, STALL_MS);

    if (n == 0) {
        die("no answer", "for 30 s");
    }
    for (int i = 0; i < n; i++) {
        struct load_conn *c = events[i].data.ptr;
        if (c->request == NULL) {
            die("a connection ended", "while idle");
        }
        if ((events[i].events & EPOLLOUT) != 0) {
            send_more(l, c);
        }
        if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0) {
            receive(l, c);
        }
    }
}

struct load_report load_run(const struct load_plan *plan)
{
    struct load l = {.plan = plan, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    size_t count = (size_t)plan->connections;

    if (l.epoll < 0) {
        die("epoll_create1", strerror(errno));
    }
    l.conns = mem_array(count, sizeof *l.conns);
    l.latencies = mem_array(plan->request_count, sizeof *l.latencies);
    for (size_t i = 0; i < count; i++) {
        dial(&l, &l.conns[i]);
    }
    int64_t began_us = clock_monotonic_us();
    l.until_us = began_us + plan->time_us;
    for (size_t i = 0; i < count; i++) {
        begin_next(&l, &l.conns[i]);
    }
    while (l.under_way > 0) {
        serve_events(&l);
    }
    struct load_report report = {.answers = l.answers,
                                 .elapsed_us = clock_monotonic_us() - began_us,
                                 .p50_ms = load_quantile(l.latencies, l.answers, 0.5) / 1000,
                                 .p99_ms = load_quantile(l.latencies, l.answers, 0.99) / 1000};
    for (size_t i = 0; i < count; i++) {
        (void)close(l.conns[i].fd);
        mem_free(&l.conns[i].answer);
    }
    (void)close(l.epoll);
    mem_free(&l.conns);
    mem_free(&l.latencies);
    return report;
}
