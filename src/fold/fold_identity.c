/* What a batch tells other shoppers (domain/shopper/shopper.h, "Identity"): a customer's event that names an anonymous
 * shopper binds it in its own lane; a bound anonymous shopper forwards its events, and tells the customers
 * concerned their intervals. All of it goes to the log in one transaction, under ids derived from the
 * cause, so that a repeat is a duplicate. */
#include "fold/fold_batch.h"

#include "base/cleanup.h"
#include "store/derived.h"
#include "store/heavy.h"

#include <assert.h>
#include <string.h>

enum { BODY_MAX_BYTES = 32 << 20, PAGE_EVENTS = 1000 };

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
                                                .guessed = login.guessed});
    derived_add(d, (struct event_row){.event_id = id,
                                      .key = arena_printf(d->arena, "a:%s", login.via),
                                      .type = event_type_name(event_login_type(login.ends)),
                                      .occurred_us = login.at_us});
}

/* Most events name nobody, and decoding them again would be most of the work. */
static bool may_name(const struct log_event *log)
{
    static const char member[] = "\"anonymous_id\"";

    return strcmp(log->type, event_type_name(EVENT_DERIVED_FORWARDED)) != 0 &&
           memmem(log->body, log->body_len, member, sizeof member - 1) != NULL;
}

/* Logins that an answer has made news again. */
static void tell_logins_of_history(struct derived *d, const struct fold_key *k)
{
    for (size_t i = 0; i < k->history.count; i++) {
        const struct log_event *log = &k->history.events[i];
        struct event e;
        struct err dead;
        if (may_name(log) && log_event_decode(log, d->arena, &e, &dead)) {
            tell_login(d, k, &e);
        }
    }
}

static bool was_answered(const struct fold_key *k)
{
    bool found = false;

    for (size_t i = 0; i < k->count && !found; i++) {
        found = !k->events[i].dead && k->events[i].event.type == EVENT_DERIVED_BINDING_SET;
    }
    return found;
}

