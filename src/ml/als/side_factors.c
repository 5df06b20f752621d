/* Ridge regression of factors on what is known of items, by blocks. */
#include "ml/als/side_factors.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SWEEPS_MAX = 50,
    CHOICE_ITEMS_MAX = 20000, /* enough to tell four ridges apart */
    CHOICE_ITEMS_MIN = 10,
    CHOICE_FOLD = 5, /* every fifth item is predicted */
};
/* Squared movement of a sweep, as a share of the squared effects, that counts as none. */
static const double CONVERGED =
    1e-8; /* a ten-thousandth of their length: below what floats and the ridge's coarse grid tell apart */
static const double ridges[] = {0.5, 2, 8, 32};
enum { RIDGES = sizeof ridges / sizeof *ridges };

/* Some of the trained items, and the effects fitted to them. */
struct fit {
    const struct side_info *info;
    const int32_t *items; /* (count) */
    int count;
    int k;
    double ridge;
    float *mean;                        /* (k) */
    struct mat effect[SIDE_GROUPS_MAX]; /* (levels, k) */
    int32_t *size[SIDE_GROUPS_MAX];     /* (levels) items of the level */
    struct mat rest;                    /* (count, k) what is not explained yet */
};

static void fit_free(struct fit *f)
{
    free(f->mean);
    mat_free(&f->rest);
    for (int g = 0; g < f->info->groups; g++) {
        mat_free(&f->effect[g]);
        free(f->size[g]);
    }
}

static void take_mean(struct fit *f, const struct mat *factors)
{
    double *sum = mem_array((size_t)f->k, sizeof *sum); /* double: over all items */
    f->mean = mem_array((size_t)f->k, sizeof *f->mean);
    for (int i = 0; i < f->count; i++) {
        const float *row = mat_row(factors, f->items[i]);
        for (int d = 0; d < f->k; d++) {
            sum[d] += (double)row[d];
        }
    }
    for (int d = 0; d < f->k; d++) {
        /* not an effect: it is not drawn to 0 by the ridge */
        f->mean[d] = (float)(sum[d] / f->count);
    }
    free(sum);
}

static void fit_begin(struct fit *f, const struct mat *factors)
{
    f->k = factors->cols;
    take_mean(f, factors);
    f->rest = mat_make(f->count, f->k);
    for (int i = 0; i < f->count; i++) {
        const float *row = mat_row(factors, f->items[i]);
        float *rest = mat_row(&f->rest, i);
        for (int d = 0; d < f->k; d++) {
            /* effects start at 0, so that all is unexplained */
            rest[d] = row[d] - f->mean[d];
        }
    }
    for (int g = 0; g < f->info->groups; g++) {
        f->effect[g] = mat_make(f->info->levels[g], f->k);
        f->size[g] = mem_array((size_t)f->info->levels[g] + 1, sizeof *f->size[g]);
        for (int i = 0; i < f->count; i++) {
            int32_t level = f->info->level[g][f->items[i]];
            assert(level >= -1 && level < f->info->levels[g]);
            /* unknown levels count nowhere, without a branch */
            f->size[g][level >= 0 ? level : 0] += level >= 0;
        }
    }
}

/* The best effects of one group while the others stand still: (sum of what they leave) /
 * (items + ridge). */
static void fit_group(struct fit *f, int g, double *out_moved, double *out_size)
{
    struct mat step = mat_make(f->info->levels[g], f->k); /* sums, then by how much effects move */
    for (int i = 0; i < f->count; i++) {
        int32_t level = f->info->level[g][f->items[i]];
        const float *rest = mat_row(&f->rest, i);
        /* an item of unknown level has no effect of this group to estimate */
        float *sum = level >= 0 ? mat_row(&step, level) : NULL;
        for (int d = 0; sum && d < f->k; d++) {
            sum[d] += rest[d];
        }
    }
    for (int l = 0; l < f->info->levels[g]; l++) {
        float *sum = mat_row(&step, l);
        float *effect = mat_row(&f->effect[g], l);
        /* a level of few items is drawn to 0 more than one of many */
        float share = (float)(1 / (f->size[g][l] + f->ridge));
        for (int d = 0; d < f->k; d++) {
            /* what is left plus the own effect is what this level would have to explain alone; the
             * closed form shrinks its mean by the ridge */
            float to = (sum[d] + (float)f->size[g][l] * effect[d]) * share;
            sum[d] = to - effect[d];
            effect[d] = to;
            *out_moved += (double)sum[d] * (double)sum[d];
            *out_size += (double)to * (double)to;
        }
    }
    for (int i = 0; i < f->count; i++) {
        int32_t level = f->info->level[g][f->items[i]];
        const float *moved = level >= 0 ? mat_row(&step, level) : NULL;
        float *rest = mat_row(&f->rest, i);
        for (int d = 0; moved && d < f->k; d++) {
            /* kept up to date by what moved: subtracting all effects anew
             * would cost a group for each group */
            rest[d] -= moved[d];
        }
    }
    mat_free(&step);
}

