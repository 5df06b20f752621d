/* The settings of the factor model, chosen on the log itself: the last part of what may be learnt from is held out, a coarse grid is
 * trained before it, and what ranks the held-out choices best is taken. Sees nothing after until_us. */
#include "flow/train_affinity.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/als.h"
#include "ml/csr.h"
#include "ml/rank_eval.h"
#include "ml/split.h"
#include "ml/topk.h"

#include <stdlib.h>
#include <string.h>

enum {
    TUNE_SHOPPERS_MAX = 2000,
    TUNE_SHOPPERS_MIN = 20,
    TUNE_CHOSEN_MAX = 50,
    TUNE_FACTORS = 32, /* of the ridge's grid: middling */
    TUNE_SWEEPS = 4,   /* enough to tell settings apart */
    TUNE_SETTINGS = 17,
    TUNE_K = 10,
};
static const double TUNE_LEARN_SHARE = 0.8;
/* Multiplications of the whole grid: some ten seconds of two cores. Larger logs keep the defaults. */
static const double TUNE_COST_MAX = 1e11;

struct tuning {
    const struct affinity_training *a;
    int64_t cut_us;   /* learnt before it */
    int64_t until_us; /* judged up to it */
    struct csr matrix;
    int32_t *row_of; /* of a shopper; -1: nothing before the cut */
};

static void tuning_free(struct tuning *t)
{
    csr_free(&t->matrix);
    free(t->row_of);
}

static int64_t tune_cut(const struct affinity_training *a, int64_t until_us)
{
    int64_t *times = mem_array(a->count + 1, sizeof *times);
    size_t count = 0;

    for (size_t i = 0; i < a->count; i++) {
        if (a->all[i].chosen && a->all[i].at_us < until_us) {
            times[count++] = a->all[i].at_us;
        }
    }
    int64_t cut_us = count > 0 ? split_time_quantile(times, count, TUNE_LEARN_SHARE) : until_us;
    free(times);
    return cut_us;
}

static bool tuning_matrix(struct tuning *t, struct err *err)
{
    const struct affinity_training *a = t->a;
    struct triple *triples = mem_array(a->count + 1, sizeof *triples);
    size_t count = 0;
    int32_t rows = 0;

    t->row_of = mem_array((size_t)a->shoppers + 1, sizeof *t->row_of);
    for (int32_t s = 0; s < a->shoppers; s++) {
        t->row_of[s] = -1;
    }
    for (size_t i = 0; i < a->count; i++) {
        const struct interaction *in = &a->all[i];
        double weight = affinity_interaction_weight(in, t->cut_us);
        if (weight > 0) {
            if (t->row_of[in->shopper] < 0) {
                t->row_of[in->shopper] = rows++;
            }
            triples[count++] = (struct triple){t->row_of[in->shopper], in->item, (float)weight};
        }
    }
    bool ok = csr_build(rows, a->items.count, triples, count, &t->matrix, err);
    free(triples);
    return ok;
}

/* A row is rotated twice a sweep, an entry passed over 1 + steps times from either side; items are not counted one by one, no log has more of them
 * than entries. */
static double grid_cost(const struct tuning *t)
{
    double k = TUNE_FACTORS;
    double passes = 1 + als_defaults().steps;
    double entries = (double)csr_entries(&t->matrix);
    double items = entries < t->a->items.count ? entries : t->a->items.count;
    return TUNE_SETTINGS * TUNE_SWEEPS *
           ((t->matrix.rows + items) * 2 * k * k + 2 * entries * passes * 2 * k);
}

static bool row_has(const struct csr *m, int32_t row, int32_t column)
{
    for (int64_t e = m->start[row]; e < m->start[row + 1]; e++) {
        if (m->column[e] == column) {
            return true;
        }
    }
    return false;
}

/* New products the shopper of interactions [first, end) chose in the judged window, ascending and distinct. */
static int chosen_later(const struct tuning *t, size_t first, size_t end, int32_t row,
                        int out[TUNE_CHOSEN_MAX])
{
    int count = 0;

    for (size_t i = first; i < end && count < TUNE_CHOSEN_MAX; i++) {
        const struct interaction *in = &t->a->all[i];
        int at = 0;
        if (!in->chosen || in->at_us < t->cut_us || in->at_us >= t->until_us ||
            row_has(&t->matrix, row, in->item)) {
            continue;
        }
        while (at < count && out[at] < in->item) {
            at++;
        }
        if (at < count && out[at] == in->item) {
            continue;
        }
        memmove(out + at + 1, out + at, (size_t)(count - at) * sizeof *out);
        out[at] = in->item;
        count++;
    }
    return count;
}

static double judge_shopper(const struct tuning *t, const struct mat *shoppers,
                            const struct mat *items, uint64_t *seen, int32_t row, const int *chosen,
                            int chosen_count)
{
    struct topk_hit hits[TUNE_K];
    int ranked[TUNE_K];

    for (int64_t e = t->matrix.start[row]; e < t->matrix.start[row + 1]; e++) {
        seen[t->matrix.column[e] / 64] |= UINT64_C(1) << (t->matrix.column[e] % 64);
    }
    int count = topk_search(items, shoppers->data + (size_t)row * (size_t)shoppers->ld, TUNE_K,
                            &(struct topk_filter){.excluded = seen}, hits);
    for (int64_t e = t->matrix.start[row]; e < t->matrix.start[row + 1]; e++) {
        seen[t->matrix.column[e] / 64] = 0;
    }
    for (int i = 0; i < count; i++) {
        ranked[i] = hits[i].id;
    }
    return rank_eval(ranked, count, chosen, chosen_count, TUNE_K).ndcg;
}

