/* How well the risk learner does on a plain table, as one line of JSON (see `usage`).
 *
 * A column is an id if --id names it or if it holds a text that is no number in a row that trains; everything
 * is tuned inside the training rows. With --peers, logistic regression on the learner's bins and XGBoost, both
 * tuned on the training rows, run on the same rows. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/rng.h"
#include "bench/risk_folds.h"
#include "bench/risk_models.h"
#include "bench/risk_options.h"
#include "bench/risk_people.h"
#include "bench/risk_score.h"
#include "bench/xgb_peer.h"
#include "ml/judge/bootstrap.h"
#include "ml/linear/logistic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one evaluation ---- */

/* What the models said of the rows scored, and the means over folds. */
struct outcome {
    int count;
    double *margins[RISK_MODELS]; /* owned */
    uint8_t *labels;              /* owned */
    struct risk_score folds[RISK_MODELS];
    double seconds[RISK_MODELS];
    struct risk_trained last[RISK_MODELS]; /* of the last training */
    int refit_rows;
    struct platt refit_slope; /* what the same rows say with a slope of its own, for ours */
};

static void outcome_free(struct outcome *o)
{
    for (int m = 0; m < RISK_MODELS; m++) {
        mem_free(&o->margins[m]);
    }
    mem_free(&o->labels);
}

static struct outcome outcome_make(int rows)
{
    struct outcome o = {.labels = mem_array((size_t)rows + 1, 1)};
    for (int m = 0; m < RISK_MODELS; m++) {
        o.margins[m] = mem_array((size_t)rows + 1, sizeof(double));
    }
    return o;
}

static bool wanted(const struct risk_options *o, enum risk_model m)
{
    return m == RISK_OURS || (o->peers && (m != RISK_XGBOOST || xgb_available()));
}

static void add_share(struct risk_score *to, const struct risk_score *s, int folds)
{
    to->auc += s->auc / folds;
    to->ap += s->ap / folds;
    to->log_loss += s->log_loss / folds;
    to->brier += s->brier / folds;
    to->ece += s->ece / folds;
    to->brier_skill += s->brier_skill / folds;
}

/* The measures compare rows that were lost with rows that were not: without either there is no figure. */
static bool can_be_scored(const uint8_t *labels, int count, const char *what, struct err *err)
{
    int positives = 0;
    for (int i = 0; i < count; i++) {
        positives += labels[i];
    }
    return (positives > 0 && positives < count) ||
           FAIL(err, ERR_INVALID, "%s: of %d rows to score %d have label 1; both labels are needed",
                what, count, positives);
}

/* Moves margins by what a random share of the rows says, which then leave the outcome. */
static bool refit(const struct risk_options *o, uint64_t seed, struct outcome *out, struct err *err)
{
    CLEANUP(mem_free) uint8_t *chosen = mem_array((size_t)out->count + 1, 1);
    CLEANUP(mem_free) uint8_t *labels = mem_array((size_t)out->count + 1, 1);
    CLEANUP(mem_free) double *margins = mem_array((size_t)out->count + 1, sizeof *margins);
    struct rng rng = rng_seed(seed);
    for (int i = 0; i < out->count; i++) {
        chosen[i] = rng_unit(&rng) < o->refit_share;
        out->refit_rows += chosen[i];
    }
    int kept = 0;
    for (int m = 0; m < RISK_MODELS; m++) {
        int used = 0;
        double shift = 0;
        for (int i = 0; i < out->count; i++) {
            margins[used] = out->margins[m][i];
            labels[used] = out->labels[i];
            used += chosen[i];
        }
        if (!calib_refit_intercept(margins, labels, used, &shift, err)) {
            return false;
        }
        struct err too_few = {0}; /* rows for a slope; the intercept needs fewer */
        if (m == RISK_OURS && calib_fit(margins, labels, used, &out->refit_slope, &too_few)) {
            out->refit_slope.intercept -= /* margins are stored with the shift */
                out->refit_slope.slope * shift;
        }
        kept = 0;
        for (int i = 0; i < out->count; i++) {
            out->margins[m][kept] = out->margins[m][i] + shift;
            kept += !chosen[i];
        }
    }
    kept = 0;
    for (int i = 0; i < out->count; i++) {
        out->labels[kept] = out->labels[i];
        kept += !chosen[i];
    }
    out->count = kept;
    return can_be_scored(out->labels, kept, "after --refit-intercept", err);
}

