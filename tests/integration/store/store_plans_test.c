/* No query reads a table that grows as a whole, but for those that say why: a shop with a large log must not find out about a scan. Hot queries
 * are held to the very index they were written for. Under each PostgreSQL that ./dev test --long runs. */
#include "integration/store/store_spec.h"

#include <jansson.h>

/* Large enough that a scan would hurt, and that the planner knows. */
static const char fill_sql[] =
    "INSERT INTO cartwright.log (lane, off, id, key, type, origin, occurred_at, received_at, body)"
    " SELECT n % 256, n / 256 + 1, cartwright.id_pack('e' || n), 'c:' || n % 9973, 20, 'a', now(), now(), '{}'"
    "   FROM generate_series(0, 59999) n;"
    "INSERT INTO cartwright.shopper SELECT n % 256, 'c:' || n, 1, repeat('x', 200) FROM generate_series(1, 20000) n;"
    "INSERT INTO cartwright.shopper_base SELECT n % 256, 'c:' || n, repeat('x', 200) FROM generate_series(1, 20000) n;"
    "INSERT INTO cartwright.cart SELECT n % 256, 'c:' || n, 'k' || n, 1, CASE WHEN n % 5 = 0 THEN 'bought' ELSE 'open' END, 1, 1, 1,"
    "       'EUR', now(), now(), now() - n * interval '1 second', 0, false, false, (n % 100) / 100.0, 'm', now()"
    "  FROM generate_series(1, 20000) n;"
    "INSERT INTO cartwright.cart_lane SELECT 'k' || n, n % 256, 'c:' || n FROM generate_series(1, 20000) n;"
    "INSERT INTO cartwright.cart_party SELECT n % 256, 'k' || n, 'c:' || n, NULL, false, NULL FROM generate_series(1, 20000) n;"
    "INSERT INTO cartwright.product (product_id, source, updated_at)"
    " SELECT 'p' || n, 'api', now() - n * interval '1 minute' FROM generate_series(1, 20000) n;"
    "INSERT INTO cartwright.outreach SELECT n % 256, 'cart:k' || n, 1, 1, 'o' || n, 'c:' || n, 'silence', 'risk', now(), '{}', '{}'"
    "  FROM generate_series(1, 20000) n;"
    "INSERT INTO cartwright.model SELECT 'm' || n, 'risk', n, 'fm', decode(repeat('00', 32), 'hex'), 1, '{}', 'passed', '', now()"
    "  FROM generate_series(1, 500) n;"
    "INSERT INTO cartwright.model_chunk SELECT 'm' || n % 500 + 1, n / 500, repeat('x', 500)::bytea FROM generate_series(0, 9999) n;"
    "INSERT INTO cartwright.heavy_shopper SELECT n % 256, 'c:' || n, 1, 'x' FROM generate_series(1, 20000) n;"
    "INSERT INTO cartwright.heavy_event SELECT lane, key, occurred_at, off FROM cartwright.log;"
    "INSERT INTO cartwright.heavy_checkpoint SELECT n % 256, 'c:' || n, now(), 1, 'x' FROM generate_series(1, 20000) n;"
    "INSERT INTO cartwright.refolding_fact SELECT lane, key, occurred_at, off FROM cartwright.log;"
    "INSERT INTO cartwright.refolding_name SELECT n % 256, 'c:' || n % 99, 'x' || n, now(), now(), NULL, false, 1, 1 FROM generate_series(1, 20000) n;"
    "UPDATE cartwright.lane_cursor SET off = 230;"
    "ANALYZE";

/* Filled once, which takes two seconds of the server, and anew behind a test that leaves something behind. */
static int filled(void **state)
{
    if (spec.url == NULL) {
        (void)spec_begin(state);
        sql(fill_sql);
    } else {
        spec.db = spec_connect();
    }
    assert_ok(db_prepare_all(spec.db, &spec.err)); /* to be explained by their names */
    return 0;
}

static const char *const growing[] = {
    "log",         "shopper",          "shopper_base",   "cart",          "cart_lane",
    "cart_party",  "product",          "outreach",       "model_chunk",   "heavy_shopper",
    "heavy_event", "heavy_checkpoint", "refolding_fact", "refolding_name"};

