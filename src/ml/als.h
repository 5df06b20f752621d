#ifndef ML_ALS_H
#define ML_ALS_H

#include "base/err.h"
#include "ml/csr.h"
#include "ml/mat.h"

#include <stdbool.h>
#include <stdint.h>

/* Matrix factorization of implicit feedback by alternating least squares (Hu, Koren, Volinsky:
 * Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008) in the formulation of Rendle,
 * Krichene, Zhang, Koren: Revisiting the Performance of iALS on Item Recommendation Benchmarks,
 * RecSys 2022. With shopper factors w_u, item factors h_i and observed weights c_ui > 0 it lowers
 *
 *     sum over observed (u, i) of c_ui (1 - w_u . h_i)^2
 *   + a0 * sum over all (u, i) of (w_u . h_i)^2
 *   + sum over u of reg (C_u + a0 n)^e |w_u|^2  +  sum over i of reg (C_i + a0 m)^e |h_i|^2
 *
 * where C_u is the weight observed in the row (an entry of weight 2 counts as two entries of weight
 * 1), a0 = unobserved_weight and e = reg_exponent. */
struct als_options {
    int factors;             /* k, 1 .. ALS_FACTORS_MAX */
    int sweeps;              /* shopper side + item side = one sweep; 1 .. ALS_SWEEPS_MAX */
    float reg;               /* > 0: without a ridge the systems may be singular */
    float reg_exponent;      /* 0 .. 2; 1 scales fully with a row's frequency */
    float unobserved_weight; /* a0, >= 0 */
    int threads;             /* 1 .. PARALLEL_THREADS_MAX; the result does not depend on it */
    uint64_t seed;
    /* NULL, or called after each sweep (1, 2, ...) with the exact objective; false stops the
     * training, which then fails with ERR_BUSY. */
    bool (*progress)(void *ctx, int sweep, double loss);
    void *progress_ctx;
};

enum { ALS_FACTORS_MAX = 1024, ALS_SWEEPS_MAX = 1000 };

/* A start for events of weight around 1, near the best points of a coarse, partial grid on held-out training
 * pairs of Gowalla at 64 factors; not tuned further. A small, dense shop wants more unobserved_weight (.1): let
 * held-out events choose. Seed 1, one thread, no progress. */
struct als_options als_defaults(void);

/* Trains on interactions (m, n). Outputs: out_shoppers (m, k) and out_items (n, k), owned by the
 * caller (mat_free). Rows without interactions get zero factors. Same data, options and CPU kernels
 * give the same bytes on any number of threads. Fails with ERR_INVALID on options out of range, no
 * interactions, or a weight <= 0; with ERR_BUSY if progress said stop. */
CAN_FAIL bool als_train(const struct csr *interactions, const struct als_options *options,
                        struct mat *out_shoppers, struct mat *out_items, struct err *err);

/* The pieces of als_train. Start: items (n, k) drawn from N(0, 0.1 / sqrt(k)) by the seed. */
struct mat als_start(int items, const struct als_options *options);

/* One sweep in place: all shoppers given the items, then all items given the shoppers. by_item is
 * the transpose of interactions. The objective never rises. */
CAN_FAIL bool als_sweep(const struct csr *interactions, const struct csr *by_item,
                        const struct als_options *options, struct mat *shoppers, struct mat *items,
                        struct err *err);

/* The same sweep in plain double loops: the reference als_sweep is tested against. Slow. */
void als_reference_sweep(const struct csr *interactions, const struct csr *by_item,
                         const struct als_options *options, struct mat *shoppers,
                         struct mat *items);

/* The objective above, exact, accumulated in double. */
double als_loss(const struct csr *interactions, const struct als_options *options,
                const struct mat *shoppers, const struct mat *items);

/* Gram matrix h' h (k, k) of items (n, k), full and symmetric, owned by the caller: computed once a
 * model, used by every fold-in. */
struct mat als_gram(const struct mat *items, int threads);

/* What one shopper did, or one row of interactions. Borrows. */
struct als_entries {
    int count;
    const int32_t *column; /* (count) item rows; one may repeat */
    const float *weight;   /* (count) finite, > 0 */
};

/* Factors of a shopper the model has not seen, from what they did: minimises the objective for that
 * one row with the items fixed. items (n, k), gram (k, k), out_factors (k): all zero when nothing
 * was done. Only reg, reg_exponent and unobserved_weight of the options are read; use those of the
 * training. Fails with ERR_INVALID on an item out of range or a weight that is not finite and > 0.
 */
CAN_FAIL bool als_fold_in(const struct mat *items, const struct mat *gram,
                          const struct als_options *options, const struct als_entries *done,
                          float *out_factors, struct err *err);

/* What each entry of a shopper adds to the score of item `target`, out (done->count): folded-in
 * factors are linear in the entries, given the system they are solved from, so that the sum is the
 * target's score within rounding. Fails like als_fold_in, and on a target out of range. */
CAN_FAIL bool als_explain(const struct mat *items, const struct mat *gram,
                          const struct als_options *options, const struct als_entries *done,
                          int target, float *out, struct err *err);

#endif
