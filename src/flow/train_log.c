/* The log for training: rows in, shoppers out. Which events make an example is decided elsewhere. */
#include "flow/train_log.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "domain/shopper_identity.h"
#include "flow/past.h"
#include "store/events.h"
#include "store/shoppers.h"

#include <stdlib.h>
#include <string.h>

/* More events than any person leaves behind: such a key is counted as a bot, and its memory stays bounded. */
enum { KEY_EVENTS_MAX = 50000 };

struct base_doc {
    const char *key;
    const char *doc;
};

struct reader {
    train_key_fn *fn;
    void *ctx;
    struct train_log log;
    struct arena bases_arena;
    struct base_doc *bases; /* by key */
    size_t base_count;
    size_t base_cap;
    struct arena arena; /* of the current shopper */
    const char *key;    /* NULL before the first */
    struct event *events;
    size_t count;
    size_t cap;
    bool too_many;
};

static void reader_free(struct reader *r)
{
    arena_free(&r->bases_arena);
    arena_free(&r->arena);
    free(r->bases);
    free(r->events);
}

static bool take_base(void *ctx, const struct shopper_row *row, struct err *err)
{
    struct reader *r = ctx;
    const char *doc = row->base ? row->base : row->doc;
    (void)err;
    if (r->base_count == r->base_cap) {
        r->base_cap = r->base_cap ? r->base_cap * 2 : 1024;
        r->bases = mem_grow(r->bases, r->base_cap, sizeof *r->bases);
    }
    r->bases[r->base_count++] = (struct base_doc){arena_strdup(&r->bases_arena, row->key),
                                                  arena_strdup(&r->bases_arena, doc)};
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct base_doc *x = a;
    const struct base_doc *y = b;
    return strcmp(x->key, y->key);
}

static bool base_of(struct reader *r, const struct shopper **out, struct err *err)
{
    const struct base_doc wanted = {.key = r->key};
    const struct base_doc *found =
        r->base_count ? bsearch(&wanted, r->bases, r->base_count, sizeof *r->bases, by_key) : NULL;
    struct shopper *base = NULL;
    *out = NULL;
    if (!found) {
        return true;
    }
    if (!past_shopper(r->key, found->doc, &r->arena, &base, err)) {
        return false;
    }
    *out = base;
    return true;
}

static bool finish_key(struct reader *r, struct err *err)
{
    struct train_key k = {
        .key = r->key, .events = r->events, .count = r->count, .arena = &r->arena};
    if (!r->key) {
        return true;
    }
    r->log.shoppers++;
    if (r->too_many) {
        r->log.bots++;
        return true;
    }
    if (!base_of(r, &k.base, err)) {
        return false;
    }
    k.final = shopper_fold_all(k.base, k.key, k.events, k.count, INT64_MAX, k.arena);
    if (k.final->bot) {
        r->log.bots++;
        return true;
    }
    return identity_is_bound(k.final) || r->fn(r->ctx, &k, err);
}

static void begin_key(struct reader *r, const char *key)
{
    arena_reset(&r->arena);
    r->key = arena_strdup(&r->arena, key);
    r->count = 0;
    r->too_many = false;
}

static bool take_event(void *ctx, const struct log_event *e, struct err *err)
{
    struct reader *r = ctx;
    struct err refused = {0};
    if (!r->key || strcmp(r->key, e->key) != 0) {
        if (!finish_key(r, err)) {
            return false;
        }
        begin_key(r, e->key);
    }
    r->log.events++;
    if (r->count == KEY_EVENTS_MAX) {
        r->too_many = true;
        return true;
    }
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 256;
        r->events = mem_grow(r->events, r->cap, sizeof *r->events);
    }
    if (!past_decode(e, &r->arena, &r->events[r->count], &refused)) {
        r->log.refused++;
        return true;
    }
    /* Strings of a decoded event live in the arena; the row's do not outlive this call. */
    const struct event *decoded = &r->events[r->count++];
    if (r->log.first_us == 0 || decoded->occurred_us < r->log.first_us) {
        r->log.first_us = decoded->occurred_us;
    }
    if (decoded->occurred_us > r->log.last_us) {
        r->log.last_us = decoded->occurred_us;
    }
    return true;
}

static bool read_all(struct reader *r, struct db *db, int64_t until_us, struct err *err)
{
    if (!store_bases_stream(db, take_base, r, err)) {
        return false;
    }
    if (r->base_count > 0) {
        qsort(r->bases, r->base_count, sizeof *r->bases, by_key);
    }
    return store_events_stream(db, until_us, take_event, r, err) && finish_key(r, err);
}

/* One snapshot, so that retention cannot move a shopper into its base between the two streams; it ends here, since training goes on for minutes. */
bool train_log_read(struct db *db, int64_t until_us, train_key_fn *fn, void *ctx,
                    struct train_log *out, struct err *err)
{
    CLEANUP(reader_free) struct reader r = {.fn = fn, .ctx = ctx};
    if (!db_begin_snapshot(db, err)) {
        return false;
    }
    bool ok = read_all(&r, db, until_us, err);
    db_rollback(db);
    if (ok) {
        *out = r.log;
    }
    return ok;
}
