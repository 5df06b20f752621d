#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/* Allocation for long-lived owners. Out of memory aborts; the caller owns the result and frees it
 * with free(). */
void *mem_alloc(size_t bytes); /* zero-filled */
void *mem_array(size_t count, size_t size);
/* Zero-filled, aligned to 64 bytes, and from 4 MiB on backed by huge pages where the system has them: for arrays read at random. */
void *mem_wide(size_t count, size_t size);
void *mem_grow(void *old, size_t count, size_t size); /* realloc; new bytes undefined */
char *mem_strdup(const char *text);
void mem_free(void *ptr_to_pointer); /* CLEANUP(mem_free) char *p: frees *p and sets it to NULL */

#endif
