/* Allocation that aborts instead of failing: every input is bounded before it allocates, so running
 * out of memory is a defect of the machine, not a state the program could handle better. */
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { WIDE_ALIGN = 64, HUGE_PAGE = 2 << 20, HUGE_FROM = 4 << 20 };

static size_t product(size_t count, size_t size)
{
    size_t bytes;

    /* a size that wraps would be a buffer too short for what is written into it */
    if (__builtin_mul_overflow(count, size, &bytes)) {
        abort();
    }
    return bytes;
}

void *mem_alloc(size_t bytes)
{
    return mem_array(1, bytes);
}

void *mem_array(size_t count, size_t size)
{
    /* calloc(0) may answer NULL, which callers would have to tell from failure. */
    void *p = calloc(1, product(count, size) + (count == 0 || size == 0));

    if (p == NULL) {
        abort();
    }
    return p;
}

void *mem_wide(size_t count, size_t size)
{
    size_t bytes = product(count, size);
    size_t align = bytes >= HUGE_FROM ? HUGE_PAGE : WIDE_ALIGN;
    /* A whole multiple of the alignment, as C11 asks of aligned_alloc; + 1 makes 0 bytes an
     * allocation as well. The kernel gives huge pages only to ranges that begin at a multiple of
     * their size. */
    size_t whole = product(bytes / align + 1, align);
    void *p = aligned_alloc(align, whole);

    if (p == NULL) {
        abort();
    }
    if (bytes >= HUGE_FROM) {
        (void)madvise(p, whole, MADV_HUGEPAGE); /* only speed is lost without */
    }
    /* after the advice: the pages come into being when they are first written */
    return memset(p, 0, bytes);
}

void *mem_grow(void *old, size_t count, size_t size)
{
    /* never 0: realloc may take that for free and answer NULL */
    void *p = realloc(old, product(count, size) + (count == 0 || size == 0));

    if (p == NULL) {
        abort();
    }
    return p;
}

char *mem_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;

    return memcpy(mem_alloc(bytes), text, bytes);
}

void mem_free(void *ptr_to_pointer)
{
    void *p;

    /* Copied as bytes: the pointer may have any object type, and a void ** would alias it wrongly.
     */
    memcpy(&p, ptr_to_pointer, sizeof p);
    free(p);
    p = NULL;
    memcpy(ptr_to_pointer, &p, sizeof p);
}
