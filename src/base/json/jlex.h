#ifndef BASE_JLEX_H
#define BASE_JLEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* JSON by the byte (RFC 8259): space, strings, numbers. Shared by all that reads such text without jansson;
 * knows no objects and no arrays. */

/* Where bytes lie in a text; nothing ends them. */
struct jspan {
    const char *text;
    size_t len;
};

static inline bool jlex_is_space(char c)
{
    /* section 2: these four, where isspace takes more */
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline const char *jlex_skip_space(const char *at, const char *end)
{
    while (at < end && jlex_is_space(*at)) {
        at++;
    }
    return at;
}

/* The quote that ends the string whose first byte is at `at`, or end where none does. Only looks for it: what
 * stands before it may be anything. */
const char *jlex_closing_quote(const char *at, const char *end);

/* Reads the string whose opening quote is at *at, and goes behind it; out is what stands between the quotes,
 * as it was written. False where it is none: a control character, no UTF-8, an unknown escape, half a
 * surrogate pair, or NUL, which C texts cannot hold. */
bool jlex_string(const char **at, const char *end, struct jspan *out, bool *out_escaped);
/* Bytes of the escape whose backslash is at `at`; 0 if it is none. */
size_t jlex_escape_length(const char *at, const char *end);
/* Whether the text may stand between quotes as it is, without any escape. */
bool jlex_is_bare(struct jspan text);
/* What a string that jlex_string took stands for; out has room for written.len bytes. Returns how many it is. */
size_t jlex_unescape(struct jspan written, char *out);

/* Reads the number at *at, and goes behind it. False where there is none, an integer does not fit 64 bits, or it
 * has more than JDEC_DIGITS_MAX digits. */
bool jlex_number(const char **at, const char *end, struct jspan *out, bool *out_integer);
/* Of an integer that jlex_number took. */
int64_t jlex_integer(struct jspan written);
/* Reads past the number that begins at *at with a digit; returns how many digits it has when written out without
 * exponent, as jsonb does. What is no number by the letter is passed somehow. */
size_t jlex_skip_number(const char **at, const char *end);

#endif
