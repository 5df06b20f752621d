/* Queries with two texts, and functions with two bodies: what is sent to one server, and what to a cluster (sql/distributed), asked the same of the same random data.
 * Which they are, the program itself says: each needs its row in `pairs`, and each row must be one of them. CARTWRIGHT_SEED runs the one data set that a
 * failure names, CARTWRIGHT_QUERY=NAME asks that one query alone, the same as among all. */
#include "integration/store/store_spec.h"

#include "base/clock.h"
#include "base/rng.h"
#include "store/pg/distribute.h"
#include "store/pg/query.h"
#include "support/at_length.h"

#include <stdlib.h>

enum {
    CUSTOMERS = 6,
    BROWSERS = 8,
    CARTS = 6,
    EVENTS = 160,
    SECONDS_LONG = 40, /* in which they occurred: often two at once */
    DATA_SETS = 5,
    CALLS = 16,
    SEEN_MAX = 64
};

/* ---- two databases ---- */

enum side { ONE_SERVER, CLUSTER, SIDES };
static struct db *sides[SIDES];
static char *urls[SIDES];
static struct rng rng; /* of the data set and of the calls */

static struct db *connect_to(const char *url)
{
    struct db *db = NULL;
    assert_ok(db_open(url, true, &db, &spec.err));
    assert_ok(db_prepare_all(db, &spec.err)); /* both sides are asked by name */
    return db;
}

static int begin_sides(void **state)
{
    (void)state;
    bool is = false;

    urls[ONE_SERVER] = pg_fixture_database("one");
    urls[CLUSTER] = pg_fixture_database("cluster");
    spec.db = connect_to(urls[CLUSTER]);
    spec_load_stand_in();
    assert_ok(distribute_run(db_conn(spec.db), true, &is, &spec.err));
    assert_true(is);
    db_close(&spec.db);
    for (int side = 0; side < SIDES; side++) {
        sides[side] = connect_to(urls[side]);
    }
    return 0;
}

static int end_sides(void **state)
{
    (void)state;
    for (int side = 0; side < SIDES; side++) {
        db_close(&sides[side]);
        pg_fixture_drop(urls[side]);
    }
    spec.db = NULL;
    arena_free(&spec.arena);
    return 0;
}

static void sql_on_both(const char *text)
{
    for (int side = 0; side < SIDES; side++) {
        spec.db = sides[side];
        sql(text);
    }
}

/* ---- drawing ---- */

static int below(int n)
{
    return (int)rng_below(&rng, (uint64_t)n);
}

static bool one_in(int n)
{
    return below(n) == 0;
}

static const char *text_of(const char *fmt, int number)
{
    return arena_printf(&spec.arena, "%s%d", fmt, number);
}

/* Names, three to a lane but for the last two: where a lane has one key alone, a query that forgets the key is right. */
static const char *const customers[CUSTOMERS] = {"24", "46", "86", "60", "61", "47"};
static const char *const browsers[BROWSERS] = {"16", "83", "53", "27", "23", "91", "49", "20"};

static const char *customer_key(int n)
{
    return arena_printf(&spec.arena, "c:%s", customers[n]);
}

static const char *browser_key(int n)
{
    return arena_printf(&spec.arena, "a:%s", browsers[n]);
}

static const char *a_browser(void)
{
    return browsers[below(BROWSERS)];
}

static const char *a_key(void)
{
    return one_in(2) ? customer_key(below(CUSTOMERS)) : browser_key(below(BROWSERS));
}

static const char *a_cart(void)
{
    return text_of("k", below(CARTS));
}

static const char *quoted(const char *text)
{
    return arena_printf(&spec.arena, "'%s'", text);
}

static const char *lane_of(const char *key)
{
    return arena_printf(&spec.arena, "%d", event_lane(key));
}

/* Some of the n texts; often none, or one. */
static const char *some_of(const char *const *texts, int n)
{
    const char *list = "";
    const int odds = 1 + below(6);

    for (int i = 0; i < n; i++) {
        if (one_in(odds)) {
            list = arena_printf(&spec.arena, "%s%s%s", list, list[0] == '\0' ? "" : ",", texts[i]);
        }
    }
    return arena_printf(&spec.arena, "'{%s}'", one_in(4) ? "" : list);
}

static const char *some_browsers(void)
{
    return some_of(browsers, BROWSERS);
}

static const char *some_carts(void)
{
    static const char *const carts[CARTS] = {"k0", "k1", "k2", "k3", "k4", "k5"};
    return some_of(carts, CARTS);
}

/* What a query finds in the data, one of its rows: bounds that lie exactly on something. NULL: nothing. */
static const char *found(const char *query)
{
    spec.db = sides[ONE_SERVER];
    PGresult *r = PQexec(db_conn(spec.db), query);
    assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
    const int rows = PQntuples(r);
    const char *text = rows == 0 ? NULL : arena_strdup(&spec.arena, PQgetvalue(r, below(rows), 0));
    PQclear(r);
    return text;
}

static const char *found_or(const char *query, const char *otherwise)
{
    const char *text = one_in(3) ? NULL : found(query);
    return text == NULL ? otherwise : text;
}

