/* Platt scaling and the measures of a probability: Brier, log loss, AUC,
 * average precision, reliability. */
#include "ml/judge/calib.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/rng.h"
#include "ml/linear/logistic.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* ---- Platt scaling ---- */

struct platt_fit {
    const double *margins;
    const uint8_t *labels;
    int count;
    double target[2]; /* smoothed targets of label 0 and 1 */
};

/* Cross entropy of the targets under slope and intercept. */
static double platt_loss(const struct platt_fit *fit, struct platt at)
{
    double loss = 0;
    for (int i = 0; i < fit->count; i++) {
        /* with targets between 0 and 1: their own entropy is a constant and left out */
        double z = at.slope * fit->margins[i] + at.intercept;
        loss += logistic_loss(z, fit->target[fit->labels[i]]);
    }
    return loss;
}

/* The ridge of the Hessian keeps it regular where all margins are equal; it moves no solution,
 * since it is in no gradient. */
struct platt_slope {
    double g_slope, g_intercept;          /* gradient */
    double h_slope, h_cross, h_intercept; /* Hessian, with a small ridge */
};

static struct platt_slope platt_derivatives(const struct platt_fit *fit, struct platt at)
{
    struct platt_slope d = {.h_slope = 1e-12, .h_intercept = 1e-12};
    for (int i = 0; i < fit->count; i++) {
        double x = fit->margins[i];
        double p = logistic(at.slope * x + at.intercept);
        double miss = p - fit->target[fit->labels[i]];
        /* second derivative of the log loss: never negative, so that the loss is convex */
        double curve = p * (1 - p);
        d.g_slope += miss * x;
        d.g_intercept += miss;
        d.h_slope += curve * x * x;
        d.h_cross += curve * x;
        d.h_intercept += curve;
    }
    return d;
}

static struct platt platt_newton(const struct platt_fit *fit, struct platt at)
{
    /* Newton with halving (Lin, Lin, Weng: A note on Platt's probabilistic outputs for support
     * vector machines, 2007). 33 halvings are 1e-10 of a step: behind that, rounding decides
     * whether the loss falls. */
    enum { STEPS_MAX = 100, HALVINGS_MAX = 33 };
    double loss = platt_loss(fit, at);
    for (int step = 0; step < STEPS_MAX; step++) {
        struct platt_slope d = platt_derivatives(fit, at);
        if (fabs(d.g_slope) < 1e-8 && fabs(d.g_intercept) < 1e-8) {
            break;
        }
        /* two unknowns: Cramer's rule */
        double determinant = d.h_slope * d.h_intercept - d.h_cross * d.h_cross;
        double by_slope = -(d.h_intercept * d.g_slope - d.h_cross * d.g_intercept) / determinant;
        double by_intercept = -(d.h_slope * d.g_intercept - d.h_cross * d.g_slope) / determinant;
        double downhill = d.g_slope * by_slope + d.g_intercept * by_intercept;
        bool moved = false;
        double length = 1;
        /* a full step may overshoot where the margins part the classes and the curve is flat */
        for (int halving = 0; isfinite(downhill) && !moved && halving < HALVINGS_MAX; halving++) {
            struct platt next = {at.slope + length * by_slope,
                                 at.intercept + length * by_intercept};
            double next_loss = platt_loss(fit, next);
            /* Armijo's condition: a ten-thousandth of what the slope promises has to come true */
            if (next_loss < loss + 1e-4 * length * downhill) {
                at = next;
                loss = next_loss;
                moved = true;
            }
            length /= 2;
        }
        /* no shorter step lowers the loss: what is left is rounding */
        if (!moved) {
            break;
        }
    }
    return at;
}

bool calib_fit(const double *margins, const uint8_t *labels, int count, struct platt *out,
               struct err *err)
{
    double classes[2] = {0, 0};
    double scale = 0;
    /* checked all before the fit: one NaN would end in a slope that is none */
    for (int i = 0; i < count; i++) {
        if (!isfinite(margins[i]) || labels[i] > 1) {
            return FAIL(err, ERR_INVALID,
                        "row %d has margin %g and label %d: not a finite number and 0 or 1", i,
                        margins[i], labels[i]);
        }
        classes[labels[i]]++;
        scale = fmax(scale, fabs(margins[i]));
    }
    if (classes[0] < 1 || classes[1] < 1) {
        return FAIL(err, ERR_INVALID,
                    "calibration needs rows of both classes, not %g of 0 and %g of 1", classes[0],
                    classes[1]);
    }
    /* Newton works on margins of at most 1: squares of huge ones would drown the intercept. */
    double unit = scale > 1 ? scale : 1;
    CLEANUP(mem_free) double *scaled = mem_array((size_t)count, sizeof *scaled);
    for (int i = 0; i < count; i++) {
        scaled[i] = margins[i] / unit;
    }
    struct platt_fit fit = {
        .margins = scaled,
        .labels = labels,
        .count = count,
        /* Platt 1999: targets as if each class had two rows more, one of either label */
        .target = {1 / (classes[0] + 2), (classes[1] + 1) / (classes[1] + 2)}};
    /* the best for slope 0, nearly: from there the loss can only fall */
    struct platt start = {.slope = 0, .intercept = log((classes[1] + 1) / (classes[0] + 1))};
    struct platt found = platt_newton(&fit, start);
    /* back to the caller's margins; the intercept has no unit */
    found.slope /= unit;
    if (!isfinite(found.slope) || !isfinite(found.intercept)) {
        return FAIL(err, ERR_INVALID, "calibration found no finite slope over %d rows", count);
    }
    *out = found;
    return true;
}

