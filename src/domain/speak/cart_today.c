/* What became of a cart since it was filled. Pure: the catalogue is handed in. */
#include "domain/speak/cart_today.h"

#include "base/mem.h"
#include "domain/shop/money.h"

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

static struct line_today line_today(const struct cart *cart, size_t i, const struct product *p)
{
    const struct cart_line *line = &cart->lines[i];
    const bool seen = line->price_minor != MONEY_UNKNOWN && line->currency[0] != '\0';
    const bool known = p->price_minor != MONEY_UNKNOWN && p->currency[0] != '\0';
    /* A catalogue that was filled before the cart is older news than the cart. */
    const bool later = p->updated_us == 0 || p->updated_us > line->touched_us;
    struct line_today t = {.gone = product_sold_out(p), .price_minor = line->price_minor};

    memcpy(t.currency, line->currency, sizeof t.currency);
    if (known && !seen) {
        t.price_minor = p->price_minor;
        memcpy(t.currency, p->currency, sizeof t.currency);
    } else if (known && later && strcmp(p->currency, line->currency) == 0 &&
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

bool cart_today_total(const struct cart *cart, const struct line_today *lines, int64_t *out_minor,
                      char out_currency[4], bool *out_repriced)
{
    struct cart_line *left = mem_array(cart->line_count + 1, sizeof *left);
    struct cart today = *cart;

    *out_repriced = false;
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
