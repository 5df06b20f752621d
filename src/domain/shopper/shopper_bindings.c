/* Bindings between anonymous shoppers and customers, from the events of one lane: who owns this
 * anonymous shopper since when, or which intervals of whom are this customer's. A function of the set of
 * binding events; the order of the fold plays no part. */
#include "domain/shopper/shopper_bindings.h"

#include "domain/shopper/shopper_identity.h"

#include <stdlib.h>
#include <string.h>

/* ---- the anonymous shopper: whose it is, and since when ---- */

static int by_start(const void *left, const void *right)
{
    const struct binding *x = left;
    const struct binding *y = right;

    if (x->from_us != y->from_us) {
        return x->from_us < y->from_us ? -1 : 1;
    }
    return strcmp(x->other, y->other);
}

/* Takes bindings sorted by start; keeps only changes of the customer, the newest BINDINGS_MAX. */
static void set_owners(struct shopper *s, struct binding *all, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || strcmp(all[kept - 1].other, all[i].other) != 0) {
            all[kept++] = all[i];
        }
    }
    for (size_t i = 0; i < kept; i++) {
        all[i].until_us = i + 1 < kept ? all[i + 1].from_us : INT64_MAX;
    }
    size_t dropped = kept > BINDINGS_MAX ? kept - BINDINGS_MAX : 0;
    s->binding_count = kept - dropped;
    if (s->binding_count > 0) {
        memcpy(s->bindings, all + dropped, s->binding_count * sizeof *all);
    }
}

static void collect_owners(struct shopper *s, const struct shopper *base,
                           const struct event *events, size_t count, struct arena *a)
{
    size_t known = base == NULL ? 0 : base->binding_count;
    struct binding *all = arena_array(a, known + count, sizeof *all);

    s->bindings_seen = base == NULL ? 0 : base->bindings_seen;
    s->bound_last_us = base == NULL ? 0 : base->bound_last_us;
    for (size_t i = 0; i < known; i++) {
        all[i] = base->bindings[i];
        all[i].other = arena_strdup(a, base->bindings[i].other);
    }
    for (size_t i = 0; i < count; i++) {
        if (events[i].type == EVENT_DERIVED_SHOPPER_BOUND) {
            s->bindings_seen++;
            if (events[i].occurred_us > s->bound_last_us) {
                s->bound_last_us = events[i].occurred_us;
            }
            all[known++] = (struct binding){.other = arena_strdup(a, events[i].customer_id),
                                            .from_us = events[i].occurred_us};
        }
    }
    qsort(all, known, sizeof *all, by_start);
    set_owners(s, all, known);
}

static enum shopper_step apply_owner(struct shopper *s, const struct event *e, struct arena *a)
{
    struct binding all[BINDINGS_MAX + 1];
    size_t count = s->binding_count;
    bool nothing_folded = s->events == 0 && s->late_events == 0 && s->at_id == NULL;

    /* The last binding may have been no change, so its time is remembered apart from the changes. */
    if (count == 0 ? !nothing_folded : e->occurred_us <= s->bound_last_us) {
        return SHOPPER_REFOLD;
    }
    memcpy(all, s->bindings, count * sizeof *all);
    all[count] =
        (struct binding){.other = arena_strdup(a, e->customer_id), .from_us = e->occurred_us};
    set_owners(s, all, count + 1);
    s->bindings_seen++;
    s->bound_last_us = e->occurred_us;
    return SHOPPER_FOLDED;
}

/* ---- the customer: which intervals of whom are its ---- */

/* A via's newest binding_set first. */
static int by_via_newest_first(const void *left, const void *right)
{
    const struct event *x = *(const struct event *const *)left;
    const struct event *y = *(const struct event *const *)right;
    int order = strcmp(x->via, y->via);

    if (order == 0 && x->version != y->version) {
        return x->version > y->version ? -1 : 1;
    }
    return order != 0 ? order : strcmp(x->event_id, y->event_id);
}

static const struct binding *known_binding(const struct shopper *base, const char *via)
{
    for (size_t i = 0; base != NULL && i < base->binding_count; i++) {
        if (strcmp(base->bindings[i].other, via) == 0) {
            return &base->bindings[i];
        }
    }
    return NULL;
}

/* Latest end first, then latest start: who must go when there are too many is the same in any order. */
static int by_end_latest_first(const void *left, const void *right)
{
    const struct binding *x = left;
    const struct binding *y = right;

    if (x->until_us != y->until_us) {
        return x->until_us > y->until_us ? -1 : 1;
    }
    if (x->from_us != y->from_us) {
        return x->from_us > y->from_us ? -1 : 1;
    }
    return strcmp(x->other, y->other);
}

