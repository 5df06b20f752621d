#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/jenc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    LOG_TEXT_MAX = 2048,
    LOG_LINE_MAX = 6 * LOG_TEXT_MAX + 1024, /* every byte of the text may need \u00XX */
};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static atomic_int least = LOG_INFO;
static atomic_int plain;

bool log_level_parse(const char *name, enum log_level *out, struct err *err)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return FAIL_AT(err, ERR_INVALID, "log_level", "must be debug, info, warn or error");
}

void log_set_level(enum log_level level)
{
    atomic_store(&least, (int)level);
}

void log_set_plain(int on)
{
    atomic_store(&plain, on);
}

static void write_line(const char *line, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, line, len);
        if (n < 0 && errno != EINTR) {
            return; /* nowhere left to say so */
        }
        if (n > 0) {
            line += n;
            len -= (size_t)n;
        }
    }
}

/* For a terminal: control characters of a foreign text must not move its cursor. */
static void add_plain(struct buf *line, const char *level, const char *event, const char *text)
{
    buf_printf(line, "%-5s %s ", level, event);
    for (const char *c = text; *c != '\0'; c++) {
        bool control = (unsigned char)*c < 0x20 || *c == 0x7f;
        buf_add(line, control ? " " : c, 1);
    }
}

static void add_json(struct buf *line, const char *level, const char *event, const char *text)
{
    struct jenc j = jenc_begin(line);

    jenc_object(&j, NULL);
    jenc_time(&j, "at", clock_now_us());
    jenc_str(&j, "level", level);
    jenc_str(&j, "event", event);
    jenc_str(&j, "text", text);
    jenc_object_end(&j);
}

void log_line(enum log_level level, const char *event, const char *fmt, ...)
{
    int saved_errno = errno;
    char text[LOG_TEXT_MAX];
    va_list ap;

    if ((int)level < atomic_load(&least)) {
        return;
    }
    va_start(ap, fmt);
    /* cut at a byte, perhaps inside a character: add_json makes U+FFFD of what is left of it */
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);

    struct buf line = buf_make(LOG_LINE_MAX);
    (atomic_load(&plain) ? add_plain : add_json)(&line, level_names[level], event, text);
    buf_add_char(&line, '\n');
    /* in one piece: two writes a line would let the lines of two threads mix */
    write_line(buf_text(&line), line.len);
    buf_free(&line);
    errno = saved_errno;
}
