/* What a loaded affinity model computes once: where an id is, and who is popular, overall and by category. */
#include "domain/affinity/affinity_internal.h"

#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t slot_of(const struct affinity *m, const char *product_id)
{
    uint64_t h = hash_fnv64(product_id, strlen(product_id));
    /* the mask takes low bits only: this lets the upper half count */
    return (h ^ (h >> 32)) & m->slot_mask;
}

int affinity_find(const struct affinity *m, const char *product_id)
{
    for (uint64_t slot = slot_of(m, product_id);; slot = (slot + 1) & m->slot_mask) {
        /* ends at a free place: index_ids leaves at least half of them free */
        int32_t item = m->slots[slot];
        if (item < 0 || strcmp(affinity_item_id(m, item), product_id) == 0) {
            return item;
        }
    }
}

static bool index_ids(struct affinity *m, struct err *err)
{
    uint64_t size = 16;
    while (size < (uint64_t)m->count * 2) {
        size *= 2;
    }
    m->slot_mask = size - 1;
    m->slots = mem_array(size, sizeof *m->slots);
    /* every slot -1: free */
    memset(m->slots, 0xff, size * sizeof *m->slots);
    for (int item = 0; item < m->count; item++) {
        const char *id = affinity_item_id(m, item);
        uint64_t slot = slot_of(m, id);
        while (m->slots[slot] >= 0) {
            /* One of the two would never be found, and excluding the id
             * would exclude only the other. */
            if (strcmp(affinity_item_id(m, m->slots[slot]), id) == 0) {
                return FAIL(err, ERR_INVALID, "the affinity model has item %d twice", item);
            }
            slot = (slot + 1) & m->slot_mask;
        }
        m->slots[slot] = item;
    }
    return true;
}

struct ranked_item {
    float popularity;
    int32_t item;
};

static int most_popular_first(const void *a, const void *b)
{
    const struct ranked_item *x = a;
    const struct ranked_item *y = b;
    if (x->popularity != y->popularity) {
        return x->popularity < y->popularity ? 1 : -1;
    }
    /* a fixed order of equals: many products have the same count */
    return (x->item > y->item) - (x->item < y->item);
}

static void index_popularity(struct affinity *m)
{
    size_t n = (size_t)m->count;
    struct ranked_item *ranked = mem_array(n, sizeof *ranked);
    for (int item = 0; item < m->count; item++) {
        ranked[item] = (struct ranked_item){m->popularity[item], item};
    }
    qsort(ranked, n, sizeof *ranked, most_popular_first);
    m->order = mem_array(n, sizeof *m->order);
    for (size_t i = 0; i < n; i++) {
        m->order[i] = ranked[i].item;
    }
    free(ranked);
}

/* Counting sort of the order by category: stable, so each category stays most popular first. */
static void index_categories(struct affinity *m)
{
    m->category_first = mem_array((size_t)m->categories + 1, sizeof *m->category_first);
    m->by_category = mem_array((size_t)m->count, sizeof *m->by_category);
    int32_t *next = mem_array((size_t)m->categories, sizeof *next);
    for (int item = 0; item < m->count; item++) {
        m->category_first[m->category[item] + 1]++;
    }
    for (int c = 0; c < m->categories; c++) {
        m->category_first[c + 1] += m->category_first[c];
        next[c] = m->category_first[c];
    }
    for (int i = 0; i < m->count; i++) {
        int32_t item = m->order[i];
        m->by_category[next[m->category[item]]++] = item;
    }
    free(next);
}

bool affinity_index(struct affinity *m, struct err *err)
{
    assert(m->count >= 1 && m->categories >= 1);
    if (!index_ids(m, err)) {
        return false;
    }
    index_popularity(m);
    index_categories(m);
    reason_index(m);
    beside_index(m);
    if (m->is_als) {
        /* A scan runs on one thread: as many at once as there are processors, and who comes then
         * waits and shares the next (topk_share.h). */
        const long processors = sysconf(_SC_NPROCESSORS_ONLN);
        m->index = topk_index_make(&m->placed, 1);
        m->share =
            topk_share_make(m->index, processors > 1 ? (int)processors : 1, TOPK_SHARE_LARGE);
    }
    return true;
}
