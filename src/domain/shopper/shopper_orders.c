/* Orders: which rows are one, what they close, and what comes after them. */
#include "domain/shopper/shopper_orders.h"

#include "domain/shop/money.h"
#include "domain/shop/quantity.h"
#include "domain/shopper/cart.h"
#include "domain/shopper/shopper_carts.h"
#include "domain/shopper/shopper_purchases.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Sums stay in a range in which differences of any two cannot overflow. */
static int64_t plus(int64_t sum, int64_t more)
{
    const int64_t limit = INT64_MAX / 2;

    return more > limit - sum ? limit : sum + more;
}

static int64_t less(int64_t sum, int64_t part)
{
    return part > sum ? 0 : sum - part;
}

static int64_t larger(int64_t x, int64_t y)
{
    return x > y ? x : y;
}

/* ---- which rows are one order ---- */

static bool same_order(const struct order_seen *order, const struct event *e)
{
    /* A row with an id and one without are never the same order: a shop names its orders or it does not. */
    if (order->order_id != NULL || e->order_id != NULL) {
        return order->order_id != NULL && e->order_id != NULL &&
               strcmp(order->order_id, e->order_id) == 0;
    }
    return llabs(e->occurred_us - order->at_us) <= ORDER_WINDOW_US;
}

/* order_count where there is none. */
static size_t order_index(const struct shopper *s, const struct event *e)
{
    size_t i = 0;

    while (i < s->order_count && !same_order(&s->orders[i], e)) {
        i++;
    }
    return i;
}

bool orders_know(const struct shopper *s, const struct event *e)
{
    return order_index(s, e) < s->order_count;
}

static void drop_order(struct shopper *s, size_t index)
{
    s->order_count--;
    memmove(&s->orders[index], &s->orders[index + 1],
            (s->order_count - index) * sizeof s->orders[0]);
}

/* The order of a row, put last as the one seen last; *out_first: this is its first row. NULL: the row repeats an order that
 * was told long since (a thank-you page that was opened again), and says nothing. */
static struct order_seen *note_order(struct shopper *s, const struct event *e, struct arena *a,
                                     bool *out_first)
{
    size_t index = order_index(s, e);
    struct order_seen order = {.first_us = e->occurred_us};

    *out_first = index == s->order_count;
    if (*out_first) {
        order.order_id = e->order_id == NULL ? NULL : arena_strdup(a, e->order_id);
    } else if (llabs(e->occurred_us - s->orders[index].at_us) > ORDER_WINDOW_US) {
        return NULL;
    } else {
        order = s->orders[index];
    }
    order.at_us = e->occurred_us;
    /* The list is in the order in which orders were seen last, so the first one is the longest unseen. */
    if (!*out_first || s->order_count == ORDERS_MAX) {
        drop_order(s, *out_first ? 0 : index);
    }
    s->orders[s->order_count++] = order;
    return &s->orders[s->order_count - 1];
}

/* ---- what it cost ---- */

/* Of those whose price is known. */
static int64_t sum_of(const struct event_item *items, size_t count)
{
    int64_t sum = 0;
    int64_t amount;

    for (size_t i = 0; i < count; i++) {
        if (items[i].price_minor != MONEY_UNKNOWN &&
            money_of_quantity(items[i].price_minor, items[i].quantity_milli, &amount)) {
            sum = plus(sum, amount);
        }
    }
    return sum;
}

static void spend(struct shopper *s, struct order_seen *order, const struct event *e,
                  bool first_row)
{
    int64_t units = 0;
    int64_t paid =
        larger(sum_of(e->items, e->item_count) - sum_of(e->adjustments, e->adjustment_count), 0);

    for (size_t i = 0; i < e->item_count; i++) {
        units = plus(units, quantity_units(e->items[i].quantity_milli));
    }
    if (e->amount_minor != MONEY_UNKNOWN) {
        /* total_minor stands for the whole order on each of its rows. */
        paid = first_row ? e->amount_minor : 0;
    }
    s->units_bought = plus(s->units_bought, units);
    s->spent_minor = plus(s->spent_minor, paid);
    order->units = plus(order->units, units);
    order->spent_minor = plus(order->spent_minor, paid);
}

/* ---- what was bought just now ---- */

