/* How the learner learns: bins and dictionary (learner_run.c); both models on all but the rows held
 * out, which tell when to stop, what each is worth and how sure to be (learner_choose.c); then both
 * on all rows. */
#include "ml/learner/learner_run.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/linear/parallel.h"

#include <string.h>

struct learner_options learner_defaults(int rows)
{
    /* more bags and folds where they are cheap and chance is large */
    const bool small = rows <= 60000;
    return (struct learner_options){
        .machine = fm_field_defaults(),
        .boosting = gbdt_defaults(),
        .other_depth = 4,
        .other_l2 = 3,
        .other_row_share = 0.6,
        .other_column_share = 0.5,
        .forgets = true,
        .machine_bags = small ? 3 : 1,
        .boosting_bags = rows <= 15000   ? 12
                         : rows <= 30000 ? 8
                         : small         ? 3
                                         : 1,
        .folds = 5,
        .folds_run = small ? 5 : 1,
        .id_rows_min = 3,
        .threads = 1,
        .seed = 1,
    };
}

/* ---- what may be trained on ---- */

static bool table_check(const struct learner_table *t, int *out_positives, struct err *err)
{
    int positives = 0;
    if (t->rows < 1 || t->rows > LEARNER_ROWS_MAX || t->columns < 1 ||
        t->columns > LEARNER_COLUMNS_MAX) {
        return FAIL(err, ERR_INVALID,
                    "a table must have 1 to %d rows and 1 to %d columns, not %d and %d",
                    (int)LEARNER_ROWS_MAX, (int)LEARNER_COLUMNS_MAX, t->rows, t->columns);
    }
    for (int c = 0; c < t->columns; c++) {
        if (t->kind[c] != LEARNER_NUMBER && t->kind[c] != LEARNER_ID) {
            return FAIL(err, ERR_INVALID, "column %d is of the unknown kind %d", c, t->kind[c]);
        }
    }
    for (int r = 0; r < t->rows; r++) {
        /* every label here: further in, one would be an index (gbdt_train.c, learner_holdout.c) */
        if (t->label[r] > 1) {
            return FAIL(err, ERR_INVALID, "row %d has label %d, which is not 0 or 1", r,
                        t->label[r]);
        }
        positives += t->label[r];
    }
    if (positives == 0 || positives == t->rows) {
        return FAIL(err, ERR_INVALID, "%d training rows, all of one class, teach nothing", t->rows);
    }
    *out_positives = positives;
    return true;
}

static bool options_check(const struct learner_options *o, struct err *err)
{
    if (o->machine_bags < 0 || o->machine_bags > LEARNER_BAGS_MAX || o->boosting_bags < 0 ||
        o->boosting_bags > LEARNER_BAGS_MAX || o->machine_bags + o->boosting_bags == 0) {
        return FAIL(err, ERR_INVALID, "bags must be between 0 and %d, and not all 0",
                    (int)LEARNER_BAGS_MAX);
    }
    /* the mean machine has the factors of all bags side by side (fm_field_mean) */
    const int bags = o->machine_bags > 0 ? o->machine_bags : 1;
    if (o->machine.factors < 0 || o->machine.factors > FM_FIELD_FACTORS_MAX / bags) {
        return FAIL(err, ERR_INVALID, "%d machines of %d factors: at most %d factors in all",
                    o->machine_bags, o->machine.factors, (int)FM_FIELD_FACTORS_MAX);
    }
    if (o->other_depth < 0 || o->other_depth > GBDT_DEPTH_MAX) {
        return FAIL(err, ERR_INVALID, "the other depth must be between 0 and %d, not %d",
                    (int)GBDT_DEPTH_MAX, o->other_depth);
    }
    if (o->folds < 2 || o->folds > LEARNER_FOLDS_MAX || o->folds_run < 1 ||
        o->folds_run > o->folds) {
        return FAIL(err, ERR_INVALID, "folds must be between 2 and %d, and 1 to all of them run",
                    (int)LEARNER_FOLDS_MAX);
    }
    if (o->threads < 1 || o->threads > PARALLEL_THREADS_MAX || o->id_rows_min < 1) {
        return FAIL(err, ERR_INVALID, "threads must be between 1 and %d, rows of an id at least 1",
                    (int)PARALLEL_THREADS_MAX);
    }
    return true;
}