/* One evaluation under one seed. */
struct job {
    const struct risk_options *options;
    const struct csv_table *tables; /* (2) */
    const int32_t *order; /* rows of the first table as they train: by time where there is one */
    uint64_t seed;
    struct outcome *out;
};

static void tell_of_texts(const struct risk_rows *r, const char *what)
{
    if (r->not_numbers > 0) {
        (void)fprintf(
            stderr,
            "eval risk: warning: %s: %d cells hold a text where the rows that train hold numbers: taken as missing\n",
            what, r->not_numbers);
    }
}

/* Once, however many seeds there are. */
static void tell_of_people(const struct job *job, const int32_t *fold)
{
    const struct risk_options *o = job->options;
    if (!o->columns.group && job->seed == (uint64_t)o->seed) {
        (void)risk_people_warn(&job->tables[0], o->test ? &job->tables[1] : NULL, fold, &o->columns,
                               stderr);
    }
}

/* Trains every model on one side and appends what it says of the other, which is called `what`. */
static bool run_split(const struct job *job, const struct risk_rows *train,
                      const struct risk_rows *test, const char *what, struct err *err)
{
    const struct risk_options *o = job->options;
    struct outcome *out = job->out;
    const int folds = o->folds > 0 ? o->folds : 1;
    if (!can_be_scored(test->label, test->rows, what, err)) {
        return false;
    }
    for (int m = 0; m < RISK_MODELS; m++) {
        double *margins = out->margins[m] + out->count;
        struct risk_trained trained;
        if (!wanted(o, (enum risk_model)m)) {
            continue;
        }
        if (!risk_model_run((enum risk_model)m, train, test, o->threads, job->seed, margins,
                            &trained, err)) {
            return false;
        }
        struct risk_score s = risk_score(margins, test->label, test->rows);
        add_share(&out->folds[m], &s, folds);
        out->seconds[m] += trained.seconds;
        out->last[m] = trained;
    }
    memcpy(out->labels + out->count, test->label, (size_t)test->rows);
    out->count += test->rows;
    return true;
}

/* Rows of the fold (of each row of the first table) are the test, all others train and say what kind each column is;
 * with groups, none of theirs is scored. */
static bool run_fold(const struct job *job, const int32_t *fold, int which, const char *what,
                     struct err *err)
{
    const int rows = job->tables[0].rows;
    CLEANUP(mem_free) uint8_t *trains = mem_array((size_t)rows, sizeof *trains);
    CLEANUP(mem_free) int32_t *list = mem_array((size_t)rows, sizeof *list);
    CLEANUP(risk_rows_free) struct risk_rows all = {0};
    CLEANUP(risk_rows_free) struct risk_rows train = {0};
    CLEANUP(risk_rows_free) struct risk_rows test = {0};
    struct risk_rows read[2] = {{0}};
    for (int r = 0; r < rows; r++) {
        trains[r] = fold[r] != which;
    }
    if (!risk_rows_read(&job->tables[0], NULL, &job->options->columns, trains, read, err)) {
        return false;
    }
    all = read[0];
    tell_of_texts(&all, what);
    for (int side = 1; side >= 0; side--) {
        int count = 0;
        for (int i = 0; i < rows; i++) {
            list[count] = job->order[i];
            count += trains[job->order[i]] == side;
        }
        if (side == 0 && all.group) {
            count = risk_rows_unseen(&all, &train, list, count);
        }
        *(side == 1 ? &train : &test) = risk_rows_pick(&all, list, count);
    }
    return run_split(job, &train, &test, what, err);
}

/* The fold of each row of the first table, of whose rows `first` are, owned by the caller. */
static int32_t *folds_of(const struct job *job, const struct risk_rows *first)
{
    CLEANUP(risk_rows_free)
    struct risk_rows ordered = risk_rows_pick(first, job->order, first->rows);
    CLEANUP(mem_free) int32_t *dealt = risk_folds(&ordered, job->options->folds, job->seed);
    int32_t *fold = mem_array((size_t)first->rows, sizeof *fold);
    for (int i = 0; i < first->rows; i++) {
        fold[job->order[i]] = dealt[i];
    }
    return fold;
}

