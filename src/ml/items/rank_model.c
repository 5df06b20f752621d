/* Training and scoring of what ranks: iALS, item-item, and the blend of both. How settings are
 * chosen is rank_tune.c. */
#include "ml/items/rank_model.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/linear/blas.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const char *rank_kind_name(enum rank_kind kind)
{
    switch (kind) {
    case RANK_ALS:
        return "als";
    case RANK_ITEM:
        return "item";
    case RANK_BLEND:
    default:
        return "blend";
    }
}

bool rank_model_set_factors(struct rank_model *model, const struct csr *interactions,
                            const struct mat *items, struct err *err)
{
    const struct als_options *o = &model->settings.als;
    assert(model->factors.rows == 0 && items->rows == interactions->cols);
    model->items = interactions->cols;
    model->factors = mat_make(items->rows, items->cols);
    /* a copy, which is turned in place: the training may go on with its own */
    mat_copy(items, &model->factors);
    model->spectrum = mem_array((size_t)items->cols + 1, sizeof *model->spectrum);
    model->item_scale = mem_array((size_t)items->rows + 1, sizeof *model->item_scale);
    als_item_scales(interactions, o, model->item_scale, &model->shopper_mean);
    return als_rotate(&model->factors, o->threads, model->spectrum, err);
}

bool rank_model_train(const struct csr *interactions, const struct rank_settings *settings,
                      struct rank_model *out, struct err *err)
{
    CLEANUP(rank_model_free)
    struct rank_model model = {.settings = *settings, .items = interactions->cols};
    if (settings->kind != RANK_ALS &&
        !item_item_train(interactions, &settings->item, &model.weights, err)) {
        return false;
    }
    if (settings->kind != RANK_ITEM) {
        CLEANUP(mat_free) struct mat shoppers = {0};
        CLEANUP(mat_free) struct mat items = {0};
        if (!als_train(interactions, &settings->als, &shoppers, &items, err) ||
            !rank_model_set_factors(&model, interactions, &items, err)) {
            return false;
        }
    }
    /* handed over: the cleanup finds nothing there */
    *out = model;
    model = (struct rank_model){0};
    return true;
}

void rank_model_free(struct rank_model *model)
{
    mat_free(&model->factors);
    mem_free(&model->spectrum);
    mem_free(&model->item_scale);
    csr_free(&model->weights);
    *model = (struct rank_model){0};
}

size_t rank_model_memory_bytes(const struct csr *interactions, const struct rank_settings *settings)
{
    size_t als = 0;
    size_t item = 0;
    if (settings->kind != RANK_ITEM) {
        /* and the copy that is turned for serving (rank_model_set_factors), while the training's
         * own is still there */
        als = als_memory_bytes(interactions->rows, interactions->cols, csr_entries(interactions),
                               &settings->als) +
              (size_t)interactions->cols * (size_t)mat_ld(settings->als.factors) * sizeof(float);
    }
    if (settings->kind != RANK_ALS) {
        item = item_item_memory_bytes(interactions, &settings->item);
    }
    /* added up: the weights are there already while factors are trained */
    return als + item;
}

double rank_factor_norm(const float *spectrum, const float *factors, int k, int n)
{
    double sum = 0;
    /* |H w|^2 = w' (H'H) w, and H'H is diagonal in this basis: k products instead of n scores */
    for (int i = 0; i < k; i++) {
        sum += (double)spectrum[i] * (double)factors[i] * (double)factors[i];
    }
    return sum > 0 ? sqrt(sum / n) : 0;
}

/* ---- scoring ---- */

bool rank_scorer_open(const struct rank_model *model, struct rank_scorer *out, struct err *err)
{
    struct als_server server = {0};
    if (model->settings.kind != RANK_ITEM &&
        !als_server_open(&model->factors, model->spectrum, model->item_scale, model->shopper_mean,
                         &model->settings.als, &server, err)) {
        return false;
    }
    *out = (struct rank_scorer){.model = model, .server = server};
    return true;
}

static struct als_entries entries_of(const struct csr *interactions, int row)
{
    const int64_t from = interactions->start[row];
    return (struct als_entries){(int)(interactions->start[row + 1] - from),
                                interactions->column + from, interactions->weight + from};
}

