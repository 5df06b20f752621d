/* The local item-item model: neighbours by cosine, one ridge regression in each neighbourhood. No
 * Gram matrix of all items is ever held: each neighbourhood's is summed up from the shoppers who
 * had to do with it. */
#include "ml/items/item_item.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/items/item_item_internal.h"
#include "ml/linear/mat.h"
#include "ml/linear/parallel.h"
#include "ml/topk/topk.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum { PART_TARGETS = 64 };

struct item_item_options item_item_defaults(void)
{
    return (struct item_item_options){
        .neighbours = 200,
        .kept = 200,
        .weight_exponent = 1,
        .row_exponent = 0.3F,
        .ridge = 4,
        .ridge_exponent = 0.5F,
        .target_exponent = 0,
        .threads = 1,
    };
}

/* ---- checking and scaling ---- */

static bool within(float value, float low, float high)
{
    return value >= low && value <= high; /* false for NaN */
}

static bool options_check(const struct item_item_options *o, struct err *err)
{
    if (o->neighbours < 1 || o->neighbours > ITEM_ITEM_NEIGHBOURS_MAX || o->kept < 1) {
        return FAIL(err, ERR_INVALID, "item-item: %d neighbours, of which %d are kept",
                    o->neighbours, o->kept);
    }
    if (o->threads < 1 || o->threads > PARALLEL_THREADS_MAX) {
        return FAIL(err, ERR_INVALID, "item-item: %d threads", o->threads);
    }
    if (!within(o->weight_exponent, 0, 1) || !within(o->row_exponent, 0, 1) ||
        !(o->ridge > 0 && isfinite(o->ridge)) || !within(o->ridge_exponent, -1, 2) ||
        !within(o->target_exponent, -1, 1)) {
        return FAIL(err, ERR_INVALID, "item-item: the ridge or an exponent is out of range");
    }
    return true;
}

static bool weights_check(const struct csr *a, struct err *err)
{
    for (int64_t e = 0; e < csr_entries(a); e++) {
        /* Above 0 also because a sum of 0 stands for "not met" (gather_together), and powers of
         * negative weights are no numbers. */
        if (!(a->weight[e] > 0) || !isfinite(a->weight[e])) {
            return FAIL(err, ERR_INVALID, "item-item: entry %lld has the weight %g", (long long)e,
                        (double)a->weight[e]);
        }
    }
    return true;
}

static int64_t row_entries(const struct csr *a, int row)
{
    /* Pairs grow with the square of a row: 10,000 entries are 10^8 of them. */
    int64_t count = a->start[row + 1] - a->start[row];
    return count <= ITEM_ITEM_ROW_MAX ? count : 0;
}

static double row_sum(const struct csr *a, int row, float weight_exponent)
{
    /* in double: thousands of entries, and a power is taken of the result */
    double sum = 0;
    for (int64_t e = a->start[row]; e < a->start[row] + row_entries(a, row); e++) {
        sum += (double)item_item_value(a->weight[e], weight_exponent);
    }
    return sum;
}

struct csr item_item_scaled(const struct csr *a, const struct item_item_options *o)
{
    const size_t entries = (size_t)csr_entries(a);
    struct csr z = {
        .rows = a->rows,
        .cols = a->cols,
        .start = mem_array((size_t)a->rows + 1, sizeof *z.start),
        .column = mem_array(entries + 1, sizeof *z.column),
        .weight = mem_array(entries + 1, sizeof *z.weight),
    };
    double sum = 0;
    int rows = 0;
    /* The mean over shoppers that have something, so that s_u is 1 for an average one
     * whatever the unit of the weights. */
    for (int u = 0; u < a->rows; u++) {
        sum += row_sum(a, u, o->weight_exponent);
        rows += row_entries(a, u) > 0;
    }
    for (int u = 0; u < a->rows; u++) {
        int64_t at = z.start[u];
        double relative = row_sum(a, u, o->weight_exponent) / (sum / rows);
        /* Half the exponent: G = Z'Z has z twice, and s_u in it once. A row without entries gets no
         * finite number here, and has nothing to multiply by it. */
        double root = pow(relative, -0.5 * (double)o->row_exponent);
        for (int64_t e = a->start[u]; e < a->start[u] + row_entries(a, u); e++, at++) {
            z.column[at] = a->column[e];
            z.weight[at] =
                (float)(root * (double)item_item_value(a->weight[e], o->weight_exponent));
        }
        z.start[u + 1] = at;
    }
    return z;
}

