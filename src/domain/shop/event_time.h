#ifndef DOMAIN_SHOP_EVENT_TIME_H
#define DOMAIN_SHOP_EVENT_TIME_H

#include "domain/shop/event.h"

/* Browsers tell milliseconds, systems of orders often seconds, and some the day. What was added in the second (on the day) of its order came
 * before it, and what undoes it then behind it, by rank: an order, and what undoes one, is at the end of the time that such a text tells. */

/* How long the time lasts that the text of an event of that type tells; 1 us: it is exact, is of no order, or NULL. */
int64_t event_time_lasts_us(enum event_type type, const char *text);

/* When that began whose end is occurred_us (which is when it came in, if that was before its end); 0: it is exact, or says no time. Who was logged
 * in for an order was so from then: what somebody else did at that browser in the rest of the second, or of the day, is not its buyer's. */
int64_t event_time_began_us(enum event_type type, const char *text, int64_t occurred_us);

#endif
