/* A database that is distributed, by the stand-in for Citus (support/citus_stand_in.sql): how it becomes one, that it does what another does, and that what touches
 * one lane runs where that lane lies. The store, the fold and outreach on such databases: distributed_* of ./dev test --long. */
#include "integration/store/store_spec.h"

#include "domain/shop/event.h"
#include "store/database.h"
#include "store/lanes.h"
#include "store/pg/distribute.h"
#include "store/pg/migrate.h"
#include "store/shoppers.h"

#include <jansson.h>
#include <stdlib.h>

static void distribute(void)
{
    bool is = false;
    spec_load_stand_in();
    assert_ok(distribute_run(db_conn(spec.db), true, &is, &spec.err));
    assert_true(is);
    db_close(&spec.db);
    spec.db = spec_connect();
    assert_ok(db_prepare_all(spec.db, &spec.err)); /* to be looked at by their names */
}

/* ---- how it becomes one ---- */

static void nothing_is_distributed_that_nobody_wants_to_be(void **state)
{
    (void)state;
    bool is = true;
    spec_load_stand_in();
    assert_ok(distribute_run(db_conn(spec.db), false, &is, &spec.err));
    assert_false(is);
    assert_int_equal(sql_number("SELECT count(*) FROM pg_dist_partition"), 0);
}

static void without_citus_nothing_is_distributed_and_it_is_told(void **state)
{
    (void)state;
    bool is = false;
    assert_fails(distribute_run(db_conn(spec.db), true, &is, &spec.err), ERR_REFUSED);
    assert_string_equal(spec.err.path, "database_distributed");
    assert_text_contains(spec.err.text, "CREATE EXTENSION citus");
    assert_int_equal(sql_number("SELECT count(*) FROM pg_class WHERE relname = 'distribution'"), 0);
}

static void what_is_there_stays_there(void **state)
{
    (void)state;
    static const char log[] =
        "SELECT md5(string_agg(e::text, '|' ORDER BY lane, off)) FROM cartwright.event e";
    assert_int_equal(append(an_event(.event_id = "e1")), APPEND_STORED);
    assert_int_equal(append(an_event(.event_id = "e2", .key = "c:bob")), APPEND_STORED);
    sql("UPDATE cartwright.lane_cursor SET off = 3, owner = 'me' WHERE lane = 77");
    const char *before = sql_text(log);

    distribute();

    assert_string_equal(sql_text(log), before);
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.lane"), LANES);
    assert_int_equal(sql_number("SELECT off FROM cartwright.lane_cursor WHERE lane = 77"), 3);
    assert_int_equal(sql_number("SELECT count(*) FROM pg_dist_partition"), 20);
    assert_int_equal(
        sql_number("SELECT count(*) FROM pg_constraint WHERE conname = 'lane_cursor_lane_fkey'"
                   " AND conrelid = 'cartwright.lane_cursor'::regclass"),
        1);
    assert_int_equal(append(an_event(.event_id = "e1")), APPEND_DUPLICATE);
}

static int64_t applied(void)
{
    return sql_number("SELECT (extract(epoch FROM min(applied_at)) * 1000000)::bigint FROM "
                      "cartwright.distribution");
}

static void it_is_done_once_and_again_where_something_has_changed(void **state)
{
    (void)state;
    bool is = false;
    distribute();
    const int64_t first = applied();

    assert_ok(distribute_run(db_conn(spec.db), false, &is, &spec.err));
    assert_true(is);
    assert_int_equal(applied(), first);

    /* a migration that made the append anew */
    sql("CREATE OR REPLACE FUNCTION cartwright.shop_days_fill(p_until int) RETURNS bigint LANGUAGE sql AS 'SELECT 77::bigint';"
        "INSERT INTO cartwright.migration (version, name, sha256) VALUES (9999, 'later', '')");
    assert_ok(distribute_run(db_conn(spec.db), false, &is, &spec.err));
    assert_true(applied() > first);
    assert_int_equal(sql_number("SELECT cartwright.shop_days_fill(1)"), 0);
}

static void a_log_that_is_still_carried_over_comes_first(void **state)
{
    (void)state;
    bool is = false;
    spec_load_stand_in();
    sql("CREATE TABLE cartwright.event_before (lane int)");
    assert_fails(distribute_run(db_conn(spec.db), true, &is, &spec.err), ERR_INTERNAL);
    assert_text_contains(spec.err.text, "carried over");
    assert_int_equal(sql_number("SELECT count(*) FROM pg_dist_partition"), 0);
}

static void a_database_that_is_to_be_distributed_and_is_not_is_refused(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database d = {0};
    struct config config = {.database_distributed = true, .unsafe_database = true};
    (void)snprintf(config.database_url, sizeof config.database_url, "%s", spec.url);

    assert_fails(database_open(&config, &d, &spec.err), ERR_REFUSED);
    assert_text_contains(spec.err.text, "cartwright migrate");

    distribute();
    assert_ok(database_open(&config, &d, &spec.err));
    assert_true(d.distributed);
}

