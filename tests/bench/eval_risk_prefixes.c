/* Carts at their beginning: for each number k of events after the first add to cart, how well a
 * purchase is foretold, on the published rows of RetailRocket.
 *
 *   ./dev eval risk_prefixes retailrocket_cart_prefixes_may_june.csv [--seed S] [--threads N]
 *
 * The first 75 % of the days train, the rest is the test, without visitors seen in training. All k
 * train together (k is a column) and a visitor's rows are held out together; logistic regression and XGBoost, tuned on the same rows, stand
 * beside it. One line of JSON a cutoff and one for the mean over cutoffs. */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/rng.h"
#include "bench/risk_models.h"
#include "bench/risk_score.h"
#include "bench/xgb_peer.h"
#include "ml/linear/logistic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CUTOFFS_MAX = 64, DRAWS = 500 };

/* The rows to score, and what each model says of them. */
struct judged {
    struct risk_rows test;
    int *cutoff;                  /* (test.rows) */
    double *margins[RISK_MODELS]; /* (test.rows); NULL: not run */
};

static void judged_free(struct judged *j)
{
    risk_rows_free(&j->test);
    mem_free(&j->cutoff);
    for (int m = 0; m < RISK_MODELS; m++) {
        mem_free(&j->margins[m]);
    }
}

/* ---- split ---- */

static int32_t day_of(double time)
{
    return (int32_t)floor(time / 86400);
}

/* Rows of the first 75 % of days, and the others; both in order of time. */
static bool split(const struct risk_rows *all, struct risk_rows *train, struct risk_rows *test,
                  struct err *err)
{
    CLEANUP(mem_free) int32_t *order = risk_rows_by_time(all);
    CLEANUP(mem_free) int32_t *list = mem_array((size_t)all->rows, sizeof *list);
    const int32_t first = day_of(all->time[order[0]]);
    const int32_t days = day_of(all->time[order[all->rows - 1]]) - first + 1;
    const int32_t cut = first + days * 3 / 4;
    int count = 0;
    for (int i = 0; i < all->rows; i++) {
        list[count] = order[i];
        count += day_of(all->time[order[i]]) < cut;
    }
    if (count == 0 || count == all->rows) {
        return FAIL(err, ERR_INVALID, "%d days cannot be split", days);
    }
    *train = risk_rows_pick(all, list, count);
    int later = 0;
    for (int i = 0; i < all->rows; i++) {
        list[later] = order[i];
        later += day_of(all->time[order[i]]) >= cut;
    }
    later = risk_rows_unseen(all, train, list, later);
    *test = risk_rows_pick(all, list, later);
    return true;
}

static bool judge(const struct risk_rows *all, int threads, uint64_t seed, struct judged *out,
                  struct err *err)
{
    CLEANUP(risk_rows_free) struct risk_rows train = {0};
    if (!split(all, &train, &out->test, err)) {
        return false;
    }
    mem_free(&train.time); /* rows are held out by visitor: of all days, for all models */
    int column = 0;
    while (column < all->columns && strcmp(all->name[column], "cutoff_k") != 0) {
        column++;
    }
    if (column == all->columns) {
        return FAIL(err, ERR_INVALID, "there is no column 'cutoff_k'");
    }
    out->cutoff = mem_array((size_t)out->test.rows, sizeof *out->cutoff);
    for (int r = 0; r < out->test.rows; r++) {
        size_t at = (size_t)r * (size_t)all->columns + (size_t)column;
        out->cutoff[r] = (int)out->test.cells[at].number;
    }
    for (int m = 0; m < RISK_MODELS; m++) {
        struct risk_trained trained;
        if (m == RISK_XGBOOST && !xgb_available()) {
            continue;
        }
        out->margins[m] = mem_array((size_t)out->test.rows, sizeof(double));
        if (!risk_model_run((enum risk_model)m, &train, &out->test, threads, seed, out->margins[m],
                            &trained, err)) {
            return false;
        }
        (void)fprintf(stderr, "eval risk_prefixes: %s trained on %d rows in %.1f s\n",
                      risk_model_name((enum risk_model)m), train.rows, trained.seconds);
    }
    return true;
}

/* ---- one cutoff ---- */

