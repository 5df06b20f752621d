/* Seconds a sweep of the factorization engine beside plain conjugate gradients (als_plain_cg.h) and the exact Cholesky solver, in turns on
 * the same data, with the losses they reach; and on Gowalla the seconds each needs to reach the recall of the published libraries.
 *
 *   bench_als [--data gowalla|synthetic] [--factors N] [--threads N] [--sweeps N] [--steps N] [--recall only|no] [--json]
 *
 * Without flags: both data sets at 64, 128 and 256 factors on one and two threads. Plain CG takes three steps as the libraries do.
 * Cholesky sweeps once (its time a sweep does not depend on the state), and on the synthetic shop at 64 factors only on two threads. */
#include "als_data.h"
#include "als_plain_cg.h"
#include "als_recall.h"
#include "blas_start.h"

#include "base/mem.h"
#include "cli/options.h"
#include "ml/als/als.h"
#include "ml/linear/blas.h"
#include "ml/linear/parallel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEPS_MAX = 50, PLAIN_STEPS = 3, GEMM_ROUNDS = 5 };

/* irspack's seconds a sweep on this data (the best library), measured where sgemm made 123 and 238 GFLOP/s on one and two threads;
 * 0: unknown. What the baseline is held to. */
struct peer {
    const char *data;
    int factors;
    double seconds[2];
};
static const struct peer peers[] = {
    {"gowalla", 64, {0.31, 0.187}},
    {"gowalla", 128, {0.77, 0.48}},
    {"synthetic", 64, {8.1, 4.0}},
    {"synthetic", 128, {0, 11.1}},
};
static const double PEER_GFLOPS[2] = {123, 238};

struct flags {
    const char *data; /* NULL: all */
    int factors;      /* 0: all */
    int threads;      /* 0: both */
    int sweeps;
    int steps;
    bool sweep_times;
    bool recall;
    bool json;
};

struct data {
    const char *name;
    struct csr train;
    struct csr by_item;
    struct csr test; /* of gowalla */
};

static _Noreturn void die(const char *text)
{
    (void)fprintf(stderr, "bench_als: %s\n", text);
    exit(1);
}

/* ---- arithmetic ---- */

struct sgemm_job {
    struct mat a[2];
    struct mat b;
    struct mat c[2];
};

static void sgemm_part(void *ctx, int part, int worker)
{
    struct sgemm_job *job = ctx;
    (void)worker;
    blas_gemm(&job->a[part], &job->b, &job->c[part]);
}

/* What this machine multiplies a second now: one 1024 x 1024 x 1024 product a thread, the best of some rounds. */
static double sgemm_gflops(int threads)
{
    enum { SIDE = 1024 };
    struct sgemm_job job = {.b = mat_make(SIDE, SIDE)};
    double best = (double)INFINITY;
    for (int t = 0; t < 2; t++) {
        job.a[t] = mat_make(SIDE, SIDE);
        job.c[t] = mat_make(SIDE, SIDE);
    }
    for (int round = 0; round < GEMM_ROUNDS; round++) {
        double before = als_data_now_s();
        parallel_run(threads, threads < 2 ? 1 : 2, sgemm_part, &job);
        best = fmin(best, als_data_now_s() - before);
    }
    for (int t = 0; t < 2; t++) {
        mat_free(&job.a[t]);
        mat_free(&job.c[t]);
    }
    mat_free(&job.b);
    return 2.0 * SIDE * SIDE * SIDE * (threads < 2 ? 1 : 2) / best * 1e-9;
}

/* Multiplications and additions a sweep takes, each one operation; the last of a row's passes only multiplies. */
static double eigen_work(const struct data *d, int k, int steps)
{
    double rows = (double)d->train.rows + d->train.cols;
    double entries = 2 * (double)csr_entries(&d->train);
    return rows * k * k + 2 * rows * 2.0 * k * k + entries * (0.5 + steps) * 4.0 * k;
}

static double plain_work(const struct data *d, int k)
{
    double rows = (double)d->train.rows + d->train.cols;
    double entries = 2 * (double)csr_entries(&d->train);
    return rows * k * k + (1 + PLAIN_STEPS) * (rows * 2.0 * k * k + entries * 4.0 * k);
}

