/* The goods of each order. Which rows are an order, and what it does to the carts, is decided by
 * shopper_orders.c. */
#include "domain/shopper/shopper_bought.h"

#include "base/cleanup.h"
#include "domain/shopper/cart.h"

#include <string.h>

static int64_t larger(int64_t x, int64_t y)
{
    return x > y ? x : y;
}

bool bought_same_goods(const char *product, const char *variant, const char *other_product,
                       const char *other_variant)
{
    return strcmp(product, other_product) == 0 &&
           (variant == NULL || other_variant == NULL || strcmp(variant, other_variant) == 0);
}

static bool is_of(const struct bought_line *line, const struct order_seen *order)
{
    return line->order == order->number;
}

static bool is_item(const struct bought_line *line, const struct event_item *item)
{
    return bought_same_goods(item->product_id, item->variant_id, line->product_id,
                             line->variant_id);
}

/* The lines of all orders, and room for so many more. */
static struct goods_index lines_by_product(const struct shopper *s, size_t more, size_t questions,
                                           struct arena *a)
{
    struct goods_index x = goods_index_make(s->bought_count + more, questions, a);

    for (size_t i = 0; i < s->bought_count; i++) {
        goods_index_add(&x, s->bought[i].product_id);
    }
    return x;
}

/* ---- remembering ---- */

/* Many lines at a time: the oldest orders' are taken out together at the end, they lie in the order in which they were told. */
struct noting {
    struct shopper *s;
    const struct order_seen *order;
    struct arena *arena;
    struct goods_index by_product;
    size_t dropped; /* so many from the first on are out */
};

static struct noting note_begin(struct shopper *s, const struct order_seen *order, size_t most,
                                struct arena *a)
{
    const size_t wanted = s->bought_count + most;

    if (s->bought == NULL || cart_lines_capacity(s->bought_count) < wanted) {
        struct bought_line *grown = arena_array(a, cart_lines_capacity(wanted), sizeof *grown);
        if (s->bought != NULL) {
            memcpy(grown, s->bought, s->bought_count * sizeof *grown);
        }
        s->bought = grown;
    }
    return (struct noting){
        .s = s, .order = order, .arena = a, .by_product = lines_by_product(s, most, most, a)};
}

static void note_end(const struct noting *n)
{
    struct shopper *s = n->s;

    s->bought_count -= n->dropped;
    if (n->dropped > 0) {
        memmove(s->bought, &s->bought[n->dropped], s->bought_count * sizeof *s->bought);
    }
}

static struct bought_line *append(struct noting *n, const char *product, const char *variant)
{
    struct shopper *s = n->s;
    struct bought_line *line = &s->bought[s->bought_count++];

    *line =
        (struct bought_line){.product_id = arena_strdup(n->arena, product),
                             .variant_id = variant == NULL ? NULL : arena_strdup(n->arena, variant),
                             .order = n->order->number};
    goods_index_add(&n->by_product, product);
    n->dropped += s->bought_count - n->dropped > CART_LINES_MAX ? 1 : 0;
    return line;
}

static struct bought_line *line_for(struct noting *n, const char *product, const char *variant)
{
    for (int32_t i = goods_index_first(&n->by_product, product); i >= 0;
         i = goods_index_next(&n->by_product, i)) {
        struct bought_line *line = &n->s->bought[i];
        if ((size_t)i >= n->dropped && is_of(line, n->order) &&
            bought_same_goods(product, variant, line->product_id, line->variant_id)) {
            return line;
        }
    }
    return append(n, product, variant);
}

static void tell_more(struct bought_line *line, int64_t milli)
{
    int64_t told = line->quantity_milli + milli;

    line->quantity_milli = told > CART_QUANTITY_MAX ? CART_QUANTITY_MAX : told;
}

void bought_note_items(struct shopper *s, const struct order_seen *order, const struct event *row,
                       struct arena *a)
{
    struct noting n = note_begin(s, order, row->item_count, a);

    for (size_t i = 0; i < row->item_count; i++) {
        const struct event_item *item = &row->items[i];
        tell_more(line_for(&n, item->product_id, item->variant_id), item->quantity_milli);
    }
    note_end(&n);
}

void bought_note_cart(struct shopper *s, const struct order_seen *order, const struct cart *c,
                      struct arena *a)
{
    struct noting n = note_begin(s, order, c->line_count, a);

    for (size_t i = 0; i < c->line_count; i++) {
        const struct cart_line *of = &c->lines[i];
        struct bought_line *line = line_for(&n, of->product_id, of->variant_id);
        line->cart_milli = larger(line->cart_milli, of->quantity_milli);
    }
    note_end(&n);
}

