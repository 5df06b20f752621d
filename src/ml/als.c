/* Implicit-feedback ALS: options, training loop, fold-in. The numerical work is in als_solve.c. */
#include "ml/als.h"

#include "ml/als_internal.h"
#include "ml/blas.h"
#include "ml/parallel.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Standard deviation of the start, divided by sqrt(k) so that first predictions do not grow with k.
 */
static const double START_STDEV = 0.1;

struct als_options als_defaults(void)
{
    return (struct als_options){
        .factors = 64,
        .sweeps = 6,
        .reg = 0.001F,
        .reg_exponent = 1.0F,
        .unobserved_weight = 0.02F,
        .seed = 1,
        .threads = 1,
    };
}

static bool ridge_options_ok(const struct als_options *o)
{
    return isfinite(o->reg) && o->reg > 0 && o->reg_exponent >= 0 && o->reg_exponent <= 2 &&
           isfinite(o->unobserved_weight) && o->unobserved_weight >= 0;
}

static bool options_check(const struct als_options *o, struct err *err)
{
    if (o->factors < 1 || o->factors > ALS_FACTORS_MAX) {
        return FAIL(err, ERR_INVALID, "factors must be between 1 and %d, not %d", ALS_FACTORS_MAX,
                    o->factors);
    }
    if (o->sweeps < 1 || o->sweeps > ALS_SWEEPS_MAX) {
        return FAIL(err, ERR_INVALID, "sweeps must be between 1 and %d, not %d", ALS_SWEEPS_MAX,
                    o->sweeps);
    }
    if (o->threads < 1 || o->threads > PARALLEL_THREADS_MAX) {
        return FAIL(err, ERR_INVALID, "threads must be between 1 and %d, not %d",
                    PARALLEL_THREADS_MAX, o->threads);
    }
    if (!ridge_options_ok(o)) {
        return FAIL(
            err, ERR_INVALID,
            "reg must be > 0, reg_exponent in 0..2 and unobserved_weight >= 0, not %g, %g and %g",
            (double)o->reg, (double)o->reg_exponent, (double)o->unobserved_weight);
    }
    return true;
}

static bool weight_ok(float weight)
{
    return isfinite(weight) && weight > 0;
}

static bool interactions_check(const struct csr *interactions, struct err *err)
{
    int64_t entries = csr_entries(interactions);
    if (entries == 0) {
        return FAIL(err, ERR_INVALID, "there are no interactions to learn from");
    }
    for (int64_t e = 0; e < entries; e++) {
        if (!weight_ok(interactions->weight[e])) {
            return FAIL(err, ERR_INVALID,
                        "interaction %lld has weight %g, which is not finite and > 0", (long long)e,
                        (double)interactions->weight[e]);
        }
    }
    return true;
}

struct mat als_start(int items, const struct als_options *options)
{
    struct mat start = mat_make(items, options->factors);
    struct rng rng = rng_seed(options->seed);
    mat_fill_normal(&start, START_STDEV / sqrt((double)options->factors), &rng);
    return start;
}

bool als_sweep(const struct csr *interactions, const struct csr *by_item,
               const struct als_options *options, struct mat *shoppers, struct mat *items,
               struct err *err)
{
    assert(by_item->rows == interactions->cols && by_item->cols == interactions->rows);
    return als_solve_side(interactions, items, options, shoppers, err) &&
           als_solve_side(by_item, shoppers, options, items, err);
}

static bool sweep_all(const struct csr *interactions, const struct als_options *options,
                      struct mat *shoppers, struct mat *items, struct err *err)
{
    struct csr by_item = csr_transpose(interactions);
    bool ok = true;
    for (int sweep = 1; ok && sweep <= options->sweeps; sweep++) {
        ok = als_sweep(interactions, &by_item, options, shoppers, items, err);
        if (ok && options->progress &&
            !options->progress(options->progress_ctx, sweep,
                               als_loss(interactions, options, shoppers, items))) {
            ok = FAIL(err, ERR_BUSY, "the training was stopped after sweep %d", sweep);
        }
    }
    csr_free(&by_item);
    return ok;
}

bool als_train(const struct csr *interactions, const struct als_options *options,
               struct mat *out_shoppers, struct mat *out_items, struct err *err)
{
    if (!options_check(options, err) || !interactions_check(interactions, err)) {
        return false;
    }
    struct mat shoppers = mat_make(interactions->rows, options->factors);
    struct mat items = als_start(interactions->cols, options);
    if (!sweep_all(interactions, options, &shoppers, &items, err)) {
        mat_free(&shoppers);
        mat_free(&items);
        return false;
    }
    *out_shoppers = shoppers;
    *out_items = items;
    return true;
}

static bool entries_check(const struct als_entries *entries, int items, struct err *err)
{
    for (int e = 0; e < entries->count; e++) {
        if (entries->column[e] < 0 || entries->column[e] >= items) {
            return FAIL(err, ERR_INVALID, "item %d is outside the model's %d items",
                        entries->column[e], items);
        }
        if (!weight_ok(entries->weight[e])) {
            return FAIL(err, ERR_INVALID, "item %d has weight %g, which is not finite and > 0",
                        entries->column[e], (double)entries->weight[e]);
        }
    }
    return true;
}

static bool row_check(const struct als_options *options, const struct als_entries *done, int items,
                      struct err *err)
{
    assert(done->count >= 0);
    if (!ridge_options_ok(options)) {
        return FAIL(err, ERR_INVALID,
                    "the model's reg, reg_exponent or unobserved_weight is out of range");
    }
    return entries_check(done, items, err);
}

bool als_fold_in(const struct mat *items, const struct mat *gram, const struct als_options *options,
                 const struct als_entries *done, float *out_factors, struct err *err)
{
    assert(items->cols >= 1 && gram->rows == items->cols && gram->cols == items->cols);
    if (!row_check(options, done, items->rows, err)) {
        return false;
    }
    struct als_scratch scratch = als_scratch_make(items->cols);
    struct mat solved = mat_make(1, items->cols);
    bool ok = als_solve_row(items, gram, options, done, &scratch, solved.data, err);
    if (ok) {
        memcpy(out_factors, solved.data, (size_t)items->cols * sizeof *out_factors);
    }
    mat_free(&solved);
    als_scratch_free(&scratch);
    return ok;
}

/* With the system A fixed, factors = A^-1 (sum of c_e h_e), so the target's score is the sum of
 * c_e h_e . (A^-1 h_target). */
bool als_explain(const struct mat *items, const struct mat *gram, const struct als_options *options,
                 const struct als_entries *done, int target, float *out, struct err *err)
{
    if (target < 0 || target >= items->rows) {
        return FAIL(err, ERR_INVALID, "item %d is outside the model's %d items", target,
                    items->rows);
    }
    if (!row_check(options, done, items->rows, err)) {
        return false;
    }
    struct als_scratch scratch = als_scratch_make(items->cols);
    struct mat solved = mat_make(1, items->cols);
    als_row_system(items, gram, options, done, &scratch, solved.data);
    memcpy(solved.data, mat_row(items, target), (size_t)items->cols * sizeof *solved.data);
    bool ok = blas_solve_spd(&scratch.system, solved.data, err);
    for (int e = 0; ok && e < done->count; e++) {
        out[e] =
            done->weight[e] * mat_dot(solved.data, mat_row(items, done->column[e]), items->cols);
    }
    mat_free(&solved);
    als_scratch_free(&scratch);
    return ok;
}
