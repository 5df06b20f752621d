/* Recall and NDCG at 20 of a factorization on a published split: all items ranked, blocks of shoppers by sgemm. */
#include "als_recall.h"

#include "ml/als/als_serve.h"
#include "ml/judge/rank_eval.h"
#include "ml/linear/blas.h"
#include "ml/linear/parallel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOP = 20, BLOCK = 64, THREADS = 2, PARTS_MAX = 4096 };

struct ranking {
    const struct csr *train;
    const struct csr *test;
    const struct als_server *server;
    struct mat items_by_factor; /* (k, n) */
    struct mat scores[THREADS]; /* (BLOCK, n) */
    struct als_recall sum[PARTS_MAX];
};

/* The TOP best, best first. */
static void best_of(const float *score, int count, int *out)
{
    float kept[TOP];
    int have = 0;
    for (int i = 0; i < count; i++) {
        if (have == TOP && score[i] <= kept[TOP - 1]) {
            continue;
        }
        int at = have < TOP ? have++ : TOP - 1;
        for (; at > 0 && kept[at - 1] < score[i]; at--) {
            kept[at] = kept[at - 1];
            out[at] = out[at - 1];
        }
        kept[at] = score[i];
        out[at] = i;
    }
}

static void fold_in(const struct ranking *r, int shopper, float *out)
{
    struct err err = {0};
    const int64_t from = r->train->start[shopper];
    const struct als_entries done = {(int)(r->train->start[shopper + 1] - from),
                                     r->train->column + from, r->train->weight + from};
    if (!als_fold_in_cholesky(r->server, &done, out, &err)) {
        (void)fprintf(stderr, "shopper %d: %s\n", shopper, err.text);
        exit(1);
    }
}

static void judge(const struct ranking *r, int shopper, float *score, struct als_recall *sum)
{
    int ranked[TOP] = {0};
    const int64_t from = r->test->start[shopper];
    const int count = (int)(r->test->start[shopper + 1] - from);
    for (int64_t e = r->train->start[shopper]; e < r->train->start[shopper + 1]; e++) {
        score[r->train->column[e]] = -INFINITY;
    }
    best_of(score, r->train->cols, ranked);
    struct rank_metrics m = rank_eval(ranked, TOP, r->test->column + from, count, TOP);
    sum->recall += m.recall;
    sum->ndcg += m.ndcg;
}

static void rank_block(void *ctx, int part, int worker)
{
    struct ranking *r = ctx;
    const int first = part * BLOCK;
    const int shoppers = r->test->rows - first < BLOCK ? r->test->rows - first : BLOCK;
    struct mat folded = mat_make(shoppers, r->server->items.cols);
    struct mat scores =
        mat_view(r->scores[worker].data, shoppers, r->train->cols, r->scores[worker].ld);
    for (int u = 0; u < shoppers; u++) {
        if (r->test->start[first + u] < r->test->start[first + u + 1]) {
            fold_in(r, first + u, mat_row(&folded, u));
        }
    }
    blas_gemm(&folded, &r->items_by_factor, &scores);
    for (int u = 0; u < shoppers; u++) {
        if (r->test->start[first + u] < r->test->start[first + u + 1]) {
            judge(r, first + u, mat_row(&scores, u), &r->sum[part]);
        }
    }
    mat_free(&folded);
}

static struct mat transposed(const struct mat *a)
{
    struct mat t = mat_make(a->cols, a->rows);
    for (int r = 0; r < a->rows; r++) {
        for (int c = 0; c < a->cols; c++) {
            mat_row(&t, c)[r] = mat_row(a, r)[c];
        }
    }
    return t;
}

static int judged(const struct csr *test)
{
    int count = 0;
    for (int u = 0; u < test->rows; u++) {
        count += test->start[u] < test->start[u + 1];
    }
    return count;
}

struct als_recall als_recall_at_20(const struct csr *train, const struct csr *test,
                                   const struct mat *items, const struct als_options *options)
{
    struct err err = {0};
    struct als_server server;
    float spectrum[ALS_FACTORS_MAX];
    float *scale = calloc((size_t)train->cols, sizeof *scale);
    double shopper_mean = 0;
    struct mat rotated = mat_make(items->rows, items->cols);
    struct ranking *r = calloc(1, sizeof *r);
    struct als_recall mean = {0};
    mat_copy(items, &rotated);
    if (!r || !scale || (test->rows + BLOCK - 1) / BLOCK > PARTS_MAX) {
        abort();
    }
    als_item_scales(train, options, scale, &shopper_mean);
    if (!als_rotate(&rotated, THREADS, spectrum, &err) ||
        !als_server_open(&rotated, spectrum, scale, shopper_mean, options, &server, &err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    *r = (struct ranking){
        .train = train, .test = test, .server = &server, .items_by_factor = transposed(&rotated)};
    for (int w = 0; w < THREADS; w++) {
        r->scores[w] = mat_make(BLOCK, train->cols);
    }
    const int parts = (test->rows + BLOCK - 1) / BLOCK;
    parallel_run(THREADS, parts, rank_block, r);
    for (int p = 0; p < parts; p++) {
        mean.recall += r->sum[p].recall / judged(test);
        mean.ndcg += r->sum[p].ndcg / judged(test);
    }
    for (int w = 0; w < THREADS; w++) {
        mat_free(&r->scores[w]);
    }
    mat_free(&r->items_by_factor);
    mat_free(&rotated);
    free(r);
    free(scale);
    return mean;
}
