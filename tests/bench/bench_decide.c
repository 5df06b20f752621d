/* Decisions a second: POST /v1/outreach as a dry run, with 100,000 products and 64 factors.
 *
 * A dry run is the whole straight line but for the write: read the shopper, features, risk, fold the
 * shopper into the factors, score every product, look up what is shown, decide, compose. Beside it,
 * in the same run:
 *   scan   the same recommendation as one would write it for speed: sgemv of all factors with the shopper's, block by block,
 *          and a selection of the best PICKS from each block (topk_peers.h, which ./dev bench topk measures too); in this
 *          process, one thread a core, no HTTP, no database, no rules, no words. It does less than a decision, so the ratio to
 *          it says what all the rest of the line costs, not who ranks faster: that is ./dev bench topk.
 *  "%6.0f/s (%.2f ms of CPU each)  ratio %5.2f | livez  GET /livez over the same connections: the floor of HTTP alone.
 * The model is trained on a synthetic log in which every product occurs; the risk model is a base
 * rate. Client and server share the machine. Median of the repetitions. */
#include "base/clock.h"
#include "base/init.h"
#include "base/mem.h"
#include "base/rng.h"
#include "bench/blas_start.h"
#include "bench/decide_shop.h"
#include "bench/topk_peers.h"
#include "cli/options.h"
#include "crash/seed_model.h"
#include "ml/linear/blas.h"
#include "support/pg_fixture.h"
#include "support/service.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPETITIONS = 3, QUESTIONS = 40000, CORES = 2, PICKS = 3 };
#define RUN_US SECONDS(4)

static const int connection_counts[] = {8, 64};
enum { COUNTS = sizeof connection_counts / sizeof *connection_counts };

struct bench {
    char *database_url;
    char *key;
    struct mat items; /* (SHOP_PRODUCTS, SHOP_FACTORS) */
    struct service service;
    struct load_request *questions;
    struct load_request *pings;
};

struct figures {
    double per_s[REPETITIONS], p50_ms[REPETITIONS], p99_ms[REPETITIONS];
};

__attribute__((noreturn)) static void die(const char *what, const char *detail)
{
    (void)fprintf(stderr, "bench_decide: %s: %s\n", what, detail);
    exit(1);
}

/* ---- the plain scan ---- */

struct scan {
    const struct mat *items;
    int64_t until_us;
    atomic_size_t done;
};

static void *scan_main(void *arg)
{
    struct scan *s = arg;
    struct topk_hit picks[PICKS];
    struct rng rng = rng_seed((uint64_t)(uintptr_t)picks); /* another one a thread */
    float shopper[SHOP_FACTORS];

    while (clock_monotonic_us() < s->until_us) {
        for (int f = 0; f < SHOP_FACTORS; f++) {
            shopper[f] = (float)rng_normal(&rng);
        }
        if (gemv_select(s->items, shopper, PICKS, picks) != PICKS) {
            die("scan", "found too few");
        }
        atomic_fetch_add(&s->done, 1);
    }
    return NULL;
}

