/* Anonymous shoppers and the customers they turn out to be: which events count, the merge of carts at
 * the moment they meet, and what the bindings say. How bindings come about is shopper_bindings.c's job. */
#include "domain/shopper/shopper_identity.h"

#include "domain/shopper/cart.h"
#include "domain/shopper/shopper_carts.h"

#include <string.h>

/* An answer takes the fold less than a second, unless a whole history is waiting. */
#define ASK_AGAIN_US INT64_C(600000000)

bool identity_is_anonymous(const struct shopper *s)
{
    return s->key[0] == 'a';
}

int64_t identity_handed_until(const struct shopper *s)
{
    return identity_is_anonymous(s) && s->binding_count > 0
               ? s->bindings[s->binding_count - 1].until_us
               : INT64_MIN;
}

bool identity_is_forwarded(const struct event *e)
{
    return e->via != NULL && e->type != EVENT_DERIVED_SHOPPER_BOUND &&
           e->type != EVENT_DERIVED_SHOPPER_UNBOUND && e->type != EVENT_DERIVED_BINDING_SET;
}

bool identity_names(const struct shopper *s, const struct event *e)
{
    return !identity_is_anonymous(s) && e->via == NULL && e->anonymous_id != NULL &&
           e->type != EVENT_LOGGED_OUT;
}

static bool holds(const struct shopper *s, const char *via, int64_t at_us)
{
    /* Half open: at the moment of a login on a shared browser the event is the newcomer's. */
    for (size_t i = 0; i < s->binding_count; i++) {
        const struct binding *b = &s->bindings[i];
        if (strcmp(b->other, via) == 0 && at_us >= b->from_us && at_us < b->until_us) {
            return true;
        }
    }
    return false;
}

bool identity_counts(const struct shopper *s, const struct event *e)
{
    return !identity_is_forwarded(e) ||
           (!identity_is_anonymous(s) && holds(s, e->via, e->occurred_us));
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

/* ---- what one lane tells another ---- */

static const struct named_via *named_as(const struct shopper *s, const char *via)
{
    for (size_t i = 0; i < s->named_count; i++) {
        if (strcmp(s->named[i].other, via) == 0) {
            return &s->named[i];
        }
    }
    return NULL;
}

static bool was_answered(const struct shopper *s, const char *via)
{
    for (size_t i = 0; i < s->binding_count; i++) {
        if (strcmp(s->bindings[i].other, via) == 0) {
            return true;
        }
    }
    return false;
}

/* A login that A is not told of changes nothing: A has it already that the browser was this customer's
 * then. If somebody else's turns up in between, the binding_set that takes the time away makes this one
 * count again, so that in the end the owners are those that all logins give, in whatever order they came. */
static bool is_news(const struct shopper *s, const struct event *e)
{
    const struct named_via *n = named_as(s, e->anonymous_id);

    if (e->type == EVENT_DERIVED_SHOPPER_NAMED) {
        return true; /* of several guesses A takes the first, so that it needs all */
    }
    if (was_answered(s, e->anonymous_id)) {
        /* The first is told in any case: by a guess alone it may be known already. */
        return !holds(s, e->anonymous_id, e->occurred_us) ||
               (n != NULL && e->occurred_us == n->said_us);
    }
    /* Later again: whoever folded the first may have been a version that asked for less. */
    return n == NULL || e->occurred_us <= n->first_us ||
           e->occurred_us - n->first_us >= ASK_AGAIN_US;
}

bool shopper_login(const struct shopper *after, const struct event *e, struct shopper_login *out)
{
    const bool ends = e->type == EVENT_LOGGED_OUT;

    /* via: it was forwarded, and asked for the binding where it first lay */
    if (identity_is_anonymous(after) || e->via != NULL || e->anonymous_id == NULL ||
        (!ends && !is_news(after, e))) {
        return false;
    }
    *out = (struct shopper_login){.via = e->anonymous_id,
                                  .at_us = e->occurred_us,
                                  .ends = ends,
                                  .guessed = e->type == EVENT_DERIVED_SHOPPER_NAMED};
    return true;
}

bool shopper_changes_owner(const struct shopper *s, const struct event *e)
{
    return identity_is_anonymous(s) &&
           (e->type == EVENT_DERIVED_SHOPPER_BOUND || e->type == EVENT_DERIVED_SHOPPER_UNBOUND ||
            (e->type == EVENT_LOGGED_OUT && e->via == NULL));
}

const char *shopper_owner_at(const struct shopper *s, int64_t at_us)
{
    for (size_t i = 0; i < s->binding_count && identity_is_anonymous(s); i++) {
        const struct binding *b = &s->bindings[i];
        if (at_us >= b->from_us && at_us < b->until_us) {
            return b->other;
        }
    }
    return NULL;
}

const char *shopper_owner_now(const struct shopper *s)
{
    return identity_handed_until(s) == INT64_MAX ? s->bindings[s->binding_count - 1].other : NULL;
}

size_t shopper_intervals_of(const struct shopper *s, const char *customer_id,
                            struct event_interval out[BINDINGS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < s->binding_count && identity_is_anonymous(s); i++) {
        const struct binding *b = &s->bindings[i];
        if (strcmp(b->other, customer_id) == 0) {
            out[count++] = (struct event_interval){b->from_us, b->until_us};
        }
    }
    return count;
}

static bool same_owner(const struct shopper *x, const struct shopper *y, int64_t at_us)
{
    const char *of_x = shopper_owner_at(x, at_us);
    const char *of_y = shopper_owner_at(y, at_us);

    return of_x == NULL || of_y == NULL ? of_x == of_y : strcmp(of_x, of_y) == 0;
}

/* The first time that has another owner among the ends of intervals of one of the states, if it is before first_us. */
static int64_t first_changed_end(const struct shopper *of, const struct shopper *before,
                                 const struct shopper *after, int64_t first_us)
{
    for (size_t i = 0; i < of->binding_count; i++) {
        const int64_t ends[] = {of->bindings[i].from_us, of->bindings[i].until_us};
        for (size_t n = 0; n < 2; n++) {
            const bool earlier = ends[n] < first_us && !same_owner(before, after, ends[n]);
            first_us = earlier ? ends[n] : first_us;
        }
    }
    return first_us;
}

int64_t shopper_owner_changed_from(const struct shopper *before, const struct shopper *after)
{
    if (!same_owner(before, after, INT64_MIN)) {
        return INT64_MIN;
    }
    /* Between two ends of intervals nothing changes hands, so the ends are all there is to look at. */
    return first_changed_end(after, before, after,
                             first_changed_end(before, before, after, INT64_MAX));
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
