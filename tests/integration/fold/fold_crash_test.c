/* The database goes away before, or right after, the n-th query of the fold, for every n: what remains is what the log
 * says. The two libpq calls that every query goes through are wrapped by the linker. */
#include "base/clock.h"
#include "base/metric.h"
#include "base/stop.h"
#include "integration/flow_spec.h"
#include "support/at_length.h"
#include "support/pg_fixture.h"
#include "support/spec.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int __real_PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int result_format);
int __wrap_PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int result_format);
int __real_PQsendQuery(PGconn *conn, const char *sql);
int __wrap_PQsendQuery(PGconn *conn, const char *sql);

/* Of the thread that tests. */
static struct {
    bool armed;
    bool after; /* the query arrives, its answer does not */
    int left;   /* queries until the cut */
    bool cut;
} fault;

static bool is_due(void)
{
    return fault.armed && --fault.left == 0;
}

static void cut(PGconn *conn)
{
    (void)shutdown(PQsocket(conn), SHUT_RDWR);
    fault.armed = false;
    fault.cut = true;
}

/* The server has done what was sent, and its answer is lost. */
static void lose_answer(PGconn *conn)
{
    char bytes[4096];
    struct pollfd p = {.fd = PQsocket(conn), .events = POLLIN};
    while (PQflush(conn) == 1) {
    }
    assert_int_equal(poll(&p, 1, 60000), 1);
    while (recv(p.fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
    }
    cut(conn);
}

int __wrap_PQsendQueryPrepared(PGconn *conn, const char *name, int count, const char *const *values,
                               const int *lengths, const int *formats, int result_format)
{
    bool due = is_due();
    if (due && !fault.after) {
        cut(conn);
    }
    int sent =
        __real_PQsendQueryPrepared(conn, name, count, values, lengths, formats, result_format);
    if (due && fault.after) {
        lose_answer(conn);
    }
    return sent;
}

int __wrap_PQsendQuery(PGconn *conn, const char *sql)
{
    bool due = is_due();
    if (due && !fault.after) {
        cut(conn);
    }
    int sent = __real_PQsendQuery(conn, sql);
    if (due && fault.after) {
        lose_answer(conn);
    }
    return sent;
}

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "crash");
    bench.config.fold_batch = 100;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

/* Of the cuts of a scene, every so manieth. Each folds all of the scene anew: AddressSanitizer, which looks for other faults than what remains in the
 * database and meets the same few ways out of a lost connection at each of them, makes every third. All under --long. */
#ifdef __SANITIZE_ADDRESS__
enum { SPARED = 3 };
#else
enum { SPARED = 1 };
#endif

static int stride(int ordinary)
{
    return at_length() ? 1 : ordinary;
}

/* Everything a batch can do at once: carts, refolds, identity, dead letters, unknown types. */
static void tell_a_bit_of_everything(void)
{
    static const struct told events[] = {
        {.id = "e1", .type = "cart_item_added", .customer = "y", .product = "shoe", .at_s = 30},
        {.id = "e2", .type = "cart_item_added", .customer = "y", .product = "hat", .at_s = 20},
        {.id = "e3", .type = "cart_item_added", .anonymous = "x", .product = "sock", .at_s = 5},
        {.id = "e4", .type = "identify", .customer = "y", .anonymous = "x", .at_s = 25},
        {.id = "e5", .type = "drone_landed", .customer = "w", .at_s = 2},
        {.id = "e6", .type = "purchase", .customer = "w", .product = "coat", .at_s = 3},
    };
    tell_all(&bench, events, COUNT_OF(events));
    run_sql(&bench, "SELECT * FROM cartwright.append_events('[{\"event_id\": \"bad\", \"type\": "
                    "\"cart_item_added\", \"customer_id\": \"y\", \"occurred_at\": "
                    "\"2026-01-01T00:00:01Z\", \"items\": 7}]')");
}

/* Somebody who keeps the lane of y, which x forwards to, from the first step to the eighth; NULL: nobody. */
static PGconn *holder;

