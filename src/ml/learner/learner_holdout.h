#ifndef ML_LEARNER_LEARNER_HOLDOUT_H
#define ML_LEARNER_LEARNER_HOLDOUT_H

#include "ml/learner/learner.h"

/* Which rows are held out together while the others train. Only the learner's files and their tests
 * include this. */
struct learner_holdout {
    int folds;     /* parts that are held out, one after the other; 0: none could be */
    int32_t *fold; /* (rows) which part; -1: never held out, -2: neither held out nor trained on */
    int held_rows; /* in all parts */
    bool in_time_order;
};

enum { HOLDOUT_TRAIN = -1, HOLDOUT_NEITHER = -2, HOLDOUT_CLASS_MIN = 5, HOLDOUT_WINDOWS_MAX = 4 };

/* Whether the row trains while `fold` (-1: none) is held out. In order of time only what lies
 * before the fold does. */
static inline bool learner_holdout_trains(const struct learner_holdout *h, int row, int fold)
{
    int of = h->fold[row];
    return fold < 0 || of == HOLDOUT_TRAIN ||
           (h->in_time_order ? of >= 0 && of < fold : of != fold && of >= 0);
}

/* Of a table in order of time the last 1/folds is held out, in folds_run (at most HOLDOUT_WINDOWS_MAX)
 * windows, one after the other, without rows of groups seen before their window; any other one is
 * parted by group, into parts of about as many rows, or evenly within each class. Parts beyond
 * folds_run are never held out. None is, if they together or what trains beside one of them had
 * fewer than HOLDOUT_CLASS_MIN rows of a class. Owned by the caller. */
struct learner_holdout learner_holdout_make(const struct learner_table *table,
                                            const struct learner_options *options);
void learner_holdout_free(struct learner_holdout *h);

#endif
