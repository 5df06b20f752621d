/* Who is held out: by time, by group, or evenly within each class. */
#include "ml/learner_hold.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/rng.h"

#include <stdlib.h>

void learner_hold_free(struct learner_hold *h)
{
    mem_free(&h->fold);
}

static int by_group(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

static void hold_later(const struct learner_table *t, int folds, int8_t *fold)
{
    const int cut = t->rows - t->rows / folds;
    CLEANUP(mem_free) uint64_t *seen = mem_array((size_t)t->rows + 1, sizeof *seen);
    for (int r = 0; t->group && r < cut; r++) {
        seen[r] = t->group[r];
    }
    qsort(seen, t->group ? (size_t)cut : 0, sizeof *seen, by_group);
    for (int r = 0; r < t->rows; r++) {
        bool known = t->group && r >= cut &&
                     bsearch(&t->group[r], seen, (size_t)cut, sizeof *seen, by_group) != NULL;
        fold[r] = r < cut ? HOLD_TRAIN : known ? HOLD_NEITHER : 0;
    }
}

static void hold_groups(const struct learner_table *t, const struct learner_options *o,
                        int8_t *fold)
{
    for (int r = 0; r < t->rows; r++) {
        uint64_t h = t->group[r] ^ o->seed * UINT64_C(0x9E3779B97F4A7C15);
        h = (h ^ (h >> 31)) * UINT64_C(0xBF58476D1CE4E5B9);
        h = (h ^ (h >> 29)) * UINT64_C(0x94D049BB133111EB);
        int part = (int)((h >> 33) % (uint64_t)o->folds);
        fold[r] = (int8_t)(part < o->folds_run ? part : HOLD_TRAIN);
    }
}

/* Rows of each class are dealt out in a shuffled order. */
static void hold_evenly(const struct learner_table *t, const struct learner_options *o,
                        int8_t *fold)
{
    CLEANUP(mem_free) int32_t *order = mem_array((size_t)t->rows, sizeof *order);
    struct rng rng = rng_seed(o->seed);
    int dealt[2] = {0, 0};
    for (int r = 0; r < t->rows; r++) {
        int32_t with = (int32_t)rng_below(&rng, (uint64_t)r + 1);
        order[r] = order[with];
        order[with] = r;
    }
    for (int i = 0; i < t->rows; i++) {
        int part = dealt[t->label[order[i]]]++ % o->folds;
        fold[order[i]] = (int8_t)(part < o->folds_run ? part : HOLD_TRAIN);
    }
}

/* Whether each part, and what trains beside it, has enough rows of both classes. */
static bool enough(const struct learner_table *t, const struct learner_hold *h)
{
    int held[LEARNER_FOLDS_MAX][2] = {{0}};
    int trained[LEARNER_FOLDS_MAX][2] = {{0}};
    for (int r = 0; r < t->rows; r++) {
        for (int f = 0; f < h->folds && h->fold[r] != HOLD_NEITHER; f++) {
            (h->fold[r] == f ? held : trained)[f][t->label[r]]++;
        }
    }
    for (int f = 0; f < h->folds; f++) {
        for (int label = 0; label < 2; label++) {
            if (held[f][label] < HOLD_CLASS_MIN || trained[f][label] < HOLD_CLASS_MIN) {
                return false;
            }
        }
    }
    return true;
}

struct learner_hold learner_hold_make(const struct learner_table *table,
                                      const struct learner_options *options)
{
    struct learner_hold h = {.folds = options->folds_run};
    h.fold = mem_array((size_t)table->rows, sizeof *h.fold);
    if (table->in_time_order) {
        h.folds = 1;
        hold_later(table, options->folds, h.fold);
    } else if (table->group) {
        hold_groups(table, options, h.fold);
    } else {
        hold_evenly(table, options, h.fold);
    }
    if (!enough(table, &h)) {
        h.folds = 0;
    }
    for (int r = 0; r < table->rows; r++) {
        h.fold[r] = h.folds == 0 ? HOLD_TRAIN : h.fold[r];
        h.held_rows += h.fold[r] >= 0;
    }
    return h;
}
