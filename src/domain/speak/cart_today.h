#ifndef DOMAIN_SPEAK_CART_TODAY_H
#define DOMAIN_SPEAK_CART_TODAY_H

#include "domain/shop/product.h"
#include "domain/shopper/shopper.h"

/* A cart by what the catalogue says now: a message must not promise what is gone, nor quote what was
 * paid for it yesterday. */
struct line_today {
    bool gone;     /* sold out */
    bool repriced; /* the price below is not the one that the shopper saw */
    bool few;      /* not gone, but fewer are left than the line has: `left` of them */
    int64_t left;
    int64_t price_minor; /* of a unit now; MONEY_UNKNOWN */
    char currency[4];
};

/* out: of cart->lines, in order, as products is. The catalogue's price counts where it is of the
 * same currency, became what it is after the line was last touched, and the line's was the catalogue's before; else the cart's stands: what a coupon, a
 * group of customers or a gift made of it is the shop's word too. */
void cart_today(const struct cart *cart, const struct product *products, struct line_today *out);

/* Sum of what can still be had, as cart_total has it; *out_repriced: one of its prices is. False where it cannot be told: of a line fewer are
 * left than it has; or something is gone or repriced where an adjustment was made for the whole, as a coupon of a tenth was. */
bool cart_today_total(const struct cart *cart, const struct line_today *lines, int64_t *out_minor,
                      char out_currency[4], bool *out_repriced);

/* Whether every line is sold out; of a cart without lines none is. */
bool cart_gone(const struct cart *cart, const struct product *products);

#endif
