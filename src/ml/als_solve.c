/* The heart of ALS: one ridge regression a row, by Cholesky. A row's result depends on its own
 * entries and the fixed other side only, so rows may be solved in any order on any thread. */
#include "ml/als_internal.h"
#include "ml/blas.h"
#include "ml/parallel.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    SIDE_PART_ROWS = 64, /* rows handed to a thread at once: small enough to balance long rows */
    GRAM_PARTS =
        16, /* partial Gram matrices; fixed, so that their sum does not depend on threads */
};

struct als_scratch als_scratch_make(int factors)
{
    return (struct als_scratch){
        .system = mat_make(factors, factors),
        .rows = mat_make(ALS_GATHER_ROWS, factors),
        .root = mat_make(1, ALS_GATHER_ROWS),
    };
}

void als_scratch_free(struct als_scratch *s)
{
    mat_free(&s->system);
    mat_free(&s->rows);
    mat_free(&s->root);
}

struct als_range als_part(int rows, int parts, int part)
{
    return (struct als_range){
        .begin = (int)((int64_t)rows * part / parts),
        .end = (int)((int64_t)rows * (part + 1) / parts),
    };
}

double als_ridge(const struct als_options *options, double weight_sum, int others)
{
    double frequency = weight_sum + (double)options->unobserved_weight * others;
    return (double)options->reg * pow(frequency, (double)options->reg_exponent);
}

/* Adds the entries' part: system += sum c h h', right += sum c h, gathering rows scaled by sqrt(c).
 */
static void add_entries(const struct mat *others, const struct als_entries *entries,
                        struct als_scratch *s, float *right)
{
    size_t factors = (size_t)others->cols;
    for (int from = 0; from < entries->count; from += ALS_GATHER_ROWS) {
        int count =
            entries->count - from < ALS_GATHER_ROWS ? entries->count - from : ALS_GATHER_ROWS;
        for (int e = 0; e < count; e++) {
            const float *restrict row = mat_row(others, entries->column[from + e]);
            float *restrict scaled = mat_row(&s->rows, e);
            float root = sqrtf(entries->weight[from + e]);
            s->root.data[e] = root;
            for (size_t f = 0; f < factors; f++) {
                scaled[f] = root * row[f];
            }
        }
        struct mat gathered = mat_view(s->rows.data, count, others->cols, s->rows.ld);
        blas_syrk_add(&gathered, &s->system);
        blas_gemv_transposed_add(&gathered, s->root.data, right);
    }
}

void als_row_system(const struct mat *others, const struct mat *gram,
                    const struct als_options *options, const struct als_entries *entries,
                    struct als_scratch *scratch, float *right)
{
    const int k = others->cols;
    assert(gram->rows == k && scratch->system.rows == k);
    memset(right, 0, (size_t)k * sizeof *right);
    double weight_sum = 0;
    for (int e = 0; e < entries->count; e++) {
        weight_sum += (double)entries->weight[e];
    }
    float ridge = (float)als_ridge(options, weight_sum, others->rows);
    for (int i = 0; i < k; i++) {
        const float *from = mat_row(gram, i);
        float *to = mat_row(&scratch->system, i);
        for (int j = 0; j <= i; j++) {
            to[j] = options->unobserved_weight * from[j];
        }
        to[i] += ridge;
    }
    add_entries(others, entries, scratch, right);
}

bool als_solve_row(const struct mat *others, const struct mat *gram,
                   const struct als_options *options, const struct als_entries *entries,
                   struct als_scratch *scratch, float *out, struct err *err)
{
    if (entries->count == 0) {
        memset(out, 0, (size_t)others->cols * sizeof *out);
        return true;
    }
    als_row_system(others, gram, options, entries, scratch, out);
    return blas_solve_spd(&scratch->system, out, err);
}

/* ---- all rows of a side ---- */

struct side {
    const struct csr *interactions;
    const struct mat *others;
    const struct mat *gram;
    const struct als_options *options;
    struct mat *rows;
    struct als_scratch *scratch;  /* one a worker */
    struct side_failure *failure; /* one a worker */
};

