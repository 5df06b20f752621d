#ifndef ML_TOPK_TOPK_HEAP_H
#define ML_TOPK_TOPK_HEAP_H

#include "ml/topk/topk.h"

#include <math.h>

/* The answer being built by the exact searches: a binary heap in the caller's hits, the worst kept at 0. Only ml/topk/topk*.c include this. */
struct topk_heap {
    struct topk_hit *hits; /* (k) */
    int count;
    int k;
    const struct topk_filter *filter; /* NULL: everything may be answered */
};

/* Keeps the hit if it belongs to the k best so far, is no NaN and passes the filter, which is asked last. */
void topk_heap_offer(struct topk_heap *heap, int id, float score);

/* Turns the heap into a list, best first; returns how many. */
int topk_heap_finish(struct topk_heap *heap);

/* A score below this cannot enter any more; one that equals it may. */
static inline float topk_heap_threshold(const struct topk_heap *heap)
{
    return heap->count == heap->k ? heap->hits[0].score : -INFINITY;
}

#endif
