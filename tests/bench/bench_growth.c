/* What an event costs as the log grows: bytes on disk, CPU time of PostgreSQL and of the service, events a second, at each size of one log
 * that is filled over HTTP (growth_events.h), in batches of 500 by 4 connections unless told otherwise. --program PATH measures another build of cartwright in the same way: it migrates the
 * database itself. The log is not folded meanwhile, unless --fold. CPU time counts, not the clock: the client shares the machine.
 *
 * One line of JSON for each size:
 *   events, events_per_s, pg_us, service_us of an event (over the last part before that size), bytes of an event in all tables and indexes
 *   of the log, and by relation. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/init.h"
#include "base/jenc.h"
#include "base/mem.h"
#include "bench/growth_events.h"
#include "cli/options.h"
#include "support/pg_fixture.h"
#include "support/process.h"
#include "support/service.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PART = 50000, SEED = 1 };

static const int64_t sizes[] = {100000,  300000,   1000000,  3000000,
                                5000000, 10000000, 30000000, 100000000};
enum { SIZES = sizeof sizes / sizeof *sizes };

struct bench {
    char *url;
    char *key;
    PGconn *conn;
    pid_t postmaster;
    struct service service;
    struct growth_events *events;
    int64_t each; /* events of a request */
    int64_t connections;
    int64_t stored;
};

__attribute__((noreturn)) static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_growth: %s: %s\n", what, why);
    exit(1);
}

static PGresult *ask(struct bench *b, const char *sql)
{
    PGresult *r = PQexec(b->conn, sql);

    if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK) {
        die(sql, PQerrorMessage(b->conn));
    }
    return r;
}

/* ---- one part of the log ---- */

struct cost {
    int64_t events;
    int64_t elapsed_us;
    int64_t pg_us;
    int64_t service_us;
};

/* Whatever is not stored would make the log look cheap. */
static void look_at(void *ctx, const char *body, size_t len)
{
    (void)ctx;
    (void)len;
    if (strstr(body, "\"invalid\"") != NULL || strstr(body, "\"stored\"") == NULL) {
        (void)fprintf(stderr, "%.600s\n", body);
        die("store", "an event was refused");
    }
}

static void store_part(struct bench *b, struct cost *cost)
{
    size_t bytes;
    const size_t count = (size_t)(PART / b->each);
    struct load_request *requests =
        growth_events_next(b->events, b->key, PART, (size_t)b->each, &bytes);
    const struct load_plan plan = {.port = b->service.port,
                                   .connections = (int)b->connections,
                                   .requests = requests,
                                   .request_count = count,
                                   .time_us = HOURS(1),
                                   .on_answer = look_at};
    const int64_t pg_us = process_cpu_us(b->postmaster);
    const int64_t service_us = process_cpu_us(b->service.pid);
    const struct load_report r = load_run(&plan);

    if (r.answers != count) {
        die("store", "not every request was answered");
    }
    cost->events += PART;
    cost->elapsed_us += r.elapsed_us;
    cost->pg_us += process_cpu_us(b->postmaster) - pg_us;
    cost->service_us += process_cpu_us(b->service.pid) - service_us;
    b->stored += PART;
    load_requests_free(requests, count);
}

/* ---- what is there ---- */

/* Tables and indexes that grow with the log: their bytes an event, the largest first. */
static void put_bytes(struct bench *b, struct jenc *j)
{
    PGresult *r = ask(
        b,
        "SELECT c.relname, pg_table_size(c.oid)::float8 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = 'cartwright' AND c.relkind IN ('r', 'i') AND pg_table_size(c.oid) > 1000000 "
        "ORDER BY 2 DESC");
    double sum = 0;

    jenc_object(j, "bytes_by_relation");
    for (int i = 0; i < PQntuples(r); i++) {
        const double bytes = strtod(PQgetvalue(r, i, 1), NULL) / (double)b->stored;
        jenc_f64(j, PQgetvalue(r, i, 0), (double)(int64_t)(bytes * 10 + 0.5) / 10);
        sum += bytes;
    }
    jenc_object_end(j);
    jenc_i64(j, "bytes", (int64_t)(sum + 0.5));
    PQclear(r);
}

