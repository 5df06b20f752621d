/* One, two and four replicas of `cartwright serve` on one PostgreSQL: events stored and folded a second, and who uses the processors
 * meanwhile. The same events go to them in turn, by as many connections in all; the clock stops when the last event is folded. What is
 * shown is where the next bottleneck lies: on one machine they share its processors, so that more of them cannot be faster than those.
 * The baseline is one replica of the same run.
 *
 * One line of JSON for each number of replicas:
 *   stored_per_s, folded_per_s (both over the time of its kind), ratio (folded, to one replica), pg, service, client: processors used. */
#include "base/clock.h"
#include "base/init.h"
#include "base/mem.h"
#include "bench/growth_events.h"
#include "cli/options.h"
#include "support/pg_fixture.h"
#include "support/process.h"
#include "support/service.h"

#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BATCH = 100, CONNECTIONS = 8, REPLICAS_MAX = 4, RUNS = 3, SEED = 1 };

static const int counts[] = {1, 2, 4};
enum { COUNTS = sizeof counts / sizeof *counts };

/* Processors used on average. */
struct shares {
    double pg;
    double service;
    double client;
};

struct figures {
    double stored_per_s;
    double folded_per_s;
    struct shares used;
};

struct shop {
    char *url;
    char *key;
    PGconn *conn;
    pid_t postmaster;
    struct service services[REPLICAS_MAX];
    int count;
};

__attribute__((noreturn)) static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_replicas: %s: %s\n", what, why);
    exit(1);
}

static int64_t number_of(struct shop *s, const char *sql)
{
    PGresult *r = PQexec(s->conn, sql);

    if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1) {
        die(sql, PQerrorMessage(s->conn));
    }
    const int64_t out = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
    PQclear(r);
    return out;
}

/* ---- the load ---- */

/* The part of the requests that goes to one replica. */
struct stream {
    pthread_t thread;
    struct load_plan plan;
    struct load_report report;
};

static void *stream_main(void *arg)
{
    struct stream *s = arg;

    s->report = load_run(&s->plan);
    return NULL;
}

static void send_all(struct shop *s, const struct load_request *requests, size_t count)
{
    struct stream streams[REPLICAS_MAX];
    const size_t each = count / (size_t)s->count;

    for (int i = 0; i < s->count; i++) {
        streams[i] = (struct stream){.plan = {.port = s->services[i].port,
                                              .connections = CONNECTIONS / s->count,
                                              .requests = requests + (size_t)i * each,
                                              .request_count = each,
                                              .time_us = HOURS(1)}};
        if (pthread_create(&streams[i].thread, NULL, stream_main, &streams[i]) != 0) {
            die("start", "no thread");
        }
    }
    for (int i = 0; i < s->count; i++) {
        (void)pthread_join(streams[i].thread, NULL);
        if (streams[i].report.answers != each) {
            die("store", "not every request was answered");
        }
    }
}

static void await_folded(struct shop *s)
{
    while (number_of(s, "SELECT count(*) FROM cartwright.lane_cursor c JOIN cartwright.event e "
                        "ON e.lane = c.lane AND e.off > c.off WHERE c.consumer = 'fold'") > 0) {
        (void)poll(NULL, 0, 20);
    }
}

static struct shares cpu_of(const struct shop *s)
{
    struct shares sum = {.pg = (double)process_cpu_us(s->postmaster),
                         .client = (double)process_cpu_us(getpid())};

    for (int i = 0; i < s->count; i++) {
        const double us = (double)process_cpu_us(s->services[i].pid);
        sum.service += us;
        sum.client -= us; /* they are this process's children */
    }
    return sum;
}

static struct figures measure(struct shop *s, const struct load_request *requests, size_t count)
{
    const struct shares before = cpu_of(s);
    const int64_t start_us = clock_monotonic_us();
    send_all(s, requests, count);
    const double stored_us = (double)(clock_monotonic_us() - start_us);
    await_folded(s);
    const double folded_us = (double)(clock_monotonic_us() - start_us);
    const struct shares after = cpu_of(s);
    const double events = (double)(count * BATCH);

    if (number_of(s, "SELECT count(*) FROM cartwright.event WHERE origin = 'api'") !=
        (int64_t)(count * BATCH)) {
        die("store", "not every event is in the log");
    }
    return (struct figures){
        .stored_per_s = events * 1e6 / stored_us,
        .folded_per_s = events * 1e6 / folded_us,
        .used = {.pg = (after.pg - before.pg) / folded_us,
                 .service = (after.service - before.service) / folded_us,
                 .client = (after.client - before.client) / folded_us},
    };
}

/* ---- start and end ---- */

static struct shop shop_open(int count)
{
    static const char *const flags[] = {"--log-level", "warn", NULL};
    struct shop s = {.url = pg_fixture_database("replicas"), .count = count};

    s.conn = PQconnectdb(s.url);
    if (PQstatus(s.conn) != CONNECTION_OK) {
        die("connect", PQerrorMessage(s.conn));
    }
    s.postmaster = process_parent(PQbackendPID(s.conn));
    s.key = service_key(s.url, "ingest");
    for (int i = 0; i < count; i++) {
        s.services[i] = service_start(s.url, flags);
    }
    return s;
}

static void shop_close(struct shop *s)
{
    for (int i = 0; i < s->count; i++) {
        if (service_stop(&s->services[i]) != 0) {
            die("a replica did not stop cleanly", s->services[i].log);
        }
    }
    PQfinish(s->conn);
    free(s->key);
    pg_fixture_drop(s->url);
}

static struct figures run_once(int replicas, int64_t events)
{
    struct shop s = shop_open(replicas);
    struct growth_events *g = growth_events_new(SEED);
    size_t bytes;
    const size_t count = (size_t)events / BATCH / REPLICAS_MAX * REPLICAS_MAX;
    struct load_request *requests = growth_events_next(g, s.key, count * BATCH, BATCH, &bytes);
    const struct figures f = measure(&s, requests, count);

    load_requests_free(requests, count);
    growth_events_free(&g);
    shop_close(&s);
    return f;
}

static int by_folded(const void *left, const void *right)
{
    const struct figures *x = left;
    const struct figures *y = right;

    return (x->folded_per_s > y->folded_per_s) - (x->folded_per_s < y->folded_per_s);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    int64_t events = 200000;
    struct figures figures[COUNTS][RUNS];
    const struct option_row rows[] = {
        {.name = "events", .whole = &events, .min = 10000, .max = 10000000}, {0}};
    struct call call = {
        .program = "./dev bench", .command = "replicas", .usage = "replicas [--events N]"};

    if (!base_init(&err)) {
        die("start", err.text);
    }
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    for (int run = 0; run < RUNS; run++) { /* in turns: the machine may be slower later */
        for (int i = 0; i < COUNTS; i++) {
            figures[i][run] = run_once(counts[i], events);
        }
    }
    for (int i = 0; i < COUNTS; i++) {
        qsort(figures[i], RUNS, sizeof figures[i][0], by_folded);
    }
    for (int i = 0; i < COUNTS; i++) {
        const struct figures *f = &figures[i][RUNS / 2];
        (void)printf(
            "{\"bench\":\"replicas\",\"replicas\":%d,\"events\":%lld,\"stored_per_s\":%.0f,"
            "\"folded_per_s\":%.0f,\"ratio\":%.2f,\"pg\":%.2f,\"service\":%.2f,\"client\":%.2f}\n",
            counts[i], (long long)events, f->stored_per_s, f->folded_per_s,
            f->folded_per_s / figures[0][RUNS / 2].folded_per_s, f->used.pg, f->used.service,
            f->used.client);
    }
    return 0;
}
