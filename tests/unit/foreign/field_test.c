#include "foreign/field.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include "support/spec.h"

#include <string.h>

/* What is read of an id; "! what is wrong". */
static const char *id_of(const char *text, struct arena *a)
{
    const char *out = NULL;
    struct err err = {0};
    if (!field_id("user", text, a, &out, &err)) {
        assert_int_equal(err.kind, ERR_INVALID);
        return arena_printf(a, "! %s", err.text);
    }
    return out;
}

static void an_id_is_the_same_however_a_spreadsheet_wrote_it(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    static const struct {
        const char *text;
        const char *id;
    } cases[] = {
        {"512411198", "512411198"},
        {"512411198.0", "512411198"},
        {"512411198.00", "512411198"},
        {" 512411198 ", "512411198"},
        {"-5.0", "-5"},
        {"0.0", "0"},
        {"0042", "0042"},
        {"1.5", "1.5"},
        {"1.05", "1.05"},
        {"v1.0", "v1.0"},
        {"1.0.0", "1.0.0"},
        {"1.", "1."},
        {".0", ".0"},
        {"a b", "a b"},
        {"12E4", "12E4"},
        {"5E+08x", "5E+08x"},
        {"E+08", "E+08"},
        {"5.12411E+08", "! user has lost digits to scientific notation: \"5.12411E+08\""},
        {"5,12411E+08", "! user has lost digits to scientific notation: \"5,12411E+08\""},
        {"5e+08", "! user has lost digits to scientific notation: \"5e+08\""},
        {"", "! user is empty"},
        {"  ", "! user is empty"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_string_equal(id_of(cases[i].text, &a), cases[i].id);
    }
}

static void ids_have_1_to_200_bytes(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    char id[202];
    memset(id, 'x', sizeof id);
    id[201] = '\0';
    assert_string_equal(id_of(id, &a), "! user has 201 bytes, more than 200");
    assert_string_equal(id_of(id + 1, &a), id + 1);
}

static void whole_numbers_are_read_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   " 1",  "1 ",  "1.5",
                                      "0x", "--1", "1e3", "99999999999999999999"};
    struct err err = {0};
    int64_t out = 7;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(field_i64("quantity", bad[i], &out, &err));
        assert_int_equal(out, 7);
    }
    assert_true(field_i64("quantity", "-12", &out, &err));
    assert_int_equal(out, -12);
    assert_true(field_i64("quantity", "3.0", &out, &err));
    assert_int_equal(out, 3);
    assert_true(field_i64("quantity", "9223372036854775807", &out, &err));
    assert_true(out == INT64_MAX);
}

static void quantities_have_up_to_three_decimals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t milli; /* -1: refused */
    } cases[] = {
        {"2", 2000},      {"2.0", 2000},
        {"0.35", 350},    {"0,35", 350},
        {"1.2340", 1234}, {"1.2345", -1},
        {"", -1},         {"-2", -1},
        {".5", -1},       {"5.", -1},
        {"1,234.5", -1},  {"2 x", -1},
        {"0", 0},         {"9999999999999", -1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        int64_t milli = -1;
        bool read = field_milli("quantity", cases[i].text, &milli, &err);
        if (read != (cases[i].milli >= 0) || milli != cases[i].milli) {
            fail_msg("%s: %lld", cases[i].text, (long long)milli);
        }
    }
}

static void amounts_are_read_with_either_decimal_sign_unless_they_could_be_two(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t minor; /* -1: refused */
    } cases[] = {
        {"12", 1200},
        {"12.5", 1250},
        {"12,5", 1250},
        {"12,50", 1250},
        {"1234.567", 123457},
        {"1,234.50", 123450},
        {"1.234,50", 123450},
        {"1,234,567", 123456700},
        {"1.234.567", 123456700},
        {"1.234.567,8", 123456780},
        {"1,234", -1},
        {"1.234", 123},
        {"12,34,567", -1},
        {"1,234,50", -1},
        {"1.23,4.5", -1},
        {",50", -1},
        {"", -1},
        {"12,", -1},
        {"1,234.567.8", -1},
        {"twelve", -1},
        {"12,5 EUR", -1},
        {"1234,50", 123450},
        {"1234567,50", 123456750},
        {"12,3456.5", -1},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct err err = {0};
        int64_t minor = -1;
        bool read = field_amount("price", cases[i].text, "EUR", &minor, &err);
        if (read != (cases[i].minor >= 0) || minor != cases[i].minor) {
            fail_msg("%s: %lld", cases[i].text, (long long)minor);
        }
    }
}

