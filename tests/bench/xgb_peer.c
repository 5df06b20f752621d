/* XGBoost as a baseline: the matrix it gets, its training, its predictions. */
#include "bench/xgb_peer.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "bench/risk_score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct xgb_settings xgb_defaults(void)
{
    return (struct xgb_settings){.depth = 4,
                                 .rounds = 1000,
                                 .bins = 256,
                                 .rate = 0.05,
                                 .l2 = 1,
                                 .child_weight = 1,
                                 .row_share = 0.8,
                                 .column_share = 0.8,
                                 .threads = 1,
                                 .ids = XGB_ONE_HOT,
                                 .seed = 1};
}

#if HAVE_XGBOOST

#include <xgboost/c_api.h>

bool xgb_available(void)
{
    return true;
}

/* Ids of one column, sorted by id, with their rank by frequency. */
struct codes {
    int count;
    struct code {
        uint64_t id;
        int rows;
        int rank;
    } * code;
};

struct xgb_model {
    BoosterHandle booster;
    struct codes *codes; /* (columns) */
    int columns, width;  /* of rows; of the matrix */
    enum xgb_ids ids;
    int rounds;
};

static bool check(int status, struct err *err)
{
    return status == 0 || FAIL(err, ERR_UPSTREAM, "xgboost: %.200s", XGBGetLastError());
}

static int by_id(const void *a, const void *b)
{
    const struct code *x = a;
    const struct code *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int by_rows(const void *a, const void *b)
{
    const struct code *x = a;
    const struct code *y = b;
    return x->rows != y->rows ? (x->rows > y->rows ? -1 : 1) : by_id(a, b);
}

static void codes_learn(const struct risk_rows *rows, int column, struct codes *out)
{
    struct code *code = mem_array((size_t)rows->rows, sizeof *code);
    int count = 0;
    for (int r = 0; r < rows->rows; r++) {
        code[r].id = rows->cells[(size_t)r * (size_t)rows->columns + (size_t)column].id;
    }
    qsort(code, (size_t)rows->rows, sizeof *code, by_id);
    for (int r = 0; r < rows->rows; r++) {
        if (code[r].id != 0 && (count == 0 || code[count - 1].id != code[r].id)) {
            code[count++] = (struct code){.id = code[r].id};
        }
        if (code[r].id != 0) {
            code[count - 1].rows++;
        }
    }
    qsort(code, (size_t)count, sizeof *code, by_rows);
    for (int i = 0; i < count; i++) {
        code[i].rank = i;
    }
    qsort(code, (size_t)count, sizeof *code, by_id);
    *out = (struct codes){count, code};
}

static int rank_of(const struct codes *codes, uint64_t id)
{
    const struct code key = {.id = id};
    const struct code *found = bsearch(&key, codes->code, (size_t)codes->count, sizeof key, by_id);
    return found ? found->rank : -1;
}

/* A sparse matrix as XGBoost takes it: what is not there is missing. */
struct sparse {
    size_t *start;
    unsigned *index;
    float *value;
    size_t entries;
};

static void sparse_free(struct sparse *s)
{
    mem_free(&s->start);
    mem_free(&s->index);
    mem_free(&s->value);
}

/* The entry of one cell, if it has one; `first` is its first column. */
static void sparse_add(struct sparse *s, const struct xgb_model *m, const struct risk_rows *rows,
                       size_t row, size_t column, unsigned first)
{
    const union learner_cell cell = rows->cells[row * (size_t)rows->columns + column];
    if (rows->kind[column] == LEARNER_NUMBER) {
        if (!isnan(cell.number)) {
            s->index[s->entries] = first;
            s->value[s->entries++] = (float)fmin(fmax(cell.number, -3e38), 3e38);
        }
        return;
    }
    int rank = cell.id == 0 ? -1 : rank_of(&m->codes[column], cell.id);
    if (rank >= 0) {
        bool one_hot = m->ids == XGB_ONE_HOT;
        s->index[s->entries] = first + (one_hot ? (unsigned)rank : 0);
        s->value[s->entries++] = one_hot ? 1 : (float)rank;
    }
}

static struct sparse sparse_make(const struct xgb_model *m, const struct risk_rows *rows)
{
    const size_t columns = (size_t)rows->columns;
    size_t most = (size_t)rows->rows * columns + 1;
    struct sparse s = {.start = mem_array((size_t)rows->rows + 1, sizeof *s.start),
                       .index = mem_array(most, sizeof *s.index),
                       .value = mem_array(most, sizeof *s.value)};
    for (size_t r = 0; r < (size_t)rows->rows; r++) {
        unsigned first = 0;
        for (size_t c = 0; c < columns; c++) {
            bool wide = rows->kind[c] != LEARNER_NUMBER && m->ids == XGB_ONE_HOT;
            sparse_add(&s, m, rows, r, c, first);
            first += wide ? (unsigned)m->codes[c].count : 1;
        }
        s.start[r + 1] = s.entries;
    }
    return s;
}

static void matrix_free(DMatrixHandle *m)
{
    if (*m) {
        (void)XGDMatrixFree(*m);
    }
}

/* Tells which columns are categories. */
static bool say_kinds(const struct xgb_model *m, const struct risk_rows *rows, DMatrixHandle matrix,
                      struct err *err)
{
    CLEANUP(mem_free) const char **kinds = mem_array((size_t)rows->columns, sizeof *kinds);
    for (int c = 0; c < rows->columns; c++) {
        kinds[c] = rows->kind[c] == LEARNER_NUMBER ? "q" : "c";
    }
    return m->ids != XGB_CATEGORIES ||
           check(
               XGDMatrixSetStrFeatureInfo(matrix, "feature_type", kinds, (bst_ulong)rows->columns),
               err);
}

static bool matrix_make(const struct xgb_model *m, const struct sparse *s,
                        const struct risk_rows *rows, DMatrixHandle *out, struct err *err)
{
    CLEANUP(mem_free) float *label = mem_array((size_t)rows->rows, sizeof *label);
    for (int r = 0; r < rows->rows; r++) {
        label[r] = rows->label[r];
    }
    return check(XGDMatrixCreateFromCSREx(s->start, s->index, s->value, (size_t)rows->rows + 1,
                                          s->entries, (size_t)m->width, out),
                 err) &&
           check(XGDMatrixSetFloatInfo(*out, "label", label, (bst_ulong)rows->rows), err) &&
           say_kinds(m, rows, *out, err);
}

static bool set(BoosterHandle booster, const char *name, double value, struct err *err)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%.10g", value);
    return check(XGBoosterSetParam(booster, name, text), err);
}

