/* What risk costs: one score of the learner in process (100 numbers, 16 factors, 150 trees) beside one of
 * XGBoost; one answer of a risk model of that size over the features of a cart, its reasons in words
 * included; and training on rows full of ids beside XGBoost's `hist`, in
 * seconds and in average precision on later rows. Runs are interleaved, medians are told.
 *
 *   ./dev bench risk [DATA_FOLDER] [--threads N] [--runs N]
 *
 * DATA_FOLDER holds the event files unpacked (retailrocket_buyers_97k_events.csv,
 * retailrocket_item_category.csv, taobao_96k_events.csv); without it only scores are measured. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/rng.h"
#include "bench/risk_events.h"
#include "bench/risk_models.h"
#include "bench/risk_score.h"
#include "bench/xgb_peer.h"
#include "cli/options.h"
#include "domain/risk/risk_file.h"
#include "ml/linear/cpu.h"
#include "ml/linear/logistic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RACES = 5 /* two of ours, three of XGBoost's */ };
enum { SCORE_ROWS = 4000, SCORE_COLUMNS = 100, SCORES = 20000, RUNS_MAX = 25 };

struct settings {
    const char *data;
    int threads, runs;
};

static bool stop(const struct err *err)
{
    (void)fprintf(stderr, "bench_risk: %s\n", err->text);
    return false;
}

/* ---- scores ---- */

/* What missing numbers add is 0. */
static double dense_margin(const union learner_cell *row)
{
    double margin = -0.5;
    for (int c = 0; c < 20; c++) {
        margin += isnan(row[c].number) ? 0 : 0.5 * row[c].number;
        const double pair = c % 2 == 1 ? 0.3 * row[c].number * row[c - 1].number : 0;
        margin += isnan(pair) ? 0 : pair;
    }
    /* thresholds that only count together: what trees find and the machine does not */
    for (int c = 40; c < 44; c++) {
        const bool both = row[c].number > 0 && row[c - 1].number > 0;
        margin += both ? 2.0 * (row[c].number > 1 ? -1 : 1) : 0;
    }
    return margin;
}

/* Numbers that matter alone, in pairs, and in thresholds that only count together, a twentieth missing: both parts are
 * needed. */
static struct risk_rows dense_rows(uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    struct risk_rows r = {.rows = SCORE_ROWS, .columns = SCORE_COLUMNS};
    r.kind = mem_array(SCORE_COLUMNS, 1);
    r.name = mem_array(SCORE_COLUMNS, sizeof *r.name);
    r.cells = mem_array((size_t)SCORE_ROWS * SCORE_COLUMNS, sizeof *r.cells);
    r.label = mem_array(SCORE_ROWS, 1);
    for (int i = 0; i < SCORE_ROWS; i++) {
        union learner_cell *row = r.cells + (size_t)i * SCORE_COLUMNS;
        for (int c = 0; c < SCORE_COLUMNS; c++) {
            row[c].number = rng_unit(&rng) < 0.05 ? (double)NAN : rng_normal(&rng);
        }
        r.label[i] = rng_unit(&rng) < logistic(dense_margin(row));
    }
    return r;
}

/* 16 factors and 150 trees, both parts taken; less would measure less than the row says. */
enum { FACTORS = 16, TREES = 150, TREE_DEPTH = 4 };

static bool learner_of(const struct learner_table *table, struct learner **out, struct err *err)
{
    struct learner_options o = learner_defaults(table->rows);
    struct learner_fit fit;
    o.machine.factors = FACTORS;
    o.machine_bags = 1;
    o.boosting_bags = 1;
    o.boosting.trees_max = TREES;
    o.boosting.patience = TREES;
    o.boosting.rate = 0.02; /* slow enough to need them all */
    o.boosting.depth = TREE_DEPTH;
    o.other_depth = 0;
    o.folds_run = o.folds;
    if (!learner_train(table, &o, out, &fit, err)) {
        return false;
    }
    return (fit.weight_machine > 0 && fit.weight_boosting > 0 && fit.boosting_trees == TREES) ||
           FAIL(err, ERR_INTERNAL, "weights %g and %g, %d trees: less than was asked for",
                fit.weight_machine, fit.weight_boosting, fit.boosting_trees);
}

/* Carts as the feature extractor leaves them, and a risk model that learnt them. */
struct carts {
    struct features *all; /* (SCORE_ROWS) owned */
    struct learner *learner;
    struct risk *model;
    struct buf bytes;
};

