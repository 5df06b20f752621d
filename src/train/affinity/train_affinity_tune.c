/* The settings of factors, item-item weights and their blend, chosen on the log itself: the last
 * part of what may be learnt from is held out, and what ranks the held-out choices best
 * (ml/items/rank_tune.h) is taken. Sees nothing after until_us. */
#include "train/affinity/train_affinity.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/items/rank_tune.h"
#include "ml/linear/csr.h"

#include <stdlib.h>
#include <string.h>

enum {
    TUNE_SHOPPERS_MAX = 2000,
    TUNE_SHOPPERS_MIN = 20,
    TUNE_CHOSEN_MAX = 50,
    TUNE_NEIGHBOURS =
        100, /* of the item-item model; kept: what a request may have to read, for each own product */
    TUNE_KEPT = 64,
    TUNE_K = 10,
    TUNE_ENTRIES_MAX = 1500000, /* some minutes of two cores; larger logs keep the defaults */
};

struct tuning {
    const struct affinity_training *a;
    int64_t cut_us;    /* learnt before it */
    int64_t until_us;  /* judged up to it */
    struct csr matrix; /* (shoppers, items) known at the cut */
    struct csr later;  /* the same shape: chosen after it */
    int judged;        /* shoppers with something in it */
    int32_t *row_of;   /* of a shopper; -1: nothing before the cut */
};

static void tuning_free(struct tuning *t)
{
    csr_free(&t->matrix);
    csr_free(&t->later);
    free(t->row_of);
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
        /* Rows in order of first sight, and none for who has no weight left: the
         * ridge counts rows. */
        if (weight > 0) {
            if (t->row_of[in->shopper] < 0) {
                t->row_of[in->shopper] = rows++;
            }
            triples[count++] = (struct triple){t->row_of[in->shopper], in->item, (float)weight};
        }
    }
    /* by the table's numbers, in order of first sight: no file is made of this matrix */
    bool ok = csr_build(rows, a->items.count, triples, count, &t->matrix, err);
    free(triples);
    return ok;
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

/* New products the shopper of interactions [first, end) chose in the judged window,
 * ascending and distinct. */
static int chosen_later(const struct tuning *t, size_t first, size_t end, int32_t row,
                        int out[TUNE_CHOSEN_MAX])
{
    int count = 0;

    for (size_t i = first; i < end && count < TUNE_CHOSEN_MAX; i++) {
        const struct interaction *in = &t->a->all[i];
        /* An insertion into at most TUNE_CHOSEN_MAX: as a row of a sparse matrix
         * wants its columns. */
        int at = 0;
        if (!in->chosen || in->at_us < t->cut_us || in->at_us >= t->until_us ||
            /* What the shopper knew already is not asked for, as in the gate: finding it again is
             * easy and says nothing of taste. */
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

/* What every shopper chose later, up to TUNE_SHOPPERS_MAX of them, as a matrix like
 * the known one. */
static bool later_matrix(struct tuning *t, struct err *err)
{
    const struct affinity_training *a = t->a;
    struct triple *triples = mem_array(a->count + 1, sizeof *triples);
    size_t count = 0;

    for (size_t first = 0, end; first < a->count && t->judged < TUNE_SHOPPERS_MAX; first = end) {
        int chosen[TUNE_CHOSEN_MAX + 1];
        /* -1: nothing was known before the cut, so that nothing could be asked */
        int32_t row = t->row_of[a->all[first].shopper];
        for (end = first; end < a->count && a->all[end].shopper == a->all[first].shopper; end++) {
        }
        int found = row >= 0 ? chosen_later(t, first, end, row, chosen) : 0;
        for (int i = 0; i < found; i++) {
            triples[count++] = (struct triple){row, chosen[i], 1};
        }
        t->judged += found > 0;
    }
    /* The shape of the known one, whatever was found: a row means the same shopper in both. */
    bool ok = csr_build(t->matrix.rows, a->items.count, triples, count, &t->later, err);
    free(triples);
    return ok;
}

static bool tune(const struct tuning *t, struct rank_settings *settings, struct err *err)
{
    const int threads = settings->als.threads;
    struct rank_tune_options o = rank_tune_defaults();
    struct rank_tuned tuned;

    /* As a limit: fewer are tried as well. */
    o.factors = settings->als.factors;
    o.neighbours = TUNE_NEIGHBOURS;
    o.kept = TUNE_KEPT;
    o.seed = settings->als.seed;
    o.threads = threads;
    if (!rank_tune(&t->matrix, &t->later, TUNE_K, &o, &tuned, err)) {
        return false;
    }
    train_say(
        t->a->t, "affinity",
        "settings chosen on %d shoppers held out of the training window (NDCG@10): factors "
        "%.4f, item-item %.4f, both %.4f with %.0f %% item-item; %d factors, unobserved weight "
        "%.3f, ridge %.4f",
        t->judged, tuned.als.ndcg, tuned.item.ndcg, tuned.quality.ndcg,
        tuned.settings.kind == RANK_BLEND ? 100 * (double)tuned.settings.item_share : 0,
        tuned.settings.als.factors, (double)tuned.settings.als.unobserved_weight,
        (double)tuned.settings.als.reg);
    *settings = tuned.settings;
    return true;
}

bool affinity_tune(const struct affinity_training *a, int64_t until_us,
                   struct rank_settings *settings, struct err *err)
{
    CLEANUP(tuning_free)
    struct tuning t = {
        .a = a, .until_us = until_us, .cut_us = affinity_choice_cut(a, until_us, until_us)};

    if (!tuning_matrix(&t, err) || !later_matrix(&t, err)) {
        return false;
    }
    /* With fewer, the best of many settings is the luckiest one; defaults that did well elsewhere
     * are the safer choice. */
    if (t.judged < TUNE_SHOPPERS_MIN || csr_entries(&t.matrix) > TUNE_ENTRIES_MAX) {
        return true;
    }
    return tune(&t, settings, err);
}
