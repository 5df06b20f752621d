/* The hot queries are pinned to their indexes: a shop with a large log must not find out about a scan. */
#include "integration/store/store_spec.h"

/* Large enough that a scan would hurt, and that the planner knows. */
static const char fill_sql[] =
    "INSERT INTO cartwright.event"
    " SELECT n % 256, n / 256 + 1, 'e' || n, 'c:' || n % 9973, 'page_viewed', 'api', now(), now(), '', '{}'"
    "   FROM generate_series(0, 59999) n;"
    "INSERT INTO cartwright.shopper SELECT n % 256, 'c:' || n, 1, repeat('x', 200) FROM generate_series(1, 20000) n;"
    "INSERT INTO cartwright.cart SELECT n % 256, 'c:' || n, 'k' || n, 1, CASE WHEN n % 5 = 0 THEN 'bought' ELSE 'open' END, 1, 1, 1,"
    "       'EUR', now(), now(), now() - n * interval '1 second', 0, false, false, (n % 100) / 100.0, 'm', now()"
    "  FROM generate_series(1, 20000) n;"
    "INSERT INTO cartwright.cart_lane SELECT 'k' || n, n % 256, 'c:' || n FROM generate_series(1, 20000) n;"
    "INSERT INTO cartwright.product (product_id, source, updated_at) SELECT 'p' || n, 'api', now() FROM generate_series(1, 20000) n;"
    "INSERT INTO cartwright.outreach SELECT n % 256, 'k' || n, 1, 1, 'out' || n, 'c:' || n, 'send', 'risk', now(), '{}', '{}', '{}'"
    "  FROM generate_series(1, 20000) n;"
    "ANALYZE cartwright.outreach; ANALYZE cartwright.event; ANALYZE cartwright.shopper; ANALYZE cartwright.cart; ANALYZE cartwright.cart_lane;"
    "ANALYZE cartwright.product";

static const struct {
    const char *query;
    const char *arguments;
    const char *index;
    const char *table; /* never scanned as a whole */
} hot[] = {
    {"events_after", "'{1,2,3}', '{0,100,200}', 1000", "event_pkey", "event"},
    {"shopper_gather", "'c:7', NULL, false, true", "event_key", "event"},
    {"shopper_gather", "'c:7', NULL, false, true", "shopper_pkey", "shopper"},
    {"shopper_gather", "'c:7', NULL, false, true", "outreach_pkey", "outreach"},
    {"shopper_gather", "NULL, 'k1', true, true", "cart_lane_pkey", "cart_lane"},
    {"release_look", "7, 'c:7', 0, '{x,y}'", "event_key", "event"},
    {"shoppers_read", "'{1,2,3}', '{c:1,c:2,c:3}'", "shopper_pkey", "shopper"},
    {"carts_delete_others", "'{1,2}', '{c:1,c:2}', '{1}', '{c:1}', '{k1}'", "cart_pkey", "cart"},
    {"carts_by_seen", "'{open}', '-infinity', 'infinity', 'infinity', 0, '', '', 51",
     "cart_status_seen", "cart"},
    {"carts_by_seen", "'{open,bought}', '-infinity', 'infinity', now(), 9, 'c:9', 'k9', 51",
     "cart_status_seen", "cart"},
    {"carts_by_risk", "'{open}', '-infinity', 'infinity', 0.5, 9, 'c:9', 'k9', 51",
     "cart_status_risk", "cart"},
    {"products_read", "'{p1,p2,p3}'", "product_pkey", "product"},
    {"log_lag", NULL, "event_pkey", "event"},
};

/* All lines of a plan. */
static const char *plan_of(const char *query, const char *arguments)
{
    const char *text = "";
    const char *statement =
        arguments == NULL ? arena_printf(&spec.arena, "EXPLAIN EXECUTE %s", query)
                          : arena_printf(&spec.arena, "EXPLAIN EXECUTE %s(%s)", query, arguments);
    PGresult *res = PQexec(db_conn(spec.db), statement);
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        print_error("%s: %s", query, PQerrorMessage(db_conn(spec.db)));
        fail();
    }
    for (int i = 0; i < PQntuples(res); i++) {
        text = arena_printf(&spec.arena, "%s%s\n", text, PQgetvalue(res, i, 0));
    }
    PQclear(res);
    return text;
}

static void check_plans(const char *mode)
{
    sql(arena_printf(&spec.arena, "SET plan_cache_mode = %s", mode));
    for (size_t i = 0; i < COUNT_OF(hot); i++) {
        const char *plan = plan_of(hot[i].query, hot[i].arguments);
        const char *scan = arena_printf(&spec.arena, "Seq Scan on %s ", hot[i].table);
        if (strstr(plan, hot[i].index) == NULL || strstr(plan, scan) != NULL) {
            print_error("%s (%s):\n%s", hot[i].query, mode, plan);
            fail();
        }
    }
}

static void hot_queries_use_their_indexes_whatever_plan_is_kept(void **state)
{
    (void)state;
    sql(fill_sql);
    check_plans("force_generic_plan");
    check_plans("force_custom_plan");
}

static void a_page_of_a_list_is_one_stretch_of_its_index(void **state)
{
    (void)state;
    sql(fill_sql);
    sql("SET plan_cache_mode = force_generic_plan");
    const char *seen =
        plan_of("carts_by_seen", "'{open}', '-infinity', 'infinity', now(), 9, 'c:9', 'k9', 51");
    const char *risk =
        plan_of("carts_by_risk", "'{open}', '-infinity', 'infinity', 0.5, 9, 'c:9', 'k9', 51");
    assert_text_contains(seen, "Backward using cart_status_seen");
    assert_text_contains(seen, "(ROW(seen_at, lane, key, cart_id) < ROW(");
    assert_text_contains(risk, "Backward using cart_status_risk");
    assert_text_contains(risk,
                         "(ROW(COALESCE(risk, '-1'::double precision), lane, key, cart_id) < ROW(");
    assert_null(strstr(risk, "Filter: (ROW"));
}

/* The plans inside append_rows are not to be seen from outside, but what was read is counted. */
static void an_append_reads_neither_the_log_nor_the_lanes_as_a_whole(void **state)
{
    (void)state;
    static const char scans[] =
        "SELECT sum(pg_stat_get_xact_numscans(c.oid)) FROM pg_class c"
        " WHERE c.oid IN ('cartwright.event'::regclass, 'cartwright.lane'::regclass)";
    sql(fill_sql);
    sql("BEGIN");
    int64_t before = sql_number(scans);
    assert_int_equal(append(an_event(.event_id = "e7", .key = "c:7")), APPEND_STORED);
    assert_int_equal(append(an_event(.event_id = "e7", .key = "c:7")), APPEND_DUPLICATE);
    assert_int_equal(sql_number(scans), before);
    sql("ROLLBACK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST_HARMFUL(hot_queries_use_their_indexes_whatever_plan_is_kept),
        SPEC_TEST_HARMFUL(a_page_of_a_list_is_one_stretch_of_its_index),
        SPEC_TEST_HARMFUL(an_append_reads_neither_the_log_nor_the_lanes_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
