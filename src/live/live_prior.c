/* From the newest events and the catalogue to a model, again and again while it serves. */
#include "live/live_prior.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "domain/affinity/affinity_prior.h"
#include "domain/risk/risk_prior.h"
#include "eventlog/shopper_log.h"
#include "store/events.h"
#include "store/products.h"

#include <string.h>

enum { LANE_EVENTS = 200, TIMES_AS_LONG = 100 };

struct held *live_prior_risk(struct held *old, int64_t horizon_us, double shift)
{
    if (live_held_is(old, RISK_PRIOR_VERSION, shift)) {
        return live_held_take(old);
    }
    struct held *h = live_held_new();
    h->risk = risk_prior_make(horizon_us);
    risk_shift(h->risk, shift);
    return h;
}

static bool take_product(void *ctx, const struct product *product, struct err *err)
{
    (void)err;
    affinity_prior_product(ctx, product);
    return true;
}

static bool take_events(struct db *db, struct affinity_prior *p, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct log_event *events;
    size_t count;
    if (!store_events_latest(db, 0, LANE_EVENTS, &a, &events, &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct event e;
        struct err refused = {0}; /* a dead letter */
        /* Forwarded ones were counted under their first key. */
        if (log_event_decode(&events[i], &a, &e, &refused) && e.via == NULL) {
            affinity_prior_event(p, &e);
        }
    }
    return true;
}

/* The model of what was read, if it is another one than old. */
static bool make(struct affinity_prior *p, struct prior_look *look, struct held *old,
                 struct held **out, struct err *err)
{
    struct held *h = live_held_new();
    struct model_file file = {0};
    uint8_t sha256[SHA256_BYTES];
    /* Popularity is as of the newest event, so that where nothing has happened the bytes are those
     * of before, and nobody has to change over. */
    bool ok = affinity_prior_write(p, &h->bytes, sha256, err);
    if (ok && old && memcmp(sha256, look->sha256, sizeof sha256) == 0) {
        live_held_drop(&h);
        *out = live_held_take(old);
        return true;
    }
    if (!ok || !model_file_view(h->bytes.data, h->bytes.len, &file, err) ||
        !affinity_load(&file, AFFINITY_PRIOR_VERSION, &h->affinity, err)) {
        live_held_drop(&h);
        return false;
    }
    memcpy(look->sha256, sha256, sizeof sha256);
    *out = h;
    return true;
}

bool live_prior_affinity(struct db *db, struct prior_look *look, struct held *old,
                         struct held **out, struct err *err)
{
    CLEANUP(affinity_prior_free) struct affinity_prior p = {0};
    const int64_t began_us = clock_monotonic_us();
    struct held *mine = live_prior_is(old) ? old : NULL;
    if (mine != NULL && began_us < look->next_us) {
        *out = live_held_take(mine);
        return true;
    }
    if (!store_products_stream(db, take_product, &p, err) || !take_events(db, &p, err)) {
        return false;
    }
    if (p.count == 0) {
        *out = NULL;
    } else if (!make(&p, look, mine, out, err)) {
        return false;
    }
    const int64_t took_us = clock_monotonic_us() - began_us;
    /* A hundredth of the time at most, however large the catalogue is. */
    const int64_t pause_us = TIMES_AS_LONG * took_us;
    look->next_us = began_us + (pause_us > look->every_us ? pause_us : look->every_us);
    return true;
}

bool live_prior_is(const struct held *h)
{
    const char *version = live_held_version(h);
    return strcmp(version, AFFINITY_PRIOR_VERSION) == 0 || strcmp(version, RISK_PRIOR_VERSION) == 0;
}
