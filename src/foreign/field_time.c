/* Times as files write them: each shape becomes the one of RFC 3339, so that there is one calendar in
 * the program (base/clock.h). */
#include "foreign/field.h"

#include "base/clock.h"
#include "domain/shop/event_time.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"
#define TIME_MAX_US                                                                                \
    INT64_C(253402300799999999) /* end of the year 9999, the last RFC 3339 can write */

#define DAY_US INT64_C(86400000000)
enum { DAY_OF_1970 = 25569, DAYS_1900_TO_1904 = 1462 }; /* as spreadsheets count days */

struct stamp {
    int year, month, day;
    int hour, minute, second;
    char fraction[8]; /* of a second: "" or ".123456" */
    char zone[32];    /* "Z", "+02:00" */
};

/* A number of min to max digits at *at; moves on. */
static bool number(const char **at, size_t min, size_t max, int *out)
{
    size_t digits = strspn(*at, DIGITS);
    if (digits < min || digits > max) {
        return false;
    }
    *out = 0;
    for (size_t i = 0; i < digits; i++) {
        *out = *out * 10 + (*(*at)++ - '0');
    }
    return true;
}

static bool mark(const char **at, char c)
{
    bool there = **at == c;
    *at += there;
    return there;
}

static bool word(const char **at, const char *text)
{
    size_t len = strlen(text);
    bool there = strncasecmp(*at, text, len) == 0;
    *at += there ? len : 0;
    return there;
}

static bool read_date(const char **at, struct stamp *s)
{
    const char *begin = *at;
    if (number(at, 4, 4, &s->year)) {
        char between = **at;
        return (between == '-' || between == '/') && mark(at, between) &&
               number(at, 1, 2, &s->month) && mark(at, between) && number(at, 1, 2, &s->day);
    }
    *at = begin;
    int first = 0;
    int second = 0;
    if (!number(at, 1, 2, &first)) {
        return false;
    }
    /* Slashes are American, points are European; dashes in this order are anybody's. */
    char between = **at;
    bool day_first = between == '.';
    if ((between != '/' && between != '.') || !mark(at, between) || !number(at, 1, 2, &second) ||
        !mark(at, between) || !number(at, 4, 4, &s->year)) {
        return false;
    }
    s->month = day_first ? second : first;
    s->day = day_first ? first : second;
    return true;
}

static bool read_fraction(const char **at, struct stamp *s)
{
    if (**at != '.' && **at != ',') {
        return true;
    }
    size_t digits = strspn(*at + 1, DIGITS);
    size_t kept = digits < 6 ? digits : 6; /* what is finer than a microsecond is cut */
    (void)snprintf(s->fraction, sizeof s->fraction, ".%.*s", (int)kept, *at + 1);
    *at += 1 + digits;
    return digits > 0;
}

/* 12 AM is midnight, 12 PM noon. */
static bool read_half(const char **at, struct stamp *s)
{
    const char *begin = *at;
    (void)mark(at, ' ');
    bool pm = word(at, "PM");
    if (!pm && !word(at, "AM")) {
        *at = begin;
        return true;
    }
    if (s->hour < 1 || s->hour > 12) {
        return false;
    }
    s->hour = s->hour % 12 + (pm ? 12 : 0);
    return true;
}

static bool read_zone(const char **at, struct stamp *s)
{
    (void)mark(at, ' ');
    if (**at == '\0' || word(at, "Z") || word(at, "UTC") || word(at, "GMT")) {
        (void)snprintf(s->zone, sizeof s->zone, "Z");
        return true;
    }
    char sign = **at;
    int hours = 0;
    int minutes = 0;
    if ((sign != '+' && sign != '-') || !mark(at, sign)) {
        return false;
    }
    size_t digits = strspn(*at, DIGITS);
    if (digits == 4) { /* +0200 */
        hours = ((*at)[0] - '0') * 10 + ((*at)[1] - '0');
        minutes = ((*at)[2] - '0') * 10 + ((*at)[3] - '0');
        *at += 4;
    } else if (!number(at, 2, 2, &hours) || (mark(at, ':') && !number(at, 2, 2, &minutes))) {
        return false;
    }
    (void)snprintf(s->zone, sizeof s->zone, "%c%02d:%02d", sign, hours, minutes);
    return true;
}