/* One key that a third of the log is of, all of it folded: what asks what came since finds nothing, and has read nothing else. */
static const char heavy_sql[] =
    "INSERT INTO cartwright.log (lane, off, id, key, type, origin, occurred_at, received_at, body)"
    " SELECT cartwright.lane_of('c:heavy'), 1000 + n, cartwright.id_pack('h' || n), 'c:heavy', 20, 'a', now(), now(), '{}'"
    "   FROM generate_series(0, 29999) n;"
    "ANALYZE cartwright.log";

/* These read one of them, or a whole lane of it, and are meant to. */
static const struct {
    const char *query;
    const char *why;
} whole[] = {
    {"bases_stream", "training and replay begin from all of them"},
    {"bases_stream_active", "the daily check reads the shoppers of its weeks"},
    {"cart_parties_trim", "retention walks the cart ids of a lane"},
    {"events_read", "training reads the log"},
    {"events_read_active", "the daily check finds the shoppers of its weeks"},
    {"heavy_drop", "retention and rebuild forget a whole lane"},
    {"history_lane_keys", "replay and retention go lane by lane"},
    {"history_lane_states", "EXISTS: reads one row a lane"},
    {"history_unread", "replay counts what no fold has read"},
    {"lane_floor_candidate", "retention walks the events of a lane that it may remove"},
    {"products_stream", "training reads the catalogue"},
};

