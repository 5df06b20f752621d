/* ALS by the book, in double and without BLAS: what the fast solvers must agree with. */
#include "ml/als/als_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static double *cell(double *a, int k, int i, int j)
{
    return &a[(size_t)i * (size_t)k + (size_t)j];
}

/* Cholesky a = l l', then two triangular solves; a and b are overwritten. */
static void solve_plain(double *a, double *b, int k)
{
    /* column by column (Golub, Van Loan, Matrix Computations, section 4.2), the
     * lower triangle only */
    for (int j = 0; j < k; j++) {
        for (int p = 0; p < j; p++) {
            for (int i = j; i < k; i++) {
                *cell(a, k, i, j) -= *cell(a, k, i, p) * *cell(a, k, j, p);
            }
        }
        double pivot = sqrt(*cell(a, k, j, j));
        /* positive definite by the ridge, which is above 0 */
        assert(pivot > 0);
        for (int i = j; i < k; i++) {
            *cell(a, k, i, j) /= pivot;
        }
    }
    for (int i = 0; i < k; i++) { /* l y = b */
        for (int j = 0; j < i; j++) {
            b[i] -= *cell(a, k, i, j) * b[j];
        }
        b[i] /= *cell(a, k, i, i);
    }
    for (int i = k - 1; i >= 0; i--) { /* l' x = y */
        for (int j = i + 1; j < k; j++) {
            b[i] -= *cell(a, k, j, i) * b[j];
        }
        b[i] /= *cell(a, k, i, i);
    }
}

static void add_outer(double *a, int k, double weight, const float *row)
{
    for (int i = 0; i < k; i++) {
        for (int j = 0; j < k; j++) {
            *cell(a, k, i, j) += weight * (double)row[i] * (double)row[j];
        }
    }
}

struct plain {
    double *system; /* (k, k) */
    double *right;  /* (k) */
};

static void solve_row(const struct als_half *half, int r, struct plain *p)
{
    const struct csr *m = &half->side->entries;
    const struct mat *others = half->others;
    const int k = others->cols;
    /* used again for each row */
    memset(p->system, 0, (size_t)k * (size_t)k * sizeof *p->system);
    memset(p->right, 0, (size_t)k * sizeof *p->right);
    /* the objective's second sum by its definition, other by other, where the fast solvers use one
     * Gram matrix for all rows */
    for (int o = 0; o < others->rows; o++) {
        add_outer(p->system, k, (double)half->options->unobserved_weight, mat_row(others, o));
    }
    for (int64_t e = m->start[r]; e < m->start[r + 1]; e++) {
        const float *row = mat_row(others, m->column[e]);
        double weight = (double)m->weight[e];
        add_outer(p->system, k, weight, row);
        for (int i = 0; i < k; i++) {
            p->right[i] += weight * (double)row[i];
        }
    }
    for (int i = 0; i < k; i++) {
        /* the gradient of reg (C + a0 n)^e |x|^2: a term on the diagonal, whatever the basis */
        *cell(p->system, k, i, i) += (double)half->side->ridge[r];
    }
    solve_plain(p->system, p->right, k);
}

bool als_plain_half(const struct als_half *half, struct err *err)
{
    const int k = half->others->cols;
    const int64_t *start = half->side->entries.start;
    struct plain p = {.system = mem_array((size_t)k * (size_t)k, sizeof *p.system),
                      .right = mem_array((size_t)k, sizeof *p.right)};
    (void)err;
    for (int r = 0; r < half->rows->rows; r++) {
        float *x = mat_row(half->rows, r);
        memset(x, 0, (size_t)half->rows->ld * sizeof *x);
        /* b = 0, so that x = 0 exactly */
        if (start[r] == start[r + 1]) {
            continue;
        }
        solve_row(half, r, &p);
        for (int i = 0; i < k; i++) {
            x[i] = (float)p.right[i];
        }
    }
    mem_free(&p.system);
    mem_free(&p.right);
    return true;
}
