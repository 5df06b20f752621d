/* Long folds: states noted on the way, and folding again from one of them. */
#include "domain/shopper/shopper_again.h"

#include "domain/shopper/shopper_fold_internal.h"
#include "domain/shopper/shopper_grounds.h"
#include "domain/shopper/shopper_identity.h"
#include "domain/shopper/shopper_stand_ins.h"

#include <assert.h>
#include <string.h>

/* ---- notes ---- */

void notes_begin(struct fold_onlooker *o, size_t count)
{
    if (o->notes == NULL) {
        return;
    }
    assert(o->notes->spacing > 0);
    o->notes->count = 0;
    for (int64_t far = o->notes->spacing; far <= (int64_t)count + o->behind; far *= 2) {
        o->wanted = far;
    }
}

void notes_take(struct fold_onlooker *o, const struct shopper *s, const struct event *events,
                size_t count, size_t index, struct arena *a)
{
    const int64_t left = (int64_t)(count - index) + o->behind;
    const int64_t at_us = index == 0 ? INT64_MAX : events[index - 1].occurred_us;

    /* Only between two times: lateness and repeats are about events of one. */
    if (left > o->wanted || at_us >= events[index].occurred_us ||
        o->notes->count == CHECKPOINTS_MAX) {
        return;
    }
    o->notes->all[o->notes->count++] = (struct checkpoint){
        .at_us = at_us, .events = o->before + (int64_t)index, .state = shopper_copy(s, a)};
    while (o->wanted >= left) {
        o->wanted = o->wanted / 2 < o->notes->spacing ? 0 : o->wanted / 2;
    }
}

struct shopper *shopper_fold_noting(const struct shopper *base, const char *key,
                                    struct event *events, size_t count, struct checkpoints *out,
                                    struct arena *a)
{
    struct fold_onlooker o = {.notes = out};

    return fold_set(base, key, events, count, &o, a);
}

/* ---- from a state ---- */

/* A customer's merges happen at a time, so they are the state's; which intervals there are is not. */
static bool keep_merges(struct shopper *known, const struct shopper *then)
{
    if (identity_is_anonymous(known)) {
        return true;
    }
    if (known->binding_count != then->binding_count) {
        return false;
    }
    for (size_t i = 0; i < known->binding_count; i++) {
        struct binding *b = &known->bindings[i];
        const struct binding *was = &then->bindings[i];
        if (strcmp(b->other, was->other) != 0 || b->from_us != was->from_us ||
            b->until_us != was->until_us) {
            return false;
        }
        b->identified = was->identified;
        b->login_us = was->login_us;
    }
    return true;
}

/* The counts, and the place in the order. */
struct shopper *fold_handed_over(const struct shopper *s, struct arena *a)
{
    struct shopper *bound = shopper_new(s->key, a);

    bound->bindings = s->bindings;
    bound->binding_count = s->binding_count;
    bound->bindings_seen = s->bindings_seen;
    bound->bound_last_us = s->bound_last_us;
    bound->guessed = s->guessed;
    bound->grounds = s->grounds;
    bound->ground_count = s->ground_count;
    stand_ins_take(bound, s);
    bound->events = s->events + s->late_events;
    bound->first_us = s->first_us;
    bound->last_us = s->last_us;
    bound->at_us = s->at_us;
    bound->at_rank = s->at_rank;
    bound->at_id = s->at_id;
    return bound;
}

static struct shopper *start_again(struct shopper *known, const struct shopper *then,
                                   struct arena *a)
{
    struct shopper *s = shopper_copy(then, a);

    s->bindings = known->bindings;
    s->binding_count = known->binding_count;
    s->named = known->named;
    s->named_count = known->named_count;
    s->bindings_seen = known->bindings_seen;
    s->guessed = known->guessed;
    s->grounds = known->grounds;
    s->ground_count = known->ground_count;
    stand_ins_take(s, known);
    s->bound_last_us = known->bound_last_us;
    return s;
}

/* One of the news is the whole of a closer that has stood in for it: what that made late may be in time now. */
static bool mend_a_closer(const struct event *events, size_t count, size_t news)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t n = 0; events[i].stands_in && late_is_closer(&events[i]) && n < news; n++) {
            if (!events[n].stands_in && strcmp(events[n].sort_id, events[i].sort_id) == 0) {
                return true;
            }
        }
    }
    return false;
}

struct shopper *shopper_fold_again(const struct shopper *known, const struct checkpoint *from,
                                   struct event *events, size_t count, size_t news,
                                   struct checkpoints *out, struct arena *a)
{
    struct fold_onlooker o = {.notes = out, .before = from->events};
    struct shopper *who = shopper_copy(known, a);

    (void)fold_put_in_order(events, news); /* logins count in order of time */
    for (size_t i = 0; i < news; i++) {
        if (events[i].occurred_us <= from->at_us || !fold_learns(who, from->state, &events[i], a)) {
            return NULL;
        }
    }
    if (from->state->late_events > 0 && mend_a_closer(events, count, news)) {
        return NULL;
    }
    size_t behind = fold_put_in_order(events, count);
    if (!keep_merges(who, from->state) || !grounds_keep(who, events, &behind)) {
        return NULL;
    }
    struct shopper *s = start_again(who, from->state, a);
    fold_ordered(s, events, behind, &o, a);
    return s;
}

void checkpoints_thin(const int64_t *events, size_t count, int64_t total, bool *out_keep)
{
    int64_t far = 0; /* of the one kept last, from the end */

    for (size_t i = 0; i < count; i++) {
        const bool outer = i == 0 || i + 1 == count;
        out_keep[i] = outer || far > 2 * (total - events[i + 1]);
        far = out_keep[i] ? total - events[i] : far;
    }
}
