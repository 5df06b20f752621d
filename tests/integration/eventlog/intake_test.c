/* Group commit: every request gets its own answer, after its COMMIT, whatever waits beside it. */
#include "base/clock.h"
#include "base/log.h"
#include "base/metric.h"
#include "base/stop.h"
#include "eventlog/intake.h"
#include "integration/flow_spec.h"
#include "support/pg_fixture.h"
#include "support/spec.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static struct flow_bench bench;

/* In place of the linker's: what the log is told of an outage. */
static atomic_int told_failed, told_recovered;
void __wrap_log_line(enum log_level level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void __wrap_log_line(enum log_level level, const char *event, const char *fmt, ...)
{
    (void)fmt;
    atomic_fetch_add(&told_failed, level == LOG_ERROR && strcmp(event, "intake_failed") == 0);
    atomic_fetch_add(&told_recovered, level == LOG_INFO && strcmp(event, "intake_recovered") == 0);
}

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "intake");
    atomic_store(&told_failed, 0);
    atomic_store(&told_recovered, 0);
    bench.config.http_deadline = SECONDS(20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static struct intake *an_intake(void)
{
    struct err err = {0};
    struct intake *in = NULL;
    if (!intake_open(&bench.database, &bench.config, &in, &err)) {
        fail_msg("intake: %s", err.text);
    }
    return in;
}

/* While held, no writer can commit: every lane is locked by another connection. */
static void hold_lanes(void)
{
    run_sql(&bench, "BEGIN");
    run_sql(&bench, "SELECT lane FROM cartwright.lane ORDER BY lane FOR UPDATE");
}

static void release_lanes(void)
{
    run_sql(&bench, "COMMIT");
}

static void await_value(enum metric_id metric, uint64_t value)
{
    int64_t until_us = clock_monotonic_us() + SECONDS(20);
    while (metric_value(metric) != value && clock_monotonic_us() < until_us) {
        assert_false(stop_wait_us(1000));
    }
    assert_int_equal(metric_value(metric), value);
}

/* One request in a thread of its own. */
struct request {
    pthread_t thread;
    struct intake *intake;
    struct event_row rows[4];
    size_t count;
    enum append_status status[4];
    bool ok;
    struct err err;
};

static void *request_main(void *arg)
{
    struct request *r = arg;
    r->ok = intake_submit(r->intake, r->rows, r->count, r->status, &r->err);
    return NULL;
}

static void request_start(struct request *r, struct intake *in, const char *id,
                          const char *customer)
{
    struct told t = {.id = id, .type = "product_viewed", .customer = customer, .product = "p"};
    *r = (struct request){.intake = in, .count = 1};
    r->rows[0] = row_of(&bench, &t);
    assert_int_equal(pthread_create(&r->thread, NULL, request_main, r), 0);
}

static void request_join(struct request *r)
{
    assert_int_equal(pthread_join(r->thread, NULL), 0);
}

/* Requests e<from> .. e<until - 1> of customer 1. */
static void requests_start(struct request *r, int from, int until, struct intake *in)
{
    for (int i = from; i < until; i++) {
        request_start(&r[i], in, arena_printf(&bench.arena, "e%d", i), "1");
    }
}

/* All of them were stored. */
static void requests_join(struct request *r, int count)
{
    for (int i = 0; i < count; i++) {
        request_join(&r[i]);
        assert_true(r[i].ok);
    }
}

/* ---- many at once ---- */

enum { SUBMITTERS = 8, SUBMISSIONS = 60, ROWS = 4, IDS = 700 };

struct submitter {
    pthread_t thread;
    struct intake *intake;
    struct event_row *pool; /* IDS events that all submitters send */
    atomic_int *stored;     /* by event */
    int number;
    int failures;
};

static void *submitter_main(void *arg)
{
    struct submitter *s = arg;
    unsigned next = (unsigned)s->number * 97;
    for (int i = 0; i < SUBMISSIONS; i++) {
        struct event_row rows[ROWS];
        enum append_status status[ROWS];
        unsigned at[ROWS];
        struct err err = {0};
        for (int n = 0; n < ROWS; n++) {
            at[n] = next++ * 13 % IDS;
            rows[n] = s->pool[at[n]];
        }
        s->failures += intake_submit(s->intake, rows, ROWS, status, &err) ? 0 : 1;
        for (int n = 0; n < ROWS; n++) {
            atomic_fetch_add(&s->stored[at[n]], status[n] == APPEND_STORED ? 1 : 0);
        }
    }
    return NULL;
}

static void concurrent_requests_store_every_event_once_and_say_so_once(void **state)
{
    (void)state;
    static atomic_int stored[IDS];
    struct submitter submitters[SUBMITTERS];
    struct event_row *pool = arena_array(&bench.arena, IDS, sizeof *pool);
    struct intake *in = an_intake();
    for (int i = 0; i < IDS; i++) {
        struct told t = {.id = arena_printf(&bench.arena, "e%d", i),
                         .type = "product_viewed",
                         .customer = arena_printf(&bench.arena, "c%d", i % 50),
                         .product = "p"};
        pool[i] = row_of(&bench, &t);
        atomic_store(&stored[i], 0);
    }
    for (int i = 0; i < SUBMITTERS; i++) {
        submitters[i] =
            (struct submitter){.intake = in, .number = i, .pool = pool, .stored = stored};
        assert_int_equal(
            pthread_create(&submitters[i].thread, NULL, submitter_main, &submitters[i]), 0);
    }
    for (int i = 0; i < SUBMITTERS; i++) {
        assert_int_equal(pthread_join(submitters[i].thread, NULL), 0);
        assert_int_equal(submitters[i].failures, 0);
    }
    int64_t told = 0;
    for (int i = 0; i < IDS; i++) {
        assert_true(atomic_load(&stored[i]) <= 1);
        told += atomic_load(&stored[i]);
    }
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event"), told);
    assert_true(told > IDS / 2);
    assert_int_equal(metric_value(METRIC_intake_queue), 0);
    intake_close(&in);
}

static void each_row_gets_its_own_status_in_the_callers_order(void **state)
{
    (void)state;
    struct err err = {0};
    enum append_status status[4];
    struct intake *in = an_intake();
    const struct told told[] = {
        {.id = "a", .type = "product_viewed", .customer = "1", .product = "p"},
        {.id = "b", .type = "product_viewed", .customer = "2", .product = "p"},
        {.id = "a", .type = "product_viewed", .customer = "1", .product = "p"},
        {.id = "b", .type = "product_viewed", .customer = "2", .product = "other"},
    };
    static const enum metric_id counted[] = {METRIC_events_stored, METRIC_events_duplicate,
                                             METRIC_events_conflict};
    struct event_row rows[4];
    uint64_t before[3];
    for (int i = 0; i < 4; i++) {
        rows[i] = row_of(&bench, &told[i]);
    }
    for (int i = 0; i < 3; i++) {
        before[i] = metric_value(counted[i]);
    }
    assert_true(intake_submit(in, rows, 4, status, &err));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(metric_value(counted[i]) - before[i], i == 0 ? 2 : 1);
    }
    assert_int_equal(status[0], APPEND_STORED);
    assert_int_equal(status[1], APPEND_STORED);
    assert_int_equal(status[2], APPEND_DUPLICATE);
    assert_int_equal(status[3], APPEND_CONFLICT);
    intake_close(&in);
}