static bool configure(BoosterHandle b, const struct xgb_settings *s, struct err *err)
{
    return check(XGBoosterSetParam(b, "objective", "binary:logistic"), err) &&
           check(XGBoosterSetParam(b, "tree_method", "hist"), err) &&
           check(XGBoosterSetParam(b, "eval_metric", "logloss"), err) &&
           set(b, "verbosity", 0, err) && set(b, "max_depth", s->depth, err) &&
           set(b, "eta", s->rate, err) && set(b, "lambda", s->l2, err) &&
           set(b, "min_child_weight", s->child_weight, err) &&
           set(b, "subsample", s->row_share, err) &&
           set(b, "colsample_bytree", s->column_share, err) && set(b, "max_bin", s->bins, err) &&
           set(b, "nthread", s->threads, err) && set(b, "seed", (double)s->seed, err);
}

static bool boost(BoosterHandle booster, DMatrixHandle train, DMatrixHandle validation,
                  const struct xgb_settings *s, struct xgb_fit *fit, struct err *err)
{
    enum { PATIENCE = 30 };
    const char *names[] = {"v"};
    fit->rounds = validation ? 0 : s->rounds;
    for (int i = 0; i < s->rounds && (!validation || i - fit->rounds < PATIENCE); i++) {
        const char *told = NULL;
        if (!check(XGBoosterUpdateOneIter(booster, i, train), err)) {
            return false;
        }
        if (!validation) {
            continue;
        }
        if (!check(XGBoosterEvalOneIter(booster, i, &validation, names, 1, &told), err)) {
            return false;
        }
        const char *colon = strrchr(told, ':');
        double loss = colon ? strtod(colon + 1, NULL) : (double)INFINITY;
        if (i == 0 || loss < fit->validation_loss) {
            fit->validation_loss = loss;
            fit->rounds = i + 1;
        }
    }
    return true;
}

