#include "integration/store/store_spec.h"

#include "base/clock.h"

static struct lane_lease held[LANES];
static int held_count;

static int lease(const char *owner, int want)
{
    assert_ok(store_lanes_lease(spec.db, owner, SECONDS(60), want, held, &held_count, &spec.err));
    return held_count;
}

/* As if the lease of these lanes had run out; nothing else changes. */
static void let_leases_run_out(void)
{
    sql("UPDATE cartwright.lane_cursor SET lease_until = now() - interval '1 second'");
}

/* ---- leases ---- */

static void free_lanes_are_taken_up_to_what_is_wanted_in_order(void **state)
{
    (void)state;
    assert_int_equal(lease("a", 3), 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(held[i].lane, i);
        assert_int_equal(held[i].epoch, 1);
        assert_int_equal(held[i].off, 0);
    }
}

static void nobody_takes_a_lane_that_is_leased(void **state)
{
    (void)state;
    assert_int_equal(lease("a", 200), 200);
    assert_int_equal(lease("b", 200), 56);
    assert_int_equal(held[0].lane, 200);
}

static void renewing_keeps_lanes_and_epochs(void **state)
{
    (void)state;
    (void)lease("a", 5);
    assert_int_equal(lease("a", 5), 5);
    assert_int_equal(held[0].epoch, 1);
}

static void an_owner_whose_lease_ran_out_keeps_what_nobody_took(void **state)
{
    (void)state;
    (void)lease("a", 5);
    let_leases_run_out();
    assert_int_equal(lease("a", 5), 5);
    assert_int_equal(held[4].epoch, 1);
}

static void a_lane_taken_over_starts_another_epoch(void **state)
{
    (void)state;
    (void)lease("a", LANES);
    let_leases_run_out();
    assert_int_equal(lease("b", LANES), LANES);
    assert_int_equal(held[0].epoch, 2);
    assert_int_equal(lease("a", LANES), 0);
}

static void who_wants_less_gives_the_rest_back(void **state)
{
    (void)state;
    (void)lease("a", LANES);
    assert_int_equal(lease("a", 128), 128);
    assert_int_equal(lease("b", 128), 128);
    assert_int_equal(held[0].lane, 128);
    assert_int_equal(lease("a", 0), 0);
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.lane_cursor WHERE owner = 'a'"),
                     0);
}

static void released_lanes_are_free_at_once(void **state)
{
    (void)state;
    (void)lease("a", LANES);
    assert_ok(store_lanes_release(spec.db, "a", &spec.err));
    assert_int_equal(lease("b", LANES), LANES);
}

static void owners_are_counted_while_they_are_seen(void **state)
{
    (void)state;
    int owners = 0;
    assert_ok(store_lanes_owners(spec.db, "a", SECONDS(60), &owners, &spec.err));
    assert_int_equal(owners, 1);
    assert_ok(store_lanes_owners(spec.db, "b", SECONDS(60), &owners, &spec.err));
    assert_int_equal(owners, 2);
    assert_ok(store_lanes_release(spec.db, "a", &spec.err));
    assert_ok(store_lanes_owners(spec.db, "b", SECONDS(60), &owners, &spec.err));
    assert_int_equal(owners, 1);
    sql("UPDATE cartwright.lane_owner SET seen_until = now() - interval '1 second'");
    assert_ok(store_lanes_owners(spec.db, "c", SECONDS(60), &owners, &spec.err));
    assert_int_equal(owners, 1);
}

static int64_t lanes_of(const char *owner)
{
    return sql_number(arena_printf(
        &spec.arena, "SELECT count(*) FROM cartwright.lane_cursor WHERE owner = '%s'", owner));
}

static void who_gives_lanes_back_gives_back_its_own(void **state)
{
    (void)state;
    (void)lease("a", 100);
    (void)lease("b", LANES);
    assert_int_equal(lease("a", 50), 50); /* sheds the rest */
    assert_int_equal(lanes_of("b"), 156);
    assert_ok(store_lanes_release(spec.db, "a", &spec.err));
    assert_int_equal(lanes_of("a"), 0);
    assert_int_equal(lanes_of("b"), 156);
}

