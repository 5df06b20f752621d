#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

/* Memory of one unit of work (a request, a batch, a cart considered). Everything born in it dies
 * with arena_reset or arena_free. Allocation never returns NULL: out of memory aborts. Zero-filled,
 * aligned to 16 bytes. One thread at a time. */
struct arena {
    struct arena_block *head;
};

void *arena_alloc(struct arena *a, size_t bytes);
void *arena_array(struct arena *a, size_t count, size_t size); /* aborts on overflow */
char *arena_strdup(struct arena *a, const char *text);
char *arena_strndup(struct arena *a, const char *text, size_t len);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_reset(struct arena *a); /* keeps one block for reuse */
void arena_free(struct arena *a);  /* accepts {0} */

#endif