static void carts_free(struct carts *c)
{
    mem_free(&c->all);
    risk_free(&c->model);
    learner_free(&c->learner);
    buf_free(&c->bytes);
}

/* A number that the feature may have. */
static double a_value(const struct feature_def *def, double z)
{
    const double end = strcmp(def->unit, "weekday") == 0 ? 7
                       : strcmp(def->unit, "hour") == 0  ? 24
                                                         : 0;
    return def->kind == FEATURE_FLAG ? z > 0 : end > 0 ? fmod(exp(z), end) : exp(z);
}

static struct features a_cart(struct rng *rng, uint8_t *lost)
{
    static const char *const ids[] = {"sneakers", "boots", "laces", "polish",
                                      "mobile",   "email", "shop",  "search"};
    struct features x = {.currency = "USD"};
    union learner_cell z[FEATURE_COUNT];
    for (int f = 0; f < FEATURE_COUNT; f++) {
        const struct feature_def *def = feature_def((enum feature_id)f);
        z[f].number = rng_unit(rng) < 0.05 ? (double)NAN : rng_normal(rng);
        if (def->kind == FEATURE_ID) {
            x.ids[f] = isnan(z[f].number) ? NULL : ids[rng_below(rng, sizeof ids / sizeof *ids)];
        } else {
            x.values[f] = a_value(def, z[f].number);
        }
    }
    *lost = rng_unit(rng) < logistic(dense_margin(z));
    return x;
}

static bool carts_learn(struct carts *c, struct err *err)
{
    CLEANUP(mem_free) struct risk_example *rows = mem_array(SCORE_ROWS, sizeof *rows);
    CLEANUP(mem_free) uint8_t *lost = mem_array(SCORE_ROWS, 1);
    static const double usual[FEATURE_COUNT];
    uint8_t kinds[FEATURE_COUNT];
    uint8_t sha256[SHA256_BYTES];
    struct model_file file = {0};
    struct rng rng = rng_seed(1);
    c->all = mem_array(SCORE_ROWS, sizeof *c->all);
    for (int i = 0; i < SCORE_ROWS; i++) {
        c->all[i] = a_cart(&rng, &lost[i]);
        rows[i] = risk_flatten(&c->all[i]);
    }
    risk_kinds(kinds);
    const struct learner_table table = {.rows = SCORE_ROWS,
                                        .columns = FEATURE_COUNT,
                                        .kind = kinds,
                                        .cells = rows[0].cells,
                                        .label = lost};
    if (!learner_of(&table, &c->learner, err)) {
        return false;
    }
    const struct risk_parts parts = {
        .window = {0, 1, 1}, .learner = c->learner, .usual = usual, .card = "{}"};
    return risk_write_blend(&parts, &c->bytes, sha256, err) &&
           model_file_view(c->bytes.data, c->bytes.len, &file, err) &&
           risk_load(&file, "bench", &c->model, err);
}

static double now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds of single scores: p50 and p99, the clock's own cost taken off. */
struct latency {
    double p50, p99;
};

static int by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

typedef double score_one(const void *model, const void *row);

static double margin_one(const void *model, const void *row)
{
    return learner_margin(model, row);
}

static double answer_one(const void *model, const void *cart)
{
    return risk_probability(model, cart);
}

static double explained_one(const void *model, const void *cart)
{
    double contributions[FEATURE_COUNT];
    return risk_probability(model, cart) +
           risk_contributions(model, cart, contributions) * contributions[0];
}

static double xgboost_one(const void *model, const void *cells)
{
    const union learner_cell *row = cells;
    float dense[SCORE_COLUMNS];
    float out = 0;
    struct err err = {0};
    for (int c = 0; c < SCORE_COLUMNS; c++) {
        dense[c] = (float)row[c].number;
    }
    return xgb_score_dense(model, dense, 1, SCORE_COLUMNS, &out, &err) ? (double)out : (double)NAN;
}

/* rows (SCORE_ROWS) of row_bytes each. */
static struct latency latency_of(score_one *score, const void *model, const void *rows,
                                 size_t row_bytes, int scores, double *out_sum)
{
    CLEANUP(mem_free) double *ns = mem_array((size_t)scores, sizeof *ns);
    double clock_ns = 1e9;
    for (int i = 0; i < 1000; i++) {
        double from = now_ns();
        clock_ns = fmin(clock_ns, now_ns() - from);
    }
    for (int i = 0; i < scores; i++) {
        const void *row = (const char *)rows + (size_t)(i % SCORE_ROWS) * row_bytes;
        double from = now_ns();
        *out_sum += score(model, row);
        ns[i] = now_ns() - from - clock_ns;
    }
    qsort(ns, (size_t)scores, sizeof *ns, by_value);
    return (struct latency){ns[scores / 2], ns[scores - scores / 100 - 1]};
}

