/* Boosting: gradients of the log loss, one tree after the other on a bag of rows and columns, and
 * when to stop. */
#include "ml/learner/gbdt.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/rng.h"
#include "ml/learner/gbdt_internal.h"
#include "ml/linear/logistic.h"
#include "ml/linear/parallel.h"

#include <assert.h>
#include <math.h>

enum { ROWS_MAX = 1 << 24 };

struct gbdt_options gbdt_defaults(void)
{
    return (struct gbdt_options){
        .trees_max = 1000,
        .patience = 60,
        .depth = 5,
        .rate = 0.03,
        .l2 = 1,
        .child_weight = 2,
        .row_share = 0.9,
        /* Half is too few for all trees: of a table of which one column tells most, half of them
         * would not see it. Only learner_defaults' second recipe goes so low. */
        .column_share = 0.7,
        .threads = 1,
        .seed = 1,
    };
}

static bool within(double x, double above, double most)
{
    return x > above && x <= most; /* false for NaN */
}

static bool options_check(const struct gbdt_options *o, struct err *err)
{
    if (o->trees_max < 0 || o->trees_max > GBDT_TREES_MAX || o->patience < 1) {
        return FAIL(err, ERR_INVALID, "trees must be between 0 and %d, patience at least 1",
                    (int)GBDT_TREES_MAX);
    }
    if (o->depth < 1 || o->depth > GBDT_DEPTH_MAX) {
        return FAIL(err, ERR_INVALID, "the depth must be between 1 and %d, not %d",
                    (int)GBDT_DEPTH_MAX, o->depth);
    }
    if (!within(o->rate, 0, 1) || !within(o->row_share, 0, 1) || !within(o->column_share, 0, 1)) {
        return FAIL(err, ERR_INVALID, "rate and shares of rows and columns must be in (0, 1]");
    }
    /* 0 is allowed, and `within` leaves out its lower end */
    if (!within(o->l2, -1e-300, 1e12) || !within(o->child_weight, -1e-300, 1e12)) {
        return FAIL(err, ERR_INVALID, "l2 and the weight of a child must be between 0 and 1e12");
    }
    if (o->threads < 1 || o->threads > PARALLEL_THREADS_MAX) {
        return FAIL(err, ERR_INVALID, "threads must be between 1 and %d, not %d",
                    (int)PARALLEL_THREADS_MAX, o->threads);
    }
    return true;
}

/* One boosting run; freed as one. */
struct boosting {
    const struct gbdt_data *data;
    const struct gbdt_options *options;
    struct row_list train, validation;
    struct gbdt_grower grower;
    double *margin;             /* (train.count) */
    double *gradient, *hessian; /* (train.count) */
    double *validation_margin;  /* (validation.count) */
    struct rng rng;
};

static void boosting_free(struct boosting *b)
{
    gbdt_grower_free(&b->grower);
    mem_free(&b->margin);
    mem_free(&b->gradient);
    mem_free(&b->hessian);
    mem_free(&b->validation_margin);
}

static void boosting_start(struct boosting *b, double base)
{
    size_t rows = (size_t)b->train.count;
    b->grower = gbdt_grower_make(b->data, b->train, b->options);
    b->margin = mem_array(rows, sizeof *b->margin);
    b->gradient = mem_array(rows, sizeof *b->gradient);
    b->hessian = mem_array(rows, sizeof *b->hessian);
    b->validation_margin = mem_array((size_t)b->validation.count + 1, sizeof(double));
    b->grower.gradient = b->gradient;
    b->grower.hessian = b->hessian;
    /* everybody at the base rate before the first tree */
    for (size_t r = 0; r < rows; r++) {
        b->margin[r] = base;
    }
    for (int r = 0; r < b->validation.count; r++) {
        b->validation_margin[r] = base;
    }
    b->rng = rng_seed(b->options->seed);
}

/* Which rows and columns the next tree sees. */
static void draw(struct boosting *b)
{
    struct gbdt_grower *g = &b->grower;
    const double share = b->options->row_share;
    g->bag = 0;
    for (int r = 0; r < g->rows; r++) {
        /* without replacement (Friedman 2002: stochastic gradient boosting) */
        if (share >= 1 || rng_unit(&b->rng) < share) {
            g->row[g->bag++] = r;
        }
    }
    /* at least one column, however small the share */
    g->sampled = (int)ceil(b->options->column_share * g->columns);
    int kept = 0;
    for (int c = 0; c < g->columns;
         c++) { /* each subset of that size is as likely, in order (Knuth's algorithm S) */
        int left = g->columns - c;
        if ((int)rng_below(&b->rng, (uint64_t)left) < g->sampled - kept) {
            g->sample[kept++] = c;
        }
    }
}

static double weight_of(const struct gbdt_data *data, int32_t row)
{
    return data->weight ? (double)data->weight[row] : 1;
}

