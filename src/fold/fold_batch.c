/* One batch of the fold: decode, group by shopper, apply, write. Which events to read, and the transaction
 * around it, are fold.c's. */
#include "fold/fold_batch.h"

#include "base/cleanup.h"
#include "base/metric.h"
#include "eventlog/refused.h"
#include "fold/fold_heavy.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE_EVENTS = 20000 };

/* ---- decode and group ---- */

/* Only an order that asks for few refolds: the fold itself does not depend on it. */
static int event_order(const void *x, const void *y)
{
    const struct fold_event *a = x;
    const struct fold_event *b = y;
    int key = strcmp(a->log->key, b->log->key);

    if (a->log->lane != b->log->lane) {
        return a->log->lane < b->log->lane ? -1 : 1;
    }
    if (key != 0) {
        return key;
    }
    if (a->log->occurred_us != b->log->occurred_us) {
        return a->log->occurred_us < b->log->occurred_us ? -1 : 1;
    }
    return a->log->off < b->log->off ? -1 : 1;
}

/* A key lies in one lane. */
static bool same_shopper(const struct fold_event *a, const struct fold_event *b)
{
    return strcmp(a->log->key, b->log->key) == 0;
}

static struct fold_key key_of_run(struct fold_event *events, size_t count)
{
    struct fold_key k = {
        .lane = events[0].log->lane, .key = events[0].log->key, .events = events, .count = count};

    /* The events stand in the order of time, so that the newest offset may be any of them. */
    for (size_t i = 0; i < count; i++) {
        k.last_off = events[i].log->off > k.last_off ? events[i].log->off : k.last_off;
    }
    return k;
}

static void group_keys(struct fold_batch *b)
{
    int32_t *lanes = arena_array(b->arena, b->count, sizeof *lanes);
    const char **names = arena_array(b->arena, b->count, sizeof *names);

    b->keys = arena_array(b->arena, b->count, sizeof *b->keys);
    /* The sort has put each shopper's events side by side. */
    for (size_t i = 0, end; i < b->count; i = end) {
        end = i + 1;
        while (end < b->count && same_shopper(&b->events[i], &b->events[end])) {
            end++;
        }
        struct fold_key *k = &b->keys[b->key_count];
        *k = key_of_run(&b->events[i], end - i);
        lanes[b->key_count] = k->lane;
        names[b->key_count++] = k->key;
    }
    b->names = (struct history_keys){.lanes = lanes, .keys = names, .count = b->key_count};
}

void fold_batch_make(struct fold_batch *b, const struct log_event *events, size_t count,
                     int64_t now_us, struct arena *a)
{
    *b = (struct fold_batch){.arena = a, .count = count, .now_us = now_us};
    b->events = arena_array(a, count, sizeof *b->events);
    for (size_t i = 0; i < count; i++) {
        struct fold_event *e = &b->events[i];
        int64_t *last = &b->last_offs[events[i].lane];
        e->log = &events[i];
        /* The cursor moves past an event that does not decode: it must not stop its lane. */
        e->dead = !log_event_decode(e->log, a, &e->event, &e->fault);
        b->dead += e->dead ? 1 : 0;
        *last = e->log->off > *last ? e->log->off : *last;
    }
    qsort(b->events, count, sizeof *b->events, event_order);
    group_keys(b);
}

/* ---- apply ---- */

static bool has_binding(const struct fold_key *k)
{
    bool found = false;

    for (size_t i = 0; i < k->count && !found; i++) {
        found = !k->events[i].dead && shopper_changes_owner(k->after, &k->events[i].event);
    }
    return found;
}

bool fold_key_answered(const struct fold_key *k)
{
    bool found = false;

    for (size_t i = 0; i < k->count && !found; i++) {
        found = !k->events[i].dead && k->events[i].event.type == EVENT_DERIVED_BINDING_SET;
    }
    return found;
}

static void note_stored_carts(struct fold_key *k)
{
    struct cart_row rows[CARTS_MAX];

    k->stored_cart_count = shopper_cart_rows(k->after, k->lane, rows);
    for (size_t i = 0; i < k->stored_cart_count; i++) {
        k->stored_carts[i] = rows[i].cart_id;
    }
}

