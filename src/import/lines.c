/* Reads an import's file line by line through one buffer. It must not know what a line means. */
#include "import/lines.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = LINE_BYTES_MAX + 2 }; /* the longest line with CRLF */

bool lines_open(const char *path, struct line_reader *out, struct err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    /* Not closed behind us: whoever gave us standard input may go on with it. */
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        int why = errno;
        if (fd > STDIN_FILENO) {
            close(fd);
        }
        return FAIL_AT(err, ERR_INVALID, path, "cannot be opened: %s",
                       why == ENOENT   ? "no such file"
                       : why == EACCES ? "permission denied"
                                       : "the system refused");
    }
    /* open() takes a directory, and only read() would fail. */
    if (S_ISDIR(st.st_mode)) {
        if (!is_stdin) {
            close(fd);
        }
        return FAIL_AT(err, ERR_INVALID, path, "is a directory");
    }
    *out = (struct line_reader){
        .fd = fd,
        .owns_fd = !is_stdin,
        .data = mem_array(BUFFER_BYTES, 1),
        /* a pipe's size is 0, which would be a bar that is full from the start */
        .bytes_total = S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1,
    };
    return true;
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
    ssize_t got = 0;
    do {
        got = read(r->fd, r->data + r->end, BUFFER_BYTES - r->end);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return FAIL(err, ERR_INTERNAL, "read failed after %lld bytes with errno %d",
                    (long long)r->bytes_read, errno);
    }
    if (got == 0) {
        r->at_eof = true;
        return true;
    }
    r->end += (size_t)got;
    r->bytes_read += got;
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
    while (!ended && !(r->at_eof && r->start == r->end)) {
        size_t len = 0;
        if (!find_end(r, &len, &ended, err)) {
            return false;
        }
        r->start += len + (ended ? 1 : 0);
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
    r->start += len + (ended ? 1 : 0);
    len -= cr;
    /* Spreadsheets write one, and the first column's name would begin with it. */
    size_t skip = r->number == 1 ? byte_order_mark(text, len) : 0;
    *out =
        (struct line){.text = text + skip, .len = len - skip, .number = r->number, .ended = ended};
    return true;
}

int64_t lines_done(const struct line_reader *r)
{
    /* less what was read ahead, so that the bar does not jump by the buffer */
    return r->bytes_read - (int64_t)(r->end - r->start);
}

void lines_close(struct line_reader *r)
{
    if (r->owns_fd) {
        close(r->fd);
    }
    mem_free(&r->data);
    *r = (struct line_reader){0};
}
