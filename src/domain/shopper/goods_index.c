/* Lines by a hash of their product: chains in the order of the lines. */
#include "domain/shopper/goods_index.h"

#include "base/hash.h"

#include <string.h>

enum { FEW = 16 };

static size_t place_of(const struct goods_index *x, const char *product)
{
    return (size_t)hash_fnv64(product, strlen(product)) & x->mask;
}

struct goods_index goods_index_make(size_t most, size_t questions, struct arena *a)
{
    struct goods_index x = {.mask = 2 * FEW - 1};

    if (most <= FEW || questions <= FEW) {
        return x;
    }
    while (x.mask < 2 * most) {
        x.mask = 2 * x.mask + 1;
    }
    x.heads = arena_array(a, x.mask + 1, sizeof *x.heads);
    x.tails = arena_array(a, x.mask + 1, sizeof *x.tails);
    x.next = arena_array(a, most, sizeof *x.next);
    memset(x.heads, -1, (x.mask + 1) * sizeof *x.heads);
    return x;
}

void goods_index_add(struct goods_index *x, const char *product)
{
    const int32_t line = (int32_t)x->count++;

    if (x->heads == NULL) {
        return;
    }
    const size_t at = place_of(x, product);
    if (x->heads[at] < 0) {
        x->heads[at] = line;
    } else {
        x->next[x->tails[at]] = line;
    }
    x->tails[at] = line;
    x->next[line] = -1;
}

int32_t goods_index_first(const struct goods_index *x, const char *product)
{
    if (x->heads == NULL) {
        return x->count > 0 ? 0 : -1;
    }
    return x->heads[place_of(x, product)];
}

int32_t goods_index_next(const struct goods_index *x, int32_t line)
{
    if (x->heads == NULL) {
        return (size_t)line + 1 < x->count ? line + 1 : -1;
    }
    return x->next[line];
}
