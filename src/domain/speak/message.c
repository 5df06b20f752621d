/* The message a shopper reads, as neutral JSON. Templates hold no logic: a slot is a name in
 * braces, and what goes into it is cleaned by the slot's type (text: one line, bounded; URL: http
 * or https only). Must not decide anything: policy did. */
#include "domain/speak/message.h"

#include "base/jenc.h"
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct language {
    const char *items_two, *items_more;
    const char *text, *text_total;
    const char *picks;
    const char *because_cart, *because_bought, *because_session, *because_similar,
        *because_category, *because_taste, *because_popular;
    const char *button_cart, *button_help, *button_stop;
    const char *disclosure;
};

static const struct {
    const char *code;
    struct language words;
} languages[] = {
#define LANGUAGE(code, ...) {code, {__VA_ARGS__}},
#include "domain/speak/message_table.inc"
#undef LANGUAGE
};

enum {
    LANGUAGES = sizeof languages / sizeof languages[0],
    TEXT_MAX = 4000,
    TITLE_POINTS_MAX = 80,
    SLOTS_MAX = 4
};

struct slot {
    const char *name;
    const char *value;
};

/* Index of the language of a locale ("de-AT", "de_AT", "de"), or -1. */
static int language_find(const char *locale)
{
    for (int i = 0; locale != NULL && i < LANGUAGES; i++) {
        size_t len = strlen(languages[i].code);
        /* a whole subtag: "den" (Slavey) is not "de" */
        if (strncasecmp(locale, languages[i].code, len) == 0 &&
            (locale[len] == '\0' || locale[len] == '-' || locale[len] == '_')) {
            return i;
        }
    }
    return -1;
}

/* Chooses the words; *out_locale is what prices are written in: the asked locale only where its
 * language is spoken here. */
static const struct language *language_choose(const char *locale, const char *shop_locale,
                                              const char **out_locale)
{
    const char *wanted[] = {locale, shop_locale};

    for (size_t i = 0; i < 2; i++) {
        int found = language_find(wanted[i]);
        if (found >= 0) {
            /* with its region: whose own dollar an amount is in, depends on it */
            *out_locale = wanted[i];
            return &languages[found].words;
        }
    }
    /* Words and prices of one language, even where nobody's is spoken here. */
    *out_locale = languages[0].code;
    return &languages[0].words;
}

/* A text slot: control characters become spaces, at most TITLE_POINTS_MAX code points, then an
 * ellipsis. */
static void add_text(struct buf *out, const char *value)
{
    int points = 0;

    for (const char *p = value; *p != '\0'; p++) {
        unsigned char byte = (unsigned char)*p;
        /* Code points are counted and not bytes: a cut within a sequence would leave no UTF-8. */
        bool starts = (byte & 0xC0U) != 0x80U;
        if (starts && ++points > TITLE_POINTS_MAX) {
            buf_add_str(out, "\xE2\x80\xA6");
            return;
        }
        if (byte < 0x20 || byte == 0x7F) {
            buf_add_char(out, ' ');
        } else {
            buf_add_char(out, *p);
        }
    }
}

static const char *slot_value(const struct slot *slots, const char *name, size_t len)
{
    for (int i = 0; i < SLOTS_MAX && slots[i].name != NULL; i++) {
        if (strlen(slots[i].name) == len && memcmp(slots[i].name, name, len) == 0) {
            return slots[i].value;
        }
    }
    return NULL;
}

/* Fills a template. Every slot it names must be given: the tables are ours, so a miss is a defect.
 * Values are clean already. */
static void fill(struct buf *out, const char *template, const struct slot slots[SLOTS_MAX])
{
    for (const char *p = template; *p != '\0';) {
        /* A brace that is never closed stands for itself. */
        const char *close = *p == '{' ? strchr(p, '}') : NULL;
        if (close == NULL) {
            buf_add_char(out, *p++);
            continue;
        }
        const char *value = slot_value(slots, p + 1, (size_t)(close - p - 1));
        assert(value != NULL);
        buf_add_str(out, value);
        p = close + 1;
    }
}

