/* Whose an anonymous shopper is, and since when: a function of the set of logins and logouts; the order
 * of the fold plays no part. What follows from it is shopper_identity.c's job. */
#include "domain/shopper/shopper_owners.h"

#include "domain/shopper/cart.h"
#include "domain/shopper/shopper_grounds.h"

#include <stdlib.h>
#include <string.h>

/* A login, or the end of one. */
struct change {
    int64_t at_us;
    bool ends;
    char *customer; /* NULL: whoever it was */
};

static struct change change_of(const struct event *e, struct arena *a)
{
    /* What the shopper's own lane tells of a logout names no customer, or it would lie in the customer's. */
    const bool own = e->type == EVENT_LOGGED_OUT;

    return (struct change){.at_us = e->occurred_us,
                           .ends = own || e->type == EVENT_DERIVED_SHOPPER_UNBOUND,
                           .customer = own ? NULL : arena_strdup(a, e->customer_id)};
}

static int by_time(const void *left, const void *right)
{
    const struct change *x = left;
    const struct change *y = right;

    if (x->at_us != y->at_us) {
        return x->at_us < y->at_us ? -1 : 1;
    }
    if (x->ends || y->ends) { /* what was done and left in one moment was done first */
        return (int)x->ends - (int)y->ends; /* of two ends either may come first */
    }
    return strcmp(x->customer, y->customer);
}

/* ---- owners in order of time ---- */

struct owners {
    struct binding *all;
    size_t count;
    int64_t since_us; /* where the first begins */
};

static struct binding *last_of(const struct owners *o)
{
    return o->count == 0 ? NULL : &o->all[o->count - 1];
}

static bool is_of(const struct binding *b, const struct change *c)
{
    return b != NULL && c->customer != NULL && strcmp(b->other, c->customer) == 0;
}

static void close_last(struct owners *o, int64_t at_us)
{
    struct binding *last = last_of(o);

    last->until_us = at_us;
    if (last->from_us >= at_us) {
        o->count--; /* it had no time at all: what it took over is free again */
    }
}

static void log_out(struct owners *o, const struct change *c)
{
    const struct binding *last = last_of(o);

    /* Somebody else's logout says nothing about whoever came after. */
    if (last != NULL && last->until_us == INT64_MAX && (c->customer == NULL || is_of(last, c))) {
        close_last(o, c->at_us + LOGOUT_LASTS_US);
    }
}

static void log_in(struct owners *o, const struct change *c)
{
    if (is_of(last_of(o), c)) {
        last_of(o)->until_us = INT64_MAX; /* again: the time between is its, too */
        return;
    }
    if (o->count > 0 && last_of(o)->until_us > c->at_us) {
        close_last(o, c->at_us);
        if (is_of(last_of(o), c)) {
            last_of(o)->until_us = INT64_MAX;
            return;
        }
    }
    const int64_t from_us = o->count == 0 ? o->since_us : last_of(o)->until_us;
    o->all[o->count++] =
        (struct binding){.other = c->customer, .from_us = from_us, .until_us = INT64_MAX};
}

static void take(struct owners *o, const struct change *c)
{
    if (c->at_us < o->since_us) {
        return; /* before all that is remembered */
    }
    if (c->ends) {
        log_out(o, c);
    } else {
        log_in(o, c);
    }
}

/* Keeps the newest. What is forgotten leaves a time that is nobody's: the next keeps its own beginning. */
static void keep(struct shopper *s, const struct owners *o)
{
    size_t dropped = o->count > BINDINGS_MAX ? o->count - BINDINGS_MAX : 0;

    s->binding_count = o->count - dropped;
    s->bindings = s->binding_count == 0 ? NULL : o->all + dropped;
}

static struct owners owners_make(const struct shopper *base, size_t more, struct arena *a)
{
    const size_t known = base == NULL ? 0 : base->binding_count;

    return (struct owners){
        .all = arena_array(a, cart_lines_capacity(known + more), sizeof(struct binding)),
        .since_us = known == 0 ? INT64_MIN : base->bindings[0].from_us};
}

static void note(struct shopper *s, int64_t at_us)
{
    s->bindings_seen++;
    s->bound_last_us = at_us > s->bound_last_us ? at_us : s->bound_last_us;
}

/* ---- the whole set ---- */

/* What a base remembers as changes, but for guesses; between two of them nobody logged out. Returns how many. */
static size_t changes_of_base(const struct shopper *base, struct change *out, struct arena *a)
{
    size_t count = 0;

    for (size_t i = 0; base != NULL && i < base->binding_count && !base->guessed; i++) {
        const struct binding *b = &base->bindings[i];
        out[count++] = (struct change){.at_us = b->from_us, .customer = arena_strdup(a, b->other)};
    }
    const struct binding *last =
        base == NULL || base->binding_count == 0 ? NULL : &base->bindings[base->binding_count - 1];
    if (last != NULL && last->until_us != INT64_MAX) {
        const int64_t at_us = last->until_us - LOGOUT_LASTS_US;
        /* formats before 17 ended a session at once: not before it began */
        out[count++] = (struct change){
            .at_us = at_us > last->from_us ? at_us : last->from_us, .ends = true, .customer = NULL};
    }
    return count;
}

