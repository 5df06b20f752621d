/* Says what is wrong with text that is no JSON, where, and what was expected there. Takes and refuses nothing: that is the
 * readers' business (jdec_parse.c, jmarks.c). */
#include "base/json/jwrong.h"

#include "base/json/jdec.h"
#include "base/json/jlex.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { WORD_SHOWN = 20, NAME_SHOWN = 60 };

struct look {
    const char *text;
    const char *at;
    const char *end;
    const char *twice; /* where the name ends that comes twice; NULL: none does */
    struct err *err;
};

void jwrong_at(const char *text, const char *at, struct err *err, const char *fmt, ...)
{
    char words[ERR_TEXT_MAX];
    size_t line = 1;
    size_t column = 1;
    va_list ap;

    for (; text < at; text++) {
        if (*text == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*text & 0xc0) != 0x80) {
            column++;
        }
    }
    va_start(ap, fmt);
    (void)vsnprintf(words, sizeof words, fmt, ap);
    va_end(ap);
    err_fill(err, ERR_INVALID, "line %zu column %zu: %s", line, column, words);
}

/* Something else than `what` stands where the look is. Its value is false, so that a check reads `return expected(...)`. */
static bool expected(const struct look *l, const char *what)
{
    unsigned char c = l->at < l->end ? (unsigned char)*l->at : 0;

    if (l->at == l->end) {
        jwrong_at(l->text, l->at, l->err, "%s was expected, and the text ends here", what);
    } else if (c == '\'') {
        jwrong_at(l->text, l->at, l->err,
                  "%s was expected, not an apostrophe: names and texts stand in double quotes",
                  what);
    } else if (l->end - l->at >= 3 && memcmp(l->at, "\xef\xbb\xbf", 3) == 0) {
        jwrong_at(l->text, l->at, l->err, "%s was expected, not a byte order mark", what);
    } else if (c > ' ' && c < 0x7f) {
        jwrong_at(l->text, l->at, l->err, "%s was expected, not %c", what, c);
    } else {
        jwrong_at(l->text, l->at, l->err, "%s was expected, not the byte 0x%02x", what, c);
    }
    return false;
}

/* The next character that is no blank; NUL at the end, as for one that stands there. */
static char next(struct look *l)
{
    l->at = jlex_skip_space(l->at, l->end);
    if (l->at == l->end) {
        return '\0';
    }
    return *l->at;
}

/* ---- texts ---- */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Of one that is none. */
static void say_escape(const struct look *l, const char *at)
{
    const char *digits = at + 2;
    size_t count = 0;

    while (digits + count < l->end && count < 4 && is_hex(digits[count])) {
        count++;
    }
    if (at[1] != 'u') {
        jwrong_at(
            l->text, at, l->err,
            "a backslash must be followed by one of \" \\ / b f n r t, or by u and four digits");
    } else if (count < 4) {
        jwrong_at(l->text, at, l->err, "\\u must be followed by four hexadecimal digits");
    } else if (memcmp(digits, "0000", 4) == 0) {
        jwrong_at(l->text, at, l->err, "\\u0000 is not taken: no text here can hold a NUL");
    } else {
        jwrong_at(l->text, at, l->err,
                  "\\u%.4s is half a surrogate pair, and the other half does not stand beside it",
                  digits);
    }
}

static void say_control(const struct look *l, const char *at)
{
    unsigned char c = (unsigned char)*at;

    if (c == '\n' || c == '\r') {
        jwrong_at(l->text, at, l->err,
                  "a text goes over the end of its line: a line break in it is written \\n");
    } else if (c == '\0') {
        jwrong_at(l->text, at, l->err, "a NUL byte");
    } else {
        jwrong_at(l->text, at, l->err,
                  "a text has a control character, which must be written \\u%04x", c);
    }
}

static void say_character(const struct look *l, const char *at)
{
    unsigned char c = (unsigned char)*at;

    if (c == '\\') {
        say_escape(l, at);
    } else if (c < 0x20) {
        say_control(l, at);
    } else {
        jwrong_at(l->text, at, l->err, "the byte 0x%02x is no UTF-8", c);
    }
}

/* Bytes of the character or escape at `at`; 0 if it is none. */
static size_t length_of(const struct look *l, const char *at)
{
    if (*at == '\\') {
        return jlex_escape_length(at, l->end);
    }
    return (unsigned char)*at < 0x20
               ? 0
               : utf8_length((const unsigned char *)at, (size_t)(l->end - at));
}

/* The text whose quote is at l->at. */
static bool look_at_text(struct look *l)
{
    const char *open = l->at;
    const char *p = open + 1;

    while (p < l->end && *p != '"' && !(*p == '\\' && p + 1 == l->end)) {
        size_t step = length_of(l, p);
        if (step == 0) {
            say_character(l, p);
            return false;
        }
        p += step;
    }
    if (p == l->end || *p != '"') {
        jwrong_at(l->text, open, l->err,
                  "the text that begins here has no double quote at its end");
        return false;
    }
    l->at = p + 1;
    return true;
}

/* ---- numbers and words ---- */

static bool is_digit(const struct look *l)
{
    return l->at < l->end && *l->at >= '0' && *l->at <= '9';
}

