/* The items of an event: what is a line, what takes something off, and what adds up too far. What they do
 * to a cart is the fold's business. */
#include "domain/shop/event_items.h"

#include "domain/shop/free_form.h"
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"

#include <inttypes.h>
#include <string.h>

static bool needs_items(enum event_type type)
{
    return type == EVENT_PRODUCT_VIEWED || type == EVENT_CART_ITEM_ADDED ||
           type == EVENT_CART_ITEM_REMOVED || type == EVENT_WISHLIST_ADDED;
}

/* Tells all there is: a line of quantity 0 says that it is not there, which is no fault. In an
 * addition it would say nothing at all. */
static bool tells_the_whole(enum event_type type)
{
    return type == EVENT_CART_SNAPSHOT || type == EVENT_CHECKOUT_STARTED || type == EVENT_PURCHASE;
}

/* A product has no negative price; carts and orders, and what undoes one, have lines that take something off. */
static bool may_adjust(enum event_type type)
{
    return type != EVENT_PRODUCT_VIEWED && type != EVENT_LIST_VIEWED && type != EVENT_SEARCHED &&
           type != EVENT_PAGE_VIEWED && type != EVENT_WISHLIST_ADDED;
}

static void read_item(struct jdec *d, enum event_type type, struct arena *a, struct event_item *out)
{
    bool has_quantity;
    bool has_price;
    int64_t quantity = jdec_milli_opt(d, "quantity", tells_the_whole(type) ? 0 : 1,
                                      EVENT_QUANTITY_MAX * INT64_C(1000), &has_quantity);
    int64_t price = jdec_i64_opt(d, "price_minor", may_adjust(type) ? -MONEY_MINOR_MAX : 0,
                                 MONEY_MINOR_MAX, &has_price);
    const char *currency = jdec_text_opt(d, "currency", 3);
    const bool is_code = currency != NULL && money_currency_valid(currency);

    out->product_id = text_keep(d, "product_id", jdec_id(d, "product_id", EVENT_ID_MAX, a), a);
    out->variant_id = text_keep(d, "variant_id", jdec_id_opt(d, "variant_id", EVENT_ID_MAX, a), a);
    out->line_id = text_keep(d, "line_id", jdec_id_opt(d, "line_id", EVENT_ID_MAX, a), a);
    out->quantity_milli = has_quantity ? quantity : QUANTITY_ONE;
    /* Never 0 for an absent price: totals would then be too low instead of unknown. */
    out->price_minor = has_price ? price : MONEY_UNKNOWN;
    if (currency != NULL && !is_code) {
        jdec_refuse(d, "currency", "must be three upper-case letters");
    } else if (has_price && currency == NULL) {
        jdec_refuse(d, "currency", "is required with price_minor");
    }
    /* What is taken off stays, and makes the total unknown: it must not become a product. */
    if (is_code && price >= 0 && !money_currency_real(currency)) {
        out->price_minor = MONEY_UNKNOWN;
        return;
    }
    /* A currency alone is no price, and is not kept. One that was refused may be shorter than what is copied. */
    if (has_price && is_code) {
        memcpy(out->currency, currency, sizeof out->currency); /* three letters, and the NUL */
    }
}

/* Each item is in range; 2,000 of them, 100,000 units each at the highest price, pass 2^63. */
static void refuse_overflow(struct jdec *d, const struct event_item *items, size_t count)
{
    int64_t total = 0;
    int64_t amount;

    for (size_t i = 0; i < count; i++) {
        if (items[i].price_minor != MONEY_UNKNOWN &&
            (!money_of_quantity(items[i].price_minor, items[i].quantity_milli, &amount) ||
             !money_add(total, amount, &total))) {
            jdec_refuse(d, "items", "must not add up to more than %" PRId64, INT64_MAX);
            return;
        }
    }
}

/* Where it belongs: a product, an adjustment, or nowhere. There are at most so many of either. */
static void keep_item(struct event *e, const struct event_item *item, bool negative, size_t most,
                      struct arena *a)
{
    if (item->quantity_milli == 0) {
        return;
    }
    if (!negative) {
        e->items[e->item_count++] = *item;
        return;
    }
    if (e->adjustments == NULL) { /* hardly any event has one */
        e->adjustments = arena_array(a, most, sizeof *e->adjustments);
    }
    struct event_item *taken_off = &e->adjustments[e->adjustment_count++];
    *taken_off = *item;
    taken_off->price_minor = -item->price_minor;
}

void event_read_items(struct jdec *d, struct arena *a, struct event *e)
{
    /* An empty snapshot empties the cart, so it has to say so: a list left out is no empty list. */
    bool required = needs_items(e->type) || e->type == EVENT_CART_SNAPSHOT;
    size_t count = required ? jdec_array(d, "items", EVENT_ITEMS_MAX)
                            : jdec_array_opt(d, "items", EVENT_ITEMS_MAX);

    if (count == 0 && needs_items(e->type)) {
        jdec_refuse(d, "items", "must have at least one element for %s", e->type_name);
    }
    e->items = arena_array(a, count, sizeof *e->items);
    for (size_t i = 0; i < count && !jdec_stopped(d); i++) {
        struct jdec element = jdec_element(d, "items", i);
        struct event_item item = {0};
        read_item(&element, e->type, a, &item);
        e->id_as_number = e->id_as_number || element.numbered;
        if (!jdec_end(&element) && jdec_stopped(d)) {
            return;
        }
        /* by the currency: -1 is MONEY_UNKNOWN, and an unknown price has none */
        keep_item(e, &item, item.price_minor < 0 && item.currency[0] != '\0', count, a);
    }
    refuse_overflow(d, e->items, e->item_count);
    refuse_overflow(d, e->adjustments, e->adjustment_count);
}