/* A time of the carts or of the events, as a literal. */
static const char *time_of(const char *table, const char *column, const char *otherwise)
{
    return found_or(
        arena_printf(&spec.arena,
                     "SELECT quote_literal(x.%s) FROM cartwright.%s x WHERE x.%s IS NOT NULL"
                     " ORDER BY x.lane, x.%s",
                     column, table, column, column),
        otherwise);
}

static const char *a_second(int second)
{
    return arena_printf(&spec.arena, "to_timestamp(%lld + %d)", (long long)(NOW_US / SECONDS(1)),
                        second);
}

/* A time about those of the events. */
static const char *a_time(void)
{
    return a_second(below(SECONDS_LONG + 10) - 5);
}

static const char *a_bool(void)
{
    return one_in(2) ? "true" : "false";
}

static const char *a_number(int n)
{
    return text_of("", below(n));
}

/* ---- the data ---- */

static const char *const types[] = {
    "page_viewed", "cart_item_added",   "purchase",      "identify",         "logged_out",
    "unsub",       "consent_withdrawn", "chat_message",  "shopper_bound",    "binding_set",
    "forwarded",   "shopper_unbound",   "shopper_named", "outreach_released"};

/* Members as such events have them, and now and then as others do. */
static const char *members(const char *key, const char *type)
{
    const char *text = "";

    if (one_in(2)) {
        text = arena_printf(&spec.arena, ",\"cart_id\":\"%s\"", a_cart());
    }
    if (key[0] == 'c' && one_in(3)) {
        text = arena_printf(&spec.arena, "%s,\"%s\":\"%s\"", text,
                            one_in(2) ? "anonymous_id" : "via", a_browser());
    }
    if ((strcmp(type, "chat_message") == 0 || strcmp(type, "identify") == 0) && one_in(2)) {
        text = arena_printf(&spec.arena, "%s,\"opt_out\":%s", text, a_bool());
    }
    if (strcmp(type, "forwarded") == 0) {
        text = arena_printf(&spec.arena, "%s,\"event\":{\"cart_id\":\"%s\"}", text, a_cart());
    }
    return one_in(6) ? arena_printf(&spec.arena, "%s,\"properties\":{\"text\":\"%0*d\"}", text,
                                    1 + below(400), 0)
                     : text;
}

static struct event_row an_event_of(int i)
{
    const char *key = a_key();
    const char *type = types[below(COUNT_OF(types))];
    const char *id = text_of("e", i);

    return (struct event_row){
        .event_id = id,
        .key = key,
        .type = type,
        .occurred_us = NOW_US + (int64_t)below(SECONDS_LONG) * SECONDS(1),
        /* a body that is not packed as well */
        .body = arena_printf(
            &spec.arena,
            "{\"%s\":\"%s\",\"type\":\"%s\",\"%s\":\"%s\",\"occurred_at\":\"2026-09-21T14:13:20Z\"%s}",
            one_in(5) ? "id" : "event_id", id, type, key[0] == 'c' ? "customer_id" : "anonymous_id",
            key + 2, members(key, type))};
}

/* In parts that came in one after the other. */
static void append_to(struct db *db, const struct event_row *rows)
{
    enum { PARTS = 4, PART = EVENTS / PARTS };
    enum append_status status[PART];

    for (int part = 0; part < PARTS; part++) {
        assert_ok(store_events_append(db, rows + (ptrdiff_t)part * PART, PART, ORIGIN_API,
                                      NOW_US + part * SECONDS(40), status, &spec.err));
    }
}

static void store_log(void)
{
    struct event_row rows[EVENTS];

    for (int i = 0; i < EVENTS; i++) {
        rows[i] = an_event_of(i);
    }
    for (int side = 0; side < SIDES; side++) {
        append_to(sides[side], rows);
    }
}

/* For store_twice.sql. */
static void set_names(const char *name, const char *const *names, int n)
{
    const char *list = names[0];

    for (int i = 1; i < n; i++) {
        list = arena_printf(&spec.arena, "%s,%s", list, names[i]);
    }
    sql(arena_printf(&spec.arena, "SET twice.%s = '%s'", name, list));
}

static void fill(uint64_t seed)
{
    rng = rng_seed(seed);
    for (int side = 0; side < SIDES; side++) {
        spec.db = sides[side];
        spec_empty();
        sql(arena_printf(&spec.arena, "SET twice.seed = '%llu:'; SET twice.quiet = %s",
                         (unsigned long long)seed, seed % 5 == 0 ? "on" : "off"));
        set_names("customers", customers, CUSTOMERS);
        set_names("browsers", browsers, BROWSERS);
    }
    store_log();
    char *beside = spec_source_file("tests/integration/store/store_twice.sql");
    sql_on_both(beside);
    free(beside);
}

/* ---- what is asked ---- */

/* The values of one call, one after the other, as EXECUTE takes them. */
struct values {
    const char *text;
};

static void add(struct values *v, const char *value)
{
    v->text = arena_printf(&spec.arena, "%s%s%s", v->text, v->text[0] == '\0' ? "" : ", ", value);
}

static void add_lane_and_key(struct values *v)
{
    const char *key = a_key();

    add(v, lane_of(key));
    add(v, quoted(key));
}

static void lanes_values(struct values *v)
{
    add(v, arena_printf(&spec.arena, "'{%s,%s,%s}'", lane_of(a_key()), lane_of(customer_key(0)),
                        a_number(256)));
}