static bool read_clock(const char **at, struct stamp *s)
{
    if (**at == '\0') {
        (void)snprintf(s->zone, sizeof s->zone, "Z");
        return true; /* a date alone */
    }
    if ((!mark(at, 'T') && !mark(at, 't') && !mark(at, ' ')) || !number(at, 1, 2, &s->hour) ||
        !mark(at, ':') || !number(at, 2, 2, &s->minute)) {
        return false;
    }
    if (mark(at, ':') && (!number(at, 2, 2, &s->second) || !read_fraction(at, s))) {
        return false;
    }
    return read_half(at, s) && read_zone(at, s) && **at == '\0';
}

/* What most files have, for which no number is taken apart: "2019-10-01 00:00:00", perhaps with UTC. */
static bool usual(const char *text, int64_t *out_us)
{
    enum { PLAIN = sizeof "2019-10-01 00:00:00" - 1 };
    size_t len = strlen(text);
    bool shaped = (len == PLAIN || (len == PLAIN + 4 && strcmp(text + PLAIN, " UTC") == 0)) &&
                  text[10] == ' ';
    char rfc[PLAIN + 2] = "";
    struct err unread = {0};
    if (!shaped) {
        return false;
    }
    memcpy(rfc, text, PLAIN);
    rfc[10] = 'T';
    rfc[PLAIN] = 'Z';
    return clock_parse_rfc3339(rfc, out_us, &unread);
}

/* A count since 1970. Its size says of what: seconds of this century have up to 11 digits,
 * milliseconds 12 to 14, and so on; 10^11 seconds would be the year 5138. */
static bool since_1970(const char *text, int64_t *out_us)
{
    size_t digits = strspn(text, DIGITS);
    struct stamp s = {0};
    const char *rest = text + digits;
    if (digits == 0 || digits > 19 || (digits > 11 && *rest != '\0') || !read_fraction(&rest, &s) ||
        *rest != '\0') {
        return false;
    }
    uint64_t count = 0;
    for (size_t i = 0; i < digits; i++) {
        count = count * 10 + (uint64_t)(text[i] - '0'); /* 19 digits fit */
    }
    uint64_t us = digits <= 11   ? count * 1000000
                  : digits <= 14 ? count * 1000
                  : digits <= 17 ? count
                                 : count / 1000;
    uint64_t unit = 100000;
    for (const char *p = s.fraction; *p != '\0'; p++) {
        if (*p != '.') {
            us += (uint64_t)(*p - '0') * unit;
            unit /= 10;
        }
    }
    if (us > (uint64_t)TIME_MAX_US) {
        return false;
    }
    *out_us = (int64_t)us;
    return true;
}

/* Days as a spreadsheet counts them, with the time of day as their fraction: 45321.5. Those of this century have five digits, and
 * as seconds since 1970 they would lie in that year's first day, of which no event is taken. Excel's 29 February 1900,
 * which never was, lies before all of them: it is why 1 January 1970 is day 25569 and not 25568. */