struct measures {
    double auc, ap;
};

struct cut {
    int k, rows, positives;
    struct measures of[RISK_MODELS];
    struct measures error; /* bootstrap standard error of ours minus the better peer */
    int better_auc, better_ap;
    double ece, chance_low, chance_high;
};

/* Rows of a cutoff, gathered. */
struct gathered {
    int count;
    uint8_t *labels;
    double *margins[RISK_MODELS];
    double *drawn[2];
    uint8_t *drawn_labels;
};

static void gathered_free(struct gathered *g)
{
    mem_free(&g->labels);
    mem_free(&g->drawn_labels);
    for (int m = 0; m < RISK_MODELS; m++) {
        mem_free(&g->margins[m]);
    }
    mem_free(&g->drawn[0]);
    mem_free(&g->drawn[1]);
}

static struct gathered gather(const struct judged *j, int k)
{
    const size_t n = (size_t)j->test.rows + 1;
    struct gathered g = {.labels = mem_array(n, 1), .drawn_labels = mem_array(n, 1)};
    for (int m = 0; m < RISK_MODELS; m++) {
        g.margins[m] = mem_array(n, sizeof(double));
    }
    g.drawn[0] = mem_array(n, sizeof(double));
    g.drawn[1] = mem_array(n, sizeof(double));
    for (int r = 0; r < j->test.rows; r++) {
        if (j->cutoff[r] != k) {
            continue;
        }
        for (int m = 0; m < RISK_MODELS; m++) {
            g.margins[m][g.count] = j->margins[m] ? j->margins[m][r] : 0;
        }
        g.labels[g.count++] = j->test.label[r];
    }
    return g;
}

static double measure_of(const double *scores, const uint8_t *labels, int count, bool auc)
{
    return auc ? calib_auc(scores, labels, count) : calib_average_precision(scores, labels, count);
}

/* Standard deviation, over carts drawn with replacement, of ours minus the peer's. (A cart has one
 * row at each cutoff.) */
static double error_of(struct gathered *g, int peer, bool auc, uint64_t seed)
{
    struct rng rng = rng_seed(seed);
    double sum = 0;
    double squares = 0;
    for (int d = 0; d < DRAWS; d++) {
        for (int i = 0; i < g->count; i++) {
            size_t row = (size_t)rng_below(&rng, (uint64_t)g->count);
            g->drawn[0][i] = g->margins[RISK_OURS][row];
            g->drawn[1][i] = g->margins[peer][row];
            g->drawn_labels[i] = g->labels[row];
        }
        double difference = measure_of(g->drawn[0], g->drawn_labels, g->count, auc) -
                            measure_of(g->drawn[1], g->drawn_labels, g->count, auc);
        sum += difference;
        squares += difference * difference;
    }
    double mean = sum / DRAWS;
    return sqrt(fmax(0, squares / DRAWS - mean * mean));
}

static struct cut measure_cut(const struct judged *j, int k, uint64_t seed)
{
    CLEANUP(gathered_free) struct gathered g = gather(j, k);
    CLEANUP(mem_free) double *p = mem_array((size_t)g.count + 1, sizeof *p);
    struct cut c = {.k = k, .rows = g.count};
    c.better_auc = RISK_LOGISTIC;
    c.better_ap = RISK_LOGISTIC;
    for (int m = 0; m < RISK_MODELS; m++) {
        c.of[m].auc = measure_of(g.margins[m], g.labels, g.count, true);
        c.of[m].ap = measure_of(g.margins[m], g.labels, g.count, false);
        bool peer = m != RISK_OURS && j->margins[m];
        c.better_auc = peer && c.of[m].auc > c.of[c.better_auc].auc ? m : c.better_auc;
        c.better_ap = peer && c.of[m].ap > c.of[c.better_ap].ap ? m : c.better_ap;
    }
    for (int i = 0; i < g.count; i++) {
        p[i] = logistic(g.margins[RISK_OURS][i]);
        c.positives += g.labels[i];
    }
    c.error.auc = error_of(&g, c.better_auc, true, seed);
    c.error.ap = error_of(&g, c.better_ap, false, seed);
    struct calib_range chance = calib_ece_by_chance(p, g.count, DRAWS, seed);
    c.ece = calib_ece(p, g.labels, g.count);
    c.chance_low = chance.low;
    c.chance_high = chance.high;
    return c;
}