/* Zero of a rising function: Newton, kept between what is known to lie below and above. */
bool calib_refit_intercept(const double *margins, const uint8_t *labels, int count,
                           double *out_shift, struct err *err)
{
    enum { STEPS_MAX = 200 };
    /* As if a tenth of a row pulled at 0: one class only would move the intercept without end. */
    static const double ridge = 0.1;
    /* far beyond the logit of any model: what is looked for lies within */
    double low = -1e6;
    double high = 1e6;
    double shift = 0;
    for (int i = 0; i < count; i++) {
        if (!isfinite(margins[i]) || labels[i] > 1) {
            return FAIL(err, ERR_INVALID,
                        "row %d has margin %g and label %d: not a finite number and 0 or 1", i,
                        margins[i], labels[i]);
        }
    }
    for (int step = 0; step < STEPS_MAX && high - low > 1e-12 * (1 + fabs(shift)); step++) {
        double excess = ridge * shift;
        double curve = ridge;
        for (int i = 0; i < count; i++) {
            /* The zero of the log loss's derivative by the shift: there the mean probability is the
             * rate (calibration in the large). */
            double p = logistic(margins[i] + shift);
            excess += p - labels[i];
            curve += p * (1 - p);
        }
        if (fabs(excess) < 1e-9) {
            break;
        }
        /* the function rises everywhere: a positive excess says that the zero is below */
        *(excess > 0 ? &high : &low) = shift;
        /* halving where Newton would leave the bracket: where all rows are certain the curve is
         * flat and a step is huge */
        double next = shift - excess / curve;
        shift = next > low && next < high ? next : low / 2 + high / 2;
    }
    *out_shift = shift;
    return true;
}

double calib_apply(const struct platt *calibration, double margin)
{
    double z = calibration->slope * margin + calibration->intercept;
    /* NaN is never answered (calib.h): half, where there is no margin */
    double p = isnan(z) ? 0.5 : logistic(z);
    return fmin(fmax(p, 1e-9), 1 - 1e-9); /* nobody is certain of what somebody will do */
}

/* ---- measures ---- */

double calib_brier(const double *probabilities, const uint8_t *labels, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        /* a proper score: its mean is least for the true probabilities */
        double miss = probabilities[i] - labels[i];
        sum += miss * miss;
    }
    return count > 0 ? sum / count : 0;
}

double calib_log_loss(const double *probabilities, const uint8_t *labels, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        /* a certain model that is wrong once loses 27 there, not everything */
        double p = fmin(fmax(probabilities[i], 1e-12), 1 - 1e-12);
        sum -= labels[i] ? log(p) : log1p(-p); /* log1p: 1 - p would lose what a small p has */
    }
    return count > 0 ? sum / count : 0;
}

struct scored {
    double score;
    uint8_t label;
};

static int by_score(const void *a, const void *b)
{
    const struct scored *x = a;
    const struct scored *y = b;
    /* equal scores in any order: callers take them as one step */
    return (x->score > y->score) - (x->score < y->score);
}

/* Rows in ascending score, owned by the caller; *out_positives counts labels of 1. */
static struct scored *sorted(const double *scores, const uint8_t *labels, int count,
                             double *out_positives)
{
    struct scored *rows = mem_array((size_t)count + 1, sizeof *rows);
    double positives = 0;
    for (int i = 0; i < count; i++) {
        assert(!isnan(scores[i]));
        rows[i] = (struct scored){scores[i], labels[i]};
        positives += labels[i];
    }
    qsort(rows, (size_t)count, sizeof *rows, by_score);
    *out_positives = positives;
    return rows;
}

/* One past the last row whose score equals that of row `from`; adds their labels up. */
static int tie_end(const struct scored *rows, int count, int from, double *out_positives)
{
    int end = from;
    *out_positives = 0;
    while (end < count && rows[end].score == rows[from].score) {
        *out_positives += rows[end++].label;
    }
    return end;
}