static void a_program_that_was_not_told_sees_it_for_itself(void **state)
{
    (void)state;
    CLEANUP(database_close) struct database d = {0};
    struct config config = {.unsafe_database = true};
    (void)snprintf(config.database_url, sizeof config.database_url, "%s", spec.url);
    distribute();

    assert_ok(database_open(&config, &d, &spec.err));
    assert_true(d.distributed);
    assert_text_contains(
        sql_text("SELECT statement FROM pg_prepared_statements WHERE name = 'lanes_lock'"),
        "cartwright.lanes_lock(");
}

/* ---- that it does what another does ---- */

enum { BATCHES = 30, BATCH_MAX = 24 };

/* A batch with ids of before, some with another body, some twice in it. */
static size_t make_batch(uint32_t *seed, struct event_row *rows, struct arena *a)
{
    const size_t count = 1 + (*seed = *seed * 1664525 + 1013904223) / 65536 % BATCH_MAX;
    for (size_t i = 0; i < count; i++) {
        const uint32_t r = (*seed = *seed * 1664525 + 1013904223) / 256;
        rows[i] = an_event(.event_id = arena_printf(a, "e%u", r % 200),
                           .key = arena_printf(a, "a:%u", r % 200 % 40),
                           .body = arena_printf(a, "{\"page\": \"%s\"}", r % 7 == 0 ? "x" : "y"));
    }
    return count;
}

/* All statuses of the batches of one seed, and then the whole log, as text. */
static const char *appended(void)
{
    uint32_t seed = 20261130;
    char *told = arena_array(&spec.arena, (size_t)BATCHES * BATCH_MAX + 1, 1);
    size_t len = 0;
    for (int b = 0; b < BATCHES; b++) {
        struct event_row rows[BATCH_MAX];
        enum append_status status[BATCH_MAX];
        struct lane_set held;
        const size_t count = make_batch(&seed, rows, &spec.arena);
        const struct event_batch batch = {.rows = rows, .count = count};
        assert_ok(
            b % 2 == 0
                ? store_events_append(spec.db, rows, count, ORIGIN_API, NOW_US, status, &spec.err)
                : store_events_append_if_free(spec.db, &batch, NOW_US, status, &held, &spec.err));
        for (size_t i = 0; i < count; i++) {
            told[len++] = (char)('0' + (int)status[i]);
        }
    }
    return arena_printf(
        &spec.arena, "%s %s", told,
        sql_text("SELECT md5(string_agg(l::text, '|' ORDER BY lane, off)) FROM cartwright.log l"));
}

static void appends_store_the_same_and_tell_the_same(void **state)
{
    (void)state;
    const char *plain = appended();
    assert_non_null(strchr(plain, '0' + APPEND_CONFLICT));
    assert_non_null(strchr(plain, '0' + APPEND_DUPLICATE));
    sql("DELETE FROM cartwright.log");

    distribute();

    assert_string_equal(appended(), plain);
}

static void a_lane_that_is_held_is_told_and_the_rest_is_not_stored(void **state)
{
    (void)state;
    distribute();
    struct db *holder = spec_connect();
    const struct event_row rows[] = {an_event(.key = "a:free"), an_event(.key = "a:held")};
    const int held_lane = event_lane("a:held");
    assert_int_not_equal(event_lane("a:free"), held_lane);
    PQclear(PQexec(db_conn(holder),
                   arena_printf(&spec.arena,
                                "BEGIN; SELECT FROM cartwright.lane WHERE lane = %d FOR UPDATE",
                                held_lane)));
    const struct event_batch batch = {.rows = rows, .count = COUNT_OF(rows)};
    enum append_status status[COUNT_OF(rows)];
    struct lane_set held;

    assert_ok(store_events_append_if_free(spec.db, &batch, NOW_US, status, &held, &spec.err));
    assert_int_equal(held.count, 1);
    assert_true(held.has[held_lane]);
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.log"), 0);

    /* who is patient is told as by a lock timeout */
    assert_fails(
        store_events_append(spec.db, rows, COUNT_OF(rows), ORIGIN_API, NOW_US, status, &spec.err),
        ERR_BUSY);
    assert_true(db_locked_out(spec.db));
    db_close(&holder);
}

static void what_waits_in_many_lanes_is_read_in_equal_shares(void **state)
{
    (void)state;
    distribute();
    for (int i = 0; i < 30; i++) {
        const struct event_row row =
            an_event(.event_id = arena_printf(&spec.arena, "e%d", i),
                     .key = i < 25 ? "c:much" : arena_printf(&spec.arena, "c:%d", i));
        assert_int_equal(append(row), APPEND_STORED);
    }
    struct lane_lease lanes[LANES];
    for (int i = 0; i < LANES; i++) {
        lanes[i] = (struct lane_lease){.lane = i};
    }
    struct log_event *events;
    size_t count;
    assert_ok(store_events_after(spec.db, lanes, LANES,
                                 (struct events_most){.events = 12, .bytes = 1 << 20}, &spec.arena,
                                 &events, &count, &spec.err));
    const int64_t busy =
        sql_number("SELECT count(DISTINCT lane) FROM cartwright.log WHERE off > 0");
    assert_true(count >= (size_t)busy && count <= 12);
    size_t of_much = 0;
    for (size_t i = 0; i < count; i++) {
        of_much += strcmp(events[i].key, "c:much") == 0;
        assert_true(i == 0 || events[i - 1].lane < events[i].lane ||
                    (events[i - 1].lane == events[i].lane && events[i - 1].off < events[i].off));
    }
    assert_int_equal(of_much, 12 / busy);
}

