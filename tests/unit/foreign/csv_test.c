#include "foreign/csv.h"

#include "base/cleanup.h"

#include "support/spec.h"

#include <stdio.h>
#include <string.h>

/* The fields joined by "|", or "! what is wrong". */
static const char *split(const char *line, size_t len)
{
    static char out[2 * CSV_FIELDS_MAX];
    CLEANUP(arena_free) struct arena a = {0};
    struct csv_row row;
    struct err err = {0};
    size_t at = 0;

    if (!csv_split(line, len, ',', &a, &row, &err)) {
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
        {"\"two\nlines\",c", "two\nlines|c"},
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
    assert_string_equal(split(commas, CSV_FIELDS_MAX), "! has more than 1024 columns");
    assert_int_equal(strlen(split(commas, CSV_FIELDS_MAX - 1)), CSV_FIELDS_MAX - 1);
}

static void a_column_is_found_by_its_name(void **state)
{
    (void)state;
    CLEANUP(arena_free) struct arena a = {0};
    struct csv_row row;
    struct err err = {0};
    const char *line = "Invoice,\"Customer ID\", price ,\tuser";
    assert_true(csv_split(line, strlen(line), ',', &a, &row, &err));
    assert_int_equal(csv_column(&row, "customer id"), 1);
    assert_int_equal(csv_column(&row, "Price"), 2);
    assert_int_equal(csv_column(&row, "user"), 3);
    assert_int_equal(csv_column(&row, "Customer"), -1);
    assert_int_equal(csv_column(&row, "Invoices"), -1);
}

static void the_separator_is_the_one_that_stands_most_often_outside_of_quotes(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        char separator;
    } cases[] = {
        {"a,b,c", ','}, {"a;b;c", ';'}, {"a\tb\tc", '\t'},        {"a|b", '|'},
        {"alone", ','}, {"", ','},      {"a;\"b,c,d,e\";f", ';'}, {"a;\"b \"\",,,\"\" c\";f", ';'},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(csv_separator(cases[i].header, strlen(cases[i].header)),
                         cases[i].separator);
    }
    assert_string_equal(csv_separator_name(';'), "semicolons");
}

/* ---- records of several lines ---- */

static void a_quoted_field_may_hold_ends_of_lines_where_the_row_is_whole(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        size_t width;
        const char *record;
    } cases[] = {
        {"a line", "a,b\nc,d\n", 2, "a,b"},
        {"two lines", "a,\"b\nb\"\nc,d\n", 2, "a,\"b\nb\""},
        {"three, with CRLF", "\"a\r\n\r\nb\",c\r\nd,e", 2, "\"a\r\n\r\nb\",c"},
        {"doubled quotes", "\"a\"\"\n\"\"b\",c\nd,e", 2, "\"a\"\"\n\"\"b\",c"},
        {"any width", "\"a\nb\",c,d\n", 0, "\"a\nb\",c,d"},
        {"the last line", "\"a\nb\",c", 2, "\"a\nb\",c"},
        {"never closed", "a,\"b\nc,d\ne,f\n", 2, "a,\"b"},
        {"closed by the quote of another row", "a,\"b\nc,\"d\"\n", 2, "a,\"b"},
        {"closed, but not as wide as a row", "a,\"b\nc,d\n\",e,f,g\n", 2, "a,\"b"},
        {"a quote inside a field", "6\" plate,b\nc,d\n", 2, "6\" plate,b"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *text = cases[i].text;
        struct csv_shape shape = {.rows = true, .separator = ',', .width = cases[i].width};
        struct csv_cut cut = csv_cut(text, strlen(text), &shape);
        if (cut.len != strlen(cases[i].record) || strncmp(text, cases[i].record, cut.len) != 0) {
            fail_msg("%s: %.*s", cases[i].name, (int)cut.len, text);
        }
    }
}

static void only_rows_have_quotes_that_stay_open(void **state)
{
    (void)state;
    struct csv_shape rows = {.rows = true, .separator = ';'};
    struct csv_shape lines = {.rows = false};
    assert_true(csv_stays_open("a;\"b", 4, &rows));
    assert_false(csv_stays_open("a;\"b\"", 5, &rows));
    assert_false(csv_stays_open("a,\"b", 4, &rows)); /* no field begins there */
    assert_false(csv_stays_open("a;\"b", 4, &lines));
    rows.separator = '\0';
    assert_true(csv_stays_open("a;\"b", 4, &rows)); /* by what the line itself shows */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_split_into_fields),
        cmocka_unit_test(a_nul_byte_and_too_many_columns_are_malformed),
        cmocka_unit_test(a_column_is_found_by_its_name),
        cmocka_unit_test(the_separator_is_the_one_that_stands_most_often_outside_of_quotes),
        cmocka_unit_test(a_quoted_field_may_hold_ends_of_lines_where_the_row_is_whole),
        cmocka_unit_test(only_rows_have_quotes_that_stay_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
