/* The local item-item model: neighbours by cosine, one ridge regression in each neighbourhood. No Gram matrix of all items is ever held: each
 * neighbourhood's is summed up from the shoppers who had to do with it. */
#include "ml/items/item_item.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/items/item_item_internal.h"
#include "ml/linear/blas.h"
#include "ml/linear/mat.h"
#include "ml/linear/parallel.h"
#include "ml/topk/topk.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

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

float item_item_value(float observed, float weight_exponent)
{
    if (weight_exponent >= 1) {
        return observed;
    }
    return weight_exponent > 0 ? powf(observed, weight_exponent) : 1;
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
        if (!(a->weight[e] > 0) || !isfinite(a->weight[e])) {
            return FAIL(err, ERR_INVALID, "item-item: entry %lld has the weight %g", (long long)e,
                        (double)a->weight[e]);
        }
    }
    return true;
}

static int64_t row_entries(const struct csr *a, int row)
{
    int64_t count = a->start[row + 1] - a->start[row];
    return count <= ITEM_ITEM_ROW_MAX ? count : 0;
}

static double row_sum(const struct csr *a, int row, float weight_exponent)
{
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
    for (int u = 0; u < a->rows; u++) {
        sum += row_sum(a, u, o->weight_exponent);
        rows += row_entries(a, u) > 0;
    }
    for (int u = 0; u < a->rows; u++) {
        int64_t at = z.start[u];
        double relative = row_sum(a, u, o->weight_exponent) / (sum / rows);
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
        items += out[i] > 0;
    }
    return items > 0 ? sum / items : 1;
}

/* ---- one target ---- */

/* One entry of a shopper within a neighbourhood. */
struct member {
    int32_t neighbour; /* 0 .. K-1 */
    float value;
};

/* Of one thread. Between targets: together and members_of all zero. */
struct scratch {
    float *together;        /* (n) g_ij with the target */
    int32_t *met;           /* (n) items that occur with it */
    float *cosine;          /* (n) of met */
    struct topk_hit *hits;  /* (K) */
    int32_t *neighbours;    /* (K) ascending */
    int32_t *members_of;    /* (m) entries of a shopper in the neighbourhood, then where they end */
    int32_t *shoppers;      /* (m) those that have some */
    struct member *members; /* (members_cap) shopper by shopper */
    struct mat gram;        /* (K, K) */
    float *solved;          /* (K) */
    int failed_target;      /* -1 */
    struct err err;
};

struct job {
    const struct item_item_options *options;
    struct csr z;    /* (m, n) */
    struct csr zt;   /* (n, m) */
    double *squares; /* (n) g_ii */
    double mean_square;
    int neighbours; /* of the options, at most n */
    int kept;
    struct scratch *scratch; /* (threads) */
    /* Out, by target: */
    int32_t *count;  /* (n) */
    int32_t *source; /* (n, kept) ascending */
    float *weight;   /* (n, kept) */
};