/* Title, brand + category word, or id; as one clean line. Needs no arena: the caller's buf holds
 * it. */
static void add_name(struct buf *out, const struct product *p)
{
    if (p->title != NULL) {
        add_text(out, p->title);
        return;
    }
    const char *last = p->category != NULL ? strrchr(p->category, '>') : NULL;
    const char *word = last != NULL ? last + 1 + strspn(last + 1, " ") : p->category;
    /* Many catalogues have no titles: "Acme shoes" is still a name where an id is none. */
    if (p->brand != NULL && word != NULL) {
        add_text(out, p->brand);
        buf_add_char(out, ' ');
        add_text(out, word);
        return;
    }
    add_text(out, p->product_id);
}

static bool url_safe(const char *url)
{
    if (url == NULL || (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)) {
        return false;
    }
    /* Quotes and angle brackets would end the attribute or tag that a channel puts the address
     * into, and blanks end it in plain text. */
    for (const unsigned char *p = (const unsigned char *)url; *p != '\0'; p++) {
        if (*p <= 0x20 || *p == 0x7F || *p == '"' || *p == '<' || *p == '>') {
            return false;
        }
    }
    return true;
}

static void put_price(struct jenc *j, int64_t minor, const char *currency, const char *locale)
{
    char text[MONEY_TEXT_MAX];

    /* Without currency an amount would be read in the reader's own. */
    if (minor == MONEY_UNKNOWN || currency[0] == '\0') {
        return;
    }
    jenc_object(j, "price");
    jenc_i64(j, "amount_minor", minor);
    jenc_str(j, "currency", currency);
    jenc_str(j, "text", money_format(minor, currency, locale, text));
    jenc_object_end(j);
}

static void put_product(struct jenc *j, const struct product *p)
{
    struct buf name = buf_make(TEXT_MAX);

    add_name(&name, p);
    jenc_str(j, "product_id", p->product_id);
    jenc_str(j, "title", buf_text(&name));
    if (url_safe(p->url)) {
        jenc_str(j, "url", p->url);
    }
    if (url_safe(p->image_url)) {
        jenc_str(j, "image_url", p->image_url);
    }
    buf_free(&name);
}

static bool in_cart(const struct cart *cart, const char *product_id)
{
    for (size_t i = 0; cart != NULL && i < cart->line_count; i++) {
        if (strcmp(cart->lines[i].product_id, product_id) == 0) {
            return true;
        }
    }
    return false;
}

/* How a pick goes with the named product it is due to; cart may be NULL. */
static const char *product_reason(const struct language *words, const struct pick *pick,
                                  const struct cart *cart)
{
    /* New and similar products are found by their category, brand and price: nobody has bought or
     * viewed them together, so "goes with" would be untrue. */
    if (pick->source != PICK_SESSION) {
        return words->because_similar;
    }
    /* The tie is that of the open cart when the pick was ranked; the
     * message's own cart is asked as well. */
    if (pick->tie == TIE_CART || in_cart(cart, pick->because)) {
        return words->because_cart;
    }
    return pick->tie == TIE_BOUGHT ? words->because_bought : words->because_session;
}

/* cart may be NULL: then nothing is said to be in it. */
static void add_reason(struct buf *out, const struct language *words, const struct pick *pick,
                       const struct product *because, const struct cart *cart)
{
    struct buf name = buf_make(TEXT_MAX);
    const char *template = words->because_popular;

    if (pick->source == PICK_CATEGORY && pick->because != NULL) {
        /* The last level is what people call it: "Shoes" of "Women > Shoes". */
        const char *last = strrchr(pick->because, '>');
        add_text(&name, last != NULL ? last + 1 + strspn(last + 1, " ") : pick->because);
        template = words->because_category;
    } else if (pick->source != PICK_CATEGORY && pick->source != PICK_POPULAR) {
        /* An id is no name for people. Then the taste is all that can be said. */
        bool named = pick->because != NULL && because != NULL &&
                     (because->title != NULL || because->brand != NULL);
        if (named) {
            add_name(&name, because);
        }
        template = named ? product_reason(words, pick, cart) : words->because_taste;
    }
    fill(out, template, (struct slot[SLOTS_MAX]){{"because", buf_text(&name)}});
    buf_free(&name);
}

