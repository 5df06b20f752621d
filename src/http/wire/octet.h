#ifndef HTTP_WIRE_OCTET_H
#define HTTP_WIRE_OCTET_H

#include <stdbool.h>
#include <stdint.h>

/* The kinds of bytes that HTTP/1.1 is made of. */

/* tchar of RFC 9110, 5.6.2: what methods and names of headers consist of. */
static inline bool octet_is_token(unsigned char c)
{
    /* a bit a character of ASCII, lowest first: ! # to ' * + - . digits, letters ^ _ ` | ~ */
    static const uint32_t bits[4] = {0, UINT32_C(0x03ff6cfa), UINT32_C(0xc7fffffe),
                                     UINT32_C(0x57ffffff)};

    return c < 0x80 && (bits[c >> 5] >> (c & 31) & 1) != 0;
}

/* What may stand in the value of a header (RFC 9110, 5.5): visible characters, obs-text, blanks and
 * tabs. CR, LF and NUL are dangerous there, the other controls invalid. */
static inline bool octet_is_value(unsigned char c)
{
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static inline bool octet_is_visible(unsigned char c)
{
    return c > 0x20 && c < 0x7f;
}

/* Of a hexadecimal digit; -1 for any other. */
static inline int octet_hex(unsigned char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

#endif
