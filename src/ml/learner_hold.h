#ifndef ML_LEARNER_HOLD_H
#define ML_LEARNER_HOLD_H

#include "ml/learner.h"

/* Which rows are held out together while the others train. Only the learner's files and their tests
 * include this. */
struct learner_hold {
    int folds;     /* parts that are held out, one after the other; 0: none could be */
    int32_t *fold; /* (rows) which part; -1: never held out, -2: neither held out nor trained on */
    int held_rows; /* in all parts */
};

enum { HOLD_TRAIN = -1, HOLD_NEITHER = -2, HOLD_CLASS_MIN = 5 };

/* A table in order of time holds out its last 1/folds, without rows of groups seen before; any other
 * one is parted by group, into parts of about as many rows, or evenly within each class. Parts beyond
 * folds_run are never held out. None is, if they together or what trains beside one of them had fewer
 * than HOLD_CLASS_MIN rows of a class.
 * Owned by the caller. */
struct learner_hold learner_hold_make(const struct learner_table *table,
                                      const struct learner_options *options);
void learner_hold_free(struct learner_hold *h);

#endif
