/* Carts that are open as far as the fold knows, and yet bought. Must not know of requests or answers. */
#include "outreach/ordered.h"

#include "domain/shop/cart_id.h"
#include "domain/shopper/shopper.h"

#include <string.h>

static bool may_be_ordered(const struct cart_row *cart)
{
    return strcmp(cart->status, cart_status_name(CART_OPEN)) == 0 &&
           cart_id_tells_apart(cart->cart_id);
}

bool outreach_ordered(struct db *db, const struct cart_row *carts, size_t count, struct arena *a,
                      bool *out, struct err *err)
{
    struct cart_row *asked = arena_array(a, count, sizeof *asked);
    size_t *number = arena_array(a, count, sizeof *number);
    int64_t *ordered_us;
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        out[i] = false;
        if (may_be_ordered(&carts[i])) {
            number[n] = i;
            asked[n++] = carts[i];
        }
    }
    if (n == 0) {
        return true;
    }
    if (!store_carts_ordered(db, asked, n, a, &ordered_us, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        out[number[i]] = ordered_us[i] != 0 && ordered_us[i] >= asked[i].changed_us;
    }
    return true;
}
