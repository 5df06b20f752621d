/* The fold: which events of a set count, in which order, and which came too late. What each of them
 * does is shopper_event.c's job. */
#include "domain/shopper/shopper.h"
#include "domain/shopper/shopper_bindings.h"
#include "domain/shopper/shopper_carts.h"
#include "domain/shopper/shopper_event.h"
#include "domain/shopper/shopper_fold_internal.h"
#include "domain/shopper/shopper_grounds.h"
#include "domain/shopper/shopper_identity.h"
#include "domain/shopper/shopper_late.h"
#include "domain/shopper/shopper_owners.h"
#include "domain/shopper/shopper_stand_ins.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- order ---- */

enum { RANK_REST = 99 };

/* Along the funnel, so that what happened at the same time is folded as it must have happened. */
static const int ranks[EVENT_TYPE_COUNT] = {
    [EVENT_UNKNOWN] = RANK_REST,
    [EVENT_IDENTIFY] = 0,
    [EVENT_ALIAS] = 0,
    [EVENT_LOGGED_OUT] = RANK_REST,
    [EVENT_CONSENT_GIVEN] = 1,
    [EVENT_CONSENT_WITHDRAWN] = 2,
    [EVENT_PRODUCT_VIEWED] = 3,
    [EVENT_LIST_VIEWED] = 3,
    [EVENT_SEARCHED] = 3,
    [EVENT_PAGE_VIEWED] = 3,
    [EVENT_WISHLIST_ADDED] = 4,
    [EVENT_CART_ITEM_ADDED] = 5,
    [EVENT_CART_ITEM_REMOVED] = 6,
    [EVENT_CART_SNAPSHOT] = 7,
    [EVENT_CHECKOUT_STARTED] = 8,
    [EVENT_CHECKOUT_STEP] = 9,
    [EVENT_SHIPPING_SHOWN] = 10,
    [EVENT_COUPON_ENTERED] = 11,
    [EVENT_COUPON_APPLIED] = 12,
    [EVENT_COUPON_DENIED] = 13,
    [EVENT_PAYMENT_INFO] = 14,
    [EVENT_PAYMENT_FAILED] = 15,
    [EVENT_PURCHASE] = 16,
    [EVENT_RENEWAL] = 16,
    [EVENT_ORDER_CANCELLED] = 17,
    [EVENT_REFUND] = 17,
    [EVENT_DERIVED_OUTREACH_RELEASED] = 18,
    [EVENT_CHAT_MESSAGE] = RANK_REST,
    [EVENT_DERIVED_SHOPPER_BOUND] = RANK_REST,
    [EVENT_DERIVED_SHOPPER_UNBOUND] = RANK_REST,
    [EVENT_DERIVED_SHOPPER_NAMED] = 0,
    [EVENT_DERIVED_BINDING_SET] = RANK_REST,
    [EVENT_DERIVED_FORWARDED] = RANK_REST,
};

static int compare_i64(int64_t x, int64_t y)
{
    return (x > y) - (x < y);
}

static int by_order(const void *left, const void *right)
{
    const struct event *x = left;
    const struct event *y = right;
    int order = compare_i64(x->occurred_us, y->occurred_us);

    if (order == 0) {
        order = compare_i64(ranks[x->type], ranks[y->type]);
    }
    if (order == 0) {
        order = strcmp(x->sort_id, y->sort_id);
    }
    if (order == 0) {
        order = x->stands_in - y->stands_in; /* what came whole counts */
    }
    if (order == 0) {
        order =
            (x->via != NULL) - (y->via != NULL); /* of one event told twice the own one counts */
    }
    return order != 0 ? order : strcmp(x->event_id, y->event_id);
}

/* Of the event's place against the last folded one's. */
static int compare_position(const struct event *e, const struct shopper *s)
{
    if (s->at_id == NULL) {
        return 1; /* nothing was folded yet */
    }
    /* event_id is not asked: where even sort_id is equal (one original, forwarded twice) the answer is "not after", and the
     * refold that follows settles it. */
    int order = compare_i64(e->occurred_us, s->at_us);
    if (order == 0) {
        order = compare_i64(ranks[e->type], s->at_rank);
    }
    return order != 0 ? order : strcmp(e->sort_id, s->at_id);
}

/* Never back: onto a base, an event may be folded that sorts before the last one. */
static void move_position(struct shopper *s, const struct event *e, struct arena *a)
{
    if (compare_position(e, s) > 0) {
        s->at_us = e->occurred_us;
        s->at_rank = ranks[e->type];
        s->at_id = arena_strdup(a, e->sort_id);
    }
}

