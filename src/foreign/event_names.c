/* Foreign names of events. A new vocabulary is its rows. */
#include "foreign/event_names.h"

#include "base/arena.h"
#include "base/cleanup.h"

#include <string.h>

static const struct {
    const char *name;
    enum event_names names;
    enum event_type type;
} rows[] = {
    /* The published log has no removals: carts of this shop grow until they are bought. */
    {"view", NAMES_RETAILROCKET, EVENT_PRODUCT_VIEWED},
    {"addtocart", NAMES_RETAILROCKET, EVENT_CART_ITEM_ADDED},
    {"transaction", NAMES_RETAILROCKET, EVENT_PURCHASE},

    {"view", NAMES_REES46, EVENT_PRODUCT_VIEWED},
    {"cart", NAMES_REES46, EVENT_CART_ITEM_ADDED},
    {"remove_from_cart", NAMES_REES46, EVENT_CART_ITEM_REMOVED},
    {"purchase", NAMES_REES46, EVENT_PURCHASE},

    /* "fav" keeps a product in mind without a cart: a wish list, not an addition. */
    {"pv", NAMES_TAOBAO, EVENT_PRODUCT_VIEWED},
    {"cart", NAMES_TAOBAO, EVENT_CART_ITEM_ADDED},
    {"fav", NAMES_TAOBAO, EVENT_WISHLIST_ADDED},
    {"buy", NAMES_TAOBAO, EVENT_PURCHASE},
};
enum { ROW_COUNT = sizeof rows / sizeof rows[0] };

bool event_names_find(enum event_names names, const char *column, const char *text,
                      enum event_type *out, struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].names == names && strcmp(rows[i].name, text) == 0) {
            *out = rows[i].type;
            return true;
        }
    }
    /* The list is made from the rows, so that the error cannot forget a name. */
    const char *known = "";
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].names == names) {
            known = arena_printf(&a, "%s%s%s", known, known[0] != '\0' ? ", " : "", rows[i].name);
        }
    }
    return FAIL(err, ERR_INVALID, "%s is none of %s: \"%.40s\"", column, known, text);
}