static bool run_folds(const struct job *job, const struct risk_rows *first, struct err *err)
{
    const struct risk_options *o = job->options;
    CLEANUP(mem_free) int32_t *fold = folds_of(job, first);
    tell_of_people(job, fold);
    for (int f = 0; f < o->folds; f++) {
        char what[64];
        (void)snprintf(what, sizeof what, "fold %d of %d", f + 1, o->folds);
        if (!run_fold(job, fold, f, what, err)) {
            return false;
        }
    }
    return true;
}

/* Rows whose text in the column is one of the values: fold 1. */
static bool where_folds(const struct risk_options *o, const struct csv_table *t, int32_t *fold,
                        struct err *err)
{
    char name[256];
    size_t len = (size_t)(o->where_values - o->where_column);
    (void)snprintf(name, sizeof name, "%.*s", (int)(len < 255 ? len : 255), o->where_column);
    int column = csv_table_column(t, name);
    if (column < 0) {
        return FAIL(err, ERR_INVALID, "%s: there is no column '%s'", o->train, name);
    }
    int tests = 0;
    for (int r = 0; r < t->rows; r++) {
        const char *text = csv_table_cell(t, r, column);
        size_t bytes = strlen(text);
        for (const char *v = o->where_values; v && bytes > 0; v = strchr(v, ',')) {
            v++; /* behind = or , */
            fold[r] =
                fold[r] || (strncmp(v, text, bytes) == 0 && (v[bytes] == ',' || v[bytes] == '\0'));
        }
        tests += fold[r];
    }
    if (tests == 0 || tests == t->rows) {
        return FAIL(err, ERR_INVALID, "%d of %d rows match %s", tests, t->rows, o->where_column);
    }
    return true;
}

static bool run_where(const struct job *job, struct err *err)
{
    const struct risk_options *o = job->options;
    CLEANUP(mem_free) int32_t *fold = mem_array((size_t)job->tables[0].rows, sizeof *fold);
    if (!where_folds(o, &job->tables[0], fold, err)) {
        return false;
    }
    tell_of_people(job, fold);
    return run_fold(job, fold, 1, o->where_column, err);
}

static bool run_files(const struct job *job, const struct risk_rows *first,
                      const struct risk_rows *second, struct err *err)
{
    CLEANUP(mem_free) int32_t *list = mem_array((size_t)second->rows, sizeof *list);
    CLEANUP(risk_rows_free) struct risk_rows train = risk_rows_pick(first, job->order, first->rows);
    int count = second->rows;
    for (int32_t r = 0; r < second->rows; r++) {
        list[r] = r;
    }
    count = second->group ? risk_rows_unseen(second, &train, list, count) : count;
    CLEANUP(risk_rows_free) struct risk_rows test = risk_rows_pick(second, list, count);
    tell_of_people(job, NULL);
    tell_of_texts(second, job->options->test);
    return run_split(job, &train, &test, job->options->test, err);
}

/* As they stand, or by time; owned by the caller. */
static int32_t *order_of(const struct risk_rows *r)
{
    if (r->time) {
        return risk_rows_by_time(r);
    }
    int32_t *order = mem_array((size_t)r->rows, sizeof *order);
    for (int32_t i = 0; i < r->rows; i++) {
        order[i] = i;
    }
    return order;
}

static bool evaluate(const struct risk_options *o, uint64_t seed, const struct csv_table tables[2],
                     struct outcome *out, struct err *err)
{
    CLEANUP(risk_rows_free) struct risk_rows first = {0};
    CLEANUP(risk_rows_free) struct risk_rows second = {0};
    CLEANUP(mem_free) int32_t *order = NULL;
    struct risk_rows rows[2] = {{0}};
    if (!risk_rows_read(&tables[0], o->test ? &tables[1] : NULL, &o->columns, NULL, rows, err)) {
        return false;
    }
    first = rows[0];
    second = rows[1];
    *out = outcome_make(first.rows + second.rows);
    order = order_of(&first);
    const struct job job = {o, tables, order, seed, out};
    bool ok = o->folds > 0      ? run_folds(&job, &first, err)
              : o->where_column ? run_where(&job, err)
                                : run_files(&job, &first, &second, err);
    return ok && (o->refit_share <= 0 || refit(o, seed, out, err));
}

/* ---- what is printed ---- */

