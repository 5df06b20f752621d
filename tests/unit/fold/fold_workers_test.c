/* Who runs the fold: which worker does what, how failures are waited out, and when a command that catches up is done. Folders are ours (--wrap), and
 * time goes on only by what is waited for. */
#include "fold/fold.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/stop.h"
#include "support/spec.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { FOLDERS_MAX = 8 };

struct folder { /* ours */
    int number;
};

static struct {
    atomic_int opened, closed, open_fails_at; /* -1: none does */
    atomic_int steps[FOLDERS_MAX], lags[FOLDERS_MAX], rescores[FOLDERS_MAX];
    atomic_int settles, settled, to_settle;
    atomic_int_fast64_t settle_us; /* helper 1 has somebody who takes so long */
    atomic_int settling;           /* it has begun */
    atomic_bool settled_late;      /* it has waited for so long, and nobody waited for it */
    atomic_bool settles_looks;     /* it looks as long as the caller does */
    atomic_int left;               /* events to fold, one a step */
    atomic_bool step_fails, lag_fails, rescore_fails;
    atomic_int failed, recovered, odd_logs;
    atomic_int_fast64_t stale;     /* of the lag, */
    atomic_int_fast64_t elsewhere; /* events of lanes that others hold */
    atomic_int_fast64_t ahead_us;  /* the clock */
    int64_t step_us;               /* what a step takes */
    char owners[FOLDERS_MAX][128];
} now;
static struct config config;

/* ---- in place of the linker's ---- */

int64_t __real_clock_monotonic_us(void);
int64_t __wrap_clock_monotonic_us(void);
int64_t __wrap_clock_monotonic_us(void)
{
    return SECONDS(1000) + (int64_t)atomic_load(&now.ahead_us);
}

bool __real_stop_wait_us(int64_t us);
bool __wrap_stop_wait_us(int64_t us);
bool __wrap_stop_wait_us(int64_t us)
{
    atomic_fetch_add(&now.ahead_us, us);
    return __real_stop_wait_us(100);
}

