#include "domain/shop/money.h"
#include "domain/shopper/shopper.h"
#include "support/spec.h"
#include "unit/domain/an_event.h"

static const struct cart_clock hours = {HOURS(1), HOURS(2), HOURS(9)};

/* Status x idle time: idle is counted from the later of last event and last change. */
static const struct {
    enum cart_status status;
    enum cart_state state;
    int64_t seen_us, changed_us, now_us;
} states[] = {
    {CART_OPEN, STATE_ACTIVE, HOURS(5), HOURS(4), HOURS(6) - 1},
    {CART_OPEN, STATE_IDLE, HOURS(5), HOURS(4), HOURS(6)},
    {CART_OPEN, STATE_IDLE, HOURS(5), HOURS(4), HOURS(7) - 1},
    {CART_OPEN, STATE_ABANDONED, HOURS(5), HOURS(4), HOURS(7)},
    {CART_OPEN, STATE_ABANDONED, HOURS(4), HOURS(5), HOURS(7)},
    {CART_OPEN, STATE_ABANDONED, HOURS(5), HOURS(4), HOURS(14) - 1},
    {CART_OPEN, STATE_EXPIRED, HOURS(5), HOURS(4), HOURS(14)},
    {CART_OPEN, STATE_ACTIVE, HOURS(5), HOURS(4), HOURS(3)}, /* a clock that went back */
    {CART_BOUGHT, STATE_BOUGHT, HOURS(5), HOURS(4), HOURS(99)},
    {CART_EMPTIED, STATE_EMPTIED, HOURS(5), HOURS(4), HOURS(99)},
    {CART_MERGED, STATE_MERGED, HOURS(5), HOURS(4), HOURS(99)},
};

static void the_state_follows_from_status_and_idle_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        struct cart c = {.status = states[i].status, .changed_us = states[i].changed_us};
        enum cart_state got = cart_state(&c, states[i].seen_us, &hours, states[i].now_us);
        if (got != states[i].state) {
            fail_msg("row %zu: %s, not %s", i, cart_state_name(got),
                     cart_state_name(states[i].state));
        }
    }
}

static void names_are_those_of_the_api(void **state)
{
    (void)state;
    assert_string_equal(cart_state_name(STATE_ABANDONED), "abandoned");
    assert_string_equal(cart_status_name(CART_OPEN), "open");
    assert_string_equal(cart_status_name(CART_MERGED), "merged");
}

static bool total_of(struct cart_line *lines, size_t count, int64_t *out, char currency[4])
{
    struct cart c = {.lines = lines, .line_count = count};

    return cart_total(&c, out, currency);
}

static void a_total_needs_every_price_in_one_currency(void **state)
{
    struct cart_line lines[] = {
        {.quantity_milli = 2000, .price_minor = 499, .currency = "EUR"},
        {.quantity_milli = 1000, .price_minor = 1, .currency = "EUR"},
        {.quantity_milli = 1000, .price_minor = 1, .currency = "USD"},
        {.quantity_milli = 1000, .price_minor = MONEY_UNKNOWN},
        {.quantity_milli = INT64_MAX / 2, .price_minor = MONEY_MINOR_MAX, .currency = "EUR"},
    };
    char currency[4];
    int64_t minor;
    (void)state;

    assert_true(total_of(lines, 2, &minor, currency));
    assert_int_equal(minor, 999);
    assert_string_equal(currency, "EUR");
    assert_false(total_of(lines, 3, &minor, currency));
    assert_int_equal(minor, MONEY_UNKNOWN);
    assert_string_equal(currency, "");
    assert_false(total_of(lines + 3, 1, &minor, currency));
    assert_false(total_of(lines + 4, 1, &minor, currency));
    assert_false(total_of(lines, 0, &minor, currency));
}

static void adjustments_are_taken_off_the_total_but_not_below_nothing(void **state)
{
    struct cart_line line = {.quantity_milli = 333, .price_minor = 1000, .currency = "EUR"};
    struct cart_line off = {.quantity_milli = 1000, .price_minor = 33, .currency = "EUR"};
    struct cart c = {.lines = &line, .line_count = 1, .adjustments = &off, .adjustment_count = 1};
    char currency[4];
    int64_t minor;
    (void)state;

    assert_true(cart_total(&c, &minor, currency));
    assert_int_equal(minor, 300);
    off.quantity_milli = 20000;
    assert_true(cart_total(&c, &minor, currency));
    assert_int_equal(minor, 0);
    memcpy(off.currency, "USD", 4);
    assert_false(cart_total(&c, &minor, currency));
    assert_int_equal(minor, MONEY_UNKNOWN);
}

static void a_total_of_lines_that_found_no_room_is_unknown(void **state)
{
    struct cart_line line = {.quantity_milli = 1000, .price_minor = 5, .currency = "EUR"};
    struct cart c = {.lines = &line, .line_count = 1, .lines_cut = 1};
    char currency[4];
    int64_t minor;
    (void)state;

    assert_false(cart_total(&c, &minor, currency));
    c.lines_cut = 0;
    assert_true(cart_total(&c, &minor, currency));
}

static void units_are_the_sum_of_quantities_and_a_part_of_one_is_one(void **state)
{
    struct cart_line lines[] = {{.quantity_milli = 2000},
                                {.quantity_milli = 5000},
                                {.quantity_milli = 350},
                                {.quantity_milli = 1001}};
    struct cart c = {.lines = lines, .line_count = 2};
    (void)state;

    assert_int_equal(cart_units(&c), 7);
    c.line_count = 4;
    assert_int_equal(cart_units(&c), 10);
}

static void a_cart_held_at_a_time_what_lay_in_it_then(void **state)
{
    struct cart_line lines[] = {{.added_us = 20}, {.added_us = 10}};
    struct cart c = {.lines = lines, .line_count = 2, .opened_us = 5, .changed_us = 30};
    (void)state;

    assert_true(cart_held(&c, 10));
    assert_false(cart_held(&c, 9));
    c.lines_cut = 1; /* which may have lain there */
    assert_true(cart_held(&c, 5));
    assert_false(cart_held(&c, 4));
    c = (struct cart){.opened_us = 5, .changed_us = 30};
    assert_false(cart_held(&c, 29));
    assert_true(cart_held(&c, 30));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_follows_from_status_and_idle_time),
        cmocka_unit_test(names_are_those_of_the_api),
        cmocka_unit_test(a_cart_held_at_a_time_what_lay_in_it_then),
        cmocka_unit_test(a_total_needs_every_price_in_one_currency),
        cmocka_unit_test(adjustments_are_taken_off_the_total_but_not_below_nothing),
        cmocka_unit_test(a_total_of_lines_that_found_no_room_is_unknown),
        cmocka_unit_test(units_are_the_sum_of_quantities_and_a_part_of_one_is_one),
    };
    return cmocka_run_group_tests_name("cart state", tests, NULL, NULL);
}
