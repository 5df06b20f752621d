/* Who is held out: by time, by group, or evenly within each class. */
#include "ml/learner/learner_holdout.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/rng.h"

#include <assert.h>
#include <stdlib.h>

void learner_holdout_free(struct learner_holdout *h)
{
    mem_free(&h->fold);
}

static int by_group(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* Rows from .. to-1 are the window, without groups of the rows before. */
static void hold_window(const struct learner_table *t, int from, int to, int window, int32_t *fold)
{
    CLEANUP(mem_free) uint64_t *seen = mem_array((size_t)from + 1, sizeof *seen);
    /* all rows before the window, those of earlier windows too: they train while it is held out */
    for (int r = 0; t->group && r < from; r++) {
        seen[r] = t->group[r];
    }
    qsort(seen, t->group ? (size_t)from : 0, sizeof *seen, by_group);
    for (int r = from; r < to; r++) {
        /* a shopper seen in training is known by the ids: to be judged on them would flatter */
        bool known =
            t->group && bsearch(&t->group[r], seen, (size_t)from, sizeof *seen, by_group) != NULL;
        fold[r] = known ? HOLDOUT_NEITHER : window;
    }
}

static void hold_later(const struct learner_table *t, int folds, int windows, int32_t *fold)
{
    /* The end of the table: a model is used on what comes after its log, so
     * a random part would flatter it. */
    const int64_t later = t->rows / folds;
    const int first = t->rows - (int)later;
    for (int r = 0; r < first; r++) {
        fold[r] = HOLDOUT_TRAIN;
    }
    /* several windows, each judged by what lies before it: one alone may be unusual */
    for (int w = 0; w < windows; w++) {
        hold_window(t, first + (int)(later * w / windows), first + (int)(later * (w + 1) / windows),
                    w, fold);
    }
}

/* A group and what it weighs; mixed: its place among groups as large as it is. */
struct sized_group {
    uint64_t group;
    uint64_t mixed;
    int rows;
    int part;
};

static int largest_first(const void *a, const void *b)
{
    const struct sized_group *x = a;
    const struct sized_group *y = b;
    if (x->rows != y->rows) {
        return x->rows > y->rows ? -1 : 1;
    }
    return (x->mixed > y->mixed) - (x->mixed < y->mixed);
}

static int group_order(const void *a, const void *b)
{
    const struct sized_group *x = a;
    const struct sized_group *y = b;
    return (x->group > y->group) - (x->group < y->group);
}

static uint64_t mix(uint64_t h)
{
    h = (h ^ (h >> 31)) * UINT64_C(0xBF58476D1CE4E5B9);
    h = (h ^ (h >> 29)) * UINT64_C(0x94D049BB133111EB);
    return h ^ (h >> 32);
}

/* The table's groups in order of their number, owned by the caller. */
static struct sized_group *groups_of(const struct learner_table *t, uint64_t seed, int *out_count)
{
    CLEANUP(mem_free) uint64_t *sorted = mem_array((size_t)t->rows, sizeof *sorted);
    struct sized_group *groups = mem_array((size_t)t->rows, sizeof *groups);
    int count = 0;
    for (int r = 0; r < t->rows; r++) {
        sorted[r] = t->group[r];
    }
    qsort(sorted, (size_t)t->rows, sizeof *sorted, by_group);
    for (int r = 0; r < t->rows; r++) {
        if (r == 0 || sorted[r] != sorted[r - 1]) {
            /* seeded: which of equally large groups goes where must not follow their numbers */
            uint64_t mixed = mix(sorted[r] ^ seed * UINT64_C(0x9E3779B97F4A7C15));
            groups[count++] = (struct sized_group){.group = sorted[r], .mixed = mixed};
        }
        groups[count - 1].rows++;
    }
    *out_count = count;
    return groups;
}

/* The largest groups first, each into the part that has fewest rows. */
static void hold_groups(const struct learner_table *t, const struct learner_options *o,
                        int32_t *fold)
{
    int count = 0;
    int rows[LEARNER_FOLDS_MAX] = {0};
    CLEANUP(mem_free) struct sized_group *groups = groups_of(t, o->seed, &count);
    qsort(groups, (size_t)count, sizeof *groups, largest_first);
    for (int g = 0; g < count; g++) {
        /* longest processing time first (Graham 1969), which keeps parts within a third of even */
        for (int f = 1; f < o->folds; f++) {
            groups[g].part = rows[f] < rows[groups[g].part] ? f : groups[g].part;
        }
        rows[groups[g].part] += groups[g].rows;
    }
    /* back in order of the id, to be found by rows */
    qsort(groups, (size_t)count, sizeof *groups, group_order);
    for (int r = 0; r < t->rows; r++) {
        const struct sized_group key = {.group = t->group[r]};
        const struct sized_group *found =
            bsearch(&key, groups, (size_t)count, sizeof key, group_order);
        assert(found);
        fold[r] = (found->part < o->folds_run ? found->part : HOLDOUT_TRAIN);
    }
}

/* Rows of each class are dealt out in a shuffled order. */
static void hold_evenly(const struct learner_table *t, const struct learner_options *o,
                        int32_t *fold)
{
    CLEANUP(mem_free) int32_t *order = mem_array((size_t)t->rows, sizeof *order);
    struct rng rng = rng_seed(o->seed);
    int dealt[2] = {0, 0};
    for (int r = 0; r < t->rows; r++) {
        /* Fisher and Yates, inside out */
        int32_t with = (int32_t)rng_below(&rng, (uint64_t)r + 1);
        order[r] = order[with];
        order[with] = r;
    }
    for (int i = 0; i < t->rows; i++) {
        /* by class: each part has its share of the rarer one */
        int part = dealt[t->label[order[i]]]++ % o->folds;
        fold[order[i]] = (part < o->folds_run ? part : HOLDOUT_TRAIN);
    }
}

/* Whether all parts together, and what trains beside each, have enough rows of both classes. */
static bool enough(const struct learner_table *t, const struct learner_holdout *h)
{
    int held[2] = {0, 0};
    int trained[LEARNER_FOLDS_MAX][2] = {{0}};
    for (int r = 0; r < t->rows; r++) {
        held[t->label[r]] += h->fold[r] >= 0;
        for (int f = 0; f < h->folds; f++) {
            trained[f][t->label[r]] += learner_holdout_trains(h, r, f);
        }
    }
    for (int label = 0; label < 2; label++) {
        for (int f = 0; f < h->folds; f++) {
            /* with a handful of one class, weights and stopping would follow single rows */
            if (held[label] < HOLDOUT_CLASS_MIN || trained[f][label] < HOLDOUT_CLASS_MIN) {
                return false;
            }
        }
    }
    return true;
}

struct learner_holdout learner_holdout_make(const struct learner_table *table,
                                            const struct learner_options *options)
{
    struct learner_holdout h = {.folds = options->folds_run};
    h.fold = mem_array((size_t)table->rows, sizeof *h.fold);
    if (table->in_time_order) {
        h.in_time_order = true;
        h.folds =
            options->folds_run < HOLDOUT_WINDOWS_MAX ? options->folds_run : HOLDOUT_WINDOWS_MAX;
        hold_later(table, options->folds, h.folds, h.fold);
    } else if (table->group) {
        /* a group whole: rows of one shopper on both sides would be recognised, not predicted */
        hold_groups(table, options, h.fold);
    } else {
        hold_evenly(table, options, h.fold);
    }
    if (!enough(table, &h)) {
        h.folds = 0;
    }
    for (int r = 0; r < table->rows; r++) {
        /* none held out: then all train */
        h.fold[r] = h.folds == 0 ? HOLDOUT_TRAIN : h.fold[r];
        h.held_rows += h.fold[r] >= 0;
    }
    return h;
}
