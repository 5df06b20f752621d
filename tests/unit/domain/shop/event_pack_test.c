#include "domain/shop/event_pack.h"

#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "domain/shop/event.h"
#include "support/spec.h"

#include <string.h>

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

#define AT_US INT64_C(1569902400123000) /* 2019-10-01T04:00:00.123Z */
#define ID    "\"event_id\":\"e1\""

static struct event_packed pack_as(const char *key, const char *type, const char *body)
{
    const struct event_form sent = {.event_id = "e1",
                                    .key = key,
                                    .type = type,
                                    .occurred_us = AT_US,
                                    .body = body,
                                    .body_len = strlen(body)};
    struct event_packed packed;

    event_pack(&sent, &arena, &packed);
    assert_int_equal(strlen(packed.body), packed.body_len);
    return packed;
}

static struct event_form unpack_as(const char *key, const struct event_packed *packed)
{
    struct event_form sent = {.key = key, .occurred_us = AT_US};

    event_unpack(packed, &arena, &sent);
    assert_int_equal(strlen(sent.body), sent.body_len);
    return sent;
}

static json_t *parsed(const char *text, size_t len)
{
    struct err err = {0};
    json_t *doc = jdec_parse(text, len, &err);

    if (doc == NULL) {
        fail_msg("%s: %s", err.text, text);
    }
    return doc;
}

/* Packs and unpacks, and is what was sent. Returns the bytes of the packed body. */
static size_t there_and_back(const char *key, const char *type, const char *body)
{
    const struct event_packed packed = pack_as(key, type, body);
    const struct event_form back = unpack_as(key, &packed);
    CLEANUP(jdec_free) json_t *was = parsed(body, strlen(body));
    CLEANUP(jdec_free) json_t *is = parsed(back.body, back.body_len);

    if (!json_equal(was, is)) {
        fail_msg("%s\nbecame\n%s", body, back.body);
    }
    assert_string_equal(back.event_id, "e1");
    assert_string_equal(back.type, type);
    return packed.body_len;
}

static void an_imported_event_is_a_few_bytes(void **state)
{
    (void)state;
    assert_in_range(
        there_and_back(
            "c:51", "product_viewed",
            "{" ID
            ",\"type\":\"product_viewed\",\"customer_id\":\"51\",\"occurred_at\":\"2019-10-01T04:00:00.123000Z\","
            "\"session_id\":\"aaaa-1\",\"items\":[{\"product_id\":\"1001\",\"price_minor\":48907,\"currency\":\"USD\"}]}"),
        10, 21);
    assert_in_range(
        there_and_back("a:7", "product_viewed",
                       "{" ID ",\"type\":\"product_viewed\",\"anonymous_id\":\"7\",\"occurred_at\":"
                       "\"2019-10-01T04:00:00.123Z\",\"items\":[{\"product_id\":\"396\"}]}"),
        4, 6);
}

static void whatever_was_sent_comes_back(void **state)
{
    (void)state;
    static const char *const more[] = {
        "",
        ",\"cart_id\":\"k 1\",\"anonymous_id\":\"phone\"",
        ",\"anonymous_id\":\"phone\"",
        ",\"cart_id\":\"\",\"order_id\":\"\"",
        ",\"cart_id\":7",
        ",\"cart_id\":null,\"anonymous_id\":[\"x\"]",
        ",\"cart_id\":null,\"anonymous_id\":null",
        ",\"anonymous_id\":null,\"via\":\"x\"",
        ",\"cart_id\":\"a\\\"b\",\"anonymous_id\":\"caf\\u00e9\"",
        ",\"cart_id\":\"k\\n\"",
        ",\"via\":\"x\",\"anonymous_id\":\"y\"",
        ",\"via\":\"x\"",
        ",\"properties\":{\"text\":\"say \\\"items\\\":[{\\\"product_id\\\":\\\" \\\\\",\"n\":[1,2.50,-3e2,true,null,{}]}",
        ",\"items\":[]",
        ",\"items\":[{\"product_id\":\"x\",\"quantity\":12},{\"product_id\":\"y\",\"quantity\":1,\"price_minor\":5,\"currency\":\"EUR\"}]",
        ",\"context\":{\"user_agent\":\"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99\"}",
        ",\"sent_at\":\"2019-10-01T04:00:01Z\",\"opt_out\":true",
        ",\"session_id\":\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"",
        ",\"cart_id\":\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\",\"anonymous_id\":\"f81d4fae7dec11d0a76500a0c91e6bf6\"",
        ",\"session_id\":\"F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6\",\"order_id\":\"f81d4fae7dec11d0a76500a0c91e6bf6\"",
        ",\"properties\":{\"h\":[\"968061683347e258df76e411c11ba87ba4863c179d600dbcc996ef5c815c4d3c\",\"\",\"\\\"\",\"fffffffffffffffffffffffffffffffe\"]}",
        ",\"properties\":{\"text\":\"\\\"f81d4fae7dec11d0a76500a0c91e6bf6\\\"\"}",
    };
    for (size_t i = 0; i < COUNT_OF(more); i++) {
        const char *body = arena_printf(
            &arena,
            "{" ID
            ",\"type\":\"purchase\",\"customer_id\":\"anna\",\"occurred_at\":\"2019-10-01T06:00:00.123+02:00\"%s}",
            more[i]);
        (void)there_and_back("c:anna", "purchase", body);
        (void)there_and_back("a:anna", "purchase", body);
        (void)there_and_back("c:Anna", "purchase", body);
    }
}