/* Calls fn for every shopper with something to judge, up to TUNE_SHOPPERS_MAX; returns how many. */
typedef double tune_fn(void *ctx, int32_t row, const int *chosen, int count);

static int each_judged(const struct tuning *t, tune_fn *fn, void *ctx, double *sum)
{
    const struct affinity_training *a = t->a;
    int judged = 0;

    for (size_t first = 0, end; first < a->count && judged < TUNE_SHOPPERS_MAX; first = end) {
        int chosen[TUNE_CHOSEN_MAX + 1];
        int32_t row = t->row_of[a->all[first].shopper];
        for (end = first; end < a->count && a->all[end].shopper == a->all[first].shopper; end++) {
        }
        int count = row >= 0 ? chosen_later(t, first, end, row, chosen) : 0;
        if (count > 0) {
            *sum += fn ? fn(ctx, row, chosen, count) : 0;
            judged++;
        }
    }
    return judged;
}

struct judged_setting {
    const struct tuning *t;
    struct mat shoppers;
    struct mat items;
    uint64_t *seen;
};

static double judge_one(void *ctx, int32_t row, const int *chosen, int count)
{
    struct judged_setting *j = ctx;
    return judge_shopper(j->t, &j->shoppers, &j->items, j->seen, row, chosen, count);
}

/* Keeps the better of best and o by mean NDCG@10. */
static bool compare(const struct tuning *t, const struct als_options *o, struct als_options *best,
                    double *best_ndcg, struct err *err)
{
    struct judged_setting j = {.t = t};
    double sum = 0;

    if (!als_train(&t->matrix, o, &j.shoppers, &j.items, err)) {
        return false;
    }
    j.seen = mem_array((size_t)t->a->items.count / 64 + 1, sizeof *j.seen);
    int judged = each_judged(t, judge_one, &j, &sum);
    double ndcg = judged > 0 ? sum / judged : 0;
    if (ndcg > *best_ndcg) {
        *best_ndcg = ndcg;
        *best = *o;
    }
    free(j.seen);
    mat_free(&j.shoppers);
    mat_free(&j.items);
    return true;
}

/* First how strongly to shrink, at a middling size; then whether frequency weighs; then the size. */
static bool search(const struct tuning *t, struct als_options *best, double *best_ndcg,
                   struct err *err)
{
    static const float unobserved[] = {0.02F, 0.1F, 0.4F, 1.0F};
    static const float ridges[] = {0.001F, 0.01F, 0.05F};
    const int most = best->factors;
    struct als_options o = *best;

    o.sweeps = TUNE_SWEEPS;
    o.factors = most < TUNE_FACTORS ? most : TUNE_FACTORS;
    for (size_t u = 0; u < sizeof unobserved / sizeof *unobserved; u++) {
        for (size_t r = 0; r < sizeof ridges / sizeof *ridges; r++) {
            o.unobserved_weight = unobserved[u];
            o.reg = ridges[r];
            if (!compare(t, &o, best, best_ndcg, err)) {
                return false;
            }
        }
    }
    o = *best;
    o.sweeps = TUNE_SWEEPS;
    o.shopper_exponent = 0;
    o.item_exponent = 0;
    if (!compare(t, &o, best, best_ndcg, err)) {
        return false;
    }
    o = *best;
    o.sweeps = TUNE_SWEEPS;
    for (int factors = 8; factors <= most; factors *= 2) {
        o.factors = factors;
        if (factors != TUNE_FACTORS && !compare(t, &o, best, best_ndcg, err)) {
            return false;
        }
    }
    return true;
}

bool affinity_tune(const struct affinity_training *a, int64_t until_us, struct als_options *options,
                   struct err *err)
{
    CLEANUP(tuning_free)
    struct tuning t = {.a = a, .until_us = until_us, .cut_us = tune_cut(a, until_us)};
    struct als_options best = *options;
    double ndcg = 0; /* a setting that finds nothing is no better than the default */
    double none = 0;

    if (!tuning_matrix(&t, err)) {
        return false;
    }
    int shoppers = each_judged(&t, NULL, NULL, &none);
    if (shoppers < TUNE_SHOPPERS_MIN || grid_cost(&t) > TUNE_COST_MAX) {
        return true;
    }
    int smaller = t.matrix.rows < a->items.count ? t.matrix.rows : a->items.count;
    best.factors = best.factors < smaller ? best.factors : smaller;
    if (!search(&t, &best, &ndcg, err)) {
        return false;
    }
    best.sweeps = options->sweeps;
    train_say(a->t, "affinity",
              "settings chosen on %d shoppers held out of the training window: %d factors, "
              "unobserved weight %.2f, ridge %.3f (NDCG@10 %.4f)",
              shoppers, best.factors, (double)best.unobserved_weight, (double)best.reg, ndcg);
    *options = best;
    return true;
}