static struct xgb_model *model_make(const struct risk_rows *train, enum xgb_ids ids)
{
    struct xgb_model *m = mem_alloc(sizeof *m);
    m->columns = train->columns;
    m->ids = ids;
    m->codes = mem_array((size_t)train->columns, sizeof *m->codes);
    for (int c = 0; c < train->columns; c++) {
        if (train->kind[c] == LEARNER_ID) {
            codes_learn(train, c, &m->codes[c]);
        }
        m->width += train->kind[c] == LEARNER_ID && ids == XGB_ONE_HOT ? m->codes[c].count : 1;
    }
    return m;
}

bool xgb_train(const struct risk_rows *train, const struct risk_rows *validation,
               const struct xgb_settings *settings, struct xgb_model **out, struct xgb_fit *out_fit,
               struct err *err)
{
    CLEANUP(xgb_free) struct xgb_model *m = model_make(train, settings->ids);
    CLEANUP(sparse_free) struct sparse train_rows = sparse_make(m, train);
    CLEANUP(sparse_free) struct sparse held_rows = {0};
    CLEANUP(matrix_free) DMatrixHandle matrix = NULL;
    CLEANUP(matrix_free) DMatrixHandle held = NULL;
    struct xgb_fit fit = {0};
    if (validation) {
        held_rows = sparse_make(m, validation);
        if (!matrix_make(m, &held_rows, validation, &held, err)) {
            return false;
        }
    }
    double start = risk_seconds();
    if (!matrix_make(m, &train_rows, train, &matrix, err) ||
        !check(XGBoosterCreate(&matrix, 1, &m->booster), err) ||
        !configure(m->booster, settings, err) ||
        !boost(m->booster, matrix, held, settings, &fit, err)) {
        return false;
    }
    fit.seconds = risk_seconds() - start;
    m->rounds = fit.rounds;
    *out = m;
    *out_fit = fit;
    m = NULL;
    return true;
}

void xgb_free(struct xgb_model **m)
{
    if (*m) {
        if ((*m)->booster) {
            (void)XGBoosterFree((*m)->booster);
        }
        for (int c = 0; c < (*m)->columns; c++) {
            mem_free(&(*m)->codes[c].code);
        }
        mem_free(&(*m)->codes);
        mem_free(m);
    }
}

bool xgb_margins(const struct xgb_model *m, const struct risk_rows *rows, double *out,
                 struct err *err)
{
    enum { MARGIN = 1 };
    CLEANUP(sparse_free) struct sparse s = sparse_make(m, rows);
    CLEANUP(matrix_free) DMatrixHandle matrix = NULL;
    bst_ulong count = 0;
    const float *margins = NULL;
    if (!matrix_make(m, &s, rows, &matrix, err) ||
        !check(
            XGBoosterPredict(m->booster, matrix, MARGIN, (unsigned)m->rounds, 0, &count, &margins),
            err)) {
        return false;
    }
    for (int r = 0; r < rows->rows; r++) {
        out[r] = (double)margins[r];
    }
    return true;
}

bool xgb_score_dense(const struct xgb_model *m, const float *cells, int rows, int columns,
                     float *out, struct err *err)
{
    static const char config[] = "{\"type\":1,\"training\":false,\"iteration_begin\":0,"
                                 "\"iteration_end\":0,\"strict_shape\":false,\"missing\":NaN,"
                                 "\"cache_id\":0}";
    char values[160];
    bst_ulong const *shape = NULL;
    bst_ulong dimensions = 0;
    float const *result = NULL;
    (void)snprintf(values, sizeof values,
                   "{\"data\":[%zu,true],\"shape\":[%d,%d],\"typestr\":\"<f4\",\"version\":3}",
                   (size_t)cells, rows, columns);
    if (!check(XGBoosterPredictFromDense(m->booster, values, config, NULL, &shape, &dimensions,
                                         &result),
               err)) {
        return false;
    }
    memcpy(out, result, (size_t)rows * sizeof *out);
    return true;
}

#else

bool xgb_available(void)
{
    return false;
}

bool xgb_train(const struct risk_rows *train, const struct risk_rows *validation,
               const struct xgb_settings *settings, struct xgb_model **out, struct xgb_fit *out_fit,
               struct err *err)
{
    (void)train, (void)validation, (void)settings, (void)out, (void)out_fit;
    return FAIL(err, ERR_NOT_FOUND, "built without xgboost (libxgboost-dev)");
}

void xgb_free(struct xgb_model **m)
{
    (void)m;
}