static bool same_goods(const char *product, const char *variant, const struct bought_line *bought)
{
    /* A hook may tell less of a line than the order did, or more. */
    return strcmp(product, bought->product_id) == 0 &&
           (variant == NULL || bought->variant_id == NULL ||
            strcmp(variant, bought->variant_id) == 0);
}

static void remember(struct shopper *s, const char *product, const char *variant, int64_t milli,
                     struct arena *a)
{
    for (size_t i = 0; i < s->bought_count; i++) {
        /* The larger: the order and the cart that it closed tell the same goods. */
        if (same_goods(product, variant, &s->bought[i])) {
            s->bought[i].quantity_milli = larger(s->bought[i].quantity_milli, milli);
            return;
        }
    }
    if (s->bought_count == CART_LINES_MAX) {
        return;
    }
    if (s->bought == NULL || s->bought_count == cart_lines_capacity(s->bought_count)) {
        struct bought_line *grown =
            arena_array(a, cart_lines_capacity(s->bought_count + 1), sizeof *grown);
        if (s->bought != NULL) {
            memcpy(grown, s->bought, s->bought_count * sizeof *grown);
        }
        s->bought = grown;
    }
    s->bought[s->bought_count++] =
        (struct bought_line){.product_id = arena_strdup(a, product),
                             .variant_id = variant == NULL ? NULL : arena_strdup(a, variant),
                             .quantity_milli = milli};
}

static bool is_recent(const struct shopper *s, const struct event *e)
{
    int64_t since_us = e->occurred_us - s->bought_us;

    return s->bought_us != 0 && since_us >= 0 && since_us <= shopper_rules_of(s).echo_us;
}

/* A row's items. What an earlier order bought is forgotten once it can have no echo any more. */
static void remember_items(struct shopper *s, const struct event *e, struct arena *a)
{
    if (!is_recent(s, e)) {
        s->bought = NULL;
        s->bought_count = 0;
    }
    s->bought_us = larger(s->bought_us, e->occurred_us);
    for (size_t i = 0; i < e->item_count; i++) {
        remember(s, e->items[i].product_id, e->items[i].variant_id, e->items[i].quantity_milli, a);
        purchases_note(s, e->items[i].product_id, e->occurred_us, a);
    }
}

static void remember_cart(struct shopper *s, const struct cart *c, const struct event *e,
                          struct arena *a)
{
    for (size_t i = 0; i < c->line_count; i++) {
        remember(s, c->lines[i].product_id, c->lines[i].variant_id, c->lines[i].quantity_milli, a);
        if (e->item_count == 0) { /* else the order itself says what was bought */
            purchases_note(s, c->lines[i].product_id, e->occurred_us, a);
        }
    }
}

static bool was_bought(const struct shopper *s, const struct event_item *item)
{
    for (size_t i = 0; i < s->bought_count; i++) {
        if (same_goods(item->product_id, item->variant_id, &s->bought[i]) &&
            item->quantity_milli <= s->bought[i].quantity_milli) {
            return true;
        }
    }
    return false;
}

struct event orders_without_echo(const struct shopper *s, const struct cart *open,
                                 const struct event *e, struct arena *a)
{
    struct event left = *e;

    if (!is_recent(s, e)) {
        return left;
    }
    /* Where an order closes its cart, an open one is of after it, and means what it says. Where an order takes its own lines,
     * the cart is open still, and an old snapshot would bring them back. */
    bool keeps_rest = open != NULL && shopper_rules_of(s).closes_lines;
    if (open != NULL && !keeps_rest) {
        return left;
    }
    left.items = arena_array(a, e->item_count, sizeof *left.items);
    left.item_count = 0;
    for (size_t i = 0; i < e->item_count; i++) {
        if (!was_bought(s, &e->items[i]) ||
            (keeps_rest && cart_has(open, e->items[i].product_id))) {
            left.items[left.item_count++] = e->items[i];
        }
    }
    /* One product that was not bought, and a new round has begun: with all its lines. */
    return left.item_count > 0 && !keeps_rest ? *e : left;
}

/* ---- buying ---- */