/* Gradients of all rows, and those of the bag as integers as large as their sums allow. */
static double quantise(struct boosting *b)
{
    struct gbdt_grower *g = &b->grower;
    double sizes =
        1; /* not 0: the logarithm below stays finite where every row is learnt by heart */
    double curves = 1;
    for (int r = 0; r < g->rows; r++) {
        double p = logistic(b->margin[r]);
        double weight = weight_of(b->data, b->train.row[r]);
        /* first and second derivative of the log loss by the margin */
        b->gradient[r] = weight * (p - b->data->label[b->train.row[r]]);
        b->hessian[r] = weight * p * (1 - p);
    }
    /* by the sums of the bag: a sum over any node is smaller, so none can overflow */
    for (int i = 0; i < g->bag; i++) {
        sizes += fabs(b->gradient[g->row[i]]);
        curves += b->hessian[g->row[i]];
    }
    /* Sums stay below 2^31 even when each of 2^24 rows is rounded up by a half
     * (2^30 and half of 2^24). A power of two, so that dividing by it rounds nothing. */
    double scale = exp2(floor(log2(0x1p30 / fmax(sizes, curves))));
    for (int i = 0; i < g->bag; i++) {
        int32_t r = g->row[i];
        /* lrint rounds to nearest even: errors have no side, and cancel in sums */
        g->packed[i] = gbdt_pack((int32_t)lrint(b->gradient[r] * scale),
                                 (uint32_t)lrint(b->hessian[r] * scale));
    }
    return scale;
}

/* Adds the tree to the margins and returns the mean loss of validation. */
static double step(struct boosting *b, const struct gbdt *m, int tree)
{
    const struct gbdt_grower *g = &b->grower;
    const size_t columns = (size_t)g->columns;
    const float *value = m->value + (size_t)tree * (size_t)gbdt_nodes(m->depth);
    double loss = 0;
    for (int r = 0; r < g->rows; r++) {
        /* rows outside of the bag as well: the next tree's gradients are of all */
        b->margin[r] += (double)value[gbdt_leaf(m, tree, g->bin + (size_t)r * columns)];
    }
    for (int i = 0; i < b->validation.count; i++) {
        size_t row = (size_t)b->validation.row[i];
        const uint8_t *bins = b->data->bin + row * columns;
        b->validation_margin[i] += (double)value[gbdt_leaf(m, tree, bins)];
        /* unweighted, as in the machine (fm_field_train.c) */
        loss += logistic_loss(b->validation_margin[i], b->data->label[row]);
    }
    return b->validation.count > 0 ? loss / b->validation.count : 0;
}

static void boost(struct boosting *b, const struct gbdt *m, struct gbdt_fit *fit)
{
    const struct gbdt_options *o = b->options;
    bool validated = b->validation.count > 0;
    /* Without rows held out trees_kept goes along with tree, and patience never ends. */
    for (int tree = 0; tree < o->trees_max && tree - fit->trees_kept < o->patience; tree++) {
        draw(b);
        double scale = quantise(b);
        /* scaled anew for each tree: gradients shrink, and keep all their bits */
        gbdt_grow(&b->grower, scale, m, tree);
        /* rows held out see every tree as it comes: no second pass over the model */
        double loss = step(b, m, tree);
        fit->trees_run = tree + 1;
        /* strictly: of equal losses the one with fewer trees */
        if (!validated || tree == 0 || loss < fit->validation_loss) {
            fit->trees_kept = tree + 1;
            fit->validation_loss = loss;
        }
    }
}

/* The margin before the first tree; *out_positives are counted without weights. */
static double base_of(const struct gbdt_data *data, struct row_list train, int *out_positives)
{
    double mass[2] = {0, 0};
    /* counted apart from the weights: a class is missing or not, however little its rows weigh */
    *out_positives = 0;
    for (int i = 0; i < train.count; i++) {
        uint8_t label = data->label[train.row[i]];
        mass[label] += weight_of(data, train.row[i]);
        *out_positives += label;
    }
    /* the margin of the weighted base rate: the constant with the least log loss */
    return log(fmax(mass[1], 1e-9) / fmax(mass[0], 1e-9));
}

bool gbdt_train(const struct gbdt_data *data, struct row_list train, struct row_list validation,
                const struct gbdt_options *options, struct gbdt *out, struct gbdt_fit *out_fit,
                struct err *err)
{
    int positives = 0;
    if (!options_check(options, err)) {
        return false;
    }
    if (train.count < 1 || train.count > ROWS_MAX) {
        return FAIL(err, ERR_INVALID, "training rows must be between 1 and %d, not %d",
                    (int)ROWS_MAX, train.count);
    }
    const double base = base_of(data, train, &positives);
    if (positives == 0 || positives == train.count) {
        return FAIL(err, ERR_INVALID, "%d training rows, all of one class, teach nothing",
                    train.count);
    }
    CLEANUP(boosting_free)
    struct boosting b = {
        .data = data, .options = options, .train = train, .validation = validation};
    /* room for all that may be grown; those behind the best are cut off by the count */
    struct gbdt m = gbdt_make(data->columns, options->depth, options->trees_max);
    struct gbdt_fit fit = {0};
    m.base = base;
    boosting_start(&b, m.base);
    boost(&b, &m, &fit);
    m.trees = fit.trees_kept;
    *out = m;
    *out_fit = fit;
    return true;
}
