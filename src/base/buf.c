#include "base/buf.h"

#include "base/mem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST_BYTES = 256 };

struct buf buf_make(size_t max)
{
    assert(max < SIZE_MAX / 2); /* doubling cap stays in range */
    return (struct buf){.max = max};
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){.max = b->max};
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    /* buf_text and printf("%s") stop at the NUL and know nothing of len */
    if (b->data != NULL) {
        b->data[0] = '\0';
    }
}

bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

/* Room for len more bytes and the NUL; false when that would pass the maximum. */
static bool reserve(struct buf *b, size_t len)
{
    /* Sticky: a shorter piece that would still fit must not be appended behind the one that is
     * missing. And len <= max always, so that the difference cannot wrap as a sum could. */
    if (b->failed || len > b->max - b->len) {
        b->failed = true;
        return false;
    }
    size_t need = b->len + len + 1;
    if (need > b->cap) {
        size_t cap = b->cap == 0 ? BUF_FIRST_BYTES : b->cap;
        while (cap < need) {
            cap *= 2;
        }
        /* doubling must not pass the bound that somebody counts on */
        b->cap = cap > b->max + 1 ? b->max + 1 : cap;
        b->data = mem_grow(b->data, b->cap, 1);
    }
    return true;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
    if (!reserve(b, len)) {
        return;
    }
    /* bytes may be NULL then, and memcpy from NULL is undefined even for no bytes */
    if (len > 0) {
        memcpy(b->data + b->len, bytes, len);
    }
    b->len += len;
    b->data[b->len] = '\0';
}

void buf_add_str(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_add_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_list again;

    va_start(ap, fmt);
    /* the first reading only measures, and uses ap up */
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = true;
    } else if (reserve(b, (size_t)n)) {
        (void)vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

const char *buf_text(const struct buf *b)
{
    return b->data == NULL ? "" : b->data;
}
