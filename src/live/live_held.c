/* Counting of the models that serve. */
#include "live/live_held.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct held *live_held_new(void)
{
    struct held *h = mem_alloc(sizeof *h);
    atomic_init(&h->refs, 1);
    return h;
}

struct held *live_held_take(struct held *h)
{
    if (h) {
        /* Relaxed is enough, here and wherever else references are counted: whoever takes one reaches the object through another one, which keeps it
         * there. */
        atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
    }
    return h;
}

void live_held_drop(struct held **held)
{
    struct held *h = *held;
    *held = NULL;
    /* Release, so that what this thread did with it is done before the count falls; acquire, so that the last one frees only after that of
     * all others. */
    if (h && atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) == 1) {
        risk_free(&h->risk);
        affinity_free(&h->affinity);
        /* last: the model looks into them */
        buf_free(&h->bytes);
        free(h);
    }
}

const char *live_held_version(const struct held *h)
{
    return h == NULL ? "" : h->risk ? risk_version(h->risk) : affinity_version(h->affinity);
}

bool live_held_is(const struct held *h, const char *version, double shift)
{
    /* The same double from the same row: equality is exact. Another correction means loading anew, as nobody may change a model that others
     * read. */
    return strcmp(live_held_version(h), version) == 0 &&
           (h->risk == NULL || risk_shift_of(h->risk) == shift);
}
