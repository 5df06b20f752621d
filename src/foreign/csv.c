/* Cuts text into records and records into fields. It knows no format's columns, nor what a field
 * means (foreign/field.h). */
#include "foreign/csv.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

/* A quoted field: copies to `to`, moves *at behind the closing quote. Returns the end of the copy,
 * NULL if it stays open. */
static char *unquote(const char **at, const char *end, char *to)
{
    for (const char *p = *at + 1; p < end; p++) {
        /* a separator between quotes is text, so only a quote can end the field */
        if (*p != '"') {
            *to++ = *p;
        } else if (p + 1 < end && p[1] == '"') {
            *to++ = '"';
            p++;
        } else {
            *at = p + 1;
            return to;
        }
    }
    return NULL;
}

/* A plain field: copies up to the next separator. A quote inside it is text (6" plates). */
static char *plain(const char **at, const char *end, char separator, char *to)
{
    const char *next = memchr(*at, separator, (size_t)(end - *at));
    const char *stop = next != NULL ? next : end;
    size_t len = (size_t)(stop - *at);
    if (len > 0) { /* an empty line may come as NULL, which memcpy must not get */
        memcpy(to, *at, len);
    }
    *at = stop;
    return to + len;
}

bool csv_split(const char *text, size_t len, char separator, struct arena *a, struct csv_row *out,
               struct err *err)
{
    /* Fields are handed on as C strings: behind a NUL they would be cut without a word. */
    if (len > 0 && memchr(text, '\0', len) != NULL) {
        return FAIL(err, ERR_INVALID, "holds a NUL byte");
    }
    char *to = arena_alloc(a, len + 2); /* each field's terminator takes its separator's place */
    const char *at = text;
    const char *end = text + len;
    size_t count = 0;
    for (;;) {
        /* This is another kind of file, or one row glued to the next. */
        if (count == CSV_FIELDS_MAX) {
            return FAIL(err, ERR_INVALID, "has more than %d columns", CSV_FIELDS_MAX);
        }
        char *begin = to;
        to = at < end && *at == '"' ? unquote(&at, end, to) : plain(&at, end, separator, to);
        if (to == NULL) {
            return FAIL(err, ERR_INVALID, "column %zu opens a quote and does not close it",
                        count + 1);
        }
        *to++ = '\0';
        out->field[count++] = begin;
        if (at == end) {
            break;
        }
        /* Whether the quote or the text behind it is the mistake, nobody can tell: no guess. */
        if (*at != separator) {
            return FAIL(err, ERR_INVALID, "column %zu goes on behind its closing quote", count);
        }
        at++;
    }
    out->count = count;
    return true;
}

/* Whether a header's cell is the name. Whoever made the file by hand put blanks around the words. */
static bool cell_is(const char *cell, const char *name)
{
    cell += strspn(cell, " \t");
    size_t len = strlen(name);
    /* spreadsheets change the case of headers when they save a file again */
    return strncasecmp(cell, name, len) == 0 && cell[len + strspn(cell + len, " \t")] == '\0';
}

int csv_column(const struct csv_row *header, const char *name)
{
    for (size_t i = 0; i < header->count; i++) {
        if (cell_is(header->field[i], name)) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- separators ---- */

static const struct {
    char separator;
    const char *name;
} separators[] = {{',', "commas"}, {';', "semicolons"}, {'\t', "tabs"}, {'|', "vertical bars"}};
enum { SEPARATORS = sizeof separators / sizeof separators[0] };

char csv_separator(const char *text, size_t len)
{
    size_t seen[SEPARATORS] = {0};
    bool quoted = false;
    for (size_t i = 0; i < len; i++) {
        quoted = quoted != (text[i] == '"'); /* a doubled quote opens and closes: nothing changes */
        for (size_t s = 0; s < SEPARATORS; s++) {
            seen[s] += !quoted && text[i] == separators[s].separator;
        }
    }
    size_t best = 0;
    for (size_t s = 1; s < SEPARATORS; s++) {
        best = seen[s] > seen[best] ? s : best;
    }
    return separators[best].separator;
}

const char *csv_separator_name(char separator)
{
    size_t s = 0;
    while (separators[s].separator != separator) {
        s++;
        assert(s < SEPARATORS);
    }
    return separators[s].name;
}

/* ---- records of several lines ---- */

/* Where a reader of a record is; what it needs to know of the part it has read. */
enum place { FIELD_BEGINS, IN_PLAIN, IN_QUOTES, BEHIND_QUOTE, BROKEN };

struct scan {
    char separator;
    enum place place;
    size_t fields; /* that have begun */
};

static void scan_one(struct scan *s, char c)
{
    if (s->place == IN_QUOTES) {
        s->place = c == '"' ? BEHIND_QUOTE : IN_QUOTES;
    } else if (c == s->separator) {
        s->fields++;
        s->place = FIELD_BEGINS;
    } else if (s->place == BEHIND_QUOTE) {
        s->place = c == '"' ? IN_QUOTES : BROKEN;
    } else if (s->place == FIELD_BEGINS) {
        s->place = c == '"' ? IN_QUOTES : IN_PLAIN;
    }
}

/* Up to the end of the line; a CR before it is a part of that end. Returns the line's bytes. */
static size_t scan_line(struct scan *s, const char *line, size_t len)
{
    size_t kept = len > 0 && line[len - 1] == '\r' ? len - 1 : len;
    for (size_t i = 0; i < kept && s->place != BROKEN; i++) {
        scan_one(s, line[i]);
    }
    return kept;
}

static struct scan scan_begin(const char *text, size_t len, const struct csv_shape *shape)
{
    struct scan s = {.separator = shape->separator, .fields = 1};
    if (s.separator == '\0') {
        s.separator = csv_separator(text, len);
    }
    return s;
}

bool csv_stays_open(const char *line, size_t len, const struct csv_shape *shape)
{
    /* Nearly no line has a quote at all. */
    if (!shape->rows || len == 0 || memchr(line, '"', len) == NULL) {
        return false;
    }
    struct scan s = scan_begin(line, len, shape);
    (void)scan_line(&s, line, len);
    return s.place == IN_QUOTES;
}

struct csv_cut csv_cut(const char *text, size_t len, const struct csv_shape *shape)
{
    struct scan s = scan_begin(text, len, shape);
    struct csv_cut one_line = {0};
    size_t at = 0;
    for (size_t breaks = 0; at <= len; breaks++) {
        const char *lf = at < len ? memchr(text + at, '\n', len - at) : NULL;
        size_t line = lf != NULL ? (size_t)(lf - text) - at : len - at;
        size_t kept = scan_line(&s, text + at, line);
        if (breaks == 0) {
            one_line.len = kept;
        }
        if (s.place != IN_QUOTES) {
            bool whole = s.place != BROKEN && (shape->width == 0 || s.fields == shape->width);
            return whole ? (struct csv_cut){.len = at + kept, .breaks = breaks} : one_line;
        }
        at += line + 1;
    }
    return one_line; /* never closed, as far as can be seen */
}
