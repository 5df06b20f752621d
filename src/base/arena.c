#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Test builds shrink the first block, so that growing is the normal case. */
#ifndef ARENA_BLOCK_BYTES
#define ARENA_BLOCK_BYTES 4096
#endif

enum {
    ALIGNMENT = 16,
    BLOCK_MAX_BYTES =
        1 << 20, /* blocks double up to here; only one allocation larger than this passes it */
};

struct arena_block {
    struct arena_block *next; /* older */
    size_t cap;
    size_t used;
    alignas(ALIGNMENT) unsigned char bytes[];
};

static struct arena_block *block_add(struct arena *a, size_t need)
{
    size_t cap = ARENA_BLOCK_BYTES;

    /* Doubling keeps the mallocs of a unit of work few, whatever it takes; the cap bounds what
     * arena_reset leaves with a thread that is idle. */
    if (a->head != NULL) {
        cap = a->head->cap >= BLOCK_MAX_BYTES / 2 ? BLOCK_MAX_BYTES : a->head->cap * 2;
    }
    if (cap < need) {
        cap = need;
    }
    /* a sum that wraps would allocate less than the block says it has */
    if (cap > SIZE_MAX - sizeof(struct arena_block)) {
        abort();
    }
    struct arena_block *block = malloc(sizeof *block + cap);
    if (block == NULL) {
        abort();
    }
    block->next = a->head;
    block->cap = cap;
    block->used = 0;
    a->head = block;
    return block;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    /* rounding up, below, must not wrap to a small number */
    if (bytes > SIZE_MAX - ALIGNMENT) {
        abort();
    }
    /* Nothing is still something: two empty allocations differ, as callers may compare them. */
    size_t need = bytes == 0 ? ALIGNMENT : (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct arena_block *block = a->head;

    /* Only the newest block is looked at. What is left of the older ones is given up: searching
     * them would make an allocation cost more the more there were. */
    if (block == NULL || block->cap - block->used < need) {
        block = block_add(a, need);
    }
    void *p = block->bytes + block->used;
    assert((uintptr_t)p % ALIGNMENT == 0);
    block->used += need;
    /* Here and not by calloc: after a reset the bytes are those of the unit of work before. */
    return memset(p, 0, need);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t bytes;

    /* a product that wraps would hand out room for fewer than count */
    if (__builtin_mul_overflow(count, size, &bytes)) {
        abort();
    }
    return arena_alloc(a, bytes);
}

char *arena_strdup(struct arena *a, const char *text)
{
    return arena_strndup(a, text, strlen(text));
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
    size_t used = strnlen(text, len);

    /* the byte behind is zero already, as all that arena_alloc gives */
    return memcpy(arena_alloc(a, used + 1), text, used);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    va_list again;

    va_start(ap, fmt);
    /* a va_list is used up by one reading, and the first one only measures */
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        abort();
    }
    char *text = arena_alloc(a, (size_t)n + 1);
    (void)vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = NULL;
    struct arena_block *block = a->head;

    /* From the newest on: as blocks double, the first that may stay is the largest of the ordinary
     * ones, and the next unit of work like this one needs no other. */
    while (block != NULL) {
        struct arena_block *next = block->next;
        /* A block made for one huge allocation would otherwise stay with its thread for ever. */
        if (keep == NULL && block->cap <= BLOCK_MAX_BYTES) {
            keep = block;
            keep->next = NULL;
            keep->used = 0;
        } else {
            free(block);
        }
        block = next;
    }
    a->head = keep;
}

void arena_free(struct arena *a)
{
    while (a->head != NULL) {
        struct arena_block *next = a->head->next;
        free(a->head);
        a->head = next;
    }
}
