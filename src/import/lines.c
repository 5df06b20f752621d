/* Reads an import's file line by line through one buffer. It must not know what a line means. */
#include "import/lines.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { BUFFER_BYTES = LINE_BYTES_MAX + 2 }; /* the longest line with CRLF */

bool lines_open(const char *path, struct line_reader *out, struct err *err)
{
    struct source *source = NULL;
    if (!source_open(path, &source, err)) {
        return false;
    }
    *out = (struct line_reader){
        .source = source,
        .data = mem_array(BUFFER_BYTES, 1),
        .bytes_total = source_size(source),
    };
    return true;
}

void lines_expect_json(struct line_reader *r)
{
    source_expect_json(r->source);
}

bool lines_array(const struct line_reader *r)
{
    return source_array(r->source);
}

/* Moves what is left to the front and reads once. */
static bool fill(struct line_reader *r, struct err *err)
{
    /* One move a buffer, not one a line: lines are handed out where they lie. */
    if (r->start > 0) {
        memmove(r->data, r->data + r->start, r->end - r->start);
        r->end -= r->start;
        r->start = 0;
    }
    size_t got = 0;
    if (!source_read(r->source, r->data + r->end, BUFFER_BYTES - r->end, &got, err)) {
        return false;
    }
    r->at_eof = got == 0;
    r->end += got;
    r->bytes_read += (int64_t)got;
    return true;
}

/* Fills until a whole line is in the buffer. *out_len counts its bytes without LF; *out_ended: an
 * LF follows. */
static bool find_end(struct line_reader *r, size_t *out_len, bool *out_ended, struct err *err)
{
    /* Counted from start, which fill() moves: offsets hold, pointers would not. What was searched is not
     * searched again, or a long line that comes in small pieces would cost its square. */
    size_t searched = 0;
    for (;;) {
        const char *from = r->data + r->start;
        size_t have = r->end - r->start;
        const char *lf = have > searched ? memchr(from + searched, '\n', have - searched) : NULL;
        if (lf != NULL || r->at_eof || have == BUFFER_BYTES) {
            *out_len = lf != NULL ? (size_t)(lf - from) : have;
            *out_ended = lf != NULL;
            return true;
        }
        searched = have;
        if (!fill(r, err)) {
            return false;
        }
    }
}

/* Drops the rest of a line that does not fit. */
static bool skip_line(struct line_reader *r, struct err *err)
{
    /* The buffer's worth at a time: the line may be larger than any memory we want to hold. */
    bool ended = false;
    size_t skipped = 0;
    while (!ended && !(r->at_eof && r->start == r->end)) {
        size_t len = 0;
        if (!find_end(r, &len, &ended, err)) {
            return false;
        }
        r->start += len + (ended ? 1 : 0);
        skipped += len;
        /* a stream that never ends, or no file of lines: the next row would be as far */
        if (skipped > SOURCE_ENDLESS) {
            return FAIL(err, ERR_INVALID, "line %lld does not end within %d MiB: these are no rows",
                        (long long)r->number, SOURCE_ENDLESS >> 20);
        }
    }
    return true;
}

static size_t byte_order_mark(const char *text, size_t len)
{
    return len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

bool lines_next(struct line_reader *r, struct line *out, bool *out_more, struct err *err)
{
    size_t len = 0;
    bool ended = false;
    if (!find_end(r, &len, &ended, err)) {
        return false;
    }
    if (!ended && len == 0) {
        *out_more = false;
        return true;
    }
    *out_more = true;
    r->number++;
    bool cr = ended && len > 0 && r->data[r->start + len - 1] == '\r';
    /* Without its end it is longer than the buffer: two bytes more than a line may have. */
    if (len - cr > LINE_BYTES_MAX || (!ended && !r->at_eof)) {
        /* Not "torn": how it ends is not known before it has been skipped, and it is malformed anyway. */
        *out = (struct line){.text = "", .number = r->number, .ended = true, .too_long = true};
        return skip_line(r, err);
    }
    const char *text = r->data + r->start;
    /* Spreadsheets write one, and the first column's name would begin with it. */
    size_t skip = r->number == 1 ? byte_order_mark(text, len - cr) : 0;
    r->line = r->start + skip;
    r->start += len + (ended ? 1 : 0);
    *out = (struct line){
        .text = text + skip, .len = len - cr - skip, .number = r->number, .ended = ended};
    return true;
}

bool lines_ahead(struct line_reader *r, size_t want, const char **out_text, size_t *out_len,
                 struct err *err)
{
    size_t taken = r->start - r->line;
    size_t most = want < BUFFER_BYTES ? want : BUFFER_BYTES;
    bool done = true;
    r->start = r->line; /* so that fill() keeps the line */
    while (done && r->end - r->start < most && !r->at_eof) {
        done = fill(r, err);
    }
    r->line = r->start;
    *out_text = r->data + r->start;
    *out_len = r->end - r->start < most ? r->end - r->start : most;
    r->start += taken;
    return done;
}

void lines_widen(struct line_reader *r, size_t len, size_t breaks, struct line *line)
{
    const char *text = r->data + r->line;
    size_t left = r->end - r->line - len;
    size_t cr = left >= 2 && text[len] == '\r' && text[len + 1] == '\n';
    line->text = text;
    line->len = len;
    line->ended = left > cr && text[len + cr] == '\n';
    r->start = r->line + len + cr + line->ended;
    r->number += (int64_t)breaks;
}

int64_t lines_done(const struct line_reader *r)
{
    /* Packed bytes cannot be told by the line; they come in pieces small enough for a bar. */
    if (source_packed(r->source) || source_array(r->source)) {
        return source_taken(r->source);
    }
    /* less what was read ahead, so that the bar does not jump by the buffer */
    return r->bytes_read - (int64_t)(r->end - r->start);
}

const char *lines_form(const struct line_reader *r)
{
    return source_form(r->source);
}

void lines_close(struct line_reader *r)
{
    source_close(&r->source);
    mem_free(&r->data);
    *r = (struct line_reader){0};
}
