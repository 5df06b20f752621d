#include "base/utf8.h"

#include <string.h>

/* The bytes of a character by its first one, 0 if none begins so. */
static size_t announced(unsigned char lead)
{
    if (lead < 0x80) {
        return 1;
    }
    /* a byte from the middle of a character, c0 and c1 (only overlong forms begin so), or what lies
     * above U+10FFFF */
    if (lead < 0xc2 || lead > 0xf4) {
        return 0;
    }
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* The second byte's range tells overlong forms, surrogates and too high ones (Unicode, table 3-7). */
size_t utf8_length(const unsigned char *s, size_t left)
{
    size_t len = announced(s[0]);
    unsigned low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    unsigned high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;

    if (len > left) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if (s[i] < low || s[i] > high) {
            return 0;
        }
        /* only the second byte is narrowed by the first */
        low = 0x80;
        high = 0xbf;
    }
    return len;
}

bool utf8_valid(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t left = strlen(text);

    while (left > 0) {
        size_t step = utf8_length(s, left);
        if (step == 0) {
            return false;
        }
        s += step;
        left -= step;
    }
    return true;
}

uint32_t utf8_decode(const unsigned char *s, size_t len)
{
    static const unsigned char payload[] = {0, 0x7f, 0x1f, 0x0f,
                                            0x07}; /* bits of the first byte, by length */
    uint32_t c = s[0] & payload[len];

    for (size_t i = 1; i < len; i++) {
        c = c << 6 | (s[i] & 0x3fU);
    }
    return c;
}

size_t utf8_encode(uint32_t c, char *out)
{
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0,
                                          0xf0}; /* of the first byte, by length */
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(unsigned char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)(unsigned char)(marks[len] | c);
    return len;
}
