/* The source of the factors: the live shopper folded into the factor space, the nearest products, and which of the shopper's own products each of
 * them is due to. */
#include "base/cleanup.h"
#include "base/mem.h"
#include "domain/affinity/affinity_internal.h"

#include "ml/items/rank_model.h"

#include <assert.h>
#include <string.h>

/* What the factors keep for one request. */
struct folded {
    float factors[ALS_FACTORS_MAX];
    int32_t items[OWN_MAX]; /* the own products that have factors */
    float weights[OWN_MAX];
    int count;
    const struct affinity *model;
    struct topk_hit *hits; /* (room) nearest products */
    int room;
    int hit_count;
    float norm; /* scores are divided by it: 1 where nothing else is mixed in */
};

static struct als_entries entries_of(const struct folded *f)
{
    return (struct als_entries){f->count, f->items, f->weights};
}

/* NULL: nothing the shopper did has factors, or they cannot be solved for; then the next stage speaks. */
static struct folded *fold(struct ranking *r)
{
    const struct affinity *m = r->model;
    struct folded *f = arena_alloc(r->arena, sizeof *f);
    struct err err = {0};
    for (int i = 0; i < r->own.count; i++) {
        /* Placed products are left out: their factors were guessed from the catalogue, and the
         * training has no weight t_i for them. */
        if (r->own.items[i].item < m->trained) {
            f->items[f->count] = r->own.items[i].item;
            f->weights[f->count++] = r->own.items[i].weight;
        }
    }
    const struct als_entries done = entries_of(f);
    if (f->count == 0 || !als_fold_in(&m->server, &done, f->factors, &err)) {
        return NULL;
    }
    f->norm = 1;
    /* Both parts were brought to norm 1 when the share was chosen (rank_mix). From the spectrum,
     * since the scores of all products are never computed. */
    if (m->is_blend) {
        f->norm = (float)rank_factor_norm(m->spectrum, f->factors, m->factors.cols, m->trained);
    }
    /* no score differs from 0, or a number is not one: nothing to rank by */
    if (!(f->norm > 0)) {
        return NULL;
    }
    f->model = m;
    f->room = r->depth;
    f->hits = arena_array(r->arena, (size_t)r->depth, sizeof *f->hits);
    r->state[SOURCE_FACTORS] = f;
    return f;
}

static void search_one(struct ranking *r, struct folded *f)
{
    f->hit_count = topk_share_search(r->model->share, f->factors, r->depth, &r->filter, f->hits);
}

/* All at the depth of the deepest: the best of more are the best of fewer. */
static void search_many(struct folded *const *folded, const struct topk_filter *filters, int count,
                        int depth, int threads)
{
    const struct affinity *m = folded[0]->model;
    struct mat rows = mat_make(count, m->factors.cols);
    CLEANUP(mem_free)
    struct topk_hit *hits = mem_array((size_t)count * (size_t)depth + 1, sizeof *hits);
    CLEANUP(mem_free) int *counts = mem_array((size_t)count, sizeof *counts);
    for (int i = 0; i < count; i++) {
        /* one matrix: a block of items is read once for all shoppers */
        memcpy(mat_row(&rows, i), folded[i]->factors, (size_t)rows.cols * sizeof(float));
    }
    topk_index_batch(m->index, &(struct topk_queries){&rows, filters, depth, threads}, hits, counts,
                     NULL);
    for (int i = 0; i < count; i++) {
        struct folded *f = folded[i];
        /* an own depth may be smaller than the batch's */
        f->hit_count = counts[i] < f->room ? counts[i] : f->room;
        memcpy(f->hits, hits + (ptrdiff_t)i * depth, (size_t)f->hit_count * sizeof *hits);
    }
    mat_free(&rows);
}

void factors_search_together(struct ranking *const *rankings, int count, int threads)
{
    struct folded *folded[TOPK_PASS];
    struct topk_filter filters[TOPK_PASS];
    int depth = 0;
    int found = 0;
    assert(count <= TOPK_PASS);
    for (int i = 0; i < count; i++) {
        struct folded *f = rankings[i]->wanted > 0 ? fold(rankings[i]) : NULL;
        ranking_stage(rankings[i], "fold-in");
        /* alone: by the door where requests of other threads that come together share a scan */
        if (f && count == 1) {
            search_one(rankings[i], f);
            ranking_stage(rankings[i], "scan and scoring in full");
        } else if (f) {
            filters[found] = rankings[i]->filter;
            depth = f->room > depth ? f->room : depth;
            folded[found++] = f;
        }
    }
    if (found > 0) {
        search_many(folded, filters, found, depth, threads);
    }
}

void factors_collect(struct ranking *r)
{
    const struct folded *f = r->state[SOURCE_FACTORS];
    for (int i = 0; f && i < f->hit_count && f->hits[i].score > 0; i++) {
        /* Hits fall, and the loop ends at 0: that is what the objective wants for what nobody turns
         * to, so no reason to propose it. */
        ranking_put(r, SOURCE_FACTORS, f->hits[i].id, f->hits[i].score / f->norm);
    }
}

void factors_score(struct ranking *r)
{
    const struct folded *f = r->state[SOURCE_FACTORS];
    for (int i = 0; f && i < r->candidates.count; i++) {
        const struct candidate *c = &r->candidates.all[i];
        /* products behind these could not be placed; the other sources speak for them alone */
        if (c->item < r->model->placed.rows) {
            const float *item = mat_row(&r->model->placed, c->item);
            ranking_put(r, SOURCE_FACTORS, c->item,
                        mat_dot(item, f->factors, r->model->placed.cols) / f->norm);
        }
    }
}

/* A placed product took no part in the training: the own product that lies nearest to it. */
static struct cause nearest_own(const struct affinity *m, const struct folded *f, int item)
{
    const float *placed = mat_row(&m->placed, item);
    struct cause best = {.item = -1};
    for (int i = 0; i < f->count; i++) {
        float near = mat_dot(mat_row(&m->factors, f->items[i]), placed, m->placed.cols);
        if (near > 0 && (best.item < 0 || near > best.share)) {
            best = (struct cause){f->items[i], near};
        }
    }
    return best;
}

struct cause factors_explain(const struct ranking *r, int item)
{
    const struct affinity *m = r->model;
    const struct folded *f = r->state[SOURCE_FACTORS];
    struct err err = {0};
    float parts[OWN_MAX];
    if (!f || item >= m->placed.rows) {
        return (struct cause){.item = -1};
    }
    if (item >= m->trained) {
        return nearest_own(m, f, item);
    }
    /* Exact: given the system, the folded-in factors are linear in the entries, and the parts add
     * up to the score (als_explain). */
    const struct als_entries done = entries_of(f);
    if (!als_explain(&m->server, &done, item, parts, &err)) {
        return (struct cause){.item = -1};
    }
    int best = 0;
    for (int i = 1; i < f->count; i++) {
        best = parts[i] > parts[best] ? i : best;
    }
    return (struct cause){f->items[best], parts[best] / f->norm};
}