/* Of ten requests that all wait before the first is answered. */
static uint64_t commits_of_ten_that_wait(void)
{
    struct request r[10];
    struct intake *in = an_intake();
    const uint64_t before = metric_value(METRIC_intake_commits);

    hold_lanes();
    requests_start(r, 0, 10, in);
    await_value(METRIC_intake_queue, 10);
    release_lanes();
    requests_join(r, 10);
    intake_close(&in);
    return metric_value(METRIC_intake_commits) - before;
}

static void what_waits_together_is_committed_together(void **state)
{
    (void)state;
    bench.config.intake_writers = 1;
    /* the first may have gone alone, before the others came */
    assert_true(commits_of_ten_that_wait() <= 3);
}

static void a_batch_of_one_commits_every_request_alone(void **state)
{
    (void)state;
    const uint64_t timed = metric_value(METRIC_intake_commit_us);
    bench.config.intake_batch = 1;
    assert_int_equal(commits_of_ten_that_wait(), 10);
    assert_int_equal(metric_value(METRIC_intake_commit_us) - timed, 10);
}

static void a_full_queue_refuses_at_once(void **state)
{
    (void)state;
    struct request r[5];
    struct err err = {0};
    enum append_status status;
    bench.config.intake_queue = 5;
    struct intake *in = an_intake();
    hold_lanes();
    requests_start(r, 0, 5, in);
    await_value(METRIC_intake_queue, 5);
    struct told t = {.id = "late", .type = "product_viewed", .customer = "1", .product = "p"};
    struct event_row late = row_of(&bench, &t);
    assert_false(intake_submit(in, &late, 1, &status, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    release_lanes();
    requests_join(r, 5);
    assert_true(intake_submit(in, &late, 1, &status, &err));
    assert_int_equal(status, APPEND_STORED);
    intake_close(&in);
}

static void a_request_larger_than_the_queue_is_taken_when_nothing_waits(void **state)
{
    (void)state;
    struct event_row rows[4];
    struct err err = {0};
    enum append_status status[4] = {APPEND_CONFLICT, APPEND_CONFLICT, APPEND_CONFLICT,
                                    APPEND_CONFLICT};
    bench.config.intake_queue = 3;
    struct intake *in = an_intake();
    for (int i = 0; i < 4; i++) {
        struct told t = {.id = arena_printf(&bench.arena, "e%d", i),
                         .type = "product_viewed",
                         .customer = arena_printf(&bench.arena, "%d", i),
                         .product = "p"};
        rows[i] = row_of(&bench, &t);
    }
    assert_true(intake_submit(in, rows, 4, status, &err));
    for (int i = 0; i < 4; i++) {
        assert_int_equal(status[i], APPEND_STORED);
    }
    const int64_t from_us = clock_monotonic_us();
    assert_true(intake_submit(in, rows, 0, status, &err)); /* of nothing there is nothing to do */
    assert_true(clock_monotonic_us() - from_us < bench.config.http_deadline / 2);
    assert_int_equal(metric_value(METRIC_intake_queue), 0);
    intake_close(&in);
    assert_null(in);
}

static void a_request_leaves_at_its_deadline_and_may_be_sent_again(void **state)
{
    (void)state;
    struct request r;
    enum append_status status;
    struct err err = {0};
    bench.config.http_deadline = 100000;
    struct intake *in = an_intake();
    hold_lanes();
    request_start(&r, in, "e", "1");
    request_join(&r);
    assert_false(r.ok);
    assert_int_equal(r.err.kind, ERR_BUSY);
    assert_text_contains(r.err.text, "retry with the same ids");
    release_lanes();
    await_value(METRIC_intake_queue, 0);
    bench.config.http_deadline = SECONDS(20);
    intake_close(&in);
    in = an_intake();
    assert_true(intake_submit(in, r.rows, 1, &status, &err));
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event"), 1);
    intake_close(&in);
}

/* Held as a whole: nothing is stored, and no lane is any the worse for it. */
static void hold_log(void)
{
    run_sql(&bench, "BEGIN");
    run_sql(&bench, "LOCK TABLE cartwright.event IN SHARE MODE");
}

/* An intake of one writer that has just committed twenty events together. */
static struct intake *an_intake_under_load(struct request *twenty, int64_t gather_us)
{
    bench.config.intake_writers = 1;
    bench.config.intake_gather = gather_us;
    struct intake *in = an_intake();
    hold_log();
    request_start(&twenty[0], in, "first", "1");
    pg_fixture_await_lock(db_conn(bench.db));
    requests_start(twenty, 1, 20, in);
    await_value(METRIC_intake_queue, 20);
    release_lanes();
    requests_join(twenty, 20);
    return in;
}

/* After a commit of many the writer waits for as many again, so that they need one commit and not two. */
static void a_writer_under_load_waits_for_company(void **state)
{
    (void)state;
    struct request r[60];
    struct intake *in = an_intake_under_load(r, SECONDS(15));
    const uint64_t before = metric_value(METRIC_intake_commits);
    const int64_t start_us = clock_monotonic_us();
    requests_start(r, 20, 30, in);
    await_value(METRIC_intake_queue, 10);
    (void)stop_wait_us(200000);
    assert_int_equal(metric_value(METRIC_intake_commits) - before, 0);
    requests_start(r, 30, 39, in); /* nineteen were committed together */
    for (int i = 20; i < 39; i++) {
        request_join(&r[i]);
        assert_true(r[i].ok);
    }
    assert_int_equal(metric_value(METRIC_intake_commits) - before, 1);
    assert_true(clock_monotonic_us() - start_us < SECONDS(14)); /* the last of them ended it */
    intake_close(&in);
}

/* Of each writer one would cost PostgreSQL four commits for as many events. */
static void single_events_of_all_lanes_are_committed_together(void **state)
{
    (void)state;
    struct request r[13];
    bench.config.intake_writers = 4;
    struct intake *in = an_intake();
    const uint64_t before = metric_value(METRIC_intake_commits);
    hold_log();
    request_start(&r[0], in, "first", "0");
    pg_fixture_await_lock(db_conn(bench.db));
    for (int i = 1; i < 13; i++) {
        request_start(&r[i], in, arena_printf(&bench.arena, "e%d", i),
                      arena_printf(&bench.arena, "%d", i));
    }
    await_value(METRIC_intake_queue, 13);
    release_lanes();
    requests_join(r, 13);
    assert_int_equal(metric_value(METRIC_intake_commits) - before, 2);
    intake_close(&in);
}

/* The commits that a request of so many customers' events takes. */
static uint64_t commits_of_many(struct intake *in, const char *name)
{
    enum { MANY = 450 };
    struct event_row rows[MANY];
    enum append_status status[MANY];
    struct err err = {0};
    const uint64_t before = metric_value(METRIC_intake_commits);
    for (int i = 0; i < MANY; i++) {
        struct told t = {.id = arena_printf(&bench.arena, "%s%d", name, i),
                         .type = "product_viewed",
                         .customer = arena_printf(&bench.arena, "%d", i),
                         .product = "p"};
        rows[i] = row_of(&bench, &t);
    }
    assert_true(intake_submit(in, rows, MANY, status, &err));
    return metric_value(METRIC_intake_commits) - before;
}

static void where_many_come_at_once_the_writers_share_the_lanes(void **state)
{
    (void)state;
    bench.config.intake_writers = 3;
    struct intake *in = an_intake();
    assert_int_equal(commits_of_many(in, "a"), 1);
    assert_int_equal(commits_of_many(in, "b"), 3);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event"), 900);
    intake_close(&in);
}

static void where_little_comes_nobody_waits_for_company(void **state)
{
    (void)state;
    struct request r[3];
    bench.config.intake_writers = 1;
    bench.config.intake_gather = SECONDS(1000);
    struct intake *in = an_intake();
    for (int i = 0; i < 3; i++) { /* would not be answered before the request's deadline */
        request_start(&r[i], in, arena_printf(&bench.arena, "e%d", i), "1");
        request_join(&r[i]);
        assert_true(r[i].ok);
    }
    intake_close(&in);
}

static void closing_does_not_wait_for_company(void **state)
{
    (void)state;
    struct request r[21];
    struct intake *in = an_intake_under_load(r, SECONDS(1000));
    requests_start(r, 20, 21, in);
    await_value(METRIC_intake_queue, 1);
    intake_close(&in); /* commits what waits */
    request_join(&r[20]);
    assert_true(r[20].ok);
}

static void what_a_caller_left_behind_in_the_queue_is_not_written(void **state)
{
    (void)state;
    struct request begun;
    struct request queued;
    bench.config.intake_writers = 1;
    bench.config.http_deadline = 200000;
    struct intake *in = an_intake();
    hold_lanes();
    request_start(&begun, in, "begun", "1");
    pg_fixture_await_lock(db_conn(bench.db));
    request_start(&queued, in, "queued", "1");
    request_join(&begun);
    request_join(&queued);
    assert_false(begun.ok);
    assert_false(queued.ok);
    await_value(METRIC_intake_queue, 0); /* dropped while the lanes are still held */
    release_lanes();
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.event WHERE event_id = 'queued'"), 0);
    intake_close(&in);
}

static void nobody_tries_again_for_a_caller_that_has_left(void **state)
{
    (void)state;
    struct request r;
    bench.config.http_deadline = 100000;
    struct intake *in = an_intake();
    hold_lanes();
    request_start(&r, in, "e", "1");
    request_join(&r);
    assert_false(r.ok);
    /* the lanes are still held: the writer gives up when its statement does */
    await_value(METRIC_intake_queue, 0);
    release_lanes();
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event"), 0);
    intake_close(&in);
}

static void a_group_is_filled_up_to_the_batch(void **state)
{
    (void)state;
    struct request r[5];
    bench.config.intake_writers = 1;
    bench.config.intake_batch = 2;
    struct intake *in = an_intake();
    uint64_t before = metric_value(METRIC_intake_commits);
    hold_lanes();
    request_start(&r[0], in, "e0", "1");
    pg_fixture_await_lock(db_conn(bench.db));
    requests_start(r, 1, 5, in);
    await_value(METRIC_intake_queue, 5);
    release_lanes();
    requests_join(r, 5);
    assert_int_equal(metric_value(METRIC_intake_commits) - before, 3); /* one, two and two */
    intake_close(&in);
}

static void an_event_that_the_database_refuses_fails_only_its_own_request(void **state)
{
    (void)state;
    struct request r[3];
    bench.config.intake_writers = 1;
    struct intake *in = an_intake();
    hold_lanes();
    request_start(&r[0], in, "first", "1");
    await_value(METRIC_intake_queue, 1);
    request_start(&r[1], in, "good", "1");
    struct told t = {.id = "bad", .type = "product_viewed", .customer = "1", .product = "p"};
    r[2] = (struct request){.intake = in, .count = 1};
    r[2].rows[0] = row_of(&bench, &t);
    r[2].rows[0].body = "{\"no json";
    assert_int_equal(pthread_create(&r[2].thread, NULL, request_main, &r[2]), 0);
    await_value(METRIC_intake_queue, 3);
    release_lanes();
    for (int i = 0; i < 3; i++) {
        request_join(&r[i]);
    }
    assert_true(r[0].ok);
    assert_true(r[1].ok);
    assert_false(r[2].ok);
    assert_int_not_equal(r[2].err.kind, ERR_BUSY);
    intake_close(&in);
}

static void an_outage_is_told_once_when_it_begins_and_once_when_it_ends(void **state)
{
    (void)state;
    struct request r[2];
    const int64_t until_us = clock_monotonic_us() + SECONDS(15);
    bench.config.intake_writers = 1;
    struct intake *in = an_intake();
    hold_log();
    request_start(&r[0], in, "e0", "1");
    while (atomic_load(&told_failed) == 0 && clock_monotonic_us() < until_us) {
        (void)stop_wait_us(1000);
    }
    pg_fixture_await_lock(db_conn(bench.db)); /* it tries again */
    assert_int_equal(atomic_load(&told_failed), 1);
    assert_int_equal(atomic_load(&told_recovered), 0);
    release_lanes();
    request_join(&r[0]);
    assert_true(r[0].ok);
    request_start(&r[1], in, "e1", "1");
    request_join(&r[1]);
    assert_true(r[1].ok);
    assert_int_equal(atomic_load(&told_failed), 1);
    assert_int_equal(atomic_load(&told_recovered), 1);
    intake_close(&in);
}

static void a_lost_connection_is_replaced_and_the_request_still_answered(void **state)
{
    (void)state;
    if (pg_fixture_pooled()) {
        skip(); /* the connections are the pooler's to lose, and this test's own goes with them */
    }
    struct request r[6];
    struct intake *in = an_intake();
    const uint64_t reconnects = metric_value(METRIC_db_reconnects);
    for (int i = 0; i < 6; i++) {
        run_sql(&bench, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = "
                        "current_database() AND pid <> pg_backend_pid()");
        request_start(&r[i], in, arena_printf(&bench.arena, "e%d", i),
                      arena_printf(&bench.arena, "%d", i));
        request_join(&r[i]);
        if (!r[i].ok) {
            fail_msg("%s", r[i].err.text);
        }
        assert_int_equal(r[i].status[0], APPEND_STORED);
    }
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event"), 6);
    assert_true(metric_value(METRIC_db_reconnects) > reconnects);
    intake_close(&in);
}

static void a_writer_keeps_its_connection(void **state)
{
    (void)state;
    if (pg_fixture_pooled()) {
        skip(); /* what the database sees are the pooler's connections */
    }
    struct request r;
    bench.config.intake_writers = 1;
    struct intake *in = an_intake();
    for (int i = 0; i < 4; i++) {
        request_start(&r, in, arena_printf(&bench.arena, "e%d", i), "1");
        request_join(&r);
        assert_true(r.ok);
    }
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM pg_stat_activity WHERE backend_type = "
                                      "'client backend' AND datname = current_database() AND pid "
                                      "<> pg_backend_pid()"),
                     2); /* its own, and the patient writer's */
    intake_close(&in);
}