static int by_number(const void *a, const void *b)
{
    const int32_t *x = a;
    const int32_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* Sums g_ij for all i that occur with the target; returns how many there are. */
static int gather_together(const struct job *j, struct scratch *s, int target)
{
    int met = 0;
    for (int64_t e = j->zt.start[target]; e < j->zt.start[target + 1]; e++) {
        const int shopper = j->zt.column[e];
        const float value = j->zt.weight[e];
        for (int64_t q = j->z.start[shopper]; q < j->z.start[shopper + 1]; q++) {
            const int item = j->z.column[q];
            if (s->together[item] == 0) {
                s->met[met++] = item;
            }
            s->together[item] += value * j->z.weight[q];
        }
    }
    return met;
}

/* The K nearest by cosine, ascending by number. The target's own norm is the same for all of them. */
static int choose_neighbours(const struct job *j, struct scratch *s, int target, int met)
{
    for (int i = 0; i < met; i++) {
        s->cosine[i] =
            s->met[i] == target ? -1 : s->together[s->met[i]] / (float)sqrt(j->squares[s->met[i]]);
    }
    int count = topk_of_scores(s->cosine, met, j->neighbours, NULL, s->hits);
    int kept = 0;
    for (int i = 0; i < count; i++) {
        if (s->hits[i].score > 0) {
            s->neighbours[kept++] = s->met[s->hits[i].id];
        }
    }
    qsort(s->neighbours, (size_t)kept, sizeof *s->neighbours, by_number);
    return kept;
}

/* Lays the neighbourhood's entries out shopper by shopper, neighbours ascending; returns the number of shoppers. members_of[u] is then where those
 * of u end. */
static int lay_members(const struct job *j, struct scratch *s, int count)
{
    int shoppers = 0;
    int32_t end = 0;
    for (int k = 0; k < count; k++) {
        const int item = s->neighbours[k];
        for (int64_t e = j->zt.start[item]; e < j->zt.start[item + 1]; e++) {
            const int shopper = j->zt.column[e];
            if (s->members_of[shopper]++ == 0) {
                s->shoppers[shoppers++] = shopper;
            }
        }
    }
    for (int i = 0; i < shoppers; i++) {
        int32_t *slot = &s->members_of[s->shoppers[i]];
        int32_t size = *slot;
        *slot = end;
        end += size;
    }
    for (int k = 0; k < count; k++) {
        const int item = s->neighbours[k];
        for (int64_t e = j->zt.start[item]; e < j->zt.start[item + 1]; e++) {
            s->members[s->members_of[j->zt.column[e]]++] = (struct member){k, j->zt.weight[e]};
        }
    }
    return shoppers;
}

/* Lower triangle of G_NN + diag(r) into s->gram, as a (count, count) view. Leaves members_of zero. */
static struct mat sum_gram(const struct job *j, struct scratch *s, int count)
{
    struct mat gram = mat_view(s->gram.data, count, count, mat_ld(count));
    const int shoppers = lay_members(j, s, count);
    int32_t from = 0;
    memset(gram.data, 0, (size_t)count * (size_t)gram.ld * sizeof *gram.data);
    for (int i = 0; i < shoppers; i++) {
        const int32_t end = s->members_of[s->shoppers[i]];
        for (int32_t p = from; p < end; p++) {
            float *row = mat_row(&gram, s->members[p].neighbour);
            for (int32_t q = from; q <= p; q++) {
                row[s->members[q].neighbour] += s->members[p].value * s->members[q].value;
            }
        }
        s->members_of[s->shoppers[i]] = 0;
        from = end;
    }
    for (int k = 0; k < count; k++) {
        mat_row(&gram, k)[k] +=
            (float)item_item_ridge(j->options, j->squares[s->neighbours[k]], j->mean_square);
    }
    return gram;
}

/* Magnitude of the smallest weight that is kept; ties at it are all dropped but as many as fit, lower numbers first. */
static void keep_largest(const struct job *j, struct scratch *s, int target, int count)
{
    const size_t at = (size_t)target * (size_t)j->kept;
    const float scale =
        (float)item_item_target_scale(j->options, j->squares[target], j->mean_square);
    int kept = 0;
    bool whole = count <= j->kept;
    for (int k = 0; k < count; k++) {
        s->cosine[k] = fabsf(s->solved[k]);
    }
    int best = whole ? count : topk_of_scores(s->cosine, count, j->kept, NULL, s->hits);
    for (int k = 0; k < best; k++) {
        s->met[k] = whole ? k : s->hits[k].id;
    }
    qsort(s->met, (size_t)best, sizeof *s->met, by_number);
    for (int k = 0; k < best; k++) {
        float weight = scale * s->solved[s->met[k]];
        if (weight != 0) {
            j->source[at + (size_t)kept] = s->neighbours[s->met[k]];
            j->weight[at + (size_t)kept] = weight;
            kept++;
        }
    }
    j->count[target] = kept;
}

static void solve_target(const struct job *j, struct scratch *s, int target)
{
    const int met = gather_together(j, s, target);
    const int count = choose_neighbours(j, s, target, met);
    for (int k = 0; k < count; k++) {
        s->solved[k] = s->together[s->neighbours[k]];
    }
    for (int i = 0; i < met; i++) {
        s->together[s->met[i]] = 0;
    }
    if (count == 0) {
        return;
    }
    struct mat gram = sum_gram(j, s, count);
    if (blas_solve_spd(&gram, s->solved, &s->err)) {
        keep_largest(j, s, target, count);
    } else if (s->failed_target < 0 || target < s->failed_target) {
        s->failed_target = target;
    }
}

static void solve_part(void *ctx, int part, int worker)
{
    const struct job *j = ctx;
    struct scratch *s = &j->scratch[worker];
    for (int t = part * PART_TARGETS; t < (part + 1) * PART_TARGETS && t < j->z.cols; t++) {
        solve_target(j, s, t);
    }
}

/* ---- all targets ---- */

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
    const size_t members = (size_t)members_most(interactions, k);
    const size_t scratch = (n * (2 * sizeof(float) + sizeof(int32_t))) + 2 * m * sizeof(int32_t) +
                           members * sizeof(struct member) +
                           (size_t)k * ((size_t)mat_ld(k) * sizeof(float) +
                                        sizeof(struct topk_hit) + 2 * sizeof(float));
    const size_t scaled = 2 * (size_t)csr_entries(interactions) * 8 + (n + m) * 8;
    return scaled + (size_t)o->threads * scratch + 2 * n * kept * 8 + 3 * n * 8;
}

