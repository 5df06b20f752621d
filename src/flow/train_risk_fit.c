/* One learner for risk: rows, training, usual contributions, file. Which moments it sees, and whether it may serve, is decided by train_risk.c. */
#include "flow/train_risk.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    CARD_MAX = 1 << 16,
    USUAL_ROWS = 5000,   /* a mean needs no more */
    HOLDOUT_SHARE = 5,   /* every fifth shopper */
    TIME_ROWS_MIN = 500, /* held out, to calibrate over time */
};

/* A shopper's moments repeat each other. */
static const double ROW_WEIGHT = 0.5;

/* Everything one fit needs; freed as one. */
struct fitting {
    const struct moments *moments;
    union learner_cell *cells; /* (count, FEATURE_COUNT) */
    uint8_t *label;
    int count;       /* rows of them that were taken */
    uint64_t *group; /* shoppers: moments of one cart never stand on both sides of a fold */
    struct learner *learner;
};

static void fitting_free(struct fitting *f)
{
    mem_free(&f->cells);
    mem_free(&f->label);
    mem_free(&f->group);
    learner_free(&f->learner);
}

static bool held_out(const struct moment *m)
{
    return m->key_hash % HOLDOUT_SHARE == 0;
}

/* All moments, or those of one side: held out (1) or not (0). */
enum side { SIDE_LEARN, SIDE_HELD, SIDE_BOTH };

static void rows_of(struct fitting *f, enum side side)
{
    const size_t count = (size_t)f->moments->count;
    f->count = 0;
    f->cells = mem_array(count * FEATURE_COUNT, sizeof *f->cells);
    f->label = mem_array(count, sizeof *f->label);
    f->group = mem_array(count, sizeof *f->group);
    for (size_t i = 0; i < count; i++) {
        const struct moment *m = f->moments->all[i];
        if (side == SIDE_BOTH || (side == SIDE_HELD) == held_out(m)) {
            memcpy(f->cells + (size_t)f->count * FEATURE_COUNT, m->x.cells, sizeof m->x.cells);
            f->label[f->count] = m->lost;
            f->group[f->count++] = m->key_hash;
        }
    }
}

static bool learn_with(struct fitting *f, const struct learner_options *options,
                       struct learner_fit *out, struct err *err)
{
    uint8_t kinds[FEATURE_COUNT];
    risk_kinds(kinds);
    const struct learner_table table = {
        .rows = f->count,
        .columns = FEATURE_COUNT,
        .kind = kinds,
        .cells = f->cells,
        .label = f->label,
        .group = f->group,
    };
    return learner_train(&table, options, &f->learner, out, err);
}

static struct learner_options options_of(const struct training *t, const struct fitting *f)
{
    struct learner_options options = learner_defaults(f->count);
    options.seed = t->options->seed;
    options.threads = t->threads;
    return options;
}

/* The learner's table with nothing but logistic regression. */
static struct learner_options logistic_of(const struct training *t, const struct fitting *f)
{
    struct learner_options options = options_of(t, f);
    options.machine.factors = 0;
    options.machine_bags = 1;
    options.boosting_bags = 0;
    return options;
}

/* All parts, or logistic regression alone where that is better on the same rows held out: few shoppers teach no more. */
static bool learn(const struct training *t, struct fitting *f, const struct risk_wish *wish,
                  struct risk_fit *out, struct err *err)
{
    const struct learner_options options = options_of(t, f);
    const struct learner_options simple = logistic_of(t, f);
    struct learner_fit fit;
    if (wish->logistic) {
        out->logistic = true;
        return learn_with(f, &simple, &out->learnt, err);
    }
    if (!learn_with(f, &options, &out->learnt, err)) {
        return false;
    }
    struct learner *all = f->learner;
    f->learner = NULL;
    if (!learn_with(f, &simple, &fit, err)) {
        learner_free(&all);
        return false;
    }
    out->logistic = fit.held_out_rows > 0 && fit.held_out_rows == out->learnt.held_out_rows &&
                    fit.blend.log_loss < out->learnt.blend.log_loss;
    if (out->logistic) {
        out->learnt = fit;
        learner_free(&all);
    } else {
        learner_free(&f->learner);
        f->learner = all;
    }
    return true;
}

bool risk_fit_logistic(const struct training *t, const struct moments *m, struct learner **out,
                       struct err *err)
{
    CLEANUP(fitting_free) struct fitting f = {.moments = m};
    struct learner_fit unused;
    rows_of(&f, SIDE_BOTH);
    const struct learner_options options = logistic_of(t, &f);
    if (!learn_with(&f, &options, &unused, err)) {
        return false;
    }
    *out = f.learner;
    f.learner = NULL;
    return true;
}

