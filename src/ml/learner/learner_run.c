/* The single trainings that a learner is made of: which rows each sees, with which weight, and
 * under which options. They are independent of each other and run side by side. */
#include "ml/learner/learner_run.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/linear/parallel.h"

#include <assert.h>
#include <math.h>

static const double WEIGHT_MIN = 1e-3; /* of the oldest rows: more tells nothing and costs digits */

void learner_tasks_free(struct learner_run *run)
{
    for (int i = 0; i < run->task_count; i++) {
        fm_field_free(&run->tasks[i].machine);
        gbdt_free(&run->tasks[i].boosting);
    }
    /* the list is used again: those that choose a memory, those held out, those that serve */
    run->task_count = 0;
}

void learner_run_free(struct learner_run *run)
{
    learner_tasks_free(run);
    learner_free(&run->l);
    learner_holdout_free(&run->holdout);
    mem_free(&run->slots);
    mem_free(&run->bins);
    mem_free(&run->feature);
    mem_free(&run->bin_count);
    mem_free(&run->tasks);
    mem_free(&run->margin[0]);
    mem_free(&run->margin[1]);
    mem_free(&run->label);
    mem_free(&run->group);
}

void learner_run_encode(struct learner_run *run)
{
    const struct learner_table *t = run->table;
    const struct learner_encoder *e = &run->l->encoder;
    const size_t columns = (size_t)t->columns;
    int features = 0;
    run->l->encoder = learner_encoder_learn(t, run->options->id_rows_min, &run->l->arrays,
                                            &run->feature, &features);
    run->slots = mem_array((size_t)t->rows * columns, sizeof *run->slots);
    run->bins = mem_array((size_t)t->rows * columns, 1);
    run->bin_count = mem_array(columns, 1);
    /* once for all tasks: folds and bags differ in their rows, not in how a row is cut into bins */
    for (size_t r = 0; r < (size_t)t->rows; r++) {
        learner_encode(e, t->cells + r * columns, run->slots + r * columns,
                       run->bins + r * columns);
    }
    for (int c = 0; c < t->columns; c++) {
        for (int32_t s = e->first[c]; s < e->first[c + 1]; s++) {
            /* as many bins as the column uses: split search goes over no more */
            run->bin_count[c] =
                e->bin[s] >= run->bin_count[c] ? (uint8_t)(e->bin[s] + 1) : run->bin_count[c];
        }
    }
    run->machine_data = (struct fm_field_data){.columns = t->columns,
                                               .slots = e->slots,
                                               .slot = run->slots,
                                               .label = t->label,
                                               .features = features,
                                               .feature = run->feature};
    run->boosting_data = (struct gbdt_data){.columns = t->columns,
                                            .bin = run->bins,
                                            .bins = run->bin_count,
                                            .categorical = e->kind, /* ids have no order */
                                            .label = t->label};
}

/* Rows trained on and rows held out while `fold` is; owned by the caller. */
static int32_t *rows_of(const struct learner_run *run, int fold, bool held, int *out_count)
{
    int32_t *rows = mem_array((size_t)run->table->rows, sizeof *rows);
    int count = 0;
    for (int32_t r = 0; r < run->table->rows; r++) {
        bool wanted =
            held ? run->holdout.fold[r] == fold : learner_holdout_trains(&run->holdout, r, fold);
        rows[count] = r; /* overwritten where it is not wanted: no branch */
        count += wanted;
    }
    *out_count = count;
    return rows;
}

/* Half as much for each half life that a row is behind the last one; NULL without. Owned. */
static float *weights_of(const struct learner_run *run, const struct row_list *train,
                         double half_life)
{
    if (half_life <= 0) {
        return NULL;
    }
    float *weight = mem_array((size_t)run->table->rows, sizeof *weight);
    for (int i = 0; i < train->count; i++) {
        /* counted in rows, since a table has no clock; what trains is in order of time */
        double behind = train->count - 1 - i;
        weight[train->row[i]] = (float)fmax(exp2(-behind / half_life), WEIGHT_MIN);
    }
    return weight;
}

static uint64_t seed_of(const struct learner_run *run, const struct learner_task *task)
{
    /* bags differ and folds do not: the models that are judged are those that will serve, but for
     * the rows left out */
    return run->options->seed * 1000 + (uint64_t)task->bag * 10 + (uint64_t)task->part;
}

static struct gbdt_options trees_of(const struct learner_run *run, const struct learner_task *task)
{
    struct gbdt_options o = run->options->boosting;
    if (task->depth != o.depth) {
        o.depth = task->depth;
        o.l2 = run->options->other_l2;
        o.row_share = run->options->other_row_share;
        o.column_share = run->options->other_column_share;
    }
    o.seed = seed_of(run, task);
    /* on all rows nothing tells when to stop: the length found on the folds does */
    o.trees_max = task->length > 0 ? task->length : o.trees_max;
    /* many tasks run side by side; one alone may have all threads */
    o.threads = run->task_count - run->first_task == 1 ? run->options->threads : 1;
    return o;
}

static void task_run(void *ctx, int number, int worker)
{
    struct learner_run *run = ctx;
    struct learner_task *task = &run->tasks[run->first_task + number];
    struct row_list train;
    struct row_list held = {0};
    CLEANUP(mem_free) int32_t *train_rows = rows_of(run, task->fold, false, &train.count);
    /* none for a model on all rows: it may not be stopped by rows it has seen */
    CLEANUP(mem_free)
    int32_t *held_rows = task->fold >= 0 ? rows_of(run, task->fold, true, &held.count) : NULL;
    (void)worker;
    train.row = train_rows;
    held.row = held_rows;
    CLEANUP(mem_free) float *weight = weights_of(run, &train, task->half_life);
    if (task->part == LEARNER_MACHINE) {
        struct fm_field_options o = run->options->machine;
        struct fm_field_data data = run->machine_data;
        struct fm_field_fit fit = {0};
        /* training only: rows held out count as they are */
        data.weight = weight;
        o.seed = seed_of(run, task);
        o.epochs_max = task->length > 0 ? task->length : o.epochs_max;
        task->ok = fm_field_train(&data, train, held, &o, &task->machine, &fit, &task->err);
        task->kept = fit.epoch_kept;
    } else {
        struct gbdt_options o = trees_of(run, task);
        struct gbdt_data data = run->boosting_data;
        struct gbdt_fit fit = {0};
        data.weight = weight;
        task->ok = gbdt_train(&data, train, held, &o, &task->boosting, &fit, &task->err);
        task->kept = fit.trees_kept;
    }
}

void learner_tasks_add(struct learner_run *run, struct learner_task task, int from, int to)
{
    for (task.bag = from; task.bag < to; task.bag++) {
        assert(run->task_count < LEARNER_TASKS_MAX);
        run->tasks[run->task_count++] = task;
    }
}

bool learner_tasks_run(struct learner_run *run, int from, struct err *err)
{
    run->first_task = from;
    parallel_run(run->options->threads, run->task_count - from, task_run, run);
    /* the first by number, so that the message does not depend on threads */
    for (int i = from; i < run->task_count; i++) {
        if (!run->tasks[i].ok) {
            *err = run->tasks[i].err;
            return false;
        }
    }
    return true;
}

double learner_task_margin(const struct learner_run *run, const struct learner_task *task, int row)
{
    size_t at = (size_t)row * (size_t)run->table->columns;
    return task->part == LEARNER_MACHINE
               ? fm_field_margin(&task->machine, run->slots + at, run->table->columns)
               : gbdt_margin(&task->boosting, run->bins + at);
}
