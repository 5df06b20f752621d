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