static void *closer_main(void *arg)
{
    struct intake *in = arg;
    intake_close(&in);
    return NULL;
}

static void closing_commits_what_waits_and_refuses_what_comes(void **state)
{
    (void)state;
    struct request r[8];
    struct request late;
    pthread_t closer;
    struct intake *in = an_intake();
    hold_lanes();
    for (int i = 0; i < 8; i++) {
        request_start(&r[i], in, arena_printf(&bench.arena, "e%d", i),
                      arena_printf(&bench.arena, "%d", i));
    }
    await_value(METRIC_intake_queue, 8);
    intake_refuse(in);
    request_start(&late, in, "late", "1");
    request_join(&late);
    assert_false(late.ok);
    assert_int_equal(late.err.kind, ERR_BUSY);
    assert_int_equal(pthread_create(&closer, NULL, closer_main, in), 0);
    release_lanes();
    requests_join(r, 8);
    assert_int_equal(pthread_join(closer, NULL), 0);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.event"), 8);
}

/* ---- a lane that another transaction holds ---- */

static int lane_of(const char *customer)
{
    return event_lane(arena_printf(&bench.arena, "c:%s", customer));
}

/* The nth of the customers of the same writer in other lanes. */
static const char *neighbour_nth(const char *customer, int nth)
{
    const int lane = lane_of(customer);
    for (int i = 0; i < 10000; i++) {
        const char *other = arena_printf(&bench.arena, "n%d", i);
        if (lane_of(other) != lane && lane_of(other) % 2 == lane % 2 && nth-- == 0) {
            return other;
        }
    }
    fail_msg("no neighbour");
    return NULL;
}

