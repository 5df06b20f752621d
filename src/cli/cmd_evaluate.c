/* cartwright evaluate: how good the models are on the shop's own log, as a table, as JSON and as a page to show around. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "domain/risk/risk.h"
#include "evaluate/evaluate.h"
#include "store/database.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "evaluate affinity|risk [--as-of TIME] [--cut TIME] [--k N] [--spread PERCENT] [--horizon DURATION] [--seed N] [--out FILE.html] [--json]\n\n"
    "Parts the event log by time, trains models on what lies before the cut as `train` does, and judges them on what came\n"
    "after it: affinity beside popularity and the products viewed last, risk beside the base rate. The model that serves is\n"
    "judged too where its own log ended before the cut. Stores no model. Too little to judge is refused (exit code 3).\n\n"
    "--as-of TIME         use events up to TIME (RFC 3339)\n"
    "--cut TIME           where the log is parted (where training parts it)\n"
    "--k N                affinity: length of the lists that are judged, 1 to 50 (10)\n"
    "--spread PERCENT     affinity: what it costs to show every product to so many of a hundred of the mean number of\n"
    "                     shoppers, beside the same model by score alone (what training would choose, which costs nothing)\n"
    "--horizon DURATION   risk: lost means no purchase within it (the setting risk_horizon)\n"
    "--seed N             of every random choice; the same log and seed give the same figures (1)\n"
    "--out FILE.html      also write a report with plots: one file that needs nothing else\n"
    "--json               print one JSON object instead of tables";

static bool read_kind(const char *name, enum evaluate_kind *out)
{
    *out = strcmp(name, "risk") == 0 ? EVALUATE_RISK : EVALUATE_AFFINITY;
    return *out == EVALUATE_RISK || strcmp(name, "affinity") == 0;
}

int cmd_evaluate(int argc, char **argv, const struct config *config)
{
    CLEANUP(database_close) struct database database = {0};
    struct err err = {0};
    struct evaluate_options o = {.as_of_us = INT64_MAX,
                                 .cut_us = INT64_MIN,
                                 .horizon_us = config->risk_horizon,
                                 .out = stdout,
                                 .progress = stderr};
    int64_t seed = 1;
    int64_t k = 10;
    int64_t spread = 0;
    const struct option_row rows[] = {
        {.name = "as-of", .time_us = &o.as_of_us},
        {.name = "cut", .time_us = &o.cut_us},
        {.name = "k", .whole = &k, .min = 1, .max = EVALUATE_K_MAX},
        {.name = "seed", .whole = &seed, .min = 0, .max = INT64_MAX},
        {.name = "spread", .whole = &spread, .min = 0, .max = 100, .given = &o.spread_given},
        OPTION_HORIZON(&o.horizon_us),
        {.name = "out", .text = &o.report},
        {.name = "json", .flag = &o.json},
        {0},
    };
    struct call call = {.command = "evaluate", .usage = usage};
    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    if (call.word_count != 1 || !read_kind(call.words[0], &o.kind)) {
        return call_misuse(&call, "name one of affinity, risk");
    }
    o.seed = (uint64_t)seed;
    o.k = (int)k;
    o.spread = (double)spread / 100;
    if (!database_open(config, &database, &err) || !evaluate_run(&database, config, &o, &err)) {
        return cli_fail("evaluate", &err);
    }
    /* on standard error: standard output is the table, or the one JSON object */
    if (o.report) {
        (void)fprintf(stderr, "report    %s\n", o.report);
    }
    return EXIT_DONE;
}
