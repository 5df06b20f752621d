#ifndef HTTP_WIRE_LISTEN_H
#define HTTP_WIRE_LISTEN_H

#include "base/err.h"

enum { LISTEN_URL_MAX = 300 };

struct listener {
    int fd; /* owned */
    bool loopback;
    char url[LISTEN_URL_MAX]; /* "http://127.0.0.1:8080", with the port that was bound */
};

/* "HOST:PORT", "[::1]:8080", "localhost:0"; of a name the first of its addresses that can be bound. Fails
 * with path "listen". */
CAN_FAIL bool listen_open(const char *address, struct listener *out, struct err *err);

#endif
