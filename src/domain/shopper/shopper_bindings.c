/* Bindings between anonymous shoppers and customers, as a customer knows them: whom its events name, and
 * which intervals of whom are its. A function of the set of events; the order of the fold plays no part.
 * The other side is shopper_owners.c's. */
#include "domain/shopper/shopper_bindings.h"

#include "domain/shopper/cart.h"
#include "domain/shopper/shopper_identity.h"
#include "domain/shopper/shopper_owners.h"

#include <stdlib.h>
#include <string.h>

/* ---- the customer: whom its events name ---- */

/* Where the name is, or belongs. */
static size_t named_index(const struct shopper *s, const char *via, bool *out_found)
{
    size_t i = 0;

    while (i < s->named_count && strcmp(s->named[i].other, via) < 0) {
        i++;
    }
    *out_found = i < s->named_count && strcmp(s->named[i].other, via) == 0;
    return i;
}

static void insert_named(struct shopper *s, size_t index, const struct event *e, struct arena *a)
{
    if (s->named_count == 0 || s->named_count == cart_lines_capacity(s->named_count)) {
        struct named_via *more =
            arena_array(a, cart_lines_capacity(s->named_count + 1), sizeof *more);
        if (s->named_count > 0) {
            memcpy(more, s->named, s->named_count * sizeof *more);
        }
        s->named = more;
    }
    memmove(&s->named[index + 1], &s->named[index], (s->named_count - index) * sizeof *s->named);
    s->named[index] = (struct named_via){.other = arena_strdup(a, e->anonymous_id),
                                         .first_us = identity_names_us(e),
                                         .last_us = identity_names_us(e)};
    s->named_count++;
}

static void name(struct shopper *s, const struct event *e, struct arena *a)
{
    bool found;
    const size_t i = named_index(s, e->anonymous_id, &found);

    if (!found) {
        insert_named(s, i, e, a);
    }
    struct named_via *n = &s->named[i];
    const int64_t at_us = identity_names_us(e);
    n->first_us = at_us < n->first_us ? at_us : n->first_us;
    n->last_us = at_us > n->last_us ? at_us : n->last_us;
    n->guessed = n->guessed || e->type == EVENT_DERIVED_SHOPPER_NAMED;
    if (e->type != EVENT_DERIVED_SHOPPER_NAMED && (n->said_us == 0 || at_us < n->said_us)) {
        n->said_us = at_us;
    }
}

static int by_last_newest_first(const void *left, const void *right)
{
    const struct named_via *x = left;
    const struct named_via *y = right;

    if (x->last_us != y->last_us) {
        return x->last_us > y->last_us ? -1 : 1;
    }
    return strcmp(x->other, y->other);
}

static int by_name(const void *left, const void *right)
{
    return strcmp(((const struct named_via *)left)->other,
                  ((const struct named_via *)right)->other);
}

void bindings_set_named(struct shopper *s, const struct named_via *named, size_t count,
                        struct arena *a)
{
    s->named = NULL;
    s->named_count = count;
    if (count > 0) {
        s->named = memcpy(arena_array(a, cart_lines_capacity(count), sizeof *named), named,
                          count * sizeof *named);
        qsort(s->named, count, sizeof *named, by_name);
    }
}

