#include "integration/store/store_spec.h"

#include "base/clock.h"
#include "base/stop.h"
#include "store/pg/pool.h"

#include <pthread.h>
#include <stdatomic.h>

static struct pool *open_pool(int size, int64_t wait_us)
{
    struct pool *pool = NULL;
    assert_ok(pool_open(spec.url, spec.prepared, size, wait_us, &pool, &spec.err));
    return pool;
}

static struct lease take(struct pool *pool)
{
    struct lease lease = {.pool = pool};
    assert_ok(pool_lease(pool, &lease, &spec.err));
    return lease;
}

static int backend(const struct lease *lease)
{
    return PQbackendPID(db_conn(lease->db));
}

/* Ends the lease's connection at the server's side. */
static const char *kill_text(const struct lease *lease)
{
    return arena_printf(&spec.arena, "SELECT pg_terminate_backend(%d, 5000)", backend(lease));
}

static void a_connection_comes_back_to_whoever_asks_next(void **state)
{
    (void)state;
    struct pool *pool = open_pool(1, SECONDS(5));
    struct lease lease = take(pool);
    int first = backend(&lease);
    pool_return(&lease);
    pool_return(&lease); /* harmless */
    lease = take(pool);
    assert_int_equal(backend(&lease), first);
    pool_return(&lease);
    pool_close(&pool);
}

static void a_full_pool_answers_busy_after_its_wait(void **state)
{
    (void)state;
    struct pool *pool = open_pool(1, 50000);
    struct lease lease = take(pool);
    struct lease second = {.pool = pool};
    int64_t start = clock_monotonic_us();
    assert_fails(pool_lease(pool, &second, &spec.err), ERR_BUSY);
    assert_true(clock_monotonic_us() - start >= 50000);
    assert_string_equal(spec.err.text, "no database connection within 50 ms");
    pool_return(&lease);
    pool_close(&pool);
}

static void *take_and_return(void *arg)
{
    struct pool *pool = arg;
    struct lease lease = {.pool = pool};
    struct err err = {0};
    bool ok = pool_lease(pool, &lease, &err);
    pool_return(&lease);
    return ok ? pool : NULL;
}

static void who_waits_is_woken_by_a_return(void **state)
{
    (void)state;
    struct pool *pool = open_pool(1, SECONDS(20));
    struct lease lease = take(pool);
    pthread_t thread;
    void *ok = NULL;
    assert_int_equal(pthread_create(&thread, NULL, take_and_return, pool), 0);
    pool_return(&lease);
    assert_int_equal(pthread_join(thread, &ok), 0);
    assert_ptr_equal(ok, pool);
    pool_close(&pool);
}

static void an_open_transaction_is_rolled_back_on_return(void **state)
{
    (void)state;
    struct pool *pool = open_pool(1, SECONDS(5));
    struct lease lease = take(pool);
    struct event_row row = an_event();
    enum append_status status;
    assert_ok(db_begin(lease.db, &spec.err));
    assert_ok(store_events_append(lease.db, &row, 1, ORIGIN_API, NOW_US, &status, &spec.err));
    pool_return(&lease);
    lease = take(pool);
    assert_false(db_in_transaction(lease.db));
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.event"), 0);
    pool_return(&lease);
    pool_close(&pool);
}

static void a_connection_that_broke_in_use_is_replaced(void **state)
{
    (void)state;
    struct pool *pool = open_pool(1, SECONDS(5));
    struct lease lease = take(pool);
    int first = backend(&lease);
    sql(kill_text(&lease));
    PQclear(PQexec(db_conn(lease.db), "SELECT 1"));
    pool_return(&lease);
    lease = take(pool);
    assert_int_not_equal(backend(&lease), first);
    assert_true(db_alive(lease.db));
    pool_return(&lease);
    pool_close(&pool);
}

static void a_connection_that_broke_while_idle_is_replaced_before_anybody_notices(void **state)
{
    (void)state;
    struct pool *pool = open_pool(1, SECONDS(5));
    struct lease lease = take(pool);
    const char *kill = kill_text(&lease);
    pool_return(&lease);
    sql(kill);
    lease = take(pool);
    PGresult *rows = NULL;
    assert_ok(db_query(lease.db, Q_keys_list, NULL, &rows, &spec.err));
    rows_clear(&rows);
    pool_return(&lease);
    pool_close(&pool);
}

/* From outside: nobody may shut the database they are in. */
static void allow_connections(const char *yes_or_no)
{
    PGconn *outside = PQconnectdb(arena_printf(&spec.arena, "%s&dbname=postgres", spec.url));
    PGresult *res =
        PQexec(outside, arena_printf(&spec.arena, "ALTER DATABASE \"%s\" ALLOW_CONNECTIONS %s",
                                     PQdb(db_conn(spec.db)), yes_or_no));
    assert_int_equal(PQresultStatus(res), PGRES_COMMAND_OK);
    PQclear(res);
    PQfinish(outside);
}