/* What waits for an answer, or comes with every event: by the very index (NULL: two would do). */
static const struct {
    const char *query;
    const char *arguments;
    const char *index;
} hot[] = {
    {"events_after", "('{1,2,3}', '{0,100,200}', 1000, 9)", "log_pkey"},
    {"events_latest", "('-infinity', 100)", "log_pkey"},
    {"shopper_gather", "('c:7', NULL, false, true, 9, 9)", "log_key"},
    {"shopper_gather", "('c:7', NULL, false, true, 9, 9)", "shopper_pkey"},
    {"shopper_gather", "('c:7', NULL, false, true, 9, 9)", "shopper_base_pkey"},
    {"shopper_gather", "('c:7', NULL, false, true, 9, 9)", "outreach_pkey"},
    {"shopper_gather", "(NULL, 'k1', true, true, 9, 9)", "cart_lane_pkey"},
    {"joins_pending",
     "(7, 'c:7', '{x,y}', '{x}', '{x,y}', '{k7}', 0, 'a:x', 0, true, '{k7}', '{c:7,a:x}', '{-infinity,now}', '{infinity,now}', '{k7}', '{k7}')",
     "log_key"},
    {"joins_pending",
     "(7, 'a:7', '{}', '{}', '{7}', '{k7}', 0, 'a:x', 0, true, '{k7}', '{c:7,a:x}', '{-infinity,now}', '{infinity,now}', '{k7}', '{k7}')",
     "log_name"},
    {"joins_pending",
     "(7, 'a:7', '{}', '{}', '{7}', '{k7}', 0, 'a:x', 0, true, '{k7}', '{c:7,a:x}', '{-infinity,now}', '{infinity,now}', '{k7}', '{k7}')",
     "log_cart"},
    {"joins_quiet", "('{7,9}', '{c:7,a:x}', '{0,9}', '{x}', '{k7}', '{k7}')", "log_key"},
    {"joins_quiet", "('{7,9}', '{c:7,a:x}', '{0,9}', '{x}', '{k7}', '{k7}')", "log_name"},
    {"joins_quiet", "('{7,9}', '{c:7,a:x}', '{0,9}', '{x}', '{k7}', '{k7}')", "log_cart"},
    {"joins_quiet", "('{7,9}', '{c:7,a:x}', '{0,9}', '{x}', '{k7}', '{k7}')", "lane_cursor_pkey"},
    {"joins_pending",
     "(7, 'a:7', '{}', '{}', '{7}', '{k7}', 0, 'a:x', 0, true, '{k7}', '{c:7,a:x}', '{-infinity,now}', '{infinity,now}', '{k7}', '{k7}')",
     "cart_party_pkey"},
    {"joins_shaken", "('{k7}', '{c:7,a:x}', true)", "log_pkey"},
    {"joins_shaken", "('{k7}', '{c:7,a:x}', true)", "cart_party_pkey"},
    {"cart_keepers", "('k7', 9)", "cart_lane_pkey"},
    {"cart_pending", "('k7', '{c:7}', true)", "log_pkey"},
    {"cart_parties_put", "('{1,2}', '{k1,k2}', '{c:1,c:2}', '{now,NULL}', now(), '{now,now}')",
     "cart_party_pkey"},
    {"history_events", "('{1,2}', '{c:1,c:2}', '{9,9}')", "log_key"},
    {"history_page", "(1, 'c:1', 3, 9, now(), 10)", NULL},
    {"history_page_within", "(1, 'c:1', 3, 9, now(), 10, 9)", NULL},
    {"history_docs", "('{1,2}', '{c:1,c:2}')", "shopper_pkey"},
    {"history_docs", "('{1,2}', '{c:1,c:2}')", "shopper_base_pkey"},
    {"heavy_known", "('{1,2}', '{c:1,c:2}')", "heavy_shopper_pkey"},
    {"heavy_checkpoints", "(1, 'c:1')", "heavy_checkpoint_pkey"},
    {"heavy_checkpoint_doc", "(1, 'c:1', now())", "heavy_checkpoint_pkey"},
    {"heavy_behind", "(1, 'c:1', now(), 7, 10, 9)", "heavy_event_pkey"},
    {"heavy_more_behind", "(1, 'c:1', now(), 7)", "heavy_event_pkey"},
    {"heavy_view", "(1, 'c:1', now(), 7, 9)", "heavy_event_pkey"},
    {"heavy_view", "(1, 'c:1', now(), 7, 9)", "heavy_checkpoint_pkey"},
    {"heavy_view", "(1, 'c:1', now(), 7, 9)", "heavy_shopper_pkey"},
    {"heavy_events_add", "(1, 'c:1', 9)", NULL},
    {"refolding_facts", "(1, 'c:1', now(), 7, 10)", "refolding_fact_pkey"},
    {"refolding_names", "(1, 'c:1', 10)", "refolding_name_pkey"},
    {"refolding_sets", "(1, 'c:1', 'x', 10)", "refolding_name_pkey"},
    {"heavy_checkpoints_keep", "(1, 'c:1', '{now}')", "heavy_checkpoint_pkey"},
    {"history_carts", "('{1,2}', '{c:1,c:2}')", "cart_pkey"},
    {"history_shoppers_delete", "(1, '{c:1,c:2}')", "shopper_pkey"},
    {"shoppers_read", "('{1,2,3}', '{c:1,c:2,c:3}')", "shopper_pkey"},
    {"carts_delete_others", "('{1,2}', '{c:1,c:2}', '{1}', '{c:1}', '{k1}')", "cart_pkey"},
    {"cart_lanes_upsert", "('{k1,k2}', '{1,2}', '{c:1,c:2}')", "cart_lane_pkey"},
    {"cart_lanes_delete", "('{k1,k2}', '{1,2}', '{c:1,c:2}')", "cart_lane_pkey"},
    {"carts_by_seen", "('{open}', '-infinity', 'infinity', 'infinity', 0, '', '', 51)",
     "cart_status_seen"},
    {"carts_by_seen", "('{open,bought}', '-infinity', 'infinity', now(), 9, 'c:9', 'k9', 51)",
     "cart_status_seen"},
    {"carts_by_risk", "('{open}', '-infinity', 'infinity', 0.5, 9, 'c:9', 'k9', 51)",
     "cart_status_risk"},
    {"carts_ordered", "('{1,2}', '{c:1,c:2}', '{k1,k2}')", "log_cart"},
    {"carts_ordered", "('{1,2}', '{c:1,c:2}', '{k1,k2}')", "cart_pkey"},
    {"carts_unscored", "('m', '-infinity', 9, 'c:9', 'k9', 500)", "cart_pkey"},
    {"carts_unscored", "('m', '-infinity', 9, 'c:9', 'k9', 500)", "shopper_pkey"},
    {"carts_score", "('m', now(), '{1,2}', '{c:1,c:2}', '{k1,k2}', '{now,now}', '{0.1,0.2}')",
     NULL},
    {"outreach_by_id", "(1, 'o1')", "outreach_lane_outreach_id_key"},
    {"products_read", "('{p1,p2,p3}')", "product_pkey"},
    {"products_page", "('p1', 50)", "product_pkey"},
    {"products_search", "('p1', 50, 'red mug', 100, 500)", "product_words"},
    {"products_search", "('p1', 50, 'red mug', 100, 500)", "product_pkey"},
    {"products_lock", "('{p1,p2}')", "product_pkey"},
    {"products_delete", "('p1', now())", "product_pkey"},
    {"products_changed", "(now())", "product_updated"},
    {"log_lag", NULL, "log_pkey"},
    {"lane_trim", "(7, 9)", "log_pkey"},
    {"model_chunks", "('m7')", "model_chunk_pkey"},
};

