/* Two bytes a unit, two units a character above U+FFFF (RFC 2781). */
#include "import/utf16.h"

enum { UNKNOWN = 0xfffd };

static char *put(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | (code >> 6));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | (code >> 12));
        *to++ = (char)(0x80 | ((code >> 6) & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xf0 | (code >> 18));
        *to++ = (char)(0x80 | ((code >> 12) & 0x3f));
        *to++ = (char)(0x80 | ((code >> 6) & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

static char *put_unit(struct utf16 *u, unsigned unit, char *to)
{
    bool high = unit >= 0xd800 && unit < 0xdc00;
    bool low = unit >= 0xdc00 && unit < 0xe000;
    if (u->high != 0 && low) {
        to = put(to, 0x10000 + ((u->high - 0xd800) << 10) + (unit - 0xdc00));
        u->high = 0;
        return to;
    }
    if (u->high != 0) {
        to = put(to, UNKNOWN);
        u->high = 0;
    }
    if (high) {
        u->high = unit;
        return to;
    }
    return put(to, low ? UNKNOWN : unit);
}

size_t utf16_put(struct utf16 *u, const char *bytes, size_t len, char *out)
{
    char *to = out;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (!u->has_odd) {
            u->odd = byte;
        } else {
            unsigned unit =
                u->big_endian ? (unsigned)u->odd << 8 | byte : (unsigned)byte << 8 | u->odd;
            to = put_unit(u, unit, to);
        }
        u->has_odd = !u->has_odd;
    }
    return (size_t)(to - out);
}

size_t utf16_end(struct utf16 *u, char *out)
{
    char *to = out;
    if (u->high != 0) {
        to = put(to, UNKNOWN);
    }
    if (u->has_odd) {
        to = put(to, UNKNOWN);
    }
    u->high = 0;
    u->has_odd = false;
    return (size_t)(to - out);
}
