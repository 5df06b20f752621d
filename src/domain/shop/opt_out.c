/* Recognizes that somebody wants no messages any more. Knows words and nothing of who wrote them. */
#include "domain/shop/opt_out.h"

#include "base/locale/intl.h"
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

enum {
    MESSAGE_MAX =
        200, /* bytes of a message that may be nothing but such words; emoji take four each */
    WORDS_MAX = 64,
};

static const char *const words[] = {
#define OPT_OUT(language, words) words,
#include "domain/shop/opt_out_table.inc"
#undef OPT_OUT
};

static bool between(uint32_t c, uint32_t first, uint32_t last)
{
    return c >= first && c <= last;
}

/* Neither letter, mark nor digit, of what people put around words: blocks, which is coarse, and enough. */
static bool parts_words(uint32_t c)
{
    if (c < 0x80) {
        return !(between(c, '0', '9') || between(c, 'a', 'z') || between(c, 'A', 'Z'));
    }
    return between(c, 0x80, 0xbf) ||
           between(c, 0x2000, 0x2bff) || /* punctuation, arrows, symbols */
           between(c, 0x3000, 0x303f) || between(c, 0xff00, 0xff0f) || between(c, 0xff1a, 0xff20) ||
           between(c, 0xfe00, 0xfe0f) || c == 0xfeff || c == 0x060c || c == 0x061f || c == 0x06d4 ||
           between(c, 0x1f000, 0x1faff);
}

/* The words alone, one blank between them; false if they are too many to be an opt-out. */
static bool fold(const char *text, char out[WORDS_MAX])
{
    const unsigned char *at = (const unsigned char *)text;
    size_t left = strlen(text);
    size_t len = 0;
    bool gap = false;

    while (left > 0) {
        size_t bytes = utf8_length(at, left);
        if (bytes == 0) {
            return false;
        }
        if (parts_words(utf8_decode(at, bytes))) {
            gap = len > 0;
        } else {
            if (len + (gap ? 1 : 0) + bytes >= WORDS_MAX) {
                return false;
            }
            if (gap) {
                out[len++] = ' ';
            }
            memcpy(out + len, at, bytes);
            len += bytes;
            gap = false;
        }
        at += bytes;
        left -= bytes;
    }
    out[len] = '\0';
    return len > 0;
}

bool opt_out_says(const char *text)
{
    char folded[WORDS_MAX];

    if (strnlen(text, MESSAGE_MAX + 1) > MESSAGE_MAX || !fold(text, folded)) {
        return false;
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (intl_same(words[i], folded)) {
            return true;
        }
    }
    return false;
}