static void hold(const char *sql)
{
    if (holder != NULL) {
        PGresult *res = PQexec(holder, sql);
        assert_true(PQresultStatus(res) == PGRES_COMMAND_OK ||
                    PQresultStatus(res) == PGRES_TUPLES_OK);
        PQclear(res);
    }
}

static void step_until_done(void)
{
    struct log_lag lag = {.events = 1};
    struct err err = {0};
    struct folder *f = NULL;
    hold("BEGIN; SELECT FROM cartwright.lane WHERE lane = cartwright.lane_of('c:y') FOR UPDATE");
    while (f == NULL) {
        if (!folder_open(&bench.database, &bench.config, NULL, "spec", LANES, &f, &err)) {
            assert_true(fault.cut); /* only we make it fail, and only once */
        }
    }
    /* by time and not by steps: lanes that a cut has cost are leased again a second later */
    const int64_t until_us = clock_monotonic_us() + SECONDS(30);
    for (int i = 0; (lag.events > 0 || lag.stale > 0) && clock_monotonic_us() < until_us; i++) {
        if (i == 8) {
            hold("ROLLBACK");
        }
        int64_t folded = 0;
        /* Who was put off, or is being handed something, is left alone for a while: steps that find nothing would be cut. */
        run_sql(&bench, "UPDATE cartwright.stale_shopper SET due_at = now()");
        if (!folder_step(f, &folded, &err) || !folder_lag(f, &lag, &err)) {
            assert_true(fault.cut);
            assert_int_equal(err.kind, ERR_BUSY);
        }
        if (i >= 100) {
            (void)stop_wait_us(2000);
        }
    }
    hold("ROLLBACK");
    folder_close(&f);
}

/* Counts that exactly-once has to get right, and that replay does not look at. */
static const char *tally(void)
{
    return text_of(&bench,
                   "SELECT concat_ws(' ', (SELECT count(*) FROM cartwright.event), (SELECT "
                   "count(*) FROM cartwright.dead_letter), (SELECT sum(events) FROM "
                   "cartwright.unknown_type), (SELECT string_agg(cart_id || lane, ',' ORDER BY "
                   "cart_id) FROM cartwright.cart_lane))");
}

static void tell_nothing(void)
{
}

static void tell_a_past(void)
{
    bench.config.heavy_events = 3;
    bench.config.heavy_pause = 0;
    for (int i = 0; i < 12; i++) {
        TELL(&bench, .id = arena_printf(&bench.arena, "v%d", i), .type = "product_viewed",
             .customer = i < 6 ? "y" : NULL, .anonymous = i < 6 ? NULL : "x", .product = "shoe",
             .at_s = INT64_C(10) * i + 40);
    }
    step_until_done();
}

/* What is folded before comes first, without a cut. Cuts at every so manieth query. */
static void fold_with_cuts(void (*tell_before)(void), bool after, int every)
{
    tell_before();
    tell_a_bit_of_everything();
    step_until_done();
    const char *expected = dump_of(&bench, false);
    const char *expected_tally = tally();
    int n = 1 - every + (after ? every - 1 : 0);
    do {
        forget_everything(&bench);
        run_sql(&bench, "DELETE FROM cartwright.dead_letter");
        run_sql(&bench, "DELETE FROM cartwright.unknown_type");
        fault.cut = false;
        tell_before();
        tell_a_bit_of_everything();
        fault.after = after;
        n += every;
        fault.left = n;
        fault.cut = false;
        fault.armed = true;
        step_until_done();
        fault.armed = false;
        assert_replay_is_clean(&bench);
        assert_string_equal(dump_of(&bench, false), expected);
        assert_string_equal(tally(), expected_tally);
    } while (fault.cut && n < 500);
    assert_in_range(n, 20, 499);
}

static void the_fold_survives_the_loss_of_any_answer_while_what_it_derives_waits(void **state)
{
    (void)state;
    holder = PQconnectdb(bench.url);
    PQclear(
        PQexec(holder, "SET client_min_messages = error")); /* to end what has ended is no fault */
    fold_with_cuts(tell_nothing, true, stride(SPARED));
    assert_true(PQtransactionStatus(holder) == PQTRANS_IDLE);
    PQfinish(holder);
    holder = NULL;
}

