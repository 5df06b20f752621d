/* Training of the factorization machine: AdaGrad, one example at a time, in an order the seed
 * decides. One thread on purpose: the same data and seed must give the same bytes. */
#include "ml/fm.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/logistic.h"

#include <assert.h>
#include <math.h>
#include <string.h>

struct fm_options fm_defaults(int rows)
{
    return (struct fm_options){
        .factors = 8,
        .epochs_max = 40,
        .patience = 3,
        .rate = 0.02F,
        .l2_linear = 1e-4F,
        .l2_pairs = 3e-3F,
        .init_stdev = 0.05F,
        .seed = 1,
        .validation_from = rows,
    };
}

/* ---- what may be trained on ---- */

static bool not_negative(float x)
{
    return isfinite(x) && x >= 0;
}

static bool options_check(const struct fm_data *data, const struct fm_options *o, struct err *err)
{
    if (o->factors < 0 || o->factors > FM_FACTORS_MAX) {
        return FAIL(err, ERR_INVALID, "factors must be between 0 and %d, not %d", FM_FACTORS_MAX,
                    o->factors);
    }
    if (o->epochs_max < 1 || o->patience < 1) {
        return FAIL(err, ERR_INVALID, "epochs and patience must be at least 1, not %d and %d",
                    o->epochs_max, o->patience);
    }
    if (!not_negative(o->rate) || o->rate <= 0 || !not_negative(o->l2_linear) ||
        !not_negative(o->l2_pairs) || !not_negative(o->init_stdev)) {
        return FAIL(err, ERR_INVALID, "the rate must be > 0, penalties and initial spread >= 0");
    }
    if (o->validation_from < 1 || o->validation_from > data->rows) {
        return FAIL(err, ERR_INVALID, "validation must start between row 1 and row %d, not %d",
                    data->rows, o->validation_from);
    }
    return true;
}

static bool entries_check(const struct fm_data *data, struct err *err)
{
    for (int64_t e = 0; e < data->start[data->rows]; e++) {
        if (data->index[e] < 0 || data->index[e] >= data->features) {
            return FAIL(err, ERR_INVALID, "entry %lld has feature %d of %d", (long long)e,
                        data->index[e], data->features);
        }
        if (!isfinite(data->value[e])) {
            return FAIL(err, ERR_INVALID, "entry %lld of feature %d is not a finite number",
                        (long long)e, data->index[e]);
        }
    }
    return true;
}

static bool labels_check(const struct fm_data *data, int train_rows, int *out_positives,
                         struct err *err)
{
    int positives = 0;
    for (int r = 0; r < data->rows; r++) {
        if (data->label[r] > 1) {
            return FAIL(err, ERR_INVALID, "row %d has label %d, which is not 0 or 1", r,
                        data->label[r]);
        }
        positives += r < train_rows ? data->label[r] : 0;
    }
    if (positives == 0 || positives == train_rows) {
        return FAIL(err, ERR_INVALID, "%d training rows, all of one class, teach nothing",
                    train_rows);
    }
    *out_positives = positives;
    return true;
}

/* ---- one training run ---- */

/* The model while it learns, and AdaGrad's sums of squared gradients beside each parameter. */
struct learner {
    const struct fm_data *data;
    const struct fm_options *options;
    struct fm model;
    float bias_squares;
    struct mat linear_squares; /* (1, features) */
    struct mat pair_squares;   /* (features, k) */
    float sums[FM_FACTORS_MAX];
};

static float adagrad_step(float rate, float gradient, float *squares)
{
    *squares += gradient * gradient;
    return rate * gradient / sqrtf(*squares);
}

static float margin_of(struct learner *l, const struct fm_row *row)
{
    const struct fm *m = &l->model;
    float margin = m->bias;
    float squares = 0;
    memset(l->sums, 0, (size_t)m->factors * sizeof *l->sums);
    for (int e = 0; e < row->count; e++) {
        float x = row->value[e];
        const float *v = mat_row(&m->pairs, row->index[e]);
        margin += m->linear.data[row->index[e]] * x;
        for (int f = 0; f < m->factors; f++) {
            float own = v[f] * x;
            l->sums[f] += own;
            squares += own * own;
        }
    }
    float products = 0;
    for (int f = 0; f < m->factors; f++) {
        products += l->sums[f] * l->sums[f];
    }
    return margin + (products - squares) / 2;
}

/* One step on one example; returns its loss before the step. */
static double learn(struct learner *l, const struct fm_row *row, int label)
{
    const struct fm_options *o = l->options;
    float margin = margin_of(l, row);
    double probability = logistic((double)margin);
    float error = (float)(probability - label);
    l->model.bias -= adagrad_step(o->rate, error, &l->bias_squares);
    for (int e = 0; e < row->count; e++) {
        int feature = row->index[e];
        float x = row->value[e];
        float *w = &l->model.linear.data[feature];
        *w -=
            adagrad_step(o->rate, error * x + o->l2_linear * *w, &l->linear_squares.data[feature]);
        float *restrict v = mat_row(&l->model.pairs, feature);
        float *restrict squares = mat_row(&l->pair_squares, feature);
        for (int f = 0; f < o->factors; f++) {
            float gradient = error * x * (l->sums[f] - v[f] * x) + o->l2_pairs * v[f];
            v[f] -= adagrad_step(o->rate, gradient, &squares[f]);
        }
    }
    return logistic_loss((double)margin, label);
}

