/* Interactions as the solvers want them: both directions, weights and ridges of the objective,
 * parts of equal work; and the objective. */
#include "ml/als/als_internal.h"
#include "ml/linear/blas.h"
#include "ml/linear/parallel.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PART_ROWS_MAX = 1024,
    PARTS_WANTED = 256, /* enough for threads to end together */
    ROW_WORK = 24,      /* what a row costs besides its entries, in entries */
    LOSS_PARTS = 64,
};

double als_ridge(const struct als_options *options, double weight_sum, int others)
{
    /* Rendle et al. 2022, with weights where they have counts: what a row faces, observed or not,
     * grows its ridge */
    double frequency = weight_sum + (double)options->unobserved_weight * others;
    /* in double: the power of a sum over a million entries, of which a float has seven digits */
    return (double)options->reg * pow(frequency, (double)options->reg_exponent);
}

struct als_range als_part(int rows, int parts, int part)
{
    /* rows * part passes 2^31 from two million rows on */
    return (struct als_range){
        .begin = (int)((int64_t)rows * part / parts),
        .end = (int)((int64_t)rows * (part + 1) / parts),
    };
}

/* ---- parts ---- */

struct weighed_part {
    struct als_range range;
    int64_t work;
};

static int heavier_first(const void *a, const void *b)
{
    const struct weighed_part *x = a;
    const struct weighed_part *y = b;
    if (x->work != y->work) {
        return x->work > y->work ? -1 : 1;
    }
    /* qsort keeps no order among equals: without this, parts would come as the C library likes */
    return x->range.begin < y->range.begin ? -1 : 1;
}

/* Which rows are in which part changes no result, only who waits for whom. */
static void cut(struct als_side *side)
{
    const struct csr *m = &side->entries;
    int64_t whole = csr_entries(m) + (int64_t)m->rows * ROW_WORK;
    struct weighed_part *parts = NULL;
    int cap = 0;
    for (int row = 0; row < m->rows;) {
        /* a part has one row at least, however heavy that is: rows are not cut */
        struct weighed_part p = {.range = {row, row}};
        while (row < m->rows && row - p.range.begin < PART_ROWS_MAX &&
               (p.work == 0 || p.work < whole / PARTS_WANTED)) {
            p.work += m->start[row + 1] - m->start[row] + ROW_WORK;
            p.range.end = ++row;
        }
        if (side->parts == cap) {
            cap = cap ? cap * 2 : 64;
            parts = mem_grow(parts, (size_t)cap, sizeof *parts);
        }
        assert(parts);
        parts[side->parts++] = p;
    }
    /* the heaviest start first (longest processing time, Graham 1969): what is left at the
     * end is light */
    if (parts) {
        qsort(parts, (size_t)side->parts, sizeof *parts, heavier_first);
    }
    side->part = mem_array((size_t)side->parts + 1, sizeof *side->part);
    for (int i = 0; parts && i < side->parts; i++) {
        side->part[i] = parts[i].range;
    }
    free(parts);
}

/* ---- weights ---- */

/* In double: a popular item's million weights would lose the small ones in a float's 24 bits. */
static double *row_sums(const struct csr *m)
{
    double *sums = mem_array((size_t)m->rows + 1, sizeof *sums);
    for (int r = 0; r < m->rows; r++) {
        for (int64_t e = m->start[r]; e < m->start[r + 1]; e++) {
            sums[r] += (double)m->weight[e];
        }
    }
    return sums;
}

static double *column_sums(const struct csr *m)
{
    double *sums = mem_array((size_t)m->cols + 1, sizeof *sums);
    for (int64_t e = 0; e < csr_entries(m); e++) {
        sums[m->column[e]] += (double)m->weight[e];
    }
    return sums;
}

/* Over those that have anything: a catalogue full of untouched items would else scale everything
 * that is touched. 1 where nothing has. */
static double mean_of_some(const double *sums, int count)
{
    double total = 0;
    int some = 0;
    for (int i = 0; i < count; i++) {
        total += sums[i];
        some += sums[i] > 0;
    }
    return some > 0 ? total / some : 1;
}