static double cpu_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* out_cpu_ms: of one scan; other work on the machine does not count there. */
static double scans_per_s(const struct bench *b, double *out_cpu_ms)
{
    double before_ms = cpu_ms();
    int64_t began_us = clock_monotonic_us();
    struct scan s = {.items = &b->items, .until_us = began_us + RUN_US / 2};
    pthread_t threads[CORES];

    for (int i = 0; i < CORES; i++) {
        if (pthread_create(&threads[i], NULL, scan_main, &s) != 0) {
            die("scan", "no thread");
        }
    }
    for (int i = 0; i < CORES; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    const double done = (double)atomic_load(&s.done);
    *out_cpu_ms = (cpu_ms() - before_ms) / done;
    return done * 1e6 / (double)(clock_monotonic_us() - began_us);
}

/* ---- the service ---- */

/* Every cart must get a message, or the line was not walked to its end. */
static void count_messages(void *ctx, const char *body, size_t len)
{
    size_t *messages = ctx;

    (void)len;
    *messages += strstr(body, "\"decision\":\"send\"") != NULL;
}

static void ask(const struct bench *b, int connections, int repetition, struct figures *out)
{
    size_t messages = 0;
    struct load_plan plan = {.port = b->service.port,
                             .connections = connections,
                             .requests = b->questions,
                             .request_count = QUESTIONS,
                             .time_us = RUN_US,
                             .on_answer = count_messages,
                             .ctx = &messages};
    struct load_report r = load_run(&plan);

    if (messages != r.answers) {
        die("some answers", "were no message");
    }
    out->per_s[repetition] = (double)r.answers * 1e6 / (double)r.elapsed_us;
    out->p50_ms[repetition] = r.p50_ms;
    out->p99_ms[repetition] = r.p99_ms;
}

static double pings_per_s(const struct bench *b, int connections)
{
    struct load_plan plan = {.port = b->service.port,
                             .connections = connections,
                             .requests = b->pings,
                             .request_count = QUESTIONS,
                             .time_us = RUN_US / 4};
    struct load_report r = load_run(&plan);

    return (double)r.answers * 1e6 / (double)r.elapsed_us;
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(double *values)
{
    qsort(values, REPETITIONS, sizeof *values, compare);
    return values[REPETITIONS / 2];
}

static void measure(const struct bench *b, int connections)
{
    struct figures own;
    double scan[REPETITIONS];
    double scan_ms[REPETITIONS];
    double ratio[REPETITIONS];
    double livez[REPETITIONS];

    for (int i = 0; i < REPETITIONS; i++) {
        ask(b, connections, i, &own);
        scan[i] = scans_per_s(b, &scan_ms[i]);
        ratio[i] = own.per_s[i] / scan[i];
        livez[i] = pings_per_s(b, connections);
    }
    double per_s = median(own.per_s);
    double p50_ms = median(own.p50_ms);
    double p99_ms = median(own.p99_ms);
    printf(
        "{\"case\":\"outreach dry run\",\"blas_core\":\"%s\",\"products\":%d,\"factors\":%d,\"connections\":%d,"
        "\"decisions_per_s\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"baseline\":\"sgemv + selection\","
        "\"baseline_per_s\":%.0f,\"baseline_cpu_ms\":%.2f,\"ratio\":%.2f,\"livez_per_s\":%.0f}\n",
        blas_core(), SHOP_PRODUCTS, SHOP_FACTORS, connections, per_s, p50_ms, p99_ms, median(scan),
        median(scan_ms), median(ratio), median(livez));
    (void)fflush(stdout);
    (void)fprintf(
        stderr,
        "%3d connections %7.0f decisions/s  p50 %7.2f ms  p99 %7.2f ms | sgemv + selection "
        "%6.0f/s of %.2f ms CPU  ratio %5.2f | livez %7.0f/s\n",
        connections, per_s, p50_ms, p99_ms, median(scan), median(scan_ms), median(ratio),
        median(livez));
}

/* ---- set up ---- */

static struct bench bench_open(void)
{
    /* 64 clients that wait are no overload here */
    static const char *const flags[] = {
        "--risk-threshold", "0", "--database-wait", "10s", "--log-level", "warn", NULL};
    static const struct shop_size size = {SHOP_PRODUCTS, SHOP_FACTORS};
    struct bench b = {.database_url = pg_fixture_database("bench_decide")};
    int64_t began_us = clock_monotonic_us();

    b.key = service_key(b.database_url, "admin");
    seed_risk_model(b.database_url);
    b.items = decide_shop_model(b.database_url, &size);
    b.service = service_start(b.database_url, flags);
    decide_shop_fill(b.service.port, b.database_url, b.key, &size);
    b.questions = mem_array(QUESTIONS, sizeof *b.questions);
    b.pings = mem_array(QUESTIONS, sizeof *b.pings);
    for (size_t i = 0; i < QUESTIONS; i++) {
        b.questions[i] = decide_shop_question(b.key, i);
        b.pings[i] = load_request_make("/livez", b.key, NULL, 0);
    }
    (void)fprintf(stderr, "%d products with %d factors, %d carts, set up in %lld s\n",
                  SHOP_PRODUCTS, SHOP_FACTORS, SHOP_CARTS,
                  (long long)((clock_monotonic_us() - began_us) / SECONDS(1)));
    return b;
}

static void bench_close(struct bench *b)
{
    load_requests_free(b->questions, QUESTIONS);
    load_requests_free(b->pings, QUESTIONS);
    mat_free(&b->items);
    if (service_stop(&b->service) != 0) {
        die("the service did not stop cleanly", b->service.log);
    }
    pg_fixture_drop(b->database_url);
    mem_free(&b->key);
}

int main(int argc, char **argv)
{
    struct err err = {0};

    struct call call = {.program = "./dev bench", .command = "decide", .usage = "decide"};

    if (!base_init(&err)) {
        die("start", err.text);
    }
    if (!call_read(&call, argc, argv, &(struct option_row){0})) {
        return call.exit_code;
    }
    blas_start("bench_decide");
    struct bench b = bench_open();
    for (int i = 0; i < COUNTS; i++) {
        measure(&b, connection_counts[i]);
    }
    bench_close(&b);
    return 0;
}
