/* What a batch tells other shoppers (domain/shopper/shopper.h, "Identity"): a customer's event that names an anonymous
 * shopper binds it in its own lane; a bound anonymous shopper forwards its events, and tells the customers
 * concerned their intervals. All of it goes to the log under ids derived from the cause, so that a repeat is a
 * duplicate; how it gets there is fold_derive.c's. */
#include "fold/fold_batch.h"

#include "base/cleanup.h"

#include <assert.h>
#include <string.h>

enum { BODY_MAX_BYTES = 32 << 20 };

/* Rows to append, growing in the arena. */
struct derived {
    struct arena *arena;
    struct buf *body; /* scratch, borrowed */
    struct event_row *rows;
    size_t count;
    size_t cap;
};

static const char *customer_key(const char *customer_id, struct arena *a)
{
    return arena_printf(a, "c:%s", customer_id);
}

/* Takes the body from the scratch. */
static void derived_add(struct derived *d, struct event_row row)
{
    assert(buf_ok(d->body));
    if (d->count == d->cap) {
        size_t cap = d->cap == 0 ? 64 : 2 * d->cap;
        struct event_row *rows = arena_array(d->arena, cap, sizeof *rows);
        if (d->count > 0) {
            memcpy(rows, d->rows, d->count * sizeof *rows);
        }
        d->rows = rows;
        d->cap = cap;
    }
    row.body = arena_strndup(d->arena, buf_text(d->body), d->body->len);
    d->rows[d->count++] = row;
    buf_reset(d->body);
}

/* In arena. */
static const char *derived_id(struct derived *d, const char *kind, const char *scope,
                              const char *cause)
{
    char id[EVENT_DERIVED_ID_MAX];

    return arena_strdup(d->arena, event_derived_id(kind, scope, cause, id));
}

/* ---- a customer's lane: logins and logouts ---- */

static void tell_login(struct derived *d, const struct fold_key *k, const struct event *e)
{
    struct shopper_login login;

    if (!shopper_login(k->after, e, &login)) {
        return;
    }
    const char *id = derived_id(d, login.ends ? "unbound" : "bound", k->key, e->event_id);
    event_encode_login(d->body, &(struct login){.id = id,
                                                .customer_id = k->key + 2,
                                                .via = login.via,
                                                .at_us = login.at_us,
                                                .ends = login.ends,
                                                .guessed = login.guessed,
                                                .cart_id = login.cart_id});
    derived_add(d, (struct event_row){.event_id = id,
                                      .key = arena_printf(d->arena, "a:%s", login.via),
                                      .type = event_type_name(event_login_type(login.ends)),
                                      .occurred_us = login.at_us});
}

/* Most of a customer's events name nobody, and decoding them again would be most of the work. */
static bool may_name(const struct log_event *log)
{
    return strcmp(log->type, event_type_name(EVENT_DERIVED_FORWARDED)) != 0 &&
           event_packed_may_name(&log->packed);
}

/* Where the events of the batch begin. */
static int64_t first_off(const struct fold_key *k)
{
    int64_t off = INT64_MAX;

    for (size_t i = 0; i < k->count; i++) {
        off = k->events[i].log->off < off ? k->events[i].log->off : off;
    }
    return off;
}

/* Logins that an answer has made news again, and no others: of a customer who logs in all the time that would be all of them at each answer. sweep:
 * the document was of another version, which may have asked for less. */
static void tell_logins_of_history(struct derived *d, const struct fold_key *k, int64_t news_off)
{
    for (size_t i = 0; i < k->history.count; i++) {
        const struct log_event *log = &k->history.events[i];
        struct event e;
        struct err dead;
        if (may_name(log) && log_event_decode(log, d->arena, &e, &dead) &&
            (k->sweep || log->off >= news_off || shopper_login_again(k->before, k->after, &e))) {
            tell_login(d, k, &e);
        }
    }
}

size_t fold_identity_logins(const struct fold_told *t, const struct history *events,
                            struct arena *a, struct event_row **out)
{
    CLEANUP(buf_free) struct buf body = buf_make(BODY_MAX_BYTES);
    struct derived d = {.arena = a, .body = &body};
    const struct fold_key k = {.key = t->key,
                               .before = t->before,
                               .after = t->after,
                               .sweep = t->sweep,
                               .history = *events};

    /* no offset is news here: only what an answer has made so is told */
    tell_logins_of_history(&d, &k, INT64_MAX);
    *out = d.rows;
    return d.count;
}

static void derive_customer(struct derived *d, const struct fold_key *k)
{
    if (k->refold && (k->sweep || fold_key_answered(k))) {
        tell_logins_of_history(d, k, first_off(k));
        return;
    }
    for (size_t i = 0; i < k->count; i++) {
        if (!k->events[i].dead) {
            tell_login(d, k, &k->events[i].event);
        }
    }
}

