#ifndef ML_ALS_ALS_H
#define ML_ALS_ALS_H

#include "base/err.h"
#include "ml/linear/csr.h"
#include "ml/linear/mat.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Matrix factorization of implicit feedback by alternating least squares (Hu, Koren, Volinsky:
 * Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008) in the formulation of Rendle,
 * Krichene, Zhang, Koren: Revisiting the Performance of iALS on Item Recommendation Benchmarks,
 * RecSys 2022, with observations weighted by frequency. With shopper factors w_u, item factors h_i and
 * observed weights c_ui > 0 it lowers
 *
 *     sum over observed (u, i) of s_u t_i c_ui (1 - w_u . h_i)^2
 *   + a0 * sum over all (u, i) of (w_u . h_i)^2
 *   + sum over u of reg (C_u + a0 n)^e |w_u|^2  +  sum over i of reg (C_i + a0 m)^e |h_i|^2
 *
 * where C is the weight observed in the row or column (an entry of weight 2 counts as two entries of weight
 * 1), a0 = unobserved_weight, e = reg_exponent, and s_u = (C_u / mean C of shoppers with entries)^-shopper_exponent,
 * t_i likewise: the more somebody does, the less each thing done tells.
 *
 * Scores do not change when both factor matrices are rotated alike, and the solver rotates them as it likes. */
enum als_solver {
    ALS_SOLVER_EIGEN,    /* the default: conjugate gradients in the eigenbasis of the Gram matrix */
    ALS_SOLVER_CHOLESKY, /* each row exactly, through BLAS: k^3 / 3 a row */
    ALS_SOLVER_PLAIN /* each row exactly, in plain double loops: what the others are tested against. Slow */
};

/* Training after a number of whole sweeps. Factors are those of the solver's last basis, not yet rotated for serving. */
struct als_state {
    int sweeps;
    struct mat shoppers; /* (m, k) */
    struct mat items;    /* (n, k) */
};

struct als_progress {
    int sweep;   /* 1, 2, ... */
    double loss; /* the objective, if als_options.watch_loss; else 0 */
    const struct als_state
        *state; /* borrowed until the callback returns: what a resumed training starts from */
};

struct als_options {
    int factors;             /* k, 1 .. ALS_FACTORS_MAX */
    int sweeps;              /* shopper side + item side = one sweep; 1 .. ALS_SWEEPS_MAX */
    float reg;               /* > 0: without a ridge the systems may be singular */
    float reg_exponent;      /* 0 .. 2; 1 scales fully with a row's frequency */
    float unobserved_weight; /* a0, >= 0 */
    float shopper_exponent;  /* 0 .. 1; 0 weights all shoppers' events alike */
    float item_exponent;     /* 0 .. 1 */
    enum als_solver solver;
    int steps; /* of conjugate gradients a row and sweep, 1 .. ALS_STEPS_MAX; read by ALS_SOLVER_EIGEN only */
    bool
        full_floats; /* keep vectors in 32 bits where 16 would be gathered (twice the memory traffic, the seventh digit) */
    int threads;     /* 1 .. PARALLEL_THREADS_MAX; the result does not depend on it */
    uint64_t seed;
    bool watch_loss; /* compute als_loss for progress: about a sixth of a sweep's time */
    /* NULL, or called after each sweep; false stops the training, which then fails with ERR_BUSY. */
    bool (*progress)(void *ctx, const struct als_progress *progress);
    void *progress_ctx;
    /* NULL, or what a progress callback saw in a training of the same data and options: sweeps go on behind it and end with the
     * same bytes. als_train takes its matrices over and leaves it empty, also where it fails. */
    struct als_state *resume;
};

enum { ALS_FACTORS_MAX = 1024, ALS_SWEEPS_MAX = 1000, ALS_STEPS_MAX = 1000 };

/* A start for events of weight around 1: the best of a coarse grid on a tenth of Gowalla's training pairs held out, at 64 factors
 * (Recall@20 .165; .157 with both exponents 0). More sweeps hurt there. A small, dense shop wants more unobserved_weight (.1): let
 * held-out events choose. Two steps, seed 1, one thread, no progress. */
struct als_options als_defaults(void);

/* Trains on interactions (m, n). Outputs: out_shoppers (m, k) and out_items (n, k), owned by the
 * caller (mat_free). Rows without interactions get zero factors. Same data, options and CPU kernels
 * give the same bytes on any number of threads. Fails with ERR_INVALID on options out of range, no
 * interactions, a weight <= 0 or not finite, or a resumed state of other dimensions; with ERR_BUSY if progress said stop. */
CAN_FAIL bool als_train(const struct csr *interactions, const struct als_options *options,
                        struct mat *out_shoppers, struct mat *out_items, struct err *err);

/* What als_train takes at its peak beside the interactions themselves, results included: rows m, columns n. */
size_t als_memory_bytes(int rows, int cols, int64_t entries, const struct als_options *options);

/* The items' start, (n, k) drawn from N(0, 0.1 / sqrt(k)) by the seed; shoppers start at zero. */
struct mat als_start(int items, const struct als_options *options);

/* The objective above; products in float, sums in double. */
double als_loss(const struct csr *interactions, const struct als_options *options,
                const struct mat *shoppers, const struct mat *items);

/* t_i of all items into out_items (n), 1 for an item without entries, and the mean C of shoppers with entries: what folding in a
 * new shopper needs beside the factors. */
void als_item_scales(const struct csr *interactions, const struct als_options *options,
                     float *out_items, double *out_shopper_mean);

/* Gram matrix h' h (k, k) of items (n, k), full and symmetric, owned by the caller. */
struct mat als_gram(const struct mat *items, int threads);

/* What one shopper did, or one row of interactions. Borrows. */
struct als_entries {
    int count;
    const int32_t *column; /* (count) item rows; one may repeat */
    const float *weight;   /* (count) finite, > 0 */
};

#endif
