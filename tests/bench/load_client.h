/* A closed-loop HTTP/1.1 load: N keep-alive connections in one thread, each sends its next request
 * when its last one is answered. (So a stall of the server delays what is measured: latencies are
 * those of a client that waits, not of an open stream of arrivals.) Any answer but 2xx, and any
 * broken connection, ends the program: a benchmark with errors measures nothing. */
#ifndef BENCH_LOAD_CLIENT_H
#define BENCH_LOAD_CLIENT_H

#include <stddef.h>
#include <stdint.h>

/* A whole request, head and body. */
struct load_request {
    char *bytes;
    size_t len;
};

/* Builds one: POST with the body, or GET where body is NULL. The caller frees bytes. */
struct load_request load_request_make(const char *path, const char *key, const char *body,
                                      size_t body_len);

void load_requests_free(struct load_request *requests, size_t count);

struct load_plan {
    int port; /* on 127.0.0.1 */
    int connections;
    const struct load_request *requests; /* each is sent once, in order ... */
    size_t request_count;
    int64_t time_us;                                            /* ... until this has passed */
    void (*on_answer)(void *ctx, const char *body, size_t len); /* NULL: not looked at */
    void *ctx;
};

struct load_report {
    size_t answers;
    int64_t elapsed_us; /* first request to last answer */
    double p50_ms;
    double p99_ms;
};

struct load_report load_run(const struct load_plan *plan);

/* Value below which the share (0..1) of the n values lies; sorts them. */
double load_quantile(int64_t *values, size_t n, double share);

#endif
