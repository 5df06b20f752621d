/* By which carts two were joined without a word of theirs. A cart id that turns out to be several people's joins nobody, whatever was folded
 * first: what was guessed by it counts as if it had never been told. A function of the set of events; the order plays no part. */
#include "domain/shopper/shopper_grounds.h"

#include "domain/shopper/cart.h"
#include "domain/shopper/shopper_identity.h"

#include <stdlib.h>
#include <string.h>

static bool is_guess(const struct event *e)
{
    return !e->taken_back && (e->type == EVENT_DERIVED_SHOPPER_NAMED ||
                              (e->type == EVENT_DERIVED_SHOPPER_BOUND && e->guessed));
}

bool grounds_are_asked(const struct event *e)
{
    return e->taken_back || is_guess(e);
}

/* With whom it joins, in whichever lane it lies. */
static const char *other_of(const struct event *e)
{
    return e->type == EVENT_DERIVED_SHOPPER_NAMED ? e->anonymous_id : e->customer_id;
}

/* Releases of before did not tell the cart: what takes back one guess about the two takes those back as well. */
static bool is_about(const struct event *back, const char *other, const char *cart_id)
{
    return strcmp(other_of(back), other) == 0 &&
           (cart_id == NULL || (back->cart_id != NULL && strcmp(back->cart_id, cart_id) == 0));
}

static bool is_taken_back(const struct event *backs, size_t count, const char *other,
                          const char *cart_id)
{
    bool found = false;

    for (size_t i = 0; i < count && !found; i++) {
        found = backs[i].taken_back && is_about(&backs[i], other, cart_id);
    }
    return found;
}

/* ---- events ---- */

/* Those to keep come first, in their order; what has gone behind them lies in some order. */
static void put(struct event *events, size_t kept, size_t i)
{
    if (kept != i) {
        const struct event e = events[i];
        events[i] = events[kept];
        events[kept] = e;
    }
}

size_t grounds_settle(struct event *events, size_t count)
{
    size_t standing = 0;
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        if (!events[i].taken_back) {
            put(events, standing++, i);
        }
    }
    for (size_t i = 0; i < standing && standing < count; i++) {
        const struct event *e = &events[i];
        if (!is_guess(e) ||
            !is_taken_back(events + standing, count - standing, other_of(e), e->cart_id)) {
            put(events, kept++, i);
        }
    }
    return standing < count ? kept : standing;
}

/* ---- grounds ---- */

static int compare_ids(const char *x, const char *y)
{
    return x == NULL || y == NULL ? (x != NULL) - (y != NULL) : strcmp(x, y);
}

static int by_time(const void *left, const void *right)
{
    const struct ground *x = left;
    const struct ground *y = right;
    const int order = strcmp(x->other, y->other);

    if (x->at_us != y->at_us) {
        return x->at_us < y->at_us ? -1 : 1;
    }
    return order != 0 ? order : compare_ids(x->cart_id, y->cart_id);
}

static bool is_same(const struct ground *g, const char *other, const char *cart_id)
{
    return strcmp(g->other, other) == 0 && compare_ids(g->cart_id, cart_id) == 0;
}

static int by_ids(const void *left, const void *right)
{
    const struct ground *x = left;
    const struct ground *y = right;
    int order = strcmp(x->other, y->other);

    order = order != 0 ? order : compare_ids(x->cart_id, y->cart_id);
    return order != 0 ? order : (x->at_us > y->at_us) - (x->at_us < y->at_us);
}

static void add(struct shopper *s, const char *other, const char *cart_id, int64_t at_us,
                struct arena *a)
{
    s->grounds[s->ground_count++] =
        (struct ground){.other = arena_strdup(a, other),
                        .cart_id = cart_id == NULL ? NULL : arena_strdup(a, cart_id),
                        .at_us = at_us};
}

/* Told again, with an order of before: the first counts. Leaves them in order of time. */
static void put_in_order(struct shopper *s)
{
    size_t kept = 0;

    qsort(s->grounds, s->ground_count, sizeof *s->grounds, by_ids);
    for (size_t i = 0; i < s->ground_count; i++) {
        if (kept == 0 ||
            !is_same(&s->grounds[kept - 1], s->grounds[i].other, s->grounds[i].cart_id)) {
            s->grounds[kept++] = s->grounds[i];
        }
    }
    s->ground_count = kept;
    qsort(s->grounds, s->ground_count, sizeof *s->grounds, by_time);
}

