/* The log's form in C and in SQL is one form: what either writes both read, to the same event. */
#include "integration/store/store_spec.h"

#include "domain/shop/event_pack.h"
#include "store/gather.h"

#include <jansson.h>

/* A text as a literal of SQL. */
static const char *quoted(const char *text)
{
    char *escaped = PQescapeLiteral(db_conn(spec.db), text, strlen(text));
    const char *copy = arena_strdup(&spec.arena, escaped);
    PQfreemem(escaped);
    return copy;
}

static const char *hex_of(const char *bytes, size_t len)
{
    const char *text = "";
    for (size_t i = 0; i < len; i++) {
        text = arena_printf(&spec.arena, "%s%02x", text, (unsigned)(unsigned char)bytes[i]);
    }
    return text;
}

static void ids_are_the_same_bytes_in_both(void **state)
{
    (void)state;
    static const char *const ids[] = {
        "e-1001",
        "x",
        "käthe 日本",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
        "evt_f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6x",
        "f81d4fae7dec11d0a76500a0c91e6bf6",
        "ä-f81d4fae7dec11d0a76500a0c91e6bf6",
        "968061683347e258df76e411c11ba87ba4863c179d600dbcc996ef5c815c4d3c",
        "cartwright:fwd:968061683347e258df76e411c11ba87ba4863c179d600dbcc996ef5c815c4d3c",
        "0968061683347e258df76e411c11ba87ba4863c179d600dbcc996ef5c815c4d3c",
        "968061683347e258df76e411c11ba87ba4863c179d600dbcc996ef5c815c4d3",
        "968061683347e258df76e411c11ba87ba4863c17-f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    };
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        size_t len;
        const char *packed = event_pack_id(ids[i], &spec.arena, &len);
        const char *in_sql = sql_text(arena_printf(
            &spec.arena, "SELECT encode(cartwright.id_pack(%s), 'hex')", quoted(ids[i])));
        assert_string_equal(in_sql, hex_of(packed, len));
        assert_string_equal(
            sql_text(arena_printf(&spec.arena, "SELECT cartwright.id_unpack('\\x%s')", in_sql)),
            ids[i]);
    }
}

static void types_have_the_same_numbers_in_both(void **state)
{
    (void)state;
    for (int32_t code = -1; code < 130; code++) {
        const char *name = event_type_of_code(code);
        assert_string_equal(
            sql_text(arena_printf(&spec.arena, "SELECT cartwright.type_name(%d)", code)),
            name == NULL ? "" : name);
        if (name != NULL) {
            assert_int_equal(
                sql_number(arena_printf(&spec.arena, "SELECT cartwright.type_code('%s')", name)),
                code);
        }
    }
    assert_int_equal(sql_number("SELECT cartwright.type_code('nobody''s')"), 0);
}

static void every_piece_says_the_same_in_both(void **state)
{
    (void)state;
    for (int code = 1; code < EVENT_PIECE_CODES; code++) {
        const struct event_piece p = event_piece_of(code);
        if (p.len > 0) {
            const char *in_sql = sql_text(arena_printf(
                &spec.arena, "SELECT cartwright.event_expand('<' || %s || chr(%d) || '>')",
                code > EVENT_PIECE_SECOND ? "chr(30)" : "''", code));
            assert_string_equal(in_sql, arena_printf(&spec.arena, "<%s>", p.text));
        }
    }
}

/* ---- events ---- */

static json_t *json_of(const char *text)
{
    json_error_t why;
    json_t *doc = json_loads(text, 0, &why);
    if (doc == NULL) {
        fail_msg("%s: %s", why.text, text);
    }
    return doc;
}

static void expect_same(const char *was, const char *is)
{
    json_t *a = json_of(was);
    json_t *b = json_of(is);
    if (!json_equal(a, b)) {
        fail_msg("%s\nbecame\n%s", was, is);
    }
    json_decref(a);
    json_decref(b);
}

/* The one event of a shopper, as C reads it. */
static struct log_event only_event(const char *key)
{
    struct shopper_rows rows;
    assert_ok(store_gather(spec.db, &(struct shopper_ask){.key = key, .whole = true}, &spec.arena,
                           &rows, &spec.err));
    assert_int_equal(rows.events.count, 1);
    return rows.events.events[0];
}

static const char *body_of(const struct log_event *e)
{
    size_t len;
    const char *body = log_event_body(e, &spec.arena, &len);

    assert_int_equal(len, strlen(body));
    assert_int_equal(len, log_event_body_len(e));
    return body;
}

