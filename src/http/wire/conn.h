#ifndef HTTP_WIRE_CONN_H
#define HTTP_WIRE_CONN_H

#include "base/err.h"
#include "http/wire/guard.h"
#include "http/wire/request.h"
#include "http/wire/tap.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Open connections: how many, and until when each may keep us waiting. libmicrohttpd's own time-out
 * counts idle time, so one byte a second keeps a connection for ever; the reaper thread here answers a
 * request that has not arrived in full by its deadline with 408, and cuts what is idle or does not read. */
enum phase { PHASE_HEAD, PHASE_BODY, PHASE_DISCARD };

struct conn {
    struct conn *next;
    struct conn *before;
    int fd;
    bool over;                   /* above the limit: answered with 503 */
    _Atomic int64_t deadline_us; /* monotonic */
    atomic_bool busy;            /* a request has begun and is not answered */
    atomic_bool arriving;        /* and has not arrived in full */
    enum phase phase;
    uint64_t discarded; /* bytes of a body nobody wants */
    struct conns *conns;
    struct tap tap; /* all that is received comes through it */
    uint64_t heads; /* requests begun; of those that the gate let through */
    int64_t began_us;
    struct guard guard;
    struct request rq;
};

struct conns;

struct conn_limits {
    int64_t open_max;
    int64_t request_us; /* a request must have arrived, and an answer be taken, within this */
    int64_t idle_us;    /* between requests */
    uint64_t body_max;  /* bytes; more in chunks is not read */
};

CAN_FAIL bool conns_open(const struct conn_limits *limits, struct conns **out, struct err *err);
void conns_close(struct conns **conns);

struct conn *conn_add(struct conns *conns, int fd); /* owned by conns until conn_remove */
void conn_remove(struct conns *conns, struct conn *conn);

/* The stages of a request, in order. */
void conn_request_arrives(struct conns *conns, struct conn *conn); /* its first bytes */
void conn_request_begins(struct conns *conns, struct conn *conn);  /* its head is whole */
void conn_request_arrived(struct conn *conn);                      /* our turn: no deadline */
void conn_answer_begins(struct conns *conns, struct conn *conn);
void conn_request_ends(struct conns *conns, struct conn *conn);

/* Lets idle connections have idle_us more for a last request, then cuts them; waits until no request
 * is under way and no connection open, at most wait_us. True if so. */
bool conns_drain(struct conns *conns, int64_t idle_us, int64_t wait_us);

#endif
