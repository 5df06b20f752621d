#ifndef LIVE_LIVE_HELD_H
#define LIVE_LIVE_HELD_H

#include "base/buf.h"
#include "domain/affinity/affinity.h"
#include "domain/risk/risk.h"

#include <stdatomic.h>

/* One loaded model, counted: shared by every set of live.c that it is in. */
struct held {
    atomic_int refs;
    struct risk *risk; /* one of the two */
    struct affinity *affinity;
    struct buf bytes; /* of a model that was made here; what was loaded from a file has none */
};

struct held *live_held_new(void);            /* one reference, no model yet */
struct held *live_held_take(struct held *h); /* NULL is nobody */
void live_held_drop(struct held **held);     /* the last one frees the model */

const char *live_held_version(const struct held *h); /* "" of NULL */
/* Whether it is that version, corrected so. */
bool live_held_is(const struct held *h, const char *version, double shift);

#endif
