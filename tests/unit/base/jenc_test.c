#include "base/jenc.h"

#include "base/clock.h"
#include "base/rng.h"
#include "support/spec.h"

#include <float.h>
#include <jansson.h>
#include <math.h>

/* What jansson reads where we wrote the string; the caller frees it. */
static json_t *read_back(const struct buf *b)
{
    json_error_t at;
    json_t *value = json_loadb(b->data, b->len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &at);

    if (value == NULL) {
        fail_msg("%s does not parse: %s", buf_text(b), at.text);
    }
    return value;
}

static void members_and_elements_are_parted_by_commas(void **state)
{
    struct buf b = buf_make(1000);
    struct jenc j = jenc_begin(&b);
    (void)state;

    jenc_object(&j, NULL);
    jenc_i64(&j, "a", INT64_MIN);
    jenc_array(&j, "b");
    jenc_array(&j, NULL);
    jenc_array_end(&j);
    jenc_bool(&j, NULL, true);
    jenc_null(&j, NULL);
    jenc_object(&j, NULL);
    jenc_object_end(&j);
    jenc_array_end(&j);
    jenc_str(&j, "c", NULL);
    jenc_str_opt(&j, "d", NULL);
    jenc_str_opt(&j, "e", "");
    jenc_str_opt(&j, "f", "x");
    jenc_time(&j, "g", SECONDS(1));
    jenc_raw(&j, "h", "[1]", 3);
    jenc_bool(&j, "k\"", false);
    jenc_object_end(&j);
    assert_string_equal(buf_text(&b), "{\"a\":-9223372036854775808,\"b\":[[],true,null,{}],"
                                      "\"c\":null,\"f\":\"x\",\"g\":\"1970-01-01T00:00:01Z\","
                                      "\"h\":[1],\"k\\\"\":false}");
    buf_free(&b);
}

static void sixty_levels_are_written(void **state)
{
    struct buf b = buf_make(1000);
    struct jenc j = jenc_begin(&b);
    (void)state;

    for (int i = 0; i < 60; i++) {
        jenc_array(&j, NULL);
    }
    jenc_i64(&j, NULL, 1);
    jenc_i64(&j, NULL, 2);
    for (int i = 0; i < 60; i++) {
        jenc_array_end(&j);
    }
    assert_int_equal(b.len, 123);
    json_decref(read_back(&b));
    buf_free(&b);
}

static void every_character_reads_back_as_itself(void **state)
{
    (void)state;

    for (uint32_t c = 1; c <= 0x10ffff; c++) {
        char text[4];
        size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        if (c >= 0xd800 && c <= 0xdfff) {
            continue; /* surrogates are no characters */
        }
        for (size_t i = len; i-- > 1;) {
            text[i] = (char)(0x80 | ((c >> (6 * (len - 1 - i))) & 0x3f));
        }
        text[0] = (char)(len == 1 ? c : ((0xf00U >> len) & 0xff) | (c >> (6 * (len - 1))));

        struct buf b = buf_make(100);
        struct jenc j = jenc_begin(&b);
        jenc_strn(&j, NULL, text, len);
        json_t *back = read_back(&b);
        assert_int_equal(json_string_length(back), len);
        assert_memory_equal(json_string_value(back), text, len);
        json_decref(back);
        buf_free(&b);
    }
}

#define FFFD "\xef\xbf\xbd"

static const struct {
    const char *bytes;
    size_t len;
    const char *read;
} broken[] = {
    {"a\xff"
     "b",
     3, "a" FFFD "b"},
    {"\x80", 1, FFFD},
    {"\xc0\xaf", 2, FFFD FFFD},                   /* overlong slash */
    {"\xe0\x80\xaf", 3, FFFD FFFD FFFD},          /* overlong */
    {"\xf0\x80\x80\xaf", 4, FFFD FFFD FFFD FFFD}, /* overlong */
    {"\xed\xa0\x80", 3, FFFD FFFD FFFD},          /* surrogate */
    {"\xf4\x90\x80\x80", 4, FFFD FFFD FFFD FFFD}, /* above U+10FFFF */
    {"\xf5\x80\x80\x80", 4, FFFD FFFD FFFD FFFD},
    {"x\xe2\x82", 3, "x" FFFD FFFD}, /* ends inside a character */
    {"x\xc3", 2, "x" FFFD},
    {"\xc3\"", 2, FFFD "\""}, /* the quote behind it must still be escaped */
    {"\xe2\x82\\", 3, FFFD FFFD "\\"},
    {"a\0b", 3, "a" FFFD "b"},
};