static void owner_values(struct values *v)
{
    add(v, one_in(4) ? "'nobody'" : "'me'");
}

static void lease_values(struct values *v)
{
    owner_values(v);
    add(v, "1000000");
    add(v, a_number(one_in(2) ? 300 : 20));
}

static void shed_values(struct values *v)
{
    owner_values(v);
    add(v, arena_printf(&spec.arena, "'{%s,%s}'", a_number(256), lane_of(a_key())));
}

static void floor_values(struct values *v)
{
    add(v, lane_of(a_key()));
    add(v, a_time());
}

/* In one lane with few bytes, or in all with more than there are: which lanes come first is drawn by the server. */
static void after_values(struct values *v)
{
    if (one_in(2)) {
        add(v, arena_printf(&spec.arena, "'{%s}'", lane_of(a_key())));
        add(v, arena_printf(&spec.arena, "'{%s}'", a_number(4)));
        add(v, text_of("", 1 + below(20)));
        add(v, a_number(2000));
        return;
    }
    const char *lanes = "";
    const char *offs = "";
    for (int lane = 0; lane < LANES; lane++) {
        lanes = arena_printf(&spec.arena, "%s%s%d", lanes, lane == 0 ? "" : ",", lane);
        offs = arena_printf(&spec.arena, "%s%s%d", offs, lane == 0 ? "" : ",", below(6));
    }
    add(v, arena_printf(&spec.arena, "'{%s}'", lanes));
    add(v, arena_printf(&spec.arena, "'{%s}'", offs));
    add(v, text_of("", CUSTOMERS + BROWSERS + below(100)));
    add(v, "100000000");
}

static void move_values(struct values *v)
{
    add(v, a_time());
    add(v, a_number(20));
}

static void claim_values(struct values *v)
{
    const char *lanes = "";

    for (int i = 0; i < 6; i++) {
        lanes = arena_printf(&spec.arena, "%s%s%s", lanes, i == 0 ? "" : ",", lane_of(a_key()));
    }
    add(v, arena_printf(&spec.arena, "'{%s}'", lanes));
}

static void stale_values(struct values *v)
{
    claim_values(v);
    add(v, "1000000");
    add(v, "3");
}

static void page_values(struct values *v)
{
    add_lane_and_key(v);
    add(v, a_number(8));
    add(v, a_number(20));
    add(v, one_in(2) ? "'-infinity'" : a_time());
    add(v, text_of("", 1 + below(12)));
    add(v, a_number(1500));
}

/* A page that ends exactly where an event begins. */
static void exact_page_values(struct values *v)
{
    const char *key = a_key();
    const char *from = a_number(8);

    add(v, lane_of(key));
    add(v, quoted(key));
    add(v, from);
    add(v, "1000");
    add(v, "'-infinity'");
    add(v, "1000");
    add(v,
        found_or(
            arena_printf(
                &spec.arena,
                "SELECT sum(octet_length(x.body)) OVER (ORDER BY x.off) FROM cartwright.log_rows x"
                " WHERE x.lane = %s AND x.key = '%s' AND x.off > %s",
                lane_of(key), key, from),
            a_number(1500)));
}

static void pages_values(struct values *v)
{
    (one_in(2) ? page_values : exact_page_values)(v);
}

static void joins_values(struct values *v)
{
    const bool narrow = one_in(2); /* else one of the many reasons hides another */

    add_lane_and_key(v);
    add(v, narrow ? "'{}'" : some_browsers());
    add(v, narrow ? "'{}'" : some_browsers());
    add(v, narrow ? arena_printf(&spec.arena, "'{%s}'", a_browser()) : some_browsers());
    add(v, narrow ? "'{}'" : some_carts());
    add(v, a_number(20));
    add(v, one_in(2) ? "NULL" : quoted(a_key()));
    add(v, a_number(20));
    add(v, a_bool());
    add(v, some_carts());
    add(v, arena_printf(&spec.arena, "'{%s,%s}'", a_key(), a_key()));
    add(v, arena_printf(&spec.arena, "ARRAY[%s, NULL]::timestamptz[]", a_time()));
    add(v, arena_printf(&spec.arena, "ARRAY[%s, %s]::timestamptz[]", a_time(),
                        one_in(2) ? "'infinity'" : a_time()));
    add(v, some_carts());
    add(v, one_in(2) ? "'{}'" : some_carts());
}

static void quiet_values(struct values *v)
{
    const char *key = a_key();
    const char *browser = browser_key(below(BROWSERS));

    add(v, arena_printf(&spec.arena, "'{%s,%s}'", lane_of(key), lane_of(browser)));
    add(v, arena_printf(&spec.arena, "'{%s,%s}'", key, browser));
    add(v, arena_printf(&spec.arena, "'{%s,%s}'", a_number(80), a_number(80)));
    add(v, some_browsers());
    add(v, one_in(2) ? "'{}'" : some_carts());
    add(v, one_in(2) ? "'{}'" : some_carts());
}

static void cart_values(struct values *v)
{
    add(v, quoted(a_cart()));
    add(v, arena_printf(&spec.arena, "'{%s,%s}'", a_key(), a_key()));
    add(v, a_bool());
}

static void shaken_values(struct values *v)
{
    add(v, arena_printf(&spec.arena, "'{%s,%s}'", a_cart(), a_cart()));
    add(v, arena_printf(&spec.arena, "'{%s,%s}'", a_key(), a_key()));
    add(v, a_bool());
}

