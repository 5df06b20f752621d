#ifndef ML_JUDGE_SPLIT_H
#define ML_JUDGE_SPLIT_H

#include <stddef.h>
#include <stdint.h>

/* Splits by time: what is judged always lies later than what was learnt from. */

/* The moment (Unix microseconds) that leaves about `fraction` (0 .. 1) of the times strictly before
 * it: training rows are those with time < the answer. Times in any order; equal times are never
 * parted. The first time for fraction 0; one past the last for fraction 1; 0 for no times. */
int64_t split_time_quantile(const int64_t *times_us, size_t count, double fraction);

/* First position whose time is >= moment_us in times sorted ascending; count if none. */
size_t split_first_at(const int64_t *sorted_times_us, size_t count, int64_t moment_us);

#endif
