/* Dates and days. No clock and no text: those are clock.c's. */
#include "base/civil.h"

#include <stdbool.h>

/* From 0000-03-01, where the eras below begin, to 1970-01-01. */
enum { DAYS_TO_1970 = 719468, DAYS_AN_ERA = 146097 };

int64_t civil_days(int64_t year, int month, int day)
{
    /* Years begin in March, so that the leap day is the last of its year and the lengths of the months before it follow
     * one straight line, (153 m + 2) / 5. After 400 years (an era) everything repeats. */
    year -= month <= 2;
    /* division rounds towards zero, but the years before 0 belong to an era further down */
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * DAYS_AN_ERA + day_of_era - DAYS_TO_1970;
}

void civil_date(int64_t days, int64_t *out_year, int *out_month, int *out_day)
{
    days += DAYS_TO_1970;
    int64_t era = (days >= 0 ? days : days - (DAYS_AN_ERA - 1)) / DAYS_AN_ERA;
    int64_t day_of_era = days - era * DAYS_AN_ERA;
    /* 1460, 36524 and 146096 are the days after which a leap day comes, is left out, and comes all the same. */
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * day_of_year + 2) / 153; /* month, 0 is March */

    *out_day = (int)(day_of_year - (153 * from_march + 2) / 5 + 1);
    *out_month = (int)(from_march < 10 ? from_march + 3 : from_march - 9);
    *out_year = year_of_era + era * 400 + (*out_month <= 2);
}

int civil_days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}
