/* The goods of each order as they were found before there was an index of products: every line is compared with every other. The reference of
 * shopper_bought.c. */
#include "unit/domain/shopper/bought_plain.h"

#include "domain/shopper/cart.h"

#include <string.h>

static int64_t larger(int64_t x, int64_t y)
{
    return x > y ? x : y;
}

static bool plain_same_goods(const char *product, const char *variant, const char *other_product,
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
    return plain_same_goods(item->product_id, item->variant_id, line->product_id, line->variant_id);
}

/* ---- remembering ---- */

static void drop(struct shopper *s, size_t index)
{
    s->bought_count--;
    memmove(&s->bought[index], &s->bought[index + 1],
            (s->bought_count - index) * sizeof *s->bought);
}

static struct bought_line *append(struct shopper *s, struct arena *a)
{
    if (s->bought_count == CART_LINES_MAX) {
        drop(s, 0); /* of the oldest order: they lie in the order in which they were told */
    }
    if (s->bought == NULL || s->bought_count == cart_lines_capacity(s->bought_count)) {
        struct bought_line *grown =
            arena_array(a, cart_lines_capacity(s->bought_count + 1), sizeof *grown);
        if (s->bought != NULL) {
            memcpy(grown, s->bought, s->bought_count * sizeof *grown);
        }
        s->bought = grown;
    }
    return &s->bought[s->bought_count++];
}

static struct bought_line *line_for(struct shopper *s, const struct order_seen *order,
                                    const char *product, const char *variant, struct arena *a)
{
    for (size_t i = 0; i < s->bought_count; i++) {
        struct bought_line *line = &s->bought[i];
        if (is_of(line, order) &&
            plain_same_goods(product, variant, line->product_id, line->variant_id)) {
            return line;
        }
    }
    struct bought_line *line = append(s, a);
    *line = (struct bought_line){.product_id = arena_strdup(a, product),
                                 .variant_id = variant == NULL ? NULL : arena_strdup(a, variant),
                                 .order = order->number};
    return line;
}

static void tell_more(struct bought_line *line, int64_t milli)
{
    int64_t told = line->quantity_milli + milli;

    line->quantity_milli = told > CART_QUANTITY_MAX ? CART_QUANTITY_MAX : told;
}

void plain_note_items(struct shopper *s, const struct order_seen *order, const struct event *row,
                      struct arena *a)
{
    for (size_t i = 0; i < row->item_count; i++) {
        const struct event_item *item = &row->items[i];
        tell_more(line_for(s, order, item->product_id, item->variant_id, a), item->quantity_milli);
    }
}

void plain_note_cart(struct shopper *s, const struct order_seen *order, const struct cart *c,
                     struct arena *a)
{
    for (size_t i = 0; i < c->line_count; i++) {
        const struct cart_line *of = &c->lines[i];
        struct bought_line *line = line_for(s, order, of->product_id, of->variant_id, a);
        line->cart_milli = larger(line->cart_milli, of->quantity_milli);
    }
}

void plain_forget(struct shopper *s, const struct order_seen *order)
{
    for (size_t i = s->bought_count; i > 0; i--) {
        if (is_of(&s->bought[i - 1], order)) {
            drop(s, i - 1);
        }
    }
}

/* ---- asking ---- */

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
static int64_t take(const struct shopper *s, const struct order_seen *order,
                    const struct event_item *item, int64_t *left)
{
    int64_t wanted = item->quantity_milli;

    for (size_t i = 0; i < s->bought_count && wanted > 0; i++) {
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

struct event plain_news(const struct shopper *s, const struct order_seen *order,
                        const struct event *row, struct arena *a)
{
    const bool remembered = is_remembered(s, order);
    int64_t *left = told_of(s, order, a);
    struct event news = *row;

    news.items = arena_array(a, row->item_count, sizeof *news.items);
    news.item_count = 0;
    news.adjustment_count = 0; /* of the goods that were told before, as far as anybody knows */
    for (size_t i = 0; i < row->item_count; i++) {
        struct event_item item = row->items[i];
        if (remembered) {
            item.quantity_milli = take(s, order, &item, left);
        } else if (is_in_memory(s, order, item.product_id)) {
            item.quantity_milli = 0;
        }
        if (item.quantity_milli > 0) {
            news.items[news.item_count++] = item;
        }
    }
    return news;
}

bool plain_shares(const struct shopper *s, const struct order_seen *order, const struct event *row)
{
    const bool remembered = is_remembered(s, order);
    bool shares = false;

    for (size_t i = 0; i < row->item_count && !shares; i++) {
        const struct event_item *item = &row->items[i];
        shares = !remembered && is_in_memory(s, order, item->product_id);
        for (size_t n = 0; n < s->bought_count && !shares; n++) {
            shares = is_of(&s->bought[n], order) && is_item(&s->bought[n], item);
        }
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

bool plain_lately(const struct shopper *s, const struct event_item *item, int64_t at_us,
                  int64_t within_us)
{
    for (size_t i = 0; i < s->bought_count; i++) {
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

bool plain_covers(const struct shopper *s, const struct order_seen *order, const struct cart *c)
{
    bool covers = true;

    for (size_t i = 0; i < c->line_count && covers; i++) {
        const struct cart_line *of = &c->lines[i];
        covers = false;
        for (size_t n = 0; n < s->bought_count && !covers; n++) {
            const struct bought_line *line = &s->bought[n];
            covers = is_of(line, order) &&
                     plain_same_goods(of->product_id, of->variant_id, line->product_id,
                                      line->variant_id) &&
                     of->quantity_milli <= larger(line->quantity_milli, line->cart_milli);
        }
    }
    return covers;
}

static bool has_goods_of(const struct shopper *s, const struct order_seen *order,
                         const struct cart_line *line)
{
    for (size_t i = 0; i < s->bought_count; i++) {
        if (is_of(&s->bought[i], order) &&
            plain_same_goods(line->product_id, line->variant_id, s->bought[i].product_id,
                             s->bought[i].variant_id)) {
            return true;
        }
    }
    return !is_remembered(s, order);
}

const struct order_seen *plain_since(const struct shopper *s, const struct cart_line *line,
                                     const struct order_seen *but)
{
    for (size_t i = s->order_count; i > 0; i--) {
        const struct order_seen *order = &s->orders[i - 1];
        if (order->number != but->number && order->at_us >= line->added_us &&
            has_goods_of(s, order, line)) {
            return order;
        }
    }
    return NULL;
}

/* ---- giving up ---- */

struct event plain_give_up(struct shopper *s, const struct order_seen *order,
                           const struct event *cancelled, bool *out_left, struct arena *a)
{
    int64_t *left = told_of(s, order, a);
    struct event gone = *cancelled;

    const int64_t *before = told_of(s, order, a);

    gone.items = arena_array(a, cancelled->item_count, sizeof *gone.items);
    gone.item_count = 0;
    for (size_t i = 0; i < cancelled->item_count; i++) {
        struct event_item item = cancelled->items[i];
        item.quantity_milli -= take(s, order, &item, left);
        if (item.quantity_milli > 0) {
            gone.items[gone.item_count++] = item;
        }
    }
    *out_left = false;
    for (size_t i = s->bought_count; i > 0; i--) {
        struct bought_line *line = &s->bought[i - 1];
        if (!is_of(line, order)) {
            continue;
        }
        const bool told = before[i - 1] > 0;
        line->quantity_milli = left[i - 1];
        *out_left = *out_left || left[i - 1] > 0;
        if (told && left[i - 1] == 0) {
            drop(s, i - 1);
        }
    }
    return gone;
}
