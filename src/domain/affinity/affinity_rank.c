/* From a shopper to picks: what they did -> candidates of every source, blended -> picks, each with its reason -> the cold-start chain for the rest. */
#include "domain/affinity/affinity.h"

#include "base/cleanup.h"
#include "domain/affinity/affinity_internal.h"
#include "domain/affinity/affinity_spread.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

enum {
    VARIED_DEPTH = 3, /* candidates for each pick, where some may be left out for variety */
    BLEND_DEPTH = 200 /* at least, of each part of a blend: it ranks otherwise than either */
};

const char *pick_source_name(enum pick_source s)
{
    switch (s) {
    case PICK_SESSION:
        return "session";
    case PICK_NEW:
        return "new_product";
    case PICK_SIMILAR:
        return "similar";
    case PICK_CATEGORY:
        return "popular_in_category";
    case PICK_POPULAR:
    default:
        return "popular";
    }
}

const char *pick_tie_name(enum pick_tie t)
{
    static const char *const names[] = {[TIE_NONE] = NULL,
                                        [TIE_CART] = "in_cart",
                                        [TIE_BOUGHT] = "bought",
                                        [TIE_VIEWED] = "viewed"};
    return names[t];
}

bool ranking_full(const struct ranking *r)
{
    return r->out->count >= r->wanted;
}

bool ranking_allows(const struct ranking *r, int item)
{
    return topk_filter_allows(&r->filter, item);
}

void ranking_exclude(struct ranking *r, int item)
{
    r->excluded[item / 64] |= UINT64_C(1) << (item % 64);
}

void ranking_add(struct ranking *r, int item, double score, enum pick_source source,
                 const struct reason *why)
{
    assert(!ranking_full(r));
    r->picked[r->out->count] = item;
    r->due_to[r->out->count] = why->due_to;
    r->out->items[r->out->count++] = (struct pick){
        .product_id = affinity_item_id(r->model, item),
        .score = score,
        .source = source,
        .relation = why->relation,
        .because = why->because,
        .tie = why->tie,
    };
    /* once is enough: every later stage leaves it out */
    ranking_exclude(r, item);
}

/* m may be NULL, item -1. */
static bool was_bought_lately(const struct affinity *m, int item, int64_t bought_us,
                              int64_t memory_us, int64_t now_us)
{
    const int64_t repeat_us = m && m->repeat && item >= 0 ? m->repeat[item] : 0;
    const int64_t shops_us = memory_us > 0 ? memory_us : AFFINITY_BOUGHT_MEMORY_US;
    /* What people do goes before what the shop has set: tea comes back sooner, a washing machine does not. Also what a device says it will
     * buy tomorrow was bought: its clock is ahead. */
    return now_us - bought_us < (repeat_us > 0 ? repeat_us : shops_us);
}

/* Whether who bought the one at that time wants the other no more, by what kind of thing they are. */
static bool is_had(const struct affinity *m, int bought, int item, int64_t at_us, int64_t memory_us,
                   int64_t now_us)
{
    const int64_t of_kind_us =
        memory_us > 0 && memory_us < AFFINITY_KIND_MEMORY_US ? memory_us : AFFINITY_KIND_MEMORY_US;
    return affinity_same_kind(m, bought, item) &&
           was_bought_lately(m, bought, at_us,
                             affinity_replaces(m, bought, item) ? memory_us : of_kind_us, now_us);
}

/* A purchase after which nothing of its category is wanted; item -1: unknown. */
static bool is_enough(const struct affinity *m, int item, int64_t bought_us, int64_t now_us)
{
    return item >= 0 && m->once && m->once[item] && m->category[item] != 0 &&
           now_us - bought_us < AFFINITY_NEVER_US;
}

/* Whether the shopper has another of the item's kind since lately, or one of its category, and one is enough. */
static bool has_its_like(const struct affinity *m, const struct shopper *s, int item,
                         int64_t memory_us, int64_t now_us)
{
    for (size_t i = 0; item >= 0 && i < s->purchase_count; i++) {
        const int64_t at_us = s->purchases[i].at_us;
        const int bought = affinity_find(m, s->purchases[i].product_id);
        if (bought >= 0 &&
            (is_had(m, bought, item, at_us, memory_us, now_us) ||
             (m->category[bought] == m->category[item] && is_enough(m, bought, at_us, now_us)))) {
            return true;
        }
    }
    return false;
}

