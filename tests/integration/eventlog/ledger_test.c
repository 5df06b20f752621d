/* The ledger of the crash tests must see what it is there for: each kind of broken promise, made by
 * hand, is counted; a kept one is not. */
#include "support/ledger.h"

#include "support/pg_fixture.h"
#include "support/spec.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

struct book {
    char *url;
    PGconn *conn;
    struct ledger *ledger;
};

static void sql(const struct book *b, const char *text)
{
    PGresult *res = PQexec(b->conn, text);

    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK) {
        print_error("%s: %s\n", text, PQerrorMessage(b->conn));
        fail();
    }
    PQclear(res);
}

static int open_book(void **state)
{
    struct book *b = calloc(1, sizeof *b);

    assert_non_null(b);
    b->url = pg_fixture_database("ledger");
    b->conn = PQconnectdb(b->url);
    b->ledger = ledger_open(2);
    *state = b;
    return PQstatus(b->conn) == CONNECTION_OK ? 0 : -1;
}

static int close_book(void **state)
{
    struct book *b = *state;

    PQfinish(b->conn);
    ledger_close(b->ledger);
    pg_fixture_drop(b->url);
    free(b);
    return 0;
}

static void store_event(const struct book *b, const char *id, const char *key)
{
    char text[500];

    (void)snprintf(
        text, sizeof text,
        "SELECT * FROM cartwright.append_rows(ARRAY['%s'], ARRAY['%s'], ARRAY['searched'],"
        " 'api', ARRAY[now()], now(), ARRAY['{}'::jsonb])",
        id, key);
    sql(b, text);
}

static void store_release(const struct book *b, const char *id)
{
    char text[600];

    (void)snprintf(text, sizeof text,
                   "SELECT * FROM cartwright.append_rows(ARRAY['%s'], ARRAY['c:x'],"
                   " ARRAY['outreach_released'], 'derived', ARRAY[now()], now(),"
                   " ARRAY['{\"cart_id\": \"cart\", \"round\": 1, \"step\": 1}'::jsonb])",
                   id);
    sql(b, text);
}

static void store_send(const struct book *b, const char *key, const char *outreach_id)
{
    char text[600];

    (void)snprintf(
        text, sizeof text,
        "INSERT INTO cartwright.outreach SELECT (jsonb_populate_record("
        "NULL::cartwright.outreach, jsonb_build_object('lane', cartwright.lane_of('%s'),"
        " 'subject', 'cart:cart', 'round', 1, 'step', 1, 'outreach_id', '%s', 'key', '%s',"
        " 'decision', 'send', 'reason', 'risk', 'decided_at', now(), 'summary',"
        " '{}'::jsonb, 'why', '{}'::jsonb, 'message', '{\"text\": \"come back\"}'::jsonb"
        "))).*",
        key, outreach_id, key);
    sql(b, text);
}

static void promise(const struct book *b, const char *message)
{
    ledger_outreach(
        b->ledger, 0,
        &(struct ledger_outreach){
            .outreach_id = "out_1", .cart_id = "cart", .round = 1, .step = 1, .message = message});
}

static size_t violations(const struct book *b)
{
    ledger_check(b->ledger, b->conn);
    return ledger_violations(b->ledger);
}

static void promises_that_were_kept_are_no_violation(void **state)
{
    struct book *b = *state;
    char id[LEDGER_ID_MAX];

    ledger_acked(b->ledger, 1, ledger_event(b->ledger, 1, id));
    store_event(b, id, "c:x");
    (void)ledger_event(b->ledger, 1, id); /* never acknowledged, not stored: nobody promised */
    (void)ledger_event(b->ledger, 1, id); /* never acknowledged, but stored: allowed */
    store_event(b, id, "c:y");
    promise(b, "{ \"text\" : \"come back\" }");
    store_send(b, "c:x", "out_1");
    store_release(b, "cartwright:released:out_1");

    assert_int_equal(violations(b), 0);
}

static void an_acknowledged_event_that_is_not_in_the_log_is_found(void **state)
{
    struct book *b = *state;
    char id[LEDGER_ID_MAX];

    ledger_acked(b->ledger, 0, ledger_event(b->ledger, 0, id));

    assert_int_equal(violations(b), 1);
}

static void an_event_stored_under_two_keys_is_found(void **state)
{
    struct book *b = *state;
    char id[LEDGER_ID_MAX];

    ledger_acked(b->ledger, 0, ledger_event(b->ledger, 0, id));
    store_event(b, id, "c:x");
    store_event(b, id, "c:y");

    assert_int_equal(violations(b), 1);
}

