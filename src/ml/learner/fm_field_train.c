/* Training of the factorization machine of tables: AdaGrad, one row at a time, in an order the seed
 * decides, on one thread. What a slot's features learnt is added up into one vector at the end. */
#include "ml/learner/fm_field.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/rng.h"
#include "ml/learner/fm_field_internal.h"
#include "ml/linear/logistic.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { LANES_MAX = FM_FIELD_FACTORS_MAX + 1 };

struct fm_field_options fm_field_defaults(void)
{
    return (struct fm_field_options){
        .factors = 5,
        .epochs_max = 60,
        .patience = 4,
        .rate = 0.02F,
        .l2_linear = 1e-4F,
        .l2_factors = 3e-3F,
        .init_stdev = 0.05F,
        .seed = 1,
    };
}

static bool share_ok(float x)
{
    return isfinite(x) && x >= 0;
}

static bool options_check(const struct fm_field_options *o, struct err *err)
{
    if (o->factors < 0 || o->factors > FM_FIELD_FACTORS_MAX) {
        return FAIL(err, ERR_INVALID, "factors must be between 0 and %d, not %d",
                    (int)FM_FIELD_FACTORS_MAX, o->factors);
    }
    if (o->epochs_max < 1 || o->patience < 1) {
        return FAIL(err, ERR_INVALID, "epochs and patience must be at least 1, not %d and %d",
                    o->epochs_max, o->patience);
    }
    if (!share_ok(o->rate) || o->rate <= 0 || !share_ok(o->l2_linear) || !share_ok(o->l2_factors) ||
        !share_ok(o->init_stdev)) {
        return FAIL(err, ERR_INVALID, "the rate must be > 0, penalties and initial spread >= 0");
    }
    return true;
}

/* Everything one training holds; freed as one. */
struct training {
    const struct fm_field_data *data;
    const struct fm_field_options *options;
    struct row_list train;
    int lanes;
    struct mat state; /* (features, 2 lanes): weights, the linear one behind the factors; AdaGrad's
                         sums of squared gradients */
    float bias, bias_squares;
    int32_t *index; /* (columns * FM_FIELD_FEATURES_MAX) entries of the row at hand */
    float *value;
    float target[LANES_MAX], mask[LANES_MAX], decay[LANES_MAX];
    float row_decay[LANES_MAX]; /* decay times the weight of the row at hand */
    float sums[LANES_MAX], squares[LANES_MAX];
    int32_t *order;
    uint8_t *used; /* (slots) by the training rows */
};

static void training_free(struct training *t)
{
    mat_free(&t->state);
    mem_free(&t->index);
    mem_free(&t->value);
    mem_free(&t->order);
    mem_free(&t->used);
}

/* Starts at the base rate, so that early steps are not spent on the intercept. */
static void training_start(struct training *t, double base_rate, struct rng *rng)
{
    const struct fm_field_options *o = t->options;
    size_t entries = (size_t)t->data->columns * FM_FIELD_FEATURES_MAX;
    t->lanes = mat_ld(o->factors + 1);
    t->state = mat_make(t->data->features, 2 * t->lanes);
    t->index = mem_array(entries + 1, sizeof *t->index);
    t->value = mem_array(entries + 1, sizeof *t->value);
    t->order = mem_array((size_t)t->train.count, sizeof *t->order);
    t->used = mem_array((size_t)t->data->slots, 1);
    memcpy(t->order, t->train.row, (size_t)t->train.count * sizeof *t->order);
    /* the logit of the base rate: what the constant model would say */
    t->bias = (float)log(base_rate / (1 - base_rate));
    t->bias_squares = 1; /* as those of the weights below */
    for (int j = 0; j < t->data->features; j++) {
        float *w = mat_row(&t->state, j);
        for (int f = 0; f < o->factors; f++) {
            /* not 0: factors that are all equal would have equal gradients for ever */
            w[f] = (float)((double)o->init_stdev * rng_normal(rng));
        }
        for (int l = 0; l < t->lanes; l++) {
            w[t->lanes + l] = 1; /* keeps first steps from jumping by the whole rate */
        }
    }
    for (int f = 0; f < o->factors; f++) {
        t->mask[f] = 1;
        t->decay[f] = o->l2_factors;
    }
    t->decay[o->factors] = o->l2_linear;
    /* slots of held out rows alone stay unused, and then say nothing (collapse) */
    for (int i = 0; i < t->train.count; i++) {
        const int32_t *slots = t->data->slot + (size_t)t->train.row[i] * (size_t)t->data->columns;
        for (int c = 0; c < t->data->columns; c++) {
            t->used[slots[c]] = 1;
        }
    }
}

/* The features of a slot: how many. */
static int features_of(const struct fm_field_data *d, int32_t slot, const int32_t **out)
{
    *out = d->feature + (size_t)slot * FM_FIELD_FEATURES_MAX;
    int count = 0;
    while (count < FM_FIELD_FEATURES_MAX && (*out)[count] >= 0) {
        count++;
    }
    return count;
}

