/* Stored states: there is one text for each, so what is taken is written again byte for byte, and its copy
 * too. What the rest of the program asks of a state must be answered for any that is taken. */
#include "fuzz.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "domain/shop/money.h"
#include "domain/shopper/shopper.h"

enum { TEXT_MAX = 1 << 24 };

static void check_cart(const struct shopper *s, const struct cart *c)
{
    int64_t total = 0;
    char currency[4];

    DEMAND(c->line_count <= CART_LINES_MAX);
    DEMAND(cart_units(c) >= 0);
    DEMAND(shopper_cart(s, c->id) != NULL);
    if (cart_total(c, &total, currency)) {
        DEMAND(total >= 0 && money_currency_valid(currency));
    } else {
        DEMAND(total == MONEY_UNKNOWN);
    }
}

static void check_same_text(const struct shopper *s, const uint8_t *data, size_t size)
{
    CLEANUP(buf_free) struct buf text = buf_make(TEXT_MAX);
    shopper_encode(s, &text);
    DEMAND(buf_ok(&text) && text.len == size && memcmp(text.data, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(arena_free) struct arena other = {0};
    struct shopper *s = NULL;
    struct err err = {0};

    if (!shopper_decode((const char *)data, size, &a, &s, &err)) {
        fuzz_refusal(&err);
        return 0;
    }
    check_same_text(s, data, size);
    struct shopper *copy = shopper_copy(s, &other);
    arena_free(&a); /* a copy leans on nothing of what it was made from */
    check_same_text(copy, data, size);

    DEMAND(copy->cart_count <= CARTS_MAX && copy->recent_count <= RECENT_MAX);
    for (size_t i = 0; i < copy->cart_count; i++) {
        check_cart(copy, &copy->carts[i]);
    }
    (void)shopper_open_cart(copy);
    (void)shopper_owner_at(copy, copy->last_us);
    return 0;
}