/* ---- the models that serve ---- */

static void take_models(struct learner_run *run)
{
    const struct fm_field *machines[LEARNER_BAGS_MAX];
    const struct gbdt *boosted[LEARNER_BAGS_MAX];
    int count[2] = {0, 0};
    for (int i = 0; i < run->task_count; i++) {
        const struct learner_task *task = &run->tasks[i];
        /* in order of bags: the order of a mean's additions is part of its bytes */
        if (task->part == LEARNER_MACHINE) {
            machines[count[0]++] = &task->machine;
        } else {
            boosted[count[1]++] = &task->boosting;
        }
    }
    if (count[0] > 0) {
        run->l->machine = fm_field_mean(machines, count[0]);
    }
    if (count[1] > 0) {
        run->l->boosting = gbdt_mean(boosted, count[1]);
    }
    learner_tasks_free(run);
}

static void take_probes(struct learner_run *run)
{
    const struct learner_table *t = run->table;
    const size_t columns = (size_t)t->columns;
    int count = t->rows < LEARNER_PROBES ? t->rows : LEARNER_PROBES;
    union learner_cell *cells = mem_array((size_t)count * columns, sizeof *cells);
    for (int i = 0; i < count; i++) {
        /* spread over the table: its first rows may all be alike */
        size_t row = (size_t)((int64_t)i * t->rows / count);
        memcpy(cells + (size_t)i * columns, t->cells + row * columns, columns * sizeof *cells);
    }
    run->l->probes = (struct learner_probes){.count = count, .cells = cells};
}

static bool train_all(struct learner_run *run, const struct learner_fit *fit, struct err *err)
{
    const struct learner_options *o = run->options;
    /* what is left out of the blend is not trained again */
    if (run->l->weights.machine > 0) {
        const struct learner_task t = {.part = LEARNER_MACHINE,
                                       .fold = -1,
                                       .length = fit->machine_epochs,
                                       .half_life = run->half_life};
        learner_tasks_add(run, t, 0, o->machine_bags);
    }
    if (run->l->weights.boosting > 0 && fit->boosting_trees > 0) {
        struct learner_task t = {.part = LEARNER_BOOSTING,
                                 .fold = -1,
                                 .length = fit->boosting_trees,
                                 .depth = run->depth,
                                 .half_life = run->half_life};
        learner_tasks_add(run, t, 0, o->boosting_bags - learner_bags_beside(run));
        t.depth = run->beside;
        /* each depth has a length of its own */
        t.length = fit->boosting_trees_beside;
        learner_tasks_add(run, t, 0, learner_bags_beside(run));
    }
    if (!learner_tasks_run(run, 0, err)) {
        return false;
    }
    take_models(run);
    take_probes(run);
    return true;
}

bool learner_train(const struct learner_table *table, const struct learner_options *options,
                   struct learner **out, struct learner_fit *out_fit, struct err *err)
{
    struct learner_fit fit = {.rows = table->rows};
    if (!table_check(table, &fit.positives, err) || !options_check(options, err)) {
        return false;
    }
    CLEANUP(learner_run_free) struct learner_run run = {.table = table, .options = options};
    run.l = mem_alloc(sizeof *run.l);
    run.l->owns = true;
    run.tasks = mem_array(LEARNER_TASKS_MAX, sizeof *run.tasks);
    learner_run_encode(&run);
    if (!learner_choose(&run, &fit, err) || !train_all(&run, &fit, err)) {
        return false;
    }
    fit.weight_machine = run.l->weights.machine;
    fit.weight_boosting = run.l->weights.boosting;
    fit.intercept = run.l->weights.intercept;
    learner_seal(run.l);
    *out = run.l;
    *out_fit = fit;
    /* handed over: learner_run_free finds nothing there */
    run.l = NULL;
    return true;
}
