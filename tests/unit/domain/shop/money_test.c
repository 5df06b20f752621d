#include "domain/shop/money.h"

#include "support/spec.h"

#define NBSP        "\xc2\xa0"
#define NARROW_NBSP "\xe2\x80\xaf"

static void a_currency_is_three_upper_case_letters(void **state)
{
    (void)state;
    assert_true(money_currency_valid("EUR"));
    assert_false(money_currency_valid("eur"));
    assert_false(money_currency_valid("EU"));
    assert_false(money_currency_valid("EURO"));
    assert_false(money_currency_valid("E R"));
    assert_false(money_currency_valid(""));
}

static void currencies_differ_in_their_minor_digits(void **state)
{
    (void)state;
    assert_int_equal(money_digits("USD"), 2);
    assert_int_equal(money_digits("JPY"), 0);
    assert_int_equal(money_digits("KWD"), 3);
    assert_int_equal(money_digits("CLF"), 4);
    assert_int_equal(money_digits("XYZ"), 2);
    assert_int_equal(money_digits(""), 2);
}

static void sums_and_products_past_the_range_are_told_and_leave_the_result_alone(void **state)
{
    (void)state;
    int64_t out = 7;

    assert_false(money_add(INT64_MAX, 1, &out));
    assert_false(money_times(INT64_MAX / 2, 3, &out));
    assert_int_equal(out, 7);
    assert_true(money_add(2, 3, &out));
    assert_int_equal(out, 5);
    assert_true(money_times(-4, 5, &out));
    assert_int_equal(out, -20);
}

static void a_line_s_amount_is_rounded_half_away_from_zero(void **state)
{
    static const struct {
        int64_t unit;
        int64_t milli;
        int64_t amount;
    } lines[] = {{2000, 350, 700},
                 {999, 500, 500},   /* 499.5 */
                 {999, 499, 499},   /* 498.501 */
                 {-999, 500, -500}, /* the same with the other sign */
                 {1, 499, 0},
                 {MONEY_MINOR_MAX, 1000, MONEY_MINOR_MAX},
                 {MONEY_MINOR_MAX, 9000000999, INT64_C(9000000999000000000)},
                 {0, 350, 0}};
    int64_t out = 7;
    (void)state;

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        assert_true(money_of_quantity(lines[i].unit, lines[i].milli, &out));
        assert_int_equal(out, lines[i].amount);
    }
    assert_false(money_of_quantity(MONEY_MINOR_MAX, INT64_C(10000000000000), &out));
    assert_int_equal(out, 0);
}

static const struct {
    const char *text;
    const char *currency;
    int64_t minor; /* -1: refused */
} amounts[] = {
    {"12.5", "USD", 1250},
    {"0", "USD", 0},
    {"1302.48", "USD", 130248},
    {"1234.567", "USD", 123457},
    {"1234.564", "USD", 123456},
    {"0.005", "EUR", 1},
    {"0.0049999", "EUR", 0},
    {"1234.5", "JPY", 1235},
    {"1.2345", "KWD", 1235},
    {"10000000000.00", "USD", MONEY_MINOR_MAX},
    {"10000000000.004", "USD", MONEY_MINOR_MAX},
    {"10000000000.01", "USD", -1},
    {"99999999999999999999", "USD", -1},
    {"-1", "USD", -1},
    {"+1", "USD", -1},
    {"", "USD", -1},
    {".5", "USD", -1},
    {"5.", "USD", -1},
    {"1e3", "USD", -1},
    {"1,5", "USD", -1},
    {" 1", "USD", -1},
    {"1 ", "USD", -1},
};

static void decimal_text_becomes_minor_units_half_away_from_zero(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(amounts); i++) {
        int64_t minor = -1;
        bool parsed = money_parse(amounts[i].text, amounts[i].currency, &minor);
        if (parsed != (amounts[i].minor >= 0) || minor != amounts[i].minor) {
            fail_msg("\"%s\" %s gave %d, %lld", amounts[i].text, amounts[i].currency, parsed,
                     (long long)minor);
        }
    }
}

static const struct {
    int64_t minor;
    const char *currency;
    const char *locale;
    const char *text;
} formats[] = {
    {123450, "USD", "en-US", "$1,234.50"},
    {123450, "USD", NULL, "$1,234.50"},
    {5, "USD", "en", "$0.05"},
    {-123450, "USD", "en", "-$1,234.50"},
    {123450, "EUR", "de-DE", "1.234,50" NBSP "€"},
    {123450, "EUR", "de_AT.UTF-8", "1.234,50" NBSP "€"},
    {123450, "EUR", "DE", "1.234,50" NBSP "€"},
    {123450, "EUR", "den", "€1,234.50"},
    {123450, "EUR", "fr", "1" NARROW_NBSP "234,50" NBSP "€"},
    {123450, "EUR", "nl-NL", "€" NBSP "1.234,50"},
    {123450, "BRL", "pt-BR", "R$" NBSP "1.234,50"},
    {123450, "EUR", "pt-PT", "1.234,50" NBSP "€"},
    {123450, "PLN", "pl", "1" NBSP "234,50" NBSP "zł"},
    {1234, "JPY", "ja", "¥1,234"},
    {1234567, "KWD", "en", "KWD" NBSP "1,234.567"},
    {999, "CAD", "en-CA", "$9.99"},
    {999, "CAD", "en-US", "CA$9.99"},
    {999, "CHF", "de-CH", "9,99" NBSP "CHF"},
    {INT64_MIN, "NOK", "fr",
     "-92" NARROW_NBSP "233" NARROW_NBSP "720" NARROW_NBSP "368" NARROW_NBSP "547" NARROW_NBSP
     "758,08" NBSP "kr"},
};

static void amounts_are_written_as_people_of_the_locale_write_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        char text[MONEY_TEXT_MAX];
        assert_string_equal(
            money_format(formats[i].minor, formats[i].currency, formats[i].locale, text),
            formats[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_currency_is_three_upper_case_letters),
        cmocka_unit_test(currencies_differ_in_their_minor_digits),
        cmocka_unit_test(a_line_s_amount_is_rounded_half_away_from_zero),
        cmocka_unit_test(sums_and_products_past_the_range_are_told_and_leave_the_result_alone),
        cmocka_unit_test(decimal_text_becomes_minor_units_half_away_from_zero),
        cmocka_unit_test(amounts_are_written_as_people_of_the_locale_write_them),
    };
    return cmocka_run_group_tests_name("money", tests, NULL, NULL);
}
