/* Spelling only: names for products of logs that have codes instead. */
#include "foreign/words.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* ASCII on purpose: what the locale of this machine thinks of a byte must not change what is stored. */
static char upper(char c)
{
    static const char small[] = "abcdefghijklmnopqrstuvwxyz";
    static const char large[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *at = c != '\0' ? strchr(small, c) : NULL;
    if (at == NULL) {
        return c;
    }
    return large[at - small];
}

static bool letter(char c)
{
    return c == '\'' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (unsigned char)c >= 0x80;
}

/* A short word that cannot be spoken is an abbreviation: LG, HP, JBL, HTC. */
static bool abbreviation(const char *word, size_t len)
{
    enum { ABBREVIATION_MAX = 4 };
    /* One letter says nothing, and longer ones are hardly in use. */
    if (len < 2 || len > ABBREVIATION_MAX) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (strchr("aeiouyAEIOUY", word[i]) != NULL || (unsigned char)word[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

const char *words_brand(const char *code, struct arena *a)
{
    if (code[0] == '\0') {
        return NULL;
    }
    char *out = arena_strdup(a, code);
    for (size_t i = 0; out[i] != '\0';) {
        size_t len = 0;
        while (letter(out[i + len])) {
            len++;
        }
        /* Each part of "tp-link" is judged alone; an apostrophe parts nothing ("l'oreal"). */
        size_t raised = abbreviation(out + i, len) ? len : len > 0;
        for (size_t k = 0; k < raised; k++) {
            out[i + k] = upper(out[i + k]);
        }
        i += len + (out[i + len] != '\0' ? 1 : 0); /* what parts two words is no letter: stays */
    }
    return out;
}

const char *words_category(const char *code, struct arena *a)
{
    if (code[0] == '\0') {
        return NULL;
    }
    char *out = arena_alloc(a, strlen(code) * 3 + 1); /* zero-filled: terminated */
    char *to = out;
    for (const char *p = code; *p != '\0'; p++) {
        if (*p == '.') {
            /* the separator of levels everywhere in the catalogue */
            *to++ = ' ';
            *to++ = '>';
            *to++ = ' ';
        } else if (*p == '_') {
            *to++ = ' ';
        } else {
            *to++ = *p;
        }
    }
    return out;
}
