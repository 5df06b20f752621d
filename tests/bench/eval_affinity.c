/* Top-N recommendation on a published split: tunes on a part of TRAIN, refits on all of it, and only then opens TEST. Ranks all items that are not in the
 * user's train row; recall@20 divides by all test items of the user, the ideal of NDCG@20 by min(20, those). Results on stdout, progress on stderr. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/mem.h"
#include "ml/items/rank_tune.h"
#include "ml/linear/blas.h"

#include "affinity_pairs.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { TOP = 20, MODELS_MAX = 5, KNN_NEIGHBOURS = 200 };

static const char usage_text[] =
    "usage: eval_affinity TRAIN TEST [--model als|item|blend] [--factors N] [--neighbours K]\n"
    "       [--valid-fraction F] [--seed N] [--threads N] [--format lines|movielens] [--json]\n";

struct settings {
    const char *train;
    const char *test;
    double valid_fraction;
    enum pair_format format;
    bool json;
    struct rank_tune_options tune;
};

/* One line of the table. */
struct judged {
    const char *name;
    struct rank_quality quality;
};

struct evaluation {
    struct settings settings;
    struct pair_ids ids;
    struct csr train;
    struct rank_tuned tuned;
    struct rank_model model; /* refitted on all of train */
    struct rank_model knn;   /* baseline */
    float *popularity;       /* (n) baseline */
    double train_s, cpu_s;   /* of tuning and training; baselines not included */
    int users_unknown;
    struct judged models[MODELS_MAX]; /* the last one is what was asked for */
    int model_count;
};

static void evaluation_free(struct evaluation *e)
{
    pair_ids_free(&e->ids);
    csr_free(&e->train);
    rank_model_free(&e->model);
    rank_model_free(&e->knn);
    mem_free(&e->popularity);
}

static double cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- arguments ---- */

static bool number(const char *text, double low, double high, double *out)
{
    char *end = NULL;
    *out = strtod(text, &end);
    return end != text && *end == '\0' && *out >= low && *out <= high;
}

static bool choice(const char *text, const char *const *names, int count, int *out)
{
    for (*out = 0; *out < count; (*out)++) {
        if (strcmp(text, names[*out]) == 0) {
            return true;
        }
    }
    return false;
}

static bool take_option(struct settings *s, int letter, const char *value)
{
    static const char *const models[] = {"als", "item", "blend"}; /* as enum rank_kind */
    static const char *const formats[] = {"lines", "movielens"};
    double x = 0;
    int which = 0;
    bool ok = false;
    switch (letter) {
    case 'm':
        ok = choice(value, models, 3, &which);
        s->tune.kind = (enum rank_kind)which;
        break;
    case 'o':
        ok = choice(value, formats, 2, &which);
        s->format = (enum pair_format)which;
        break;
    case 'f':
        ok = number(value, 1, ALS_FACTORS_MAX, &x);
        s->tune.factors = (int)x;
        s->tune.fixed_factors = true;
        break;
    case 'k':
        ok = number(value, 1, ITEM_ITEM_NEIGHBOURS_MAX, &x);
        s->tune.neighbours = s->tune.kept = (int)x;
        break;
    case 'v':
        ok = number(value, 0.01, 0.5, &s->valid_fraction);
        break;
    case 's':
        ok = number(value, 0, 1e15, &x);
        s->tune.seed = (uint64_t)x;
        break;
    case 't':
        ok = number(value, 1, 64, &x);
        s->tune.threads = (int)x;
        break;
    case 'j':
        ok = s->json = true;
        break;
    default:
        break;
    }
    return ok;
}

