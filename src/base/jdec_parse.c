/* Text to jansson tree. Guards jansson's recursion and its appetite for memory by looking at the
 * bytes first; knows nothing of what the document means (jdec.c does). */
#include "base/jdec.h"

struct place {
    size_t line, column;
};

/* Reads past one string whose opening quote is at i; returns the index of its closing quote or len.
 */
static size_t skip_string(const char *text, size_t len, size_t i)
{
    for (i++; i < len && text[i] != '"'; i++) {
        if (text[i] == '\\') {
            i++;
        }
    }
    return i;
}

static struct place place_of(const char *text, size_t at)
{
    struct place p = {.line = 1, .column = 1};

    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            p.line++;
            p.column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            p.column++; /* characters, as jansson counts */
        }
    }
    return p;
}

/* False text may fool this scan, but never into passing deep nesting: jansson stops at the first
 * byte that is wrong, and up to there both agree on what is a string. */
CAN_FAIL static bool check_depth(const char *text, size_t len, struct err *err)
{
    size_t depth = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '"') {
            i = skip_string(text, len, i);
        } else if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
        if (depth > JDEC_DEPTH_MAX) {
            struct place p = place_of(text, i);
            return FAIL(err, ERR_INVALID, "line %zu column %zu: nested deeper than %d levels",
                        p.line, p.column, JDEC_DEPTH_MAX);
        }
    }
    return true;
}

json_t *jdec_parse(const char *text, size_t len, struct err *err)
{
    json_error_t at;

    if (!check_depth(text, len, err)) {
        return NULL;
    }
    json_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);
    if (doc == NULL) {
        err_fill(err, ERR_INVALID, "line %d column %d: %s", at.line, at.column, at.text);
    }
    return doc;
}

void jdec_free(json_t **doc)
{
    json_decref(*doc);
    *doc = NULL;
}
