/* What comes too late to count: lateness among the events of a shopper. What then happens to it is decided by shopper_fold.c. */
#include "domain/shopper/shopper_late.h"

#include "base/hash.h"
#include "domain/shopper/shopper_orders.h"

#include <string.h>

bool late_is_tardy(const struct event *e)
{
    /* What is exempt changes no closed round, or has to count whenever it comes: a withdrawal above all. */
    bool exempt = e->origin == ORIGIN_IMPORT || e->origin == ORIGIN_DERIVED ||
                  e->type == EVENT_IDENTIFY || e->type == EVENT_ALIAS ||
                  e->type == EVENT_LOGGED_OUT || event_says_consent(e);

    return !exempt && e->received_us - e->occurred_us > LATE_WINDOW_US;
}

bool late_is_closer(const struct event *e)
{
    return e->type == EVENT_PURCHASE || (e->type == EVENT_CART_SNAPSHOT && e->item_count == 0);
}

struct closers late_closers_room(const struct event *events, size_t count, struct arena *a)
{
    struct closers c = {
        .any_us = INT64_MAX, .every_us = INT64_MAX, .one_us = INT64_MAX, .slots = 4};
    size_t named = 0;

    for (size_t i = 0; i < count; i++) {
        named += late_is_closer(&events[i]) && events[i].cart_id != NULL;
    }
    while (c.slots < 2 * named) {
        c.slots *= 2;
    }
    c.of_cart = arena_array(a, c.slots, sizeof *c.of_cart);
    return c;
}

/* With room for the carts that the events name, if one of the closers may be late itself. */
static struct closers closers_make(const struct event *events, size_t count, struct arena *a)
{
    bool asked = false;

    for (size_t i = 0; i < count && !asked; i++) {
        asked = late_is_closer(&events[i]) && late_is_tardy(&events[i]);
    }
    return asked
               ? late_closers_room(events, count, a)
               : (struct closers){.any_us = INT64_MAX, .every_us = INT64_MAX, .one_us = INT64_MAX};
}

static struct closer_of_cart *closer_slot(const struct closers *c, const char *cart)
{
    size_t i = hash_fnv64(cart, strlen(cart)) & (c->slots - 1);

    while (c->of_cart[i].cart != NULL && strcmp(c->of_cart[i].cart, cart) != 0) {
        i = (i + 1) & (c->slots - 1);
    }
    return &c->of_cart[i];
}

void late_closers_add(struct closers *c, const struct event *e, bool known)
{
    int64_t *unnamed_us = e->type == EVENT_PURCHASE ? &c->every_us : &c->one_us;

    c->any_us = e->received_us < c->any_us ? e->received_us : c->any_us;
    if (e->type == EVENT_PURCHASE && orders_take_lines(c->rules, e)) {
        return;
    }
    if (e->cart_id == NULL) {
        *unnamed_us = e->received_us < *unnamed_us ? e->received_us : *unnamed_us;
    } else if (c->of_cart != NULL) {
        struct closer_of_cart *slot = closer_slot(c, e->cart_id);
        if (slot->cart == NULL && !known) {
            *slot = (struct closer_of_cart){e->cart_id, e->received_us};
        } else if (slot->cart != NULL && e->received_us < slot->received_us) {
            slot->received_us =
                e->received_us; /* its name stays that of an event that outlives e */
        }
    }
}

/* When the first of those was received that may make e late. A closer is late only for one that closes all that it would: one
 * cart's order that comes in late still closes that cart, whatever was ordered of another meanwhile. An empty snapshot without a
 * cart closes one, and nobody knows here which: an order's it need not have been. */
static int64_t closed_for(const struct closers *c, const struct event *e)
{
    int64_t first = c->every_us;

    if (!late_is_closer(e)) {
        return c->any_us;
    }
    if (e->type != EVENT_PURCHASE && c->one_us < first) {
        first = c->one_us;
    }
    if (e->cart_id != NULL && c->of_cart != NULL) {
        const struct closer_of_cart *slot = closer_slot(c, e->cart_id);
        if (slot->cart != NULL && slot->received_us < first) {
            first = slot->received_us;
        }
    }
    return first;
}

/* The same of those behind the events, if there are any. */
static int64_t closed_later_for(const struct closers *later, const struct event *e)
{
    return later == NULL ? INT64_MAX : closed_for(later, e);
}

bool *late_find(const struct shopper *s, const struct event *events, size_t count,
                const struct closers *later, struct arena *a)
{
    bool *late = arena_array(a, count, sizeof *late);
    struct closers closers = closers_make(events, count, a);
    size_t end = count;

    closers.rules = shopper_rules_of(s);
    /* From the end, so that the closers at or after every event are known: one pass instead of a search for each. */
    while (end > 0) {
        size_t begin = end; /* the events of one time: each closes for all of them */
        while (begin > 0 && events[begin - 1].occurred_us == events[end - 1].occurred_us) {
            begin--;
            if (late_is_closer(&events[begin])) {
                late_closers_add(&closers, &events[begin], false);
            }
        }
        for (size_t i = begin; i < end; i++) {
            /* That of a base is of closers that retention has folded away. When they were received, and of which cart they
             * were, is forgotten; what comes after retention came after them. */
            late[i] = late_is_tardy(&events[i]) &&
                      (closed_for(&closers, &events[i]) < events[i].received_us ||
                       closed_later_for(later, &events[i]) < events[i].received_us ||
                       events[i].occurred_us <= s->closed_until_us);
        }
        end = begin;
    }
    return late;
}
