/* Reads what changed in the catalogue into the shelf of the model that serves. */
#include "live/live_shelf.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/products.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define OVERLAP_US SECONDS(10)
/* What is dated earlier than this is there: whoever writes is done, or given up on, within ten seconds, and clocks differ by no more than the overlap. */
#define SETTLED_US SECONDS(20)
#define WHOLE_US   MINUTES(10)

struct held_shelf {
    atomic_int refs;
    struct affinity_shelf *shelf;
};

struct held_shelf *held_shelf_take(struct held_shelf *h)
{
    if (h) {
        atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
    }
    return h;
}

void held_shelf_drop(struct held_shelf **held)
{
    struct held_shelf *h = *held;
    *held = NULL;
    if (h && atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) == 1) {
        affinity_shelf_free(&h->shelf);
        free(h);
    }
}

const struct affinity_shelf *held_shelf_look(const struct held_shelf *h)
{
    return h ? h->shelf : NULL;
}

/* One read: fresh is made when the first difference shows, or at once where everything is read. */
struct reading {
    const struct affinity *model;
    const struct affinity_shelf *old;
    struct affinity_shelf *fresh;
    int64_t newest_us;
};

static bool read_change(void *ctx, const struct product *p, struct err *err)
{
    struct reading *r = ctx;
    const struct affinity_shelf *now = r->fresh ? r->fresh : r->old;
    struct shelf_facts facts = {
        .stock = p->stock, .price_minor = p->price_minor, .titled = p->title != NULL};
    (void)err;
    memcpy(facts.currency, p->currency, sizeof facts.currency);
    r->newest_us = p->updated_us > r->newest_us ? p->updated_us : r->newest_us;
    /* Most of what is read again lies in the overlap and is known; where nothing differs the shelf
     * that serves stays, and no set is made. */
    if (affinity_shelf_differs(now, r->model, p->product_id, &facts)) {
        r->fresh = r->fresh ? r->fresh : affinity_shelf_copy(r->old);
        affinity_shelf_put(r->fresh, r->model, p->product_id, &facts);
    }
    return true;
}

/* The overlap is read again at every look, and may be the whole catalogue: as long as anything can still come into it. */
static int64_t since_us(const struct shelf_seen *seen, int64_t clock_us)
{
    const bool settled = clock_us - seen->newest_us > SETTLED_US;
    const int64_t newest_us = settled ? seen->newest_us + 1 : seen->newest_us - OVERLAP_US;
    const int64_t open_us = seen->open_us - OVERLAP_US;
    const int64_t us = open_us < newest_us ? open_us : newest_us;

    return us > 0 ? us : 0;
}

bool held_shelf_read(struct db *db, const struct affinity *model, struct held_shelf *old,
                     struct shelf_seen *seen, struct held_shelf **out, struct err *err)
{
    struct reading r = {.model = model, .old = held_shelf_look(old)};
    *out = held_shelf_take(old);
    if (!model) {
        return true;
    }
    /* Another model numbers its products otherwise: all of them are read. */
    const int64_t now_us = clock_monotonic_us();
    const bool whole = !old || now_us - seen->whole_us >= WHOLE_US;
    if (whole) {
        /* from nothing: a row that somebody deleted can tell nobody of it */
        r.fresh = affinity_shelf_make(model);
    }
    const int64_t clock_us = clock_now_us();
    int64_t open_us = INT64_MAX;
    /* Before the changes: a transaction that commits in between is then in both. */
    if (!store_products_open(db, &open_us, err) ||
        !store_products_changed(db, whole ? 0 : since_us(seen, clock_us), read_change, &r, err)) {
        affinity_shelf_free(&r.fresh);
        return false;
    }
    /* A date in the future would hide what is changed until then. */
    r.newest_us = r.newest_us < clock_us ? r.newest_us : clock_us;
    /* Never back: where only the overlap was read, its newest lies before what was seen. */
    seen->newest_us = old && r.newest_us < seen->newest_us ? seen->newest_us : r.newest_us;
    seen->open_us = open_us;
    seen->whole_us = whole ? now_us : seen->whole_us;
    if (whole && old && affinity_shelf_equals(r.fresh, r.old)) {
        affinity_shelf_free(&r.fresh);
    }
    if (r.fresh) {
        held_shelf_drop(out);
        *out = mem_alloc(sizeof **out);
        atomic_init(&(*out)->refs, 1);
        (*out)->shelf = r.fresh;
    }
    return true;
}
