/* From a shopper to picks: what they did -> candidates of every source, blended -> picks, each with its reason -> the cold-start chain for the rest. */
#include "domain/affinity.h"

#include "base/cleanup.h"
#include "domain/affinity_internal.h"

#include <assert.h>

const char *pick_source_name(enum pick_source s)
{
    switch (s) {
    case PICK_SESSION:
        return "session";
    case PICK_SIMILAR:
        return "similar";
    case PICK_CATEGORY:
        return "popular_in_category";
    case PICK_POPULAR:
    default:
        return "popular";
    }
}

bool ranking_full(const struct ranking *r)
{
    return r->out->count >= r->wanted;
}

bool ranking_allows(const struct ranking *r, int item)
{
    bool excluded = (r->excluded[item / 64] >> (item % 64)) & 1;
    return !excluded && (!r->keep || r->keep(r->ctx, affinity_item_id(r->model, item)));
}

void ranking_exclude(struct ranking *r, int item)
{
    r->excluded[item / 64] |= UINT64_C(1) << (item % 64);
}

void ranking_add(struct ranking *r, int item, double score, enum pick_source source,
                 const char *because)
{
    assert(!ranking_full(r));
    r->out->items[r->out->count++] = (struct pick){
        .product_id = affinity_item_id(r->model, item),
        .score = score,
        .source = source,
        .because = because,
    };
    ranking_exclude(r, item);
}

static void exclude_own(struct ranking *r)
{
    const struct shopper *s = r->shopper;
    for (size_t c = 0; c < s->cart_count; c++) {
        for (size_t i = 0; s->carts[c].status == CART_OPEN && i < s->carts[c].line_count; i++) {
            int item = affinity_find(r->model, s->carts[c].lines[i].product_id);
            if (item >= 0) {
                ranking_exclude(r, item);
            }
        }
    }
    for (size_t i = 0; i < s->recent_count; i++) {
        const struct recent_event *e = &s->recent[i];
        int item = e->type == EVENT_PURCHASE && e->product_id
                       ? affinity_find(r->model, e->product_id)
                       : -1;
        if (item >= 0) {
            ranking_exclude(r, item);
        }
    }
}

/* The best candidates become picks. */
static void ranking_pick(struct ranking *r)
{
    for (int i = 0; i < r->candidates.count && !ranking_full(r); i++) {
        const struct candidate *c = &r->candidates.all[i];
        ranking_add(r, c->item, (double)c->blended, PICK_SESSION, ranking_because(r, c));
    }
}

void affinity_rank(const struct affinity *m, const struct shopper *s, int64_t now_us, int k,
                   pick_filter *keep, void *ctx, struct picks *out)
{
    assert(k >= 0 && k <= PICKS_MAX);
    CLEANUP(arena_free) struct arena arena = {0};
    struct ranking *r = arena_alloc(&arena, sizeof *r);
    r->model = m;
    r->shopper = s;
    r->cart = shopper_open_cart(s);
    r->now_us = now_us;
    r->wanted = k;
    r->depth = k;
    r->keep = keep;
    r->ctx = ctx;
    r->arena = &arena;
    r->excluded = arena_array(&arena, (size_t)m->count / 64 + 1, sizeof *r->excluded);
    r->out = out;
    out->count = 0;
    exclude_own(r);
    if (k > 0) {
        ranking_own(r);
        ranking_candidates(r);
        ranking_pick(r);
    }
    ranking_cold(r);
}
