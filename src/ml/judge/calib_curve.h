#ifndef ML_JUDGE_CALIB_CURVE_H
#define ML_JUDGE_CALIB_CURVE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* Calibration that depends on a position (for risk: on how long nothing has happened). One learner
 * over all positions is right on average, and may be too bold at one and too shy at another; Platt
 * scaling at each of a few knots mends that, linear between them. A knot hears of its two
 * neighbours on either side too, less the farther they are; knots with few rows are drawn towards
 * changing nothing. */
enum { CALIB_KNOTS_MAX = 16 };

struct calib_curve {
    int knots;                     /* 0: changes nothing */
    double at[CALIB_KNOTS_MAX];    /* ascending */
    double slope[CALIB_KNOTS_MAX]; /* > 0 */
    double intercept[CALIB_KNOTS_MAX];
};

/* slope and intercept at a position; beyond the ends, those of the end. */
void calib_curve_at(const struct calib_curve *c, double at, double *out_slope,
                    double *out_intercept);

/* Fits every knot of at[] (knots, ascending) to the rows next to it. Margins must come from rows
 * that the model was not trained on. Maximum a posteriori: slope 1 with standard deviation .1, and
 * .5 for what is added at the margin in the middle of the rows; rows count `weight` each (below 1
 * where rows repeat each other). */
struct calib_rows {
    int count;
    const double *margins; /* finite */
    const double *positions;
    const uint8_t *labels;
    double weight;
};
struct calib_curve calib_curve_fit(const struct calib_rows *rows, const double *at, int knots);

/* True if knots rise and every number is finite, slopes above 0. */
bool calib_curve_ok(const struct calib_curve *c);

/* The shift in logit that makes the mean probability of the rows their rate of positives, drawn
 * towards 0 with standard deviation `spread`. 0 for no rows. */
double calib_shift_fit(const struct calib_rows *rows, double spread);

#endif
