#ifndef BENCH_ALS_DATA_H
#define BENCH_ALS_DATA_H

#include "ml/linear/csr.h"

#include <stdbool.h>
#include <stdint.h>

/* What the benchmarks of factorization work on. */

/* Lines `user item item ...` of DIR/NAME.txt.zst (read through zstd), DIR being CARTWRIGHT_DATA or ../shared/data. Weights 1. False
 * with a line on stderr where it is not there; cols 0: as many as the file names. */
bool als_data_read(const char *name, int rows, int cols, struct csr *out);

/* Power laws on both sides: shoppers with 1 / u^(2/3) times their share of events, at most 200 times it, items drawn by
 * (rank + 10)^-0.8. Repeats of a pair are dropped, so that a little less than `entries` remain. */
struct csr als_data_synthetic(int rows, int cols, int64_t entries, uint64_t seed);

double als_data_now_s(void); /* of a clock that only goes forward */

#endif
