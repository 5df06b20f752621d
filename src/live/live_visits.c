/* From folded events to the index of visits. What a visit is, and which events belong to it, is domain/affinity/affinity_visit.c's. */
#include "live/live_visits.h"

#include "base/cleanup.h"
#include "domain/affinity/affinity_visit.h"
#include "eventlog/shopper_log.h"

void live_visits_tell(const struct affinity *model, const char *key, const struct event *e)
{
    if (e->via != NULL || e->occurred_us <= affinity_as_of_us(model)) {
        return;
    }
    for (size_t i = 0; i < e->item_count; i++) {
        affinity_visit_event(model, key, e->type, e->items[i].product_id, e->occurred_us);
    }
}

bool live_visits_catch_up(struct db *db, const struct affinity *model, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct log_event *events;
    size_t count;

    /* In order of occurrence, as the gap that ends a visit is measured from event to event. */
    if (!store_events_latest(db, affinity_as_of_us(model), LIVE_VISITS_LANE_MAX, &a, &events,
                             &count, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct event e;
        struct err refused = {0}; /* a dead letter */
        if (log_event_decode(&events[i], &a, &e, &refused)) {
            live_visits_tell(model, events[i].key, &e);
        }
    }
    return true;
}
