/* Which known name a misspelt one was meant to be. It must not know what the names are for. */
#include "base/spell.h"

#include <string.h>

enum { WORD_MAX = 40, SHORT = 4, LONG = 8 };

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool parts_words(char c)
{
    return c != '\0' && strchr("_-. :", c) != NULL;
}

bool spell_same(const char *x, const char *y)
{
    for (;;) {
        while (parts_words(*x)) {
            x++;
        }
        while (parts_words(*y)) {
            y++;
        }
        if (lower(*x) != lower(*y)) {
            return false;
        }
        if (*x == '\0') {
            return true;
        }
        x++;
        y++;
    }
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Slips (a letter too many, too few, another one, or two swapped) from x to y, of at most WORD_MAX bytes
 * each: the optimal string alignment distance. */
static size_t slips(const char *x, size_t x_len, const char *y, size_t y_len)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];

    for (size_t j = 0; j <= y_len; j++) {
        before[j] = 0;
        last[j] = j;
    }
    for (size_t i = 1; i <= x_len; i++) {
        now[0] = i;
        for (size_t j = 1; j <= y_len; j++) {
            size_t other = lower(x[i - 1]) != lower(y[j - 1]) ? 1 : 0;
            now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + other);
            if (i > 1 && j > 1 && lower(x[i - 1]) == lower(y[j - 2]) &&
                lower(x[i - 2]) == lower(y[j - 1])) {
                now[j] = least(now[j], before[j - 2] + 1);
            }
        }
        size_t *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[y_len];
}

const char *spell_nearest(const char *word, const char *const *names, size_t count)
{
    size_t len = strlen(word);
    size_t fewest = len < SHORT ? 1 : len < LONG ? 2 : 3; /* one more than what is forgiven */
    const char *found = NULL;

    for (size_t i = 0; i < count; i++) {
        if (spell_same(word, names[i])) {
            return names[i];
        }
    }
    for (size_t i = 0; i < count && len <= WORD_MAX; i++) {
        size_t name_len = strlen(names[i]);
        size_t n = name_len <= WORD_MAX ? slips(word, len, names[i], name_len) : fewest + 1;
        /* of two that are as near, neither was meant more than the other */
        found = n < fewest ? names[i] : n == fewest ? NULL : found;
        fewest = least(n, fewest);
    }
    return found;
}
