/* Plain conjugate gradients for implicit-feedback ALS, the baseline. See the header. */
#include "als_plain_cg.h"

#include "ml/linear/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ROWS = 64 };

struct mat als_plain_cg_matrix(int rows, int cols, const struct mat *from)
{
    struct mat m = mat_view(NULL, rows, cols, mat_ld(cols));
    size_t bytes = (size_t)rows * (size_t)m.ld * sizeof *m.data;
    m.data = aligned_alloc(64, bytes);
    if (!m.data) {
        abort();
    }
    memset(m.data, 0, bytes);
    if (from) {
        mat_copy(from, &m);
    }
    return m;
}

struct side {
    const int64_t *start; /* entries of each row */
    const int32_t *column;
    const float *weight;
    const struct als_options *options;
    const struct mat *others;
    struct mat system; /* a0 times the Gram matrix of the others */
    struct mat *rows;
    float enough; /* the residual's square, as a share of what it was, at which a row is done */
};

/* y = system x + ridge x */
static void multiply(const struct mat *system, float ridge, const float *restrict x,
                     float *restrict y, int k)
{
    for (int i = 0; i < k; i++) {
        y[i] = ridge * x[i];
    }
    int j = 0;
    for (; j + 4 <= k; j += 4) {
        const float *restrict a = mat_row(system, j);
        const float *restrict b = mat_row(system, j + 1);
        const float *restrict c = mat_row(system, j + 2);
        const float *restrict d = mat_row(system, j + 3);
        for (int i = 0; i < k; i++) {
            y[i] += x[j] * a[i] + x[j + 1] * b[i] + x[j + 2] * c[i] + x[j + 3] * d[i];
        }
    }
    for (; j < k; j++) {
        const float *restrict a = mat_row(system, j);
        for (int i = 0; i < k; i++) {
            y[i] += x[j] * a[i];
        }
    }
}

static float dot(const float *restrict a, const float *restrict b, int k)
{
    float sum = 0;
    for (int i = 0; i < k; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* y += sum of c (h.x - one) h */
static void add_entries(const struct side *s, int row, float one, const float *restrict x,
                        float *restrict y, int k)
{
    for (int64_t e = s->start[row]; e < s->start[row + 1]; e++) {
        const float *restrict h = mat_row(s->others, s->column[e]);
        float by = s->weight[e] * (dot(h, x, k) - one);
        for (int i = 0; i < k; i++) {
            y[i] += by * h[i];
        }
    }
}

static void solve_row(const struct side *s, int row)
{
    _Alignas(64) float residual[ALS_FACTORS_MAX];
    _Alignas(64) float direction[ALS_FACTORS_MAX];
    _Alignas(64) float product[ALS_FACTORS_MAX];
    const int k = s->others->cols;
    float *restrict x = mat_row(s->rows, row);
    float weight = 0;
    for (int64_t e = s->start[row]; e < s->start[row + 1]; e++) {
        weight += s->weight[e];
    }
    float ridge =
        s->options->reg * powf(weight + s->options->unobserved_weight * (float)s->others->rows,
                               s->options->reg_exponent);
    multiply(&s->system, ridge, x, residual, k);
    add_entries(s, row, 1, x, residual, k);
    for (int i = 0; i < k; i++) {
        residual[i] = -residual[i];
    }
    memcpy(direction, residual, (size_t)k * sizeof *direction);
    float size = dot(residual, residual, k);
    const float enough = fmaxf(1e-20F, s->enough * size);
    for (int step = 0; step < s->options->steps && size > enough; step++) {
        multiply(&s->system, ridge, direction, product, k);
        add_entries(s, row, 0, direction, product, k);
        float along = size / dot(direction, product, k);
        for (int i = 0; i < k; i++) {
            x[i] += along * direction[i];
            residual[i] -= along * product[i];
        }
        float next = dot(residual, residual, k);
        for (int i = 0; i < k; i++) {
            direction[i] = residual[i] + next / size * direction[i];
        }
        size = next;
    }
}

static void solve_block(void *ctx, int part, int worker)
{
    const struct side *s = ctx;
    (void)worker;
    for (int row = part * BLOCK_ROWS; row < (part + 1) * BLOCK_ROWS && row < s->rows->rows; row++) {
        if (s->start[row] == s->start[row + 1]) {
            memset(mat_row(s->rows, row), 0, (size_t)s->rows->ld * sizeof(float));
        } else {
            solve_row(s, row);
        }
    }
}

static void solve_side(const struct csr *m, const struct als_options *options,
                       const struct mat *others, struct mat *rows)
{
    struct side s = {.start = m->start,
                     .column = m->column,
                     .weight = m->weight,
                     .options = options,
                     .others = others,
                     .system = als_gram(others, options->threads),
                     .rows = rows};
    for (int i = 0; i < s.system.rows * s.system.ld; i++) {
        s.system.data[i] *= options->unobserved_weight;
    }
    parallel_run(options->threads, (rows->rows + BLOCK_ROWS - 1) / BLOCK_ROWS, solve_block, &s);
    mat_free(&s.system);
}

void als_plain_cg_sweep(const struct csr *interactions, const struct csr *by_item,
                        const struct als_options *options, struct mat *shoppers, struct mat *items)
{
    solve_side(interactions, options, items, shoppers);
    solve_side(by_item, options, shoppers, items);
}

void als_plain_cg_fold_in(const struct mat *items, const struct mat *system,
                          const struct als_options *options, const struct als_entries *done,
                          float *out)
{
    const int64_t start[2] = {0, done->count};
    struct mat rows = mat_view(out, 1, items->cols, items->ld);
    const struct side s = {.start = start,
                           .column = done->column,
                           .weight = done->weight,
                           .options = options,
                           .others = items,
                           .system = *system,
                           .rows = &rows,
                           .enough = 1e-10F};
    memset(out, 0, (size_t)items->cols * sizeof *out);
    solve_row(&s, 0);
}