static void an_event_that_nobody_sent_is_found(void **state)
{
    struct book *b = *state;

    store_event(b, "led-00-000000007", "c:x");

    assert_int_equal(violations(b), 1);
}

static void an_event_in_a_strange_lane_is_found(void **state)
{
    struct book *b = *state;
    char id[LEDGER_ID_MAX];

    (void)ledger_event(b->ledger, 0, id);
    store_event(b, id, "c:x");
    sql(b, "UPDATE cartwright.event SET lane = (lane + 1) % 256");

    assert_int_equal(violations(b), 1);
}

static void an_answer_without_its_row_is_found(void **state)
{
    struct book *b = *state;

    promise(b, "{\"text\": \"come back\"}");

    assert_int_equal(violations(b), 1);
}

static void an_answer_with_another_message_than_the_row_is_found(void **state)
{
    struct book *b = *state;

    promise(b, "{\"text\": \"come back!\"}");
    store_send(b, "c:x", "out_1");
    store_release(b, "cartwright:released:out_1");

    assert_int_equal(violations(b), 1);
}

static void two_messages_for_one_cart_are_found_in_whatever_lanes(void **state)
{
    struct book *b = *state;

    store_send(b, "c:x", "out_1");
    store_release(b, "cartwright:released:out_1");
    store_send(b, "c:y", "out_2");
    sql(b, "SELECT * FROM cartwright.append_rows(ARRAY['cartwright:released:out_2'], ARRAY['c:y'],"
           " ARRAY['outreach_released'], 'derived', ARRAY[now()], now(),"
           " ARRAY['{\"cart_id\": \"cart\", \"round\": 1, \"step\": 1}'::jsonb])");

    assert_int_equal(violations(b), 1);
}

static void a_send_without_its_event_is_found(void **state)
{
    struct book *b = *state;

    store_send(b, "c:x", "out_1");

    assert_int_equal(violations(b), 1);
}

static void a_second_release_event_of_one_send_is_found(void **state)
{
    struct book *b = *state;

    store_send(b, "c:x", "out_1");
    store_release(b, "cartwright:released:out_1");
    store_release(b, "cartwright:released:out_1_again");

    assert_int_equal(violations(b), 1);
}

static void a_release_event_without_its_send_is_found(void **state)
{
    struct book *b = *state;

    store_release(b, "cartwright:released:out_1");

    assert_int_equal(violations(b), 1);
}

static void a_cursor_that_goes_back_is_found(void **state)
{
    struct book *b = *state;

    sql(b, "UPDATE cartwright.lane_cursor SET off = 7 WHERE lane = 3");
    assert_true(ledger_look_at_cursors(b->ledger, b->conn));
    sql(b, "UPDATE cartwright.lane_cursor SET off = 6 WHERE lane = 3");
    assert_true(ledger_look_at_cursors(b->ledger, b->conn));

    assert_int_equal(ledger_violations(b->ledger), 1);
}

static void events_past_the_cursor_are_lag(void **state)
{
    struct book *b = *state;

    store_event(b, "some-event", "c:x");
    assert_int_equal(ledger_lag(b->conn), 1);
    sql(b, "UPDATE cartwright.lane_cursor SET off = 1");
    assert_int_equal(ledger_lag(b->conn), 0);
}

#define WITH_BOOK(test) cmocka_unit_test_setup_teardown(test, open_book, close_book)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOOK(promises_that_were_kept_are_no_violation),
        WITH_BOOK(an_acknowledged_event_that_is_not_in_the_log_is_found),
        WITH_BOOK(an_event_stored_under_two_keys_is_found),
        WITH_BOOK(an_event_that_nobody_sent_is_found),
        WITH_BOOK(an_event_in_a_strange_lane_is_found),
        WITH_BOOK(an_answer_without_its_row_is_found),
        WITH_BOOK(an_answer_with_another_message_than_the_row_is_found),
        WITH_BOOK(two_messages_for_one_cart_are_found_in_whatever_lanes),
        WITH_BOOK(a_send_without_its_event_is_found),
        WITH_BOOK(a_second_release_event_of_one_send_is_found),
        WITH_BOOK(a_release_event_without_its_send_is_found),
        WITH_BOOK(a_cursor_that_goes_back_is_found),
        WITH_BOOK(events_past_the_cursor_are_lag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
