#ifndef ML_SESSION_SESSION_INTERNAL_H
#define ML_SESSION_SESSION_INTERNAL_H

/* What the files of session_index share. */
#include "ml/session/session_index.h"

/* The latest sessions that hold an item, oldest first from `first`. Entries of forgotten sessions stay until they are overwritten and are known by
 * their number: it lies a whole ring of sessions back. */
struct posting_ring {
    uint32_t *session; /* (room) */
    int room;
    int count;
    int first;
};

struct session_index {
    int items;
    int postings_max;
    uint32_t begun; /* sessions so far: the next number */
    uint32_t mask;  /* capacity - 1, capacity a power of two: session s lies in slot s & mask */
    struct session_slot *slot; /* (capacity) */
    uint8_t *length;           /* (capacity): slot[i].count again, close together */
    struct posting_ring *ring; /* (items) */
};

#endif
