#ifndef ML_CALIB_H
#define ML_CALIB_H

#include "base/err.h"

#include <stdint.h>

/* From margins to honest probabilities, and the measures of how honest they are. Labels are 0 or 1,
 * probabilities 0 .. 1; counts are >= 0. No function here answers NaN. */

/* Platt scaling: probability = 1 / (1 + e^-(slope * margin + intercept)). {1, 0} changes nothing.
 */
struct platt {
    double slope;
    double intercept;
};

/* Fits by Newton with backtracking on Platt's smoothed targets (Platt 1999; Lin, Lin, Weng: A Note
 * on Platt's Probabilistic Outputs, 2007). Margins must come from rows the model was not trained
 * on. Fails with ERR_INVALID if a margin is not finite, a label is not 0 or 1, or fewer than one
 * row of each class is there. */
CAN_FAIL bool calib_fit(const double *margins, const uint8_t *labels, int count, struct platt *out,
                        struct err *err);

/* The calibrated probability, within [1e-9, 1 - 1e-9]. */
double calib_apply(const struct platt *calibration, double margin);

/* Mean squared error of probabilities; 0 for no rows. */
double calib_brier(const double *probabilities, const uint8_t *labels, int count);

/* Mean -log p, probabilities clamped to [1e-12, 1 - 1e-12]; 0 for no rows. */
double calib_log_loss(const double *probabilities, const uint8_t *labels, int count);

/* P(a positive scores above a negative), ties half; .5 if a class is missing. Scores may be
 * margins. */
double calib_auc(const double *scores, const uint8_t *labels, int count);

/* Average precision with tied scores taken as one step; 0 without positives. */
double calib_average_precision(const double *scores, const uint8_t *labels, int count);

/* One bin of a reliability table. */
struct reliability_bin {
    int count;
    double mean_probability;
    double positive_rate;
};

enum { CALIB_BINS = 15, CALIB_BINS_MAX = 100 };

/* Bins of about equal mass in ascending probability; rows with equal probability share a bin.
 * Writes at most `bins` (1 .. CALIB_BINS_MAX) and returns how many; none is empty. */
int calib_reliability(const double *probabilities, const uint8_t *labels, int count, int bins,
                      struct reliability_bin *out);

/* Expected calibration error over CALIB_BINS equal-mass bins: mean over rows of |mean probability -
 * positive rate| of the row's bin. */
double calib_ece(const double *probabilities, const uint8_t *labels, int count);

#endif