/* Planned for its values at every call, each for a reason. A batch of the fold has up to thousands of keys, and how many decides how they are joined: a plan for ten, made while a
 * table was small, would walk it as it grows. Planning takes .03 to .3 ms of each, some 1.5 ms of a batch. */
#define OF_A_BATCH "how many keys a batch has, and how large the table is by now, decide the join"
static const struct {
    const char *query;
    const char *why;
} anew[] = {
    {"cart_parties_put", OF_A_BATCH},
    {"history_events", OF_A_BATCH},
    {"history_docs", OF_A_BATCH},
    {"heavy_known", OF_A_BATCH},
    {"history_carts", OF_A_BATCH},
    {"history_shoppers_delete", OF_A_BATCH},
    {"shoppers_read", OF_A_BATCH},
    {"carts_delete_others", OF_A_BATCH},
    {"cart_lanes_upsert", OF_A_BATCH},
    {"cart_lanes_delete", OF_A_BATCH},
    {"carts_score", OF_A_BATCH},
    {"products_search", "how many products have the words decides how they are found"},
    {"products_changed", "now and then it reads all of them, else a few"},
    {"lane_trim", "how much of a lane goes decides how it is found"},
};

/* ---- plans ---- */

/* The topmost node; NULL for what is not planned (COPY, LOCK). The caller releases it. */
static json_t *plan_tree(const char *query, const char *arguments)
{
    json_error_t why;
    const char *text = sql_text(arena_printf(&spec.arena, "EXPLAIN (FORMAT JSON) EXECUTE %s%s",
                                             query, arguments == NULL ? "" : arguments));
    json_t *tree = json_loads(text, 0, &why);
    if (tree == NULL) {
        print_error("%s: %s: %s\n", query, why.text, text);
        fail();
    }
    json_t *plan = json_incref(json_object_get(json_array_get(tree, 0), "Plan"));
    json_decref(tree);
    return plan;
}

static const char *text_at(const json_t *node, const char *member)
{
    const char *text = json_string_value(json_object_get(node, member));
    return text == NULL ? "" : text;
}

static bool grows(const char *table)
{
    for (size_t i = 0; i < COUNT_OF(growing); i++) {
        if (strcmp(growing[i], table) == 0) {
            return true;
        }
    }
    return false;
}

/* An index that is entered by nothing, or by the lane alone (a 256th of the log), leads nowhere. */
static bool is_narrow(const char *condition)
{
    static const char *const columns[] = {"key",      "off",          "cart_id", "product_id",
                                          "event_id", "outreach_id",  "status",  "updated_at",
                                          "version",  "anonymous_id", "name"};
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        if (strstr(condition, columns[i]) != NULL) {
            return true;
        }
    }
    return false;
}

/* A scan that reads all of a growing table, or a whole lane of it. Below a limit one that skips nothing stops by itself. */
static bool scans_whole(const json_t *scan, bool limited)
{
    const char *type = text_at(scan, "Node Type");
    bool stops = limited && json_object_get(scan, "Filter") == NULL;
    return strcmp(type, "Seq Scan") == 0 ||
           ((strncmp(type, "Index", 5) == 0 || strcmp(type, "Bitmap Index Scan") == 0) &&
            !is_narrow(text_at(scan, "Index Cond")) && !stops);
}

/* table: of the scan above, since indexes of a bitmap tell none. */
static bool reads_whole(const json_t *node, const char *table, bool limited)
{
    size_t i;
    const json_t *child;
    const char *relation = text_at(node, "Relation Name");
    const char *of = *relation == '\0' ? table : relation;
    bool limits = strcmp(text_at(node, "Node Type"), "Limit") == 0;
    bool whole_here = grows(of) && scans_whole(node, limited);
    json_array_foreach (json_object_get(node, "Plans"), i, child) {
        whole_here = whole_here || reads_whole(child, of, limits);
    }
    return whole_here;
}

static bool uses_index(const json_t *node, const char *index)
{
    size_t i;
    const json_t *child;
    if (strcmp(text_at(node, "Index Name"), index) == 0) {
        return true;
    }
    json_array_foreach (json_object_get(node, "Plans"), i, child) {
        if (uses_index(child, index)) {
            return true;
        }
    }
    return false;
}

