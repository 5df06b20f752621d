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
    {"", 0, "line 1 column 0: "},
    {"{\"a\":1", 6, "line 1 column 6: "},
    {"{\n \"a\": x}", 10, "line 2 column "},
    {"{} {}", 5, "end of file expected"},
    {"{}x", 3, "end of file expected"},
    {"{}\0", 3, "line 1 "},
    {"{\"a\":1,\"a\":2}", 13, "duplicate object key"},
    {"{'a':1}", 7, "line 1 "},
    {"[1,]", 4, "line 1 "},
    {"[NaN]", 5, "line 1 "},
    {"[1e999]", 7, "more than 308 digits"},
    {"[9223372036854775808]", 21, "too big integer"},
    {"[\"\xff\"]", 5, "unable to decode byte 0xff"},
    {"[\"\\u0000\"]", 10, "\\u0000 is not allowed"},
    {"[\"\\ud800\"]", 10, "invalid Unicode"},
    {"[\"a\nb\"]", 7, "unexpected newline"},
    {"[\"a\x01\"]", 6, "control character"},
    /* jansson alone passes over this one, and whoever takes the text for a C text misses its end */
    {"{\"a\":1\0}", 8, "line 1 column 7: a NUL byte"},
    {"[true\0]", 7, "line 1 column 6: a NUL byte"},
    {"7", 1, "'[' or '{' expected"},
    {"]]]][[", 6, "'[' or '{' expected"},
    {"[\"abc", 5, "premature end of input"},
    {"[\"abc\\", 6, "invalid escape"},
};

static void malformed_text_is_refused_with_its_place(void **state)
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
        cmocka_unit_test(malformed_text_is_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