static void gather_values(struct values *v)
{
    const bool by_key = one_in(2);

    add(v, by_key ? quoted(a_key()) : "NULL");
    add(v, by_key ? "NULL" : quoted(a_cart()));
    add(v, a_bool());
    add(v, a_bool());
    add(v, text_of("", 1 + below(20)));
    add(v, a_number(3000));
}

static void view_values(struct values *v)
{
    const char *key = found_or("SELECT key FROM cartwright.heavy_shopper ORDER BY key", a_key());

    add(v, lane_of(key));
    add(v, quoted(key));
    add(v, one_in(2) ? time_of("log", "occurred_at", a_time())
                     : time_of("heavy_checkpoint", "at", "'infinity'"));
    add(v, text_of("", 1 + below(20)));
    add(v, a_number(3000));
}

static void behind_values(struct values *v)
{
    const char *key = found_or("SELECT key FROM cartwright.heavy_shopper ORDER BY key", a_key());
    const char *place = found_or(
        arena_printf(
            &spec.arena,
            "SELECT concat_ws(', ', quote_literal(x.occurred_at), x.off) FROM cartwright.heavy_event x"
            " WHERE x.lane = %s AND x.key = '%s' ORDER BY x.off",
            lane_of(key), key),
        arena_printf(&spec.arena, "%s, %d", a_time(), below(12)));

    add(v, lane_of(key));
    add(v, quoted(key));
    add(v, place);
    add(v, text_of("", 1 + below(20)));
    add(v, a_number(3000));
}

static void docs_values(struct values *v)
{
    const char *lanes = "";
    const char *keys = "";

    for (int i = 0; i < CUSTOMERS; i++) {
        const char *key = one_in(2) ? customer_key(i) : browser_key(i);
        lanes = arena_printf(&spec.arena, "%s%s%s", lanes, i == 0 ? "" : ",", lane_of(key));
        keys = arena_printf(&spec.arena, "%s%s%s", keys, i == 0 ? "" : ",", key);
    }
    add(v, arena_printf(&spec.arena, "'{%s}'", lanes));
    add(v, arena_printf(&spec.arena, "'{%s}'", keys));
}

/* Where a page of carts may begin: behind one that is there, or somewhere. by: a column as text, or what it is where it is none. */
static void add_cursor(struct values *v, const char *by, const char *otherwise)
{
    const char *cursor = found_or(
        arena_printf(
            &spec.arena,
            "SELECT concat_ws(', ', %s, x.lane, quote_literal(x.key), quote_literal(x.cart_id))"
            " FROM cartwright.cart x ORDER BY x.lane, x.key, x.cart_id",
            by),
        NULL);

    if (cursor != NULL) {
        add(v, cursor);
        return;
    }
    if (otherwise != NULL) {
        add(v, otherwise);
    }
    add(v, a_number(256));
    add(v, quoted(a_key()));
    add(v, quoted(a_cart()));
}

static void list_values(struct values *v, const char *by, const char *otherwise)
{
    add(v, one_in(2) ? "'{open,bought}'" : "'{open}'");
    const int from = below(30);
    const char *since = one_in(3) ? time_of("cart", "seen_at", a_second(from)) : "'-infinity'";
    const char *until =
        one_in(3) ? time_of("cart", "seen_at", a_second(from + below(20))) : "'infinity'";
    add(v, arena_printf(&spec.arena, "least(%s, %s::timestamptz)", since, until));
    add(v, arena_printf(&spec.arena, "greatest(%s, %s::timestamptz)", since, until));
    add_cursor(v, by, otherwise);
    add(v, text_of("", 1 + below(12)));
}

static void seen_values(struct values *v)
{
    list_values(v, "quote_literal(x.seen_at)", one_in(2) ? "'infinity'" : a_time());
}

static void risk_values(struct values *v)
{
    list_values(v, "coalesce(x.risk, -1)",
                one_in(2) ? "2" : arena_printf(&spec.arena, ".%d", below(10)));
}

static void unscored_values(struct values *v)
{
    add(v, one_in(2) ? "'m1'" : "'m3'");
    add(v, one_in(2) ? "'-infinity'" : time_of("cart", "seen_at", a_time()));
    add_cursor(v, "NULL", NULL);
    add(v, text_of("", 1 + below(20)));
}

static void ordered_values(struct values *v)
{
    const char *carts = "";

    docs_values(v);
    for (int i = 0; i < CUSTOMERS; i++) { /* one of each key there */
        carts = arena_printf(&spec.arena, "%s%s%s", carts, i == 0 ? "" : ",", a_cart());
    }
    add(v, arena_printf(&spec.arena, "'{%s}'", carts));
}

static void cart_lanes_values(struct values *v)
{
    const char *one = a_key();
    const char *other = a_key();

    add(v, arena_printf(&spec.arena, "'{%s,%s}'", a_cart(), a_cart()));
    add(v, arena_printf(&spec.arena, "'{%s,%s}'", lane_of(one), lane_of(other)));
    add(v, arena_printf(&spec.arena, "'{%s,%s}'", one, other));
}