/* ---- an anonymous shopper's lane ---- */

/* One event of a bound anonymous shopper goes to whom it belongs to. */
static void forward(struct derived *d, const struct fold_key *k, const struct log_event *log,
                    enum event_type type)
{
    const char *owner = shopper_owner_at(k->after, log->occurred_us);

    /* A binding is about this key alone; everything else may matter to whoever owned the browser then. */
    if (owner == NULL || type == EVENT_DERIVED_SHOPPER_BOUND ||
        type == EVENT_DERIVED_SHOPPER_UNBOUND) {
        return;
    }
    const char *key = customer_key(owner, d->arena);
    size_t len;
    const char *body = log_event_body(log, d->arena, &len);
    struct forwarding f = {
        .id = derived_id(d, "fwd", key, log->event_id),
        .owner = owner,
        .via = k->key + 2,
        .body = body,
        .body_len = len,
        .origin = log->origin,
        .times = {.occurred_us = log->occurred_us, .received_us = log->received_us}};
    event_encode_forwarded(d->body, &f);
    derived_add(d, (struct event_row){.event_id = f.id,
                                      .key = key,
                                      .type = event_type_name(EVENT_DERIVED_FORWARDED),
                                      .occurred_us = log->occurred_us});
}

static bool changed_hands(const struct fold_key *k, const struct log_event *log)
{
    const char *was = k->before == NULL ? NULL : shopper_owner_at(k->before, log->occurred_us);
    const char *is = shopper_owner_at(k->after, log->occurred_us);

    return k->before != NULL && is != NULL && (was == NULL || strcmp(was, is) != 0);
}

/* Of what does not decode nothing: it is a dead letter, and was counted when it came. */
static void forward_log(struct derived *d, const struct fold_key *k, const struct log_event *log)
{
    struct event e;
    struct err dead;

    if (log_event_decode(log, d->arena, &e, &dead)) {
        forward(d, k, log, e.type);
    }
}

size_t fold_identity_changed(const struct fold_key *k, const struct history *events,
                             struct arena *a, struct event_row **out)
{
    CLEANUP(buf_free) struct buf body = buf_make(BODY_MAX_BYTES);
    struct derived d = {.arena = a, .body = &body};

    for (size_t i = 0; i < events->count; i++) {
        if (changed_hands(k, &events->events[i])) {
            forward_log(&d, k, &events->events[i]);
        }
    }
    *out = d.rows;
    return d.count;
}

size_t fold_identity_handed(const char *key, struct shopper *who, const struct history *events,
                            int64_t since_us, struct arena *a, struct event_row **out)
{
    CLEANUP(buf_free) struct buf body = buf_make(BODY_MAX_BYTES);
    struct derived d = {.arena = a, .body = &body};
    const struct fold_key k = {.key = key, .after = who};

    for (size_t i = 0; i < events->count; i++) {
        if (events->events[i].occurred_us >= since_us) {
            forward_log(&d, &k, &events->events[i]);
        }
    }
    *out = d.rows;
    return d.count;
}

static void forward_batch(struct derived *d, const struct fold_key *k)
{
    for (size_t i = 0; i < k->count; i++) {
        /* Those go with the rest of what changed hands, which is read from the log up to
         * this batch's end. */
        if (!k->events[i].dead && !changed_hands(k, k->events[i].log)) {
            forward(d, k, k->events[i].log, k->events[i].event.type);
        }
    }
}

/* Tells one customer all its intervals of this anonymous shopper. */
static void tell_intervals(struct derived *d, const struct fold_key *k, const char *customer_id,
                           int64_t at_us)
{
    struct event_interval intervals[BINDINGS_MAX];
    struct arena *a = d->arena;
    struct binding_set set = {.customer_id = customer_id,
                              .via = k->key + 2,
                              .version = k->after->bindings_seen,
                              .intervals = intervals,
                              .at_us = at_us};

    /* The version tells the customer which of two sets is newer, whatever order they are folded in; it is part of the id, so
     * that a refold which derives the same set again derives a duplicate. */
    set.interval_count = shopper_intervals_of(k->after, customer_id, intervals);
    set.id = derived_id(d, "bind", k->key,
                        arena_printf(a, "%s\n%lld", customer_id, (long long)set.version));
    event_encode_binding_set(d->body, &set);
    derived_add(d, (struct event_row){.event_id = set.id,
                                      .key = customer_key(customer_id, a),
                                      .type = event_type_name(EVENT_DERIVED_BINDING_SET),
                                      .occurred_us = at_us});
}