void __wrap_log_line(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void __wrap_log_line(enum log_level level, const char *event, const char *fmt, ...)
{
    const bool failed = level == LOG_ERROR && strcmp(event, "fold_failed") == 0;
    const bool recovered = level == LOG_INFO && strcmp(event, "fold_recovered") == 0;

    (void)fmt;
    atomic_fetch_add(&now.failed, failed);
    atomic_fetch_add(&now.recovered, recovered);
    atomic_fetch_add(&now.odd_logs, !failed && !recovered);
}

bool __wrap_folder_open(const struct database *database, const struct config *c, struct live *live,
                        const char *owner, int lanes_wanted, struct folder **out, struct err *err);
bool __wrap_folder_open(const struct database *database, const struct config *c, struct live *live,
                        const char *owner, int lanes_wanted, struct folder **out, struct err *err)
{
    const int number = atomic_fetch_add(&now.opened, 1);

    (void)database;
    (void)live;
    assert_ptr_equal(c, &config);
    assert_int_equal(lanes_wanted, LANES);
    assert_in_range(number, 0, FOLDERS_MAX - 1);
    (void)snprintf(now.owners[number], sizeof now.owners[number], "%s", owner);
    if (number == atomic_load(&now.open_fails_at)) {
        return FAIL(err, ERR_BUSY, "away");
    }
    *out = malloc(sizeof **out);
    (*out)->number = number;
    return true;
}

void __wrap_folder_close(struct folder **f);
void __wrap_folder_close(struct folder **f)
{
    atomic_fetch_add(&now.closed, *f != NULL);
    free(*f);
    *f = NULL;
}

static void await(atomic_int *value, int wanted);

bool __wrap_folder_step(struct folder *f, int64_t *out_folded, struct err *err);
bool __wrap_folder_step(struct folder *f, int64_t *out_folded, struct err *err)
{
    if (f->number == 0 && atomic_load(&now.settle_us) > 0) {
        await(&now.settling, 1);
    }
    atomic_fetch_add(&now.steps[f->number], 1);
    atomic_fetch_add(&now.ahead_us, now.step_us);
    if (atomic_load(&now.step_fails)) {
        return FAIL(err, ERR_BUSY, "away");
    }
    *out_folded = atomic_fetch_sub(&now.left, 1) > 0;
    if (*out_folded == 0) {
        atomic_store(&now.left, 0);
    }
    return true;
}

/* Until the caller has waited for so long; or not any more. */
static void settle_long(void)
{
    const int64_t until_us = clock_monotonic_us() + (int64_t)atomic_load(&now.settle_us);

    atomic_store(&now.settling, 1);
    for (int i = 0; i < 20000 && clock_monotonic_us() < until_us; i++) {
        (void)__real_stop_wait_us(100);
    }
    atomic_store(&now.settled_late, clock_monotonic_us() < until_us);
    atomic_store(&now.settle_us, 0);
    atomic_store(&now.to_settle, 1);
    atomic_store(&now.stale, 0);
}

/* Until the caller has looked once more. */
static void settle_nobody(void)
{
    const int looks = atomic_load(&now.lags[0]);

    for (int i = 0; i < 2000 && atomic_load(&now.lags[0]) == looks; i++) {
        (void)__real_stop_wait_us(100);
    }
    if (atomic_load(&now.ahead_us) > SECONDS(100)) {
        atomic_store(&now.stale, 0);
    }
}

bool __wrap_folder_settle(struct folder *f, int *out_folded, struct err *err);
bool __wrap_folder_settle(struct folder *f, int *out_folded, struct err *err)
{
    (void)err;
    if (f->number == 1 && atomic_load(&now.settle_us) > 0) {
        settle_long();
    } else if (f->number == 1 && atomic_load(&now.settles_looks)) {
        settle_nobody();
    }
    atomic_fetch_add(&now.settles, 1);
    *out_folded = atomic_fetch_sub(&now.to_settle, 1) > 0;
    atomic_fetch_add(&now.settled, *out_folded);
    return true;
}

bool __wrap_folder_lag(struct folder *f, struct log_lag *out, struct err *err);
bool __wrap_folder_lag(struct folder *f, struct log_lag *out, struct err *err)
{
    atomic_fetch_add(&now.lags[f->number], 1);
    *out = (struct log_lag){.events = (int64_t)atomic_load(&now.elsewhere),
                            .oldest_us = 12,
                            .stale = (int64_t)atomic_load(&now.stale),
                            .stale_us = 14};
    return atomic_load(&now.lag_fails) ? FAIL(err, ERR_BUSY, "away") : true;
}

bool __wrap_folder_rescore(struct folder *f, struct rescore *r, struct err *err);
bool __wrap_folder_rescore(struct folder *f, struct rescore *r, struct err *err)
{
    assert_non_null(r);
    atomic_fetch_add(&now.rescores[f->number], 1);
    return atomic_load(&now.rescore_fails) ? FAIL(err, ERR_BUSY, "away") : true;
}

void __wrap_folder_look(const struct folder *f, struct folder_state *out);
void __wrap_folder_look(const struct folder *f, struct folder_state *out)
{
    *out = (struct folder_state){.held_lanes = f->number + 1,
                                 .waiting_lanes = 5 - f->number,
                                 .held_us = f->number == 1 ? 70 : 30};
}

/* ---- the workers of serve ---- */

static int setup(void **state)
{
    (void)state;
    memset(&now, 0, sizeof now);
    atomic_store(&now.open_fails_at, -1);
    config = (struct config){.fold_workers = 3, .fold_poll = 1000};
    metric_set(METRIC_fold_held, 0);
    metric_set(METRIC_fold_waiting, 0);
    metric_set(METRIC_fold_lag_events, 99);
    return 0;
}

static struct fold_workers *started(void)
{
    struct fold_workers *all = NULL;
    struct err err = {0};

    assert_true(fold_workers_start(NULL, &config, NULL, &all, &err));
    return all;
}

static void await(atomic_int *value, int wanted)
{
    const int64_t until_us = __real_clock_monotonic_us() + SECONDS(60);

    while (atomic_load(value) < wanted && __real_clock_monotonic_us() < until_us) {
        (void)__real_stop_wait_us(500);
    }
    assert_true(atomic_load(value) >= wanted);
}

static void await_time(int64_t us)
{
    const int64_t until_us = __real_clock_monotonic_us() + SECONDS(60);

    while (atomic_load(&now.ahead_us) < us && __real_clock_monotonic_us() < until_us) {
        (void)__real_stop_wait_us(500);
    }
    assert_true(atomic_load(&now.ahead_us) >= us);
}

/* As often as every so long, from the beginning on. */
static void assert_rate(int count, int64_t every_us)
{
    const int64_t time_us = (int64_t)atomic_load(&now.ahead_us);

    assert_in_range(count, time_us / (every_us + every_us / 10), time_us / every_us + 1);
}

static void every_worker_folds_with_a_folder_of_its_own(void **state)
{
    (void)state;
    struct fold_workers *all = started();
    for (int i = 0; i < 3; i++) {
        await(&now.steps[i], 2);
    }
    struct folder_state seen;
    fold_workers_look(all, &seen);
    assert_int_equal(seen.held_lanes, 1 + 2 + 3);
    assert_int_equal(seen.waiting_lanes, 5); /* all see the same */
    assert_int_equal(seen.held_us, 70);      /* the longest */
    fold_workers_stop(&all);
    assert_null(all);
    fold_workers_stop(&all); /* of nothing, nothing */
    assert_int_equal(atomic_load(&now.opened), 3);
    assert_int_equal(atomic_load(&now.closed), 3);
    for (int i = 0; i < 3; i++) {
        char role[24];
        (void)snprintf(role, sizeof role, ":fold%d:", i);
        assert_text_contains(now.owners[i], role);
    }
    const int steps = atomic_load(&now.steps[0]);
    (void)__real_stop_wait_us(20000);
    assert_int_equal(atomic_load(&now.steps[0]), steps); /* it has stopped */
}

/* A lease must never look like a namesake's. */
static void an_owner_has_a_name_that_nobody_had(void **state)
{
    (void)state;
    char first[128];
    struct fold_workers *all = started();
    fold_workers_stop(&all);
    (void)snprintf(first, sizeof first, "%s", now.owners[0]);
    atomic_store(&now.opened, 0);
    all = started();
    fold_workers_stop(&all);
    assert_string_not_equal(first, now.owners[0]);
}

static void what_cannot_be_opened_starts_nothing(void **state)
{
    (void)state;
    struct fold_workers *all = NULL;
    struct err err = {0};
    atomic_store(&now.open_fails_at, 2);
    assert_false(fold_workers_start(NULL, &config, NULL, &all, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_null(all);
    assert_int_equal(atomic_load(&now.closed), 2);
    assert_int_equal(atomic_load(&now.steps[0]), 0);
}

static void the_first_worker_alone_looks_at_the_lag_and_at_old_scores(void **state)
{
    (void)state;
    atomic_store(&now.elsewhere, 11);
    atomic_store(&now.stale, 13);
    struct fold_workers *all = started();
    await(&now.rescores[0], 3); /* at every idle pass */
    for (int i = 0; i < 3; i++) {
        await(&now.steps[i], 3);
    }
    assert_int_equal(metric_value(METRIC_fold_lag_events), 11);
    assert_int_equal(metric_value(METRIC_fold_lag_us), 12);
    assert_int_equal(metric_value(METRIC_fold_stale), 13);
    assert_int_equal(metric_value(METRIC_fold_stale_us), 14);
    fold_workers_stop(&all);
    assert_int_equal(atomic_load(&now.lags[1]) + atomic_load(&now.lags[2]), 0);
    assert_int_equal(atomic_load(&now.rescores[1]) + atomic_load(&now.rescores[2]), 0);
}

static void the_lag_is_looked_at_every_second_by_who_is_idle(void **state)
{
    (void)state;
    config.fold_workers = 1;
    config.fold_poll = 10000;
    struct fold_workers *all = started();
    await_time(SECONDS(12));
    fold_workers_stop(&all);
    assert_rate(atomic_load(&now.lags[0]), SECONDS(1));
    assert_rate(atomic_load(&now.steps[0]), config.fold_poll);
}

static void who_is_busy_neither_rests_nor_looks_at_scores_and_seldom_at_the_lag(void **state)
{
    (void)state;
    config.fold_workers = 1;
    config.fold_poll = SECONDS(100000); /* who rested would not come again */
    now.step_us = 10000;
    atomic_store(&now.left, 1 << 30);
    struct fold_workers *all = started();
    await_time(SECONDS(60));
    fold_workers_stop(&all);
    assert_int_equal(atomic_load(&now.rescores[0]), 0);
    assert_rate(atomic_load(&now.lags[0]), SECONDS(5));
    assert_rate(atomic_load(&now.steps[0]), now.step_us);
}

static void who_rests_stops_at_once(void **state)
{
    (void)state;
    config.fold_poll = SECONDS(100000);
    struct fold_workers *all = started();
    await(&now.rescores[0], 1);
    const int64_t from_us = __real_clock_monotonic_us();
    fold_workers_stop(&all);
    assert_true(__real_clock_monotonic_us() - from_us < SECONDS(60));
    assert_int_equal(atomic_load(&now.rescores[0]), 1);
}

static void failures_are_told_once_and_waited_out_longer_and_longer(void **state)
{
    (void)state;
    config.fold_workers = 1;
    struct fold_workers *all = started();
    await(&now.steps[0], 2);
    atomic_store(&now.step_fails, true);
    await(&now.failed, 1);
    const int before = atomic_load(&now.steps[0]);
    const int64_t from_us = (int64_t)atomic_load(&now.ahead_us);
    const int64_t pass_us = fold_workers_last_pass_us(all);
    await_time(from_us + SECONDS(40));
    const int tries = atomic_load(&now.steps[0]) - before;
    const int64_t time_us = (int64_t)atomic_load(&now.ahead_us) - from_us;
    /* after 1, 2, 4 ... ms, and then every two seconds */
    assert_in_range(tries, time_us / SECONDS(2) - 1, time_us / SECONDS(2) + 13);
    assert_true(fold_workers_last_pass_us(all) == pass_us); /* none has gone well */
    assert_int_equal(atomic_load(&now.failed), 1);
    assert_int_equal(atomic_load(&now.recovered), 0);
    atomic_store(&now.step_fails, false);
    await(&now.recovered, 1);
    await(&now.steps[0], atomic_load(&now.steps[0]) + 2);
    assert_true(fold_workers_last_pass_us(all) > pass_us);
    fold_workers_stop(&all);
    assert_int_equal(atomic_load(&now.failed), 1);
    assert_int_equal(atomic_load(&now.recovered), 1);
    assert_int_equal(atomic_load(&now.odd_logs), 0);
}

static void a_lag_or_scores_that_cannot_be_read_are_failures_too(void **state)
{
    (void)state;
    config.fold_workers = 1;
    atomic_store(&now.lag_fails, true);
    struct fold_workers *all = started();
    await(&now.failed, 1);
    atomic_store(&now.lag_fails, false);
    await(&now.recovered, 1);
    atomic_store(&now.rescore_fails, true);
    await(&now.failed, 2);
    fold_workers_stop(&all);
}

static void without_workers_nothing_is_stalled(void **state)
{
    (void)state;
    config.fold_workers = 0;
    struct fold_workers *all = started();
    atomic_store(&now.ahead_us, SECONDS(1000));
    assert_true(fold_workers_last_pass_us(all) == clock_monotonic_us());
    fold_workers_stop(&all);
    config.fold_workers = 1;
    atomic_store(&now.step_fails, true);
    const int64_t from_us = clock_monotonic_us();
    all = started();
    assert_true(fold_workers_last_pass_us(all) >= from_us); /* nor before the first pass */
    fold_workers_stop(&all);
}

/* ---- catch up ---- */

static int64_t told; /* by progress */

static void note_progress(void *ctx, int64_t folded)
{
    assert_ptr_equal(ctx, &told);
    assert_true(folded >= told);
    told = folded;
}

static void catching_up_ends_when_nothing_is_left_and_nobody_was_put_off(void **state)
{
    (void)state;
    struct err err = {0};
    told = 0;
    atomic_store(&now.left, 500);
    atomic_store(&now.to_settle, 2);
    assert_true(fold_catch_up(NULL, &config, note_progress, &told, &err));
    assert_in_range(told, 498, 500); /* what a helper folds just now is told a little later */
    assert_int_equal(atomic_load(&now.opened), 3);
    assert_int_equal(atomic_load(&now.closed), 3);
    assert_true(atomic_load(&now.settles) > 0);
    assert_int_equal(atomic_load(&now.lags[1]) + atomic_load(&now.lags[2]), 0);
    assert_text_contains(now.owners[2], ":catchup2:");
    config.fold_workers = 0; /* one folds in any case */
    atomic_store(&now.opened, 0);
    assert_true(fold_catch_up(NULL, &config, NULL, NULL, &err));
    assert_int_equal(atomic_load(&now.opened), 1);
}

static void catching_up_fails_where_folding_does(void **state)
{
    (void)state;
    struct err err = {0};
    atomic_store(&now.step_fails, true);
    assert_false(fold_catch_up(NULL, &config, NULL, NULL, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_int_equal(atomic_load(&now.closed), 3);
    atomic_store(&now.step_fails, false);
    atomic_store(&now.lag_fails, true);
    atomic_store(&now.opened, 0);
    assert_false(fold_catch_up(NULL, &config, NULL, NULL, &err));
    atomic_store(&now.opened, 0);
    atomic_store(&now.closed, 0);
    atomic_store(&now.open_fails_at, 1);
    assert_false(fold_catch_up(NULL, &config, NULL, NULL, &err));
    assert_int_equal(atomic_load(&now.closed), 1);
}

static void put_time_on(void *ctx, int64_t folded)
{
    (void)ctx;
    (void)folded;
    atomic_fetch_add(&now.ahead_us, SECONDS(1));
}

/* Whoever is stale in lanes of others they fold: after a second in which nothing happened, it is not waited for. */
static void who_was_put_off_elsewhere_is_not_waited_for(void **state)
{
    (void)state;
    struct err err = {0};
    config.fold_workers = 1;
    atomic_store(&now.stale, 4);
    assert_true(fold_catch_up(NULL, &config, put_time_on, NULL, &err));
    assert_true(atomic_load(&now.ahead_us) >= SECONDS(2));
    assert_true(atomic_load(&now.ahead_us) < SECONDS(10));
}

static void who_is_being_folded_is_waited_for_however_long_that_takes(void **state)
{
    (void)state;
    struct err err = {0};
    atomic_store(&now.stale, 1);
    atomic_store(&now.settle_us, SECONDS(30));
    assert_true(fold_catch_up(NULL, &config, NULL, NULL, &err));
    assert_int_equal(atomic_load(&now.settled), 1);
    assert_false(atomic_load(&now.settled_late));
}

/* Helpers look all the time whether there is somebody: that is no folding. */
static void who_only_looks_is_not_waited_for(void **state)
{
    (void)state;
    struct err err = {0};
    config.fold_workers = 2;
    atomic_store(&now.stale, 4);
    atomic_store(&now.settles_looks, true);
    assert_true(fold_catch_up(NULL, &config, NULL, NULL, &err));
    assert_true(atomic_load(&now.ahead_us) < SECONDS(100));
}

static void lanes_that_others_hold_are_waited_for_half_a_minute(void **state)
{
    (void)state;
    struct err err = {0};
    config.fold_workers = 1;
    atomic_store(&now.elsewhere, 4);
    metric_set(METRIC_fold_held, 2);
    metric_set(METRIC_fold_waiting, 1);
    assert_false(fold_catch_up(NULL, &config, put_time_on, NULL, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_text_contains(err.text, "has held 3 lanes of the log for 30 s");
    assert_true(atomic_load(&now.ahead_us) > SECONDS(30));
    assert_true(atomic_load(&now.ahead_us) < SECONDS(40));
}

#define WORKERS_TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORKERS_TEST(every_worker_folds_with_a_folder_of_its_own),
        WORKERS_TEST(an_owner_has_a_name_that_nobody_had),
        WORKERS_TEST(what_cannot_be_opened_starts_nothing),
        WORKERS_TEST(the_first_worker_alone_looks_at_the_lag_and_at_old_scores),
        WORKERS_TEST(the_lag_is_looked_at_every_second_by_who_is_idle),
        WORKERS_TEST(who_is_busy_neither_rests_nor_looks_at_scores_and_seldom_at_the_lag),
        WORKERS_TEST(who_rests_stops_at_once),
        WORKERS_TEST(failures_are_told_once_and_waited_out_longer_and_longer),
        WORKERS_TEST(a_lag_or_scores_that_cannot_be_read_are_failures_too),
        WORKERS_TEST(without_workers_nothing_is_stalled),
        WORKERS_TEST(catching_up_ends_when_nothing_is_left_and_nobody_was_put_off),
        WORKERS_TEST(catching_up_fails_where_folding_does),
        WORKERS_TEST(who_was_put_off_elsewhere_is_not_waited_for),
        WORKERS_TEST(who_is_being_folded_is_waited_for_however_long_that_takes),
        WORKERS_TEST(who_only_looks_is_not_waited_for),
        WORKERS_TEST(lanes_that_others_hold_are_waited_for_half_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