/* (C / mean)^-exponent of each, 1 where C is 0. */
static float *scales_of(const double *sums, int count, double exponent)
{
    float *scale = mem_array((size_t)count + 1, sizeof *scale);
    double mean = mean_of_some(sums, count);
    for (int i = 0; i < count; i++) {
        /* Relative to the mean: the exponent moves weight between the busy and the others, and
         * leaves the size of the observed part, against a0 and reg, about where it was. */
        scale[i] = sums[i] > 0 && exponent > 0 ? (float)pow(sums[i] / mean, -exponent) : 1;
    }
    return scale;
}

void als_item_scales(const struct csr *interactions, const struct als_options *options,
                     float *out_items, double *out_shopper_mean)
{
    double *shoppers = row_sums(interactions);
    double *items = column_sums(interactions);
    float *scale = scales_of(items, interactions->cols, (double)options->item_exponent);
    memcpy(out_items, scale, (size_t)interactions->cols * sizeof *scale);
    *out_shopper_mean = mean_of_some(shoppers, interactions->rows);
    mem_free(&scale);
    mem_free(&items);
    mem_free(&shoppers);
}

static void side_ridges(struct als_side *side, const struct als_options *options,
                        const double *sums)
{
    side->ridge = mem_array((size_t)side->entries.rows + 1, sizeof *side->ridge);
    for (int r = 0; r < side->entries.rows; r++) {
        /* by the weights as observed: C of the objective is not scaled by s and t */
        side->ridge[r] = (float)als_ridge(options, sums[r], side->entries.cols);
    }
}

/* The shoppers' weights in an array of our own, where they are not those of the caller. */
static void scale_weights(struct als_side *side, const struct als_options *options,
                          const double *shopper_sums, const double *item_sums)
{
    struct csr *m = &side->entries;
    /* then the caller's own weights do, and no copy is made */
    if (options->shopper_exponent <= 0 && options->item_exponent <= 0) {
        return;
    }
    float *shoppers = scales_of(shopper_sums, m->rows, (double)options->shopper_exponent);
    float *items = scales_of(item_sums, m->cols, (double)options->item_exponent);
    float *weight = mem_array((size_t)csr_entries(m) + 1, sizeof *weight);
    for (int r = 0; r < m->rows; r++) {
        for (int64_t e = m->start[r]; e < m->start[r + 1]; e++) {
            /* the order of the product is that of als_serve.c: a shopper folded in has the bits of
             * one trained on */
            weight[e] = m->weight[e] * (shoppers[r] * items[m->column[e]]);
        }
    }
    m->weight = weight;
    side->owns_weight = true;
    mem_free(&shoppers);
    mem_free(&items);
}

/* Everything but the items' side, which the loss does without. */
static struct als_problem problem_by_shopper(const struct csr *interactions,
                                             const struct als_options *options)
{
    struct als_problem p = {.shoppers.entries = *interactions};
    double *shoppers = row_sums(interactions);
    double *items = column_sums(interactions);
    /* the shape alone: for the items' ridges nothing else is asked */
    p.items.entries = (struct csr){.rows = interactions->cols, .cols = interactions->rows};
    side_ridges(&p.shoppers, options, shoppers);
    side_ridges(&p.items, options, items);
    scale_weights(&p.shoppers, options, shoppers, items);
    mem_free(&shoppers);
    mem_free(&items);
    return p;
}

struct als_problem als_problem_make(const struct csr *interactions,
                                    const struct als_options *options)
{
    struct als_problem p = problem_by_shopper(interactions, options);
    /* after the scaling, which is symmetric: c_ui s_u t_i is the weight from either side */
    p.items.entries = csr_transpose(&p.shoppers.entries);
    p.items.owns_entries = true;
    cut(&p.shoppers);
    cut(&p.items);
    return p;
}

static void side_free(struct als_side *side)
{
    if (side->owns_weight) {
        free(side->entries.weight);
    }
    if (side->owns_entries) {
        csr_free(&side->entries);
    }
    mem_free(&side->ridge);
    mem_free(&side->part);
}

void als_problem_free(struct als_problem *p)
{
    side_free(&p->shoppers);
    side_free(&p->items);
}

