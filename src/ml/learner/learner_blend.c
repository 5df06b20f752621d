/* Weights of the learner's two margins: logistic regression on margins of rows held out, no weight
 * below 0. */
#include "ml/learner/learner_internal.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/judge/paired.h"
#include "ml/linear/logistic.h"

#include <math.h>

enum { PARTS = 3 }; /* machine, boosting, 1 */

struct blend {
    const double *margin[PARTS - 1]; /* NULL: left out */
    const uint8_t *labels;
    int count;
};

static double margin_at(const struct blend *b, const double *w, int row)
{
    double z = w[PARTS - 1];
    for (int p = 0; p < PARTS - 1; p++) {
        z += b->margin[p] ? w[p] * b->margin[p][row] : 0;
    }
    return z;
}

/* A tenth of a row's doubt draws each weight to 1/2: without it, parted classes would drive
 * them to infinity. */
static const double RIDGE = 0.1;

static double loss_at(const struct blend *b, const double *w)
{
    double loss = 0;
    for (int i = 0; i < b->count; i++) {
        loss += logistic_loss(margin_at(b, w, i), b->labels[i]);
    }
    for (int p = 0; p < PARTS - 1; p++) {
        /* to 1/2 and not to 0: knowing nothing, the blend is the mean of both */
        loss += b->margin[p] ? RIDGE / 2 * (w[p] - 0.5) * (w[p] - 0.5) : 0;
    }
    return loss;
}

/* Gradient and Hessian of the penalty; a part left out stays where it is. */
static void penalty(const struct blend *b, const double *w, double *g, double h[PARTS][PARTS])
{
    for (int p = 0; p < PARTS; p++) {
        for (int q = 0; q < PARTS; q++) {
            h[p][q] = 0;
        }
        g[p] = 0;
        h[p][p] =
            1e-9; /* of the intercept, which nothing draws: regular where all rows are certain */
    }
    for (int p = 0; p < PARTS - 1; p++) {
        /* a part left out has x = 0 in every row: the 1 keeps the matrix regular, and its step is 0
         * / 1 */
        h[p][p] = b->margin[p] ? RIDGE : 1;
        g[p] = b->margin[p] ? RIDGE * (w[p] - 0.5) : 0;
    }
}

static void derivatives(const struct blend *b, const double *w, double *g, double h[PARTS][PARTS])
{
    penalty(b, w, g, h);
    for (int i = 0; i < b->count; i++) {
        /* logistic regression with two inputs and a constant */
        double x[PARTS] = {b->margin[0] ? b->margin[0][i] : 0, b->margin[1] ? b->margin[1][i] : 0,
                           1};
        double probability = logistic(margin_at(b, w, i));
        double curve = probability * (1 - probability);
        for (int p = 0; p < PARTS; p++) {
            g[p] += (probability - b->labels[i]) * x[p];
            for (int q = 0; q < PARTS; q++) {
                h[p][q] += curve * x[p] * x[q];
            }
        }
    }
}

/* Solves h step = g in place, h positive definite. */
static void solve(double h[PARTS][PARTS], double *g)
{
    /* Gauss without pivoting, which a positive definite matrix does not need */
    for (int p = 0; p < PARTS; p++) {
        for (int q = p + 1; q < PARTS; q++) {
            double factor = h[q][p] / h[p][p];
            for (int c = p; c < PARTS; c++) {
                h[q][c] -= factor * h[p][c];
            }
            g[q] -= factor * g[p];
        }
    }
    for (int p = PARTS - 1; p >= 0; p--) {
        for (int c = p + 1; c < PARTS; c++) {
            g[p] -= h[p][c] * g[c];
        }
        g[p] /= h[p][p];
    }
}

