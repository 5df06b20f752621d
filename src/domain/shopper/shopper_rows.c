/* Which purchases are rows of one order, and which another one. What a row does: shopper_orders.c. */
#include "domain/shopper/shopper_rows.h"

#include "base/cleanup.h"
#include "domain/shopper/cart.h"
#include "domain/shopper/shopper_bought.h"

#include <stdlib.h>
#include <string.h>

static bool is_other(const char *x, const char *y)
{
    return x != NULL && y != NULL && strcmp(x, y) != 0;
}

/* The row names an open cart that the order did not, and goods of it. (A page that is opened again may name the cart of today, and the
 * goods of then.) */
static bool is_of_other_cart(const struct shopper *s, const struct order_seen *order,
                             const struct event *e)
{
    const struct cart *named = e->cart_id == NULL ? NULL : shopper_cart(s, e->cart_id);
    bool has = e->item_count == 0;

    if (named == NULL || named->status != CART_OPEN || !is_other(order->cart_id, e->cart_id)) {
        return false;
    }
    for (size_t i = 0; i < e->item_count && !has; i++) {
        has = cart_has(named, e->items[i].product_id);
    }
    return has;
}

/* Numbers of orders start again, and several shops may have the same ones. */
static bool is_namesake(const struct shopper *s, const struct order_seen *order,
                        const struct event *e)
{
    return e->occurred_us - order->at_us > ORDER_APART_US &&
           (is_of_other_cart(s, order, e) || (e->item_count > 0 && !bought_shares(s, order, e)));
}

static bool is_open(const struct cart *c)
{
    return c != NULL && c->status == CART_OPEN;
}

/* Something came after the order to a cart that the row would close. */
static bool has_changed_since(const struct shopper *s, const struct order_seen *order,
                              const struct event *e)
{
    const struct cart *named = e->cart_id == NULL ? NULL : shopper_cart(s, e->cart_id);
    const bool any = named == NULL || named->status == CART_MERGED;
    bool changed = false;

    for (size_t i = 0; i < s->cart_count && !changed; i++) {
        const struct cart *c = &s->carts[i];
        changed = is_open(c) && (any || c == named) && c->changed_us > order->at_us;
    }
    return changed;
}

/* Neither has an id. Only what can be told again is: of the same cart or told without one, and with goods of the order. What names other goods, or
 * none, is a row of it if nothing came to the cart meanwhile; else it is of that. */
static bool is_row_without_id(const struct shopper *s, const struct order_seen *order,
                              const struct event *e)
{
    CLEANUP(arena_free) struct arena scratch = {0};
    const struct cart *named = e->cart_id == NULL ? NULL : shopper_cart(s, e->cart_id);

    if (llabs(e->occurred_us - order->at_us) > ORDER_WINDOW_US ||
        is_other(order->cart_id, e->cart_id) || (order->cart_id == NULL && is_open(named))) {
        return false;
    }
    const bool told = e->item_count > 0 && !e->lines_left_out;
    const bool news = e->item_count > 0 && bought_news(s, order, e, &scratch).item_count > 0;
    const bool alike = (order->cart_id == NULL) == (e->cart_id == NULL);
    return (told && !news) || (!has_changed_since(s, order, e) && (!news || alike));
}

static bool is_row_with_id(const struct shopper *s, const struct order_seen *order,
                           const struct event *e)
{
    return order->order_id != NULL && e->order_id != NULL &&
           strcmp(order->order_id, e->order_id) == 0 && !is_namesake(s, order, e);
}

bool rows_same_cart(const struct order_seen *order, const struct event *e)
{
    return order->cart_id != NULL && e->cart_id != NULL && strcmp(order->cart_id, e->cart_id) == 0;
}

/* A row with an id and one without are never the same order: a shop names its orders or it does not. Of those without, only the newest goes on: then
 * no two have one time, by which it is known what each closed. */
size_t rows_order_of(const struct shopper *s, const struct event *e)
{
    for (size_t i = s->order_count; i > 0; i--) {
        const struct order_seen *order = &s->orders[i - 1];
        if (e->order_id == NULL && order->order_id == NULL) {
            return is_row_without_id(s, order, e) ? i - 1 : s->order_count;
        }
        if (is_row_with_id(s, order, e)) {
            return i - 1;
        }
    }
    return s->order_count;
}
