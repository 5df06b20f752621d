/* From the log to a promoted model, stage by stage: writes a log (not timed), runs `cartwright train affinity --json` on it as an engineer would, and
 * takes the time at which each step is told. A stage is what happened between a line and the one before. One line of JSON at the end.
 * bench_train [--events N] [--shoppers N] [--products N]: 2,000,000 of 200,000 shoppers with 50,000 products unless told. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/init.h"
#include "bench/blas_start.h"
#include "bench/train_log_fill.h"
#include "cli/options.h"
#include "ml/linear/blas.h"
#include "support/pg_fixture.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { LINE_MAX_BYTES = 8192, COMMAND_MAX = 1024, STAGES_MAX = 64, NAME_MAX_BYTES = 48 };

struct stage {
    char name[NAME_MAX_BYTES];
    double seconds;
    int lines;
};
struct stages {
    struct stage all[STAGES_MAX];
    int count;
};

__attribute__((noreturn)) static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_train: %s: %s\n", what, why);
    exit(1);
}

/* Steps of one name in a row (sweeps, trials) are one stage. */
static void stage_add(struct stages *s, const char *name, double seconds)
{
    struct stage *last = s->count > 0 ? &s->all[s->count - 1] : NULL;

    if (last == NULL || strcmp(last->name, name) != 0) {
        if (s->count == STAGES_MAX) {
            die("stages", "more than the table holds");
        }
        last = &s->all[s->count++];
        (void)snprintf(last->name, sizeof last->name, "%s", name);
    }
    last->seconds += seconds;
    last->lines++;
}

/* A line of `train --json`: {"step": ..., "text": ...}. */
static void take_line(struct stages *s, const char *line, double seconds)
{
    json_t *told = json_loads(line, 0, NULL);
    const char *step = json_string_value(json_object_get(told, "step"));
    const char *text = json_string_value(json_object_get(told, "text"));

    if (step == NULL) {
        die("a line of train --json is no step", line);
    }
    (void)fprintf(stderr, "%8.1f s  %-9s %s\n", seconds, step, text != NULL ? text : "");
    stage_add(s, step, seconds);
    json_decref(told);
}

static double train(const char *url, struct stages *stages)
{
    char command[COMMAND_MAX];
    char line[LINE_MAX_BYTES];
    int64_t start_us = clock_monotonic_us();
    int64_t last_us = start_us;
    const char *program = getenv("CARTWRIGHT_BIN"); // NOLINT(concurrency-mt-unsafe): one thread

    if (program == NULL) {
        die("CARTWRIGHT_BIN", "is not set: run ./dev bench train");
    }
    (void)snprintf(command, sizeof command, "DATABASE_URL='%s' '%s' train affinity --json", url,
                   program);
    FILE *out = popen(command, "r"); // NOLINT(cert-env33-c): a benchmark of the command line
    if (out == NULL) {
        die("train", "could not be started");
    }
    while (fgets(line, sizeof line, out) != NULL) {
        int64_t now_us = clock_monotonic_us();
        take_line(stages, line, (double)(now_us - last_us) / 1e6);
        last_us = now_us;
    }
    int status = pclose(out);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        die("train", "failed");
    }
    int64_t end_us = clock_monotonic_us();
    stage_add(stages, "end", (double)(end_us - last_us) / 1e6);
    return (double)(end_us - start_us) / 1e6;
}

static void fill(const char *url, const struct train_log_fill *log)
{
    struct err err = {0};
    struct db *db = NULL;
    int64_t start_us = clock_monotonic_us();

    if (!db_open(url, true, &db, &err) || !train_log_fill(db, log, &err)) {
        die("log", err.text);
    }
    PQclear(PQexec(db_conn(db), "VACUUM ANALYZE cartwright.log"));
    db_close(&db);
    (void)fprintf(stderr, "%lld events written in %.0f s\n", (long long)log->events,
                  (double)(clock_monotonic_us() - start_us) / 1e6);
}

int main(int argc, char **argv)
{
    struct train_log_fill log = {
        .events = 2000000, .shoppers = 200000, .products = 50000, .seed = 1};
    const struct option_row rows[] = {
        {.name = "events", .whole = &log.events, .min = 1000, .max = INT64_MAX},
        {.name = "shoppers", .whole = &log.shoppers, .min = 1000, .max = INT32_MAX},
        {.name = "products", .whole = &log.products, .min = 1000, .max = INT32_MAX},
        {0}};
    struct call call = {.program = "./dev bench",
                        .command = "train",
                        .usage = "train [--events N] [--shoppers N] [--products N]"};
    struct stages stages = {0};
    struct rusage used;

    struct err err = {0};
    if (!base_init(&err)) {
        die("start", err.text);
    }
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    blas_start("bench_train"); /* the program that is measured takes the same core */
    log.end_us = clock_now_us();
    char *url = pg_fixture_database("train");
    fill(url, &log);
    double seconds = train(url, &stages);
    (void)getrusage(RUSAGE_CHILDREN, &used);
    (void)printf(
        "{\"bench\":\"train\",\"blas_core\":\"%s\",\"events\":%lld,\"shoppers\":%lld,\"products\":%lld",
        blas_core(), (long long)log.events, (long long)log.shoppers, (long long)log.products);
    for (int i = 0; i < stages.count; i++) {
        (void)printf(",\"%d_%s_s\":%.1f", i + 1, stages.all[i].name, stages.all[i].seconds);
    }
    (void)printf(",\"total_s\":%.1f,\"events_per_s\":%.0f,\"peak_mb\":%ld}\n", seconds,
                 (double)log.events / seconds, used.ru_maxrss / 1024);
    pg_fixture_drop(url);
    return 0;
}
