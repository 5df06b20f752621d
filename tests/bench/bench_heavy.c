/* What one shopper of very many events costs the others of the fold. Others send events all the time; beside them the heavy one sends few, in order,
 * late by five minutes or an hour, or from anywhere in its past. One folder, so that every delay is everybody's.
 * Prints a line of JSON for each number of events and each order: others' events folded a second alone and beside it, and the longest step. What is
 * folded with the batch is measured by rounds in turn (the median round). Where it is put off and folded by itself (1 h late, anywhere), the rounds in
 * turn are counted without those folds, and the share of these in the time that passed from the end of one to the end of a later one comes off the
 * ratio ("cycle" false where LIMIT_S ended it before); with how long the shopper waited at most.
 * Then what it takes to ask about such a shopper (GET /v1/customers/{id} and POST /v1/outreach, in process: dry runs,
 * of now and of any time in its past, and such that are stored), and how much more memory.
 * At last a browser with as many events turns out to be a customer's: what is handed over beside the others ("handed over"; others' ingest into
 * the customer's own lane is timed as well, since that is what it could hold).
 * bench_heavy [--whole] [EVENTS ...]; --whole: without checkpoints (heavy_events 0), as a comparison. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/init.h"
#include "base/mem.h"
#include "base/metric.h"
#include "base/stop.h"
#include "cli/options.h"
#include "fold/fold.h"
#include "outreach/customer.h"
#include "outreach/outreach.h"
#include "support/folder.h"
#include "support/pg_fixture.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
    ROUNDS = 9,
    OTHERS = 4000,
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

static int64_t status_kb(const char *name)
{
    char line[200];
    int64_t kb = 0;
    FILE *in = fopen("/proc/self/status", "r");

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
static void forget_peak(void)
{
    FILE *out = fopen("/proc/self/clear_refs", "w");

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

    forget_peak();
    const int64_t before_kb = status_kb("VmRSS:");
    for (int i = 0; i < ASKS; i++) {
        const int64_t at_s = b->last_s * (i + 1) / (ASKS + 1); /* all over its past */
        get[i] = get_once(&means, customer);
        dry[i] = ask_once(&means, customer, true, 0);
        if (i < STORED) { /* which waits for the disk */
            stored[i] = ask_once(&means, customer, false, 0);
        }
        past[i] = ask_once(&means, customer, true, INT64_C(1767225600000000) + SECONDS(at_s));
    }
    const int64_t peak_kb = status_kb("VmHWM:") - before_kb;
    (void)printf("{\"bench\":\"heavy\",\"events\":%lld,\"asked_about\":\"%s\","
                 "\"get_p99_ms\":%.1f,\"outreach_p99_ms\":%.1f,\"outreach_at_p99_ms\":%.1f,"
                 "\"outreach_stored_p50_ms\":%.1f,\"memory_mb\":%.1f}\n",
                 (long long)events, what, p99(get, ASKS), p99(dry, ASKS), p99(past, ASKS),
                 p50(stored, STORED), (double)peak_kb / 1024);
    (void)fflush(stdout);
}

static void ask_all(struct bench *b, int64_t events)
{
    int64_t longest_us = 0;

    settle(b);
    ask(b, events, "an ordinary one", "o5"); /* who has a cart as well */
    ask(b, events, "all folded", "heavy");
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
        in->ms[in->count++] = append_ms(&own);
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

/* Seconds until the others' events are folded: a folder that has nothing else to do hands over, and that is no time of theirs. */
static double round_beside_handing(struct bench *b, int64_t *longest_us)
{
    struct arena a = {0};
    int64_t spent_us = 0;
    struct err err = {0};

    tell(b, OTHERS, arena_printf(&a, "'o' || n %% %d", PEOPLE),
         arena_printf(&a, "%lld + n", (long long)b->told));
    arena_free(&a);
    while (
        count_of(
            b,
            "cartwright.lane_cursor c JOIN cartwright.log_rows e ON e.lane = c.lane AND e.off > c.off"
            " WHERE c.consumer = 'fold' AND e.key ~ '^c:o[0-9]'") > 0) {
        int64_t folded;
        const int64_t step_us = clock_monotonic_us();
        if (!folder_step(b->folder, &folded, &err)) {
            die("fold", err.text);
        }
        const int64_t took_us = clock_monotonic_us() - step_us;
        spent_us += took_us;
        *longest_us = took_us > *longest_us ? took_us : *longest_us;
    }
    return (double)spent_us / 1e6;
}

/* Rounds of the others until all of it is handed over, or LIMIT_S have passed. */
static void hand_over(struct bench *b, int64_t events)
{
    static struct inflow in;
    struct arena a = {0};
    const double alone = rounds(b, ALONE).alone;
    const uint64_t handed = metric_value(METRIC_fold_handed);
    int64_t longest_us = 0;
    int64_t n = 0;
    double seconds = 0;

    sql(b, "UPDATE cartwright.stale_shopper SET due_at = now()");
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
    in = (struct inflow){.of = b};
    if (pthread_create(&in.thread, NULL, inflow_main, &in) != 0) {
        die("inflow", "no thread");
    }
    longest_us = 0;
    const int64_t until_us = clock_monotonic_us() + SECONDS(LIMIT_S);
    /* Until the first page, too: whose it was is told to the browser, which is put off before it passes on anything. */
    do {
        seconds += round_beside_handing(b, &longest_us);
        n++;
    } while (handed_since(handed) < events && clock_monotonic_us() < until_us);
    atomic_store(&in.done, true);
    (void)pthread_join(in.thread, NULL);
    (void)printf(
        "{\"bench\":\"heavy\",\"events\":%lld,\"order\":\"handed over\",\"others_per_s\":%.0f,\"others_alone_per_s\":%.0f,"
        "\"ratio\":%.2f,\"longest_step_ms\":%.0f,\"append_p99_ms\":%.1f,\"handed\":%lld,\"seconds\":%.1f,\"done\":%s,\"peak_mb\":%lld}\n",
        (long long)events, (double)(n * OTHERS) / seconds, alone,
        (double)(n * OTHERS) / seconds / alone, (double)longest_us / 1e3, p99(in.ms, in.count),
        (long long)handed_since(handed), seconds, handed_since(handed) >= events ? "true" : "false",
        (long long)peak_mb());
    (void)fflush(stdout);
    arena_free(&a);
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

int main(int argc, char **argv)
{
    struct err err = {0};

    if (!base_init(&err)) {
        die("start", err.text);
    }
    bool whole = false;
    const struct option_row rows[] = {{.name = "whole", .flag = &whole}, {0}};
    struct call call = {
        .program = "./dev bench", .command = "heavy", .usage = "heavy [--whole] [EVENTS ...]"};
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    if (call.word_count == 0) {
        measure(10000, whole);
        measure(100000, whole);
    }
    for (int i = 0; i < call.word_count; i++) {
        char *end;
        const long long events = strtoll(call.words[i], &end, 10);
        if (*end != '\0' || events < 1000) {
            return call_misuse(&call, "EVENTS is a whole number from 1000");
        }
        measure(events, whole);
    }
    return 0;
}