static const char *neighbour_of(const char *customer)
{
    return neighbour_nth(customer, 0);
}

/* As a program does that appends by SQL and forgets to commit. */
static void hold_lane_of(const char *customer)
{
    run_sql(&bench, "BEGIN");
    run_sql(&bench,
            arena_printf(&bench.arena,
                         "SELECT * FROM cartwright.append_events('[{\"event_id\": \"by-sql\", "
                         "\"type\": \"product_viewed\", \"customer_id\": \"%s\", "
                         "\"occurred_at\": \"2026-01-01T00:00:01Z\"}]')",
                         customer));
}

static void await_held(struct intake *in, size_t events)
{
    struct intake_state now = {0};
    int64_t until_us = clock_monotonic_us() + SECONDS(20);
    for (intake_look(in, &now); now.held_events != events && clock_monotonic_us() < until_us;
         intake_look(in, &now)) {
        (void)stop_wait_us(1000);
    }
    assert_int_equal(now.held_events, events);
}

static void a_held_lane_costs_its_own_events_only(void **state)
{
    (void)state;
    struct request held;
    struct request other;
    struct intake_state now;
    struct intake *in = an_intake();
    hold_lane_of("1");
    request_start(&held, in, "held", "1");
    await_held(in, 1);
    for (int i = 0; i < 50; i++) { /* each alone, in the lane of the same writer */
        request_start(&other, in, arena_printf(&bench.arena, "o%d", i), neighbour_of("1"));
        request_join(&other);
        assert_true(other.ok);
    }
    intake_look(in, &now);
    assert_int_equal(now.held_lanes, 1);
    assert_int_equal(now.held_lane, lane_of("1"));
    assert_true(now.held_us > 0);
    assert_int_equal(now.queued, 1);
    assert_int_equal(now.stalled_us, 0); /* what moves, moves */
    assert_int_equal(metric_value(METRIC_intake_held), 1);
    run_sql(&bench, "COMMIT");
    request_join(&held);
    assert_true(held.ok);
    assert_int_equal(held.status[0], APPEND_STORED);
    await_held(in, 0);
    assert_int_equal(metric_value(METRIC_intake_held), 0);
    intake_close(&in);
}

