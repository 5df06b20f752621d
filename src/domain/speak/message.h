#ifndef DOMAIN_SPEAK_MESSAGE_H
#define DOMAIN_SPEAK_MESSAGE_H

#include "base/buf.h"
#include "domain/affinity/affinity.h"
#include "domain/shop/product.h"
#include "domain/shopper/shopper.h"

/* Who reads: languages are chosen by it (domain/speak/language.h). */
struct message_reader {
    const char *locale;      /* of the shopper; NULL unknown */
    const char *shop_locale; /* fallback */
    bool informal;
};

/* One neutral localized message: text, cards (cart lines, then picks with their reason), buttons,
 * link, disclosure, expiry. Products are named by their titles only; prices are those of today, and
 * what is sold out is said to be. */
struct message_input {
    const struct cart *cart;
    const struct product *line_products; /* of cart->lines, same order */
    const struct picks *picks;
    const struct product *pick_products;    /* of picks->items, same order */
    const struct product *because_products; /* of picks->items[i].because where it is a product id;
                                               title NULL otherwise */
    struct message_reader reader;
    const char *shop_name;   /* "" none */
    const char *shop_url;    /* "" none */
    const char *outreach_id; /* NULL: nothing is stored that could be asked for */
    int64_t expires_us;
};

/* Why a pick is shown, in the reader's words: "popular right now". because_product may be NULL or
 * untitled. Appends plain text. */
void message_pick_reason(const struct message_reader *reader, const struct pick *pick,
                         const struct product *because_product, struct buf *out);

/* Appends the message as a JSON object:
 * {"locale","text","cards":[{"kind":"cart_item"|"recommendation","product_id","title","url","image_url","price":
 * {"amount_minor","currency","text"},"price_in_cart","sold_out","note","quantity","reason","source"}],"buttons":[{"kind","label","url"}],"link",
 * "disclosure","expires_at"}, with "cards_left_out" where the cart has more lines than cards are useful (30). locale is a BCP 47 tag, title null where there is none. */
void message_compose(const struct message_input *in, struct buf *out);

/* Whether an address may be linked to: http or https with a host, and nothing that would end the
 * attribute or sentence it stands in. NULL is none. */
bool message_url_safe(const char *url);

#endif
