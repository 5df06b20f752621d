/* Reads what a decision is made of. Must not judge any of it. */
#include "outreach/gather.h"

#include "base/clock.h"
#include "domain/shop/cart_id.h"
#include "domain/speak/policy.h"
#include "store/carts.h"

#include <stdlib.h>
#include <string.h>

#define LOOK_AGAIN_US SECONDS(1) /* at what is folded soon, but nobody knows when */

struct via {
    const char *id;
    int64_t named_us; /* when the customer's events named it last; 0: that is forgotten */
};

static int by_last_named(const void *left, const void *right)
{
    const struct via *x = left;
    const struct via *y = right;

    if (x->named_us != y->named_us) {
        return x->named_us > y->named_us ? -1 : 1;
    }
    return strcmp(x->id, y->id);
}

static bool is_guessed(const struct shopper *s, const char *via)
{
    bool guessed = false;

    for (size_t i = 0; i < s->named_count && !guessed; i++) {
        guessed = s->named[i].guessed && strcmp(s->named[i].other, via) == 0;
    }
    return guessed;
}

/* It was never anybody else: whatever the customer sends with it is no news. Unless that was a guess, which ends where anybody logs in. */
static bool is_settled(const struct shopper *s, const char *via)
{
    if (is_guessed(s, via)) {
        return false;
    }
    for (size_t i = 0; i < s->binding_count; i++) {
        const struct binding *b = &s->bindings[i];
        if (strcmp(b->other, via) == 0 && b->from_us == INT64_MIN && b->until_us == INT64_MAX) {
            return true;
        }
    }
    return false;
}

/* A browser's is its customer's while they are logged in. What another of its owners does in the name of one of the carts, or a guest there, is
 * somebody else's doing. */
static void find_own(struct gathered *g, struct arena *a)
{
    const struct shopper *s = g->view.shopper;
    const size_t count = s->binding_count;
    const bool customer = g->view.key[0] == 'c';

    g->own = arena_array(a, count + 1, sizeof *g->own);
    g->own[g->own_count++] = (struct own_time){
        .key = g->view.key,
        .from_us = customer || count == 0 ? INT64_MIN : s->bindings[count - 1].until_us,
        .until_us = INT64_MAX};
    for (size_t i = 0; customer && i < count; i++) {
        const struct binding *b = &s->bindings[i];
        g->own[g->own_count++] =
            (struct own_time){arena_printf(a, "a:%s", b->other), b->from_us, b->until_us};
    }
}

/* Bindings say who was joined; what the customer's events name, also who is about to be, before any
 * fold did it: each may lack one, for the fold may not have come to the answer yet, and an event that named somebody may be older than
 * what is remembered. Both are sorted by who it is. */
static size_t list_vias(const struct shopper *s, struct via *out)
{
    size_t count = 0;

    for (size_t n = 0; n < s->named_count; n++) {
        out[count++] = (struct via){s->named[n].other, s->named[n].last_us};
    }
    for (size_t i = 0, n = 0; i < s->binding_count; i++) {
        const char *other = s->bindings[i].other;
        while (n < s->named_count && strcmp(s->named[n].other, other) < 0) {
            n++;
        }
        const bool named = n < s->named_count && strcmp(s->named[n].other, other) == 0;
        const bool again = i > 0 && strcmp(s->bindings[i - 1].other, other) == 0;
        if (!named && !again) {
            out[count++] = (struct via){other, 0};
        }
    }
    return count;
}

/* What either does counts as the customer's. An anonymous shopper joins nobody into itself. */
static void join(struct gathered *g, struct arena *a)
{
    const struct shopper *s = g->view.shopper;
    struct via *vias = arena_array(a, s->binding_count + s->named_count, sizeof *vias);
    const size_t count = g->view.key[0] == 'c' ? list_vias(s, vias) : 0;

    qsort(vias, count, sizeof *vias, by_last_named);
    g->vias = arena_array(a, count, sizeof *g->vias);
    g->open = arena_array(a, count, sizeof *g->open);
    for (size_t i = 0; i < count; i++) {
        g->vias[g->via_count++] = vias[i].id;
        g->browsers += vias[i].named_us > g->now_us - BROWSERS_WITHIN_US ? 1 : 0;
        if (!is_settled(s, vias[i].id)) {
            g->open[g->open_count++] = vias[i].id;
        }
    }
}

static void add_cart(struct gathered *g, const char *id)
{
    g->cart_ids[g->cart_count++] = id;
    if (cart_id_tells_apart(id)) {
        g->apart[g->apart_count++] = id;
    }
}

/* Also those that had to make room: whoever orders one of them is likely to be the shopper. */
static void list_carts(struct gathered *g, struct arena *a)
{
    const struct shopper *s = g->view.shopper;

    g->cart_ids = arena_array(a, s->cart_count + s->dropped_count, sizeof *g->cart_ids);
    g->apart = arena_array(a, s->cart_count + s->dropped_count, sizeof *g->apart);
    for (size_t i = 0; i < s->cart_count; i++) {
        add_cart(g, s->carts[i].id);
    }
    for (size_t i = 0; i < s->dropped_count; i++) {
        add_cart(g, s->dropped[i].id);
    }
}

