/* Refused rows, and warnings. What is wrong with a row is the format's and the decoder's business. */
#include "import/refusals.h"

#include "base/buf.h"
#include "base/mem.h"
#include "foreign/format.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* The first ones tell what is wrong with a file; a million of them would hide it. */
enum { SHOWN_MAX = 20, COMMENTS_MAX = 1 << 14 };

struct refusals {
    struct refusals_options o;
    FILE *file; /* NULL: none is wanted */
    const char *of;
    bool rows;
    struct buf head;         /* lines in front of the rows */
    struct buf comments;     /* why the row being read was refused */
    const struct line *line; /* being read; NULL: none */
    int64_t refused, warned; /* shown or not */
    int64_t untold;          /* malformed rows that were not shown */
    bool wrote, wrote_head;
};

/* ---- the file ---- */

/* It holds what customers did: for its owner only. */
CAN_FAIL static bool make(const char *path, int *out, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return FAIL_AT(err, ERR_INVALID, "--refused", "cannot make %.80s: %s", path,
                       errno == EEXIST ? "it is there already; remove it, or name another file"
                                       : err_words(errno));
    }
    *out = fd;
    return true;
}

bool refusals_check(const char *path, struct err *err)
{
    int fd = -1;
    if (path == NULL) {
        return true;
    }
    if (!make(path, &fd, err)) {
        return false;
    }
    (void)close(fd);
    (void)unlink(path);
    return true;
}

bool refusals_open(const struct refusals_options *options, struct refusals **out, struct err *err)
{
    int fd = -1;
    if (options->path != NULL && !make(options->path, &fd, err)) {
        return false;
    }
    struct refusals *r = mem_alloc(sizeof *r);
    r->o = *options;
    r->of = "";
    r->head = buf_make((size_t)2 * LINE_BYTES_MAX);
    r->comments = buf_make(COMMENTS_MAX);
    r->file = fd >= 0 ? fdopen(fd, "w") : NULL;
    assert((fd >= 0) == (r->file != NULL));
    *out = r;
    return true;
}

CAN_FAIL static bool cannot_write(const struct refusals *r, struct err *err)
{
    return FAIL_AT(err, ERR_REFUSED, r->o.path, "cannot be written: %s", err_words(errno));
}

CAN_FAIL static bool put(struct refusals *r, const char *text, size_t len, struct err *err)
{
    bool wrote = fwrite(text, 1, len, r->file) == len;
    r->wrote = true;
    return wrote || cannot_write(r, err);
}

/* What cannot be kept is known at once, and nothing that was kept is lost with the program. */
CAN_FAIL static bool flush(struct refusals *r, struct err *err)
{
    return fflush(r->file) == 0 || cannot_write(r, err);
}

CAN_FAIL static bool put_head(struct refusals *r, struct err *err)
{
    bool known = r->head.len > 0 && !r->wrote_head; /* not yet where a joined file is read */
    r->wrote_head = r->wrote_head || known;
    return !known || put(r, buf_text(&r->head), r->head.len, err);
}

bool refusals_row(struct refusals *r, const char *text, size_t len, struct err *err)
{
    return put_head(r, err) && put(r, text, len, err) && put(r, "\n", 1, err) && flush(r, err);
}

CAN_FAIL static bool put_comments(struct refusals *r, struct err *err)
{
    bool done = put_head(r, err) && put(r, buf_text(&r->comments), r->comments.len, err);
    buf_reset(&r->comments);
    return done && flush(r, err);
}

bool refusals_finish(struct refusals *r, struct err *err)
{
    if (r->file == NULL) {
        return true;
    }
    bool done = fflush(r->file) == 0 && fsync(fileno(r->file)) == 0;
    done = fclose(r->file) == 0 && done;
    r->file = NULL;
    if (!r->wrote) {
        (void)unlink(r->o.path);
    }
    return done || cannot_write(r, err);
}

void refusals_close(struct refusals **r)
{
    struct err unseen = {0};
    if (*r != NULL) {
        (void)!refusals_finish(*r, &unseen); /* on a way out that has its own failure to tell */
        buf_free(&(*r)->head);
        buf_free(&(*r)->comments);
        mem_free(r);
    }
}

