/* Folding in and explaining at request time: one row's system in the eigenbasis, solved
 * on the stack. */
#include "ml/als/als_serve.h"

#include "base/mem.h"
#include "ml/als/als_internal.h"
#include "ml/als/als_rows.h"
#include "ml/linear/blas.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Of the preconditioned residual: five digits, well above what float products of some hundred
 * factors round away (1e-6), so that it is reached. Steps end there after about as many as the
 * shopper has items; the limit only stops what rounding keeps from ending. */
static const float SERVE_TOLERANCE = 1e-5F;
enum { SERVE_STEPS = 256 };

static bool number_ok(double value)
{
    return isfinite(value) && value >= 0;
}

bool als_server_open(const struct mat *items, const float *spectrum, const float *item_scale,
                     double shopper_mean, const struct als_options *options, struct als_server *out,
                     struct err *err)
{
    assert(items->cols >= 1 && items->cols <= ALS_FACTORS_MAX);
    assert(items->ld == mat_ld(items->cols));
    if (!als_objective_ok(options) || !isfinite(shopper_mean) || shopper_mean <= 0) {
        return FAIL(err, ERR_INVALID, "the model's ridge or weights are out of range");
    }
    *out = (struct als_server){.items = *items,
                               .item_scale = item_scale,
                               .shopper_mean = shopper_mean,
                               .options = *options};
    for (int i = 0; i < items->cols; i++) {
        /* below 0 a diagonal entry could cancel the ridge, and the system
         * would not be positive definite */
        if (!number_ok((double)spectrum[i])) {
            return FAIL(err, ERR_INVALID, "eigenvalue %d of the model is %g", i,
                        (double)spectrum[i]);
        }
        out->dense[i] =
            options->unobserved_weight * spectrum[i]; /* a0 h'h is diagonal in this basis */
    }
    return true;
}

static bool entries_check(const struct als_server *server, const struct als_entries *entries,
                          struct err *err)
{
    assert(entries->count >= 0);
    for (int e = 0; e < entries->count; e++) {
        if (entries->column[e] < 0 || entries->column[e] >= server->items.rows) {
            return FAIL(err, ERR_INVALID, "item %d is outside the model's %d items",
                        entries->column[e], server->items.rows);
        }
        /* as in training, where interactions_check asks the same */
        if (!als_weight_ok(entries->weight[e])) {
            return FAIL(err, ERR_INVALID, "item %d has weight %g, which is not finite and > 0",
                        entries->column[e], (double)entries->weight[e]);
        }
    }
    return true;
}

/* The row's weights as the objective has them, on the stack where they fit. */
struct scaled {
    float here[ALS_SERVE_ENTRIES];
    float *weight; /* here, or owned */
    float ridge;
};

static void scaled_make(const struct als_server *s, const struct als_entries *done,
                        struct scaled *out)
{
    const struct als_options *o = &s->options;
    /* C_u, in double as in training */
    double sum = 0;
    for (int e = 0; e < done->count; e++) {
        sum += (double)done->weight[e];
    }
    /* s_u as in training, relative to the training's mean and not to this shopper */
    const float shopper = o->shopper_exponent > 0 && sum > 0
                              ? (float)pow(sum / s->shopper_mean, -(double)o->shopper_exponent)
                              : 1;
    out->weight = done->count <= ALS_SERVE_ENTRIES
                      ? out->here
                      : mem_array((size_t)done->count, sizeof *out->weight);
    for (int e = 0; e < done->count; e++) {
        /* the product in the order of scale_weights (als_problem.c):
         * the same bits as in training */
        float item = s->item_scale ? s->item_scale[done->column[e]] : 1;
        out->weight[e] = done->weight[e] * (shopper * item); /* s_u t_i c_ui */
    }
    /* by the weights as observed, as side_ridges has it */
    out->ridge = (float)als_ridge(o, sum, s->items.rows);
}

