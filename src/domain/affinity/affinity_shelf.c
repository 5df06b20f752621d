/* Stock and prices by item number of a model. */
#include "domain/affinity/affinity_shelf.h"

#include "base/mem.h"
#include "domain/affinity/affinity_internal.h"
#include "domain/shop/money.h"

#include <stdlib.h>
#include <string.h>

static struct affinity_shelf *shelf_new(int count)
{
    struct affinity_shelf *shelf = mem_alloc(sizeof *shelf);
    shelf->count = count;
    shelf->stocked = mem_array((size_t)count / 64 + 1, sizeof *shelf->stocked);
    shelf->price = mem_array((size_t)count + 1, sizeof *shelf->price);
    return shelf;
}

struct affinity_shelf *affinity_shelf_make(const struct affinity *m)
{
    struct affinity_shelf *shelf = shelf_new(m->count);
    /* everything: a product whose stock nobody told of is not hidden */
    memset(shelf->stocked, 0xff, ((size_t)m->count / 64 + 1) * sizeof *shelf->stocked);
    memcpy(shelf->price, m->price, (size_t)m->count * sizeof *shelf->price);
    return shelf;
}

struct affinity_shelf *affinity_shelf_copy(const struct affinity_shelf *shelf)
{
    struct affinity_shelf *copy = shelf_new(shelf->count);
    memcpy(copy->stocked, shelf->stocked, ((size_t)shelf->count / 64 + 1) * sizeof *shelf->stocked);
    memcpy(copy->price, shelf->price, (size_t)shelf->count * sizeof *shelf->price);
    return copy;
}

void affinity_shelf_free(struct affinity_shelf **shelf)
{
    if (*shelf) {
        free((*shelf)->stocked);
        free((*shelf)->price);
        free(*shelf);
        *shelf = NULL;
    }
}

static int64_t price_shown(const struct affinity *m, int item, int64_t price_minor)
{
    return price_minor == MONEY_UNKNOWN ? m->price[item] : price_minor;
}

bool affinity_shelf_differs(const struct affinity_shelf *shelf, const struct affinity *m,
                            const char *product_id, int64_t stock, int64_t price_minor)
{
    const int item = affinity_find(m, product_id);
    const bool stocked = item >= 0 && (shelf->stocked[item / 64] >> (item % 64) & 1);
    return item >= 0 &&
           (stocked != (stock != 0) || shelf->price[item] != price_shown(m, item, price_minor));
}

void affinity_shelf_put(struct affinity_shelf *shelf, const struct affinity *m,
                        const char *product_id, int64_t stock, int64_t price_minor)
{
    const int item = affinity_find(m, product_id);
    if (item < 0) {
        return;
    }
    const uint64_t bit = UINT64_C(1) << (item % 64);
    /* exactly 0: -1 is "not tracked", and for sale */
    if (stock == 0) {
        shelf->stocked[item / 64] &= ~bit;
    } else {
        shelf->stocked[item / 64] |= bit;
    }
    shelf->price[item] = price_shown(m, item, price_minor);
}
