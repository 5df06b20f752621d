/* A log of before migration 31 becomes one of today while it is read and written: at every moment every event is there once. */
#include "integration/store/store_spec.h"

#include "base/rng.h"
#include "base/stop.h"
#include "store/carry.h"
#include "store/history.h"
#include "store/pg/migrate.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { BEFORE = 31, MIGRATIONS_MAX = 64 };

/* Every type, one that nobody knows, ids of all kinds, keys of some lanes; times that are what the columns say, and others. */
static const char fill_sql[] =
    "CREATE TABLE public.told AS"
    " SELECT n, (ARRAY['e-' || n, md5('x' || n), encode(sha256(('y' || n)::bytea), 'hex'), md5('z' || n)::uuid::text, 'evt_' || md5('z' || n)::uuid])[n % 5 + 1] AS id,"
    "        (CASE WHEN n % 3 = 0 THEN 'a:' ELSE 'c:' END) || 'shopper-' || n % 17 AS key,"
    "        (ARRAY['product_viewed', 'cart_item_added', 'purchase', 'searched', 'wheel_spun', 'identify', 'chat_message', 'forwarded', 'binding_set',"
    "               'outreach_released', 'consent_withdrawn'])[n % 11 + 1] AS type,"
    "        timestamptz '2026-01-01Z' + n * interval '1 second' + (n % 4) * interval '250 milliseconds' AS at"
    "   FROM generate_series(1, 900) n;"
    "SELECT count(*) FROM (SELECT array_agg(id ORDER BY n) AS ids, array_agg(key ORDER BY n) AS keys, array_agg(type ORDER BY n) AS types,"
    "       array_agg(at ORDER BY n) AS times, array_agg(body ORDER BY n) AS bodies FROM ("
    "  SELECT t.*, jsonb_build_object('event_id', id, 'type', type, CASE WHEN key < 'b' THEN 'anonymous_id' ELSE 'customer_id' END, substr(key, 3),"
    "          'occurred_at', CASE WHEN n % 7 = 0 THEN to_char(at AT TIME ZONE 'UTC' + interval '2 hours', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"+02:00\"')"
    "                              ELSE to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') END)"
    "      || CASE WHEN n % 2 = 0 THEN jsonb_build_object('cart_id', 'k' || n % 23) ELSE '{}' END"
    "      || CASE WHEN n % 5 = 0 AND key > 'b' THEN jsonb_build_object('anonymous_id', 'phone-' || n % 9) ELSE '{}' END"
    "      || CASE WHEN n % 3 = 1 THEN jsonb_build_object('items', jsonb_build_array(jsonb_build_object('product_id', 'p' || n, 'quantity', n % 3 + 1,"
    "           'price_minor', n, 'currency', 'EUR'))) ELSE '{}' END"
    "      || CASE WHEN n % 13 = 0 THEN '{\"properties\": {\"text\": \"say \\\"items\\\":[{ ä \\\\\\\\\"}}' ELSE '{}'::jsonb END AS body FROM public.told t) AS b) AS a"
    " CROSS JOIN LATERAL cartwright.append_rows(a.ids, a.keys, a.types, 'import', a.times, timestamptz '2026-02-01Z', a.bodies);"
    "CREATE TABLE public.aside AS SELECT lane, off, event_id, key, type, origin, occurred_at, received_at, body FROM cartwright.event";

static int count_before(const struct migration *list, int count)
{
    int n = 0;
    while (n < count && list[n].version < BEFORE) {
        n++;
    }
    return n;
}

/* A database as it was before, with events, and then migrated. spec.db is opened anew: its queries are prepared against the schema. */
static int begin(void **state)
{
    int count;
    const struct migration *list = migrate_embedded(&count);
    int rc = spec_begin(state);
    sql("SET client_min_messages = error");
    sql("DROP SCHEMA cartwright CASCADE");
    assert_ok(migrate_run_list(db_conn(spec.db), list, count_before(list, count), NULL, &spec.err));
    sql(fill_sql);
    assert_int_equal(sql_number("SELECT count(*) FROM public.aside"), 900);
    assert_ok(migrate_run(db_conn(spec.db), NULL, &spec.err));
    db_close(&spec.db);
    spec.db = spec_connect();
    return rc;
}