static void collect_named(struct shopper *s, const struct event *events, size_t count,
                          struct arena *a)
{
    for (size_t i = 0; i < count; i++) {
        if (identity_names(s, &events[i])) {
            name(s, &events[i], a);
        }
    }
    if (s->named_count > NAMED_MAX) {
        qsort(s->named, s->named_count, sizeof *s->named, by_last_newest_first);
        s->named_count = NAMED_MAX;
        qsort(s->named, s->named_count, sizeof *s->named, by_name);
    }
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

/* When the bound anonymous shopper that was named longest ago was named; 0: one of them never, as far as is known. */
static int64_t longest_unnamed_us(const struct shopper *s)
{
    int64_t lowest = INT64_MAX;
    size_t n = 0;

    for (size_t i = 0; i < s->binding_count; i++) {
        int order = -1;
        /* both are in the order of names */
        while (n < s->named_count &&
               (order = strcmp(s->named[n].other, s->bindings[i].other)) < 0) {
            n++;
        }
        int64_t at_us = n < s->named_count && order == 0 ? s->named[n].last_us : 0;
        lowest = at_us < lowest ? at_us : lowest;
    }
    return lowest;
}

/* Whether an interval that had to go would come back, and push another out, were the browser named now. All that is left of
 * was named later than what went, but for those named longest ago: of these, some may have gone. */
static bool brings_back(const struct shopper *s, const struct event *e, int64_t named_us)
{
    return s->binding_count == BINDINGS_MAX && identity_names_us(e) > named_us &&
           (known_binding(s, e->anonymous_id) == NULL || named_us <= longest_unnamed_us(s));
}

bool bindings_full(const struct shopper *s, const struct event *e)
{
    bool found;

    if (!identity_names(s, e)) {
        return false;
    }
    const size_t at = named_index(s, e->anonymous_id, &found);
    return (!found && s->named_count == NAMED_MAX) ||
           brings_back(s, e, found ? s->named[at].last_us : 0);
}

void bindings_name(struct shopper *s, const struct event *e, struct arena *a)
{
    if (identity_names(s, e)) {
        name(s, e, a);
    }
}

void shopper_take_name(struct shopper *s, const struct event *e, struct arena *a)
{
    bindings_name(s, e, a);
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

/* A binding, and when the customer last named its other side; 0: never, as far as is known. */
struct ranked {
    struct binding binding;
    int64_t named_us;
};

/* Named last first, then latest end, then latest start: who must go when there are too many is the same in
 * any order, and is not the browser in use. */
static int by_use(const void *left, const void *right)
{
    const struct ranked *p = left;
    const struct ranked *q = right;
    const struct binding *x = &p->binding;
    const struct binding *y = &q->binding;

    if (p->named_us != q->named_us) {
        return p->named_us > q->named_us ? -1 : 1;
    }
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

    if (order == 0 && x->from_us != y->from_us) {
        return x->from_us < y->from_us ? -1 : 1;
    }
    return order;
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
    struct binding b = {.other = arena_strdup(a, set->via),
                        .version = set->version,
                        .identified = known != NULL && known->identified,
                        .login_us = known == NULL ? 0 : known->login_us};

    for (size_t i = 0; i < set->interval_count; i++) {
        b.from_us = set->intervals[i].from_us;
        b.until_us = set->intervals[i].until_us;
        all[count++] = b;
    }
    if (set->interval_count == 0) {
        all[count++] = b; /* "none" is an answer, too */
    }
    return count;
}

/* Drops what is too many; returns how many are left. */
static size_t keep_used(const struct shopper *s, struct binding *all, size_t count, struct arena *a)
{
    if (count <= BINDINGS_MAX) {
        return count;
    }
    struct ranked *ranked = arena_array(a, count, sizeof *ranked);
    for (size_t i = 0; i < count; i++) {
        bool found;
        const size_t at = named_index(s, all[i].other, &found);
        ranked[i] = (struct ranked){all[i], found ? s->named[at].last_us : 0};
    }
    qsort(ranked, count, sizeof *ranked, by_use);
    for (size_t i = 0; i < BINDINGS_MAX; i++) {
        all[i] = ranked[i].binding;
    }
    return BINDINGS_MAX;
}

static void collect_intervals(struct shopper *s, const struct shopper *base,
                              const struct event *events, size_t event_count, struct arena *a)
{
    const struct event **sets = arena_array(a, event_count, sizeof(const struct event *));
    size_t set_count = newest_sets(events, event_count, base, sets);
    size_t room = base == NULL ? 0 : base->binding_count;
    size_t count = 0;

    for (size_t i = 0; i < set_count; i++) {
        room += sets[i]->interval_count + 1;
    }
    struct binding *all = arena_array(a, cart_lines_capacity(room), sizeof *all);
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
    count = keep_used(s, all, count, a);
    qsort(all, count, sizeof *all, by_other_and_start); /* as in the canonical text */
    s->bindings = count == 0 ? NULL : all;
    s->binding_count = count;
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
    const bool none = count == 1 && s->bindings[first].until_us == 0;
    if (count == 0 || (none ? 0 : count) != set->interval_count) {
        return false;
    }
    for (size_t i = 0; i < count && !none; i++) {
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
        owners_collect(s, base, events, count, a);
    } else {
        collect_named(s, events, count, a);
        collect_intervals(s, base, events, count, a);
    }
}

enum shopper_step bindings_apply(struct shopper *s, const struct event *e, struct arena *a)
{
    if (shopper_changes_owner(s, e)) {
        return owners_apply(s, e, a);
    }
    if (identity_is_anonymous(s) || e->type != EVENT_DERIVED_BINDING_SET) {
        return SHOPPER_FOLDED; /* not meant for this lane: it says nothing here */
    }
    return apply_intervals(s, e);
}
