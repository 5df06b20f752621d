#ifndef ML_LEARNER_GBDT_H
#define ML_LEARNER_GBDT_H

#include "base/err.h"
#include "ml/learner/fm_field.h"

#include <stdbool.h>
#include <stdint.h>

/* Gradient boosting of trees for logistic loss on binned columns (Friedman 2001; histograms and
 * sibling subtraction as in Ke et al.: LightGBM, NIPS 2017). Gradients are rounded to integers, so
 * that histograms add up exactly: the same trees on any number of threads.
 *
 * Every tree is stored complete, of the same depth: node i has the children 2i + 1 and 2i + 2, and
 * where a branch ended early its split sends everything left. A split is a set of bins. */
enum { GBDT_DEPTH_MAX = 6, GBDT_BINS_MAX = 64, GBDT_TREES_MAX = 1 << 14 };

struct gbdt {
    int columns;
    int trees;
    int depth;
    double base;           /* margin before the first tree */
    const uint64_t *left;  /* (trees, 2^depth - 1) bit b: bin b goes left */
    const int32_t *column; /* (trees, 2^depth - 1) which column the split asks for */
    /* (trees, 2^(depth + 1) - 1) what the rows of a node get on average; the leaves come last */
    const float *value;
    void *owned; /* of a trained model; NULL for views */
};

/* Rows as bins. Bin 0 is missing: which side it takes is learnt at each split. Borrows. */
struct gbdt_data {
    int columns;
    const uint8_t *bin;         /* (any, columns), below bins[column] */
    const uint8_t *bins;        /* (columns) 1 .. GBDT_BINS_MAX */
    const uint8_t *categorical; /* (columns) 1: bins have no order, splits are sets of them */
    const uint8_t *label;       /* (any) 0 or 1 */
    const float *weight;        /* (any) how much a row trains, (0, 1]; NULL: each 1 */
};

struct gbdt_options {
    int trees_max;       /* 0 .. GBDT_TREES_MAX */
    int patience;        /* trees without a better validation loss before it stops; >= 1 */
    int depth;           /* 1 .. GBDT_DEPTH_MAX */
    double rate;         /* learning rate: what is kept of each tree, (0, 1] */
    double l2;           /* of leaf values, >= 0 */
    double child_weight; /* a child's sum of p (1 - p) is at least this, >= 0 */
    double row_share;    /* of rows each tree sees, (0, 1] */
    double column_share; /* of columns each tree sees, (0, 1] */
    int threads;         /* 1 .. PARALLEL_THREADS_MAX */
    uint64_t seed;
};

struct gbdt_fit {
    int trees_run;
    int trees_kept;
    double validation_loss; /* 0 without validation rows */
};

struct gbdt_options gbdt_defaults(void);

/* Trains, and keeps the trees up to the lowest log loss over `validation` (count 0: all of them).
 * *out is owned by the caller. Fails with ERR_INVALID on options out of range, no row, more than
 * 2^24 rows, or training rows of one class only. Bins are asserted. */
CAN_FAIL bool gbdt_train(const struct gbdt_data *data, struct row_list train,
                         struct row_list validation, const struct gbdt_options *options,
                         struct gbdt *out, struct gbdt_fit *out_fit, struct err *err);
void gbdt_free(struct gbdt *m); /* accepts {0} and views */

/* The mean of models of the same columns as one model, as deep as the deepest: all their trees,
 * each worth 1 / count. Owned. */
struct gbdt gbdt_mean(const struct gbdt *const *models, int count);

/* True if every column is below m->columns (a loaded model). */
bool gbdt_is_sound(const struct gbdt *m);

/* The margin of a row of bins (columns); the order of additions is fixed. */
double gbdt_margin(const struct gbdt *m, const uint8_t *bins);

/* What each column adds: for each tree, the steps of node values along the row's path. out
 * (columns) is added to; returns what no column has (base and the roots). */
double gbdt_contributions(const struct gbdt *m, const uint8_t *bins, double weight, double *out);

#endif
