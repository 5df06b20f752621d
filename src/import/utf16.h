#ifndef IMPORT_UTF16_H
#define IMPORT_UTF16_H

#include <stdbool.h>
#include <stddef.h>

/* UTF-16 that comes in pieces, to UTF-8. What is no character (half of a pair, half of a unit) becomes
 * U+FFFD. */
struct utf16 {
    bool big_endian;
    unsigned char odd; /* the first byte of a unit, if has_odd */
    bool has_odd;
    unsigned high; /* the first half of a pair; 0: none waits */
};

/* Writes 3 * (len / 2 + 2) bytes at most to out; returns how many. */
size_t utf16_put(struct utf16 *u, const char *bytes, size_t len, char *out);
/* What still waits, when there is no more; 6 bytes at most. */
size_t utf16_end(struct utf16 *u, char *out);

#endif
