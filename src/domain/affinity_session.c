/* The first stage of the chain: the live shopper folded into the factor space, the nearest products, and which of the shopper's own products
 * each of them is due to. */
#include "domain/affinity_internal.h"

#include <assert.h>
#include <string.h>

enum { OWN_MAX = RECENT_MAX + CART_LINES_MAX };

/* Weight that is left no trace of in float sums. */
static const double WEIGHT_MIN = 1e-6;

/* The shopper's products that have factors, each with all its weight. */
struct own {
    int items[OWN_MAX]; /* distinct */
    float weights[OWN_MAX];
    int count;
};

static void own_add(const struct ranking *r, struct own *own, const char *product_id,
                    enum event_type type, int64_t at_us)
{
    double weight = affinity_event_weight(type) * affinity_decay(r->now_us - at_us);
    int item = product_id && weight > WEIGHT_MIN ? affinity_find(r->model, product_id) : -1;
    if (item < 0 || item >= r->model->trained) {
        return;
    }
    for (int i = 0; i < own->count; i++) {
        if (own->items[i] == item) {
            own->weights[i] += (float)weight;
            return;
        }
    }
    assert(own->count < OWN_MAX);
    own->items[own->count] = item;
    own->weights[own->count++] = (float)weight;
}

static bool addition_is_recent(const struct shopper *s, const char *product_id)
{
    for (size_t i = 0; i < s->recent_count; i++) {
        const struct recent_event *e = &s->recent[i];
        if (e->type == EVENT_CART_ITEM_ADDED && e->product_id &&
            strcmp(e->product_id, product_id) == 0) {
            return true;
        }
    }
    return false;
}

/* The last events, and cart lines whose addition is not among them any more (or came in a snapshot). */
static void own_collect(const struct ranking *r, struct own *own)
{
    const struct shopper *s = r->shopper;
    own->count = 0;
    for (size_t i = 0; i < s->recent_count; i++) {
        own_add(r, own, s->recent[i].product_id, s->recent[i].type, s->recent[i].at_us);
    }
    for (size_t i = 0; r->cart && i < r->cart->line_count && i < CART_LINES_MAX; i++) {
        const struct cart_line *line = &r->cart->lines[i];
        if (!addition_is_recent(s, line->product_id)) {
            own_add(r, own, line->product_id, EVENT_CART_ITEM_ADDED, line->touched_us);
        }
    }
}

/* The own product that adds most to the item's score; NULL if none could be told. */
static const char *because_of(const struct affinity *m, const struct own *own, int item)
{
    struct err err = {0};
    float parts[OWN_MAX];
    const struct als_entries done = {own->count, own->items, own->weights};
    if (!als_explain(&m->factors, &m->gram, &m->options, &done, item, parts, &err)) {
        return NULL;
    }
    int best = 0;
    for (int i = 1; i < own->count; i++) {
        best = parts[i] > parts[best] ? i : best;
    }
    return affinity_item_id(m, own->items[best]);
}

static bool keep_item(void *ctx, int item)
{
    const struct ranking *r = ctx;
    return r->keep(r->ctx, affinity_item_id(r->model, item));
}

void ranking_session(struct ranking *r)
{
    const struct affinity *m = r->model;
    struct err err = {0};
    struct own own;
    float factors[ALS_FACTORS_MAX];
    struct topk_hit hits[PICKS_MAX];
    own_collect(r, &own);
    /* A fold-in that cannot be solved leaves the shopper to the next stage. */
    const struct als_entries done = {own.count, own.items, own.weights};
    if (own.count == 0 || !als_fold_in(&m->factors, &m->gram, &m->options, &done, factors, &err)) {
        return;
    }
    struct topk_filter filter = {
        .excluded = r->excluded, .keep = r->keep ? keep_item : NULL, .ctx = r};
    int count = topk_search(&m->factors, factors, r->wanted, &filter, hits);
    for (int i = 0; i < count && hits[i].score > 0; i++) {
        ranking_add(r, hits[i].id, (double)hits[i].score, PICK_SESSION,
                    because_of(m, &own, hits[i].id));
    }
}
