/* Orders: what they close, and what only echoes them. Which rows are one: shopper_rows.c; what undoes them: shopper_cancel.c. */
#include "domain/shopper/shopper_orders.h"

#include "base/cleanup.h"
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"
#include "domain/shopper/cart.h"
#include "domain/shopper/shopper_bought.h"
#include "domain/shopper/shopper_carts.h"
#include "domain/shopper/shopper_purchases.h"
#include "domain/shopper/shopper_rows.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)

/* Sums stay in a range in which differences of any two cannot overflow. */
static int64_t plus(int64_t sum, int64_t more)
{
    const int64_t limit = INT64_MAX / 2;

    return more > limit - sum ? limit : sum + more;
}

static int64_t larger(int64_t x, int64_t y)
{
    return x > y ? x : y;
}

/* ---- rows ---- */

bool orders_know(const struct shopper *s, const struct event *e)
{
    return rows_order_of(s, e) < s->order_count;
}

static void take_out(struct shopper *s, size_t index)
{
    s->order_count--;
    memmove(&s->orders[index], &s->orders[index + 1],
            (s->order_count - index) * sizeof s->orders[0]);
}

void orders_drop(struct shopper *s, size_t index)
{
    bought_forget(s, &s->orders[index]);
    take_out(s, index);
}

/* A row, and what it means. */
struct row {
    struct order_seen *order;
    struct event news; /* with the goods that the order did not have before */
    bool first;        /* of its order */
    bool again;        /* it repeats the order */
    bool fresh;        /* so, or elsewhere: it has goods that the order did not have */
    bool elsewhere;    /* it names an open cart that the order had not named */
};

static struct row first_row(struct shopper *s, const struct event *e, struct arena *a)
{
    int64_t number = 0;

    bought_forget_old(s, e->occurred_us);
    /* The list is in the order in which orders were seen last, so the first one is the longest unseen. */
    if (s->order_count == ORDERS_MAX) {
        orders_drop(s, 0);
    }
    for (size_t i = 0; i < s->order_count; i++) {
        number = larger(number, s->orders[i].number);
    }
    s->orders[s->order_count++] =
        (struct order_seen){.order_id = e->order_id == NULL ? NULL : arena_strdup(a, e->order_id),
                            .number = number + 1,
                            .first_us = e->occurred_us};
    return (struct row){.order = &s->orders[s->order_count - 1], .news = *e, .first = true};
}

static struct row later_row(struct shopper *s, size_t index, const struct event *e, struct arena *a)
{
    const struct order_seen order = s->orders[index];
    const struct cart *named = e->cart_id == NULL ? NULL : carts_find(s, e->cart_id);
    struct row r = {.news = *e, .again = e->occurred_us - order.at_us > ORDER_WINDOW_US};

    r.elsewhere = named != NULL && named->status == CART_OPEN && !rows_same_cart(&order, e);
    if (r.again || r.elsewhere) {
        const struct event news = bought_news(s, &order, e, a);
        r.fresh = news.item_count > 0;
        r.news = r.again ? news : r.news;
    }
    if (r.again && !r.fresh && !r.elsewhere && !e->lines_left_out) {
        return r; /* a thank-you page that was opened again: it says nothing */
    }
    take_out(s, index);
    s->orders[s->order_count++] = order;
    r.order = &s->orders[s->order_count - 1];
    return r;
}

/* Without an order: the row says nothing. Else the order stands last, as the one seen last. */
static struct row row_of(struct shopper *s, const struct event *e, struct arena *a)
{
    const size_t index = rows_order_of(s, e);

    return index == s->order_count ? first_row(s, e, a) : later_row(s, index, e, a);
}

/* ---- what it cost ---- */

int64_t orders_sum(const struct event_item *items, size_t count)
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

int64_t orders_units(const struct event_item *items, size_t count)
{
    int64_t units = 0;

    for (size_t i = 0; i < count; i++) {
        units = plus(units, quantity_units(items[i].quantity_milli));
    }
    return units;
}

static void spend(struct shopper *s, const struct row *r)
{
    const struct event *e = &r->news;
    int64_t units = orders_units(e->items, e->item_count);
    int64_t paid = larger(
        orders_sum(e->items, e->item_count) - orders_sum(e->adjustments, e->adjustment_count), 0);

    if (e->amount_minor != MONEY_UNKNOWN) {
        /* total_minor stands for the whole order on each of its rows; of one that was edited it is the new one. */
        paid = r->first   ? e->amount_minor
               : r->again ? larger(e->amount_minor - r->order->spent_minor, 0)
                          : 0;
    }
    s->units_bought = plus(s->units_bought, units);
    s->spent_minor = plus(s->spent_minor, paid);
    r->order->units = plus(r->order->units, units);
    r->order->spent_minor = plus(r->order->spent_minor, paid);
}

/* ---- echoes ---- */