static void scaled_free(struct scaled *scaled)
{
    if (scaled->weight != scaled->here) {
        mem_free(&scaled->weight);
    }
}

/* out = the system's inverse times right; right NULL: times the sum of c h. */
static void solve(const struct als_server *s, const struct als_entries *done,
                  const struct scaled *scaled, const float *right, float *out)
{
    /* full floats, as the model has them: a single row is not worth packing for */
    const struct als_system system = {
        .others = s->items.data,
        .unit = 1,
        .ld = s->items.ld,
        .dense = s->dense,
        .steps = SERVE_STEPS,
        .tolerance = SERVE_TOLERANCE,
    };
    /* `after` stays 0: behind a request's entries lie no others that could be fetched ahead */
    const struct als_row row = {.column = done->column,
                                .weight = scaled->weight,
                                .count = done->count,
                                .ridge = scaled->ridge};
    memset(out, 0, (size_t)s->items.ld * sizeof *out); /* the start */
    als_row_kernel (&system)(&system, &row, right, out);
}

static bool finish(const struct als_server *s, const float *solved, float *out, struct err *err)
{
    const size_t k = (size_t)s->items.cols;
    if (!floats_are_finite(solved, k)) {
        return FAIL(err, ERR_INVALID, "the shopper's factors are not finite numbers");
    }
    memcpy(out, solved, k * sizeof *out);
    return true;
}

bool als_fold_in(const struct als_server *server, const struct als_entries *done,
                 float *out_factors, struct err *err)
{
    _Alignas(64) float solved[ALS_FACTORS_MAX];
    struct scaled scaled;
    if (!entries_check(server, done, err)) {
        return false;
    }
    /* nothing done, b = 0: the shopper is at the origin, and every score is 0 */
    if (done->count == 0) {
        memset(out_factors, 0, (size_t)server->items.cols * sizeof *out_factors);
        return true;
    }
    scaled_make(server, done, &scaled);
    solve(server, done, &scaled, NULL, solved);
    scaled_free(&scaled);
    return finish(server, solved, out_factors, err);
}

/* With the system A fixed, factors = A^-1 (sum of c_e h_e), so the target's score is the sum of
 * c_e h_e . (A^-1 h_target). */
bool als_explain(const struct als_server *server, const struct als_entries *done, int target,
                 float *out, struct err *err)
{
    _Alignas(64) float solved[ALS_FACTORS_MAX];
    const struct mat *items = &server->items;
    struct scaled scaled;
    if (target < 0 || target >= items->rows) {
        return FAIL(err, ERR_INVALID, "item %d is outside the model's %d items", target,
                    items->rows);
    }
    if (!entries_check(server, done, err)) {
        return false;
    }
    scaled_make(server, done, &scaled);
    /* one solve for the target, and not one for each entry: A is symmetric */
    solve(server, done, &scaled, mat_row(items, target), solved);
    for (int e = 0; e < done->count; e++) {
        out[e] = scaled.weight[e] * mat_dot(solved, mat_row(items, done->column[e]), items->cols);
    }
    scaled_free(&scaled);
    return true;
}

bool als_fold_in_cholesky(const struct als_server *server, const struct als_entries *done,
                          float *out_factors, struct err *err)
{
    const struct mat *items = &server->items;
    struct scaled scaled;
    if (!entries_check(server, done, err)) {
        return false;
    }
    scaled_make(server, done, &scaled);
    struct mat dense = mat_make(items->cols, items->cols);
    struct mat solved = mat_make(1, items->cols);
    for (int i = 0; i < items->cols; i++) {
        /* a0 is in it already, hence the 1 below */
        mat_row(&dense, i)[i] = server->dense[i];
    }
    const struct als_entries entries = {done->count, done->column, scaled.weight};
    bool ok = als_cholesky_row(items, &dense, 1, scaled.ridge, &entries, solved.data, err) &&
              finish(server, solved.data, out_factors, err);
    mat_free(&solved);
    mat_free(&dense);
    scaled_free(&scaled);
    return ok;
}
