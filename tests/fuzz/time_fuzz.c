/* Times and durations as text. What is taken is what the C library's calendar says of the same digits,
 * lies in the years that can be written, and reads back equal. The first byte chooses what the text is
 * taken for. */
#include "fuzz.h"

#include "base/clock.h"
#include "domain/shop/local_time.h"
#include "foreign/field.h"

#include <time.h>

#define YEAR_1_US     INT64_C(-62135596800000000)
#define YEAR_10000_US INT64_C(253402300800000000)

static int two_digits(const char *at)
{
    return (at[0] - '0') * 10 + at[1] - '0';
}

/* An independent reading of a text that is known to be well-formed. */
static int64_t by_library(const char *text)
{
    struct tm tm = {0};
    const char *at = strptime(text, "%Y-%m-%d", &tm);
    int64_t us = 0;
    int64_t unit = 100000;
    int64_t offset = 0;

    DEMAND(at != NULL);
    at = strptime(at + 1, "%H:%M:%S", &tm);
    DEMAND(at != NULL);
    for (at += *at == '.'; *at >= '0' && *at <= '9'; at++, unit /= 10) {
        us += unit * (*at - '0');
    }
    if (*at == '+' || *at == '-') {
        offset = MINUTES(two_digits(at + 1) * 60 + two_digits(at + 4));
    }
    /* timegm goes on counting behind the end of a month: no such day may have been taken */
    int day = tm.tm_mday;
    bool leap_second = tm.tm_sec == 60;
    time_t seconds = timegm(&tm);
    DEMAND(leap_second || tm.tm_mday == day);
    return SECONDS((int64_t)seconds) + us - (*at == '-' ? -offset : offset);
}

static void check_written(int64_t us)
{
    char text[CLOCK_TEXT_MAX];
    struct err err = {0};
    int64_t back = 0;

    DEMAND(us >= YEAR_1_US && us < YEAR_10000_US);
    DEMAND(clock_parse_rfc3339(clock_format_rfc3339(us, text), &back, &err));
    DEMAND(back == us);
}

static void check_time(const char *text)
{
    struct err err = {0};
    int64_t us = 0;

    if (!clock_parse_rfc3339(text, &us, &err)) {
        fuzz_refusal(&err);
        return;
    }
    check_written(us);
    DEMAND(us == by_library(text));
}

static void check_duration(const char *text)
{
    char written[CLOCK_TEXT_MAX];
    struct err err = {0};
    int64_t us = 0;
    int64_t back = 0;

    if (!clock_parse_duration(text, &us, &err)) {
        fuzz_refusal(&err);
        return;
    }
    DEMAND(us >= 0);
    DEMAND(clock_parse_duration(clock_format_duration(us, written), &back, &err));
    DEMAND(back == us);
}

/* A field takes what RFC 3339 takes, and means the same by it. */
static void check_fields(const char *text)
{
    struct err err = {0};
    struct err strict = {0};
    int64_t us = 0;
    int64_t rfc = 0;

    bool read = field_time("t", text, &us, &err);
    if (read) {
        check_written(us);
    } else {
        fuzz_refusal(&err);
    }
    if (clock_parse_rfc3339(text, &rfc, &strict)) {
        DEMAND(read && us == rfc);
    }
}

static void check_zone(const uint8_t *data, size_t size)
{
    enum { FARTHEST_S = 26 * 3600 };
    int64_t at_us = 0;
    int seconds = 0;

    if (size < sizeof at_us) {
        return;
    }
    memcpy(&at_us, data, sizeof at_us);
    at_us &= INT64_MAX >> 2; /* the times of events and more */
    char *zone = fuzz_text(data + sizeof at_us, size - sizeof at_us);
    if (local_time_offset(zone, at_us, &seconds)) {
        int again = 0;
        DEMAND(seconds >= -FARTHEST_S && seconds <= FARTHEST_S);
        DEMAND(local_time_offset(zone, at_us, &again) && again == seconds);
    }
    mem_free(&zone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *text = fuzz_text(data + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        check_time(text);
        break;
    case 1:
        check_duration(text);
        break;
    case 2:
        check_fields(text);
        break;
    default:
        check_zone(data + 1, size - 1);
        break;
    }
    mem_free(&text);
    return 0;
}
