/* What the shopper did, as the sources of candidates see it: each product with all its weight, and the last steps in order. */
#include "domain/affinity/affinity_internal.h"

#include <assert.h>
#include <string.h>

/* Weight that is left no trace of in float sums. */
static const double WEIGHT_MIN = 1e-6;

const struct own_item *ranking_own_of(const struct ranking *r, int item)
{
    for (int i = 0; i < r->own.count; i++) {
        if (r->own.items[i].item == item) {
            return &r->own.items[i];
        }
    }
    return NULL;
}

static struct own_item *own_find(struct own *own, int item)
{
    for (int i = 0; i < own->count; i++) {
        if (own->items[i].item == item) {
            return &own->items[i];
        }
    }
    /* room for every recent event, purchase and cart line, each of another product */
    assert(own->count < OWN_MAX);
    struct own_item *fresh = &own->items[own->count++];
    *fresh = (struct own_item){.item = item};
    return fresh;
}

static void own_add(struct ranking *r, const char *product_id, enum event_type type, int64_t at_us)
{
    /* the training's weight and decay, with now in the place of the log's end */
    double weight = affinity_event_weight(type) * affinity_decay(r->now_us - at_us);
    int item = product_id && weight > WEIGHT_MIN ? affinity_find(r->model, product_id) : -1;
    if (item < 0) {
        return;
    }
    struct own_item *own = own_find(&r->own, item);
    /* added up, as csr_build adds the cells of training up: one entry a product */
    own->weight += (float)weight;
    own->last_us = at_us > own->last_us ? at_us : own->last_us;
    own->bought = own->bought || type == EVENT_PURCHASE;
    own->viewed = own->viewed || type == EVENT_PRODUCT_VIEWED;
}

static void step_add(struct ranking *r, const struct recent_event *e)
{
    int item = e->product_id ? affinity_find(r->model, e->product_id) : -1;
    if (item >= 0) {
        r->own.steps[r->own.step_count++] = (struct own_step){item, e->type, e->at_us};
    }
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

static void mark_in_cart(struct ranking *r, const char *product_id)
{
    int item = affinity_find(r->model, product_id);
    /* an unknown product is -1, which no own item is */
    for (int i = 0; i < r->own.count; i++) {
        r->own.items[i].in_cart = r->own.items[i].in_cart || r->own.items[i].item == item;
    }
}

static bool purchase_is_recent(const struct shopper *s, const struct purchase *p)
{
    for (size_t i = 0; i < s->recent_count; i++) {
        const struct recent_event *e = &s->recent[i];
        if (e->type == EVENT_PURCHASE && e->at_us == p->at_us && e->product_id &&
            strcmp(e->product_id, p->product_id) == 0) {
            return true;
        }
    }
    return false;
}

/* Of an order among the last events only the first product stands there; training has learnt from all of them, and from orders behind
 * the last events. */
static void own_add_purchases(struct ranking *r)
{
    const struct shopper *s = r->shopper;
    for (size_t i = 0; i < s->purchase_count; i++) {
        if (!purchase_is_recent(s, &s->purchases[i])) {
            own_add(r, s->purchases[i].product_id, EVENT_PURCHASE, s->purchases[i].at_us);
        }
    }
}

/* The last events, what was bought, and cart lines whose addition is not among the events any more (or came in a snapshot). */
void ranking_own(struct ranking *r)
{
    const struct shopper *s = r->shopper;
    /* oldest first: steps have to come in order for the visit's prefix */
    for (size_t i = 0; i < s->recent_count; i++) {
        own_add(r, s->recent[i].product_id, s->recent[i].type, s->recent[i].at_us);
        step_add(r, &s->recent[i]);
    }
    own_add_purchases(r);
    for (size_t i = 0; r->cart && i < r->cart->line_count && i < RANK_LINES_MAX; i++) {
        const struct cart_line *line = &r->cart->lines[i];
        /* else counted twice, as the event and as the line that it made */
        if (!addition_is_recent(s, line->product_id)) {
            own_add(r, line->product_id, EVENT_CART_ITEM_ADDED, line->touched_us);
        }
        mark_in_cart(r, line->product_id);
    }
}
