/* Which characters are seen. What is done about the others is the callers' business. */
#include "base/look.h"

#include "base/utf8.h"

#include <stddef.h>
#include <string.h>

struct look_range {
    uint32_t first, last;
    enum look look;
};

/* In order. */
static const struct look_range looks[] = {
    {0x00, 0x08, LOOK_DROPPED},      {0x09, 0x0d, LOOK_SPACE},
    {0x0e, 0x1f, LOOK_DROPPED},      {0x20, 0x20, LOOK_SPACE},
    {0x7f, 0x84, LOOK_DROPPED},      {0x85, 0x85, LOOK_SPACE},
    {0x86, 0x9f, LOOK_DROPPED},      {0xa0, 0xa0, LOOK_SPACE},
    {0xad, 0xad, LOOK_DROPPED},      {0x34f, 0x34f, LOOK_UNSEEN},
    {0x61c, 0x61c, LOOK_UNSEEN},     {0x115f, 0x1160, LOOK_UNSEEN},
    {0x1680, 0x1680, LOOK_SPACE},    {0x17b4, 0x17b5, LOOK_UNSEEN},
    {0x180b, 0x180f, LOOK_UNSEEN},   {0x2000, 0x200a, LOOK_SPACE},
    {0x200b, 0x200b, LOOK_DROPPED},  {0x200c, 0x200f, LOOK_UNSEEN},
    {0x2028, 0x2029, LOOK_SPACE},    {0x202a, 0x202e, LOOK_DROPPED},
    {0x202f, 0x202f, LOOK_SPACE},    {0x205f, 0x205f, LOOK_SPACE},
    {0x2060, 0x206f, LOOK_DROPPED},  {0x2800, 0x2800, LOOK_UNSEEN},
    {0x3000, 0x3000, LOOK_SPACE},    {0x3164, 0x3164, LOOK_UNSEEN},
    {0xd800, 0xdfff, LOOK_DROPPED},  {0xfdd0, 0xfdef, LOOK_DROPPED},
    {0xfe00, 0xfe0f, LOOK_UNSEEN},   {0xfeff, 0xfeff, LOOK_DROPPED},
    {0xffa0, 0xffa0, LOOK_UNSEEN},   {0xfff0, 0xfffb, LOOK_DROPPED},
    {0x1bca0, 0x1bca3, LOOK_UNSEEN}, {0x1d173, 0x1d17a, LOOK_UNSEEN},
    {0xe0000, 0xe0fff, LOOK_UNSEEN},
};

enum look look_of(uint32_t c)
{
    if ((c & 0xfffe) == 0xfffe) { /* no characters, in every plane */
        return LOOK_DROPPED;
    }
    for (size_t i = 0; i < sizeof looks / sizeof looks[0] && looks[i].first <= c; i++) {
        if (c <= looks[i].last) {
            return looks[i].look;
        }
    }
    return LOOK_SEEN;
}

static bool ends_a_line(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/* Unseen, and yet it makes another word or picture of what stands before it. */
static bool belongs_to(uint32_t before, uint32_t c)
{
    enum { NON_JOINER = 0x200c, JOINER = 0x200d, BEYOND_LATIN = 0x370 };
    bool joins = c == NON_JOINER || c == JOINER;
    bool varies = c >= 0xfe00 && c <= 0xfe0f;

    return (joins && before >= BEYOND_LATIN) || (varies && look_of(before) == LOOK_SEEN);
}

bool look_fits_a_line(const char *text)
{
    size_t left = strlen(text);
    uint32_t before = ' ';

    for (size_t len = 1; left > 0; text += len, left -= len) {
        len = utf8_length((const unsigned char *)text, left);
        if (len == 0) {
            len = 1;
            continue;
        }
        uint32_t c = utf8_decode((const unsigned char *)text, len);
        enum look look = look_of(c);
        if (look == LOOK_DROPPED || ends_a_line(c) ||
            (look == LOOK_UNSEEN && !belongs_to(before, c))) {
            return false;
        }
        before = c;
    }
    return true;
}