static struct scratch scratch_make(const struct job *j, int64_t members)
{
    const size_t n = (size_t)j->z.cols;
    const size_t m = (size_t)j->z.rows;
    const size_t k = (size_t)j->neighbours;
    return (struct scratch){
        .together = mem_array(n + 1, sizeof(float)),
        .met = mem_array(n + 1, sizeof(int32_t)),
        .cosine = mem_array(n + 1, sizeof(float)),
        .hits = mem_array(k + 1, sizeof(struct topk_hit)),
        .neighbours = mem_array(k + 1, sizeof(int32_t)),
        .members_of = mem_array(m + 1, sizeof(int32_t)),
        .shoppers = mem_array(m + 1, sizeof(int32_t)),
        .members = mem_array((size_t)members + 1, sizeof(struct member)),
        .gram = mat_make(j->neighbours, j->neighbours),
        .solved = mem_array(k + 1, sizeof(float)),
        .failed_target = -1,
    };
}

static void scratch_free(struct scratch *s)
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

static void job_free(struct job *j)
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

static struct job job_make(const struct csr *interactions, const struct item_item_options *o)
{
    const size_t n = (size_t)interactions->cols;
    struct job j = {.options = o, .z = item_item_scaled(interactions, o)};
    j.zt = csr_transpose(&j.z);
    j.squares = mem_array(n + 1, sizeof *j.squares);
    j.mean_square = item_item_squares(&j.zt, j.squares);
    j.neighbours = smaller(o->neighbours, interactions->cols);
    j.kept = smaller(o->kept, j.neighbours);
    j.scratch = mem_array((size_t)o->threads, sizeof *j.scratch);
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
static struct csr by_source(const struct job *j)
{
    const int n = j->z.cols;
    int64_t entries = 0;
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
            w.column[at] = t;
            w.weight[at] = j->weight[from];
        }
    }
    return w;
}

static bool job_failed(const struct job *j, struct err *err)
{
    const struct scratch *first = NULL;
    for (int t = 0; t < j->options->threads; t++) {
        const struct scratch *s = &j->scratch[t];
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
    if (members_most(interactions, options->neighbours) > INT32_MAX) {
        return FAIL(err, ERR_INVALID, "item-item: neighbourhoods of %d items are too large here",
                    options->neighbours);
    }
    CLEANUP(job_free) struct job j = job_make(interactions, options);
    const int parts = (interactions->cols + PART_TARGETS - 1) / PART_TARGETS;
    parallel_run(options->threads, parts, solve_part, &j);
    if (job_failed(&j, err)) {
        return false;
    }
    *out_weights = by_source(&j);
    return true;
}

/* ---- use ---- */

void item_item_target_scales(const struct csr *interactions,
                             const struct item_item_options *options, float *out)
{
    struct csr z = item_item_scaled(interactions, options);
    struct csr zt = csr_transpose(&z);
    CLEANUP(mem_free) double *squares = mem_array((size_t)zt.rows + 1, sizeof *squares);
    const double mean = item_item_squares(&zt, squares);
    for (int i = 0; i < zt.rows; i++) {
        out[i] = squares[i] > 0 ? (float)item_item_target_scale(options, squares[i], mean) : 1;
    }
    csr_free(&z);
    csr_free(&zt);
}

void item_item_add_scores(const struct csr *weights, float weight_exponent, int count,
                          const int32_t *items, const float *observed, float *scores)
{
    for (int i = 0; i < count; i++) {
        assert(items[i] >= 0 && items[i] < weights->rows);
        const float value = item_item_value(observed[i], weight_exponent);
        for (int64_t e = weights->start[items[i]]; e < weights->start[items[i] + 1]; e++) {
            scores[weights->column[e]] += value * weights->weight[e];
        }
    }
}

float item_item_weight(const struct csr *weights, int i, int j)
{
    int64_t low = weights->start[i];
    int64_t high = weights->start[i + 1];
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (weights->column[middle] < j) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < weights->start[i + 1] && weights->column[low] == j ? weights->weight[low] : 0;
}