static const struct {
    const char *text;
    const char *utc; /* NULL: no time */
} times[] = {
    {"2019-10-01 00:00:05 UTC", "2019-10-01T00:00:05Z"},
    {"2019-10-01 00:00:05", "2019-10-01T00:00:05Z"},
    {"2019-10-01T00:00:05", "2019-10-01T00:00:05Z"},
    {"2019-10-01T00:00:05Z", "2019-10-01T00:00:05Z"},
    {"2019-10-01 00:00:05+00:00", "2019-10-01T00:00:05Z"},
    {"2019-10-01 02:00:05 +0200", "2019-10-01T00:00:05Z"},
    {"2019-09-30 20:00:05-04", "2019-10-01T00:00:05Z"},
    {"2019-10-01 00:00:05.123456", "2019-10-01T00:00:05.123456Z"},
    {"2019-10-01 00:00:05.123456789 GMT", "2019-10-01T00:00:05.123456Z"},
    {"2019-10-01T00:00:05.5+01:00", "2019-09-30T23:00:05.500000Z"},
    {"2019-10-01 00:05", "2019-10-01T00:05:00Z"},
    {"2019-10-01", "2019-10-01T00:00:00Z"},
    {"2019/10/01 7:05:09", "2019-10-01T07:05:09Z"},
    {"12/1/2010 8:26", "2010-12-01T08:26:00Z"},
    {"12/01/2010 08:26:30", "2010-12-01T08:26:30Z"},
    {"1.12.2010 8:26", "2010-12-01T08:26:00Z"},
    {"9/6/2016 12:29:00 AM", "2016-09-06T00:29:00Z"},
    {"9/6/2016 12:29 PM", "2016-09-06T12:29:00Z"},
    {"9/6/2016 1:29pm", "2016-09-06T13:29:00Z"},
    {"1569888005", "2019-10-01T00:00:05Z"},
    {"1569888005.25", "2019-10-01T00:00:05.250000Z"},
    {"1569888005.0", "2019-10-01T00:00:05Z"},
    {"1569888005123", "2019-10-01T00:00:05.123000Z"},
    {"1569888005123456", "2019-10-01T00:00:05.123456Z"},
    {"1569888005123456789", "2019-10-01T00:00:05.123456Z"},
    {"20191001", "2019-10-01T00:00:00Z"},
    {"43739", "2019-10-01T00:00:00Z"},
    {"43739.5", "2019-10-01T12:00:00Z"},
    {"45321,4375694444", "2024-01-30T10:30:06Z"},
    {"45321.437569444442130", "2024-01-30T10:30:06Z"},
    {"45351", "2024-02-29T00:00:00Z"},
    {"36526", "2000-01-01T00:00:00Z"},
    {"73050.99999", "2099-12-31T23:59:59.136000Z"},
    {"73051", NULL},
    {"36525.9", NULL},
    {"60", NULL},
    {"45321.", NULL},
    {"45321.5.5", NULL},
    {"20191301", NULL},
    {"12345678", NULL},
    {"", NULL},
    {"soon", NULL},
    {"-5", NULL},
    {"1.569888E+09", NULL},
    {"99999999999999999999", NULL},
    {"1569888005123.5", NULL},
    {"2019-10-01 00:00:05 CET", NULL},
    {"2019-10-01 00:00:05 +2", NULL},
    {"2019-02-30 00:00:05", NULL},
    {"2019-10-01 24:30:05", NULL},
    {"2019-10-01 00:00:05.", NULL},
    {"2019-10-01 00:00:05 x", NULL},
    {"2019-10-01 13:00 PM", NULL},
    {"2019-10", NULL},
    {"13/1/2010 8:26", NULL},
    {"1-12-2010 8:26", NULL},
};

