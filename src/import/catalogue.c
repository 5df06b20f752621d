/* Facts about products, gathered until they are stored. It must not decide what beats what the API
 * wrote: the store does. */
#include "import/catalogue.h"

#include "base/cleanup.h"
#include "base/hash.h"
#include "base/mem.h"
#include "domain/shop/money.h"
#include "store/products.h"

#include <string.h>

enum {
    ENTRIES_MAX = 20000,
    SLOTS = 1 << 16,
    STATEMENT_MAX = 5000, /* products in one statement */
};

struct catalogue {
    struct arena arena;
    struct product *entries; /* ENTRIES_MAX */
    int64_t *priced_us;      /* when the price of each was said */
    size_t count;
    int32_t *slots; /* position + 1 of an entry; 0: free */
};

struct catalogue *catalogue_open(void)
{
    /* Fixed: a file with millions of products must not hold them all; catalogue_full says when to store. */
    struct catalogue *c = mem_alloc(sizeof *c);
    c->entries = mem_array(ENTRIES_MAX, sizeof *c->entries);
    c->priced_us = mem_array(ENTRIES_MAX, sizeof *c->priced_us);
    c->slots = mem_array(SLOTS, sizeof *c->slots);
    return c;
}

void catalogue_close(struct catalogue **c)
{
    if (*c != NULL) {
        arena_free(&(*c)->arena);
        mem_free(&(*c)->entries);
        mem_free(&(*c)->priced_us);
        mem_free(&(*c)->slots);
        mem_free(c);
    }
}

static size_t find_or_add(struct catalogue *c, const char *product_id)
{
    /* At most a third of the slots is taken, so that there is always a free one to end the search. */
    size_t slot = (size_t)hash_fnv64(product_id, strlen(product_id)) % SLOTS;
    for (; c->slots[slot] != 0; slot = (slot + 1) % SLOTS) {
        size_t at = (size_t)c->slots[slot] - 1;
        if (strcmp(c->entries[at].product_id, product_id) == 0) {
            return at;
        }
    }
    c->entries[c->count] = (struct product){
        .product_id = arena_strdup(&c->arena, product_id),
        .price_minor = MONEY_UNKNOWN,
        .stock = -1,
        .updated_us = INT64_MIN, /* any word is newer than none */
    };
    c->priced_us[c->count] = INT64_MIN;
    c->slots[slot] = (int32_t)++c->count;
    return c->count - 1;
}

/* A newer word replaces an older one; any word replaces none. */
static void take_text(struct catalogue *c, const char **have, const char *said, bool newer)
{
    /* Copied only where it differs: millions of rows say the same words, and the arena keeps every copy. */
    if (said != NULL && (*have == NULL || (newer && strcmp(*have, said) != 0))) {
        *have = arena_strdup(&c->arena, said);
    }
}

void catalogue_add(struct catalogue *c, const struct product *facts)
{
    /* Files need not be in order of time: each member goes by the time at which it was said. */
    size_t at = find_or_add(c, facts->product_id);
    struct product *e = &c->entries[at];
    bool newer = facts->updated_us >= e->updated_us;
    take_text(c, &e->title, facts->title, newer);
    take_text(c, &e->category, facts->category, newer);
    take_text(c, &e->brand, facts->brand, newer);
    /* The price has a time of its own: a later row that knows none must not make an older price win. */
    if (facts->price_minor != MONEY_UNKNOWN && facts->updated_us >= c->priced_us[at]) {
        e->price_minor = facts->price_minor;
        memcpy(e->currency, facts->currency, sizeof e->currency);
        c->priced_us[at] = facts->updated_us;
    }
    if (newer) {
        e->updated_us = facts->updated_us;
    }
}

bool catalogue_full(const struct catalogue *c)
{
    return c->count == ENTRIES_MAX;
}

const struct product *catalogue_entries(const struct catalogue *c, size_t *out_count)
{
    *out_count = c->count;
    return c->entries;
}

bool catalogue_learn(struct catalogue *c, struct db *db, struct err *err)
{
    /* In parts, so that no statement holds the rows of all products locked beside a running service. */
    for (size_t from = 0; from < c->count; from += STATEMENT_MAX) {
        size_t n = c->count - from < STATEMENT_MAX ? c->count - from : STATEMENT_MAX;
        if (!store_products_learn(db, c->entries + from, n, err)) {
            return false;
        }
    }
    /* Forgotten only when all is stored. */
    c->count = 0;
    memset(c->slots, 0, SLOTS * sizeof *c->slots);
    arena_reset(&c->arena);
    return true;
}