#define CARRY_TEST(name) cmocka_unit_test_setup_teardown(name, begin, spec_discard)

/* Events that are in one and not in the other, or another number of times. In one statement, and so as of one moment. */
static const char differ_sql[] =
    "SELECT count(*) FROM (SELECT lane, off, event_id, key, type, origin, occurred_at, received_at, body, count(*) FROM"
    "  (SELECT * FROM cartwright.event UNION ALL SELECT * FROM public.aside) AS both_of_them"
    " GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 HAVING count(*) <> 2) AS d";

static void expect_all(void)
{
    assert_int_equal(sql_number(differ_sql), 0);
}

static int64_t moved_of(int lane, int pages, int events)
{
    int64_t off = 0;
    int64_t all = 0;
    bool empty = false;
    for (int i = 0; i < pages && !empty; i++) {
        int64_t moved;
        assert_ok(store_carry_page(spec.db, lane, (struct events_most){events, INT64_MAX}, &off,
                                   &empty, &moved, &spec.err));
        all += moved;
    }
    return all;
}

/* The shoppers of fill_sql: lanes beyond theirs have nothing. */
enum { KEYS = 34 };
static int lane_of_key(int i)
{
    char key[32];
    (void)snprintf(key, sizeof key, "%c:shopper-%d", i % 2 == 0 ? 'a' : 'c', i / 2);
    return event_lane(key);
}

static void carry_all(void)
{
    for (int i = 0; i < KEYS; i++) {
        (void)moved_of(lane_of_key(i), 1000, 20);
    }
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.event_before"), 0);
}

/* One step; not done either where somebody else, autovacuum for one, holds what it wants to lock. */
static bool carry_end(void)
{
    bool done = false;
    struct err err = {0};
    if (!store_carry_end(spec.db, &done, &err)) {
        assert_int_equal(err.kind, ERR_BUSY);
    }
    return done;
}

/* Step by step, and at every one all events are there. */
static void carry_finish(void)
{
    int steps = 0;
    while (!carry_end()) {
        assert_int_equal(sql_number(differ_sql), 0);
        assert_true(++steps < 100);
    }
    assert_true(steps >= 2); /* the table, the trigger on log, the trigger on lane */
    assert_string_equal(sql_text("SELECT to_regclass('cartwright.event_before')"), "");
}

/* ---- tests ---- */

/* A page of a thousand events at first, with so many bytes. */
static int64_t moved_within(int lane, int64_t bytes)
{
    int64_t off = 0;
    int64_t moved;
    bool empty;

    assert_ok(store_carry_page(spec.db, lane, (struct events_most){1000, bytes}, &off, &empty,
                               &moved, &spec.err));
    return moved;
}

static void a_page_has_no_more_than_so_many_bytes(void **state)
{
    const int lane = lane_of_key(0);
    (void)state;

    assert_int_equal(moved_within(lane, 0), 1); /* one that is larger by itself */
    assert_in_range(moved_within(lane, 500), 2, 6);
    assert_true(moved_within(lane, INT64_MAX) > 6);
    expect_all();
}

static void every_event_is_there_before_between_and_behind(void **state)
{
    (void)state;
    struct carry_state carry;
    expect_all();
    assert_ok(store_carry_state(spec.db, &carry, &spec.err));
    assert_true(carry.left && carry.events == 900 && carry.moved == 0 && carry.bytes > 0);
    for (int i = 0; i < KEYS; i += 2) {
        (void)moved_of(lane_of_key(i), 1 + i % 3, 10);
    }
    expect_all();
    assert_false(carry_end()); /* not yet */
    carry_all();
    expect_all();
    assert_ok(store_carry_state(spec.db, &carry, &spec.err));
    assert_int_equal(carry.moved, 900);
    carry_finish();
    expect_all();
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.log"), 900);
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.log WHERE body LIKE '{%'"), 0);
    assert_int_equal(
        sql_number("SELECT count(*) FROM pg_trigger WHERE tgname IN ('log_once', 'lane_trimmed')"),
        0);
    assert_string_equal(sql_text("SELECT to_regclass('cartwright.event_before')"), "");
    assert_ok(store_carry_state(spec.db, &carry, &spec.err));
    assert_false(carry.left);
    assert_true(carry_end());
}

