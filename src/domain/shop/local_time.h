#ifndef DOMAIN_SHOP_LOCAL_TIME_H
#define DOMAIN_SHOP_LOCAL_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* Seconds that clocks at the time zone's place are ahead of UTC at a moment, whichever clock that
 * moment comes from. Knows the names of the tz database as this machine has it ("Europe/Kyiv",
 * case as there), and offsets as "+02:00"; false for any other name, and for NULL. */
bool local_time_offset(const char *timezone, int64_t at_us, int *out_seconds);

/* The version of the tz database that the above comes from, "2025b": what depends on local time is
 * not the same with another one. */
const char *local_time_version(void);

#endif