static void put_reason(struct jenc *j, const struct language *words, const struct pick *pick,
                       const struct product *because, const struct cart *cart)
{
    struct buf text = buf_make(TEXT_MAX);

    add_reason(&text, words, pick, because, cart);
    jenc_str(j, "reason", buf_text(&text));
    buf_free(&text);
}

static void put_cards(struct jenc *j, const struct message_input *in, const struct language *words,
                      const char *locale)
{
    jenc_array(j, "cards");
    for (size_t i = 0; i < in->cart->line_count; i++) {
        /* The price of the line is what the shopper saw, that of a
         * pick what the catalogue says now. */
        const struct cart_line *line = &in->cart->lines[i];
        jenc_object(j, NULL);
        jenc_str(j, "kind", "cart_item");
        put_product(j, &in->line_products[i]);
        quantity_put(j, "quantity", line->quantity_milli);
        put_price(j, line->price_minor, line->currency, locale);
        jenc_object_end(j);
    }
    for (int i = 0; i < in->picks->count; i++) {
        const struct product *p = &in->pick_products[i];
        jenc_object(j, NULL);
        jenc_str(j, "kind", "recommendation");
        put_product(j, p);
        put_price(j, p->price_minor, p->currency, locale);
        put_reason(j, words, &in->picks->items[i], &in->because_products[i], in->cart);
        jenc_str(j, "source", pick_source_name(in->picks->items[i].source));
        jenc_object_end(j);
    }
    jenc_array_end(j);
}

/* "A", "A and B", "A, B and 3 more": the lines touched last come first. */
static void add_items(struct buf *out, const struct message_input *in, const struct language *words)
{
    size_t first = 0;
    size_t second = 0;
    struct buf a = buf_make(TEXT_MAX);
    struct buf b = buf_make(TEXT_MAX);
    char more[24];

    for (size_t i = 1; i < in->cart->line_count; i++) {
        if (in->cart->lines[i].touched_us > in->cart->lines[first].touched_us) {
            second = first;
            first = i;
        } else if (second == first ||
                   in->cart->lines[i].touched_us > in->cart->lines[second].touched_us) {
            /* second is first for as long as there is no other line */
            second = i;
        }
    }
    add_name(&a, &in->line_products[first]);
    add_name(&b, &in->line_products[second]);
    /* wraps round for a single line, whose template has no {count} */
    (void)snprintf(more, sizeof more, "%zu", in->cart->line_count - 2);
    const char *template = in->cart->line_count == 1   ? "{item}"
                           : in->cart->line_count == 2 ? words->items_two
                                                       : words->items_more;
    fill(
        out, template,
        (struct slot[SLOTS_MAX]){{"item", buf_text(&a)}, {"item2", buf_text(&b)}, {"count", more}});
    buf_free(&b);
    buf_free(&a);
}

/* "A, B": many catalogues know a product only by brand and kind, so equal names are said once. */
static void add_pick_names(struct buf *out, const struct message_input *in)
{
    struct buf names[PICKS_MAX];

    for (int i = 0; i < in->picks->count; i++) {
        bool said = false;
        /* kept until the end: each is compared with all before it */
        names[i] = buf_make(TEXT_MAX);
        add_name(&names[i], &in->pick_products[i]);
        for (int before = 0; before < i; before++) {
            said = said || strcmp(buf_text(&names[before]), buf_text(&names[i])) == 0;
        }
        if (!said) {
            buf_add_str(out, i == 0 ? "" : ", ");
            buf_add_str(out, buf_text(&names[i]));
        }
    }
    for (int i = 0; i < in->picks->count; i++) {
        buf_free(&names[i]);
    }
}

