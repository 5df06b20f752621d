#ifndef HTTP_WIRE_HOST_H
#define HTTP_WIRE_HOST_H

#include <stdbool.h>

/* Whether a request for this Host is for the loopback or one of the names in `more` ("shop.test, shop.local"), in
 * any case of letters, with or without a port.
 *
 * Without keys whoever reaches the port may do everything, and a page on the same machine reaches it: its
 * browser asks before it lets another site read or send JSON, but not the site itself, and a name of the
 * page's may be made to mean 127.0.0.1 (DNS rebinding). Such a request still carries that name. */
bool host_is_local(const char *host, const char *more);

#endif
