/* Popularity of whatever there is, as a model file in memory. */
#include "domain/affinity/affinity_prior.h"

#include "base/mem.h"
#include "domain/shop/money.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void affinity_prior_free(struct affinity_prior *p)
{
    arena_free(&p->arena);
    free(p->mentions);
    *p = (struct affinity_prior){0};
}

static struct prior_mention *mention(struct affinity_prior *p, const char *product_id)
{
    if (p->count == p->cap) {
        p->cap = p->cap ? p->cap * 2 : 256;
        p->mentions = mem_grow(p->mentions, p->cap, sizeof *p->mentions);
    }
    struct prior_mention *m = &p->mentions[p->count++];
    *m = (struct prior_mention){
        .item = {.id = arena_strdup(&p->arena, product_id), .price_minor = MONEY_UNKNOWN}};
    return m;
}

static const char *kept_text(struct affinity_prior *p, const char *text)
{
    return text ? arena_strdup(&p->arena, text) : NULL;
}

void affinity_prior_product(struct affinity_prior *p, const struct product *product)
{
    struct affinity_item *item = &mention(p, product->product_id)->item;
    item->title = kept_text(p, product->title);
    item->category = kept_text(p, product->category);
    item->brand = kept_text(p, product->brand);
    item->price_minor = product->price_minor;
}

void affinity_prior_event(struct affinity_prior *p, const struct event *e)
{
    const double weight = affinity_event_weight(e->type);
    if (!(weight > 0) || e->item_count == 0) {
        return;
    }
    for (size_t i = 0; i < e->item_count; i++) {
        struct prior_mention *m = mention(p, e->items[i].product_id);
        m->item.popularity = (float)weight;
        m->at_us = e->occurred_us;
    }
    p->from_us = p->as_of_us == 0 || e->occurred_us < p->from_us ? e->occurred_us : p->from_us;
    p->as_of_us = e->occurred_us > p->as_of_us ? e->occurred_us : p->as_of_us;
}

/* By id, then in a fixed order: sums of floats depend on it. */
static int by_id(const void *a, const void *b)
{
    const struct prior_mention *x = a;
    const struct prior_mention *y = b;
    const int ids = strcmp(x->item.id, y->item.id);
    if (ids != 0) {
        return ids;
    }
    if (x->at_us != y->at_us) {
        return x->at_us < y->at_us ? -1 : 1;
    }
    return (x->item.popularity > y->item.popularity) - (x->item.popularity < y->item.popularity);
}

static int touched_first(const void *a, const void *b)
{
    const struct affinity_item *x = a;
    const struct affinity_item *y = b;
    const int touched = (y->popularity > 0) - (x->popularity > 0);
    return touched != 0 ? touched : strcmp(x->id, y->id);
}

/* Every product once, with all that is known of it; those with events first. Returns how many those are. */
static int merge(struct affinity_prior *p, struct affinity_item *out, int *out_count)
{
    int count = 0;
    int touched = 0;
    qsort(p->mentions, p->count, sizeof *p->mentions, by_id);
    for (size_t i = 0; i < p->count; i++) {
        const struct prior_mention *m = &p->mentions[i];
        if (i == 0 || strcmp(m->item.id, p->mentions[i - 1].item.id) != 0) {
            /* The catalogue's mention is the first of its product: it lies at time 0, and the rest of this one are sums. */
            out[count++] = m->item;
            out[count - 1].popularity = 0;
        }
        /* As of the newest event, not of now: where nothing happens the bytes stay the same. */
        out[count - 1].popularity +=
            (float)((double)m->item.popularity * affinity_decay(p->as_of_us - m->at_us));
    }
    qsort(out, (size_t)count, sizeof *out, touched_first);
    while (touched < count && out[touched].popularity > 0) {
        touched++;
    }
    *out_count = count;
    return touched;
}

bool affinity_prior_write(struct affinity_prior *p, struct buf *out,
                          uint8_t out_sha256[SHA256_BYTES], struct err *err)
{
    assert(p->count > 0);
    struct affinity_item *items = mem_array(p->count, sizeof *items);
    struct affinity_parts parts = {.items = items,
                                   .prior = true,
                                   .from_us = p->from_us,
                                   .as_of_us = p->as_of_us,
                                   .card = "{}"};
    parts.trained = merge(p, items, &parts.count);
    bool ok = affinity_write(&parts, out, out_sha256, err);
    free(items);
    return ok;
}

void affinity_prior_card(struct jenc *j)
{
    jenc_str(j, "kind", "affinity");
    jenc_str(j, "algorithm", "prior");
    jenc_bool(j, "prior", true);
    jenc_str(j, "counts", "what shoppers looked at, carted and bought lately, as it comes in");
    jenc_str(j, "knows", "the catalogue");
}
