#ifndef HTTP_WIRE_GUARD_H
#define HTTP_WIRE_GUARD_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Refuses every request that another HTTP program in front of us might read differently (request
 * smuggling, CWE-444), because libmicrohttpd is more forgiving than is safe. Pure functions. A
 * refusal is answered with 400 and the connection is closed: what follows cannot be trusted. */
enum { GUARD_TARGET_MAX = 4096 }; /* bytes */
#define GUARD_TARGET_TOO_LONG "the request target is longer than 4096 bytes"

struct guard {
    int hosts;
    int lengths;
    int encodings;
    int traces;    /* traceparent: of more than one none counts (W3C Trace Context, 4.2) */
    unsigned once; /* a bit each of those that may come once, and has */
    bool chunked;
    bool expects_continue;
    uint64_t length;     /* of Content-Length; 0 where there is none */
    const char *problem; /* the first thing wrong; NULL: nothing yet. A constant */
};

/* Looks at one header. Value is NUL-terminated. */
void guard_header(struct guard *g, const char *name, const char *value);

/* After the last header: the rules about the whole. Fails with ERR_INVALID. */
CAN_FAIL bool guard_end(const struct guard *g, const char *method, const char *version,
                        struct err *err);

bool guard_has_body(const struct guard *g);

/* Whether nothing behind this request may be read. Where chunks end is what readers have disagreed on more
 * often than on anything else: the gate reads their framing by the letter, and still nothing is served behind
 * them, in case that somebody in front of us does not. */
bool guard_ends_connection(const struct guard *g);

/* The request target as sent, before anybody decoded it: an absolute path of visible ASCII, percent
 * codes only from the third segment on (ids) and in the query, none that hides a slash, a dot
 * segment or a control character; at most GUARD_TARGET_MAX bytes. */
CAN_FAIL bool guard_target(const char *target, struct err *err);

#endif
