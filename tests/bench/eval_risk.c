/* How well the risk learner does on a plain table, as one line of JSON (see `usage`).
 *
 * A column is an id if --id names it or if it holds a text that is no number; everything is tuned
 * inside the training rows. With --peers, logistic regression on the learner's bins and XGBoost, both
 * tuned on the training rows, run on the same rows. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/rng.h"
#include "bench/risk_folds.h"
#include "bench/risk_models.h"
#include "bench/risk_score.h"
#include "bench/xgb_peer.h"
#include "ml/judge/bootstrap.h"
#include "ml/linear/logistic.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: ./dev eval risk TRAIN.csv [TEST.csv] --label COL [options]\n"
    "  TEST.csv                 train on one file, score the other; or one file and one of\n"
    "  --kfold N                N-fold cross-validation, even within each class: auc, ap, logloss and\n"
    "                           brier are means of folds, ece is of all folds pooled; also `pooled`\n"
    "  --test-where COL=V[,V]   rows with such a value are the test, the others train\n"
    "  --id COL                 a column of ids, though it looks like numbers (may be repeated)\n"
    "  --drop COL               a column to leave out (may be repeated)\n"
    "  --group COL              rows of one group never train and test together; no feature\n"
    "  --time COL               rows train in this order, the last fifth tells when to stop; no feature\n"
    "  --refit-intercept SHARE  a random share of the test rows moves the intercept and is not scored\n"
    "  --seed S                 of folds and training (1)\n"
    "  --repeat N               N seeds from S on: medians, and each under `seeds`; rows, refitted\n"
    "                           slope, ranges and fit are of the last one\n"
    "  --threads N              (2)\n"
    "  --peers                  also logistic regression and XGBoost\n"
    "  --json                   one line of JSON; there is no other format\n";

struct options {
    const char *train, *test;
    struct risk_columns columns;
    int folds;
    const char *where_column, *where_values;
    double refit_share;
    int seed, repeat, threads;
    bool peers;
};

enum { FOLDS_MAX = 1000, REPEAT_MAX = 100 };

/* ---- command line ---- */

static bool append(const char **names, int *count, const char *option, const char *value,
                   struct err *err)
{
    if (*count == RISK_NAMES_MAX) {
        return FAIL(err, ERR_INVALID, "%s may be given %d times at most", option,
                    (int)RISK_NAMES_MAX);
    }
    names[(*count)++] = value;
    return true;
}

static bool take_whole(const char *option, const char *value, int low, int high, int *out,
                       struct err *err)
{
    char *end = NULL;
    errno = 0;
    long long n = strtoll(value, &end, 10);
    if (end == value || *end != '\0' || errno != 0 || n < low || n > high) {
        return FAIL(err, ERR_INVALID, "%s must be a whole number from %d to %d, not '%s'", option,
                    low, high, value);
    }
    *out = (int)n;
    return true;
}

static bool take_share(const char *option, const char *value, double *out, struct err *err)
{
    char *end = NULL;
    *out = strtod(value, &end);
    if (end == value || *end != '\0' || !(*out > 0 && *out < 1)) {
        return FAIL(err, ERR_INVALID, "%s must be a share between 0 and 1, not '%s'", option,
                    value);
    }
    return true;
}

static bool take_where(struct options *o, const char *value, struct err *err)
{
    o->where_column = value;
    o->where_values = strchr(value, '=');
    if (!o->where_values || o->where_values == value || o->where_values[1] == '\0') {
        return FAIL(err, ERR_INVALID, "--test-where must be COL=VALUE[,VALUE], not '%s'", value);
    }
    return true;
}