static void newton(const struct blend *b, double *w)
{
    enum { STEPS_MAX = 50, HALVINGS_MAX = 30 };
    double loss = loss_at(b, w);
    for (int step = 0; step < STEPS_MAX; step++) {
        double g[PARTS];
        double h[PARTS][PARTS];
        double next[PARTS] = {0};
        double next_loss = (double)INFINITY;
        double length = 1;
        derivatives(b, w, g, h);
        solve(h, g);
        /* backtracking: far from the best a full step may raise the loss */
        for (int halving = 0; halving < HALVINGS_MAX && !(next_loss < loss); halving++) {
            for (int p = 0; p < PARTS; p++) {
                next[p] = w[p] - length * g[p];
            }
            next_loss = loss_at(b, next);
            length /= 2;
        }
        /* no step lowers it any more; NaN ends here as well */
        if (!(next_loss < loss)) {
            return;
        }
        for (int p = 0; p < PARTS; p++) {
            w[p] = next[p];
        }
        /* the sum of thousands of losses is not known to more digits */
        bool settled = loss - next_loss < 1e-10 * (1 + loss);
        loss = next_loss;
        if (settled) {
            return;
        }
    }
}

struct learner_weights learner_blend(const struct learner_held *held)
{
    static const double least = 0.02; /* a part worth less costs more than it helps */
    struct blend b = {
        .margin = {held->machine, held->boosting}, .labels = held->labels, .count = held->count};
    double w[PARTS] = {0};
    /* at most two parts can be left out, so that three rounds always end */
    for (int round = 0; round < PARTS; round++) {
        for (int p = 0; p < PARTS; p++) {
            /* from the mean of both, where the penalty is least */
            w[p] = p < PARTS - 1 && b.margin[p] ? 0.5 : 0;
        }
        newton(&b, w);
        /* Weights below 0 would mean "the opposite of what this model says", learnt from chance.
         * The lowest one is left out and the rest fitted again. */
        int worst = w[0] <= w[1] ? 0 : 1;
        worst = b.margin[worst] ? worst : 1 - worst;
        if (!b.margin[worst] || w[worst] >= least) {
            break;
        }
        b.margin[worst] = NULL;
        w[worst] = 0;
    }
    return (struct learner_weights){w[0], w[1], w[PARTS - 1]};
}

double *learner_losses(const struct learner_held *held, const struct learner_weights *w)
{
    double *losses = mem_array((size_t)held->count + 1, sizeof *losses);
    for (int i = 0; i < held->count; i++) {
        /* row by row, for who compares two models on the same rows */
        losses[i] =
            logistic_loss(w->intercept + (held->machine ? w->machine * held->machine[i] : 0) +
                              (held->boosting ? w->boosting * held->boosting[i] : 0),
                          held->labels[i]);
    }
    return losses;
}

static double sum_of(const double *losses, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += losses[i];
    }
    return sum;
}

struct learner_weights learner_choose_parts(const struct learner_held *held)
{
    const struct learner_weights both = learner_blend(held);
    struct learner_held alone = *held;
    if (!held->machine || !held->boosting || both.machine == 0 || both.boosting == 0) {
        return both;
    }
    /* The mix has one weight more and was fitted to these very rows: it wins a little even by
     * chance, and paired_beats asks for more than that. */
    CLEANUP(mem_free) double *of_both = learner_losses(held, &both);
    /* under its own best weight: a part alone is surer or less sure than in the mix */
    alone.boosting = NULL;
    const struct learner_weights machine = learner_blend(&alone);
    CLEANUP(mem_free) double *of_machine = learner_losses(&alone, &machine);
    alone = *held;
    alone.machine = NULL;
    const struct learner_weights boosting = learner_blend(&alone);
    CLEANUP(mem_free) double *of_boosting = learner_losses(&alone, &boosting);
    const bool machine_first = sum_of(of_machine, held->count) < sum_of(of_boosting, held->count);
    /* against the better one only: the other is no choice */
    if (paired_beats(of_both, machine_first ? of_machine : of_boosting, held->group, held->count)) {
        return both;
    }
    return machine_first ? machine : boosting;
}
