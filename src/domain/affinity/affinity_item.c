/* The source of the item-item weights: what others turned to who had to do with the shopper's own products. Scores of both this source and the
 * factors are divided by their norms over all products, so that the model's share mixes them as in training (ml/items/rank_model.h). */
#include "domain/affinity/affinity_internal.h"

#include "base/mem.h"
#include "ml/items/item_item.h"
#include "ml/items/rank_model.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the model keeps. */
struct item_part {
    struct csr weights; /* (trained, trained) by own product; a view of the file */
    float weight_exponent;
    float *mean; /* (trained) weight of the item by any product; owned */
};

/* What one request keeps. */
struct item_scores {
    float *of;  /* (trained) raw */
    float norm; /* > 0 */
    float mass; /* values of what the shopper did, added up */
};

static bool check_weights(const struct csr *w, struct err *err)
{
    /* the borders first: the second loop follows them */
    bool ok = w->start[0] == 0;
    for (int i = 0; ok && i < w->rows; i++) {
        ok = w->start[i] <= w->start[i + 1] && w->start[i + 1] <= w->start[w->rows];
    }
    for (int i = 0; ok && i < w->rows; i++) {
        int32_t last = -1;
        for (int64_t e = w->start[i]; ok && e < w->start[i + 1]; e++) {
            /* Ascending, since item_item_weight searches by halves; no diagonal, by which a
             * product would recommend itself. */
            ok = w->column[e] > last && w->column[e] < w->cols && w->column[e] != i;
            last = w->column[e];
        }
    }
    return ok || FAIL(err, ERR_INVALID, "the affinity model's item-item weights are out of order");
}

static float *means_of(const struct csr *w)
{
    float *mean = mem_array((size_t)w->cols, sizeof *mean);
    double *sum = mem_array((size_t)w->cols, sizeof *sum);
    for (int64_t e = 0; e < w->start[w->rows]; e++) {
        sum[w->column[e]] += (double)w->weight[e];
    }
    for (int i = 0; i < w->cols; i++) {
        mean[i] = (float)(sum[i] / w->rows);
    }
    free(sum);
    return mean;
}

bool item_load(struct affinity *m, struct err *err)
{
    uint64_t entries = 0;
    const int64_t *start = NULL;
    const int32_t *target = NULL;
    const float *weight = NULL;
    const float *blend = NULL;
    /* by kind and not by what sections there are: a blend without weights is damaged */
    if (!m->is_blend) {
        return true;
    }
    if (!model_file_count(&m->file, "item_target", MODEL_I32, &entries, err) ||
        !model_file_i64(&m->file, "item_start", (uint64_t)m->trained + 1, &start, err) ||
        !model_file_i32(&m->file, "item_target", entries, &target, err) ||
        !model_file_f32(&m->file, "item_weight", entries, &weight, err) ||
        !model_file_f32(&m->file, "blend", 2, &blend, err)) {
        return false;
    }
    /* The struct has no const arrays; nothing writes through it. */
    union {
        const void *from;
        void *to;
    } starts = {start}, targets = {target}, weights = {weight};
    const struct csr view = {m->trained, m->trained, starts.to, targets.to, weights.to};
    if (start[m->trained] != (int64_t)entries || !(blend[0] >= 0 && blend[0] <= 1) ||
        !(blend[1] >= 0 && blend[1] <= 1)) {
        return FAIL(err, ERR_INVALID, "the affinity model's blend is out of range");
    }
    if (!check_weights(&view, err)) {
        return false;
    }
    struct item_part *part = mem_alloc(sizeof *part);
    *part = (struct item_part){view, blend[1], means_of(&view)};
    m->part[SOURCE_ITEM] = part;
    m->blend[SOURCE_ITEM] = blend[0];
    /* the two shares add up to 1, as in rank_mix */
    m->blend[SOURCE_FACTORS] = 1 - blend[0];
    return true;
}

void item_release(struct affinity *m)
{
    struct item_part *part = m->part[SOURCE_ITEM];
    if (part) {
        free(part->mean);
    }
    mem_free(&m->part[SOURCE_ITEM]);
}

/* NULL: the weights say nothing of what the shopper did. */
static struct item_scores *score_all(struct ranking *r, const struct item_part *part)
{
    struct item_scores *s = arena_alloc(r->arena, sizeof *s);
    s->of = arena_array(r->arena, (size_t)r->model->trained, sizeof *s->of);
    /* squares of thousands of products: a float would lose the small ones */
    double sum = 0;
    for (int i = 0; i < r->own.count; i++) {
        const struct own_item *own = &r->own.items[i];
        /* what is only in the catalogue has no row of weights */
        if (own->item < r->model->trained) {
            item_item_add_scores(&part->weights, part->weight_exponent, 1, &own->item, &own->weight,
                                 s->of);
            s->mass += item_item_value(own->weight, part->weight_exponent);
        }
    }
    for (int i = 0; i < r->model->trained; i++) {
        sum += (double)s->of[i] * (double)s->of[i];
    }
    /* over all trained products, zeros included, as training measured it (rank_mix) */
    s->norm = (float)sqrt(sum / r->model->trained);
    if (!(s->norm > 0)) {
        return NULL;
    }
    r->state[SOURCE_ITEM] = s;
    return s;
}

void item_collect(struct ranking *r)
{
    const struct item_part *part = r->model->part[SOURCE_ITEM];
    const struct item_scores *s = part ? score_all(r, part) : NULL;
    if (!s) {
        return;
    }
    struct topk_hit *hits = arena_array(r->arena, (size_t)r->depth, sizeof *hits);
    int count = topk_of_scores(s->of, r->model->trained, r->depth, &r->filter, hits);
    /* weights may be below 0: a ridge regression also learns what is not bought together */
    for (int i = 0; i < count && hits[i].score > 0; i++) {
        ranking_put(r, SOURCE_ITEM, hits[i].id, hits[i].score / s->norm);
    }
}

void item_score(struct ranking *r)
{
    const struct item_scores *s = r->state[SOURCE_ITEM];
    for (int i = 0; s && i < r->candidates.count; i++) {
        const int item = r->candidates.all[i].item;
        if (item < r->model->trained) {
            ranking_put(r, SOURCE_ITEM, item, s->of[item] / s->norm);
        }
    }
}

struct cause item_explain(const struct ranking *r, int item)
{
    const struct item_part *part = r->model->part[SOURCE_ITEM];
    const struct item_scores *s = r->state[SOURCE_ITEM];
    struct cause best = {.item = -1};
    for (int i = 0; s && item < r->model->trained && i < r->own.count; i++) {
        const struct own_item *own = &r->own.items[i];
        if (own->item >= r->model->trained) {
            continue;
        }
        /* one term of the sum that score_all added up, over the same norm */
        float share = item_item_value(own->weight, part->weight_exponent) *
                      item_item_weight(&part->weights, own->item, item) / s->norm;
        if (best.item < 0 || share > best.share) {
            best = (struct cause){own->item, share};
        }
    }
    return best;
}

bool item_relates(const struct ranking *r, int item)
{
    const struct item_part *part = r->model->part[SOURCE_ITEM];
    const struct item_scores *s = r->state[SOURCE_ITEM];
    if (!s || item >= r->model->trained) {
        return false;
    }
    const float by_any = s->mass * part->mean[item];
    return s->of[item] > 0 && s->of[item] >= RELATED_RATIO * by_any;
}