/* 1 / sqrt(features of the slot): the squares of a slot's values add up to 1 however many
 * resolutions it has. */
static const float weight_of_share[FM_FIELD_FEATURES_MAX + 1] = {0, 1, 0.70710678F, 0.57735027F};

/* Fills index and value with the row's entries and returns how many. */
static int expand(struct training *t, int32_t row)
{
    const struct fm_field_data *d = t->data;
    const int32_t *slots = d->slot + (size_t)row * (size_t)d->columns;
    int count = 0;
    for (int c = 0; c < d->columns; c++) {
        const int32_t *feature = NULL;
        int features = features_of(d, slots[c], &feature);
        for (int i = 0; i < features; i++) {
            t->index[count] = feature[i];
            t->value[count++] = weight_of_share[features];
        }
    }
    return count;
}

/* The margin of the entries at hand; leaves the sums behind. */
static float margin_of(struct training *t, int count)
{
    const int k = t->options->factors;
    const struct fm_gather g = {.base = t->state.data,
                                .stride = t->state.ld,
                                .lanes = t->lanes,
                                .count = count,
                                .index = t->index,
                                .value = t->value};
    /* squares as well: a row's entries are features, which are not yet collapsed */
    fm_gather_sums(&g, t->sums, t->squares);
    /* sum over pairs of (v_i.v_j) x_i x_j = 1/2 sum over factors of (sum v x)^2 - sum (v x)^2
     * (Rendle: Factorization Machines, ICDM 2010, lemma 3.1): linear in the entries */
    float products = 0;
    for (int f = 0; f < k; f++) {
        products += t->sums[f] * t->sums[f] - t->squares[f];
    }
    return t->bias + t->sums[k] + products / 2;
}

