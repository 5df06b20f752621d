/* Strings and numbers of JSON text, byte by byte, or eight at a time where nothing but plain bytes can be
 * expected. What may be is jansson's to say: whatever is taken here, it takes as well, and the other way
 * round (tests/fuzz/decode_fuzz.c). */
#include "base/json/jlex.h"

#include "base/json/jdec.h"
#include "base/swar.h"
#include "base/utf8.h"

#include <string.h>

enum { EXPONENT_ABSURD = 100000 }; /* anything so large is refused; keeps sums from overflowing */

/* ---- strings ---- */

/* Tells the first of eight bytes that is no plain character: a quote, a backslash, a control character, or of more than
 * ASCII. */
static uint64_t odd_bytes(uint64_t eight)
{
    return swar_some_is(eight, '"') | swar_some_is(eight, '\\') | swar_some_below(eight, 0x20) |
           swar_some_beyond_ascii(eight);
}

static bool is_plain(char c)
{
    return c != '"' && c != '\\' && (unsigned char)(c - 0x20) < 0x60;
}

static const char *skip_plain(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t odd = odd_bytes(swar_load(at));
        if (odd != 0) {
            return at + swar_first(odd);
        }
        at += 8;
    }
    while (at < end && is_plain(*at)) {
        at++;
    }
    return at;
}