static void owners_that_died_an_hour_ago_are_forgotten(void **state)
{
    (void)state;
    sql("INSERT INTO cartwright.lane_owner VALUES ('fold', 'long gone', now() - interval '61 min'), "
        "('fold', 'of late', now() - interval '59 min'), ('other', 'a', '-infinity')");
    assert_ok(store_lanes_release(spec.db, "a", &spec.err));
    assert_string_equal(
        sql_text("SELECT string_agg(owner, ',' ORDER BY owner) FROM cartwright.lane_owner"),
        "a,of late");
}

/* ---- the fence ---- */

static void advance(const struct lane_lease *before, int64_t off)
{
    assert_ok(db_begin(spec.db, &spec.err));
    assert_ok(store_cursors_advance(spec.db, before, &off, 1, SECONDS(60), &spec.err));
    assert_ok(db_commit(spec.db, &spec.err));
}

static void a_cursor_moves_for_its_holder(void **state)
{
    (void)state;
    (void)lease("a", 1);
    advance(&held[0], 7);
    (void)lease("a", 1);
    assert_int_equal(held[0].off, 7);
}

static void a_zombie_cannot_move_a_lane_that_was_taken_from_it(void **state)
{
    (void)state;
    (void)lease("zombie", 1);
    struct lane_lease zombie = held[0];
    let_leases_run_out();
    (void)lease("b", 1);
    int64_t off = 7;

    assert_ok(db_begin(spec.db, &spec.err));
    assert_fails(store_cursors_advance(spec.db, &zombie, &off, 1, SECONDS(60), &spec.err),
                 ERR_CONFLICT);
    db_rollback(spec.db);

    assert_int_equal(sql_number("SELECT off FROM cartwright.lane_cursor WHERE lane = 0"), 0);
}

static void a_cursor_that_has_moved_already_does_not_move_again(void **state)
{
    (void)state;
    (void)lease("a", 1);
    struct lane_lease before = held[0];
    int64_t off = 9;
    advance(&before, 7);
    assert_ok(db_begin(spec.db, &spec.err));
    assert_fails(store_cursors_advance(spec.db, &before, &off, 1, SECONDS(60), &spec.err),
                 ERR_CONFLICT);
    db_rollback(spec.db);
}

static void one_fenced_lane_refuses_the_whole_batch(void **state)
{
    (void)state;
    const int64_t offs[] = {5, 5};
    (void)lease("a", 2);
    sql("UPDATE cartwright.lane_cursor SET epoch = epoch + 1 WHERE lane = 1");
    assert_ok(db_begin(spec.db, &spec.err));
    assert_fails(store_cursors_advance(spec.db, held, offs, 2, SECONDS(60), &spec.err),
                 ERR_CONFLICT);
    assert_text_contains(spec.err.text, "1 of 2");
    db_rollback(spec.db);
}

/* ---- retention ---- */

static void three_events(void)
{
    (void)append(an_event(.event_id = "1"));
    (void)append(an_event(.event_id = "2"));
    (void)append(an_event(.event_id = "3"));
}

static int64_t trimmed(int64_t floor)
{
    int64_t deleted = -1;
    assert_ok(db_begin(spec.db, &spec.err));
    assert_ok(store_lane_trim(spec.db, event_lane("c:ann"), floor, &deleted, &spec.err));
    assert_ok(db_commit(spec.db, &spec.err));
    return deleted;
}

static void a_lane_that_retention_emptied_goes_on_above_its_floor(void **state)
{
    (void)state;
    three_events();
    assert_int_equal(trimmed(3), 3);
    assert_int_equal(trimmed(1), 0); /* and the floor does not sink */
    assert_int_equal(append(an_event(.event_id = "4")), APPEND_STORED);
    assert_int_equal(sql_number("SELECT off FROM cartwright.event"), 4);
}

static void a_trimmed_lane_keeps_what_is_above_the_floor(void **state)
{
    (void)state;
    three_events();
    assert_int_equal(trimmed(2), 2);
    assert_int_equal(sql_number("SELECT off FROM cartwright.event"), 3);
    assert_int_equal(append(an_event(.event_id = "3")), APPEND_DUPLICATE);
    assert_int_equal(append(an_event(.event_id = "1")),
                     APPEND_STORED); /* past the dedup horizon: that is what retention costs */
}

