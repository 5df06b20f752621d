/* Splits lines of CSV, and reads numbers and times from fields. It knows no format's columns. */
#include "foreign/csv.h"

#include "base/clock.h"
#include "domain/shop/event.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TIME_MAX_US                                                                                \
    INT64_C(253402300799000000) /* end of the year 9999, the last RFC 3339 can write */

/* A quoted field: copies to `to`, moves *at behind the closing quote. Returns the end of the copy,
 * NULL if it stays open. */
static char *unquote(const char **at, const char *end, char *to)
{
    for (const char *p = *at + 1; p < end; p++) {
        /* a comma between quotes is text, so only a quote can end the field */
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

/* A plain field: copies up to the next comma. A quote inside it is text (6" plates). */
static char *plain(const char **at, const char *end, char *to)
{
    const char *comma = memchr(*at, ',', (size_t)(end - *at));
    const char *stop = comma != NULL ? comma : end;
    size_t len = (size_t)(stop - *at);
    if (len > 0) { /* an empty line may come as NULL, which memcpy must not get */
        memcpy(to, *at, len);
    }
    *at = stop;
    return to + len;
}

bool csv_split(const char *line, size_t len, struct arena *a, struct csv_row *out, struct err *err)
{
    /* Fields are handed on as C strings: behind a NUL they would be cut without a word. */
    if (len > 0 && memchr(line, '\0', len) != NULL) {
        return FAIL(err, ERR_INVALID, "holds a NUL byte");
    }
    char *to = arena_alloc(a, len + 2); /* each field's terminator takes the place of its comma */
    const char *at = line;
    const char *end = line + len;
    size_t count = 0;
    for (;;) {
        /* No format has half as many: this is another kind of file, or one row glued to the next. */
        if (count == CSV_FIELDS_MAX) {
            return FAIL(err, ERR_INVALID, "has more than %d columns", CSV_FIELDS_MAX);
        }
        char *begin = to;
        to = at < end && *at == '"' ? unquote(&at, end, to) : plain(&at, end, to);
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
        if (*at != ',') {
            return FAIL(err, ERR_INVALID, "column %zu goes on behind its closing quote", count);
        }
        at++;
    }
    out->count = count;
    return true;
}

int csv_column(const struct csv_row *header, const char *name)
{
    for (size_t i = 0; i < header->count; i++) {
        /* spreadsheets change the case of headers when they save a file again */
        if (strcasecmp(header->field[i], name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

bool field_id(const char *name, const char *text, struct err *err)
{
    size_t len = strlen(text);
    if (len == 0) {
        return FAIL(err, ERR_INVALID, "%s is empty", name);
    }
    /* The decoder would refuse it too, but by the name of our member, which the file's owner does not
     * know. */
    if (len > EVENT_ID_MAX) {
        return FAIL(err, ERR_INVALID, "%s has %zu bytes, more than %d", name, len, EVENT_ID_MAX);
    }
    return true;
}

bool field_i64(const char *name, const char *text, int64_t *out, struct err *err)
{
    char *end = NULL;
    errno = 0;
    int64_t value = strtoimax(text, &end, 10);
    /* strtoimax would skip leading blanks */
    if (end == text || *end != '\0' || errno != 0 || strchr(" \t\n\v\f\r", text[0]) != NULL) {
        return FAIL(err, ERR_INVALID, "%s is no whole number: \"%.40s\"", name, text);
    }
    *out = value;
    return true;
}

bool field_unix(const char *name, const char *text, int64_t unit_us, int64_t *out_us,
                struct err *err)
{
    int64_t count = 0;
    int64_t us = 0;
    if (!field_i64(name, text, &count, err)) {
        return false;
    }
    /* Milliseconds taken for seconds lie tens of thousands of years ahead, and are told here. */
    if (__builtin_mul_overflow(count, unit_us, &us) || us > TIME_MAX_US || us < 0) {
        return FAIL(err, ERR_INVALID, "%s is no time: \"%.40s\"", name, text);
    }
    *out_us = us;
    return true;
}

bool field_time(const char *name, const char *text, int64_t *out_us, struct err *err)
{
    enum { PLAIN = sizeof "2019-10-01 00:00:00" - 1 };
    size_t len = strlen(text);
    bool shaped = (len == PLAIN || (len == PLAIN + 4 && strcmp(text + PLAIN, " UTC") == 0)) &&
                  text[10] == ' ';
    char rfc[PLAIN + 2] = "";
    struct err unread = {0};
    /* One calendar in the program: the blank becomes the T that the parser of RFC 3339 wants, and days
     * that no month has are refused by its rules. */
    if (shaped) {
        memcpy(rfc, text, PLAIN);
        rfc[10] = 'T';
        rfc[PLAIN] = 'Z';
    }
    if (!shaped || !clock_parse_rfc3339(rfc, out_us, &unread)) {
        return FAIL(err, ERR_INVALID, "%s is no time: \"%.40s\"", name, text);
    }
    return true;
}
