/* What the rows held out decide: how fast old rows are forgotten, the depth of the trees, when to
 * stop, what each part is worth and how sure to be. */
#include "ml/learner/learner_run.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/linear/logistic.h"

#include <assert.h>
#include <math.h>

/* Where nothing can be held out: early enough not to learn few rows by heart. */
enum { BLIND_EPOCHS = 6, BLIND_TREES = 30 };

/* Trees of a depth that was not taken are only there to be compared. */
static bool is_wanted(const struct learner_run *run, const struct learner_task *task)
{
    return task->part == LEARNER_MACHINE || task->depth == run->depth || task->depth == run->beside;
}

/* Log loss of the rows of each fold by the first bag of trees of that depth; returns the sum. */
static double losses_of_depth(const struct learner_run *run, int depth, double *loss)
{
    double sum = 0;
    for (int i = 0; i < run->task_count; i++) {
        const struct learner_task *task = &run->tasks[i];
        /* the first bag of each depth, which have the same seed */
        if (task->part != LEARNER_BOOSTING || task->bag != 0 || task->depth != depth) {
            continue;
        }
        loss[task->fold] = 0;
        for (int r = 0; r < run->table->rows; r++) {
            /* only rows that the task has not seen */
            loss[task->fold] +=
                run->holdout.fold[r] == task->fold
                    ? logistic_loss(learner_task_margin(run, task, r), run->table->label[r])
                    : 0;
        }
        sum += loss[task->fold];
    }
    return sum;
}

/* The depth that loses less; the other one beside it, unless it loses more in every fold: two that
 * the rows cannot tell apart are better together. */
static void choose_depths(struct learner_run *run)
{
    const struct learner_options *o = run->options;
    double first[LEARNER_FOLDS_MAX] = {0};
    double other[LEARNER_FOLDS_MAX] = {0};
    /* one bag of each on each fold: enough to compare, a third of what all bags cost */
    bool other_wins =
        losses_of_depth(run, o->other_depth, other) < losses_of_depth(run, run->depth, first);
    bool split = false;
    for (int f = 0; f < run->holdout.folds; f++) {
        /* a fold that prefers the other one: the sum's difference may be this sample's */
        split = split || (other[f] < first[f]) != other_wins;
    }
    if (split && o->boosting_bags > 1) {
        run->beside = other_wins ? run->depth : o->other_depth;
    }
    run->depth = other_wins ? o->other_depth : run->depth;
}

/* Labels and groups of the rows held out. */
static void hold_rows_out(struct learner_run *run)
{
    const struct learner_table *t = run->table;
    run->holdout = learner_holdout_make(t, run->options);
    const size_t rows = (size_t)run->holdout.held_rows + 1;
    run->label = mem_array(rows, 1);
    run->group = t->group ? mem_array(rows, sizeof *run->group) : NULL;
    /* in order of rows, as gather_margins goes through them */
    int at = 0;
    for (int r = 0; r < t->rows; r++) {
        if (run->holdout.fold[r] >= 0) {
            run->label[at] = t->label[r];
            if (run->group) {
                run->group[at] = t->group[r];
            }
            at++;
        }
    }
}

/* Margins of the held out rows by the models that have not seen them, bags averaged. */
static void gather_margins(struct learner_run *run)
{
    const int bags[2] = {run->options->machine_bags, run->options->boosting_bags};
    size_t rows = (size_t)run->holdout.held_rows + 1;
    for (int p = 0; p < 2; p++) {
        run->margin[p] = bags[p] > 0 ? mem_array(rows, sizeof *run->margin[p]) : NULL;
    }
    int at = 0;
    for (int r = 0; r < run->table->rows; r++) {
        /* what is never held out has no margin of a model that has not seen it */
        if (run->holdout.fold[r] < 0) {
            continue;
        }
        for (int i = 0; i < run->task_count; i++) {
            const struct learner_task *task = &run->tasks[i];
            /* out-of-fold margins: those of rows trained on would look surer than new rows do */
            if (task->fold == run->holdout.fold[r] && is_wanted(run, task)) {
                assert(run->margin[task->part]);
                /* margins and not probabilities are averaged, as the models that serve do */
                run->margin[task->part][at] += learner_task_margin(run, task, r) / bags[task->part];
            }
        }
        at++;
    }
}

/* How long a bag trains on all rows: as long as was best on average. Depth 0 is the machine's. */
static int mean_length(const struct learner_run *run, int depth, int otherwise)
{
    int64_t sum = 0;
    int count = 0;
    for (int i = 0; i < run->task_count; i++) {
        /* each depth by itself: how many trees are best depends on it */
        if (run->tasks[i].depth == depth) {
            sum += run->tasks[i].kept;
            count++;
        }
    }
    /* rounded to the nearest. All rows are more than those of a fold, which would bear a little
     * longer training: not worth another setting */
    return count > 0 && sum > 0 ? (int)((sum + count / 2) / count) : otherwise;
}

