#include "evaluate/report.h"

#include "support/spec.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct buf page;

static int begin(void **state)
{
    (void)state;
    page = buf_make(1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_free(&page);
    return 0;
}

static void text_is_escaped_wherever_it_goes(void **state)
{
    static const char *const columns[] = {"<b>", "n"};
    const char *nasty = "<script>alert('x & \"y\"')</script>";
    struct report_table t = {.caption = nasty, .columns = columns, .column_count = 2};
    (void)state;
    report_begin(&page, nasty, nasty);
    report_heading(&page, nasty);
    report_text(&page, "%s", nasty);
    report_tile(&page, nasty, nasty);
    report_cell(&t, "%s", nasty);
    report_cell_number(&t, 1, 0);
    report_table_html(&page, &t);
    report_end(&page, nasty);
    assert_null(strstr(buf_text(&page), "<script"));
    assert_null(strstr(buf_text(&page), "<b></th>"));
    assert_text_contains(buf_text(&page),
                         "&lt;script&gt;alert(&#39;x &amp; &quot;y&quot;&#39;)&lt;/script&gt;");
    report_table_free(&t);
}

static void control_characters_are_left_out_and_other_bytes_kept(void **state)
{
    (void)state;
    report_escape(&page, "a\x01\x1b[31mb\tc\n\xc3\xa9");
    assert_string_equal(buf_text(&page), "a[31mb\tc\n\xc3\xa9");
    report_escape(&page, NULL);
    assert_string_equal(buf_text(&page), "a[31mb\tc\n\xc3\xa9");
}

static void a_page_asks_for_nothing_from_elsewhere(void **state)
{
    static const char *const banned[] = {"<script", "<link", "<img", "@import", "url(", "http"};
    (void)state;
    report_begin(&page, "title", "subtitle");
    report_end(&page, "footer");
    for (size_t i = 0; i < COUNT_OF(banned); i++) {
        assert_null(strstr(buf_text(&page), banned[i]));
    }
    assert_text_contains(buf_text(&page), "prefers-color-scheme:dark");
    assert_text_contains(buf_text(&page), "@media print");
}

static void a_table_reads_the_same_as_text_and_as_html(void **state)
{
    static const char *const columns[] = {"model", "NDCG@10", "cases"};
    struct report_table t = {.columns = columns, .column_count = 3};
    (void)state;
    report_cell(&t, "popularity");
    report_cell_number(&t, 0.12345, 3);
    report_cell(&t, "%d", 9);
    report_cell(&t, "caf\xc3\xa9");
    report_cell_number(&t, (double)NAN, 3);
    report_cell(&t, "%d", 1000);
    report_table_text(&page, &t);
    assert_string_equal(buf_text(&page), "model       NDCG@10  cases\n"
                                         "popularity    0.123      9\n"
                                         "caf\xc3\xa9              -   1000\n");
    buf_reset(&page);
    report_table_html(&page, &t);
    assert_text_contains(buf_text(&page), "<tr><td>popularity</td><td>0.123</td><td>9</td></tr>");
    assert_text_contains(buf_text(&page), "<tr><td>caf\xc3\xa9</td><td>-</td><td>1000</td></tr>");
    report_table_free(&t);
}

static void a_last_column_of_words_is_aligned_as_words(void **state)
{
    static const char *const columns[] = {"a", "what"};
    struct report_table t = {.columns = columns, .column_count = 2, .last_is_text = true};
    (void)state;
    report_cell(&t, "x");
    report_cell(&t, "some words");
    report_table_text(&page, &t);
    assert_string_equal(buf_text(&page), "a  what\nx  some words\n");
    report_table_html(&page, &t);
    assert_text_contains(buf_text(&page), "<table class=\"words\">");
    report_table_free(&t);
}

static void an_empty_table_is_its_head(void **state)
{
    static const char *const columns[] = {"a", "b"};
    struct report_table t = {.columns = columns, .column_count = 2};
    (void)state;
    report_table_text(&page, &t);
    assert_string_equal(buf_text(&page), "a  b\n");
    report_table_html(&page, &t);
    assert_text_contains(buf_text(&page), "<tbody>\n</tbody>");
    report_table_free(&t);
}

static void a_saved_page_replaces_the_old_one_and_leaves_nothing_beside_it(void **state)
{
    char folder[] = "/tmp/report_test.XXXXXX";
    char path[64];
    char text[16] = "";
    struct err err = {0};
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/r.html", folder);
    buf_add_str(&page, "first");
    assert_true(report_save(&page, path, &err));
    buf_reset(&page);
    buf_add_str(&page, "second");
    assert_true(report_save(&page, path, &err));
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    assert_string_equal(text, "second");
    (void)fclose(f);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0); /* fails where a temporary file was left */
}

static void a_page_that_cannot_be_written_is_told_with_its_path(void **state)
{
    struct err err = {0};
    (void)state;
    buf_add_str(&page, "text");
    assert_false(report_save(&page, "/nowhere/at/all/r.html", &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_text_contains(err.text, "/nowhere/at/all/r.html");
    struct err asked = {0};
    assert_false(report_can_save("/nowhere/at/all/r.html", &asked));
    assert_string_equal(asked.text, err.text); /* before the work as after it */
    assert_true(report_can_save("r.html", &err));
    assert_true(report_can_save("/dev/stdout", &err));
}

int __real_close(int fd);
int __wrap_close(int fd);

static bool disk_is_full;

int __wrap_close(int fd)
{
    int result = __real_close(fd);

    if (disk_is_full) {
        errno = ENOSPC;
        return -1;
    }
    return result;
}

/* As file systems over a network do. */
static void a_disk_that_is_found_full_as_the_page_is_closed_is_told_as_such(void **state)
{
    char folder[] = "/tmp/report_test.XXXXXX";
    char path[64];
    struct err err = {0};
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/r.html", folder);
    buf_add_str(&page, "text");
    errno = EACCES; /* of long ago */
    disk_is_full = true;
    bool saved = report_save(&page, path, &err);
    disk_is_full = false;
    assert_false(saved);
    assert_text_contains(err.text, err_words(ENOSPC));
    assert_int_equal(rmdir(folder), 0);
}

static void a_page_that_grew_too_large_is_not_written(void **state)
{
    struct buf small = buf_make(8);
    struct err err = {0};
    (void)state;
    buf_add_str(&small, "more than eight bytes");
    assert_false(report_save(&small, "/tmp/report_test_never.html", &err));
    assert_int_equal(err.kind, ERR_INTERNAL);
    assert_int_not_equal(access("/tmp/report_test_never.html", F_OK), 0);
    buf_free(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(text_is_escaped_wherever_it_goes, begin, end),
        cmocka_unit_test_setup_teardown(control_characters_are_left_out_and_other_bytes_kept, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_page_asks_for_nothing_from_elsewhere, begin, end),
        cmocka_unit_test_setup_teardown(a_table_reads_the_same_as_text_and_as_html, begin, end),
        cmocka_unit_test_setup_teardown(a_last_column_of_words_is_aligned_as_words, begin, end),
        cmocka_unit_test_setup_teardown(an_empty_table_is_its_head, begin, end),
        cmocka_unit_test_setup_teardown(
            a_saved_page_replaces_the_old_one_and_leaves_nothing_beside_it, begin, end),
        cmocka_unit_test_setup_teardown(a_page_that_cannot_be_written_is_told_with_its_path, begin,
                                        end),
        cmocka_unit_test_setup_teardown(
            a_disk_that_is_found_full_as_the_page_is_closed_is_told_as_such, begin, end),
        cmocka_unit_test_setup_teardown(a_page_that_grew_too_large_is_not_written, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
