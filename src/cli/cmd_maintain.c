/* cartwright maintain: retention, and how far the fold is behind. To be run once a day. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "cli/cli.h"
#include "flow/maintain.h"
#include "store/database.h"
#include "store/lanes.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "maintain [--json]\n"
    "\n"
    "Removes events older than the setting `retention` from the log (what they said stays in the\n"
    "shoppers), writes down what the shop did on days that have ended (base rates for risk), and\n"
    "reports how far the fold is behind. Safe to repeat and to interrupt.\n";

static void print_json(const struct maintain_result *r, const struct log_lag *lag)
{
    CLEANUP(buf_free) struct buf out = buf_make(1 << 12);
    struct jenc j = jenc_begin(&out);

    jenc_object(&j, NULL);
    jenc_i64(&j, "days", r->days);
    jenc_i64(&j, "lanes", r->lanes);
    jenc_i64(&j, "deleted", r->deleted);
    jenc_i64(&j, "bases", r->bases);
    jenc_i64(&j, "lag_events", lag->events);
    jenc_i64(&j, "lag_us", lag->oldest_us);
    jenc_i64(&j, "dead_letters", lag->dead);
    jenc_object_end(&j);
    (void)printf("%s\n", buf_text(&out));
}

static void print_text(const struct maintain_result *r, const struct log_lag *lag)
{
    (void)printf("removed %lld events from %lld lanes, kept the state of %lld shoppers\n",
                 (long long)r->deleted, (long long)r->lanes, (long long)r->bases);
    (void)printf("%lld events wait to be folded, the oldest for %.1f s; %lld dead letters\n",
                 (long long)lag->events, (double)lag->oldest_us / 1e6, (long long)lag->dead);
}

static bool run(const struct config *config, struct maintain_result *result, struct log_lag *lag,
                struct err *err)
{
    CLEANUP(database_close) struct database database = {0};
    CLEANUP(db_close) struct db *db = NULL;

    return database_open(config, &database, err) &&
           maintain_run(&database, config, clock_now_us(), result, err) &&
           database_connect(&database, &db, err) && store_lag(db, clock_now_us(), lag, err);
}

int cmd_maintain(int argc, char **argv, const struct config *config)
{
    struct maintain_result result = {0};
    struct log_lag lag = {0};
    struct err err = {0};
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;

    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        return cli_usage("maintain", usage, NULL);
    }
    if (argc > 1 && !json) {
        return cli_usage("maintain", usage, "unknown argument");
    }
    if (!run(config, &result, &lag, &err)) {
        return cli_fail("maintain", &err);
    }
    if (json) {
        print_json(&result, &lag);
    } else {
        print_text(&result, &lag);
    }
    return EXIT_DONE;
}
