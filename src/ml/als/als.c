/* Implicit-feedback ALS: options and the training loop. Half a sweep is als_eigen.c's,
 * als_solve.c's or als_reference.c's; folding in is als_serve.c's. */
#include "ml/als/als.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/als/als_internal.h"
#include "ml/als/als_rows.h"
#include "ml/linear/parallel.h"

#include <assert.h>
#include <math.h>

/* Standard deviation of the start, divided by sqrt(k) so that first predictions do not
 * grow with k. */
static const double START_STDEV = 0.1; /* as in Rendle et al. 2022 */

struct als_options als_defaults(void)
{
    return (struct als_options){
        .factors = 64,
        .sweeps = 4,
        .reg = 0.001F,
        .reg_exponent = 1.0F,
        .unobserved_weight = 0.02F,
        .shopper_exponent = 0.3F,
        .item_exponent = 0.3F,
        .steps = 2,
        .seed = 1,
        .threads = 1,
    };
}

bool als_objective_ok(const struct als_options *o)
{
    return isfinite(o->reg) && o->reg > 0 && o->reg_exponent >= 0 && o->reg_exponent <= 2 &&
           isfinite(o->unobserved_weight) && o->unobserved_weight >= 0 &&
           o->shopper_exponent >= 0 && o->shopper_exponent <= 1 && o->item_exponent >= 0 &&
           o->item_exponent <= 1;
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
    if (o->steps < 1 || o->steps > ALS_STEPS_MAX) {
        return FAIL(err, ERR_INVALID, "steps must be between 1 and %d, not %d", ALS_STEPS_MAX,
                    o->steps);
    }
    if (!als_objective_ok(o)) {
        return FAIL(
            err, ERR_INVALID,
            "reg must be > 0, reg_exponent in 0..2, unobserved_weight >= 0 and the frequency "
            "exponents in 0..1, not %g, %g, %g, %g and %g",
            (double)o->reg, (double)o->reg_exponent, (double)o->unobserved_weight,
            (double)o->shopper_exponent, (double)o->item_exponent);
    }
    return true;
}

bool als_weight_ok(float weight)
{
    return isfinite(weight) && weight > 0;
}