struct learner_measure learner_measure_of(const double *probabilities, const uint8_t *labels,
                                          int count)
{
    return (struct learner_measure){
        .log_loss = calib_log_loss(probabilities, labels, count),
        .auc = calib_auc(probabilities, labels, count),
        .average_precision = calib_average_precision(probabilities, labels, count),
        .brier = calib_brier(probabilities, labels, count),
    };
}

static double sum_of(const double *x, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        sum += x[i];
    }
    return sum;
}

static struct learner_held held_of(const struct learner_run *run)
{
    return (struct learner_held){.machine = run->margin[LEARNER_MACHINE],
                                 .boosting = run->margin[LEARNER_BOOSTING],
                                 .labels = run->label,
                                 .group = run->group,
                                 .count = run->holdout.held_rows};
}

static struct learner_measure measure_blend(const struct learner_held *held,
                                            const struct learner_weights *w)
{
    CLEANUP(mem_free) double *p = mem_array((size_t)held->count + 1, sizeof *p);
    for (int i = 0; i < held->count; i++) {
        /* the weights were fitted to these very rows: optimistic, but by three numbers only */
        p[i] = logistic(w->intercept + (held->machine ? w->machine * held->machine[i] : 0) +
                        (held->boosting ? w->boosting * held->boosting[i] : 0));
    }
    return learner_measure_of(p, held->labels, held->count);
}

/* Each part alone under its own best weight, and what was chosen. */
static void judge(const struct learner_run *run, struct learner_fit *fit)
{
    const struct learner_held held = held_of(run);
    const double rate = (double)fit->positives / fit->rows;
    /* what knowing nothing but the rate loses: the zero of every comparison */
    const struct learner_weights base = {.intercept = log(rate / (1 - rate))};
    fit->base_rate = measure_blend(&held, &base);
    if (held.machine) {
        struct learner_held machine = held;
        machine.boosting = NULL;
        const struct learner_weights w = learner_blend(&machine);
        fit->machine = measure_blend(&machine, &w);
    }
    if (held.boosting) {
        struct learner_held boosting = held;
        boosting.machine = NULL;
        const struct learner_weights w = learner_blend(&boosting);
        fit->boosting = measure_blend(&boosting, &w);
    }
    fit->blend = measure_blend(&held, &run->l->weights);
}

/* What the rows held out lose by models of this half life, under the slope and intercept best for
 * them; (held rows), owned by the caller. */
static double *losses_of_half_life(const struct learner_run *run, double half_life)
{
    CLEANUP(mem_free)
    double *margin = mem_array((size_t)run->holdout.held_rows + 1, sizeof *margin);
    int count = 0;
    for (int r = 0; r < run->table->rows; r++) {
        for (int i = 0; i < run->task_count && run->holdout.fold[r] >= 0; i++) {
            const struct learner_task *task = &run->tasks[i];
            /* the same expression made both: equal bits */
            if (task->half_life == half_life && task->fold == run->holdout.fold[r]) {
                margin[count++] = learner_task_margin(run, task, r);
            }
        }
    }
    assert(count == run->holdout.held_rows);
    /* as the only part, under the best slope and intercept: a memory is judged by what
     * it tells, not by how sure it is */
    const struct learner_held held = {.boosting = margin, .labels = run->label, .count = count};
    const struct learner_weights w = learner_blend(&held);
    return learner_losses(&held, &w);
}

/* Whether the losses are lower in every window that was held out. */
static bool lower_in_all(const struct learner_run *run, const double *losses, const double *others)
{
    double gain[HOLDOUT_WINDOWS_MAX] = {0};
    bool all = true;
    int at = 0;
    for (int r = 0; r < run->table->rows; r++) {
        if (run->holdout.fold[r] >= 0) {
            /* folds of a table in order of time are its windows */
            gain[run->holdout.fold[r]] += others[at] - losses[at];
            at++;
        }
    }
    for (int w = 0; w < run->holdout.folds; w++) {
        all = all && gain[w] > 0;
    }
    return all;
}

/* The memory that loses least, of those that lose less in every window than if all rows
 * counted the same: a gain of some windows alone is a matter of these. One bag for each half
 * life and window. */