/* ---- where it runs ---- */

/* A value of a type, for a plan: of the lane 7. */
static const char *sample(const char *type)
{
    static const struct {
        const char *type;
        const char *value;
    } samples[] = {
        {"integer", "7"},       {"bigint", "1"},
        {"boolean", "true"},    {"text", "'{}'"},
        {"bytea", "'\\x0001'"}, {"timestamp with time zone", "now()"},
        {"jsonb", "'{}'"},      {"double precision", ".5"},
        {"integer[]", "'{7}'"}, {"bigint[]", "'{1}'"},
        {"text[]", "'{x}'"},    {"timestamp with time zone[]", "'{now}'"},
        {"smallint", "1"},      {"boolean[]", "'{t}'"},
    };
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        if (strcmp(samples[i].type, type) == 0) {
            return samples[i].value;
        }
    }
    fail_msg("no sample of %s", type);
    return "";
}

static const char *sample_arguments(const char *query)
{
    const char *text = "";
    PGresult *types = PQexec(
        db_conn(spec.db),
        arena_printf(&spec.arena,
                     "SELECT u.t::text FROM pg_prepared_statements p, unnest(p.parameter_types)"
                     " WITH ORDINALITY AS u(t, o) WHERE p.name = '%s' ORDER BY u.o",
                     query));
    for (int i = 0; i < PQntuples(types); i++) {
        text = arena_printf(&spec.arena, "%s%s%s", text, i == 0 ? "" : ", ",
                            sample(PQgetvalue(types, i, 0)));
    }
    PQclear(types);
    return text;
}

/* Counts the plan's scans of the partition of lane 7 (..._0), and those of any other. */
static void count_scans(const json_t *node, int *out_right, int *out_wrong)
{
    size_t i;
    const json_t *child;
    const char *table = json_string_value(json_object_get(node, "Relation Name"));
    const char *schema = json_string_value(json_object_get(node, "Schema"));
    if (table != NULL && schema != NULL && strcmp(schema, "shards") == 0) {
        const bool right = strcmp(table + strlen(table) - 2, "_0") == 0;
        *out_right += right;
        *out_wrong += !right;
    }
    json_array_foreach (json_object_get(node, "Plans"), i, child) {
        count_scans(child, out_right, out_wrong);
    }
}

static bool runs_in_one_lane(const char *query)
{
    int right = 0;
    int wrong = 0;
    json_error_t why;
    const char *text =
        sql_text(arena_printf(&spec.arena, "EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE %s(%s)", query,
                              sample_arguments(query)));
    json_t *tree = json_loads(text, 0, &why);
    assert_non_null(tree);
    count_scans(json_object_get(json_array_get(tree, 0), "Plan"), &right, &wrong);
    json_decref(tree);
    if (wrong > 0) {
        print_error("%s reads %d partitions that are not its lane's:\n%s\n", query, wrong, text);
    }
    return wrong == 0;
}

/* Those that the page on distribution says of: | `name` | lane | */
static void what_touches_one_lane_touches_one_partition(void **state)
{
    (void)state;
    int looked_at = 0;
    int faults = 0;
    distribute();
    sql("SET plan_cache_mode = force_custom_plan");
    char *page = spec_source_file("src/http/docs/distribution.md");
    for (int q = 0; q < Q_COUNT; q++) {
        const char *name = query_defs[q].name;
        if (strstr(page, arena_printf(&spec.arena, "| `%s` | lane |", name)) != NULL ||
            strstr(page, arena_printf(&spec.arena, "| `%s` * | lane |", name)) != NULL) {
            looked_at++;
            faults += !runs_in_one_lane(name);
        }
    }
    free(page);
    assert_int_equal(faults, 0);
    assert_true(looked_at >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST_HARMFUL(nothing_is_distributed_that_nobody_wants_to_be),
        SPEC_TEST_HARMFUL(without_citus_nothing_is_distributed_and_it_is_told),
        SPEC_TEST_HARMFUL(what_is_there_stays_there),
        SPEC_TEST_HARMFUL(it_is_done_once_and_again_where_something_has_changed),
        SPEC_TEST_HARMFUL(a_log_that_is_still_carried_over_comes_first),
        SPEC_TEST_HARMFUL(a_database_that_is_to_be_distributed_and_is_not_is_refused),
        SPEC_TEST_HARMFUL(a_program_that_was_not_told_sees_it_for_itself),
        SPEC_TEST_HARMFUL(appends_store_the_same_and_tell_the_same),
        SPEC_TEST_HARMFUL(a_lane_that_is_held_is_told_and_the_rest_is_not_stored),
        SPEC_TEST_HARMFUL(what_waits_in_many_lanes_is_read_in_equal_shares),
        SPEC_TEST_HARMFUL(what_touches_one_lane_touches_one_partition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