/* All lines of a plan. */
static const char *plan_text(const char *query, const char *arguments)
{
    const char *text = "";
    PGresult *res =
        PQexec(db_conn(spec.db), arena_printf(&spec.arena, "EXPLAIN EXECUTE %s%s", query,
                                              arguments == NULL ? "" : arguments));
    for (int i = 0; i < PQntuples(res); i++) {
        text = arena_printf(&spec.arena, "%s%s\n", text, PQgetvalue(res, i, 0));
    }
    PQclear(res);
    return text;
}

/* Counts a plan that is not as it should be, and shows it. */
static int wrong(const char *query, const char *arguments, const char *how)
{
    (void)fprintf(stderr, "%s %s:\n%s\n", query, how, plan_text(query, arguments));
    return 1;
}

/* ---- tests ---- */

static bool is_whole(const char *query)
{
    bool listed = false;
    for (size_t i = 0; i < COUNT_OF(whole); i++) {
        listed = listed || strcmp(whole[i].query, query) == 0;
    }
    return listed;
}

/* "(NULL, NULL)": of a generic plan no value matters. */
static const char *no_arguments(const char *query)
{
    int64_t n = sql_number(arena_printf(
        &spec.arena,
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = '%s'",
        query));
    const char *text = "";
    for (int64_t i = 0; i < n; i++) {
        text = arena_printf(&spec.arena, "%s%sNULL", text, i == 0 ? "" : ", ");
    }
    return n == 0 ? NULL : arena_printf(&spec.arena, "(%s)", text);
}

static void no_query_reads_a_growing_table_whole_without_a_reason(void **state)
{
    (void)state;
    int faults = 0;
    sql("SET plan_cache_mode = force_generic_plan");
    for (int q = 0; q < Q_COUNT; q++) {
        const char *name = query_defs[q].name;
        const char *arguments = no_arguments(name);
        json_t *plan = plan_tree(name, arguments);
        bool reads = plan == NULL ? strncmp(query_defs[q].sql, "COPY", 4) == 0
                                  : reads_whole(plan, "", false);
        json_decref(plan);
        if (reads != is_whole(name)) {
            faults += wrong(name, arguments,
                            reads ? "reads a growing table whole" : "reads none whole any more");
        }
    }
    assert_int_equal(faults, 0);
}

static int check_hot(const char *mode)
{
    int faults = 0;
    sql(arena_printf(&spec.arena, "SET plan_cache_mode = %s", mode));
    for (size_t i = 0; i < COUNT_OF(hot); i++) {
        json_t *plan = plan_tree(hot[i].query, hot[i].arguments);
        if (reads_whole(plan, "", false) ||
            (hot[i].index != NULL && !uses_index(plan, hot[i].index))) {
            faults += wrong(hot[i].query, hot[i].arguments,
                            arena_printf(&spec.arena, "is not held to %s (%s)",
                                         hot[i].index == NULL ? "an index" : hot[i].index, mode));
        }
        json_decref(plan);
    }
    return faults;
}

static void hot_queries_use_their_indexes_whatever_plan_is_kept(void **state)
{
    (void)state;
    assert_int_equal(check_hot("force_generic_plan") + check_hot("force_custom_plan"), 0);
}

static const char *why_anew(const char *query)
{
    const char *why = NULL;
    for (size_t i = 0; i < COUNT_OF(anew); i++) {
        why = strcmp(anew[i].query, query) == 0 ? anew[i].why : why;
    }
    return why;
}

/* A plan for the values of one call that looks cheaper than the one for any is made anew for every call: of a long statement that takes longer than all else. */
static void what_is_asked_often_is_planned_once_but_for_a_reason(void **state)
{
    (void)state;
    int faults = 0;
    for (size_t i = 0; i < COUNT_OF(hot); i++) {
        const char *query = hot[i].query;
        const char *arguments = hot[i].arguments == NULL ? "" : hot[i].arguments;
        for (int k = 0; k < 7;
             k++) { /* the first five are planned for their values, whatever comes of it */
            sql_text(arena_printf(&spec.arena, "EXPLAIN EXECUTE %s%s", query, arguments));
        }
        const bool once =
            sql_number(arena_printf(
                &spec.arena, "SELECT generic_plans FROM pg_prepared_statements WHERE name = '%s'",
                query)) > 0;
        if (once != (why_anew(query) == NULL)) {
            faults += wrong(query, arguments,
                            once ? "is planned once, and listed as planned anew"
                                 : "is planned at every call");
        }
    }
    assert_int_equal(faults, 0);
}

