#include "base/log.h"

#include "base/clock.h"
#include "support/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

/* Standard error goes to a file from capture_begin to captured. */
static struct {
    int saved, file;
    char text[1 << 20];
} capture;

static void capture_begin(void)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    capture.file = dup(fileno(file));
    (void)fclose(file);
    capture.saved = dup(STDERR_FILENO);
    assert_int_equal(dup2(capture.file, STDERR_FILENO), STDERR_FILENO);
}

static const char *captured(void)
{
    (void)dup2(capture.saved, STDERR_FILENO);
    (void)close(capture.saved);
    ssize_t n = pread(capture.file, capture.text, sizeof capture.text - 1, 0);
    assert_true(n >= 0);
    capture.text[n] = '\0';
    (void)close(capture.file);
    return capture.text;
}

static int reset(void **state)
{
    (void)state;
    log_set_level(LOG_INFO);
    log_set_plain(0);
    return 0;
}

static void a_line_is_one_json_object(void **state)
{
    struct err err = {0};
    int64_t at = 0;
    (void)state;

    capture_begin();
    log_line(LOG_WARN, "fold_failed", "lane %d: \"%s\"\n\x01", 7, "caf\xc3\xa9 \xff");
    const char *text = captured();
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);

    json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "warn");
    assert_string_equal(json_string_value(json_object_get(line, "event")), "fold_failed");
    assert_string_equal(json_string_value(json_object_get(line, "text")),
                        "lane 7: \"caf\xc3\xa9 \xef\xbf\xbd\"\n\x01");
    assert_true(clock_parse_rfc3339(json_string_value(json_object_get(line, "at")), &at, &err));
    json_decref(line);
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;

    capture_begin();
    log_line(LOG_DEBUG, "quiet", "no");
    log_set_level(LOG_ERROR);
    log_line(LOG_WARN, "quiet", "no");
    log_line(LOG_ERROR, "loud", "yes");
    const char *text = captured();
    assert_null(strstr(text, "quiet"));
    assert_text_contains(text, "loud");
}

static void a_plain_line_cannot_move_the_cursor(void **state)
{
    (void)state;

    log_set_plain(1);
    capture_begin();
    log_line(LOG_INFO, "import", "a\x1b[2Jb\nc\x7f");
    assert_string_equal(captured(), "info  import a [2Jb c \n");
}

static void a_text_that_is_too_long_is_cut_and_still_json(void **state)
{
    char longer[5000];
    (void)state;

    memset(longer, 1, sizeof longer); /* the worst case: six bytes each */
    longer[sizeof longer - 1] = '\0';
    capture_begin();
    log_line(LOG_INFO, "long", "%s", longer);
    json_t *line = json_loads(captured(), 0, NULL);
    assert_non_null(line);
    assert_int_equal(json_string_length(json_object_get(line, "text")), 2047);
    json_decref(line);
}

static void errno_is_kept(void **state)
{
    (void)state;

    capture_begin();
    (void)close(STDERR_FILENO);
    errno = ENOTTY;
    log_line(LOG_ERROR, "nowhere", "to go");
    int after = errno;
    (void)captured();
    assert_int_equal(after, ENOTTY);
}

static void *write_lines(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++) {
        log_line(LOG_INFO, "thread", "%0*d", 50 + i, i);
    }
    return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    pthread_t threads[4];
    int lines = 0;
    (void)state;

    capture_begin();
    for (int i = 0; i < 4; i++) {
        (void)pthread_create(&threads[i], NULL, write_lines, NULL);
    }
    for (int i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    const char *at = captured();
    for (const char *end = strchr(at, '\n'); end != NULL; at = end + 1, end = strchr(at, '\n')) {
        json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);
        assert_non_null(line);
        json_decref(line);
        lines++;
    }
    assert_int_equal(lines, 400);
}

static void levels_are_read_by_name(void **state)
{
    struct err err = {0};
    enum log_level level = LOG_INFO;
    (void)state;

    assert_true(log_level_parse("debug", &level, &err));
    assert_int_equal(level, LOG_DEBUG);
    assert_true(log_level_parse("error", &level, &err));
    assert_int_equal(level, LOG_ERROR);
    assert_false(log_level_parse("WARN", &level, &err));
    assert_int_equal(level, LOG_ERROR);
    assert_string_equal(err.path, "log_level");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_line_is_one_json_object, reset),
        cmocka_unit_test_setup(lines_below_the_level_are_not_written, reset),
        cmocka_unit_test_setup(a_plain_line_cannot_move_the_cursor, reset),
        cmocka_unit_test_setup(a_text_that_is_too_long_is_cut_and_still_json, reset),
        cmocka_unit_test_setup(errno_is_kept, reset),
        cmocka_unit_test_setup(lines_of_several_threads_do_not_mix, reset),
        cmocka_unit_test_setup(levels_are_read_by_name, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