static int64_t candidate(int64_t before_us)
{
    int64_t off = -1;
    assert_ok(store_lane_floor_candidate(spec.db, event_lane("c:ann"), before_us, &off, &spec.err));
    return off;
}

static void the_floor_stays_below_what_is_young_or_unfolded(void **state)
{
    (void)state;
    enum append_status status;
    struct event_row young = an_event(.event_id = "4");
    assert_int_equal(candidate(NOW_US), 0);
    three_events();
    assert_ok(store_events_append(spec.db, &young, 1, ORIGIN_API, NOW_US + 10, &status, &spec.err));
    assert_int_equal(candidate(INT64_MAX), 0); /* nothing is folded yet */
    sql("UPDATE cartwright.lane_cursor SET off = 4");
    assert_int_equal(candidate(NOW_US), 0);
    assert_int_equal(candidate(NOW_US + 1), 3);
    assert_int_equal(candidate(NOW_US + 11), 4);
    sql("UPDATE cartwright.lane_cursor SET off = 2");
    assert_int_equal(candidate(NOW_US + 11), 2);
}

static void the_lag_counts_what_is_past_the_cursors(void **state)
{
    (void)state;
    struct log_lag lag;
    assert_ok(store_lag(spec.db, NOW_US + 50, &lag, &spec.err));
    assert_int_equal(lag.events, 0);
    assert_int_equal(lag.oldest_us, 0);
    three_events();
    sql("UPDATE cartwright.lane_cursor SET off = 1");
    sql("INSERT INTO cartwright.dead_letter VALUES (1, 1, 'e', 'k', '', '', '{}', now())");
    assert_ok(store_lag(spec.db, NOW_US + 50, &lag, &spec.err));
    assert_int_equal(lag.events, 2);
    assert_int_equal(lag.oldest_us, 50);
    assert_int_equal(lag.dead, 1);
}

/* ---- whoever else may read the log one day ---- */

static const char *of_the_other(void)
{
    return sql_text(
        "SELECT md5(string_agg(c::text, ',' ORDER BY lane)) FROM cartwright.lane_cursor c "
        "WHERE consumer = 'audit'");
}

/* Cursors that look like the fold's own after a first lease, in all lanes, and an owner that is awake. */
static void another_consumer_s_lanes_are_let_alone(void **state)
{
    (void)state;
    const int64_t off = 7;
    struct log_lag lag;
    struct log_event *events;
    size_t count;
    int owners = 0;
    sql("INSERT INTO cartwright.lane_cursor (lane, consumer, owner, lease_until, epoch) "
        "SELECT lane, 'audit', 'a', 'infinity', 1 FROM cartwright.lane");
    sql("INSERT INTO cartwright.lane_owner VALUES ('audit', 'z', 'infinity')");
    const char *untouched = of_the_other();

    assert_ok(store_lanes_owners(spec.db, "a", SECONDS(60), &owners, &spec.err));
    assert_int_equal(owners, 1);
    assert_int_equal(lease("a", 5), 5);
    assert_int_equal(lease("a", 4), 4);
    advance(&held[0], off);
    assert_ok(store_lanes_release(spec.db, "a", &spec.err));
    assert_string_equal(of_the_other(), untouched);
    /* theirs are free, ours are as well: five lanes are five */
    sql("UPDATE cartwright.lane_cursor SET owner = NULL, lease_until = '-infinity'");
    assert_int_equal(lease("b", 5), 5);
    /* they have read one event, we all three */
    three_events();
    sql("UPDATE cartwright.lane_cursor SET off = CASE consumer WHEN 'fold' THEN 3 ELSE 1 END");
    assert_ok(store_lag(spec.db, NOW_US + 50, &lag, &spec.err));
    assert_int_equal(lag.events, 0);
    assert_int_equal(candidate(NOW_US + 1), 3);
    assert_ok(store_events_latest(spec.db, NOW_US - 1, 9, &spec.arena, &events, &count, &spec.err));
    assert_int_equal(count, 3);
}

/* ---- locks ---- */

