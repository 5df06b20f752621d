#include "integration/store/store_spec.h"

#include "base/clock.h"
#include "base/stop.h"
#include "store/pg/pool.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- queries ---- */

static void every_query_prepares_against_the_migrated_schema(void **state)
{
    (void)state;
    assert_true(Q_COUNT > 40);
    for (int q = 0; q < Q_COUNT; q++) {
        PGresult *res = PQprepare(db_conn(spec.db), arena_printf(&spec.arena, "again_%d", q),
                                  query_defs[q].sql, 0, NULL);
        if (PQresultStatus(res) != PGRES_COMMAND_OK) {
            print_error("%s: %s", query_defs[q].name, PQerrorMessage(db_conn(spec.db)));
            fail();
        }
        PQclear(res);
    }
}

static void
a_query_that_no_longer_fits_fails_by_name_the_pool_at_start_and_nothing_beside_it(void **state)
{
    CLEANUP(db_close) struct db *db = NULL;
    struct pool *pool = NULL;
    (void)state;
    sql("ALTER TABLE cartwright.api_key RENAME COLUMN name TO label");
    assert_fails(pool_open(spec.url, true, 1, 0, &pool, &spec.err), ERR_INTERNAL);
    assert_text_contains(spec.err.text, "key_");
    assert_null(pool);

    assert_ok(db_open(spec.url, true, &db, &spec.err));
    for (int i = 0; i < 2; i++) {
        assert_fails(db_prepare_all(db, &spec.err), ERR_INTERNAL);
        assert_text_contains(spec.err.text, "key_");
        assert_true(db_alive(db));
    }
    sql("ALTER TABLE cartwright.api_key RENAME COLUMN label TO name");
    assert_ok(db_prepare_all(db, &spec.err)); /* those before it were, and are not again */
    assert_ok(db_prepare_all(db, &spec.err));
}

static int64_t prepared_on(struct db *db)
{
    PGresult *res = PQexec(db_conn(db), "SELECT count(*) FROM pg_prepared_statements");
    const int64_t n = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
    PQclear(res);
    return n;
}

static bool ignore_row(void *ctx, const PGresult *row, struct err *err)
{
    (void)ctx;
    (void)row;
    (void)err;
    return true;
}

/* What is prepared stays so, also where the transaction is rolled back. */
static void ask_in_a_transaction_and_without(struct db *db)
{
    assert_ok(db_begin(db, &spec.err));
    assert_ok(db_exec(db, Q_lanes_orphaned, NULL, NULL, &spec.err));
    db_rollback(db);
    assert_ok(db_stream(db, Q_lanes_orphaned, NULL, ignore_row, NULL, &spec.err));
}

static void a_connection_prepares_what_it_is_asked(void **state)
{
    CLEANUP(db_close) struct db *db = NULL;
    (void)state;
    if (pg_fixture_pooled()) {
        skip();
    }
    assert_ok(db_open(spec.url, true, &db, &spec.err));
    assert_int_equal(prepared_on(db), 0);
    for (int i = 0; i < 3; i++) {
        ask_in_a_transaction_and_without(db);
        assert_int_equal(prepared_on(db), 1);
    }
    assert_ok(db_prepare_all(db, &spec.err));
    assert_int_equal(prepared_on(db), Q_COUNT);
}

static void an_address_that_is_none_is_the_operators_fault_and_an_absent_server_is_not(void **state)
{
    (void)state;
    struct db *db = NULL;
    assert_fails(db_open("host", true, &db, &spec.err), ERR_INVALID);
    assert_string_equal(spec.err.path, "database_url");
    assert_fails(db_open("host=/nowhere dbname=x", true, &db, &spec.err), ERR_BUSY);
    assert_null(strchr(spec.err.text, '\n'));
}

/* ---- values ---- */

