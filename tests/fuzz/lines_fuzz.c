/* The line reader on any bytes, against lines found in memory. The bytes 1 and 2 stand for stretches
 * as long as the longest line, so that small inputs reach what happens at the end of the buffer. */
#include "fuzz.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "import/lines.h"

enum { FILE_MAX = 4 * LINE_BYTES_MAX };

static void inflate(const uint8_t *data, size_t size, struct buf *out)
{
    static char stretch[LINE_BYTES_MAX];
    memset(stretch, 'x', sizeof stretch);
    for (size_t i = 0; i < size; i++) {
        size_t len = data[i] == 1 ? sizeof stretch : data[i] == 2 ? sizeof stretch - 3 : 0;
        if (len == 0) {
            buf_add_char(out, (char)data[i]);
        } else if (out->len + len < FILE_MAX) {
            buf_add(out, stretch, len);
        }
    }
}

/* The line that begins at *at of the whole file; moves on. */
static struct line line_at(const struct buf *file, size_t *at, int64_t number)
{
    const char *text = file->data + *at;
    size_t left = file->len - *at;
    const char *lf = memchr(text, '\n', left);
    size_t len = lf != NULL ? (size_t)(lf - text) : left;

    *at += len + (lf != NULL);
    /* A CR before the LF is no part of the line, and one without LF is. */
    size_t kept = lf != NULL && len > 0 && text[len - 1] == '\r' ? len - 1 : len;
    bool mark = number == 1 && kept >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
    return (struct line){.text = text + (mark ? 3 : 0),
                         .len = kept - (mark ? 3 : 0),
                         .number = number,
                         .ended = lf != NULL,
                         .too_long = kept > LINE_BYTES_MAX};
}

static void compare(const struct line *got, const struct line *want)
{
    DEMAND(got->number == want->number);
    DEMAND(got->too_long == want->too_long);
    if (want->too_long) {
        DEMAND(got->len == 0);
        return;
    }
    DEMAND(got->ended == want->ended && got->len == want->len);
    DEMAND(want->len == 0 || memcmp(got->text, want->text, want->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_free) struct buf file = buf_make(FILE_MAX + (size_t)size);
    CLEANUP(lines_close) struct line_reader reader = {0};
    struct err err = {0};
    char path[40];
    size_t at = 0;
    int64_t number = 0;

    inflate(data, size, &file);
    DEMAND(buf_ok(&file));
    int fd = fuzz_file(file.data, file.len, path);
    DEMAND(lines_open(path, &reader, &err));
    for (bool more = true; more;) {
        struct line got = {0};
        DEMAND(lines_next(&reader, &got, &more, &err));
        DEMAND(more == (at < file.len));
        if (more) {
            struct line want = line_at(&file, &at, ++number);
            compare(&got, &want);
            DEMAND(lines_done(&reader) == (int64_t)at);
        }
    }
    DEMAND(reader.bytes_read == (int64_t)file.len);
    (void)close(fd);
    return 0;
}
