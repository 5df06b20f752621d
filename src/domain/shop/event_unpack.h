#ifndef DOMAIN_SHOP_EVENT_UNPACK_H
#define DOMAIN_SHOP_EVENT_UNPACK_H

#include "domain/shop/event_pack.h"

/* A packed body taken apart, for those who read it without making JSON of it. For domain/shop/ only. */

/* A text that stands in front of the members, as it lies there. */
struct event_front {
    const char *text;
    size_t len;
};
/* As it was sent: itself, or where it is shorter than that, in room. */
struct event_front event_front_sent(const struct event_front *front, char room[EVENT_HASH_TEXT]);

/* Borrowed from the body. */
struct event_parts {
    int flags;
    struct event_front cart; /* with EVENT_PACK_CART */
    struct event_front name; /* with EVENT_PACK_NAME */
    struct event_front type; /* where the column does not know it */
    const char *members;     /* the others, up to end */
    const char *end;
};
struct event_parts event_parts_of(const struct event_packed *packed); /* of one that is packed */

/* Returns how many bytes the members and their bracket are as text; if it is more than room, what out holds is nothing. */
size_t event_expand_members(const struct event_parts *p, char *out, size_t room);

#endif
