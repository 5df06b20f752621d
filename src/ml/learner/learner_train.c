/* How the learner learns: bins and dictionary; both models on all but the rows held out, which tell
 * when to stop, what each is worth and how sure to be; then both on all rows. Trainings are
 * independent of each other and run side by side. */
#include "ml/learner/learner.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "ml/learner/learner_hold.h"
#include "ml/learner/learner_internal.h"
#include "ml/linear/logistic.h"
#include "ml/linear/parallel.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Where nothing can be held out: early enough not to learn few rows by heart. */
enum { BLIND_EPOCHS = 6, BLIND_TREES = 30 };

static const double WEIGHT_MIN = 1e-3; /* of the oldest rows: more tells nothing and costs digits */

struct learner_options learner_defaults(int rows)
{
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

/* ---- one run ---- */

enum part { PART_MACHINE, PART_BOOSTING };

/* One training of one model on all rows but those of one fold. */
struct task {
    enum part part;
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

enum { TASKS_MAX = (LEARNER_FOLDS_MAX + 1) * (2 * LEARNER_BAGS_MAX + 1) };

/* Everything a training holds; freed as one. */
struct run {
    const struct learner_table *table;
    const struct learner_options *options;
    struct learner *l;
    struct learner_hold hold;
    int32_t *slots;   /* (rows, columns) */
    uint8_t *bins;    /* (rows, columns) */
    int32_t *feature; /* (slots, FM_FIELD_FEATURES_MAX) */
    uint8_t *bin_count;
    struct fm_field_data machine_data;
    struct gbdt_data boosting_data;
    struct task *tasks; /* (TASKS_MAX) */
    int task_count;
    int first_task;    /* of those that run now */
    int depth;         /* of trees, as chosen */
    int beside;        /* depth of the other half of the trees; 0: all are of one depth */
    double half_life;  /* rows, as chosen; 0: none */
    double *margin[2]; /* (held rows) of each part, in order of rows; NULL: part not wanted */
    uint8_t *label;    /* (held rows) */
    uint64_t *group;   /* (held rows); NULL: the table has none */
};

static void tasks_free(struct run *run)
{
    for (int i = 0; i < run->task_count; i++) {
        fm_field_free(&run->tasks[i].machine);
        gbdt_free(&run->tasks[i].boosting);
    }
    run->task_count = 0;
}

static void run_free(struct run *run)
{
    tasks_free(run);
    learner_free(&run->l);
    learner_hold_free(&run->hold);
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

/* Cells to slots and bins, once for all trainings. */
static void encode_table(struct run *run)
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
    for (size_t r = 0; r < (size_t)t->rows; r++) {
        learner_encode(e, t->cells + r * columns, run->slots + r * columns,
                       run->bins + r * columns);
    }
    for (int c = 0; c < t->columns; c++) {
        for (int32_t s = e->first[c]; s < e->first[c + 1]; s++) {
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
static int32_t *rows_of(const struct run *run, int fold, bool held, int *out_count)
{
    int32_t *rows = mem_array((size_t)run->table->rows, sizeof *rows);
    int count = 0;
    for (int32_t r = 0; r < run->table->rows; r++) {
        bool wanted = held ? run->hold.fold[r] == fold : learner_hold_trains(&run->hold, r, fold);
        rows[count] = r;
        count += wanted;
    }
    *out_count = count;
    return rows;
}

/* Half as much for each half life that a row is behind the last one; NULL without. Owned. */
static float *weights_of(const struct run *run, const struct row_list *train, double half_life)
{
    if (half_life <= 0) {
        return NULL;
    }
    float *weight = mem_array((size_t)run->table->rows, sizeof *weight);
    for (int i = 0; i < train->count; i++) {
        double behind = train->count - 1 - i;
        weight[train->row[i]] = (float)fmax(exp2(-behind / half_life), WEIGHT_MIN);
    }
    return weight;
}

static uint64_t seed_of(const struct run *run, const struct task *task)
{
    return run->options->seed * 1000 + (uint64_t)task->bag * 10 + (uint64_t)task->part;
}

static struct gbdt_options trees_of(const struct run *run, const struct task *task)
{
    struct gbdt_options o = run->options->boosting;
    if (task->depth != o.depth) {
        o.depth = task->depth;
        o.l2 = run->options->other_l2;
        o.row_share = run->options->other_row_share;
        o.column_share = run->options->other_column_share;
    }
    o.seed = seed_of(run, task);
    o.trees_max = task->length > 0 ? task->length : o.trees_max;
    o.threads = run->task_count - run->first_task == 1 ? run->options->threads : 1;
    return o;
}

static void task_run(void *ctx, int number, int worker)
{
    struct run *run = ctx;
    struct task *task = &run->tasks[run->first_task + number];
    struct row_list train;
    struct row_list held = {0};
    CLEANUP(mem_free) int32_t *train_rows = rows_of(run, task->fold, false, &train.count);
    CLEANUP(mem_free)
    int32_t *held_rows = task->fold >= 0 ? rows_of(run, task->fold, true, &held.count) : NULL;
    (void)worker;
    train.row = train_rows;
    held.row = held_rows;
    CLEANUP(mem_free) float *weight = weights_of(run, &train, task->half_life);
    if (task->part == PART_MACHINE) {
        struct fm_field_options o = run->options->machine;
        struct fm_field_data data = run->machine_data;
        struct fm_field_fit fit = {0};
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

/* Bags from .. to-1. */
static void tasks_add(struct run *run, struct task task, int from, int to)
{
    for (task.bag = from; task.bag < to; task.bag++) {
        assert(run->task_count < TASKS_MAX);
        run->tasks[run->task_count++] = task;
    }
}

/* Runs those added since `from`. */
static bool tasks_run(struct run *run, int from, struct err *err)
{
    run->first_task = from;
    parallel_run(run->options->threads, run->task_count - from, task_run, run);
    for (int i = from; i < run->task_count; i++) {
        if (!run->tasks[i].ok) {
            *err = run->tasks[i].err;
            return false;
        }
    }
    return true;
}

/* ---- what the rows held out say ---- */

static double task_margin(const struct run *run, const struct task *task, int row)
{
    size_t at = (size_t)row * (size_t)run->table->columns;
    return task->part == PART_MACHINE
               ? fm_field_margin(&task->machine, run->slots + at, run->table->columns)
               : gbdt_margin(&task->boosting, run->bins + at);
}

/* Trees of a depth that was not taken are only there to be compared. */
static bool is_wanted(const struct run *run, const struct task *task)
{
    return task->part == PART_MACHINE || task->depth == run->depth || task->depth == run->beside;
}

/* Log loss of the rows of each fold by the first bag of trees of that depth; returns the sum. */
static double losses_of_depth(const struct run *run, int depth, double *loss)
{
    double sum = 0;
    for (int i = 0; i < run->task_count; i++) {
        const struct task *task = &run->tasks[i];
        if (task->part != PART_BOOSTING || task->bag != 0 || task->depth != depth) {
            continue;
        }
        loss[task->fold] = 0;
        for (int r = 0; r < run->table->rows; r++) {
            loss[task->fold] += run->hold.fold[r] == task->fold
                                    ? logistic_loss(task_margin(run, task, r), run->table->label[r])
                                    : 0;
        }
        sum += loss[task->fold];
    }
    return sum;
}

/* The depth that loses less; the other one beside it, unless it loses more in every fold: two that
 * the rows cannot tell apart are better together. */
static void choose_depths(struct run *run)
{
    const struct learner_options *o = run->options;
    double first[LEARNER_FOLDS_MAX] = {0};
    double other[LEARNER_FOLDS_MAX] = {0};
    bool other_wins =
        losses_of_depth(run, o->other_depth, other) < losses_of_depth(run, run->depth, first);
    bool split = false;
    for (int f = 0; f < run->hold.folds; f++) {
        split = split || (other[f] < first[f]) != other_wins;
    }
    if (split && o->boosting_bags > 1) {
        run->beside = other_wins ? run->depth : o->other_depth;
    }
    run->depth = other_wins ? o->other_depth : run->depth;
}

/* How many bags of trees are of the depth beside. */
static int bags_beside(const struct run *run)
{
    return run->beside > 0 ? run->options->boosting_bags / 2 : 0;
}

/* Labels and groups of the rows held out. */
static void hold_rows(struct run *run)
{
    const struct learner_table *t = run->table;
    run->hold = learner_hold_make(t, run->options);
    const size_t rows = (size_t)run->hold.held_rows + 1;
    run->label = mem_array(rows, 1);
    run->group = t->group ? mem_array(rows, sizeof *run->group) : NULL;
    int at = 0;
    for (int r = 0; r < t->rows; r++) {
        if (run->hold.fold[r] >= 0) {
            run->label[at] = t->label[r];
            if (run->group) {
                run->group[at] = t->group[r];
            }
            at++;
        }
    }
}

/* Margins of the held out rows by the models that have not seen them, bags averaged. */
static void gather_margins(struct run *run)
{
    const int bags[2] = {run->options->machine_bags, run->options->boosting_bags};
    size_t rows = (size_t)run->hold.held_rows + 1;
    for (int p = 0; p < 2; p++) {
        run->margin[p] = bags[p] > 0 ? mem_array(rows, sizeof *run->margin[p]) : NULL;
    }
    int at = 0;
    for (int r = 0; r < run->table->rows; r++) {
        if (run->hold.fold[r] < 0) {
            continue;
        }
        for (int i = 0; i < run->task_count; i++) {
            const struct task *task = &run->tasks[i];
            if (task->fold == run->hold.fold[r] && is_wanted(run, task)) {
                assert(run->margin[task->part]);
                run->margin[task->part][at] += task_margin(run, task, r) / bags[task->part];
            }
        }
        at++;
    }
}

/* How long a bag trains on all rows: as long as was best on average. Depth 0 is the machine's. */
static int mean_length(const struct run *run, int depth, int otherwise)
{
    int64_t sum = 0;
    int count = 0;
    for (int i = 0; i < run->task_count; i++) {
        if (run->tasks[i].depth == depth) {
            sum += run->tasks[i].kept;
            count++;
        }
    }
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

static struct learner_held held_of(const struct run *run)
{
    return (struct learner_held){.machine = run->margin[PART_MACHINE],
                                 .boosting = run->margin[PART_BOOSTING],
                                 .labels = run->label,
                                 .group = run->group,
                                 .count = run->hold.held_rows};
}

static struct learner_measure measure_blend(const struct learner_held *held,
                                            const struct learner_weights *w)
{
    CLEANUP(mem_free) double *p = mem_array((size_t)held->count + 1, sizeof *p);
    for (int i = 0; i < held->count; i++) {
        p[i] = logistic(w->intercept + (held->machine ? w->machine * held->machine[i] : 0) +
                        (held->boosting ? w->boosting * held->boosting[i] : 0));
    }
    return learner_measure_of(p, held->labels, held->count);
}

/* Each part alone under its own best weight, and what was chosen. */
static void judge(const struct run *run, struct learner_fit *fit)
{
    const struct learner_held held = held_of(run);
    const double rate = (double)fit->positives / fit->rows;
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
static double *losses_of_half_life(const struct run *run, double half_life)
{
    CLEANUP(mem_free)
    double *margin = mem_array((size_t)run->hold.held_rows + 1, sizeof *margin);
    int count = 0;
    for (int r = 0; r < run->table->rows; r++) {
        for (int i = 0; i < run->task_count && run->hold.fold[r] >= 0; i++) {
            const struct task *task = &run->tasks[i];
            if (task->half_life == half_life && task->fold == run->hold.fold[r]) {
                margin[count++] = task_margin(run, task, r);
            }
        }
    }
    assert(count == run->hold.held_rows);
    const struct learner_held held = {.boosting = margin, .labels = run->label, .count = count};
    const struct learner_weights w = learner_blend(&held);
    return learner_losses(&held, &w);
}

/* Whether the losses are lower in every window that was held out. */
static bool lower_in_all(const struct run *run, const double *losses, const double *others)
{
    double gain[HOLD_WINDOWS_MAX] = {0};
    bool all = true;
    int at = 0;
    for (int r = 0; r < run->table->rows; r++) {
        if (run->hold.fold[r] >= 0) {
            gain[run->hold.fold[r]] += others[at] - losses[at];
            at++;
        }
    }
    for (int w = 0; w < run->hold.folds; w++) {
        all = all && gain[w] > 0;
    }
    return all;
}

/* The memory that loses least, of those that lose less in every window than if all rows counted the
 * same: a gain of some windows alone is a matter of these. One bag for each half life and window.
 */
static bool choose_memory(struct run *run, struct err *err)
{
    static const double share[] = {0, 1.0 / 3, 1.0 / 12};
    enum { COUNT = sizeof share / sizeof *share };
    const struct learner_options *o = run->options;
    const bool boosted = o->boosting_bags > 0 && o->boosting.trees_max > 0;
    if (!o->forgets || !run->table->in_time_order || run->hold.folds == 0) {
        return true;
    }
    for (int i = 0; i < (int)COUNT * run->hold.folds; i++) {
        const struct task task = {.part = boosted ? PART_BOOSTING : PART_MACHINE,
                                  .fold = i % run->hold.folds,
                                  .depth = run->depth,
                                  .half_life = share[i / run->hold.folds] * run->table->rows};
        tasks_add(run, task, 0, 1);
    }
    if (!tasks_run(run, 0, err)) {
        return false;
    }
    CLEANUP(mem_free) double *all_count = losses_of_half_life(run, 0);
    double least = sum_of(all_count, run->hold.held_rows);
    for (int i = 1; i < (int)COUNT; i++) {
        const double half_life = share[i] * run->table->rows;
        CLEANUP(mem_free) double *losses = losses_of_half_life(run, half_life);
        const double loss = sum_of(losses, run->hold.held_rows);
        if (loss < least && lower_in_all(run, losses, all_count)) {
            least = loss;
            run->half_life = half_life;
        }
    }
    tasks_free(run);
    return true;
}

/* Both models on all but each fold. Trees of either depth compete with one bag, and those taken get
 * the others. */
static bool train_held_out(struct run *run, struct err *err)
{
    const struct learner_options *o = run->options;
    const int first = o->boosting_bags > 0 ? 1 : 0;
    const bool choose = first && o->other_depth > 0 && o->other_depth != run->depth;
    for (int f = 0; f < run->hold.folds; f++) {
        const double half = run->half_life;
        const struct task machine = {.part = PART_MACHINE, .fold = f, .half_life = half};
        const struct task boosting = {
            .part = PART_BOOSTING, .fold = f, .depth = run->depth, .half_life = half};
        const struct task other = {
            .part = PART_BOOSTING, .fold = f, .depth = o->other_depth, .half_life = half};
        tasks_add(run, machine, 0, o->machine_bags);
        tasks_add(run, boosting, 0, first);
        tasks_add(run, other, 0, choose ? 1 : 0);
    }
    if (!tasks_run(run, 0, err)) {
        return false;
    }
    const int done = run->task_count;
    if (choose && run->hold.folds > 0) {
        choose_depths(run);
    }
    for (int f = 0; f < run->hold.folds; f++) {
        struct task boosting = {
            .part = PART_BOOSTING, .fold = f, .depth = run->depth, .half_life = run->half_life};
        tasks_add(run, boosting, first, o->boosting_bags - bags_beside(run));
        boosting.depth = run->beside;
        tasks_add(run, boosting, first, bags_beside(run));
    }
    return tasks_run(run, done, err);
}

/* Both models on all but each fold; leaves weights in the learner and lengths in the fit. */
static bool hold_out(struct run *run, struct learner_fit *fit, struct err *err)
{
    const struct learner_options *o = run->options;
    const int epochs = o->machine_bags > 0 ? o->machine.epochs_max : 0;
    const int trees = o->boosting_bags > 0 ? o->boosting.trees_max : 0;
    const double share = epochs > 0 && trees > 0 ? 0.5 : 1;
    hold_rows(run);
    run->depth = o->boosting.depth;
    run->l->weights = (struct learner_weights){epochs > 0 ? share : 0, trees > 0 ? share : 0, 0};
    fit->machine_epochs = epochs < BLIND_EPOCHS ? epochs : BLIND_EPOCHS;
    fit->boosting_trees = trees < BLIND_TREES ? trees : BLIND_TREES;
    if (!choose_memory(run, err) || !train_held_out(run, err)) {
        return false;
    }
    if (run->hold.folds > 0) {
        gather_margins(run);
        fit->machine_epochs = mean_length(run, 0, fit->machine_epochs);
        fit->boosting_trees = mean_length(run, run->depth, fit->boosting_trees);
        fit->boosting_trees_beside = run->beside > 0 ? mean_length(run, run->beside, 0) : 0;
        fit->held_out_rows = run->hold.held_rows;
        for (int i = 0; i < run->hold.held_rows; i++) {
            fit->held_out_positives += run->label[i];
        }
        const struct learner_held held = held_of(run);
        run->l->weights = learner_choose_parts(&held);
        judge(run, fit);
    }
    fit->boosting_depth = trees > 0 ? run->depth : 0;
    fit->boosting_depth_beside = run->beside;
    fit->half_life = run->half_life;
    tasks_free(run);
    return true;
}

/* ---- the models that serve ---- */

static void take_models(struct run *run)
{
    const struct fm_field *machines[LEARNER_BAGS_MAX];
    const struct gbdt *boosted[LEARNER_BAGS_MAX];
    int count[2] = {0, 0};
    for (int i = 0; i < run->task_count; i++) {
        const struct task *task = &run->tasks[i];
        if (task->part == PART_MACHINE) {
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
    tasks_free(run);
}

static void take_probes(struct run *run)
{
    const struct learner_table *t = run->table;
    const size_t columns = (size_t)t->columns;
    int count = t->rows < LEARNER_PROBES ? t->rows : LEARNER_PROBES;
    union learner_cell *cells = mem_array((size_t)count * columns, sizeof *cells);
    for (int i = 0; i < count; i++) {
        size_t row = (size_t)((int64_t)i * t->rows / count);
        memcpy(cells + (size_t)i * columns, t->cells + row * columns, columns * sizeof *cells);
    }
    run->l->probes = (struct learner_probes){.count = count, .cells = cells};
}

static bool train_all(struct run *run, const struct learner_fit *fit, struct err *err)
{
    const struct learner_options *o = run->options;
    if (run->l->weights.machine > 0) {
        const struct task t = {.part = PART_MACHINE,
                               .fold = -1,
                               .length = fit->machine_epochs,
                               .half_life = run->half_life};
        tasks_add(run, t, 0, o->machine_bags);
    }
    if (run->l->weights.boosting > 0 && fit->boosting_trees > 0) {
        struct task t = {.part = PART_BOOSTING,
                         .fold = -1,
                         .length = fit->boosting_trees,
                         .depth = run->depth,
                         .half_life = run->half_life};
        tasks_add(run, t, 0, o->boosting_bags - bags_beside(run));
        t.depth = run->beside;
        t.length = fit->boosting_trees_beside;
        tasks_add(run, t, 0, bags_beside(run));
    }
    if (!tasks_run(run, 0, err)) {
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
    CLEANUP(run_free) struct run run = {.table = table, .options = options};
    run.l = mem_alloc(sizeof *run.l);
    run.l->owns = true;
    run.tasks = mem_array(TASKS_MAX, sizeof *run.tasks);
    encode_table(&run);
    if (!hold_out(&run, &fit, err) || !train_all(&run, &fit, err)) {
        return false;
    }
    fit.weight_machine = run.l->weights.machine;
    fit.weight_boosting = run.l->weights.boosting;
    fit.intercept = run.l->weights.intercept;
    learner_seal(run.l);
    *out = run.l;
    *out_fit = fit;
    run.l = NULL;
    return true;
}