static void put_text(struct jenc *j, const struct message_input *in, const struct language *words,
                     const char *locale)
{
    struct buf items = buf_make(TEXT_MAX);
    struct buf picks = buf_make(TEXT_MAX);
    struct buf text = buf_make((size_t)4 * TEXT_MAX);
    char total[MONEY_TEXT_MAX] = "";
    char currency[4];
    int64_t minor;

    add_items(&items, in, words);
    /* A total is told only where every price is known and of one currency. */
    bool priced = cart_total(in->cart, &minor, currency);
    if (priced) {
        (void)money_format(minor, currency, locale, total);
    }
    fill(&text, priced ? words->text_total : words->text,
         (struct slot[SLOTS_MAX]){{"items", buf_text(&items)}, {"total", total}});
    add_pick_names(&picks, in);
    if (in->picks->count > 0) {
        buf_add_char(&text, ' ');
        fill(&text, words->picks, (struct slot[SLOTS_MAX]){{"picks", buf_text(&picks)}});
    }
    jenc_str(j, "text", buf_text(&text));
    buf_free(&text);
    buf_free(&picks);
    buf_free(&items);
}

static void put_button(struct jenc *j, const char *kind, const char *label, const char *url)
{
    jenc_object(j, NULL);
    jenc_str(j, "kind", kind);
    jenc_str(j, "label", label);
    jenc_str_opt(j, "url", url);
    jenc_object_end(j);
}

void message_pick_reason(const char *locale, const char *shop_locale, const struct pick *pick,
                         const struct product *because_product, struct buf *out)
{
    const char *chosen = NULL;

    add_reason(out, language_choose(locale, shop_locale, &chosen), pick, because_product, NULL);
}

void message_compose(const struct message_input *in, struct buf *out)
{
    const char *locale = NULL;
    const struct language *words = language_choose(in->locale, in->shop_locale, &locale);
    struct jenc j = jenc_begin(out);
    struct buf link = buf_make(TEXT_MAX);
    struct buf shop = buf_make(TEXT_MAX);
    struct buf disclosure = buf_make(TEXT_MAX);

    /* policy lets no empty cart through (rule_empty) */
    assert(in->cart->line_count > 0);
    if (url_safe(in->shop_url)) {
        /* shops name their address with and without the slash at its end */
        size_t len = strlen(in->shop_url);
        buf_printf(&link, "%.*s/cart?outreach=%s",
                   (int)(in->shop_url[len - 1] == '/' ? len - 1 : len), in->shop_url,
                   in->outreach_id);
    }
    /* set by the shop, but one clean line like everything else that fills a slot */
    add_text(&shop, in->shop_name);
    fill(&disclosure, words->disclosure, (struct slot[SLOTS_MAX]){{"shop", buf_text(&shop)}});
    jenc_object(&j, NULL);
    jenc_str(&j, "locale", locale);
    put_text(&j, in, words, locale);
    put_cards(&j, in, words, locale);
    jenc_array(&j, "buttons");
    put_button(&j, "cart", words->button_cart, buf_text(&link));
    put_button(&j, "help", words->button_help, NULL);
    /* Always there: whoever is written to can say no on the spot. */
    put_button(&j, "stop", words->button_stop, NULL);
    jenc_array_end(&j);
    jenc_str_opt(&j, "link", buf_text(&link));
    jenc_str(&j, "disclosure", buf_text(&disclosure));
    jenc_time(&j, "expires_at", in->expires_us);
    jenc_object_end(&j);
    buf_free(&disclosure);
    buf_free(&shop);
    buf_free(&link);
}
