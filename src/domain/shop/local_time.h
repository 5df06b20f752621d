#ifndef DOMAIN_SHOP_LOCAL_TIME_H
#define DOMAIN_SHOP_LOCAL_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* Minutes that clocks at the time zone's place are ahead of UTC at a moment. Knows the zones of
 * zone_table.inc, "UTC" and offsets as "+02:00"; false for any other name, and for NULL. An
 * approximation for the hour of the day: today's rules of daylight saving count for every year. */
bool local_time_offset(const char *timezone, int64_t at_us, int *out_minutes);

#endif
