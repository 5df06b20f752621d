/* Exact top-20 by inner product: topk_index beside faiss IndexFlatIP (where it was found at build time; Debian builds it for SSE) and beside OpenBLAS plus selection (the fair one),
 * one query and batches, one thread each, in turns. Prints one JSON line a case: medians, ratios, and mismatches against double precision.
 *
 *   bench_topk [--interactions FILE] [--items N[,N]] [--factors K[,K]] [--rounds R]
 *
 * FILE holds lines "user item item ..."; the trained factors come from it, or from a drawn log without it. */
#include "base/clock.h"
#include "base/mem.h"
#include "bench/blas_start.h"
#include "bench/topk_factors.h"
#include "bench/topk_faiss.h"
#include "bench/topk_peers.h"
#include "cli/options.h"
#include "ml/linear/blas.h"
#include "ml/linear/cpu.h"
#include "ml/topk/topk_index.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef BENCH_HAS_FAISS
#define BENCH_HAS_FAISS 0
#endif

enum { TOP = 20, LIST_MAX = 4, CHECKED = 24, ROUNDS_MAX = 99 };

enum contender { INDEX, FAISS, GEMV, CONTENDERS };
static const char *const names[CONTENDERS] = {"index", "faiss", "openblas"};

struct task {
    const struct factor_set *set;
    struct topk_index *index;
#if BENCH_HAS_FAISS
    struct faiss_flat *faiss;
#endif
    struct topk_hit *hits; /* (queries, TOP) */
    int *counts;
    float *scores; /* faiss */
    long *ids;
    float *packed; /* queries without padding, as faiss wants them */
};

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, by_size);
    return values[count / 2];
}

/* ---- the contenders ---- */

static void search_one(struct task *t, enum contender c, int q)
{
    const float *query = mat_row(&t->set->queries, q);
    struct topk_hit *hits = t->hits + (ptrdiff_t)q * TOP;
    if (c == INDEX) {
        (void)topk_index_search(t->index, query, TOP, NULL, hits, NULL);
    } else if (c == GEMV) {
        (void)gemv_select(&t->set->items, query, TOP, hits);
    }
#if BENCH_HAS_FAISS
    else {
        faiss_flat_search(t->faiss, query, 1, TOP, t->scores, t->ids);
    }
#endif
}

static void search_many(struct task *t, enum contender c, int count)
{
    const struct mat queries =
        mat_view(t->set->queries.data, count, t->set->queries.cols, t->set->queries.ld);
    if (c == INDEX) {
        topk_index_batch(t->index, &(struct topk_queries){&queries, NULL, TOP, 1}, t->hits,
                         t->counts, NULL);
    } else if (c == GEMV) {
        gemm_select(&t->set->items, &queries, TOP, t->hits);
    }
#if BENCH_HAS_FAISS
    else {
        faiss_flat_search(t->faiss, t->packed, count, TOP, t->scores, t->ids);
    }
#endif
}

static bool takes_part(enum contender c)
{
    return c != FAISS || BENCH_HAS_FAISS;
}

/* ---- double precision ---- */

