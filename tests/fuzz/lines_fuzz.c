/* The line reader on any bytes, against lines found in memory. The bytes 1 and 2 stand for stretches
 * as long as the longest line, so that small inputs reach what happens at the end of the buffer. UTF-16 is read against a
 * decoder of whole files; what is packed or points elsewhere is read to its end or to an error in words. */
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

static bool begins(const struct buf *file, const char *head, size_t len)
{
    return file->len >= len && memcmp(file->data, head, len) == 0;
}

static void put_code(struct buf *out, unsigned code)
{
    if (code < 0x80) {
        buf_add_char(out, (char)code);
        return;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const unsigned lead[] = {0, 0xc0, 0xe0, 0xf0};
    buf_add_char(out, (char)(lead[more] | code >> 6 * more));
    while (more-- > 0) {
        buf_add_char(out, (char)(0x80 | (code >> 6 * more & 0x3f)));
    }
}

static unsigned unit_at(const struct buf *file, size_t i, bool big_endian)
{
    const unsigned char *at = (const unsigned char *)file->data + i;
    return big_endian ? (unsigned)at[0] << 8 | at[1] : (unsigned)at[1] << 8 | at[0];
}

/* A letter of ASCII with a NUL beside it, where a mark might stand. */
static bool is_bare_utf16(const struct buf *file)
{
    if (file->len < 2 || (file->data[0] != '\0') == (file->data[1] != '\0')) {
        return false;
    }
    return (unsigned char)(file->data[0] | file->data[1]) < 0x80;
}

/* The whole file as UTF-8, behind its mark; halves of anything are U+FFFD. */
static void decode_utf16(const struct buf *file, struct buf *out)
{
    bool marked = begins(file, "\xFF\xFE", 2) || begins(file, "\xFE\xFF", 2);
    bool big_endian = file->data[0] == (marked ? '\xFE' : '\0');
    size_t i = marked ? 2 : 0;
    for (; i + 1 < file->len; i += 2) {
        unsigned unit = unit_at(file, i, big_endian);
        unsigned next = i + 3 < file->len ? unit_at(file, i + 2, big_endian) : 0;
        if (unit < 0xd800 || unit > 0xdfff) {
            put_code(out, unit);
        } else if (unit < 0xdc00 && next >= 0xdc00 && next < 0xe000) {
            put_code(out, 0x10000 + (unit - 0xd800) * 0x400 + (next - 0xdc00));
            i += 2;
        } else {
            put_code(out, 0xfffd);
        }
    }
    if (i < file->len) {
        put_code(out, 0xfffd);
    }
}

/* Nobody knows here what is in it; but it ends. */
static void read_any(const char *path)
{
    CLEANUP(lines_close) struct line_reader reader = {0};
    struct err err = {0};
    bool more = true;
    bool read = true;
    DEMAND(lines_open(path, &reader, &err));
    while (more && read) {
        struct line got = {0};
        read = lines_next(&reader, &got, &more, &err);
    }
    if (!read) {
        fuzz_refusal(&err);
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

static void read_against(const char *path, const struct buf *text, bool packed)
{
    CLEANUP(lines_close) struct line_reader reader = {0};
    struct err err = {0};
    size_t at = 0;
    int64_t number = 0;
    DEMAND(lines_open(path, &reader, &err));
    for (bool more = true; more;) {
        struct line got = {0};
        DEMAND(lines_next(&reader, &got, &more, &err));
        DEMAND(more == (at < text->len));
        if (more) {
            struct line want = line_at(text, &at, ++number);
            compare(&got, &want);
            DEMAND(packed || lines_done(&reader) == (int64_t)at);
        }
    }
    DEMAND(reader.bytes_read == (int64_t)text->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(buf_free) struct buf file = buf_make(FILE_MAX + (size_t)size);
    CLEANUP(buf_free) struct buf text = buf_make(2 * (FILE_MAX + (size_t)size));
    char path[40];

    inflate(data, size, &file);
    DEMAND(buf_ok(&file));
    int fd = fuzz_file(file.data, file.len, path);
    if (begins(&file, "\xFF\xFE", 2) || begins(&file, "\xFE\xFF", 2) || is_bare_utf16(&file)) {
        decode_utf16(&file, &text);
        DEMAND(buf_ok(&text));
        read_against(path, &text, true);
    } else if (begins(&file, "\x1f\x8b\x08", 3) || begins(&file, "\x28\xb5\x2f\xfd", 4) ||
               begins(&file, "version https://git-lfs.github.com/spec/", 40)) {
        read_any(path);
    } else {
        read_against(path, &file, false);
    }
    (void)close(fd);
    return 0;
}
