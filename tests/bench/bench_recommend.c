/* Recommendations and decisions of a shop with a million products: GET /v1/customers/{id}/recommendations and dry runs of POST /v1/outreach over
 * HTTP, and where the time of one goes, stage by stage in this process.
 *
 *   bench_recommend [--products N] [--factors K] [--connections C] [--seconds S]
 *
 * The model is trained on a synthetic log in which every product occurs (decide_shop.c); client, service and database share the machine.
 * Prints JSON lines: the start of the service, each endpoint (median of the repetitions, beside GET /livez over the same connections), and the
 * stages (median over the shoppers). */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/init.h"
#include "base/mem.h"
#include "bench/blas_start.h"
#include "bench/decide_shop.h"
#include "cli/options.h"
#include "crash/seed_model.h"
#include "eventlog/view.h"
#include "live/live.h"
#include "ml/linear/blas.h"
#include "outreach/answer.h"
#include "store/products.h"
#include "support/folder.h"
#include "support/pg_fixture.h"
#include "support/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPETITIONS = 3, REQUESTS = 40000, K = 10, STAGES_MAX = 16, TIMED = 400 };

struct plan {
    struct shop_size size;
    int connections;
    int64_t time_us;
};

struct bench {
    const struct plan *plan;
    char *database_url;
    char *key;
    struct service service;
};

__attribute__((noreturn)) static void die(const char *what, const char *detail)
{
    (void)fprintf(stderr, "bench_recommend: %s: %s\n", what, detail);
    exit(1);
}

static int compare(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, compare);
    return values[count / 2];
}

/* ---- over HTTP ---- */

/* Every answer must do what it is measured for. */
struct expected {
    const char *text;
    size_t found;
    char other[4000]; /* the beginning of an answer that does not */
};

static void look_at(void *ctx, const char *body, size_t len)
{
    struct expected *e = ctx;
    (void)len;
    if (strstr(body, e->text) != NULL) {
        e->found++;
    } else {
        (void)snprintf(e->other, sizeof e->other, "%s", body);
    }
}

static struct load_report run(const struct bench *b, const struct load_request *requests,
                              const char *expected)
{
    struct expected e = {.text = expected};
    struct load_plan plan = {.port = b->service.port,
                             .connections = b->plan->connections,
                             .requests = requests,
                             .request_count = REQUESTS,
                             .time_us = b->plan->time_us,
                             .on_answer = look_at,
                             .ctx = &e};
    struct load_report r = load_run(&plan);
    if (e.found != r.answers) {
        (void)fprintf(stderr, "bench_recommend: %zu of %zu answers have no %s, one is %s\n",
                      (size_t)r.answers - e.found, (size_t)r.answers, expected, e.other);
        exit(1);
    }
    return r;
}

static void measure(const struct bench *b, const char *what, const struct load_request *requests,
                    const char *expected)
{
    double per_s[REPETITIONS];
    double p50[REPETITIONS];
    double p99[REPETITIONS];
    double livez[REPETITIONS];
    struct load_request *pings = mem_array(REQUESTS, sizeof *pings);
    for (size_t i = 0; i < REQUESTS; i++) {
        pings[i] = load_request_make("/livez", b->key, NULL, 0);
    }
    for (int i = 0; i < REPETITIONS; i++) {
        struct load_report r = run(b, requests, expected);
        per_s[i] = (double)r.answers * 1e6 / (double)r.elapsed_us;
        p50[i] = r.p50_ms;
        p99[i] = r.p99_ms;
        r = run(b, pings, "{");
        livez[i] = (double)r.answers * 1e6 / (double)r.elapsed_us;
    }
    printf(
        "{\"case\":\"%s\",\"blas_core\":\"%s\",\"products\":%d,\"factors\":%d,\"connections\":%d,\"per_s\":%.0f,"
        "\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"livez_per_s\":%.0f}\n",
        what, blas_core(), b->plan->size.products, b->plan->size.factors, b->plan->connections,
        median(per_s, REPETITIONS), median(p50, REPETITIONS), median(p99, REPETITIONS),
        median(livez, REPETITIONS));
    (void)fflush(stdout);
    load_requests_free(pings, REQUESTS);
}