bool affinity_has_already(const struct affinity *m, const struct shopper *s, const char *product_id,
                          int64_t memory_us, int64_t now_us)
{
    const int64_t bought_us = shopper_bought_us(s, product_id);
    const int item = m ? affinity_find(m, product_id) : -1;
    /* of every open cart, not only the one that is talked about */
    for (size_t c = 0; c < s->cart_count; c++) {
        for (size_t i = 0; s->carts[c].status == CART_OPEN && i < s->carts[c].line_count; i++) {
            if (strcmp(s->carts[c].lines[i].product_id, product_id) == 0) {
                return true;
            }
        }
    }
    return (bought_us != 0 && was_bought_lately(m, item, bought_us, memory_us, now_us)) ||
           has_its_like(m, s, item, memory_us, now_us);
}

static void exclude_id(struct ranking *r, const char *product_id)
{
    const int item = affinity_find(r->model, product_id);
    if (item >= 0) {
        ranking_exclude(r, item);
    }
}

static void exclude_category(struct ranking *r, int category)
{
    const struct affinity *m = r->model;
    for (int32_t i = m->category_first[category]; i < m->category_first[category + 1]; i++) {
        ranking_exclude(r, m->by_category[i]);
    }
}

static void exclude_kind(struct ranking *r, int of, int64_t bought_us)
{
    const struct affinity *m = r->model;
    const int category = m->category[of];
    for (int32_t i = m->category_first[category]; i < m->category_first[category + 1]; i++) {
        if (is_had(m, of, m->by_category[i], bought_us, r->wish->bought_memory_us, r->now_us)) {
            ranking_exclude(r, m->by_category[i]);
        }
    }
}

/* affinity_has_already, for all products at once. */
static void exclude_own(struct ranking *r)
{
    const struct shopper *s = r->shopper;
    for (size_t c = 0; c < s->cart_count; c++) {
        for (size_t i = 0; s->carts[c].status == CART_OPEN && i < s->carts[c].line_count; i++) {
            exclude_id(r, s->carts[c].lines[i].product_id);
        }
    }
    for (size_t i = 0; i < s->purchase_count; i++) {
        const int item = affinity_find(r->model, s->purchases[i].product_id);
        const int64_t at_us = s->purchases[i].at_us;
        if (item >= 0 &&
            was_bought_lately(r->model, item, at_us, r->wish->bought_memory_us, r->now_us)) {
            ranking_exclude(r, item);
            exclude_kind(r, item, at_us);
        }
        if (is_enough(r->model, item, s->purchases[i].at_us, r->now_us)) {
            exclude_category(r, r->model->category[item]);
        }
    }
}

static bool keep_item(void *ctx, int item)
{
    const struct ranking *r = ctx;
    if (r->wish->diverse && ranking_is_beside_a_cart(r) &&
        (ranking_outprices(r, item) || (r->diverse && ranking_towers(r, item)))) {
        return false;
    }
    if (!r->undercuts && ranking_undercuts(r, item) &&
        !(r->other_kinds && ranking_is_another_kind(r, item))) {
        return false;
    }
    return !r->wish->keep || r->wish->keep(r->wish->ctx, affinity_item_id(r->model, item));
}

/* A bit for each category that is the wished one or lies below it. */
static uint64_t *categories_within(const struct ranking *r, const char *wished)
{
    static const char below[] = " > ";
    const struct affinity *m = r->model;
    const size_t len = strlen(wished);
    uint64_t *bits = arena_array(r->arena, (size_t)m->categories / 64 + 1, sizeof *bits);
    /* number 0 is no category, and lies within none */
    for (int c = 1; c < m->categories; c++) {
        const char *name = affinity_category_name(m, c);
        /* up to a separator: "Shoe" must not take "Shoes > Boots" */
        bool within = strncasecmp(name, wished, len) == 0 &&
                      (name[len] == '\0' || strncmp(name + len, below, strlen(below)) == 0);
        bits[c / 64] |= (uint64_t)within << (c % 64);
    }
    return bits;
}

