#ifndef ML_LINEAR_LOGISTIC_H
#define ML_LINEAR_LOGISTIC_H

#include <math.h>

/* 1 / (1 + e^-margin), without overflow at either end. */
static inline double logistic(double margin)
{
    if (margin >= 0) {
        return 1 / (1 + exp(-margin));
    }
    double e = exp(margin);
    return e / (1 + e);
}

/* -target log p - (1 - target) log(1 - p) at p = logistic(margin); target 0 .. 1, a label or
 * smoothed. */
static inline double logistic_loss(double margin, double target)
{
    return margin >= 0 ? (1 - target) * margin + log1p(exp(-margin))
                       : -target * margin + log1p(exp(margin));
}

#endif
