/* Lifts of items by a dual of who is shown what. */
#include "ml/items/exposure.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 100 };

/* Of the first step; later ones shrink by the root of their number, as subgradient steps have to.
 * In parts of the bound. */
static const double FIRST_STEP = 0.25;

/* What stands in the places of list `i` that are seen; returns how many those are. */
static int show(const struct exposure_lists *l, const float *log_score,
                const struct exposure_options *o, const float *log_lift, int i, int32_t *out)
{
    float keys[SHOWN_MAX];
    const int64_t first = l->start[i];
    const int64_t end = l->start[i + 1];
    int count = 0;
    for (int64_t e = first; e < end; e++) {
        const int place = (int)(e - first);
        /* those kept stand above all others */
        const float key = place < o->kept ? INFINITY : log_score[e] + log_lift[l->item[e]];
        if (count == o->shown && !(key > keys[count - 1])) {
            continue;
        }
        int at = count < o->shown ? count++ : count - 1;
        /* not above an equal one, so that equals stay in the order of their scores */
        for (; at > 0 && keys[at - 1] < key; at--) {
            keys[at] = keys[at - 1];
            out[at] = out[at - 1];
        }
        keys[at] = key;
        out[at] = l->item[e];
    }
    return count;
}

static void count_shown(const struct exposure_lists *l, const float *log_score, int32_t items,
                        const struct exposure_options *o, const float *log_lift, int32_t *out)
{
    int32_t shown[SHOWN_MAX];
    memset(out, 0, (size_t)items * sizeof *out);
    for (int i = 0; i < l->lists; i++) {
        const int count = show(l, log_score, o, log_lift, i, shown);
        for (int place = 0; place < count; place++) {
            out[shown[place]]++;
        }
    }
}

static float *logs_of(const struct exposure_lists *l)
{
    const int64_t entries = l->start[l->lists];
    float *logs = mem_array((size_t)entries + 1, sizeof *logs);
    /* a lift is added to a logarithm: its bound is then one on the ratio of two scores, whatever
     * their scale */
    for (int64_t e = 0; e < entries; e++) {
        assert(l->score[e] > 0);
        logs[e] = logf(l->score[e]);
    }
    return logs;
}

void exposure_count(const struct exposure_lists *l, int32_t items, const struct exposure_options *o,
                    const float *log_lift, int32_t *out)
{
    float *logs = logs_of(l);
    count_shown(l, logs, items, o, log_lift, out);
    free(logs);
}

/* One step of every lift towards the floor. */
static void step(const int32_t *shown, int32_t items, double floor, double most, double size,
                 float *log_lift)
{
    for (int32_t j = 0; j < items; j++) {
        /* Of a floor below 1, one showing is much too many: the step is bounded, or
         * lifts would leap. */
        const double lacks = fmax(-1, fmin(1, (floor - shown[j]) / floor));
        const double lift = (double)log_lift[j] + size * lacks;
        log_lift[j] = (float)fmax(0, fmin(most, lift));
    }
}

void exposure_lifts(const struct exposure_lists *l, int32_t items, const struct exposure_options *o,
                    float *log_lift)
{
    assert(o->shown >= 1 && o->shown <= SHOWN_MAX && o->kept <= o->shown && items >= 1);
    assert(o->floor > 0 && o->most >= 0 && o->rounds >= 2);
    /* in showings: lists times places, shared by all items, is the mean */
    const double floor = o->floor * l->lists * o->shown / items;
    float *logs = logs_of(l);
    float *now = mem_array((size_t)items, sizeof *now);
    double *sum = mem_array((size_t)items, sizeof *sum);
    int32_t *shown = mem_array((size_t)items, sizeof *shown);
    for (int round = 0; round < o->rounds && o->most > 0 && l->lists > 0; round++) {
        count_shown(l, logs, items, o, now, shown);
        step(shown, items, floor, o->most, o->most * FIRST_STEP / sqrt(round + 1.0), now);
        /* Subgradient steps circle around the solution; the mean of the later half lies near it. */
        for (int32_t j = 0; round >= o->rounds / 2 && j < items; j++) {
            sum[j] += (double)now[j];
        }
    }
    const int later = o->rounds - o->rounds / 2;
    for (int32_t j = 0; j < items; j++) {
        log_lift[j] = (float)(sum[j] / later);
    }
    free(logs);
    free(now);
    free(sum);
    free(shown);
}
