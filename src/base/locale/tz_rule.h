#ifndef BASE_LOCALE_TZ_RULE_H
#define BASE_LOCALE_TZ_RULE_H

#include "base/err.h"

#include <stdint.h>

/* The rule that holds for all the future of a time zone: a POSIX TZ string as TZif files end with,
 * with the extension of RFC 8536, 3.3.1 (hours from -167 to 167), such as
 * "EST5EDT,M3.2.0,M11.1.0" or "<+03>-3". */
struct tz_day {
    enum tz_day_kind {
        TZ_JULIAN,  /* Jn: 1 to 365, 29 February is never counted */
        TZ_ORDINAL, /* n: 0 to 365, 29 February is */
        TZ_WEEKDAY  /* Mm.w.d: the w-th day d of month m, the last one for 5 */
    } kind;
    int day; /* n, or d with 0 for Sunday */
    int week, month;
    int32_t seconds; /* of the clock that is ending, since that day's midnight */
};

struct tz_rule {
    int32_t standard; /* seconds ahead of UTC */
    int32_t daylight;
    bool saves;                /* false: always standard; the rest does not count */
    struct tz_day from, until; /* daylight time */
};

CAN_FAIL bool tz_rule_parse(const char *text, struct tz_rule *out, struct err *err);

/* Seconds ahead of UTC at a Unix time. */
int32_t tz_rule_offset(const struct tz_rule *rule, int64_t at_s);

#endif
