#ifndef HTTP_WIRE_BUDGET_H
#define HTTP_WIRE_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes that all requests together may hold at once: many half-sent bodies must not eat the
 * machine. */
struct budget {
    atomic_size_t used;
    size_t max;
};

bool budget_take(struct budget *b, size_t bytes); /* false: it would pass max; nothing was taken */
void budget_give(struct budget *b, size_t bytes);

#endif