static bool take_option(struct options *o, const char *name, const char *value, struct err *err)
{
    struct risk_columns *c = &o->columns;
    const struct {
        const char *name;
        const char **out;
    } columns[] = {{"--label", &c->label}, {"--group", &c->group}, {"--time", &c->time}};
    const struct {
        const char *name;
        int low, high;
        int *out;
    } wholes[] = {{"--kfold", 2, FOLDS_MAX, &o->folds},
                  {"--seed", 0, 1000000000, &o->seed},
                  {"--repeat", 1, REPEAT_MAX, &o->repeat},
                  {"--threads", 1, 64, &o->threads}};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        if (strcmp(name, columns[i].name) == 0) {
            *columns[i].out = value;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
        if (strcmp(name, wholes[i].name) == 0) {
            return take_whole(name, value, wholes[i].low, wholes[i].high, wholes[i].out, err);
        }
    }
    if (strcmp(name, "--id") == 0) {
        return append(c->id, &c->ids, name, value, err);
    }
    if (strcmp(name, "--drop") == 0) {
        return append(c->drop, &c->drops, name, value, err);
    }
    if (strcmp(name, "--test-where") == 0) {
        return take_where(o, value, err);
    }
    if (strcmp(name, "--refit-intercept") == 0) {
        return take_share(name, value, &o->refit_share, err);
    }
    return FAIL(err, ERR_INVALID, "there is no option %s", name);
}

static bool take_file(struct options *o, const char *path, struct err *err)
{
    if (o->train && o->test) {
        return FAIL(err, ERR_INVALID, "'%s' is a third file: one trains, one is scored", path);
    }
    *(o->train ? &o->test : &o->train) = path;
    return true;
}

static bool parse(int argc, char **argv, struct options *o, struct err *err)
{
    *o = (struct options){.seed = 1, .repeat = 1, .threads = 2};
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (strcmp(a, "--peers") == 0 || strcmp(a, "--json") == 0) {
            o->peers = o->peers || a[2] == 'p';
        } else if (strncmp(a, "--", 2) != 0) {
            if (!take_file(o, a, err)) {
                return false;
            }
        } else if (i + 1 == argc) {
            return FAIL(err, ERR_INVALID, "%s needs a value, or is no option", a);
        } else if (!take_option(o, a, argv[++i], err)) {
            return false;
        }
    }
    const int ways = (o->test != NULL) + (o->folds > 0) + (o->where_column != NULL);
    if (!o->train) {
        return FAIL(err, ERR_INVALID, "no file to train on");
    }
    if (!o->columns.label) {
        return FAIL(err, ERR_INVALID, "--label is missing");
    }
    return ways == 1 ||
           FAIL(err, ERR_INVALID, "give one of TEST.csv, --kfold and --test-where, not %d", ways);
}

/* ---- one evaluation ---- */

/* What the models said of the rows scored, and the means over folds. */
struct outcome {
    int count;
    double *margins[RISK_MODELS]; /* owned */
    uint8_t *labels;              /* owned */
    struct risk_score folds[RISK_MODELS];
    double seconds[RISK_MODELS];
    struct learner_fit fit; /* of the last training */
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

static bool wanted(const struct options *o, enum risk_model m)
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
static bool refit(const struct options *o, uint64_t seed, struct outcome *out, struct err *err)
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
    const struct options *options;
    uint64_t seed;
    struct outcome *out;
};

/* Trains every model on one side and appends what it says of the other, which is called `what`. */
static bool run_split(const struct job *job, const struct risk_rows *train,
                      const struct risk_rows *test, const char *what, struct err *err)
{
    const struct options *o = job->options;
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
        out->fit = m == RISK_OURS ? trained.fit : out->fit;
    }
    memcpy(out->labels + out->count, test->label, (size_t)test->rows);
    out->count += test->rows;
    return true;
}

/* Rows of the fold are the test, all others train; with groups, none of theirs. */
static bool run_fold(const struct job *job, const struct risk_rows *all, const int32_t *fold,
                     int which, const char *what, struct err *err)
{
    CLEANUP(mem_free) int32_t *list = mem_array((size_t)all->rows, sizeof *list);
    CLEANUP(risk_rows_free) struct risk_rows train = {0};
    CLEANUP(risk_rows_free) struct risk_rows test = {0};
    int count = 0;
    for (int32_t r = 0; r < all->rows; r++) {
        list[count] = r;
        count += fold[r] != which;
    }
    train = risk_rows_pick(all, list, count);
    count = 0;
    for (int32_t r = 0; r < all->rows; r++) {
        list[count] = r;
        count += fold[r] == which;
    }
    if (all->group) {
        count = risk_rows_unseen(all, &train, list, count);
    }
    test = risk_rows_pick(all, list, count);
    return run_split(job, &train, &test, what, err);
}

