/* Percentile bootstrap. */
#include "ml/judge/bootstrap.h"

#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <stdlib.h>

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts the resampled values and reads the interval off; linear between neighbours. */
static struct interval interval_of(double value, double *resampled, int rounds)
{
    /* percentiles of the resampled values themselves: no normal distribution is assumed */
    double at[2] = {0.025 * (rounds - 1), 0.975 * (rounds - 1)};
    double bound[2];
    qsort(resampled, (size_t)rounds, sizeof *resampled, ascending);
    for (int i = 0; i < 2; i++) {
        int below = (int)at[i];
        int above = below + 1 < rounds ? below + 1 : below;
        bound[i] = resampled[below] + (at[i] - below) * (resampled[above] - resampled[below]);
    }
    return (struct interval){value, bound[0], bound[1]};
}

struct interval bootstrap_mean(const double *values, int count, uint64_t seed)
{
    double resampled[BOOTSTRAP_ROUNDS];
    struct rng rng = rng_seed(seed);
    double mean = 0;
    if (count < 1) {
        return (struct interval){0};
    }
    for (int i = 0; i < count; i++) {
        mean += values[i];
    }
    mean /= count;
    /* As many draws as there are values, with replacement: the mean that
     * another such sample might have had. */
    for (int round = 0; round < BOOTSTRAP_ROUNDS; round++) {
        double sum = 0;
        for (int i = 0; i < count; i++) {
            sum += values[rng_below(&rng, (uint64_t)count)];
        }
        resampled[round] = sum / count;
    }
    return interval_of(mean, resampled, BOOTSTRAP_ROUNDS);
}

double bootstrap_row_mean(void *ctx, const int32_t *rows, int count)
{
    const double *values = ctx;
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += values[rows[i]];
    }
    return count > 0 ? sum / count : 0;
}

/* Rows ordered by group: those of group g are first[g] .. first[g + 1] - 1 of by_group. */
struct grouped {
    int32_t *by_group;
    int32_t *first;
    int largest;
};

static struct grouped group_rows(const struct bootstrap_rows *rows)
{
    struct grouped g = {
        .by_group = mem_array((size_t)rows->count + 1, sizeof *g.by_group),
        .first = mem_array((size_t)rows->groups + 2, sizeof *g.first),
    };
    for (int i = 0; i < rows->count; i++) {
        assert(rows->group[i] >= 0 && rows->group[i] < rows->groups);
        /* a counting sort; counts stand two places ahead, so that
         * filling leaves each border right */
        g.first[rows->group[i] + 2]++;
    }
    for (int i = 1; i <= rows->groups; i++) {
        int size = g.first[i + 1];
        /* the most rows that one draw of a group can bring: drawn has room for groups times that */
        g.largest = size > g.largest ? size : g.largest;
        g.first[i + 1] += g.first[i];
    }
    for (int i = 0; i < rows->count; i++) { /* first[g + 1] runs to the end of group g */
        g.by_group[g.first[rows->group[i] + 1]++] = i;
    }
    return g;
}

struct interval bootstrap_groups(const struct bootstrap_rows *rows, bootstrap_measure *fn,
                                 void *ctx)
{
    assert(rows->rounds >= 2 && rows->count >= 0);
    struct rng rng = rng_seed(rows->seed);
    if (rows->count == 0) {
        return (struct interval){0};
    }
    struct grouped g = group_rows(rows);
    double *resampled = mem_array((size_t)rows->rounds, sizeof *resampled);
    int32_t *drawn = mem_array((size_t)g.largest * (size_t)rows->groups + 1, sizeof *drawn);
    double value = fn(ctx, g.by_group, rows->count);
    for (int round = 0; round < rows->rounds; round++) {
        int count = 0;
        for (int i = 0; i < rows->groups; i++) {
            /* Whole groups: rows of one shopper resemble each other, and rows drawn singly
             * would make the interval too narrow. */
            int32_t group = (int32_t)rng_below(&rng, (uint64_t)rows->groups);
            for (int32_t r = g.first[group]; r < g.first[group + 1]; r++) {
                drawn[count++] = g.by_group[r];
            }
        }
        /* numbers without rows are groups, too: a round may draw nothing but those */
        resampled[round] = count > 0 ? fn(ctx, drawn, count) : value;
    }
    struct interval interval = interval_of(value, resampled, rows->rounds);
    free(g.by_group);
    free(g.first);
    free(resampled);
    free(drawn);
    return interval;
}
