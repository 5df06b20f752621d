/* Anonymous shoppers and the customers they turn out to be: which events count, the merge of carts at
 * the moment they meet, and what the bindings say. How bindings come about is shopper_bindings.c's job. */
#include "domain/shopper/shopper_identity.h"

#include "domain/shopper/cart.h"
#include "domain/shopper/shopper_carts.h"

#include <string.h>

bool identity_is_anonymous(const struct shopper *s)
{
    return s->key[0] == 'a';
}

bool identity_is_bound(const struct shopper *s)
{
    return identity_is_anonymous(s) && s->binding_count > 0;
}

bool identity_is_forwarded(const struct event *e)
{
    return e->via != NULL && e->type != EVENT_DERIVED_SHOPPER_BOUND &&
           e->type != EVENT_DERIVED_BINDING_SET;
}

bool identity_counts(const struct shopper *s, const struct event *e)
{
    if (!identity_is_forwarded(e)) {
        return true;
    }
    /* Half open: at the moment of a login on a shared browser the event is the newcomer's. */
    for (size_t i = 0; i < s->binding_count && !identity_is_anonymous(s); i++) {
        const struct binding *b = &s->bindings[i];
        if (strcmp(b->other, e->via) == 0 && e->occurred_us >= b->from_us &&
            e->occurred_us < b->until_us) {
            return true;
        }
    }
    return false;
}

const char *identity_side(const struct shopper *s, const struct event *e)
{
    for (size_t i = 0; e->via != NULL && i < s->binding_count; i++) {
        if (strcmp(s->bindings[i].other, e->via) == 0) {
            return s->bindings[i].identified ? NULL : e->via;
        }
    }
    return e->via;
}

/* ---- the moment they meet ---- */

void identity_join(struct shopper *s, const struct event *e, struct arena *a)
{
    const char *via = e->anonymous_id;
    struct cart *own = carts_newest_open(s, NULL);
    struct cart *side;

    /* From now on there is no side any more: its later events go to the shopper's own carts. */
    for (size_t i = 0; i < s->binding_count; i++) {
        if (strcmp(s->bindings[i].other, via) == 0) {
            s->bindings[i].identified = true;
        }
    }
    while ((side = carts_newest_open(s, via)) != NULL) {
        if (own == NULL) { /* the newest becomes the shopper's own, and takes in the others */
            own = side;
            own->via = NULL;
        } else {
            cart_absorb(own, side, e, a);
        }
    }
}

struct effects shopper_effects(const struct event *e)
{
    bool joins = e->type == EVENT_IDENTIFY || e->type == EVENT_ALIAS;

    /* via: it was forwarded, and asked for the binding where it first lay */
    if (!joins || e->via != NULL || e->customer_id == NULL || e->anonymous_id == NULL) {
        return (struct effects){0};
    }
    return (struct effects){
        .bind_requested = true, .bind_via = e->anonymous_id, .bind_at_us = e->occurred_us};
}

const char *shopper_owner_at(const struct shopper *s, int64_t at_us)
{
    const char *owner = NULL;

    for (size_t i = 0; i < s->binding_count && identity_is_anonymous(s); i++) {
        /* the time before the first login belongs to whoever logged in first */
        if (i == 0 || s->bindings[i].from_us <= at_us) {
            owner = s->bindings[i].other;
        }
    }
    return owner;
}

size_t shopper_intervals_of(const struct shopper *s, const char *customer_id,
                            struct event_interval out[BINDINGS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < s->binding_count && identity_is_anonymous(s); i++) {
        const struct binding *b = &s->bindings[i];
        if (strcmp(b->other, customer_id) == 0) {
            out[count].from_us = i == 0 ? INT64_MIN : b->from_us;
            out[count++].until_us = b->until_us;
        }
    }
    return count;
}

static bool same_intervals(const struct shopper *x, const struct shopper *y, const char *customer)
{
    struct event_interval of_x[BINDINGS_MAX];
    struct event_interval of_y[BINDINGS_MAX];
    size_t count = x == NULL ? 0 : shopper_intervals_of(x, customer, of_x);

    if (count != (y == NULL ? 0 : shopper_intervals_of(y, customer, of_y))) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (of_x[i].from_us != of_y[i].from_us || of_x[i].until_us != of_y[i].until_us) {
            return false;
        }
    }
    return true;
}

size_t shopper_bindings_changed(const struct shopper *before, const struct shopper *after,
                                const char *out_customers[2 * BINDINGS_MAX])
{
    const struct shopper *const states[] = {before, after};
    size_t count = 0;

    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; states[k] != NULL && i < states[k]->binding_count; i++) {
            const char *customer = states[k]->bindings[i].other;
            bool listed = false;
            for (size_t n = 0; n < count; n++) {
                listed = listed || strcmp(out_customers[n], customer) == 0;
            }
            if (!listed && !same_intervals(before, after, customer)) {
                out_customers[count++] = customer;
            }
        }
    }
    return count;
}
