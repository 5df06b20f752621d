/* cartwright maintain: retention, and how far the fold is behind. To be run once a day. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "eventlog/maintain.h"
#include "store/database.h"
#include "store/lanes.h"
#include "train/risk/risk_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "maintain [--json]\n"
    "\n"
    "Removes events older than the setting `retention` from the log (what they said stays in the\n"
    "shoppers), writes down what the shop did on days that have ended (base rates for risk),\n"
    "checks the risk model that serves against carts whose outcome is known by now (correction of its\n"
    "intercept, drift; once a day), and reports how far the fold is behind. Safe to repeat and to interrupt.\n";

/* What one run did. */
struct report {
    struct maintain_result kept;
    struct log_lag lag;
    bool checked; /* the risk model was */
    struct risk_check check;
    struct arena arena;
};

static void print_json(const struct report *report)
{
    const struct maintain_result *r = &report->kept;
    const struct log_lag *lag = &report->lag;
    CLEANUP(buf_free) struct buf out = buf_make(1 << 15);
    struct jenc j = jenc_begin(&out);

    jenc_object(&j, NULL);
    jenc_i64(&j, "days", r->days);
    jenc_i64(&j, "lanes", r->lanes);
    jenc_i64(&j, "deleted", r->deleted);
    jenc_i64(&j, "bases", r->bases);
    jenc_i64(&j, "cart_ids", r->cart_ids);
    jenc_i64(&j, "held", r->held);
    jenc_i64(&j, "lag_events", lag->events);
    jenc_i64(&j, "lag_us", lag->oldest_us);
    jenc_i64(&j, "dead_letters", lag->dead);
    if (report->checked) {
        const struct risk_check *c = &report->check;
        jenc_object(&j, "risk_check");
        jenc_i64(&j, "moments", c->moments);
        jenc_f64(&j, "shift", c->shift);
        /* no moment, no Brier score: 0 would read as a perfect one */
        jenc_f64(&j, "brier", c->moments > 0 ? c->brier : (double)NAN); /* null */
        jenc_f64(&j, "brier_before", c->brier_base > 0 ? c->brier_base : (double)NAN);
        jenc_f64(&j, "psi_score", c->brier_base > 0 ? c->psi_score : (double)NAN);
        jenc_raw(&j, "psi", c->psi, strlen(c->psi));
        jenc_object_end(&j);
    }
    jenc_object_end(&j);
    (void)printf("%s\n", buf_text(&out));
}

static void print_text(const struct report *report)
{
    const struct maintain_result *r = &report->kept;
    const struct log_lag *lag = &report->lag;
    (void)printf("removed %lld events from %lld lanes, kept the state of %lld shoppers\n",
                 (long long)r->deleted, (long long)r->lanes, (long long)r->bases);
    if (r->cart_ids > 0) {
        (void)printf("forgot %lld cart ids that nobody has named for as long\n",
                     (long long)r->cart_ids);
    }
    if (r->held > 0) {
        (void)printf("%lld lanes were left out: another transaction held them; run it again\n",
                     (long long)r->held);
    }
    (void)printf("%lld events wait to be folded, the oldest for %.1f s; %lld dead letters\n",
                 (long long)lag->events, (double)lag->oldest_us / 1e6, (long long)lag->dead);
    if (report->checked) {
        char text[RISK_CHECK_TEXT_MAX];
        (void)printf("%s\n", risk_check_text(&report->check, text));
    }
}

static bool run(const struct config *config, struct report *r, struct err *err)
{
    CLEANUP(database_close) struct database database = {0};
    CLEANUP(db_close) struct db *db = NULL;

    return database_open(config, &database, err) &&
           maintain_run(&database, config, clock_now_us(), &r->kept, err) &&
           risk_check_run(&database, config, clock_now_us(), &r->arena, &r->check, &r->checked,
                          err) &&
           database_connect(&database, &db, err) && store_lag(db, clock_now_us(), &r->lag, err);
}

int cmd_maintain(int argc, char **argv, const struct config *config)
{
    struct report report = {0};
    struct err err = {0};
    bool json = false;
    const struct option_row rows[] = {{.name = "json", .flag = &json}, {0}};
    struct call call = {.command = "maintain", .usage = usage};

    if (!call_read(&call, argc, argv, rows) || !call_wordless(&call)) {
        return call.exit_code;
    }
    if (!run(config, &report, &err)) {
        arena_free(&report.arena);
        return cli_fail("maintain", &err);
    }
    if (json) {
        print_json(&report);
    } else {
        print_text(&report);
    }
    arena_free(&report.arena);
    return EXIT_DONE;
}