size_t als_problem_bytes(int rows, int cols, int64_t entries, const struct als_options *options)
{
    /* the transpose is always a copy; the shoppers' side borrows the caller's arrays, but for
     * weights that are scaled */
    const size_t entry = sizeof(int32_t) + sizeof(float);
    bool scaled = options->shopper_exponent > 0 || options->item_exponent > 0;
    return (size_t)entries * (entry + (scaled ? sizeof(float) : 0)) +
           ((size_t)rows + (size_t)cols) * sizeof(float) + (size_t)cols * sizeof(int64_t);
}

/* ---- objective ---- */

struct loss_job {
    const struct als_problem *problem;
    const struct mat *shoppers;
    const struct mat *items;
    double *by_part;
};

/* sum over observed of c (1 - p)^2, and the ridges of some rows. */
static void loss_part(void *ctx, int part, int worker)
{
    const struct loss_job *job = ctx;
    const struct als_side *side = &job->problem->shoppers;
    const struct csr *m = &side->entries;
    const int k = job->items->cols;
    /* every part has its share of both sides, so that each ridge is counted once */
    const struct als_range shoppers = als_part(job->shoppers->rows, LOSS_PARTS, part);
    const struct als_range items = als_part(job->items->rows, LOSS_PARTS, part);
    /* the sum is over a million terms and is compared with the last sweep's in its sixth digit: in
     * double; a dot product of k terms need not be */
    double loss = 0;
    (void)worker;
    for (int r = shoppers.begin; r < shoppers.end; r++) {
        const float *shopper = mat_row(job->shoppers, r);
        for (int64_t e = m->start[r]; e < m->start[r + 1]; e++) {
            double miss = 1 - (double)mat_dot(shopper, mat_row(job->items, m->column[e]), k);
            loss += (double)m->weight[e] * miss * miss;
        }
        loss += (double)side->ridge[r] * (double)mat_dot(shopper, shopper, k);
    }
    for (int i = items.begin; i < items.end; i++) {
        const float *item = mat_row(job->items, i);
        loss += (double)job->problem->items.ridge[i] * (double)mat_dot(item, item, k);
    }
    job->by_part[part] = loss;
}

/* sum over all (u, i) of (w_u . h_i)^2 = the entry-wise product of both Gram matrices, added up. */
static double all_pairs_loss(const struct mat *shoppers, const struct mat *items, int threads)
{
    /* sum_ui (w_u'h_i)^2 = trace(W'W H'H): k^2 numbers instead of m n */
    struct mat of_shoppers = als_gram(shoppers, threads);
    struct mat of_items = als_gram(items, threads);
    double loss = 0;
    for (int i = 0; i < items->cols; i++) {
        for (int j = 0; j < items->cols; j++) {
            loss += (double)mat_row(&of_shoppers, i)[j] * (double)mat_row(&of_items, i)[j];
        }
    }
    mat_free(&of_shoppers);
    mat_free(&of_items);
    return loss;
}

double als_problem_loss(const struct als_problem *p, const struct als_options *options,
                        const struct mat *shoppers, const struct mat *items)
{
    double by_part[LOSS_PARTS];
    struct loss_job job = {.problem = p, .shoppers = shoppers, .items = items, .by_part = by_part};
    parallel_run(options->threads, LOSS_PARTS, loss_part, &job);
    /* by part and in their order, so that the loss has the same bits on any number of threads */
    double loss =
        (double)options->unobserved_weight * all_pairs_loss(shoppers, items, options->threads);
    for (int i = 0; i < LOSS_PARTS; i++) {
        loss += by_part[i];
    }
    return loss;
}

double als_loss(const struct csr *interactions, const struct als_options *options,
                const struct mat *shoppers, const struct mat *items)
{
    assert(shoppers->cols == items->cols && interactions->rows == shoppers->rows);
    /* without the items' side: the loss goes over the entries once, by shopper */
    struct als_problem p = problem_by_shopper(interactions, options);
    double loss = als_problem_loss(&p, options, shoppers, items);
    als_problem_free(&p);
    return loss;
}
