/* Reads what a decision is made of. Must not judge any of it. */
#include "outreach/gather.h"

#include "base/clock.h"
#include "domain/shop/cart_id.h"
#include "domain/speak/policy.h"
#include "outreach/ordered.h"

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

/* Also those that had to make room: whoever orders one of them is likely to be the shopper. And those it only named: an order of one may join
 * the two, but of what the shopper keeps it orders nothing. */
static void list_carts(struct gathered *g, struct arena *a)
{
    const struct shopper *s = g->view.shopper;

    g->cart_ids =
        arena_array(a, s->cart_count + s->dropped_count + s->mentioned_count, sizeof *g->cart_ids);
    g->apart = arena_array(a, s->cart_count + s->dropped_count, sizeof *g->apart);
    for (size_t i = 0; i < s->cart_count; i++) {
        add_cart(g, s->carts[i].id);
    }
    for (size_t i = 0; i < s->dropped_count; i++) {
        add_cart(g, s->dropped[i].id);
    }
    for (size_t i = 0; i < s->mentioned_count; i++) {
        g->cart_ids[g->cart_count++] = s->mentioned[i].id;
    }
}

static void add_ordered(struct gathered *g, const char *cart_id)
{
    if (cart_id != NULL && cart_id_tells_apart(cart_id)) {
        g->ordered[g->ordered_count++] = cart_id;
    }
}

/* Whose it is nobody has said: then a cart id may. Also one that it ordered and never filled. */
static void list_shared(struct gathered *g, struct arena *a)
{
    const struct shopper *s = g->view.shopper;

    if (g->view.key[0] != 'a') {
        return;
    }
    g->ordered = arena_array(a, s->order_count + s->consent_count, sizeof *g->ordered);
    for (size_t i = 0; i < s->order_count; i++) {
        add_ordered(g, s->orders[i].cart_id);
    }
    for (size_t i = 0; i < s->consent_count; i++) {
        add_ordered(g, s->consents[i].cart_id);
    }
    g->shared = arena_array(a, g->apart_count + g->ordered_count, sizeof *g->shared);
    for (size_t i = 0; i < g->apart_count; i++) {
        g->shared[g->shared_count++] = g->apart[i];
    }
    for (size_t i = 0; i < g->ordered_count; i++) {
        g->shared[g->shared_count++] = g->ordered[i];
    }
}

struct joins outreach_joins(const struct gathered *g)
{
    const bool news = view_has_news(&g->view);

    return (struct joins){
        .lane = g->view.lane,
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
        .shared = g->shared,
        .shared_count = g->shared_count,
        .ordered = g->ordered,
        .ordered_count = g->ordered_count,
        .shares = g->subject.sharers != NULL,
        .wait = g->sharers.wait ||
                (news && (g->view.rebound || shopper_may_login_again(g->view.shopper))),
        .dropped = g->view.shopper->dropped_count == DROPPED_MAX ||
                   g->view.shopper->mentioned_count == MENTIONED_MAX,
        .news = news,
        .last_off = g->view.last_off,
        .found_by = g->view.found_by,
        .found_by_off = g->view.found_by_off};
}

bool outreach_unasked(const struct outreach_subject *asked, const struct joins_pending *seen)
{
    const bool same = seen->sharers == NULL || asked->sharers == NULL
                          ? seen->sharers == asked->sharers
                          : strcmp(seen->sharers, asked->sharers) == 0;

    return seen->ordered_us != asked->ordered_us || seen->withdrawn_us != asked->withdrawn_us ||
           !same;
}

/* Nobody was found, but the fold may be about to find somebody, or the log has somebody by now. */
static bool stranger_pending(struct db *db, const struct gathered *g, struct arena *a,
                             struct joins_pending *out, struct err *err)
{
    const struct outreach_subject *subject = &g->subject;

    *out = (struct joins_pending){0};
    if (subject->key == NULL) {
        const struct cart_look look = {.cart_id = subject->cart_id, .kept = g->view.shared};
        return store_cart_pending(db, &look, &out->any, err);
    }
    const struct joins j = {.lane = event_lane(subject->key), .key = subject->key};
    return store_joins_pending(db, &j, a, out, err);
}

