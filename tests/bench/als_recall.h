#ifndef BENCH_ALS_RECALL_H
#define BENCH_ALS_RECALL_H

#include "ml/als/als.h"

struct als_recall {
    double recall; /* hits among the first 20 / held-out items */
    double ndcg;   /* at 20 */
};

/* Every shopper folded in exactly (Cholesky) on the items as they stand, all items outside `train` ranked, averaged over the
 * shoppers who have something in `test`. Two threads. */
struct als_recall als_recall_at_20(const struct csr *train, const struct csr *test,
                                   const struct mat *items, const struct als_options *options);

#endif