/* Sends the parameters to a statement of the test's own. */
static PGresult *echo(const char *text, const struct params *p)
{
    PGresult *res = PQexecParams(db_conn(spec.db), text, p->count, p->types, p->values, p->lengths,
                                 p->formats, 1);
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        print_error("%s", PQerrorMessage(db_conn(spec.db)));
        fail();
    }
    return res;
}

static void single_values_come_back_exactly(void **state)
{
    (void)state;
    struct params p = params_make(&spec.arena);
    param_i32(&p, INT32_MIN);
    param_i64(&p, INT64_MIN + 1);
    param_f64(&p, 0.1);
    param_bool(&p, true);
    param_text(&p, "häß");
    param_textn(&p, "abcdef", 3);
    param_jsonb(&p, "{\"a\": 1}", 8);
    param_bytes(&p, "\0\xff", 2);
    param_time(&p, NOW_US);
    PGresult *r = echo("SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9", &p);
    assert_int_equal(row_i32(r, 0, 0), INT32_MIN);
    assert_true(row_i64(r, 0, 1) == INT64_MIN + 1);
    assert_true(row_f64(r, 0, 2) == 0.1);
    assert_true(row_bool(r, 0, 3));
    assert_string_equal(row_text(r, 0, 4), "häß");
    assert_string_equal(row_text(r, 0, 5), "abc");
    assert_string_equal(row_text(r, 0, 6), "{\"a\": 1}");
    assert_int_equal(row_len(r, 0, 6), 8);
    assert_int_equal(row_len(r, 0, 7), 2);
    assert_memory_equal(row_bytes(r, 0, 7), "\0\xff", 2);
    assert_int_equal(row_time(r, 0, 8), NOW_US);
    PQclear(r);
}

static void what_has_no_value_is_null_both_ways(void **state)
{
    (void)state;
    struct params p = params_make(&spec.arena);
    param_text(&p, NULL);
    param_jsonb(&p, NULL, 0);
    param_time_opt(&p, 0);
    param_f64(&p, (double)NAN);
    PGresult *r = echo("SELECT $1, $2, $3, $4", &p);
    for (int c = 0; c < 4; c++) {
        assert_true(row_null(r, 0, c));
    }
    assert_null(row_text(r, 0, 0));
    assert_int_equal(row_time(r, 0, 2), 0);
    assert_true(isnan(row_f64(r, 0, 3)));
    assert_int_equal(row_i64_or(r, 0, 0, -1), -1);
    PQclear(r);
}

static void times_reach_from_minus_infinity_to_infinity(void **state)
{
    (void)state;
    static const int64_t times[] = {INT64_MIN, -1, 946684800000000, INT64_MAX};
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        struct params p = params_make(&spec.arena);
        param_time(&p, times[i]);
        PGresult *r = echo("SELECT $1", &p);
        assert_true(row_time(r, 0, 0) == times[i]);
        PQclear(r);
    }
    struct params p = params_make(&spec.arena);
    param_time(&p, -1);
    PGresult *r = echo("SELECT ($1 AT TIME ZONE 'UTC')::text", &p);
    assert_string_equal(row_text(r, 0, 0), "1969-12-31 23:59:59.999999");
    PQclear(r);
}

static void arrays_arrive_element_by_element(void **state)
{
    (void)state;
    struct params p = params_make(&spec.arena);
    param_i32_array(&p, (const int32_t[]){1, -2}, 2);
    param_i64_array(&p, (const int64_t[]){INT64_MAX, INT64_MIN}, 2);
    param_f64_array(&p, (const double[]){0.5, (double)NAN}, 2);
    param_bool_array(&p, (const bool[]){true, false}, 2);
    param_text_array(&p, (const char *const[]){"a,\"b\"", NULL, ""}, 3);
    param_jsonb_array(&p, (const char *const[]){"{}", NULL}, 2);
    param_time_array(&p, (const int64_t[]){0, INT64_MIN}, 2);
    param_text_array(&p, NULL, 0);
    PGresult *r =
        echo("SELECT concat_ws(' ', $1::text, $2::text, $3::text, $4::text, $5::text, $6::text,"
             " ($7::timestamptz[])[1] AT TIME ZONE 'UTC', ($7::timestamptz[])[2], $8::text)",
             &p);
    assert_string_equal(
        row_text(r, 0, 0),
        "{1,-2} {9223372036854775807,NULL} {0.5,NULL} {t,f} {\"a,\\\"b\\\"\",NULL,\"\"} {\"{}\",NULL} "
        "1970-01-01 00:00:00 {}");
    PQclear(r);
}

