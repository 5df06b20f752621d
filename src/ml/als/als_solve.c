/* ALS exactly: one ridge regression a row, by Cholesky; als_eigen.c is what trains by default. A
 * row's result depends on its own entries and the fixed other side only, so rows may be solved in
 * any order on any thread. */
#include "ml/als/als_internal.h"
#include "ml/linear/blas.h"
#include "ml/linear/parallel.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    GATHER_ROWS =
        128, /* at 64 factors these are 32 KiB: they stay near while they are multiplied */
};

/* Memory to solve one row's system, made once a thread. */
struct scratch {
    struct mat system; /* (k, k) */
    struct mat rows;   /* (GATHER_ROWS, k): gathered factor rows, scaled */
    struct mat root;   /* (1, GATHER_ROWS) */
};

static struct scratch scratch_make(int factors)
{
    return (struct scratch){
        .system = mat_make(factors, factors),
        .rows = mat_make(GATHER_ROWS, factors),
        .root = mat_make(1, GATHER_ROWS),
    };
}

static void scratch_free(struct scratch *s)
{
    mat_free(&s->system);
    mat_free(&s->rows);
    mat_free(&s->root);
}

/* Adds the entries' part: system += sum c h h', right += sum c h, gathering rows
 * scaled by sqrt(c). */
static void add_entries(const struct mat *others, const struct als_entries *entries,
                        struct scratch *s, float *right)
{
    size_t factors = (size_t)others->cols;
    for (int from = 0; from < entries->count; from += GATHER_ROWS) {
        int count = entries->count - from < GATHER_ROWS ? entries->count - from : GATHER_ROWS;
        /* gathered first: BLAS wants rows that lie together, and blocks of them */
        for (int e = 0; e < count; e++) {
            const float *restrict row = mat_row(others, entries->column[from + e]);
            float *restrict scaled = mat_row(&s->rows, e);
            /* c h h' = (sqrt(c) h)(sqrt(c) h)': a symmetric update takes half of what a general
             * product would */
            float root = sqrtf(entries->weight[from + e]);
            s->root.data[e] = root;
            for (size_t f = 0; f < factors; f++) {
                scaled[f] = root * row[f];
            }
        }
        struct mat gathered = mat_view(s->rows.data, count, others->cols, s->rows.ld);
        blas_syrk_add(&gathered, &s->system);
        blas_gemv_transposed_add(&gathered, s->root.data, right); /* sum of sqrt(c) (sqrt(c) h) */
    }
}

/* The system of one row, before it is solved: scratch->system (lower triangle) and right (k). */
static void row_system(const struct mat *others, const struct mat *gram, float unobserved_weight,
                       float ridge, const struct als_entries *entries, struct scratch *scratch,
                       float *right)
{
    const int k = others->cols;
    assert(gram->rows == k && scratch->system.rows == k);
    /* k floats: the padding is not the solver's, and stays zero */
    memset(right, 0, (size_t)k * sizeof *right);
    /* Hu et al. 2008, equation 4: all others weigh a0 through the Gram matrix, computed once for
     * all rows; only the observed ones are added row by row. The lower triangle is all that
     * Cholesky reads. */
    for (int i = 0; i < k; i++) {
        const float *from = mat_row(gram, i);
        float *to = mat_row(&scratch->system, i);
        for (int j = 0; j <= i; j++) {
            to[j] = unobserved_weight * from[j];
        }
        to[i] += ridge;
    }
    add_entries(others, entries, scratch, right);
}

bool als_cholesky_row(const struct mat *others, const struct mat *gram, float unobserved_weight,
                      float ridge, const struct als_entries *entries, float *out, struct err *err)
{
    struct scratch scratch = scratch_make(others->cols);
    row_system(others, gram, unobserved_weight, ridge, entries, &scratch, out);
    bool ok = blas_solve_spd(&scratch.system, out, err);
    scratch_free(&scratch);
    return ok;
}

/* ---- all rows of a side ---- */

struct job {
    const struct als_half *half;
    const struct mat *gram;
    struct scratch *scratch;     /* one a worker */
    struct als_failure *failure; /* one a worker */
};

static bool solve_row(const struct job *job, int r, struct scratch *scratch, struct err *err)
{
    const struct als_side *side = job->half->side;
    const struct mat *rows = job->half->rows;
    const int64_t from = side->entries.start[r];
    const struct als_entries entries = {
        .count = (int)(side->entries.start[r + 1] - from),
        .column = side->entries.column + from,
        .weight = side->entries.weight + from,
    };
    float *x = mat_row(rows, r);
    /* The padding as well: rotations and dot products go over ld floats. */
    memset(x, 0, (size_t)rows->ld * sizeof *x);
    if (entries.count == 0) {
        return true;
    }
    row_system(job->half->others, job->gram, job->half->options->unobserved_weight, side->ridge[r],
               &entries, scratch, x);
    return blas_solve_spd(&scratch->system, x, err);
}

static void solve_part(void *ctx, int part, int worker)
{
    const struct job *job = ctx;
    struct als_range range = job->half->side->part[part];
    for (int r = range.begin; r < range.end; r++) {
        struct err err = {0};
        /* the part goes on: which rows fail does not depend on threads */
        if (!solve_row(job, r, &job->scratch[worker], &err)) {
            als_failure_note(&job->failure[worker], r, &err);
        }
    }
}

void als_failure_note(struct als_failure *failure, int row, const struct err *err)
{
    /* the lowest row, whichever was met first: the message does not depend on threads */
    if (!failure->any || row < failure->row) {
        *failure = (struct als_failure){.any = true, .row = row, .err = *err};
    }
}

bool als_failures_told(const struct als_failure *failures, int workers, struct err *err)
{
    const struct als_failure *first = NULL;
    for (int w = 0; w < workers; w++) {
        /* Over all threads, as als_failure_note has it within one. */
        if (failures[w].any && (!first || failures[w].row < first->row)) {
            first = &failures[w];
        }
    }
    if (first) {
        return FAIL(err, first->err.kind, "row %d: %s", first->row, first->err.text);
    }
    return true;
}

bool als_cholesky_half(const struct als_half *half, struct err *err)
{
    const int threads = half->options->threads;
    struct mat gram = als_gram(half->others, threads);
    CLEANUP(mem_free) struct scratch *scratch = mem_array((size_t)threads, sizeof *scratch);
    CLEANUP(mem_free) struct als_failure *failures = mem_array((size_t)threads, sizeof *failures);
    for (int w = 0; w < threads; w++) {
        scratch[w] = scratch_make(half->others->cols);
    }
    struct job job = {.half = half, .gram = &gram, .scratch = scratch, .failure = failures};
    parallel_run(threads, half->side->parts, solve_part, &job);
    for (int w = 0; w < threads; w++) {
        scratch_free(&scratch[w]);
    }
    mat_free(&gram);
    return als_failures_told(failures, threads, err);
}
