#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *err_words(int code)
{
    switch (code) {
    case EACCES:
    case EPERM:
        return "permission denied: give the user that this runs as the right to it, or name another place";
    case EROFS:
        return "the file system is read-only: name another place";
    case ENOSPC:
    case EDQUOT:
        return "no space is left on the device: make room, or name another place";
    case ENOENT:
        return "no such file or directory";
    case EMFILE:
    case ENFILE:
        return "too many open files: raise their limit (ulimit -n)";
    case EAGAIN:
    case ENOMEM:
        return "not enough processes or memory: raise the limits (ulimit -u, -v), or end something else";
    default:
        break;
    }
    const char *words = strerrordesc_np(code);
    return words != NULL ? words : "an error without a name";
}

void err_fill(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    /* The arguments must not lie in *err: vsnprintf would read what it is writing. Who puts words
     * around err->text copies it first. */
    (void)vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    err->kind = kind;
}

void err_at(struct err *err, const char *path)
{
    (void)snprintf(err->path, sizeof err->path, "%s", path);
}

static bool is_told(const struct err *err, const char *path)
{
    if (strcmp(err->path, path) == 0) {
        return true;
    }
    for (int i = 0; err->more != NULL && i < err->more->count; i++) {
        if (strcmp(err->more->all[i].path, path) == 0) {
            return true;
        }
    }
    return false;
}

bool err_is_final(const struct err *err)
{
    return err->kind != ERR_NONE && (err->more == NULL || err->more->count == ERR_MORE_MAX);
}

void err_add(struct err *err, enum err_kind kind, const char *path, const char *text)
{
    if (err->kind == ERR_NONE) {
        err_at(err, path);
        err_fill(err, kind, "%s", text);
        return;
    }
    /* One a path: the first is the cause, the others were read from what it left behind. */
    if (err_is_final(err) || is_told(err, path)) {
        return;
    }
    int i = err->more->count++;
    (void)snprintf(err->more->all[i].path, ERR_PATH_MAX, "%s", path);
    (void)snprintf(err->more->all[i].text, ERR_TEXT_MAX, "%s", text);
}
