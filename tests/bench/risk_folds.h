#ifndef BENCH_RISK_FOLDS_H
#define BENCH_RISK_FOLDS_H

#include "bench/risk_rows.h"

/* Fold 0 .. folds-1 of each row, owned by the caller: rows of each class dealt out in an order of the
 * seed; with groups, whole groups dealt out in such an order instead. */
int32_t *risk_folds(const struct risk_rows *rows, int folds, uint64_t seed);

#endif