static void times_are_read_as_people_and_programs_write_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        struct err err = {0};
        int64_t us = 0;
        char text[CLOCK_TEXT_MAX];
        bool read = field_time("at", times[i].text, &us, &err);
        if (read != (times[i].utc != NULL)) {
            fail_msg("%s: %s", times[i].text, read ? "was read" : err.text);
        }
        if (read) {
            assert_string_equal(clock_format_rfc3339(us, text), times[i].utc);
        }
    }
}

static void an_order_or_a_no_of_which_the_minute_is_told_is_at_its_end(void **state)
{
    static const struct {
        const char *text;
        bool by_minute;
    } told[] = {{"2026-11-30 18:12", true},
                {"30.11.2026 18:12", true},
                {"11/30/2026 06:12 PM", true},
                {"2026-11-30T18:12+02:00", true},
                {"2026-11-30 18:12:05", false},
                {"2026-11-30", false},
                {"2026-11-30T18:12:05.5Z", false},
                {"1569902400", false},
                {"45321.5", false}};
    (void)state;

    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        const int64_t rest_us = told[i].by_minute ? SECONDS(59) : 0;
        assert_int_equal(field_time_rest_us(EVENT_PURCHASE, told[i].text), rest_us);
        assert_int_equal(field_time_rest_us(EVENT_CONSENT_WITHDRAWN, told[i].text), rest_us);
        assert_int_equal(field_time_rest_us(EVENT_CART_ITEM_ADDED, told[i].text), 0);
    }
}

static void a_date_with_the_day_first_is_told_as_one(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t us = 0;
    assert_false(field_time("InvoiceDate", "31/1/2010 8:26", &us, &err));
    assert_string_equal(err.text,
                        "InvoiceDate is read month first, and has no month 31: \"31/1/2010 8:26\"");
    assert_false(field_time("InvoiceDate", "31/31/2010 8:26", &us, &err));
    assert_string_equal(err.text, "InvoiceDate is no time: \"31/31/2010 8:26\"");
}

static void days_of_a_workbook_that_counts_from_1904_are_four_years_later(void **state)
{
    (void)state;
    struct err err = {0};
    char text[CLOCK_TEXT_MAX];
    int64_t us = 0;
    assert_true(field_time_1904("at", "42277.5", &us, &err));
    assert_string_equal(clock_format_rfc3339(us, text), "2019-10-01T12:00:00Z");
    assert_true(field_time_1904("at", "35064", &us, &err));
    assert_string_equal(clock_format_rfc3339(us, text), "2000-01-01T00:00:00Z");
    assert_true(field_time_1904("at", "2019-10-01", &us, &err));
    assert_string_equal(clock_format_rfc3339(us, text), "2019-10-01T00:00:00Z");
}

static void a_number_that_is_no_time_says_what_numbers_may_be(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t us = 0;
    assert_false(field_time("at", "1234.5", &us, &err));
    assert_string_equal(err.text, "at is a number, and neither a day of a spreadsheet (45321.5), a "
                                  "date (20240301) nor a time since 1970: \"1234.5\"");
}

static void text_for_people_has_no_ends_of_lines(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    assert_string_equal(field_text(" a  b ", &a), "a  b");
    assert_string_equal(field_text("a \r\n b\tc", &a), "a b c");
    assert_string_equal(field_text("\n", &a), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_is_the_same_however_a_spreadsheet_wrote_it),
        cmocka_unit_test(ids_have_1_to_200_bytes),
        cmocka_unit_test(whole_numbers_are_read_strictly),
        cmocka_unit_test(quantities_have_up_to_three_decimals),
        cmocka_unit_test(amounts_are_read_with_either_decimal_sign_unless_they_could_be_two),
        cmocka_unit_test(times_are_read_as_people_and_programs_write_them),
        cmocka_unit_test(an_order_or_a_no_of_which_the_minute_is_told_is_at_its_end),
        cmocka_unit_test(a_date_with_the_day_first_is_told_as_one),
        cmocka_unit_test(days_of_a_workbook_that_counts_from_1904_are_four_years_later),
        cmocka_unit_test(a_number_that_is_no_time_says_what_numbers_may_be),
        cmocka_unit_test(text_for_people_has_no_ends_of_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