static void a_text_array_reads_back(void **state)
{
    (void)state;
    struct params p = params_make(&spec.arena);
    size_t n;
    param_text_array(&p, (const char *const[]){"x", NULL, "yy"}, 3);
    param_text_array(&p, NULL, 0);
    PGresult *r = echo("SELECT $1, $2", &p);
    const char **texts = row_text_array(r, 0, 0, &n, &spec.arena);
    assert_int_equal(n, 3);
    assert_string_equal(texts[0], "x");
    assert_null(texts[1]);
    assert_string_equal(texts[2], "yy");
    (void)row_text_array(r, 0, 1, &n, &spec.arena);
    assert_int_equal(n, 0);
    PQclear(r);
}

/* ---- failures ---- */

static bool any_query(struct db *db)
{
    PGresult *rows = NULL;
    bool ok = db_query(db, Q_keys_list, NULL, &rows, &spec.err);
    rows_clear(&rows);
    return ok;
}

static void a_connection_the_server_ended_is_noticed_before_it_is_used(void **state)
{
    (void)state;
    struct db *other = spec_connect();
    const char *kill = arena_printf(&spec.arena, "SELECT pg_terminate_backend(%d, 5000)",
                                    PQbackendPID(db_conn(other)));
    assert_true(db_still_alive(other));
    sql(kill);
    assert_false(db_still_alive(other));
    assert_false(db_alive(other));
    db_close(&other);
}

static void a_connection_that_breaks_under_a_query_is_busy_and_retryable(void **state)
{
    (void)state;
    struct db *other = spec_connect();
    sql(arena_printf(&spec.arena, "SELECT pg_terminate_backend(%d, 5000)",
                     PQbackendPID(db_conn(other))));
    assert_fails(any_query(other), ERR_BUSY);
    assert_true(db_retryable(other));
    assert_false(db_alive(other));
    db_close(&other);
}

static void a_defect_of_ours_names_the_query_and_is_not_retried(void **state)
{
    (void)state;
    sql("DROP TABLE cartwright.api_key");
    assert_fails(any_query(spec.db), ERR_INTERNAL);
    assert_text_contains(spec.err.text, "keys_list: ");
    assert_text_contains(spec.err.text, "(42P01)");
    assert_false(db_retryable(spec.db));
    assert_true(db_alive(spec.db));
}

static void a_statement_that_takes_too_long_is_busy(void **state)
{
    (void)state;
    struct db *other = spec_connect();
    sql("BEGIN");
    sql("LOCK TABLE cartwright.api_key");
    PQclear(PQexec(db_conn(other), "SET statement_timeout = '100ms'"));
    assert_fails(any_query(other), ERR_BUSY);
    assert_false(db_retryable(other));
    sql("ROLLBACK");
    assert_true(any_query(other));
    db_close(&other);
}

/* ---- several queries in one round trip ---- */

static void several_queries_are_answered_in_their_order_inside_one_transaction(void **state)
{
    (void)state;
    struct db_call calls[] = {{.query = Q_lane_owners_count}, {.query = Q_keys_list}};
    assert_ok(db_begin_with(spec.db, calls, 2, &spec.err));
    assert_int_equal(row_i64(calls[0].rows, 0, 0), 0);
    assert_int_equal(PQntuples(calls[1].rows), 0);
    assert_true(db_in_transaction(spec.db));
    (void)append(an_event());
    db_rollback(spec.db);
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.event"), 0);
    db_calls_clear(calls, 2);
    assert_null(calls[0].rows);
}

