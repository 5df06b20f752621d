#ifndef ML_ITEMS_ITEM_ITEM_H
#define ML_ITEMS_ITEM_ITEM_H

#include "base/err.h"
#include "ml/linear/csr.h"

#include <stddef.h>
#include <stdint.h>

/* A closed-form item-item model, local: the weights into item j solve one ridge regression of j's column on the columns of its neighbours, the
 * items that occur together with it most, in the cosine sense. With all items as neighbours that is EASE (Steck: Embarrassingly Shallow
 * Autoencoders for Sparse Data, WWW 2019) without its dense (n, n) inverse; neighbourhoods are SLIM's (Ning, Karypis, ICDM 2011). With x_ui the
 * observed weights raised to weight_exponent, D_u = sum over i of x_ui and shoppers weighted by s_u = (D_u / mean D)^-row_exponent:
 *
 *     g_ij = sum over u of s_u x_ui x_uj,   b_j = (G_NN + diag(r_i))^-1 g_Nj  over the neighbours N of j (never j itself),
 *     r_i = ridge * mean g * (g_ii / mean g)^ridge_exponent  (g_ii and their mean over items with entries),
 *     w_ij = b_ij (g_jj / mean g)^-target_exponent.
 *
 * A shopper's score of j is the sum over their items i of x_ui w_ij. */
struct item_item_options {
    int neighbours;        /* K, 1 .. ITEM_ITEM_NEIGHBOURS_MAX: a Cholesky of K unknowns an item */
    int kept;              /* weights of largest magnitude kept of each target's; 1 .. */
    float weight_exponent; /* 0 .. 1; 0: only whether something was done counts */
    float row_exponent;    /* 0 .. 1; the more somebody does, the less each pair of it tells */
    float ridge;           /* > 0 */
    float ridge_exponent;  /* -1 .. 2; 0: the same ridge for all items */
    float target_exponent; /* -1 .. 1; above 0 lowers popular targets */
    int threads;           /* 1 .. PARALLEL_THREADS_MAX; the result does not depend on it */
};

enum {
    ITEM_ITEM_NEIGHBOURS_MAX = 2000,
    /* Shoppers with more entries than this are left out: all pairs of what they did would cost more than they tell. */
    ITEM_ITEM_ROW_MAX = 10000,
};

/* A start for sparse shops: 200 neighbours, the others in the middle of what rank_tune searches. One thread. */
struct item_item_options item_item_defaults(void);

/* Trains on interactions (m, n). out_weights (n, n), owned by the caller (csr_free): row i holds w_ij by target j, no diagonal. Same data and
 * options give the same bytes on any number of threads. Fails with ERR_INVALID on options out of range or a weight that is not finite and > 0. */
CAN_FAIL bool item_item_train(const struct csr *interactions,
                              const struct item_item_options *options, struct csr *out_weights,
                              struct err *err);

/* The most that item_item_train takes beside the interactions, the result included. */
size_t item_item_memory_bytes(const struct csr *interactions,
                              const struct item_item_options *options);

/* The same model in plain double loops, by Gaussian elimination, weights into out (n * n) row by row: what item_item_train is tested against.
 * n^2 memory and n K^3 time. */
void item_item_reference(const struct csr *interactions, const struct item_item_options *options,
                         double *out);

/* Adds to scores (n) what a shopper's `count` items, with their observed weights, say by the model. */
void item_item_add_scores(const struct csr *weights, float weight_exponent, int count,
                          const int32_t *items, const float *observed, float *scores);

/* w_ij, 0 where there is none: what item i adds to the score of j. */
float item_item_weight(const struct csr *weights, int i, int j);

/* (g_jj / mean g)^-target_exponent of all items into out (n), 1 for items without entries: what item_item_train multiplies the weights into j
 * by. */
void item_item_target_scales(const struct csr *interactions,
                             const struct item_item_options *options, float *out);

/* x_ui of an observed weight. */
float item_item_value(float observed, float weight_exponent);

#endif
