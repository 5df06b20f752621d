/* cartwright replay: what is stored against what the log says. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "cli/cli.h"
#include "eventlog/replay.h"
#include "store/private/database.h"

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

enum verb { VERB_NONE, VERB_CHECK, VERB_DUMP, VERB_REBUILD };

struct request {
    enum verb verb;
    int verbs;
    bool from_log;
    bool json;
    bool help;
    int64_t at_us;
};

static void take_verb(struct request *r, enum verb verb)
{
    r->verb = verb;
    r->verbs++;
}

/* NULL, or what is wrong. */
static const char *request_parse(int argc, char **argv, struct request *r)
{
    struct err err = {0};

    *r = (struct request){.at_us = clock_now_us()};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--check") == 0) {
            take_verb(r, VERB_CHECK);
        } else if (strcmp(argv[i], "--dump") == 0) {
            take_verb(r, VERB_DUMP);
        } else if (strcmp(argv[i], "--rebuild") == 0) {
            take_verb(r, VERB_REBUILD);
        } else if (strcmp(argv[i], "--from-log") == 0) {
            r->from_log = true;
        } else if (strcmp(argv[i], "--json") == 0) {
            r->json = true;
        } else if (strcmp(argv[i], "--help") == 0) {
            r->help = true;
            return NULL;
        } else if (strcmp(argv[i], "--at") == 0 && i + 1 < argc) {
            if (!clock_parse_rfc3339(argv[++i], &r->at_us, &err)) {
                return "--at takes a time like 2026-01-31T12:00:00Z";
            }
        } else {
            return "unknown argument";
        }
    }
    return r->verbs == 1 ? NULL : "one of --check, --dump and --rebuild is needed";
}

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
    if (r->differences > 0) {
        (void)printf("%lld differ. The first: %s\n", (long long)r->differences, r->first);
    }
}

static bool run(const struct request *r, const struct config *config, struct replay_result *result,
                struct err *err)
{
    CLEANUP(database_close) struct database database = {0};

    if (!database_open(config, &database, err)) {
        return false;
    }
    switch (r->verb) {
    case VERB_CHECK:
        return replay_check(&database, config, r->at_us, result, err);
    case VERB_DUMP:
        return replay_dump(&database, config, r->at_us, r->from_log, stdout, err);
    case VERB_REBUILD:
        return replay_rebuild(&database, config, result, err);
    case VERB_NONE:
        break;
    }
    return true;
}

int cmd_replay(int argc, char **argv, const struct config *config)
{
    struct request r;
    struct replay_result result = {0};
    struct err err = {0};
    const char *problem = request_parse(argc, argv, &r);

    if (problem != NULL || r.help) {
        return cli_usage("replay", usage, problem);
    }
    if (!run(&r, config, &result, &err)) {
        return cli_fail("replay", &err);
    }
    if (r.verb != VERB_DUMP && r.json) {
        print_json(&result);
    } else if (r.verb != VERB_DUMP) {
        print_text(r.verb == VERB_CHECK ? "checked" : "rebuilt", &result);
    }
    return result.differences > 0 ? EXIT_FAILED : EXIT_DONE;
}
