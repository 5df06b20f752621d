/* One learner for risk: rows, training, usual contributions, file. Which moments it sees, and
 * whether it may serve, is decided by train_risk.c. */
#include "train/risk/train_risk_fit.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum {
    CARD_MAX = 1 << 16,
    USUAL_ROWS = 5000,    /* a mean needs no more */
    TIME_ROWS_MIN = 2500, /* to calibrate over time */
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
    enum risk_recipe recipe;
    struct learner *learner;
};

static void fitting_free(struct fitting *f)
{
    mem_free(&f->cells);
    mem_free(&f->label);
    mem_free(&f->group);
    learner_free(&f->learner);
}

/* All moments, or those of one half of the shoppers. */
enum side { SIDE_ODD, SIDE_EVEN, SIDE_BOTH };

static bool is_on(enum side side, const struct moment *m)
{
    /* By a bit from the middle of the hash: the lowest of FNV is but the parity of
     * the key's characters. */
    return side == SIDE_BOTH || (side == SIDE_EVEN) == ((m->key_hash >> 32) % 2 == 0);
}

static void rows_of(struct fitting *f, enum side side)
{
    const size_t count = (size_t)f->moments->count;
    f->count = 0;
    f->cells = mem_array(count * FEATURE_COUNT, sizeof *f->cells);
    f->label = mem_array(count, sizeof *f->label);
    f->group = mem_array(count, sizeof *f->group);
    for (size_t i = 0; i < count; i++) {
        const struct moment *m = f->moments->all[i];
        if (is_on(side, m)) {
            union learner_cell *cells = f->cells + (size_t)f->count * FEATURE_COUNT;
            memcpy(cells, m->x.cells, sizeof m->x.cells);
            if (f->recipe == RISK_WITHOUT_PRODUCTS) {
                risk_hide_products(cells, f->count);
            }
            f->label[f->count] = m->lost;
            /* Held out by shopper, never by row: moments of one cart differ by little more than
             * their idle time, and a learner that has seen some of them knows how the others end.
             * Stopping and weights would then reward learning by heart. */
            f->group[f->count++] = m->key_hash;
        }
    }
}

static struct learner_options options_of(const struct training *t, const struct fitting *f)
{
    /* as for all of the moments: what is trained on half of them stands for what is
     * trained on all */
    struct learner_options options = learner_defaults(f->moments->count);
    options.seed = t->options->seed;
    options.threads = t->threads;
    /* No factors: the machine is then logistic regression on the bins, a convex problem, whose
     * bags would differ by little. */
    if (f->recipe == RISK_LOGISTIC) {
        options.machine.factors = 0;
        options.machine_bags = 1;
        options.boosting_bags = 0;
    }
    return options;
}

static bool learn(const struct training *t, struct fitting *f, struct learner_fit *out,
                  struct err *err)
{
    uint8_t kinds[FEATURE_COUNT];
    risk_kinds(kinds);
    const struct learner_options options = options_of(t, f);
    const struct learner_table table = {
        .rows = f->count,
        .columns = FEATURE_COUNT,
        .kind = kinds,
        .cells = f->cells,
        .label = f->label,
        .group = f->group,
    };
    return learner_train(&table, &options, &f->learner, out, err);
}