static void a_locked_lane_takes_no_appends_until_commit(void **state)
{
    (void)state;
    struct db *other = spec_connect();
    enum append_status status;
    struct event_row row = an_event();
    PQclear(PQexec(db_conn(other), "SET lock_timeout = '100ms'"));
    const int32_t lane = event_lane("c:ann");
    struct db_call lock = store_lanes_lock(&lane, 1, &spec.arena);
    assert_ok(db_begin_with(spec.db, &lock, 1, &spec.err));
    db_calls_clear(&lock, 1);

    assert_fails(store_events_append(other, &row, 1, ORIGIN_API, NOW_US, &status, &spec.err),
                 ERR_BUSY);
    assert_true(db_retryable(other));
    assert_ok(db_commit(spec.db, &spec.err));
    assert_ok(store_events_append(other, &row, 1, ORIGIN_API, NOW_US, &status, &spec.err));

    assert_int_equal(status, APPEND_STORED);
    db_close(&other);
}

static void run_on(struct db *db, const char *text)
{
    PGresult *res = PQexec(db_conn(db), text);

    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", text, PQerrorMessage(db_conn(db)));
    }
    PQclear(res);
}

/* The plan as it could be: a scan of the table, in which any update may have put a row behind those that follow it. Out of
 * order, two who lock the same two lanes wait for each other. */
static void lanes_are_locked_in_ascending_order_however_their_rows_lie(void **state)
{
    (void)state;
    struct db *holder = spec_connect();
    struct db *locker = spec_connect();
    const char *lanes = "{5,3}";
    sql("UPDATE cartwright.lane SET floor_off = 0 WHERE lane = 3");
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.lane x, cartwright.lane y "
                                "WHERE x.lane = 3 AND y.lane = 5 AND x.ctid > y.ctid"),
                     1);
    run_on(holder, "BEGIN; SELECT FROM cartwright.lane WHERE lane = 5 FOR UPDATE");
    run_on(locker, "BEGIN; SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off");

    assert_int_equal(PQsendQueryParams(db_conn(locker),
                                       query_sql(Q_lanes_lock, pg_fixture_distributed()), 1, NULL,
                                       &lanes, NULL, NULL, 0),
                     1);
    pg_fixture_await_lock(db_conn(spec.db));

    assert_int_equal(sql_number("SELECT count(*) FROM (SELECT FROM cartwright.lane WHERE lane = 3 "
                                "FOR UPDATE SKIP LOCKED) AS free"),
                     0);
    run_on(holder, "ROLLBACK");
    db_close(&locker);
    db_close(&holder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(free_lanes_are_taken_up_to_what_is_wanted_in_order),
        SPEC_TEST(nobody_takes_a_lane_that_is_leased),
        SPEC_TEST(renewing_keeps_lanes_and_epochs),
        SPEC_TEST(an_owner_whose_lease_ran_out_keeps_what_nobody_took),
        SPEC_TEST(a_lane_taken_over_starts_another_epoch),
        SPEC_TEST(who_wants_less_gives_the_rest_back),
        SPEC_TEST(released_lanes_are_free_at_once),
        SPEC_TEST(owners_are_counted_while_they_are_seen),
        SPEC_TEST(who_gives_lanes_back_gives_back_its_own),
        SPEC_TEST(owners_that_died_an_hour_ago_are_forgotten),
        SPEC_TEST(a_cursor_moves_for_its_holder),
        SPEC_TEST(a_zombie_cannot_move_a_lane_that_was_taken_from_it),
        SPEC_TEST(a_cursor_that_has_moved_already_does_not_move_again),
        SPEC_TEST(one_fenced_lane_refuses_the_whole_batch),
        SPEC_TEST(a_lane_that_retention_emptied_goes_on_above_its_floor),
        SPEC_TEST(a_trimmed_lane_keeps_what_is_above_the_floor),
        SPEC_TEST(the_floor_stays_below_what_is_young_or_unfolded),
        SPEC_TEST(the_lag_counts_what_is_past_the_cursors),
        SPEC_TEST_HARMFUL(another_consumer_s_lanes_are_let_alone),
        SPEC_TEST(lanes_are_locked_in_ascending_order_however_their_rows_lie),
        SPEC_TEST(a_locked_lane_takes_no_appends_until_commit),
    };
    return RUN_BOTH_WAYS(tests);
}
