/* Decision moments out of a shopper's history: the fold is replayed event by event through the code
 * that serves, and the features are taken where a decision could have been made. */
#include "train/risk/train_moments.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "domain/shopper/shopper_identity.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_MOMENTS_MAX =
        200, /* of one shopper; more are thinned out evenly, so that none outweighs the others */
    MOMENTS_MAX = 200000, /* of all; above it a quarter of the moments (by hash) is left out, again
                             and again */
    PENDING = IDLE_MOMENTS + 1,
};
/* Densest where the hazard changes fastest: in the first minutes it turns out who
 * is still there. */
static const int64_t idle_moments[IDLE_MOMENTS] = {
    SECONDS(30), SECONDS(60), MINUTES(2), MINUTES(4), MINUTES(8), MINUTES(20), HOURS(1),
    HOURS(3),    HOURS(8),    HOURS(24),  DAYS(3),    DAYS(7),    DAYS(14),
};

void moment_set_free(struct moment_set *set)
{
    free(set->all);
    *set = (struct moment_set){.context = set->context};
}

const int64_t *moment_idle_times(void)
{
    return idle_moments;
}

bool moment_is_lost(const struct moment *m, int64_t within_us)
{
    return m->bought_us == INT64_MAX || m->bought_us - m->at_us > within_us;
}

/* ---- one shopper ---- */

struct walk {
    const struct train_key *key;
    struct moment_set *set;
    size_t first;      /* of this shopper's moments */
    size_t *purchases; /* positions among the events, ascending */
    size_t purchase_count;
    int64_t pending_us[PENDING]; /* ascending; from next_pending on they wait for their time */
    int next_pending;
};

static bool could_fill_a_cart(enum event_type type)
{
    return type == EVENT_CART_ITEM_ADDED || type == EVENT_CART_SNAPSHOT ||
           type == EVENT_CHECKOUT_STARTED;
}

/* What the shopper did, as opposed to what the shop or Cartwright wrote down about it. */
static bool is_own_deed(const struct train_key *k, const struct event *e)
{
    return event_is_own_doing(e->type) && identity_counts(k->final, e);
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
    bool wanted = set->until_us == 0 || (at_us >= set->from_us && at_us <= set->until_us);
    /* Where no message could be decided about, there is nothing to foretell. */
    if (!wanted || !cart || cart->line_count == 0) {
        return;
    }
    if (set->count == set->cap) {
        set->cap = set->cap ? set->cap * 2 : 1024;
        set->all = mem_grow(set->all, set->cap, sizeof *set->all);
    }
    struct feature_context known = {0};
    if (set->context != NULL) {
        known = train_context_at(set->context, at_us);
    }
    features_of(state, cart, at_us, &known, &x);
    /* key_number is the one the shopper will have: it is used up only if there was
     * a moment (moment_set_take) */
    set->all[set->count++] = (struct moment){
        .at_us = at_us,
        .bought_us = next_purchase(w, at_us),
        .key_hash = set->key_hash,
        .key_number = set->keys,
        .x = risk_flatten(&x),
    };
}

/* A refold is asked for by an event that came late: the state is then that of all events so far. */
static struct shopper *step(const struct train_key *k, struct shopper *state, size_t event)
{
    if (shopper_apply(state, &k->events[event], k->arena) == SHOPPER_FOLDED) {
        return state;
    }
    /* a copy: the fold puts events in another order, and the replay goes on by this one */
    struct event *so_far = arena_array(k->arena, event + 1, sizeof *so_far);
    memcpy(so_far, k->events, (event + 1) * sizeof *so_far);
    return shopper_fold_all(k->base, k->key, so_far, event + 1, INT64_MAX, k->arena);
}

/* Moments before the time, from the state that held then. */
static void take_pending(struct walk *w, const struct shopper *state, int64_t before_us)
{
    for (; w->next_pending < PENDING && w->pending_us[w->next_pending] < before_us;
         w->next_pending++) {
        take_moment(w, state, w->pending_us[w->next_pending]);
    }
}

/* A deed makes the moments to come: right after it (once nothing more happens in the same instant),
 * and after each idle time if no other comes first. */
static void await_moments(struct walk *w, int64_t deed_us)
{
    w->next_pending = 0;
    w->pending_us[0] = deed_us;
    for (int i = 0; i < IDLE_MOMENTS; i++) {
        w->pending_us[i + 1] = deed_us + idle_moments[i];
    }
}

/* Event by event, through the code that folds a live event. */
static void replay(struct walk *w)
{
    const struct train_key *k = w->key;
    struct shopper *state =
        k->base ? shopper_copy(k->base, k->arena) : shopper_new(k->key, k->arena);
    for (size_t i = 0; i < k->count; i++) {
        int64_t late = state->late_events;
        take_pending(w, state, k->events[i].occurred_us);
        state = step(k, state, i);
        /* An event that arrived late was not there to be acted on at its time: a moment right
         * after it never was. */
        if (is_own_deed(k, &k->events[i]) && state->late_events == late) {
            await_moments(w, k->events[i].occurred_us);
        }
    }
    take_pending(w, state, INT64_MAX);
}

/* ---- a shopper who was somebody else before ---- */

/* Forwarded events occurred before the binding that makes them count: the state of a moment is then
 * what was known at that moment, folded anew, as a dry run in the past does it. Which is why the
 * moments are thinned before. */
