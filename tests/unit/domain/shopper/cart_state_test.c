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
        {.quantity = 2, .price_minor = 499, .currency = "EUR"},
        {.quantity = 1, .price_minor = 1, .currency = "EUR"},
        {.quantity = 1, .price_minor = 1, .currency = "USD"},
        {.quantity = 1, .price_minor = MONEY_UNKNOWN},
        {.quantity = INT64_MAX / 2, .price_minor = MONEY_MINOR_MAX, .currency = "EUR"},
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

static void units_are_the_sum_of_quantities(void **state)
{
    struct cart_line lines[] = {{.quantity = 2}, {.quantity = 5}};
    struct cart c = {.lines = lines, .line_count = 2};
    (void)state;

    assert_int_equal(cart_units(&c), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_state_follows_from_status_and_idle_time),
        cmocka_unit_test(names_are_those_of_the_api),
        cmocka_unit_test(a_total_needs_every_price_in_one_currency),
        cmocka_unit_test(units_are_the_sum_of_quantities),
    };
    return cmocka_run_group_tests_name("cart state", tests, NULL, NULL);
}
