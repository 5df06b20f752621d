/* Exact top-K: score every item, keep the best in a heap whose root is the worst kept. The
 * reference of topk_index.c. */
#include "ml/topk/topk.h"

#include "ml/topk/topk_heap.h"

#include <assert.h>

enum {
    BLOCK_ITEMS = 512
}; /* items scored for all queries before the next block: 128 KiB at 64 factors */

static void offer_rows(struct topk_heap *heap, const struct mat *items, const float *query,
                       int from, int to)
{
    for (int id = from; id < to; id++) {
        topk_heap_offer(heap, id, mat_dot(mat_row(items, id), query, items->cols));
    }
}

int topk_search(const struct mat *items, const float *query, int k,
                const struct topk_filter *filter, struct topk_hit *out)
{
    assert(k >= 0);
    struct topk_heap heap = {.hits = out, .k = k, .filter = filter};
    if (k > 0) {
        offer_rows(&heap, items, query, 0, items->rows);
    }
    return topk_heap_finish(&heap);
}

void topk_batch(const struct mat *items, const struct mat *queries, int k,
                const struct topk_filter *filters, struct topk_hit *out, int *out_counts)
{
    assert(k >= 0 && queries->cols == items->cols);
    for (int q = 0; q < queries->rows; q++) {
        out_counts[q] = 0;
    }
    /* items outside, queries inside: a block is read from memory once; each query's heap lies in
     * its own hits between the blocks */
    for (int from = 0; k > 0 && from < items->rows; from += BLOCK_ITEMS) {
        int to = items->rows - from < BLOCK_ITEMS ? items->rows : from + BLOCK_ITEMS;
        for (int q = 0; q < queries->rows; q++) {
            struct topk_heap heap = {.hits = out + (size_t)q * (size_t)k,
                                     .count = out_counts[q],
                                     .k = k,
                                     .filter = filters ? &filters[q] : NULL};
            offer_rows(&heap, items, mat_row(queries, q), from, to);
            out_counts[q] = heap.count;
        }
    }
    for (int q = 0; q < queries->rows; q++) {
        struct topk_heap heap = {
            .hits = out + (size_t)q * (size_t)k, .count = out_counts[q], .k = k};
        topk_heap_finish(&heap);
    }
}

int topk_of_scores(const float *scores, int count, int k, const struct topk_filter *filter,
                   struct topk_hit *out)
{
    assert(k >= 0);
    struct topk_heap heap = {.hits = out, .k = k, .filter = filter};
    for (int id = 0; k > 0 && id < count; id++) {
        topk_heap_offer(&heap, id, scores[id]);
    }
    return topk_heap_finish(&heap);
}
