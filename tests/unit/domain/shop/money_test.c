#include "domain/shop/money.h"

#include "support/spec.h"

#include <unicode/unum.h>
#include <unicode/ustring.h>

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
    assert_true(money_currency_real("EUR"));
    assert_false(money_currency_real("XXX"));
    assert_false(money_currency_real("XTS"));
    assert_false(money_currency_real("eur"));
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

/* ---- writing ---- */

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
    {123450, "EUR", "de_AT.UTF-8", "€" NBSP "1.234,50"},
    {123450, "EUR", "DE", "1.234,50" NBSP "€"},
    {123450, "EUR", "fr", "1" NARROW_NBSP "234,50" NBSP "€"},
    {123450, "EUR", "nl-NL", "€" NBSP "1.234,50"},
    {123450, "BRL", "pt-BR", "R$" NBSP "1.234,50"},
    {1234567, "PLN", "pl", "12" NBSP "345,67" NBSP "zł"},
    {123450, "MXN", "es-MX", "$1,234.50"},
    {123450, "ZAR", "en-ZA", "R" NBSP "1" NBSP "234,50"},
    {123450, "CHF", "de-CH", "CHF" NBSP "1’234.50"},
    {1234567890, "INR", "en-IN", "₹1,23,45,678.90"},
    {1234567, "KWD", "en", "KWD" NBSP "1,234.567"},
    {999, "CAD", "en-CA", "$9.99"},
    {999, "CAD", "en-US", "CA$9.99"},
    /* fils are out of use in Iraq: they are written only where there are some */
    {1500, "IQD", "en", "IQD" NBSP "1.500"},
    {15000, "IQD", "en", "IQD" NBSP "15"},
    {INT64_MIN, "NOK", "fr",
     "-92" NARROW_NBSP "233" NARROW_NBSP "720" NARROW_NBSP "368" NARROW_NBSP "547" NARROW_NBSP
     "758,08" NBSP "NOK"},
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

/* What ICU's own currency format makes of the amount, asked in another way than we do. */
static void icu_format(double amount, const char *currency, const char *locale,
                       char out[MONEY_TEXT_MAX])
{
    UChar code[4] = {0};
    UChar wide[MONEY_TEXT_MAX];
    UErrorCode error = U_ZERO_ERROR;
    UNumberFormat *format = unum_open(UNUM_CURRENCY, NULL, 0, locale, NULL, &error);

    /* as CLDR has it: 1234,50 in Spain and Poland, 12.345,00 there too */
    unum_setAttribute(format, UNUM_MINIMUM_GROUPING_DIGITS, UNUM_MINIMUM_GROUPING_DIGITS_AUTO);
    u_charsToUChars(currency, code, 3);
    const int32_t len =
        unum_formatDoubleCurrency(format, amount, code, wide, MONEY_TEXT_MAX, NULL, &error);
    (void)u_strToUTF8(out, MONEY_TEXT_MAX, NULL, wide, len, &error);
    assert_true(U_SUCCESS(error));
    unum_close(format);
}

static void usual_pairs_of_locale_and_currency_are_written_as_icu_does(void **state)
{
    static const struct {
        const char *locale, *currency;
    } pairs[] = {
        {"en-US", "USD"}, {"en-US", "EUR"}, {"en-GB", "GBP"}, {"en-GB", "EUR"}, {"en-IE", "EUR"},
        {"en-CA", "CAD"}, {"fr-CA", "CAD"}, {"en-AU", "AUD"}, {"en-NZ", "NZD"}, {"en-ZA", "ZAR"},
        {"en-IN", "INR"}, {"hi-IN", "INR"}, {"en-SG", "SGD"}, {"en-HK", "HKD"}, {"de-DE", "EUR"},
        {"de-AT", "EUR"}, {"de-CH", "CHF"}, {"fr-CH", "CHF"}, {"it-CH", "CHF"}, {"de-LI", "CHF"},
        {"fr-FR", "EUR"}, {"fr-BE", "EUR"}, {"nl-BE", "EUR"}, {"nl-NL", "EUR"}, {"es-ES", "EUR"},
        {"es-MX", "MXN"}, {"es-AR", "ARS"}, {"es-CL", "CLP"}, {"es-CO", "COP"}, {"es-US", "USD"},
        {"it-IT", "EUR"}, {"pt-BR", "BRL"}, {"pt-PT", "EUR"}, {"pt-AO", "AOA"}, {"pl-PL", "PLN"},
        {"pl-PL", "EUR"}, {"cs-CZ", "CZK"}, {"sk-SK", "EUR"}, {"hu-HU", "HUF"}, {"ro-RO", "RON"},
        {"bg-BG", "BGN"}, {"sv-SE", "SEK"}, {"da-DK", "DKK"}, {"nb-NO", "NOK"}, {"fi-FI", "EUR"},
        {"el-GR", "EUR"}, {"tr-TR", "TRY"}, {"uk-UA", "UAH"}, {"ja-JP", "JPY"}, {"ko-KR", "KRW"},
        {"zh-CN", "CNY"}, {"zh-TW", "TWD"}, {"th-TH", "THB"}, {"vi-VN", "VND"}, {"id-ID", "IDR"},
        {"he-IL", "ILS"}, {"ar-AE", "AED"}, {"ar-EG", "EGP"}, {"en-US", "KWD"}, {"de-DE", "USD"},
    };
    static const int64_t minors[] = {0, 5, 99, 123450, 1234567, 123456789};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pairs) * COUNT_OF(minors); i++) {
        const char *locale = pairs[i % COUNT_OF(pairs)].locale;
        const char *currency = pairs[i % COUNT_OF(pairs)].currency;
        const int64_t minor = minors[i / COUNT_OF(pairs)];
        char expected[MONEY_TEXT_MAX];
        char text[MONEY_TEXT_MAX];
        double amount = (double)minor;
        for (int digit = 0; digit < money_digits(currency); digit++) {
            amount /= 10;
        }
        icu_format(amount, currency, locale, expected);
        assert_string_equal(money_format(minor, currency, locale, text), expected);
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
        cmocka_unit_test(usual_pairs_of_locale_and_currency_are_written_as_icu_does),
    };
    return cmocka_run_group_tests_name("money", tests, NULL, NULL);
}
