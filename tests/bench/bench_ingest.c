/* Durable events a second through HTTP, beside plain prepared INSERTs of the same rows over libpq.
 *
 * Per case and repetition, one after the other on an empty table each time: the service, the plain
 * inserts (plain_insert.h), for batches the same inserts in libpq's pipeline (one round trip a
 * transaction: what somebody who knows libpq would write), and for single events the same service with --intake-batch 1, which
 * commits each request alone, and with --intake-gather 0, which never waits for company; of the services also the CPU time of an event. Client and server share the machine on all sides; fsync and
 * synchronous_commit are on; the service folds nothing meanwhile (./dev bench consume measures
 * that) but for the last case, which says what folding on the same cores costs. Only events that
 * were answered `stored` count. The host is noisy, so what counts is the median of the ratios of
 * neighbouring runs; --check exits with 1 where one is below what is required. */
#include "base/clock.h"
#include "base/init.h"
#include "bench/ingest_rows.h"
#include "bench/load_client.h"
#include "bench/plain_insert.h"
#include "cli/options.h"
#include "support/pg_fixture.h"
#include "support/process.h"
#include "support/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPETITIONS = 3, EVENTS = 60000 };
#define RUN_US SECONDS(3)

/* What is loaded, and what the ratios must be at least; 0: only shown. */
struct bench_load {
    const char *name;
    bool batches;
    int connections;
    double over_plain;
    double over_alone; /* commit each request alone; negative: not measured */
};

static const struct bench_load loads[] = {
    {"batch of 100", true, 4, 0.6, -1},
    {"batch of 100", true, 8, 0.6, -1},
    {"single", false, 64, 0, 0},
    {"single", false, 200, 0, 3},
};
enum { LOADS = sizeof loads / sizeof *loads };

struct bench {
    const char *database_url;
    PGconn *conn;
    struct ingest_rows rows;
    struct service grouping; /* as shipped, but for folding */
    struct service alone;    /* commits each request by itself */
    struct service hasty;    /* commits at once what there is */
    pid_t postmaster;
};

/* One run's figures. */
struct figure {
    double events_per_s;
    double p50_ms;
    double p99_ms;
    double cpu_us; /* of an event, PostgreSQL and the service; 0: not measured */
};

__attribute__((noreturn)) static void die(const char *what, const char *detail)
{
    (void)fprintf(stderr, "bench_ingest: %s: %s\n", what, detail);
    exit(1);
}

static void sql(struct bench *b, const char *text)
{
    PGresult *res = PQexec(b->conn, text);

    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        die(text, PQerrorMessage(b->conn));
    }
    PQclear(res);
}

/* Every run begins with an empty table and no checkpoint due. */
static void empty_tables(struct bench *b)
{
    sql(b, "TRUNCATE cartwright.log");
    sql(b, "TRUNCATE plain_event");
    sql(b, "CHECKPOINT");
}

static void count_stored(void *ctx, const char *body, size_t len)
{
    size_t *stored = ctx;

    (void)len;
    for (const char *at = body; (at = strstr(at, "\"status\":\"")) != NULL; at++) {
        *stored += strncmp(at + 10, "stored\"", 7) == 0;
    }
}

static struct figure run_service(struct bench *b, const struct service *s, bool batches,
                                 int connections)
{
    size_t stored = 0;
    struct load_plan plan = {.port = s->port,
                             .connections = connections,
                             .requests = batches ? b->rows.batches : b->rows.singles,
                             .request_count = batches ? b->rows.batch_count : b->rows.count,
                             .time_us = RUN_US,
                             .on_answer = count_stored,
                             .ctx = &stored};

    empty_tables(b);
    const int64_t cpu_us = process_cpu_us(b->postmaster) + process_cpu_us(s->pid);
    struct load_report r = load_run(&plan);
    const int64_t used_us = process_cpu_us(b->postmaster) + process_cpu_us(s->pid) - cpu_us;
    if (stored != r.answers * (batches ? INGEST_BATCH : 1)) {
        die("an event was not stored", s->log);
    }
    return (struct figure){(double)stored * 1e6 / (double)r.elapsed_us, r.p50_ms, r.p99_ms,
                           (double)used_us / (double)stored};
}

