/* All-items ranking held against what came later, block by block of shoppers. */
#include "ml/items/rank_judge.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/rng.h"
#include "ml/judge/rank_eval.h"
#include "ml/linear/parallel.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16 };

struct scratch {
    struct rank_parts parts; /* (BLOCK, n) */
    double norms[BLOCK];
    float *scores; /* (n) */
    bool failed;
    struct err err;
};

struct job {
    const struct rank_judge *judge;
    const struct rank_variant *variants;
    int variant_count;
    struct rank_scorer scorer;
    int32_t *which; /* (count) ascending */
    int count;
    struct scratch *scratch;     /* (threads) */
    struct rank_quality *totals; /* (blocks, variant_count), sums */
};

static int by_number(const void *a, const void *b)
{
    const int32_t *x = a;
    const int32_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* Shoppers with something to judge, or a seeded sample of them. */
static void choose_shoppers(struct job *j)
{
    const struct rank_judge *g = j->judge;
    int all = 0;
    j->which = mem_array((size_t)g->later->rows + 1, sizeof *j->which);
    for (int u = 0; u < g->later->rows; u++) {
        /* nothing asked for, nothing to find: recall has no denominator */
        if (g->later->start[u + 1] > g->later->start[u]) {
            j->which[all++] = u;
        }
    }
    j->count = g->shoppers_max > 0 && g->shoppers_max < all ? g->shoppers_max : all;
    struct rng rng = rng_seed(g->seed);
    /* the first steps of a shuffle (Fisher and Yates): every sample of that size is as likely */
    for (int i = 0; j->count < all && i < j->count; i++) {
        int from = i + (int)rng_below(&rng, (uint64_t)(all - i));
        int32_t taken = j->which[from];
        j->which[from] = j->which[i];
        j->which[i] = taken;
    }
    /* in order of rows again: neighbours in the matrix are read together */
    qsort(j->which, (size_t)j->count, sizeof *j->which, by_number);
}

/* A short list, best first; equal scores stay in the order they came. */
struct best {
    float scores[RANK_JUDGE_K_MAX];
    int ids[RANK_JUDGE_K_MAX];
    int count;
    int k;
    float least; /* what a score has to pass */
};

static void best_offer(struct best *b, int id, float score)
{
    /* also NaN ends here; an equal score came later and has the higher number */
    if (!(score > b->least)) {
        return;
    }
    int at = b->count < b->k ? b->count++ : b->k - 1;
    assert(at < RANK_JUDGE_K_MAX);
    for (; at > 0 && b->scores[at - 1] < score; at--) {
        b->scores[at] = b->scores[at - 1];
        b->ids[at] = b->ids[at - 1];
    }
    b->scores[at] = score;
    b->ids[at] = id;
    b->least = b->count == b->k ? b->scores[b->k - 1] : b->least;
}

/* The k best of scores (n), best first, equal ones by number; NaN is never taken. Most blocks hold
 * nothing above the worst kept and cost one comparison an item. Returns how many. */
static int select_best(const float *scores, int n, int k, int *out)
{
    enum { STRIDE = 64 };
    struct best best = {.k = k, .least = -INFINITY};
    for (int from = 0; from < n; from += STRIDE) {
        const int end = n - from < STRIDE ? n : from + STRIDE;
        int above = 0;
        for (int i = from; i < end; i++) {
            above += scores[i] > best.least;
        }
        for (int i = from; above > 0 && i < end; i++) {
            best_offer(&best, i, scores[i]);
        }
    }
    memcpy(out, best.ids, (size_t)best.count * sizeof *out);
    return best.count;
}

static void judge_scores(const struct job *j, struct scratch *s, int shopper,
                         struct rank_quality *total)
{
    const struct csr *known = j->judge->known;
    const struct csr *later = j->judge->later;
    int ranked[RANK_JUDGE_K_MAX];
    for (int64_t e = known->start[shopper]; e < known->start[shopper + 1]; e++) {
        /* What is known already would fill the top of the list and
         * says nothing of what comes later. */
        s->scores[known->column[e]] = NAN; /* never answered */
    }
    int count = select_best(s->scores, known->cols, j->judge->k, ranked);
    const int64_t from = later->start[shopper];
    struct rank_metrics m = rank_eval(ranked, count, later->column + from,
                                      (int)(later->start[shopper + 1] - from), j->judge->k);
    /* per block and in order: the sum over all does not depend on threads */
    total->recall += m.recall;
    total->ndcg += m.ndcg;
    total->shoppers++;
}

static bool is_cold(const struct job *j, int shopper)
{
    return j->judge->known->start[shopper] == j->judge->known->start[shopper + 1];
}

static void cold_scores(const struct job *j, float *out)
{
    for (int i = 0; i < j->judge->known->cols; i++) {
        /* NaN ranks nothing: such a shopper counts as a miss and is not left out */
        out[i] = j->judge->cold ? j->judge->cold[i] : NAN;
    }
}

static void judge_block(void *ctx, int block, int worker)
{
    const struct job *j = ctx;
    struct scratch *s = &j->scratch[worker];
    const struct rank_model *m = j->scorer.model;
    const int from = block * BLOCK;
    const int count = j->count - from < BLOCK ? j->count - from : BLOCK;
    /* a thread stops at its first failure; job_run looks at those of all */
    if (s->failed || !rank_score_parts(&j->scorer, j->judge->known, j->which + from, count,
                                       &s->parts, &s->err)) {
        s->failed = true;
        return;
    }
    for (int i = 0; i < count; i++) {
        const float *als = m->settings.kind != RANK_ITEM ? mat_row(&s->parts.als, i) : NULL;
        const float *item = m->settings.kind != RANK_ALS ? mat_row(&s->parts.item, i) : NULL;
        const int shopper = j->which[from + i];
        for (int v = 0; v < j->variant_count; v++) {
            if (j->variants[v].plain) {
                /* a copy, since judge_scores strikes out what is known */
                memcpy(s->scores, j->variants[v].plain, (size_t)m->items * sizeof *s->scores);
            } else if (is_cold(j, shopper)) {
                /* for every variant the same, so that the cold ones decide no comparison */
                cold_scores(j, s->scores);
            } else {
                rank_mix(als, s->norms[i], item, j->variants[v].target_scale,
                         (double)j->variants[v].item_share, m->items, s->scores);
            }
            judge_scores(j, s, shopper,
                         &j->totals[(size_t)block * (size_t)j->variant_count + (size_t)v]);
        }
    }
}

static void job_free(struct job *j)
{
    for (int t = 0; j->scratch && t < j->judge->threads; t++) {
        mat_free(&j->scratch[t].parts.als);
        mat_free(&j->scratch[t].parts.item);
        mem_free(&j->scratch[t].scores);
    }
    mem_free(&j->scratch);
    mem_free(&j->which);
    mem_free(&j->totals);
}

static void scratch_make(struct scratch *s, const struct rank_model *m)
{
    s->parts.als = mat_make(m->settings.kind != RANK_ITEM ? BLOCK : 0, m->items);
    s->parts.item = mat_make(m->settings.kind != RANK_ALS ? BLOCK : 0, m->items);
    s->parts.als_norm = s->norms;
    s->scores = mem_array((size_t)m->items + 1, sizeof *s->scores);
}

static bool job_run(struct job *j, struct rank_quality *out, struct err *err)
{
    const int blocks = (j->count + BLOCK - 1) / BLOCK;
    const int variants = j->variant_count;
    j->totals = mem_array((size_t)blocks * (size_t)variants + 1, sizeof *j->totals);
    parallel_run(j->judge->threads, blocks, judge_block, j);
    for (int t = 0; t < j->judge->threads; t++) {
        if (j->scratch[t].failed) {
            *err = j->scratch[t].err;
            return false;
        }
    }
    for (int v = 0; v < variants; v++) {
        out[v] = (struct rank_quality){.shoppers = j->count};
        /* in order of blocks, whose borders do not depend on threads */
        for (int b = 0; b < blocks; b++) {
            const struct rank_quality *sum = &j->totals[(size_t)b * (size_t)variants + (size_t)v];
            out[v].recall += sum->recall / j->count;
            out[v].ndcg += sum->ndcg / j->count;
        }
    }
    return true;
}

bool rank_judge_variants(const struct rank_judge *judge, const struct rank_model *model,
                         const struct rank_variant *variants, int count, struct rank_quality *out,
                         struct err *err)
{
    assert(judge->k >= 1 && judge->k <= RANK_JUDGE_K_MAX && count >= 1 &&
           count <= RANK_VARIANTS_MAX);
    assert(judge->known->rows == judge->later->rows && judge->known->cols == model->items);
    CLEANUP(job_free)
    struct job j = {.judge = judge, .variants = variants, .variant_count = count};
    j.scratch = mem_array((size_t)judge->threads, sizeof *j.scratch);
    if (!rank_scorer_open(model, &j.scorer, err)) {
        return false;
    }
    for (int t = 0; t < judge->threads; t++) {
        scratch_make(&j.scratch[t], model);
    }
    choose_shoppers(&j);
    return job_run(&j, out, err);
}

bool rank_judge_model(const struct rank_judge *judge, const struct rank_model *model,
                      struct rank_quality *out, struct err *err)
{
    const enum rank_kind kind = model->settings.kind;
    /* the share of a part that stands alone, whatever its settings say */
    const struct rank_variant as_is = {.item_share = kind == RANK_BLEND ? model->settings.item_share
                                                     : kind == RANK_ITEM ? 1
                                                                         : 0};
    return rank_judge_variants(judge, model, &as_is, 1, out, err);
}
