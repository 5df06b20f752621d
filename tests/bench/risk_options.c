/* The command line of eval_risk. */
#include "bench/risk_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char risk_usage[] =
    "usage: ./dev eval risk TRAIN.csv [TEST.csv] --label COL [options]\n"
    "  TEST.csv                 train on one file, score the other; or one file and one of\n"
    "  --kfold N                N-fold cross-validation, even within each class: auc, ap, logloss and\n"
    "                           brier are means of folds, ece is of all folds pooled; also `pooled`\n"
    "  --test-where COL=V[,V]   rows with such a value are the test, the others train\n"
    "  --id COL                 a column of ids, though it looks like numbers (may be repeated)\n"
    "  --drop COL               a column to leave out (may be repeated); if it names somebody, use --group\n"
    "  --group COL              rows of one group never train and test together; no feature\n"
    "  --time COL               rows train in this order, the last fifth tells when to stop; no feature\n"
    "  --refit-intercept SHARE  a random share of the test rows moves the intercept and is not scored\n"
    "  --seed S                 of folds and training (1)\n"
    "  --repeat N               N seeds from S on: medians, and each under `seeds`; rows, refitted\n"
    "                           slope, ranges and fit are of the last one\n"
    "  --threads N              (2)\n"
    "  --peers                  also logistic regression and XGBoost\n"
    "  --json                   one line of JSON; there is no other format\n";

enum { FOLDS_MAX = 1000 };

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

static bool take_where(struct risk_options *o, const char *value, struct err *err)
{
    o->where_column = value;
    o->where_values = strchr(value, '=');
    if (!o->where_values || o->where_values == value || o->where_values[1] == '\0') {
        return FAIL(err, ERR_INVALID, "--test-where must be COL=VALUE[,VALUE], not '%s'", value);
    }
    return true;
}

static bool take_option(struct risk_options *o, const char *name, const char *value,
                        struct err *err)
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

static bool take_file(struct risk_options *o, const char *path, struct err *err)
{
    if (o->train && o->test) {
        return FAIL(err, ERR_INVALID, "'%s' is a third file: one trains, one is scored", path);
    }
    *(o->train ? &o->test : &o->train) = path;
    return true;
}

bool risk_options_parse(int argc, char **argv, struct risk_options *o, struct err *err)
{
    *o = (struct risk_options){.seed = 1, .repeat = 1, .threads = 2};
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
