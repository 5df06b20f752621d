#include "base/cleanup.h"
#include "base/json/jdec.h"

#include "support/spec.h"

#include <stdio.h>

static void nest(char *out, size_t depth)
{
    memset(out, '[', depth);
    memset(out + depth, ']', depth);
    out[2 * depth] = '\0';
}

static void sixteen_levels_are_read_and_seventeen_refused(void **state)
{
    char json[64];
    struct err err = {0};
    (void)state;

    nest(json, JDEC_DEPTH_MAX);
    CLEANUP(jdec_free) json_t *doc = jdec_parse(json, strlen(json), &err);
    assert_non_null(doc);

    nest(json, JDEC_DEPTH_MAX + 1);
    assert_null(jdec_parse(json, strlen(json), &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.text, "line 1 column 17: nested deeper than 16 levels");
}

static void brackets_inside_strings_are_no_levels(void **state)
{
    static const char json[] = "[\"[[[[[[[[[[[[[[[[[[[[\", \"\\\"[[[[[[[[[[[[[[[[[[[[\\\\\"]";
    struct err err = {0};
    (void)state;

    CLEANUP(jdec_free) json_t *doc = jdec_parse(json, strlen(json), &err);
    assert_non_null(doc);
}

static void levels_behind_a_string_still_count(void **state)
{
    static const char json[] = "[\"\\\\\",\n [[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]";
    struct err err = {0};
    (void)state;

    assert_null(jdec_parse(json, strlen(json), &err));
    assert_string_equal(err.text, "line 2 column 17: nested deeper than 16 levels");
}

static const struct {
    const char *json;
    size_t len;
    const char *says;
} malformed[] = {
    {"", 0, "line 1 column 1: { or [ was expected, and the text ends here"},
    {" \n", 2, "line 2 column 1: { or [ was expected, and the text ends here"},
    {"7", 1, "line 1 column 1: { or [ was expected, not 7"},
    {"'a'", 3,
     "line 1 column 1: { or [ was expected, not an apostrophe: names and texts stand in "},
    {"\xef\xbb\xbf{}", 5, "line 1 column 1: { or [ was expected, not a byte order mark"},
    {"]]]][[", 6, "line 1 column 1: { or [ was expected, not ]"},
    {"{\"a\":1", 6, "line 1 column 7: a comma or } was expected, and the text ends here"},
    {"{\"a\" 1}", 7, "line 1 column 6: a colon was expected, not 1"},
    {"{\"a\":}", 6, "line 1 column 6: a value was expected, not }"},
    {"{\"a\":1 \"b\":2}", 13, "line 1 column 8: a comma or } was expected, not \""},
    {"{\"a\":1,}", 8, "line 1 column 8: the name of a member in double quotes was expected, not }"},
    {"{a:1}", 5,
     "line 1 column 2: the name of a member in double quotes, or }, was expected, not a"},
    {"{'a':1}", 7, "not an apostrophe: names and texts stand in double quotes"},
    {"{\n \"a\": x}", 10, "line 2 column 7: x is no value: texts stand in double quotes"},
    {"{\n \"caf\xc3\xa9\": True}", 17, "line 2 column 10: True is no value: "},
    {"[NaN]", 5, "line 1 column 2: NaN is no value: "},
    {"[abcdefghijklmnopqrstuvwxyz]", 28, "line 1 column 2: abcdefghijklmnopqrst is no value"},
    {"{} {}", 5, "line 1 column 4: the document has ended, and something stands behind it"},
    {"{}x", 3, "line 1 column 3: the document has ended, and something stands behind it"},
    {"{}\0", 3, "line 1 column 3: the document has ended, and something stands behind it"},
    {"{\"a\":1,\"a\":2}", 13, "line 1 column 8: the member \"a\" is there twice"},
    {"[{\"a\":1},{\"a\":1,\n\"b\":{\"a\":2},\"a\":{}}]", 37,
     "line 2 column 13: the member \"a\" is "},
    {"{\"a\":1,\"\\u0061\":2}", 18, "line 1 column 8: the member \"\\u0061\" is there twice"},
    {"[1,]", 4, "line 1 column 4: a value was expected, not ]"},
    {"[1 2]", 5, "line 1 column 4: a comma or ] was expected, not 2"},
    {"[1}", 3, "line 1 column 3: a comma or ] was expected, not }"},
    {"[-]", 3, "line 1 column 3: a digit was expected, not ]"},
    {"[1.]", 4, "line 1 column 4: a digit was expected, not ]"},
    {"[1.5e+]", 7, "line 1 column 7: a digit was expected, not ]"},
    {"[.5]", 4, "line 1 column 2: a value was expected, not ."},
    {"[007]", 5, "line 1 column 2: a number must not begin with a 0 before other digits"},
    {"[1e999]", 7, "line 1 column 2: a number of more than 308 digits when written out"},
    {"[9223372036854775808]", 21, "line 1 column 2: a whole number that 64 bits cannot hold"},
    {"[\"\xff\"]", 5, "line 1 column 3: the byte 0xff is no UTF-8"},
    {"[\"\xed\xa0\xbd\"]", 7, "line 1 column 3: the byte 0xed is no UTF-8"},
    {"[\"\\u0000\"]", 10, "line 1 column 3: \\u0000 is not taken: no text here can hold a NUL"},
    {"[\"\\ud83d\"]", 10, "line 1 column 3: \\ud83d is half a surrogate pair"},
    {"[\"\\uDE00\"]", 10, "line 1 column 3: \\uDE00 is half a surrogate pair"},
    {"[\"\\u12x4\"]", 10, "line 1 column 3: \\u must be followed by four hexadecimal digits"},
    {"[\"\\x41\"]", 8, "line 1 column 3: a backslash must be followed by one of"},
    {"[\"a\nb\"]", 7, "line 1 column 4: a text goes over the end of its line"},
    {"[\"a\x01\"]", 6,
     "line 1 column 4: a text has a control character, which must be written \\u0001"},
    {"[\"a\0\"]", 6, "line 1 column 4: a NUL byte"},
    {"[\0]", 3, "line 1 column 2: a value was expected, not the byte 0x00"},
    /* jansson alone passes over this one, and whoever takes the text for a C text misses its end */
    {"{\"a\":1\0}", 8, "line 1 column 7: a NUL byte"},
    {"[true\0]", 7, "line 1 column 6: a NUL byte"},
    {"[\"abc", 5, "line 1 column 2: the text that begins here has no double quote at its end"},
    {"[\"abc\\", 6, "line 1 column 2: the text that begins here has no double quote at its end"},
};

static void malformed_text_is_refused_with_its_place_and_what_was_expected(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(malformed); i++) {
        struct err err = {0};
        if (jdec_parse(malformed[i].json, malformed[i].len, &err) != NULL) {
            fail_msg("%s was read", malformed[i].json);
        }
        assert_int_equal(err.kind, ERR_INVALID);
        assert_int_equal(strncmp(err.text, "line ", 5), 0);
        assert_text_contains(err.text, malformed[i].says);
    }
}