double calib_auc(const double *scores, const uint8_t *labels, int count)
{
    double positives;
    CLEANUP(mem_free) struct scored *rows = sorted(scores, labels, count, &positives);
    double negatives = count - positives;
    double wins = 0;
    double negatives_below = 0;
    for (int from = 0; from < count;) {
        double tied_positives;
        int end = tie_end(rows, count, from, &tied_positives);
        double tied_negatives = end - from - tied_positives;
        /* Mann and Whitney's U: pairs won, and half of those tied */
        wins += tied_positives * (negatives_below + tied_negatives / 2);
        negatives_below += tied_negatives;
        from = end;
    }
    return positives > 0 && negatives > 0 ? wins / (positives * negatives) : 0.5;
}

double calib_average_precision(const double *scores, const uint8_t *labels, int count)
{
    double positives;
    CLEANUP(mem_free) struct scored *rows = sorted(scores, labels, count, &positives);
    double above =
        positives; /* positives at or above the current step, going up from the lowest score */
    double sum = 0;
    /* from the lowest on: what is still above a threshold is known without a second pass */
    for (int from = 0; from < count;) {
        double tied_positives;
        int end = tie_end(rows, count, from, &tied_positives);
        /* precision at this threshold, for each positive that it adds; rows that tie
         * are one threshold */
        sum += tied_positives * above / (count - from);
        above -= tied_positives;
        from = end;
    }
    return positives > 0 ? sum / positives : 0;
}

int calib_reliability(const double *probabilities, const uint8_t *labels, int count, int bins,
                      struct reliability_bin *out)
{
    assert(bins >= 1 && bins <= CALIB_BINS_MAX);
    double positives;
    CLEANUP(mem_free) struct scored *rows = sorted(probabilities, labels, count, &positives);
    int written = 0;
    for (int from = 0; from < count;) {
        /* bins of equal mass: each is as sure of its rate as the others. Ties are not parted, so
         * that one may pass its target */
        int bin = (int)((int64_t)from * bins / count);
        int target = (int)(((int64_t)count * (bin + 1) + bins - 1) / bins);
        /* the mean of the bin's own probabilities: its middle would be
         * off where they lie unevenly */
        double mass = 0;
        double hits = 0;
        int end = from;
        while (end < target) {
            double tied;
            int tie = tie_end(rows, count, end, &tied);
            mass += (tie - end) * rows[end].score;
            hits += tied;
            end = tie;
        }
        out[written++] =
            (struct reliability_bin){end - from, mass / (end - from), hits / (end - from)};
        from = end;
    }
    return written;
}

double calib_ece(const double *probabilities, const uint8_t *labels, int count)
{
    struct reliability_bin table[CALIB_BINS];
    int bins = calib_reliability(probabilities, labels, count, CALIB_BINS, table);
    double sum = 0;
    for (int b = 0; b < bins; b++) {
        /* weighted by rows, as ties make bins uneven */
        sum += table[b].count * fabs(table[b].mean_probability - table[b].positive_rate);
    }
    return count > 0 ? sum / count : 0;
}

double calib_brier_skill(const double *probabilities, const uint8_t *labels, int count)
{
    double positives = 0;
    for (int i = 0; i < count; i++) {
        positives += labels[i];
    }
    double rate = count > 0 ? positives / count : 0;
    /* rate (1 - rate) is the Brier score of saying the base rate to everybody */
    return rate > 0 && rate < 1
               ? 1 - calib_brier(probabilities, labels, count) / (rate * (1 - rate))
               : 0;
}

/* ---- what chance shows ---- */

static int by_value(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;
    return (*x > *y) - (*x < *y);
}

static struct calib_range middle_of(double *values, int count)
{
    /* 2.5 % left out at either end */
    qsort(values, (size_t)count, sizeof *values, by_value);
    return (struct calib_range){values[(int)(0.025 * count)], values[(int)(0.975 * (count - 1))]};
}

struct calib_range calib_ece_by_chance(const double *probabilities, int count, int draws,
                                       uint64_t seed)
{
    assert(draws >= 1);
    struct rng rng = rng_seed(seed);
    CLEANUP(mem_free) uint8_t *y = mem_array((size_t)count + 1, sizeof *y);
    CLEANUP(mem_free) double *errors = mem_array((size_t)draws, sizeof *errors);
    /* labels drawn from the probabilities themselves: what an honest model of so few rows shows
     * (Broecker, Smith: Increasing the reliability of reliability diagrams, 2007) */
    for (int d = 0; d < draws; d++) {
        for (int i = 0; i < count; i++) {
            y[i] = rng_unit(&rng) < probabilities[i];
        }
        errors[d] = calib_ece(probabilities, y, count);
    }
    return middle_of(errors, draws);
}