/* Of one model under one seed: what stands at the top, and the same of all rows pooled. */
struct result {
    struct risk_score top, pooled;
    double seconds;
};

struct ece_rows {
    const double *p;
    const uint8_t *labels;
    double *drawn_p;
    uint8_t *drawn_labels;
};

static double ece_of(void *ctx, const int32_t *rows, int count)
{
    struct ece_rows *e = ctx;
    for (int i = 0; i < count; i++) {
        e->drawn_p[i] = e->p[rows[i]];
        e->drawn_labels[i] = e->labels[rows[i]];
    }
    return calib_ece(e->drawn_p, e->drawn_labels, count);
}

static void interval_members(struct jenc *j, const struct outcome *out, uint64_t seed)
{
    enum { ROUNDS = 200 };
    const size_t n = (size_t)out->count;
    CLEANUP(mem_free) double *p = mem_array(2 * n + 1, sizeof *p);
    CLEANUP(mem_free) uint8_t *labels = mem_array(n + 1, 1);
    CLEANUP(mem_free) int32_t *group = mem_array(n + 1, sizeof *group);
    for (int i = 0; i < out->count; i++) {
        p[i] = logistic(out->margins[RISK_OURS][i]);
        group[i] = i;
    }
    struct ece_rows e = {p, out->labels, p + n, labels};
    const struct bootstrap_rows rows = {group, out->count, out->count, ROUNDS, seed};
    struct interval i = bootstrap_groups(&rows, ece_of, &e);
    struct calib_range chance = calib_ece_by_chance(p, out->count, ROUNDS, seed);
    jenc_array(j, "ece_bootstrap_95");
    jenc_f64(j, NULL, i.low);
    jenc_f64(j, NULL, i.high);
    jenc_array_end(j);
    jenc_array(j, "ece_by_chance_95");
    jenc_f64(j, NULL, chance.low);
    jenc_f64(j, NULL, chance.high);
    jenc_array_end(j);
}

/* What a slope, refitted with the intercept, would have made of the same rows. */
static void refit_members(struct jenc *j, const struct outcome *out)
{
    const struct platt *p = &out->refit_slope;
    CLEANUP(mem_free) double *margins = mem_array((size_t)out->count + 1, sizeof *margins);
    for (int i = 0; i < out->count; i++) {
        margins[i] = p->slope * out->margins[RISK_OURS][i] + p->intercept;
    }
    struct risk_score s = risk_score(margins, out->labels, out->count);
    jenc_i64(j, "refit_rows", out->refit_rows);
    if (p->slope == 0) { /* the rows were of one class */
        return;
    }
    jenc_object(j, "slope_refitted_too");
    jenc_f64(j, "slope", p->slope);
    risk_score_members(j, &s);
    jenc_object_end(j);
}

static struct result result_of(const struct risk_options *o, const struct outcome *out,
                               enum risk_model m)
{
    struct result r = {.seconds = out->seconds[m]};
    r.pooled = risk_score(out->margins[m], out->labels, out->count);
    r.top = o->folds > 0 && o->refit_share <= 0 ? out->folds[m] : r.pooled;
    r.top.ece = r.pooled.ece;
    return r;
}

/* Member by member, the medians over seeds. */
static struct result median_of(const struct result *results, int count)
{
    enum { MEMBERS = sizeof(struct result) / sizeof(double) };
    double values[REPEAT_MAX];
    double middle[MEMBERS];
    struct result out;
    for (size_t m = 0; m < MEMBERS; m++) {
        for (int i = 0; i < count; i++) {
            double all[MEMBERS];
            memcpy(all, &results[i], sizeof all);
            values[i] = all[m];
        }
        middle[m] = risk_median(values, count);
    }
    memcpy(&out, middle, sizeof out);
    return out;
}

static void result_members(struct jenc *j, const struct risk_options *o, const struct result *r)
{
    risk_score_members(j, &r->top);
    jenc_f64(j, "train_s", round(r->seconds * 1e3) / 1e3);
    if (o->folds > 0) {
        jenc_object(j, "pooled");
        risk_score_members(j, &r->pooled);
        jenc_object_end(j);
    }
}

/* How many models of trees are averaged, and on how many parts held out they were tuned. */
static void averaged_members(struct jenc *j, const struct risk_trained *t)
{
    jenc_i64(j, "bags", t->bags);
    jenc_i64(j, "folds", t->folds);
}

