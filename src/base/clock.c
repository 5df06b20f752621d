#include "base/clock.h"

#include "base/civil.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;

    /* cannot fail: Linux always has both of these clocks */
    (void)clock_gettime(id, &now);
    return (int64_t)now.tv_sec * SECONDS(1) + now.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads exactly count digits at *at and moves on. */
static bool read_digits(const char **at, int count, int *out)
{
    int value = 0;

    for (int i = 0; i < count; i++) {
        char c = (*at)[i];
        /* also at the NUL, so that nothing is read behind the end of the text */
        if (!is_digit(c)) {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *at += count;
    *out = value;
    return true;
}

static bool read_char(const char **at, char c)
{
    if (**at != c) {
        return false;
    }
    (*at)++;
    return true;
}

static bool read_letter(const char **at, char upper)
{
    /* RFC 3339, 5.6: T and Z may be written small */
    return read_char(at, upper) || read_char(at, (char)(upper - 'A' + 'a'));
}

struct moment {
    int year, month, day;
    int hour, minute, second;
    int micros;
    int offset_minutes;
};

/* ".5", ".123456789": at least one digit, what is finer than a microsecond is cut. */
static bool read_fraction(const char **at, int *out_micros)
{
    int micros = 0;
    int digits = 0;

    while (is_digit(**at)) {
        /* counted on behind the sixth, but not added: any number of them fits into the int */
        if (digits < 6) {
            micros = micros * 10 + (**at - '0');
        }
        digits++;
        (*at)++;
    }
    for (int i = digits; i < 6; i++) {
        micros *= 10;
    }
    *out_micros = micros;
    return digits > 0;
}

CAN_FAIL static bool read_offset(const char **at, struct moment *m, struct err *err)
{
    int hours;
    int minutes;
    char sign = **at;

    if (read_letter(at, 'Z')) {
        return true;
    }
    if (sign != '+' && sign != '-') {
        return FAIL(err, ERR_INVALID, "must end with its offset from UTC, such as Z or +02:00");
    }
    (*at)++;
    if (!read_digits(at, 2, &hours) || !read_char(at, ':') || !read_digits(at, 2, &minutes)) {
        return FAIL(err, ERR_INVALID, "must have its offset written as +02:00");
    }
    if (hours > 23 || minutes > 59) {
        return FAIL(err, ERR_INVALID, "has an offset of %02d:%02d, more than 23:59", hours,
                    minutes);
    }
    /* -00:00 (RFC 3339, 4.3: the local time is not known) is the same moment as Z */
    m->offset_minutes = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
    return true;
}

CAN_FAIL static bool read_moment(const char *text, struct moment *m, struct err *err)
{
    const char *at = text;
    bool date = read_digits(&at, 4, &m->year) && read_char(&at, '-') &&
                read_digits(&at, 2, &m->month) && read_char(&at, '-') &&
                read_digits(&at, 2, &m->day);

    if (!date || !read_letter(&at, 'T') || !read_digits(&at, 2, &m->hour) || !read_char(&at, ':') ||
        !read_digits(&at, 2, &m->minute) || !read_char(&at, ':') ||
        !read_digits(&at, 2, &m->second)) {
        return FAIL(err, ERR_INVALID, "must be a time such as 2019-10-01T04:00:00Z");
    }
    if (read_char(&at, '.') && !read_fraction(&at, &m->micros)) {
        return FAIL(err, ERR_INVALID, "must have digits after the decimal point");
    }
    if (!read_offset(&at, m, err)) {
        return false;
    }
    if (*at != '\0') {
        return FAIL(err, ERR_INVALID, "must end after its offset");
    }
    return true;
}

CAN_FAIL static bool check_moment(const struct moment *m, struct err *err)
{
    if (m->year < 1) {
        return FAIL(err, ERR_INVALID, "must lie in the years 0001 to 9999");
    }
    if (m->month < 1 || m->month > 12) {
        return FAIL(err, ERR_INVALID, "has month %02d, not 01 to 12", m->month);
    }
    int days = civil_days_in_month(m->year, m->month);
    if (m->day < 1 || m->day > days) {
        return FAIL(err, ERR_INVALID, "has day %02d, but %04d-%02d has %d days", m->day, m->year,
                    m->month, days);
    }
    /* 60 is a leap second (RFC 3339, 5.7). It may end any minute here, since no table of them is
     * kept: new ones are announced half a year ahead only. */
    if (m->hour > 23 || m->minute > 59 || m->second > 60) {
        return FAIL(err, ERR_INVALID, "has the time of day %02d:%02d:%02d, past 23:59:60", m->hour,
                    m->minute, m->second);
    }
    return true;
}

bool clock_parse_rfc3339(const char *text, int64_t *out_us, struct err *err)
{
    struct moment m = {0};

    if (!read_moment(text, &m, err) || !check_moment(&m, err)) {
        return false;
    }
    int64_t minutes = civil_days(m.year, m.month, m.day) * 1440 + INT64_C(60) * m.hour + m.minute -
                      m.offset_minutes;
    int64_t seconds = minutes * 60 + m.second;
    /* Once more, since the offset may carry a date that is within over either end:
     * 0001-01-01T00:00:00+00:01 lies in the year 0, which has no text of four digits. */
    if (seconds < civil_days(1, 1, 1) * 86400 || seconds >= civil_days(10000, 1, 1) * 86400) {
        return FAIL(err, ERR_INVALID, "must lie in the years 0001 to 9999");
    }
    *out_us = seconds * SECONDS(1) + m.micros;
    return true;
}

int64_t clock_told_us(const char *text)
{
    static const char midnight[] = "00:00:00";
    const size_t date_len = strlen("2026-11-22T");

    const char *point = strchr(text, '.');
    if (point != NULL) {
        /* ".000" is what JavaScript and Python make of a whole second, and of a date */
        const char rest = point[1 + strspn(point + 1, "0")];
        if (rest >= '1' && rest <= '9') {
            return 1;
        }
    }
    return strlen(text) > date_len && strncmp(text + date_len, midnight, strlen(midnight)) == 0
               ? DAYS(1)
               : SECONDS(1);
}

char *clock_format_rfc3339(int64_t us, char out[CLOCK_TEXT_MAX])
{
    int64_t year;
    int month;
    int day;
    bool before = us % DAYS(1) < 0; /* division rounds to zero, days round down */
    int64_t days = us / DAYS(1) - before;
    int64_t rest = us % DAYS(1) + (before ? DAYS(1) : 0);
    int seconds = (int)(rest / SECONDS(1));
    int micros = (int)(rest % SECONDS(1));

    civil_date(days, &year, &month, &day);
    /* Fits for every int64_t: its years have six digits at most, and a sign. */
    int n = snprintf(out, CLOCK_TEXT_MAX, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d", year, month,
                     day, seconds / 3600, seconds / 60 % 60, seconds % 60);
    size_t len = (size_t)n;
    if (micros != 0) {
        (void)snprintf(out + len, CLOCK_TEXT_MAX - len, ".%06dZ", micros);
    } else {
        (void)snprintf(out + len, CLOCK_TEXT_MAX - len, "Z");
    }
    return out;
}

/* Largest first: formatting takes the first that divides. */
static const struct {
    const char *suffix;
    int64_t us;
} units[] = {
    {"d", DAYS(1)}, {"h", HOURS(1)}, {"m", MINUTES(1)}, {"s", SECONDS(1)}, {"ms", 1000}, {"us", 1},
};

enum { UNIT_COUNT = sizeof units / sizeof units[0] };

bool clock_parse_duration(const char *text, int64_t *out_us, struct err *err)
{
    const char *at = text;
    int64_t value = 0;
    bool overflow = false;

    /* read on after an overflow: behind the digits there must still be a unit */
    for (; is_digit(*at); at++) {
        overflow = overflow || __builtin_mul_overflow(value, 10, &value) ||
                   __builtin_add_overflow(value, *at - '0', &value);
    }
    if (strcmp(text, "0") == 0) { /* of whatever */
        *out_us = 0;
        return true;
    }
    /* a bare number ends here without a unit that is "": 30 of what? */
    for (size_t i = 0; at > text && i < UNIT_COUNT; i++) {
        if (strcmp(at, units[i].suffix) != 0) {
            continue;
        }
        if (overflow || __builtin_mul_overflow(value, units[i].us, &value)) {
            return FAIL(err, ERR_INVALID, "is longer than 292 thousand years");
        }
        *out_us = value;
        return true;
    }
    return FAIL(err, ERR_INVALID,
                "must be a whole number and its unit, such as 500ms, 30s, 30m, 24h or 7d");
}

char *clock_format_duration(int64_t us, char out[CLOCK_TEXT_MAX])
{
    size_t i = us == 0 ? 3 : 0; /* "0s" */

    /* ends at the latest with microseconds, which divide everything */
    while (us % units[i].us != 0) {
        i++;
    }
    (void)snprintf(out, CLOCK_TEXT_MAX, "%" PRId64 "%s", us / units[i].us, units[i].suffix);
    return out;
}