const char *jlex_closing_quote(const char *at, const char *end)
{
    for (at = skip_plain(at, end); at < end && *at != '"'; at = skip_plain(at, end)) {
        /* one byte suffices, also of \u0022: none of the four digits is a quote */
        at += *at == '\\' && end - at > 1 ? 2 : 1;
    }
    return at;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char small = (char)(c | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

/* The UTF-16 unit that \uXXXX at `at` stands for; -1 where it is none, as 0, which would end a C text. */
static int unit_at(const char *at, const char *end)
{
    int unit = 0;

    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') {
        return -1;
    }
    for (int i = 2; i < 6; i++) {
        int digit = hex_digit(at[i]);
        if (digit < 0) {
            return -1;
        }
        unit = unit * 16 + digit;
    }
    return unit == 0 ? -1 : unit;
}

static bool is_high(int unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low(int unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

size_t jlex_escape_length(const char *at, const char *end)
{
    if (end - at >= 2 && at[1] != '\0' && strchr("\"\\/bfnrt", at[1]) != NULL) {
        return 2;
    }
    int unit = unit_at(at, end);
    if (unit < 0 || is_low(unit)) {
        return 0;
    }
    if (is_high(unit)) {
        return is_low(unit_at(at + 6, end)) ? 12 : 0;
    }
    return 6;
}

bool jlex_string(const char **at, const char *end, struct jspan *out, bool *out_escaped)
{
    const char *first = *at + 1;
    bool escaped = false;

    for (const char *p = skip_plain(first, end); p < end; p = skip_plain(p, end)) {
        if (*p == '"') {
            *out = (struct jspan){first, (size_t)(p - first)};
            *out_escaped = escaped;
            *at = p + 1;
            return true;
        }
        size_t step = *p == '\\' ? jlex_escape_length(p, end)
                      : (unsigned char)*p >= 0x80
                          ? utf8_length((const unsigned char *)p, (size_t)(end - p))
                          : 0;
        if (step == 0) {
            return false;
        }
        escaped = escaped || *p == '\\';
        p += step;
    }
    return false;
}

bool jlex_is_bare(struct jspan text)
{
    const char *end = text.text + text.len;

    for (const char *p = skip_plain(text.text, end); p < end; p = skip_plain(p, end)) {
        size_t step = (unsigned char)*p >= 0x80
                          ? utf8_length((const unsigned char *)p, (size_t)(end - p))
                          : 0;
        if (step == 0) {
            return false;
        }
        p += step;
    }
    return true;
}

/* Reads past the escape at *at; returns the character that it stands for. */
static uint32_t read_escape(const char **at, const char *end)
{
    static const char letters[] = "bfnrt";
    static const char meanings[] = "\b\f\n\r\t";
    char letter = (*at)[1];
    const char *found = strchr(letters, letter);

    if (letter != 'u') {
        *at += 2;
        return (uint32_t)(found != NULL ? meanings[found - letters] : letter);
    }
    int unit = unit_at(*at, end);
    *at += 6;
    if (!is_high(unit)) {
        return (uint32_t)unit;
    }
    int low = unit_at(*at, end);
    *at += 6;
    return 0x10000 + (uint32_t)(((unit - 0xd800) << 10) + (low - 0xdc00));
}

size_t jlex_unescape(struct jspan written, char *out)
{
    const char *at = written.text;
    const char *end = at + written.len;
    size_t len = 0;

    while (at < end) {
        if (*at != '\\') {
            out[len++] = *at++;
        } else {
            /* never longer than it was written: the shortest escape has two bytes, \uXXXX six for three */
            len += utf8_encode(read_escape(&at, end), out + len);
        }
    }
    return len;
}

/* ---- numbers ---- */

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

static bool is_exponent(const char *at, const char *end)
{
    return at < end && (*at == 'e' || *at == 'E');
}

/* Reads the digits of an exponent; what is absurd comes out as EXPONENT_ABSURD. */
static size_t read_exponent(const char **at, const char *end)
{
    const char *from = *at;
    size_t exponent = 0;

    *at = skip_digits(from, end);
    /* stops before the sum could overflow; the digits behind are skipped already */
    for (; from < *at && exponent < EXPONENT_ABSURD; from++) {
        exponent = 10 * exponent + (size_t)(*from - '0');
    }
    return exponent < EXPONENT_ABSURD ? exponent : EXPONENT_ABSURD;
}

size_t jlex_skip_number(const char **at, const char *end)
{
    const char *p = skip_digits(*at, end);
    size_t whole = (size_t)(p - *at);
    size_t fraction = 0;

    if (p < end && *p == '.') {
        const char *point = p++;
        p = skip_digits(p, end);
        fraction = (size_t)(p - point) - 1;
    }
    if (is_exponent(p, end)) {
        bool small = end - p > 1 && p[1] == '-';
        bool is_signed = small || (end - p > 1 && p[1] == '+');
        p += is_signed ? 2 : 1;
        /* The exponent moves the point: digits of the side it moves over pass to the other, and
         * zeros fill up what is missing. */
        size_t shift = read_exponent(&p, end);
        size_t *grows = small ? &fraction : &whole;
        size_t *shrinks = small ? &whole : &fraction;
        *grows += shift;
        *shrinks -= shift < *shrinks ? shift : *shrinks;
    }
    *at = p;
    /* 5e-2 is written 0.05, with a 0 before the point */
    return (whole == 0 ? 1 : whole) + fraction;
}

/* False where it does not fit. */
static bool read_integer(struct jspan written, int64_t *out)
{
    bool negative = written.text[0] == '-';
    int64_t value = 0;

    /* downwards, as INT64_MIN has no positive counterpart */
    for (size_t i = negative ? 1 : 0; i < written.len; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, written.text[i] - '0', &value)) {
            return false;
        }
    }
    if (!negative && value == INT64_MIN) {
        return false;
    }
    *out = negative ? value : -value;
    return true;
}

int64_t jlex_integer(struct jspan written)
{
    int64_t value = 0;

    (void)read_integer(written, &value);
    return value;
}

/* Behind at least one digit, or NULL. */
static const char *need_digits(const char *at, const char *end)
{
    const char *behind = skip_digits(at, end);

    return behind == at ? NULL : behind;
}

/* Behind the fraction and the exponent that follow the digits of a number; NULL where they are wrong. */
static const char *skip_rest(const char *at, const char *end)
{
    if (at < end && *at == '.') {
        at = need_digits(at + 1, end);
    }
    if (at != NULL && is_exponent(at, end)) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        at = need_digits(at, end);
    }
    return at;
}

bool jlex_number(const char **at, const char *end, struct jspan *out, bool *out_integer)
{
    enum { SURE = 18 }; /* so many digits always fit 64 bits */
    const char *from = *at;
    const char *first = from + (from < end && *from == '-');
    const char *whole_end = need_digits(first, end);
    int64_t value;

    /* 01 is none */
    if (whole_end == NULL || (*first == '0' && whole_end - first > 1)) {
        return false;
    }
    const char *behind = skip_rest(whole_end, end);
    if (behind == NULL) {
        return false;
    }
    struct jspan written = {from, (size_t)(behind - from)};
    bool integer = behind == whole_end;
    if (integer && whole_end - first > SURE && !read_integer(written, &value)) {
        return false;
    }
    /* none has more digits than bytes, but by its exponent */
    const char *again = first;
    if (!integer && jlex_skip_number(&again, behind) > JDEC_DIGITS_MAX) {
        return false;
    }
    *out = written;
    *out_integer = integer;
    *at = behind;
    return true;
}