static void parties_values(struct values *v)
{
    const char *lanes = "";
    const char *carts = "";
    const char *keys = "";
    const char *ordered = "";
    const char *named = "";

    for (int i = 0; i < 4; i++) {
        const char *comma = i == 0 ? "" : ",";
        const char *cart = a_cart();
        lanes = arena_printf(&spec.arena, "%s%s%s", lanes, comma,
                             lane_of(arena_printf(&spec.arena, "k:%s", cart)));
        carts = arena_printf(&spec.arena, "%s%s%s", carts, comma, cart);
        keys = arena_printf(&spec.arena, "%s%s%s", keys, comma, a_key());
        ordered = arena_printf(&spec.arena, "%s%s%s", ordered, comma,
                               one_in(2) ? "NULL" : time_of("cart_party", "ordered_at", a_time()));
        named = arena_printf(&spec.arena, "%s%s%s", named, comma,
                             time_of("cart_party", "first_at", a_time()));
    }
    add(v, arena_printf(&spec.arena, "'{%s}'", lanes));
    add(v, arena_printf(&spec.arena, "'{%s}'", carts));
    add(v, arena_printf(&spec.arena, "'{%s}'", keys));
    add(v, arena_printf(&spec.arena, "ARRAY[%s]::timestamptz[]", ordered));
    add(v,
        found_or(
            "SELECT quote_literal(x.used_at + interval '1 day') FROM cartwright.cart_party x ORDER BY x.cart_id",
            a_second(below(200000))));
    add(v, arena_printf(&spec.arena, "ARRAY[%s]::timestamptz[]", named));
}

static void put_values(struct values *v)
{
    const int nth = below(CUSTOMERS + BROWSERS);
    const char *key = nth < CUSTOMERS ? customer_key(nth) : browser_key(nth - CUSTOMERS);
    const bool silent = one_in(2);
    const bool told = one_in(2);
    const int cart = below(CARTS);

    add(v, lane_of(key));
    add(v, arena_printf(&spec.arena, "'cart:k%d'", cart));
    /* half of them of a round that may be there (store_twice.sql) */
    add(v, text_of("", one_in(2) ? 1 : (nth + 1) * 6 + cart));
    add(v, "1");
    add(v, "'new'");
    add(v, quoted(key));
    add(v, silent ? "'silence'" : "'send'");
    add(v, "'r2'");
    add(v, a_time());
    add(v, "'{\"s\":1}'");
    add(v, "'{\"w\":1}'");
    add(v, silent ? "NULL" : "'{\"m\":1}'");
    add(v, told ? quoted(text_of("e", below(EVENTS + 40))) : "NULL");
    add(v, told ? "'{\"a\": 1}'" : "NULL");
    add(v, "'digest'");
}

/* Some that are there, some of another body, some twice. */
static void append_values(struct values *v)
{
    const char *columns[6] = {"", "", "", "", "", ""};
    const int count = 1 + below(8);

    for (int i = 0; i < count; i++) {
        const char *comma = i == 0 ? "" : ",";
        const char *key = a_key();
        columns[0] = arena_printf(&spec.arena, "%s%s%s", columns[0], comma, lane_of(key));
        columns[1] = arena_printf(&spec.arena, "%s%scartwright.id_pack('e%d')", columns[1], comma,
                                  one_in(2) ? below(EVENTS) : EVENTS + below(4));
        columns[2] = arena_printf(&spec.arena, "%s%s'%s'", columns[2], comma, key);
        columns[3] = arena_printf(&spec.arena, "%s%s%d", columns[3], comma, 1 + below(3));
        columns[4] = arena_printf(&spec.arena, "%s%sto_timestamp(1790000000 + %d)", columns[4],
                                  comma, below(2));
        columns[5] = arena_printf(&spec.arena, "%s%s'{\"n\": %d}'", columns[5], comma, below(2));
    }
    add(v, arena_printf(&spec.arena, "ARRAY[%s]", columns[0]));
    add(v, arena_printf(&spec.arena, "ARRAY[%s]", columns[1]));
    add(v, arena_printf(&spec.arena, "ARRAY[%s]", columns[2]));
    add(v, arena_printf(&spec.arena, "ARRAY[%s]", columns[3]));
    add(v, "'api'");
    add(v, arena_printf(&spec.arena, "ARRAY[%s]", columns[4]));
    add(v, a_time());
    add(v, arena_printf(&spec.arena, "ARRAY[%s]", columns[5]));
}

static void days_values(struct values *v)
{
    add(v, text_of("", 20716 + below(4))); /* about the day of the events */
}

/* ---- the pairs ---- */

#define LOG_SQL "SELECT md5(string_agg(l::text, '|' ORDER BY l.lane, l.off)) FROM cartwright.log l"

