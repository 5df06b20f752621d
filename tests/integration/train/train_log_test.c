#include "train/log/train_log.h"

#include "base/clock.h"
#include "integration/flow_spec.h"
#include "support/spec.h"

#include <stdio.h>
#include <string.h>

/* The log as training is shown it, whichever thread decoded which shopper. */

enum { SHOPPERS = 3000, EVENTS_EACH = 3, TEXT_BYTES = 1 << 20 };

static struct flow_bench bench;

static int begin(void **state)
{
    (void)state;
    flow_open(&bench, "train_log");
    return 0;
}

static int end(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

struct shown {
    char text[TEXT_BYTES]; /* "key:events " of each shopper, in order */
    size_t len;
    int64_t keys;
    int64_t enough_after; /* 0: never */
    bool fail;
};

static bool note_key(void *ctx, const struct train_key *k, struct err *err)
{
    struct shown *s = ctx;
    s->len +=
        (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "%s:%zu ", k->key, k->count);
    s->keys++;
    if (s->fail) {
        return FAIL(err, ERR_INVALID, "not this one");
    }
    return s->enough_after == 0 || s->keys < s->enough_after;
}

/* More than a few batches of them. */
static void write_log(void)
{
    static struct told told[SHOPPERS * EVENTS_EACH];
    for (int i = 0; i < SHOPPERS * EVENTS_EACH; i++) {
        told[i] = (struct told){
            .id = arena_printf(&bench.arena, "e%d", i),
            .type = "product_viewed",
            .customer = arena_printf(&bench.arena, "shopper-%d", i % SHOPPERS),
            .product = "p",
            .at_s = (int64_t)i * 60,
        };
    }
    tell_all(&bench, told, sizeof told / sizeof *told);
}

static bool read_all(struct shown *s, struct train_log *log, struct err *err)
{
    return train_log_read(bench.db, INT64_MAX, note_key, s, log, err);
}

static void every_shopper_is_shown_whole_in_order_of_lane_and_key(void **state)
{
    (void)state;
    static struct shown shown;
    struct train_log log = {0};
    struct err err = {0};
    write_log();

    assert_true(read_all(&shown, &log, &err));

    assert_string_equal(
        shown.text,
        text_of(
            &bench,
            "SELECT string_agg(key || ':' || n || ' ', '' ORDER BY lane, key) FROM"
            " (SELECT lane, key, count(*) AS n FROM cartwright.event GROUP BY lane, key) AS k"));
    assert_int_equal(log.events, SHOPPERS * EVENTS_EACH);
    assert_int_equal(log.shoppers, SHOPPERS);
    assert_int_equal(log.first_us, START_US);
    assert_int_equal(log.last_us, START_US + (SHOPPERS * EVENTS_EACH - 1) * MINUTES(1));
}

static void of_shoppers_active_after_a_time_every_event_is_shown_and_of_others_none(void **state)
{
    static const char *const active =
        "SELECT string_agg(key || ':' || n || ' ', '' ORDER BY lane, key) FROM"
        " (SELECT lane, key, count(*) AS n FROM cartwright.event GROUP BY lane, key"
        " HAVING bool_or(key LIKE '%7' OR key LIKE '%8')) AS k";
    (void)state;
    static struct shown shown;
    struct train_log log = {0};
    struct err err = {0};
    run_sql(&bench, "UPDATE cartwright.log SET occurred_at = occurred_at - interval '1 year'"
                    " WHERE NOT (key LIKE '%7' OR key LIKE '%8')");

    assert_true(
        train_log_read_active(bench.db, START_US - 1, INT64_MAX, note_key, &shown, &log, &err));

    assert_string_equal(shown.text, text_of(&bench, active));
    assert_true(log.shoppers > 0 && log.shoppers < SHOPPERS);
}

static void a_shopper_longer_than_a_batch_stays_whole(void **state)
{
    (void)state;
    static struct shown shown;
    struct train_log log = {0};
    struct err err = {0};
    run_sql(&bench, "DELETE FROM cartwright.log");
    run_sql(
        &bench,
        "SELECT cartwright.append_events((SELECT jsonb_agg(jsonb_build_object('event_id', 'x' || n, 'type', 'page_viewed',"
        " 'customer_id', CASE WHEN n % 9 = 0 THEN 'short' ELSE 'long' END, 'occurred_at', timestamptz '2026-01-01 00:00Z' + n * interval '1 minute'))"
        " FROM generate_series(1, 9000) AS n))");

    assert_true(read_all(&shown, &log, &err));

    assert_non_null(strstr(shown.text, "c:long:8000 "));
    assert_non_null(strstr(shown.text, "c:short:1000 "));
}

static void what_the_decoder_refuses_is_counted_and_left_out(void **state)
{
    (void)state;
    static struct shown shown;
    struct train_log log = {0};
    struct err err = {0};
    run_sql(&bench, "DELETE FROM cartwright.log");
    run_sql(
        &bench,
        "SELECT cartwright.append_events('[{\"event_id\": \"1\", \"type\": \"product_viewed\", \"customer_id\": \"a\","
        " \"occurred_at\": \"2026-01-01T00:00:00Z\", \"misspelt\": 1},"
        " {\"event_id\": \"2\", \"type\": \"page_viewed\", \"customer_id\": \"a\", \"occurred_at\": \"2026-01-01T00:00:00Z\"}]')");

    assert_true(read_all(&shown, &log, &err));

    assert_string_equal(shown.text, "c:a:1 ");
    assert_int_equal(log.events, 2);
    assert_int_equal(log.refused, 1);
}

static void enough_ends_the_reading_and_is_no_failure(void **state)
{
    (void)state;
    static struct shown shown;
    struct train_log log = {0};
    struct err err = {0};
    shown.enough_after = 5;
    write_log();

    assert_true(read_all(&shown, &log, &err));

    assert_int_equal(shown.keys, 5);
    assert_int_equal(count_of(&bench, "SELECT 7"), 7); /* the connection is as good as before */
}

static void a_failure_of_the_callback_is_told_and_leaves_the_connection_usable(void **state)
{
    (void)state;
    static struct shown shown;
    struct train_log log = {0};
    struct err err = {0};
    shown.fail = true;
    write_log();

    assert_false(read_all(&shown, &log, &err));

    assert_string_equal(err.text, "not this one");
    assert_int_equal(shown.keys, 1);
    assert_int_equal(count_of(&bench, "SELECT 7"), 7);
}

static void an_empty_log_shows_nobody(void **state)
{
    (void)state;
    static struct shown shown;
    struct train_log log = {0};
    struct err err = {0};
    run_sql(&bench, "DELETE FROM cartwright.log");

    assert_true(read_all(&shown, &log, &err));

    assert_int_equal(shown.keys, 0);
    assert_int_equal(log.events, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_shopper_is_shown_whole_in_order_of_lane_and_key),
        cmocka_unit_test(of_shoppers_active_after_a_time_every_event_is_shown_and_of_others_none),
        cmocka_unit_test(a_shopper_longer_than_a_batch_stays_whole),
        cmocka_unit_test(what_the_decoder_refuses_is_counted_and_left_out),
        cmocka_unit_test(enough_ends_the_reading_and_is_no_failure),
        cmocka_unit_test(a_failure_of_the_callback_is_told_and_leaves_the_connection_usable),
        cmocka_unit_test(an_empty_log_shows_nobody),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