static void fit_member(struct jenc *j, const struct risk_trained *t)
{
    const struct learner_fit *f = &t->fit;
    jenc_object(j, "fit");
    averaged_members(j, t);
    jenc_i64(j, "rows", f->rows);
    jenc_i64(j, "held_out_rows", f->held_out_rows);
    jenc_f64(j, "weight_machine", f->weight_machine);
    jenc_f64(j, "weight_boosting", f->weight_boosting);
    jenc_i64(j, "machine_epochs", f->machine_epochs);
    jenc_i64(j, "boosting_trees", f->boosting_trees);
    jenc_i64(j, "boosting_depth", f->boosting_depth);
    jenc_i64(j, "boosting_trees_beside", f->boosting_trees_beside);
    jenc_i64(j, "boosting_depth_beside", f->boosting_depth_beside);
    jenc_f64(j, "half_life_rows", f->half_life);
    if (f->held_out_rows > 0) {
        jenc_f64(j, "held_out_auc_machine", f->machine.auc);
        jenc_f64(j, "held_out_auc_boosting", f->boosting.auc);
        jenc_f64(j, "held_out_auc_blend", f->blend.auc);
    }
    jenc_object_end(j);
}

static void print(const struct risk_options *o, const struct outcome *last,
                  struct result results[RISK_MODELS][REPEAT_MAX])
{
    struct buf text = buf_make(1 << 20);
    struct jenc j = jenc_begin(&text);
    struct result ours = median_of(results[RISK_OURS], o->repeat);
    jenc_object(&j, NULL);
    result_members(&j, o, &ours);
    jenc_i64(&j, "rows", last->count);
    if (o->refit_share > 0) {
        refit_members(&j, last);
    }
    interval_members(&j, last, (uint64_t)o->seed);
    if (o->repeat > 1) {
        jenc_array(&j, "seeds");
        for (int i = 0; i < o->repeat; i++) {
            jenc_object(&j, NULL);
            jenc_i64(&j, "seed", o->seed + i);
            result_members(&j, o, &results[RISK_OURS][i]);
            jenc_object_end(&j);
        }
        jenc_array_end(&j);
    }
    for (int m = RISK_OURS + 1; m < RISK_MODELS; m++) {
        if (wanted(o, (enum risk_model)m)) {
            struct result peer = median_of(results[m], o->repeat);
            jenc_object(&j, risk_model_name((enum risk_model)m));
            result_members(&j, o, &peer);
            averaged_members(&j, &last->last[m]);
            jenc_object_end(&j);
        }
    }
    fit_member(&j, &last->last[RISK_OURS]);
    jenc_object_end(&j);
    (void)puts(buf_text(&text));
    buf_free(&text);
}

static bool run(const struct risk_options *o, struct err *err)
{
    static struct result results[RISK_MODELS][REPEAT_MAX];
    struct csv_table tables[2] = {{0}};
    struct outcome out = {0};
    bool ok = csv_table_read(o->train, &tables[0], err) &&
              (!o->test || csv_table_read(o->test, &tables[1], err));
    for (int i = 0; ok && i < o->repeat; i++) {
        outcome_free(&out);
        ok = evaluate(o, (uint64_t)o->seed + (uint64_t)i, tables, &out, err);
        for (int m = 0; ok && m < RISK_MODELS; m++) {
            if (wanted(o, (enum risk_model)m)) {
                results[m][i] = result_of(o, &out, (enum risk_model)m);
            }
        }
    }
    if (ok) {
        print(o, &out, results);
    }
    outcome_free(&out);
    csv_table_free(&tables[0]);
    csv_table_free(&tables[1]);
    return ok;
}

int main(int argc, char **argv)
{
    struct risk_options o;
    struct err err = {0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(risk_usage, stdout);
        return 0;
    }
    if (!risk_options_parse(argc, argv, &o, &err)) {
        (void)fprintf(stderr, "eval risk: %s\n%s", err.text, risk_usage);
        return 2;
    }
    if (o.peers && !xgb_available()) {
        (void)fputs("eval risk: built without xgboost: that baseline is left out\n", stderr);
    }
    if (!run(&o, &err)) {
        (void)fprintf(stderr, "eval risk: %s\n", err.text);
        return 1;
    }
    return 0;
}
