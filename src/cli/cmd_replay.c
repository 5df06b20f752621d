/* cartwright replay: what is stored against what the log says. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "domain/shopper/shopper.h"
#include "eventlog/replay.h"
#include "store/database.h"

#include <stdio.h>
#include <string.h>

static const char usage[] =
    "replay --check [--at TIME] [--json]\n"
    "                         --dump [--from-log] [--at TIME]\n"
    "                         --rebuild [--json]\n"
    "\n"
    "  --check     rebuild every shopper and cart from the event log and compare them with what is\n"
    "              stored, byte for byte; the first difference is printed, and the exit code is 1\n"
    "  --dump      print what is stored, one line a shopper and a cart; --from-log: what the log says\n"
    "  --rebuild   write what the log says over what is stored\n"
    "  --at TIME   the moment that the states of carts are computed for (RFC 3339; default now)\n"
    "  --json      one line of JSON\n";

struct request {
    bool check, dump, rebuild; /* one of them */
    bool from_log;
    bool json;
    int64_t at_us;
};

static void print_json(const struct replay_result *r)
{
    CLEANUP(buf_free) struct buf out = buf_make(1 << 16);
    struct jenc j = jenc_begin(&out);

    jenc_object(&j, NULL);
    jenc_i64(&j, "events", r->events);
    jenc_i64(&j, "shoppers", r->shoppers);
    jenc_i64(&j, "carts", r->carts);
    jenc_i64(&j, "unread", r->unread);
    jenc_i64(&j, "differences", r->differences);
    jenc_i64(&j, "outdated", r->outdated);
    jenc_i64(&j, "other_settings", r->other_settings);
    jenc_str_opt(&j, "first", r->first);
    jenc_object_end(&j);
    (void)printf("%s\n", buf_text(&out));
}

static void print_text(const char *what, const struct replay_result *r)
{
    (void)printf("%s %lld shoppers and %lld carts from %lld events", what, (long long)r->shoppers,
                 (long long)r->carts, (long long)r->events);
    if (r->unread > 0) {
        (void)printf("; %lld events are not folded yet", (long long)r->unread);
    }
    (void)printf("\n");
    if (r->other_settings > 0) {
        char theirs[SHOPPER_RULES_TEXT_MAX];
        char ours[SHOPPER_RULES_TEXT_MAX];
        (void)printf(
            "%lld cannot be compared: they were folded with %s, and this command has %s. Give it the settings that serve has; "
            "where those have changed, replay --rebuild folds them anew\n",
            (long long)r->other_settings, shopper_rules_text(r->settings, theirs),
            shopper_rules_text(shopper_rules_stamp(), ours));
    }
    if (r->outdated > r->other_settings) {
        (void)printf("%lld were folded by an older version: replay --rebuild\n",
                     (long long)(r->outdated - r->other_settings));
    }
    if (r->differences > r->outdated) {
        (void)printf("%lld differ. The first: %s\n", (long long)(r->differences - r->outdated),
                     r->first);
    }
}

static bool run(const struct request *r, const struct config *config, struct replay_result *result,
                struct err *err)
{
    CLEANUP(database_close) struct database database = {0};

    if (!database_open(config, &database, err)) {
        return false;
    }
    if (r->check) {
        return replay_check(&database, config, r->at_us, result, err);
    }
    if (r->dump) {
        return replay_dump(&database, config, r->at_us, r->from_log, stdout, err);
    }
    return replay_rebuild(&database, config, result, err);
}

int cmd_replay(int argc, char **argv, const struct config *config)
{
    struct request r = {.at_us = clock_now_us()};
    struct replay_result result = {0};
    struct err err = {0};
    const struct option_row rows[] = {
        {.name = "check", .flag = &r.check},
        {.name = "dump", .flag = &r.dump},
        {.name = "rebuild", .flag = &r.rebuild},
        {.name = "from-log", .flag = &r.from_log},
        {.name = "at", .time_us = &r.at_us},
        {.name = "json", .flag = &r.json},
        {0},
    };
    struct call call = {.command = "replay", .usage = usage};

    if (!call_read(&call, argc, argv, rows)) {
        return call.exit_code;
    }
    /* exactly one, and none by default: one of them writes */
    if (r.check + r.dump + r.rebuild != 1 || call.word_count != 0) {
        return call_misuse(&call, "one of --check, --dump and --rebuild is needed, and no words");
    }
    if (!run(&r, config, &result, &err)) {
        return cli_fail("replay", &err);
    }
    if (!r.dump && r.json) {
        print_json(&result);
    } else if (!r.dump) {
        print_text(r.check ? "checked" : "rebuilt", &result);
    }
    /* a script must not have to read the text */
    return result.differences > 0 ? EXIT_FAILED : EXIT_DONE;
}
