#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Times are int64_t microseconds since 1970-01-01 UTC, durations int64_t microseconds. */
#define SECONDS(n) (INT64_C(1000000) * (n))
#define MINUTES(n) SECONDS(INT64_C(60) * (n))
#define HOURS(n)   MINUTES(INT64_C(60) * (n))
#define DAYS(n)    HOURS(INT64_C(24) * (n))

int64_t clock_now_us(void);       /* wall clock */
int64_t clock_monotonic_us(void); /* for durations */

/* RFC 3339 with offset, upper or lower case T/Z, fractions cut to microseconds; years 0001 to 9999.
 * Leap second 60 is read as the next second. Fails with ERR_INVALID (path untouched). */
CAN_FAIL bool clock_parse_rfc3339(const char *text, int64_t *out_us, struct err *err);
/* How long the time lasts that such a text tells: a day where it is midnight in its own zone, as of
 * a date, a second without a fraction, else 1 us. */
int64_t clock_told_us(const char *text);

enum { CLOCK_TEXT_MAX = 32 };
/* "2019-10-01T04:00:00Z", with .ffffff only where the fraction is not zero (6 digits). Returns out.
 */
char *clock_format_rfc3339(int64_t us, char out[CLOCK_TEXT_MAX]);

/* "250us", "500ms", "30s", "30m", "24h", "7d"; a bare number is refused. */
CAN_FAIL bool clock_parse_duration(const char *text, int64_t *out_us, struct err *err);
char *clock_format_duration(int64_t us,
                            char out[CLOCK_TEXT_MAX]); /* the shortest of those that is exact */

#endif
