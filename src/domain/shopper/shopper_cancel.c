/* Orders that are undone, and what then lies in the carts again. */
#include "domain/shopper/shopper_cancel.h"

#include "domain/shopper/cart.h"
#include "domain/shopper/shopper_bought.h"
#include "domain/shopper/shopper_carts.h"
#include "domain/shopper/shopper_orders.h"
#include "domain/shopper/shopper_purchases.h"

#include <string.h>

static int64_t less(int64_t sum, int64_t part)
{
    return part > sum ? 0 : sum - part;
}

static bool same(const char *x, const char *y)
{
    return x == NULL || y == NULL ? x == y : strcmp(x, y) == 0;
}

/* ---- which order ---- */

static bool closed_by(const struct cart *c, const struct order_seen *order)
{
    return c->status == CART_BOUGHT && same(c->order_id, order->order_id) &&
           c->closed_us >= order->first_us && c->closed_us <= orders_until_us(order);
}

/* The newest of that id, first of all one of the cart; order_count where there is none. */
static size_t order_of_id(const struct shopper *s, const struct event *e)
{
    size_t found = s->order_count;

    for (size_t i = s->order_count; i > 0; i--) {
        const struct order_seen *order = &s->orders[i - 1];
        if (order->order_id == NULL || strcmp(order->order_id, e->order_id) != 0) {
            continue;
        }
        if (e->cart_id == NULL || same(order->cart_id, e->cart_id)) {
            return i - 1;
        }
        found = found == s->order_count ? i - 1 : found;
    }
    return found;
}

/* The newest that closed the round of the cart, first of all one that named it; of a cart that is in no bought round, or not there, the newest
 * that named it. What no order was of, undoes none. */
static size_t order_of_cart(const struct shopper *s, const struct event *e,
                            const struct cart *named)
{
    const bool bought = named != NULL && named->status == CART_BOUGHT;
    size_t found = s->order_count;

    for (size_t i = s->order_count; i > 0; i--) {
        const struct order_seen *order = &s->orders[i - 1];
        const bool names = same(order->cart_id, e->cart_id);
        if (!(bought ? closed_by(named, order) : names)) {
            continue;
        }
        if (names) {
            return i - 1;
        }
        found = found == s->order_count ? i - 1 : found;
    }
    return found;
}

/* By the ids the event has; order_count where it means none that was told. */
static size_t order_meant(struct shopper *s, const struct event *e)
{
    const struct cart *named = e->cart_id == NULL ? NULL : carts_find(s, e->cart_id);

    if (e->order_id != NULL) {
        return order_of_id(s, e);
    }
    if (e->type == EVENT_PAYMENT_FAILED) {
        /* Before any order is told it is an ordinary step of a checkout. A cart's id is used again and again: long after the order, a
         * payment that fails is of what lies in it now. */
        const bool of_order = named != NULL && named->status == CART_BOUGHT &&
                              e->occurred_us - named->closed_us <= shopper_rules_of(s).echo_us;
        return of_order ? order_of_cart(s, e, named) : s->order_count;
    }
    if (e->cart_id != NULL) {
        return order_of_cart(s, e, named);
    }
    return s->order_count > 0 ? s->order_count - 1 : 0;
}

/* ---- what comes back ---- */

/* gone: NULL, none are told. */
static struct goods_index items_by_product(const struct event *gone, size_t questions,
                                           struct arena *a)
{
    const size_t count = gone == NULL ? 0 : gone->item_count;
    struct goods_index x = goods_index_make(count, questions, a);

    for (size_t i = 0; i < count; i++) {
        goods_index_add(&x, gone->items[i].product_id);
    }
    return x;
}

/* How much of the line was cancelled: all of it where no items are told. */
static int64_t cancelled_of(const struct cart_line *line, const struct goods_index *by_product,
                            struct event *gone)
{
    int64_t milli = 0;

    if (gone == NULL) {
        return line->quantity_milli;
    }
    for (int32_t i = goods_index_first(by_product, line->product_id);
         i >= 0 && milli < line->quantity_milli; i = goods_index_next(by_product, i)) {
        struct event_item *item = &gone->items[i];
        if (bought_same_goods(line->product_id, line->variant_id, item->product_id,
                              item->variant_id)) {
            const int64_t wanted = line->quantity_milli - milli;
            const int64_t taken = item->quantity_milli < wanted ? item->quantity_milli : wanted;
            milli += taken;
            item->quantity_milli -= taken;
        }
    }
    return milli;
}

/* Another order bought everything that would come back: its cancellation is what may open the cart now. */
static void hand_over(struct cart *c, const struct order_seen *by)
{
    c->order_id = by->order_id;
    c->closed_us = by->at_us;
}

