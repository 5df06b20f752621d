/* Exact top-K: score every item, keep the best in a heap whose root is the worst kept. */
#include "ml/topk.h"

#include <assert.h>
#include <math.h>

enum {
    BLOCK_ITEMS = 512
}; /* items scored for all queries before the next block: 128 KiB at 64 factors */

/* The answer being built: a binary heap in hits, worst at 0. */
struct best {
    struct topk_hit *hits;
    int count;
    int k;
    const struct topk_filter *filter;
};

static bool before(const struct topk_hit *a, const struct topk_hit *b)
{
    return a->score > b->score || (a->score == b->score && a->id < b->id);
}

static void sift_down(struct topk_hit *heap, int count, int at)
{
    struct topk_hit moving = heap[at];
    for (;;) {
        int child = 2 * at + 1;
        if (child >= count) {
            break;
        }
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

static bool allowed(const struct topk_filter *filter, int id)
{
    if (!filter) {
        return true;
    }
    if (filter->excluded && (filter->excluded[id / 64] >> (id % 64) & 1)) {
        return false;
    }
    return !filter->keep || filter->keep(filter->ctx, id);
}

static void offer(struct best *best, int id, float score)
{
    struct topk_hit hit = {.id = id, .score = score};
    bool full = best->count == best->k;
    /* The comparison comes first: it turns almost every item away, the filter may be slow. */
    if (isnan(score) || (full && !before(&hit, &best->hits[0])) || !allowed(best->filter, id)) {
        return;
    }
    if (full) {
        best->hits[0] = hit;
        sift_down(best->hits, best->count, 0);
    } else {
        best->hits[best->count] = hit;
        sift_up(best->hits, best->count++);
    }
}

/* Turns the heap into a list, best first. */
static int finish(struct best *best)
{
    for (int end = best->count - 1; end > 0; end--) {
        struct topk_hit worst = best->hits[0];
        best->hits[0] = best->hits[end];
        best->hits[end] = worst;
        sift_down(best->hits, end, 0);
    }
    return best->count;
}

static void offer_rows(struct best *best, const struct mat *items, const float *query, int from,
                       int to)
{
    for (int id = from; id < to; id++) {
        offer(best, id, mat_dot(mat_row(items, id), query, items->cols));
    }
}

int topk_search(const struct mat *items, const float *query, int k,
                const struct topk_filter *filter, struct topk_hit *out)
{
    assert(k >= 0);
    struct best best = {.hits = out, .k = k, .filter = filter};
    if (k > 0) {
        offer_rows(&best, items, query, 0, items->rows);
    }
    return finish(&best);
}

void topk_batch(const struct mat *items, const struct mat *queries, int k,
                const struct topk_filter *filters, struct topk_hit *out, int *out_counts)
{
    assert(k >= 0 && queries->cols == items->cols);
    for (int q = 0; q < queries->rows; q++) {
        out_counts[q] = 0;
    }
    for (int from = 0; k > 0 && from < items->rows; from += BLOCK_ITEMS) {
        int to = items->rows - from < BLOCK_ITEMS ? items->rows : from + BLOCK_ITEMS;
        for (int q = 0; q < queries->rows; q++) {
            struct best best = {.hits = out + (size_t)q * (size_t)k,
                                .count = out_counts[q],
                                .k = k,
                                .filter = filters ? &filters[q] : NULL};
            offer_rows(&best, items, mat_row(queries, q), from, to);
            out_counts[q] = best.count;
        }
    }
    for (int q = 0; q < queries->rows; q++) {
        struct best best = {.hits = out + (size_t)q * (size_t)k, .count = out_counts[q], .k = k};
        finish(&best);
    }
}

int topk_of_scores(const float *scores, int count, int k, const struct topk_filter *filter,
                   struct topk_hit *out)
{
    assert(k >= 0);
    struct best best = {.hits = out, .k = k, .filter = filter};
    for (int id = 0; k > 0 && id < count; id++) {
        offer(&best, id, scores[id]);
    }
    return finish(&best);
}
