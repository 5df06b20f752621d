#include "domain/shop/event_kept.h"

#include "support/event_twice.h"
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

static struct event_kept kept_of(const char *key, const char *type, const char *id,
                                 const char *body)
{
    struct event_kept kept = {.columns = {.event_id = id,
                                          .key = key,
                                          .type = type,
                                          .occurred_us = AT_US,
                                          .body = body,
                                          .body_len = strlen(body)},
                              .origin = ORIGIN_API,
                              .received_us = AT_US + 7};

    event_pack(&kept.columns, &arena, &kept.packed);
    return kept;
}

/* The event by columns and by its text, which must agree. *out_by_columns: the columns were enough. */
static bool decoded(const struct event_kept *kept, bool *out_by_columns, struct event *out)
{
    bool taken;
    const char *difference = event_kept_twice(kept, &arena, out_by_columns, &taken, out);

    if (difference != NULL) {
        fail_msg("%s: %.*s", difference, (int)kept->packed.body_len, kept->packed.body);
    }
    return taken;
}

static struct event taken_by_columns(const struct event_kept *kept)
{
    struct event e = {0};
    bool by_columns;

    assert_true(decoded(kept, &by_columns, &e));
    if (!by_columns) {
        fail_msg("the text was needed: %.*s", (int)kept->packed.body_len, kept->packed.body);
    }
    return e;
}

static void an_event_is_read_from_its_columns_and_what_they_leave(void **state)
{
    (void)state;
    const struct event_kept kept = kept_of(
        "c:anna", "purchase", "e1",
        "{\"event_id\":\"e1\",\"type\":\"purchase\",\"customer_id\":\"anna\",\"anonymous_id\":\"phone\","
        "\"cart_id\":\"k1\",\"occurred_at\":\"2019-10-01T04:00:00.123Z\",\"order_id\":\"o1\","
        "\"items\":[{\"product_id\":\"tea\",\"quantity\":2,\"price_minor\":1250,\"currency\":\"EUR\"}],"
        "\"properties\":{\"total_minor\":2500}}");
    const struct event e = taken_by_columns(&kept);

    assert_int_equal(e.type, EVENT_PURCHASE);
    assert_string_equal(e.event_id, "e1");
    assert_string_equal(e.customer_id, "anna");
    assert_string_equal(e.anonymous_id, "phone");
    assert_string_equal(e.cart_id, "k1");
    assert_string_equal(e.order_id, "o1");
    assert_int_equal(e.occurred_us, AT_US);
    assert_int_equal(e.received_us, AT_US + 7);
    assert_int_equal(e.amount_minor, 2500);
    assert_int_equal(e.item_count, 1);
    assert_string_equal(e.items[0].product_id, "tea");
    assert_int_equal(e.items[0].price_minor, 1250);
}

static void every_ordinary_form_needs_no_text(void **state)
{
    (void)state;
    static const char *const more[] = {
        ",\"customer_id\":\"anna\"",
        ",\"customer_id\":\"anna\",\"anonymous_id\":\"phone\"",
        ",\"anonymous_id\":\"phone\",\"cart_id\":\"f81d4fae-7dec-11d0-a765-00a0c91e6bf6\"",
        ",\"customer_id\":\"anna\",\"anonymous_id\":null,\"cart_id\":null",
        ",\"customer_id\":\"anna\",\"session_id\":\"f81d4fae7dec11d0a76500a0c91e6bf6\"",
        ",\"customer_id\":\"anna\",\"properties\":{\"text\":\"say \\\"items\\\":[{ \\\\\",\"n\":[1,2.50,-3e2]}",
        ",\"customer_id\":\"anna\",\"context\":{\"locale\":\"de-AT\",\"user_agent\":\"Mozilla/5.0 (X11) caf\xc3\xa9\"}",
        ",\"customer_id\":\"anna\",\"sent_at\":\"2019-10-01T04:00:01Z\"",
        ",\"customer_id\":\"\xc3\xa4nna\",\"items\":[]",
    };
    static const char *const keys[] = {"c:anna", "a:phone", "c:\xc3\xa4nna", "c:other"};
    static const char *const times[] = {"2019-10-01T04:00:00.123Z", "2019-10-01T04:00:00.123000Z",
                                        "2019-10-01T06:00:00.123+02:00"};

    for (size_t i = 0; i < COUNT_OF(more); i++) {
        for (size_t k = 0; k < COUNT_OF(keys) * COUNT_OF(times); k++) {
            const char *type = i % 2 == 0 ? "searched" : "wheel_spun";
            const struct event_kept kept = kept_of(
                keys[k / COUNT_OF(times)], type, "e1",
                arena_printf(&arena,
                             "{\"event_id\":\"e1\",\"type\":\"%s\",\"occurred_at\":\"%s\"%s}", type,
                             times[k % COUNT_OF(times)], more[i]));
            const struct event e = taken_by_columns(&kept);
            assert_string_equal(e.type_name, type);
        }
    }
}

static void a_body_larger_than_the_room_for_it_is_read_as_well(void **state)
{
    (void)state;
    const char *items = "{\"product_id\":\"p0\"}";

    for (int i = 1; i < 300; i++) {
        items = arena_printf(&arena, "%s,{\"product_id\":\"p%d\",\"quantity\":%d}", items, i, i);
    }
    const struct event_kept kept = kept_of(
        "a:phone", "cart_snapshot", "e1",
        arena_printf(&arena,
                     "{\"event_id\":\"e1\",\"type\":\"cart_snapshot\",\"anonymous_id\":\"phone\","
                     "\"occurred_at\":\"2019-10-01T04:00:00Z\",\"items\":[%s]}",
                     items));
    const struct event e = taken_by_columns(&kept);

    assert_int_equal(e.item_count, 300);
    assert_string_equal(e.items[299].product_id, "p299");
    assert_int_equal(e.items[299].quantity_milli, 299000);
}

