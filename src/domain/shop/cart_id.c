/* Ids of carts, and words that stand where one should. */
#include "domain/shop/cart_id.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Too many for a word, and nearly as many as the shortest of the usual random ids has. */
enum { LETTERS_MIN = 16 };

/* What constants are put together from, in the languages of shops; of two that begin alike the longer first. */
static const char *const words[] = {
    "shopping", "warenkorb", "winkelwagen", "winkelmand", "einkaufswagen", "carrinho", "carrello",
    "carrito",  "koszyk",    "panier",      "korb",       "sacola",        "cesta",    "basket",
    "checkout", "current",   "default",     "standard",   "principal",     "customer", "session",
    "primary",  "active",    "guest",       "order",      "store",         "cart",     "shop",
    "main",     "user",      "web",         "bag",
};

static size_t word_at(const char *text)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t length = strlen(words[i]);
        if (strncasecmp(text, words[i], length) == 0) {
            return length;
        }
    }
    return 0;
}

bool cart_id_tells_apart(const char *cart_id)
{
    size_t left = 0;

    if (cart_id == NULL || cart_id[strcspn(cart_id, "0123456789")] != '\0') {
        return cart_id != NULL;
    }
    for (size_t i = 0; cart_id[i] != '\0';) {
        const size_t word = word_at(cart_id + i);
        left += word == 0 ? 1 : 0;
        i += word == 0 ? 1 : word;
    }
    return left >= LETTERS_MIN;
}
