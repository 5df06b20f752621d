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
    shelf->titled = mem_array((size_t)count / 64 + 1, sizeof *shelf->titled);
    shelf->currency = mem_array((size_t)count + 1, sizeof *shelf->currency);
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
    memcpy(copy->titled, shelf->titled, ((size_t)shelf->count / 64 + 1) * sizeof *shelf->titled);
    memcpy(copy->currency, shelf->currency, (size_t)shelf->count * sizeof *shelf->currency);
    copy->one_currency = shelf->one_currency;
    copy->is_mixed = shelf->is_mixed;
    return copy;
}

bool affinity_shelf_equals(const struct affinity_shelf *a, const struct affinity_shelf *b)
{
    const size_t words = (size_t)a->count / 64 + 1;
    const size_t count = (size_t)a->count;
    /* what currencies come to follows from theirs */
    return a->count == b->count &&
           memcmp(a->stocked, b->stocked, words * sizeof *a->stocked) == 0 &&
           memcmp(a->titled, b->titled, words * sizeof *a->titled) == 0 &&
           memcmp(a->price, b->price, count * sizeof *a->price) == 0 &&
           memcmp(a->currency, b->currency, count * sizeof *a->currency) == 0;
}

void affinity_shelf_free(struct affinity_shelf **shelf)
{
    if (*shelf) {
        free((*shelf)->stocked);
        free((*shelf)->price);
        free((*shelf)->titled);
        free((*shelf)->currency);
        free(*shelf);
        *shelf = NULL;
    }
}

static int64_t price_shown(const struct affinity *m, int item, int64_t price_minor)
{
    return price_minor == MONEY_UNKNOWN ? m->price[item] : price_minor;
}

static bool bit_of(const uint64_t *bits, int item)
{
    return bits[item / 64] >> (item % 64) & 1;
}

static void set_bit(uint64_t *bits, int item, bool value)
{
    const uint64_t bit = UINT64_C(1) << (item % 64);
    bits[item / 64] = value ? bits[item / 64] | bit : bits[item / 64] & ~bit;
}

bool affinity_shelf_differs(const struct affinity_shelf *shelf, const struct affinity *m,
                            const char *product_id, const struct shelf_facts *facts)
{
    const int item = affinity_find(m, product_id);
    return item >= 0 && (bit_of(shelf->stocked, item) != (facts->stock != 0) ||
                         bit_of(shelf->titled, item) != facts->titled ||
                         shelf->currency[item] != shelf_currency(facts->currency) ||
                         shelf->price[item] != price_shown(m, item, facts->price_minor));
}

void affinity_shelf_put(struct affinity_shelf *shelf, const struct affinity *m,
                        const char *product_id, const struct shelf_facts *facts)
{
    const int item = affinity_find(m, product_id);
    const uint32_t currency = shelf_currency(facts->currency);
    if (item < 0) {
        return;
    }
    /* exactly 0: -1 is "not tracked", and for sale */
    set_bit(shelf->stocked, item, facts->stock != 0);
    set_bit(shelf->titled, item, facts->titled);
    shelf->price[item] = price_shown(m, item, facts->price_minor);
    shelf->currency[item] = currency;
    shelf->one_currency = shelf->one_currency != 0 ? shelf->one_currency : currency;
    shelf->is_mixed = shelf->is_mixed || (currency != 0 && currency != shelf->one_currency);
}

bool affinity_shelf_has_titles(const struct affinity_shelf *shelf)
{
    int titled = 0;
    for (int i = 0; shelf && i < shelf->count / 64 + 1; i++) {
        titled += __builtin_popcountll(shelf->titled[i]);
    }
    return shelf && titled > shelf->count / 2;
}
