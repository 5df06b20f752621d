/* Reading the log for training: rows as PostgreSQL gives them to events, by the columns and by the JSON of the whole (event_kept.h), in turn and on one
 * thread; and the whole of it as `train` does it, with the fold, on all cores. A log is written first, and not timed. The median of --runs.
 * bench_read [--events N] [--shoppers N] [--products N] [--runs N] [--training]: 1,000,000 of 100,000 shoppers with 50,000 products, 5 runs unless told;
 * --training reads as `train` does alone, for a log of the size that it is about: 20,000,000 take some 7 GB of disk.
 *
 * One line of JSON: CPU microseconds an event of the client (read_us: taking the rows alone; columns_us, text_us: and decoding them; ratio: of what decoding
 * alone takes), rows a second by the clock; of training the client's and PostgreSQL's CPU microseconds an event, events a second, and those of a core, which
 * is what both together take; how long 20 million would take at that rate, and at no other work for one core. */
#include "base/clock.h"
#include "base/init.h"
#include "bench/train_log_fill.h"
#include "cli/options.h"
#include "domain/shop/event_kept.h"
#include "store/events.h"
#include "support/pg_fixture.h"
#include "support/process.h"
#include "train/log/train_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RUNS_MAX = 99, LARGE = 20000000 };

enum way { READ, COLUMNS, TEXT, TRAINING, WAYS };

struct cost {
    double client_us; /* CPU, an event */
    double pg_us;
    double per_s; /* by the clock */
};

struct bench {
    struct db *db;
    pid_t postmaster;
    int64_t events;
    int runs;
    bool training; /* alone */
    struct cost costs[WAYS][RUNS_MAX];
};

__attribute__((noreturn)) static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_read: %s: %s\n", what, why);
    exit(1);
}

/* ---- the ways ---- */

struct reading {
    enum way way;
    struct arena arena; /* of one event */
    int64_t taken;
};

static bool take_row(void *ctx, const struct log_event *e, struct err *err)
{
    struct reading *r = ctx;
    struct event out;

    arena_reset(&r->arena);
    if (r->way == READ) {
        r->taken++;
        return true;
    }
    const struct event_kept kept = log_event_kept(e, &r->arena);
    r->taken++;
    return r->way == COLUMNS ? event_decode_columns(&kept, &r->arena, &out) ||
                                   FAIL(err, ERR_INTERNAL, "the columns were not enough")
                             : event_kept_by_text(&kept, &r->arena, &out, err);
}

static bool take_shopper(void *ctx, const struct train_key *key, struct err *err)
{
    (void)ctx;
    (void)key;
    (void)err;
    return true;
}

static bool read_rows(struct bench *b, enum way way, int64_t *out_taken, struct err *err)
{
    struct reading r = {.way = way};
    bool good =
        db_begin_snapshot(b->db, err) && store_events_stream(b->db, INT64_MAX, take_row, &r, err);

    db_rollback(b->db);
    arena_free(&r.arena);
    *out_taken = r.taken;
    return good;
}

static bool read_shoppers(struct bench *b, int64_t *out_taken, struct err *err)
{
    struct train_log log = {0};
    bool good = train_log_read(b->db, INT64_MAX, take_shopper, NULL, &log, err);

    *out_taken = log.events - log.refused;
    return good;
}

/* ---- measuring ---- */

static int64_t client_cpu_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * SECONDS(1) + now.tv_nsec / 1000;
}

static void measure(struct bench *b, enum way way, int run)
{
    struct err err = {0};
    int64_t taken = 0;
    const int64_t client_us = client_cpu_us();
    const int64_t pg_us = process_cpu_us(b->postmaster);
    const int64_t start_us = clock_monotonic_us();

    if (!(way == TRAINING ? read_shoppers(b, &taken, &err) : read_rows(b, way, &taken, &err))) {
        die("read", err.text);
    }
    if (taken != b->events) {
        die("read", "not every event was taken");
    }
    const double n = (double)b->events;
    b->costs[way][run] =
        (struct cost){.client_us = (double)(client_cpu_us() - client_us) / n,
                      .pg_us = (double)(process_cpu_us(b->postmaster) - pg_us) / n,
                      .per_s = n * 1e6 / (double)(clock_monotonic_us() - start_us)};
}

