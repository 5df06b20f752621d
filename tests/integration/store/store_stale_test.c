/* Shoppers that were put off: whose turn it is, and when the next. */
#include "integration/store/store_spec.h"

#include "base/clock.h"
#include "store/outreach.h"
#include "store/shoppers.h"
#include "store/stale.h"

static const struct stale_turn turn = {.at_least_us = 60000000, .pause = 10};

static void mark(int32_t lane, const char *key)
{
    const struct history_keys one = {.lanes = &lane, .keys = &key, .count = 1};

    assert_ok(store_stale_mark(spec.db, &one, &spec.err));
}

/* Of lanes 1 to 3; "" where none is due. */
static const char *claimed(void)
{
    const int32_t lanes[] = {1, 2, 3};
    struct history_key key;

    assert_ok(store_stale_claim(spec.db, lanes, 3, &turn, &spec.arena, &key, &spec.err));
    return key.key == NULL ? "" : key.key;
}

static void took(int32_t lane, const char *key, int64_t us, bool folded)
{
    assert_ok(
        store_stale_took(spec.db, (struct history_key){lane, key}, us, 10 * us, folded, &spec.err));
}

static int64_t due_in_s(const char *key)
{
    return sql_number(arena_printf(
        &spec.arena,
        "SELECT round(extract(epoch FROM due_at - clock_timestamp())) FROM cartwright.stale_shopper WHERE key = '%s'",
        key));
}

static void who_is_due_longest_is_next_and_nobody_twice(void **state)
{
    (void)state;
    assert_string_equal(claimed(), "");
    mark(4, "c:elsewhere");
    mark(2, "c:late");
    sql("UPDATE cartwright.stale_shopper SET due_at = now() - interval '1 hour'");
    mark(1, "c:ann");
    mark(2, "c:late"); /* as it is already */
    assert_string_equal(claimed(), "c:late");
    assert_string_equal(claimed(), "c:ann");
    assert_string_equal(claimed(), "");
    assert_in_range(due_in_s("c:ann"), 55, 60); /* should whoever claimed it be gone */
}

static void it_rests_for_as_long_as_it_is_told(void **state)
{
    (void)state;
    mark(1, "c:ann");
    assert_string_equal(claimed(), "c:ann");
    took(1, "c:ann", 20000000, true);
    assert_in_range(due_in_s("c:ann"), 195, 200);
    assert_int_equal(
        sql_number("SELECT count(*) FROM cartwright.stale_shopper WHERE since IS NOT NULL"), 0);
    mark(1, "c:ann");
    assert_string_equal(claimed(), "");
    const int32_t lane = 1;
    assert_ok(store_stale_hasten(spec.db, &lane, 1, &spec.err));
    assert_string_equal(claimed(), "c:ann");
    assert_in_range(due_in_s("c:ann"), 195, 200); /* it may take as long as last time */
}

static void what_could_not_be_folded_stays_stale_and_rests_all_the_same(void **state)
{
    (void)state;
    mark(1, "c:ann");
    sql("UPDATE cartwright.stale_shopper SET since = now() - interval '9 minutes'");
    took(1, "c:ann", 6000000, false);
    assert_in_range(due_in_s("c:ann"), 55, 60);
    assert_in_range(
        sql_number("SELECT round(extract(epoch FROM now() - since)) FROM cartwright.stale_shopper"),
        540, 545);
}

static void to_whom_more_is_on_its_way_is_due_when_it_is_there(void **state)
{
    const int32_t lanes[] = {1, 3};
    const char *const keys[] = {"c:ann", "c:bob"};
    const struct history_keys both = {.lanes = lanes, .keys = keys, .count = 2};
    (void)state;

    mark(3, "c:bob");
    took(3, "c:bob", 2000000, true); /* rests for 20 s */
    assert_ok(store_stale_await(spec.db, &both, SECONDS(300), &spec.err));
    assert_int_equal(
        sql_number("SELECT count(*) FROM cartwright.stale_shopper WHERE since IS NOT NULL"), 2);
    assert_ok(store_stale_await(spec.db, &both, SECONDS(100), &spec.err));
    assert_in_range(due_in_s("c:ann"), 295, 300); /* no earlier than was said before */
    assert_string_equal(claimed(), "");
    assert_ok(store_stale_arrived(spec.db, &both, 10, &spec.err));
    assert_in_range(due_in_s("c:bob"), 15, 20);
    assert_string_equal(claimed(), "c:ann");
    assert_string_equal(claimed(), "");
}

static void what_has_rested_is_forgotten(void **state)
{
    (void)state;
    mark(1, "c:ann");
    took(1, "c:ann", 0, true);
    mark(1, "c:bob");
    took(1, "c:bob", 1000000, true);
    assert_string_equal(sql_text("SELECT string_agg(key, ' ') FROM cartwright.stale_shopper"),
                        "c:bob");
}

static void a_stale_shopper_is_told_where_shoppers_are_read(void **state)
{
    const int lanes[] = {1, 1};
    const char *const keys[] = {"c:ann", "c:bob"};
    const struct history_keys both = {.lanes = lanes, .keys = keys, .count = 2};
    struct shopper_row rows[2];
    (void)state;

    mark(1, "c:bob");
    assert_ok(store_shoppers_read(spec.db, lanes, keys, 2, &spec.arena, rows, &spec.err));
    assert_false(rows[0].stale);
    assert_true(rows[1].stale);
    assert_ok(store_history_docs(spec.db, &both, &spec.arena, rows, &spec.err));
    assert_false(rows[0].stale);
    assert_true(rows[1].stale);
}

static struct joins_pending pending_of(const char *via)
{
    const struct joins j = {.lane = 1, .key = "c:ann", .vias = &via, .via_count = 1};
    struct joins_pending p;

    assert_ok(store_joins_pending(spec.db, &j, &spec.arena, &p, &spec.err));
    return p;
}

static void who_joins_a_shopper_is_pending_while_it_is_stale(void **state)
{
    const int32_t lane = event_lane("a:phone");
    (void)state;

    assert_false(pending_of("phone").any);
    mark(lane, "a:phone");
    assert_true(pending_of("phone").any);
    assert_true(pending_of("phone").due_us > NOW_US / 2);
    assert_false(pending_of("tablet").any);
    assert_true(pending_of("tablet").due_us == 0);
    took(lane, "a:phone", 1000000, true);
    assert_false(pending_of("phone").any);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(who_is_due_longest_is_next_and_nobody_twice),
        SPEC_TEST(it_rests_for_as_long_as_it_is_told),
        SPEC_TEST(what_could_not_be_folded_stays_stale_and_rests_all_the_same),
        SPEC_TEST(what_has_rested_is_forgotten),
        SPEC_TEST(to_whom_more_is_on_its_way_is_due_when_it_is_there),
        SPEC_TEST(a_stale_shopper_is_told_where_shoppers_are_read),
        SPEC_TEST(who_joins_a_shopper_is_pending_while_it_is_stale),
    };
    return RUN_BOTH_WAYS(tests);
}