static void whose_body_may_name_somebody_is_seen_without_unpacking(void **state)
{
    (void)state;
    static const struct {
        const char *more;
        bool may;
    } rows[] = {
        {"", false},
        {",\"anonymous_id\":\"phone\"", true},
        {",\"anonymous_id\":\"ph\\u006fne\"", true}, /* stays plain */
        {",\"anonymous_id\":null", false},
        {",\"via\":\"phone\"", false},
        {",\"cart_id\":\"k\"", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *body = arena_printf(&arena,
                                        "{" ID ",\"type\":\"purchase\",\"customer_id\":\"anna\","
                                        "\"occurred_at\":\"2019-10-01T04:00:00Z\"%s}",
                                        rows[i].more);
        const struct event_packed packed = pack_as("c:anna", "purchase", body);
        const struct event_packed plain = {.body = body, .body_len = strlen(body)};
        assert_int_equal(event_packed_may_name(&packed), rows[i].may);
        assert_int_equal(event_packed_may_name(&plain), strstr(body, "anonymous_id") != NULL);
    }
}

static void white_space_and_the_order_of_members_are_not_kept(void **state)
{
    (void)state;
    static const char spaced[] =
        " {\n\t\"items\" : [ { \"product_id\" : \"a b\" } ] ,\r\n \"occurred_at\": \"2019-10-01T04:00:00.123Z\" , \"type\" :\"x y\","
        " \"customer_id\" : \"anna\" , " ID " } ";
    const size_t len = there_and_back("c:anna", "x y", spaced);
    const size_t plain =
        there_and_back("c:anna", "x y",
                       "{" ID ",\"type\":\"x y\",\"customer_id\":\"anna\",\"occurred_at\":"
                       "\"2019-10-01T04:00:00.123Z\",\"items\":[{\"product_id\":\"a b\"}]}");
    assert_int_equal(len, plain);
    assert_in_range(len, 6, 10);
}

static void a_type_that_nobody_knows_is_kept_by_its_name(void **state)
{
    (void)state;
    static const char body[] =
        "{" ID
        ",\"type\":\"wheel_spun\",\"customer_id\":\"anna\",\"cart_id\":\"k\",\"anonymous_id\":\"x\","
        "\"occurred_at\":\"2019-10-01T04:00:00.123Z\"}";
    assert_int_equal(pack_as("c:anna", "wheel_spun", body).type, 0);
    assert_int_equal(there_and_back("c:anna", "wheel_spun", body), 1 + 2 + 2 + 11 + 1);
    (void)there_and_back("c:anna", "f81d4fae7dec11d0a76500a0c91e6bf6",
                         "{" ID
                         ",\"type\":\"f81d4fae7dec11d0a76500a0c91e6bf6\",\"occurred_at\":\"x\"}");
}

static void times_come_back_as_they_were_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
        int style;
    } times[] = {
        {"2019-10-01T04:00:00Z", 1569902400000000, EVENT_PACK_SECONDS},
        {"2019-10-01T04:00:00.000Z", 1569902400000000, EVENT_PACK_THOUSANDS},
        {"2019-10-01T04:00:00.100Z", 1569902400100000, EVENT_PACK_THOUSANDS},
        {"2019-10-01T04:00:00.100000Z", 1569902400100000, EVENT_PACK_SECONDS},
        {"2019-10-01T04:00:00.000001Z", 1569902400000001, EVENT_PACK_SECONDS},
        {"2019-10-01T04:00:00.0Z", 1569902400000000, 0},
        {"2019-10-01t04:00:00z", 1569902400000000, 0},
        {"2019-10-01T06:00:00+02:00", 1569902400000000, 0},
        {"2019-10-01T04:00:00.1234567Z", 1569902400123456, 0},
        {"2019-10-01T04:00:07Z", 1569902400000000, 0}, /* the clock was ahead */
    };
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        const char *body = arena_printf(
            &arena, "{" ID ",\"type\":\"alias\",\"customer_id\":\"anna\",\"occurred_at\":\"%s\"}",
            times[i].text);
        struct event_form sent = {.event_id = "e1",
                                  .key = "c:anna",
                                  .type = "alias",
                                  .occurred_us = times[i].us,
                                  .body = body,
                                  .body_len = strlen(body)};
        struct event_packed packed;
        event_pack(&sent, &arena, &packed);
        assert_int_equal((packed.body[0] - '@') & EVENT_PACK_TIME, times[i].style);
        event_unpack(&packed, &arena, &sent);
        assert_text_contains(sent.body,
                             arena_printf(&arena, "\"occurred_at\":\"%s\"", times[i].text));
    }
}

