#ifndef DOMAIN_SHOPPER_GOODS_INDEX_H
#define DOMAIN_SHOPPER_GOODS_INDEX_H

#include "base/arena.h"

#include <stddef.h>
#include <stdint.h>

/* Lines by product, for lists that are looked through once for each line of another one: an order of 2,000 lines would be compared 4 million times. For the
 * fold only. Lines have numbers from 0 on, in the order in which they are added. */
struct goods_index {
    size_t count;
    size_t mask;
    int32_t *heads; /* by hash; NULL: each line is looked at */
    int32_t *tails;
    int32_t *next;
};

/* For at most so many lines, which are asked for so often: of few, or for few questions, it has every line looked at. In arena. */
struct goods_index goods_index_make(size_t most, size_t questions, struct arena *a);
void goods_index_add(struct goods_index *x, const char *product);
/* The lines that may be of the product, among them all that are, in their order; -1: no more. What they are is for the caller to compare. */
int32_t goods_index_first(const struct goods_index *x, const char *product);
int32_t goods_index_next(const struct goods_index *x, int32_t line);

#endif
