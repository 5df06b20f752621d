/* What one shopper of very many events costs the others of the fold. Others send events all the time; beside them the heavy one sends few, in order,
 * late by five minutes or an hour, or from anywhere in its past. One folder, so that every delay is everybody's.
 * Prints a line of JSON for each number of events and each order: others' events folded a second alone and beside it, and the longest step. What is
 * folded with the batch is measured by rounds in turn (the median round). Where it is put off and folded by itself (1 h late, anywhere), the rounds in
 * turn are counted without those folds, and the share of these in the time that passed from the end of one to the end of a later one comes off the
 * ratio ("cycle" false where LIMIT_S ended it before); with how long the shopper waited at most.
 * Then what it takes to ask about such a shopper (GET /v1/customers/{id} and POST /v1/outreach, in process: dry runs,
 * of now and of any time in its past, and such that are stored), and how much more memory. The same of a service over HTTP, one connection.
 * At last a browser with as many events turns out to be a customer's: what is handed over beside the others ("handed over"; others' ingest into
 * the customer's own lane is timed as well, since that is what it could hold): rounds with a backlog, so that the folder never rests, in turn with
 * nothing handed over meanwhile and beside it, by the time of the processors; pages, and who is folded by itself, are counted apart, as above.
 * bench_heavy [--whole] [--only handing|http] [EVENTS ...]; --whole: without checkpoints (heavy_events 0), as a comparison; --only: these rows alone. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/init.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/stop.h"
#include "bench/load_client.h"
#include "cli/options.h"
#include "fold/fold.h"
#include "outreach/customer.h"
#include "outreach/outreach.h"
#include "support/folder.h"
#include "support/pg_fixture.h"
#include "support/service.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    ROUNDS = 9,
    OTHERS = 4000,
    BACKLOG = 6 * OTHERS,
    LAST = 5000, /* of what is handed over, beside others: then its new owner has most of it */
    PEOPLE = 1500,
    HEAVY = 40,
    PACE_S = 2,
    SETUP_ROWS = 5000,
    LIMIT_S = 150,
    ASKS = 300,
    STORED = 30
};

struct bench {
    char *url;
    struct config config;
    struct database database;
    struct db *db;
    struct folder *folder;
    struct pool *pool;
    struct live *live;
    pid_t backends[16]; /* of the folder, and such that rest */
    size_t backend_count;
    int64_t told;   /* events so far: numbers ids */
    int64_t last_s; /* of the heavy one, in order */
};

__attribute__((noreturn)) static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench_heavy: %s: %s\n", what, why);
    exit(1);
}

static void open_bench(struct bench *b, bool whole)
{
    struct err err = {0};
    char program[] = "bench_heavy";
    char flag[] = "--database_url";
    char *argv[] = {program, flag, NULL, NULL};
    int argc = 3;

    *b = (struct bench){.url = pg_fixture_database("heavy")};
    argv[2] = b->url;
    if (!config_load(&b->config, &argc, argv, &err)) {
        die("settings", err.text);
    }
    b->config.heavy_events = whole ? 0 : b->config.heavy_events;
    if (!database_open(&b->config, &b->database, &err) ||
        !database_connect(&b->database, &b->db, &err) ||
        !folder_open(&b->database, &b->config, NULL, "bench", LANES, &b->folder, &err) ||
        !pool_open(b->database.conninfo, b->database.prepared, 4, SECONDS(10), &b->pool, &err)) {
        die("start", err.text);
    }
    (void)snprintf(b->config.data_dir, sizeof b->config.data_dir, "%s", folder_of_run());
    if (!live_open(&b->database, &b->config, false, &b->live, &err)) {
        die("models", err.text);
    }
}

static void close_bench(struct bench *b)
{
    live_close(&b->live);
    pool_close(&b->pool);
    folder_close(&b->folder);
    db_close(&b->db);
    database_close(&b->database);
    pg_fixture_drop(b->url);
}

static void sql(struct bench *b, const char *text)
{
    PGresult *r = PQexec(db_conn(b->db), text);

    if (PQresultStatus(r) != PGRES_TUPLES_OK && PQresultStatus(r) != PGRES_COMMAND_OK) {
        die("log", PQerrorMessage(db_conn(b->db)));
    }
    PQclear(r);
}

