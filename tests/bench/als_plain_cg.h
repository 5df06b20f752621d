#ifndef BENCH_ALS_PLAIN_CG_H
#define BENCH_ALS_PLAIN_CG_H

#include "ml/als/als.h"

/* The way implicit and irspack train: conjugate gradients on each row's system in the given basis, started where the row stood, which
 * multiplies by the whole Gram matrix at every step. A baseline written to be fast: compiled with -O3 -ffast-math for the machine it is
 * built on, vectors in registers or the first cache, rows handed to threads in blocks. Like the libraries it neither fetches ahead nor asks
 * for huge pages. */

/* A matrix on ordinary pages, as malloc gives them; zero or a copy of `from`. Freed by mat_free. */
struct mat als_plain_cg_matrix(int rows, int cols, const struct mat *from);

/* One sweep: all shoppers given the items, then all items given the shoppers. by_item is the transpose. */
void als_plain_cg_sweep(const struct csr *interactions, const struct csr *by_item,
                        const struct als_options *options, struct mat *shoppers, struct mat *items);

/* One new shopper, the items fixed: conjugate gradients from zero until the residual has fallen to five digits (or options->steps are taken), as als_fold_in does in its basis.
 * system: unobserved_weight times the items' Gram matrix. out (ld of the items). */
void als_plain_cg_fold_in(const struct mat *items, const struct mat *system,
                          const struct als_options *options, const struct als_entries *done,
                          float *out);

#endif
