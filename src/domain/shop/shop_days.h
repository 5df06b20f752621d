#ifndef DOMAIN_SHOP_SHOP_DAYS_H
#define DOMAIN_SHOP_SHOP_DAYS_H

#include <stddef.h>
#include <stdint.h>

/* The shop as a whole, day by day (UTC): the base rates that features may know. A row is written
 * once, after its day has ended, and never again, so that what was known at a time can be told later. */
struct shop_day {
    int32_t day; /* since 1970-01-01 */
    int64_t adds;
    int64_t orders;
};

/* Borrows; by day, ascending. */
struct shop_days {
    const struct shop_day *all;
    size_t count;
};

enum {
    SHOP_DAYS_WINDOW = 28,
    SHOP_DAYS_LATELY = 7,
    SHOP_DAYS_ACTIONS_MIN = 100, /* additions and orders: fewer say nothing about the shop */
};

/* Of the days that ended at least a day before at_us: what was written by then in a shop that runs
 * `cartwright maintain` daily, whatever the hour. NaN where they hold too few actions. */
struct shop_rates {
    double buying; /* orders / (orders + additions) in the last SHOP_DAYS_WINDOW of them */
    double trend;  /* the same of the last SHOP_DAYS_LATELY of these, divided by that */
};
struct shop_rates shop_days_rates(const struct shop_days *days, int64_t at_us);

#endif