/* Appends count events; key and seconds are expressions of n, the number of the event from 1 on. */
static void tell(struct bench *b, int64_t count, const char *customer, const char *seconds)
{
    struct arena a = {0};

    sql(b,
        arena_printf(
            &a,
            "SELECT cartwright.append_rows(array_agg(v.id), array_agg('c:' || v.customer), array_agg(v.type), 'import',"
            "                              array_agg(v.at), now(), array_agg(jsonb_build_object('event_id', v.id, 'type', v.type,"
            "  'customer_id', v.customer, 'occurred_at', v.at, 'items', jsonb_build_array(jsonb_build_object("
            "  'product_id', 'p' || n %% 50, 'quantity', 1, 'price_minor', 1999, 'currency', 'EUR')))))"
            "  FROM (SELECT n, 'b' || %lld + n AS id, %s AS customer,"
            "               CASE WHEN n %% 5 = 0 THEN 'cart_item_added' ELSE 'product_viewed' END AS type,"
            "               timestamptz '2026-01-01Z' + (%s) * interval '1 second' AS at"
            "          FROM generate_series(1, %lld) n) v",
            (long long)b->told, customer, seconds, (long long)count));
    b->told += count;
    arena_free(&a);
}

/* Seconds until everything is folded; *longest_us of a step. */
static double fold(struct bench *b, int64_t *longest_us)
{
    const int64_t start_us = clock_monotonic_us();
    int64_t folded = 1;
    struct err err = {0};

    while (folded > 0) {
        const int64_t step_us = clock_monotonic_us();
        if (!folder_step(b->folder, &folded, &err)) {
            die("fold", err.text);
        }
        const int64_t took_us = clock_monotonic_us() - step_us;
        *longest_us = took_us > *longest_us ? took_us : *longest_us;
    }
    return (double)(clock_monotonic_us() - start_us) / 1e6;
}

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static int by_value(const void *x, const void *y)
{
    const double *p = x;
    const double *q = y;

    return (*p > *q) - (*p < *q);
}

enum way { ALONE, IN_ORDER, FIVE_MINUTES, ONE_HOUR, ANYWHERE, WAYS };
static const char *const names[WAYS] = {"alone", "in order", "5 min late", "1 h late", "anywhere"};

static void tell_heavy(struct bench *b, enum way way)
{
    static const int64_t late_s[WAYS] = {[FIVE_MINUTES] = 300, [ONE_HOUR] = 3600};
    struct arena a = {0};

    if (way == ANYWHERE) {
        tell(b, HEAVY, "'heavy'",
             arena_printf(&a, "floor(random() * %lld) + .5", (long long)b->last_s));
    } else {
        tell(b, HEAVY, "'heavy'",
             arena_printf(&a, "%lld + n * %d - %lld + %s", (long long)b->last_s, PACE_S,
                          (long long)late_s[way], late_s[way] == 0 ? "0" : ".25"));
        b->last_s += late_s[way] == 0 ? HEAVY * PACE_S : 0;
    }
    arena_free(&a);
}

/* Others' events a second in one round. */
static double round_of(struct bench *b, enum way way, int64_t *longest_us)
{
    struct arena a = {0};

    tell(b, OTHERS, arena_printf(&a, "'o' || n %% %d", PEOPLE),
         arena_printf(&a, "%lld + n", (long long)b->told));
    if (way != ALONE) {
        tell_heavy(b, way);
    }
    arena_free(&a);
    return OTHERS / fold(b, longest_us);
}

static double median(double values[ROUNDS])
{
    qsort(values, ROUNDS, sizeof *values, by_value);
    return values[ROUNDS / 2];
}

/* In the median round; both kinds in turn, so that what else the machine does is beside both. */
struct pace {
    double alone, beside, ratio;
    int64_t alone_us, beside_us; /* the longest step */
};

static struct pace rounds(struct bench *b, enum way way)
{
    double alone[ROUNDS];
    double beside[ROUNDS];
    double ratio[ROUNDS];
    struct pace p = {0};

    for (int i = 0; i < ROUNDS; i++) {
        alone[i] = round_of(b, ALONE, &p.alone_us);
        beside[i] = round_of(b, way, &p.beside_us);
        ratio[i] = beside[i] / alone[i];
    }
    p.alone = median(alone);
    p.beside = median(beside);
    p.ratio = median(ratio);
    return p;
}