static void what_the_text_would_be_refused_for_is_refused(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "{\"event_id\":\"e1\",\"type\":\"searched\",\"customer_id\":\"anna\",\"occurred_at\":\"2019-10-01T04:00:00Z\",\"odd\":1}",
        "{\"event_id\":\"e1\",\"type\":\"product_viewed\",\"customer_id\":\"anna\",\"occurred_at\":\"2019-10-01T04:00:00Z\"}",
        "{\"event_id\":\"e1\",\"type\":\"searched\",\"occurred_at\":\"2019-10-01T04:00:00Z\"}",
        "{\"event_id\":\"e1\",\"type\":\"forwarded\",\"customer_id\":\"anna\",\"occurred_at\":\"2019-10-01T04:00:00Z\"}",
        "{\"event_id\":\"e\\u0001\",\"type\":\"searched\",\"customer_id\":\"anna\",\"occurred_at\":\"2019-10-01T04:00:00Z\"}",
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        const char *type = strstr(bodies[i], "product_viewed") != NULL ? "product_viewed"
                           : strstr(bodies[i], "forwarded") != NULL    ? "forwarded"
                                                                       : "searched";
        const struct event_kept kept = kept_of("c:anna", type, "e1", bodies[i]);
        struct event e;
        bool by_columns;
        assert_false(decoded(&kept, &by_columns, &e));
        assert_false(by_columns);
    }
}

/* The row says when it was: of an order whose time could not be read, alone. */
static void what_the_text_says_of_the_time_nobody_asks(void **state)
{
    (void)state;
    static const char *const times[] = {"", ",\"occurred_at\":\"yesterday\"", ",\"occurred_at\":7",
                                        ",\"occurred_at\":null"};
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        const struct event_kept kept = kept_of(
            "c:anna", "purchase", "e1",
            arena_printf(&arena,
                         "{\"event_id\":\"e1\",\"type\":\"purchase\",\"customer_id\":\"anna\"%s}",
                         times[i]));
        struct event e;
        bool by_columns;
        assert_true(decoded(&kept, &by_columns, &e));
        assert_int_equal(e.occurred_us, kept.columns.occurred_us);
    }
}

/* Forms that nothing of ours writes: columns must not be believed where the text would be another. */
static void what_nobody_packed_is_what_its_text_is(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        const char *key;
        const char
            *body; /* packed: '@' and flags (4: the key is a member; 1: the time is the column) */
        int64_t at_us;
    } rows[] = {
        {"e1", "c:anna", "E}", AT_US},
        {"e\"1", "c:anna", "E}", AT_US},
        {"e\\u0031", "c:anna", "E}", AT_US},
        {"e\x01", "c:anna", "E}", AT_US},
        {"e\xff", "c:anna", "E}", AT_US},
        {"", "c:anna", "E}", AT_US},
        {"e1", "c:an\"na", "E}", AT_US},
        {"e1", "c:", "E}", AT_US},
        {"e1", "c:anna", "E", AT_US},
        {"e1", "c:anna", "E }", AT_US},
        {"e1", "c:anna", "E,}", AT_US},
        {"e1", "c:anna", "E\"event_id\":\"e2\"}", AT_US},
        {"e1", "c:anna", "E\"occurred_at\":\"2019-10-01T04:00:00Z\"}", AT_US},
        {"e1", "c:anna", "E\"items\":[]} }", AT_US},
        {"e1", "c:anna", "E\"items\":[]} ", AT_US},
        {"e1", "c:anna", "E \"items\":[]}", AT_US},
        {"e1", "c:anna", "E}", -1},
        {"e1", "c:anna", "E}", INT64_C(253402300800000000)},
        {"e1", "c:anna", "E}", INT64_MAX},
        {"e1", "a:anna", "Uphone\x1f}", AT_US},     /* anonymous_id twice */
        {"e1", "c:anna", "Uph\\u0031\x1f}", AT_US}, /* a text with an escape in front */
        {"e1", "c:anna", "Uph\"one\x1f}", AT_US},
        {"e1", "c:anna", "U", AT_US},
        {"e1", "c:anna", "@}", AT_US}, /* without occurred_at */
    };
    size_t by_columns_count = 0;

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct event e;
        bool by_columns;
        const struct event_kept kept = {.columns = {.event_id = rows[i].id,
                                                    .key = rows[i].key,
                                                    .type = "searched",
                                                    .occurred_us = rows[i].at_us},
                                        .packed = {.type = event_type_code("searched"),
                                                   .body = rows[i].body,
                                                   .body_len = strlen(rows[i].body)},
                                        .received_us = AT_US};
        (void)decoded(&kept, &by_columns, &e);
        by_columns_count += by_columns;
    }
    assert_int_equal(by_columns_count, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_read_from_its_columns_and_what_they_leave),
        cmocka_unit_test(every_ordinary_form_needs_no_text),
        cmocka_unit_test(a_body_larger_than_the_room_for_it_is_read_as_well),
        cmocka_unit_test(what_the_text_would_be_refused_for_is_refused),
        cmocka_unit_test(what_the_text_says_of_the_time_nobody_asks),
        cmocka_unit_test(what_nobody_packed_is_what_its_text_is),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
