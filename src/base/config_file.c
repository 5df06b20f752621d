#include "base/config_file.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX_BYTES = 1 << 20 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char *skip_blanks(char *at)
{
    while (is_blank(*at)) {
        at++;
    }
    return at;
}

static void trim_end(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && is_blank(text[len - 1])) {
        text[--len] = '\0';
    }
}

/* Cuts text where a comment begins: a # at the start or after a blank. */
static void cut_comment(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if (*c == '#' && (c == text || is_blank(c[-1]))) {
            *c = '\0';
            return;
        }
    }
}

/* "a \"b\"" becomes a "b", in place; NULL unless a closing quote and then nothing but a comment
 * follow. */
static char *unquote(char *text)
{
    char *to = text;
    char *from = text + 1;

    while (*from != '"') {
        if (*from == '\\' && (from[1] == '"' || from[1] == '\\')) {
            from++;
        }
        if (*from == '\0') {
            return NULL;
        }
        /* to never overtakes from: the opening quote is gone, and an escape only shrinks */
        *to++ = *from++;
    }
    char *rest = skip_blanks(from + 1);
    *to = '\0';
    return *rest == '\0' || *rest == '#' ? text : NULL;
}

/* Splits a line in place; *out_name is NULL for a line without a setting. */
CAN_FAIL static bool split_line(char *line, char **out_name, char **out_value, struct err *err)
{
    char *name = skip_blanks(line);

    *out_name = NULL;
    if (*name == '\0' || *name == '#') {
        return true;
    }
    char *equals = strchr(name, '=');
    if (equals == NULL) {
        return FAIL(err, ERR_INVALID, "must be name = value");
    }
    *equals = '\0';
    trim_end(name);
    if (*name == '\0') {
        return FAIL(err, ERR_INVALID, "must be name = value");
    }
    char *value = skip_blanks(equals + 1);
    /* the quote before the comment: inside quotes a # is a #, as passwords have them */
    if (*value == '"') {
        value = unquote(value);
        if (value == NULL) {
            return FAIL(err, ERR_INVALID, "has a quote that does not end, or text after it");
        }
    } else {
        cut_comment(value);
        trim_end(value);
    }
    *out_name = name;
    *out_value = value;
    return true;
}

/* A file that ends, and soon: not a pipe that nobody writes to. Of devices the one that says "no settings". */
static bool is_settings_file(const char *path, int fd, struct err *err)
{
    struct stat is;
    struct stat nothing;

    if (fstat(fd, &is) != 0) {
        return FAIL_AT(err, ERR_INVALID, "config", "cannot look at the settings file %.150s: %s",
                       path, err_words(errno));
    }
    if (S_ISCHR(is.st_mode) && stat("/dev/null", &nothing) == 0 && is.st_rdev == nothing.st_rdev) {
        return true;
    }
    if (!S_ISREG(is.st_mode)) {
        return FAIL_AT(err, ERR_INVALID, "config",
                       "the settings file %.150s must be a regular file", path);
    }
    return is.st_size <= FILE_MAX_BYTES ||
           FAIL_AT(err, ERR_INVALID, "config",
                   "the settings file %.150s must have at most %d bytes", path, FILE_MAX_BYTES);
}

/* *out NULL: there is none, and need not be. */
static bool open_file(const char *path, bool required, FILE **out, struct err *err)
{
    /* a pipe is opened without waiting for its other end, only to be refused */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    *out = NULL;
    if (fd < 0) {
        /* Missing is fine, unreadable is not: who may not read the file would otherwise run with
         * settings that nobody chose, without a word. */
        return (errno == ENOENT && !required) ||
               FAIL_AT(err, ERR_INVALID, "config", "cannot open the settings file %.150s: %s", path,
                       err_words(errno));
    }
    if (!is_settings_file(path, fd, err)) {
        (void)close(fd);
        return false;
    }
    *out = fdopen(fd, "r");
    if (*out == NULL) {
        (void)close(fd);
        return FAIL_AT(err, ERR_INVALID, "config", "cannot open the settings file %.150s: %s", path,
                       err_words(errno));
    }
    return true;
}

/* What a line may be made of; *out_line is behind the mark of byte order that some editors write. */
static bool is_text(char *line, size_t len, int number, char **out_line, struct err *err)
{
    static const char mark[] = "\xef\xbb\xbf";

    *out_line = number == 1 && strncmp(line, mark, strlen(mark)) == 0 ? line + strlen(mark) : line;
    /* What follows a NUL would be left out without a word. */
    if (strlen(line) != len) {
        return FAIL(err, ERR_INVALID, "holds a NUL byte");
    }
    return utf8_valid(line) || FAIL(err, ERR_INVALID, "is not UTF-8");
}

bool config_file_read(const char *path, bool required, config_file_take *take, void *context,
                      struct err *err)
{
    CLEANUP(file_close) FILE *file = NULL;
    CLEANUP(mem_free) char *line = NULL;
    size_t cap = 0;
    char where[128];

    if (!open_file(path, required, &file, err)) {
        return false;
    }
    if (file == NULL) {
        return true;
    }
    ssize_t got = 0;
    for (int number = 1; (got = getline(&line, &cap, file)) >= 0; number++) {
        char *text;
        char *name;
        char *value;
        (void)snprintf(where, sizeof where, "%.100s:%d", path, number);
        if (!is_text(line, (size_t)got, number, &text, err) ||
            !split_line(text, &name, &value, err)) {
            err_at(err, where);
            return false;
        }
        if (name != NULL && !take(context, name, value, number, err)) {
            return false;
        }
    }
    /* getline answers -1 at the end of the file and after a failure alike */
    if (ferror(file)) {
        return FAIL_AT(err, ERR_INVALID, "config", "cannot read the settings file %.150s", path);
    }
    return true;
}