static void a_database_without_events_has_nothing_to_carry(void **state)
{
    (void)state;
    int count;
    const struct migration *list = migrate_embedded(&count);
    struct carry_state carry;
    sql("SET client_min_messages = error; DROP SCHEMA cartwright CASCADE");
    assert_ok(migrate_run_list(db_conn(spec.db), list, count, NULL, &spec.err));
    assert_ok(store_carry_state(spec.db, &carry, &spec.err));
    assert_false(carry.left);
    assert_string_equal(sql_text("SELECT to_regclass('cartwright.event_before')"), "");
}

static enum append_status append_again(const char *where, const char *change)
{
    const struct event_row row = {
        .event_id = sql_text(
            arena_printf(&spec.arena, "SELECT event_id FROM public.aside WHERE %s", where)),
        .key = sql_text(arena_printf(&spec.arena, "SELECT key FROM public.aside WHERE %s", where)),
        .type =
            sql_text(arena_printf(&spec.arena, "SELECT type FROM public.aside WHERE %s", where)),
        .occurred_us = sql_number(arena_printf(
            &spec.arena,
            "SELECT (extract(epoch FROM occurred_at) * 1000000)::bigint FROM public.aside WHERE %s",
            where)),
        .body = sql_text(arena_printf(
            &spec.arena, "SELECT (body || '%s')::text FROM public.aside WHERE %s", change, where))};
    return append(row);
}

/* In every state of the carrying: what came once comes no second time, and numbers go on. */
static void an_append_knows_what_lies_in_either_table(void **state)
{
    (void)state;
    static const char one[] = "event_id = 'e-5'";
    for (int step = 0; step < 3; step++) {
        assert_int_equal(append_again(one, "{}"), APPEND_DUPLICATE);
        assert_int_equal(append_again(one, "{\"sent_at\": \"2026-01-01T00:00:00Z\"}"),
                         APPEND_DUPLICATE);
        assert_int_equal(append_again(one, "{\"cart_id\": \"another\"}"), APPEND_CONFLICT);
        const char *id = arena_printf(&spec.arena, "new-%d", step);
        const int64_t last = sql_number(
            "SELECT max(off) FROM cartwright.event WHERE lane = cartwright.lane_of('c:shopper-5')");
        assert_int_equal(append((struct event_row){.event_id = id,
                                                   .key = "c:shopper-5",
                                                   .type = "alias",
                                                   .occurred_us = NOW_US,
                                                   .body = "{\"new\": true}"}),
                         APPEND_STORED);
        assert_true(
            sql_number(arena_printf(
                &spec.arena, "SELECT off FROM cartwright.event WHERE event_id = '%s'", id)) > last);
        sql(arena_printf(
            &spec.arena,
            "INSERT INTO public.aside SELECT * FROM cartwright.event WHERE event_id = '%s'", id));
        expect_all();
        if (step == 0) {
            (void)moved_of(event_lane("c:shopper-5"), 1, 3);
        } else if (step == 1) {
            carry_all();
            carry_finish();
        }
    }
}

static void retention_removes_from_both(void **state)
{
    (void)state;
    const int lane = event_lane("c:shopper-5");
    int64_t deleted;
    (void)moved_of(lane, 1, 10);
    assert_ok(db_begin(spec.db, &spec.err));
    assert_ok(store_lane_trim(spec.db, lane, 20, &deleted, &spec.err));
    assert_ok(db_commit(spec.db, &spec.err));
    assert_int_equal(deleted, 10); /* of the log; those of before go along */
    sql(arena_printf(&spec.arena, "DELETE FROM public.aside WHERE lane = %d AND off <= 20", lane));
    expect_all();
    carry_all();
    expect_all();
}