static void replay_bound(struct walk *w)
{
    const struct train_key *k = w->key;
    int64_t *times = arena_array(k->arena, k->count * PENDING + 1, sizeof *times);
    struct event *scratch = arena_array(k->arena, k->count + 1, sizeof *scratch);
    size_t count = 0;
    for (size_t i = 0; i <= k->count; i++) {
        bool deed = i < k->count && is_own_deed(k, &k->events[i]);
        int64_t before_us = deed ? k->events[i].occurred_us : INT64_MAX;
        for (; (deed || i == k->count) && w->next_pending < PENDING &&
               w->pending_us[w->next_pending] < before_us;
             w->next_pending++) {
            times[count++] = w->pending_us[w->next_pending];
        }
        if (deed) {
            await_moments(w, before_us);
        }
    }
    /* Each of these folds the whole history anew, so the thinning comes first here. */
    size_t kept = count < KEY_MOMENTS_MAX ? count : KEY_MOMENTS_MAX;
    memcpy(scratch, k->events, k->count * sizeof *scratch);
    for (size_t i = 0; i < kept; i++) {
        int64_t at_us = times[i * count / kept];
        take_moment(w, shopper_fold_all(k->base, k->key, scratch, k->count, at_us, k->arena),
                    at_us);
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
        /* Evenly, so that early and late moments of the shopper stay in proportion; in place, as i
         * count / KEY_MOMENTS_MAX is never below i. */
        set->all[first + i] = set->all[first + i * count / KEY_MOMENTS_MAX];
    }
    set->count = first + KEY_MOMENTS_MAX;
}

/* Moments of one shopper resemble each other: where there are too many, all shoppers stay and each
 * gives fewer. */
#define HASHES (UINT64_C(1) << 32)
static bool is_left_out(const struct moment_set *set, const struct moment *m)
{
    /* Fibonacci hashing (Knuth, The Art of Computer Programming 3, section 6.4): the upper half
     * is well mixed. */
    uint64_t h = (m->key_hash ^ (uint64_t)m->at_us) * UINT64_C(0x9E3779B97F4A7C15);
    return (h >> 32) < set->left_out;
}

static void thin_from(struct moment_set *set, size_t first)
{
    size_t kept = first;
    for (size_t i = first; i < set->count; i++) {
        if (!is_left_out(set, &set->all[i])) {
            set->all[kept++] = set->all[i];
        }
    }
    set->count = kept;
}

static void thin_all(struct moment_set *set)
{
    while (set->count > MOMENTS_MAX) {
        /* By a bound on the hash that only grows: whoever comes later is thinned by the same
         * rule, and the result does not depend on when the limit was met. */
        set->left_out += (HASHES - set->left_out) / 4;
        thin_from(set, 0);
    }
}

struct key_facts {
    bool cart;  /* something could have filled a cart */
    bool bound; /* some events are forwarded */
};

static struct walk walk_begin(struct moment_set *set, const struct train_key *k,
                              struct key_facts *out)
{
    struct walk w = {.key = k, .set = set, .first = set->count, .next_pending = PENDING};
    /* What retention left may hold an open cart that none of the events has filled. */
    *out = (struct key_facts){.cart = k->base != NULL};
    set->key_hash = hash_fnv64(k->key, strlen(k->key));
    w.purchases = arena_array(k->arena, k->count + 1, sizeof *w.purchases);
    for (size_t i = 0; i < k->count; i++) {
        const struct event *e = &k->events[i];
        out->cart = out->cart || could_fill_a_cart(e->type);
        out->bound = out->bound || e->via != NULL;
        if (e->type == EVENT_PURCHASE && identity_counts(k->final, e)) {
            w.purchases[w.purchase_count++] = i;
        }
    }
    return w;
}

void moment_set_take(struct moment_set *set, const struct train_key *k)
{
    struct key_facts facts;
    struct walk w = walk_begin(set, k, &facts);
    /* Most shoppers only look: without anything that could fill a cart there is no moment, and
     * nothing to replay. */
    if (!facts.cart) {
        return;
    }
    if (facts.bound) {
        replay_bound(&w);
    } else {
        replay(&w);
    }
    if (set->count > w.first) {
        thin_shopper(set, w.first);
        thin_from(set, w.first);
        set->keys++;
        thin_all(set);
    }
}

void moment_set_take_at(struct moment_set *set, const struct train_key *k, const int64_t *times_us,
                        size_t count)
{
    struct key_facts facts;
    struct walk w = walk_begin(set, k, &facts);
    struct event *scratch = arena_array(k->arena, k->count + 1, sizeof *scratch);
    struct shopper *state =
        k->base ? shopper_copy(k->base, k->arena) : shopper_new(k->key, k->arena);
    size_t next = 0;
    memcpy(scratch, k->events, k->count * sizeof *scratch);
    for (size_t i = 0; i < count; i++) {
        /* Anew for each time, as replay_bound has it; the others go on from the time before. */
        if (facts.bound) {
            state = shopper_fold_all(k->base, k->key, scratch, k->count, times_us[i], k->arena);
        }
        for (; !facts.bound && next < k->count && k->events[next].occurred_us <= times_us[i];
             next++) {
            state = step(k, state, next);
        }
        take_moment(&w, state, times_us[i]);
    }
    set->keys += set->count > w.first;
}