static double cholesky_work(const struct data *d, int k)
{
    double rows = (double)d->train.rows + d->train.cols;
    double entries = 2 * (double)csr_entries(&d->train);
    return rows * k * k + entries * k * k + rows * (1.0 * k * k * k / 3 + 2.0 * k * k);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(const double *values, int count)
{
    double sorted[SWEEPS_MAX];
    memcpy(sorted, values, (size_t)count * sizeof *values);
    qsort(sorted, (size_t)count, sizeof *sorted, by_value);
    return sorted[count / 2];
}

/* ---- sweeps in turns ---- */

/* A sweep of ours ends in the callback, which then lets the baseline sweep once. */
struct turns {
    const struct data *data;
    struct als_options plain_options;
    struct mat plain_shoppers;
    struct mat plain_items;
    double before_s;
    double ours_s[SWEEPS_MAX];
    double plain_s[SWEEPS_MAX];
    double loss;
    double plain_loss;
    int sweeps;
};

static bool take_turn(void *ctx, const struct als_progress *p)
{
    struct turns *t = ctx;
    double now = als_data_now_s();
    t->ours_s[p->sweep - 1] = now - t->before_s;
    als_plain_cg_sweep(&t->data->train, &t->data->by_item, &t->plain_options, &t->plain_shoppers,
                       &t->plain_items);
    t->plain_s[p->sweep - 1] = als_data_now_s() - now;
    if (p->sweep == t->sweeps) {
        t->loss =
            als_loss(&t->data->train, &t->plain_options, &p->state->shoppers, &p->state->items);
        t->plain_loss =
            als_loss(&t->data->train, &t->plain_options, &t->plain_shoppers, &t->plain_items);
    }
    t->before_s = als_data_now_s();
    return true;
}

static bool note_time(void *ctx, const struct als_progress *p)
{
    double *seconds = ctx;
    (void)p;
    *seconds = als_data_now_s() - *seconds;
    return true;
}

static void train(const struct csr *m, const struct als_options *o)
{
    struct err err = {0};
    struct mat shoppers = {0};
    struct mat items = {0};
    if (!als_train(m, o, &shoppers, &items, &err)) {
        die(err.text);
    }
    mat_free(&shoppers);
    mat_free(&items);
}

/* One exact sweep, without the preparation of the data. */
static double cholesky_seconds(const struct data *d, const struct als_options *options)
{
    struct als_options o = *options;
    o.solver = ALS_SOLVER_CHOLESKY;
    o.sweeps = 2;
    double times[2];
    double last = als_data_now_s();
    o.sweeps = 1;
    o.progress = note_time;
    o.progress_ctx = &last;
    /* the preparation is timed by a sweep of nearly no work */
    struct als_options small = o;
    small.factors = 1;
    train(&d->train, &small);
    times[0] = last;
    last = als_data_now_s();
    train(&d->train, &o);
    times[1] = last;
    return times[1] - times[0];
}

static struct als_options options_of(const struct flags *flags, int factors, int threads)
{
    struct als_options o = als_defaults();
    o.factors = factors;
    o.threads = threads;
    o.sweeps = flags->sweeps;
    o.shopper_exponent = 0;
    o.item_exponent = 0;
    if (flags->steps > 0) {
        o.steps = flags->steps;
    }
    return o;
}

static struct mat plain_start(int items, const struct als_options *o)
{
    struct mat start = als_start(items, o);
    struct mat copy = als_plain_cg_matrix(items, o->factors, &start);
    mat_free(&start);
    return copy;
}

struct line {
    const char *data;
    int factors;
    int threads;
    int steps;
    int sweeps;
    double sgemm;
    double ours_s;
    double plain_s;
    double cholesky_s; /* 0: not run */
    double ours_share; /* of sgemm's operations a second */
    double plain_share;
    double cholesky_share;
    double loss;
    double plain_loss;
    double peer_ratio; /* the baseline's time in irspack's, both relative to sgemm; 0: unknown */
};

static double peer_ratio(const struct line *l)
{
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
        double seconds = peers[i].seconds[l->threads > 1];
        if (strcmp(peers[i].data, l->data) == 0 && peers[i].factors == l->factors && seconds > 0) {
            return l->plain_s * l->sgemm / (seconds * PEER_GFLOPS[l->threads > 1]);
        }
    }
    return 0;
}