/* The names alone, so that whom the shopper names again and again is not told at every event. */
static void take_names(struct fold_key *k, struct arena *a)
{
    for (size_t i = 0; i < k->count; i++) {
        if (!k->events[i].dead) {
            shopper_take_name(k->after, &k->events[i].event, a);
        }
    }
}

void fold_key_postpone(struct fold_key *k, struct arena *a)
{
    k->waits = true;
    k->refold = false;
    take_names(k, a);
}

/* How many events it had by a document of another version; 0: that does not even tell. */
static int64_t events_of_doc(const struct fold_key *k, struct arena *a)
{
    struct err broken = {0};
    struct shopper *s;

    return shopper_decode(k->doc, strlen(k->doc), a, &s, &broken) ? s->events + s->late_events : 0;
}

/* One after the other, as far as the order allows. A document that cannot be read (another version wrote
 * it) is no reason to stop: the log has everything. */
void fold_key_apply(struct fold_key *k, struct arena *a)
{
    struct err unreadable = {0};

    if (!shopper_from_doc(k->key, k->doc, a, &k->after, &unreadable)) {
        k->events_before = events_of_doc(k, a);
        k->after = shopper_new(k->key, a);
        k->refold = true;
        k->sweep = true;
    }
    if (k->waits) {
        fold_key_postpone(k, a);
        return;
    }
    k->events_before = k->sweep ? k->events_before : k->after->events;
    note_stored_carts(k);
    if (has_binding(k) || fold_key_answered(k)) { /* what it tells is about what changes by that */
        k->before = shopper_copy(k->after, a);
    }
    for (size_t i = 0; i < k->count && !k->refold; i++) {
        const struct fold_event *e = &k->events[i];
        k->refold = !e->dead && shopper_apply(k->after, &e->event, a) == SHOPPER_REFOLD;
    }
}

static bool read_docs(struct fold_batch *b, struct db *db, struct err *err)
{
    struct shopper_row *rows = arena_array(b->arena, b->key_count, sizeof *rows);

    if (!store_shoppers_read(db, b->names.lanes, b->names.keys, b->key_count, b->arena, rows,
                             err)) {
        return false;
    }
    for (size_t i = 0; i < b->key_count; i++) {
        b->keys[i].doc = rows[i].doc;
        /* Alone is the stale shopper's own turn; in a batch of everybody it goes on waiting. */
        b->keys[i].waits = rows[i].stale && !b->alone;
    }
    return true;
}

/* Those that are still to be folded from the log, in parallel arrays; in arena. */
struct wanted {
    struct history_keys names;
    int64_t *last_offs;
    struct fold_key **keys;
};

/* What it tells others is told of its history, too (fold_identity_rows). */
static bool keeps_history(const struct fold_key *k)
{
    return k->sweep || fold_key_answered(k);
}

static struct wanted histories_wanted(const struct fold_batch *b, bool kept)
{
    struct arena *a = b->arena;
    int32_t *lanes = arena_array(a, b->key_count, sizeof *lanes);
    const char **names = arena_array(a, b->key_count, sizeof *names);
    struct wanted w = {.last_offs = arena_array(a, b->key_count, sizeof *w.last_offs),
                       .keys = arena_array(a, b->key_count, sizeof(struct fold_key *))};
    size_t n = 0;

    for (size_t i = 0; i < b->key_count; i++) {
        struct fold_key *k = &b->keys[i];
        if (k->refold && keeps_history(k) == kept) {
            lanes[n] = k->lane;
            names[n] = k->key;
            w.last_offs[n] = k->last_off;
            w.keys[n++] = k;
        }
    }
    w.names = (struct history_keys){.lanes = lanes, .keys = names, .count = n};
    return w;
}

