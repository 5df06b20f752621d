#ifndef ML_JUDGE_PAIRED_H
#define ML_JUDGE_PAIRED_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the richer of two models loses less on rows neither has seen by more than one standard error
 * of the mean gain. Of two that are as good the plainer is taken (Breiman et al., Classification and
 * Regression Trees, 1984). Losses by row (count); group (count) tells rows that are no draws of their
 * own, e.g. of one shopper; NULL: each row is one. False for fewer than two draws: they tell nothing. */
bool paired_beats(const double *richer, const double *plainer, const uint64_t *group, int count);

#endif