struct joins outreach_joins(const struct gathered *g)
{
    return (struct joins){.lane = g->view.lane,
                          .key = g->view.key,
                          .vias = g->vias,
                          .via_count = g->via_count,
                          .open = g->open,
                          .open_count = g->open_count,
                          .cart_ids = g->cart_ids,
                          .cart_count = g->cart_count,
                          .apart = g->apart,
                          .apart_count = g->apart_count,
                          .own = g->own,
                          .own_count = g->own_count,
                          .dropped = g->view.shopper->dropped_count == DROPPED_MAX,
                          .news = view_has_news(&g->view),
                          .last_off = g->view.last_off,
                          .found_by = g->view.found_by,
                          .found_by_off = g->view.found_by_off};
}

bool outreach_unasked(const struct outreach_subject *asked, const struct joins_pending *seen)
{
    return seen->ordered_us != asked->ordered_us || seen->withdrawn_us != asked->withdrawn_us;
}

/* Nobody was found, but the fold may be about to find somebody, or the log has somebody by now. */
static bool stranger_pending(struct db *db, const struct gathered *g, struct joins_pending *out,
                             struct err *err)
{
    const struct outreach_subject *subject = &g->subject;

    *out = (struct joins_pending){0};
    if (subject->key == NULL) {
        const struct cart_look look = {.cart_id = subject->cart_id, .kept = g->view.shared};
        return store_cart_pending(db, &look, &out->any, err);
    }
    const struct joins j = {.lane = event_lane(subject->key), .key = subject->key};
    return store_joins_pending(db, &j, out, err);
}

bool outreach_pending(struct db *db, const struct gathered *g, struct joins_pending *out,
                      struct err *err)
{
    if (!g->known) {
        return stranger_pending(db, g, out, err);
    }
    const struct joins j = outreach_joins(g);
    return store_joins_pending(db, &j, out, err);
}

bool outreach_shared_soon(struct db *db, const struct gathered *g, struct arena *a, bool *out,
                          struct err *err)
{
    *out = false;
    if (g->subject.key != NULL) {
        return true;
    }
    struct cart_look look = {.cart_id = g->subject.cart_id,
                             .keys = arena_array(a, g->via_count + 2, sizeof *look.keys),
                             .kept = true};
    look.keys[look.key_count++] = g->view.key;
    if (g->view.found_by != NULL) {
        look.keys[look.key_count++] = g->view.found_by;
    }
    for (size_t i = 0; i < g->via_count; i++) {
        look.keys[look.key_count++] = arena_printf(a, "a:%s", g->vias[i]);
    }
    return store_cart_pending(db, &look, out, err);
}

/* Who is joined by a cart id stays so, though the id may turn out to be of several people later: then what is shown may be another's. */
static bool look_for_mistakes(struct db *db, struct gathered *g, struct err *err)
{
    bool guessed = false;

    for (size_t i = 0; i < g->view.shopper->named_count && !guessed; i++) {
        guessed = g->view.shopper->named[i].guessed;
    }
    return !guessed || g->apart_count == 0 ||
           store_carts_of_many(db, g->apart, g->apart_count, &g->mistaken, err);
}

/* A time that has gone by means that it is being folded just now. */
static int64_t unread_until(const struct gathered *g)
{
    const int64_t due_us =
        g->view.unread && g->view.due_us > g->subject.due_us ? g->view.due_us : g->subject.due_us;

    if (!g->view.unread && due_us == 0) {
        return 0;
    }
    return due_us > g->now_us + LOOK_AGAIN_US ? due_us : g->now_us + LOOK_AGAIN_US;
}

bool outreach_gather(struct db *db, const struct outreach_subject *subject, struct arena *a,
                     struct gathered *out, struct err *err)
{
    const bool past = subject->at_us != 0;
    /* What was sent is for the release; a dry run need not pay for that. */
    const struct view_ask ask = {.key = subject->key,
                                 .cart_id = subject->key == NULL ? subject->cart_id : NULL,
                                 .until_us = past ? subject->at_us : INT64_MAX,
                                 .for_decision = !subject->dry_run};
    struct gathered g = {.subject = *subject, .now_us = past ? subject->at_us : subject->now_us};

    if (!view_find(db, &ask, a, &g.view, err)) {
        return false;
    }
    /* Somebody not seen yet at that time is no stranger. */
    g.known = g.view.key != NULL && (g.view.known || past);
    if (g.known) {
        join(&g, a);
        list_carts(&g, a);
        find_own(&g, a);
        g.unread_until_us = unread_until(&g);
        if (!look_for_mistakes(db, &g, err)) {
            return false;
        }
    }
    *out = g;
    return true;
}