static void filter_fill(struct ranking *r)
{
    const struct pick_wish *w = r->wish;
    const struct affinity *m = r->model;
    r->excluded = arena_array(r->arena, (size_t)m->count / 64 + 1, sizeof *r->excluded);
    r->filter.excluded = r->excluded;
    if (w->shelf) {
        assert(w->shelf->count == m->count);
        /* in the scan itself: filtered afterwards, k hits might all be sold out */
        r->filter.within = w->shelf->stocked;
    }
    if (w->category) {
        r->filter.group = m->category;
        r->filter.groups = categories_within(r, w->category);
    }
    for (size_t i = 0; i < w->without_count; i++) {
        exclude_id(r, w->without[i]);
    }
    ranking_limit(r);
    /* in the scan as well: the best of a full cart's category may all be cheaper than what lies in it */
    if (w->keep || (!r->undercuts && r->line_count > 0) ||
        (w->diverse && ranking_is_beside_a_cart(r))) {
        r->filter.keep = keep_item;
        r->filter.ctx = r;
    }
    exclude_own(r);
}

/* The best candidates become picks. */
static void ranking_pick(struct ranking *r)
{
    const int before = r->out->count;
    for (int i = 0; i < r->candidates.count && !ranking_full(r); i++) {
        const struct candidate *c = &r->candidates.all[i];
        /* Only this is asked again: the rest of the filter held when the candidate was put. */
        bool picked = r->excluded[c->item / 64] >> (c->item % 64) & 1;
        if (!picked && ranking_varies(r, c->item)) {
            /* No other source knows it: it is there for its category, brand and price. */
            bool placed = c->item >= r->model->trained && c->scored == 1U << SOURCE_FACTORS;
            const struct reason why = ranking_reason(r, c->item, ranking_because(r, c), c);
            if (!ranking_may_say(r, c->item, c, &why)) {
                continue; /* if it is popular it comes up again, as that */
            }
            ranking_add(r, c->item, (double)c->blended, placed ? PICK_NEW : PICK_SESSION, &why);
        }
    }
    if (ranking_spreads(r)) {
        ranking_order(r, before);
    }
}

/* Everything up to the search for candidates. */
static struct ranking *ranking_start(const struct affinity *m, const struct pick_wish *w,
                                     struct arena *arena, struct picks *out)
{
    struct ranking *r = arena_alloc(arena, sizeof *r);
    assert(w->k >= 0 && w->k <= PICKS_MAX);
    r->model = m;
    r->wish = w;
    r->shopper = w->shopper;
    r->now_us = w->now_us;
    r->wanted = w->k;
    /* Variants are left out behind the search, so more has to be found than is wanted. */
    r->depth = w->diverse ? VARIED_DEPTH * w->k : w->k;
    /* The best of the sum may be far down in either part: each hands in more than is wanted. */
    if (m->is_blend && r->depth < BLEND_DEPTH) {
        r->depth = BLEND_DEPTH;
    }
    /* What is lifted comes from behind what is wanted; and by score alone the same candidates are ranked. */
    if (m->log_lift && r->depth < SPREAD_DEPTH) {
        r->depth = SPREAD_DEPTH;
    }
    r->diverse = w->diverse;
    r->for_the_cart = w->diverse;
    r->arena = arena;
    r->out = out;
    out->count = 0;
    filter_fill(r);
    ranking_own(r);
    return r;
}

/* It only fills what is missing. */
static void ranking_fill(struct ranking *r)
{
    ranking_pick(r);
    ranking_cold(r);
}

/* Searches once more: what the filter lets through by now no search has seen yet. */
static void ranking_fill_again(struct ranking *r)
{
    memset(&r->candidates, 0, sizeof r->candidates);
    memset(r->state, 0, sizeof r->state);
    if (r->model->is_als) {
        factors_search_together(&r, 1, 1);
    }
    ranking_candidates(r);
    ranking_fill(r);
}

