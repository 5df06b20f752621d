#ifndef ML_LEARNER_FM_FIELD_H
#define ML_LEARNER_FM_FIELD_H

#include "base/err.h"
#include "ml/linear/mat.h"

#include <stdbool.h>
#include <stdint.h>

/* The logistic factorization machine (Rendle, ICDM 2010) of tables: each row has exactly one slot a
 * column, e.g. a number's bin or an id. A slot may stand for several features (a bin for itself and
 * for the wider bins around it), so that the machine may be coarse where data is thin; after
 * training these are added up into one vector a slot, and a score reads one vector a column.
 *
 * A slot's vector has `factors` numbers v, then one number u; with S, U the sums of v and u over
 * the row's slots, the margin is bias + U + |S|^2 / 2. (u is the slot's linear weight - |v|^2 / 2.)
 */
struct fm_field {
    int slots;
    int factors;
    float bias;
    struct mat weights; /* (slots, factors + 1); owned, or a view */
};

enum { FM_FIELD_FEATURES_MAX = 3, FM_FIELD_FACTORS_MAX = 127 };

/* Rows as slots. Borrows. */
struct fm_field_data {
    int columns;
    int slots;
    const int32_t *slot;  /* (any, columns) */
    const uint8_t *label; /* (any) 0 or 1 */
    int features;
    /* (slots, FM_FIELD_FEATURES_MAX): features of the slot, distinct, -1 where it has fewer. Each
     * of n counts 1 / sqrt(n). */
    const int32_t *feature;
    const float *weight; /* (any) how much a row trains, (0, 1]; NULL: each 1 */
};

struct fm_field_options {
    int factors;      /* 0 .. FM_FIELD_FACTORS_MAX; 0 is logistic regression */
    int epochs_max;   /* >= 1 */
    int patience;     /* epochs without a better validation loss before it stops; >= 1 */
    float rate;       /* learning rate, of AdaGrad's steps; > 0 */
    float l2_linear;  /* >= 0 */
    float l2_factors; /* >= 0 */
    float init_stdev; /* >= 0 */
    uint64_t seed;
};

struct fm_field_fit {
    int epochs_run;
    int epoch_kept;
    double validation_loss; /* 0 without validation rows */
};

struct fm_field_options fm_field_defaults(void);

/* Rows by number, in any order. */
struct row_list {
    const int32_t *row;
    int count;
};

/* Trains on one thread by AdaGrad in seeded order, keeps the epoch with the lowest log loss over
 * `validation` (count 0: runs all epochs). Slots no row used say nothing. *out is owned by the
 * caller. Fails with ERR_INVALID on options out of range or training rows of one class only, with
 * ERR_INTERNAL if numbers diverge. Slots and features are asserted. */
CAN_FAIL bool fm_field_train(const struct fm_field_data *data, struct row_list train,
                             struct row_list validation, const struct fm_field_options *options,
                             struct fm_field *out, struct fm_field_fit *out_fit, struct err *err);
void fm_field_free(struct fm_field *m); /* accepts {0}; never call it on a view */

/* The mean of machines over the same slots as one machine: their factors side by side. Owned. */
struct fm_field fm_field_mean(const struct fm_field *const *machines, int count);

/* The margin of `columns` slots, summed in float by the best kernel: within 1e-5 of
 * fm_field_margin_reference, relative to the sum of sizes of what is added. */
double fm_field_margin(const struct fm_field *m, const int32_t *slots, int columns);
double fm_field_margin_reference(const struct fm_field *m, const int32_t *slots, int columns);

/* What each column adds: its linear term and half of its interactions. bias + sum of out = margin,
 * summed in double. */
void fm_field_contributions(const struct fm_field *m, const int32_t *slots, int columns,
                            double *out);

#endif
