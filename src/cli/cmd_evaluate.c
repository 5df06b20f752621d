/* cartwright evaluate: how good the models are on the shop's own log, as a table, as JSON and as a page to show around. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "evaluate/evaluate.h"
#include "store/private/database.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "evaluate affinity|risk [--as-of TIME] [--cut TIME] [--k N] [--horizon DURATION] [--seed N] [--out FILE.html] [--json]\n\n"
    "Parts the event log by time, trains models on what lies before the cut as `train` does, and judges them on what came\n"
    "after it: affinity beside popularity and the products viewed last, risk beside the base rate. The model that serves is\n"
    "judged too where its own log ended before the cut. Stores no model. Too little to judge is refused (exit code 3).\n\n"
    "--as-of TIME         use events up to TIME (RFC 3339)\n"
    "--cut TIME           where the log is parted (where training parts it)\n"
    "--k N                affinity: length of the lists that are judged, 1 to 50 (10)\n"
    "--horizon DURATION   risk: lost means no purchase within it (the setting risk_horizon)\n"
    "--seed N             of every random choice; the same log and seed give the same figures (1)\n"
    "--out FILE.html      also write a report with plots: one file that needs nothing else\n"
    "--json               print one JSON object instead of tables";

struct request {
    struct evaluate_options evaluate;
    bool help;
};

static bool read_number(const char *name, const char *text, uint64_t most, uint64_t *out,
                        struct err *err)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > most) {
        return FAIL_AT(err, ERR_INVALID, name, "must be a whole number up to %llu, not %.40s",
                       (unsigned long long)most, text);
    }
    *out = value;
    return true;
}

static bool read_k(const char *text, int *out, struct err *err)
{
    uint64_t k = 0;
    if (!read_number("k", text, EVALUATE_K_MAX, &k, err)) {
        return false;
    }
    *out = (int)k;
    return k > 0 || FAIL_AT(err, ERR_INVALID, "k", "must be at least 1");
}

static bool read_time(const char *name, const char *text, int64_t *out, struct err *err)
{
    if (!clock_parse_rfc3339(text, out, err)) {
        err_at(err, name);
        return false;
    }
    return true;
}

static bool read_option(int option, struct request *r, struct err *err)
{
    switch (option) {
    case 'a':
        return read_time("as-of", optarg, &r->evaluate.as_of_us, err);
    case 'c':
        return read_time("cut", optarg, &r->evaluate.cut_us, err);
    case 'k':
        return read_k(optarg, &r->evaluate.k, err);
    case 'o':
        return cli_horizon(optarg, &r->evaluate.horizon_us, err);
    case 's':
        return read_number("seed", optarg, UINT64_MAX, &r->evaluate.seed, err);
    case 'f':
        r->evaluate.report = optarg;
        return true;
    case 'j':
        r->evaluate.json = true;
        return true;
    case 'h':
        r->help = true;
        return true;
    default:
        return false;
    }
}

/* False with err->kind ERR_NONE: getopt has printed what is wrong. */
static bool read_request(int argc, char **argv, struct request *r, struct err *err)
{
    static const struct option longs[] = {
        {"as-of", required_argument, NULL, 'a'},
        {"cut", required_argument, NULL, 'c'},
        {"k", required_argument, NULL, 'k'},
        {"seed", required_argument, NULL, 's'},
        {"out", required_argument, NULL, 'f'},
        {"horizon", required_argument, NULL, 'o'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    optind = 1;
    for (;;) {
        // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread yet
        int option = getopt_long(argc, argv, "", longs, NULL);
        if (option == -1) {
            return true;
        }
        if (!read_option(option, r, err)) {
            return false;
        }
    }
}

static bool read_kind(const char *name, enum evaluate_kind *out)
{
    *out = strcmp(name, "risk") == 0 ? EVALUATE_RISK : EVALUATE_AFFINITY;
    return *out == EVALUATE_RISK || strcmp(name, "affinity") == 0;
}

int cmd_evaluate(int argc, char **argv, const struct config *config)
{
    CLEANUP(database_close) struct database database = {0};
    struct err err = {0};
    struct request r = {.evaluate = {.as_of_us = INT64_MAX,
                                     .cut_us = INT64_MIN,
                                     .horizon_us = config->risk_horizon,
                                     .seed = 1,
                                     .k = 10,
                                     .out = stdout,
                                     .progress = stderr}};
    if (!read_request(argc, argv, &r, &err)) {
        return err.kind == ERR_NONE ? cli_usage("evaluate", usage, "see above")
                                    : (cli_fail("evaluate", &err), EXIT_USAGE);
    }
    if (r.help) {
        return cli_usage("evaluate", usage, NULL);
    }
    if (argc - optind != 1 || !read_kind(argv[optind], &r.evaluate.kind)) {
        return cli_usage("evaluate", usage, "name one of affinity, risk");
    }
    if (!database_open(config, &database, &err) ||
        !evaluate_run(&database, config, &r.evaluate, &err)) {
        return cli_fail("evaluate", &err);
    }
    if (r.evaluate.report) {
        (void)fprintf(stderr, "report    %s\n", r.evaluate.report);
    }
    return EXIT_DONE;
}
