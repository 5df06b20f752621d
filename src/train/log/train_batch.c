/* From rows of the log to folded shoppers, a batch at a time. It must not know in which order
 * batches are read or given. */
#include "train/log/train_batch.h"

#include "base/mem.h"
#include "domain/shopper/shopper_identity.h"
#include "eventlog/shopper_log.h"
#include "store/shoppers.h"

#include <stdlib.h>
#include <string.h>

/* More events than any person leaves behind: such a key is counted as a bot, and its
 * memory stays bounded. */
enum { KEY_EVENTS_MAX = 50000 };

/* ---- bases ---- */

static bool take_base(void *ctx, const struct shopper_row *row, struct err *err)
{
    struct train_bases *b = ctx;
    (void)err;
    if (b->count == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 1024;
        b->docs = mem_grow(b->docs, b->cap, sizeof *b->docs);
    }
    b->docs[b->count++] =
        (struct base_doc){arena_strdup(&b->arena, row->key), arena_strdup(&b->arena, row->base)};
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct base_doc *x = a;
    const struct base_doc *y = b;
    return strcmp(x->key, y->key);
}

bool train_bases_read(struct db *db, int64_t active_us, struct train_bases *out, struct err *err)
{
    bool ok = active_us == INT64_MIN
                  ? store_bases_stream(db, take_base, out, err)
                  : store_bases_stream_active(db, active_us, take_base, out, err);
    if (!ok) {
        return false;
    }
    /* They come by (lane, key) and are looked up by key alone. */
    if (out->count > 0) {
        qsort(out->docs, out->count, sizeof *out->docs, by_key);
    }
    return true;
}

void train_bases_free(struct train_bases *b)
{
    arena_free(&b->arena);
    free(b->docs);
    *b = (struct train_bases){0};
}

static bool base_of(const struct train_bases *bases, const char *key, struct arena *a,
                    const struct shopper **out, struct err *err)
{
    const struct base_doc wanted = {.key = key};
    const struct base_doc *found =
        bases->count ? bsearch(&wanted, bases->docs, bases->count, sizeof *bases->docs, by_key)
                     : NULL;
    struct shopper *base = NULL;
    *out = NULL;
    if (found && !shopper_from_base(found->doc, a, &base, err)) {
        return false;
    }
    *out = base;
    return true;
}

/* ---- rows ---- */

bool train_batch_is_other(const struct train_batch *b, const char *key)
{
    return strcmp(b->rows[b->row_count - 1].key, key) != 0;
}

void train_batch_add(struct train_batch *b, const struct log_event *e)
{
    bool other = b->row_count == 0 || train_batch_is_other(b, e->key);
    if (b->row_count == b->row_cap) {
        b->row_cap = b->row_cap ? b->row_cap * 2 : 2048;
        b->rows = mem_grow(b->rows, b->row_cap, sizeof *b->rows);
    }
    /* Copied: what the stream shows is gone with its next row, and other threads
     * decode it later. */
    struct log_event *row = &b->rows[b->row_count];
    *row = *e;
    /* One copy a shopper: what follows tells shoppers apart by this pointer. */
    row->key = other ? arena_strdup(&b->row_arena, e->key) : b->rows[b->row_count - 1].key;
    row->packed.id =
        memcpy(arena_alloc(&b->row_arena, e->packed.id_len), e->packed.id, e->packed.id_len);
    row->packed.body = arena_strndup(&b->row_arena, e->packed.body, e->packed.body_len);
    b->row_count++;
}

/* ---- shoppers ---- */

static void note_time(struct train_log *log, int64_t at_us)
{
    if (log->first_us == 0 || at_us < log->first_us) {
        log->first_us = at_us;
    }
    if (at_us > log->last_us) {
        log->last_us = at_us;
    }
}

/* The events of rows from .. from + count - 1 that the decoder takes. */
static size_t decode_rows(struct train_batch *b, size_t from, size_t count, struct event *out)
{
    size_t decoded = 0;
    for (size_t i = from; i < from + count; i++) {
        struct err refused = {0};
        if (log_event_decode(&b->rows[i], &b->arena, &out[decoded], &refused)) {
            note_time(&b->log, out[decoded++].occurred_us);
        } else {
            b->log.refused++;
        }
    }
    return decoded;
}

static bool decode_key(struct train_batch *b, const struct train_bases *bases, size_t from,
                       size_t count)
{
    /* The place is taken again by the next shopper where this one turns out to be left out. */
    struct train_key *k = &b->keys[b->key_count];
    b->log.events += (int64_t)count;
    b->log.shoppers++;
    /* A machine's first events are decoded too, for the span of the log and the count of
     * what was refused. */
    size_t taken = count > KEY_EVENTS_MAX ? KEY_EVENTS_MAX : count;
    *k = (struct train_key){.key = b->rows[from].key, .arena = &b->arena};
    k->events = arena_array(&b->arena, taken, sizeof *k->events);
    k->count = decode_rows(b, from, taken, k->events);
    /* Such a history is a machine's, and the moments of one such
     * key would outnumber those of a thousand shoppers. */
    if (count > KEY_EVENTS_MAX) {
        b->log.bots++;
        return true;
    }
    if (!base_of(bases, k->key, &b->arena, &k->base, &b->err)) {
        return false;
    }
    k->final = shopper_fold_all(k->base, k->key, k->events, k->count, INT64_MAX, k->arena);
    b->log.bots += k->final->bot;
    /* A bound browser's events count for the customer it is bound to; shown twice they would be
     * two shoppers with one cart. */
    b->key_count += !k->final->bot && identity_handed_until(k->final) == INT64_MIN;
    return true;
}

static size_t count_keys(const struct train_batch *b)
{
    size_t count = 0;
    for (size_t i = 0; i < b->row_count; i++) {
        count += i == 0 || b->rows[i].key != b->rows[i - 1].key;
    }
    return count;
}

void train_batch_decode(struct train_batch *b, const struct train_bases *bases)
{
    b->keys = arena_array(&b->arena, count_keys(b), sizeof *b->keys);
    for (size_t from = 0, to; from < b->row_count && !b->failed; from = to) {
        to = from + 1;
        while (to < b->row_count && b->rows[to].key == b->rows[from].key) {
            to++;
        }
        b->failed = !decode_key(b, bases, from, to - from);
    }
}

void train_batch_reset(struct train_batch *b)
{
    arena_reset(&b->row_arena);
    arena_reset(&b->arena);
    b->row_count = 0;
    b->keys = NULL;
    b->key_count = 0;
    /* counted already (count_batch): this slot's next batch begins at 0 */
    b->log = (struct train_log){0};
    b->failed = false;
    b->err = (struct err){0};
}

void train_batch_free(struct train_batch *b)
{
    arena_free(&b->row_arena);
    arena_free(&b->arena);
    free(b->rows);
    *b = (struct train_batch){0};
}