static double dot_f64(const float *a, const float *b, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

struct exact {
    double score;
    int id;
};

static int exact_order(const void *a, const void *b)
{
    const struct exact *x = a;
    const struct exact *y = b;
    if (x->score != y->score) {
        return x->score < y->score ? 1 : -1;
    }
    return (x->id > y->id) - (x->id < y->id);
}

/* Places of the answer that hold another item than double precision puts there, though the two scores differ by more than float sums round. */
static int mismatches(const struct mat *items, const float *query, const struct topk_hit *hits)
{
    struct exact *all = mem_array((size_t)items->rows, sizeof *all);
    int bad = 0;
    for (int i = 0; i < items->rows; i++) {
        all[i] = (struct exact){dot_f64(mat_row(items, i), query, items->cols), i};
    }
    qsort(all, (size_t)items->rows, sizeof *all, exact_order);
    for (int i = 0; i < TOP; i++) {
        const float *got = mat_row(items, hits[i].id);
        const float *due = mat_row(items, all[i].id);
        const double rounding =
            items->cols * 0x1p-23 * sqrt(dot_f64(query, query, items->cols)) *
            (sqrt(dot_f64(got, got, items->cols)) + sqrt(dot_f64(due, due, items->cols)));
        const double difference = fabs(dot_f64(got, query, items->cols) - all[i].score);
        bad += hits[i].id != all[i].id && difference > rounding;
    }
    free(all);
    return bad;
}

/* ---- one case ---- */

struct plan {
    const char *interactions;
    int rounds;
    int singles; /* queries in a row */
    int batch;
};

struct outcome {
    double single_s[CONTENDERS];
    double batch_s[CONTENDERS];
    int mismatches;
    struct topk_work work;
};

static void measure(struct task *t, const struct plan *plan, struct outcome *out)
{
    static double single[CONTENDERS][ROUNDS_MAX * 64];
    static double batch[CONTENDERS][ROUNDS_MAX];
    int count[CONTENDERS] = {0};
    for (int r = 0; r < plan->rounds; r++) {
        for (int c = 0; c < CONTENDERS; c++) {
            for (int i = 0; takes_part((enum contender)c) && i < plan->singles; i++) {
                const double start = now_s();
                search_one(t, (enum contender)c, (r * plan->singles + i) % plan->batch);
                single[c][count[c]++] = now_s() - start;
            }
            const double start = now_s();
            if (takes_part((enum contender)c)) {
                search_many(t, (enum contender)c, plan->batch);
            }
            batch[c][r] = now_s() - start;
        }
    }
    for (int c = 0; c < CONTENDERS; c++) {
        out->single_s[c] = count[c] ? median(single[c], count[c]) : 0;
        out->batch_s[c] = median(batch[c], plan->rounds) / plan->batch;
    }
}

static void check(struct task *t, struct outcome *out)
{
    struct topk_hit alone[TOP];
    search_many(t, INDEX, t->set->queries.rows);
    for (int q = 0; q < CHECKED; q++) {
        const float *query = mat_row(&t->set->queries, q);
        struct topk_work work = {0};
        const struct topk_hit *batch = t->hits + (ptrdiff_t)q * TOP;
        (void)topk_index_search(t->index, query, TOP, NULL, alone, &work);
        out->mismatches += mismatches(&t->set->items, query, batch);
        for (int i = 0; i < TOP; i++) {
            out->mismatches += alone[i].id != batch[i].id || alone[i].score != batch[i].score;
        }
        out->work.scanned += work.scanned;
        out->work.rescored += work.rescored;
    }
}

static void print_outcome(const struct factor_set *set, const struct outcome *o, double build_s)
{
    printf("{\"factors\":\"%s\",\"items\":%d,\"k\":%d,\"cpu\":\"%s\",\"blas_core\":\"%s\"",
           set->source, set->items.rows, set->items.cols, cpu_level_name(cpu_level()), blas_core());
    printf(",\"build_s\":%.2f,\"scanned\":%.3f,\"rescored\":%ld,\"mismatches\":%d", build_s,
           (double)o->work.scanned / CHECKED / set->items.rows, o->work.rescored / CHECKED,
           o->mismatches);
    for (int c = 0; c < CONTENDERS; c++) {
        if (!takes_part((enum contender)c)) {
            continue;
        }
        printf(",\"%s\":{\"single_us\":%.1f,\"batch_per_s\":%.0f", names[c], o->single_s[c] * 1e6,
               1 / o->batch_s[c]);
        if (c != INDEX) {
            printf(",\"index_is_faster_single\":%.1f,\"index_is_faster_batch\":%.1f",
                   o->single_s[c] / o->single_s[INDEX], o->batch_s[c] / o->batch_s[INDEX]);
        }
        printf("}");
    }
    printf("}\n");
    (void)fflush(stdout);
}

static void run_case(struct factor_set *set, const struct plan *plan)
{
    const size_t queries = (size_t)set->queries.rows;
    const size_t k = (size_t)set->queries.cols;
    struct task t = {.set = set,
                     .hits = mem_array(queries * TOP, sizeof *t.hits),
                     .counts = mem_array(queries, sizeof *t.counts),
                     .scores = mem_array(queries * TOP, sizeof *t.scores),
                     .ids = mem_array(queries * TOP, sizeof *t.ids),
                     .packed = mem_array(queries * k, sizeof *t.packed)};
    struct outcome o = {0};
    for (size_t q = 0; q < queries; q++) {
        memcpy(t.packed + q * k, mat_row(&set->queries, (int)q), k * sizeof(float));
    }
    const double start = now_s();
    t.index = topk_index_make(&set->items, 1);
    const double build_s = now_s() - start;
#if BENCH_HAS_FAISS
    t.faiss = faiss_flat_make(set->items.data, set->items.rows, set->items.cols, set->items.ld);
#endif
    check(&t, &o);
    measure(&t, plan, &o);
    print_outcome(set, &o, build_s);
#if BENCH_HAS_FAISS
    faiss_flat_free(t.faiss);
#endif
    topk_index_free(&t.index);
    free(t.hits);
    free(t.counts);
    free(t.scores);
    free(t.ids);
    free(t.packed);
    mat_free(&set->items);
    mat_free(&set->queries);
}

/* ---- arguments ---- */

struct list {
    int values[LIST_MAX];
    int count;
};

/* Keeps *out where no text was given; false for what is no list. */
static bool list_of(const char *text, struct list *out)
{
    struct list l = {0};
    char *end = NULL;
    for (const char *at = text; at != NULL; at = *end == ',' ? end + 1 : NULL) {
        const long value = strtol(at, &end, 10);
        if (end == at || value < 1 || value > INT32_MAX || l.count == LIST_MAX ||
            (*end != ',' && *end != '\0')) {
            return false;
        }
        l.values[l.count++] = (int)value;
    }
    *out = text == NULL ? *out : l;
    return true;
}

int main(int argc, char **argv)
{
    struct list items = {{100000, 1000000}, 2};
    struct list factors = {{64, 128}, 2};
    struct plan plan = {.rounds = 7};
    int64_t rounds = plan.rounds;
    const char *items_text = NULL;
    const char *factors_text = NULL;
    const struct option_row rows[] = {
        {.name = "interactions", .text = &plan.interactions},
        {.name = "items", .text = &items_text},
        {.name = "factors", .text = &factors_text},
        {.name = "rounds", .whole = &rounds, .min = 1, .max = ROUNDS_MAX},
        {0}};
    struct call call = {
        .program = "./dev bench",
        .command = "topk",
        .usage = "topk [--interactions FILE] [--items N,N] [--factors N,N] [--rounds N]"};
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    if (!list_of(items_text, &items) || !list_of(factors_text, &factors)) {
        return call_misuse(&call, "a list is whole numbers with commas");
    }
    plan.rounds = (int)rounds;
    blas_start("bench_topk");
    if (!BENCH_HAS_FAISS) {
        (void)fprintf(stderr, "bench_topk: built without faiss; that baseline is left out\n");
    }
    for (int n = 0; n < items.count; n++) {
        for (int k = 0; k < factors.count; k++) {
            plan.singles = items.values[n] > 300000 ? 6 : 40;
            plan.batch = items.values[n] > 300000 ? 128 : 512;
            struct factor_set set = factors_random(items.values[n], factors.values[k], plan.batch);
            run_case(&set, &plan);
            set =
                factors_trained(plan.interactions, items.values[n], factors.values[k], plan.batch);
            run_case(&set, &plan);
        }
    }
    return 0;
}