static void the_first_query_that_fails_ends_them_by_name_and_the_connection_lives(void **state)
{
    (void)state;
    struct db_call calls[] = {
        {.query = Q_lane_owners_count}, {.query = Q_keys_list}, {.query = Q_lane_owners_count}};
    assert_ok(db_prepare_all(spec.db, &spec.err)); /* so that it fails where it is run */
    sql("DROP TABLE cartwright.api_key");
    assert_fails(db_begin_with(spec.db, calls, 3, &spec.err), ERR_INTERNAL);
    assert_text_contains(spec.err.text, "keys_list: ");
    assert_non_null(calls[0].rows);
    assert_null(calls[2].rows);
    assert_false(db_retryable(spec.db));
    assert_true(db_in_transaction(spec.db));
    db_rollback(spec.db);
    assert_true(db_alive(spec.db));
    assert_int_equal(sql_number("SELECT 7"), 7);
    db_calls_clear(calls, 3);
}

static void several_queries_are_asked_in_one_round_trip_without_a_transaction(void **state)
{
    (void)state;
    struct db_call calls[] = {{.query = Q_lane_owners_count}, {.query = Q_keys_list}};
    assert_ok(db_ask(spec.db, calls, 2, &spec.err));
    assert_int_equal(row_i64(calls[0].rows, 0, 0), 0);
    assert_int_equal(PQntuples(calls[1].rows), 0);
    assert_false(db_in_transaction(spec.db));
    db_calls_clear(calls, 2);
    sql("DROP TABLE cartwright.api_key");
    struct db_call more[] = {
        {.query = Q_lane_owners_count}, {.query = Q_keys_list}, {.query = Q_lane_owners_count}};
    assert_fails(db_ask(spec.db, more, 3, &spec.err), ERR_INTERNAL);
    assert_text_contains(spec.err.text, "keys_list: ");
    assert_null(more[2].rows);
    assert_false(db_in_transaction(spec.db));
    assert_int_equal(sql_number("SELECT 7"), 7);
    db_calls_clear(more, 3);
}

static void a_connection_that_breaks_under_several_is_busy_retryable_and_dead(void **state)
{
    (void)state;
    struct db *other = spec_connect();
    struct db_call calls[] = {{.query = Q_lane_owners_count}, {.query = Q_keys_list}};
    sql(arena_printf(&spec.arena, "SELECT pg_terminate_backend(%d, 5000)",
                     PQbackendPID(db_conn(other))));
    assert_fails(db_begin_with(other, calls, 2, &spec.err), ERR_BUSY);
    assert_true(db_retryable(other));
    assert_false(db_alive(other));
    db_calls_clear(calls, 2);
    db_close(&other);
}

/* ---- transactions ---- */

static void a_commit_after_a_failure_is_refused_not_silently_rolled_back(void **state)
{
    (void)state;
    assert_ok(db_begin(spec.db, &spec.err));
    (void)append(an_event());
    PQclear(PQexec(db_conn(spec.db), "SELECT nonsense"));
    assert_fails(db_commit(spec.db, &spec.err), ERR_INTERNAL);
    assert_false(db_in_transaction(spec.db));
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.event"), 0);
}

static void rolling_back_nothing_does_nothing(void **state)
{
    (void)state;
    db_rollback(spec.db);
    assert_true(db_alive(spec.db));
}

static void a_snapshot_stands_still_and_writes_nothing(void **state)
{
    (void)state;
    struct db *other = spec_connect();
    struct event_row row = an_event();
    enum append_status status;
    assert_ok(db_begin_snapshot(spec.db, &spec.err));
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.event"), 0);
    assert_ok(store_events_append(other, &row, 1, ORIGIN_API, NOW_US, &status, &spec.err));
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.event"), 0);
    PGresult *res = PQexec(db_conn(spec.db), "DELETE FROM cartwright.log");
    assert_string_equal(PQresultErrorField(res, PG_DIAG_SQLSTATE), "25006");
    PQclear(res);
    db_rollback(spec.db);
    db_close(&other);
}

