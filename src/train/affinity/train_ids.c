/* A hash table of texts for training: product ids by the hundred thousand. */
#include "train/affinity/train_ids.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void id_table_free(struct id_table *t)
{
    arena_free(&t->arena);
    free(t->texts);
    free(t->slots);
    *t = (struct id_table){0};
}

/* The slot of the text, or the free one where it belongs. */
static size_t slot_of(const struct id_table *t, const char *text)
{
    uint64_t h = hash_fnv64(text, strlen(text));
    /* The low bits of FNV alone are badly mixed, and they pick the slot. */
    size_t slot = (size_t)(h ^ (h >> 32)) & (t->slot_count - 1);
    /* Ends: half of the slots are free (grow). */
    while (t->slots[slot] >= 0 && strcmp(t->texts[t->slots[slot]], text) != 0) {
        slot = (slot + 1) & (t->slot_count - 1);
    }
    return slot;
}

static void grow(struct id_table *t)
{
    t->cap = t->cap ? t->cap * 2 : 1024;
    t->texts = mem_grow(t->texts, (size_t)t->cap, sizeof *t->texts);
    t->slot_count = (size_t)t->cap * 2;
    t->slots = mem_grow(t->slots, t->slot_count, sizeof *t->slots);
    /* -1 in each: free. */
    memset(t->slots, 0xff, t->slot_count * sizeof *t->slots);
    for (int32_t i = 0; i < t->count; i++) {
        t->slots[slot_of(t, t->texts[i])] = i;
    }
}

int32_t id_table_add(struct id_table *t, const char *text)
{
    /* Before the slot is sought: growing moves all of them. */
    if (t->count == t->cap) {
        grow(t);
    }
    size_t slot = slot_of(t, text);
    if (t->slots[slot] < 0) {
        t->texts[t->count] = arena_strdup(&t->arena, text);
        t->slots[slot] = t->count++;
    }
    return t->slots[slot];
}

int32_t id_table_find(const struct id_table *t, const char *text)
{
    return t->count == 0 ? -1 : t->slots[slot_of(t, text)];
}
