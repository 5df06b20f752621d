#ifndef HTTP_WIRE_GATE_H
#define HTTP_WIRE_GATE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a connection may send, byte for byte, before the HTTP library sees any of it (wire/tap.h). The
 * library reads more generously than RFC 9112: it ends lines at a bare LF, passes over NUL, folds,
 * takes what it likes for the end of a head or a chunk, and then writes NUL over what it has read, so
 * that nobody behind it can tell. Here every byte is read by the letter, once, and what is let through
 * cannot be misread:
 *
 * - a head, whole and only if it is right to the last byte and passes the guard. Left out of it are an
 *   empty line before it and its cookies, which nobody reads and the library would keep one by one. One of
 *   HTTP/1.0 comes out as HTTP/1.1 (RFC 9110, 2.5: it is answered so as well), and nothing behind that request
 *   is read: load balancers ask in it whether we live, and some shops send their webhooks in it;
 * - a body with a length, as it is;
 * - a body in chunks with its framing written anew: no extensions, no trailers.
 *
 * At the first wrong byte nothing more is let through. What is under way is ended in good order, a head
 * as a request of nothing (GET /), a body by its last chunk or by blanks, and `refused` says what to
 * answer instead of serving it: so there is one answer, by the way of all answers, and requests before it
 * get theirs. A pure state machine; zero it and call gate_open. */
enum {
    GATE_HEAD_MAX = 24 * 1024, /* bytes */
    GATE_FIELDS_MAX = 100,     /* headers */
    GATE_COOKIES_MAX = 200,
    GATE_PARAMS_MAX = 100,   /* of the query */
    GATE_LINE_MAX = 256,     /* bytes of a chunk's size with its extensions */
    GATE_TRAILER_MAX = 1024, /* bytes */
    GATE_SLACK = 64,         /* what may come out beyond what went in */
};

enum gate_state {
    GATE_START, /* between requests */
    GATE_EMPTY_LF,
    GATE_METHOD,
    GATE_TARGET,
    GATE_VERSION,
    GATE_LINE,
    GATE_NAME,
    GATE_VALUE,
    GATE_VALUE_LF,
    GATE_END_LF, /* of the empty line */
    GATE_COMPLETE,
    GATE_LENGTH, /* a body with a length */
    GATE_SIZE,
    GATE_EXTENSION,
    GATE_EXTENSION_VALUE,
    GATE_TOKEN,
    GATE_QUOTED,
    GATE_QUOTED_PAIR,
    GATE_QUOTED_END,
    GATE_SIZE_LF,
    GATE_DATA,
    GATE_DATA_CR,
    GATE_DATA_LF,
    GATE_OVER, /* nothing more is read */
};

struct gate {
    enum gate_state state;
    struct buf head;   /* of the request under way, or its trailers, until they are whole */
    size_t at;         /* how much of the version, the extension or its value has been seen */
    size_t fields;     /* headers, or trailers */
    size_t line;       /* bytes of a chunk's line */
    size_t digits;     /* of a chunk's size */
    bool empty_line;   /* one was passed over before this request */
    bool trailer;      /* the lines are trailers */
    bool last;         /* nothing is read behind the last head that was let through */
    uint64_t left;     /* of a body or chunk */
    uint64_t body;     /* bytes in chunks so far */
    uint64_t body_max; /* more is refused with 413 */
    uint64_t heads;    /* let through; the last of them is the refused one */
    int refused;       /* a status; 0: nothing */
    const char *why;   /* a constant, or in why_text */
    char why_text[256];
};

void gate_open(struct gate *g, uint64_t body_max);
void gate_close(struct gate *g);

/* Reads len bytes; what they let through goes to out, which has room for gate_held + len + GATE_SLACK.
 * How many came out. */
size_t gate_feed(struct gate *g, const void *in, size_t len, char *out);
size_t gate_held(const struct gate *g);

/* There will be no more bytes. Ends what is under way, refused with this status and these words, in as many
 * calls as it takes: out has room (at least gate_held + GATE_SLACK) each time; 0: all has ended. */
size_t gate_end(struct gate *g, int status, const char *why, char *out, size_t room);

/* Whether a request has begun to arrive and has not arrived in full. */
bool gate_busy(const struct gate *g);

#endif