static void learn(struct training *t, int32_t row)
{
    const struct fm_field_options *o = t->options;
    /* one row at a time: thin features move as soon as they are met */
    int count = expand(t, row);
    float margin = margin_of(t, count);
    const float weight = t->data->weight ? t->data->weight[row] : 1;
    /* the log loss's derivative by the margin; everything else is its chain rule */
    float error = weight * ((float)logistic((double)margin) - (float)t->data->label[row]);
    /* its own AdaGrad, as it is met by every row */
    t->bias_squares += error * error;
    t->bias -= o->rate * error / sqrtf(t->bias_squares);
    /* the derivative by v of an entry is the sum of the others, by the linear weight 1 */
    memcpy(t->target, t->sums, (size_t)o->factors * sizeof *t->target);
    t->target[o->factors] = 1;
    for (int f = 0; f <= o->factors; f++) {
        /* the penalty of a row that counts half is half: otherwise old rows would only shrink what
         * young ones learnt */
        t->row_decay[f] = weight * t->decay[f];
    }
    const struct fm_step step = {.base = t->state.data,
                                 .stride = t->state.ld,
                                 .lanes = t->lanes,
                                 .count = count,
                                 .index = t->index,
                                 .value = t->value,
                                 .target = t->target,
                                 .mask = t->mask,
                                 .decay = t->row_decay,
                                 .error = error,
                                 .rate = o->rate};
    fm_step_run(&step);
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

/* Adds up what the features of each slot learnt: their vectors, and their interactions with each
 * other, which are the slot's own. */
static void collapse(const struct training *t, struct fm_field *out)
{
    const int k = t->options->factors;
    out->bias = t->bias;
    for (int s = 0; s < t->data->slots; s++) {
        const int32_t *feature = NULL;
        /* an unused slot would say what its random start says */
        int features = t->used[s] ? features_of(t->data, s, &feature) : 0;
        float *to = mat_row(&out->weights, s);
        float x = weight_of_share[features];
        memset(to, 0, (size_t)out->weights.ld * sizeof *to);
        for (int i = 0; i < features; i++) {
            const float *w = mat_row(&t->state, feature[i]);
            for (int f = 0; f < k; f++) {
                to[f] += w[f] * x;
                /* the scorer takes (sum)^2 / 2 and subtracts no squares: each feature's own goes
                 * into the slot's linear weight here */
                to[k] -= w[f] * x * w[f] * x / 2;
            }
            /* features of one slot always come together: their interactions are the slot's own, and
             * what |S|^2 / 2 has of them stays */
            to[k] += w[k] * x;
        }
    }
}

/* Steps of single rows leave what all rows have in common off by chance, the more so the more
 * columns hardly vary: each adds its own step to it. Moves the bias to where the mean
 * probability of the training rows (of at most BIAS_ROWS, spread evenly) is the rate of their
 * labels, by Newton. */
static void settle_bias(const struct training *t, struct fm_field *m)
{
    enum { BIAS_ROWS = 20000, STEPS = 8 };
    const struct fm_field_data *d = t->data;
    const int count = t->train.count < BIAS_ROWS ? t->train.count : BIAS_ROWS;
    CLEANUP(mem_free) double *margins = mem_array((size_t)count + 1, sizeof *margins);
    double by = 0;
    for (int i = 0; i < count; i++) {
        const int32_t row = t->train.row[(int64_t)i * t->train.count / count];
        /* once: a shift of all margins needs no second look at the machine */
        margins[i] = fm_field_margin(m, d->slot + (size_t)row * (size_t)d->columns, d->columns);
    }
    for (int step = 0; step < STEPS; step++) {
        double gradient =
            0.1 * by; /* a tenth of a row's doubt: one class alone moves it only so far */
        double curve = 0.1;
        for (int i = 0; i < count; i++) {
            const int32_t row = t->train.row[(int64_t)i * t->train.count / count];
            const double weight = d->weight ? (double)d->weight[row] : 1;
            const double p = logistic(margins[i] + by);
            gradient += weight * (p - d->label[row]);
            curve += weight * p * (1 - p);
        }
        by -= gradient / curve;
    }
    /* Newton without a bracket: where it diverged the bias stays as it was learnt */
    m->bias += isfinite(by) ? (float)by : 0;
}

static double validation_loss(const struct fm_field_data *data, struct row_list rows,
                              const struct fm_field *m)
{
    double loss = 0;
    for (int i = 0; i < rows.count; i++) {
        const int32_t *slots = data->slot + (size_t)rows.row[i] * (size_t)data->columns;
        /* unweighted: rows that are to be scored have no age */
        loss += logistic_loss(fm_field_margin(m, slots, data->columns), data->label[rows.row[i]]);
    }
    return rows.count > 0 ? loss / rows.count : 0;
}

/* Epochs until validation stops improving; best holds the one kept. */
static bool learn_all(struct training *t, struct row_list validation, struct rng *rng,
                      struct fm_field *best, struct fm_field_fit *fit, struct err *err)
{
    const struct fm_field_options *o = t->options;
    struct fm_field now = {.slots = best->slots, .factors = best->factors};
    bool ok = true;
    now.weights = mat_make(best->slots, best->factors + 1);
    for (int epoch = 1; ok && epoch <= o->epochs_max && epoch - fit->epoch_kept <= o->patience;
         epoch++) {
        /* Every epoch another order, or the same rows would always be learnt last. */
        shuffle(t->order, t->train.count, rng);
        for (int i = 0; i < t->train.count; i++) {
            learn(t, t->order[i]);
        }
        fit->epochs_run = epoch;
        /* nothing to judge by: the last one is kept, and only that one is worth collapsing */
        if (validation.count == 0 && epoch < o->epochs_max) {
            fit->epoch_kept = epoch;
            continue;
        }
        /* judged as it will serve, collapsed: a slot scores what its features add up to */
        collapse(t, &now);
        if (!isfinite(now.bias) || !mat_is_finite(&now.weights)) {
            ok = FAIL(err, ERR_INTERNAL, "training diverged in epoch %d: lower the rate", epoch);
            continue;
        }
        settle_bias(t, &now);
        double loss = validation_loss(t->data, validation, &now);
        /* early stopping by rows that were not trained on; of equal losses the earlier epoch */
        if (validation.count == 0 || epoch == 1 || loss < fit->validation_loss) {
            fit->epoch_kept = epoch;
            fit->validation_loss = loss;
            best->bias = now.bias;
            mat_copy(&now.weights, &best->weights);
        }
    }
    mat_free(&now.weights);
    return ok;
}

bool fm_field_train(const struct fm_field_data *data, struct row_list train,
                    struct row_list validation, const struct fm_field_options *options,
                    struct fm_field *out, struct fm_field_fit *out_fit, struct err *err)
{
    int positives = 0;
    for (int i = 0; i < train.count; i++) {
        positives += data->label[train.row[i]];
    }
    if (!options_check(options, err)) {
        return false;
    }
    if (positives == 0 || positives == train.count) {
        return FAIL(err, ERR_INVALID, "%d training rows, all of one class, teach nothing",
                    train.count);
    }
    CLEANUP(training_free)
    struct training t = {.data = data, .options = options, .train = train};
    struct rng rng = rng_seed(options->seed);
    /* both classes are there, so the logit is finite */
    training_start(&t, (double)positives / train.count, &rng);
    struct fm_field best = {.slots = data->slots, .factors = options->factors};
    struct fm_field_fit fit = {0};
    best.weights = mat_make(data->slots, options->factors + 1);
    if (!learn_all(&t, validation, &rng, &best, &fit, err)) {
        fm_field_free(&best);
        return false;
    }
    *out = best;
    *out_fit = fit;
    return true;
}