/* Of those, from the first on, as many as have WHOLE_EVENTS together; one at least. */
static size_t group_size(const struct wanted *w, size_t first)
{
    int64_t events = 0;
    size_t n = 0;

    while (first + n < w->names.count && events < WHOLE_EVENTS) {
        const struct fold_key *k = w->keys[first + n++];
        events += k->events_before + (int64_t)k->count;
    }
    return n;
}

static bool fold_group(struct fold_batch *b, const struct wanted *w, size_t first, size_t count,
                       struct arena *a, struct db *db, struct err *err)
{
    const struct history_keys names = {
        .lanes = w->names.lanes + first, .keys = w->names.keys + first, .count = count};
    struct history *histories = arena_array(a, count, sizeof *histories);
    struct shopper_row *docs = arena_array(a, count, sizeof *docs);

    /* The documents for their bases: what retention has removed is not in the log any more. */
    if (!store_history_events(db, &names, w->last_offs + first, a, histories, err) ||
        !store_history_docs(db, &names, a, docs, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct fold_key *k = w->keys[first + i];
        k->history = histories[i];
        if (!fold_heavy_whole(b, k, docs[i].base, a, db, err)) {
            return false;
        }
    }
    return true;
}

/* Reads the whole histories and folds again; in memory are those of some shoppers at a time, but of who needs theirs afterwards. */
static bool read_whole(struct fold_batch *b, struct db *db, struct err *err)
{
    const struct wanted kept = histories_wanted(b, true);
    const struct wanted others = histories_wanted(b, false);

    if (kept.names.count > 0 && !fold_group(b, &kept, 0, kept.names.count, b->arena, db, err)) {
        return false;
    }
    for (size_t i = 0, n; i < others.names.count; i += n) {
        CLEANUP(arena_free) struct arena a = {0};
        n = group_size(&others, i);
        if (!fold_group(b, &others, i, n, &a, db, err)) {
            return false;
        }
        /* Out of the group's arena, which ends here, and with it what the histories point to. */
        for (size_t g = i; g < i + n; g++) {
            others.keys[g]->after = shopper_copy(others.keys[g]->after, b->arena);
            others.keys[g]->history = (struct history){0};
        }
    }
    return true;
}

bool fold_batch_apply(struct fold_batch *b, struct db *db, struct err *err)
{
    if (!read_docs(b, db, err)) {
        return false;
    }
    for (size_t i = 0; i < b->key_count; i++) {
        fold_key_apply(&b->keys[i], b->arena);
    }
    /* Checkpoints first: whom they serve, and who is put off, asks for no history. */
    return fold_heavy_try(b, db, err) && read_whole(b, db, err);
}

/* ---- write ---- */

static bool worth_a_score(const struct shopper *s, const struct cart *c,
                          const struct cart_clock *clock, int64_t now_us)
{
    /* An import brings years of carts that nobody will speak about; scoring them would be most of its time. */
    bool history = c->imported && cart_state(c, s->last_us, clock, now_us) == STATE_EXPIRED;

    return c->status == CART_OPEN && c->line_count > 0 && !s->bot && !history;
}

static void score(struct cart_row *row, const struct shopper *s, const struct cart *c,
                  const struct live_set *models, int64_t now_us)
{
    struct features x;

    /* A shopper's clock may run ahead of ours: the moment is then that of the last event, as in training. */
    features_of(s, c, now_us > s->last_us ? now_us : s->last_us, &models->context, &x);
    row->risk = risk_probability(models->risk, &x);
    row->risk_model = risk_version(models->risk);
    row->scored_us = now_us;
}

/* Carts come much more often than they go; looking for some to delete costs more than writing them. */
static bool lost_a_cart(const struct fold_key *k, const struct cart_row *rows, size_t count)
{
    size_t found = 0;

    for (size_t i = 0; i < k->stored_cart_count; i++) {
        for (size_t n = 0; n < count; n++) {
            found += strcmp(rows[n].cart_id, k->stored_carts[i]) == 0 ? 1 : 0;
        }
    }
    return k->sweep || found < k->stored_cart_count;
}

static void add_rows(const struct fold_batch *b, const struct fold_key *k,
                     const struct cart_clock *clock, const struct live_set *models,
                     struct stored_rows *rows)
{
    size_t carts;

