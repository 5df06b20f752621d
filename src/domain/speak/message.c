/* The message a shopper reads, as neutral JSON. URLs are http or https only. Must not decide
 * anything: policy did. */
#include "domain/speak/message.h"

#include "base/cleanup.h"
#include "base/jenc.h"
#include "base/mem.h"
#include "domain/shop/money.h"
#include "domain/shop/quantity.h"
#include "domain/speak/cart_today.h"
#include "domain/speak/language.h"
#include "domain/speak/message_text.h"
#include "domain/speak/names.h"

#include <assert.h>
#include <string.h>

enum {
    TEXT_MAX = 16000,
    SHORT_MAX = 4000,
    CARDS_MAX = 30 /* lines of the cart; nobody scrolls through more in a chat */
};

static const struct slot no_slots[] = {{0}};

bool message_url_safe(const char *url)
{
    if (url == NULL || (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)) {
        return false;
    }
    if (strspn(strchr(url, '/') + 2, "/?#:@") > 0 || strchr(url, '/')[2] == '\0') {
        return false; /* no host */
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

static void put_price(struct jenc *j, const char *key, int64_t minor, const char *currency,
                      const struct speech *speech)
{
    CLEANUP(buf_free) struct buf text = buf_make(SHORT_MAX);

    /* Without currency an amount would be read in the reader's own. */
    if (minor == MONEY_UNKNOWN || currency[0] == '\0') {
        return;
    }
    money_write(minor, currency, speech->intl, &text);
    jenc_object(j, key);
    jenc_i64(j, "amount_minor", minor);
    jenc_str(j, "currency", currency);
    jenc_str(j, "text", buf_text(&text));
    jenc_object_end(j);
}

static void put_phrase(struct jenc *j, const char *key, const struct speech *speech,
                       enum phrase phrase, const struct slot *slots)
{
    CLEANUP(buf_free) struct buf text = buf_make(SHORT_MAX);

    speech_say(speech, phrase, slots, &text);
    jenc_str(j, key, buf_text(&text));
}

static void put_product(struct jenc *j, const struct product *p)
{
    CLEANUP(buf_free) struct buf name = buf_make(SHORT_MAX);

    name_add(p, &name);
    jenc_str(j, "product_id", p->product_id);
    jenc_str(j, "title", name_has(p) ? buf_text(&name) : NULL);
    if (message_url_safe(p->url)) {
        jenc_str(j, "url", p->url);
    }
    if (message_url_safe(p->image_url)) {
        jenc_str(j, "image_url", p->image_url);
    }
}

/* ---- why a pick ---- */

static bool in_cart(const struct cart *cart, const char *product_id)
{
    for (size_t i = 0; cart != NULL && i < cart->line_count; i++) {
        if (strcmp(cart->lines[i].product_id, product_id) == 0) {
            return true;
        }
    }
    return false;
}

/* What is said of the named product that a pick is due to; cart may be NULL. */
static enum phrase product_reason(const struct pick *pick, const struct cart *cart)
{
    if (pick->relation == RELATION_ALTERNATIVE) {
        return PHRASE_BECAUSE_INSTEAD;
    }
    if (pick->relation != RELATION_GOES_WITH) {
        return pick->relation == RELATION_NEXT ? PHRASE_BECAUSE_NEXT : PHRASE_BECAUSE_SIMILAR;
    }
    /* The tie is that of the open cart when the pick was ranked; the
     * message's own cart is asked as well. */
    if (pick->tie == TIE_CART || in_cart(cart, pick->because)) {
        return PHRASE_BECAUSE_CART;
    }
    return pick->tie == TIE_BOUGHT ? PHRASE_BECAUSE_BOUGHT : PHRASE_BECAUSE_SESSION;
}

/* What is said of a pick that is due to no product. */
static enum phrase plain_reason(enum pick_relation relation)
{
    if (relation == RELATION_POPULAR) {
        return PHRASE_BECAUSE_POPULAR;
    }
    if (relation == RELATION_VIEWED) {
        return PHRASE_BECAUSE_VIEWED;
    }
    return relation == RELATION_TASTE ? PHRASE_BECAUSE_TASTE : PHRASE_BECAUSE_RANGE;
}

/* cart may be NULL: then nothing is said to be in it. */
static void add_reason(const struct speech *speech, const struct pick *pick,
                       const struct product *because, const struct cart *cart, struct buf *out)
{
    CLEANUP(buf_free) struct buf name = buf_make(SHORT_MAX);
    enum phrase phrase = plain_reason(pick->relation);

    if (pick->relation == RELATION_POPULAR_IN) {
        /* The last level is what people call it: "Shoes" of "Women > Shoes". */
        const char *last = strrchr(pick->because, '>');
        name_add_text(last != NULL ? last + 1 + strspn(last + 1, " ") : pick->because, &name);
        phrase = PHRASE_BECAUSE_CATEGORY;
    } else if (pick_relation_is_to_product(pick->relation)) {
        /* Without a name the taste is all that can be said. */
        const bool named = because != NULL && name_has(because);
        if (named) {
            name_add(because, &name);
        }
        phrase = named ? product_reason(pick, cart) : PHRASE_BECAUSE_TASTE;
    }
    const struct slot slots[] = {{.name = "because", .text = buf_text(&name)}, {0}};
    speech_say(speech, phrase, slots, out);
}

void message_pick_reason(const struct message_reader *reader, const struct pick *pick,
                         const struct product *because_product, struct buf *out)
{
    CLEANUP(speech_end) struct speech speech;

    speech_begin(&speech, reader->locale, reader->shop_locale, reader->informal);
    add_reason(&speech, pick, because_product, NULL, out);
}

/* ---- the parts of a message ---- */

/* The price as it is now, what the shopper saw where that was another, and what is left where it is less. */
static void put_line_price(struct jenc *j, const struct cart_line *line,
                           const struct line_today *today, const struct speech *speech)
{
    CLEANUP(buf_free) struct buf was = buf_make(SHORT_MAX);
    CLEANUP(buf_free) struct buf note = buf_make(SHORT_MAX);

    if (today->gone) {
        jenc_bool(j, "sold_out", true);
        put_phrase(j, "note", speech, PHRASE_CARD_GONE, no_slots);
        return;
    }
    put_price(j, "price", today->price_minor, today->currency, speech);
    if (today->repriced) {
        put_price(j, "price_in_cart", line->price_minor, line->currency, speech);
        money_write(line->price_minor, line->currency, speech->intl, &was);
        speech_say(speech, PHRASE_CARD_WAS,
                   (const struct slot[]){{.name = "price", .text = buf_text(&was)}, {0}}, &note);
    }
    if (today->few) {
        jenc_i64(j, "stock_left", today->left);
        buf_add_str(&note, note.len > 0 ? ", " : "");
        speech_say(speech, PHRASE_CARD_FEW,
                   (const struct slot[]){{.name = "n", .number = today->left}, {0}}, &note);
    }
    jenc_str_opt(j, "note", buf_text(&note));
}

/* Those that are alternatives to what lies in the cart, or the others. */
static void put_picks(struct jenc *j, const struct message_input *in, bool alternatives,
                      const struct speech *speech)
{
    for (int i = 0; i < in->picks->count; i++) {
        const struct pick *pick = &in->picks->items[i];
        const struct product *p = &in->pick_products[i];
        CLEANUP(buf_free) struct buf reason = buf_make(SHORT_MAX);
        if ((pick->relation == RELATION_ALTERNATIVE) != alternatives) {
            continue;
        }
        jenc_object(j, NULL);
        jenc_str(j, "kind", "recommendation");
        put_product(j, p);
        put_price(j, "price", p->price_minor, p->currency, speech);
        add_reason(speech, pick, &in->because_products[i], in->cart, &reason);
        jenc_str(j, "reason", buf_text(&reason));
        jenc_str(j, "source", pick_source_name(pick->source));
        jenc_object_end(j);
    }
}

static void put_cards(struct jenc *j, const struct message_input *in,
                      const struct line_today *lines, const struct speech *speech)
{
    const size_t shown = in->cart->line_count < CARDS_MAX ? in->cart->line_count : CARDS_MAX;

    jenc_array(j, "cards");
    for (size_t i = 0; i < shown; i++) {
        const struct cart_line *line = &in->cart->lines[i];
        jenc_object(j, NULL);
        jenc_str(j, "kind", "cart_item");
        put_product(j, &in->line_products[i]);
        jenc_str_opt(j, "variant_id", line->variant_id);
        jenc_str_opt(j, "line_id", line->line_id);
        quantity_put(j, "quantity", line->quantity_milli);
        put_line_price(j, line, &lines[i], speech);
        jenc_object_end(j);
    }
    put_picks(j, in, false, speech);
    put_picks(j, in, true, speech); /* behind what is an addition, as in the text */
    jenc_array_end(j);
}

static void put_button(struct jenc *j, const char *kind, const struct speech *speech,
                       enum phrase label, const char *url)
{
    jenc_object(j, NULL);
    jenc_str(j, "kind", kind);
    put_phrase(j, "label", speech, label, no_slots);
    jenc_str_opt(j, "url", url);
    jenc_object_end(j);
}

/* The link to the cart, or nothing; with the outreach that it belongs to, where there is one. */
static void add_link(const struct message_input *in, struct buf *out)
{
    if (!message_url_safe(in->shop_url)) {
        return;
    }
    /* shops name their address with and without the slash at its end */
    const size_t len = strlen(in->shop_url);
    buf_printf(out, "%.*s/cart", (int)(in->shop_url[len - 1] == '/' ? len - 1 : len), in->shop_url);
    if (in->outreach_id != NULL) {
        buf_printf(out, "?outreach=%s", in->outreach_id);
    }
}

static void put_disclosure(struct jenc *j, const struct message_input *in,
                           const struct speech *speech)
{
    CLEANUP(buf_free) struct buf shop = buf_make(SHORT_MAX);

    /* set by the shop, but one clean line like everything else that fills a slot */
    name_add_text(in->shop_name, &shop);
    put_phrase(j, "disclosure", speech,
               in->shop_name[0] != '\0' ? PHRASE_DISCLOSURE : PHRASE_DISCLOSURE_NAMELESS,
               (const struct slot[]){{.name = "shop", .text = buf_text(&shop)}, {0}});
}

void message_compose(const struct message_input *in, struct buf *out)
{
    CLEANUP(speech_end) struct speech speech;
    CLEANUP(mem_free) struct line_today *lines = mem_array(in->cart->line_count + 1, sizeof *lines);
    CLEANUP(buf_free) struct buf link = buf_make(SHORT_MAX);
    CLEANUP(buf_free) struct buf text = buf_make(TEXT_MAX);
    struct jenc j = jenc_begin(out);

    /* policy lets no empty cart through (rule_empty) */
    assert(in->cart->line_count > 0);
    speech_begin(&speech, in->reader.locale, in->reader.shop_locale, in->reader.informal);
    cart_today(in->cart, in->line_products, lines);
    add_link(in, &link);
    message_text(in, lines, &speech, &text);
    jenc_object(&j, NULL);
    jenc_str(&j, "locale", speech.locale);
    jenc_str(&j, "text", buf_text(&text));
    put_cards(&j, in, lines, &speech);
    if (in->cart->line_count > CARDS_MAX) {
        jenc_i64(&j, "cards_left_out", (int64_t)(in->cart->line_count - CARDS_MAX));
    }
    jenc_array(&j, "buttons");
    put_button(&j, "cart", &speech, PHRASE_BUTTON_CART, buf_text(&link));
    put_button(&j, "help", &speech, PHRASE_BUTTON_HELP, NULL);
    /* Always there: whoever is written to can say no on the spot. */
    put_button(&j, "stop", &speech, PHRASE_BUTTON_STOP, NULL);
    jenc_array_end(&j);
    jenc_str_opt(&j, "link", buf_text(&link));
    put_disclosure(&j, in, &speech);
    jenc_time(&j, "expires_at", in->expires_us);
    jenc_object_end(&j);
}