static bool interactions_check(const struct csr *interactions, struct err *err)
{
    int64_t entries = csr_entries(interactions);
    if (entries == 0) {
        return FAIL(err, ERR_INVALID, "there are no interactions to learn from");
    }
    /* once, before anything is built on it: C_u^-e and the ridge are powers of sums of these */
    for (int64_t e = 0; e < entries; e++) {
        if (!als_weight_ok(interactions->weight[e])) {
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
    /* drawn row by row on one thread: the start is part of "same seed, same bytes" */
    struct rng rng = rng_seed(options->seed);
    mat_fill_normal(&start, START_STDEV / sqrt((double)options->factors), &rng);
    return start;
}

/* ---- training ---- */

struct run {
    const struct csr *interactions;
    const struct als_options *options;
    struct als_problem problem;
    struct als_state state;
    uint16_t *packed; /* (larger side, ld), owned; NULL where full floats are gathered */
};

static bool state_check(const struct run *r, struct err *err)
{
    const struct als_state *s = &r->state;
    const int k = r->options->factors;
    if (s->shoppers.rows != r->interactions->rows || s->items.rows != r->interactions->cols ||
        s->shoppers.cols != k || s->items.cols != k || s->sweeps < 0) {
        return FAIL(err, ERR_INVALID,
                    "the training to resume is one of %d shoppers, %d items and %d factors, not of "
                    "%d, %d and %d",
                    s->shoppers.rows, s->items.rows, s->items.cols, r->interactions->rows,
                    r->interactions->cols, k);
    }
    /* one NaN would go through the Gram matrix into every row of the next half */
    if (!mat_is_finite(&s->shoppers) || !mat_is_finite(&s->items)) {
        return FAIL(err, ERR_INVALID, "the training to resume holds a number that is not finite");
    }
    return true;
}

static bool solve_half(struct run *r, bool shoppers, struct err *err)
{
    const struct als_half half = {
        .side = shoppers ? &r->problem.shoppers : &r->problem.items,
        .options = r->options,
        .steps = r->options->steps,
        .packed = r->packed,
        /* "rows" are solved for while "others" stand still: with one side fixed the
         * objective is a ridge regression a row */
        .rows = shoppers ? &r->state.shoppers : &r->state.items,
        .others = shoppers ? &r->state.items : &r->state.shoppers,
    };
    switch (r->options->solver) {
    case ALS_SOLVER_CHOLESKY:
        return als_cholesky_half(&half, err);
    case ALS_SOLVER_PLAIN:
        return als_plain_half(&half, err);
    case ALS_SOLVER_EIGEN:
    default:
        return als_eigen_half(&half, err);
    }
}

static bool tell(struct run *r, struct err *err)
{
    const struct als_options *o = r->options;
    const struct als_state *s = &r->state;
    struct als_progress progress = {.sweep = s->sweeps, .state = s};
    if (!o->progress) {
        return true;
    }
    /* not for the training, which stops by sweeps: for those who watch it */
    if (o->watch_loss) {
        progress.loss = als_problem_loss(&r->problem, o, &s->shoppers, &s->items);
    }
    return o->progress(o->progress_ctx, &progress) ||
           FAIL(err, ERR_BUSY, "the training was stopped after sweep %d", s->sweeps);
}

static bool sweep_all(struct run *r, struct err *err)
{
    /* shoppers first: they start at zero, items do not */
    while (r->state.sweeps < r->options->sweeps) {
        if (!solve_half(r, true, err) || !solve_half(r, false, err)) {
            return false;
        }
        /* counted when both sides have moved: a state that is kept is one of whole sweeps */
        r->state.sweeps++;
        if (!tell(r, err)) {
            return false;
        }
    }
    return true;
}

static void run_free(struct run *r)
{
    als_problem_free(&r->problem);
    mat_free(&r->state.shoppers);
    mat_free(&r->state.items);
    mem_free(&r->packed);
}

static bool packs(const struct als_options *options)
{
    /* The exact solvers read floats, and a processor without F16C could not unpack. */
    return options->solver == ALS_SOLVER_EIGEN && !options->full_floats && als_rows_can_pack();
}

static size_t packed_bytes(int rows, int cols, const struct als_options *options)
{
    /* each half packs the side it reads; one room serves both in turn */
    size_t larger = (size_t)(rows > cols ? rows : cols);
    return packs(options) ? larger * (size_t)mat_ld(options->factors) * sizeof(uint16_t) : 0;
}

bool als_train(const struct csr *interactions, const struct als_options *options,
               struct mat *out_shoppers, struct mat *out_items, struct err *err)
{
    CLEANUP(run_free) struct run r = {.interactions = interactions, .options = options};
    if (options->resume) {
        /* taken over before any check, so that one owner frees it on every way out */
        r.state = *options->resume;
        *options->resume = (struct als_state){0};
    }
    if (!options_check(options, err) || !interactions_check(interactions, err) ||
        (options->resume && !state_check(&r, err))) {
        return false;
    }
    if (!options->resume) {
        r.state.shoppers = mat_make(interactions->rows, options->factors);
        r.state.items = als_start(interactions->cols, options);
    }
    /* after the checks: it takes powers of sums that they have found finite */
    r.problem = als_problem_make(interactions, options);
    size_t packed = packed_bytes(interactions->rows, interactions->cols, options);
    r.packed = packed > 0 ? mem_wide(packed, 1) : NULL;
    if (!sweep_all(&r, err)) {
        return false;
    }
    *out_shoppers = r.state.shoppers;
    *out_items = r.state.items;
    /* handed over: run_free finds nothing there */
    r.state = (struct als_state){0};
    return true;
}

size_t als_memory_bytes(int rows, int cols, int64_t entries, const struct als_options *options)
{
    const size_t row = (size_t)mat_ld(options->factors) * sizeof(float);
    return als_problem_bytes(rows, cols, entries, options) + ((size_t)rows + (size_t)cols) * row +
           packed_bytes(rows, cols, options) + als_half_bytes(options);
}