/* The newest change among the batch's events: what a binding_set is dated by. */
static int64_t newest_change_us(const struct fold_key *k)
{
    int64_t at_us = INT64_MIN;

    if (k->told_us != 0) {
        return k->told_us;
    }
    for (size_t i = 0; i < k->count; i++) {
        const struct fold_event *e = &k->events[i];
        if (!e->dead && shopper_changes_owner(k->after, &e->event) && e->log->occurred_us > at_us) {
            at_us = e->log->occurred_us;
        }
    }
    return at_us;
}

/* Whoever asks is answered, if only with no: by that it knows what else it has to ask. Who has an interval
 * was told of it, now or before. */
static void answer_losers(struct derived *d, const struct fold_key *k, const char *const *told,
                          size_t told_count)
{
    struct event_interval intervals[BINDINGS_MAX];

    for (size_t i = 0; i < k->count; i++) {
        const struct event *e = &k->events[i].event;
        bool wants = !k->events[i].dead && e->type == EVENT_DERIVED_SHOPPER_BOUND &&
                     shopper_intervals_of(k->after, e->customer_id, intervals) == 0;
        for (size_t n = 0; n < told_count && wants; n++) {
            wants = strcmp(told[n], e->customer_id) != 0;
        }
        if (wants) {
            tell_intervals(d, k, e->customer_id, newest_change_us(k));
        }
    }
}

static void derive_anonymous(struct derived *d, const struct fold_key *k)
{
    const char *customers[2 * BINDINGS_MAX];
    size_t changed =
        k->before == NULL ? 0 : shopper_bindings_changed(k->before, k->after, customers);

    if (!k->handed_over) {
        forward_batch(d, k);
    }
    /* The customer's fold ignores forwarded events outside of its intervals, and asks for a refold when a set comes, so that either
     * order gives the same in the end. */
    for (size_t i = 0; i < changed; i++) {
        tell_intervals(d, k, customers[i], newest_change_us(k));
    }
    answer_losers(d, k, customers, changed);
}

/* ---- two who had to do with one cart ---- */

/* To the customer, whose events it names the browser by, and who tells that one. */
static void tell_meeting(struct derived *d, const struct cart_meeting *m, const char *cause)
{
    const char *id = derived_id(d, m->taken_back ? "unnamed" : "named", m->customer, cause);

    event_encode_named(d->body, &(struct naming){.id = id,
                                                 .customer_id = m->customer + 2,
                                                 .anonymous_id = m->anonymous + 2,
                                                 .cart_id = m->cart_id,
                                                 .at_us = m->ordered_us,
                                                 .taken_back = m->taken_back});
    derived_add(d, (struct event_row){.event_id = id,
                                      .key = m->customer,
                                      .type = event_type_name(EVENT_DERIVED_SHOPPER_NAMED),
                                      .occurred_us = m->ordered_us});
}

/* That it never met is told to both at once: the sooner the browser has its own again, the less there is to wait for. */
static void tell_parting(struct derived *d, const struct cart_meeting *m, const char *cause)
{
    const char *id = derived_id(d, "unbound", m->customer, cause);

    event_encode_login(d->body, &(struct login){.id = id,
                                                .customer_id = m->customer + 2,
                                                .via = m->anonymous + 2,
                                                .at_us = m->ordered_us,
                                                .ends = true,
                                                .taken_back = true,
                                                .cart_id = m->cart_id});
    derived_add(d, (struct event_row){.event_id = id,
                                      .key = m->anonymous,
                                      .type = event_type_name(event_login_type(true)),
                                      .occurred_us = m->ordered_us});
}

static void tell_of_cart(struct derived *d, const struct cart_meeting *m)
{
    const char *cause =
        arena_printf(d->arena, "%s\n%s\n%lld", m->anonymous, m->cart_id, (long long)m->ordered_us);

    tell_meeting(d, m, cause);
    if (m->taken_back) {
        tell_parting(d, m, cause);
    }
}

size_t fold_identity_rows(const struct fold_batch *b, const struct cart_meeting *meetings,
                          size_t meeting_count, struct event_row **out)
{
    CLEANUP(buf_free) struct buf body = buf_make(BODY_MAX_BYTES);
    struct derived d = {.arena = b->arena, .body = &body};

    for (size_t i = 0; i < meeting_count; i++) {
        tell_of_cart(&d, &meetings[i]);
    }
    for (size_t i = 0; i < b->key_count; i++) {
        const struct fold_key *k = &b->keys[i];
        if (k->key[0] != 'a') {
            derive_customer(&d, k);
        } else if (!k->waits) { /* what is its own it tells when it is folded */
            derive_anonymous(&d, k);
        }
    }
    *out = d.rows;
    return d.count;
}
