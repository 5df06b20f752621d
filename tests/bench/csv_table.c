/* CSV as evaluations read it: one file, any columns, told precisely what is wrong with it. */
#include "bench/csv_table.h"

#include "base/cleanup.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void csv_table_free(struct csv_table *t)
{
    mem_free(&t->text);
    mem_free(&t->name);
    mem_free(&t->cell);
    mem_free(&t->line);
    *t = (struct csv_table){0};
}

/* Where reading stands. */
struct reader {
    char *at;
    char *end;
    int line;
    bool row_ends; /* after the field read last */
};

static bool line_end(const char *p)
{
    return *p == '\n' || *p == '\r';
}

static void skip_line_end(struct reader *r)
{
    r->at += r->at[0] == '\r' && r->at + 1 < r->end && r->at[1] == '\n' ? 2 : 1;
    r->line++;
}

static bool quoted_field(struct reader *r, char **out, struct err *err)
{
    const int opened = r->line;
    char *to = r->at;
    char *from = r->at + 1;
    *out = to;
    for (;; from++) {
        if (from >= r->end) {
            return FAIL(err, ERR_INVALID, "line %d: a quote is opened and never closed", opened);
        }
        if (*from == '"') {
            if (from + 1 >= r->end || from[1] != '"') {
                break;
            }
            from++;
        }
        r->line += *from == '\n';
        *to++ = *from;
    }
    r->at = from + 1;
    if (r->at < r->end && *r->at != ',' && !line_end(r->at)) {
        return FAIL(err, ERR_INVALID, "line %d: text stands behind a closing quote", r->line);
    }
    *to = '\0';
    return true;
}

/* The next field, terminated in place. */
static bool next_field(struct reader *r, char **out, struct err *err)
{
    char *end = NULL;
    if (r->at < r->end && *r->at == '"') {
        if (!quoted_field(r, out, err)) {
            return false;
        }
    } else {
        *out = r->at;
        while (r->at < r->end && *r->at != ',' && !line_end(r->at)) {
            r->at++;
        }
        end = r->at;
    }
    r->row_ends = r->at >= r->end || *r->at != ',';
    if (r->at < r->end && r->row_ends) {
        skip_line_end(r);
    } else if (r->at < r->end) {
        r->at++;
    }
    if (end) {
        *end = '\0';
    }
    return true;
}

static bool header_check(const struct csv_table *t, struct err *err)
{
    for (int c = 0; c < t->columns; c++) {
        if (t->name[c][0] == '\0') {
            return FAIL(err, ERR_INVALID, "line 1: column %d has no name", c + 1);
        }
        if (csv_table_column(t, t->name[c]) != c) {
            return FAIL(err, ERR_INVALID, "line 1: column '%s' is there twice", t->name[c]);
        }
    }
    return true;
}

static bool read_header(struct reader *r, struct csv_table *t, struct err *err)
{
    do {
        char *field = NULL;
        if (!next_field(r, &field, err)) {
            return false;
        }
        t->name = mem_grow(t->name, (size_t)t->columns + 1, sizeof *t->name);
        t->name[t->columns++] = field;
    } while (!r->row_ends);
    return header_check(t, err);
}

static bool read_row(struct reader *r, struct csv_table *t, struct err *err)
{
    const char **row = t->cell + (size_t)t->rows * (size_t)t->columns;
    int fields = 0;
    t->line[t->rows] = r->line;
    do {
        char *field = NULL;
        if (!next_field(r, &field, err)) {
            return false;
        }
        if (fields < t->columns) {
            row[fields] = field;
        }
        fields++;
    } while (!r->row_ends);
    if (fields != t->columns) {
        return FAIL(err, ERR_INVALID, "line %d: %d fields, the header has %d", t->line[t->rows],
                    fields, t->columns);
    }
    t->rows++;
    return true;
}

static bool read_rows(struct reader *r, struct csv_table *t, struct err *err)
{
    size_t room = 0;
    while (r->at < r->end) {
        if (line_end(r->at)) { /* an empty line is no row */
            skip_line_end(r);
            continue;
        }
        if ((size_t)t->rows == room) {
            room = room ? 2 * room : 1024;
            t->cell = mem_grow(t->cell, room * (size_t)t->columns, sizeof *t->cell);
            t->line = mem_grow(t->line, room, sizeof *t->line);
        }
        if (!read_row(r, t, err)) {
            return false;
        }
    }
    return true;
}

bool csv_table_parse(char *text, size_t len, struct csv_table *out, struct err *err)
{
    static const char mark[] = "\xEF\xBB\xBF"; /* some programs begin UTF-8 with it */
    CLEANUP(csv_table_free) struct csv_table t = {.text = text};
    struct reader r = {.at = text, .end = text + len, .line = 1};
    if (memchr(text, '\0', len)) {
        return FAIL(err, ERR_INVALID, "a NUL byte: this is no text");
    }
    if (len >= 3 && memcmp(text, mark, 3) == 0) {
        r.at += 3;
    }
    if (r.at >= r.end || line_end(r.at)) {
        return FAIL(err, ERR_INVALID, "line 1: there is no header");
    }
    if (!read_header(&r, &t, err) || !read_rows(&r, &t, err)) {
        return false;
    }
    *out = t;
    t = (struct csv_table){0};
    return true;
}

bool csv_table_read(const char *path, struct csv_table *out, struct err *err)
{
    CLEANUP(file_close) FILE *f = fopen(path, "rb");
    size_t room = 1 << 20;
    size_t len = 0;
    if (!f) {
        return FAIL(err, ERR_INVALID, "%s cannot be opened", path);
    }
    char *text = mem_array(room, 1);
    for (size_t got = 1; got > 0; len += got) {
        if (len + 1 >= room) {
            room *= 2;
            text = mem_grow(text, room, 1);
        }
        got = fread(text + len, 1, room - len - 1, f);
    }
    text[len] = '\0';
    struct err inner = {0};
    if (ferror(f) || !csv_table_parse(text, len, out, &inner)) {
        return FAIL(err, ERR_INVALID, "%s: %s", path, ferror(f) ? "cannot be read" : inner.text);
    }
    out->path = path;
    return true;
}

int csv_table_column(const struct csv_table *t, const char *name)
{
    for (int c = 0; c < t->columns; c++) {
        if (strcmp(t->name[c], name) == 0) {
            return c;
        }
    }
    return -1;
}
