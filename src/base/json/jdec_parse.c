/* Text to jansson tree: the plain reader, against which the other one (jmarks.c) is measured. Guards jansson's recursion
 * and its appetite for memory by looking at the bytes first; knows nothing of what the document means (jdec.c does). */
#include "base/json/jdec.h"

#include "base/json/jlex.h"

#include <string.h>

struct place {
    size_t line, column;
};

static struct place place_of(const char *text, const char *at)
{
    struct place p = {.line = 1, .column = 1};

    for (; text < at; text++) {
        if (*text == '\n') {
            p.line++;
            p.column = 1;
        } else if (((unsigned char)*text & 0xc0) != 0x80) {
            p.column++; /* characters, as jansson counts */
        }
    }
    return p;
}

/* False text may fool this scan, but never into passing deep nesting or a long number: jansson stops
 * at the first byte that is wrong, and up to there both agree on what is a string. */
bool jdec_check_limits(const char *text, size_t len, struct err *err)
{
    const char *end = text + len;
    size_t depth = 0;

    for (const char *at = text; at < end;) {
        const char *from = at++;
        if (*from == '"') {
            at = jlex_closing_quote(at, end);
            at += at < end;
        } else if (*from >= '0' && *from <= '9') {
            at = from;
            if (jlex_skip_number(&at, end) > JDEC_DIGITS_MAX) {
                struct place p = place_of(text, from);
                return FAIL(err, ERR_INVALID,
                            "line %zu column %zu: a number of more than %d digits when written out",
                            p.line, p.column, JDEC_DIGITS_MAX);
            }
        } else if (*from == '[' || *from == '{') {
            depth++;
        } else if ((*from == ']' || *from == '}') && depth > 0) {
            depth--;
        }
        /* jansson recurses once a level, by itself down to 2048 of them, and the threads of
         * connections have 256 KiB of stack */
        if (depth > JDEC_DEPTH_MAX) {
            struct place p = place_of(text, from);
            return FAIL(err, ERR_INVALID, "line %zu column %zu: nested deeper than %d levels",
                        p.line, p.column, JDEC_DEPTH_MAX);
        }
    }
    return true;
}

json_t *jdec_parse(const char *text, size_t len, struct err *err)
{
    json_error_t at;

    if (!jdec_check_limits(text, len, err)) {
        return NULL;
    }
    /* Duplicates are refused because readers differ on them: jansson would take the last, another
     * program in the chain perhaps the first. */
    json_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);
    if (doc == NULL) {
        err_fill(err, ERR_INVALID, "line %d column %d: %s", at.line, at.column, at.text);
        return NULL;
    }
    /* jansson passes over one that stands right behind a number or a word; whoever reads the text as C text ends there */
    const char *nul = memchr(text, '\0', len);
    if (nul != NULL) {
        struct place p = place_of(text, nul);
        err_fill(err, ERR_INVALID, "line %zu column %zu: a NUL byte", p.line, p.column);
        jdec_free(&doc);
    }
    return doc;
}

void jdec_free(json_t **doc)
{
    json_decref(*doc);
    *doc = NULL;
}