static bool look_at_digits(struct look *l)
{
    if (!is_digit(l)) {
        return expected(l, "a digit");
    }
    while (is_digit(l)) {
        l->at++;
    }
    return true;
}

/* Of one that no reader takes. */
static bool say_number(struct look *l)
{
    const char *from = l->at;

    l->at += *l->at == '-';
    const char *first = l->at;
    if (!look_at_digits(l)) {
        return false;
    }
    if (*first == '0' && l->at - first > 1) {
        jwrong_at(l->text, from, l->err, "a number must not begin with a 0 before other digits");
        return false;
    }
    if (l->at < l->end && *l->at == '.') {
        l->at++;
        if (!look_at_digits(l)) {
            return false;
        }
    }
    if (l->at < l->end && (*l->at == 'e' || *l->at == 'E')) {
        l->at++;
        l->at += l->at < l->end && (*l->at == '+' || *l->at == '-');
        if (!look_at_digits(l)) {
            return false;
        }
    }
    jwrong_at(l->text, from, l->err, "a whole number that 64 bits cannot hold");
    return false;
}

static bool look_at_number(struct look *l)
{
    struct jspan written;
    bool integer;

    return jlex_number(&l->at, l->end, &written, &integer) || say_number(l);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool look_at_word(struct look *l)
{
    static const char *const words[] = {"true", "false", "null"};
    size_t len = 0;

    while (l->at + len < l->end && is_letter(l->at[len])) {
        len++;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], l->at, len) == 0) {
            l->at += len;
            return true;
        }
    }
    jwrong_at(l->text, l->at, l->err,
              "%.*s is no value: texts stand in double quotes, and other words than true, false "
              "and null there are not",
              (int)(len < WORD_SHOWN ? len : WORD_SHOWN), l->at);
    return false;
}

/* ---- objects and arrays ---- */

static bool look_at_value(struct look *l, int levels);

static void say_twice(const struct look *l, const char *name)
{
    const char *from = name + 1;
    size_t len = (size_t)(l->at - from) - 1;

    /* whole characters of a name that may be as long as the document */
    while (len > NAME_SHOWN ||
           (len > 0 && from + len < l->end && ((unsigned char)from[len] & 0xc0) == 0x80)) {
        len--;
    }
    jwrong_at(l->text, name, l->err, "the member \"%.*s\" is there twice", (int)len, from);
}

static bool look_at_name(struct look *l, const char *what)
{
    if (next(l) != '"') {
        return expected(l, what);
    }
    const char *name = l->at;
    if (!look_at_text(l)) {
        return false;
    }
    if (l->twice != NULL && l->at >= l->twice) {
        say_twice(l, name);
        return false;
    }
    if (next(l) != ':') {
        return expected(l, "a colon");
    }
    l->at++;
    return true;
}

static bool look_at_object(struct look *l, int levels)
{
    const char *what = "the name of a member in double quotes, or },";

    l->at++;
    if (next(l) == '}') {
        l->at++;
        return true;
    }
    for (;; l->at++, what = "the name of a member in double quotes") {
        if (!look_at_name(l, what) || !look_at_value(l, levels)) {
            return false;
        }
        if (next(l) != ',') {
            break;
        }
    }
    if (next(l) != '}') {
        return expected(l, "a comma or }");
    }
    l->at++;
    return true;
}

static bool look_at_array(struct look *l, int levels)
{
    l->at++;
    if (next(l) == ']') {
        l->at++;
        return true;
    }
    for (;; l->at++) {
        if (!look_at_value(l, levels)) {
            return false;
        }
        if (next(l) != ',') {
            break;
        }
    }
    if (next(l) != ']') {
        return expected(l, "a comma or ]");
    }
    l->at++;
    return true;
}

/* Recurses once a level: no more than a reader would. */
static bool look_at_value(struct look *l, int levels)
{
    char c = next(l);

    if ((c == '{' || c == '[') && levels == 0) {
        jwrong_at(l->text, l->at, l->err, "nested deeper than %d levels", JDEC_DEPTH_MAX);
        return false;
    }
    if (c == '{') {
        return look_at_object(l, levels - 1);
    }
    if (c == '[') {
        return look_at_array(l, levels - 1);
    }
    if (c == '"') {
        return look_at_text(l);
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        return look_at_number(l);
    }
    return is_letter(c) ? look_at_word(l) : expected(l, "a value");
}

void jwrong_say(const char *text, size_t len, size_t stopped, bool twice, struct err *err)
{
    const char *stop = text + (stopped < len ? stopped : len);
    struct look l = {
        .text = text, .at = text, .end = text + len, .twice = twice ? stop : NULL, .err = err};
    char c = next(&l);

    if (c != '{' && c != '[') {
        (void)expected(&l, "{ or [");
        return;
    }
    if (!look_at_value(&l, JDEC_DEPTH_MAX)) {
        return;
    }
    if (next(&l) != '\0' || l.at < l.end) {
        jwrong_at(text, l.at, err, "the document has ended, and something stands behind it");
        return;
    }
    jwrong_at(text, stop, err, "is not read as JSON here");
}
