/* ALS in the eigenbasis of the other side's Gram matrix: both factor matrices are rotated into it,
 * which makes the dense part of every row's system diagonal; what is left of a row's work are a few
 * steps of conjugate gradients over its own entries. */
#include "ml/als/als_internal.h"
#include "ml/als/als_rotation.h"
#include "ml/als/als_rows.h"
#include "ml/als/als_serve.h"
#include "ml/linear/blas.h"
#include "ml/linear/parallel.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    ROTATE_ROWS = 240, /* at once: they stay in the second cache with the basis */
    ROTATE_PARTS = 64, /* of the other side */
    /* A packed number is below 2^14: half precision ends just below 2^16, and what is rounded may
     * pass its bound. */
    HALF_BITS = 14,
};

struct job {
    const struct als_half *half;
    struct als_rotation rotation; /* into the eigenbasis */
    struct als_system system;
    als_row_fn *solve;
    float **scratch;             /* one a worker */
    struct als_failure *failure; /* one a worker */
};

static float **scratch_make(int threads, int factors)
{
    float **scratch = mem_array((size_t)threads, sizeof *scratch);
    for (int w = 0; w < threads; w++) {
        /* one each, so that no two threads write to one line of cache */
        scratch[w] = mem_wide(als_rotation_scratch(factors), sizeof **scratch);
    }
    return scratch;
}

static void scratch_free(float **scratch, int threads)
{
    for (int w = 0; w < threads; w++) {
        mem_free(&scratch[w]);
    }
    mem_free(&scratch);
}

/* ---- the other side ---- */

static void rotate_others(void *ctx, int part, int worker)
{
    const struct job *job = ctx;
    const struct als_half *half = job->half;
    struct mat *others = half->others;
    struct als_range range = als_part(others->rows, ROTATE_PARTS, part);
    for (int from = range.begin; from < range.end; from += ROTATE_ROWS) {
        int end = range.end - from < ROTATE_ROWS ? range.end : from + ROTATE_ROWS;
        size_t at = (size_t)from * (size_t)others->ld;
        /* in place: the objective does not change when both sides are rotated alike */
        als_rotation_apply(&job->rotation, others, from, end, job->scratch[worker]);
        /* at once, while the rotated rows are in the cache */
        if (half->packed) {
            als_pack(others->data + at, (size_t)(end - from) * (size_t)others->ld, job->system.unit,
                     half->packed + at);
        }
    }
}

/* ---- the rows ---- */

static void solve_row(const struct job *job, int r)
{
    const struct csr *m = &job->half->side->entries;
    struct mat *rows = job->half->rows;
    float *x = mat_row(rows, r);
    const int64_t from = m->start[r];
    if (m->start[r + 1] ==
        from) { /* b = 0, and the system is regular: x = 0 exactly, without a step */
        memset(x, 0, (size_t)rows->ld * sizeof *x);
        return;
    }
    const struct als_row row = {
        .column = m->column + from,
        .weight = m->weight + from,
        .count = m->start[r + 1] - from,
        .after = csr_entries(m) - m->start[r + 1], /* rows lie one behind the other */
        .ridge = job->half->side->ridge[r],
    };
    job->solve(&job->system, &row, NULL, x);
}

/* Looks at rows [begin, end) as a whole first: a look at each takes longer than some
 * take to solve. */
static void note_not_finite(const struct mat *rows, int begin, int end, struct als_failure *failure)
{
    if (floats_are_finite(mat_row(rows, begin), (size_t)(end - begin) * (size_t)rows->ld)) {
        return;
    }
    for (int r = begin; r < end; r++) {
        if (!floats_are_finite(mat_row(rows, r), (size_t)rows->cols)) {
            struct err err = {0};
            (void)FAIL(&err, ERR_INVALID, "its factors are not finite numbers");
            /* noted and not told: the other parts go on, and the lowest row is reported */
            als_failure_note(failure, r, &err);
        }
    }
}

static void solve_part(void *ctx, int part, int worker)
{
    const struct job *job = ctx;
    struct als_range range = job->half->side->part[part];
    for (int from = range.begin; from < range.end; from += ROTATE_ROWS) {
        int end = range.end - from < ROTATE_ROWS ? range.end : from + ROTATE_ROWS;
        /* the last sweep's solution is the start (Takacs et al. 2011): it has to come along into
         * this basis. In blocks, so that rows are solved while they are in the cache. */
        als_rotation_apply(&job->rotation, job->half->rows, from, end, job->scratch[worker]);
        for (int r = from; r < end; r++) {
            solve_row(job, r);
        }
        note_not_finite(job->half->rows, from, end, &job->failure[worker]);
    }
}

