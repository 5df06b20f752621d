#ifndef ML_JUDGE_CALIB_H
#define ML_JUDGE_CALIB_H

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

/* What to add to every margin so that the mean probability is the rate of the labels (Newton): the
 * intercept alone, for a model whose base rate has moved. Draws towards 0 like a tenth of a row, so
 * that labels of one class give a finite answer; 0 for no rows. Fails with ERR_INVALID if a margin
 * is not finite or a label is not 0 or 1. */
CAN_FAIL bool calib_refit_intercept(const double *margins, const uint8_t *labels, int count,
                                    double *out_shift, struct err *err);

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

/* 1 - Brier score / that of the base rate as everybody's probability; 0 where one class is missing.
 */
double calib_brier_skill(const double *probabilities, const uint8_t *labels, int count);

/* The middle 95 % of what a measure comes to over repeated draws. */
struct calib_range {
    double low;
    double high;
};

/* Of the expected calibration error that perfectly calibrated probabilities would show on as many
 * rows: labels are drawn from the probabilities. {0, 0} for no rows. */
struct calib_range calib_ece_by_chance(const double *probabilities, int count, int draws,
                                       uint64_t seed);

#endif
