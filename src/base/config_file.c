#include "base/config_file.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool config_file_read(const char *path, bool required, config_file_take *take, void *context,
                      struct err *err)
{
    CLEANUP(file_close) FILE *file = fopen(path, "re");
    CLEANUP(mem_free) char *line = NULL;
    size_t cap = 0;
    char where[128];

    if (file == NULL) {
        /* Missing is fine, unreadable is not: who may not read the file would otherwise run with
         * settings that nobody chose, without a word. */
        if (errno == ENOENT && !required) {
            return true;
        }
        return FAIL_AT(err, ERR_INVALID, "config", "cannot open the settings file %.150s: %s", path,
                       err_words(errno));
    }
    ssize_t got = 0;
    for (int number = 1; (got = getline(&line, &cap, file)) >= 0; number++) {
        char *name;
        char *value;
        (void)snprintf(where, sizeof where, "%.100s:%d", path, number);
        /* What follows a NUL would be left out without a word. */
        if (strlen(line) != (size_t)got) {
            return FAIL_AT(err, ERR_INVALID, where, "holds a NUL byte");
        }
        if (!split_line(line, &name, &value, err)) {
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
