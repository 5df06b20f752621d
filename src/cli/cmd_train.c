/* cartwright train: models from the log, step by step. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "store/private/database.h"
#include "train/train.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "train affinity|risk|all [--as-of TIME] [--seed N] [--horizon DURATION] [--json]\n\n"
    "Reads the event log, trains the models and their baselines (popularity, base rate), judges them on a later\n"
    "window that they have not seen, and promotes what wins. A model that loses is kept as refused, and something\n"
    "valid serves; `train risk` then ends with exit code 3. Too little data for any model is refused (exit code 3).\n\n"
    "--as-of TIME         use events up to TIME (RFC 3339)\n"
    "--seed N             of every random choice; the same log and seed give the same bytes (1)\n"
    "--horizon DURATION   lost means no purchase within it (the setting risk_horizon)\n"
    "--json               one JSON line a step";

struct request {
    struct train_options train;
    bool help;
};

static bool read_seed(const char *text, uint64_t *out, struct err *err)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0') {
        return FAIL_AT(err, ERR_INVALID, "seed", "must be a whole number, not %.40s", text);
    }
    *out = value;
    return true;
}

static bool read_time(const char *text, int64_t *out, struct err *err)
{
    if (!clock_parse_rfc3339(text, out, err)) {
        err_at(err, "as-of");
        return false;
    }
    return true;
}

/* False with err->kind ERR_NONE: getopt has printed what is wrong. */
static bool read_request(int argc, char **argv, struct request *r, struct err *err)
{
    static const struct option longs[] = {
        {"as-of", required_argument, NULL, 'a'},   {"seed", required_argument, NULL, 's'},
        {"horizon", required_argument, NULL, 'o'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    bool ok = true;
    optind = 1;
    while (ok) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread yet
        int c = getopt_long(argc, argv, "", longs, NULL);
        if (c == -1) {
            return true;
        }
        switch (c) {
        case 'a':
            ok = read_time(optarg, &r->train.as_of_us, err);
            break;
        case 's':
            ok = read_seed(optarg, &r->train.seed, err);
            break;
        case 'o':
            ok = cli_horizon(optarg, &r->train.horizon_us, err);
            break;
        case 'j':
            r->train.json = true;
            break;
        case 'h':
            r->help = true;
            break;
        default:
            ok = false;
        }
    }
    return false;
}

static bool read_kind(const char *name, enum train_kind *out)
{
    static const struct {
        const char *name;
        enum train_kind kind;
    } kinds[] = {{"affinity", TRAIN_AFFINITY}, {"risk", TRAIN_RISK}, {"all", TRAIN_ALL}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(name, kinds[i].name) == 0) {
            *out = kinds[i].kind;
            return true;
        }
    }
    return false;
}

int cmd_train(int argc, char **argv, const struct config *config)
{
    CLEANUP(database_close) struct database database = {0};
    struct train_result affinity = {0};
    struct train_result risk = {0};
    struct err err = {0};
    struct request r = {
        .train = {
            .as_of_us = INT64_MAX, .seed = 1, .horizon_us = config->risk_horizon, .out = stdout}};
    if (!read_request(argc, argv, &r, &err)) {
        return err.kind == ERR_NONE ? cli_usage("train", usage, "see above")
                                    : (cli_fail("train", &err), EXIT_USAGE);
    }
    if (r.help) {
        return cli_usage("train", usage, NULL);
    }
    if (argc - optind != 1 || !read_kind(argv[optind], &r.train.kind)) {
        return cli_usage("train", usage, "name one of affinity, risk, all");
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* steps are seen as they happen, through a pipe too */
    if (!database_open(config, &database, &err) ||
        !train_run(&database, config, &r.train, &affinity, &risk, &err)) {
        return cli_fail("train", &err);
    }
    /* A learner that was trained and judged, and was not better. Nothing was broken by it: what serves is valid. */
    bool refused = r.train.kind == TRAIN_RISK && risk.trained[0] != '\0' && !risk.promoted;
    return refused ? EXIT_REFUSED : EXIT_DONE;
}