static double batch_rate(const struct learner *l, const struct risk_rows *rows)
{
    CLEANUP(mem_free) double *margins = mem_array((size_t)rows->rows, sizeof *margins);
    double start = risk_seconds();
    int rounds = 5;
    for (int i = 0; i < rounds; i++) {
        learner_margins(l, rows->cells, rows->rows, margins);
    }
    return rounds * rows->rows / (risk_seconds() - start);
}

/* The same rows at once through XGBoost's in-place prediction, on floats that are there already. */
static double xgboost_batch_rate(const struct xgb_model *x, const struct risk_rows *rows)
{
    const size_t cells = (size_t)rows->rows * SCORE_COLUMNS;
    CLEANUP(mem_free) float *dense = mem_array(cells, sizeof *dense);
    CLEANUP(mem_free) float *margins = mem_array((size_t)rows->rows, sizeof *margins);
    struct err err = {0};
    for (size_t i = 0; i < cells; i++) {
        dense[i] = (float)rows->cells[i].number;
    }
    double start = risk_seconds();
    int rounds = 5;
    for (int i = 0; i < rounds; i++) {
        if (!xgb_score_dense(x, dense, rows->rows, SCORE_COLUMNS, margins, &err)) {
            return (double)NAN;
        }
    }
    return rounds * rows->rows / (risk_seconds() - start);
}

/* Median over runs of p50 and p99 each. */
struct latencies {
    double p50[RUNS_MAX], p99[RUNS_MAX];
};

static void put(struct latencies *to, int run, struct latency l)
{
    to->p50[run] = l.p50;
    to->p99[run] = l.p99;
}

static bool bench_scores(const struct settings *s)
{
    CLEANUP(risk_rows_free) struct risk_rows rows = dense_rows(1);
    CLEANUP(learner_free) struct learner *l = NULL;
    CLEANUP(xgb_free) struct xgb_model *x = NULL;
    const struct learner_table table = risk_rows_table(&rows);
    const size_t row_bytes = SCORE_COLUMNS * sizeof *rows.cells;
    struct xgb_settings xs = xgb_defaults();
    struct xgb_fit fit;
    struct err err = {0};
    struct latencies ours;
    struct latencies theirs;
    double rate[RUNS_MAX];
    double their_rate[RUNS_MAX];
    double sum = 0;
    xs.rounds = TREES;
    if (!learner_of(&table, &l, &err) ||
        (xgb_available() && !xgb_train(&rows, NULL, &xs, &x, &fit, &err))) {
        return stop(&err);
    }
    for (int run = 0; run < s->runs; run++) {
        put(&ours, run, latency_of(margin_one, l, rows.cells, row_bytes, SCORES, &sum));
        if (x) {
            put(&theirs, run, latency_of(xgboost_one, x, rows.cells, row_bytes, SCORES / 10, &sum));
            their_rate[run] = xgboost_batch_rate(x, &rows);
        }
        rate[run] = batch_rate(l, &rows);
    }
    printf(
        "{\"bench\":\"risk_score\",\"kernels\":\"%s\",\"columns\":%d,\"factors\":%d,\"trees\":%d,"
        "\"score_p50_us\":%.3f,\"score_p99_us\":%.3f,\"carts_per_s\":%.0f",
        cpu_level_name(cpu_level()), SCORE_COLUMNS, FACTORS, TREES,
        risk_median(ours.p50, s->runs) / 1e3, risk_median(ours.p99, s->runs) / 1e3,
        risk_median(rate, s->runs));
    if (x) {
        const double p50 = risk_median(theirs.p50, s->runs);
        const double per_s = risk_median(their_rate, s->runs);
        printf(",\"xgboost_p50_us\":%.3f,\"xgboost_p99_us\":%.3f,\"ratio\":%.1f,"
               "\"xgboost_carts_per_s\":%.0f,\"ratio_many_at_once\":%.2f",
               p50 / 1e3, risk_median(theirs.p99, s->runs) / 1e3,
               p50 / risk_median(ours.p50, s->runs), per_s, risk_median(rate, s->runs) / per_s);
    }
    printf("}\n");
    return isfinite(sum);
}

