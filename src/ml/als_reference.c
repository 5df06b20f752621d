/* ALS by the book, in double and without BLAS, and the exact objective: what the fast solver must
 * agree with. */
#include "ml/als_internal.h"
#include "ml/blas.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>

/* ---- reference sweep ---- */

static double *cell(double *a, int k, int i, int j)
{
    return &a[(size_t)i * (size_t)k + (size_t)j];
}

/* Cholesky a = l l', then two triangular solves; a and b are overwritten. */
static void solve_plain(double *a, double *b, int k)
{
    for (int j = 0; j < k; j++) {
        for (int p = 0; p < j; p++) {
            for (int i = j; i < k; i++) {
                *cell(a, k, i, j) -= *cell(a, k, i, p) * *cell(a, k, j, p);
            }
        }
        double pivot = sqrt(*cell(a, k, j, j));
        assert(pivot > 0);
        for (int i = j; i < k; i++) {
            *cell(a, k, i, j) /= pivot;
        }
    }
    for (int i = 0; i < k; i++) {
        for (int j = 0; j < i; j++) {
            b[i] -= *cell(a, k, i, j) * b[j];
        }
        b[i] /= *cell(a, k, i, i);
    }
    for (int i = k - 1; i >= 0; i--) {
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

static void reference_side(const struct csr *interactions, const struct mat *others,
                           const struct als_options *options, struct mat *rows)
{
    int k = others->cols;
    double *system = mem_array((size_t)k * (size_t)k, sizeof *system);
    double *right = mem_array((size_t)k, sizeof *right);
    for (int r = 0; r < rows->rows; r++) {
        for (size_t i = 0; i < (size_t)k * (size_t)k; i++) {
            system[i] = 0;
        }
        for (int i = 0; i < k; i++) {
            right[i] = 0;
            mat_row(rows, r)[i] = 0;
        }
        if (interactions->start[r] == interactions->start[r + 1]) {
            continue;
        }
        for (int o = 0; o < others->rows; o++) {
            add_outer(system, k, (double)options->unobserved_weight, mat_row(others, o));
        }
        double weight_sum = 0;
        for (int64_t e = interactions->start[r]; e < interactions->start[r + 1]; e++) {
            const float *row = mat_row(others, interactions->column[e]);
            double weight = (double)interactions->weight[e];
            add_outer(system, k, weight, row);
            for (int i = 0; i < k; i++) {
                right[i] += weight * (double)row[i];
            }
            weight_sum += weight;
        }
        for (int i = 0; i < k; i++) {
            *cell(system, k, i, i) += als_ridge(options, weight_sum, others->rows);
        }
        solve_plain(system, right, k);
        for (int i = 0; i < k; i++) {
            mat_row(rows, r)[i] = (float)right[i];
        }
    }
    mem_free(&system);
    mem_free(&right);
}

void als_reference_sweep(const struct csr *interactions, const struct csr *by_item,
                         const struct als_options *options, struct mat *shoppers, struct mat *items)
{
    reference_side(interactions, items, options, shoppers);
    reference_side(by_item, shoppers, options, items);
}

/* ---- objective ---- */

static double dot_f64(const float *a, const float *b, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += (double)a[i] * (double)b[i];
    }
    return sum;
}

/* sum over observed of c (1 - p)^2, and the ridge of every row of the shoppers' side. */
static double rows_loss(const struct csr *interactions, const struct als_options *options,
                        const struct mat *shoppers, const struct mat *items)
{
    double loss = 0;
    for (int r = 0; r < shoppers->rows; r++) {
        const float *shopper = mat_row(shoppers, r);
        double weight_sum = 0;
        for (int64_t e = interactions->start[r]; e < interactions->start[r + 1]; e++) {
            double miss =
                1 - dot_f64(shopper, mat_row(items, interactions->column[e]), items->cols);
            loss += (double)interactions->weight[e] * miss * miss;
            weight_sum += (double)interactions->weight[e];
        }
        loss +=
            als_ridge(options, weight_sum, items->rows) * dot_f64(shopper, shopper, items->cols);
    }
    return loss;
}

static double items_ridge_loss(const struct csr *interactions, const struct als_options *options,
                               const struct mat *shoppers, const struct mat *items)
{
    double *weight_sum = mem_array((size_t)items->rows + 1, sizeof *weight_sum);
    for (int64_t e = 0; e < csr_entries(interactions); e++) {
        weight_sum[interactions->column[e]] += (double)interactions->weight[e];
    }
    double loss = 0;
    for (int i = 0; i < items->rows; i++) {
        const float *item = mat_row(items, i);
        loss +=
            als_ridge(options, weight_sum[i], shoppers->rows) * dot_f64(item, item, items->cols);
    }
    mem_free(&weight_sum);
    return loss;
}

/* sum over all (u, i) of (w_u . h_i)^2 = the entry-wise product of both Gram matrices, added up. */
static double all_pairs_loss(const struct mat *shoppers, const struct mat *items)
{
    int k = items->cols;
    double *of_shoppers = mem_array((size_t)k * (size_t)k, sizeof *of_shoppers);
    double *of_items = mem_array((size_t)k * (size_t)k, sizeof *of_items);
    blas_gram_add_f64(shoppers, of_shoppers);
    blas_gram_add_f64(items, of_items);
    double loss = 0;
    for (int i = 0; i < k; i++) {
        for (int j = 0; j <= i; j++) {
            double product = *cell(of_shoppers, k, i, j) * *cell(of_items, k, i, j);
            loss += i == j ? product : 2 * product;
        }
    }
    mem_free(&of_shoppers);
    mem_free(&of_items);
    return loss;
}

double als_loss(const struct csr *interactions, const struct als_options *options,
                const struct mat *shoppers, const struct mat *items)
{
    assert(shoppers->cols == items->cols && interactions->rows == shoppers->rows);
    return rows_loss(interactions, options, shoppers, items) +
           items_ridge_loss(interactions, options, shoppers, items) +
           (double)options->unobserved_weight * all_pairs_loss(shoppers, items);
}