static void retry_until_connected(struct pool *pool, struct lease *lease)
{
    while (!pool_lease(pool, lease, &spec.err)) {
        assert_int_equal(spec.err.kind, ERR_BUSY);
    }
}

static void while_the_server_refuses_takers_wait_and_are_told_why(void **state)
{
    (void)state;
    struct pool *pool = open_pool(2, 300000);
    struct lease lease = take(pool);
    struct lease second = {.pool = pool};
    allow_connections("false");
    int64_t start = clock_monotonic_us();
    assert_fails(pool_lease(pool, &second, &spec.err), ERR_BUSY);
    assert_text_contains(spec.err.text, "not currently accepting connections");
    assert_true(clock_monotonic_us() - start < SECONDS(5));
    allow_connections("true");
    retry_until_connected(pool, &second); /* the test's time limit ends a wait for ever */
    pool_return(&second);
    pool_return(&lease);
    pool_close(&pool);
}

/* The pool rolls dice once a connect that failed, for how long to stay away. Loaded ones give the longest time, or nearly. */
static _Atomic bool loaded;
static _Atomic int rolled;

void __real_hash_random(void *out,
                        size_t len); // NOLINT(bugprone-reserved-identifier): the linker's names
void __wrap_hash_random(void *out, size_t len); // NOLINT(bugprone-reserved-identifier)

void __wrap_hash_random(void *out, size_t len) // NOLINT(bugprone-reserved-identifier)
{
    static const uint32_t longest = 4999999;
    rolled++;
    if (loaded && len == sizeof longest) {
        memcpy(out, &longest, len);
    } else {
        __real_hash_random(out, len);
    }
}

static void lose_connection(struct lease *lease)
{
    sql(kill_text(lease));
    PQclear(PQexec(db_conn(lease->db), "SELECT 1"));
    pool_return(lease);
}

/* Else one hiccup after an outage that is long over would cost seconds. */
static void a_success_ends_the_backoff_and_the_next_outage_begins_with_short_ones(void **state)
{
    (void)state;
    struct pool *pool = open_pool(1, 300000);
    struct lease lease = take(pool);
    loaded = true;
    lose_connection(&lease);
    allow_connections("false");
    rolled = 0;
    while (rolled < 6) { /* 50, 100, 200 ms ... */
        assert_fails(pool_lease(pool, &lease, &spec.err), ERR_BUSY);
    }
    allow_connections("true");
    retry_until_connected(pool, &lease);
    lose_connection(&lease);

    allow_connections("false");
    rolled = 0;
    assert_fails(pool_lease(pool, &lease, &spec.err), ERR_BUSY);
    assert_true(rolled >= 2); /* within 300 ms; the seventh in a row would have been its only one */

    loaded = false;
    allow_connections("true");
    retry_until_connected(pool, &lease);
    pool_return(&lease);
    pool_close(&pool);
}

static void a_wrong_address_is_told_when_the_pool_opens(void **state)
{
    (void)state;
    struct pool *pool = NULL;
    assert_fails(pool_open("host=/nowhere", true, 2, SECONDS(1), &pool, &spec.err), ERR_BUSY);
    assert_null(pool);
    pool_close(&pool); /* accepts NULL */
}

/* ---- the line ---- */

struct taker {
    pthread_t thread;
    struct pool *pool;
    atomic_int *served; /* how many were before it */
    int place;
};

static void *take_in_turn(void *arg)
{
    struct taker *t = arg;
    struct lease lease = {.pool = t->pool};
    struct err err = {0};
    bool ok = pool_lease(t->pool, &lease, &err);
    t->place = atomic_fetch_add(t->served, 1);
    pool_return(&lease);
    return ok ? t : NULL;
}

static void await_line(struct pool *pool, int waiting)
{
    struct pool_state now;
    do {
        pool_look(pool, &now);
        (void)stop_wait_us(1000);
    } while (now.waiting != waiting);
}

static void who_waits_is_served_in_order_and_can_be_counted(void **state)
{
    (void)state;
    enum { TAKERS = 6 };
    struct pool *pool = open_pool(1, SECONDS(60));
    struct lease lease = take(pool);
    struct taker takers[TAKERS];
    struct pool_state now;
    atomic_int served = 0;
    for (int i = 0; i < TAKERS; i++) {
        takers[i] = (struct taker){.pool = pool, .served = &served};
        assert_int_equal(pthread_create(&takers[i].thread, NULL, take_in_turn, &takers[i]), 0);
        await_line(pool, i + 1);
    }
    pool_look(pool, &now);
    assert_int_equal(now.in_use, 1);
    assert_int_equal(now.size, 1);
    assert_true(now.oldest_us > 0);
    pool_return(&lease);
    for (int i = 0; i < TAKERS; i++) {
        void *ok = NULL;
        assert_int_equal(pthread_join(takers[i].thread, &ok), 0);
        assert_ptr_equal(ok, &takers[i]);
        assert_int_equal(takers[i].place, i);
    }
    pool_look(pool, &now);
    assert_int_equal(now.waiting, 0);
    assert_int_equal(now.in_use, 0);
    assert_int_equal(now.oldest_us, 0);
    pool_close(&pool);
}

