#ifndef IMPORT_LINES_H
#define IMPORT_LINES_H

#include "base/err.h"
#include "import/source.h"

#include <stddef.h>
#include <stdint.h>

/* A text file or stdin, packed or not (import/source.h), line by line, in constant memory. A line ends with LF or CRLF, the last one
 * may end with neither; a byte order mark at the start is skipped. */
enum {
    LINE_BYTES_MAX = 1 << 20
}; /* a longer line is handed out empty, marked too_long; one of more than SOURCE_ENDLESS
                                      ends the file with an error */

struct line {
    const char *text; /* borrowed until the next call; no EOL; not terminated */
    size_t len;
    int64_t number; /* from 1 */
    bool ended;     /* false: the file ends without an EOL here */
    bool too_long;
};

struct line_reader {
    struct source *source;
    char *data; /* LINE_BYTES_MAX + 2 */
    size_t start, end;
    size_t line; /* where the last one handed out begins */
    bool at_eof;
    int64_t number;
    int64_t bytes_read;  /* of the text so far */
    int64_t bytes_total; /* of the file; -1: not known (a pipe) */
};

/* "-" is stdin. Fails with ERR_INVALID and path = the file's name. */
CAN_FAIL bool lines_open(const char *path, struct line_reader *out, struct err *err);
/* Before the first line: of documents of JSON, also as an array, of which an element is a line (import/elements.h). */
void lines_expect_json(struct line_reader *r);
bool lines_array(const struct line_reader *r); /* it is one; from the first line on */
/* *out_more false: the file has ended, *out is not set. */
CAN_FAIL bool lines_next(struct line_reader *r, struct line *out, bool *out_more, struct err *err);
/* For a record that goes on behind its line: `want` bytes from the beginning of the last line on, or as many as there are,
 * up to a line's length. Borrowed until the next call; the line moves there, and is still the last. */
CAN_FAIL bool lines_ahead(struct line_reader *r, size_t want, const char **out_text,
                          size_t *out_len, struct err *err);
/* After lines_ahead: the last line becomes the first len of those bytes, with `breaks` ends of lines in it. */
void lines_widen(struct line_reader *r, size_t len, size_t breaks, struct line *line);
/* How it was packed ("gzip", "UTF-16"); NULL: not at all. From the first line on. */
const char *lines_form(const struct line_reader *r);
/* Bytes of the lines handed out so far, for progress; of a packed file those that were unpacked. */
int64_t lines_done(const struct line_reader *r);
void lines_close(struct line_reader *r); /* CLEANUP; accepts {0} */

#endif