static void what_is_no_utf_8_is_replaced_and_the_rest_kept(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        struct buf b = buf_make(100);
        struct jenc j = jenc_begin(&b);
        jenc_strn(&j, NULL, broken[i].bytes, broken[i].len);
        json_t *back = read_back(&b);
        assert_string_equal(json_string_value(back), broken[i].read);
        json_decref(back);
        buf_free(&b);
    }
}

static void any_bytes_whatever_give_json(void **state)
{
    struct rng r = rng_seed(5);
    (void)state;

    for (int round = 0; round < 20000; round++) {
        char text[24];
        size_t len = rng_below(&r, sizeof text);
        for (size_t i = 0; i < len; i++) {
            text[i] = (char)rng_u64(&r);
        }
        struct buf b = buf_make(1000);
        struct jenc j = jenc_begin(&b);
        jenc_strn(&j, NULL, text, len);
        json_decref(read_back(&b));
        buf_free(&b);
    }
}

static const struct {
    double value;
    const char *text;
} numbers[] = {
    {0.5, "0.5"},
    {3, "3"},
    {0, "0"},
    {-0.25, "-0.25"},
    {0.1, "0.1"},
    {1e21, "1e+21"},
    {100, "100"},
    {1.0 / 3, "0.3333333333333333"},
    {0.1 + 0.2, "0.30000000000000004"},
    {DBL_MAX, "1.7976931348623157e+308"},
    {(double)NAN, "null"},
    {(double)INFINITY, "null"},
    {-(double)INFINITY, "null"},
};

static void a_number_has_the_fewest_digits_that_read_back_equal(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct buf b = buf_make(100);
        struct jenc j = jenc_begin(&b);
        jenc_f64(&j, NULL, numbers[i].value);
        assert_string_equal(buf_text(&b), numbers[i].text);
        buf_free(&b);
    }
}

static void random_doubles_read_back_bit_for_bit(void **state)
{
    struct rng r = rng_seed(6);
    (void)state;

    for (int i = 0; i < 100000; i++) {
        uint64_t bits = rng_u64(&r);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) {
            continue;
        }
        struct buf b = buf_make(100);
        struct jenc j = jenc_begin(&b);
        jenc_f64(&j, NULL, value);
        json_t *back = read_back(&b);
        double read = json_number_value(back);
        assert_memory_equal(&read, &value, sizeof value);
        json_decref(back);
        buf_free(&b);
    }
}

/* The plain way: printf until it reads back equal. */
static const char *printed(double value, char *out, size_t cap)
{
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(out, cap, "%.*g", digits, value);
        if (strtod(out, NULL) == value) {
            break;
        }
    }
    return out;
}

static void numbers_of_few_places_are_written_as_printf_writes_them(void **state)
{
    struct rng r = rng_seed(11);
    static const double edges[] = {0.0,
                                   -0.0,
                                   1e-4,
                                   9.9e-5,
                                   -1e-4,
                                   1e-6,
                                   5e-7,
                                   999999999.999999,
                                   1e9,
                                   1e15,
                                   0.1,
                                   -0.25,
                                   123456789.123456,
                                   1e8,
                                   -1e-5,
                                   4503599627.370497,
                                   1e-7,
                                   0.000999,
                                   99999.99999,
                                   1000000001,
                                   1.0000005};
    (void)state;

    for (int i = 0; i < 200000; i++) {
        double tenths = pow(10, (double)rng_below(&r, 9));
        double value = (double)rng_below(&r, UINT64_C(1) << rng_below(&r, 54)) / tenths;
        char expected[64];
        struct buf b = buf_make(100);
        struct jenc j = jenc_begin(&b);
        value = (size_t)i < COUNT_OF(edges) ? edges[i] : i % 3 == 0 ? -value : value;
        jenc_f64(&j, NULL, value);
        assert_string_equal(buf_text(&b), printed(value, expected, sizeof expected));
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_and_elements_are_parted_by_commas),
        cmocka_unit_test(sixty_levels_are_written),
        cmocka_unit_test(every_character_reads_back_as_itself),
        cmocka_unit_test(what_is_no_utf_8_is_replaced_and_the_rest_kept),
        cmocka_unit_test(any_bytes_whatever_give_json),
        cmocka_unit_test(a_number_has_the_fewest_digits_that_read_back_equal),
        cmocka_unit_test(random_doubles_read_back_bit_for_bit),
        cmocka_unit_test(numbers_of_few_places_are_written_as_printf_writes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