static bool both_classes(const struct fitting *f)
{
    int lost = 0;
    for (int i = 0; i < f->count; i++) {
        lost += f->label[i];
    }
    return lost > 0 && lost < f->count;
}

static struct calib_curve curve_of(const struct learner *l, const struct fitting *held)
{
    double at[IDLE_MOMENTS + 1] = {0};
    double *margins = mem_array((size_t)held->count, sizeof *margins);
    double *positions = mem_array((size_t)held->count, sizeof *positions);
    for (int i = 0; i < IDLE_MOMENTS; i++) {
        at[i + 1] = log2(1 + (double)moment_idle_times()[i] / (double)SECONDS(30));
    }
    for (int i = 0; i < held->count; i++) {
        struct risk_example x;
        memcpy(x.cells, held->cells + (size_t)i * FEATURE_COUNT, sizeof x.cells);
        margins[i] = learner_margin(l, x.cells);
        positions[i] = risk_position(&x);
    }
    const struct calib_rows rows = {held->count, margins, positions, held->label, ROW_WEIGHT};
    struct calib_curve curve = calib_curve_fit(&rows, at, IDLE_MOMENTS + 1);
    mem_free(&margins);
    mem_free(&positions);
    return curve;
}

/* One learner for all idle times is right on average only: a first one, without a fifth of the shoppers, tells by them how its margins lie at each idle time.
 * Too few of them: nothing is changed. */
static bool calibrate_time(const struct training *t, const struct moments *m, bool logistic,
                           struct calib_curve *out, struct err *err)
{
    CLEANUP(fitting_free) struct fitting held = {.moments = m};
    CLEANUP(fitting_free) struct fitting rest = {.moments = m};
    struct learner_fit unused;
    *out = (struct calib_curve){0};
    rows_of(&held, SIDE_HELD);
    rows_of(&rest, SIDE_LEARN);
    if (held.count < TIME_ROWS_MIN || !both_classes(&held) || !both_classes(&rest)) {
        return true;
    }
    const struct learner_options options = logistic ? logistic_of(t, &rest) : options_of(t, &rest);
    if (!learn_with(&rest, &options, &unused, err)) {
        return false;
    }
    *out = curve_of(rest.learner, &held);
    return true;
}

/* What a usual cart gets from each feature: the mean over examples spread over the time. Returns what no feature adds. */
static double usual_of(const struct fitting *f, double out[FEATURE_COUNT])
{
    double one[FEATURE_COUNT];
    double rest = 0;
    const int rows = f->moments->count < USUAL_ROWS ? f->moments->count : USUAL_ROWS;
    memset(out, 0, FEATURE_COUNT * sizeof *out);
    for (int i = 0; i < rows; i++) {
        size_t row = (size_t)((int64_t)i * f->moments->count / rows);
        rest += learner_contributions(f->learner, f->cells + row * FEATURE_COUNT, one) / rows;
        for (int x = 0; x < FEATURE_COUNT; x++) {
            out[x] += one[x] / rows;
        }
    }
    return rest;
}

static bool write_file(const struct fitting *f, const struct risk_window *window, const char *card,
                       struct risk_fit *out, struct err *err)
{
    double usual[FEATURE_COUNT];
    const double rest = usual_of(f, usual);
    const struct risk_parts parts = {
        .window = *window,
        .learner = f->learner,
        .time = out->time,
        .usual = usual,
        .usual_rest = rest,
        .card = card,
    };
    out->file.made = risk_write_blend(&parts, &out->file.bytes, out->file.sha256, err);
    return out->file.made;
}

bool risk_fit_learner(const struct training *t, const struct moments *m,
                      const struct risk_wish *wish, struct risk_fit *out, struct err *err)
{
    assert(m->count > 0);
    CLEANUP(fitting_free) struct fitting f = {.moments = m};
    struct risk_fit fit = {0};
    rows_of(&f, SIDE_BOTH);
    if (!learn(t, &f, wish, &fit, err) ||
        (!wish->logistic && !calibrate_time(t, m, fit.logistic, &fit.time, err))) {
        return false;
    }
    struct buf text = buf_make(CARD_MAX);
    wish->card(wish->ctx, &fit, &text);
    bool ok = write_file(&f, &wish->window, buf_text(&text), &fit, err);
    buf_free(&text);
    if (ok) {
        *out = fit;
    }
    return ok;
}

void risk_fit_free(struct risk_fit *fit)
{
    buf_free(&fit->file.bytes);
}