static bool run_folds(const struct job *job, const struct risk_rows *all, struct err *err)
{
    const struct options *o = job->options;
    CLEANUP(mem_free) int32_t *fold = risk_folds(all, o->folds, job->seed);
    for (int f = 0; f < o->folds; f++) {
        char what[64];
        (void)snprintf(what, sizeof what, "fold %d of %d", f + 1, o->folds);
        if (!run_fold(job, all, fold, f, what, err)) {
            return false;
        }
    }
    return true;
}

/* Rows whose text in the column is one of the values: fold 1. */
static bool where_folds(const struct options *o, const struct csv_table *t, int32_t *fold,
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

static bool evaluate(const struct options *o, uint64_t seed, const struct csv_table tables[2],
                     struct outcome *out, struct err *err)
{
    CLEANUP(risk_rows_free) struct risk_rows first = {0};
    CLEANUP(risk_rows_free) struct risk_rows second = {0};
    CLEANUP(risk_rows_free) struct risk_rows ordered = {0};
    CLEANUP(mem_free) int32_t *fold = NULL;
    CLEANUP(mem_free) int32_t *order = NULL;
    struct risk_rows rows[2] = {{0}};
    if (!risk_rows_read(&tables[0], o->test ? &tables[1] : NULL, &o->columns, rows, err)) {
        return false;
    }
    first = rows[0];
    second = rows[1];
    *out = outcome_make(first.rows + second.rows);
    fold = mem_array((size_t)first.rows, sizeof *fold);
    if (o->where_column && !where_folds(o, &tables[0], fold, err)) {
        return false;
    }
    ordered = (struct risk_rows){0};
    if (first.time) {
        order = risk_rows_by_time(&first);
        ordered = risk_rows_pick(&first, order, first.rows);
        CLEANUP(mem_free) int32_t *moved = mem_array((size_t)first.rows, sizeof *moved);
        for (int r = 0; r < first.rows; r++) {
            moved[r] = fold[order[r]];
        }
        memcpy(fold, moved, (size_t)first.rows * sizeof *fold);
    }
    const struct risk_rows *all = first.time ? &ordered : &first;
    const struct job job = {o, seed, out};
    bool ok = false;
    if (o->folds > 0) {
        ok = run_folds(&job, all, err);
    } else if (o->where_column) {
        ok = run_fold(&job, all, fold, 1, o->where_column, err);
    } else {
        CLEANUP(mem_free) int32_t *list = mem_array((size_t)second.rows, sizeof *list);
        int count = second.rows;
        for (int32_t r = 0; r < second.rows; r++) {
            list[r] = r;
        }
        count = second.group ? risk_rows_unseen(&second, all, list, count) : count;
        CLEANUP(risk_rows_free) struct risk_rows test = risk_rows_pick(&second, list, count);
        ok = run_split(&job, all, &test, o->test, err);
    }
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

static struct result result_of(const struct options *o, const struct outcome *out,
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

static void result_members(struct jenc *j, const struct options *o, const struct result *r)
{
    risk_score_members(j, &r->top);
    jenc_f64(j, "train_s", round(r->seconds * 1e3) / 1e3);
    if (o->folds > 0) {
        jenc_object(j, "pooled");
        risk_score_members(j, &r->pooled);
        jenc_object_end(j);
    }
}

static void fit_member(struct jenc *j, const struct learner_fit *f)
{
    jenc_object(j, "fit");
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

static void print(const struct options *o, const struct outcome *last,
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
            jenc_object_end(&j);
        }
    }
    fit_member(&j, &last->fit);
    jenc_object_end(&j);
    (void)puts(buf_text(&text));
    buf_free(&text);
}

static bool run(const struct options *o, struct err *err)
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
    struct options o;
    struct err err = {0};
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage, stdout);
        return 0;
    }
    if (!parse(argc, argv, &o, &err)) {
        (void)fprintf(stderr, "eval risk: %s\n%s", err.text, usage);
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