/* ---- bounds ---- */

/* Another connection holds the table, and does nothing. */
static void hold_table(void)
{
    sql("BEGIN");
    sql("LOCK TABLE cartwright.api_key");
}

/* The server's own timeouts do not tick where it stands still; a statement outside of transactions has none at all. */
static void nothing_is_waited_for_beyond_the_bound_of_the_connection(void **state)
{
    (void)state;
    struct db *other = spec_connect();
    const int64_t from_us = clock_monotonic_us();
    hold_table();
    db_bound(other, from_us + 200000);
    assert_fails(any_query(other), ERR_BUSY);
    assert_true(clock_monotonic_us() - from_us >= 200000);
    assert_text_contains(spec.err.text, "does not answer");
    assert_false(db_alive(other)); /* an answer that came later would be taken for another's */
    db_rollback(other);
    sql("ROLLBACK");
    db_close(&other);
}

static void a_pipeline_ends_at_the_bound_as_well(void **state)
{
    (void)state;
    struct db *other = spec_connect();
    struct db_call calls[] = {{.query = Q_keys_list}, {.query = Q_lane_owners_count}};
    db_patience(other, SECONDS(600));
    hold_table();
    db_bound(other, clock_monotonic_us() + 200000);
    assert_fails(db_begin_with(other, calls, 2, &spec.err), ERR_BUSY);
    sql("ROLLBACK");
    db_calls_clear(calls, 2);
    db_close(&other);
}

static void a_transaction_waits_for_a_lock_as_long_as_its_patience(void **state)
{
    (void)state;
    struct db *other = spec_connect();
    hold_table();
    db_patience(other, 50000);
    assert_ok(db_begin(other, &spec.err));
    assert_fails(any_query(other), ERR_BUSY);
    assert_true(db_locked_out(other));
    assert_true(db_retryable(other));
    db_rollback(other);
    assert_true(db_locked_out(other)); /* it is the reason for the rollback */
    assert_true(db_alive(other));
    sql("ROLLBACK");
    assert_ok(any_query(other));
    assert_false(db_locked_out(other));
    db_close(&other);
}

static bool no_copy(void *ctx, const struct copy_row *row, struct err *err)
{
    (void)ctx, (void)row, (void)err;
    return true;
}

/* Who was given up on fails by another reason than the call before. */
static void what_a_call_failed_by_is_not_told_of_the_next(void **state)
{
    (void)state;
    struct db *other = spec_connect();
    hold_table();
    db_patience(other, 50000);
    assert_ok(db_begin(other, &spec.err));
    assert_fails(any_query(other), ERR_BUSY);
    assert_true(db_locked_out(other));
    db_bound(other, clock_monotonic_us() - 1);
    assert_fails(db_copy_out(other, Q_events_read, no_copy, NULL, &spec.err), ERR_BUSY);
    assert_false(db_locked_out(other));
    assert_false(db_retryable(other));
    sql("ROLLBACK");
    db_close(&other);
}

static const char *setting_of(struct db *db, const char *name)
{
    PGresult *res = PQexec(db_conn(db), arena_printf(&spec.arena, "SHOW %s", name));
    const char *value = arena_strdup(&spec.arena, PQgetvalue(res, 0, 0));
    PQclear(res);
    return value;
}

static void who_sleeps_with_locks_loses_them_but_not_who_only_reads(void **state)
{
    (void)state;
    struct db_call call = {.query = Q_lane_owners_count};
    assert_ok(db_begin(spec.db, &spec.err));
    assert_string_equal(setting_of(spec.db, "idle_in_transaction_session_timeout"), "10s");
    db_rollback(spec.db);
    assert_ok(db_begin_with(spec.db, &call, 1, &spec.err));
    assert_string_equal(setting_of(spec.db, "idle_in_transaction_session_timeout"), "10s");
    assert_string_equal(setting_of(spec.db, "lock_timeout"), "2s");
    db_rollback(spec.db);
    db_calls_clear(&call, 1);
    assert_ok(db_begin_snapshot(spec.db, &spec.err));
    assert_string_equal(setting_of(spec.db, "idle_in_transaction_session_timeout"), "0");
    db_rollback(spec.db);
}

