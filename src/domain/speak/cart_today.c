/* What became of a cart since it was filled. Pure: the catalogue is handed in. */
#include "domain/speak/cart_today.h"

#include "base/mem.h"
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"

#include <string.h>

/* Whether a line is a variant, or another line is of the same product: then the shop sells it at
 * several prices, and the catalogue knows one of them. */
static bool has_siblings(const struct cart *cart, size_t line)
{
    if (cart->lines[line].variant_id != NULL) {
        return true;
    }
    for (size_t i = 0; i < cart->line_count; i++) {
        if (i != line && strcmp(cart->lines[i].product_id, cart->lines[line].product_id) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the shopper saw a price that the catalogue has changed since. A price that the catalogue never had is the cart's own: a coupon's, a
 * group's, a gift's. After several changes it is not known any more which one was seen. */
static bool has_changed_since(const struct cart_line *line, const struct product *p)
{
    const bool seen_in_catalogue = p->price_before == MONEY_UNKNOWN ||
                                   p->price_before == line->price_minor ||
                                   p->priced_before_us > line->touched_us;

    return p->priced_us > line->touched_us && seen_in_catalogue && line->price_minor != 0;
}

static struct line_today line_today(const struct cart *cart, size_t i, const struct product *p)
{
    const struct cart_line *line = &cart->lines[i];
    const bool seen = line->price_minor != MONEY_UNKNOWN && line->currency[0] != '\0';
    const bool known = p->price_minor != MONEY_UNKNOWN && p->currency[0] != '\0';
    struct line_today t = {.gone = product_sold_out(p), .price_minor = line->price_minor};

    t.few = p->stock > 0 && p->stock < (line->quantity_milli + QUANTITY_ONE - 1) / QUANTITY_ONE;
    t.left = p->stock;

    memcpy(t.currency, line->currency, sizeof t.currency);
    if (known && !seen) {
        t.price_minor = p->price_minor;
        memcpy(t.currency, p->currency, sizeof t.currency);
    } else if (known && has_changed_since(line, p) && strcmp(p->currency, line->currency) == 0 &&
               p->price_minor != line->price_minor && !has_siblings(cart, i)) {
        t.price_minor = p->price_minor;
        t.repriced = true;
    }
    return t;
}

void cart_today(const struct cart *cart, const struct product *products, struct line_today *out)
{
    for (size_t i = 0; i < cart->line_count; i++) {
        out[i] = line_today(cart, i, &products[i]);
    }
}

/* Whether what is to be paid for it cannot be told any more: of some of it fewer are left, or a coupon was for the cart as it was. */
static bool total_is_unknown(const struct cart *cart, const struct line_today *lines)
{
    bool unknown = false;

    for (size_t i = 0; i < cart->line_count; i++) {
        const bool changed = lines[i].gone || lines[i].repriced;
        unknown = unknown || lines[i].few || (changed && cart->adjustment_count > 0);
    }
    return unknown;
}

bool cart_today_total(const struct cart *cart, const struct line_today *lines, int64_t *out_minor,
                      char out_currency[4], bool *out_repriced)
{
    struct cart_line *left = mem_array(cart->line_count + 1, sizeof *left);
    struct cart today = *cart;

    *out_repriced = false;
    if (total_is_unknown(cart, lines)) {
        mem_free(&left);
        return false;
    }
    today.lines = left;
    today.line_count = 0;
    for (size_t i = 0; i < cart->line_count; i++) {
        if (lines[i].gone) {
            continue;
        }
        struct cart_line *line = &left[today.line_count++];
        *line = cart->lines[i];
        line->price_minor = lines[i].price_minor;
        memcpy(line->currency, lines[i].currency, sizeof line->currency);
        *out_repriced = *out_repriced || lines[i].repriced;
    }
    const bool known = cart_total(&today, out_minor, out_currency);
    mem_free(&left);
    /* Without currency an amount would be read in the reader's own. */
    return known && out_currency[0] != '\0';
}

bool cart_gone(const struct cart *cart, const struct product *products)
{
    for (size_t i = 0; i < cart->line_count; i++) {
        if (!product_sold_out(&products[i])) {
            return false;
        }
    }
    return cart->line_count > 0;
}
