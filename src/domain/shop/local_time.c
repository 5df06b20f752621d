/* The hour where the shopper is, without a file of time zones: the domain does no I/O, and a feature
 * that depended on the machine's zone files would not be the same on every replica. */
#include "domain/shop/local_time.h"

#include "base/civil.h"
#include "base/clock.h"

#include <stddef.h>
#include <string.h>

enum rule { NONE, EU, US, SOUTH };

struct zone {
    const char *name;
    int minutes;
    enum rule rule;
};

static const struct zone zones[] = {
#define ZONE(name, minutes, rule) {name, minutes, rule},
#include "domain/shop/zone_table.inc"
#undef ZONE
};

static int64_t year_of(int64_t days)
{
    int64_t year = 0;
    int month = 0;
    int day = 0;
    civil_date(days, &year, &month, &day);
    return year;
}

/* 1970-01-04 was a Sunday. */
static int64_t sunday_on_or_after(int64_t day)
{
    /* Sundays are 3 modulo 7; 10 is 3 more than 7, so that the difference stays above 0 */
    return day + (10 - day % 7) % 7;
}

/* Daylight saving of the year lies in [*out_from, *out_until), in the south outside of it. */
static void bounds_of(enum rule rule, int64_t year, int64_t *out_from, int64_t *out_until)
{
    switch (rule) {
    case EU:
        /* the last Sunday of a month of 31 days is the first one from the 25th on */
        *out_from = DAYS(sunday_on_or_after(civil_days(year, 3, 25))) + HOURS(1);
        *out_until = DAYS(sunday_on_or_after(civil_days(year, 10, 25))) + HOURS(1);
        break;
    case US:
        /* 02:00 in New York. Zones farther west change some hours later: their hour is off on two
         * days a year, for a table of offsets that stays one line a zone. */
        *out_from = DAYS(sunday_on_or_after(civil_days(year, 3, 8))) + HOURS(7);
        *out_until = DAYS(sunday_on_or_after(civil_days(year, 11, 1))) + HOURS(7);
        break;
    case SOUTH:
        /* 16:00 UTC of the day before is 02:00 of standard time in Sydney */
        *out_from = DAYS(sunday_on_or_after(civil_days(year, 4, 1))) - HOURS(8);
        *out_until = DAYS(sunday_on_or_after(civil_days(year, 10, 1))) - HOURS(8);
        break;
    case NONE:
        *out_from = 0;
        *out_until = 0;
        break;
    }
}

static bool saves_daylight(enum rule rule, int64_t at_us)
{
    int64_t from = 0;
    int64_t until = 0;

    if (rule == NONE) {
        return false;
    }
    /* UTC's year will do: no zone changes near New Year. */
    bounds_of(rule, year_of(at_us / DAYS(1)), &from, &until);
    /* In the south the interval within a year is winter. */
    return (at_us >= from && at_us < until) != (rule == SOUTH);
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : -1;
}

/* "+HH:MM" or "-HH:MM" */
static bool offset_of(const char *text, int *out_minutes)
{
    static const int places[] = {1, 2, 4, 5};
    int d[4];

    if (strlen(text) != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') {
        return false;
    }
    for (int i = 0; i < 4; i++) {
        d[i] = digit(text[places[i]]);
        if (d[i] < 0) {
            return false;
        }
    }
    int minutes = (d[0] * 10 + d[1]) * 60 + d[2] * 10 + d[3];
    *out_minutes = text[0] == '-' ? -minutes : minutes;
    /* no zone lies farther from UTC than 14 hours */
    return d[0] * 10 + d[1] <= 14 && d[2] < 6;
}

bool local_time_offset(const char *timezone, int64_t at_us, int *out_minutes)
{
    if (timezone == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        if (strcmp(zones[i].name, timezone) == 0) {
            *out_minutes = zones[i].minutes + (saves_daylight(zones[i].rule, at_us) ? 60 : 0);
            return true;
        }
    }
    return offset_of(timezone, out_minutes);
}