/* A page that retention has cut meanwhile is read anew. */
static void a_page_of_which_something_has_gone_is_not_moved(void **state)
{
    (void)state;
    const int lane = event_lane("c:shopper-5");
    const char *offs = sql_text(arena_printf(
        &spec.arena,
        "SELECT array_agg(off)::text FROM (SELECT off FROM public.aside WHERE lane = %d ORDER BY off LIMIT 5) AS o",
        lane));
    sql(arena_printf(
        &spec.arena,
        "DELETE FROM cartwright.event_before WHERE lane = %d AND off = ('%s'::bigint[])[3]", lane,
        offs));
    assert_int_equal(
        sql_number(arena_printf(
            &spec.arena,
            "SELECT cartwright.carry_move(%d, '%s', array_fill('\\x00'::bytea, '{5}'), array_fill(1, '{5}'), array_fill('@}'::text, '{5}'))",
            lane, offs)),
        0);
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.log"), 0);
}

/* ---- beside others ---- */

static atomic_bool stop;
static atomic_int backend;

/* Carries over connections of its own, which others end. */
static void *carrier(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        struct db *db = NULL;
        struct err err = {0};
        bool ok = db_open(spec.url, false, &db, &err);
        if (ok) {
            atomic_store(&backend, PQbackendPID(db_conn(db)));
        }
        for (int i = 0; ok && i < KEYS; i++) {
            int64_t off = 0;
            int64_t moved;
            bool empty = false;
            while (ok && !empty) {
                ok = store_carry_page(db, lane_of_key(i), (struct events_most){4, INT64_MAX}, &off,
                                      &empty, &moved, &err);
            }
        }
        bool done = ok;
        db_close(&db);
        if (done) {
            break;
        }
    }
    return NULL;
}

/* Ended at any moment, it goes on; whoever looks meanwhile sees everything once. */
static void a_carrier_that_is_killed_again_and_again_ends_equal(void **state)
{
    (void)state;
    pthread_t thread;
    struct rng rng = rng_seed(1);
    if (pg_fixture_pooled()) {
        skip(); /* the pooler's process ids are its own */
    }
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, carrier, NULL), 0);
    for (int kill = 0; kill < 20; kill++) {
        (void)stop_wait_us((int64_t)rng_below(&rng, 30000));
        sql(arena_printf(&spec.arena, "SELECT pg_terminate_backend(%d)", atomic_load(&backend)));
        expect_all();
    }
    (void)pthread_join(thread, NULL);
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.event_before"), 0);
    carry_finish();
    expect_all();
}

/* Who looks at a moment of before keeps seeing it, though it had not touched the log by then. */
static void an_old_snapshot_keeps_the_old_table(void **state)
{
    (void)state;
    struct db *report = spec_connect();
    struct lane_state states[LANES];
    int64_t unread;
    if (pg_fixture_pooled()) {
        skip(); /* whose sessions tell what they look at is the pooler's business */
    }
    assert_ok(db_begin_snapshot(report, &spec.err));
    PQclear(PQexec(db_conn(report), "SELECT count(*) FROM cartwright.shopper_base"));
    carry_all();
    assert_false(carry_end());
    assert_false(carry_end());
    assert_string_equal(sql_text("SELECT to_regclass('cartwright.event_before')"),
                        "cartwright.event_before");
    assert_ok(store_unread_count(report, &unread, &spec.err));
    assert_int_equal(unread, 900);
    assert_ok(store_lane_states(report, states, &spec.err));
    db_rollback(report);
    db_close(&report);
    carry_finish();
    expect_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARRY_TEST(every_event_is_there_before_between_and_behind),
        CARRY_TEST(a_page_has_no_more_than_so_many_bytes),
        CARRY_TEST(a_database_without_events_has_nothing_to_carry),
        CARRY_TEST(an_append_knows_what_lies_in_either_table),
        CARRY_TEST(retention_removes_from_both),
        CARRY_TEST(a_page_of_which_something_has_gone_is_not_moved),
        CARRY_TEST(a_carrier_that_is_killed_again_and_again_ends_equal),
        CARRY_TEST(an_old_snapshot_keeps_the_old_table),
    };
    return RUN_BOTH_WAYS(tests);
}