static bool is_binding(const struct event *e)
{
    return e->type == EVENT_DERIVED_SHOPPER_BOUND || e->type == EVENT_DERIVED_SHOPPER_UNBOUND ||
           e->type == EVENT_DERIVED_BINDING_SET;
}

/* ---- one event ---- */

static void fold_one(struct shopper *s, const struct event *e, bool late, struct arena *a)
{
    if (late) {
        s->late_events++;
        if (identity_names(s, e)) { /* who is whom it says all the same */
            identity_join_late(s, e);
        }
    } else {
        if (late_is_tardy(e) && e->received_us > s->tardy_received_us) {
            s->tardy_received_us = e->received_us;
        }
        shopper_event(s, e, a);
    }
    carts_mention(s, e, a); /* it says so however late it is */
    /* A late closer closes nothing, but it was received, and others may be late because of it. */
    if (late_is_closer(e) && e->occurred_us > s->closed_until_us) {
        s->closed_until_us = e->occurred_us;
    }
    move_position(s, e, a);
}

/* What is a customer's an anonymous shopper does not fold: its owner does. */
static void count_one(struct shopper *s, const struct event *e, struct arena *a)
{
    /* a release is ours, not the shopper's doing; the whole event may be counted already, or will be */
    if (e->type != EVENT_DERIVED_OUTREACH_RELEASED && !e->stands_in) {
        if (s->events == 0 || e->occurred_us < s->first_us) {
            s->first_us = e->occurred_us;
        }
        if (e->occurred_us > s->last_us) {
            s->last_us = e->occurred_us;
        }
        s->events++;
    }
    move_position(s, e, a);
}

/* Whether only the set can tell what folding the event does, because of who is whom. */
static bool asks_who(const struct shopper *s, const struct event *e)
{
    return (shopper_changes_owner(s, e) && s->binding_count > 0) || bindings_full(s, e);
}

/* One event of a customer's; what is folded behind the customer's time must not have counted without it. */
static enum shopper_step count_handed(struct shopper *s, const struct event *e, struct arena *a)
{
    if (s->at_us >= identity_handed_until(s) && compare_position(e, s) <= 0) {
        return SHOPPER_REFOLD;
    }
    count_one(s, e, a); /* sums and extremes: any order gives the same */
    return SHOPPER_FOLDED;
}

enum shopper_step shopper_apply(struct shopper *s, const struct event *e, struct arena *a)
{
    if (grounds_are_asked(e) || stand_ins_are_asked(s, e)) {
        return SHOPPER_REFOLD;
    }
    if (is_binding(e)) {
        return bindings_apply(s, e, a);
    }
    if (!identity_counts(s, e)) {
        return SHOPPER_FOLDED; /* if a binding_set makes it count later, that one asks for the refold */
    }
    if (asks_who(s, e)) {
        return SHOPPER_REFOLD;
    }
    if (e->occurred_us < identity_handed_until(s)) {
        return count_handed(s, e, a);
    }
    /* Three ways in which folding it now would differ from folding the set: it sorts before what was folded; a closer may
     * make it late, which only the set can tell; or it is a closer that makes something late that was folded already. */
    if (compare_position(e, s) <= 0 || (late_is_tardy(e) && e->occurred_us <= s->closed_until_us) ||
        (late_is_closer(e) && e->received_us < s->tardy_received_us)) {
        return SHOPPER_REFOLD;
    }
    if (shopper_changes_owner(s, e) && bindings_apply(s, e, a) == SHOPPER_REFOLD) {
        return SHOPPER_REFOLD;
    }
    bindings_name(s, e, a);
    fold_one(s, e, false, a);
    return SHOPPER_FOLDED;
}

/* ---- a set ---- */

/* What is left out moves to the back: the caller's array keeps all its events. */
static void swap(struct event *events, size_t i, size_t k)
{
    if (i != k) {
        struct event e = events[i];
        events[i] = events[k];
        events[k] = e;
    }
}

/* Moves the events up to until_us to the front; returns how many they are. */
static size_t keep_until(struct event *events, size_t count, int64_t until_us)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (events[i].occurred_us <= until_us) {
            swap(events, kept++, i);
        }
    }
    return kept;
}

size_t fold_put_in_order(struct event *events, size_t count)
{
    size_t unique = 0;

    /* Equal in all keys is the same event: event_id is the last of them. */
    if (count > 1) {
        qsort(events, count, sizeof *events, by_order);
    }
    for (size_t i = 0; i < count; i++) {
        if (unique == 0 || by_order(&events[unique - 1], &events[i]) != 0) {
            swap(events, unique++, i);
        }
    }
    return unique;
}

