#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the UTF-8 character at s, 0 if it is none; left > 0 bytes may be read. Overlong forms,
 * surrogates and code points above U+10FFFF are none. */
size_t utf8_length(const unsigned char *s, size_t left);

/* Whether all of text is UTF-8; PostgreSQL refuses a whole statement for one byte that is not. */
bool utf8_valid(const char *text);

/* The code point of the character at s, whose length is len (1 to 4, as utf8_length says). */
uint32_t utf8_decode(const unsigned char *s, size_t len);
/* Writes the 1 to 4 bytes of a code point (no surrogate, at most U+10FFFF), without a NUL; returns how many. */
size_t utf8_encode(uint32_t c, char *out);

#endif
