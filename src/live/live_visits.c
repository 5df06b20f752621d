/* From folded events to the index of visits. What a visit is, and which events belong to it, is domain/affinity/affinity_visit.c's. */
#include "live/live_visits.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "domain/affinity/affinity_visit.h"
#include "eventlog/shopper_log.h"

#include <string.h>

/* A load takes seconds; of a storm in that time the rest is left out. */
enum { NOTES_MAX = 20000 };

/* One product of one event. */
struct visit_note {
    int lane;
    int64_t off;
    const char *key;
    enum event_type type;
    const char *product_id;
    int64_t at_us;
};

void live_visits_tell(const struct affinity *model, const char *key, const struct event *e)
{
    if (e->via != NULL || e->occurred_us <= affinity_as_of_us(model)) {
        return;
    }
    for (size_t i = 0; i < e->item_count; i++) {
        affinity_visit_event(model, key, e->type, e->items[i].product_id, e->occurred_us);
    }
}

void visit_journal_init(struct visit_journal *j)
{
    *j = (struct visit_journal){0};
    (void)pthread_mutex_init(&j->lock, NULL);
}

static void forget(struct visit_journal *j)
{
    arena_free(&j->arena);
    j->arena = (struct arena){0};
    mem_free(&j->notes);
    j->count = 0;
    j->open = false;
    memset(j->read_offs, 0, sizeof j->read_offs);
}

void visit_journal_free(struct visit_journal *j)
{
    forget(j);
    (void)pthread_mutex_destroy(&j->lock);
}

void visit_journal_begin(struct visit_journal *j)
{
    (void)pthread_mutex_lock(&j->lock);
    forget(j);
    j->notes = mem_array(NOTES_MAX, sizeof *j->notes);
    j->open = true;
    (void)pthread_mutex_unlock(&j->lock);
}

void visit_journal_note(struct visit_journal *j, const struct log_event *log, const struct event *e)
{
    for (size_t i = 0; j->open && e->via == NULL && i < e->item_count && j->count < NOTES_MAX;
         i++) {
        if (e->items[i].product_id == NULL) {
            continue;
        }
        j->notes[j->count++] =
            (struct visit_note){.lane = log->lane,
                                .off = log->off,
                                .key = arena_strdup(&j->arena, log->key),
                                .type = e->type,
                                .product_id = arena_strdup(&j->arena, e->items[i].product_id),
                                .at_us = e->occurred_us};
    }
}

void visit_journal_end(struct visit_journal *j, const struct affinity *model)
{
    for (size_t i = 0; model != NULL && i < j->count; i++) {
        const struct visit_note *n = &j->notes[i];
        /* What is up to the newest that was read was read: the log of a lane becomes visible in its order. */
        if (n->off > j->read_offs[n->lane] && n->at_us > affinity_as_of_us(model)) {
            affinity_visit_event(model, n->key, n->type, n->product_id, n->at_us);
        }
    }
    forget(j);
}

bool live_visits_catch_up(struct db *db, const struct affinity *model, struct visit_journal *j,
                          struct err *err)
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
    (void)pthread_mutex_lock(&j->lock);
    for (size_t i = 0; i < count; i++) {
        int64_t *newest = &j->read_offs[events[i].lane];
        *newest = events[i].off > *newest ? events[i].off : *newest;
    }
    (void)pthread_mutex_unlock(&j->lock);
    return true;
}