/* The first row of an order closes the cart it names, else all. */
static void close_carts(struct shopper *s, const struct event *e, struct arena *a)
{
    const struct cart *named = e->cart_id == NULL ? NULL : carts_find(s, e->cart_id);
    bool by_lines = shopper_rules_of(s).closes_lines && e->item_count > 0;

    for (size_t i = 0; i < s->cart_count; i++) {
        struct cart *c = &s->carts[i];
        if (c->status != CART_OPEN || (named != NULL && named != c)) {
            continue;
        }
        if (by_lines && cart_buy_lines(c, e, a)) {
            continue;
        }
        if (c->status == CART_OPEN) {
            cart_close(c, CART_BOUGHT, e);
        }
        c->order_id = e->order_id == NULL ? NULL : arena_strdup(a, e->order_id);
        remember_cart(s, c, e, a);
    }
}

void orders_buy(struct shopper *s, const struct event *e, struct arena *a)
{
    bool first_row;
    struct order_seen *order = note_order(s, e, a, &first_row);

    if (order == NULL) {
        return;
    }
    spend(s, order, e, first_row);
    remember_items(s, e, a);
    if (!first_row) {
        return; /* a cart filled between two rows of one order is a new one, and stays open */
    }
    s->last_order_us = larger(s->last_order_us, e->occurred_us);
    s->orders_total++;
    close_carts(s, e, a);
}

/* ---- cancelling ---- */

/* By the ids the event has; order_count where it means none that was told. */
static size_t order_meant(const struct shopper *s, const struct event *e, const struct cart *named)
{
    size_t i = s->order_count;

    if (e->order_id != NULL) {
        for (i = 0; i < s->order_count; i++) {
            const char *id = s->orders[i].order_id;
            if (id != NULL && strcmp(id, e->order_id) == 0) {
                break;
            }
        }
        return i;
    }
    /* A cart's id is used again and again: long after the order, a payment that fails is of what lies in it now. */
    if (named != NULL && e->type == EVENT_PAYMENT_FAILED &&
        e->occurred_us - named->closed_us > shopper_rules_of(s).echo_us) {
        return i;
    }
    if (named != NULL) {
        for (i = 0; i < s->order_count && s->orders[i].first_us != named->closed_us; i++) {
        }
        return i;
    }
    /* a payment that fails before any order is told is an ordinary step of a checkout */
    return e->type == EVENT_ORDER_CANCELLED && s->order_count > 0 ? s->order_count - 1
                                                                  : s->order_count;
}

static bool closed_by(const struct cart *c, const struct order_seen *order)
{
    if (c->status != CART_BOUGHT) {
        return false;
    }
    if (c->order_id != NULL || order->order_id != NULL) {
        return c->order_id != NULL && order->order_id != NULL &&
               strcmp(c->order_id, order->order_id) == 0;
    }
    return c->closed_us == order->first_us;
}

void orders_cancel(struct shopper *s, const struct event *e)
{
    const struct cart *named = e->cart_id == NULL ? NULL : carts_find(s, e->cart_id);
    if (named != NULL && named->status != CART_BOUGHT) {
        named = NULL;
    }
    size_t index = order_meant(s, e, named);

    if (index == s->order_count) {
        return;
    }
    const struct order_seen order = s->orders[index];
    for (size_t i = 0; i < s->cart_count; i++) {
        if (closed_by(&s->carts[i], &order)) {
            cart_reopen(&s->carts[i], e);
        }
    }
    /* what was stored by an older version has only its last row's time */
    purchases_forget(s, order.first_us != 0 ? order.first_us : order.at_us, order.at_us);
    drop_order(s, index);
    s->orders_total = less(s->orders_total, 1);
    s->units_bought = less(s->units_bought, order.units);
    s->spent_minor = less(s->spent_minor, order.spent_minor);
    /* Forgotten, so that the same order told again after the second try of the payment is an order. */
    s->bought = NULL;
    s->bought_count = 0;
    s->bought_us = 0;
    s->last_order_us = 0;
    for (size_t i = 0; i < s->order_count; i++) {
        /* what was stored by an older version has only its last row's time */
        int64_t at_us = s->orders[i].first_us != 0 ? s->orders[i].first_us : s->orders[i].at_us;
        s->last_order_us = larger(s->last_order_us, at_us);
    }
}