/* Every item was bought within so long before. */
static bool was_all_bought(const struct shopper *s, const struct event *e, int64_t within_us)
{
    CLEANUP(arena_free) struct arena scratch = {0};
    const struct goods_index by_product = bought_index(s, e->item_count, &scratch);
    bool all = true;

    for (size_t i = 0; i < e->item_count && all; i++) {
        all = bought_lately(s, &by_product, &e->items[i], e->occurred_us, within_us);
    }
    return all;
}

/* Shops tell what is in a cart by the hour, of one that was ordered, too. */
static bool is_synchronized(const struct shopper *s, const struct cart *c, const struct event *e)
{
    return c != NULL && e->cart_id != NULL && e->type == EVENT_CART_SNAPSHOT &&
           c->status == CART_BOUGHT && e->occurred_us - c->closed_us <= CART_SYNC_US &&
           was_all_bought(s, e, CART_SYNC_US);
}

/* What is left of a snapshot of a cart out of which orders take their lines. */
static struct event without_bought(const struct shopper *s, const struct cart *open,
                                   const struct event *e, struct arena *a)
{
    const struct goods_index by_product = bought_index(s, e->item_count, a);
    struct event left = *e;

    left.items = arena_array(a, e->item_count, sizeof *left.items);
    left.item_count = 0;
    for (size_t i = 0; i < e->item_count; i++) {
        const struct event_item *item = &e->items[i];
        if (cart_has(open, item->product_id) ||
            !bought_lately(s, &by_product, item, e->occurred_us, shopper_rules_of(s).echo_us)) {
            left.items[left.item_count++] = *item;
        }
    }
    return left;
}

struct event orders_without_echo(const struct shopper *s, const struct cart *c,
                                 const struct event *e, struct arena *a)
{
    const bool open = c != NULL && c->status == CART_OPEN;
    struct event left = *e;

    /* Where an order closes its cart, an open one is of after it, and means what it says. Where an order takes its own lines,
     * the cart is open still, and an old snapshot would bring them back. */
    if (open) {
        return shopper_rules_of(s).closes_lines ? without_bought(s, c, e, a) : left;
    }
    /* One product that was not bought, and a new round has begun: with all its lines. */
    if (is_synchronized(s, c, e) || was_all_bought(s, e, shopper_rules_of(s).echo_us)) {
        left.item_count = 0;
    }
    return left;
}

/* All of it was bought by the order, and lay in no cart then. */
static bool tells_beforehand(const struct shopper *s, const struct order_seen *order,
                             const struct event *e)
{
    bool all = order->cart_id != NULL && strcmp(order->cart_id, e->cart_id) == 0 &&
               e->occurred_us - order->at_us <= ORDER_AHEAD_US;

    for (size_t i = 0; i < e->item_count && all; i++) {
        all = bought_unseen(s, order, &e->items[i]);
    }
    return all;
}

bool orders_foretold(const struct shopper *s, const struct event *e)
{
    const struct cart *c = e->cart_id == NULL ? NULL : shopper_cart(s, e->cart_id);
    bool found = false;

    if (e->cart_id == NULL || e->item_count == 0 || (c != NULL && c->status == CART_OPEN)) {
        return false;
    }
    for (size_t i = 0; i < s->order_count && !found; i++) {
        found = tells_beforehand(s, &s->orders[i], e);
    }
    return found;
}

/* ---- dated by the day ---- */

/* At the end of its day; or where a day begins in the shop's zone, told in another one's time, which
 * is then the end of a second. */
static bool is_of_a_day(const struct order_seen *order)
{
    const int64_t second_us = order->at_us + 1 - SECOND_US;

    return (order->at_us + 1) % DAY_ENDS_US == 0 || second_us % DAY_ENDS_US == 0;
}

int64_t orders_until_us(const struct order_seen *order)
{
    return order->at_us + (is_of_a_day(order) ? ORDER_AHEAD_US : 0);
}

/* It is of the cart that it names, and one without a cart of whichever has its goods. */
static bool may_be_of(const struct order_seen *order, const struct event *e)
{
    return is_of_a_day(order) && e->occurred_us <= orders_until_us(order) &&
           (order->cart_id == NULL ? order->order_id != NULL
                                   : e->cart_id != NULL && strcmp(order->cart_id, e->cart_id) == 0);
}

struct order_seen *orders_dated_before(struct shopper *s, const struct event *e)
{
    for (size_t i = s->order_count; i > 0 && !shopper_rules_of(s).closes_lines; i--) {
        struct order_seen *order = &s->orders[i - 1];
        for (size_t n = 0; n < e->item_count && may_be_of(order, e); n++) {
            if (bought_unseen(s, order, &e->items[n])) {
                return order;
            }
        }
    }
    return NULL;
}

static bool has_taken(const struct order_seen *order, const struct cart *c)
{
    return c->status == CART_BOUGHT && c->order_id != NULL && order->order_id != NULL &&
           strcmp(c->order_id, order->order_id) == 0 && c->closed_us > order->at_us;
}

