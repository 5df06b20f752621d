/* The source of the factors: the live shopper folded into the factor space, the nearest products, and which of the shopper's own products each of
 * them is due to. */
#include "domain/affinity_internal.h"

/* What the factors keep for one request. */
struct folded {
    float factors[ALS_FACTORS_MAX];
    int32_t items[OWN_MAX]; /* the own products that have factors */
    float weights[OWN_MAX];
    int count;
};

static struct als_entries entries_of(const struct folded *f)
{
    return (struct als_entries){f->count, f->items, f->weights};
}

/* NULL: nothing the shopper did has factors, or they cannot be solved for; then the next stage speaks. */
static const struct folded *fold(struct ranking *r)
{
    const struct affinity *m = r->model;
    struct folded *f = arena_alloc(r->arena, sizeof *f);
    struct err err = {0};
    for (int i = 0; i < r->own.count; i++) {
        if (r->own.items[i].item < m->trained) {
            f->items[f->count] = r->own.items[i].item;
            f->weights[f->count++] = r->own.items[i].weight;
        }
    }
    const struct als_entries done = entries_of(f);
    if (f->count == 0 || !als_fold_in(&m->server, &done, f->factors, &err)) {
        return NULL;
    }
    r->state[SOURCE_FACTORS] = f;
    return f;
}

static bool keep_item(void *ctx, int item)
{
    const struct ranking *r = ctx;
    return r->keep(r->ctx, affinity_item_id(r->model, item));
}

void factors_collect(struct ranking *r)
{
    const struct affinity *m = r->model;
    const struct folded *f = m->is_als ? fold(r) : NULL;
    struct topk_hit *hits = arena_array(r->arena, (size_t)r->depth, sizeof *hits);
    struct topk_filter filter = {
        .excluded = r->excluded, .keep = r->keep ? keep_item : NULL, .ctx = r};
    if (!f) {
        return;
    }
    int count = topk_search(&m->factors, f->factors, r->depth, &filter, hits);
    for (int i = 0; i < count && hits[i].score > 0; i++) {
        ranking_put(r, SOURCE_FACTORS, hits[i].id, hits[i].score);
    }
}

void factors_score(struct ranking *r)
{
    const struct folded *f = r->state[SOURCE_FACTORS];
    for (int i = 0; f && i < r->candidates.count; i++) {
        const struct candidate *c = &r->candidates.all[i];
        if (c->item < r->model->trained) {
            const float *item = mat_row(&r->model->factors, c->item);
            ranking_put(r, SOURCE_FACTORS, c->item,
                        mat_dot(item, f->factors, r->model->factors.cols));
        }
    }
}

struct cause factors_explain(const struct ranking *r, int item)
{
    const struct affinity *m = r->model;
    const struct folded *f = r->state[SOURCE_FACTORS];
    struct err err = {0};
    float parts[OWN_MAX];
    if (!f || item >= m->trained) {
        return (struct cause){.item = -1};
    }
    const struct als_entries done = entries_of(f);
    if (!als_explain(&m->server, &done, item, parts, &err)) {
        return (struct cause){.item = -1};
    }
    int best = 0;
    for (int i = 1; i < f->count; i++) {
        best = parts[i] > parts[best] ? i : best;
    }
    return (struct cause){f->items[best], parts[best]};
}