/* It is cut between characters, and the words around it are whole. */
static void a_name_that_is_there_twice_is_told_in_short(void **state)
{
    char json[600];
    struct err err = {0};
    size_t at = 0;
    (void)state;

    for (int twice = 0; twice < 2; twice++) {
        at += (size_t)snprintf(json + at, sizeof json - at, "%s\"a", twice == 0 ? "{" : "1,");
        for (int i = 0; i < 100; i++) {
            at += (size_t)snprintf(json + at, sizeof json - at, "\xc3\xa9");
        }
        at += (size_t)snprintf(json + at, sizeof json - at, "\":");
    }
    assert_null(jdec_parse(json, at, &err));
    assert_text_contains(err.text, "line 1 column 108: the member \"a\xc3\xa9");
    assert_text_contains(err.text, "\xc3\xa9\" is there twice");
    assert_true(strlen(err.text) < 120);
}

static const struct {
    const char *number;
    bool fits;
} numbers[] = {{"1e307", true},      {"1e308", false},     {"-9.9E+307", true},
               {"1e-307", true},     {"1e-308", false},    {"1e-20000", false},
               {"0.5e-306", true},   {"0.5e-307", false},  {"123e-2", true},
               {"1.25e2", true},     {"1e20000", false},   {"1e-99999999999999999999999", false},
               {"1e+0000307", true}, {"1e-0000308", false}};

static void a_number_counts_by_its_digits_written_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        char json[80];
        struct err err = {0};
        (void)snprintf(json, sizeof json, "[7,\"1e999\",%s]", numbers[i].number);
        CLEANUP(jdec_free) json_t *doc = jdec_parse(json, strlen(json), &err);
        if ((doc != NULL) != numbers[i].fits) {
            fail_msg("%s: %s", numbers[i].number, err.text);
        }
        if (doc == NULL) {
            assert_int_equal(err.kind, ERR_INVALID);
            assert_string_equal(err.text, "line 1 column 12: a number of more than 308 digits "
                                          "when written out");
        }
    }
}

static void a_fraction_of_307_digits_is_read_and_one_of_308_is_not(void **state)
{
    char json[320] = "[0.";
    struct err err = {0};
    (void)state;

    memset(json + 3, '7', 308);
    memcpy(json + 3 + 307, "]", 2);
    CLEANUP(jdec_free) json_t *doc = jdec_parse(json, strlen(json), &err);
    assert_non_null(doc);
    memcpy(json + 3 + 307, "7]", 3);
    assert_null(jdec_parse(json, strlen(json), &err));
    assert_text_contains(err.text, "more than 308 digits");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixteen_levels_are_read_and_seventeen_refused),
        cmocka_unit_test(brackets_inside_strings_are_no_levels),
        cmocka_unit_test(levels_behind_a_string_still_count),
        cmocka_unit_test(a_number_counts_by_its_digits_written_out),
        cmocka_unit_test(a_fraction_of_307_digits_is_read_and_one_of_308_is_not),
        cmocka_unit_test(a_name_that_is_there_twice_is_told_in_short),
        cmocka_unit_test(malformed_text_is_refused_with_its_place_and_what_was_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
