#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include "base/err.h"

enum { ADDRESS_HOST_MAX = 200, ADDRESS_PORT_MAX = 6 };

/* "HOST:PORT" in its parts. */
struct address {
    char host[ADDRESS_HOST_MAX]; /* a name or an address, without brackets */
    char port[ADDRESS_PORT_MAX]; /* "0" to "65535" */
};

/* Reads "127.0.0.1:8080", "[::1]:8080", "localhost:0". Fails with ERR_INVALID, the path left as it is. */
CAN_FAIL bool address_split(const char *text, struct address *out, struct err *err);

#endif
