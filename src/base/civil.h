#ifndef BASE_CIVIL_H
#define BASE_CIVIL_H

#include <stdint.h>

/* The proleptic Gregorian calendar in days since 1970-01-01, negative before: Howard Hinnant's days_from_civil and
 * civil_from_days ("chrono-Compatible Low-Level Date Algorithms"), exact for every year that fits. */
int64_t civil_days(int64_t year, int month, int day); /* month 1..12, day 1..31 */
void civil_date(int64_t days, int64_t *out_year, int *out_month, int *out_day);
int civil_days_in_month(int64_t year, int month);

#endif