bool orders_have_taken(const struct shopper *s, const struct event *e)
{
    bool taken = false;

    for (size_t i = 0; i < s->order_count; i++) {
        for (size_t n = 0; n < s->cart_count && may_be_of(&s->orders[i], e) && !taken; n++) {
            const struct cart *c = &s->carts[n];
            taken = (e->cart_id == NULL || strcmp(c->id, e->cart_id) == 0) &&
                    has_taken(&s->orders[i], c);
        }
    }
    return taken;
}

void orders_take_cart(struct shopper *s, const struct order_seen *order, struct cart *c,
                      const struct event *e, struct arena *a)
{
    cart_close(c, CART_BOUGHT, e);
    c->order_id = order->order_id == NULL ? NULL : arena_strdup(a, order->order_id);
    bought_note_cart(s, order, c, a);
}

/* ---- buying ---- */

static void mark_bought(struct cart *c, const struct event *e, struct arena *a)
{
    if (c->status == CART_OPEN) {
        cart_close(c, CART_BOUGHT, e);
    }
    c->order_id = e->order_id == NULL ? NULL : arena_strdup(a, e->order_id);
}

/* The order has all that lies in the cart, whatever it tells. */
static void buy_cart(struct shopper *s, struct cart *c, const struct row *r, const struct event *e,
                     struct arena *a)
{
    mark_bought(c, e, a);
    bought_note_cart(s, r->order, c, a);
    for (size_t i = 0; e->item_count == 0 && i < c->line_count; i++) {
        purchases_note(s, c->lines[i].product_id, e->occurred_us, a);
    }
}

bool orders_take_lines(struct shopper_rules rules, const struct event *e)
{
    return rules.closes_lines && e->item_count > 0 && !e->lines_left_out;
}

/* The first row of an order closes the cart it names, else all. */
static void close_carts(struct shopper *s, const struct row *r, const struct event *e,
                        const struct cart *named, struct arena *a)
{
    const bool by_lines = orders_take_lines(shopper_rules_of(s), e);

    for (size_t i = 0; i < s->cart_count; i++) {
        struct cart *c = &s->carts[i];
        if (c->status != CART_OPEN || (named != NULL && named != c)) {
            continue;
        }
        if (by_lines && cart_buy_lines(c, e, a)) {
            c->left_us = e->occurred_us;
        } else {
            buy_cart(s, c, r, e, a);
        }
    }
    /* A checkout often has an id of its own beside the cart's, and both tell the same lines. */
    for (size_t i = 0; i < s->cart_count; i++) {
        if (s->carts[i].status == CART_OPEN && named != NULL && &s->carts[i] != named &&
            bought_covers(s, r->order, &s->carts[i])) {
            mark_bought(&s->carts[i], e, a);
        }
    }
}

/* Nobody is spoken to about it: an order came since it changed, and left nothing of it over (rule_buyer). */
static bool is_settled(const struct shopper *s, const struct cart *c)
{
    return s->last_order_us >= c->changed_us && s->last_order_us > c->left_us;
}

/* The cart is the order's with all that lies there. A page that is opened again may name no goods, and the cart of today: of the order is only
 * one that it told of before. What could not be read of a row may be anything. */
static bool takes_whole(const struct shopper *s, const struct row *r, const struct event *e,
                        const struct cart *c, const struct cart *named)
{
    if (e->lines_left_out) {
        return named == NULL || c == named;
    }
    return r->elsewhere && c == named && r->order->cart_id != NULL &&
           (e->item_count == 0 || (r->fresh && !orders_take_lines(shopper_rules_of(s), e)));
}

/* A later row takes its goods, wherever they lie; what was put into a cart meanwhile stays, and is spoken about. */
static void take_lines(struct shopper *s, const struct row *r, const struct event *e,
                       const struct cart *named, struct arena *a)
{
    for (size_t i = 0; i < s->cart_count; i++) {
        struct cart *c = &s->carts[i];
        if (c->status != CART_OPEN) {
            continue;
        }
        const struct event *goods = r->elsewhere && c == named ? e : &r->news;
        const bool settled = is_settled(s, c);
        if (takes_whole(s, r, e, c, named) ||
            (goods->item_count > 0 && !cart_buy_lines(c, goods, a))) {
            buy_cart(s, c, r, e, a);
        } else if (!settled) {
            c->left_us = e->occurred_us;
        }
    }
}

void orders_buy(struct shopper *s, const struct event *e, struct arena *a)
{
    const struct cart *named = e->cart_id == NULL ? NULL : carts_find(s, e->cart_id);
    const struct row r = row_of(s, e, a);

    if (r.order == NULL) {
        return;
    }
    r.order->at_us = e->occurred_us;
    spend(s, &r);
    bought_note_items(s, r.order, &r.news, a);
    for (size_t i = 0; i < r.news.item_count; i++) {
        purchases_note(s, r.news.items[i].product_id, e->occurred_us, a);
    }
    if (r.first) {
        s->orders_total++;
        close_carts(s, &r, e, named, a);
    } else {
        take_lines(s, &r, e, named, a);
    }
    s->last_order_us = larger(s->last_order_us, e->occurred_us);
    if (e->cart_id != NULL) {
        r.order->cart_id = arena_strdup(a, e->cart_id);
    }
}
