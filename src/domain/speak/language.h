#ifndef DOMAIN_SPEAK_LANGUAGE_H
#define DOMAIN_SPEAK_LANGUAGE_H

#include "base/locale/intl.h"

/* The languages of messages and their phrases (message_table.inc), and how a phrase is filled. */

enum phrase {
    PHRASE_LEFT,          /* what was left, by name: {items} {total}; {n}: one thing or several */
    PHRASE_LEFT_UNNAMED,  /* the same of products without a name: {total} */
    PHRASE_TOTAL,         /* {total}; {n} as above */
    PHRASE_TOTAL_NOW,     /* where it is not what the shopper saw: {total}, {n} */
    PHRASE_MORE,          /* the rest of an enumeration: {n} */
    PHRASE_KEPT,          /* the cart, where nothing of it is sold out */
    PHRASE_GONE,          /* sold out, by name: {items}, {n} */
    PHRASE_GONE_UNNAMED,  /* {n} */
    PHRASE_PICKS,         /* {items}, {n} */
    PHRASE_PICKS_POPULAR, /* those that are only popular: {items}, {n} */
    PHRASE_PICKS_INSTEAD, /* those of the same kind as something in the cart: {items}, {n} */
    PHRASE_PICKS_INSTEAD_OF, /* the same where it is one thing, by name: {because}, {items}, {n} */
    PHRASE_BECAUSE_CART,     /* why a pick is shown: {because} */
    PHRASE_BECAUSE_BOUGHT,
    PHRASE_BECAUSE_SESSION,
    PHRASE_BECAUSE_INSTEAD,
    PHRASE_BECAUSE_VIEWED,
    PHRASE_BECAUSE_NEXT,
    PHRASE_BECAUSE_SIMILAR,
    PHRASE_BECAUSE_CATEGORY,
    PHRASE_BECAUSE_TASTE,
    PHRASE_BECAUSE_POPULAR,
    PHRASE_BECAUSE_RANGE, /* nothing else can be said */
    PHRASE_CARD_GONE,
    PHRASE_CARD_FEW, /* {n}: left, fewer than the cart has */
    PHRASE_CARD_WAS, /* {price}: in the cart */
    PHRASE_BUTTON_CART,
    PHRASE_BUTTON_HELP,
    PHRASE_BUTTON_STOP,
    PHRASE_DISCLOSURE,          /* {shop} */
    PHRASE_DISCLOSURE_NAMELESS, /* of a shop that has not told its name */
    PHRASE_COUNT
};

/* Why a cart is at risk, or is not (domain/speak/reasons.h; the words: reason_words.inc). */
enum reason {
    REASON_SHIPPING_COST,
    REASON_SHIPPING,
    REASON_SHIPPING_FREE,
    REASON_PAYMENT_FAILED,
    REASON_PAYMENT_ENTERED,
    REASON_COUPON_DENIED,
    REASON_COUPON_APPLIED,
    REASON_CHECKOUT_LEFT,
    REASON_CHECKOUT_STARTED,
    REASON_CHECKOUT_NONE,
    REASON_CAME_BACK,
    REASON_PAGES_RETURNS,
    REASON_PAGES_DELIVERY,
    REASON_PAGES_SIZE,
    REASON_PAGES_REVIEWS,
    REASON_CHEAPER,
    REASON_TAKEN_OUT,
    REASON_PUT_BACK,
    REASON_ORDERED,
    REASON_NEVER_ORDERED,
    REASON_SENT_BACK,
    REASON_ABOVE_USUAL,
    REASON_LOOKED_AGAIN,
    REASON_WISHED,
    REASON_CONTACTED,
    REASON_LOOKED_ELSEWHERE,
    REASON_COUNT
};

/* One language in use: with the formatters of a locale, until speech_end. */
struct speech {
    const struct language *words;
    struct intl *intl;
    char locale[INTL_TAG_MAX]; /* BCP 47: its language is that of the words */
    bool informal;
};

/* The shopper's locale where its language is spoken here, else the shop's, else English. informal:
 * as one speaks to friends, where the language makes that difference. */
void speech_begin(struct speech *speech, const char *locale, const char *shop_locale,
                  bool informal);
void speech_end(struct speech *speech);

/* What stands in a slot: text as it is, or a number, which is written as the locale does and may
 * choose between plural forms. */
struct slot {
    const char *name;
    const char *text;
    int64_t number; /* where text is NULL */
};

/* Appends the phrase with its slots filled; slots end with a name NULL. Phrases are ICU messages:
 * "{n, plural, =2{both} one{# item} other{# items}}", but without quoting: a brace is always a slot. */
void speech_say(const struct speech *speech, enum phrase phrase, const struct slot *slots,
                struct buf *out);

/* The same for a reason: {n}, {money}, {ratio}. */
void speech_reason(const struct speech *speech, enum reason reason, const struct slot *slots,
                   struct buf *out);

/* Whether messages are written in the language of a locale, and in which ones they are. */
bool language_spoken(const char *locale);
#define LANGUAGES_SPOKEN "en, de, fr, es, it, nl, pl, pt-BR and pt-PT"

#endif