/* Stored once from C and once from SQL, read by both. */
static void expect_kept(const char *key, const char *type, const char *time, const char *more)
{
    const char *who = key[0] == 'c' ? "customer_id" : "anonymous_id";
    const char *body = arena_printf(
        &spec.arena, "{\"event_id\":\"e1\",\"type\":\"%s\",\"%s\":\"%s\",\"occurred_at\":\"%s\"%s}",
        type, who, key + 2, time, more);
    const int64_t us = sql_number(arena_printf(
        &spec.arena, "SELECT (extract(epoch FROM timestamptz '%s') * 1000000)::bigint", time));
    for (int from_sql = 0; from_sql < 2; from_sql++) {
        sql("DELETE FROM cartwright.log");
        if (from_sql == 0) {
            assert_int_equal(
                append((struct event_row){
                    .event_id = "e1", .key = key, .type = type, .occurred_us = us, .body = body}),
                APPEND_STORED);
            assert_int_equal(sql_number("SELECT count(*) FROM cartwright.log WHERE body LIKE '{%'"),
                             0);
        } else {
            sql(arena_printf(&spec.arena, "SELECT cartwright.append_events(%s)", quoted(body)));
            assert_int_equal(sql_number("SELECT count(*) FROM cartwright.log WHERE body LIKE '{%'"),
                             1);
        }
        expect_same(body, sql_text("SELECT body FROM cartwright.event"));
        assert_string_equal(
            sql_text("SELECT concat_ws(' ', event_id, key, type, lane) FROM cartwright.event"),
            arena_printf(&spec.arena, "e1 %s %s %d", key, type, event_lane(key)));
        const struct log_event e = only_event(key);
        expect_same(body, body_of(&e));
        assert_string_equal(e.event_id, "e1");
        assert_string_equal(e.type, type);
        assert_int_equal(e.origin, from_sql == 0 ? ORIGIN_API : ORIGIN_SQL);
        /* a purchase of whole seconds is at the end of its own: who decodes says so before it is appended, and SQL itself */
        const bool at_end = from_sql == 1 &&
                            (strcmp(type, "purchase") == 0 || strcmp(type, "refund") == 0 ||
                             strcmp(type, "order_cancelled") == 0) &&
                            (strchr(time, '.') == NULL || strstr(time, ".000Z") != NULL);
        assert_int_equal(e.occurred_us, us + (at_end ? 999999 : 0));
    }
}

static void an_event_is_read_as_it_was_sent_whoever_stored_it(void **state)
{
    (void)state;
    static const char *const times[] = {"2026-01-01T10:00:00Z", "2026-01-01T10:00:00.000Z",
                                        "2026-01-01T10:00:00.250Z", "2026-01-01T10:00:00.250001Z",
                                        "2026-01-01T12:00:00.25+02:00"};
    static const char *const more[] = {
        "",
        ",\"cart_id\":\"k 1\"",
        ",\"cart_id\":\"k\",\"order_id\":\"o\",\"items\":[{\"product_id\":\"tea\",\"quantity\":2,\"price_minor\":1250,\"currency\":\"EUR\"}]",
        (",\"session_id\":\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\",\"order_id\":\"f81d4fae7dec11d0a76500a0c91e6bf6\",\"properties\":{\"h\":"
         "\"968061683347e258df76e411c11ba87ba4863c179d600dbcc996ef5c815c4d3c\"}"),
        ",\"properties\":{\"text\":\"say \\\"items\\\":[{\\\"product_id\\\":\\\" \\\\ ä\"},\"context\":{\"locale\":\"de-AT\",\"device\":\"mobile\"}",
    };
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        for (size_t k = 0; k < COUNT_OF(more); k++) {
            expect_kept("c:anna", "purchase", times[i], more[k]);
            expect_kept("a:phone", "cart_snapshot", times[i], more[k]);
            expect_kept("c:anna", "wheel_spun", times[i],
                        arena_printf(&spec.arena, ",\"anonymous_id\":\"phone\"%s", more[k]));
            expect_kept("c:anna", "identify", times[i],
                        arena_printf(&spec.arena,
                                     ",\"anonymous_id\":\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"%s",
                                     more[k]));
        }
    }
}

