#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

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