void bought_forget(struct shopper *s, const struct order_seen *order)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->bought_count; i++) {
        if (!is_of(&s->bought[i], order)) {
            s->bought[kept++] = s->bought[i];
        }
    }
    s->bought_count = kept;
}

void bought_forget_old(struct shopper *s, int64_t now_us)
{
    for (size_t i = 0; i < s->order_count; i++) {
        if (now_us - s->orders[i].at_us > ORDER_LINES_AGE_US) {
            bought_forget(s, &s->orders[i]);
        }
    }
}

/* ---- asking ---- */

bool bought_unseen(const struct shopper *s, const struct order_seen *order,
                   const struct event_item *item)
{
    bool found = false;

    for (size_t i = 0; i < s->bought_count && !found; i++) {
        const struct bought_line *line = &s->bought[i];
        found = is_of(line, order) && is_item(line, item) && line->cart_milli == 0 &&
                line->quantity_milli >= item->quantity_milli;
    }
    return found;
}

static bool is_remembered(const struct shopper *s, const struct order_seen *order)
{
    bool found = false;

    for (size_t i = 0; i < s->bought_count && !found; i++) {
        found = is_of(&s->bought[i], order);
    }
    return found;
}

/* Of an order so old that its lines are forgotten, the memory of purchases knows the products. */
static bool is_in_memory(const struct shopper *s, const struct order_seen *order,
                         const char *product)
{
    bool found = false;

    for (size_t i = 0; i < s->purchase_count && !found; i++) {
        const struct purchase *p = &s->purchases[i];
        found = p->at_us >= order->first_us && p->at_us <= order->at_us &&
                strcmp(p->product_id, product) == 0;
    }
    return found;
}

/* Takes the item from what is left of the order's lines. Returns how much of it was not there. */
static int64_t take(const struct shopper *s, const struct goods_index *by_product,
                    const struct order_seen *order, const struct event_item *item, int64_t *left)
{
    int64_t wanted = item->quantity_milli;

    for (int32_t i = goods_index_first(by_product, item->product_id); i >= 0 && wanted > 0;
         i = goods_index_next(by_product, i)) {
        if (is_of(&s->bought[i], order) && is_item(&s->bought[i], item)) {
            int64_t taken = left[i] < wanted ? left[i] : wanted;
            wanted -= taken;
            left[i] -= taken;
        }
    }
    return wanted;
}

/* By line. Of an order whose rows named nothing, what lay in the carts that it closed. */
static int64_t *told_of(const struct shopper *s, const struct order_seen *order, struct arena *a)
{
    int64_t *told = arena_array(a, s->bought_count, sizeof *told);
    bool any = false;

    for (size_t i = 0; i < s->bought_count; i++) {
        any = any || (is_of(&s->bought[i], order) && s->bought[i].quantity_milli > 0);
    }
    for (size_t i = 0; i < s->bought_count; i++) {
        told[i] = any ? s->bought[i].quantity_milli : s->bought[i].cart_milli;
    }
    return told;
}

struct event bought_news(const struct shopper *s, const struct order_seen *order,
                         const struct event *row, struct arena *a)
{
    const bool remembered = is_remembered(s, order);
    const struct goods_index by_product = lines_by_product(s, 0, row->item_count, a);
    int64_t *left = told_of(s, order, a);
    struct event news = *row;

    news.items = arena_array(a, row->item_count, sizeof *news.items);
    news.item_count = 0;
    news.adjustment_count = 0; /* of the goods that were told before, as far as anybody knows */
    for (size_t i = 0; i < row->item_count; i++) {
        struct event_item item = row->items[i];
        if (remembered) {
            item.quantity_milli = take(s, &by_product, order, &item, left);
        } else if (is_in_memory(s, order, item.product_id)) {
            item.quantity_milli = 0;
        }
        if (item.quantity_milli > 0) {
            news.items[news.item_count++] = item;
        }
    }
    return news;
}

/* A line of the order with these goods, or NULL; the first of them. */
static const struct bought_line *line_of(const struct shopper *s,
                                         const struct goods_index *by_product,
                                         const struct order_seen *order, const char *product,
                                         const char *variant)
{
    for (int32_t i = goods_index_first(by_product, product); i >= 0;
         i = goods_index_next(by_product, i)) {
        const struct bought_line *line = &s->bought[i];
        if (is_of(line, order) &&
            bought_same_goods(product, variant, line->product_id, line->variant_id)) {
            return line;
        }
    }
    return NULL;
}