/* Logs are full of it: what was packed once is read for ever. */
static void the_packed_form_stays_what_it_is(void **state)
{
    (void)state;
    const struct event_packed packed = pack_as(
        "c:anna", "purchase",
        "{" ID
        ",\"type\":\"purchase\",\"customer_id\":\"anna\",\"anonymous_id\":\"phone\",\"cart_id\":\"k1\","
        "\"occurred_at\":\"2019-10-01T04:00:00.123Z\",\"order_id\":\"o1\",\"items\":[{\"product_id\":\"tea\",\"quantity\":2,"
        "\"price_minor\":1250,\"currency\":\"EUR\"}],\"properties\":{\"total_minor\":2500}}");
    assert_int_equal(packed.type, 15);
    assert_int_equal(packed.id_len, 3);
    assert_memory_equal(packed.id, "\0e1", 3);
    assert_string_equal(packed.body, "^k1\x1fphone\x1f\x0eo1\x02tea\x09"
                                     "2\x0a"
                                     "1250\x10]\x15total_minor\":2500}}");
}

static void what_is_not_as_expected_stays_plain(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"page\":\"home\"}",
        "{}",
        "  {\"event_id\":\"other\",\"type\":\"alias\",\"occurred_at\":\"x\"}",
        "{" ID ",\"type\":7,\"occurred_at\":\"x\"}",
        "{" ID "," ID ",\"type\":\"alias\",\"occurred_at\":\"x\"}",
        "{" ID ",\"type\":\"alias\"}",
        "{" ID ",\"type\":\"al\\u0069as\",\"occurred_at\":\"x\"}",
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        const struct event_packed packed = pack_as("c:anna", "alias", bodies[i]);
        assert_string_equal(packed.body, strchr(bodies[i], '{'));
        assert_string_equal(unpack_as("c:anna", &packed).body, packed.body);
        assert_string_equal(unpack_as("c:anna", &packed).type, "alias");
    }
}

/* Programs send all members that they know, whether there is something to say or not. */
static void members_that_are_null_do_not_make_an_event_plain(void **state)
{
    (void)state;
    assert_int_equal(
        there_and_back(
            "c:anna", "alias",
            "{" ID
            ",\"type\":\"alias\",\"customer_id\":\"anna\",\"anonymous_id\":null,\"cart_id\":null,"
            "\"occurred_at\":\"2019-10-01T04:00:00.123Z\"}"),
        1 + 19 + 1 + 14 + 1);
}

static void the_type_of_a_plain_body_is_looked_for_there(void **state)
{
    (void)state;
    static const char body[] = "{\"type\": \"caf\\u00e9\"}";
    const struct event_packed packed = {
        .id = "\0e", .id_len = 2, .body = body, .body_len = sizeof body - 1};
    assert_string_equal(unpack_as("c:x", &packed).type, "café");
}

/* Whatever the bytes, it ends, and the decoder gets to judge it. */
static void a_body_that_nobody_packed_is_no_event(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "", "@", "x", "!", "\x7f", "^k", "@\x1e", "@\x01\x1f\x1e\x7f", "_\x1f"};
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        const struct event_packed packed = {
            .id = "\x03", .id_len = 1, .type = 1, .body = bodies[i], .body_len = strlen(bodies[i])};
        const struct event_form sent = unpack_as("c:x", &packed);
        struct err err = {0};
        json_t *doc = jdec_parse(sent.body, sent.body_len, &err);
        assert_null(doc);
        assert_string_equal(sent.event_id, "");
    }
}

/* ---- ids ---- */

static void ids_come_back_and_hashes_are_half_as_long(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        size_t len;
    } ids[] = {
        {"e-1001", 7},
        {"f81d4fae-7dec-11d0-a765-00a0c91e6bf6", 17},
        {"F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", 37},
        {"evt_f81d4fae-7dec-11d0-a765-00a0c91e6bf6", 21},
        {"f81d4fae7dec11d0a76500a0c91e6bf6", 17},
        {"968061683347e258df76e411c11ba87ba4863c179d600dbcc996ef5c815c4d3c", 33},
        {"cartwright:fwd:968061683347e258df76e411c11ba87ba4863c179d600dbcc996ef5c815c4d3c", 48},
        {"0968061683347e258df76e411c11ba87ba4863c179d600dbcc996ef5c815c4d3c", 34},
        {"968061683347e258df76e411c11ba87ba4863c179d600dbcc996ef5c815c4d3", 63 - 32 + 1 + 16},
        {"x", 2},
        {"käthe", 7},
    };
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        size_t len;
        const char *packed = event_pack_id(ids[i].id, &arena, &len);
        assert_int_equal(len, ids[i].len);
        assert_string_equal(event_unpack_id(packed, len, &arena), ids[i].id);
    }
}