static int by_size(const void *x, const void *y)
{
    const double *a = x;
    const double *b = y;

    return *a < *b ? -1 : *a > *b;
}

static double median(double *figures, int count)
{
    qsort(figures, (size_t)count, sizeof *figures, by_size);
    return figures[count / 2];
}

static struct cost median_of(const struct bench *b, enum way way)
{
    double client[RUNS_MAX];
    double pg[RUNS_MAX];
    double per_s[RUNS_MAX];

    for (int i = 0; i < b->runs; i++) {
        client[i] = b->costs[way][i].client_us;
        pg[i] = b->costs[way][i].pg_us;
        per_s[i] = b->costs[way][i].per_s;
    }
    return (struct cost){median(client, b->runs), median(pg, b->runs), median(per_s, b->runs)};
}

static void report_training(const struct bench *b)
{
    const struct cost training = median_of(b, TRAINING);

    (void)printf(
        "\"training_client_us\":%.2f,\"training_pg_us\":%.2f,"
        "\"training_per_s\":%.0f,\"training_per_s_core\":%.0f,\"20M_s\":%.0f,\"20M_core_s\":%.0f}\n",
        training.client_us, training.pg_us, training.per_s,
        1e6 / (training.client_us + training.pg_us), LARGE / training.per_s,
        LARGE * (training.client_us + training.pg_us) / 1e6);
}

static void report_decoding(const struct bench *b)
{
    const struct cost read = median_of(b, READ);
    const struct cost columns = median_of(b, COLUMNS);
    const struct cost text = median_of(b, TEXT);

    (void)printf("\"read_us\":%.2f,\"columns_us\":%.2f,\"text_us\":%.2f,\"ratio\":%.2f,"
                 "\"columns_per_s\":%.0f,\"text_per_s\":%.0f,",
                 read.client_us, columns.client_us, text.client_us,
                 (text.client_us - read.client_us) / (columns.client_us - read.client_us),
                 columns.per_s, text.per_s);
}

static void report(const struct bench *b)
{
    (void)printf("{\"bench\":\"read\",\"events\":%lld,\"runs\":%d,", (long long)b->events, b->runs);
    if (!b->training) {
        report_decoding(b);
    }
    report_training(b);
}

/* ---- start and end ---- */

static void bench_open(struct bench *b, const char *url, const struct train_log_fill *log)
{
    struct err err = {0};
    const int64_t start_us = clock_monotonic_us();

    if (!db_open(url, true, &b->db, &err) || !train_log_fill(b->db, log, &err)) {
        die("log", err.text);
    }
    PQclear(PQexec(db_conn(b->db), "VACUUM ANALYZE cartwright.log"));
    b->postmaster = process_parent(PQbackendPID(db_conn(b->db)));
    (void)fprintf(stderr, "%lld events written in %.0f s\n", (long long)log->events,
                  (double)(clock_monotonic_us() - start_us) / 1e6);
}

int main(int argc, char **argv)
{
    static struct bench b;
    int64_t runs = 5;
    struct train_log_fill log = {
        .events = 1000000, .shoppers = 100000, .products = 50000, .seed = 1};
    const struct option_row rows[] = {
        {.name = "events", .whole = &log.events, .min = 1000, .max = INT64_MAX},
        {.name = "shoppers", .whole = &log.shoppers, .min = 1000, .max = INT32_MAX},
        {.name = "products", .whole = &log.products, .min = 1000, .max = INT32_MAX},
        {.name = "runs", .whole = &runs, .min = 1, .max = RUNS_MAX},
        {.name = "training", .flag = &b.training},
        {0}};
    struct call call = {
        .program = "./dev bench",
        .command = "read",
        .usage = "read [--events N] [--shoppers N] [--products N] [--runs N] [--training]"};
    struct err err = {0};

    if (!base_init(&err)) {
        die("start", err.text);
    }
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    log.end_us = clock_now_us();
    char *url = pg_fixture_database("read");
    bench_open(&b, url, &log);
    b.events = log.events;
    b.runs = (int)runs;
    for (int run = 0; run < b.runs; run++) {
        for (enum way way = b.training ? TRAINING : READ; way < WAYS; way++) {
            measure(&b, way, run);
        }
    }
    report(&b);
    db_close(&b.db);
    pg_fixture_drop(url);
    return 0;
}