struct side_failure {
    bool any;
    int row;
    struct err err;
};

static void solve_part(void *ctx, int part, int worker)
{
    const struct side *side = ctx;
    struct side_failure *failure = &side->failure[worker];
    int end = (part + 1) * SIDE_PART_ROWS < side->rows->rows ? (part + 1) * SIDE_PART_ROWS
                                                             : side->rows->rows;
    for (int row = part * SIDE_PART_ROWS; row < end; row++) {
        int64_t from = side->interactions->start[row];
        struct als_entries entries = {
            .count = (int)(side->interactions->start[row + 1] - from),
            .column = side->interactions->column + from,
            .weight = side->interactions->weight + from,
        };
        struct err err = {0};
        if (!als_solve_row(side->others, side->gram, side->options, &entries,
                           &side->scratch[worker], mat_row(side->rows, row), &err) &&
            (!failure->any || row < failure->row)) {
            *failure = (struct side_failure){.any = true, .row = row, .err = err};
        }
    }
}

/* Tells of the lowest failed row, whichever thread met it. */
static bool side_told(const struct side_failure *failures, int workers, struct err *err)
{
    const struct side_failure *first = NULL;
    for (int w = 0; w < workers; w++) {
        if (failures[w].any && (!first || failures[w].row < first->row)) {
            first = &failures[w];
        }
    }
    if (first) {
        return FAIL(err, first->err.kind, "row %d: %s", first->row, first->err.text);
    }
    return true;
}

bool als_solve_side(const struct csr *interactions, const struct mat *others,
                    const struct als_options *options, struct mat *rows, struct err *err)
{
    assert(interactions->rows == rows->rows && interactions->cols == others->rows);
    struct mat gram = als_gram(others, options->threads);
    CLEANUP(mem_free)
    struct als_scratch *scratch = mem_array((size_t)options->threads, sizeof *scratch);
    CLEANUP(mem_free)
    struct side_failure *failures = mem_array((size_t)options->threads, sizeof *failures);
    for (int w = 0; w < options->threads; w++) {
        scratch[w] = als_scratch_make(others->cols);
    }
    struct side side = {.interactions = interactions,
                        .others = others,
                        .gram = &gram,
                        .options = options,
                        .rows = rows,
                        .scratch = scratch,
                        .failure = failures};
    int parts = (int)(((int64_t)rows->rows + SIDE_PART_ROWS - 1) / SIDE_PART_ROWS);
    parallel_run(options->threads, parts, solve_part, &side);
    for (int w = 0; w < options->threads; w++) {
        als_scratch_free(&scratch[w]);
    }
    mat_free(&gram);
    return side_told(failures, options->threads, err);
}

/* ---- Gram matrix ---- */

struct gram_job {
    const struct mat *items;
    struct mat *partial; /* (GRAM_PARTS) of (k, k) */
};

static void gram_part(void *ctx, int part, int worker)
{
    (void)worker;
    const struct gram_job *job = ctx;
    struct als_range range = als_part(job->items->rows, GRAM_PARTS, part);
    struct mat rows = mat_view(mat_row(job->items, range.begin), range.end - range.begin,
                               job->items->cols, job->items->ld);
    blas_syrk_add(&rows, &job->partial[part]);
}

struct mat als_gram(const struct mat *items, int threads)
{
    struct mat partial[GRAM_PARTS];
    for (int p = 0; p < GRAM_PARTS; p++) {
        partial[p] = mat_make(items->cols, items->cols);
    }
    struct gram_job job = {.items = items, .partial = partial};
    parallel_run(threads, GRAM_PARTS, gram_part, &job);
    size_t floats = (size_t)partial[0].rows * (size_t)partial[0].ld;
    for (int p = 1; p < GRAM_PARTS; p++) {
        for (size_t i = 0; i < floats; i++) {
            partial[0].data[i] += partial[p].data[i];
        }
        mat_free(&partial[p]);
    }
    blas_mirror(&partial[0]);
    return partial[0];
}
