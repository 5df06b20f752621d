#ifndef ML_JUDGE_CURVES_H
#define ML_JUDGE_CURVES_H

#include <stdint.h>

/* Curves of a score against labels (0 or 1), drawn from the highest score down. Rows of equal score are taken together, so that their order in memory
 * changes nothing. Scores must not be NaN. */

/* Gain: out[i] (points >= 2) is the share of the positives among the first i / (points - 1) of the rows; within equal scores, in proportion. out[0] = 0,
 * out[points - 1] = 1; zeros where there are no positives. */
void curve_gain(const double *scores, const uint8_t *labels, int count, int points, double *out);

/* Precision by recall: for each of `points` recalls 1 / points, 2 / points ... 1, the first place down the list that reaches it. Returns how many were
 * written (distinct places; 0 without positives). out_recall ascends. */
int curve_precision_recall(const double *scores, const uint8_t *labels, int count, int points,
                           double *out_recall, double *out_precision);

#endif