/* ---- the row being read ---- */

void refusals_of(struct refusals *r, const char *file, bool rows)
{
    r->of = strcmp(file, "-") == 0 ? "stdin" : file;
    r->rows = rows;
    r->line = NULL;
}

void refusals_head(struct refusals *r, const struct line *line)
{
    if (r->file != NULL && line->len > 0 && !foreign_is_comment(line->text, line->len)) {
        buf_add(&r->head, line->text, line->len);
        buf_add_char(&r->head, '\n');
    }
}

void refusals_begin(struct refusals *r, const struct line *line)
{
    r->line = line;
}

bool refusals_end(struct refusals *r, struct err *err)
{
    const struct line *line = r->line;
    r->line = NULL;
    if (r->comments.len == 0) {
        return true;
    }
    /* Of one that is too long there is nothing to write: its number must do. */
    return put_comments(r, err) && (line->too_long || refusals_row(r, line->text, line->len, err));
}

/* ---- what is wrong ---- */

/* In one line, and without quotes, which would open a field for who reads it as a row. */
static void add_plain(struct buf *to, const char *text)
{
    for (; *text != '\0'; text++) {
        char c = *text;
        if (c == '"') {
            c = '\'';
        } else if ((unsigned char)c < ' ') {
            c = ' ';
        }
        buf_add_char(to, c);
    }
}

static void add_comment(struct refusals *r, const struct native_refusal *what)
{
    struct buf *to = &r->comments;
    const char *why = what->why;
    size_t field = strlen(what->field);
    /* most reasons begin with the column's name */
    if (field > 0 && strncmp(why, what->field, field) == 0 && why[field] == ' ') {
        why += field + 1;
    }
    buf_printf(to, FOREIGN_COMMENT "line %" PRId64, what->number);
    if (!r->rows) {
        buf_printf(to, " of ");
        add_plain(to, r->of);
    }
    buf_printf(to, " [%s] ", cause_code(what->cause));
    add_plain(to, what->field);
    buf_printf(to, "%s", what->field[0] != '\0' ? ": " : "");
    add_plain(to, why);
    buf_add_char(to, '\n');
}

static void show(const struct refusals *r, int64_t number, const char *text, enum cause cause)
{
    meter_hide(r->o.meter);
    (void)fprintf(r->o.report, "%s:%" PRId64 ": %s [%s]\n", r->of, number, text, cause_code(cause));
}

CAN_FAIL static bool keep(struct refusals *r, const struct native_refusal *what, struct err *err)
{
    if (r->file == NULL) {
        return true;
    }
    add_comment(r, what);
    /* The row itself follows when all is known that goes in front of it. */
    bool read_now = r->rows && r->line != NULL && r->line->number == what->number;
    return read_now || put_comments(r, err);
}

bool refusals_refuse(struct refusals *r, const struct native_refusal *what, struct err *err)
{
    struct import_result *result = r->o.result;
    result->malformed += what->rows;
    result->by_cause[what->cause] += what->rows;
    if (++r->refused <= SHOWN_MAX) {
        show(r, what->number, what->why, what->cause);
    } else {
        r->untold += what->rows;
    }
    if (!keep(r, what, err)) {
        return false;
    }
    if (result->malformed > r->o.max) {
        return FAIL(err, ERR_REFUSED,
                    "gave up after %" PRId64 " malformed lines (--max-errors %" PRId64 ")",
                    result->malformed, r->o.max);
    }
    return true;
}

void refusals_warn(struct refusals *r, int64_t number, enum cause cause, const char *text)
{
    r->o.result->by_cause[cause]++;
    if (++r->warned <= SHOWN_MAX) {
        show(r, number, text, cause);
    }
}

void refusals_rest(const struct refusals *r)
{
    if (r->untold > 0) {
        (void)fprintf(r->o.report, "and %" PRId64 " more malformed lines\n", r->untold);
    }
    if (r->warned > SHOWN_MAX) {
        (void)fprintf(r->o.report, "and %" PRId64 " more warnings\n", r->warned - SHOWN_MAX);
    }
}