/* A plan that expects many rows of a key and needs a few of them would rather walk the log, or its lane, until they come; and none does. */
static void what_came_since_goes_by_the_key_however_much_of_the_log_is_of_it(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        const char *arguments;
    } asked[] = {
        {"shopper_gather", "('c:heavy', NULL, false, true, 5000, 9)"},
        {"shopper_gather", "('c:heavy', NULL, true, true, 5000, 9)"},
        {"joins_pending",
         "(189, 'c:heavy', '{x}', '{x}', '{x}', '{k7}', 9, 'a:x', 9, true, '{k7}', '{c:7,a:x}', '{-infinity,now}', '{infinity,now}', '{k7}', '{k7}')"},
        {"joins_quiet", "('{189,1}', '{c:heavy,a:x}', '{9,9}', '{x}', '{k7}', '{k7}')"},
        {"cart_pending", "('k7', '{}', false)"},
        {"heavy_view", "(189, 'c:heavy', now(), 7, 9)"},
    };
    static const char *const modes[] = {"force_generic_plan", "force_custom_plan"};
    int faults = 0;
    sql(heavy_sql);
    for (size_t i = 0; i < COUNT_OF(asked) * COUNT_OF(modes); i++) {
        const char *query = asked[i / COUNT_OF(modes)].query;
        const char *arguments = asked[i / COUNT_OF(modes)].arguments;
        sql(arena_printf(&spec.arena, "SET plan_cache_mode = %s", modes[i % COUNT_OF(modes)]));
        const char *plan = plan_text(query, arguments);
        if (strstr(plan, "Seq Scan on log") != NULL ||
            strstr(plan, "Index Scan using log_key on log") == NULL) {
            faults += wrong(query, arguments, modes[i % COUNT_OF(modes)]);
        }
    }
    assert_int_equal(faults, 0);
}

/* Thousands of people ordered a cart of one id: a till, a shop that calls every cart so. */
static const char shared_sql[] =
    "INSERT INTO cartwright.log (lane, off, id, key, type, origin, occurred_at, received_at, body)"
    " SELECT n % 256, n / 256 + 1000, cartwright.id_pack('s' || n), 'c:s' || n, 15, 'a', now(), now(), '{\"cart_id\": \"shared\"}'"
    "   FROM generate_series(0, 4999) n;"
    "UPDATE cartwright.lane_cursor SET off = 5000;"
    "ANALYZE";

/* The most rows that a part of the plan saw, in all its loops. */
static double rows_seen(const json_t *node)
{
    size_t i;
    const json_t *child;
    double seen = json_number_value(json_object_get(node, "Actual Rows")) +
                  json_number_value(json_object_get(node, "Rows Removed by Filter"));

    seen *= json_number_value(json_object_get(node, "Actual Loops"));
    json_array_foreach (json_object_get(node, "Plans"), i, child) {
        const double below = rows_seen(child);
        seen = below > seen ? below : seen;
    }
    return seen;
}

static void a_cart_id_under_which_thousands_ordered_costs_a_decision_little(void **state)
{
    (void)state;
    static const char asked[] =
        "joins_pending(7, 'c:7', '{}', '{}', '{}', '{shared}', 0, NULL, 0, "
        "false, '{shared}', '{c:7}', '{NULL}', '{infinity}', '{shared}', '{shared}')";
    json_error_t why;
    sql(shared_sql);
    sql("SET plan_cache_mode = force_generic_plan");
    const char *text =
        sql_text(arena_printf(&spec.arena, "EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE %s", asked));
    json_t *tree = json_loads(text, 0, &why);
    assert_non_null(tree);
    const double seen = rows_seen(json_object_get(json_array_get(tree, 0), "Plan"));
    json_decref(tree);
    if (seen > 600) { /* 257 of the id, and the lanes */
        fail_msg("%.0f rows: %s", seen, text);
    }
    const char *execute = arena_printf(&spec.arena, "EXECUTE %s", asked);
    assert_string_equal(sql_text(execute), "f");
    sql("UPDATE cartwright.lane_cursor SET off = 1018 WHERE lane = 9"); /* its last is 1019 */
    assert_string_equal(sql_text(execute), "t");
}