/* What an answer of the service costs once the features are there. */
static bool bench_answers(const struct settings *s)
{
    CLEANUP(carts_free) struct carts carts = {0};
    struct err err = {0};
    struct latencies plain;
    struct latencies explained;
    double sum = 0;
    if (!carts_learn(&carts, &err)) {
        return stop(&err);
    }
    for (int run = 0; run < s->runs; run++) {
        const size_t bytes = sizeof *carts.all;
        put(&plain, run, latency_of(answer_one, carts.model, carts.all, bytes, SCORES, &sum));
        put(&explained, run,
            latency_of(explained_one, carts.model, carts.all, bytes, SCORES, &sum));
    }
    printf("{\"bench\":\"risk_answer\",\"features\":%d,\"factors\":%d,\"trees\":%d,"
           "\"p50_us\":%.3f,\"p99_us\":%.3f,\"explained_p50_us\":%.3f,\"explained_p99_us\":%.3f}\n",
           FEATURE_COUNT, FACTORS, TREES, risk_median(plain.p50, s->runs) / 1e3,
           risk_median(plain.p99, s->runs) / 1e3, risk_median(explained.p50, s->runs) / 1e3,
           risk_median(explained.p99, s->runs) / 1e3);
    return isfinite(sum);
}

/* ---- training ---- */

/* A training's seconds over runs, and what it was worth on later rows. */
struct race {
    const char *name;
    double seconds[RUNS_MAX];
    double ap, auc;
};

static bool ours_once(const struct risk_rows *train, const struct risk_rows *test, int threads,
                      bool boosted, struct race *r, int run, struct err *err)
{
    const struct learner_table table = risk_rows_table(train);
    struct learner_options o = learner_defaults(train->rows);
    struct learner_fit fit;
    CLEANUP(learner_free) struct learner *l = NULL;
    CLEANUP(mem_free) double *margins = mem_array((size_t)test->rows, sizeof *margins);
    o.threads = threads;
    o.boosting_bags = boosted ? 1 : 0;
    double start = risk_seconds();
    if (!learner_train(&table, &o, &l, &fit, err)) {
        return false;
    }
    r->seconds[run] = risk_seconds() - start;
    learner_margins(l, test->cells, test->rows, margins);
    r->ap = calib_average_precision(margins, test->label, test->rows);
    r->auc = calib_auc(margins, test->label, test->rows);
    return true;
}

static bool theirs_once(const struct risk_rows *train, const struct risk_rows *test,
                        const struct xgb_settings *s, struct race *r, int run, struct err *err)
{
    CLEANUP(xgb_free) struct xgb_model *m = NULL;
    CLEANUP(mem_free) double *margins = mem_array((size_t)test->rows, sizeof *margins);
    struct xgb_fit fit;
    if (!xgb_train(train, NULL, s, &m, &fit, err) || !xgb_margins(m, test, margins, err)) {
        return false;
    }
    r->seconds[run] = fit.seconds;
    r->ap = calib_average_precision(margins, test->label, test->rows);
    r->auc = calib_auc(margins, test->label, test->rows);
    return true;
}

/* XGBoost's rounds for an encoding: best on the last fifth of the training rows. */
static bool settle(const struct risk_rows *train, enum xgb_ids ids, int threads,
                   struct xgb_settings *out, struct err *err)
{
    CLEANUP(mem_free) int32_t *list = mem_array((size_t)train->rows, sizeof *list);
    CLEANUP(xgb_free) struct xgb_model *m = NULL;
    struct xgb_fit fit;
    const int cut = train->rows - train->rows / 5;
    for (int32_t r = 0; r < train->rows; r++) {
        list[r] = r;
    }
    CLEANUP(risk_rows_free) struct risk_rows early = risk_rows_pick(train, list, cut);
    CLEANUP(risk_rows_free)
    struct risk_rows late = risk_rows_pick(train, list + cut, train->rows - cut);
    struct xgb_settings s = xgb_defaults();
    s.ids = ids;
    s.threads = threads;
    s.depth = 6;
    s.rate = 0.1;
    s.rounds = 300;
    if (!xgb_train(&early, &late, &s, &m, &fit, err)) {
        return false;
    }
    s.rounds = fit.rounds;
    *out = s;
    return true;
}