bool bought_shares(const struct shopper *s, const struct order_seen *order, const struct event *row)
{
    CLEANUP(arena_free) struct arena scratch = {0};
    const bool remembered = is_remembered(s, order);
    const struct goods_index by_product = lines_by_product(s, 0, row->item_count, &scratch);
    bool shares = false;

    for (size_t i = 0; i < row->item_count && !shares; i++) {
        const struct event_item *item = &row->items[i];
        shares = (!remembered && is_in_memory(s, order, item->product_id)) ||
                 line_of(s, &by_product, order, item->product_id, item->variant_id) != NULL;
    }
    return shares;
}

static const struct order_seen *order_of(const struct shopper *s, const struct bought_line *line)
{
    for (size_t i = 0; i < s->order_count; i++) {
        if (is_of(line, &s->orders[i])) {
            return &s->orders[i];
        }
    }
    return NULL;
}

struct goods_index bought_index(const struct shopper *s, size_t questions, struct arena *a)
{
    return lines_by_product(s, 0, questions, a);
}

bool bought_lately(const struct shopper *s, const struct goods_index *by_product,
                   const struct event_item *item, int64_t at_us, int64_t within_us)
{
    for (int32_t i = goods_index_first(by_product, item->product_id); i >= 0;
         i = goods_index_next(by_product, i)) {
        const struct bought_line *line = &s->bought[i];
        if (!is_item(line, item) ||
            item->quantity_milli > larger(line->quantity_milli, line->cart_milli)) {
            continue;
        }
        const struct order_seen *order = order_of(s, line);
        if (order != NULL && order->at_us <= at_us && at_us - order->at_us <= within_us) {
            return true;
        }
    }
    return false;
}

static bool covers_line(const struct shopper *s, const struct goods_index *by_product,
                        const struct order_seen *order, const struct cart_line *of)
{
    bool covers = false;

    for (int32_t i = goods_index_first(by_product, of->product_id); i >= 0 && !covers;
         i = goods_index_next(by_product, i)) {
        const struct bought_line *line = &s->bought[i];
        covers =
            is_of(line, order) &&
            bought_same_goods(of->product_id, of->variant_id, line->product_id, line->variant_id) &&
            of->quantity_milli <= larger(line->quantity_milli, line->cart_milli);
    }
    return covers;
}

bool bought_covers(const struct shopper *s, const struct order_seen *order, const struct cart *c)
{
    CLEANUP(arena_free) struct arena scratch = {0};
    const struct goods_index by_product = lines_by_product(s, 0, c->line_count, &scratch);
    bool covers = true;

    for (size_t i = 0; i < c->line_count && covers; i++) {
        covers = covers_line(s, &by_product, order, &c->lines[i]);
    }
    return covers;
}

static bool has_goods_of(const struct shopper *s, const struct goods_index *by_product,
                         const struct order_seen *order, const struct cart_line *line)
{
    return line_of(s, by_product, order, line->product_id, line->variant_id) != NULL ||
           !is_remembered(s, order);
}

const struct order_seen *bought_since(const struct shopper *s, const struct goods_index *by_product,
                                      const struct cart_line *line, const struct order_seen *but)
{
    for (size_t i = s->order_count; i > 0; i--) {
        const struct order_seen *order = &s->orders[i - 1];
        if (order->number != but->number && order->at_us >= line->added_us &&
            has_goods_of(s, by_product, order, line)) {
            return order;
        }
    }
    return NULL;
}

/* ---- giving up ---- */

/* What nothing is left of is taken out. True: something is. */
static bool give_up_lines(struct shopper *s, const struct order_seen *order, const int64_t *before,
                          const int64_t *left)
{
    size_t kept = 0;
    bool any = false;

    for (size_t i = 0; i < s->bought_count; i++) {
        struct bought_line line = s->bought[i];
        const bool of = is_of(&line, order);
        line.quantity_milli = of ? left[i] : line.quantity_milli;
        any = any || (of && left[i] > 0);
        if (!of || before[i] == 0 || left[i] > 0) {
            s->bought[kept++] = line;
        }
    }
    s->bought_count = kept;
    return any;
}

struct event bought_give_up(struct shopper *s, const struct order_seen *order,
                            const struct event *cancelled, bool *out_left, struct arena *a)
{
    const struct goods_index by_product = lines_by_product(s, 0, cancelled->item_count, a);
    const int64_t *before = told_of(s, order, a);
    int64_t *left = told_of(s, order, a);
    struct event gone = *cancelled;

    gone.items = arena_array(a, cancelled->item_count, sizeof *gone.items);
    gone.item_count = 0;
    for (size_t i = 0; i < cancelled->item_count; i++) {
        struct event_item item = cancelled->items[i];
        item.quantity_milli -= take(s, &by_product, order, &item, left);
        if (item.quantity_milli > 0) {
            gone.items[gone.item_count++] = item;
        }
    }
    *out_left = give_up_lines(s, order, before, left);
    return gone;
}
