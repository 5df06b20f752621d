/* Open-addressing table: the first 16 bytes of a row's SHA-256 -> how often it came. A collision of
 * 128 bits does not happen by chance, and made on purpose it only merges two counters: the ids hash
 * the row itself. */
#include "foreign/repeat.h"

#include "base/mem.h"

#include <stdbool.h>
#include <string.h>

struct slot_key {
    uint64_t lo, hi; /* both 0: free */
};

struct repeat_table {
    struct slot_key *keys;
    uint32_t *counts;
    size_t cap; /* power of two */
    size_t used;
};

enum { CAP_FIRST = 1 << 14 };

static void make_slots(struct repeat_table *t, size_t cap)
{
    t->keys = mem_array(cap, sizeof *t->keys);
    t->counts = mem_array(cap, sizeof *t->counts);
    t->cap = cap;
}

struct repeat_table *repeat_open(void)
{
    struct repeat_table *t = mem_alloc(sizeof *t);
    make_slots(t, CAP_FIRST);
    return t;
}

void repeat_close(struct repeat_table **t)
{
    if (*t != NULL) {
        mem_free(&(*t)->keys);
        mem_free(&(*t)->counts);
        mem_free(t);
    }
}

static size_t slot_of(const struct repeat_table *t, struct slot_key key)
{
    /* The key is a hash already: its low bits are as good as any. */
    size_t i = (size_t)key.lo & (t->cap - 1);
    while ((t->keys[i].lo | t->keys[i].hi) != 0 &&
           (t->keys[i].lo != key.lo || t->keys[i].hi != key.hi)) {
        i = (i + 1) & (t->cap - 1);
    }
    return i;
}

static void grow(struct repeat_table *t)
{
    struct repeat_table old = *t;
    make_slots(t, old.cap * 2);
    for (size_t i = 0; i < old.cap; i++) {
        if ((old.keys[i].lo | old.keys[i].hi) != 0) {
            size_t to = slot_of(t, old.keys[i]);
            t->keys[to] = old.keys[i];
            t->counts[to] = old.counts[i];
        }
    }
    mem_free(&old.keys);
    mem_free(&old.counts);
}

/* How often the key came before; counts it. */
static uint32_t count_up(struct repeat_table *t, struct slot_key key)
{
    /* Grown before the search, because growing moves the slot that the search found. */
    if (t->used * 10 >= t->cap * 7) {
        grow(t);
    }
    size_t i = slot_of(t, key);
    if (t->counts[i] == 0) {
        t->keys[i] = key;
        t->used++;
    }
    return t->counts[i]++;
}

void repeat_event_id(struct repeat_table *t, const char *format, const char *row, size_t len,
                     char out[SHA256_HEX])
{
    struct hash_state rest;
    hash_begin(&rest);
    hash_add(&rest, format, strlen(format) + 1); /* with its NUL: "a" + "bc" is not "ab" + "c" */
    hash_add(&rest, row, len);
    /* Format and row are hashed once for both: the state is copied where the two part. */
    struct hash_state whole = rest;
    uint8_t digest[SHA256_BYTES];
    hash_end(&rest, digest);
    struct slot_key key = {0};
    memcpy(&key, digest, sizeof key);

    /* Byte by byte and largest first, so that ids are the same on every machine. */
    uint32_t before = count_up(t, key);
    uint8_t tail[5] = {0, (uint8_t)(before >> 24), (uint8_t)(before >> 16), (uint8_t)(before >> 8),
                       (uint8_t)before};
    hash_add(&whole, tail, sizeof tail);
    hash_end(&whole, digest);
    hash_hex(digest, sizeof digest, out);
}