static int64_t peak_mb(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

/* The same where the heavy one is put off: rounds in turn again, what its own folds took apart, whichever round they came in. */
struct cycles {
    int64_t rounds; /* of each kind */
    double alone_s, beside_s;
    double folds_s, wall_s; /* from the end of a fold to the end of a later one */
    int64_t folds, longest_us, waited_us;
};

static int64_t waited_us(struct bench *b)
{
    struct log_lag lag;
    struct err err = {0};

    if (!folder_lag(b->folder, &lag, &err)) {
        die("lag", err.text);
    }
    return lag.stale_us;
}

static int64_t folds_alone(void)
{
    return (int64_t)metric_value(METRIC_fold_stale_folded);
}

/* What the last fold of the heavy one by itself took. */
static double took_s(struct bench *b)
{
    CLEANUP(rows_clear)
    PGresult *r =
        PQexec(db_conn(b->db), "SELECT coalesce(max(took_us), 0) FROM cartwright.stale_shopper");

    return strtod(PQgetvalue(r, 0, 0), NULL) / 1e6;
}

/* Seconds of a round without such a fold, which *c gets. */
static double round_apart(struct bench *b, enum way way, struct cycles *c)
{
    const int64_t folds = folds_alone();
    double s = OTHERS / round_of(b, way, &c->longest_us);

    if (folds_alone() > folds) {
        c->folds += folds_alone() - folds;
        c->folds_s += took_s(b);
        s -= took_s(b);
    }
    return s;
}

/* ROUNDS at least, from the end of a fold to the end of a later one; *out_cycle false: there was none in time. */
static struct cycles cycles_of(struct bench *b, enum way way, bool *out_cycle)
{
    struct cycles c = {0};
    const int64_t until_us = clock_monotonic_us() + SECONDS(LIMIT_S);
    int64_t begun_us = 0;

    *out_cycle = false;
    while (!*out_cycle && clock_monotonic_us() < until_us) {
        const int64_t folds = c.folds;
        c.alone_s += round_apart(b, ALONE, &c);
        c.beside_s += round_apart(b, way, &c);
        c.rounds++;
        const int64_t waited = waited_us(b);
        c.waited_us = waited > c.waited_us ? waited : c.waited_us;
        if (c.folds > folds && begun_us == 0) {
            begun_us = clock_monotonic_us();
            c = (struct cycles){0};
        } else if (c.folds > folds) {
            c.wall_s = (double)(clock_monotonic_us() - begun_us) / 1e6;
            *out_cycle = c.rounds >= ROUNDS;
        }
    }
    return c;
}

static void settle(struct bench *b)
{
    int folded = 1;
    int64_t longest_us = 0;
    struct err err = {0};

    while (folded > 0) {
        if (!folder_settle(b->folder, &folded, &err)) {
            die("settle", err.text);
        }
        (void)fold(b, &longest_us);
    }
}

/* share: of the time that passed. The ratio is that of the pace without the folds, less their share. */
static void measure_cycles(struct bench *b, int64_t events, enum way way)
{
    bool cycle;
    const struct cycles c = cycles_of(b, way, &cycle);
    const double share = c.wall_s > 0 ? c.folds_s / c.wall_s : 0;

    settle(b);
    (void)printf("{\"bench\":\"heavy\",\"events\":%lld,\"order\":\"%s\",\"others_per_s\":%.0f,"
                 "\"others_alone_per_s\":%.0f,\"ratio\":%.2f,\"share\":%.3f,\"fold_ms\":%.0f,"
                 "\"longest_step_ms\":%.0f,\"cycle\":%s,\"folds\":%lld,\"waited_s\":%.1f,"
                 "\"peak_mb\":%lld}\n",
                 (long long)events, names[way], (double)(c.rounds * OTHERS) / c.beside_s,
                 (double)(c.rounds * OTHERS) / c.alone_s, c.alone_s / c.beside_s * (1 - share),
                 share, c.folds > 0 ? c.folds_s / (double)c.folds * 1e3 : 0,
                 (double)c.longest_us / 1e3, cycle ? "true" : "false", (long long)c.folds,
                 (double)c.waited_us / 1e6, (long long)peak_mb());
    (void)fflush(stdout);
}

/* ---- asking about it ---- */

/* A file of /proc about a process. In arena. */
static const char *about(pid_t pid, const char *file, struct arena *a)
{
    return arena_printf(a, "/proc/%d/%s", (int)pid, file);
}

static int64_t status_kb(pid_t pid, const char *name)
{
    CLEANUP(arena_free) struct arena a = {0};
    char line[200];
    int64_t kb = 0;
    FILE *in = fopen(about(pid, "status", &a), "r");

    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kb = strtoll(line + strlen(name), NULL, 10);
        }
    }
    if (in != NULL) {
        (void)fclose(in);
    }
    return kb;
}