/* The same event, told under two keys of one person, or once not whole: what counts is first (by_order). */
static bool is_repeat(const struct event *first, const struct event *e)
{
    return first->occurred_us == e->occurred_us && ranks[first->type] == ranks[e->type] &&
           strcmp(first->sort_id, e->sort_id) == 0;
}

size_t fold_keep_counted(const struct shopper *s, struct event *events, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (!is_binding(&events[i]) && identity_counts(s, &events[i]) &&
            !stand_in_is_mended(s, &events[i]) &&
            (kept == 0 || !is_repeat(&events[kept - 1], &events[i]))) {
            swap(events, kept++, i);
        }
    }
    return kept;
}

/* What the events are folded onto; those from standing on count for nothing. */
static struct shopper *start(const struct shopper *base, const char *key,
                             const struct event *events, size_t standing, size_t count,
                             struct arena *a)
{
    struct shopper *s = base == NULL ? shopper_new(key, a) : shopper_copy(base, a);
    const int64_t handed_us = identity_handed_until(s);

    grounds_collect(s, events, standing, count, a);
    stand_ins_collect(s, events, count, a);
    owners_note(s, events + standing, identity_is_anonymous(s) ? count - standing : 0);
    bindings_collect(s, base, events, standing, a);
    /* The base was folded while nobody knew whose browser this is. Its events have been forwarded since, and its carts are
     * its owner's. */
    return base != NULL && identity_handed_until(s) > handed_us ? fold_handed_over(s, a) : s;
}

/* How many of the events, which are in order, are a customer's. */
static size_t count_handed_over(const struct shopper *s, const struct event *events, size_t count)
{
    const int64_t until_us = identity_handed_until(s);
    size_t n = 0;

    while (n < count && events[n].occurred_us < until_us) {
        n++;
    }
    return n;
}

void fold_ordered(struct shopper *s, struct event *events, size_t count, struct fold_onlooker *o,
                  struct arena *a)
{
    const size_t counted = fold_keep_counted(s, events, count);
    const size_t handed = count_handed_over(s, events, counted);
    const bool *late = late_find(s, events + handed, counted - handed, o->later, a);

    notes_begin(o, counted);
    for (size_t i = 0; i < counted; i++) {
        if (o->wanted > 0) {
            notes_take(o, s, events, counted, i, a);
        }
        if (i < handed) {
            count_one(s, &events[i], a);
            continue;
        }
        fold_one(s, &events[i], late[i - handed], a);
        if (o->visit != NULL && !late[i - handed]) {
            o->visit(o->ctx, s, &events[i]);
        }
    }
}

struct shopper *fold_set(const struct shopper *base, const char *key, struct event *events,
                         size_t count, struct fold_onlooker *o, struct arena *a)
{
    /* Order first, then the bindings, which decide what counts, then lateness among what counts: an event that is not this
     * shopper's makes nobody late. */
    const size_t all = fold_put_in_order(events, count);
    const size_t known = grounds_settle(events, all);
    struct shopper *s = start(base, key, events, known, all, a);

    fold_ordered(s, events, known, o, a);
    return s;
}

struct shopper *shopper_fold_visiting(const struct shopper *base, const char *key,
                                      struct event *events, size_t count, shopper_visit *visit,
                                      void *ctx, struct arena *a)
{
    struct fold_onlooker o = {.visit = visit, .ctx = ctx};

    return fold_set(base, key, events, count, &o, a);
}

struct shopper *shopper_fold_all(const struct shopper *base, const char *key, struct event *events,
                                 size_t count, int64_t until_us, struct arena *a)
{
    struct fold_onlooker o = {0};

    return fold_set(base, key, events, keep_until(events, count, until_us), &o, a);
}

/* ---- from a state ---- */

bool fold_learns(struct shopper *known, const struct shopper *then, const struct event *e,
                 struct arena *a)
{
    if (grounds_are_asked(e) || stand_ins_are_asked(known, e) ||
        (late_is_closer(e) && e->received_us < then->tardy_received_us)) {
        return false; /* of a closer: it makes something late that the state has folded */
    }
    if (is_binding(e)) {
        return bindings_apply(known, e, a) == SHOPPER_FOLDED;
    }
    if (asks_who(known, e) ||
        (shopper_changes_owner(known, e) && bindings_apply(known, e, a) == SHOPPER_REFOLD)) {
        return false;
    }
    if (identity_names(known, e) && known->binding_count == BINDINGS_MAX) {
        return false; /* an interval that was dropped for others may be wanted now */
    }
    bindings_name(known, e, a);
    return true;
}