static bool score_factors(const struct rank_scorer *s, const struct csr *interactions,
                          const int32_t *which, int count, struct rank_parts *out, struct err *err)
{
    const int k = s->model->factors.cols;
    CLEANUP(mat_free) struct mat shoppers = mat_make(count, k);
    for (int i = 0; i < count; i++) {
        const struct als_entries done = entries_of(interactions, which[i]);
        float *factors = mat_row(&shoppers, i);
        /* folded in, though the training has factors of these shoppers: at serving nobody has */
        if (!als_fold_in(&s->server, &done, factors, err)) {
            return false;
        }
        out->als_norm[i] = rank_factor_norm(s->model->spectrum, factors, k, s->model->items);
    }
    /* of a block, which may be smaller than the room for it */
    struct mat scores = mat_view(out->als.data, count, out->als.cols, out->als.ld);
    blas_gemm_transposed(&shoppers, &s->model->factors, &scores);
    return true;
}

bool rank_score_parts(const struct rank_scorer *s, const struct csr *interactions,
                      const int32_t *which, int count, struct rank_parts *out, struct err *err)
{
    const struct rank_model *m = s->model;
    if (m->settings.kind != RANK_ITEM && !score_factors(s, interactions, which, count, out, err)) {
        return false;
    }
    for (int i = 0; m->settings.kind != RANK_ALS && i < count; i++) {
        const struct als_entries done = entries_of(interactions, which[i]);
        float *scores = mat_row(&out->item, i);
        /* scores are added to, and the room is used again for every block */
        memset(scores, 0, (size_t)m->items * sizeof *scores);
        item_item_add_scores(&m->weights, m->settings.item.weight_exponent, done.count, done.column,
                             done.weight, scores);
    }
    return true;
}

static double norm_of(const float *item, const float *scale, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        /* over all items, zeros too: |x| is the root of the mean square, as serving has it */
        double x = (double)item[i] * (scale ? (double)scale[i] : 1);
        sum += x * x;
    }
    return sqrt(sum / n);
}

void rank_mix(const float *als, double als_norm, const float *item, const float *target_scale,
              double item_share, int n, float *out)
{
    const double item_norm = item ? norm_of(item, target_scale, n) : 0;
    /* A part that says nothing is left out and not divided by 0; the other one keeps its share. */
    const float by_als = als && als_norm > 0 ? (float)((1 - item_share) / als_norm) : 0;
    const float by_item = item_norm > 0 ? (float)(item_share / item_norm) : 0;
    /* both parts may be missing: then all items are equal */
    memset(out, 0, (size_t)n * sizeof *out);
    for (int i = 0; als && by_als != 0 && i < n; i++) {
        out[i] = by_als * als[i];
    }
    for (int i = 0; item && by_item != 0 && i < n; i++) {
        out[i] += by_item * item[i] * (target_scale ? target_scale[i] : 1);
    }
}

static double share_of(const struct rank_settings *s)
{
    if (s->kind == RANK_BLEND) {
        return (double)s->item_share;
    }
    return s->kind == RANK_ITEM ? 1 : 0;
}

bool rank_scores(const struct rank_scorer *s, const struct als_entries *done, float *out,
                 struct err *err)
{
    const struct rank_model *m = s->model;
    const bool has_als = m->settings.kind != RANK_ITEM;
    const bool has_item = m->settings.kind != RANK_ALS;
    double norm = 0;
    /* no row where there is no such part */
    CLEANUP(mat_free) struct mat als = mat_make(has_als, m->items);
    CLEANUP(mat_free) struct mat item = mat_make(has_item, m->items);
    if (has_als) {
        float factors[ALS_FACTORS_MAX];
        if (!als_fold_in(&s->server, done, factors, err)) {
            return false;
        }
        norm = rank_factor_norm(m->spectrum, factors, m->factors.cols, m->items);
        for (int i = 0; i < m->items; i++) {
            als.data[i] = mat_dot(factors, mat_row(&m->factors, i), m->factors.cols);
        }
    }
    if (has_item) {
        item_item_add_scores(&m->weights, m->settings.item.weight_exponent, done->count,
                             done->column, done->weight, item.data);
    }
    rank_mix(has_als ? als.data : NULL, norm, has_item ? item.data : NULL, NULL,
             share_of(&m->settings), m->items, out);
    return true;
}