static void derive_customer(struct derived *d, const struct fold_key *k)
{
    /* sweep: the document was of another version, which may have asked for less */
    if (k->refold && (k->sweep || was_answered(k))) {
        tell_logins_of_history(d, k);
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
    struct forwarding f = {
        .id = derived_id(d, "fwd", key, log->event_id),
        .owner = owner,
        .via = k->key + 2,
        .body = log->body,
        .body_len = log->body_len,
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

size_t fold_identity_changed(const struct fold_key *k, const struct history *events,
                             struct arena *a, struct event_row **out)
{
    CLEANUP(buf_free) struct buf body = buf_make(BODY_MAX_BYTES);
    struct derived d = {.arena = a, .body = &body};

    for (size_t i = 0; i < events->count; i++) {
        const struct log_event *log = &events->events[i];
        struct event e;
        struct err dead;
        if (changed_hands(k, log) &&
            log_event_decode(log, a, &e,
                             &dead)) { /* else it is a dead letter, and was counted when it came */
            forward(&d, k, log, e.type);
        }
    }
    *out = d.rows;
    return d.count;
}

static void forward_batch(struct derived *d, const struct fold_key *k)
{
    for (size_t i = 0; i < k->count; i++) {
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

    if (k->after->binding_count == 0) {
        return;
    }
    forward_batch(d, k);
    /* The customer's fold ignores forwarded events outside of its intervals, and asks for a refold when a set comes, so that either
     * order gives the same in the end. */
    for (size_t i = 0; i < changed; i++) {
        tell_intervals(d, k, customers[i], newest_change_us(k));
    }
    answer_losers(d, k, customers, changed);
}

/* ---- two who had to do with one cart ---- */

static void tell_meeting(struct derived *d, const struct cart_meeting *m)
{
    const char *id = derived_id(
        d, "named", m->customer,
        arena_printf(d->arena, "%s\n%s\n%lld", m->anonymous, m->cart_id, (long long)m->ordered_us));

    event_encode_named(d->body, &(struct naming){.id = id,
                                                 .customer_id = m->customer + 2,
                                                 .anonymous_id = m->anonymous + 2,
                                                 .at_us = m->ordered_us});
    derived_add(d, (struct event_row){.event_id = id,
                                      .key = m->customer,
                                      .type = event_type_name(EVENT_DERIVED_SHOPPER_NAMED),
                                      .occurred_us = m->ordered_us});
}

size_t fold_identity_rows(const struct fold_batch *b, const struct cart_meeting *meetings,
                          size_t meeting_count, struct event_row **out)
{
    CLEANUP(buf_free) struct buf body = buf_make(BODY_MAX_BYTES);
    struct derived d = {.arena = b->arena, .body = &body};

    for (size_t i = 0; i < meeting_count; i++) {
        tell_meeting(&d, &meetings[i]);
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

/* ---- to the log ---- */

/* From when on something changed hands that had been folded before this batch; INT64_MAX: nothing did. */
static int64_t changed_since(const struct fold_key *k)
{
    return k->waits || k->before == NULL || k->after->binding_count == 0
               ? INT64_MAX
               : shopper_owner_changed_from(k->before, k->after);
}

/* Who may be told: whom the rows are for, and the owners of what changed hands. With the fold's patience, which is shorter than that of
 * an append: who is told waits for nobody for long. */
static bool lock_lanes(const struct fold_batch *b, const struct event_row *rows, size_t count,
                       struct db *db, struct err *err)
{
    struct arena *a = b->arena;
    int32_t *lanes = arena_array(a, count + b->key_count * BINDINGS_MAX, sizeof *lanes);
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        lanes[n++] = event_lane(rows[i].key);
    }
    for (size_t i = 0; i < b->key_count; i++) {
        const struct fold_key *k = &b->keys[i];
        for (size_t o = 0; changed_since(k) != INT64_MAX && o < k->after->binding_count; o++) {
            lanes[n++] = event_lane(customer_key(k->after->bindings[o].other, a));
        }
    }
    struct db_call lock = store_lanes_lock(lanes, n, a);
    return n == 0 || db_exec(db, lock.query, &lock.params, NULL, err);
}

static bool append(struct fold_batch *b, const struct event_row *rows, size_t count,
                   struct arena *a, struct db *db, struct err *err)
{
    enum append_status *status = arena_array(a, count, sizeof *status);
    size_t waiting = 0;

    if (count == 0) {
        return true;
    }
    if (b->patient) { /* the lanes are locked */
        return store_events_append(db, rows, count, ORIGIN_DERIVED, b->now_us, status, err);
    }
    if (!store_derived_append(db, rows, count, b->now_us, a, &waiting, err)) {
        return false;
    }
    b->waiting += waiting;
    return true;
}

/* Where the next page of one shopper's events begins: first those that are known by time, then those behind. */
struct page {
    struct heavy_place known;
    struct history_range behind;
    bool known_done;
};

static bool page_next(struct db *db, struct history_key key, struct page *p, struct arena *a,
                      struct history *out, struct err *err)
{
    if (!p->known_done) {
        if (!store_heavy_behind(db, key, p->known, p->behind.most, a, out, err)) {
            return false;
        }
        p->known_done = (int64_t)out->count < p->behind.most;
        if (out->count > 0) {
            const struct log_event *last = &out->events[out->count - 1];
            p->known = (struct heavy_place){last->occurred_us, last->off};
            return true;
        }
    }
    if (!store_history_page(db, key, &p->behind, a, out, err)) {
        return false;
    }
    if (out->count > 0) {
        p->behind.after_off = out->events[out->count - 1].off;
    }
    return true;
}

static bool page_begin(struct db *db, struct history_key key, const struct fold_key *k,
                       struct arena *a, struct page *out, struct err *err)
{
    const struct history_keys one = {.lanes = &key.lane, .keys = &key.key, .count = 1};
    const int64_t since_us = changed_since(k);
    struct heavy_known known;

    if (!store_heavy_known(db, &one, a, &known, err)) {
        return false;
    }
    *out = (struct page){.known = {since_us, 0},
                         .behind = {.after_off = known.known_off,
                                    .last_off = k->last_off,
                                    .since_us = since_us,
                                    .most = PAGE_EVENTS},
                         .known_done = known.doc == NULL};
    return true;
}

/* Forwarding again what was forwarded before costs an insert that conflicts; missing one costs a cart. */
static bool forward_changed(struct fold_batch *b, const struct fold_key *k, struct db *db,
                            struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    const struct history_key key = {k->lane, k->key};
    struct history events = {.count = 1};
    struct page p;

    if (!page_begin(db, key, k, &a, &p, err)) {
        return false;
    }
    while (events.count > 0) {
        struct event_row *rows;
        arena_reset(&a);
        if (!page_next(db, key, &p, &a, &events, err)) {
            return false;
        }
        const size_t count = fold_identity_changed(k, &events, &a, &rows);
        if (!append(b, rows, count, &a, db, err)) {
            return false;
        }
    }
    return true;
}

bool fold_batch_derive(struct fold_batch *b, struct db *db, struct err *err)
{
    struct cart_meeting *meetings;
    struct event_row *rows;
    size_t meeting_count;

    if (!fold_orders_meet(b, db, &meetings, &meeting_count, err)) {
        return false;
    }
    const size_t count = fold_identity_rows(b, meetings, meeting_count, &rows);
    if (b->patient && !lock_lanes(b, rows, count, db, err)) {
        return false;
    }
    for (size_t i = 0; i < b->key_count; i++) {
        if (changed_since(&b->keys[i]) != INT64_MAX && !forward_changed(b, &b->keys[i], db, err)) {
            return false;
        }
    }
    return append(b, rows, count, b->arena, db, err);
}