static void print_race(const char *data, const struct settings *s, int rows, struct race *races,
                       int count)
{
    int best = 2;
    printf("{\"bench\":\"risk_train\",\"data\":\"%s\",\"rows\":%d,\"threads\":%d", data, rows,
           s->threads);
    for (int i = 0; i < count; i++) {
        double seconds = risk_median(races[i].seconds, s->runs);
        printf(",\"%s\":{\"seconds\":%.3f,\"rows_per_s\":%.0f,\"ap\":%.4f,\"auc\":%.4f}",
               races[i].name, seconds, rows / seconds, races[i].ap, races[i].auc);
        best = i >= 2 && races[i].ap > races[best].ap ? i : best;
    }
    if (count > 2) {
        printf(",\"xgboost_better\":\"%s\",\"ratio_machine\":%.2f,\"ratio_learner\":%.2f",
               races[best].name,
               risk_median(races[best].seconds, s->runs) / risk_median(races[0].seconds, s->runs),
               risk_median(races[best].seconds, s->runs) / risk_median(races[1].seconds, s->runs));
    }
    printf("}\n");
}

/* Rows before the cut train, later ones tell the average precision; visitors may be in both, as they
 * are in a shop. */
static bool bench_training(const char *data, const struct settings *s, const struct risk_rows *all)
{
    CLEANUP(mem_free) int32_t *list = mem_array((size_t)all->rows, sizeof *list);
    const int cut = all->rows - all->rows / 5;
    struct race races[RACES] = {{.name = "machine"},
                                {.name = "machine_and_boosting"},
                                {.name = "xgboost_one_hot"},
                                {.name = "xgboost_codes"},
                                {.name = "xgboost_categories"}};
    static const enum xgb_ids ids[] = {XGB_ONE_HOT, XGB_CODES, XGB_CATEGORIES};
    struct xgb_settings xs[RACES - 2];
    struct err err = {0};
    const int count = xgb_available() ? RACES : 2;
    for (int32_t r = 0; r < all->rows; r++) {
        list[r] = r;
    }
    CLEANUP(risk_rows_free) struct risk_rows train = risk_rows_pick(all, list, cut);
    CLEANUP(risk_rows_free)
    struct risk_rows test = risk_rows_pick(all, list + cut, all->rows - cut);
    mem_free(&train.group); /* the same visitor may come back */
    for (int i = 2; i < count; i++) {
        if (!settle(&train, ids[i - 2], s->threads, &xs[i - 2], &err)) {
            return stop(&err);
        }
        (void)fprintf(stderr, "bench_risk: %s: %d rounds\n", races[i].name, xs[i - 2].rounds);
    }
    for (int run = 0; run < s->runs; run++) {
        for (int i = 0; i < count; i++) {
            bool ok = i < 2 ? ours_once(&train, &test, s->threads, i == 1, &races[i], run, &err)
                            : theirs_once(&train, &test, &xs[i - 2], &races[i], run, &err);
            if (!ok) {
                return stop(&err);
            }
        }
    }
    print_race(data, s, train.rows, races, count);
    return true;
}

static bool bench_files(const struct settings *s)
{
    char events[1024];
    char categories[1024];
    struct err err = {0};
    CLEANUP(risk_rows_free) struct risk_rows retailrocket = {0};
    CLEANUP(risk_rows_free) struct risk_rows taobao = {0};
    (void)snprintf(events, sizeof events, "%s/retailrocket_buyers_97k_events.csv", s->data);
    (void)snprintf(categories, sizeof categories, "%s/retailrocket_item_category.csv", s->data);
    if (!risk_events_retailrocket(events, categories, &retailrocket, &err)) {
        return stop(&err);
    }
    (void)snprintf(events, sizeof events, "%s/taobao_96k_events.csv", s->data);
    if (!risk_events_taobao(events, &taobao, &err)) {
        return stop(&err);
    }
    return bench_training("retailrocket_buyers", s, &retailrocket) &&
           bench_training("taobao", s, &taobao);
}

int main(int argc, char **argv)
{
    struct settings s = {.threads = 1, .runs = 5};
    int64_t threads = s.threads;
    int64_t runs = s.runs;
    const struct option_row rows[] = {{.name = "threads", .whole = &threads, .min = 1, .max = 64},
                                      {.name = "runs", .whole = &runs, .min = 1, .max = RUNS_MAX},
                                      {0}};
    struct call call = {.program = "./dev bench",
                        .command = "risk",
                        .usage = "risk [DATA_FOLDER] [--threads N] [--runs N]"};
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    if (call.word_count > 1) {
        return call_misuse(&call, "it takes one folder");
    }
    s.data = call.word_count == 1 ? call.words[0] : NULL;
    s.threads = (int)threads;
    s.runs = (int)runs;
    if (!xgb_available()) {
        (void)fputs("bench_risk: built without xgboost: that baseline is left out\n", stderr);
    }
    return bench_scores(&s) && bench_answers(&s) && (!s.data || bench_files(&s)) ? 0 : 1;
}
