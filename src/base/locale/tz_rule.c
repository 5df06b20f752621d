/* POSIX TZ strings, as far as TZif files may hold them. */
#include "base/locale/tz_rule.h"

#include "base/civil.h"

#include <stddef.h>

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400, YEAR_DAYS = 365, LAST_WEEK = 5 };
enum { OFFSET_HOURS_MAX = 24, TIME_HOURS_MAX = 167 };

/* What is still to be read. */
struct text {
    const char *at;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool take(struct text *t, char c)
{
    if (*t->at != c) {
        return false;
    }
    t->at++;
    return true;
}

/* Digits without a sign, of a value from min to max. */
static bool number(struct text *t, int min, int max, int *out)
{
    int value = 0;

    if (!is_digit(*t->at)) {
        return false;
    }
    for (; is_digit(*t->at); t->at++) {
        value = value * 10 + (*t->at - '0');
        if (value > max) {
            return false;
        }
    }
    *out = value;
    return value >= min;
}

/* The abbreviation is not wanted, but says where the offset begins. */
static bool skip_name(struct text *t)
{
    const char *start = t->at;

    if (*t->at != '<') {
        for (; is_letter(*t->at); t->at++) {
        }
        return t->at - start >= 3;
    }
    for (t->at++; is_letter(*t->at) || is_digit(*t->at) || *t->at == '+' || *t->at == '-';
         t->at++) {
    }
    return *t->at == '>' && t->at++ - start > 3;
}

/* [+-]h[:mm[:ss]] */
static bool clock_time(struct text *t, int hours_max, int32_t *out)
{
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    const bool minus = *t->at == '-';

    t->at += *t->at == '-' || *t->at == '+';
    if (!number(t, 0, hours_max, &hours)) {
        return false;
    }
    if (*t->at == ':' && (t->at++, !number(t, 0, 59, &minutes))) {
        return false;
    }
    if (*t->at == ':' && (t->at++, !number(t, 0, 59, &seconds))) {
        return false;
    }
    *out = (int32_t)(hours * HOUR_S + minutes * MINUTE_S + seconds) * (minus ? -1 : 1);
    return true;
}

static bool day(struct text *t, struct tz_day *out)
{
    *out = (struct tz_day){.kind = TZ_ORDINAL, .seconds = 2 * HOUR_S};
    if (*t->at == 'J') {
        t->at++;
        out->kind = TZ_JULIAN;
        if (!number(t, 1, YEAR_DAYS, &out->day)) {
            return false;
        }
    } else if (*t->at == 'M') {
        t->at++;
        out->kind = TZ_WEEKDAY;
        if (!number(t, 1, 12, &out->month) || !take(t, '.') ||
            !number(t, 1, LAST_WEEK, &out->week) || !take(t, '.') || !number(t, 0, 6, &out->day)) {
            return false;
        }
    } else if (!number(t, 0, YEAR_DAYS, &out->day)) {
        return false;
    }
    return *t->at != '/' || (t->at++, clock_time(t, TIME_HOURS_MAX, &out->seconds));
}

static bool rule(struct text *t, struct tz_rule *out)
{
    int32_t west = 0;

    *out = (struct tz_rule){0};
    /* POSIX counts westwards. */
    if (!skip_name(t) || !clock_time(t, OFFSET_HOURS_MAX, &west)) {
        return false;
    }
    out->standard = -west;
    if (*t->at == '\0') {
        return true;
    }
    out->saves = true;
    out->daylight = out->standard + HOUR_S;
    if (!skip_name(t)) {
        return false;
    }
    if (*t->at != ',') {
        if (!clock_time(t, OFFSET_HOURS_MAX, &west)) {
            return false;
        }
        out->daylight = -west;
    }
    /* Without days POSIX leaves them to the system: that is no rule. */
    return take(t, ',') && day(t, &out->from) && take(t, ',') && day(t, &out->until) &&
           *t->at == '\0';
}

bool tz_rule_parse(const char *text, struct tz_rule *out, struct err *err)
{
    struct text t = {text};
    struct tz_rule read;

    if (!rule(&t, &read)) {
        return FAIL(err, ERR_INVALID, "\"%.60s\" is no POSIX time zone", text);
    }
    *out = read;
    return true;
}

/* Days since 1970 of the day that is meant in a year. */
static int64_t day_in(const struct tz_day *d, int64_t year)
{
    const int64_t new_year = civil_days(year, 1, 1);

    if (d->kind == TZ_ORDINAL) {
        return new_year + d->day;
    }
    if (d->kind == TZ_JULIAN) {
        /* 1 March is the 60th day where the 29th of February is not counted */
        bool leap = civil_days_in_month(year, 2) == 29;
        return new_year + d->day - 1 + (leap && d->day >= 60);
    }
    const int64_t first = civil_days(year, d->month, 1);
    /* 1970-01-01 was a Thursday, day 4 */
    const int weekday = (int)(((first + 4) % 7 + 7) % 7);
    int in_month = (d->day - weekday + 7) % 7 + (d->week - 1) * 7;
    while (in_month >= civil_days_in_month(year, d->month)) {
        in_month -= 7; /* week 5 is the last one */
    }
    return first + in_month;
}

static int64_t change_at(const struct tz_day *d, int64_t year, int32_t offset_before)
{
    return day_in(d, year) * DAY_S + d->seconds - offset_before;
}

int32_t tz_rule_offset(const struct tz_rule *rule, int64_t at_s)
{
    int64_t year = 0;
    int month = 0;
    int dom = 0;
    int64_t latest = INT64_MIN;
    bool saving = false;

    if (!rule->saves) {
        return rule->standard;
    }
    civil_date(at_s / DAY_S - (at_s % DAY_S < 0), &year, &month, &dom);
    /* The change that holds is the latest one. It may lie in another year: times of day reach a week
     * beyond their day, and UTC has another date. Where daylight time ends in the moment it begins
     * again, it goes on. */
    for (int64_t y = year - 1; y <= year + 1; y++) {
        const int64_t ends = change_at(&rule->until, y, rule->daylight);
        const int64_t begins = change_at(&rule->from, y, rule->standard);
        if (ends <= at_s && ends > latest) {
            latest = ends;
            saving = false;
        }
        if (begins <= at_s && begins >= latest) {
            latest = begins;
            saving = true;
        }
    }
    return saving ? rule->daylight : rule->standard;
}