static void measure_http(const struct bench *b)
{
    struct load_request *gets = mem_array(REQUESTS, sizeof *gets);
    struct load_request *posts = mem_array(REQUESTS, sizeof *posts);
    for (size_t i = 0; i < REQUESTS; i++) {
        char path[100];
        (void)snprintf(path, sizeof path, "/v1/customers/customer-%zu/recommendations?k=%d",
                       i % SHOP_CARTS, K);
        gets[i] = load_request_make(path, b->key, NULL, 0);
        posts[i] = decide_shop_question(b->key, i);
    }
    measure(b, "recommendations", gets, "\"source\":\"session\"");
    measure(b, "outreach dry run", posts, "\"decision\":\"send\"");
    load_requests_free(gets, REQUESTS);
    load_requests_free(posts, REQUESTS);
}

/* ---- stage by stage ---- */

struct stages {
    const char *names[STAGES_MAX];
    double us[STAGES_MAX][TIMED];
    int count;
    int shopper;
    int next;
    struct timespec last;
};

static void stage(void *ctx, const char *name)
{
    struct stages *s = ctx;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (name) {
        s->names[s->next] = name;
        s->us[s->next++][s->shopper] = (double)(now.tv_sec - s->last.tv_sec) * 1e6 +
                                       (double)(now.tv_nsec - s->last.tv_nsec) * 1e-3;
        s->count = s->next > s->count ? s->next : s->count;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &s->last);
}

/* What customer_recommendations does, with a look at the clock in between. */
static void recommend_once(struct db *db, const struct live_set *set, int shopper, struct stages *s)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(buf_free) struct buf out = buf_make(4 << 20);
    struct err err = {0};
    struct view v;
    struct shown_picks shown = {0};
    const char *ids[2 * K];
    struct product products[2 * K];
    s->shopper = shopper;
    s->next = 0;
    stage(s, NULL);
    if (!view_read(db, arena_printf(&a, "c:customer-%d", shopper), INT64_MAX, &a, &v, &err)) {
        die("view", err.text);
    }
    stage(s, "SQL: the shopper, and JSON in");
    affinity_recommend(set->affinity,
                       &(struct pick_wish){.shopper = v.shopper,
                                           .now_us = clock_now_us(),
                                           .k = K,
                                           .shelf = set->shelf,
                                           .diverse = true,
                                           .stage = stage,
                                           .stage_ctx = s},
                       &shown.picks);
    for (int i = 0; i < shown.picks.count; i++) { /* with what each pick is due to */
        const struct pick *p = &shown.picks.items[i];
        ids[i] = p->product_id;
        ids[shown.picks.count + i] = p->because ? p->because : p->product_id;
    }
    shown.products = products;
    shown.because = products + shown.picks.count;
    if (!store_products_read(db, ids, 2 * (size_t)shown.picks.count, &a, products, &err)) {
        die("products", err.text);
    }
    stage(s, "SQL: products shown");
    struct jenc j = jenc_begin(&out);
    jenc_object(&j, NULL);
    answer_picks(&j, set->affinity, &shown, &(struct message_reader){.locale = "en"});
    jenc_object_end(&j);
    stage(s, "JSON out");
}

