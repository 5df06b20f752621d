/* Recognizes that somebody wants no messages any more. Knows words and nothing of who wrote them. */
#include "domain/shop/opt_out.h"

#include "base/cleanup.h"
#include "base/locale/intl.h"
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

enum {
    MESSAGE_MAX =
        200, /* bytes of a message that may be nothing but such words; emoji take four each */
    WORDS_MAX = 128,
};

#define OPT_OUT(language, words)
#define POLITE(language, words)
#define SIGNATURE(words)
#define MAY_BE_NO(language, words)

static const char *const words[] = {
#undef OPT_OUT
#define OPT_OUT(language, words) words,
#include "domain/shop/opt_out_table.inc"
#undef OPT_OUT
#define OPT_OUT(language, words)
};

/* Said around it, and no other wish. */
static const char *const polite[] = {
#undef POLITE
#define POLITE(language, words) words,
#include "domain/shop/opt_out_table.inc"
#undef POLITE
#define POLITE(language, words)
};

/* What a line begins with that no person wrote. */
static const char *const signatures[] = {
#undef SIGNATURE
#define SIGNATURE(words) words,
#include "domain/shop/opt_out_table.inc"
#undef SIGNATURE
#define SIGNATURE(words)
};

/* Words of a no, of which a message may be full and mean something else. */
static const char *const doubtful[] = {
#undef MAY_BE_NO
#define MAY_BE_NO(language, words) words,
#include "domain/shop/opt_out_table.inc"
#undef MAY_BE_NO
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

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

/* Bytes of the text before the signature that a device or program put under it. */
static size_t without_signature(const char *text)
{
    for (const char *line = strchr(text, '\n'); line != NULL; line = strchr(line, '\n')) {
        const char *end = line++;
        line += strspn(line, " \t\r");
        for (size_t i = 0; i < COUNT(signatures); i++) {
            if (strncasecmp(line, signatures[i], strlen(signatures[i])) == 0) {
                return (size_t)(end - text);
            }
        }
    }
    return strlen(text);
}

/* ---- words with a blank between two ---- */

/* Where the phrase stands in the words, as whole words; NULL: nowhere. */
static char *phrase_find(char *text, const char *phrase)
{
    const size_t len = strlen(phrase);

    for (char *at = strstr(text, phrase); at != NULL; at = strstr(at + 1, phrase)) {
        if ((at == text || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' ')) {
            return at;
        }
    }
    return NULL;
}

/* Takes len bytes at `at` out, and a blank with them. */
static void words_cut(const char *text, char *at, size_t len)
{
    const char *rest = at + len;

    if (*rest == ' ') {
        rest++;
    } else if (at > text) {
        at--;
    }
    memmove(at, rest, strlen(rest) + 1);
}

static void drop_polite(char *text)
{
    for (size_t i = 0; i < COUNT(polite); i++) {
        for (char *at = phrase_find(text, polite[i]); at != NULL;
             at = phrase_find(text, polite[i])) {
            words_cut(text, at, strlen(polite[i]));
        }
    }
}

/* "stop stop stop" is "stop", and what is said twice as a whole is said once. */
static void drop_repeats(char *text)
{
    const size_t half = strlen(text) / 2;
    char *word = text;

    if (text[half] == ' ' && strncmp(text, text + half + 1, half) == 0) {
        text[half] = '\0';
    }

    for (char *next = strchr(word, ' '); next != NULL; next = strchr(word, ' ')) {
        const size_t len = (size_t)(next - word);
        const char *behind = next + 1;
        if (strncmp(behind, word, len) == 0 && (behind[len] == ' ' || behind[len] == '\0')) {
            words_cut(text, word, len);
        } else {
            word = next + 1;
        }
    }
}

static bool is_listed(const char *folded)
{
    for (size_t i = 0; i < COUNT(words); i++) {
        if (strcmp(words[i], folded) == 0) {
            return true;
        }
    }
    return false;
}

/* The words of a message without its signature; false where it is longer than any no. */
static bool words_of(const char *text, char folded[WORDS_MAX])
{
    const size_t len = without_signature(text);
    CLEANUP(buf_free) struct buf said = buf_make(MESSAGE_MAX);
    CLEANUP(buf_free) struct buf plain = buf_make((size_t)MESSAGE_MAX * 4);

    buf_add(&said, text, len);
    if (!buf_ok(&said)) {
        return false;
    }
    intl_bare(buf_text(&said), &plain);
    return buf_ok(&plain) && fold(buf_text(&plain), folded);
}

bool opt_out_says(const char *text)
{
    char folded[WORDS_MAX];

    if (!words_of(text, folded)) {
        return false;
    }
    if (is_listed(folded)) {
        return true;
    }
    drop_polite(folded);
    drop_repeats(folded);
    return is_listed(folded);
}

bool opt_out_may_say(const char *text)
{
    char folded[WORDS_MAX];
    bool may = false;

    if (!words_of(text, folded)) {
        return false;
    }
    for (size_t i = 0; i < COUNT(doubtful) && !may; i++) {
        may = phrase_find(folded, doubtful[i]) != NULL;
    }
    return may;
}
