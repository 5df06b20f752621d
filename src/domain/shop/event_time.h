#ifndef DOMAIN_SHOP_EVENT_TIME_H
#define DOMAIN_SHOP_EVENT_TIME_H

#include "domain/shop/event.h"

/* Browsers tell milliseconds, systems of orders often seconds, and some the day. What was added in the second (on the day) of its order came
 * before it, and what undoes it then behind it, by rank: an order, and what undoes one, is at the end of the time that such a text tells. So is a no,
 * which a yes of that time must not follow, and any message, which may be one. */

/* Whether that is so of an event whatever it says: any message may be a no, and which are is not known to all who ask. */
bool event_time_lasts(enum event_type type);

/* How long the time lasts that the text of the event tells, of which the type is known, and opt_out where that makes it a no; 1 us: it is exact, of another
 * kind of event, or NULL. */
int64_t event_time_lasts_us(const struct event *e, const char *text);

/* An order, a no and a message: by a clock that is behind they would lie in front of what they end. */
bool event_time_ends_what_was(const struct event *e);

/* When that began whose end is the event's occurred_us (which is when it came in, if that was before its end); 0: it is exact, or says no time. Who was logged
 * in for an order was so from then: what somebody else did at that browser in the rest of the second, or of the day, is not its buyer's. */
int64_t event_time_began_us(const struct event *e, const char *text);

#endif