static const struct pair {
    enum query_id query;
    void (*values)(struct values *v);
    const char *after; /* what it left behind: a query; NULL: it writes nothing */
    bool any_order;    /* of its rows */
    bool tagged;       /* by the first column: the kinds in any order, the rows of each in theirs */
    bool weaker;       /* a cluster may say no where the other says yes */
    bool in_parts;     /* rows of one number are one: whoever reads takes what is not NULL */
    int times;         /* as many calls as others */
} pairs[] = {
    {.query = Q_lanes_lock, .values = lanes_values},
    {.query = Q_lanes_lease,
     .values = lease_values,
     .after =
         "SELECT md5(string_agg(concat_ws(' ', lane, owner, epoch, off, lease_until > now()), '|' ORDER BY lane)) FROM cartwright.lane_cursor",
     .any_order = true},
    {.query = Q_lanes_shed,
     .values = shed_values,
     .after = "SELECT md5(string_agg(c::text, '|' ORDER BY lane)) FROM cartwright.lane_cursor c",
     .in_parts = true},
    {.query = Q_lanes_release,
     .values = owner_values,
     .after = "SELECT md5(string_agg(c::text, '|' ORDER BY lane)) FROM cartwright.lane_cursor c",
     .in_parts = true},
    {.query = Q_lane_floor_candidate, .values = floor_values, .times = 4},
    {.query = Q_events_after, .values = after_values},
    {.query = Q_events_append,
     .values = append_values,
     .after = LOG_SQL,
     .any_order = true,
     .times = 2},
    {.query = Q_events_append_if_free,
     .values = append_values,
     .after = LOG_SQL,
     .any_order = true},
    {.query = Q_derived_lock, .values = lanes_values},
    {.query = Q_derived_move,
     .values = move_values,
     .after =
         "SELECT concat_ws(' ', (SELECT md5(string_agg(l::text, '|' ORDER BY lane, off)) FROM cartwright.log l),"
         " (SELECT string_agg(d.event_id, ' ' ORDER BY d.event_id) FROM cartwright.derived_waiting d))"},
    {.query = Q_stale_claim,
     .values = stale_values,
     .after =
         "SELECT string_agg(concat_ws(' ', lane, key, CASE WHEN due_at > now() + interval '1 hour' OR due_at < now() - interval '1 hour' THEN due_at END), '|' ORDER BY key)"
         "  FROM cartwright.stale_shopper"},
    {.query = Q_handing_claim,
     .values = claim_values,
     .after =
         "SELECT string_agg(concat_ws(' ', lane, key, CASE WHEN turned_at < now() - interval '1 hour' OR turned_at > now() + interval '1 hour' THEN turned_at END), '|' ORDER BY key)"
         "  FROM cartwright.handing_over"},
    {.query = Q_history_page_within, .values = pages_values, .times = 4},
    {.query = Q_joins_pending, .values = joins_values, .times = 16},
    {.query = Q_joins_quiet, .values = quiet_values, .weaker = true, .times = 8},
    {.query = Q_cart_pending, .values = cart_values, .times = 4},
    {.query = Q_joins_shaken, .values = shaken_values, .times = 4},
    {.query = Q_shopper_gather, .values = gather_values, .times = 4},
    {.query = Q_heavy_view, .values = view_values, .tagged = true, .times = 8},
    {.query = Q_heavy_behind, .values = behind_values, .times = 8},
    {.query = Q_shoppers_read, .values = docs_values, .in_parts = true},
    {.query = Q_history_docs, .values = docs_values, .in_parts = true},
    {.query = Q_carts_by_seen, .values = seen_values},
    {.query = Q_carts_by_risk, .values = risk_values},
    {.query = Q_carts_ordered, .values = ordered_values, .any_order = true, .times = 4},
    {.query = Q_carts_unscored, .values = unscored_values},
    {.query = Q_cart_lanes_upsert,
     .values = cart_lanes_values,
     .after =
         "SELECT string_agg(l::text, '|' ORDER BY cart_id, lane, key) FROM cartwright.cart_lane l"},
    {.query = Q_cart_parties_put,
     .values = parties_values,
     .after = "SELECT string_agg(p::text, '|' ORDER BY lane, cart_id) FROM cartwright.cart_party p",
     .any_order = true,
     .times = 2},
    {.query = Q_outreach_put,
     .values = put_values,
     .after =
         "SELECT concat_ws(' ', (SELECT md5(string_agg(l::text, '|' ORDER BY lane, off)) FROM cartwright.log l),"
         " (SELECT md5(string_agg(o::text, '|' ORDER BY key, subject, round, step)) FROM cartwright.outreach o))"},
    {.query = Q_shop_days_fill,
     .values = days_values,
     .after = "SELECT string_agg(d::text, '|' ORDER BY day) FROM cartwright.shop_day d"},
};

static const struct pair *pair_of(enum query_id q)
{
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        if (pairs[i].query == q) {
            return &pairs[i];
        }
    }
    return NULL;
}

/* Names of the functions that a cluster has otherwise, each as a query calls it. */
static const char **other_functions(size_t *out_count)
{
    static const char bodies[] =
        "SELECT string_agg(md5(p.prosrc), ' ' ORDER BY p.oid::regprocedure::text) FROM pg_proc p"
        " WHERE p.pronamespace = 'cartwright'::regnamespace AND p.proname = '%s'";
    spec.db = sides[ONE_SERVER];
    PGresult *names =
        PQexec(db_conn(spec.db), "SELECT DISTINCT p.proname FROM pg_proc p"
                                 " WHERE p.pronamespace = 'cartwright'::regnamespace");
    const char **found = arena_array(&spec.arena, (size_t)PQntuples(names), sizeof *found);

    *out_count = 0;
    for (int i = 0; i < PQntuples(names); i++) {
        const char *ask = arena_printf(&spec.arena, bodies, PQgetvalue(names, i, 0));
        spec.db = sides[ONE_SERVER];
        const char *one = sql_text(ask);
        spec.db = sides[CLUSTER];
        if (strcmp(one, sql_text(ask)) != 0) {
            found[(*out_count)++] =
                arena_printf(&spec.arena, "cartwright.%s(", PQgetvalue(names, i, 0));
        }
    }
    PQclear(names);
    return found;
}