float als_half_unit(float largest_eigenvalue)
{
    int exponent = 0;
    /* The exponent e has root < 2^e, so that root / unit < 2^HALF_BITS. */
    (void)frexpf(sqrtf(largest_eigenvalue), &exponent);
    return ldexpf(1, exponent - HALF_BITS);
}

/* Eigenvectors of a Gram matrix in its place, eigenvalues falling. There are none below 0, but
 * rounding makes some of 0 where there are fewer rows than factors; one below minus the ridge would
 * turn a row's system over. */
static bool eigen_of(struct mat *gram, float *out_values, struct err *err)
{
    if (!blas_eigen(gram, out_values, err)) {
        return false;
    }
    for (int i = 0; i < gram->cols; i++) {
        out_values[i] = fmaxf(out_values[i], 0);
    }
    return true;
}

static bool run(struct job *job, struct mat *gram, struct err *err)
{
    const struct als_half *half = job->half;
    const int threads = half->options->threads;
    const int k = half->others->cols;
    /* Zero behind k: the padding of a row has the ridge alone as its diagonal, which can
     * be divided by, and stays zero. */
    float dense[ALS_FACTORS_MAX] = {0};
    if (!eigen_of(gram, dense, err)) {
        return false;
    }
    job->rotation = als_rotation_make(gram);
    job->system = (struct als_system){
        .others = half->packed ? NULL : half->others->data,
        .packed = half->packed,
        /* falling order: the first eigenvalue is the largest */
        .unit = half->packed ? als_half_unit(dense[0]) : 1,
        .ld = half->others->ld,
        .dense = dense,
        .steps = half->steps,
    };
    for (int i = 0; i < k; i++) {
        /* only now: the unit above is that of the eigenvalues as they are */
        dense[i] *= half->options->unobserved_weight;
    }
    job->solve = als_row_kernel(&job->system);
    /* all others first: any row may need any of them */
    parallel_run(threads, ROTATE_PARTS, rotate_others, job);
    parallel_run(threads, half->side->parts, solve_part, job);
    return als_failures_told(job->failure, threads, err);
}

bool als_eigen_half(const struct als_half *half, struct err *err)
{
    const int threads = half->options->threads;
    assert(half->rows->ld == half->others->ld);
    struct job job = {
        .half = half,
        .scratch = scratch_make(threads, half->others->cols),
        .failure = mem_array((size_t)threads, sizeof(struct als_failure)),
    };
    /* becomes the basis in its place (eigen_of): no second k by k matrix */
    struct mat gram = als_gram(half->others, threads);
    bool ok = run(&job, &gram, err);
    als_rotation_free(&job.rotation);
    scratch_free(job.scratch, threads);
    mem_free(&job.failure);
    mat_free(&gram);
    return ok;
}

/* ---- for serving ---- */

struct serving {
    struct mat *items;
    struct als_rotation rotation;
    float **scratch;
};

static void rotate_part(void *ctx, int part, int worker)
{
    const struct serving *s = ctx;
    struct als_range range = als_part(s->items->rows, ROTATE_PARTS, part);
    als_rotation_apply(&s->rotation, s->items, range.begin, range.end, s->scratch[worker]);
}

bool als_rotate(struct mat *items, int threads, float *out_spectrum, struct err *err)
{
    assert(items->cols >= 1 && items->ld == mat_ld(items->cols));
    struct mat basis = als_gram(items, threads);
    if (!eigen_of(&basis, out_spectrum, err)) {
        mat_free(&basis);
        return false;
    }
    /* V'(H'H)V is diagonal: after the turn the eigenvalues are the whole Gram matrix */
    struct serving serving = {items, als_rotation_make(&basis), scratch_make(threads, items->cols)};
    parallel_run(threads, ROTATE_PARTS, rotate_part, &serving);
    als_rotation_free(&serving.rotation);
    scratch_free(serving.scratch, threads);
    mat_free(&basis);
    return true;
}

size_t als_half_bytes(const struct als_options *options)
{
    const size_t k = (size_t)mat_ld(options->factors);
    const size_t threads = (size_t)options->threads;
    const size_t gram = ALS_GRAM_PARTS * k * k * sizeof(float);
    /* A system and the gathered rows (GATHER_ROWS of als_solve.c) for each thread. */
    if (options->solver != ALS_SOLVER_EIGEN) {
        return gram + threads * k * (k + 128) * sizeof(float);
    }
    return gram + k * k * sizeof(float) +
           threads * als_rotation_scratch(options->factors) * sizeof(float);
}
