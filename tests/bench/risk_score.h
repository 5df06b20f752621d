#ifndef BENCH_RISK_SCORE_H
#define BENCH_RISK_SCORE_H

#include "base/jenc.h"

#include <stdint.h>

/* What an evaluation says of margins beside their labels. Probability = 1 / (1 + e^-margin). */
struct risk_score {
    double auc, ap, log_loss, brier, ece;
    double brier_skill; /* 1 - Brier / that of the base rate */
};

struct risk_score risk_score(const double *margins, const uint8_t *labels, int count);

/* The members auc, ap, logloss, brier, brier_skill, ece. */
void risk_score_members(struct jenc *j, const struct risk_score *s);

/* The middle one of count >= 1 values (the mean of two); sorts them. */
double risk_median(double *values, int count);

/* Seconds of wall clock. */
double risk_seconds(void);

#endif
