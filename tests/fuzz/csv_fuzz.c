/* Where a record of several lines ends, against a reader that tries ever more lines and knows nothing but how one record is
 * split. The first byte says the separator and how many fields a row must have; the rest is the file, with a quote for
 * every apostrophe, so that quotes are frequent. */
#include "fuzz.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "foreign/csv.h"

enum { TEXT_MAX = 1000 }; /* fewer fields than csv_split takes */

enum split { SPLIT_WHOLE, SPLIT_OPEN, SPLIT_BROKEN };

static enum split split(const char *text, size_t len, const struct csv_shape *shape)
{
    static struct csv_row row;
    CLEANUP(arena_free) struct arena a = {0};
    struct err err = {0};
    if (!csv_split(text, len, shape->separator, &a, &row, &err)) {
        fuzz_refusal(&err);
        return strstr(err.text, "opens a quote") != NULL ? SPLIT_OPEN : SPLIT_BROKEN;
    }
    return shape->width == 0 || row.count == shape->width ? SPLIT_WHOLE : SPLIT_BROKEN;
}

/* Bytes of the first `lines` lines, without the end of the last; false: there are fewer. */
static bool lines_of(const char *text, size_t size, size_t lines, size_t *out_len)
{
    size_t at = 0;
    for (size_t n = 1;; n++) {
        const char *lf = memchr(text + at, '\n', size - at);
        size_t end = lf != NULL ? (size_t)(lf - text) : size;
        if (n == lines) {
            *out_len = end > at && text[end - 1] == '\r' ? end - 1 : end;
            return true;
        }
        if (lf == NULL) {
            return false;
        }
        at = end + 1;
    }
}

static struct csv_cut reference(const char *text, size_t size, const struct csv_shape *shape)
{
    struct csv_cut one = {0};
    size_t len = 0;
    DEMAND(lines_of(text, size, 1, &one.len));
    for (size_t lines = 1; lines_of(text, size, lines, &len); lines++) {
        enum split is = split(text, len, shape);
        if (is == SPLIT_WHOLE) {
            return (struct csv_cut){.len = len, .breaks = lines - 1};
        }
        if (is == SPLIT_BROKEN) {
            break;
        }
    }
    return one;
}

/* A quote for every apostrophe; no NUL, for which a row is refused as a whole. */
static void put_text(const uint8_t *data, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = (char)data[i];
        if (data[i] == '\'') {
            out[i] = '"';
        } else if (data[i] == '\0') {
            out[i] = '0';
        }
    }
}

/* The record at the beginning of the text; returns the bytes up to the next one. */
static size_t check_one(const char *text, size_t len, const struct csv_shape *shape)
{
    size_t line = 0;
    struct csv_cut want = reference(text, len, shape);
    struct csv_cut got = csv_cut(text, len, shape);
    DEMAND(got.len == want.len && got.breaks == want.breaks);
    DEMAND(lines_of(text, len, 1, &line));
    DEMAND(csv_stays_open(text, line, shape) == (split(text, line, shape) == SPLIT_OPEN));
    size_t at = got.len;
    at += at + 1 < len && text[at] == '\r' && text[at + 1] == '\n';
    DEMAND(at >= len || text[at] == '\n' || text[at] == '\r');
    return at + 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char text[TEXT_MAX];
    if (size == 0 || size > TEXT_MAX) {
        return 0;
    }
    struct csv_shape shape = {
        .rows = true, .separator = ",;\t|"[data[0] & 3], .width = (data[0] >> 2) % 8};
    size_t len = size - 1;
    put_text(data + 1, len, text);
    for (size_t at = 0; at < len;) {
        at += check_one(text + at, len - at, &shape);
    }
    return 0;
}