static struct figure run_plain(struct bench *b, bool batches, int connections, bool pipelined)
{
    struct plain_plan plan = {.conninfo = b->database_url,
                              .rows = &b->rows,
                              .connections = connections,
                              .rows_per_transaction = batches ? INGEST_BATCH : 1,
                              .pipelined = pipelined,
                              .time_us = RUN_US};

    empty_tables(b);
    struct plain_report r = plain_run(&plan);
    return (struct figure){(double)r.rows * 1e6 / (double)r.elapsed_us, r.p50_ms, r.p99_ms, 0};
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(const double *values)
{
    double v[REPETITIONS];

    memcpy(v, values, sizeof v);
    qsort(v, REPETITIONS, sizeof *v, compare);
    return v[REPETITIONS / 2];
}

/* What one side did, by repetition. */
struct side {
    double events_per_s[REPETITIONS];
    double p50_ms[REPETITIONS];
    double p99_ms[REPETITIONS];
    double cpu_us[REPETITIONS];
};

static void keep(struct side *side, int i, struct figure f)
{
    side->events_per_s[i] = f.events_per_s;
    side->p50_ms[i] = f.p50_ms;
    side->p99_ms[i] = f.p99_ms;
    side->cpu_us[i] = f.cpu_us;
}

/* Prints one line; true unless the ratio is below what is required. */
static bool report(const struct bench_load *l, const char *beside, const struct side *own,
                   const struct side *other, double required)
{
    double ratios[REPETITIONS];
    for (int i = 0; i < REPETITIONS; i++) {
        ratios[i] = own->events_per_s[i] / other->events_per_s[i];
    }
    double ratio = median(ratios);
    bool ok = ratio >= required;

    printf("{\"case\":\"%s\",\"connections\":%d,\"events_per_s\":%.0f,\"baseline\":\"%s\","
           "\"baseline_per_s\":%.0f,\"ratio\":%.2f,\"required\":%.1f,\"p50_ms\":%.2f,"
           "\"p99_ms\":%.2f,\"baseline_p50_ms\":%.2f,\"baseline_p99_ms\":%.2f,\"cpu_us\":%.1f,"
           "\"baseline_cpu_us\":%.1f}\n",
           l->name, l->connections, median(own->events_per_s), beside, median(other->events_per_s),
           ratio, required, median(own->p50_ms), median(own->p99_ms), median(other->p50_ms),
           median(other->p99_ms), median(own->cpu_us), median(other->cpu_us));
    (void)fprintf(stderr,
                  "%-12s %4d conns %8.0f/s  p50 %7.2f ms  p99 %7.2f ms | %-12s %8.0f/s"
                  "  ratio %5.2f%s\n",
                  l->name, l->connections, median(own->events_per_s), median(own->p50_ms),
                  median(own->p99_ms), beside, median(other->events_per_s), ratio,
                  ok ? "" : "  BELOW WHAT IS REQUIRED");
    (void)fflush(stdout);
    return ok;
}

static bool measure(struct bench *b, const struct bench_load *l)
{
    struct side own;
    struct side plain;
    struct side pipelined = {0};
    struct side alone = {0};
    struct side hasty = {0};

    for (int i = 0; i < REPETITIONS; i++) {
        keep(&own, i, run_service(b, &b->grouping, l->batches, l->connections));
        keep(&plain, i, run_plain(b, l->batches, l->connections, false));
        if (l->batches) {
            keep(&pipelined, i, run_plain(b, true, l->connections, true));
        }
        if (l->over_alone >= 0) {
            keep(&alone, i, run_service(b, &b->alone, l->batches, l->connections));
            keep(&hasty, i, run_service(b, &b->hasty, l->batches, l->connections));
        }
    }
    bool ok = report(l, "plain insert", &own, &plain, l->over_plain);
    if (l->batches) {
        ok = report(l, "pipelined", &own, &pipelined, 0) && ok;
    }
    if (l->over_alone >= 0) {
        ok = report(l, "commit each", &own, &alone, l->over_alone) && ok;
        ok = report(l, "no gathering", &own, &hasty, 0) && ok;
    }
    return ok;
}

/* Stores every event once, so that the rows can be read back, and both services are warm. */
static void warm_up(struct bench *b)
{
    struct load_plan plan = {.port = b->alone.port,
                             .connections = 8,
                             .requests = b->rows.batches,
                             .request_count = b->rows.batch_count / 2,
                             .time_us = MINUTES(1)};

    (void)load_run(&plan);
    plan.port = b->grouping.port;
    plan.request_count = b->rows.batch_count;
    (void)load_run(&plan);
    ingest_rows_read_back(&b->rows, b->conn);
}

/* The price of folding at the same time, on the same cores. */
static void measure_folding(struct bench *b)
{
    static const char *const flags[] = {"--log-level", "warn", NULL};
    const struct bench_load l = {"batch of 100, folding", true, 8, 0, -1};
    struct side own;
    struct side folding;

    for (int i = 0; i < REPETITIONS; i++) {
        keep(&own, i, run_service(b, &b->grouping, l.batches, l.connections));
        sql(b, "TRUNCATE cartwright.log, cartwright.shopper, cartwright.cart, "
               "cartwright.cart_lane");
        sql(b, "UPDATE cartwright.lane_cursor SET off = 0");
        struct service s = service_start(b->database_url, flags);
        keep(&folding, i, run_service(b, &s, l.batches, l.connections));
        (void)service_stop(&s); /* before it has folded the rest */
    }
    (void)report(&l, "without fold", &folding, &own, 0);
}

static struct bench bench_open(const char *database_url, char **out_key)
{
    static const char *const grouping[] = {"--fold-workers", "0", "--log-level", "warn", NULL};
    static const char *const alone[] = {"--fold-workers", "0", "--log-level", "warn",
                                        "--intake-batch", "1", NULL};
    static const char *const hasty[] = {"--fold-workers",  "0", "--log-level", "warn",
                                        "--intake-gather", "0", NULL};
    struct bench b = {.database_url = database_url, .conn = PQconnectdb(database_url)};

