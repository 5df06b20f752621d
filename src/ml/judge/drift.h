#ifndef ML_JUDGE_DRIFT_H
#define ML_JUDGE_DRIFT_H

/* Population stability index: how far a value's distribution has moved between two samples, the sum over bins of (q - p) ln(q / p) of their shares p
 * and q, each with half a case added. 0: the same; usual reading: above 0.1 watch, above 0.2 look into it. Small samples move by chance alone, by about
 * (bins - 1) (1 / n + 1 / m). 0 where a sample is empty. Values must not be NaN. */

enum { DRIFT_BINS = 10, DRIFT_CATEGORIES = 20 };

/* A number: bins are the tenths of `before` (fewer where values repeat); `missing` is the value that means missing and has a bin of its own. */
double drift_psi(const double *before, int before_count, const double *after, int after_count,
                 double missing);
/* A name given as a number: bins are the most frequent of `before`, and one for all others. */
double drift_psi_names(const double *before, int before_count, const double *after,
                       int after_count);

#endif