static void measure_stages(const struct bench *b, const struct config *config)
{
    static struct stages s;
    struct database database = {.prepared = true};
    CLEANUP(live_close) struct live *live = NULL;
    CLEANUP(db_close) struct db *db = NULL;
    struct err err = {0};
    double total = 0;
    double medians[STAGES_MAX];
    const int64_t start_us = clock_monotonic_us();
    (void)snprintf(database.conninfo, sizeof database.conninfo, "%s", b->database_url);
    if (!live_open(&database, config, false, &live, &err) ||
        !database_connect(&database, &db, &err)) {
        die("models", err.text);
    }
    const int64_t loaded_us = clock_monotonic_us() - start_us;
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    for (int i = 0; i < TIMED; i++) {
        recommend_once(db, use.set, i, &s);
    }
    for (int i = 0; i < s.count; i++) {
        medians[i] = median(s.us[i], TIMED);
        total += medians[i];
    }
    printf("{\"case\":\"stages\",\"models_loaded_s\":%.1f,\"total_us\":%.0f,\"stages\":[",
           (double)loaded_us * 1e-6, total);
    for (int i = 0; i < s.count; i++) {
        printf("%s{\"stage\":\"%s\",\"us\":%.1f,\"share\":%.3f}", i ? "," : "", s.names[i],
               medians[i], medians[i] / total);
        (void)fprintf(stderr, "%-32s %9.1f us %5.1f %%\n", s.names[i], medians[i],
                      100 * medians[i] / total);
    }
    printf("]}\n");
    (void)fflush(stdout);
}

/* ---- set up ---- */

static long resident_mb(pid_t pid)
{
    char path[64];
    char line[200];
    long kb = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *in = fopen(path, "r");
    while (in && fgets(line, sizeof line, in)) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kb = strtol(line + 6, NULL, 10);
        }
    }
    if (in) {
        (void)fclose(in);
    }
    return kb / 1024;
}

static void start_service(struct bench *b)
{
    static const char *const flags[] = {
        "--risk-threshold", "0", "--database-wait", "10s", "--log-level", "warn", NULL};
    int64_t start_us = clock_monotonic_us();
    b->service = service_start(b->database_url, flags);
    printf(
        "{\"case\":\"start\",\"products\":%d,\"factors\":%d,\"seconds\":%.1f,\"resident_mb\":%ld}\n",
        b->plan->size.products, b->plan->size.factors,
        (double)(clock_monotonic_us() - start_us) * 1e-6, resident_mb(b->service.pid));
    (void)fflush(stdout);
}

static struct bench bench_open(const struct plan *plan)
{
    struct bench b = {.plan = plan, .database_url = pg_fixture_database("bench_recommend")};
    b.key = service_key(b.database_url, "admin");
    seed_risk_model(b.database_url);
    struct mat items = decide_shop_model(b.database_url, &plan->size);
    mat_free(&items);
    start_service(&b);
    decide_shop_fill(b.service.port, b.database_url, b.key, &plan->size);
    return b;
}

static void bench_close(struct bench *b)
{
    if (service_stop(&b->service) != 0) {
        die("the service did not stop cleanly", b->service.log);
    }
    pg_fixture_drop(b->database_url);
    mem_free(&b->key);
}

int main(int argc, char **argv)
{
    int64_t products = 1000000;
    int64_t factors = 128;
    int64_t connections = 64;
    int64_t seconds = 5;
    const struct option_row rows[] = {
        {.name = "products", .whole = &products, .min = 1000, .max = 10000000},
        {.name = "factors", .whole = &factors, .min = 8, .max = 1024},
        {.name = "connections", .whole = &connections, .min = 1, .max = 1024},
        {.name = "seconds", .whole = &seconds, .min = 1, .max = 3600},
        {0}};
    struct call call = {
        .program = "./dev bench",
        .command = "recommend",
        .usage = "recommend [--products N] [--factors N] [--connections N] [--seconds N]"};
    struct config config;
    struct err err = {0};
    if (!base_init(&err)) {
        die("start", err.text);
    }
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    const struct plan plan = {{(int)products, (int)factors}, (int)connections, SECONDS(seconds)};
    blas_start("bench_recommend");
    config = (struct config){.model_poll = SECONDS(1)};
    (void)snprintf(config.data_dir, sizeof config.data_dir, "%s", folder_of_run());
    struct bench b = bench_open(&plan);
    measure_http(&b);
    measure_stages(&b, &config);
    bench_close(&b);
    return 0;
}
