/* Platt scaling at knots, and a shift alone: Newton steps on a penalised log loss. */
#include "ml/judge/calib_curve.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/linear/logistic.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

enum { STEPS = 50 };

static const double SLOPE_SPREAD = 0.1;
static const double INTERCEPT_SPREAD = 0.5;
/* A falling line would turn the ranking around. */
static const double SLOPE_MIN = 0.05;

void calib_curve_at(const struct calib_curve *c, double at, double *out_slope,
                    double *out_intercept)
{
    int k = 0;

    /* no knots: the margin stays as it is */
    *out_slope = 1;
    *out_intercept = 0;
    if (c->knots == 0) {
        return;
    }
    while (k < c->knots && c->at[k] <= at) {
        k++;
    }
    if (k == 0 || k == c->knots) {
        k = k == 0 ? 0 : c->knots - 1;
        *out_slope = c->slope[k];
        *out_intercept = c->intercept[k];
        return;
    }
    /* linear between knots: a score must not jump because a minute has passed */
    double part = (at - c->at[k - 1]) / (c->at[k] - c->at[k - 1]);
    *out_slope = c->slope[k - 1] + part * (c->slope[k] - c->slope[k - 1]);
    *out_intercept = c->intercept[k - 1] + part * (c->intercept[k] - c->intercept[k - 1]);
}

bool calib_curve_ok(const struct calib_curve *c)
{
    bool ok = c->knots >= 0 && c->knots <= CALIB_KNOTS_MAX;

    for (int k = 0; ok && k < c->knots; k++) {
        ok = isfinite(c->at[k]) && isfinite(c->slope[k]) && isfinite(c->intercept[k]) &&
             c->slope[k] > 0 && (k == 0 || c->at[k - 1] < c->at[k]);
    }
    return ok;
}

static int nearest(const double *at, int knots, double position)
{
    int best = 0;

    for (int k = 1; k < knots; k++) {
        /* strictly: half way the lower knot */
        best = fabs(at[k] - position) < fabs(at[best] - position) ? k : best;
    }
    return best;
}

/* What a knot's own rows count, and those of its neighbours: local likelihood (Tibshirani and
 * Hastie 1987). Calibration changes slowly with the position, and a knot's own rows alone leave its
 * slope to chance. */
static const double NEIGHBOUR[] = {1, 0.5, 0.25};
enum { NEIGHBOURS = sizeof NEIGHBOUR / sizeof *NEIGHBOUR };

static double weight_of(const struct calib_rows *rows, const int *knot_of, int knot, int row)
{
    const int apart = knot_of ? abs(knot_of[row] - knot) : 0;
    /* beyond the neighbours 0: those rows are not even looked at */
    return apart < (int)NEIGHBOURS ? rows->weight * NEIGHBOUR[apart] : 0;
}

/* Gradient and curvature of the loss in (slope, intercept) over the rows of one knot and its
 * neighbours, margins counted from a middle. */
struct moments2 {
    double gs, gi;        /* gradient */
    double hss, hsi, hii; /* Hessian */
};

static struct moments2 moments_of(const struct calib_rows *rows, const int *knot_of, int knot,
                                  double middle, double slope, double intercept)
{
    struct moments2 m = {0};

    for (int i = 0; i < rows->count; i++) {
        const double weight = weight_of(rows, knot_of, knot, i);
        if (weight == 0) {
            continue;
        }
        /* Counted from a middle, slope and intercept hardly depend on each other,
         * and each prior acts on its own. */
        double x = rows->margins[i] - middle;
        double p = logistic(middle + slope * x + intercept);
        double g = weight * (p - rows->labels[i]);
        double h = weight * p * (1 - p);
        m.gs += g * x;
        m.gi += g;
        m.hss += h * x * x;
        m.hsi += h * x;
        m.hii += h;
    }
    return m;
}

/* The mean margin of the rows that can tell a slope: those whose outcome is open. */
static double middle_of(const struct calib_rows *rows, const int *knot_of, int knot)
{
    double sum = 0;
    double weights = 0;
    for (int i = 0; i < rows->count; i++) {
        const double p = logistic(rows->margins[i]);
        /* p (1 - p) is what a row tells of the slope: one that is certain tells nothing */
        const double weight = weight_of(rows, knot_of, knot, i) * p * (1 - p);
        sum += weight * rows->margins[i];
        weights += weight;
    }
    return weights > 0 ? sum / weights : 0;
}

static void fit_knot(const struct calib_rows *rows, const int *knot_of, int knot, double *out_slope,
                     double *out_intercept)
{
    const double ps = 1 / (SLOPE_SPREAD * SLOPE_SPREAD);
    const double pi = 1 / (INTERCEPT_SPREAD * INTERCEPT_SPREAD);
    const double middle = middle_of(rows, knot_of, knot);
    double s = 1;
    double b = 0;

    for (int step = 0; step < STEPS; step++) {
        struct moments2 m = moments_of(rows, knot_of, knot, middle, s, b);
        /* Maximum a posteriori: the log of a normal prior around
         * "changes nothing" adds a quadratic. */
        double gs = m.gs + ps * (s - 1);
        double gi = m.gi + pi * b;
        double hss = m.hss + ps;
        double hii = m.hii + pi;
        double det = hss * hii - m.hsi * m.hsi; /* > 0: both priors are */
        double ds = (hii * gs - m.hsi * gi) / det;
        double di = (hss * gi - m.hsi * gs) / det;
        /* A long step from a far start overshoots; half a unit a step is enough. */
        double size = fmax(fabs(ds), fabs(di));
        double scale = size > 0.5 ? 0.5 / size : 1;
        s -= scale * ds;
        b -= scale * di;
        if (size < 1e-10) {
            break;
        }
    }
    /* Also where the rows say otherwise: of a few rows a slope below 0 is chance. */
    *out_slope = fmax(s, SLOPE_MIN);
    /* from the middle back to margins counted from 0: middle + s (x - middle) + b */
    *out_intercept = b + middle * (1 - *out_slope);
}

struct calib_curve calib_curve_fit(const struct calib_rows *rows, const double *at, int knots)
{
    assert(knots >= 1 && knots <= CALIB_KNOTS_MAX && rows->count >= 0);
    CLEANUP(mem_free) int *knot_of = mem_array((size_t)rows->count + 1, sizeof *knot_of);
    struct calib_curve c = {.knots = knots};

    for (int i = 0; i < rows->count; i++) {
        /* once, and not for each knot: the rows of all knots are asked for again and again */
        knot_of[i] = nearest(at, knots, rows->positions[i]);
    }
    for (int k = 0; k < knots; k++) {
        c.at[k] = at[k];
        fit_knot(rows, knot_of, k, &c.slope[k], &c.intercept[k]);
    }
    return c;
}

double calib_shift_fit(const struct calib_rows *rows, double spread)
{
    assert(spread > 0 && rows->count >= 0);
    double b = 0;

    for (int step = 0; step < STEPS; step++) {
        /* knot_of NULL: all rows at full weight, slope 1, counted from 0 */
        struct moments2 m = moments_of(rows, NULL, 0, 0, 1, b);
        double move = (m.gi + b / (spread * spread)) / (m.hii + 1 / (spread * spread));
        /* the curve is flat where all are certain, and Newton's step would be huge */
        double bounded = fmin(fmax(move, -0.5), 0.5);
        b -= bounded;
        if (fabs(move) < 1e-12) {
            break;
        }
    }
    return b;
}
