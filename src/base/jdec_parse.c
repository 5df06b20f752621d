/* Text to jansson tree. Guards jansson's recursion and its appetite for memory by looking at the
 * bytes first; knows nothing of what the document means (jdec.c does). */
#include "base/jdec.h"

enum { EXPONENT_ABSURD = 100000 }; /* anything so large is refused; keeps sums from overflowing */

struct place {
    size_t line, column;
};

/* Reads past one string whose opening quote is at i; returns the index of its closing quote or len.
 */
static size_t skip_string(const char *text, size_t len, size_t i)
{
    for (i++; i < len && text[i] != '"'; i++) {
        if (text[i] == '\\') {
            /* one byte suffices, also of \u0022: none of the four digits is a quote */
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

/* Reads past digits from *at on; returns how many. */
static size_t skip_digits(const char *text, size_t len, size_t *at)
{
    size_t from = *at;

    while (*at < len && text[*at] >= '0' && text[*at] <= '9') {
        ++*at;
    }
    return *at - from;
}

/* Reads the digits of an exponent; what is absurd comes out as EXPONENT_ABSURD. */
static size_t read_exponent(const char *text, size_t len, size_t *at)
{
    size_t from = *at;
    size_t exponent = 0;

    (void)skip_digits(text, len, at);
    /* stops before the sum could overflow; the digits behind are skipped already */
    for (size_t i = from; i < *at && exponent < EXPONENT_ABSURD; i++) {
        exponent = 10 * exponent + (size_t)(text[i] - '0');
    }
    return exponent < EXPONENT_ABSURD ? exponent : EXPONENT_ABSURD;
}

/* Reads past the number that begins at *at with a digit; returns how many digits it has when written
 * out without exponent, as jsonb does. */
static size_t skip_number(const char *text, size_t len, size_t *at)
{
    size_t whole = skip_digits(text, len, at);
    size_t fraction = 0;

    if (*at < len && text[*at] == '.') {
        ++*at;
        fraction = skip_digits(text, len, at);
    }
    if (*at < len && (text[*at] == 'e' || text[*at] == 'E')) {
        bool small = *at + 1 < len && text[*at + 1] == '-';
        bool is_signed = small || (*at + 1 < len && text[*at + 1] == '+');
        *at += is_signed ? 2 : 1;
        /* The exponent moves the point: digits of the side it moves over pass to the other, and
         * zeros fill up what is missing. */
        size_t shift = read_exponent(text, len, at);
        size_t *grows = small ? &fraction : &whole;
        size_t *shrinks = small ? &whole : &fraction;
        *grows += shift;
        *shrinks -= shift < *shrinks ? shift : *shrinks;
    }
    /* 5e-2 is written 0.05, with a 0 before the point */
    return (whole == 0 ? 1 : whole) + fraction;
}

/* False text may fool this scan, but never into passing deep nesting or a long number: jansson stops
 * at the first byte that is wrong, and up to there both agree on what is a string. */
bool jdec_check_limits(const char *text, size_t len, struct err *err)
{
    size_t depth = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '"') {
            i = skip_string(text, len, i);
        } else if (c >= '0' && c <= '9') {
            size_t at = i;
            if (skip_number(text, len, &at) > JDEC_DIGITS_MAX) {
                struct place p = place_of(text, i);
                return FAIL(err, ERR_INVALID,
                            "line %zu column %zu: a number of more than %d digits when written out",
                            p.line, p.column, JDEC_DIGITS_MAX);
            }
            i = at - 1;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
        /* jansson recurses once a level, by itself down to 2048 of them, and the threads of
         * connections have 256 KiB of stack */
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

    if (!jdec_check_limits(text, len, err)) {
        return NULL;
    }
    /* Duplicates are refused because readers differ on them: jansson would take the last, another
     * program in the chain perhaps the first. */
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
