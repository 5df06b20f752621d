#ifndef HTTP_WIRE_BATCH_H
#define HTTP_WIRE_BATCH_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

/* A body that holds one JSON object, an array, or a JSON text a line (NDJSON), cut into the texts of
 * its elements before anything is parsed: so the number of elements is checked first, only one is a
 * tree at a time, and each can be kept exactly as it was sent. */
struct piece {
    char *text; /* borrowed from the body */
    size_t len;
};
struct batch {
    struct piece *pieces; /* in arena */
    size_t count;
    bool array; /* the pieces are elements of an array */
    bool lines; /* NDJSON: a piece that does not parse is that piece's fault alone */
    bool over;  /* more than max pieces: cutting stopped */
};

/* Cutting finds only where elements end; whether they are JSON, the parser says. Fails with
 * ERR_INVALID and jansson's words when the body as a whole cannot be read. */
CAN_FAIL bool batch_cut(char *body, size_t len, bool lines, size_t max, struct arena *a,
                        struct batch *out, struct err *err);

#endif