/* Cart and name of the one event, as the indexes have them. */
static const char *names_of(const char *key, const char *type, const char *more, bool packed)
{
    const char *body = arena_printf(
        &spec.arena,
        "{\"event_id\":\"e1\",\"type\":\"%s\",\"customer_id\":\"%s\",\"occurred_at\":\"2026-01-01T10:00:00Z\"%s}",
        type, key + 2, more);
    sql("DELETE FROM cartwright.log");
    if (packed) {
        (void)append((struct event_row){
            .event_id = "e1", .key = key, .type = type, .occurred_us = NOW_US, .body = body});
    } else {
        sql(arena_printf(
            &spec.arena,
            "SELECT * FROM cartwright.append_rows(ARRAY['e1'], ARRAY['%s'], ARRAY['%s'], 'sql', ARRAY[now()], now(), ARRAY[%s::jsonb])",
            key, type, quoted(body)));
    }
    return sql_text(
        "SELECT concat_ws(' ', coalesce(cartwright.event_cart(body), '-'), coalesce(cartwright.event_name(body), '-'),"
        " (SELECT cart_id FROM cartwright.log_carts), (SELECT name FROM cartwright.log_names)) FROM cartwright.log");
}

static void sql_finds_carts_and_names_in_either_form(void **state)
{
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        assert_string_equal(names_of("c:anna", "purchase", "", packed), "- -");
        assert_string_equal(names_of("c:anna", "purchase", ",\"cart_id\":\"k1\"", packed),
                            "k1 - k1");
        assert_string_equal(names_of("c:anna", "searched", ",\"cart_id\":\"k1\"", packed), "k1 -");
        assert_string_equal(names_of("c:anna", "alias", ",\"anonymous_id\":\"x\"", packed),
                            "- x x");
        assert_string_equal(names_of("c:anna", "chat_message",
                                     ",\"cart_id\":\"k1\",\"anonymous_id\":\"x\"", packed),
                            "k1 x k1 x");
        assert_string_equal(names_of("c:anna", "binding_set", ",\"via\":\"y\"", packed), "- y y");
        assert_string_equal(names_of("c:anna", "forwarded", ",\"via\":\"y\"", packed), "- y");
        assert_string_equal(names_of("c:anna", "wheel_spun", ",\"anonymous_id\":\"x\"", packed),
                            "- x x");
        assert_string_equal(
            names_of(
                "c:anna", "purchase",
                ",\"cart_id\":\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\",\"anonymous_id\":\"f81d4fae7dec11d0a76500a0c91e6bf6\"",
                packed),
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6 f81d4fae7dec11d0a76500a0c91e6bf6"
            " f81d4fae-7dec-11d0-a765-00a0c91e6bf6 f81d4fae7dec11d0a76500a0c91e6bf6");
        /* an escape in one of them: the event stays plain, whoever wrote it */
        assert_string_equal(names_of("c:anna", "purchase", ",\"cart_id\":\"caf\\u00e9\"", packed),
                            "café - café");
    }
}

/* Out of line, by lz4 where the server has it, and by pglz where not: both are read. */
static void a_large_body_is_compressed_and_comes_back(void **state)
{
    (void)state;
    static const char *const methods[] = {"default", "pglz"};
    const bool has_lz4 =
        sql_number("SELECT count(*) FROM pg_settings WHERE name = 'default_toast_compression'"
                   " AND 'lz4' = ANY (enumvals)") > 0;
    char text[30001];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    const char *body =
        arena_printf(&spec.arena,
                     "{\"event_id\":\"e1\",\"type\":\"chat_message\",\"customer_id\":\"ann\","
                     "\"occurred_at\":\"2026-01-01T10:00:00Z\",\"properties\":{\"text\":\"%s\"}}",
                     text);
    assert_string_equal(
        sql_text(
            "SELECT attcompression FROM pg_attribute WHERE attrelid = 'cartwright.log'::regclass AND attname = 'body'"),
        has_lz4 ? "l" : "");
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        sql("DELETE FROM cartwright.log");
        if (i > 0) {
            sql(arena_printf(&spec.arena,
                             "ALTER TABLE cartwright.log ALTER COLUMN body SET COMPRESSION %s",
                             methods[i]));
        }
        (void)append((struct event_row){.event_id = "e1",
                                        .key = "c:ann",
                                        .type = "chat_message",
                                        .occurred_us = INT64_C(1767261600000000),
                                        .body = body});
        assert_true(sql_number("SELECT pg_column_size(body) FROM cartwright.log") < 1000);
        expect_same(body, sql_text("SELECT body FROM cartwright.event"));
        const struct log_event e = only_event("c:ann");
        expect_same(body, body_of(&e));
    }
}

/* ---- the same id ---- */