static void print_models(const struct judged *j, const struct measures *of)
{
    for (int m = 0; m < RISK_MODELS; m++) {
        if (j->margins[m]) {
            printf(",\"%s\":{\"auc\":%.4f,\"ap\":%.4f}", risk_model_name((enum risk_model)m),
                   of[m].auc, of[m].ap);
        }
    }
}

static void print_cut(const struct judged *j, const struct cut *c)
{
    double auc_gap = c->of[RISK_OURS].auc - c->of[c->better_auc].auc;
    double ap_gap = c->of[RISK_OURS].ap - c->of[c->better_ap].ap;
    printf("{\"k\":%d,\"rows\":%d,\"positives\":%d", c->k, c->rows, c->positives);
    print_models(j, c->of);
    printf(",\"auc_minus_better\":%.4f,\"auc_error\":%.4f,\"ap_minus_better\":%.4f,"
           "\"ap_error\":%.4f,\"within_error\":%s,\"ece\":%.4f,\"ece_by_chance_95\":[%.4f,%.4f]}\n",
           auc_gap, c->error.auc, ap_gap, c->error.ap,
           auc_gap >= -c->error.auc && ap_gap >= -c->error.ap ? "true" : "false", c->ece,
           c->chance_low, c->chance_high);
}

static bool run(const char *path, int threads, uint64_t seed, struct err *err)
{
    const struct risk_columns columns = {.label = "y",
                                         .group = "visitorid",
                                         .time = "first_cart_ts",
                                         .drop = {"session_key"},
                                         .drops = 1};
    CLEANUP(csv_table_free) struct csv_table table = {0};
    CLEANUP(risk_rows_free) struct risk_rows all = {0};
    CLEANUP(judged_free) struct judged judged = {0};
    struct risk_rows rows[2] = {{0}};
    struct measures mean[RISK_MODELS] = {{0}};
    bool there[CUTOFFS_MAX] = {0};
    int cutoffs = 0;
    if (!csv_table_read(path, &table, err) ||
        !risk_rows_read(&table, NULL, &columns, NULL, rows, err)) {
        return false;
    }
    all = rows[0];
    if (!judge(&all, threads, seed, &judged, err)) {
        return false;
    }
    for (int r = 0; r < judged.test.rows; r++) {
        if (judged.cutoff[r] >= 0 && judged.cutoff[r] < CUTOFFS_MAX) {
            cutoffs += !there[judged.cutoff[r]];
            there[judged.cutoff[r]] = true;
        }
    }
    for (int k = 0; k < CUTOFFS_MAX; k++) {
        if (there[k]) {
            struct cut c = measure_cut(&judged, k, seed);
            print_cut(&judged, &c);
            for (int m = 0; m < RISK_MODELS; m++) {
                mean[m].auc += c.of[m].auc / cutoffs;
                mean[m].ap += c.of[m].ap / cutoffs;
            }
        }
    }
    printf("{\"k\":\"mean\",\"cutoffs\":%d,\"rows\":%d", cutoffs, judged.test.rows);
    print_models(&judged, mean);
    printf("}\n");
    return true;
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    int threads = 2;
    uint64_t seed = 1;
    struct err err = {0};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--threads") == 0 && i + 1 < argc) {
            threads = (int)strtol(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = strtoull(argv[++i], NULL, 10);
        } else if (path == NULL && strncmp(argv[i], "--", 2) != 0) {
            path = argv[i];
        } else {
            threads = 0; /* not understood */
        }
    }
    if (!path || threads < 1 || threads > 64) {
        (void)fputs("usage: ./dev eval risk_prefixes FILE.csv [--seed S] [--threads N]\n", stderr);
        return 2;
    }
    if (!xgb_available()) {
        (void)fputs("eval risk_prefixes: built without xgboost: that baseline is left out\n",
                    stderr);
    }
    if (!run(path, threads, seed, &err)) {
        (void)fprintf(stderr, "eval risk_prefixes: %s\n", err.text);
        return 1;
    }
    return 0;
}
