#ifndef ML_TOPK_TOPK_H
#define ML_TOPK_TOPK_H

#include "ml/linear/mat.h"

#include <stdbool.h>
#include <stdint.h>

/* Exact top-K by inner product (maximum inner product search, MIPS): every item is scored. Order:
 * higher score first, equal scores by lower id. */
struct topk_hit {
    int id; /* row of items */
    float score;
};

/* Which items may be answered. All members optional: {0} lets every item through. */
struct topk_filter {
    const uint64_t *excluded; /* bit id%64 of word id/64 set: left out; one bit for each item */
    const uint64_t *within;   /* bit not set: left out */
    /* with group, an item is left out unless the bit of its group's number in groups is set */
    const int32_t *group; /* (n) numbers >= 0 */
    const uint64_t *groups;
    /* with value, an item is left out unless value_min <= value[id] <= value_max */
    const int64_t *value; /* (n) */
    int64_t value_min;
    int64_t value_max;
    bool (*keep)(void *ctx,
                 int id); /* false: left out; asked only for items that would enter the answer */
    void *ctx;
};

/* Whether the filter lets the item through; its keep is asked last. */
bool topk_filter_allows(const struct topk_filter *filter, int id);

/* The k best rows of items (n, k') for query (k'). Writes at most k hits to out, best first, and
 * returns how many: fewer than k only if the filter or n leaves fewer. A score that is NaN is never
 * answered. */
int topk_search(const struct mat *items, const float *query, int k,
                const struct topk_filter *filter, struct topk_hit *out);

/* The same for every row of queries (q, k'), each with its own filter (filters NULL: none). out (q
 * * k) row by row, out_counts (q). Answers equal topk_search's bit for bit; faster, because a block
 * of items is read once for all queries. */
void topk_batch(const struct mat *items, const struct mat *queries, int k,
                const struct topk_filter *filters, struct topk_hit *out, int *out_counts);

/* The k best of ready-made scores (count); same order and filter rules. */
int topk_of_scores(const float *scores, int count, int k, const struct topk_filter *filter,
                   struct topk_hit *out);

#endif
