#include "base/jenc.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 60 };

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct jenc jenc_begin(struct buf *out)
{
    /* the bit of depth 0 is set: what is written first has no neighbour */
    return (struct jenc){.out = out, .first = 1};
}

static void add_escape(struct buf *out, unsigned char c)
{
    static const char names[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *at = strchr(names, c);

    /* before the look-up is used: strchr finds the NUL that ends the names, too */
    if (c == '\0') {
        buf_add_str(out, REPLACEMENT);
    } else if (at != NULL) {
        buf_add_char(out, '\\');
        buf_add_char(out, letters[at - names]);
    } else {
        buf_printf(out, "\\u%04x", c);
    }
}

static bool needs_escape(unsigned char c)
{
    return c < 0x20 || c == '"' || c == '\\';
}

static void add_string(struct buf *out, const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t copied = 0; /* s[copied..i) is clean and not yet written */
    size_t i = 0;

    buf_add_char(out, '"');
    while (i < len) {
        if (s[i] < 0x80 && !needs_escape(s[i])) { /* most bytes, at a fraction of the cost */
            i++;
            continue;
        }
        size_t step = utf8_length(s + i, len - i);
        if (step > 0 && !needs_escape(s[i])) {
            i += step;
            continue;
        }
        buf_add(out, s + copied, i - copied);
        if (step == 0) {
            buf_add_str(out, REPLACEMENT);
        } else {
            add_escape(out, s[i]);
        }
        /* one byte on, also from a broken character: the next may begin a good one */
        copied = ++i;
    }
    buf_add(out, s + copied, i - copied);
    buf_add_char(out, '"');
}

/* What goes before every value: the comma of its neighbour, then its name. */
static void begin_value(struct jenc *j, const char *key)
{
    uint64_t bit = UINT64_C(1) << j->depth;

    if ((j->first & bit) == 0) {
        buf_add_char(j->out, ',');
    }
    j->first &= ~bit;
    if (key != NULL) {
        add_string(j->out, key, strlen(key));
        buf_add_char(j->out, ':');
    }
}

static void open_level(struct jenc *j, const char *key, char bracket)
{
    assert(j->depth < DEPTH_MAX);
    begin_value(j, key);
    buf_add_char(j->out, bracket);
    j->depth++;
    j->first |= UINT64_C(1) << j->depth;
}

static void close_level(struct jenc *j, char bracket)
{
    assert(j->depth > 0);
    j->depth--;
    buf_add_char(j->out, bracket);
}

void jenc_object(struct jenc *j, const char *key)
{
    open_level(j, key, '{');
}

void jenc_object_end(struct jenc *j)
{
    close_level(j, '}');
}

void jenc_array(struct jenc *j, const char *key)
{
    open_level(j, key, '[');
}

void jenc_array_end(struct jenc *j)
{
    close_level(j, ']');
}

void jenc_strn(struct jenc *j, const char *key, const char *value, size_t len)
{
    begin_value(j, key);
    add_string(j->out, value, len);
}

void jenc_str(struct jenc *j, const char *key, const char *value)
{
    if (value == NULL) {
        jenc_null(j, key);
    } else {
        jenc_strn(j, key, value, strlen(value));
    }
}

void jenc_str_opt(struct jenc *j, const char *key, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        jenc_str(j, key, value);
    }
}

/* The decimal digits of a number, at the end of text; the first of them. */
static char *digits_put(char *end, uint64_t value)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    return end;
}

/* By hand: printf takes ten times as long, and states hold many numbers. */
void jenc_i64(struct jenc *j, const char *key, int64_t value)
{
    char text[24];
    char *end = text + sizeof text;
    /* negated as unsigned: -INT64_MIN has no int64_t */
    char *first = digits_put(end, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);

    if (value < 0) {
        *--first = '-';
    }
    begin_value(j, key);
    buf_add(j->out, first, (size_t)(end - first));
}

enum { SHORT_PLACES = 6 };

/* A number of at most six places and fifteen digits, which is what most are (counts, amounts, shares that were set), as printf's %.15g
 * writes it; false for any other. Exact: value is the double next to n / 10^6, as IEEE 754 has division round, so the decimal reads back equal, and a
 * decimal of fifteen digits is the shortest that %.15g may write. Below 1e-4 %g changes to exponents, and -0 has a sign. */
static bool short_f64(struct buf *out, double value)
{
    const double size = fabs(value);
    const double scaled = size * 1e6;
    char text[40];
    char *end = text + sizeof text;

    if (!(scaled < 1e15) || (size < 1e-4 && (size != 0 || signbit(value)))) {
        return false;
    }
    uint64_t n = (uint64_t)(scaled + 0.5);
    if ((double)n / 1e6 != size) {
        return false;
    }
    int places = SHORT_PLACES;
    for (; places > 0 && n % 10 == 0; places--) {
        n /= 10;
    }
    char *first = end;
    for (; places > 0; places--, n /= 10) {
        *--first = (char)('0' + n % 10);
    }
    if (first != end) {
        *--first = '.';
    }
    first = digits_put(first, n);
    if (value < 0) {
        *--first = '-';
    }
    buf_add(out, first, (size_t)(end - first));
    return true;
}

void jenc_f64(struct jenc *j, const char *key, double value)
{
    char text[32];

    /* JSON has neither NaN nor infinity (RFC 8259, section 6) */
    if (!isfinite(value)) {
        jenc_null(j, key);
        return;
    }
    begin_value(j, key);
    if (short_f64(j->out, value)) { /* printing and reading back take a microsecond */
        return;
    }
    /* 17 digits always read back equal, but 15 mostly do and show .1 as 0.1 */
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    buf_add_str(j->out, text);
}

void jenc_bool(struct jenc *j, const char *key, bool value)
{
    begin_value(j, key);
    buf_add_str(j->out, value ? "true" : "false");
}

void jenc_null(struct jenc *j, const char *key)
{
    begin_value(j, key);
    buf_add_str(j->out, "null");
}

void jenc_time(struct jenc *j, const char *key, int64_t us)
{
    char text[CLOCK_TEXT_MAX];

    jenc_str(j, key, clock_format_rfc3339(us, text));
}

void jenc_raw(struct jenc *j, const char *key, const char *json, size_t len)
{
    begin_value(j, key);
    buf_add(j->out, json, len);
}

void jenc_members(struct jenc *j, const char *object)
{
    size_t len = strlen(object);

    assert(len >= 2 && object[0] == '{' && object[len - 1] == '}');
    /* {} has no member, so no comma either */
    if (len > 2) {
        begin_value(j, NULL);
        buf_add(j->out, object + 1, len - 2);
    }
}
