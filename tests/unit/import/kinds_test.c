/* What is no file of rows, and files that do not stay as they were: each is told, and none is read for ever. */
#include "import/lines.h"

#include "base/cleanup.h"

#include "support/spec.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MIB = 1 << 20 };
static char folder[] = "/tmp/import_kinds.XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[64];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static const char *refused(const char *path)
{
    static struct err err;
    struct line_reader r = {0};
    err = (struct err){0};
    assert_false(lines_open(path, &r, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    return err.text;
}

/* Reads to the end or to an error; how many lines there were. */
static int read_lines(const char *path, bool json, struct err *err)
{
    CLEANUP(lines_close) struct line_reader r = {0};
    struct line line;
    bool more = true;
    int count = 0;
    assert_true(lines_open(path, &r, err));
    if (json) {
        lines_expect_json(&r);
    }
    while (lines_next(&r, &line, &more, err)) {
        if (!more) {
            return count;
        }
        count++;
    }
    assert_int_equal(err->kind, ERR_INVALID);
    return count;
}

static void a_device_and_a_socket_hold_no_rows(void **state)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct err err = {0};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)state;
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", in_folder("socket"));
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_string_equal(refused(at.sun_path), "is a socket");
    (void)close(fd);
    assert_string_equal(refused("/dev/zero"), "is a device, and no file");
    assert_string_equal(refused(folder), "is a directory");
    assert_int_equal(read_lines("/dev/null", false, &err), 0);
    assert_int_equal(err.kind, ERR_NONE);
}

static void a_name_that_does_more_than_name_is_told_without_saying_it(void **state)
{
    (void)state;
    assert_text_contains(refused(in_folder("a\x1b[2Jb.csv")), "rename it");
    assert_null(strchr(refused(in_folder("a\nb.csv")), '\n'));
    /* a name of older days is one that can be read */
    assert_text_contains(refused(in_folder("caf\xe9.csv")), "no such file");
}

static void a_named_pipe_is_read_as_it_comes(void **state)
{
    char path[64];
    struct err err = {0};
    (void)state;
    (void)snprintf(path, sizeof path, "%s", in_folder("pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    pid_t child = fork();
    if (child == 0) {
        int fd = open(path, O_WRONLY);
        _exit(write(fd, "a\nb\n", 4) == 4 ? 0 : 1);
    }
    assert_int_equal(read_lines(path, false, &err), 2);
    assert_int_equal(err.kind, ERR_NONE);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* A pipe into which `first` is written, and then `forever` for as long as somebody reads. */
static pid_t endless(const char *first, char forever, char path[32])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        static char piece[1 << 16];
        (void)signal(SIGPIPE, SIG_IGN);
        (void)close(ends[0]);
        memset(piece, forever, sizeof piece);
        ssize_t n = write(ends[1], first, strlen(first));
        while (n >= 0) {
            n = write(ends[1], piece, sizeof piece);
        }
        _exit(0);
    }
    (void)close(ends[1]);
    (void)snprintf(path, 32, "/dev/fd/%d", ends[0]);
    return child;
}

static void expect_end(const char *first, char forever, bool json, int lines, const char *says)
{
    char path[32];
    struct err err = {0};
    pid_t child = endless(first, forever, path);
    assert_int_equal(read_lines(path, json, &err), lines);
    assert_text_contains(err.text, says);
    (void)close((int)strtol(strrchr(path, '/') + 1, NULL, 10));
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void what_does_not_end_is_not_read_for_ever(void **state)
{
    (void)state;
    expect_end("a\nb\n", '\0', false, 2, "line 3 does not end within 256 MiB: these are no rows");
    expect_end("", 'x', true, 0, "line 1 does not end within 256 MiB");
    expect_end("[", ' ', true, 0, "has nothing but blanks for more than 256 MiB");
}

static void a_long_line_that_ends_is_one_malformed_line(void **state)
{
    char path[64];
    struct err err = {0};
    (void)state;
    (void)snprintf(path, sizeof path, "%s", in_folder("long"));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "\nb\n", 3, 200L * MIB), 3); /* with a hole before it */
    (void)close(fd);
    assert_int_equal(read_lines(path, false, &err), 2);
    assert_int_equal(err.kind, ERR_NONE);
}

static void a_file_that_becomes_shorter_is_told(void **state)
{
    CLEANUP(lines_close) struct line_reader r = {0};
    char path[64];
    char text[100] = {0};
    struct err err = {0};
    struct line line;
    bool more;
    (void)state;
    (void)snprintf(path, sizeof path, "%s", in_folder("shrinks"));
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    memset(text, 'x', 99);
    text[99] = '\n';
    for (int i = 0; i < 30000; i++) {
        assert_int_equal(write(fd, text, sizeof text), sizeof text);
    }
    assert_true(lines_open(path, &r, &err));
    assert_true(lines_next(&r, &line, &more, &err) && more);
    assert_int_equal(ftruncate(fd, 2000000), 0);
    while (lines_next(&r, &line, &more, &err)) {
        assert_true(more);
    }
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.text, "has become shorter while it was read: it ends after 2000000 of "
                                  "3000000 bytes");
    (void)close(fd);
}

/* Of standard input, of which somebody may have read the beginning. */
static void a_file_is_read_from_where_it_stands(void **state)
{
    char path[64];
    struct err err = {0};
    int kept = dup(STDIN_FILENO);
    (void)state;
    (void)snprintf(path, sizeof path, "%s", in_folder("half-read"));
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_int_equal(write(fd, "a\nb\nc\n", 6), 6);
    assert_int_equal(lseek(fd, 2, SEEK_SET), 2);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(read_lines("-", false, &err), 2);
    assert_int_equal(err.kind, ERR_NONE);
    assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
    (void)close(kept);
    (void)close(fd);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"socket", "pipe", "long", "shrinks", "half-read"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        (void)unlink(in_folder(names[i]));
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_and_a_socket_hold_no_rows),
        cmocka_unit_test(a_name_that_does_more_than_name_is_told_without_saying_it),
        cmocka_unit_test(a_named_pipe_is_read_as_it_comes),
        cmocka_unit_test(what_does_not_end_is_not_read_for_ever),
        cmocka_unit_test(a_long_line_that_ends_is_one_malformed_line),
        cmocka_unit_test(a_file_that_becomes_shorter_is_told),
        cmocka_unit_test(a_file_is_read_from_where_it_stands),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