static bool spreadsheet_day(const char *text, int64_t day_of_1970, int64_t *out_us)
{
    enum { YEAR_2000 = 10957, YEAR_2100 = 47482, DIGITS_OF_DAY = 5, FRACTION_MAX = 15 };
    const char *mark = text + strspn(text, DIGITS);
    size_t digits = *mark == '.' || *mark == ',' ? strspn(mark + 1, DIGITS) : 0;
    int64_t day = 0;
    double fraction = 0;
    if (mark - text != DIGITS_OF_DAY || (*mark != '\0' && digits == 0) ||
        mark[digits > 0 ? digits + 1 : 0] != '\0') {
        return false;
    }
    for (const char *p = text; p < mark; p++) {
        day = day * 10 + (*p - '0');
    }
    /* from the last digit on; what is finer than these is far below a millisecond */
    for (size_t i = digits < FRACTION_MAX ? digits : FRACTION_MAX; i > 0; i--) {
        fraction = (fraction + (mark[i] - '0')) / 10;
    }
    day -= day_of_1970;
    if (day < YEAR_2000 || day >= YEAR_2100) {
        return false;
    }
    /* Such a fraction is a rounded one: 10:30:06 is .437569444442. */
    *out_us = day * DAY_US + (int64_t)(fraction * (double)(DAY_US / 1000) + .5) * 1000;
    return true;
}

/* 20240301, which as seconds would be of 1970. */
static bool compact_date(const char *text, int64_t *out_us)
{
    char rfc[CLOCK_TEXT_MAX];
    struct err unread = {0};
    if (strlen(text) != 8 || strspn(text, DIGITS) != 8 || (text[0] != '1' && text[0] != '2')) {
        return false;
    }
    (void)snprintf(rfc, sizeof rfc, "%.4s-%.2s-%.2sT00:00:00Z", text, text + 4, text + 6);
    return clock_parse_rfc3339(rfc, out_us, &unread);
}

static bool is_number(const char *text)
{
    size_t digits = strspn(text, DIGITS);
    const char *rest = text + digits;
    rest += *rest == '.' || *rest == ',';
    return digits > 0 && rest[strspn(rest, DIGITS)] == '\0';
}

CAN_FAIL static bool read_time(const char *name, const char *text, int64_t day_of_1970,
                               int64_t *out_us, struct err *err)
{
    if (usual(text, out_us) || spreadsheet_day(text, day_of_1970, out_us) ||
        compact_date(text, out_us)) {
        return true;
    }
    /* Fewer than nine digits of seconds end in 1973, and nobody's events are so old. */
    if (is_number(text) && strspn(text, DIGITS) < 9) {
        return FAIL(err, ERR_INVALID,
                    "%s is a number, and neither a day of a spreadsheet (45321.5), a date "
                    "(20240301) nor a time since 1970: \"%.40s\"",
                    name, text);
    }
    if (since_1970(text, out_us)) {
        return true;
    }
    struct stamp s = {0};
    const char *at = text;
    bool shaped = read_date(&at, &s) && read_clock(&at, &s);
    if (shaped && s.month > 12 && s.day <= 12 && strchr(text, '/') != NULL) {
        return FAIL(err, ERR_INVALID, "%s is read month first, and has no month %d: \"%.40s\"",
                    name, s.month, text);
    }
    char rfc[64];
    struct err unread = {0};
    (void)snprintf(rfc, sizeof rfc, "%04d-%02d-%02dT%02d:%02d:%02d%s%s", s.year, s.month, s.day,
                   s.hour, s.minute, s.second, s.fraction, s.zone);
    /* Days that no month has are refused by the calendar's rules. */
    if (!shaped || !clock_parse_rfc3339(rfc, out_us, &unread)) {
        return FAIL(err, ERR_INVALID, "%s is no time: \"%.40s\"", name, text);
    }
    return true;
}

bool field_time(const char *name, const char *text, int64_t *out_us, struct err *err)
{
    return read_time(name, text, DAY_OF_1970, out_us, err);
}

bool field_time_1904(const char *name, const char *text, int64_t *out_us, struct err *err)
{
    return read_time(name, text, DAY_OF_1970 - DAYS_1900_TO_1904, out_us, err);
}

int64_t field_time_rest_us(enum event_type type, const char *text)
{
    const char *colon = strchr(text, ':');
    const bool minutes =
        colon != NULL && strspn(colon + 1, DIGITS) == strlen("00") && colon[3] != ':';

    return minutes && event_time_lasts(type) ? MINUTES(1) - SECONDS(1) : 0;
}
