/* Texts and addresses as shops send them. What comes out is UTF-8 without controls, tags of HTML or anything that turns the text
 * behind it, no longer than what went in, and stays as it is when it is cleaned again. */
#include "fuzz.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "domain/shop/clean_text.h"

enum { SIZE_MOST = 4096 }; /* time grows with the square, and callers bound the length */

static void check_characters(const char *text)
{
    size_t left = strlen(text);

    DEMAND(text[0] != ' ' && text[left - 1] != ' ' && strstr(text, "  ") == NULL);
    for (size_t len; left > 0; text += len, left -= len) {
        len = utf8_length((const unsigned char *)text, left);
        DEMAND(len > 0);
        uint32_t c = utf8_decode((const unsigned char *)text, len);
        char again[4];
        DEMAND(utf8_encode(c, again) == len && memcmp(again, text, len) == 0);
        DEMAND(c >= 0x20 && (c < 0x7f || c > 0xa0));
        DEMAND(!(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069));
    }
}

static void check_text(const char *text, struct arena *a)
{
    const char *clean = clean_text(text, a);

    if (clean == NULL) {
        return;
    }
    DEMAND(strlen(clean) <= strlen(text));
    DEMAND(text_is_visible(clean));
    check_characters(clean);
    DEMAND(strcasestr(clean, "<b>") == NULL && strstr(clean, "&amp;") == NULL);
    DEMAND(strstr(clean, "<!--") == NULL || strstr(strstr(clean, "<!--"), "-->") == NULL);
    DEMAND(clean_text(clean, a) == clean);
}

static void check_address(const char *text, struct arena *a)
{
    const char *url = clean_url(text, a);

    if (url != NULL) {
        DEMAND(url[0] != '\0' && strlen(url) <= strlen(text) + strlen("https:"));
        DEMAND(strncmp(url, "//", 2) != 0);
        DEMAND(strcmp(clean_url(url, a), url) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_free) struct arena a = {0};
    char *text = fuzz_text(data, size < SIZE_MOST ? size : SIZE_MOST);

    check_text(text, &a);
    check_address(text, &a);
    mem_free(&text);
    return 0;
}