static double tenths(int64_t us, int64_t events)
{
    const int64_t rounded = us * 10 / events;

    return (double)rounded / 10;
}

static void report(struct bench *b, const struct cost *last)
{
    struct buf out = buf_make(1 << 16);
    struct jenc j = jenc_begin(&out);

    PQclear(ask(b, "CHECKPOINT"));
    jenc_object(&j, NULL);
    jenc_str(&j, "bench", "growth");
    jenc_i64(&j, "events", b->stored);
    jenc_i64(&j, "events_per_s", last->events * SECONDS(1) / last->elapsed_us);
    jenc_f64(&j, "pg_us", tenths(last->pg_us, last->events));
    jenc_f64(&j, "service_us", tenths(last->service_us, last->events));
    put_bytes(b, &j);
    jenc_object_end(&j);
    (void)printf("%s\n", buf_text(&out));
    (void)fflush(stdout);
    buf_free(&out);
}

/* ---- start and end ---- */

static struct bench bench_open(bool other_program, bool fold)
{
    const char *const flags[] = {"--log-level", "warn", fold ? NULL : "--fold-workers", "0", NULL};
    static const char *const migrate[] = {"migrate", NULL};
    struct bench b = {.url = pg_fixture_database("growth"), .events = growth_events_new(SEED)};

    b.conn = PQconnectdb(b.url);
    if (PQstatus(b.conn) != CONNECTION_OK) {
        die("connect", PQerrorMessage(b.conn));
    }
    if (other_program) { /* the template is of this build */
        PQclear(ask(&b, "DROP SCHEMA cartwright CASCADE"));
        if (program_run(b.url, migrate, NULL, NULL) != 0) {
            die("migrate", "failed");
        }
    }
    b.postmaster = process_parent(PQbackendPID(b.conn));
    b.key = service_key(b.url, "ingest");
    b.service = service_start(b.url, flags);
    return b;
}

static void bench_close(struct bench *b)
{
    if (service_stop(&b->service) != 0) {
        die("the service did not stop cleanly", b->service.log);
    }
    PQfinish(b->conn);
    growth_events_free(&b->events);
    free(b->key);
    pg_fixture_drop(b->url);
}

int main(int argc, char **argv)
{
    struct err err = {0};
    int64_t until = 1000000;
    const char *other = NULL;
    bool fold = false;
    int64_t each = 500;
    int64_t connections = 4;
    const struct option_row rows[] = {
        {.name = "events", .whole = &until, .min = sizes[0], .max = sizes[SIZES - 1]},
        {.name = "each", .whole = &each, .min = 1, .max = 1000},
        {.name = "connections", .whole = &connections, .min = 1, .max = 200},
        {.name = "program", .text = &other},
        {.name = "fold", .flag = &fold},
        {0}};
    struct call call = {.program = "./dev bench",
                        .command = "growth",
                        .usage =
                            "growth [--events N] [--each N] [--connections N] [--program PATH] "
                            "[--fold]"};

    if (!base_init(&err)) {
        die("start", err.text);
    }
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    if (PART % each != 0) {
        die("--each", "must divide 50,000");
    }
    if (other != NULL) {
        (void)setenv("CARTWRIGHT_BIN", other, 1);
    }
    struct bench b = bench_open(other != NULL, fold);
    b.each = each;
    b.connections = connections;
    struct cost last = {0};
    for (int i = 0; i < SIZES && sizes[i] <= until; i++) {
        while (b.stored < sizes[i]) {
            /* only what was stored at that size: the last fifth, and at most half a million */
            const int64_t left = sizes[i] - b.stored;
            last = left <= 500000 && left <= sizes[i] / 2 ? last : (struct cost){0};
            store_part(&b, &last);
        }
        report(&b, &last);
    }
    bench_close(&b);
    return 0;
}
