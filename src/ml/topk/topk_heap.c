/* The heap of the exact searches, and the filter that they share. */
#include "ml/topk/topk_heap.h"

static bool before(const struct topk_hit *a, const struct topk_hit *b)
{
    /* by id where scores are equal: the answer is then the same in whatever order items are
     * offered, which is what lets the index scan them by length */
    return a->score > b->score || (a->score == b->score && a->id < b->id);
}

static void sift_down(struct topk_hit *heap, int count, int at)
{
    /* written once at its end, instead of a swap at each level */
    struct topk_hit moving = heap[at];
    for (;;) {
        int child = 2 * at + 1;
        if (child >= count) {
            break;
        }
        /* the worse child goes up: the root is the worst kept */
        if (child + 1 < count && before(&heap[child], &heap[child + 1])) {
            child++;
        }
        if (!before(&moving, &heap[child])) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

static void sift_up(struct topk_hit *heap, int at)
{
    struct topk_hit moving = heap[at];
    while (at > 0 && before(&heap[(at - 1) / 2], &moving)) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = moving;
}

bool topk_filter_allows(const struct topk_filter *filter, int id)
{
    const size_t word = (size_t)id / 64;
    const int bit = id % 64;
    /* The cheapest first: bits, then look-ups by item, then a call. */
    if (filter->excluded && (filter->excluded[word] >> bit & 1)) {
        return false;
    }
    if (filter->within && !(filter->within[word] >> bit & 1)) {
        return false;
    }
    if (filter->group) {
        const int32_t group = filter->group[id];
        if (!(filter->groups[group / 64] >> (group % 64) & 1)) {
            return false;
        }
    }
    if (filter->value &&
        (filter->value[id] < filter->value_min || filter->value[id] > filter->value_max)) {
        return false;
    }
    return !filter->keep || filter->keep(filter->ctx, id);
}

void topk_heap_offer(struct topk_heap *heap, int id, float score)
{
    struct topk_hit hit = {.id = id, .score = score};
    bool full = heap->count == heap->k;
    /* The comparison comes first: it turns almost every item away, the filter may be slow. */
    if (isnan(score) || (full && !before(&hit, &heap->hits[0])) ||
        (heap->filter && !topk_filter_allows(heap->filter, id))) {
        return;
    }
    if (full) {
        heap->hits[0] = hit;
        sift_down(heap->hits, heap->count, 0);
    } else {
        heap->hits[heap->count] = hit;
        sift_up(heap->hits, heap->count++);
    }
}

int topk_heap_finish(struct topk_heap *heap)
{
    /* heapsort's second half: the worst goes to the end, again and again */
    for (int end = heap->count - 1; end > 0; end--) {
        struct topk_hit worst = heap->hits[0];
        heap->hits[0] = heap->hits[end];
        heap->hits[end] = worst;
        sift_down(heap->hits, end, 0);
    }
    return heap->count;
}