/* True if somebody logged in; then what was guessed counts for nothing. */
static bool is_said(const struct change *changes, size_t count)
{
    bool said = false;

    for (size_t i = 0; i < count && !said; i++) {
        said = !changes[i].ends;
    }
    return said;
}

/* Changes of a page: those that are known, and those of the base, which lie in its time. Returns how many. */
static size_t changes_before(const struct shopper *s, const struct shopper *base,
                             const struct owners_page *page, struct change *out, struct arena *a)
{
    struct change *all = arena_array(a, base == NULL ? 1 : base->binding_count + 1, sizeof *all);
    const size_t count = changes_of_base(base, all, a);
    size_t known = changes_of_base(s, out, a);

    for (size_t i = 0; i < count; i++) {
        const bool later = all[i].at_us > page->after_us || page->after_us == INT64_MIN;
        if (later && all[i].at_us <= page->until_us) {
            out[known++] = all[i];
        }
    }
    return known;
}

/* From s, which knows whose it was up to the time before the page. */
static struct owners owners_before(const struct shopper *s, const struct shopper *base, size_t room,
                                   struct arena *a)
{
    struct owners o = owners_make(s, room, a);

    if (s->binding_count == 0 && base != NULL && base->binding_count > 0) {
        o.since_us = base->bindings[0].from_us;
    }
    return o;
}

void owners_collect_page(struct shopper *s, const struct shopper *base,
                         const struct owners_page *page, const struct event *events, size_t count,
                         struct arena *a)
{
    const size_t room = s->binding_count + (base == NULL ? 0 : base->binding_count) + 3 + count;
    struct change *changes = arena_array(a, room, sizeof *changes);
    struct owners o = owners_before(s, base, room, a);
    size_t known = changes_before(s, base, page, changes, a);

    for (size_t i = 0; i < count; i++) {
        if (shopper_changes_owner(s, &events[i])) {
            note(s, events[i].occurred_us);
            if (!grounds_are_asked(&events[i])) {
                changes[known++] = change_of(&events[i], a);
            }
        }
    }
    const bool said = is_said(changes, known);
    if (!said && s->ground_count > 0) { /* the first guess counts, and no other */
        changes[known++] =
            (struct change){.at_us = s->grounds[0].at_us, .customer = s->grounds[0].other};
    }
    qsort(changes, known, sizeof *changes, by_time);
    for (size_t i = 0; i < known; i++) {
        take(&o, &changes[i]);
    }
    keep(s, &o);
    s->guessed = !said && s->binding_count > 0;
}

void owners_collect(struct shopper *s, const struct shopper *base, const struct event *events,
                    size_t count, struct arena *a)
{
    const struct owners_page all = {INT64_MIN, INT64_MAX};

    s->bindings = NULL; /* the base tells them */
    s->binding_count = 0;
    owners_collect_page(s, base, &all, events, count, a);
}

void owners_note(struct shopper *s, const struct event *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        note(s, events[i].occurred_us);
    }
}

/* ---- one more ---- */

static bool nothing_folded(const struct shopper *s)
{
    return s->events == 0 && s->late_events == 0 && s->at_id == NULL;
}

/* From when on events would go from the shopper itself to a customer, or back. */
static int64_t changes_hands_from(const struct shopper *s, const struct change *c)
{
    const struct binding *last = &s->bindings[s->binding_count - 1];

    if (last->until_us != INT64_MAX) {
        return c->ends ? INT64_MAX : last->until_us;
    }
    return c->ends && (c->customer == NULL || is_of(last, c)) ? c->at_us + LOGOUT_LASTS_US
                                                              : INT64_MAX;
}

enum shopper_step owners_apply(struct shopper *s, const struct event *e, struct arena *a)
{
    const struct change c = change_of(e, a);

    /* The last change may have been none, so its time is remembered apart from them. */
    if (s->guessed || c.at_us <= s->bound_last_us ||
        (s->binding_count == 0 && !nothing_folded(s))) {
        return SHOPPER_REFOLD;
    }
    if (s->binding_count > 0) {
        const int64_t from_us = changes_hands_from(s, &c);
        if (from_us != INT64_MAX && (s->last_us >= from_us || s->at_us >= from_us)) {
            return SHOPPER_REFOLD;
        }
    }
    struct owners o = owners_make(s, 1, a);
    o.count = s->binding_count;
    if (o.count > 0) {
        memcpy(o.all, s->bindings, o.count * sizeof *o.all);
    }
    take(&o, &c);
    keep(s, &o);
    note(s, c.at_us);
    return SHOPPER_FOLDED;
}