static void fit_effects(struct fit *f, const struct mat *factors)
{
    fit_begin(f, factors);
    for (int sweep = 0; sweep < SWEEPS_MAX; sweep++) {
        double moved = 0;
        double size = 0;
        for (int g = 0; g < f->info->groups; g++) {
            fit_group(f, g, &moved, &size);
        }
        /* backfitting (block coordinate descent on a strictly convex objective): it
         * converges from anywhere */
        if (moved <= CONVERGED * size) {
            break;
        }
    }
}

static void predict(const struct fit *f, int item, float *out)
{
    memcpy(out, f->mean, (size_t)f->k * sizeof *out);
    for (int g = 0; g < f->info->groups; g++) {
        int32_t level = f->info->level[g][item];
        assert(level >= -1 && level < f->info->levels[g]);
        /* an unknown or new level adds nothing: the others and the mean remain */
        const float *effect = level >= 0 ? mat_row(&f->effect[g], level) : NULL;
        for (int d = 0; effect && d < f->k; d++) {
            out[d] += effect[d];
        }
    }
}

static void check(const struct mat *factors, const struct side_info *info)
{
    assert(info->trained >= 1 && info->items >= info->trained && factors->rows == info->trained);
    assert(info->groups >= 0 && info->groups <= SIDE_GROUPS_MAX);
}

struct mat side_factors_fit(const struct mat *factors, const struct side_info *info, double ridge)
{
    assert(ridge > 0);
    check(factors, info);
    int32_t *items = mem_array((size_t)info->trained, sizeof *items);
    struct mat out = mat_make(info->items - info->trained, factors->cols);
    for (int i = 0; i < info->trained; i++) {
        items[i] = i;
    }
    struct fit f = {.info = info, .items = items, .count = info->trained, .ridge = ridge};
    fit_effects(&f, factors);
    for (int i = 0; i < out.rows; i++) {
        predict(&f, info->trained + i, mat_row(&out, i));
    }
    fit_free(&f);
    free(items);
    return out;
}

/* ---- choosing the ridge ---- */

/* Squared distance of the items held out from what is predicted; of_mean: from the mean alone. */
static double error_of(const struct fit *f, const struct mat *factors, const int32_t *held_out,
                       int count, bool of_mean)
{
    float *guess = mem_array((size_t)f->k, sizeof *guess);
    double error = 0;
    for (int i = 0; i < count; i++) {
        const float *row = mat_row(factors, held_out[i]);
        predict(f, held_out[i], guess);
        for (int d = 0; d < f->k; d++) {
            /* against the mean of those learnt from: with the others' own mean,
             * knowing nothing would look too good */
            double off = (double)row[d] - (double)(of_mean ? f->mean[d] : guess[d]);
            error += off * off;
        }
    }
    free(guess);
    return error;
}

double side_factors_ridge(const struct mat *factors, const struct side_info *info,
                          double *out_explained)
{
    check(factors, info);
    int total = info->trained < CHOICE_ITEMS_MAX ? info->trained : CHOICE_ITEMS_MAX;
    int32_t *learnt = mem_array((size_t)total, sizeof *learnt);
    int32_t *held_out = mem_array((size_t)total, sizeof *held_out);
    /* Where there is too little to choose by, the strongest: it stays nearest to the mean. */
    double best = ridges[RIDGES - 1];
    int counts[2] = {0, 0};
    *out_explained = 0;
    for (int i = 0; i < total; i++) {
        /* evenly over all numbers, so that a part stands for the whole */
        int32_t item = (int32_t)((int64_t)i * info->trained / total);
        bool out = i % CHOICE_FOLD == CHOICE_FOLD - 1;
        (out ? held_out : learnt)[counts[out]++] = item;
    }
    for (int r = 0; r < RIDGES && total >= CHOICE_ITEMS_MIN; r++) {
        struct fit f = {.info = info, .items = learnt, .count = counts[0], .ridge = ridges[r]};
        /* Without those held out: a ridge judged on what it was fitted
         * to would always be the smallest. */
        fit_effects(&f, factors);
        double mean = error_of(&f, factors, held_out, counts[1], true);
        double explained =
            mean > 0 ? 1 - error_of(&f, factors, held_out, counts[1], false) / mean : 0;
        /* also where nothing is explained, so that the answer is this fit's and not the start's */
        if (r == 0 || explained > *out_explained) {
            *out_explained = explained;
            best = ridges[r];
        }
        fit_free(&f);
    }
    free(learnt);
    free(held_out);
    return best;
}