/* A socket that takes connections and never says a word. */
static int silent_listener(int *out_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *out_port = ntohs(at.sin_port);
    return fd;
}

static void a_server_that_says_nothing_is_not_waited_for(void **state)
{
    (void)state;
    int port;
    int fd = silent_listener(&port);
    struct db *db = NULL;
    const char *at = arena_printf(&spec.arena, "host=127.0.0.1 port=%d", port);
    const int64_t from_us = clock_monotonic_us();
    assert_fails(db_open_by(at, true, from_us + 200000, &db, &spec.err), ERR_BUSY);
    assert_text_contains(spec.err.text, "does not answer");
    assert_true(clock_monotonic_us() - from_us < SECONDS(2)); /* libpq's least is two seconds */
    (void)close(fd);
}

static void the_end_of_a_stop_waits_for_no_answer(void **state)
{
    (void)state;
    struct db *other = spec_connect();
    hold_table();
    stop_cut_at(clock_monotonic_us() + 100000);
    assert_fails(any_query(other), ERR_BUSY);
    stop_reset();
    sql("ROLLBACK");
    db_close(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(every_query_prepares_against_the_migrated_schema),
        SPEC_TEST_HARMFUL(
            a_query_that_no_longer_fits_fails_by_name_the_pool_at_start_and_nothing_beside_it),
        SPEC_TEST(a_connection_prepares_what_it_is_asked),
        SPEC_TEST(an_address_that_is_none_is_the_operators_fault_and_an_absent_server_is_not),
        SPEC_TEST(single_values_come_back_exactly),
        SPEC_TEST(what_has_no_value_is_null_both_ways),
        SPEC_TEST(times_reach_from_minus_infinity_to_infinity),
        SPEC_TEST(arrays_arrive_element_by_element),
        SPEC_TEST(a_text_array_reads_back),
        SPEC_TEST(a_connection_the_server_ended_is_noticed_before_it_is_used),
        SPEC_TEST(a_connection_that_breaks_under_a_query_is_busy_and_retryable),
        SPEC_TEST_HARMFUL(a_defect_of_ours_names_the_query_and_is_not_retried),
        SPEC_TEST(a_statement_that_takes_too_long_is_busy),
        SPEC_TEST(several_queries_are_answered_in_their_order_inside_one_transaction),
        SPEC_TEST_HARMFUL(the_first_query_that_fails_ends_them_by_name_and_the_connection_lives),
        SPEC_TEST_HARMFUL(several_queries_are_asked_in_one_round_trip_without_a_transaction),
        SPEC_TEST(a_connection_that_breaks_under_several_is_busy_retryable_and_dead),
        SPEC_TEST(a_commit_after_a_failure_is_refused_not_silently_rolled_back),
        SPEC_TEST(rolling_back_nothing_does_nothing),
        SPEC_TEST(a_snapshot_stands_still_and_writes_nothing),
        SPEC_TEST(nothing_is_waited_for_beyond_the_bound_of_the_connection),
        SPEC_TEST(a_pipeline_ends_at_the_bound_as_well),
        SPEC_TEST(a_transaction_waits_for_a_lock_as_long_as_its_patience),
        SPEC_TEST(what_a_call_failed_by_is_not_told_of_the_next),
        SPEC_TEST(who_sleeps_with_locks_loses_them_but_not_who_only_reads),
        SPEC_TEST(a_server_that_says_nothing_is_not_waited_for),
        SPEC_TEST(the_end_of_a_stop_waits_for_no_answer),
    };
    return RUN_BOTH_WAYS(tests);
}
