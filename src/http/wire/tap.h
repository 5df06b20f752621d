#ifndef HTTP_WIRE_TAP_H
#define HTTP_WIRE_TAP_H

#include "http/wire/gate.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Puts the gate between a connection's socket and libmicrohttpd, which has no place for it: it reads by
 * the C library's recv. tap.c defines a recv of its own, which the dynamic linker (and the static one)
 * prefers to that of the C library; for descriptors that were not added here it is the same. Beside it were
 * considered: a second socket and thread a connection that copy (twice the threads, every byte twice
 * through the kernel), reading first with MSG_PEEK (a head that is not whole would stay readable, so that
 * poll spins), and judging by what the library has left of the bytes (it cannot be told any more).
 *
 * Should a library read in another way, nothing passes the gate and every request is refused: who serves
 * one compares `gate.heads` with the requests it was handed. */
struct tap {
    struct gate gate;
    atomic_bool late; /* what is under way did not arrive in time: nothing more is read */
    atomic_bool cut;  /* the end that will be read is our doing, and nobody is told */
    void (*arrives)(
        void *cls); /* bytes of a request have arrived, and it is not whole; may be NULL */
    void *cls;
};

/* From now on what the descriptor receives goes through the gate, which the caller has opened. False: its
 * number is too large. Borrowed until tap_remove, which must come before the descriptor is closed. */
bool tap_add(int fd, struct tap *tap);
void tap_remove(int fd);

#endif