static void the_fold_survives_the_loss_of_its_connection_before_any_query(void **state)
{
    (void)state;
    fold_with_cuts(tell_nothing, false, stride(SPARED));
}

static void the_fold_survives_the_loss_of_any_answer(void **state)
{
    (void)state;
    fold_with_cuts(tell_nothing, true, stride(SPARED));
}

static void so_does_that_of_who_was_put_off_and_of_what_changes_hands(void **state)
{
    const int64_t before = (int64_t)metric_value(METRIC_fold_stale_folded);
    const int64_t handed = (int64_t)metric_value(METRIC_fold_handed);
    (void)state;

    fold_with_cuts(tell_a_past, false, stride(SPARED * 7)); /* long scenes */
    fold_with_cuts(tell_a_past, true, stride(SPARED * 7));
    assert_true((int64_t)metric_value(METRIC_fold_stale_folded) - before > 10);
    assert_true((int64_t)metric_value(METRIC_fold_handed) - handed > 10);
}

/* ---- frozen in the middle of a transaction ---- */

struct sleeper {
    pthread_t thread;
    struct folder *folder;
    int64_t folded;
    bool ok;
};

static void *sleeper_main(void *arg)
{
    struct sleeper *s = arg;
    struct err err = {0};
    s->ok = folder_step(s->folder, &s->folded, &err);
    return NULL;
}

static void a_lease_that_ends_in_the_middle_of_a_transaction_lets_nobody_fold_twice(void **state)
{
    (void)state;
    struct err err = {0};
    struct sleeper s = {0};
    struct folder *heir = NULL;
    struct flow_bench blocker = bench; /* over a connection of its own */
    int64_t folded;
    assert_true(
        folder_open(&bench.database, &bench.config, NULL, "sleeper", LANES, &s.folder, &err));
    assert_true(folder_step(s.folder, &s.folded, &err));
    tell_a_bit_of_everything();
    assert_true(database_connect(&bench.database, &blocker.db, &err));
    run_sql(&blocker, "BEGIN");
    run_sql(&blocker,
            "INSERT INTO cartwright.shopper VALUES (cartwright.lane_of('c:w'), 'c:w', 0, '')");
    assert_int_equal(pthread_create(&s.thread, NULL, sleeper_main, &s), 0);
    pg_fixture_await_lock(db_conn(bench.db)); /* past its fence, before its writes */
    run_sql(&bench, "DELETE FROM cartwright.lane_owner");
    run_sql(&bench,
            "UPDATE cartwright.lane_cursor c SET lease_until = '-infinity' FROM (SELECT lane "
            "FROM cartwright.lane_cursor FOR UPDATE SKIP LOCKED) l WHERE l.lane = c.lane");
    assert_true(folder_open(&bench.database, &bench.config, NULL, "heir", LANES, &heir, &err));
    assert_true(
        folder_step(heir, &folded, &err)); /* may take what is idle, not what is being folded */
    assert_int_equal(folded, 0);
    run_sql(&blocker, "ROLLBACK");
    assert_int_equal(pthread_join(s.thread, NULL), 0);
    assert_true(s.ok);
    assert_int_equal(s.folded, 7);
    folder_close(&s.folder);
    folder_close(&heir);
    db_close(&blocker.db);
    fold_to_end(&bench);
    assert_replay_is_clean(&bench);
    assert_int_equal(count_of(&bench, "SELECT sum(events) FROM cartwright.unknown_type"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_fold_survives_the_loss_of_its_connection_before_any_query, setup, teardown),
        cmocka_unit_test_setup_teardown(the_fold_survives_the_loss_of_any_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(so_does_that_of_who_was_put_off_and_of_what_changes_hands,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            the_fold_survives_the_loss_of_any_answer_while_what_it_derives_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_lease_that_ends_in_the_middle_of_a_transaction_lets_nobody_fold_twice, setup,
            teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
