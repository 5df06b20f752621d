/* Decision moments out of a shopper's history: the fold is replayed event by event through the code that serves, and the features are taken where a
 * decision could have been made. */
#include "flow/train_moments.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "domain/shopper_identity.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_MOMENTS_MAX =
        200, /* of one shopper; more are thinned out evenly, so that none outweighs the others */
    MOMENTS_MAX =
        150000, /* of all; above it every other shopper (by hash) is left out, again and again */
    IDLE_MOMENTS = 3,
};
static const int64_t idle_moments[IDLE_MOMENTS] = {MINUTES(10), MINUTES(30), MINUTES(60)};

void moment_set_free(struct moment_set *set)
{
    free(set->all);
    *set = (struct moment_set){0};
}

/* ---- one shopper ---- */

struct walk {
    const struct train_key *key;
    struct moment_set *set;
    size_t first;      /* of this shopper's moments */
    size_t *purchases; /* positions among the events, ascending */
    size_t purchase_count;
};

static bool could_fill_a_cart(enum event_type type)
{
    return type == EVENT_CART_ITEM_ADDED || type == EVENT_CART_SNAPSHOT ||
           type == EVENT_CHECKOUT_STARTED;
}

/* What the shopper did, as opposed to what Cartwright wrote down about it. */
static bool is_own_deed(const struct train_key *k, const struct event *e)
{
    return e->type < EVENT_DERIVED_SHOPPER_BOUND && identity_counts(k->final, e);
}

static int64_t next_purchase(const struct walk *w, int64_t at_us)
{
    for (size_t i = 0; i < w->purchase_count; i++) {
        const struct event *e = &w->key->events[w->purchases[i]];
        if (e->occurred_us > at_us) {
            return e->occurred_us;
        }
    }
    return INT64_MAX;
}

static void take_moment(struct walk *w, const struct shopper *state, int64_t at_us)
{
    struct moment_set *set = w->set;
    const struct cart *cart = shopper_open_cart(state);
    struct features x;
    if (!cart || cart->line_count == 0) {
        return;
    }
    if (set->count == set->cap) {
        set->cap = set->cap ? set->cap * 2 : 1024;
        set->all = mem_grow(set->all, set->cap, sizeof *set->all);
    }
    features_of(state, cart, at_us, &x);
    set->all[set->count++] = (struct moment){
        .at_us = at_us,
        .bought_us = next_purchase(w, at_us),
        .key_hash = set->key_hash,
        .key_number = set->keys,
        .x = risk_flatten(&x),
    };
}

/* After an event: now, unless more happened in the same instant, and after each idle time in which nothing happened. */
static void take_moments(struct walk *w, const struct shopper *state, size_t event)
{
    const struct train_key *k = w->key;
    int64_t at_us = k->events[event].occurred_us;
    int64_t next_us = INT64_MAX;
    for (size_t i = event + 1; i < k->count && next_us == INT64_MAX; i++) {
        if (is_own_deed(k, &k->events[i])) {
            next_us = k->events[i].occurred_us;
        }
    }
    if (next_us > at_us) {
        take_moment(w, state, at_us);
    }
    for (int i = 0; i < IDLE_MOMENTS && next_us > at_us + idle_moments[i]; i++) {
        take_moment(w, state, at_us + idle_moments[i]);
    }
}

/* A refold is asked for where a binding changes which events count: the state is then that of all events so far. */
static struct shopper *step(const struct train_key *k, struct shopper *state, size_t event)
{
    if (shopper_apply(state, &k->events[event], k->arena) == SHOPPER_FOLDED) {
        return state;
    }
    struct event *so_far = arena_array(k->arena, event + 1, sizeof *so_far);
    memcpy(so_far, k->events, (event + 1) * sizeof *so_far);
    return shopper_fold_all(k->base, k->key, so_far, event + 1, INT64_MAX, k->arena);
}

static void replay(struct walk *w)
{
    const struct train_key *k = w->key;
    struct shopper *state =
        k->base ? shopper_copy(k->base, k->arena) : shopper_new(k->key, k->arena);
    for (size_t i = 0; i < k->count; i++) {
        int64_t late = state->late_events;
        state = step(k, state, i);
        if (is_own_deed(k, &k->events[i]) && state->late_events == late) {
            take_moments(w, state, i);
        }
    }
}

/* ---- bounds ---- */

static void thin_shopper(struct moment_set *set, size_t first)
{
    size_t count = set->count - first;
    if (count <= KEY_MOMENTS_MAX) {
        return;
    }
    for (size_t i = 0; i < KEY_MOMENTS_MAX; i++) {
        set->all[first + i] = set->all[first + i * count / KEY_MOMENTS_MAX];
    }
    set->count = first + KEY_MOMENTS_MAX;
}

/* The low bits of the hash choose; the fifth that is held out for calibration goes by another residue. */
static bool left_out(const struct moment_set *set, uint64_t key_hash)
{
    return ((key_hash >> 8) & set->mask) != 0;
}

static void thin_all(struct moment_set *set)
{
    while (set->count > MOMENTS_MAX) {
        size_t kept = 0;
        set->mask = set->mask * 2 + 1;
        for (size_t i = 0; i < set->count; i++) {
            if (!left_out(set, set->all[i].key_hash)) {
                set->all[kept++] = set->all[i];
            }
        }
        set->count = kept;
    }
}

void moment_set_take(struct moment_set *set, const struct train_key *k)
{
    struct walk w = {.key = k, .set = set, .first = set->count};
    bool cart = k->base != NULL;
    set->key_hash = hash_fnv64(k->key, strlen(k->key));
    if (left_out(set, set->key_hash)) {
        return;
    }
    w.purchases = arena_array(k->arena, k->count + 1, sizeof *w.purchases);
    for (size_t i = 0; i < k->count; i++) {
        const struct event *e = &k->events[i];
        cart = cart || could_fill_a_cart(e->type);
        if (e->type == EVENT_PURCHASE && identity_counts(k->final, e)) {
            w.purchases[w.purchase_count++] = i;
        }
    }
    if (!cart) {
        return;
    }
    replay(&w);
    if (set->count > w.first) {
        thin_shopper(set, w.first);
        set->keys++;
        thin_all(set);
    }
}