static void hashes_within_bodies_are_a_third_shorter(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *packed;
    } hashes[] = {
        {"f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "\x1eu+B1Prn3sEdCnZQCgyR5r9g"},
        {"f81d4fae7dec11d0a76500a0c91e6bf6", "\x1ew+B1Prn3sEdCnZQCgyR5r9g"},
        {"968061683347e258df76e411c11ba87ba4863c179d600dbcc996ef5c815c4d3c",
         "\x1exloBhaDNH4ljfduQRwRuoe6SGPBedYA28yZbvXIFcTTw"},
    };
    for (size_t i = 0; i < COUNT_OF(hashes); i++) {
        char packed[EVENT_HASH_PACKED];
        char text[EVENT_HASH_TEXT];
        size_t used;
        const size_t len = event_pack_hash(hashes[i].text, strlen(hashes[i].text), packed);
        assert_int_equal(len, strlen(hashes[i].packed));
        assert_memory_equal(packed, hashes[i].packed, len);
        assert_int_equal(event_unpack_hash(packed + 1, len - 1, text, &used),
                         strlen(hashes[i].text));
        assert_memory_equal(text, hashes[i].text, strlen(hashes[i].text));
        assert_int_equal(used, len - 1);
        assert_int_equal(event_unpack_hash(packed + 1, len - 2, text, &used), 0);
        assert_int_equal(event_pack_hash(hashes[i].text, strlen(hashes[i].text) - 1, packed), 0);
    }
}

/* ---- tables ---- */

static void every_type_that_is_known_has_a_number(void **state)
{
    (void)state;
    for (enum event_type t = EVENT_UNKNOWN + 1; t < EVENT_TYPE_COUNT; t++) {
        const int32_t code = event_type_code(event_type_name(t));
        assert_in_range(code, 1, 127);
        assert_string_equal(event_type_of_code(code), event_type_name(t));
    }
    assert_int_equal(event_type_code("unknown"), 0);
    assert_null(event_type_of_code(0));
    assert_null(event_type_of_code(-1));
    assert_null(event_type_of_code(1000));
}

static void every_piece_is_found_and_the_longest_wins(void **state)
{
    (void)state;
    int pieces = 0;
    for (int code = 0; code < EVENT_PIECE_CODES; code++) {
        const struct event_piece p = event_piece_of(code);
        if (p.len > 0) {
            assert_true(code < EVENT_PIECE_SECOND || (code > ' ' && strchr("uwx", code) == NULL));
            assert_int_equal(event_piece_at(p.text, p.len), code);
            assert_int_equal(event_piece_at(arena_printf(&arena, "%s~", p.text), p.len + 1), code);
            pieces++;
        }
    }
    assert_int_equal(pieces, 112);
    assert_int_equal(event_piece_at(",\"currency\":\"EUR\"}]}", 20), 5);
    assert_int_equal(event_piece_at(",\"currency\":\"EUR\"}]", 19), 16);
    assert_int_equal(event_piece_at(",\"currency\":\"EUX", 16), 7);
    assert_int_equal(event_piece_at("\"nobody\"", 8), 0);
    assert_int_equal(event_piece_at("\"", 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_imported_event_is_a_few_bytes),
        cmocka_unit_test(whatever_was_sent_comes_back),
        cmocka_unit_test(whose_body_may_name_somebody_is_seen_without_unpacking),
        cmocka_unit_test(white_space_and_the_order_of_members_are_not_kept),
        cmocka_unit_test(a_type_that_nobody_knows_is_kept_by_its_name),
        cmocka_unit_test(times_come_back_as_they_were_written),
        cmocka_unit_test(the_packed_form_stays_what_it_is),
        cmocka_unit_test(what_is_not_as_expected_stays_plain),
        cmocka_unit_test(members_that_are_null_do_not_make_an_event_plain),
        cmocka_unit_test(the_type_of_a_plain_body_is_looked_for_there),
        cmocka_unit_test(a_body_that_nobody_packed_is_no_event),
        cmocka_unit_test(ids_come_back_and_hashes_are_half_as_long),
        cmocka_unit_test(hashes_within_bodies_are_a_third_shorter),
        cmocka_unit_test(every_type_that_is_known_has_a_number),
        cmocka_unit_test(every_piece_is_found_and_the_longest_wins),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
