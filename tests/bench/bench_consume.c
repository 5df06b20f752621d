/* Events folded into carts a second, beside a naive consumer of the same log (naive_consumer.h: two statements an event, which is what is compared; one that kept each shopper for a batch would come near),
 * on the same machine as PostgreSQL. Each run has a fresh database; the log is written first and not timed. Events are
 * those that were sent: what the fold derives for identities comes on top, and is work as well.
 * One line of JSON with the medians; --check exits with 1 below 10,000 events a second. */
#include "base/clock.h"
#include "base/init.h"
#include "bench/consume_log.h"
#include "bench/naive_consumer.h"
#include "cli/options.h"
#include "fold/fold.h"
#include "support/pg_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS = 3, AIM_EVENTS_PER_S = 10000 };

__attribute__((noreturn)) static void die(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "bench_consume: %s: %s %s\n", what, err->path, err->text);
    exit(1);
}

static struct config settings(char *url)
{
    struct config config;
    struct err err = {0};
    char program[] = "bench_consume";
    char flag[] = "--database_url";
    char workers[] = "--fold_workers=2";
    char *argv[] = {program, flag, url, workers, NULL};
    int argc = 4;

    if (!config_load(&config, &argc, argv, &err)) {
        die("settings", &err);
    }
    return config;
}

enum way { WAY_PRODUCT, WAY_NAIVE };

static bool consume(enum way way, const struct database *database, const struct config *config,
                    struct err *err)
{
    int64_t events;

    return way == WAY_NAIVE ? naive_consume(database, &events, err)
                            : fold_catch_up(database, config, NULL, NULL, err);
}

/* Seconds that one run took. */
static double run_once(enum way way, const struct consume_log *log, int run)
{
    char *url = pg_fixture_database(way == WAY_NAIVE ? "consume_naive" : "consume");
    struct config config = settings(url);
    struct database database = {0};
    struct db *db = NULL;
    struct err err = {0};

    if (!database_open(&config, &database, &err) || !database_connect(&database, &db, &err) ||
        !consume_log_write(db, log, &err)) {
        die("log", &err);
    }
    db_close(&db);
    int64_t start_us = clock_monotonic_us();
    if (!consume(way, &database, &config, &err)) {
        die(way == WAY_NAIVE ? "naive" : "fold", &err);
    }
    double seconds = (double)(clock_monotonic_us() - start_us) / 1e6;
    (void)fprintf(stderr, "run %d, %s: %.1f s, %.0f events/s\n", run,
                  way == WAY_NAIVE ? "naive" : "fold", seconds, (double)log->events / seconds);
    database_close(&database);
    pg_fixture_drop(url);
    return seconds;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(double values[RUNS])
{
    qsort(values, RUNS, sizeof *values, by_value);
    return values[RUNS / 2];
}

int main(int argc, char **argv)
{
    struct consume_log log = {.events = 200000, .shoppers = 30000, .seed = 1};
    double fold[RUNS];
    double naive[RUNS];
    double ratio[RUNS];
    struct err err = {0};
    bool check = false;
    const struct option_row rows[] = {
        {.name = "events", .whole = &log.events, .min = 1, .max = INT32_MAX},
        {.name = "shoppers", .whole = &log.shoppers, .min = 1, .max = INT32_MAX},
        {.name = "check", .flag = &check},
        {0}};
    struct call call = {.program = "./dev bench",
                        .command = "consume",
                        .usage = "consume [--events N] [--shoppers N] [--check]"};

    if (!base_init(&err)) {
        die("start", &err);
    }
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    for (int run = 0; run < RUNS; run++) {
        fold[run] = run_once(WAY_PRODUCT, &log, run + 1);
        naive[run] = run_once(WAY_NAIVE, &log, run + 1);
        ratio[run] = naive[run] / fold[run];
    }
    double seconds = median(fold);
    double per_s = (double)log.events / seconds;
    (void)printf(
        "{\"bench\":\"consume\",\"events\":%lld,\"shoppers\":%lld,\"workers\":2,\"runs\":%d,"
        "\"seconds\":%.2f,\"events_per_s\":%.0f,\"baseline\":\"select and upsert per event\","
        "\"baseline_events_per_s\":%.0f,\"ratio\":%.2f}\n",
        (long long)log.events, (long long)log.shoppers, RUNS, seconds, per_s,
        (double)log.events / median(naive), median(ratio));
    return check && per_s < AIM_EVENTS_PER_S ? 1 : 0;
}