bool outreach_pending(struct db *db, const struct gathered *g, struct arena *a,
                      struct joins_pending *out, struct err *err)
{
    if (!g->known) {
        return stranger_pending(db, g, a, out, err);
    }
    const struct joins j = outreach_joins(g);
    return store_joins_pending(db, &j, a, out, err);
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

static void look_for(struct shaken_look *look, const char *cart_id)
{
    if (cart_id != NULL && cart_id_tells_apart(cart_id)) {
        look->cart_ids[look->cart_count++] = cart_id;
    }
}

/* What these do with a cart is no news about whose it is. */
static struct shaken_look look_beside(const struct gathered *g, size_t carts, struct arena *a)
{
    struct shaken_look look = {.cart_ids = arena_array(a, carts, sizeof *look.cart_ids),
                               .keys = arena_array(a, g->via_count + 2, sizeof *look.keys)};

    look.keys[look.key_count++] = g->view.key;
    if (g->view.found_by != NULL) {
        look.keys[look.key_count++] = g->view.found_by;
    }
    for (size_t i = 0; i < g->via_count; i++) {
        look.keys[look.key_count++] = arena_printf(a, "a:%s", g->vias[i]);
    }
    return look;
}

/* The customer has said so itself. */
static bool is_said(const struct shopper *s, const char *via)
{
    bool said = false;

    for (size_t i = 0; i < s->named_count && !said; i++) {
        said = s->named[i].said_us != 0 && strcmp(s->named[i].other, via) == 0;
    }
    return said;
}

/* Joins that rest on a cart id alone, which joins nobody as soon as a third names it. Of those that a release of before told, which
 * did not keep the cart, all that it has are looked at. */
static bool look_at_grounds(struct db *db, struct gathered *g, struct arena *a, struct err *err)
{
    const struct shopper *s = g->view.shopper;
    struct shaken_look look = look_beside(g, s->ground_count + g->apart_count, a);
    bool untold = false;

    for (size_t i = 0; i < s->ground_count && g->view.key[0] == 'c'; i++) {
        if (!is_said(s, s->grounds[i].other)) {
            look_for(&look, s->grounds[i].cart_id);
            untold = untold || s->grounds[i].cart_id == NULL;
        }
    }
    for (size_t i = 0; i < g->apart_count && untold; i++) {
        look_for(&look, g->apart[i]);
    }
    look.strict = true;
    return look.cart_count == 0 || store_joins_shaken(db, &look, &g->shaken, &g->mistaken, err);
}

bool outreach_joined_soon(struct db *db, const struct gathered *g, struct arena *a, bool *out,
                          struct err *err)
{
    const struct shopper *s = g->view.shopper;
    struct shaken_look look = look_beside(g, s->order_count + s->consent_count, a);
    bool many;

    *out = false;
    for (size_t i = 0; i < s->order_count; i++) {
        look_for(&look, s->orders[i].cart_id);
    }
    for (size_t i = 0; i < s->consent_count; i++) {
        look_for(&look, s->consents[i].cart_id);
    }
    if (look.cart_count == 0) {
        return true;
    }
    if (!store_joins_shaken(db, &look, out, &many, err)) {
        return false;
    }
    *out = *out && !many; /* of many people's, no fold joins anybody */
    return true;
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

/* Who joins nobody needs none of it. */
static bool look_at_sharers(struct db *db, struct gathered *g, struct arena *a, struct err *err)
{
    if (g->subject.sharers == NULL || g->view.key[0] != 'a') {
        return true;
    }
    const struct sharers_ask ask = {
        .told = g->subject.sharers, .browser = g->view.key + 2, .now_us = g->now_us};
    if (!outreach_sharers_read(db, &ask, a, &g->sharers, err)) {
        return false;
    }
    if (g->sharers.unread_until_us != 0) {
        const int64_t soon_us = g->now_us + LOOK_AGAIN_US;
        const int64_t until_us = g->sharers.unread_until_us;
        g->unread_until_us = until_us > g->unread_until_us ? until_us : g->unread_until_us;
        g->unread_until_us = soon_us > g->unread_until_us ? soon_us : g->unread_until_us;
    }
    g->mistaken = g->mistaken || g->sharers.too_many;
    return true;
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
        list_shared(&g, a);
        g.own = outreach_own_times(g.view.shopper, g.view.key, a, &g.own_count);
        g.unread_until_us = unread_until(&g);
        if (!look_at_grounds(db, &g, a, err) || !look_at_sharers(db, &g, a, err)) {
            return false;
        }
    }
    *out = g;
    return true;
}