static void
of_one_request_the_free_lanes_are_stored_and_the_answer_waits_for_the_held_one(void **state)
{
    (void)state;
    struct request r = {.count = 4};
    const char *const customers[] = {"1", neighbour_of("1"), neighbour_nth("1", 1), "1"};
    struct intake *in = an_intake();
    for (int i = 0; i < 4; i++) {
        struct told t = {.id = arena_printf(&bench.arena, "e%d", i),
                         .type = "product_viewed",
                         .customer = customers[i],
                         .product = "p"};
        r.rows[i] = row_of(&bench, &t);
    }
    r.intake = in;
    hold_lane_of("1");
    assert_int_equal(pthread_create(&r.thread, NULL, request_main, &r), 0);
    await_held(in, 2);
    while (count_of(&bench,
                    "SELECT count(*) FROM cartwright.event WHERE event_id IN ('e1', 'e2')") < 2) {
        (void)stop_wait_us(1000);
    }
    run_sql(&bench, "COMMIT");
    request_join(&r);
    assert_true(r.ok);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(r.status[i], APPEND_STORED);
    }
    intake_close(&in);
}

static void what_waits_for_a_held_lane_has_a_bound_and_fills_nobodys_queue(void **state)
{
    (void)state;
    struct request r[2];
    struct request other;
    struct err err = {0};
    enum append_status status;
    bench.config.intake_queue = 8; /* a quarter of it for held lanes */
    struct intake *in = an_intake();
    hold_lane_of("1");
    requests_start(r, 0, 2, in);
    await_held(in, 2);
    struct told t = {.id = "more", .type = "product_viewed", .customer = "1", .product = "p"};
    struct event_row more = row_of(&bench, &t);
    assert_false(intake_submit(in, &more, 1, &status, &err));
    assert_int_equal(err.kind, ERR_BUSY);
    assert_text_contains(err.text, "a lane that another transaction holds");
    request_start(&other, in, "other", neighbour_of("1"));
    request_join(&other);
    assert_true(other.ok);
    run_sql(&bench, "ROLLBACK");
    requests_join(r, 2);
    assert_true(intake_submit(in, &more, 1, &status, &err));
    intake_close(&in);
}