static void is_one_stretch(const char *mode)
{
    sql(arena_printf(&spec.arena, "SET plan_cache_mode = %s", mode));
    const char *seen = plan_text("carts_by_seen",
                                 "('{open}', '-infinity', 'infinity', now(), 9, 'c:9', 'k9', 51)");
    const char *risk =
        plan_text("carts_by_risk", "('{open}', '-infinity', 'infinity', 2, 9, 'c:9', 'k9', 51)");
    assert_text_contains(seen, "Backward using cart_status_seen");
    assert_text_contains(seen, "(ROW(seen_at, lane, key, cart_id) < ROW(");
    assert_text_contains(risk, "Backward using cart_status_risk");
    assert_text_contains(risk,
                         "(ROW(COALESCE(risk, '-1'::double precision), lane, key, cart_id) < ROW(");
    assert_null(strstr(risk, "Filter: (ROW"));
}

/* Planned for the values of a first page, which are before all carts, it would sort all of them. */
static void a_page_of_a_list_is_one_stretch_of_its_index(void **state)
{
    (void)state;
    is_one_stretch("force_generic_plan");
    is_one_stretch("force_custom_plan");
}

/* The plans inside append_rows are not to be seen from outside, but what was read is counted. */
static void an_append_reads_neither_the_log_nor_the_lanes_as_a_whole(void **state)
{
    (void)state;
    static const char scans[] =
        "SELECT sum(pg_stat_get_xact_numscans(c.oid)) FROM pg_class c"
        " WHERE c.oid IN ('cartwright.log'::regclass, 'cartwright.lane'::regclass)";
    sql("BEGIN");
    int64_t before = sql_number(scans);
    assert_int_equal(append(an_event(.event_id = "e7", .key = "c:7")), APPEND_STORED);
    assert_int_equal(append(an_event(.event_id = "e7", .key = "c:7")), APPEND_DUPLICATE);
    assert_int_equal(sql_number(scans), before);
    sql("ROLLBACK");
}

/* What a query is that COPY sends. */
static const char *select_of(enum query_id q)
{
    const char *from = strchr(query_defs[q].sql, '(') + 1;
    const char *to = strstr(from, ") TO STDOUT");
    return arena_strndup(&spec.arena, from, (size_t)(to - from));
}

/* Neither the daily check nor the days of the shop look at what came long ago. */
static void what_asks_for_a_time_goes_by_the_index_of_times(void **state)
{
    (void)state;
    static const char scans[] = "SELECT pg_stat_get_xact_numscans('cartwright.log'::regclass)";
    sql("BEGIN; SELECT set_config('cartwright.read_until', 'infinity', true)");
    sql("EXECUTE events_read_active_from('2026-01-01')");
    PGresult *plan = PQexec(
        db_conn(spec.db), arena_printf(&spec.arena, "EXPLAIN %s", select_of(Q_events_read_active)));
    const char *text = "";
    for (int i = 0; i < PQntuples(plan); i++) {
        text = arena_printf(&spec.arena, "%s%s\n", text, PQgetvalue(plan, i, 0));
    }
    PQclear(plan);
    assert_text_contains(text, "Bitmap Index Scan on log_time");
    assert_null(strstr(text, "Seq Scan on log"));
    const int64_t before = sql_number(scans);
    sql("SELECT cartwright.shop_days_fill(30000)");
    assert_int_equal(sql_number(scans), before);
    sql("ROLLBACK");
}

#define PLANS_TEST(name)         cmocka_unit_test_setup_teardown(name, filled, spec_end)
#define PLANS_TEST_HARMFUL(name) cmocka_unit_test_setup_teardown(name, filled, spec_discard)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLANS_TEST(no_query_reads_a_growing_table_whole_without_a_reason),
        PLANS_TEST(hot_queries_use_their_indexes_whatever_plan_is_kept),
        PLANS_TEST(what_is_asked_often_is_planned_once_but_for_a_reason),
        PLANS_TEST(a_page_of_a_list_is_one_stretch_of_its_index),
        PLANS_TEST(an_append_reads_neither_the_log_nor_the_lanes_as_a_whole),
        PLANS_TEST(what_asks_for_a_time_goes_by_the_index_of_times),
        PLANS_TEST_HARMFUL(what_came_since_goes_by_the_key_however_much_of_the_log_is_of_it),
        PLANS_TEST_HARMFUL(a_cart_id_under_which_thousands_ordered_costs_a_decision_little),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
