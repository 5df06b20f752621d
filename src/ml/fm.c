/* The factorization machine as a function: its score, and what each feature adds to it. Training is
 * in fm_train.c. */
#include "ml/fm.h"

#include "ml/logistic.h"

#include <assert.h>
#include <math.h>

struct fm fm_view(float bias, const float *linear, int features, const struct mat *pairs)
{
    struct fm model = {
        .features = features, .bias = bias, .linear = mat_view(linear, 1, features, features)};
    if (pairs) {
        assert(pairs->rows == features);
        model.factors = pairs->cols;
        model.pairs = *pairs;
    }
    return model;
}

void fm_free(struct fm *model)
{
    mat_free(&model->linear);
    mat_free(&model->pairs);
    *model = (struct fm){0};
}

/* An entry's value as the model counts it: what is not a number says nothing. */
static double value_of(const struct fm *model, const struct fm_row *row, int entry)
{
    assert(row->index[entry] >= 0 && row->index[entry] < model->features);
    float value = row->value[entry];
    return isfinite(value) ? (double)value : 0;
}

static const float *pairs_of(const struct fm *model, const struct fm_row *row, int entry)
{
    return mat_row(&model->pairs, row->index[entry]);
}

/* sums[f] = sum over entries of v_jf x_j: with it each pair sum costs one pass instead of all
 * pairs. */
static void factor_sums(const struct fm *model, const struct fm_row *row, double *sums)
{
    for (int f = 0; f < model->factors; f++) {
        sums[f] = 0;
    }
    for (int e = 0; e < row->count; e++) {
        double x = value_of(model, row, e);
        const float *v = model->factors ? pairs_of(model, row, e) : NULL;
        for (int f = 0; f < model->factors; f++) {
            sums[f] += (double)v[f] * x;
        }
    }
}

/* Half of the entry's interactions with all others: 1/2 x v . (sums - v x). */
static double half_interactions(const struct fm *model, const struct fm_row *row, int entry,
                                const double *sums)
{
    double x = value_of(model, row, entry);
    const float *v = model->factors ? pairs_of(model, row, entry) : NULL;
    double sum = 0;
    for (int f = 0; f < model->factors; f++) {
        double own = (double)v[f] * x;
        sum += own * (sums[f] - own);
    }
    return sum / 2;
}

void fm_contributions(const struct fm *model, const struct fm_row *row, double *out)
{
    double sums[FM_FACTORS_MAX];
    assert(model->factors >= 0 && model->factors <= FM_FACTORS_MAX);
    factor_sums(model, row, sums);
    for (int e = 0; e < row->count; e++) {
        double linear = (double)model->linear.data[row->index[e]] * value_of(model, row, e);
        out[e] = linear + half_interactions(model, row, e, sums);
    }
}

double fm_score(const struct fm *model, const struct fm_row *row)
{
    double sums[FM_FACTORS_MAX];
    assert(model->factors >= 0 && model->factors <= FM_FACTORS_MAX);
    factor_sums(model, row, sums);
    double margin = (double)model->bias;
    for (int e = 0; e < row->count; e++) {
        margin += (double)model->linear.data[row->index[e]] * value_of(model, row, e) +
                  half_interactions(model, row, e, sums);
    }
    return margin;
}

double fm_score_reference(const struct fm *model, const struct fm_row *row)
{
    double margin = (double)model->bias;
    for (int j = 0; j < row->count; j++) {
        double x = value_of(model, row, j);
        margin += (double)model->linear.data[row->index[j]] * x;
        for (int l = j + 1; l < row->count; l++) {
            double product = 0;
            for (int f = 0; f < model->factors; f++) {
                product += (double)pairs_of(model, row, j)[f] * (double)pairs_of(model, row, l)[f];
            }
            margin += product * x * value_of(model, row, l);
        }
    }
    return margin;
}

double fm_log_loss(const struct fm *model, const struct fm_data *data, int from, int to)
{
    assert(from >= 0 && to <= data->rows);
    double loss = 0;
    for (int r = from; r < to; r++) {
        struct fm_row row = fm_data_row(data, r);
        loss += logistic_loss(fm_score(model, &row), data->label[r]);
    }
    return to > from ? loss / (to - from) : 0;
}
