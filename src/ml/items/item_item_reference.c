/* The item-item model as its definition reads: a dense Gram matrix in double, neighbours by a full
 * sort, Gaussian elimination. */
#include "ml/items/item_item_internal.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

struct near {
    double cosine;
    int item;
};

static int nearest_first(const void *a, const void *b)
{
    const struct near *x = a;
    const struct near *y = b;
    if (x->cosine != y->cosine) {
        return x->cosine < y->cosine ? 1 : -1;
    }
    return (x->item > y->item) - (x->item < y->item);
}

static double *dense_gram(const struct csr *z)
{
    const size_t n = (size_t)z->cols;
    double *gram = mem_array(n * n + 1, sizeof *gram);
    for (int u = 0; u < z->rows; u++) {
        /* row by row as G = sum over shoppers of z z' reads, no sparsity but the rows' own */
        for (int64_t p = z->start[u]; p < z->start[u + 1]; p++) {
            for (int64_t q = z->start[u]; q < z->start[u + 1]; q++) {
                gram[(size_t)z->column[p] * n + (size_t)z->column[q]] +=
                    (double)z->weight[p] * (double)z->weight[q];
            }
        }
    }
    return gram;
}

/* Solves a x = b (k unknowns, rows of k + 1, b the last column) by elimination; a symmetric
 * positive definite, so no pivoting. */
static void eliminate(double *a, int k)
{
    const size_t width = (size_t)k + 1;
    /* Gauss and Jordan: above the diagonal too, so that the last column is the answer at once */
    for (int p = 0; p < k; p++) {
        for (int r = 0; r < k; r++) {
            double factor =
                r == p ? 0 : a[(size_t)r * width + (size_t)p] / a[(size_t)p * (width + 1)];
            for (size_t c = (size_t)p; factor != 0 && c < width; c++) {
                a[(size_t)r * width + c] -= factor * a[(size_t)p * width + c];
            }
        }
    }
    for (int r = 0; r < k; r++) {
        a[(size_t)r * width + (size_t)k] /= a[(size_t)r * (width + 1)];
    }
}

static int nearest(const double *gram, int n, int target, int neighbours, struct near *out)
{
    int count = 0;
    for (int i = 0; i < n; i++) {
        double together = gram[(size_t)i * (size_t)n + (size_t)target];
        /* the target itself would explain its own column perfectly */
        if (i != target && together > 0) {
            out[count++] = (struct near){together / sqrt(gram[(size_t)i * ((size_t)n + 1)]), i};
        }
    }
    qsort(out, (size_t)count, sizeof *out, nearest_first);
    return count < neighbours ? count : neighbours;
}

void item_item_reference(const struct csr *interactions, const struct item_item_options *options,
                         double *out)
{
    const int n = interactions->cols;
    struct csr z = item_item_scaled(interactions, options);
    struct csr zt = csr_transpose(&z);
    CLEANUP(mem_free) double *squares = mem_array((size_t)n + 1, sizeof *squares);
    CLEANUP(mem_free) double *gram = dense_gram(&z);
    CLEANUP(mem_free) struct near *near = mem_array((size_t)n + 1, sizeof *near);
    CLEANUP(mem_free) double *system = mem_array((size_t)n * ((size_t)n + 1) + 1, sizeof *system);
    const double mean = item_item_squares(&zt, squares);
    /* all weights are kept here: cutting is the fast path's own step */
    assert(options->kept >= options->neighbours || options->kept >= n);
    for (int t = 0; t < n; t++) {
        const int k = nearest(gram, n, t, options->neighbours, near);
        for (int r = 0; r < k; r++) {
            const double *row = gram + (size_t)near[r].item * (size_t)n;
            double *to = system + (size_t)r * ((size_t)k + 1);
            for (int c = 0; c < k; c++) {
                to[c] = row[near[c].item];
            }
            /* the ridge of the source: what is learnt of rare items is drawn
             * more, or less, by ridge_exponent */
            to[r] += item_item_ridge(options, squares[near[r].item], mean);
            to[k] = row[t];
        }
        eliminate(system, k);
        for (int i = 0; i < n; i++) {
            out[(size_t)i * (size_t)n + (size_t)t] = 0;
        }
        for (int r = 0; r < k; r++) {
            out[(size_t)near[r].item * (size_t)n + (size_t)t] =
                system[(size_t)r * ((size_t)k + 1) + (size_t)k] *
                item_item_target_scale(options, squares[t], mean);
        }
    }
    csr_free(&z);
    csr_free(&zt);
}
