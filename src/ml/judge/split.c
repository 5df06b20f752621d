/* Where to cut a log in time. */
#include "ml/judge/split.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;
    return (*x > *y) - (*x < *y);
}

int64_t split_time_quantile(const int64_t *times_us, size_t count, double fraction)
{
    assert(fraction >= 0 && fraction <= 1);
    if (count == 0) {
        return 0;
    }
    CLEANUP(mem_free) int64_t *sorted = mem_array(count, sizeof *sorted);
    memcpy(sorted, times_us, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_time);
    /* A time and not a row number: rows of the same moment stay on one side, or training would have
     * seen part of what it is judged on. */
    size_t at = (size_t)(fraction * (double)count);
    /* fraction 1: one past the last, so that all lie before it */
    return at < count ? sorted[at] : sorted[count - 1] + 1;
}

size_t split_first_at(const int64_t *sorted_times_us, size_t count, int64_t moment_us)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sorted_times_us[middle] < moment_us) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
