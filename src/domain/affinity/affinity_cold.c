/* The rest of the cold-start chain, for what the sources know nothing of: similar -> popular in category -> popular. */
#include "domain/affinity/affinity_internal.h"

#include <assert.h>
#include <math.h>

/* ---- the shopper's own products, those that matter most first ---- */

enum { SEEDS_MAX = RANK_LINES_MAX + RECENT_MAX + PURCHASES_MAX };

struct seeds {
    int items[SEEDS_MAX]; /* distinct */
    int count;
};

static void seeds_add(const struct ranking *r, struct seeds *seeds, const char *product_id)
{
    int item = product_id ? affinity_find(r->model, product_id) : -1;
    bool there = item < 0 || seeds->count == SEEDS_MAX;
    /* the first mention counts: seeds come in order of how much they matter */
    for (int i = 0; i < seeds->count && !there; i++) {
        there = seeds->items[i] == item;
    }
    if (!there) {
        seeds->items[seeds->count++] = item;
    }
}

/* Cart lines, the last touched first, then the products of the last events and what else was bought, newest first. */
static void seeds_collect(const struct ranking *r, struct seeds *seeds)
{
    const struct cart_line *lines[RANK_LINES_MAX];
    size_t count = 0;
    seeds->count = 0;
    for (size_t i = 0; r->cart && i < r->cart->line_count && i < RANK_LINES_MAX; i++) {
        /* insertion sort, stable: lines touched at once keep the cart's order */
        size_t at = count++;
        for (; at > 0 && lines[at - 1]->touched_us < r->cart->lines[i].touched_us; at--) {
            lines[at] = lines[at - 1];
        }
        lines[at] = &r->cart->lines[i];
    }
    for (size_t i = 0; i < count; i++) {
        seeds_add(r, seeds, lines[i]->product_id);
    }
    for (size_t i = r->shopper->recent_count; i > 0; i--) {
        seeds_add(r, seeds, r->shopper->recent[i - 1].product_id);
    }
    for (size_t i = r->shopper->purchase_count; i > 0; i--) {
        seeds_add(r, seeds, r->shopper->purchases[i - 1].product_id);
    }
}

/* ---- similar ---- */

/* 1 for the same price, less the further the prices are apart as a ratio; a quarter where one is unknown. */
static float closeness(int64_t a, int64_t b)
{
    if (a <= 0 || b <= 0) {
        /* as if the prices were a factor of 20 apart: known and near
         * is better, known and far is not */
        return 0.25F;
    }
    /* by the logarithm, so that half the price is as far off as double */
    return 1 / (1 + (float)fabs(log((double)a / (double)b)));
}

/* Keeps the best hits sorted; equal scores stay in the order they came: most popular first. */
static int keep_best(struct topk_hit *best, int count, int max, struct topk_hit hit)
{
    assert(max > 0);
    /* not above, so that an equal one that came earlier stays */
    if (count == max && best[max - 1].score >= hit.score) {
        return count;
    }
    int at = count < max ? count++ : count - 1;
    for (; at > 0 && best[at - 1].score < hit.score; at--) {
        best[at] = best[at - 1];
    }
    best[at] = hit;
    return count;
}

static void similar_to(struct ranking *r, int seed)
{
    const struct affinity *m = r->model;
    const int category = m->category[seed];
    const int max = r->wanted - r->out->count;
    struct topk_hit best[PICKS_MAX];
    int count = 0;
    if (category == 0) {
        return;
    }
    /* by_category runs from the most popular on: among equally close ones the popular stay */
    for (int32_t i = m->category_first[category]; i < m->category_first[category + 1]; i++) {
        int item = m->by_category[i];
        if (item != seed && m->brand[item] == m->brand[seed] && ranking_allows(r, item)) {
            count = keep_best(best, count, max,
                              (struct topk_hit){item, closeness(m->price[item], m->price[seed])});
        }
    }
    for (int i = 0; i < count; i++) {
        /* After the cut, so that there may be fewer than wanted: the stages behind fill up. */
        if (ranking_varies(r, best[i].id)) {
            const struct reason why = ranking_reason(r, best[i].id, seed, NULL);
            ranking_add(r, best[i].id, (double)best[i].score, PICK_SIMILAR, &why);
        }
    }
}

/* For products too new to have factors; the factor model speaks for the others. A prior has nobody else to speak for any. */
static void ranking_similar(struct ranking *r, const struct seeds *seeds)
{
    const struct affinity *m = r->model;
    for (int i = 0; (m->is_als || m->is_prior) && i < seeds->count && !ranking_full(r); i++) {
        if (m->is_prior || seeds->items[i] >= m->trained) {
            similar_to(r, seeds->items[i]);
        }
    }
}

/* ---- popular ---- */

static void take_popular(struct ranking *r, const int32_t *items, int count,
                         enum pick_source source)
{
    for (int i = 0; i < count && !ranking_full(r); i++) {
        /* of a prior, what nobody has touched is not popular */
        const bool counts = !r->model->is_prior || items[i] < r->model->trained;
        /* asked anew: what an earlier stage picked is excluded by now */
        if (counts && ranking_allows(r, items[i]) && ranking_varies(r, items[i])) {
            const struct reason why = ranking_reason_popular(r, items[i], source);
            if (ranking_may_say(r, items[i], NULL, &why)) {
                ranking_add(r, items[i], (double)r->model->popularity[items[i]], source, &why);
            }
        }
    }
}

static void ranking_popular(struct ranking *r, const struct seeds *seeds)
{
    const struct affinity *m = r->model;
    for (int i = 0; i < seeds->count && !ranking_full(r); i++) {
        int category = m->category[seeds->items[i]];
        int32_t first = m->category_first[category];
        /* number 0 is "unknown": those products have nothing in common */
        if (category != 0) {
            take_popular(r, m->by_category + first, m->category_first[category + 1] - first,
                         PICK_CATEGORY);
        }
    }
    /* the end of the chain: needs to know nothing of the shopper */
    take_popular(r, m->order, m->count, PICK_POPULAR);
}

void ranking_cold(struct ranking *r)
{
    struct seeds seeds;
    seeds_collect(r, &seeds);
    ranking_similar(r, &seeds);
    ranking_popular(r, &seeds);
}
