/* The SQL function cartwright.append_events: what a producer that speaks only SQL gets to see. */
#include "base/json/jdoc.h"
#include "domain/shop/placeholder.h"
#include "domain/shop/said_no.h"
#include "integration/store/store_spec.h"

/* The answer to one call as text: "index status pointer detail" a row, joined by "; ". */
static const char *answer(const char *events)
{
    const char *const values[] = {events};
    PGresult *res = PQexecParams(
        db_conn(spec.db),
        "SELECT string_agg(concat_ws(' ', index, status, errors -> 0 ->> 'pointer', errors -> 0 ->> 'detail'), '; ' ORDER BY index)"
        "  FROM cartwright.append_events($1::jsonb)",
        1, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK) {
        print_error("%s", PQerrorMessage(db_conn(spec.db)));
        fail();
    }
    const char *text = arena_strdup(&spec.arena, PQgetvalue(res, 0, 0));
    PQclear(res);
    return text;
}

#define EVENT(id, rest)                                                                            \
    "{\"event_id\": \"" id                                                                         \
    "\", \"type\": \"page_viewed\", \"occurred_at\": \"2026-01-30T10:00:00Z\"" rest "}"
#define ANN ", \"customer_id\": \"ann\""

static const struct {
    const char *name;
    const char *events;
    const char *expected;
} cases[] = {
    {"one object", EVENT("e", ANN), "0 stored"},
    {"an array", "[" EVENT("e", ANN) ", " EVENT("f", ANN) "]", "0 stored; 1 stored"},
    {"nothing", "[]", ""},
    {"no argument", NULL, "0 invalid  must be an object"},
    {"a text", "\"x\"", "0 invalid  must be an object"},
    {"a number among events", "[1, " EVENT("e", ANN) "]", "0 invalid  must be an object; 1 stored"},
    {"an array among events", "[[], " EVENT("e", ANN) "]",
     "0 invalid  must be an object; 1 stored"},
    {"a null among events", "[null]", "0 invalid  must be an object"},
    {"an anonymous shopper", EVENT("e", ", \"anonymous_id\": \"x\""), "0 stored"},
    {"the same event twice", "[" EVENT("e", ANN) ", " EVENT("e", ANN) "]", "0 stored; 1 duplicate"},
    {"the same id, another body", "[" EVENT("e", ANN) ", " EVENT("e", ANN ", \"x\": 1") "]",
     "0 stored; 1 conflict /event_id an event with this id and another body is stored already, and stays; they differ in /x: what "
     "was mended is sent under a new event_id (rows of one order_id are one order)"},
    {"an opt-out said later", "[" EVENT("e", ANN) ", " EVENT("e", ANN ", \"opt_out\": true") "]",
     "0 stored; 1 conflict /event_id an event with this id and another body is stored already, and stays; they differ in /opt_out: "
     "what was mended is sent under a new event_id (rows of one order_id are one order)"},
    {"an opt-out twice, and once without",
     "[" EVENT("e", ANN ", \"opt_out\": true") ", " EVENT(
         "e", ANN ", \"opt_out\": true") ", " EVENT("e", ANN) "]",
     "0 stored; 1 duplicate; 2 duplicate"},
    {"indexes count bad events too", "[1, " EVENT("e", ANN) ", 2, " EVENT("e", ANN) "]",
     "0 invalid  must be an object; 1 stored; 2 invalid  must be an object; 3 duplicate"},
    {"no event_id", "{\"type\": \"t\"}", "0 invalid /event_id must be a string of 1 to 200 bytes"},
    {"an empty event_id", EVENT("", ANN), "0 invalid /event_id must be a string of 1 to 200 bytes"},
    {"a number with a fraction for event_id", "{\"event_id\": 7.5}",
     "0 invalid /event_id must be a string of 1 to 200 bytes"},
    {"a line break in event_id", EVENT("a\\nb", ANN),
     "0 invalid /event_id must not contain control characters"},
    {"the event_id of a derived event", EVENT("cartwright:fwd:1", ANN),
     "0 invalid /event_id must not begin with cartwright:"},
    {"an event_id that only looks like one", EVENT("cartwright_1", ANN), "0 stored"},
    {"no type", "{\"event_id\": \"e\"}", "0 invalid /type must be a string of 1 to 64 bytes"},
    {"no shopper", EVENT("e", ""),
     "0 invalid /customer_id is required where there is no anonymous_id"},
    {"a null customer", EVENT("e", ", \"customer_id\": null"),
     "0 invalid /customer_id is required where there is no anonymous_id"},
    {"a null customer beside a browser",
     EVENT("e", ", \"customer_id\": null, \"anonymous_id\": \"x\", \"cart_id\": null"), "0 stored"},
    {"a null that is required", "{\"event_id\": null}",
     "0 invalid /event_id must be a string of 1 to 200 bytes"},
    {"a bad anonymous_id beside a good customer", EVENT("e", ANN ", \"anonymous_id\": 3.5"),
     "0 invalid /anonymous_id must be a string of 1 to 200 bytes"},
    {"ids that are numbers, and then texts",
     "[" EVENT(
         "7",
         ", \"customer_id\": \"17\", \"items\": [{\"product_id\": \"3\"}, 4]") ", {\"event_id\": 7, \"type\": "
                                                                               "\"page_viewed\", \"occurred_at\": \"2026-01-30T10:00:00Z\", \"customer_id\": 17, \"items\": [{\"product_id\": 3}, 4]}]",
     "0 stored; 1 duplicate"},
    {"a number that is no id", EVENT("e", ", \"customer_id\": 0"),
     "0 invalid /customer_id must be an id, not what programs write where there is none (where it is one, name it in "
     "cartwright.ids_allowed)"},
    {"a number of more than 64 bits", EVENT("e", ", \"customer_id\": 9223372036854775808"),
     "0 invalid /customer_id must be a string of 1 to 200 bytes"},
    {"a placeholder for a customer", EVENT("e", ", \"customer_id\": \"Undefined\""),
     "0 invalid /customer_id must be an id, not what programs write where there is none (where it is one, name it in "
     "cartwright.ids_allowed)"},
    {"a body that is nested too deep",
     "[" EVENT("e", ANN ", \"x\": [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]") ", " EVENT(
         "f", ANN ", \"x\": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]") "]",
     "0 stored; 1 invalid  must not be nested deeper than 16 levels"},
    {"a number of 100,000 digits",
     "[" EVENT("e", ANN ", \"x\": [1e100000, 1]") ", " EVENT("f", ANN ", \"x\": 1e300") "]",
     "0 invalid  must not hold a number of more than 400 digits; 1 stored"},
    {"a number of 5,000 digits behind the point",
     "[" EVENT("e", ANN ", \"x\": {\"y\": -1e-5000}") ", " EVENT("f", ANN ", \"x\": 1e-300") "]",
     "0 invalid  must not hold a number of more than 400 digits; 1 stored"},
    {"a cart called guest, of a good customer", EVENT("e", ANN ", \"cart_id\": \"guest\""),
     "0 stored"},
};