/* Of one that was folded by a release which kept none: it was guessed, by a cart that nobody knows. */
static void add_untold(struct shopper *s, struct arena *a)
{
    if (identity_is_anonymous(s) && s->guessed && s->ground_count == 0 && s->binding_count > 0) {
        add(s, s->bindings[0].other, NULL, 0, a);
    }
}

static bool has_ground(const struct shopper *s, const char *other)
{
    bool has = false;

    for (size_t i = 0; i < s->ground_count && !has; i++) {
        has = strcmp(s->grounds[i].other, other) == 0;
    }
    return has;
}

/* Of a customer: what it was named by is gone, unless it said so itself, or another cart does. */
static void forget_name(struct shopper *s, const char *other)
{
    for (size_t i = 0; i < s->named_count; i++) {
        struct named_via *n = &s->named[i];
        if (strcmp(n->other, other) != 0 || !n->guessed || has_ground(s, other)) {
            continue;
        }
        n->guessed = false;
        if (n->said_us == 0) {
            memmove(n, n + 1, (s->named_count - i - 1) * sizeof *n);
            s->named_count--;
        }
        return;
    }
}

static void drop(struct shopper *s, const struct event *backs, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->ground_count; i++) {
        if (!is_taken_back(backs, count, s->grounds[i].other, s->grounds[i].cart_id)) {
            s->grounds[kept++] = s->grounds[i];
        }
    }
    s->ground_count = kept;
    for (size_t i = 0; i < count; i++) {
        if (backs[i].taken_back) {
            forget_name(s, other_of(&backs[i]));
        }
    }
}

static size_t count_guesses(const struct event *events, size_t count)
{
    size_t guesses = 0;

    for (size_t i = 0; i < count; i++) {
        guesses += is_guess(&events[i]) ? 1 : 0;
    }
    return guesses;
}

/* Of a browser the first counts; of a customer those are asked about that it was joined by of late. */
static void trim(struct shopper *s)
{
    const size_t more = s->ground_count > GROUNDS_MAX ? s->ground_count - GROUNDS_MAX : 0;

    if (!identity_is_anonymous(s)) {
        memmove(s->grounds, s->grounds + more, (s->ground_count - more) * sizeof *s->grounds);
    }
    s->ground_count -= more;
}

void grounds_collect(struct shopper *s, const struct event *events, size_t standing, size_t count,
                     struct arena *a)
{
    const size_t guesses = count_guesses(events, standing);

    if (guesses == 0 && standing == count && !s->guessed) {
        return;
    }
    struct ground *all =
        arena_array(a, cart_lines_capacity(s->ground_count + guesses + 1), sizeof *all);
    if (s->ground_count > 0) {
        memcpy(all, s->grounds, s->ground_count * sizeof *all);
    }
    s->grounds = all;
    add_untold(s, a);
    drop(s, events + standing, count - standing);
    for (size_t i = 0; i < standing; i++) {
        const struct event *e = &events[i];
        if (is_guess(e)) {
            add(s, other_of(e), e->cart_id, e->occurred_us, a);
        }
    }
    put_in_order(s);
    trim(s);
}

/* ---- from a state ---- */

static bool stands(const struct shopper *known, const struct event *e)
{
    bool found = false;

    for (size_t i = 0; i < known->ground_count && !found; i++) {
        found = is_same(&known->grounds[i], other_of(e), e->cart_id);
    }
    return found;
}

/* Of more than are kept, those of before. */
static bool is_forgotten(const struct shopper *known, const struct event *e)
{
    return known->ground_count == GROUNDS_MAX && e->occurred_us <= known->grounds[0].at_us;
}

bool grounds_keep(const struct shopper *known, struct event *events, size_t *count)
{
    size_t kept = 0;
    bool certain = true;

    for (size_t i = 0; i < *count; i++) {
        const struct event *e = &events[i];
        const bool forgotten = is_guess(e) && !stands(known, e) && is_forgotten(known, e);
        certain = certain && !forgotten;
        if (!grounds_are_asked(e) || (is_guess(e) && (forgotten || stands(known, e)))) {
            put(events, kept++, i);
        }
    }
    *count = kept;
    return certain;
}
