#ifndef DOMAIN_SHOPPER_SHOPPER_OWNERS_H
#define DOMAIN_SHOPPER_SHOPPER_OWNERS_H

#include "domain/shopper/shopper.h"

/* Whose an anonymous shopper is; for shopper_bindings.c and shopper_pages.c only. */

/* What the whole set says: owners from base (NULL: none), from the changes among these events and, where nobody logged in, from the grounds
 * that s has. */
void owners_collect(struct shopper *s, const struct shopper *base, const struct event *events,
                    size_t count, struct arena *a);
/* The same of a set that comes in pages, in order of time: s knows whose it is up to after_us (INT64_MIN: nothing), these are the events after that up to until_us
 * (INT64_MAX: the last page). */
struct owners_page {
    int64_t after_us;
    int64_t until_us;
};
void owners_collect_page(struct shopper *s, const struct shopper *base,
                         const struct owners_page *page, const struct event *events, size_t count,
                         struct arena *a);

/* Of guesses that count for nothing, and what takes them back, the number and the time: what is told after them is newer than before. */
void owners_note(struct shopper *s, const struct event *events, size_t count);

/* One more change. SHOPPER_REFOLD: it changes which events are the shopper's own to fold; s is unchanged. */
enum shopper_step owners_apply(struct shopper *s, const struct event *e, struct arena *a);

#endif