static void fill(struct mat *m, float value)
{
    for (int r = 0; r < m->rows; r++) {
        for (int c = 0; c < m->cols; c++) {
            mat_row(m, r)[c] = value;
        }
    }
}

static struct fm fm_make(int features, int factors)
{
    return (struct fm){
        .features = features,
        .factors = factors,
        .linear = mat_make(1, features),
        .pairs = mat_make(features, factors),
    };
}

/* Starts at the base rate, so that early steps are not spent on the intercept. */
static void learner_start(struct learner *l, int positives, struct rng *rng)
{
    const struct fm_options *o = l->options;
    l->model = fm_make(l->data->features, o->factors);
    mat_fill_normal(&l->model.pairs, (double)o->init_stdev, rng);
    double rate = (double)positives / o->validation_from;
    l->model.bias = (float)log(rate / (1 - rate));
    l->bias_squares = 1;
    l->linear_squares = mat_make(1, l->data->features);
    l->pair_squares = mat_make(l->data->features, o->factors);
    fill(&l->linear_squares, 1); /* keeps first steps from jumping by the whole rate */
    fill(&l->pair_squares, 1);
}

static void learner_free(struct learner *l)
{
    fm_free(&l->model);
    mat_free(&l->linear_squares);
    mat_free(&l->pair_squares);
}

static void shuffle(int32_t *order, int count, struct rng *rng)
{
    for (int i = count - 1; i > 0; i--) {
        int j = (int)rng_below(rng, (uint64_t)i + 1);
        int32_t moved = order[i];
        order[i] = order[j];
        order[j] = moved;
    }
}

static double learn_epoch(struct learner *l, const int32_t *order)
{
    double loss = 0;
    for (int i = 0; i < l->options->validation_from; i++) {
        struct fm_row row = fm_data_row(l->data, order[i]);
        loss += learn(l, &row, l->data->label[order[i]]);
    }
    return loss / l->options->validation_from;
}

static void keep(const struct fm *from, struct fm *to)
{
    to->bias = from->bias;
    mat_copy(&from->linear, &to->linear);
    mat_copy(&from->pairs, &to->pairs);
}

/* Epochs until validation stops improving; best holds the epoch kept. */
static bool learn_all(struct learner *l, struct rng *rng, struct fm *best, struct fm_fit *fit,
                      struct err *err)
{
    const struct fm_options *o = l->options;
    bool validated = o->validation_from < l->data->rows;
    CLEANUP(mem_free) int32_t *order = mem_array((size_t)o->validation_from, sizeof *order);
    for (int i = 0; i < o->validation_from; i++) {
        order[i] = i;
    }
    for (int epoch = 1; epoch <= o->epochs_max && epoch - fit->epoch_kept <= o->patience; epoch++) {
        shuffle(order, o->validation_from, rng);
        double train_loss = learn_epoch(l, order);
        double validation_loss = fm_log_loss(&l->model, l->data, o->validation_from, l->data->rows);
        if (!isfinite(train_loss) || !isfinite(l->model.bias) || !mat_is_finite(&l->model.linear) ||
            !mat_is_finite(&l->model.pairs)) {
            return FAIL(err, ERR_INTERNAL,
                        "training diverged in epoch %d: lower the rate or scale the features",
                        epoch);
        }
        fit->epochs_run = epoch;
        if (!validated || epoch == 1 || validation_loss < fit->validation_loss) {
            fit->epoch_kept = epoch;
            fit->train_loss = train_loss;
            fit->validation_loss = validation_loss;
            keep(&l->model, best);
        }
        if (o->progress && !o->progress(o->progress_ctx, epoch, train_loss, validation_loss)) {
            return FAIL(err, ERR_BUSY, "the training was stopped after epoch %d", epoch);
        }
    }
    return true;
}

bool fm_train(const struct fm_data *data, const struct fm_options *options, struct fm *out,
              struct fm_fit *out_fit, struct err *err)
{
    assert(data->rows >= 0 && data->features >= 0);
    int positives = 0;
    if (!options_check(data, options, err) || !entries_check(data, err) ||
        !labels_check(data, options->validation_from, &positives, err)) {
        return false;
    }
    struct learner learner = {.data = data, .options = options};
    struct rng rng = rng_seed(options->seed);
    learner_start(&learner, positives, &rng);
    struct fm best = fm_make(data->features, options->factors);
    struct fm_fit fit = {0};
    bool ok = learn_all(&learner, &rng, &best, &fit, err);
    learner_free(&learner);
    if (!ok) {
        fm_free(&best);
        return false;
    }
    *out = best;
    *out_fit = fit;
    return true;
}
