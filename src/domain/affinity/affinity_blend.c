/* Candidates of all sources in one list, ranked by the blend of their scores. The table of sources is here: a row is a way of finding products. */
#include "domain/affinity/affinity_internal.h"

#include <assert.h>
#include <stdlib.h>

const struct source_row affinity_sources[SOURCE_COUNT] = {
    [SOURCE_FACTORS] = {.name = "factors",
                        .collect = factors_collect,
                        .score = factors_score,
                        .explain = factors_explain},
    [SOURCE_ITEM] = {.name = "item",
                     .load = item_load,
                     .release = item_release,
                     .collect = item_collect,
                     .score = item_score,
                     .explain = item_explain},
    [SOURCE_VISITS] = {.name = "visits",
                       .load = visits_load,
                       .release = visits_release,
                       .collect = visits_collect,
                       .explain = visits_explain},
};

/* The candidate of that item, or a new one; NULL when the list is full. */
static struct candidate *candidate_of(struct candidates *c, int item)
{
    /* Knuth's multiplicative hash, upper bits. The table is twice the list, so there is a free
     * place at which the search ends. */
    unsigned slot = (unsigned)item * 2654435761U >> 16 & (CANDIDATE_SLOTS - 1);
    for (; c->slots[slot] != 0; slot = (slot + 1) & (CANDIDATE_SLOTS - 1)) {
        if (c->all[c->slots[slot] - 1].item == item) {
            return &c->all[c->slots[slot] - 1];
        }
    }
    /* Sources hand in their best first, so what finds no room is the tail of the last one. */
    if (c->count == CANDIDATES_MAX) {
        return NULL;
    }
    struct candidate *fresh = &c->all[c->count++];
    *fresh = (struct candidate){.item = item};
    /* place + 1: zeroed memory is an empty table */
    c->slots[slot] = (int16_t)c->count;
    return fresh;
}

void ranking_put(struct ranking *r, enum source s, int item, float score)
{
    assert(item >= 0 && item < r->model->count && s < SOURCE_COUNT);
    struct candidate *c = candidate_of(&r->candidates, item);
    if (c && !(c->scored >> s & 1)) {
        c->scored |= 1U << s;
        c->score[s] = score;
    }
}

static int best_first(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->blended != y->blended) {
        return x->blended < y->blended ? 1 : -1;
    }
    /* qsort keeps no order among equals: the number makes the ranking the same everywhere */
    return (x->item > y->item) - (x->item < y->item);
}

static void blend(struct ranking *r)
{
    for (int i = 0; i < r->candidates.count; i++) {
        struct candidate *c = &r->candidates.all[i];
        c->blended = 0;
        for (int s = 0; s < SOURCE_COUNT; s++) {
            /* a source that has not scored the item adds 0: its score was never set */
            c->blended += r->model->blend[s] * c->score[s];
        }
    }
}

void ranking_candidates(struct ranking *r)
{
    for (int s = 0; s < SOURCE_COUNT; s++) {
        affinity_sources[s].collect(r);
    }
    for (int s = 0; s < SOURCE_COUNT; s++) {
        /* After all have collected: each part judges everybody's finds. A candidate with one part
         * only would be ranked by who happened to propose it. */
        if (affinity_sources[s].score) {
            affinity_sources[s].score(r);
        }
    }
    blend(r);
    qsort(r->candidates.all, (size_t)r->candidates.count, sizeof *r->candidates.all, best_first);
    if (ranking_spreads(r)) {
        ranking_spread(r);
    }
}

int ranking_because(const struct ranking *r, const struct candidate *c)
{
    int most = -1;
    float adds = 0;
    for (int s = 0; s < SOURCE_COUNT; s++) {
        /* of what the score is made of, not of the raw scores: a
         * source without weight is no reason */
        float part = r->model->blend[s] * c->score[s];
        if (affinity_sources[s].explain && r->model->blend[s] > 0 && (most < 0 || part > adds)) {
            most = s;
            adds = part;
        }
    }
    return most < 0 ? -1 : affinity_sources[most].explain(r, c->item).item;
}