/* From now on VmHWM is about what comes. */
static void forget_peak(pid_t pid)
{
    CLEANUP(arena_free) struct arena a = {0};
    FILE *out = fopen(about(pid, "clear_refs", &a), "w");

    (void)malloc_trim(0);
    if (out != NULL) {
        (void)fputs("5", out);
        (void)fclose(out);
    }
}

static double ms_since(int64_t start_us)
{
    return (double)(clock_monotonic_us() - start_us) / 1e3;
}

static double get_once(const struct outreach_means *m, const char *customer)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(buf_free) struct buf out = buf_make(4 << 20);
    const int64_t start_us = clock_monotonic_us();
    struct err err = {0};
    bool found;

    if (!customer_read(m, customer, &a, &out, &found, &err) || !found) {
        die("customer", err.text);
    }
    return ms_since(start_us);
}

/* at_us 0: now. Takes what is refused as well: it took its time. */
static double ask_once(const struct outreach_means *m, const char *customer, bool dry_run,
                       int64_t at_us)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(buf_free) struct buf out = buf_make(4 << 20);
    const struct outreach_request request = {
        .customer_id = customer, .dry_run = dry_run, .at_us = at_us};
    const int64_t start_us = clock_monotonic_us();
    enum outreach_outcome outcome;
    struct err err = {0};

    if (!outreach_ask(m, &request, &a, &out, &outcome, &err) && err.kind != ERR_INVALID) {
        die("outreach", err.text);
    }
    return ms_since(start_us);
}

static double p99(double *ms, size_t count)
{
    qsort(ms, count, sizeof *ms, by_value);
    return ms[count * 99 / 100];
}

static double p50(double *ms, size_t count)
{
    qsort(ms, count, sizeof *ms, by_value);
    return ms[count / 2];
}

static void ask(struct bench *b, int64_t events, const char *what, const char *customer)
{
    static double get[ASKS], dry[ASKS], past[ASKS], stored[STORED];
    const struct outreach_means means = {b->pool, b->live, &b->config};

    forget_peak(getpid());
    const int64_t before_kb = status_kb(getpid(), "VmRSS:");
    for (int i = 0; i < ASKS; i++) {
        const int64_t at_s = b->last_s * (i + 1) / (ASKS + 1); /* all over its past */
        get[i] = get_once(&means, customer);
        dry[i] = ask_once(&means, customer, true, 0);
        if (i < STORED) { /* which waits for the disk */
            stored[i] = ask_once(&means, customer, false, 0);
        }
        past[i] = ask_once(&means, customer, true, INT64_C(1767225600000000) + SECONDS(at_s));
    }
    const int64_t peak_kb = status_kb(getpid(), "VmHWM:") - before_kb;
    (void)printf("{\"bench\":\"heavy\",\"events\":%lld,\"asked_about\":\"%s\","
                 "\"get_p99_ms\":%.1f,\"outreach_p99_ms\":%.1f,\"outreach_at_p99_ms\":%.1f,"
                 "\"outreach_stored_p50_ms\":%.1f,\"memory_mb\":%.1f}\n",
                 (long long)events, what, p99(get, ASKS), p99(dry, ASKS), p99(past, ASKS),
                 p50(stored, STORED), (double)peak_kb / 1024);
    (void)fflush(stdout);
}

/* Answers are parsed and written by another process, which folds nothing meanwhile. */
static struct load_report ask_service(const struct service *s, const char *path, const char *key,
                                      const char *body)
{
    static struct load_request requests[ASKS];
    const struct load_plan plan = {.port = s->port,
                                   .connections = 1,
                                   .requests = requests,
                                   .request_count = ASKS,
                                   .time_us = MINUTES(5)};

    for (int i = 0; i < ASKS; i++) {
        requests[i] = load_request_make(path, key, body, body == NULL ? 0 : strlen(body));
    }
    const struct load_report r = load_run(&plan);
    for (int i = 0; i < ASKS; i++) {
        free(requests[i].bytes);
    }
    return r;
}

