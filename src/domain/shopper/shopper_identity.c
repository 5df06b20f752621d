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
           e->type != EVENT_LOGGED_OUT && !e->taken_back;
}

int64_t identity_names_us(const struct event *e)
{
    return e->told_us != 0 ? e->told_us : e->occurred_us;
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

bool identity_is_own_word(const struct shopper *s, const struct event *e)
{
    bool own = !identity_is_forwarded(e);

    /* An interval begins before its login: with what a guest did. A login of before the interval was ended by somebody else's. */
    for (size_t i = 0; i < s->binding_count && !own; i++) {
        const struct binding *b = &s->bindings[i];
        own = b->login_us != 0 && b->login_us >= b->from_us && e->occurred_us >= b->from_us &&
              e->occurred_us < b->until_us && strcmp(b->other, e->via) == 0;
    }
    return own;
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

/* From now on there is no side any more: its later events go to the shopper's own carts. */
static void end_side(struct shopper *s, const struct event *e)
{
    for (size_t i = 0; i < s->binding_count; i++) {
        struct binding *b = &s->bindings[i];
        if (strcmp(b->other, e->anonymous_id) == 0) {
            b->identified = true;
            b->login_us =
                e->type == EVENT_DERIVED_SHOPPER_NAMED ? b->login_us : identity_names_us(e);
        }
    }
}

void identity_leave(struct shopper *s, const struct event *e)
{
    const char *via = e->via != NULL ? e->via : e->anonymous_id;

    for (size_t i = 0; i < s->binding_count && !identity_is_anonymous(s); i++) {
        if (strcmp(s->bindings[i].other, via) == 0) {
            s->bindings[i].login_us = 0;
        }
    }
}

void identity_join_late(struct shopper *s, const struct event *e)
{
    end_side(s, e);
    for (size_t i = 0; i < s->cart_count; i++) {
        if (s->carts[i].via != NULL && strcmp(s->carts[i].via, e->anonymous_id) == 0) {
            s->carts[i].via = NULL;
        }
    }
}

void identity_join(struct shopper *s, const struct event *e, struct arena *a)
{
    const char *via = e->anonymous_id;
    struct cart *own = carts_newest_open(s, NULL);
    struct cart *side;

    end_side(s, e);
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
    const int64_t at_us = identity_names_us(e);

    if (e->type == EVENT_DERIVED_SHOPPER_NAMED) {
        return true; /* of several guesses A takes the first, so that it needs all */
    }
    if (was_answered(s, e->anonymous_id)) {
        /* The first is told in any case: by a guess alone it may be known already. */
        return !holds(s, e->anonymous_id, at_us) || (n != NULL && at_us == n->said_us);
    }
    /* Later again: whoever folded the first may have been a version that asked for less. */
    return n == NULL || at_us <= n->first_us || at_us - n->first_us >= ASK_AGAIN_US;
}

static bool holds_if_known(const struct shopper *s, const char *via, int64_t at_us)
{
    return at_us == 0 || holds(s, via, at_us);
}

bool shopper_may_login_again(const struct shopper *s)
{
    bool may = false;

    for (size_t i = 0; i < s->named_count && !may; i++) {
        const struct named_via *n = &s->named[i];
        may = was_answered(s, n->other) &&
              !(holds_if_known(s, n->other, n->first_us) &&
                holds_if_known(s, n->other, n->said_us) && holds_if_known(s, n->other, n->last_us));
    }
    return may;
}

bool shopper_login(const struct shopper *after, const struct event *e, struct shopper_login *out)
{
    const bool ends = e->type == EVENT_LOGGED_OUT;

    /* via: it was forwarded, and asked for the binding where it first lay */
    /* taken back: of that A is told where it is found out */
    if (identity_is_anonymous(after) || e->via != NULL || e->anonymous_id == NULL ||
        e->taken_back || (!ends && !is_news(after, e))) {
        return false;
    }
    *out = (struct shopper_login){.via = e->anonymous_id,
                                  .at_us = identity_names_us(e),
                                  .ends = ends,
                                  .guessed = e->type == EVENT_DERIVED_SHOPPER_NAMED,
                                  .cart_id =
                                      e->type == EVENT_DERIVED_SHOPPER_NAMED ? e->cart_id : NULL};
    return true;
}

bool shopper_login_again(const struct shopper *before, const struct shopper *after,
                         const struct event *e)
{
    struct shopper_login login;

    return shopper_login(after, e, &login) && was_answered(after, login.via) &&
           !(was_answered(before, login.via) && shopper_login(before, e, &login));
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

/* Both states' intervals lie in order of time, so that one walk along both sees every difference. */
int64_t shopper_owner_changed_from(const struct shopper *before, const struct shopper *after)
{
    size_t was = 0;

    for (size_t i = 0; i < after->binding_count && identity_is_anonymous(after); i++) {
        const struct binding *is = &after->bindings[i];
        for (int64_t at_us = is->from_us; at_us < is->until_us;
             at_us = before->bindings[was].until_us) {
            while (was < before->binding_count && before->bindings[was].until_us <= at_us) {
                was++;
            }
            const struct binding *b = was < before->binding_count ? &before->bindings[was] : NULL;
            if (b == NULL || b->from_us > at_us || strcmp(b->other, is->other) != 0) {
                return at_us;
            }
        }
    }
    return INT64_MAX;
}

static bool same_interval(const struct binding *x, const struct binding *y)
{
    return x->from_us == y->from_us && x->until_us == y->until_us &&
           strcmp(x->other, y->other) == 0;
}

/* Returns how many are listed then. */
static size_t list_once(const char *customer, const char **listed, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        if (strcmp(listed[n], customer) == 0) {
            return count;
        }
    }
    listed[count] = customer;
    return count + 1;
}

/* Whose intervals differ has one that stands in one of the two states only. */
size_t shopper_bindings_changed(const struct shopper *before, const struct shopper *after,
                                const char *out_customers[2 * BINDINGS_MAX])
{
    const size_t had = before == NULL ? 0 : before->binding_count;
    const size_t has = after->binding_count;
    size_t count = 0;

    for (size_t i = 0, n = 0; i < had || n < has;) {
        const struct binding *x = i < had ? &before->bindings[i] : NULL;
        const struct binding *y = n < has ? &after->bindings[n] : NULL;
        if (x != NULL && y != NULL && same_interval(x, y)) {
            i++;
            n++;
        } else if (x != NULL && (y == NULL || x->from_us <= y->from_us)) {
            count = list_once(x->other, out_customers, count);
            i++;
        } else if (y != NULL) {
            count = list_once(y->other, out_customers, count);
            n++;
        }
    }
    return count;
}
