/* Encodings of one byte a character. UTF-16 is undone before there are lines (import/source.h). */
#include "foreign/encoding.h"

#include "base/utf8.h"

#include <string.h>

/* Windows-1252 from 0x80 to 0x9f; the rest is Latin-1, the first 256 code points. Five bytes mean
 * nothing and stay control characters, which no catalogue takes. */
static const unsigned short windows[32] = {
    0x20ac, 0x0081, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e, 0x0178,
};

static bool is_utf8(const char *text, size_t len)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t at = 0; at < len;) {
        size_t step = s[at] < 0x80 ? 1 : utf8_length(s + at, len - at);
        if (step == 0) {
            return false;
        }
        at += step;
    }
    return true;
}

static char *put(char *to, unsigned code)
{
    if (code < 0x80) {
        *to++ = (char)code;
    } else if (code < 0x800) {
        *to++ = (char)(0xc0 | (code >> 6));
        *to++ = (char)(0x80 | (code & 0x3f));
    } else {
        *to++ = (char)(0xe0 | (code >> 12));
        *to++ = (char)(0x80 | ((code >> 6) & 0x3f));
        *to++ = (char)(0x80 | (code & 0x3f));
    }
    return to;
}

struct foreign_record encoding_utf8(const struct foreign_record *record, struct arena *a,
                                    bool *out_windows)
{
    /* By its row, not by its file: exports are stitched together, and Windows-1252 that is UTF-8 as
     * well is rare (it takes an accented capital before a symbol). */
    *out_windows = record->len > 0 && !is_utf8(record->text, record->len);
    if (!*out_windows) {
        return *record;
    }
    char *text = arena_alloc(a, record->len * 3 + 1);
    char *to = text;
    for (size_t i = 0; i < record->len; i++) {
        unsigned char c = (unsigned char)record->text[i];
        to = put(to, c >= 0x80 && c < 0xa0 ? windows[c - 0x80] : c);
    }
    struct foreign_record out = *record;
    out.text = text;
    out.len = (size_t)(to - text);
    return out;
}
