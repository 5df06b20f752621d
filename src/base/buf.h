#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing byte string with a maximum fixed at birth. Errors are sticky: append freely, check
 * buf_ok once. Owns its memory; always NUL-terminated after the first append. */
struct buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max;
    bool failed; /* an append would have passed max; nothing was appended since */
};

struct buf buf_make(size_t max);
void buf_free(struct buf *b); /* accepts {0} */
void buf_reset(struct buf *b);
bool buf_ok(const struct buf *b);
void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_add_str(struct buf *b, const char *text);
void buf_add_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *buf_text(const struct buf *b); /* "" when empty; borrowed until the next append */

#endif
