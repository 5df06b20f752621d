/* cartwright train: models from the log, step by step. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "domain/risk/risk.h"
#include "store/database.h"
#include "train/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "train affinity|risk|all [--as-of TIME] [--seed N] [--horizon DURATION] [--learnt] [--json]\n\n"
    "Reads the event log, trains the models and their baselines (popularity, base rate), judges them on a later\n"
    "window that they have not seen, and promotes what wins. A model that loses is kept as refused, and something\n"
    "valid serves; `train risk` then ends with exit code 3. Too little data for any model is refused (exit code 3).\n\n"
    "--as-of TIME         use events up to TIME (RFC 3339)\n"
    "--seed N             of every random choice; the same log and seed give the same bytes (1)\n"
    "--horizon DURATION   lost means no purchase within it (the setting risk_horizon)\n"
    "--learnt             exit code 3 where a kind had too little to learn from, and only its baseline serves\n"
    "--json               one JSON line a step";

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
    struct train_options o = {
        .as_of_us = INT64_MAX, .horizon_us = config->risk_horizon, .out = stdout};
    int64_t seed = 1;
    bool learnt = false;
    const struct option_row rows[] = {
        {.name = "as-of", .time_us = &o.as_of_us},
        {.name = "seed", .whole = &seed, .min = 0, .max = INT64_MAX},
        OPTION_HORIZON(&o.horizon_us),
        {.name = "learnt", .flag = &learnt},
        {.name = "json", .flag = &o.json},
        {0},
    };
    struct call call = {.command = "train", .usage = usage};
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    if (call.word_count != 1 || !read_kind(call.words[0], &o.kind)) {
        return call_misuse(&call, "name one of affinity, risk, all");
    }
    o.seed = (uint64_t)seed;
    setvbuf(stdout, NULL, _IOLBF, 0); /* steps are seen as they happen, through a pipe too */
    if (!database_open(config, &database, &err) ||
        !train_run(&database, config, &o, &affinity, &risk, &err)) {
        return cli_fail("train", &err);
    }
    /* A learner that was trained and judged, and was not better. Nothing was broken by it: what serves is valid. */
    bool refused = o.kind == TRAIN_RISK && risk.trained[0] != '\0' && !risk.promoted;
    bool too_little = (o.kind != TRAIN_RISK && affinity.trained[0] == '\0') ||
                      (o.kind != TRAIN_AFFINITY && risk.trained[0] == '\0');
    return refused || (learnt && too_little) ? EXIT_REFUSED : EXIT_DONE;
}
