#include "base/buf.h"

#include "support/spec.h"

static void appended_pieces_stand_one_behind_the_other(void **state)
{
    struct buf b = buf_make(100);
    (void)state;

    buf_add_str(&b, "cart");
    buf_add_char(&b, ' ');
    buf_printf(&b, "%d of %s", 3, "9");
    buf_add(&b, "\0x", 2);
    assert_true(buf_ok(&b));
    assert_int_equal(b.len, 13);
    assert_memory_equal(b.data, "cart 3 of 9\0x", 14);
    buf_free(&b);
}

static void an_empty_buffer_reads_as_empty_text(void **state)
{
    struct buf b = {0};
    (void)state;

    assert_string_equal(buf_text(&b), "");
    buf_add(&b, NULL, 0);
    assert_true(buf_ok(&b));
    buf_free(&b);
}

static void the_maximum_itself_still_fits(void **state)
{
    struct buf b = buf_make(5);
    (void)state;

    buf_add_str(&b, "12345");
    assert_true(buf_ok(&b));
    assert_string_equal(buf_text(&b), "12345");
    buf_free(&b);
}

static void nothing_is_appended_after_the_first_failure(void **state)
{
    struct buf b = buf_make(5);
    (void)state;

    buf_add_str(&b, "1234");
    buf_add_str(&b, "56"); /* one too many: not even its first byte */
    buf_add_char(&b, '5'); /* would fit, but would leave a hole */
    buf_printf(&b, "%d", 5);
    assert_false(buf_ok(&b));
    assert_string_equal(buf_text(&b), "1234");

    buf_reset(&b);
    assert_true(buf_ok(&b));
    assert_string_equal(buf_text(&b), "");
    buf_add_str(&b, "12345");
    assert_true(buf_ok(&b));
    buf_free(&b);
}

static void it_grows_to_a_large_maximum(void **state)
{
    enum { MAX = 1 << 20 };
    struct buf b = buf_make(MAX);
    (void)state;

    for (int i = 0; i < MAX; i++) {
        buf_add_char(&b, (char)('a' + i % 26));
    }
    assert_true(buf_ok(&b));
    assert_int_equal(b.len, MAX);
    assert_int_equal(b.data[MAX - 1], 'a' + (MAX - 1) % 26);
    assert_in_range(b.cap, MAX + 1, MAX + 1);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_pieces_stand_one_behind_the_other),
        cmocka_unit_test(an_empty_buffer_reads_as_empty_text),
        cmocka_unit_test(the_maximum_itself_still_fits),
        cmocka_unit_test(nothing_is_appended_after_the_first_failure),
        cmocka_unit_test(it_grows_to_a_large_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
