/* Shops whose log is of before migration 31: what is folded while it is carried is what would have been folded without. */
#include "eventlog/carry.h"

#include "base/clock.h"
#include "base/stop.h"
#include "eventlog/maintain.h"
#include "integration/flow_spec.h"
#include "support/spec.h"

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "carry");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

/* Makes of the log what the migration finds: all events in the old table, and the views and triggers of one that is being carried. */
static const char of_before_sql[] =
    "CREATE TABLE cartwright.event_before (lane int NOT NULL, off bigint NOT NULL, event_id text COLLATE \"C\" NOT NULL, key text COLLATE \"C\" NOT NULL,"
    " type text NOT NULL, origin text NOT NULL, occurred_at timestamptz NOT NULL, received_at timestamptz NOT NULL, body_hash bytea NOT NULL DEFAULT '',"
    " body jsonb NOT NULL, PRIMARY KEY (lane, off), UNIQUE (lane, event_id));"
    "CREATE INDEX ON cartwright.event_before (lane, key, off);"
    "INSERT INTO cartwright.event_before (lane, off, event_id, key, type, origin, occurred_at, received_at, body)"
    " SELECT lane, off, event_id, key, type, origin, occurred_at, received_at, body FROM cartwright.event;"
    "DELETE FROM cartwright.log;"
    "SELECT cartwright.log_views(true);"
    "INSERT INTO cartwright.carry (events) VALUES (0);"
    "CREATE TRIGGER log_once BEFORE INSERT ON cartwright.log FOR EACH ROW EXECUTE FUNCTION cartwright.log_once();"
    "CREATE TRIGGER lane_trimmed AFTER UPDATE OF floor_off ON cartwright.lane FOR EACH ROW EXECUTE FUNCTION cartwright.lane_trimmed()";

static void carry_some(int every)
{
    for (int lane = 0; lane < LANES; lane += every) {
        struct err err = {0};
        int64_t off = 0;
        int64_t moved;
        bool empty;
        assert_true(store_carry_page(bench.db, lane, (struct events_most){2, INT64_MAX}, &off,
                                     &empty, &moved, &err));
    }
}

static void carry_to_end(void)
{
    struct err err = {0};
    struct carry_state state;
    int64_t moved;
    if (!carry_run(&bench.database, &moved, &err)) {
        fail_msg("%s", err.text);
    }
    assert_true(store_carry_state(bench.db, &state, &err));
    assert_false(state.left);
}

/* ---- a story in three parts ---- */

static const struct told first[] = {
    {.id = "a1", .type = "product_viewed", .anonymous = "phone", .product = "hat", .at_s = 1},
    {.id = "a2",
     .type = "cart_item_added",
     .anonymous = "phone",
     .product = "hat",
     .at_s = 2,
     .price_minor = 990},
    {.id = "a3",
     .type = "cart_item_added",
     .customer = "anna",
     .cart = "k1",
     .product = "shoe",
     .at_s = 3,
     .price_minor = 4990},
    {.id = "a4",
     .type = "cart_item_added",
     .customer = "bob",
     .product = "sock",
     .at_s = 4,
     .quantity = 3},
    {.id = "a5", .type = "searched", .customer = "carl", .at_s = 5},
};
/* A login that reaches back, an event that comes late, an order that names a cart. */
static const struct told second[] = {
    {.id = "b1", .type = "identify", .customer = "anna", .anonymous = "phone", .at_s = 10},
    {.id = "b2", .type = "cart_item_added", .customer = "bob", .product = "coat", .at_s = 3},
    {.id = "b3", .type = "product_viewed", .anonymous = "phone", .product = "belt", .at_s = 12},
    {.id = "b4", .type = "wheel_spun", .customer = "dora", .at_s = 13},
};
static const struct told third[] = {
    {.id = "c1",
     .type = "purchase",
     .customer = "anna",
     .cart = "k1",
     .order = "o1",
     .product = "shoe",
     .at_s = 20},
    {.id = "c2", .type = "cart_item_removed", .customer = "bob", .product = "sock", .at_s = 1},
    {.id = "c3", .type = "identify", .customer = "bob", .anonymous = "tablet", .at_s = 22},
    {.id = "c4", .type = "cart_item_added", .anonymous = "tablet", .product = "scarf", .at_s = 21},
};

static void tell_and_fold(const struct told *events, size_t count)
{
    tell_all(&bench, events, count);
    fold_to_end(&bench);
}

