/* Days of the shop: each is counted once, when it has ended, whenever its events came. */
#include "integration/store/store_spec.h"

#include "base/clock.h"
#include "store/shop_days.h"

enum { DAY = 20000 };

static int told;

/* An event of that day that came in that many hours after the day began. */
static void tell(const char *type, int day, int hours, const char *more)
{
    enum append_status status;
    const char *id = arena_printf(&spec.arena, "e%d", told++);
    const int64_t at_us = DAYS(day) + HOURS(1);
    char at[CLOCK_TEXT_MAX];
    const struct event_row row = {
        .event_id = id,
        .key = arena_printf(&spec.arena, "c:%d", told % 7),
        .type = type,
        .occurred_us = at_us,
        .body = arena_printf(
            &spec.arena,
            "{\"event_id\":\"%s\",\"type\":\"%s\",\"customer_id\":\"%d\",\"occurred_at\":\"%s\"%s}",
            id, type, told % 7, clock_format_rfc3339(at_us, at), more)};
    assert_ok(store_events_append(spec.db, &row, 1, ORIGIN_API, DAYS(day) + HOURS(hours), &status,
                                  &spec.err));
    assert_int_equal(status, APPEND_STORED);
}

/* Days up to that one, and what is known of all then: "day:adds/orders ...". */
static const char *filled(int until_day)
{
    int64_t added;
    assert_ok(store_shop_days_fill(spec.db, until_day, &added, &spec.err));
    return arena_printf(
        &spec.arena, "%lld: %s", (long long)added,
        sql_text(
            "SELECT coalesce(string_agg(day - 20000 || ':' || adds || '/' || orders, ' ' ORDER BY day), '') FROM cartwright.shop_day"));
}

static void a_day_is_counted_once_when_it_has_ended(void **state)
{
    (void)state;
    tell("cart_item_added", DAY, 2, "");
    tell("cart_item_added", DAY, 3, "");
    tell("purchase", DAY, 4, "");
    tell("purchase", DAY, 4, ",\"properties\":{\"kind\":\"renewal\"}");
    tell("product_viewed", DAY, 4, "");
    assert_string_equal(filled(DAY), "0: ");
    assert_string_equal(filled(DAY + 1), "1: 0:2/1");
    assert_string_equal(filled(DAY + 1), "0: 0:2/1");
    tell("cart_item_added", DAY, 30, ""); /* late: the day is told already */
    assert_string_equal(filled(DAY + 2), "0: 0:2/1");
}

/* What came before the last look, of a day that had not ended then. */
static void a_day_that_went_on_while_others_were_counted_is_counted_later(void **state)
{
    (void)state;
    tell("cart_item_added", DAY, 2, "");
    tell("cart_item_added", DAY + 1, 2, "");
    assert_string_equal(filled(DAY + 1), "1: 0:1/0");
    assert_string_equal(filled(DAY + 2), "1: 0:1/0 1:1/0");
}

static void history_that_is_imported_later_is_counted(void **state)
{
    (void)state;
    tell("cart_item_added", DAY, 2, "");
    assert_string_equal(filled(DAY + 1), "1: 0:1/0");
    tell("purchase", DAY - 300, 24 * 302, "");
    tell("cart_item_added", DAY - 200, 24 * 202, "");
    tell("cart_item_added", DAY - 200, 24 * 202, "");
    assert_string_equal(filled(DAY + 3), "2: -300:0/1 -200:2/0 0:1/0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPEC_TEST(a_day_is_counted_once_when_it_has_ended),
        SPEC_TEST(a_day_that_went_on_while_others_were_counted_is_counted_later),
        SPEC_TEST(history_that_is_imported_later_is_counted),
    };
    return RUN_BOTH_WAYS(tests);
}
