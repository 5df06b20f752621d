/* Percent codes and base64 of URLs: text to text, nothing about requests. */
#include "http/wire/codec.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    /* strchr finds the NUL that ends the digits, too */
    const char *at = c == '\0' ? NULL : strchr(digits, c);
    ptrdiff_t i = at == NULL ? -1 : at - digits;

    return (int)(i < 16 ? i : i - 6);
}

int codec_percent_byte(const char *p)
{
    /* one after the other: p[2] is read only where p[1] was a digit, and not the end of the text */
    int high = p[0] == '%' ? hex_digit(p[1]) : -1;
    int low = high < 0 ? -1 : hex_digit(p[2]);

    return low < 0 ? -1 : high * 16 + low;
}

/* jansson's own check, so that what passes here passes wherever JSON is written. */
static bool is_utf8(const char *text)
{
    json_t *s = json_string(text);

    json_decref(s);
    return s != NULL;
}

char *codec_percent_decode(const char *text, size_t len, bool plus_is_space, struct arena *a)
{
    char *out = arena_alloc(a, len + 1);
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        /* a form's way to write a blank in a query; in a path a + is a + */
        if (c == '+' && plus_is_space) {
            c = ' ';
        } else if (c == '%') {
            int byte = len - i > 2 ? codec_percent_byte(text + i) : -1;
            /* %00 would cut the text for all who read it as C text, and PostgreSQL takes no NUL */
            if (byte <= 0) {
                return NULL;
            }
            c = (char)(unsigned char)byte;
            i += 2;
        }
        out[n++] = c;
    }
    /* after decoding, since a character may come in several codes; PostgreSQL refuses a whole
     * statement for one byte that is not UTF-8 */
    return is_utf8(out) ? out : NULL;
}

bool codec_base64_clean(const char *text)
{
    return strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") ==
           strlen(text);
}

char *codec_base64(const void *bytes, size_t len, struct arena *a)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    size_t max = sodium_base64_encoded_len(len, variant);

    return sodium_bin2base64(arena_alloc(a, max), max, bytes, len, variant);
}

char *codec_base64_text(const char *encoded, struct arena *a)
{
    size_t max = strlen(encoded);
    char *out = arena_alloc(a, max + 1);
    size_t len = 0;

    /* libsodium takes some bytes above 0x7f for characters of the code. max is enough: 4 characters
     * stand for 3 bytes; and the arena's zeros end the text. */
    if (!codec_base64_clean(encoded) ||
        sodium_base642bin((unsigned char *)out, max, encoded, strlen(encoded), NULL, &len, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        strlen(out) != len || !is_utf8(out)) {
        return NULL;
    }
    return out;
}