bool xgb_margins(const struct xgb_model *m, const struct risk_rows *rows, double *out,
                 struct err *err)
{
    (void)m;
    memset(out, 0, (size_t)rows->rows * sizeof *out);
    return FAIL(err, ERR_NOT_FOUND, "built without xgboost (libxgboost-dev)");
}

bool xgb_score_dense(const struct xgb_model *m, const float *cells, int rows, int columns,
                     float *out, struct err *err)
{
    (void)m, (void)cells, (void)columns;
    memset(out, 0, (size_t)rows * sizeof *out);
    return FAIL(err, ERR_NOT_FOUND, "built without xgboost (libxgboost-dev)");
}

#endif

/* ---- tuning and bags ---- */

/* Rows that train, and rows held out, while `part` is. */
static void split(const struct risk_rows *rows, const struct learner_holdout *hold, int part,
                  struct risk_rows *train, struct risk_rows *held)
{
    CLEANUP(mem_free) int32_t *list = mem_array((size_t)rows->rows, sizeof *list);
    for (int side = 0; side < 2; side++) {
        int count = 0;
        for (int32_t r = 0; r < rows->rows; r++) {
            list[count] = r;
            count += side == 0 ? learner_holdout_trains(hold, r, part) : hold->fold[r] == part;
        }
        *(side == 0 ? train : held) = risk_rows_pick(rows, list, count);
    }
}

/* One place of the grid in all parts: out_loss of all rows held out, out_rounds the mean. */
static bool try_settings(const struct risk_rows *rows, const struct learner_holdout *hold,
                         const struct xgb_settings *settings, double *out_loss, int *out_rounds,
                         struct err *err)
{
    double loss = 0;
    int rounds = 0;
    for (int part = 0; part < hold->folds; part++) {
        CLEANUP(risk_rows_free) struct risk_rows train = {0};
        CLEANUP(risk_rows_free) struct risk_rows held = {0};
        CLEANUP(xgb_free) struct xgb_model *m = NULL;
        struct xgb_fit fit;
        split(rows, hold, part, &train, &held);
        if (!xgb_train(&train, &held, settings, &m, &fit, err)) {
            return false;
        }
        loss += fit.validation_loss * held.rows;
        rounds += fit.rounds;
    }
    *out_loss = loss;
    *out_rounds = (rounds + hold->folds / 2) / hold->folds;
    return true;
}

bool xgb_tune(const struct risk_rows *train, const struct learner_holdout *hold, int threads,
              uint64_t seed, struct xgb_settings *out, struct err *err)
{
    static const struct {
        int depth;
        double child_weight;
    } grid[] = {{3, 1}, {4, 1}, {4, 5}, {6, 5}};
    struct xgb_settings best = xgb_defaults();
    double best_loss = (double)INFINITY;
    best.threads = threads;
    best.seed = seed;
    best.rounds = hold->folds > 0 ? best.rounds : XGB_BLIND_ROUNDS;
    for (size_t i = 0; hold->folds > 0 && i < sizeof grid / sizeof *grid; i++) {
        struct xgb_settings s = xgb_defaults();
        double loss = 0;
        int rounds = 0;
        s.depth = grid[i].depth;
        s.child_weight = grid[i].child_weight;
        s.threads = threads;
        s.seed = seed;
        if (!try_settings(train, hold, &s, &loss, &rounds, err)) {
            return false;
        }
        if (loss < best_loss) {
            best_loss = loss;
            best = s;
            best.rounds = rounds;
        }
    }
    *out = best;
    return true;
}

// NOLINTNEXTLINE(readability-function-size): margins and the count are two outputs
bool xgb_bags(const struct risk_rows *train, const struct risk_rows *test,
              const struct xgb_settings *settings, int bags, double *margins, int *out_trained,
              struct err *err)
{
    CLEANUP(mem_free) double *one = mem_array((size_t)test->rows + 1, sizeof *one);
    memset(margins, 0, (size_t)test->rows * sizeof *margins);
    *out_trained = 0;
    for (int b = 0; b < bags; b++) {
        CLEANUP(xgb_free) struct xgb_model *m = NULL;
        struct xgb_settings s = *settings;
        struct xgb_fit fit;
        s.seed = settings->seed * 1000 + (uint64_t)b;
        if (!xgb_train(train, NULL, &s, &m, &fit, err) || !xgb_margins(m, test, one, err)) {
            return false;
        }
        for (int r = 0; r < test->rows; r++) {
            margins[r] += one[r] / bags;
        }
        ++*out_trained;
    }
    return true;
}