bool risk_fit_plain(const struct training *t, const struct moments *m, enum risk_recipe recipe,
                    struct learner **out, struct err *err)
{
    CLEANUP(fitting_free) struct fitting f = {.moments = m, .recipe = recipe};
    struct learner_fit unused;
    rows_of(&f, SIDE_BOTH);
    if (!learn(t, &f, &unused, err)) {
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

/* Rows to calibrate with, and margins of learners that have not seen them. */
struct margins {
    double *margin, *position;
    uint8_t *label;
    int count;
};

static void margins_free(struct margins *m)
{
    mem_free(&m->margin);
    mem_free(&m->position);
    mem_free(&m->label);
}

static void margins_add(struct margins *m, const struct learner *l, const struct fitting *held)
{
    for (int i = 0; i < held->count; i++) {
        struct risk_example x;
        memcpy(x.cells, held->cells + (size_t)i * FEATURE_COUNT, sizeof x.cells);
        /* Margins of rows that this learner has not seen: of its own rows it is too sure, and a
         * calibration fitted to those would correct nothing (Platt, Probabilistic Outputs for
         * Support Vector Machines, 1999). */
        m->margin[m->count] = learner_margin(l, x.cells);
        m->position[m->count] = risk_position(&x);
        m->label[m->count++] = held->label[i];
    }
}

static struct calib_curve curve_of(const struct margins *m)
{
    /* A knot for each idle time that moments are taken at, on the logarithmic scale of
     * risk_position: the hazard changes as much from 30 to 60 seconds as from 7 to 14 days. */
    double at[IDLE_MOMENTS + 1] = {0};
    for (int i = 0; i < IDLE_MOMENTS; i++) {
        at[i + 1] = log2(1 + (double)moment_idle_times()[i] / (double)SECONDS(30));
    }
    const struct calib_rows rows = {m->count, m->margin, m->position, m->label, ROW_WEIGHT};
    return calib_curve_fit(&rows, at, IDLE_MOMENTS + 1);
}

/* One learner for all idle times is right on average only: two of them, each without one
 * half of the shoppers, tell by these how its margins lie at each idle time. Too few rows:
 * nothing is changed. */
static bool calibrate_time(const struct training *t, const struct moments *m,
                           enum risk_recipe recipe, struct calib_curve *out, struct err *err)
{
    CLEANUP(margins_free)
    struct margins all = {
        .margin = mem_array((size_t)m->count + 1, sizeof *all.margin),
        .position = mem_array((size_t)m->count + 1, sizeof *all.position),
        .label = mem_array((size_t)m->count + 1, sizeof *all.label),
    };
    *out = (struct calib_curve){0};
    /* Cross-fitting in two halves rather than a fifth held out: every shopper calibrates, and none
     * is scored by a learner that knows it. With few rows the curve would follow chance instead. */
    for (enum side side = SIDE_ODD; side < SIDE_BOTH && m->count >= TIME_ROWS_MIN; side++) {
        CLEANUP(fitting_free) struct fitting half = {.moments = m, .recipe = recipe};
        CLEANUP(fitting_free) struct fitting other = {.moments = m, .recipe = recipe};
        struct learner_fit unused;
        rows_of(&half, side);
        rows_of(&other, side == SIDE_ODD ? SIDE_EVEN : SIDE_ODD);
        /* Of one class only: there is nothing that a slope could be fitted to. */
        if (!both_classes(&half) || !both_classes(&other)) {
            return true;
        }
        if (!learn(t, &half, &unused, err)) {
            return false;
        }
        margins_add(&all, half.learner, &other);
    }
    if (all.count > 0) {
        *out = curve_of(&all);
    }
    return true;
}

/* What a usual cart gets from each feature: the mean over examples spread over the time. Returns
 * what no feature adds. */
static double usual_of(const struct fitting *f, double out[FEATURE_COUNT])
{
    double one[FEATURE_COUNT];
    double rest = 0;
    const int rows = f->moments->count < USUAL_ROWS ? f->moments->count : USUAL_ROWS;
    memset(out, 0, FEATURE_COUNT * sizeof *out);
    for (int i = 0; i < rows; i++) {
        /* Evenly over the time: the last days alone would make their campaign the usual. */
        size_t row = (size_t)((int64_t)i * f->moments->count / rows);
        rest += learner_contributions(f->learner, f->cells + row * FEATURE_COUNT, one) / rows;
        for (int x = 0; x < FEATURE_COUNT; x++) {
            out[x] += one[x] / rows;
        }
    }
    return rest;
}

static bool write_file(const struct fitting *f, const struct learner *ahead,
                       const struct risk_window *window, const char *card, struct risk_fit *out,
                       struct err *err)
{
    double usual[FEATURE_COUNT];
    const double rest = usual_of(f, usual);
    const struct risk_parts parts = {
        .window = *window,
        .learner = f->learner,
        .time = out->time,
        .usual = usual,
        .usual_rest = rest,
        .ahead = ahead,
        .card = card,
    };
    out->file.made = risk_write_blend(&parts, &out->file.bytes, out->file.sha256, err);
    return out->file.made;
}

const char *risk_recipe_name(enum risk_recipe recipe)
{
    static const char *const names[RISK_RECIPES] = {"logistic regression",
                                                    "all parts without products", "all parts"};
    return names[recipe];
}

bool risk_fit_learner(const struct training *t, const struct moments *m,
                      const struct risk_wish *wish, struct risk_fit *out, struct err *err)
{
    assert(m->count > 0);
    CLEANUP(fitting_free) struct fitting f = {.moments = m, .recipe = wish->recipe};
    CLEANUP(learner_free) struct learner *ahead = NULL;
    struct risk_fit fit = {.recipe = wish->recipe};
    const int ahead_rows =
        t->options->ahead_rows_max > 0 ? t->options->ahead_rows_max : RISK_AHEAD_ROWS_MAX;
    /* The learner that is kept sees all shoppers; the halves only serve to calibrate it. */
    rows_of(&f, SIDE_BOTH);
    /* Plain: without a curve over time, as risk_fit_plain has it and the gate has judged it. */
    if (!learn(t, &f, &fit.learnt, err) ||
        (!wish->plain && !calibrate_time(t, m, wish->recipe, &fit.time, err)) ||
        !risk_fit_ahead(t, wish->seen, wish->window.as_of_us, ahead_rows, &ahead, &fit.ahead,
                        err)) {
        return false;
    }
    struct buf text = buf_make(CARD_MAX);
    wish->card(wish->ctx, &fit, &text);
    bool ok = write_file(&f, ahead, &wish->window, buf_text(&text), &fit, err);
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