/* ---- what is read ---- */

enum { CROWD = 3000, CROWD_PART = 500, READ_MOST = 700 };

/* So many people ordered carts of one id, and all of it is folded. */
static void store_crowd(void)
{
    struct event_row rows[CROWD_PART];
    enum append_status status[CROWD_PART];

    for (int from = 0; from < CROWD; from += CROWD_PART) {
        for (int i = 0; i < CROWD_PART; i++) {
            const char *id = text_of("crowd", from + i);
            rows[i] = (struct event_row){
                .event_id = id,
                .key = arena_printf(&spec.arena, "c:%s", id),
                .type = "purchase",
                .occurred_us = NOW_US,
                .body = arena_printf(
                    &spec.arena,
                    "{\"event_id\":\"%s\",\"type\":\"purchase\",\"customer_id\":\"%s\","
                    "\"occurred_at\":\"2026-09-21T14:13:20Z\",\"cart_id\":\"cart\"}",
                    id, id)};
        }
        assert_ok(
            store_events_append(spec.db, rows, CROWD_PART, ORIGIN_API, NOW_US, status, &spec.err));
    }
    sql("UPDATE cartwright.lane_cursor c SET off = l.off FROM (SELECT lane, max(off) AS off FROM cartwright.log GROUP BY lane) AS l"
        " WHERE l.lane = c.lane");
    sql("ANALYZE cartwright.log");
}

/* Counted by the server, since this connection last told it. */
static int64_t rows_counted(void)
{
    return sql_number("SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint"
                      " FROM pg_stat_xact_user_tables"
                      " WHERE schemaname IN ('cartwright', 'shards') AND relname ~ '^log'");
}

/* Rows of the log that are read for the question whether anything waits for the cart "cart" of the browser 16. */
static int64_t rows_read(bool waits)
{
    static const char asked_of[] =
        "EXECUTE joins_pending(%s, 'a:16', '{}', '{}', '{}', '{cart}', 0, NULL, 0, false, '{}',"
        " '{}', '{}', '{}', '{}', '{}')";

    sql("BEGIN");
    const int64_t before = rows_counted();
    PGresult *r = PQexec(db_conn(spec.db), arena_printf(&spec.arena, asked_of, lane_of("a:16")));
    assert_int_equal(PQresultStatus(r), PGRES_TUPLES_OK);
    assert_string_equal(PQgetvalue(r, 0, 0), waits ? "t" : "f");
    PQclear(r);
    const int64_t rows = rows_counted() - before;
    sql("ROLLBACK");
    return rows;
}

static void a_cart_id_of_thousands_is_not_read_whole_by_either(void **state)
{
    (void)state;
    for (int side = 0; side < SIDES; side++) {
        spec.db = sides[side];
        spec_empty();
        store_crowd();
        assert_in_range(rows_read(false), 0, READ_MOST);
        sql(arena_printf(&spec.arena,
                         "UPDATE cartwright.lane_cursor SET off = off - 1 WHERE lane = %s",
                         lane_of("c:crowd7")));
        assert_in_range(rows_read(true), 0, READ_MOST);
        spec_empty();
    }
}

static void every_query_that_a_cluster_answers_otherwise_is_compared(void **state)
{
    (void)state;
    size_t count;
    const char **functions = other_functions(&count);
    assert_true(count >= 3);

    for (enum query_id q = 0; q < Q_COUNT; q++) {
        const char *text = query_sql(q, false);
        bool other = query_sql(q, true) != text;
        for (size_t i = 0; i < count; i++) {
            other = other || strstr(text, functions[i]) != NULL;
        }
        if (other && pair_of(q) == NULL) {
            fail_msg("%s is another on a cluster: it needs a row in pairs", query_defs[q].name);
        }
        if (!other && pair_of(q) != NULL) {
            fail_msg("%s is the same everywhere, and has a row in pairs", query_defs[q].name);
        }
    }
}

/* ---- comparing ---- */

/* The cells of a row, but for the first, where a row of the same number had none. */
static void merge_row(PGresult *r, int row, const char **cells)
{
    for (int c = 0; c < PQnfields(r); c++) {
        if (!PQgetisnull(r, row, c)) {
            cells[c] = PQgetvalue(r, row, c);
        }
    }
}

static const char *row_text_of(const char **cells, int count)
{
    const char *text = "";

    for (int c = 0; c < count; c++) {
        text = arena_printf(&spec.arena, "%s|%s", text, cells[c] == NULL ? "(null)" : cells[c]);
    }
    return text;
}

