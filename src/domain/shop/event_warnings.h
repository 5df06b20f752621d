#ifndef DOMAIN_SHOP_EVENT_WARNINGS_H
#define DOMAIN_SHOP_EVENT_WARNINGS_H

#include "domain/shop/event.h"

/* What was taken of an event otherwise than its sender will believe: an id that begins or ends in what cannot be seen ("c1 " is not
 * c1), or is a number, a language or time zone that is none, a property whose name is nearly one that is read ("chanel"), or whose value is of
 * another kind (a price of "4.90"), or that is a no by another name ("unsubscribed", which may be the type as well), or may be one that is not heard, or an id that stands where it is not read. Pointers and texts are in arena. Returns how many. */
enum { EVENT_WARNINGS_MAX = 8 };
struct event_warning {
    const char *
        code; /* of its kind: "unseen_in_id", "id_as_number", "no_language", "no_time_zone", "not_read", "taken_for_no"; of event_salvage.h "left_out" */
    const char *pointer;
    const char *detail;
};
size_t event_warnings(const struct event *e, struct jval doc, struct arena *a,
                      struct event_warning out[EVENT_WARNINGS_MAX]);

#endif