/* What C says of an id. */
static bool sql_agrees(const char *id, const char *of, bool is)
{
    const char *const values[] = {id, of};
    PGresult *res =
        PQexecParams(db_conn(spec.db), "SELECT cartwright.is_placeholder($1::text, $2::text)", 2,
                     NULL, values, NULL, NULL, 0);
    bool agrees = PQresultStatus(res) == PGRES_TUPLES_OK &&
                  strcmp(PQgetvalue(res, 0, 0), is ? "t" : "f") == 0;
    PQclear(res);
    return agrees;
}

static const struct {
    enum id_of of;
    const char *name;
} kinds_of_ids[] = {{ID_OF_SHOPPER, "shopper"},
                    {ID_OF_CART, "cart"},
                    {ID_OF_ORDER, "order"},
                    {ID_OF_EVENT, "event"}};

static void check_id(const char *id)
{
    for (size_t k = 0; k < COUNT_OF(kinds_of_ids); k++) {
        bool is = placeholder_is(id, kinds_of_ids[k].of, NULL);
        if (!sql_agrees(id, kinds_of_ids[k].name, is)) {
            fail_msg("\"%s\" of a %s: %s in C only", id, kinds_of_ids[k].name,
                     is ? "none" : "an id");
        }
    }
}

static void sql_and_c_agree_on_what_is_no_id(void **state)
{
    static const char *const ids[] = {
#define PLACEHOLDER(word, of) word,
#include "domain/shop/placeholder_table.inc"
#undef PLACEHOLDER
        "0",
        "00",
        "0-0",
        "{0}",
        "00000000-0000-0000-0000-000000000000",
        "-1",
        " NULL ",
        "{{ x }}",
        "${x}",
        "%%x%%",
        "  ",
        "\xe2\x80\x8b",
        "\xc2\xa0",
        "17",
        "x",
        "anna",
        "{}x",
        "0a",
        "null@x",
        "guest 7",
        "\xf0\x9f\x98\x80",
        "---",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        check_id(ids[i]);
    }
    sql("BEGIN"); /* a pooler keeps a setting no longer than a transaction */
    sql("SET LOCAL cartwright.ids_allowed = 'x, Guest ,0'");
    assert_true(sql_agrees("guest", "shopper", false));
    assert_true(sql_agrees("0", "order", false));
    assert_true(sql_agrees("null", "shopper", true));
    sql("ROLLBACK");
}

