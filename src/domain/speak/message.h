#ifndef DOMAIN_SPEAK_MESSAGE_H
#define DOMAIN_SPEAK_MESSAGE_H

#include "base/buf.h"
#include "domain/affinity/affinity.h"
#include "domain/shop/product.h"
#include "domain/shopper/shopper.h"

/* One neutral localized message: text, cards (cart lines, then picks with their reason), buttons,
 * link, disclosure, expiry. Logic-less templates per locale (en de fr es pt it nl pl; unknown ->
 * language part -> settings' locale -> en); placeholders are escaped by slot type. */
struct message_input {
    const struct cart *cart;
    const struct product *line_products; /* of cart->lines, same order */
    const struct picks *picks;
    const struct product *pick_products;    /* of picks->items, same order */
    const struct product *because_products; /* of picks->items[i].because where it is a product id;
                                               title NULL otherwise */
    const char *locale;                     /* of the shopper; NULL unknown */
    const char *shop_locale;                /* fallback */
    const char *shop_name;
    const char *shop_url; /* "" none */
    const char *outreach_id;
    int64_t now_us;
    int64_t expires_us;
};

/* Why a pick is shown, in the words of the locale: "popular right now". because_product may be NULL
 * or untitled. Appends plain text. */
void message_pick_reason(const char *locale, const char *shop_locale, const struct pick *pick,
                         const struct product *because_product, struct buf *out);

/* Appends the message as a JSON object:
 * {"locale","text","cards":[{"kind":"cart_item"|"recommendation","product_id","title","url","image_url","price":
 * {"amount_minor","currency","text"},"quantity","reason","source"}],"buttons":[{"kind","label","url"}],"link","disclosure","expires_at"}.
 */
void message_compose(const struct message_input *in, struct buf *out);

#endif