static void closing_waits_for_a_held_lane_but_not_for_ever(void **state)
{
    (void)state;
    struct request r;
    struct intake *in = an_intake();
    hold_lane_of("1");
    request_start(&r, in, "e", "1");
    await_held(in, 1);
    const int64_t from_us = clock_monotonic_us();
    intake_close(&in);
    assert_true(clock_monotonic_us() - from_us < bench.config.http_deadline / 2);
    request_join(&r);
    assert_false(r.ok);
    assert_int_equal(r.err.kind, ERR_BUSY);
    run_sql(&bench, "ROLLBACK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(concurrent_requests_store_every_event_once_and_say_so_once,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(each_row_gets_its_own_status_in_the_callers_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_waits_together_is_committed_together, setup, teardown),
        cmocka_unit_test_setup_teardown(a_writer_under_load_waits_for_company, setup, teardown),
        cmocka_unit_test_setup_teardown(single_events_of_all_lanes_are_committed_together, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(where_many_come_at_once_the_writers_share_the_lanes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(where_little_comes_nobody_waits_for_company, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(closing_does_not_wait_for_company, setup, teardown),
        cmocka_unit_test_setup_teardown(a_batch_of_one_commits_every_request_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_full_queue_refuses_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_request_larger_than_the_queue_is_taken_when_nothing_waits,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_request_leaves_at_its_deadline_and_may_be_sent_again,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_caller_left_behind_in_the_queue_is_not_written,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_tries_again_for_a_caller_that_has_left, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_group_is_filled_up_to_the_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_event_that_the_database_refuses_fails_only_its_own_request, setup, teardown),
        cmocka_unit_test_setup_teardown(an_outage_is_told_once_when_it_begins_and_once_when_it_ends,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_lost_connection_is_replaced_and_the_request_still_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(a_writer_keeps_its_connection, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_commits_what_waits_and_refuses_what_comes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_held_lane_costs_its_own_events_only, setup, teardown),
        cmocka_unit_test_setup_teardown(
            of_one_request_the_free_lanes_are_stored_and_the_answer_waits_for_the_held_one, setup,
            teardown),
        cmocka_unit_test_setup_teardown(
            what_waits_for_a_held_lane_has_a_bound_and_fills_nobodys_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(closing_waits_for_a_held_lane_but_not_for_ever, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
