#ifndef IMPORT_LINES_H
#define IMPORT_LINES_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* A text file or stdin, line by line, in constant memory. A line ends with LF or CRLF, the last one
 * may end with neither; a byte order mark at the start is skipped. */
enum { LINE_BYTES_MAX = 1 << 20 }; /* a longer line is handed out empty, marked too_long */

struct line {
    const char *text; /* borrowed until the next call; no EOL; not terminated */
    size_t len;
    int64_t number; /* from 1 */
    bool ended;     /* false: the file ends without an EOL here */
    bool too_long;
};

struct line_reader {
    int fd;
    bool owns_fd;
    char *data; /* LINE_BYTES_MAX + 2 */
    size_t start, end;
    bool at_eof;
    int64_t number;
    int64_t bytes_read;  /* from the file so far, for progress */
    int64_t bytes_total; /* -1: not known (a pipe) */
};

/* "-" is stdin. Fails with ERR_INVALID and path = the file's name. */
CAN_FAIL bool lines_open(const char *path, struct line_reader *out, struct err *err);
/* *out_more false: the file has ended, *out is not set. */
CAN_FAIL bool lines_next(struct line_reader *r, struct line *out, bool *out_more, struct err *err);
/* Bytes of the lines handed out so far, for progress. */
int64_t lines_done(const struct line_reader *r);
void lines_close(struct line_reader *r); /* CLEANUP; accepts {0} */

#endif