static void an_old_connection_is_replaced_between_two_leases(void **state)
{
    (void)state;
    struct pool *pool = open_pool(1, SECONDS(20));
    pool_bound(pool, 0, 1000);
    struct lease lease = take(pool);
    lose_connection(&lease); /* the first is from before the bound */
    lease = take(pool);
    PGconn *first = db_conn(lease.db);
    PQclear(PQexec(first, "SET application_name = 'old'"));
    (void)stop_wait_us(5000);
    pool_return(&lease);
    lease = take(pool);
    PGresult *res = PQexec(db_conn(lease.db), "SHOW application_name");
    assert_string_equal(PQgetvalue(res, 0, 0), "cartwright");
    PQclear(res);
    pool_return(&lease);
    pool_close(&pool);
}

static void a_lease_ends_within_its_bound(void **state)
{
    (void)state;
    struct pool *pool = open_pool(1, SECONDS(20));
    PGresult *rows = NULL;
    pool_bound(pool, 200000, 0);
    struct lease lease = take(pool);
    sql("BEGIN");
    sql("LOCK TABLE cartwright.api_key");
    assert_fails(db_query(lease.db, Q_keys_list, NULL, &rows, &spec.err), ERR_BUSY);
    sql("ROLLBACK");
    pool_return(&lease);
    lease = take(pool); /* a new connection, with a new bound */
    assert_ok(db_query(lease.db, Q_keys_list, NULL, &rows, &spec.err));
    rows_clear(&rows);
    pool_return(&lease);
    pool_close(&pool);
}

/* ---- many threads ---- */

enum { THREADS = 8, ROUNDS = 50, BREAKS = 8 };

static void *use_often(void *arg)
{
    struct pool *pool = arg;
    bool ok = true;
    for (int i = 0; ok && i < ROUNDS; i++) {
        struct lease lease = {.pool = pool};
        struct err err = {0};
        PGresult *rows = NULL;
        ok = pool_lease(pool, &lease, &err) && db_query(lease.db, Q_keys_list, NULL, &rows, &err);
        rows_clear(&rows);
        pool_return(&lease);
    }
    return ok ? pool : NULL;
}

/* What it leases, breaks in its hands. */
static void *break_often(void *arg)
{
    struct pool *pool = arg;
    bool ok = true;
    for (int i = 0; ok && i < BREAKS; i++) {
        struct lease lease = {.pool = pool};
        struct err err = {0};
        ok = pool_lease(pool, &lease, &err);
        if (ok) {
            PQclear(PQexec(db_conn(lease.db), "SELECT pg_terminate_backend(pg_backend_pid())"));
            PQclear(PQexec(db_conn(lease.db), "SELECT 1"));
        }
        pool_return(&lease);
    }
    return ok ? pool : NULL;
}

static void run_threads(struct pool *pool, void *(*even)(void *), void *(*odd)(void *))
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, i % 2 ? odd : even, pool), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *ok = NULL;
        (void)pthread_join(threads[i], &ok);
        assert_ptr_equal(ok, pool);
    }
}

static void connections_that_break_while_others_are_used_are_replaced(void **state)
{
    (void)state;
    struct pool *pool = open_pool(3, SECONDS(30));
    run_threads(pool, use_often, break_often);
    pool_close(&pool);
}

static void more_threads_than_connections_all_get_their_turn(void **state)
{
    (void)state;
    struct pool *pool = open_pool(3, SECONDS(30));
    run_threads(pool, use_often, use_often);
    assert_true(
        sql_number("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()") <=
        4);
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(a_connection_comes_back_to_whoever_asks_next),
        SPEC_TEST(a_full_pool_answers_busy_after_its_wait),
        SPEC_TEST(who_waits_is_woken_by_a_return),
        SPEC_TEST(an_open_transaction_is_rolled_back_on_return),
        SPEC_TEST(a_connection_that_broke_in_use_is_replaced),
        SPEC_TEST(a_connection_that_broke_while_idle_is_replaced_before_anybody_notices),
        SPEC_TEST(while_the_server_refuses_takers_wait_and_are_told_why),
        SPEC_TEST(a_success_ends_the_backoff_and_the_next_outage_begins_with_short_ones),
        SPEC_TEST(a_wrong_address_is_told_when_the_pool_opens),
        SPEC_TEST(who_waits_is_served_in_order_and_can_be_counted),
        SPEC_TEST(an_old_connection_is_replaced_between_two_leases),
        SPEC_TEST(a_lease_ends_within_its_bound),
        SPEC_TEST(more_threads_than_connections_all_get_their_turn),
        SPEC_TEST(connections_that_break_while_others_are_used_are_replaced),
    };
    return RUN_BOTH_WAYS(tests);
}