static bool says_something(const char **cells, int count)
{
    /* false is what no row says as well: not stale */
    bool says = false;
    for (int c = 1; c < count; c++) {
        says = says || (cells[c] != NULL && strcmp(cells[c], "f") != 0);
    }
    return says;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* The rows in order of their numbers, several of one number as one; those that say nothing are none. */
static const char *in_parts(PGresult *r)
{
    const char *text = "";

    for (int number = 0; number < CUSTOMERS && PQnfields(r) > 1; number++) {
        const char *cells[16] = {NULL};
        for (int row = 0; row < PQntuples(r); row++) {
            if (strtol(PQgetvalue(r, row, 0), NULL, 10) == number) {
                merge_row(r, row, cells);
            }
        }
        if (cells[4] != NULL && strcmp(cells[4], "f") == 0) {
            cells[4] = NULL;
        }
        if (says_something(cells, PQnfields(r))) {
            text = arena_printf(&spec.arena, "%s%s\n", text, row_text_of(cells, PQnfields(r)));
        }
    }
    return text;
}

static const char *rows_of(PGresult *r, const struct pair *pair)
{
    const int count = PQntuples(r);
    const char **rows = arena_array(&spec.arena, (size_t)count, sizeof *rows);
    const char *text = "";

    if (pair->in_parts) {
        return in_parts(r);
    }
    for (int row = 0; row < count; row++) {
        const char *cells[32] = {NULL};
        merge_row(r, row, cells);
        rows[row] = row_text_of(cells, PQnfields(r));
    }
    if (pair->any_order && count > 0) {
        qsort(rows, (size_t)count, sizeof *rows, by_text);
    }
    for (int tag = '0'; tag <= '9'; tag++) {
        for (int row = 0; row < count; row++) {
            /* a text begins with "|", then the first column */
            if (pair->tagged ? rows[row][1] == tag : tag == '0') {
                text = arena_printf(&spec.arena, "%s%s\n", text, rows[row]);
            }
        }
    }
    return text;
}

/* What it answers, and what it leaves behind; undone again. */
static const char *asked(enum side side, const struct pair *pair, const char *values)
{
    spec.db = sides[side];
    sql("BEGIN");
    PGresult *r = PQexec(db_conn(spec.db), arena_printf(&spec.arena, "EXECUTE %s(%s)",
                                                        query_defs[pair->query].name, values));
    const ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        fail_msg("%s(%s): %s", query_defs[pair->query].name, values, PQresultErrorMessage(r));
    }
    const char *text = rows_of(r, pair);
    PQclear(r);
    if (pair->after != NULL) {
        text = arena_printf(&spec.arena, "%s-> %s\n", text, sql_text(pair->after));
    }
    sql("ROLLBACK");
    return text;
}

/* How many different answers a pair gave: one that always says the same was asked nothing. */
struct seen {
    uint64_t hashes[SEEN_MAX];
    size_t count;
};

static void note(struct seen *seen, const char *answer)
{
    uint64_t hash = 14695981039346656037u;

    for (; *answer != '\0'; answer++) {
        hash = (hash ^ (unsigned char)*answer) * 1099511628211u;
    }
    for (size_t i = 0; i < seen->count; i++) {
        if (seen->hashes[i] == hash) {
            return;
        }
    }
    if (seen->count < SEEN_MAX) {
        seen->hashes[seen->count++] = hash;
    }
}

static void compare(const struct pair *pair, uint64_t seed, struct seen *seen)
{
    struct values v = {.text = ""};

    pair->values(&v);
    const char *one = asked(ONE_SERVER, pair, v.text);
    const char *cluster = asked(CLUSTER, pair, v.text);
    const bool says_no = pair->weaker && strcmp(cluster, "|f\n") == 0;
    if (!says_no && strcmp(one, cluster) != 0) {
        print_error("CARTWRIGHT_SEED=%llu: %s(%s)\n", (unsigned long long)seed,
                    query_defs[pair->query].name, v.text);
        print_error("on one server:\n%s", one);
        print_error("on a cluster:\n%s", cluster);
        fail();
    }
    note(seen, one);
}

static void compare_all(uint64_t seed, struct seen *seen)
{
    const char *alone = getenv("CARTWRIGHT_QUERY");

    fill(seed);
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        if (alone != NULL && strcmp(alone, query_defs[pairs[i].query].name) != 0) {
            continue;
        }
        rng = rng_seed(seed * 1000 + pairs[i].query);
        const int calls = CALLS * (pairs[i].times == 0 ? 1 : pairs[i].times);
        for (int call = 0; call < calls; call++) {
            compare(&pairs[i], seed, &seen[i]);
        }
    }
    arena_reset(&spec.arena);
}

static void both_texts_say_and_do_the_same(void **state)
{
    (void)state;
    static struct seen seen[COUNT_OF(pairs)];
    const char *one = getenv("CARTWRIGHT_SEED");
    const uint64_t sets = at_length() ? 20 * DATA_SETS : DATA_SETS;

    if (one != NULL) {
        compare_all(strtoull(one, NULL, 10), seen);
        return;
    }
    for (uint64_t seed = 1; seed <= sets; seed++) {
        compare_all(seed, seen);
    }
    for (size_t i = 0; i < COUNT_OF(pairs) && getenv("CARTWRIGHT_QUERY") == NULL; i++) {
        if (seen[i].count < 2) {
            fail_msg(
                "%s gave %zu different answers: the data are too poor to tell its two texts apart",
                query_defs[pairs[i].query].name, seen[i].count);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cart_id_of_thousands_is_not_read_whole_by_either),
        cmocka_unit_test(every_query_that_a_cluster_answers_otherwise_is_compared),
        cmocka_unit_test(both_texts_say_and_do_the_same),
    };
    return cmocka_run_group_tests(tests, begin_sides, end_sides);
}
