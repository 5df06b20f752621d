#ifndef ML_FM_H
#define ML_FM_H

#include "base/err.h"
#include "ml/mat.h"

#include <stdbool.h>
#include <stdint.h>

/* Logistic factorization machine (Rendle: Factorization Machines, ICDM 2010). For a sparse row x
 * the margin is
 *
 *     bias + sum of linear_j x_j + sum over pairs j < l of (v_j . v_l) x_j x_l
 *
 * in logit space: probability of label 1 = 1 / (1 + e^-margin), before calibration. */
struct fm {
    int features;
    int factors; /* k; 0 is plain logistic regression */
    float bias;
    struct mat linear; /* (1, features) */
    struct mat pairs;  /* (features, k) */
};

/* One example: feature numbers 0 .. features-1, distinct, and their values. Borrows. */
struct fm_row {
    int count;
    const int32_t *index; /* (count) */
    const float *value;   /* (count) */
};

/* Examples in rows, in order of time. Borrows. */
struct fm_data {
    int rows;
    int features;
    const int64_t *start; /* (rows + 1): entries of row r are start[r] .. start[r + 1] - 1 */
    const int32_t *index; /* (start[rows]) */
    const float *value;   /* (start[rows]) */
    const uint8_t *label; /* (rows), 0 or 1 */
};

struct fm_options {
    int factors;      /* k, 0 .. FM_FACTORS_MAX */
    int epochs_max;   /* >= 1 */
    int patience;     /* stop after so many epochs without a better validation loss; >= 1 */
    float rate;       /* AdaGrad step, > 0 */
    float l2_linear;  /* >= 0, a step's share of the weight decay of features it touches */
    float l2_pairs;   /* >= 0 */
    float init_stdev; /* of the pair factors, >= 0 */
    /* Rows validation_from .. rows-1 are held out for early stopping: they must be later in time
     * than those before. 1 .. rows; rows means no validation: all epochs_max epochs run. */
    int validation_from;
    uint64_t seed; /* initial factors and the order of examples */
    /* NULL, or called after each epoch (1, 2, ...) with mean log losses (validation_loss 0 without
     * validation rows); false stops the training, which then fails with ERR_BUSY. */
    bool (*progress)(void *ctx, int epoch, double train_loss, double validation_loss);
    void *progress_ctx;
};

/* How a training went. Losses are means of -log p over examples, of the epoch that was kept. */
struct fm_fit {
    int epochs_run;
    int epoch_kept;    /* 1 .. epochs_run */
    double train_loss; /* met on the way, before each example's own step */
    double validation_loss;
};

enum { FM_FACTORS_MAX = 256 };

/* k = 8, AdaGrad .02, patience 3; validation_from is left for the caller to set (rows = none). */
struct fm_options fm_defaults(int rows);

/* Trains by AdaGrad in seeded order on one thread: same data and options, same bytes. Keeps the
 * epoch with the lowest validation loss. *out is owned by the caller (fm_free). Fails with
 * ERR_INVALID on options out of range, an index out of range, a value that is not finite, a label
 * that is not 0 or 1, or training rows of one class only; with ERR_INTERNAL if the numbers diverge;
 * with ERR_BUSY if progress said stop. */
CAN_FAIL bool fm_train(const struct fm_data *data, const struct fm_options *options, struct fm *out,
                       struct fm_fit *out_fit, struct err *err);
void fm_free(struct fm *model); /* accepts {0}; never call it on a view */

/* A model that borrows its arrays, e.g. from a mapped model file. linear (features); pairs
 * (features, k) itself a view; NULL for k = 0. */
struct fm fm_view(float bias, const float *linear, int features, const struct mat *pairs);

static inline struct fm_row fm_data_row(const struct fm_data *data, int row)
{
    int64_t from = data->start[row];
    return (struct fm_row){(int)(data->start[row + 1] - from), data->index + from,
                           data->value + from};
}

/* The margin, accumulated in double, always finite. A value that is not finite counts as 0. Indices
 * are asserted. */
double fm_score(const struct fm *model, const struct fm_row *row);

/* What each entry of the row adds to the margin: its linear term and half of each of its pair
 * interactions. out (row->count), in logit; bias + sum of out = fm_score within rounding (1e-9
 * relative). */
void fm_contributions(const struct fm *model, const struct fm_row *row, double *out);

/* The definition, pair by pair, O(count^2): what fm_score is tested against. */
double fm_score_reference(const struct fm *model, const struct fm_row *row);

/* Mean -log p of the labels of rows from .. to-1; 0 for none. */
double fm_log_loss(const struct fm *model, const struct fm_data *data, int from, int to);

#endif
