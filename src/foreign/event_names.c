/* Foreign names of events. A new vocabulary is its rows. */
#include "foreign/event_names.h"

#include "base/arena.h"
#include "base/cleanup.h"

#include <string.h>

static const struct {
    enum event_names names;
    const char *name;
    enum event_type type;
} rows[] = {
    {NAMES_RETAILROCKET, "view", EVENT_PRODUCT_VIEWED},
    {NAMES_RETAILROCKET, "addtocart", EVENT_CART_ITEM_ADDED},
    {NAMES_RETAILROCKET, "transaction", EVENT_PURCHASE},

    {NAMES_REES46, "view", EVENT_PRODUCT_VIEWED},
    {NAMES_REES46, "cart", EVENT_CART_ITEM_ADDED},
    {NAMES_REES46, "remove_from_cart", EVENT_CART_ITEM_REMOVED},
    {NAMES_REES46, "purchase", EVENT_PURCHASE},

    {NAMES_TAOBAO, "pv", EVENT_PRODUCT_VIEWED},
    {NAMES_TAOBAO, "cart", EVENT_CART_ITEM_ADDED},
    {NAMES_TAOBAO, "fav", EVENT_WISHLIST_ADDED},
    {NAMES_TAOBAO, "buy", EVENT_PURCHASE},
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
    const char *known = "";
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].names == names) {
            known = arena_printf(&a, "%s%s%s", known, known[0] != '\0' ? ", " : "", rows[i].name);
        }
    }
    return FAIL(err, ERR_INVALID, "%s is none of %s: \"%.40s\"", column, known, text);
}