static void print_line(const struct line *l, bool json)
{
    double difference = l->loss / l->plain_loss - 1;
    if (json) {
        printf(
            "{\"bench\":\"als\",\"blas_core\":\"%s\",\"data\":\"%s\",\"factors\":%d,\"threads\":%d,\"steps\":%d,"
            "\"sweeps\":%d,\"sgemm_gflops\":%.1f,\"sweep_s\":%.4f,\"plain_cg_s\":%.4f,"
            "\"cholesky_s\":%.3f,\"share\":%.3f,\"plain_cg_share\":%.3f,\"cholesky_share\":%.3f,"
            "\"times_plain_cg\":%.2f,\"times_cholesky\":%.1f,\"loss\":%.7g,\"plain_cg_loss\":%.7g,"
            "\"loss_difference\":%.5f,\"plain_cg_in_irspacks_time\":%.2f}\n",
            blas_core(), l->data, l->factors, l->threads, l->steps, l->sweeps, l->sgemm, l->ours_s,
            l->plain_s, l->cholesky_s, l->ours_share, l->plain_share, l->cholesky_share,
            l->plain_s / l->ours_s, l->cholesky_s / l->ours_s, l->loss, l->plain_loss, difference,
            l->peer_ratio);
    } else {
        printf("%-9s %4d %2d %6.0f | %8.4f %5.1f%% | %8.4f %5.1f%% %5.2fx %6.2f | %8.3f %5.1f%% "
               "%5.1fx | %.6g %+.3f%%\n",
               l->data, l->factors, l->threads, l->sgemm, l->ours_s, 100 * l->ours_share,
               l->plain_s, 100 * l->plain_share, l->plain_s / l->ours_s, l->peer_ratio,
               l->cholesky_s, 100 * l->cholesky_share, l->cholesky_s / l->ours_s, l->loss,
               100 * difference);
    }
    (void)fflush(stdout);
}

static bool cholesky_runs(const struct data *d, int factors, int threads)
{
    return csr_entries(&d->train) < 5000000 || (factors <= 128 && threads == 2);
}

static void measure(const struct data *d, const struct flags *flags, int factors, int threads)
{
    struct als_options o = options_of(flags, factors, threads);
    struct line l = {.data = d->name,
                     .factors = factors,
                     .threads = threads,
                     .steps = o.steps,
                     .sweeps = o.sweeps,
                     .sgemm = sgemm_gflops(threads)};
    struct turns t = {.data = d,
                      .plain_options = o,
                      .sweeps = o.sweeps,
                      .plain_shoppers = als_plain_cg_matrix(d->train.rows, factors, NULL),
                      .plain_items = plain_start(d->train.cols, &o),
                      .before_s = als_data_now_s()};
    t.plain_options.steps = PLAIN_STEPS;
    o.progress = take_turn;
    o.progress_ctx = &t;
    train(&d->train, &o);
    o.progress = NULL;
    mat_free(&t.plain_shoppers);
    mat_free(&t.plain_items);
    l.ours_s = median(t.ours_s, o.sweeps);
    l.plain_s = median(t.plain_s, o.sweeps);
    l.loss = t.loss;
    l.plain_loss = t.plain_loss;
    if (cholesky_runs(d, factors, threads)) {
        l.cholesky_s = cholesky_seconds(d, &o);
        l.cholesky_share = cholesky_work(d, factors) / l.cholesky_s * 1e-9 / l.sgemm;
    }
    l.sgemm = fmax(l.sgemm, sgemm_gflops(threads));
    l.ours_share = eigen_work(d, factors, l.steps) / l.ours_s * 1e-9 / l.sgemm;
    l.plain_share = plain_work(d, factors) / l.plain_s * 1e-9 / l.sgemm;
    l.peer_ratio = peer_ratio(&l);
    print_line(&l, flags->json);
}