static bool take_arguments(int argc, char **argv, struct settings *s)
{
    static const struct option options[] = {
        {"model", required_argument, NULL, 'm'},
        {"factors", required_argument, NULL, 'f'},
        {"neighbours", required_argument, NULL, 'k'},
        {"valid-fraction", required_argument, NULL, 'v'},
        {"seed", required_argument, NULL, 's'},
        {"threads", required_argument, NULL, 't'},
        {"format", required_argument, NULL, 'o'},
        {"json", no_argument, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int letter;
    s->tune = rank_tune_defaults();
    s->tune.threads = cores < 1 ? 1 : (int)(cores > 64 ? 64 : cores);
    s->valid_fraction = 0.1;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): before any thread */
    while ((letter = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (!take_option(s, letter, optarg)) {
            return false;
        }
    }
    if (argc - optind != 2) {
        return false;
    }
    s->train = argv[optind];
    s->test = argv[optind + 1];
    return true;
}

/* ---- before TEST is opened ---- */

static void tell(void *ctx, const struct rank_settings *s, const struct rank_quality *q, bool best)
{
    const int64_t *started_us = ctx;
    double seconds = (double)(clock_monotonic_us() - *started_us) / 1e6;
    char what[200];
    if (s->kind == RANK_ALS) {
        snprintf(what, sizeof what, "%d factors, %d sweeps, a0 %.4f, reg %.5f, exponents %.2f",
                 s->als.factors, s->als.sweeps, (double)s->als.unobserved_weight,
                 (double)s->als.reg, (double)s->als.item_exponent);
    } else if (s->kind == RANK_ITEM) {
        snprintf(what, sizeof what, "ridge %.3f^%.2f, rows ^%.2f, targets ^%.2f",
                 (double)s->item.ridge, (double)s->item.ridge_exponent,
                 (double)s->item.row_exponent, (double)s->item.target_exponent);
    } else {
        snprintf(what, sizeof what, "item share %.2f", (double)s->item_share);
    }
    fprintf(stderr, "%7.1f s  %-5s %s: %.4f/%.4f held out%s\n", seconds, rank_kind_name(s->kind),
            what, q->recall, q->ndcg, best ? " *" : "");
}

/* Settings from a part of train, the model from all of it. */
static bool train(struct evaluation *e, struct err *err)
{
    int64_t started_us = clock_monotonic_us();
    double cpu = cpu_seconds();
    CLEANUP(csr_free) struct csr known = {0};
    CLEANUP(csr_free) struct csr later = {0};
    e->settings.tune.tell = tell;
    e->settings.tune.tell_ctx = &started_us;
    rank_hold_out(&e->train, e->settings.valid_fraction, e->settings.tune.seed, &known, &later);
    if (!rank_tune(&known, &later, TOP, &e->settings.tune, &e->tuned, err)) {
        return false;
    }
    fprintf(stderr, "settings are fixed; training on all of TRAIN takes at most %.0f MB\n",
            (double)rank_model_memory_bytes(&e->train, &e->tuned.settings) / 1e6);
    if (!rank_model_train(&e->train, &e->tuned.settings, &e->model, err)) {
        return false;
    }
    e->train_s = (double)(clock_monotonic_us() - started_us) / 1e6;
    e->cpu_s = cpu_seconds() - cpu;
    return true;
}

/* Popularity, and item-kNN: with a ridge that outweighs everything, the local regression is the cosine itself. */
static bool train_baselines(struct evaluation *e, struct err *err)
{
    struct rank_settings s = {.kind = RANK_ITEM, .item = item_item_defaults()};
    s.item.neighbours = s.item.kept = KNN_NEIGHBOURS;
    s.item.row_exponent = 0;
    s.item.ridge = 1e6F;
    s.item.ridge_exponent = 0.5F;
    s.item.target_exponent = 0.5F;
    s.item.threads = e->settings.tune.threads;
    e->popularity = mem_array((size_t)e->train.cols + 1, sizeof *e->popularity);
    for (int64_t entry = 0; entry < csr_entries(&e->train); entry++) {
        e->popularity[e->train.column[entry]] += 1;
    }
    return rank_model_train(&e->train, &s, &e->knn, err);
}

/* ---- TEST ---- */

/* The rows of train, and empty ones for users who are only in TEST; borrows columns and weights. */
static struct csr with_rows(const struct csr *a, int rows)
{
    struct csr more = *a;
    more.rows = rows;
    more.start = mem_array((size_t)rows + 1, sizeof *more.start);
    for (int u = 0; u <= rows; u++) {
        more.start[u] = a->start[u < a->rows ? u : a->rows];
    }
    return more;
}

static int count_unknown(const struct csr *known, const struct csr *test)
{
    int count = 0;
    for (int u = 0; u < test->rows; u++) {
        count += test->start[u + 1] > test->start[u] && known->start[u + 1] == known->start[u];
    }
    return count;
}

static void add_judged(struct evaluation *e, const char *name, const struct rank_quality *q)
{
    e->models[e->model_count++] = (struct judged){name, *q};
}

/* Everything is judged in one pass over what was trained: popularity, the parts of a blend, and what was asked for, last. */
static bool judge_all(struct evaluation *e, const struct rank_judge *judge, struct err *err)
{
    const enum rank_kind kind = e->tuned.settings.kind;
    const struct rank_variant variants[] = {
        {.plain = e->popularity},
        {.item_share = 0},
        {.item_share = 1},
        {.item_share = e->tuned.settings.item_share},
    };
    struct rank_quality q[4];
    struct rank_quality knn;
    if (!rank_judge_model(judge, &e->knn, &knn, err) ||
        !rank_judge_variants(judge, &e->model, variants, 4, q, err)) {
        return false;
    }
    add_judged(e, "popularity", &q[0]);
    add_judged(e, "item-kNN", &knn);
    if (kind != RANK_ITEM) {
        add_judged(e, "als", &q[1]);
    }
    if (kind != RANK_ALS) {
        add_judged(e, "item", &q[2]);
    }
    if (kind == RANK_BLEND) {
        add_judged(e, "blend", &q[3]);
    }
    return true;
}

static bool judge_test(struct evaluation *e, struct err *err)
{
    CLEANUP(csr_free) struct csr test = {0};
    /* The first time that TEST is looked at. */
    if (!pairs_read(e->settings.test, e->settings.format, &e->ids, &test, err)) {
        return false;
    }
    struct csr known = with_rows(&e->train, test.rows);
    const struct rank_judge judge = {
        .known = &known,
        .later = &test,
        .cold = e->popularity,
        .k = TOP,
        .threads = e->settings.tune.threads,
    };
    e->users_unknown = count_unknown(&known, &test);
    bool ok = judge_all(e, &judge, err);
    mem_free(&known.start);
    return ok;
}

/* ---- answers ---- */

static double peak_mb(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss / 1024;
}

static void json_settings(struct jenc *j, const struct evaluation *e)
{
    const struct rank_settings *s = &e->tuned.settings;
    jenc_object(j, "settings");
    jenc_str(j, "model", rank_kind_name(s->kind));
    if (s->kind != RANK_ITEM) {
        jenc_i64(j, "factors", s->als.factors);
        jenc_i64(j, "sweeps", s->als.sweeps);
        jenc_f64(j, "unobserved_weight", (double)s->als.unobserved_weight);
        jenc_f64(j, "reg", (double)s->als.reg);
        jenc_f64(j, "reg_exponent", (double)s->als.reg_exponent);
        jenc_f64(j, "shopper_exponent", (double)s->als.shopper_exponent);
        jenc_f64(j, "item_exponent", (double)s->als.item_exponent);
    }
    if (s->kind != RANK_ALS) {
        jenc_i64(j, "neighbours", s->item.neighbours);
        jenc_f64(j, "ridge", (double)s->item.ridge);
        jenc_f64(j, "ridge_exponent", (double)s->item.ridge_exponent);
        jenc_f64(j, "row_exponent", (double)s->item.row_exponent);
        jenc_f64(j, "target_exponent", (double)s->item.target_exponent);
    }
    if (s->kind == RANK_BLEND) {
        jenc_f64(j, "item_share", (double)s->item_share);
    }
    jenc_f64(j, "valid_fraction", e->settings.valid_fraction);
    jenc_i64(j, "seed", (int64_t)e->settings.tune.seed);
    jenc_i64(j, "threads", e->settings.tune.threads);
    jenc_i64(j, "tried", e->tuned.tried);
    jenc_object_end(j);
}

static void print_json(const struct evaluation *e)
{
    const struct rank_quality *q = &e->models[e->model_count - 1].quality;
    struct buf out = buf_make(1 << 16);
    struct jenc j = jenc_begin(&out);
    jenc_object(&j, NULL);
    jenc_i64(&j, "users", q->shoppers);
    jenc_f64(&j, "recall@20", q->recall);
    jenc_f64(&j, "ndcg@20", q->ndcg);
    jenc_f64(&j, "train_s", e->train_s);
    jenc_f64(&j, "cpu_s", e->cpu_s);
    jenc_f64(&j, "peak_mb", peak_mb());
    json_settings(&j, e);
    jenc_i64(&j, "users_unknown", e->users_unknown);
    jenc_f64(&j, "valid_recall@20", e->tuned.quality.recall);
    jenc_f64(&j, "valid_ndcg@20", e->tuned.quality.ndcg);
    jenc_object(&j, "models");
    for (int m = 0; m < e->model_count; m++) {
        jenc_object(&j, e->models[m].name);
        jenc_f64(&j, "recall@20", e->models[m].quality.recall);
        jenc_f64(&j, "ndcg@20", e->models[m].quality.ndcg);
        jenc_object_end(&j);
    }
    jenc_object_end(&j);
    jenc_object_end(&j);
    puts(buf_text(&out));
    buf_free(&out);
}

static void print_table(const struct evaluation *e)
{
    printf("%-12s %10s %10s\n", "model", "recall@20", "ndcg@20");
    for (int m = 0; m < e->model_count; m++) {
        printf("%-12s %10.4f %10.4f\n", e->models[m].name, e->models[m].quality.recall,
               e->models[m].quality.ndcg);
    }
    printf("%d users (%d not in TRAIN: ranked by popularity); tuned (%d settings) and trained in "
           "%.1f s, %.1f CPU s, peak %.0f MB\n",
           e->models[0].quality.shoppers, e->users_unknown, e->tuned.tried, e->train_s, e->cpu_s,
           peak_mb());
}

static bool run(struct evaluation *e, struct err *err)
{
    if (!pairs_read(e->settings.train, e->settings.format, &e->ids, &e->train, err) ||
        !train(e, err) || !train_baselines(e, err) || !judge_test(e, err)) {
        return false;
    }
    if (e->settings.json) {
        print_json(e);
    } else {
        print_table(e);
    }
    return true;
}

int main(int argc, char **argv)
{
    CLEANUP(evaluation_free) struct evaluation e = {0};
    struct err err = {0};
    if (!take_arguments(argc, argv, &e.settings)) {
        fputs(usage_text, stderr);
        return 2;
    }
    blas_init();
    (void)fprintf(stderr, "eval_affinity: OpenBLAS core %s\n", blas_core());
    if (!run(&e, &err)) {
        fprintf(stderr, "eval_affinity: %s\n", err.text);
        return 1;
    }
    return 0;
}