static int by_other_and_start(const void *left, const void *right)
{
    const struct binding *x = left;
    const struct binding *y = right;
    int order = strcmp(x->other, y->other);

    return order != 0 ? order : by_start(left, right);
}

/* The newest binding_set of every via among the events, unless base knows a newer one. */
static size_t newest_sets(const struct event *events, size_t count, const struct shopper *base,
                          const struct event **sets)
{
    size_t found = 0;
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (events[i].type == EVENT_DERIVED_BINDING_SET) {
            sets[found++] = &events[i];
        }
    }
    qsort(sets, found, sizeof(const struct event *), by_via_newest_first);
    for (size_t i = 0; i < found; i++) {
        const struct binding *known = known_binding(base, sets[i]->via);
        bool older = i > 0 && strcmp(sets[i - 1]->via, sets[i]->via) == 0;
        if (!older && (known == NULL || known->version < sets[i]->version)) {
            sets[kept++] = sets[i];
        }
    }
    return kept;
}

static bool is_replaced(const char *via, const struct event *const *sets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(sets[i]->via, via) == 0) {
            return true;
        }
    }
    return false;
}

/* Appends the intervals of a set; returns how many bindings there are then. */
static size_t add_intervals(struct binding *all, size_t count, const struct event *set,
                            const struct shopper *base, struct arena *a)
{
    const struct binding *known = known_binding(base, set->via);
    char *via = arena_strdup(a, set->via);

    for (size_t i = 0; i < set->interval_count; i++) {
        all[count++] = (struct binding){
            .other = via,
            .from_us = set->intervals[i].from_us,
            .until_us = set->intervals[i].until_us,
            .version = set->version,
            .identified = known != NULL && known->identified,
        };
    }
    return count;
}

static void collect_intervals(struct shopper *s, const struct shopper *base,
                              const struct event *events, size_t event_count, struct arena *a)
{
    const struct event **sets = arena_array(a, event_count, sizeof(const struct event *));
    size_t set_count = newest_sets(events, event_count, base, sets);
    size_t room = base == NULL ? 0 : base->binding_count;
    size_t count = 0;

    for (size_t i = 0; i < set_count; i++) {
        room += sets[i]->interval_count;
    }
    struct binding *all = arena_array(a, room, sizeof *all);
    for (size_t i = 0; base != NULL && i < base->binding_count; i++) {
        if (!is_replaced(base->bindings[i].other, sets, set_count)) {
            all[count] = base->bindings[i];
            all[count].other = arena_strdup(a, base->bindings[i].other);
            count++;
        }
    }
    for (size_t i = 0; i < set_count; i++) {
        count = add_intervals(all, count, sets[i], base, a);
    }
    qsort(all, count, sizeof *all, by_end_latest_first);
    s->binding_count = count > BINDINGS_MAX ? BINDINGS_MAX : count;
    qsort(all, s->binding_count, sizeof *all, by_other_and_start);
    memcpy(s->bindings, all,
           s->binding_count * sizeof *all); /* in the order of the canonical text */
}

/* True if the set says nothing new about its via; its version is taken over then. */
static bool repeats(struct shopper *s, const struct event *set)
{
    size_t first = 0;
    size_t count = 0;

    while (first < s->binding_count && strcmp(s->bindings[first].other, set->via) != 0) {
        first++;
    }
    while (first + count < s->binding_count &&
           strcmp(s->bindings[first + count].other, set->via) == 0) {
        count++;
    }
    if (count == 0 || count != set->interval_count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct binding *b = &s->bindings[first + i];
        if (b->from_us != set->intervals[i].from_us || b->until_us != set->intervals[i].until_us) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        s->bindings[first + i].version = set->version;
    }
    return true;
}

static enum shopper_step apply_intervals(struct shopper *s, const struct event *set)
{
    const struct binding *known = known_binding(s, set->via);

    if (known != NULL && known->version >= set->version) {
        return SHOPPER_FOLDED; /* sets may arrive in any order, and only the newest says how things are */
    }
    return repeats(s, set) ? SHOPPER_FOLDED : SHOPPER_REFOLD;
}

/* ---- both ---- */

void bindings_collect(struct shopper *s, const struct shopper *base, const struct event *events,
                      size_t count, struct arena *a)
{
    if (identity_is_anonymous(s)) {
        collect_owners(s, base, events, count, a);
    } else {
        collect_intervals(s, base, events, count, a);
    }
}

enum shopper_step bindings_apply(struct shopper *s, const struct event *e, struct arena *a)
{
    bool anonymous = identity_is_anonymous(s);

    if (anonymous != (e->type == EVENT_DERIVED_SHOPPER_BOUND)) {
        return SHOPPER_FOLDED; /* not meant for this lane: it says nothing here */
    }
    return anonymous ? apply_owner(s, e, a) : apply_intervals(s, e);
}