static const char *story_without_carrying(void)
{
    tell_and_fold(first, COUNT_OF(first));
    tell_and_fold(second, COUNT_OF(second));
    tell_and_fold(third, COUNT_OF(third));
    assert_replay_is_clean(&bench);
    return dump_of(&bench, false);
}

static void what_is_folded_meanwhile_is_what_it_would_have_been(void **state)
{
    (void)state;
    const char *expected = story_without_carrying();
    forget_everything(&bench);
    tell_and_fold(first, COUNT_OF(first));
    run_sql(&bench, of_before_sql);
    assert_replay_is_clean(&bench);
    tell_and_fold(second, COUNT_OF(second));
    assert_replay_is_clean(&bench);
    carry_some(1);
    assert_replay_is_clean(&bench);
    tell_and_fold(third, COUNT_OF(third));
    assert_replay_is_clean(&bench);
    carry_to_end();
    assert_string_equal(dump_of(&bench, false), expected);
    assert_string_equal(dump_of(&bench, true), expected);
    assert_replay_is_clean(&bench);
}

static void events_that_no_fold_has_taken_are_folded_from_the_old_table_in_order(void **state)
{
    (void)state;
    const char *expected = story_without_carrying();
    forget_everything(&bench);
    tell_all(&bench, first, COUNT_OF(first));
    run_sql(&bench, of_before_sql);
    tell_all(&bench, second, COUNT_OF(second));
    fold_to_end(&bench);
    tell_and_fold(third, COUNT_OF(third));
    assert_string_equal(dump_of(&bench, false), expected);
    carry_to_end();
    assert_replay_is_clean(&bench);
}

static void retention_works_in_the_middle_of_it(void **state)
{
    struct err err = {0};
    struct maintain_result result;
    (void)state;
    const char *expected = story_without_carrying();
    forget_everything(&bench);
    tell_and_fold(first, COUNT_OF(first));
    run_sql(&bench, of_before_sql);
    tell_and_fold(second, COUNT_OF(second));
    tell_and_fold(third, COUNT_OF(third));
    carry_some(2);
    bench.config.retention = DAYS(400);
    if (!maintain_run(&bench.database, &bench.config, START_US + HOURS(2) + DAYS(400), &result,
                      &err)) {
        fail_msg("%s", err.text);
    }
    assert_true(result.bases > 0);
    assert_int_equal(
        count_of(
            &bench,
            "SELECT count(*) FROM cartwright.event e JOIN cartwright.lane l USING (lane) WHERE e.off <= l.floor_off"),
        0);
    carry_to_end();
    assert_string_equal(dump_of(&bench, false), expected);
    assert_replay_is_clean(&bench);
}

/* Beside a service: by itself, to the end, or until it is told to stop. */
static void a_carrier_beside_the_service_ends_by_itself(void **state)
{
    struct err err = {0};
    struct carrier *carrier;
    struct carry_state left;
    (void)state;
    tell_and_fold(first, COUNT_OF(first));
    run_sql(&bench, of_before_sql);
    assert_true(carrier_start(&bench.database, &carrier, &err));
    assert_non_null(carrier);
    do {
        assert_true(store_carry_state(bench.db, &left, &err));
    } while (left.left && !stop_wait_us(10000));
    carrier_stop(&carrier);
    assert_null(carrier);
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.log WHERE body LIKE '{%'"),
                     0);
    assert_replay_is_clean(&bench);
    assert_true(carrier_start(&bench.database, &carrier, &err));
    assert_null(carrier); /* there is nothing left */
}

static void a_carrier_that_is_stopped_leaves_the_rest_for_the_next_time(void **state)
{
    struct err err = {0};
    struct carrier *carrier;
    (void)state;
    tell_and_fold(first, COUNT_OF(first));
    run_sql(&bench, of_before_sql);
    stop_request();
    assert_true(carrier_start(&bench.database, &carrier, &err));
    carrier_stop(&carrier);
    stop_reset();
    assert_replay_is_clean(&bench);
    carry_to_end();
    assert_replay_is_clean(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_folded_meanwhile_is_what_it_would_have_been, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            events_that_no_fold_has_taken_are_folded_from_the_old_table_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(retention_works_in_the_middle_of_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_carrier_beside_the_service_ends_by_itself, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_carrier_that_is_stopped_leaves_the_rest_for_the_next_time,
                                        setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