/* What other orders have bought since it was put there is bought. */
static void give_back(struct shopper *s, struct cart *c, const struct order_seen *order,
                      const struct event *e, const struct event *gone, struct arena *a)
{
    struct cart_line *lines = arena_array(a, cart_lines_capacity(c->line_count), sizeof *c->lines);
    struct event left = gone == NULL ? *e : *gone; /* two lines may be of one item */
    const struct order_seen *by = NULL;
    size_t count = 0;
    bool whole = true;

    const struct goods_index bought = bought_index(s, c->line_count, a);
    const struct goods_index cancelled = items_by_product(gone, c->line_count, a);

    if (gone != NULL) {
        left.items = arena_array(a, gone->item_count, sizeof *left.items);
        memcpy(left.items, gone->items, gone->item_count * sizeof *left.items);
    }
    for (size_t i = 0; i < c->line_count; i++) {
        struct cart_line line = c->lines[i];
        const int64_t milli = cancelled_of(&line, &cancelled, gone == NULL ? NULL : &left);
        const struct order_seen *since = bought_since(s, &bought, &line, order);
        by = since != NULL ? since : by;
        whole = whole && milli == line.quantity_milli && since == NULL;
        if (milli > 0 && since == NULL) {
            line.quantity_milli = milli;
            lines[count++] = line;
        }
    }
    if (count > 0) {
        c->lines = lines;
        c->line_count = count;
        c->adjustment_count = whole ? c->adjustment_count : 0; /* they were of all lines */
        cart_reopen(c, e);
    } else if (by != NULL) {
        hand_over(c, by);
    }
}

/* ---- the memory ---- */

/* Another order bought it at the time, too. */
static bool stands_otherwise(const struct shopper *s, const struct order_seen *order,
                             const char *product, int64_t at_us)
{
    for (size_t i = 0; i < s->bought_count; i++) {
        const struct bought_line *line = &s->bought[i];
        if (line->order == order->number || strcmp(line->product_id, product) != 0) {
            continue;
        }
        for (size_t n = 0; n < s->order_count; n++) {
            const struct order_seen *other = &s->orders[n];
            if (other->number == line->order && at_us >= other->first_us && at_us <= other->at_us) {
                return true;
            }
        }
    }
    return false;
}

static void forget_product(struct shopper *s, const struct order_seen *order, const char *product)
{
    for (size_t i = s->purchase_count; i > 0; i--) {
        const struct purchase p = s->purchases[i - 1];
        if (p.at_us >= order->first_us && p.at_us <= order->at_us &&
            strcmp(p.product_id, product) == 0 && !stands_otherwise(s, order, product, p.at_us)) {
            purchases_forget(s, i - 1);
        }
    }
}

static bool has_still(const struct shopper *s, const struct order_seen *order, const char *product)
{
    bool found = false;

    for (size_t i = 0; i < s->bought_count && !found; i++) {
        found =
            s->bought[i].order == order->number && strcmp(s->bought[i].product_id, product) == 0;
    }
    return found;
}

static void forget_purchases(struct shopper *s, const struct order_seen *order,
                             const struct event *gone)
{
    for (size_t i = 0; gone == NULL && i < s->bought_count; i++) {
        if (s->bought[i].order == order->number) {
            forget_product(s, order, s->bought[i].product_id);
        }
    }
    for (size_t i = 0; gone != NULL && i < gone->item_count; i++) {
        if (!has_still(s, order, gone->items[i].product_id)) {
            forget_product(s, order, gone->items[i].product_id);
        }
    }
}

/* ---- undoing ---- */

static void take_from_sums(struct shopper *s, int64_t units, int64_t spent_minor)
{
    s->units_bought = less(s->units_bought, units);
    s->spent_minor = less(s->spent_minor, spent_minor);
}

static void undo_whole(struct shopper *s, size_t index)
{
    take_from_sums(s, s->orders[index].units, s->orders[index].spent_minor);
    s->orders_total = less(s->orders_total, 1);
    forget_purchases(s, &s->orders[index], NULL);
    /* Forgotten, so that the same order told again after the second try of the payment is an order. */
    orders_drop(s, index);
    s->last_order_us = 0;
    for (size_t i = 0; i < s->order_count; i++) {
        const int64_t at_us = s->orders[i].at_us;
        s->last_order_us = at_us > s->last_order_us ? at_us : s->last_order_us;
    }
}

static void undo_part(struct shopper *s, size_t index, const struct event *gone)
{
    struct order_seen *order = &s->orders[index];
    const int64_t units = orders_units(gone->items, gone->item_count);
    const int64_t spent = less(orders_sum(gone->items, gone->item_count),
                               orders_sum(gone->adjustments, gone->adjustment_count));

    /* No more than the order had: a cancellation may tell other prices. */
    take_from_sums(s, units < order->units ? units : order->units,
                   spent < order->spent_minor ? spent : order->spent_minor);
    order->units = less(order->units, units);
    order->spent_minor = less(order->spent_minor, spent);
    forget_purchases(s, order, gone);
}

void orders_cancel(struct shopper *s, const struct event *e, struct arena *a)
{
    const size_t index = order_meant(s, e);

    if (index == s->order_count) {
        return;
    }
    const struct order_seen order = s->orders[index];
    const bool in_time = e->occurred_us - order.at_us < shopper_rules_of(s).undo_us;
    /* A payment is one thing, whatever items its failure tells of. */
    const bool by_items =
        e->type == EVENT_ORDER_CANCELLED && (e->item_count > 0 || e->adjustment_count > 0);
    struct event gone = *e;
    bool left = false;

    if (e->type == EVENT_PAYMENT_FAILED && !in_time) {
        return; /* an instalment of what was delivered long since */
    }
    if (by_items) {
        gone = bought_give_up(s, &order, e, &left, a);
        if (gone.item_count == 0) {
            return;
        }
    }
    if (left) {
        undo_part(s, index, &gone);
    } else {
        undo_whole(s, index);
    }
    for (size_t i = 0; i < s->cart_count && in_time; i++) {
        if (closed_by(&s->carts[i], &order)) {
            give_back(s, &s->carts[i], &order, e, by_items ? &gone : NULL, a);
        }
    }
}