static void every_event_of_a_call_gets_its_own_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        sql("DELETE FROM cartwright.log");
        const char *got = answer(cases[i].events);
        if (strcmp(got, cases[i].expected) != 0) {
            print_error("%s: got \"%s\", expected \"%s\"\n", cases[i].name, got, cases[i].expected);
            fail();
        }
    }
}

static void derived_types_are_refused_by_name(void **state)
{
    (void)state;
    for (int t = EVENT_UNKNOWN + 1; t < EVENT_TYPE_COUNT; t++) {
        const char *name = event_type_name((enum event_type)t);
        bool derived = t >= EVENT_DERIVED_SHOPPER_BOUND;
        const char *event =
            arena_printf(&spec.arena,
                         "{\"event_id\": \"%s\", \"type\": \"%s\", \"customer_id\": \"x\","
                         " \"occurred_at\": \"2026-01-30T10:00:00Z\"}",
                         name, name);
        assert_string_equal(answer(event), derived
                                               ? "0 invalid /type is written by Cartwright itself"
                                               : "0 stored");
    }
}

static const struct {
    const char *text;
    const char *utc; /* "": refused */
} times[] = {
    {"2026-01-30T10:00:00Z", "2026-01-30T10:00:00"},
    {"2026-01-30t10:00:00z", "2026-01-30T10:00:00"},
    {"2026-01-30T10:00:00.5+05:30", "2026-01-30T04:30:00.5"},
    {"2026-01-30T10:00:00-23:59", "2026-01-31T09:59:00"},
    {"2026-01-30T10:00:00.1234569Z", "2026-01-30T10:00:00.123456"},
    {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00"},
    {"2016-12-31T23:59:60.25+01:00", "2016-12-31T23:00:00.25"},
    {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00"},
    {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59"},
    {"2026-02-29T00:00:00Z", ""},
    {"2026-02-30T00:00:00Z", ""},
    {"2026-04-31T00:00:00Z", ""},
    {"2026-13-01T00:00:00Z", ""},
    {"2026-00-10T00:00:00Z", ""},
    {"2026-01-00T00:00:00Z", ""},
    {"0000-01-01T00:00:00Z", ""},
    {"2026-01-30T24:00:00Z", ""},
    {"2026-01-30T10:60:00Z", ""},
    {"2026-01-30T10:00:61Z", ""},
    {"2026-01-30T10:00:00+24:00", ""},
    {"2026-01-30T10:00:00", ""},
    {"2026-01-30 10:00:00Z", ""},
    {"2026-01-30", ""},
    {"infinity", ""},
    {"now", ""},
    {"2026-01-30T10:00:00Z\n", ""},
    {"", ""},
};

static void times_are_read_as_rfc_3339_and_nothing_else(void **state)
{
    (void)state;
    sql("SET timezone = 'America/New_York'; SET datestyle = 'SQL, DMY'; SET intervalstyle = 'sql_standard'");
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        const char *query = arena_printf(
            &spec.arena,
            "SELECT coalesce(to_json(cartwright.time_or_null('%s') AT TIME ZONE 'UTC') #>> '{}', '')",
            times[i].text);
        assert_string_equal(sql_text(query), times[i].utc);
    }
}

#define AT(time)                                                                                   \
    "{\"event_id\": \"e\", \"type\": \"t\", \"customer_id\": \"x\", \"occurred_at\": " time "}"

static void times_outside_the_window_are_refused(void **state)
{
    (void)state;
    const char *soon = sql_text(
        "SELECT to_char(now() AT TIME ZONE 'UTC' + interval '25 hours', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
    assert_string_equal(answer(AT("\"1999-12-31T23:59:59Z\"")),
                        "0 invalid /occurred_at must not be before 2000-01-01");
    assert_string_equal(answer(arena_printf(&spec.arena, AT("\"%s\""), soon)),
                        "0 invalid /occurred_at must not be more than 24 hours ahead");
    assert_string_equal(answer(AT("5")), "0 invalid /occurred_at must be an RFC 3339 time");
    assert_string_equal(answer(AT("\"2000-01-01T00:00:00Z\"")), "0 stored");
}

static void what_ends_a_cart_had_happened_when_it_came(void **state)
{
    static const struct {
        const char *event;
        bool taken;
    } events[] = {
        {"\"type\": \"purchase\", \"occurred_at\": \"2026-01-30 10:00:00\"", true},
        {"\"type\": \"purchase\", \"occurred_at\": \"1970-01-01T00:00:00Z\"", true},
        {"\"type\": \"purchase\", \"occurred_at\": \"9999-01-01T00:00:00Z\"", true},
        {"\"type\": \"purchase\", \"occurred_at\": 5, \"sent_at\": 5", true},
        {"\"type\": \"consent_withdrawn\"", true},
        {"\"type\": \"chat_message\", \"opt_out\": true", true},
        {"\"type\": \"identify\", \"properties\": {\"opt_out\": true}", true},
        {"\"type\": \"of_my_own\", \"opt_out\": true", true},
        {"\"type\": \"unsub\", \"occurred_at\": \"x\"", true},
        {"\"type\": \"opted_out\", \"sent_at\": \"x\"", true},
        {"\"type\": \"identify\", \"properties\": {\"optOut\": true}, \"occurred_at\": 5", true},
        {"\"type\": \"alias\", \"unsubscribed\": \"Yes\", \"sent_at\": 5", true},
        {"\"type\": \"identify\", \"properties\": {\"opt_out\": \"true\"}", true},
        {"\"type\": \"identify\", \"properties\": {\"opt_out\": false}", false},
        {"\"type\": \"subscribed\", \"properties\": {\"opt_in\": true}", false},
        {"\"type\": \"page_viewed\", \"properties\": {\"optOut\": true}", false},
        {"\"type\": \"identify\"", false},
        {"\"type\": \"of_my_own\"", false},
        {"\"type\": \"cart_snapshot\", \"opt_out\": true", false},
        {"\"type\": \"order_cancelled\", \"occurred_at\": 5", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        sql("DELETE FROM cartwright.log");
        const char *event = arena_printf(
            &spec.arena, "{\"event_id\": \"e\", \"customer_id\": \"x\", %s}", events[i].event);
        const char *got = answer(event);
        if ((strcmp(got, "0 stored") == 0) != events[i].taken) {
            fail_msg("%s: %s", event, got);
        }
        if (events[i].taken) {
            assert_string_equal(
                sql_text("SELECT (occurred_at = received_at)::text FROM cartwright.event"), "true");
            assert_string_equal(answer(event), "0 duplicate");
        }
    }
}

static void a_customers_order_is_not_lost_for_a_browser_that_is_none(void **state)
{
    (void)state;
    assert_string_equal(
        answer(
            "{\"event_id\": \"e\", \"type\": \"purchase\", \"customer_id\": \"ann\", \"anonymous_id\": {\"a\": 1}, "
            "\"occurred_at\": \"2026-01-01T10:00:00Z\"}"),
        "0 stored");
    assert_string_equal(sql_text("SELECT key FROM cartwright.event"), "c:ann");
    assert_string_equal(
        answer(
            "{\"event_id\": \"f\", \"type\": \"purchase\", \"customer_id\": {\"a\": 1}, \"anonymous_id\": \"x\", "
            "\"occurred_at\": \"2026-01-01T10:00:00Z\"}"),
        "0 invalid /customer_id must be a string of 1 to 200 bytes");
}

static const char *told_as(const char *type, const char *members)
{
    return arena_printf(
        &spec.arena,
        "{\"event_id\": \"e\", \"type\": \"%s\", \"occurred_at\": \"2026-01-01T10:00:00Z\", %s}",
        type, members);
}

/* They are left out of an order, as of one that the API takes, and of nothing else. */
static void an_order_is_not_lost_for_a_word_that_stands_for_no_id(void **state)
{
    static const struct {
        const char *members;
        const char *left; /* NULL: refused */
    } events[] = {
        {"\"customer_id\": \"ann\", \"anonymous_id\": \"undefined\"",
         "c:ann {\"customer_id\": \"ann\"}"},
        {"\"customer_id\": \"null\", \"anonymous_id\": \"x\"", "a:x {\"anonymous_id\": \"x\"}"},
        {"\"customer_id\": 0, \"anonymous_id\": \"x\"", "a:x {\"anonymous_id\": \"x\"}"},
        {"\"customer_id\": \"ann\", \"cart_id\": \"NaN\", \"order_id\": \"0\"",
         "c:ann {\"customer_id\": \"ann\"}"},
        {"\"customer_id\": \"null\", \"anonymous_id\": \"undefined\"", NULL},
        {"\"customer_id\": \"undefined\"", NULL},
        {"\"anonymous_id\": \"undefined\"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        sql("DELETE FROM cartwright.log");
        const char *got = answer(told_as("purchase", events[i].members));
        assert_int_equal(strcmp(got, "0 stored") == 0, events[i].left != NULL);
        if (events[i].left != NULL) {
            assert_string_equal(
                sql_text(
                    "SELECT key || ' ' || (body - '{event_id,type,occurred_at}'::text[])::text FROM cartwright.event"),
                events[i].left);
        }
        assert_string_not_equal(answer(told_as("cart_snapshot", events[i].members)), "0 stored");
    }
}

#define NO_ID_MEMBERS 9
static const char *const no_ids[NO_ID_MEMBERS] = {
    "{}", "[]", "true", "false", "[null]", "{\"a\": 1}", "1.5", "\"a\\nb\"", "\"undefined\""};

/* Key and ids of what is stored; "" where it is refused. */
static const char *stored_as(const char *type, const char *members)
{
    sql("DELETE FROM cartwright.log");
    if (strcmp(answer(told_as(type, members)), "0 stored") != 0) {
        return "";
    }
    return sql_text(
        "SELECT key || ' ' || (body - '{event_id,type,occurred_at,properties}'::text[])::text "
        "FROM cartwright.event");
}

static void assert_stored(const char *type, const char *members, const char *expected)
{
    const char *got = stored_as(type, members);

    if (strcmp(got, expected) != 0) {
        fail_msg("%s %s: \"%s\", expected \"%s\"", type, members, got, expected);
    }
}

#define SAYS_NO ", \"properties\": {\"optOut\": \"yes\"}"
static const char *const noes[] = {
    "consent_withdrawn", "chat_message", "identify", "alias", "unsub", "of_my_own"};

static void what_can_be_no_id_is_left_out_of_an_order_or_a_no(void **state)
{
    (void)state;
    for (size_t i = 0; i < NO_ID_MEMBERS; i++) {
        const char *all = arena_printf(
            &spec.arena,
            "\"customer_id\": \"ann\", \"anonymous_id\": %s, \"cart_id\": %s, \"order_id\": %s" SAYS_NO,
            no_ids[i], no_ids[i], no_ids[i]);
        assert_stored("purchase", all, "c:ann {\"customer_id\": \"ann\"}");
        for (size_t n = 0; n < COUNT_OF(noes); n++) {
            assert_stored(noes[n], all, "c:ann {\"customer_id\": \"ann\"}");
        }
        assert_stored("page_viewed", all, "");
    }
}

/* An order would fall on whoever was logged in there; a no too many costs a message. */
static void a_customer_who_cannot_be_read_refuses_an_order_and_no_no(void **state)
{
    (void)state;
    for (size_t i = 0; i < NO_ID_MEMBERS; i++) {
        const char *all = arena_printf(
            &spec.arena, "\"customer_id\": %s, \"anonymous_id\": \"x\"" SAYS_NO, no_ids[i]);
        const bool says_nobody = i == NO_ID_MEMBERS - 1;
        assert_stored("purchase", all, says_nobody ? "a:x {\"anonymous_id\": \"x\"}" : "");
        for (size_t n = 0; n < COUNT_OF(noes); n++) {
            assert_stored(noes[n], all, "a:x {\"anonymous_id\": \"x\"}");
            assert_stored(noes[n], arena_printf(&spec.arena, "\"customer_id\": %s", no_ids[i]), "");
        }
    }
}

static void assert_sql_says(const char *call, const char *of, bool expected)
{
    const char *said = sql_text(arena_printf(&spec.arena, "SELECT %s::text", call));

    if (strcmp(said, expected ? "true" : "false") != 0) {
        fail_msg("%s of %s: %s", call, of, said);
    }
}

static bool said_in_c(const char *properties)
{
    struct jdoc doc;
    struct err err = {0};

    assert_true(jdoc_read(&doc, properties, strlen(properties), &spec.arena, &err));
    const bool said = no_is_said(doc.root, &spec.arena);
    jdoc_free(&doc);
    return said;
}

static void check_no(const char *name, const char *value)
{
    const char *properties = arena_printf(&spec.arena, "{\"%s\": %s}", name, value);

    assert_sql_says(arena_printf(&spec.arena, "cartwright.no_is_named('%s')", name), name,
                    no_is_named(name));
    assert_sql_says(arena_printf(&spec.arena, "cartwright.no_is_said('%s')", properties),
                    properties, said_in_c(properties));
}

static void sql_and_c_agree_on_what_is_a_no(void **state)
{
    static const char *const names[] = {
#define SAID(name)   name,
#define NEARLY(name) name,
#define YES(name)    name,
#include "domain/shop/said_no_table.inc"
#undef SAID
#undef NEARLY
#undef YES
        "optOut",       "OPT OUT", "opt.out", "opt:out:", "_opt_out", "o_pt_out",
        "doNotContact", "opt_ous", "",        "text",     "unsub ",   "opt/out"};
    static const char *const values[] = {
        "true",   "false", "null",   "1",    "0",         "2",  "\"YES\"", "\"y\"",
        "\"On\"", "\"1\"", "\"no\"", "\"\"", "\"maybe\"", "{}", "[true]",  "\" true\""};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        check_no(names[i], "true");
    }
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        check_no("unsubscribed", values[i]);
    }
}

static void a_clock_that_is_ahead_is_clamped_and_the_body_keeps_what_was_sent(void **state)
{
    (void)state;
    const char *soon = sql_text(
        "SELECT to_char(now() AT TIME ZONE 'UTC' + interval '2 hours', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')");
    assert_string_equal(answer(arena_printf(&spec.arena, AT("\"%s\""), soon)), "0 stored");
    assert_string_equal(
        sql_text(
            "SELECT concat_ws(' ', origin, key, occurred_at = received_at) FROM cartwright.event"),
        "sql c:x t");
    assert_string_equal(sql_text("SELECT body ->> 'occurred_at' FROM cartwright.event"), soon);
}

/* By how many minutes the stored time is later than the one in the body, for a clock that is so far behind ours. */
static const char *shift_of(const char *type, const char *behind)
{
    sql("DELETE FROM cartwright.log");
    sql(arena_printf(
        &spec.arena,
        "SELECT cartwright.append_events(jsonb_build_object('event_id', 'e', 'type', '%s', 'customer_id', 'ann', "
        "'occurred_at', to_char(now() AT TIME ZONE 'UTC' - interval '1 hour', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
        "'sent_at', to_char(now() AT TIME ZONE 'UTC' - interval '%s', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')))",
        type, behind));
    return sql_text(
        "SELECT round(extract(epoch FROM occurred_at - cartwright.time_or_null(body ->> 'occurred_at')) / 60)::text "
        "FROM cartwright.event");
}

static void a_clock_that_is_a_few_minutes_off_is_corrected(void **state)
{
    (void)state;
    assert_string_equal(shift_of("purchase", "5 minutes"), "5");
    assert_string_equal(shift_of("consent_withdrawn", "9 minutes"), "9");
    assert_string_equal(shift_of("chat_message", "5 minutes"), "5"); /* any may be a no */
    assert_string_equal(shift_of("unsubscribed", "5 minutes"), "5");
    assert_string_equal(shift_of("purchase", "11 minutes"), "0");
    assert_string_equal(shift_of("purchase", "-5 minutes"), "-5");
    /* it may be one that is sent again: nothing but an end is moved later */
    assert_string_equal(shift_of("cart_item_added", "5 minutes"), "0");
    assert_string_equal(shift_of("t", "9 minutes"), "0");
    assert_string_equal(shift_of("t", "-5 minutes"), "-5");
    assert_string_equal(shift_of("t", "-11 minutes"), "0");
    assert_string_equal(answer(EVENT("f", ANN ", \"sent_at\": 5")),
                        "0 invalid /sent_at must be an RFC 3339 time");
}

/* Where no fraction is told, the order came behind what was added in its second. */
static void an_order_is_one_at_the_end_of_the_second_or_the_day_that_is_told(void **state)
{
    (void)state;
    assert_string_equal(
        answer(
            "{\"event_id\": \"a\", \"type\": \"purchase\", \"customer_id\": \"ann\", \"occurred_at\": \"2026-01-01T10:00:00Z\"}"),
        "0 stored");
    assert_string_equal(
        answer(
            "{\"event_id\": \"b\", \"type\": \"purchase\", \"customer_id\": \"ann\", \"occurred_at\": \"2026-01-01T10:00:00.5Z\"}"),
        "0 stored");
    assert_string_equal(
        answer(
            "{\"event_id\": \"c\", \"type\": \"order_cancelled\", \"customer_id\": \"ann\", \"occurred_at\": \"2026-01-01T10:00:00Z\"}"),
        "0 stored");
    assert_string_equal(
        answer(
            "{\"event_id\": \"d\", \"type\": \"purchase\", \"customer_id\": \"ann\", \"occurred_at\": \"2026-01-01T00:00:00+02:00\"}"),
        "0 stored");
    static const char *const nos[][2] = {{"consent_withdrawn", "2026-01-01T10:00:00.000Z"},
                                         {"chat_message", "2026-01-01T00:00:00.0Z"},
                                         {"unsubscribed", "2026-01-01T10:00:00Z"},
                                         {"consent_given", "2026-01-01T10:00:00Z"}};
    for (size_t i = 0; i < COUNT_OF(nos); i++) {
        assert_string_equal(
            answer(arena_printf(&spec.arena,
                                "{\"event_id\": \"e%zu\", \"type\": \"%s\", \"customer_id\": "
                                "\"ann\", \"occurred_at\": \"%s\"}",
                                i, nos[i][0], nos[i][1])),
            "0 stored");
    }
    assert_string_equal(
        sql_text(
            "SELECT string_agg(to_char(occurred_at AT TIME ZONE 'UTC', 'HH24:MI:SS.US'), ' ' ORDER BY event_id) "
            "FROM cartwright.event"),
        "10:00:00.999999 10:00:00.500000 10:00:00.999999 21:59:59.999999 "
        "10:00:00.999999 23:59:59.999999 10:00:00.999999 10:00:00.000000");
}

/* A client that tries again says anew when it sent; the first time stays. */
static void a_retry_with_another_sent_at_is_a_duplicate(void **state)
{
    (void)state;
    assert_string_equal(answer(EVENT("e", ANN ", \"sent_at\": \"2026-01-30T10:00:00Z\"")),
                        "0 stored");
    const char *stored = sql_text("SELECT body::text FROM cartwright.event");
    assert_string_equal(answer(EVENT("e", ANN ", \"sent_at\": \"2026-01-30T10:07:00Z\"")),
                        "0 duplicate");
    assert_string_equal(answer(EVENT("e", ANN)), "0 duplicate");
    assert_string_equal(sql_text("SELECT body::text FROM cartwright.event"), stored);
    assert_string_equal(
        answer(EVENT("e", ANN ", \"cart_id\": \"k\"")),
        "0 conflict /event_id an event with this id and another body is stored already, and stays; they differ in /cart_id: what was mended "
        "is sent under a new event_id (rows of one order_id are one order)");
}

static void a_body_is_bounded(void **state)
{
    (void)state;
    char *filler = arena_alloc(&spec.arena, (1 << 20) + 1);
    memset(filler, 'x', 1 << 20);
    const char *event =
        arena_printf(&spec.arena, EVENT("e", ANN ", \"properties\": \"%s\""), filler);
    assert_string_equal(answer(event), "0 invalid  must have at most 1048576 bytes");
}

/* Beside a good event, one whose member `rest` makes from SQL: what no test can write out. */
static const char *beside_a_good_one(const char *type, const char *rest)
{
    sql("DELETE FROM cartwright.event");
    return sql_text(arena_printf(
        &spec.arena,
        "SELECT string_agg(concat_ws(' ', index, status, errors -> 0 ->> 'pointer', errors -> 0 ->> 'detail'), '; ' ORDER BY index)"
        "  FROM cartwright.append_events(jsonb_build_array('" EVENT("e", ANN) "'::jsonb, '" EVENT(
            "f", ANN) "'::jsonb || jsonb_build_object('type', '%s') || jsonb_build_object(%s)))",
        type, rest));
}

#define LONG_TEXT "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 3000) AS i)"

static void one_event_that_cannot_be_stored_stops_no_other(void **state)
{
    (void)state;
    assert_string_equal(beside_a_good_one("page_viewed", "'cart_id', " LONG_TEXT),
                        "0 stored; 1 invalid /cart_id must be a string of 1 to 200 bytes");
    assert_string_equal(
        beside_a_good_one("page_viewed", "'cart_id', jsonb_build_array(" LONG_TEXT ")"),
        "0 stored; 1 invalid /cart_id must be a string of 1 to 200 bytes");
    assert_string_equal(beside_a_good_one("purchase", "'cart_id', " LONG_TEXT),
                        "0 stored; 1 stored");
    assert_string_equal(beside_a_good_one("page_viewed", "'via', " LONG_TEXT),
                        "0 stored; 1 invalid /via must be a string of 1 to 200 bytes");
    assert_string_equal(beside_a_good_one("page_viewed", "'cart_id', repeat('k', 200)"),
                        "0 stored; 1 stored");
    assert_string_equal(
        beside_a_good_one(
            "page_viewed",
            "'x', (SELECT jsonb_agg(1e131000::numeric) FROM generate_series(1, 9000))"),
        "0 stored; 1 invalid  must not hold a number of more than 400 digits");
    static const char *const members[] = {"type", "customer_id"};
    for (size_t i = 0; i < COUNT_OF(members); i++) {
        assert_string_equal(
            beside_a_good_one("purchase",
                              arena_printf(&spec.arena,
                                           "'%s', (SELECT jsonb_agg(1e131000::numeric) FROM "
                                           "generate_series(1, 9000))",
                                           members[i])),
            "0 stored; 1 invalid  must not hold a number of more than 400 digits");
    }
    assert_string_equal(
        beside_a_good_one("page_viewed",
                          "'x', (SELECT jsonb_agg(1e300::numeric) FROM generate_series(1, 5000))"),
        "0 stored; 1 invalid  must have at most 1048576 bytes");
    assert_string_equal(
        beside_a_good_one("page_viewed", "'x', (repeat('[', 3000) || repeat(']', 3000))::jsonb"),
        "0 stored; 1 invalid  must not be nested deeper than 16 levels");
}

static void a_retry_over_another_road_is_a_duplicate(void **state)
{
    (void)state;
    static const char body[] = EVENT("e", ANN);
    assert_string_equal(answer(body), "0 stored");
    assert_int_equal(append(an_event(.event_id = "e", .key = "c:ann", .body = body)),
                     APPEND_DUPLICATE);
}

static void an_order_of_thousands_is_kept(void **state)
{
    (void)state;
    sql("SELECT count(*) FROM cartwright.append_events((SELECT jsonb_agg(jsonb_build_object('event_id', 'e' || n, 'type', 't', "
        "'customer_id', 'ann', 'occurred_at', '2026-01-30T10:00:00Z')) FROM generate_series(1, 3000) n))");
    assert_int_equal(
        sql_number("SELECT count(*) FROM cartwright.event WHERE event_id = 'e' || off"), 3000);
}

/* The lines of the top README's example; psql's \\copy is the same COPY from its standard input. Escapes of JSON are not COPY's. */
static void a_file_that_is_copied_line_by_line_goes_through_the_one_append(void **state)
{
    static const char lines[] =
        EVENT("c1", ANN ", \"properties\": {\"query\": \"a \\\"b\\\" \\\\ c\\n,d\"}") "\n" EVENT(
            "c2", ANN) "\n" EVENT("c2", ANN) "\n";
    (void)state;
    sql("BEGIN");
    sql("CREATE TEMP TABLE incoming (event jsonb) ON COMMIT DROP");
    PGconn *conn = db_conn(spec.db);
    PGresult *res = PQexec(
        conn, "COPY incoming FROM STDIN WITH (FORMAT csv, QUOTE e'\\x01', DELIMITER e'\\x02')");
    assert_int_equal(PQresultStatus(res), PGRES_COPY_IN);
    PQclear(res);
    assert_int_equal(PQputCopyData(conn, lines, sizeof lines - 1), 1);
    assert_int_equal(PQputCopyEnd(conn, NULL), 1);
    res = PQgetResult(conn);
    assert_int_equal(PQresultStatus(res), PGRES_COMMAND_OK);
    PQclear(res);
    assert_null(PQgetResult(conn));
    assert_string_equal(
        sql_text(
            "SELECT string_agg(status || ' ' || n, ', ' ORDER BY status DESC) FROM (SELECT status, count(*) n"
            " FROM cartwright.append_events((SELECT jsonb_agg(event) FROM incoming)) GROUP BY status) s"),
        "stored 2, duplicate 1");
    sql("COMMIT");
    assert_string_equal(
        sql_text(
            "SELECT body -> 'properties' ->> 'query' FROM cartwright.event WHERE event_id = 'c1'"),
        "a \"b\" \\ c\n,d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(every_event_of_a_call_gets_its_own_answer),
        SPEC_TEST(sql_and_c_agree_on_what_is_no_id),
        SPEC_TEST(derived_types_are_refused_by_name),
        SPEC_TEST(times_are_read_as_rfc_3339_and_nothing_else),
        SPEC_TEST(times_outside_the_window_are_refused),
        SPEC_TEST(what_ends_a_cart_had_happened_when_it_came),
        SPEC_TEST(an_order_is_not_lost_for_a_word_that_stands_for_no_id),
        SPEC_TEST(a_customers_order_is_not_lost_for_a_browser_that_is_none),
        SPEC_TEST(what_can_be_no_id_is_left_out_of_an_order_or_a_no),
        SPEC_TEST(a_customer_who_cannot_be_read_refuses_an_order_and_no_no),
        SPEC_TEST(sql_and_c_agree_on_what_is_a_no),
        SPEC_TEST(a_clock_that_is_ahead_is_clamped_and_the_body_keeps_what_was_sent),
        SPEC_TEST(a_clock_that_is_a_few_minutes_off_is_corrected),
        SPEC_TEST(an_order_is_one_at_the_end_of_the_second_or_the_day_that_is_told),
        SPEC_TEST(a_retry_with_another_sent_at_is_a_duplicate),
        SPEC_TEST(a_body_is_bounded),
        SPEC_TEST(one_event_that_cannot_be_stored_stops_no_other),
        SPEC_TEST(a_retry_over_another_road_is_a_duplicate),
        SPEC_TEST(an_order_of_thousands_is_kept),
        SPEC_TEST(a_file_that_is_copied_line_by_line_goes_through_the_one_append),
    };
    return cmocka_run_group_tests(tests, NULL, spec_discard);
}
