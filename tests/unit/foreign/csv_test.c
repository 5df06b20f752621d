#include "foreign/csv.h"

#include "base/cleanup.h"
#include "base/clock.h"

#include "support/spec.h"

#include <stdio.h>
#include <string.h>

/* The fields joined by "|", or "! what is wrong". */
static const char *split(const char *line, size_t len)
{
    static char out[512];
    CLEANUP(arena_free) struct arena a = {0};
    struct csv_row row;
    struct err err = {0};
    size_t at = 0;

    if (!csv_split(line, len, &a, &row, &err)) {
        assert_int_equal(err.kind, ERR_INVALID);
        (void)snprintf(out, sizeof out, "! %s", err.text);
        return out;
    }
    for (size_t i = 0; i < row.count; i++) {
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%s", i > 0 ? "|" : "", row.field[i]);
    }
    return out;
}

static void lines_split_into_fields(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *expected;
    } cases[] = {
        {"a,b,c", "a|b|c"},
        {"a,,", "a||"},
        {"", ""},
        {" a , b ", " a | b "},
        {"\"a,b\",c", "a,b|c"},
        {"\"say \"\"hi\"\"\",c", "say \"hi\"|c"},
        {"\"\",\"\"", "|"},
        {"6\" plate,x", "6\" plate|x"},
        {"x,\"open", "! column 2 opens a quote and does not close it"},
        {"x,\"\"\"", "! column 2 opens a quote and does not close it"},
        {"\"a\"b,c", "! column 1 goes on behind its closing quote"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_string_equal(split(cases[i].line, strlen(cases[i].line)), cases[i].expected);
    }
}

static void a_nul_byte_and_too_many_columns_are_malformed(void **state)
{
    (void)state;
    char commas[CSV_FIELDS_MAX + 1];
    memset(commas, ',', sizeof commas);
    assert_string_equal(split("a\0b", 3), "! holds a NUL byte");
    assert_string_equal(split(commas, CSV_FIELDS_MAX), "! has more than 32 columns");
    assert_int_equal(strlen(split(commas, CSV_FIELDS_MAX - 1)), CSV_FIELDS_MAX - 1);
}

static void a_column_is_found_by_its_name(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    struct csv_row row;
    struct err err = {0};
    const char *line = "Invoice,Customer ID";
    assert_true(csv_split(line, strlen(line), &a, &row, &err));
    assert_int_equal(csv_column(&row, "customer id"), 1);
    assert_int_equal(csv_column(&row, "Customer"), -1);
}

static void whole_numbers_are_read_strictly(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   " 1",  "1 ",  "1.5",
                                      "0x", "--1", "1e3", "99999999999999999999"};
    struct err err = {0};
    int64_t out = 7;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(field_i64("quantity", bad[i], &out, &err));
        assert_int_equal(out, 7);
    }
    assert_true(field_i64("quantity", "-12", &out, &err));
    assert_int_equal(out, -12);
    assert_true(field_i64("quantity", "9223372036854775807", &out, &err));
    assert_true(out == INT64_MAX);
}

static void times_are_utc_with_or_without_saying_so(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "2019-10-01",
                                      "2019-10-01T00:00:05",
                                      "2019-10-01 00:00:05 CET",
                                      "2019-02-30 00:00:05",
                                      "2019-10-01 24:30:05",
                                      "12/1/2010 8:26"};
    struct err err = {0};
    int64_t with = 0;
    int64_t without = 0;
    assert_true(field_time("at", "2019-10-01 00:00:05 UTC", &with, &err));
    assert_true(field_time("at", "2019-10-01 00:00:05", &without, &err));
    assert_int_equal(with, INT64_C(1569888005000000));
    assert_int_equal(with, without);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(field_time("at", bad[i], &with, &err));
    }
}

static void unix_times_beyond_the_calendar_are_malformed(void **state)
{
    (void)state;
    struct err err = {0};
    int64_t out = 0;
    assert_true(field_unix("at", "1511658000", SECONDS(1), &out, &err));
    assert_int_equal(out, INT64_C(1511658000000000));
    assert_true(field_unix("at", "253402300799", SECONDS(1), &out, &err));
    assert_false(field_unix("at", "253402300800", SECONDS(1), &out, &err));
    assert_false(field_unix("at", "9223372036854775807", SECONDS(1), &out, &err));
    assert_false(field_unix("at", "-1", SECONDS(1), &out, &err));
}

static void ids_have_1_to_200_bytes(void **state)
{
    (void)state;
    struct err err = {0};
    char id[202];
    memset(id, 'x', sizeof id);
    id[201] = '\0';
    assert_false(field_id("user", "", &err));
    assert_string_equal(err.text, "user is empty");
    assert_false(field_id("user", id, &err));
    assert_string_equal(err.text, "user has 201 bytes, more than 200");
    assert_true(field_id("user", id + 1, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_split_into_fields),
        cmocka_unit_test(a_nul_byte_and_too_many_columns_are_malformed),
        cmocka_unit_test(a_column_is_found_by_its_name),
        cmocka_unit_test(whole_numbers_are_read_strictly),
        cmocka_unit_test(times_are_utc_with_or_without_saying_so),
        cmocka_unit_test(unix_times_beyond_the_calendar_are_malformed),
        cmocka_unit_test(ids_have_1_to_200_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