    if (PQstatus(b.conn) != CONNECTION_OK) {
        die("connect", PQerrorMessage(b.conn));
    }
    *out_key = service_key(database_url, "ingest");
    b.rows = ingest_rows_make(EVENTS, *out_key);
    b.grouping = service_start(database_url, grouping);
    b.alone = service_start(database_url, alone);
    b.hasty = service_start(database_url, hasty);
    b.postmaster = process_parent(PQbackendPID(b.conn));
    plain_create(b.conn);
    warm_up(&b);
    (void)fprintf(stderr, "%zu events of %zu bytes, median of %d runs of at most %d s\n",
                  b.rows.count, b.rows.body_bytes / b.rows.count, REPETITIONS,
                  (int)(RUN_US / SECONDS(1)));
    return b;
}

static void bench_close(struct bench *b)
{
    ingest_rows_free(&b->rows);
    PQfinish(b->conn);
    if (service_stop(&b->alone) != 0 || service_stop(&b->hasty) != 0 ||
        service_stop(&b->grouping) != 0) {
        die("a service did not stop cleanly", b->grouping.log);
    }
}

int main(int argc, char **argv)
{
    struct err err = {0};
    bool ok = true;
    bool check = false;
    const struct option_row rows[] = {{.name = "check", .flag = &check}, {0}};
    struct call call = {.program = "./dev bench", .command = "ingest", .usage = "ingest [--check]"};
    char *key;

    if (!base_init(&err)) {
        die("start", err.text);
    }
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    char *url = pg_fixture_database("bench_ingest");
    struct bench b = bench_open(url, &key);
    for (int i = 0; i < LOADS; i++) {
        ok = measure(&b, &loads[i]) && ok;
    }
    measure_folding(&b);
    bench_close(&b);
    free(key);
    pg_fixture_drop(url);
    return check && !ok ? 1 : 0;
}