/* ---- seconds to equal recall ---- */

/* .152 and .131 to three digits: what implicit, irspack and cmfrec reach. */
static const struct als_recall wanted = {.recall = 0.1515, .ndcg = 0.1305};
enum { RECALL_SWEEPS = 12 };

struct race {
    const char *solver;
    const struct data *data;
    struct als_options options;
    double before_s;
    double seconds; /* of training, preparation included */
    int sweeps;
    struct als_recall reached;
    bool arrived;
};

/* The clock stands while recall is measured. */
static bool check_recall(struct race *r, int sweep, const struct mat *items)
{
    r->seconds += als_data_now_s() - r->before_s;
    r->sweeps = sweep;
    r->reached = als_recall_at_20(&r->data->train, &r->data->test, items, &r->options);
    r->arrived = r->reached.recall >= wanted.recall && r->reached.ndcg >= wanted.ndcg;
    r->before_s = als_data_now_s();
    return !r->arrived && sweep < RECALL_SWEEPS;
}

static bool check_progress(void *ctx, const struct als_progress *p)
{
    return check_recall(ctx, p->sweep, &p->state->items);
}

static void race_ours(struct race *r)
{
    struct err err = {0};
    struct mat shoppers = {0};
    struct mat items = {0};
    r->options.progress = check_progress;
    r->options.progress_ctx = r;
    r->options.sweeps = RECALL_SWEEPS;
    r->before_s = als_data_now_s();
    if (als_train(&r->data->train, &r->options, &shoppers, &items, &err)) {
        mat_free(&shoppers);
        mat_free(&items);
    } else if (err.kind != ERR_BUSY) {
        die(err.text);
    }
}

static void race_plain(struct race *r)
{
    r->before_s = als_data_now_s();
    struct csr by_item = csr_transpose(&r->data->train);
    struct mat shoppers = als_plain_cg_matrix(r->data->train.rows, r->options.factors, NULL);
    struct mat items = plain_start(r->data->train.cols, &r->options);
    int sweep = 0;
    do {
        als_plain_cg_sweep(&r->data->train, &by_item, &r->options, &shoppers, &items);
    } while (check_recall(r, ++sweep, &items));
    mat_free(&shoppers);
    mat_free(&items);
    csr_free(&by_item);
}

static void print_race(const struct race *r, double ours_s, bool json)
{
    if (json) {
        printf(
            "{\"bench\":\"als_recall\",\"blas_core\":\"%s\",\"data\":\"gowalla\",\"solver\":\"%s\",\"factors\":%d,"
            "\"threads\":%d,\"arrived\":%s,\"seconds\":%.3f,\"sweeps\":%d,\"recall\":%.4f,"
            "\"ndcg\":%.4f,\"times_ours\":%.2f}\n",
            blas_core(), r->solver, r->options.factors, r->options.threads,
            r->arrived ? "true" : "false", r->seconds, r->sweeps, r->reached.recall,
            r->reached.ndcg, r->seconds / ours_s);
    } else {
        printf("%-10s %8.3f s  %2d sweeps  recall %.4f  NDCG %.4f  %5.2fx%s\n", r->solver,
               r->seconds, r->sweeps, r->reached.recall, r->reached.ndcg, r->seconds / ours_s,
               r->arrived ? "" : "  (did not arrive)");
    }
    (void)fflush(stdout);
}

static void race_all(const struct data *d, const struct flags *flags, int threads)
{
    struct als_options o = options_of(flags, 64, threads);
    o.reg = 0.006F; /* with these plain iALS gets there */
    o.unobserved_weight = 0.016F;
    struct race ours = {.solver = "eigen", .data = d, .options = o};
    struct race plain = {.solver = "plain cg", .data = d, .options = o};
    struct race cholesky = {.solver = "cholesky", .data = d, .options = o};
    plain.options.steps = PLAIN_STEPS;
    cholesky.options.solver = ALS_SOLVER_CHOLESKY;
    if (!flags->json) {
        printf(
            "\nSeconds to Recall@20 %.4f and NDCG@20 %.4f on Gowalla's test split, 64 factors, %d "
            "threads (recall itself not counted):\n",
            wanted.recall, wanted.ndcg, threads);
    }
    race_ours(&ours);
    race_plain(&plain);
    race_ours(&cholesky);
    print_race(&ours, ours.seconds, flags->json);
    print_race(&plain, ours.seconds, flags->json);
    print_race(&cholesky, ours.seconds, flags->json);
}