/* With what undercuts the cart, and so only where the shop has nothing else that fits. */
static void ranking_fill_undercutting(struct ranking *r)
{
    if (r->line_count > 0) { /* else nothing was left out */
        r->undercuts = true;
        ranking_fill_again(r);
    }
}

/* The place that is kept for what has to do with the cart. Where only what is cheaper than something in it does, that may be it, if it does not
 * replace it. */
static void ranking_fill_for_the_cart(struct ranking *r)
{
    r->other_kinds = r->wish->substitutes == SUBSTITUTES_LAST && r->line_count > 0;
    if (r->other_kinds) {
        ranking_fill_again(r);
    }
    r->other_kinds = false;
    r->for_the_cart = false; /* if it is still free it is anybody's */
    if (!ranking_full(r)) {
        ranking_fill_again(r);
    }
}

static void ranking_finish(struct ranking *r)
{
    if (r->wanted > 0) {
        ranking_candidates(r);
        ranking_stage(r, "candidates");
    }
    ranking_fill(r);
    ranking_stage(r, "reasons and variety");
    if (ranking_keeps_a_place(r)) {
        ranking_fill_for_the_cart(r);
    }
    if (!ranking_full(r) &&
        r->diverse) { /* nothing else is left: a teapot beside tea, at three times its price */
        r->diverse = false;
        ranking_fill(r);
    }
    if (!ranking_full(r) && r->wish->substitutes == SUBSTITUTES_LAST) { /* not even variants */
        ranking_fill_undercutting(r);
    }
    ranking_settle(r);
    ranking_stage(r, "chain");
}

void affinity_recommend(const struct affinity *m, const struct pick_wish *wish, struct picks *out)
{
    CLEANUP(arena_free) struct arena arena = {0};
    struct ranking *r = ranking_start(m, wish, &arena, out);
    ranking_stage(r, "own products");
    /* for one the same path as for many: collect finds the hits in the ranking's state */
    if (m->is_als && wish->k > 0) {
        factors_search_together(&r, 1, 1);
    }
    ranking_finish(r);
}

void affinity_recommend_many(const struct affinity *m, const struct pick_wish *wishes, int count,
                             int threads, struct picks *out)
{
    for (int from = 0; from < count; from += TOPK_PASS) {
        /* an arena a pass: memory does not grow with the number of shoppers */
        CLEANUP(arena_free) struct arena arena = {0};
        struct ranking *rankings[TOPK_PASS];
        const int n = count - from < TOPK_PASS ? count - from : TOPK_PASS;
        for (int i = 0; i < n; i++) {
            rankings[i] = ranking_start(m, &wishes[from + i], &arena, &out[from + i]);
        }
        if (m->is_als) {
            factors_search_together(rankings, n, threads);
        }
        for (int i = 0; i < n; i++) {
            ranking_finish(rankings[i]);
        }
    }
}

int affinity_scored(const struct affinity *m, const struct pick_wish *wish,
                    struct scored_item out[SPREAD_DEPTH])
{
    CLEANUP(arena_free) struct arena arena = {0};
    struct pick_wish deep = *wish;
    struct picks none;
    int count = 0;
    static_assert((int)SPREAD_DEPTH <= (int)PICKS_MAX, "as many can be wished for");
    deep.k = SPREAD_DEPTH;
    /* without the lifts: it is from these lists that lifts are learnt */
    deep.by_score = true;
    struct ranking *r = ranking_start(m, &deep, &arena, &none);
    if (m->is_als) {
        factors_search_together(&r, 1, 1);
    }
    ranking_candidates(r);
    for (; count < r->candidates.count && count < SPREAD_DEPTH; count++) {
        const struct candidate *c = &r->candidates.all[count];
        if (!(c->blended > 0)) {
            break;
        }
        out[count] = (struct scored_item){c->item, c->blended};
    }
    return count;
}

void affinity_rank(const struct affinity *m, const struct shopper *s, int64_t now_us, int k,
                   pick_filter *keep, void *ctx, struct picks *out)
{
    const struct pick_wish wish = {
        .shopper = s, .now_us = now_us, .k = k, .keep = keep, .ctx = ctx};
    affinity_recommend(m, &wish, out);
}