static bool choose_memory(struct learner_run *run, struct err *err)
{
    static const double share[] = {0, 1.0 / 3, 1.0 / 12};
    enum { COUNT = sizeof share / sizeof *share };
    const struct learner_options *o = run->options;
    const bool boosted = o->boosting_bags > 0 && o->boosting.trees_max > 0;
    /* without an order there is no age, without rows held out nothing to choose by */
    if (!o->forgets || !run->table->in_time_order || run->holdout.folds == 0) {
        return true;
    }
    for (int i = 0; i < (int)COUNT * run->holdout.folds; i++) {
        /* by boosting where there is any: what ages is the table, not a model */
        const struct learner_task task = {.part = boosted ? LEARNER_BOOSTING : LEARNER_MACHINE,
                                          .fold = i % run->holdout.folds,
                                          .depth = run->depth,
                                          .half_life =
                                              share[i / run->holdout.folds] * run->table->rows};
        learner_tasks_add(run, task, 0, 1);
    }
    if (!learner_tasks_run(run, 0, err)) {
        return false;
    }
    CLEANUP(mem_free) double *all_count = losses_of_half_life(run, 0);
    double least = sum_of(all_count, run->holdout.held_rows);
    /* share[0] is no forgetting: the zero that the others have to beat */
    for (int i = 1; i < (int)COUNT; i++) {
        const double half_life = share[i] * run->table->rows;
        CLEANUP(mem_free) double *losses = losses_of_half_life(run, half_life);
        const double loss = sum_of(losses, run->holdout.held_rows);
        if (loss < least && lower_in_all(run, losses, all_count)) {
            least = loss;
            run->half_life = half_life;
        }
    }
    learner_tasks_free(run);
    return true;
}

/* Both models on all but each fold. Trees of either depth compete with one bag, and those taken get
 * the others. */
static bool train_held_out(struct learner_run *run, struct err *err)
{
    const struct learner_options *o = run->options;
    const int first = o->boosting_bags > 0 ? 1 : 0;
    const bool choose = first && o->other_depth > 0 && o->other_depth != run->depth;
    for (int f = 0; f < run->holdout.folds; f++) {
        const double half = run->half_life;
        const struct learner_task machine = {.part = LEARNER_MACHINE, .fold = f, .half_life = half};
        const struct learner_task boosting = {
            .part = LEARNER_BOOSTING, .fold = f, .depth = run->depth, .half_life = half};
        const struct learner_task other = {
            .part = LEARNER_BOOSTING, .fold = f, .depth = o->other_depth, .half_life = half};
        /* all at once: tasks share nothing, and fill all threads */
        learner_tasks_add(run, machine, 0, o->machine_bags);
        learner_tasks_add(run, boosting, 0, first);
        learner_tasks_add(run, other, 0, choose ? 1 : 0);
    }
    if (!learner_tasks_run(run, 0, err)) {
        return false;
    }
    /* what has run is not run again: only bags behind the first are added */
    const int done = run->task_count;
    if (choose && run->holdout.folds > 0) {
        choose_depths(run);
    }
    for (int f = 0; f < run->holdout.folds; f++) {
        struct learner_task boosting = {
            .part = LEARNER_BOOSTING, .fold = f, .depth = run->depth, .half_life = run->half_life};
        learner_tasks_add(run, boosting, first, o->boosting_bags - learner_bags_beside(run));
        boosting.depth = run->beside;
        learner_tasks_add(run, boosting, first, learner_bags_beside(run));
    }
    return learner_tasks_run(run, done, err);
}

bool learner_choose(struct learner_run *run, struct learner_fit *fit, struct err *err)
{
    const struct learner_options *o = run->options;
    const int epochs = o->machine_bags > 0 ? o->machine.epochs_max : 0;
    const int trees = o->boosting_bags > 0 ? o->boosting.trees_max : 0;
    /* where nothing can be held out: the mean of both */
    const double share = epochs > 0 && trees > 0 ? 0.5 : 1;
    hold_rows_out(run);
    run->depth = o->boosting.depth;
    run->l->weights = (struct learner_weights){epochs > 0 ? share : 0, trees > 0 ? share : 0, 0};
    /* stays where nothing can be held out: no rows tell when to stop */
    fit->machine_epochs = epochs < BLIND_EPOCHS ? epochs : BLIND_EPOCHS;
    fit->boosting_trees = trees < BLIND_TREES ? trees : BLIND_TREES;
    if (!choose_memory(run, err) || !train_held_out(run, err)) {
        return false;
    }
    if (run->holdout.folds > 0) {
        gather_margins(run);
        fit->machine_epochs = mean_length(run, 0, fit->machine_epochs);
        fit->boosting_trees = mean_length(run, run->depth, fit->boosting_trees);
        fit->boosting_trees_beside = run->beside > 0 ? mean_length(run, run->beside, 0) : 0;
        fit->held_out_rows = run->holdout.held_rows;
        for (int i = 0; i < run->holdout.held_rows; i++) {
            fit->held_out_positives += run->label[i];
        }
        const struct learner_held held = held_of(run);
        /* before `judge`, which measures the blend under them */
        run->l->weights = learner_choose_parts(&held);
        judge(run, fit);
    }
    fit->boosting_depth = trees > 0 ? run->depth : 0;
    fit->boosting_depth_beside = run->beside;
    fit->half_life = run->half_life;
    learner_tasks_free(run);
    return true;
}