double item_item_squares(const struct csr *by_item, double *out)
{
    double sum = 0;
    int items = 0;
    for (int i = 0; i < by_item->rows; i++) {
        out[i] = 0;
        for (int64_t e = by_item->start[i]; e < by_item->start[i + 1]; e++) {
            out[i] += (double)by_item->weight[e] * (double)by_item->weight[e];
        }
        sum += out[i];
        /* untouched items would lower the mean, and so the ridge of all the others */
        items += out[i] > 0;
    }
    return items > 0 ? sum / items : 1;
}

/* ---- all targets ---- */

static void solve_part(void *ctx, int part, int worker)
{
    const struct item_item_job *j = ctx;
    struct item_item_scratch *s = &j->scratch[worker];
    /* each target's problem is its own: which thread solves it changes no bit */
    for (int t = part * PART_TARGETS; t < (part + 1) * PART_TARGETS && t < j->z.cols; t++) {
        item_item_solve_target(j, s, t);
    }
}

static int descending(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x < *y) - (*x > *y);
}

/* The most entries a neighbourhood can have: those of the K items with most. */
static int64_t members_most(const struct csr *interactions, int neighbours)
{
    const int n = interactions->cols;
    int64_t most = 0;
    CLEANUP(mem_free) int64_t *counts = mem_array((size_t)n + 1, sizeof *counts);
    for (int64_t e = 0; e < csr_entries(interactions); e++) {
        counts[interactions->column[e]]++;
    }
    /* an upper bound: no neighbourhood can hold more than the K longest columns */
    qsort(counts, (size_t)n, sizeof *counts, descending);
    for (int i = 0; i < n && i < neighbours; i++) {
        most += counts[i];
    }
    return most;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

size_t item_item_memory_bytes(const struct csr *interactions, const struct item_item_options *o)
{
    const size_t n = (size_t)interactions->cols;
    const size_t m = (size_t)interactions->rows;
    const int k = smaller(o->neighbours, interactions->cols);
    const size_t kept = (size_t)smaller(o->kept, k);
    /* from the unscaled matrix: rows that are left out there only make it larger */
    const size_t members = (size_t)members_most(interactions, k);
    const size_t scratch = (n * (2 * sizeof(float) + sizeof(int32_t))) + 2 * m * sizeof(int32_t) +
                           members * sizeof(struct item_item_member) +
                           (size_t)k * ((size_t)mat_ld(k) * sizeof(float) +
                                        sizeof(struct topk_hit) + 2 * sizeof(float));
    /* z and its transpose, 8 bytes an entry in each; the weights twice, by target and by source */
    const size_t scaled = 2 * (size_t)csr_entries(interactions) * 8 + (n + m) * 8;
    return scaled + (size_t)o->threads * scratch + 2 * n * kept * 8 + 3 * n * 8;
}

static struct item_item_scratch scratch_make(const struct item_item_job *j, int64_t members)
{
    const size_t n = (size_t)j->z.cols;
    const size_t m = (size_t)j->z.rows;
    const size_t k = (size_t)j->neighbours;
    /* Arrays over all items and all shoppers, cleared only where they were touched: a look costs
     * one access, and a target no more than what it meets. */
    return (struct item_item_scratch){
        .together = mem_array(n + 1, sizeof(float)),
        .met = mem_array(n + 1, sizeof(int32_t)),
        .cosine = mem_array(n + 1, sizeof(float)),
        .hits = mem_array(k + 1, sizeof(struct topk_hit)),
        .neighbours = mem_array(k + 1, sizeof(int32_t)),
        .members_of = mem_array(m + 1, sizeof(int32_t)),
        .shoppers = mem_array(m + 1, sizeof(int32_t)),
        .members = mem_array((size_t)members + 1, sizeof(struct item_item_member)),
        .gram = mat_make(j->neighbours, j->neighbours),
        .solved = mem_array(k + 1, sizeof(float)),
        .failed_target = -1,
    };
}

static void scratch_free(struct item_item_scratch *s)
{
    mem_free(&s->together);
    mem_free(&s->met);
    mem_free(&s->cosine);
    mem_free(&s->hits);
    mem_free(&s->neighbours);
    mem_free(&s->members_of);
    mem_free(&s->shoppers);
    mem_free(&s->members);
    mat_free(&s->gram);
    mem_free(&s->solved);
}

static void job_free(struct item_item_job *j)
{
    csr_free(&j->z);
    csr_free(&j->zt);
    mem_free(&j->squares);
    for (int t = 0; j->scratch && t < j->options->threads; t++) {
        scratch_free(&j->scratch[t]);
    }
    mem_free(&j->scratch);
    mem_free(&j->count);
    mem_free(&j->source);
    mem_free(&j->weight);
}

static struct item_item_job job_make(const struct csr *interactions,
                                     const struct item_item_options *o)
{
    const size_t n = (size_t)interactions->cols;
    struct item_item_job j = {.options = o, .z = item_item_scaled(interactions, o)};
    /* both directions: who had to do with an item, and what else they had to do with */
    j.zt = csr_transpose(&j.z);
    j.squares = mem_array(n + 1, sizeof *j.squares);
    j.mean_square = item_item_squares(&j.zt, j.squares);
    j.neighbours = smaller(o->neighbours, interactions->cols);
    j.kept = smaller(o->kept, j.neighbours);
    j.scratch = mem_array((size_t)o->threads, sizeof *j.scratch);
    /* of the scaled matrix, whose overlong rows are empty */
    const int64_t members = members_most(&j.z, j.neighbours);
    for (int t = 0; t < o->threads; t++) {
        j.scratch[t] = scratch_make(&j, members);
    }
    j.count = mem_array(n + 1, sizeof *j.count);
    j.source = mem_array(n * (size_t)j.kept + 1, sizeof *j.source);
    j.weight = mem_array(n * (size_t)j.kept + 1, sizeof *j.weight);
    return j;
}

/* Rows by source item out of lists by target; targets come ascending. */
static struct csr by_source(const struct item_item_job *j)
{
    const int n = j->z.cols;
    int64_t entries = 0;
    /* A counting sort from lists by target to rows by source: a shopper's
     * items are what serving starts from. */
    for (int t = 0; t < n; t++) {
        entries += j->count[t];
    }
    struct csr w = {
        .rows = n,
        .cols = n,
        .start = mem_array((size_t)n + 1, sizeof *w.start),
        .column = mem_array((size_t)entries + 1, sizeof *w.column),
        .weight = mem_array((size_t)entries + 1, sizeof *w.weight),
    };
    CLEANUP(mem_free) int64_t *next = mem_array((size_t)n + 1, sizeof *next);
    for (int t = 0; t < n; t++) {
        for (int k = 0; k < j->count[t]; k++) {
            w.start[j->source[(size_t)t * (size_t)j->kept + (size_t)k] + 1]++;
        }
    }
    for (int i = 0; i < n; i++) {
        w.start[i + 1] += w.start[i];
        next[i] = w.start[i];
    }
    for (int t = 0; t < n; t++) {
        for (int k = 0; k < j->count[t]; k++) {
            size_t from = (size_t)t * (size_t)j->kept + (size_t)k;
            int64_t at = next[j->source[from]]++;
            /* targets come in order, so columns ascend: item_item_weight searches them by halves */
            w.column[at] = t;
            w.weight[at] = j->weight[from];
        }
    }
    return w;
}

static bool job_failed(const struct item_item_job *j, struct err *err)
{
    const struct item_item_scratch *first = NULL;
    for (int t = 0; t < j->options->threads; t++) {
        const struct item_item_scratch *s = &j->scratch[t];
        /* the lowest target of all threads: the message is the same on any number of them */
        if (s->failed_target >= 0 && (!first || s->failed_target < first->failed_target)) {
            first = s;
        }
    }
    if (first) {
        err_fill(err, ERR_INVALID,
                 "item-item: the neighbourhood of item %d cannot be solved: %.100s",
                 first->failed_target, first->err.text);
    }
    return first != NULL;
}

bool item_item_train(const struct csr *interactions, const struct item_item_options *options,
                     struct csr *out_weights, struct err *err)
{
    if (!options_check(options, err) || !weights_check(interactions, err)) {
        return false;
    }
    /* places of members are held in 32 bits */
    if (members_most(interactions, options->neighbours) > INT32_MAX) {
        return FAIL(err, ERR_INVALID, "item-item: neighbourhoods of %d items are too large here",
                    options->neighbours);
    }
    CLEANUP(job_free) struct item_item_job j = job_make(interactions, options);
    const int parts = (interactions->cols + PART_TARGETS - 1) / PART_TARGETS;
    parallel_run(options->threads, parts, solve_part, &j);
    if (job_failed(&j, err)) {
        return false;
    }
    *out_weights = by_source(&j);
    return true;
}
