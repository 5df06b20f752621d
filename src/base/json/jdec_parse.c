/* Text to jansson tree: the plain reader, against which the other one (jmarks.c) is measured. Guards jansson's recursion
 * and its appetite for memory by looking at the bytes first; knows nothing of what the document means (jdec.c does). */
#include "base/json/jdec.h"

#include "base/json/jlex.h"
#include "base/json/jwrong.h"

#include <string.h>

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
                jwrong_at(text, from, err, "a number of more than %d digits when written out",
                          JDEC_DIGITS_MAX);
                return false;
            }
        } else if (*from == '[' || *from == '{') {
            depth++;
        } else if ((*from == ']' || *from == '}') && depth > 0) {
            depth--;
        }
        /* jansson recurses once a level, by itself down to 2048 of them, and the threads of
         * connections have 256 KiB of stack */
        if (depth > JDEC_DEPTH_MAX) {
            jwrong_at(text, from, err, "nested deeper than %d levels", JDEC_DEPTH_MAX);
            return false;
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
        /* its own words are for programmers: "'}' expected near end of file" */
        jwrong_say(text, len, at.position > 0 ? (size_t)at.position : 0,
                   json_error_code(&at) == json_error_duplicate_key, err);
        return NULL;
    }
    /* jansson passes over one that stands right behind a number or a word; whoever reads the text as C text ends there */
    const char *nul = memchr(text, '\0', len);
    if (nul != NULL) {
        jwrong_at(text, nul, err, "a NUL byte");
        jdec_free(&doc);
    }
    return doc;
}

void jdec_free(json_t **doc)
{
    json_decref(*doc);
    *doc = NULL;
}
