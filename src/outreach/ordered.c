/* Carts that are open as far as the fold knows, and yet bought. Must not know of requests or answers. */
#include "outreach/ordered.h"

#include "domain/shop/cart_id.h"
#include "eventlog/shopper_log.h"
#include "store/shoppers.h"

#include <string.h>

static bool may_be_ordered(const struct cart_row *cart)
{
    return strcmp(cart->status, cart_status_name(CART_OPEN)) == 0 &&
           cart_id_tells_apart(cart->cart_id);
}

struct own_time *outreach_own_times(const struct shopper *s, const char *key, struct arena *a,
                                    size_t *out_count)
{
    const size_t count = s->binding_count;
    const bool customer = key[0] == 'c';
    struct own_time *own = arena_array(a, count + 1, sizeof *own);
    size_t n = 0;

    own[n++] = (struct own_time){
        .key = key,
        .from_us = customer || count == 0 ? INT64_MIN : s->bindings[count - 1].until_us,
        .until_us = INT64_MAX};
    for (size_t i = 0; customer && i < count; i++) {
        const struct binding *b = &s->bindings[i];
        own[n++] = (struct own_time){arena_printf(a, "a:%s", b->other), b->from_us, b->until_us};
    }
    *out_count = n;
    return own;
}

static bool is_own(const struct own_time *own, size_t count, const struct cart_order_by *by)
{
    bool found = false;

    for (size_t i = 0; i < count && !found; i++) {
        found = strcmp(own[i].key, by->key) == 0 && by->at_us >= own[i].from_us &&
                by->at_us < own[i].until_us;
    }
    return found;
}

/* The last order of a cart by somebody who is not its shopper; 0: there is none, or several ordered it, who then call all their carts so. */
static int64_t ordered_by_one(const struct cart_order_by *by, size_t count, size_t cart,
                              const struct own_time *own, size_t own_count)
{
    const char *who = NULL;
    int64_t last_us = 0;

    for (size_t i = 0; i < count; i++) {
        if (by[i].cart != cart || is_own(own, own_count, &by[i])) {
            continue;
        }
        if (who != NULL && strcmp(who, by[i].key) != 0) {
            return 0;
        }
        who = by[i].key;
        last_us = by[i].at_us > last_us ? by[i].at_us : last_us;
    }
    return last_us;
}

struct orders_found {
    struct cart_order_by *by;
    size_t count;
};

/* The shoppers of the carts that somebody ordered, in parallel with the carts; NULL: nobody did. Of one that cannot be read nothing is known
 * to be its own but its key. */
static bool read_shoppers(struct db *db, const struct cart_row *carts, size_t count,
                          const struct orders_found *found, struct arena *a, struct shopper **out,
                          struct err *err)
{
    int *lanes = arena_array(a, count, sizeof *lanes);
    const char **keys = arena_array(a, count, sizeof *keys);
    size_t *number = arena_array(a, count, sizeof *number);
    bool *ordered = arena_array(a, count, sizeof *ordered);
    size_t n = 0;

    for (size_t i = 0; i < found->count; i++) {
        ordered[found->by[i].cart] = true;
    }
    for (size_t i = 0; i < count; i++) {
        if (ordered[i]) {
            number[n] = i;
            lanes[n] = carts[i].lane;
            keys[n++] = carts[i].key;
        }
    }
    struct shopper_row *rows = arena_array(a, n, sizeof *rows);
    if (n > 0 && !store_shoppers_read(db, lanes, keys, n, a, rows, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        struct err unreadable = {0};
        if (!shopper_from_doc(keys[i], rows[i].doc, a, &out[number[i]], &unreadable)) {
            out[number[i]] = shopper_new(keys[i], a);
        }
    }
    return true;
}

/* By its lines, as rule buyer; the row knows only when it changed last. */
static bool held(const struct cart_row *row, const struct shopper *s, int64_t at_us)
{
    const struct cart *cart = shopper_cart(s, row->cart_id);

    return at_us >= row->changed_us ||
           (cart != NULL && at_us > cart->left_us && cart_held(cart, at_us));
}

bool outreach_ordered(struct db *db, const struct cart_row *carts, size_t count, struct arena *a,
                      bool *out, struct err *err)
{
    struct cart_row *asked = arena_array(a, count, sizeof *asked);
    size_t *number = arena_array(a, count, sizeof *number);
    struct orders_found found;
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
    struct shopper **shoppers = arena_array(a, n, sizeof(struct shopper *));
    if (!store_carts_ordered(db, asked, n, a, &found.by, &found.count, err) ||
        !read_shoppers(db, asked, n, &found, a, shoppers, err)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        size_t own_count = 0;
        const struct own_time *own =
            shoppers[i] == NULL ? NULL
                                : outreach_own_times(shoppers[i], asked[i].key, a, &own_count);
        const int64_t ordered_us = ordered_by_one(found.by, found.count, i, own, own_count);
        out[number[i]] = ordered_us != 0 && held(&asked[i], shoppers[i], ordered_us);
    }
    return true;
}