static void ask_http(struct bench *b, int64_t events, const char *customer)
{
    static const char *const flags[] = {"--fold-workers", "0", "--log-level", "warn", NULL};
    CLEANUP(arena_free) struct arena a = {0};
    char *key = service_key(b->url, "admin");
    struct service s = service_start(b->url, flags);

    forget_peak(s.pid);
    const int64_t before_kb = status_kb(s.pid, "VmRSS:");
    const struct load_report get =
        ask_service(&s, arena_printf(&a, "/v1/customers/%s", customer), key, NULL);
    const struct load_report post =
        ask_service(&s, "/v1/outreach", key,
                    arena_printf(&a, "{\"customer_id\":\"%s\",\"dry_run\":true}", customer));
    (void)printf("{\"bench\":\"heavy\",\"events\":%lld,\"asked_over_http_about\":\"%s\","
                 "\"http_get_p50_ms\":%.1f,\"http_get_p99_ms\":%.1f,"
                 "\"http_post_p50_ms\":%.1f,\"http_post_p99_ms\":%.1f,\"memory_mb\":%.1f}\n",
                 (long long)events, customer, get.p50_ms, get.p99_ms, post.p50_ms, post.p99_ms,
                 (double)(status_kb(s.pid, "VmHWM:") - before_kb) / 1024);
    (void)fflush(stdout);
    (void)service_stop(&s);
    free(key);
}

static void ask_http_all(struct bench *b, int64_t events)
{
    ask_http(b, events, "o5"); /* an ordinary one */
    ask_http(b, events, "heavy");
}

static void ask_all(struct bench *b, int64_t events)
{
    int64_t longest_us = 0;

    settle(b);
    ask(b, events, "an ordinary one", "o5"); /* who has a cart as well */
    ask(b, events, "all folded", "heavy");
    ask_http_all(b, events);
    tell_heavy(b, ONE_HOUR);
    ask(b, events, "1 h late, not folded", "heavy");
    (void)fold(b, &longest_us);
    settle(b);
    sql(b, "UPDATE cartwright.stale_shopper SET due_at = now() + interval '1 hour'");
    tell_heavy(b, ANYWHERE);
    (void)fold(b, &longest_us);
    ask(b, events, waited_us(b) > 0 ? "anywhere, put off" : "anywhere, folded", "heavy");
    settle(b);
}

/* ---- a first login ---- */

/* One event into the lane of who is handed so much. */
static double append_ms(struct bench *b)
{
    const int64_t start_us = clock_monotonic_us();

    sql(b,
        "SELECT cartwright.append_rows(ARRAY[v.id], ARRAY['c:owner'], ARRAY['page_viewed'], 'api', ARRAY[now()], now(),"
        "                              ARRAY[jsonb_build_object('event_id', v.id, 'type', 'page_viewed', 'customer_id', 'owner', 'occurred_at', now())])"
        "  FROM (SELECT 't' || clock_timestamp() AS id) v");
    return ms_since(start_us);
}

struct inflow {
    const struct bench *of;
    pthread_t thread;
    atomic_bool done;
    atomic_bool rests;
    double ms[ASKS * 40];
    size_t count;
};

static void *inflow_main(void *arg)
{
    struct inflow *in = arg;
    struct bench own = *in->of; /* over a connection of its own */
    struct err err = {0};

    if (!database_connect(&own.database, &own.db, &err)) {
        die("inflow", err.text);
    }
    while (!atomic_load(&in->done) && in->count < COUNT_OF(in->ms)) {
        if (!atomic_load(&in->rests)) {
            in->ms[in->count++] = append_ms(&own);
        }
        (void)stop_wait_us(20000);
    }
    db_close(&own.db);
    return NULL;
}

static int64_t handed_since(uint64_t before)
{
    return (int64_t)(metric_value(METRIC_fold_handed) - before);
}

static int64_t count_of(struct bench *b, const char *from)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear)
    PGresult *r = PQexec(db_conn(b->db), arena_printf(&a, "SELECT count(*) FROM %s", from));

    return PQntuples(r) == 1 ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : INT64_MAX;
}

/* What is on its way stays where it is, as does who waits to be folded for it: not of any lane, and not due. */
static void hide(struct bench *b)
{
    sql(b, "UPDATE cartwright.handing_over SET lane = lane + 256;"
           "UPDATE cartwright.stale_shopper SET due_at = due_at + interval '1 day'");
}

static void show(struct bench *b)
{
    sql(b, "UPDATE cartwright.handing_over SET lane = lane - 256;"
           "UPDATE cartwright.stale_shopper SET due_at = due_at - interval '1 day'");
}