    stored_rows_add(rows, k->after, k->lane, k->last_off, &carts);
    /* its own are the last ones: they were added just now */
    if (lost_a_cart(k, rows->carts + rows->cart_count - carts, carts)) {
        stored_rows_sweep(rows, k->lane, k->key);
    }
    for (size_t c = 0; c < carts && models != NULL && models->risk != NULL; c++) {
        struct cart_row *row = &rows->carts[rows->cart_count - 1 - c];
        const struct cart *cart = shopper_cart(k->after, row->cart_id);
        if (worth_a_score(k->after, cart, clock, b->now_us)) {
            score(row, k->after, cart, models, b->now_us);
        }
    }
}

bool fold_batch_write(const struct fold_batch *b, struct db *db, const struct config *config,
                      struct live *live, struct err *err)
{
    const struct cart_clock clock = cart_clock_of(config);
    struct stored_rows rows = stored_rows_make(b->key_count, b->arena);
    /* One set for the whole batch: every score in it names the model that made it. */
    const struct live_set *models = live == NULL ? NULL : live_acquire(live);

    for (size_t i = 0; i < b->key_count; i++) {
        if (!b->keys[i].waits) {
            add_rows(b, &b->keys[i], &clock, models, &rows);
        }
    }
    const bool ok = stored_rows_write(&rows, db, err);
    if (models != NULL) {
        live_release(live, &models);
    }
    return ok;
}

void fold_batch_tell(const struct fold_batch *b, struct live *live)
{
    for (size_t i = 0; live != NULL && i < b->count; i++) {
        if (!b->events[i].dead) {
            live_tell(live, b->events[i].log, &b->events[i].event);
        }
    }
}

/* ---- dead letters and unknown types ---- */

static bool write_dead(const struct fold_batch *b, struct db *db, struct err *err)
{
    for (size_t i = 0; i < b->count && b->dead > 0; i++) {
        const struct fold_event *e = &b->events[i];
        if (e->dead &&
            !store_dead_letter(db, e->log, e->fault.path, e->fault.text, b->now_us, err)) {
            return false;
        }
    }
    return true;
}

/* A forwarded event was counted where it came in. */
static bool counts_as_unknown(const struct fold_event *e)
{
    return !e->dead && e->event.type == EVENT_UNKNOWN && e->event.via == NULL;
}

/* A row an event: the statement adds up what is of one lane and type. */
static bool write_unknown(const struct fold_batch *b, struct db *db, struct err *err)
{
    size_t found = 0;
    size_t n = 0;

    for (size_t i = 0; i < b->count; i++) {
        found += counts_as_unknown(&b->events[i]) ? 1 : 0;
    }
    if (found == 0) {
        return true;
    }
    int *lanes = arena_array(b->arena, found, sizeof *lanes);
    const char **types = arena_array(b->arena, found, sizeof *types);
    for (size_t i = 0; i < b->count; i++) {
        if (counts_as_unknown(&b->events[i])) {
            lanes[n] = b->events[i].log->lane;
            types[n++] = b->events[i].log->type;
        }
    }
    return store_unknown_types_count(db, lanes, types, n, b->now_us, err);
}

bool fold_batch_count(const struct fold_batch *b, struct db *db, struct err *err)
{
    return write_dead(b, db, err) && write_unknown(b, db, err);
}

void fold_batch_done(const struct fold_batch *b)
{
    uint64_t unknown = 0;

    /* After COMMIT: a batch that is tried again is counted once. */
    for (size_t i = 0; i < b->count; i++) {
        const struct fold_event *e = &b->events[i];
        unknown += counts_as_unknown(e) ? 1 : 0;
        if (e->dead) {
            refused_count(e->log->type);
        }
    }
    metric_add(METRIC_fold_events, b->count);
    metric_add(METRIC_fold_read, b->count);
    metric_add(METRIC_fold_dead, b->dead);
    metric_add(METRIC_fold_refolds, b->refolds);
    metric_add(METRIC_events_unknown_type, unknown);
}
