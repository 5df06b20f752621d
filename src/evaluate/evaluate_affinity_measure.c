/* The figures of the evaluation of affinity, from the lists of every case. */
#include "evaluate/evaluate_affinity_measure.h"

#include "base/mem.h"

#include <stdlib.h>

enum measure { MEASURE_NDCG, MEASURE_RECALL, MEASURE_MRR };

static double measure_of(const struct rank_metrics *m, enum measure which)
{
    return which == MEASURE_NDCG     ? m->ndcg
           : which == MEASURE_RECALL ? m->recall
                                     : m->reciprocal_rank;
}

/* over: bits of segments of which a case must have one. minus: another contender's lists to subtract; NULL. */
struct figure {
    const struct affinity_evaluation *e;
    enum affinity_task task;
    enum measure measure;
    uint32_t over;
    const struct rank_metrics *of;
    const struct rank_metrics *minus;
};

static struct interval figure_interval(const struct figure *f)
{
    double *values = mem_array((size_t)f->e->cases[f->task] + 1, sizeof *values);
    int count = 0;
    for (int i = 0; i < f->e->cases[f->task]; i++) {
        if (f->e->segments[f->task][i] & f->over) {
            /* The difference is taken shopper by shopper before it is resampled: what makes one shopper hard for everybody drops out, so
             * that its interval is narrower than those of the two figures. */
            values[count++] = measure_of(&f->of[i], f->measure) -
                              (f->minus ? measure_of(&f->minus[i], f->measure) : 0);
        }
    }
    struct interval interval = bootstrap_mean(values, count, f->e->options->seed);
    free(values);
    return interval;
}

static void measure_task(const struct affinity_evaluation *e, struct contender *c,
                         enum affinity_task task)
{
    struct figure f = {.e = e, .task = task, .over = ~0U, .of = c->lists[task]};
    c->ndcg[task] = figure_interval(&f);
    f.measure = MEASURE_RECALL;
    c->recall[task] = figure_interval(&f);
    f.measure = MEASURE_MRR;
    c->mrr[task] = figure_interval(&f);
    f.measure = MEASURE_NDCG;
    f.minus = e->contenders[CONTENDER_POPULAR].lists[task];
    c->gain[task] = figure_interval(&f);
    if (task == TASK_ANY) {
        /* Only of this task has "last viewed" lists: it knows nothing new. */
        f.minus = e->contenders[CONTENDER_VIEWED].lists[task];
        c->above_viewed = figure_interval(&f);
    }
    f.minus = NULL;
    for (int s = 0; s < SEGMENTS; s++) {
        f.over = 1U << s;
        c->segment_ndcg[task][s] = figure_interval(&f);
    }
    /* Sums until here; means from now on. */
    for (int k = 0; k < e->curve && e->cases[task] > 0; k++) {
        c->recall_at[task][k] /= e->cases[task];
    }
}

/* Items that nobody could have named (first seen after the cut, not in the catalogue) are left out of the shares. */
static int keep_possible(const struct affinity_evaluation *e, const int64_t *of, int64_t *out)
{
    int count = 0;
    for (int32_t i = 0; i < e->a->items.count; i++) {
        /* Items of the catalogue are numbered first (train_affinity.c), so a number below facts_count is in it. */
        if (e->known[i] > 0 || i < e->a->facts_count) {
            out[count++] = of[i];
        }
    }
    return count;
}

static void measure_spread(struct affinity_evaluation *e)
{
    size_t n = (size_t)e->a->items.count + 1;
    int64_t *known = mem_array(n, sizeof *known);
    int64_t *counts = mem_array(n, sizeof *counts);
    e->items = keep_possible(e, e->known, known);
    for (int i = 0; i < CONTENDERS; i++) {
        struct contender *c = &e->contenders[i];
        if (c->took_part) {
            keep_possible(e, c->shown, counts);
            /* Both arrays have lost the same items, so that an index still means the same product in each. */
            c->spread = rank_spread(counts, known, e->items, e->shoppers_before, e->lists);
            rank_concentration(counts, known, e->items, CONCENTRATION_POINTS, c->concentration);
            keep_possible(e, c->shown_first, counts);
            c->spread_first = rank_spread(counts, known, e->items, e->shoppers_before, e->lists);
        }
    }
    keep_possible(e, e->chosen, counts);
    rank_concentration(counts, known, e->items, CONCENTRATION_POINTS, e->chosen_concentration);
    free(known);
    free(counts);
}

static void measure_spreading(struct affinity_evaluation *e)
{
    const struct contender *spread = &e->contenders[CONTENDER_TRAINED];
    const struct contender *plain = &e->contenders[CONTENDER_BY_SCORE];
    for (int task = 0; task < TASKS && plain->took_part; task++) {
        struct figure f = {.e = e,
                           .task = task,
                           .over = ~0U,
                           .of = spread->lists[task],
                           .minus = plain->lists[task]};
        e->spreading.ndcg[task] = figure_interval(&f);
        f.of = spread->heads[task];
        f.minus = plain->heads[task];
        e->spreading.ndcg_first[task] = figure_interval(&f);
    }
}

void affinity_evaluation_measure(struct affinity_evaluation *e)
{
    for (int task = 0; task < TASKS; task++) {
        for (int c = 0; c < CONTENDERS; c++) {
            if (contender_answers(&e->contenders[c], task)) {
                measure_task(e, &e->contenders[c], task);
            }
        }
    }
    measure_spread(e);
    measure_spreading(e);
    new_products_measure(&e->fresh, e->options->seed);
}