static int64_t others_left(struct bench *b)
{
    return count_of(
        b,
        "cartwright.lane_cursor c JOIN cartwright.log_rows e ON e.lane = c.lane AND e.off > c.off"
        " WHERE c.consumer = 'fold' AND e.key ~ '^c:o[0-9]'");
}

/* Steps in which nobody was handed anything, nor folded by itself, or the others: by the clock, by the processors, and the events that were folded with
 * batches. */
struct tally {
    double s, cpu_s;
    uint64_t events;
};
struct steps {
    struct tally calm, other;
};

/* Time of the processors, of this thread and of the folder's part of the server. */
static double cpu_s(const struct bench *b)
{
    struct rusage usage;
    double s = 0;

    (void)getrusage(RUSAGE_THREAD, &usage);
    s += (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    for (size_t i = 0; i < b->backend_count; i++) {
        CLEANUP(arena_free) struct arena a = {0};
        CLEANUP(file_close) FILE *in = fopen(about(b->backends[i], "schedstat", &a), "r");
        char line[100];
        if (in != NULL && fgets(line, sizeof line, in) != NULL) {
            s += strtod(line, NULL) / 1e9;
        }
    }
    return s;
}

/* All but the one that tells. */
static void note_backends(struct bench *b)
{
    CLEANUP(rows_clear)
    PGresult *r = PQexec(db_conn(b->db), "SELECT pid FROM pg_stat_activity"
                                         " WHERE datname = current_database()"
                                         "   AND pid <> pg_backend_pid()");

    b->backend_count = 0;
    for (int i = 0; i < PQntuples(r) && b->backend_count < COUNT_OF(b->backends); i++) {
        b->backends[b->backend_count++] = (pid_t)strtol(PQgetvalue(r, i, 0), NULL, 10);
    }
}

static uint64_t apart_count(void)
{
    return metric_value(METRIC_fold_handed) + metric_value(METRIC_fold_stale_folded);
}

/* True: there was something to do. */
static bool step(struct bench *b, struct steps *of, int64_t *longest_us)
{
    const uint64_t apart = apart_count();
    const uint64_t events = metric_value(METRIC_fold_events);
    const double cpu = cpu_s(b);
    const int64_t start_us = clock_monotonic_us();
    int64_t folded;
    struct err err = {0};

    if (!folder_step(b->folder, &folded, &err)) {
        die("fold", err.text);
    }
    const int64_t took_us = clock_monotonic_us() - start_us;
    struct tally *t = apart_count() == apart ? &of->calm : &of->other;
    *longest_us = took_us > *longest_us ? took_us : *longest_us;
    t->s += (double)took_us / 1e6;
    t->cpu_s += cpu_s(b) - cpu;
    t->events += metric_value(METRIC_fold_events) - events;
    return folded > 0;
}

/* Seconds of the steps that no batch took. */
static double apart_s(const struct steps *of)
{
    const double s = of->other.s - (double)of->other.events * of->calm.s / (double)of->calm.events;

    return s > 0 ? s : 0;
}

/* What the batches of all of them took of the processors. */
static double batches_cpu_s(const struct steps *of)
{
    return of->calm.cpu_s + (double)of->other.events * of->calm.cpu_s / (double)of->calm.events;
}

/* Rounds in turn. */
struct handing {
    struct steps alone, beside;
    double wall_s;
    int64_t rounds; /* of each kind */
    int64_t longest_us;
    uint64_t handed; /* before */
};

/* All the others' events are folded, and what came of those handed over meanwhile. */
static void backlog_round(struct bench *b, struct inflow *in, bool beside, struct handing *h)
{
    struct steps *of = beside ? &h->beside : &h->alone;
    int64_t unused = 0;
    int64_t *longest_us = beside ? &h->longest_us : &unused;
    struct arena a = {0};

    tell(b, BACKLOG, arena_printf(&a, "'o' || n %% %d", PEOPLE),
         arena_printf(&a, "%lld + n", (long long)b->told));
    arena_free(&a);
    if (beside) {
        show(b);
    }
    atomic_store(&in->rests, !beside);
    const uint64_t before = metric_value(METRIC_fold_events);
    while (metric_value(METRIC_fold_events) - before < BACKLOG || others_left(b) > 0) {
        (void)step(b, of, longest_us);
    }
    atomic_store(&in->rests, true);
    if (beside) {
        hide(b);
    }
    while (step(b, of, longest_us)) {
    }
}

/* Until so many more are handed over, or LIMIT_S have passed. */
static struct handing handing_rounds(struct bench *b, struct inflow *in, int64_t count)
{
    struct handing h = {.handed = metric_value(METRIC_fold_handed)};
    const int64_t start_us = clock_monotonic_us();
    const int64_t until_us = start_us + SECONDS(LIMIT_S);

    hide(b);
    backlog_round(b, in, false, &h); /* until batches are as large as they stay */
    h.alone = (struct steps){0};
    while (handed_since(h.handed) < count && clock_monotonic_us() < until_us) {
        backlog_round(b, in, false, &h);
        backlog_round(b, in, true, &h);
        h.rounds++;
    }
    show(b);
    h.wall_s = (double)(clock_monotonic_us() - start_us) / 1e6;
    return h;
}

/* The browser, and its customer. */
static void tell_kiosk(struct bench *b, int64_t events)
{
    CLEANUP(arena_free) struct arena a = {0};
    int64_t longest_us = 0;

    sql(b,
        arena_printf(
            &a,
            "SELECT cartwright.append_rows(array_agg('k' || n), array_agg('a:kiosk'::text), array_agg('page_viewed'::text), 'import',"
            " array_agg(timestamptz '2026-01-01Z' + n * interval '1 second'), now(),"
            " array_agg(jsonb_build_object('type', 'page_viewed', 'anonymous_id', 'kiosk', 'event_id', 'k' || n,"
            "  'occurred_at', timestamptz '2026-01-01Z' + n * interval '1 second')))"
            " FROM generate_series(1, %lld) n",
            (long long)events));
    (void)fold(b, &longest_us);
    settle(b);
    sql(b,
        "SELECT cartwright.append_rows(ARRAY['login'], ARRAY['c:owner'], ARRAY['identify'], 'import', ARRAY[now()], now(),"
        " ARRAY[jsonb_build_object('event_id', 'login', 'type', 'identify', 'customer_id', 'owner', 'anonymous_id', 'kiosk', 'occurred_at', now())])");
}

/* Whose it was is told to the browser, which may be put off before it passes on anything. Nobody else sends anything until so many are handed over. */
static void fold_to_handing(struct bench *b, int64_t handed, int64_t *longest_us)
{
    const uint64_t before = metric_value(METRIC_fold_handed);

    while (count_of(b, "cartwright.handing_over") == 0 || handed_since(before) < handed) {
        struct steps unused = {0};
        (void)step(b, &unused, longest_us);
    }
}

static void hand_over(struct bench *b, int64_t events)
{
    static struct inflow in;
    int64_t quiet_us = 0;

    b->config.fold_batch =
        1000; /* larger ones are cheaper, and how large they get is for the machine to say */
    sql(b, "UPDATE cartwright.stale_shopper SET due_at = now()");
    tell_kiosk(b, events);
    note_backends(b);
    fold_to_handing(b, events - LAST, &quiet_us);
    in = (struct inflow){.of = b, .rests = true};
    if (pthread_create(&in.thread, NULL, inflow_main, &in) != 0) {
        die("inflow", "no thread");
    }
    const struct handing h = handing_rounds(b, &in, LAST);
    const int64_t handed = events - LAST + handed_since(h.handed);
    atomic_store(&in.done, true);
    (void)pthread_join(in.thread, NULL);
    const double apart = apart_s(&h.beside);
    const double alone_s = batches_cpu_s(&h.alone);
    const double beside_s = batches_cpu_s(&h.beside);
    const double share = apart / h.wall_s;
    (void)printf(
        "{\"bench\":\"heavy\",\"events\":%lld,\"order\":\"handed over\",\"others_per_cpu_s\":%.0f,\"others_alone_per_cpu_s\":%.0f,"
        "\"ratio\":%.2f,\"share\":%.3f,\"longest_step_ms\":%.0f,\"longest_quiet_ms\":%.0f,\"append_p99_ms\":%.1f,\"handed\":%lld,"
        "\"rounds\":%lld,\"seconds\":%.1f,\"done\":%s,\"peak_mb\":%lld}\n",
        (long long)events, (double)(h.rounds * BACKLOG) / beside_s,
        (double)(h.rounds * BACKLOG) / alone_s, alone_s / beside_s * (1 - share), share,
        (double)h.longest_us / 1e3, (double)quiet_us / 1e3, p99(in.ms, in.count), (long long)handed,
        (long long)h.rounds, h.wall_s, handed >= events ? "true" : "false", (long long)peak_mb());
    (void)fflush(stdout);
    settle(b);
    if (count_of(b, "cartwright.log_rows WHERE key = 'c:owner'"
                    " AND type = cartwright.type_code('forwarded')") != events) {
        die("handing over", "not all of it came through");
    }
}

/* The past of the heavy one, in order. */
static void fill(struct bench *b, int64_t events)
{
    int64_t longest_us = 0;
    double seconds = 0;

    for (int64_t n = 0; n < events; n += SETUP_ROWS) {
        struct arena a = {0};
        const int64_t count = events - n < SETUP_ROWS ? events - n : SETUP_ROWS;
        tell(b, count, "'heavy'", arena_printf(&a, "%lld + n * %d", (long long)b->last_s, PACE_S));
        b->last_s += count * PACE_S;
        seconds += fold(b, &longest_us);
        arena_free(&a);
    }
    (void)printf("{\"bench\":\"heavy\",\"events\":%lld,\"order\":\"the past, in order\","
                 "\"events_per_s\":%.0f,\"longest_step_ms\":%.0f}\n",
                 (long long)events, (double)events / seconds, (double)longest_us / 1e3);
}

/* What --only asks for. */
static void measure_only(int64_t events, bool handing)
{
    struct bench b;

    open_bench(&b, false);
    if (!handing) {
        fill(&b, events);
    }
    (void)rounds(&b, ALONE); /* who they are, and the server's memory */
    sql(&b, "ANALYZE");
    settle(&b);
    if (handing) {
        hand_over(&b, events);
    } else {
        ask_http_all(&b, events);
    }
    close_bench(&b);
}

static void measure(int64_t events, bool whole)
{
    struct bench b;

    /* The waits are bounded by LIMIT_S each: for two cycles, and for what is handed over. What the past takes to fold is not. */
    (void)fprintf(stderr, "%lld events: at most %d s of waiting, and what folding them takes\n",
                  (long long)events, 3 * LIMIT_S);
    open_bench(&b, whole);
    fill(&b, events);
    sql(&b, "ANALYZE");
    (void)rounds(&b, ALONE); /* who they are, and the server's memory */
    for (enum way way = IN_ORDER; way < WAYS; way++) {
        if (way >= ONE_HOUR && !whole) {
            measure_cycles(&b, events, way);
            continue;
        }
        const struct pace p = rounds(&b, way);
        (void)printf("{\"bench\":\"heavy\",\"events\":%lld,\"order\":\"%s\",\"others_per_s\":%.0f,"
                     "\"others_alone_per_s\":%.0f,\"ratio\":%.2f,\"longest_step_ms\":%.0f,"
                     "\"alone_ms\":%.0f,\"peak_mb\":%lld}\n",
                     (long long)events, names[way], p.beside, p.alone, p.ratio,
                     (double)p.beside_us / 1e3, (double)p.alone_us / 1e3, (long long)peak_mb());
        (void)fflush(stdout);
    }
    if (!whole) {
        ask_all(&b, events);
        hand_over(&b, events);
    }
    if (count_of(&b, "cartwright.dead_letter") > 0) {
        die("the fold", "refused some of the events: what was measured is something else");
    }
    close_bench(&b);
}

/* only: NULL, all of it. */
static void measure_one(int64_t events, bool whole, const char *only)
{
    if (only != NULL) {
        measure_only(events, strcmp(only, "handing") == 0);
    } else {
        measure(events, whole);
    }
}

int main(int argc, char **argv)
{
    struct err err = {0};

    if (!base_init(&err)) {
        die("start", err.text);
    }
    bool whole = false;
    const char *only = NULL;
    const struct option_row rows[] = {
        {.name = "whole", .flag = &whole}, {.name = "only", .text = &only}, {0}};
    struct call call = {.program = "./dev bench",
                        .command = "heavy",
                        .usage = "heavy [--whole] [--only handing|http] [EVENTS ...]"};
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    if (only != NULL && strcmp(only, "handing") != 0 && strcmp(only, "http") != 0) {
        return call_misuse(&call, "--only takes \"handing\" or \"http\"");
    }
    for (int64_t events = 10000; call.word_count == 0 && events <= 100000; events *= 10) {
        measure_one(events, whole, only);
    }
    for (int i = 0; i < call.word_count; i++) {
        char *end;
        const long long events = strtoll(call.words[i], &end, 10);
        if (*end != '\0' || events < 1000) {
            return call_misuse(&call, "EVENTS is a whole number from 1000");
        }
        measure_one(events, whole, only);
    }
    return 0;
}