static void a_retry_is_one_in_whatever_form_either_came(void **state)
{
    (void)state;
    static const char packed[] =
        "{\"event_id\":\"e1\",\"type\":\"alias\",\"customer_id\":\"anna\",\"occurred_at\":\"2026-01-01T10:00:00Z\",\"cart_id\":\"k1\"}";
    static const char otherwise[] =
        "{ \"type\":\"alias\", \"cart_id\":\"\\u006b1\", \"event_id\":\"e1\", \"occurred_at\":\"2026-01-01T10:00:00Z\","
        " \"customer_id\":\"anna\", \"sent_at\":\"2026-01-01T10:00:09Z\"}";
    static const char other[] =
        "{\"event_id\":\"e1\",\"type\":\"alias\",\"customer_id\":\"anna\",\"occurred_at\":\"2026-01-01T10:00:00Z\",\"cart_id\":\"k2\"}";
    const struct event_row row = {.event_id = "e1",
                                  .key = "c:anna",
                                  .type = "alias",
                                  .occurred_us = INT64_C(1767261600000000)};
    const char *const bodies[] = {packed, otherwise};
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct event_row first = row;
        struct event_row again = row;
        sql("DELETE FROM cartwright.log");
        first.body = bodies[i];
        assert_int_equal(append(first), APPEND_STORED);
        assert_int_equal(append(first), APPEND_DUPLICATE);
        again.body = bodies[1 - i];
        assert_int_equal(append(again), APPEND_DUPLICATE);
        again.body = other;
        assert_int_equal(append(again), APPEND_CONFLICT);
        /* the time by which it counts may be another the next time, by another correction of the clock: what was sent is what is compared */
        again.body = packed;
        again.occurred_us += 1000;
        assert_int_equal(append(again), APPEND_DUPLICATE);
        assert_int_equal(sql_number("SELECT count(*) FROM cartwright.log"), 1);
    }
}

/* Two ids whose place in the index is one: the second must not be taken for the first. None are known, so the index is made to see one. */
static void an_id_that_has_the_hash_of_another_is_refused_aloud(void **state)
{
    (void)state;
    enum append_status status;
    const struct event_row row = an_event(.event_id = "second-of-a-very-long-kind");
    assert_int_equal(append(an_event(.event_id = "first-of-a-very-long-kind")), APPEND_STORED);
    sql("CREATE OR REPLACE FUNCTION cartwright.id_slot(id bytea) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT '\\x00'::bytea $$");
    sql("DROP INDEX cartwright.log_id; CREATE UNIQUE INDEX log_id ON cartwright.log (lane, cartwright.id_slot(id))");
    assert_fails(store_events_append(spec.db, &row, 1, ORIGIN_API, NOW_US, &status, &spec.err),
                 ERR_INTERNAL);
    assert_text_contains(spec.err.text, "second-of-a-very-long-kind");
    assert_int_equal(sql_number("SELECT count(*) FROM cartwright.log"), 1);
}

/* ---- by hand ---- */

static void the_view_takes_changes_by_hand(void **state)
{
    (void)state;
    (void)append(an_event(.event_id = "e1"));
    (void)append(an_event(.event_id = "e2"));
    sql("UPDATE cartwright.event SET body = body || '{\"page\": \"cart\"}', type = 'wheel_spun' WHERE event_id = 'e2'");
    sql("DELETE FROM cartwright.event WHERE event_id = 'e1'");
    sql("INSERT INTO cartwright.event (lane, off, event_id, key, type, origin, occurred_at, received_at, body)"
        " SELECT lane, 9, 'e9', key, 'alias', 'import', occurred_at, received_at, '{\"a\": 1}' FROM cartwright.event");
    assert_string_equal(
        sql_text(
            "SELECT string_agg(concat_ws(' ', off, event_id, origin, body::text), ', ' ORDER BY off) FROM cartwright.event"),
        "2 e2 api {\"page\": \"cart\"}, 9 e9 import {\"a\": 1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(ids_are_the_same_bytes_in_both),
        SPEC_TEST(types_have_the_same_numbers_in_both),
        SPEC_TEST(every_piece_says_the_same_in_both),
        SPEC_TEST(an_event_is_read_as_it_was_sent_whoever_stored_it),
        SPEC_TEST(sql_finds_carts_and_names_in_either_form),
        SPEC_TEST_HARMFUL(a_large_body_is_compressed_and_comes_back),
        SPEC_TEST(a_retry_is_one_in_whatever_form_either_came),
        SPEC_TEST_HARMFUL(an_id_that_has_the_hash_of_another_is_refused_aloud),
        SPEC_TEST(the_view_takes_changes_by_hand),
    };
    return RUN_BOTH_WAYS(tests);
}
