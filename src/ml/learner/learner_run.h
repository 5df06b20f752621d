#ifndef ML_LEARNER_LEARNER_RUN_H
#define ML_LEARNER_LEARNER_RUN_H

#include "ml/learner/learner_holdout.h"
#include "ml/learner/learner_internal.h"

/* One training of the learner: the table as bins, and the many trainings of single models that it is made of. What learner_train.c,
 * learner_run.c and learner_choose.c share; nobody else includes this. */

enum learner_part { LEARNER_MACHINE, LEARNER_BOOSTING };

/* One training of one model on all rows but those of one fold. */
struct learner_task {
    enum learner_part part;
    int fold; /* held out; -1: none */
    int bag;
    int length;       /* epochs or trees where nothing is held out */
    int depth;        /* of trees */
    double half_life; /* rows; 0: all weigh the same */
    struct fm_field machine;
    struct gbdt boosting;
    int kept; /* epochs or trees */
    bool ok;
    struct err err;
};

enum { LEARNER_TASKS_MAX = (LEARNER_FOLDS_MAX + 1) * (2 * LEARNER_BAGS_MAX + 1) };

/* Everything a training holds; freed as one. */
struct learner_run {
    const struct learner_table *table;
    const struct learner_options *options;
    struct learner *l;
    struct learner_holdout holdout;
    int32_t *slots;   /* (rows, columns) */
    uint8_t *bins;    /* (rows, columns) */
    int32_t *feature; /* (slots, FM_FIELD_FEATURES_MAX) */
    uint8_t *bin_count;
    struct fm_field_data machine_data;
    struct gbdt_data boosting_data;
    struct learner_task *tasks; /* (LEARNER_TASKS_MAX) */
    int task_count;
    int first_task;    /* of those that run now */
    int depth;         /* of trees, as chosen */
    int beside;        /* depth of the other half of the trees; 0: all are of one depth */
    double half_life;  /* rows, as chosen; 0: none */
    double *margin[2]; /* (held rows) of each part, in order of rows; NULL: part not wanted */
    uint8_t *label;    /* (held rows) */
    uint64_t *group;   /* (held rows); NULL: the table has none */
};

/* Cells to slots and bins, once for all trainings. */
void learner_run_encode(struct learner_run *run);
void learner_run_free(struct learner_run *run);

/* Adds the task once for each bag from .. to-1. */
void learner_tasks_add(struct learner_run *run, struct learner_task task, int from, int to);

/* Runs those added since number `from`, side by side. */
CAN_FAIL bool learner_tasks_run(struct learner_run *run, int from, struct err *err);
void learner_tasks_free(struct learner_run *run);

/* The margin of a row of the table by the model of a task that has run. */
double learner_task_margin(const struct learner_run *run, const struct learner_task *task, int row);

/* How many bags of trees are of the depth beside. */
static inline int learner_bags_beside(const struct learner_run *run)
{
    return run->beside > 0 ? run->options->boosting_bags / 2 : 0;
}

/* Trains on all but the rows of each fold held out: leaves depths and half life in the run, weights in the learner, and in the fit how long
 * to train on all rows. */
CAN_FAIL bool learner_choose(struct learner_run *run, struct learner_fit *fit, struct err *err);

#endif
