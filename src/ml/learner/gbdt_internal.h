#ifndef ML_LEARNER_GBDT_INTERNAL_H
#define ML_LEARNER_GBDT_INTERNAL_H

#include "ml/learner/gbdt.h"

#include <stddef.h>
#include <stdint.h>

/* What gbdt.c, gbdt_train.c, gbdt_tree.c and gbdt_split.c share; only they and their tests include
 * this. */

enum { GBDT_NODES_MAX = (1 << (GBDT_DEPTH_MAX + 1)) - 1 };

static inline int gbdt_splits(int depth)
{
    return (1 << depth) - 1;
}
static inline int gbdt_nodes(int depth)
{
    return (2 << depth) - 1;
}

/* Arrays of a trained model. */
struct gbdt_owned {
    uint64_t *left;
    int32_t *column;
    float *value;
};
struct gbdt gbdt_make(int columns, int depth, int trees);

/* A row's gradient and Hessian as one integer: gradient in the upper 32 bits, signed, Hessian in
 * the lower, both times the tree's scale. A sum of these is exact as long as neither half
 * overflows, which the scale sees to. */
static inline uint64_t gbdt_pack(int32_t gradient, uint32_t hessian)
{
    return ((uint64_t)(uint32_t)gradient << 32) + hessian;
}
static inline int32_t gbdt_gradient(uint64_t packed)
{
    return (int32_t)(uint32_t)(packed >> 32);
}
static inline uint32_t gbdt_hessian(uint64_t packed)
{
    return (uint32_t)packed;
}

/* A node's best split. Gain 0: none worth it. */
struct gbdt_split {
    double gain;
    int column;
    uint64_t left;
};

struct gbdt_split_rules {
    double l2;
    double child_weight;
    double scale; /* integers per unit of gradient */
};

/* The best split of one column's histogram (bins), whose sum is `total`. */
struct gbdt_split gbdt_best_split(const uint64_t *histogram, int bins, bool categorical,
                                  uint64_t total, const struct gbdt_split_rules *rules);

/* One tree over rows 0 .. rows-1 of a compact matrix. */
struct gbdt_grower {
    int rows, columns;
    const uint8_t *bin; /* (rows, columns) */
    const uint8_t *bins;
    const uint8_t *categorical;
    const struct gbdt_options *options;
    /* the tree's: */
    const double *gradient, *hessian; /* (rows) */
    int sampled;                      /* columns it may ask for */
    int32_t *sample;                  /* (columns) */
    int bag;
    int32_t *row;     /* (rows) the bag's rows, node by node */
    uint64_t *packed; /* (rows) beside them */
    /* scratch: */
    int32_t *row_spare;
    uint64_t *packed_spare;
    uint64_t *histogram[2]; /* even and odd levels: (nodes of the level, columns, GBDT_BINS_MAX) */
    uint64_t *partial;      /* (threads, columns, GBDT_BINS_MAX) */
};

struct gbdt_grower gbdt_grower_make(const struct gbdt_data *data, struct row_list rows,
                                    const struct gbdt_options *options);
void gbdt_grower_free(struct gbdt_grower *g);

/* Grows tree number `tree` of m from the bag, whose packed gradients have `scale`. */
void gbdt_grow(struct gbdt_grower *g, double scale, const struct gbdt *m, int tree);

/* The leaf of a row in tree number `tree`: an index into the tree's values. */
static inline int gbdt_leaf(const struct gbdt *m, int tree, const uint8_t *bins)
{
    size_t first = (size_t)tree * (size_t)gbdt_splits(m->depth);
    int node = 0;
    for (int d = 0; d < m->depth; d++) {
        size_t at = first + (size_t)node;
        node = 2 * node + 2 - (int)((m->left[at] >> bins[m->column[at]]) & 1);
    }
    return node;
}

#endif
