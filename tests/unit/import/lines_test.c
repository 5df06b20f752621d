#include "import/lines.h"

#include "base/cleanup.h"

#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file with these bytes; its path is the test's to unlink. */
static void a_file(char path[static 32], const char *bytes, size_t len)
{
    (void)snprintf(path, 32, "/tmp/import_lines.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    assert_int_equal(close(fd), 0);
}

/* All lines as "NUMBER:text|...". */
static char *read_all(const char *bytes, size_t len)
{
    static char out[1024];
    char path[32];
    CLEANUP(lines_close) struct line_reader r = {0};
    struct err err = {0};
    bool more = true;
    size_t at = 0;

    a_file(path, bytes, len);
    assert_true(lines_open(path, &r, &err));
    assert_int_equal(unlink(path), 0);
    out[0] = '\0';
    for (;;) {
        struct line line;
        assert_true(lines_next(&r, &line, &more, &err));
        if (!more) {
            return out;
        }
        at += (size_t)snprintf(out + at, sizeof out - at, "%lld:%.*s%s|", (long long)line.number,
                               (int)line.len, line.text, line.ended ? "" : "<eof>");
    }
}

static void lines_end_with_lf_or_crlf_and_the_last_may_end_with_neither(void **state)
{
    (void)state;
    assert_string_equal(read_all("a\nb\r\nc", 6), "1:a|2:b|3:c<eof>|");
    assert_string_equal(read_all("a\n", 2), "1:a|");
    assert_string_equal(read_all("", 0), "");
}

static void empty_lines_are_counted(void **state)
{
    (void)state;
    assert_string_equal(read_all("a\n\n\r\nb\n", 7), "1:a|2:|3:|4:b|");
}

static void a_byte_order_mark_is_skipped_at_the_start_only(void **state)
{
    (void)state;
    assert_string_equal(read_all("\xEF\xBB\xBF"
                                 "a\n\xEF\xBB\xBF",
                                 8),
                        "1:a|2:\xEF\xBB\xBF<eof>|");
}

static void a_carriage_return_inside_a_line_stays(void **state)
{
    (void)state;
    assert_string_equal(read_all("a\rb\nc\r", 6), "1:a\rb|2:c\r<eof>|");
}

/* One line of len bytes between two short ones. */
static void expect_middle_line(size_t len, bool too_long)
{
    char path[32];
    CLEANUP(lines_close) struct line_reader r = {0};
    struct err err = {0};
    struct line line;
    bool more = true;
    char *bytes = malloc(len + 5);

    assert_non_null(bytes);
    memset(bytes, 'x', len + 5);
    bytes[0] = 'a';
    bytes[1] = '\n';
    bytes[2 + len] = '\n';
    bytes[3 + len] = 'b';
    bytes[4 + len] = '\n';
    a_file(path, bytes, len + 5);
    free(bytes);
    assert_true(lines_open(path, &r, &err));
    assert_int_equal(unlink(path), 0);
    assert_true(lines_next(&r, &line, &more, &err));
    assert_true(lines_next(&r, &line, &more, &err));
    assert_int_equal(line.too_long, too_long);
    assert_int_equal(line.len, too_long ? 0 : len);
    assert_true(lines_next(&r, &line, &more, &err));
    assert_int_equal(line.number, 3);
    assert_memory_equal(line.text, "b", 1);
    assert_true(lines_next(&r, &line, &more, &err));
    assert_false(more);
}

static void the_longest_line_is_read_whole(void **state)
{
    (void)state;
    expect_middle_line(LINE_BYTES_MAX, false);
}

static void a_longer_line_is_marked_and_the_next_one_read_as_ever(void **state)
{
    (void)state;
    expect_middle_line(LINE_BYTES_MAX + 1, true);
    expect_middle_line(LINE_BYTES_MAX + 2, true);
    expect_middle_line((size_t)LINE_BYTES_MAX * 3 + 17, true);
}

static void a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct line_reader r = {0};
    struct err err = {0};
    assert_false(lines_open("/nowhere/events.csv", &r, &err));
    assert_string_equal(err.path, "/nowhere/events.csv");
    assert_string_equal(err.text, "cannot be opened: no such file or directory");
    assert_false(lines_open("/tmp", &r, &err));
    assert_string_equal(err.text, "is a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_with_lf_or_crlf_and_the_last_may_end_with_neither),
        cmocka_unit_test(empty_lines_are_counted),
        cmocka_unit_test(a_byte_order_mark_is_skipped_at_the_start_only),
        cmocka_unit_test(a_carriage_return_inside_a_line_stays),
        cmocka_unit_test(the_longest_line_is_read_whole),
        cmocka_unit_test(a_longer_line_is_marked_and_the_next_one_read_as_ever),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