/* ---- what to run ---- */

static void measure_data(const struct data *d, const struct flags *flags)
{
    static const int factors[] = {64, 128, 256};
    for (int f = 0; f < 3; f++) {
        for (int threads = 1; threads <= 2; threads++) {
            bool asked = (flags->factors == 0 || flags->factors == factors[f]) &&
                         (flags->threads == 0 || flags->threads == threads);
            if (asked) {
                measure(d, flags, factors[f], threads);
            }
        }
    }
}

static bool wants(const struct flags *flags, const char *data)
{
    return !flags->data || strcmp(flags->data, data) == 0;
}

static void run_gowalla(const struct flags *flags)
{
    struct data d = {.name = "gowalla"};
    if (!als_data_read("gowalla_train", 0, 40981, &d.train)) {
        return;
    }
    d.by_item = csr_transpose(&d.train);
    if (flags->sweep_times) {
        measure_data(&d, flags);
    }
    if (flags->recall && als_data_read("gowalla_test", d.train.rows, d.train.cols, &d.test)) {
        race_all(&d, flags, flags->threads ? flags->threads : 2);
    }
    csr_free(&d.train);
    csr_free(&d.by_item);
    csr_free(&d.test);
}

static void run_synthetic(const struct flags *flags)
{
    struct data d = {.name = "synthetic"};
    d.train = als_data_synthetic(500000, 100000, 20500000, 1);
    d.by_item = csr_transpose(&d.train);
    if (flags->sweep_times) {
        measure_data(&d, flags);
    }
    csr_free(&d.train);
    csr_free(&d.by_item);
}

int main(int argc, char **argv)
{
    struct flags flags = {.sweeps = 15, .sweep_times = true, .recall = true};
    int64_t factors = 0;
    int64_t threads = 0;
    int64_t sweeps = flags.sweeps;
    int64_t steps = 0;
    const char *recall = "";
    const struct option_row rows[] = {
        {.name = "data", .text = &flags.data},
        {.name = "factors", .whole = &factors, .min = 1, .max = 1024},
        {.name = "threads", .whole = &threads, .min = 1, .max = 64},
        {.name = "sweeps", .whole = &sweeps, .min = 1, .max = SWEEPS_MAX},
        {.name = "steps", .whole = &steps, .min = 1, .max = 100},
        {.name = "recall", .text = &recall},
        {.name = "json", .flag = &flags.json},
        {0}};
    struct call call = {
        .program = "./dev bench",
        .command = "als",
        .usage =
            "als [--data gowalla|synthetic] [--factors 64|128|256] [--threads 1|2] [--sweeps N] "
            "[--steps N] [--recall only|no] [--json]"};
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    flags.recall = strcmp(recall, "no") != 0;
    flags.sweep_times = strcmp(recall, "only") != 0;
    flags.factors = (int)factors;
    flags.threads = (int)threads;
    flags.sweeps = (int)sweeps;
    flags.steps = (int)steps;
    blas_start("bench_als");
    if (!flags.json && flags.sweep_times) {
        printf(
            "Seconds a sweep (median of %d, in turns) and the share of sgemm's rate; plain cg: times ours, "
            "and its time in irspack's\n"
            "data         k  T  sgemm |    eigen        | plain cg                       | cholesky  "
            "              | loss, difference\n",
            flags.sweeps);
    }
    if (wants(&flags, "gowalla")) {
        run_gowalla(&flags);
    }
    if (wants(&flags, "synthetic")) {
        run_synthetic(&flags);
    }
    return 0;
}
