/* The sentences that a shopper reads. Which of them are said is decided by what is known; how they
 * are said stands in message_table.inc. */
#include "domain/speak/message_text.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "domain/shop/money.h"
#include "domain/speak/names.h"

#include <string.h>

enum { TEXT_BYTES = 4000, TOTAL_BYTES = 400, SEVERAL = 2 /* as names_number has it */ };

/* The cart's lines, those touched last first: that is what the shopper remembers. */
static size_t *by_time(const struct cart *cart)
{
    size_t *order = mem_array(cart->line_count + 1, sizeof *order);

    /* insertion: a cart has few lines, and equal times keep the cart's order */
    for (size_t i = 0; i < cart->line_count; i++) {
        size_t at = i;
        for (; at > 0 && cart->lines[order[at - 1]].touched_us < cart->lines[i].touched_us; at--) {
            order[at] = order[at - 1];
        }
        order[at] = i;
    }
    return order;
}

static void gather_names(const struct message_input *in, const struct line_today *lines, bool gone,
                         struct names *out)
{
    CLEANUP(mem_free) size_t *order = by_time(in->cart);

    *out = (struct names){0};
    for (size_t i = 0; i < in->cart->line_count; i++) {
        const size_t line = order[i];
        if (lines[line].gone == gone) {
            names_add(out, &in->line_products[line], in->cart->lines[line].quantity_milli);
        }
    }
}

/* " (99.00 in total)", or nothing: a total is told only where every price is known and of one
 * currency, and all of it can be had. */
static void say_total(const struct message_input *in, const struct line_today *lines,
                      int64_t number, const struct speech *speech, struct buf *out)
{
    CLEANUP(buf_free) struct buf amount = buf_make(TOTAL_BYTES);
    char currency[4];
    int64_t minor;
    bool repriced;

    /* What comes to nothing is no total to quote: gifts alone, or a card that pays for all. */
    if (!cart_today_total(in->cart, lines, &minor, currency, &repriced) || minor <= 0) {
        return;
    }
    money_write(minor, currency, speech->intl, &amount);
    /* One piece with a coupon does not cost what is to be paid: that is no price of it, but a total. */
    const struct slot slots[] = {
        {.name = "total", .text = buf_text(&amount)},
        {.name = "n", .number = in->cart->adjustment_count > 0 ? SEVERAL : number},
        {0}};
    buf_add_str(out, " (");
    speech_say(speech, repriced ? PHRASE_TOTAL_NOW : PHRASE_TOTAL, slots, out);
    buf_add_char(out, ')');
}

static void say_left(const struct message_input *in, const struct line_today *lines,
                     const struct names *names, const struct speech *speech, struct buf *out)
{
    CLEANUP(buf_free) struct buf items = buf_make(TEXT_BYTES);
    CLEANUP(buf_free) struct buf total = buf_make(TOTAL_BYTES);
    const int64_t number = names_number(names);
    const bool named = names_say(names, speech, &items);

    say_total(in, lines, number, speech, &total);
    const struct slot slots[] = {{.name = "items", .text = buf_text(&items)},
                                 {.name = "total", .text = buf_text(&total)},
                                 {.name = "n", .number = number},
                                 {0}};
    speech_say(speech, named ? PHRASE_LEFT : PHRASE_LEFT_UNNAMED, slots, out);
}

static void say_gone(const struct names *names, const struct speech *speech, struct buf *out)
{
    CLEANUP(buf_free) struct buf items = buf_make(TEXT_BYTES);
    const bool named = names_say(names, speech, &items);
    const struct slot slots[] = {
        {.name = "items", .text = buf_text(&items)},
        {.name = "n", .number = named ? names_number(names) : (int64_t)names->more},
        {0}};

    speech_say(speech, named ? PHRASE_GONE : PHRASE_GONE_UNNAMED, slots, out);
}

/* In which sentence a pick stands: what is no addition to the cart is not passed off as one. */
static enum phrase sentence_of(const struct pick *pick)
{
    if (pick->relation == RELATION_POPULAR) {
        return PHRASE_PICKS_POPULAR;
    }
    return pick->relation == RELATION_ALTERNATIVE ? PHRASE_PICKS_INSTEAD : PHRASE_PICKS;
}

/* The one product that all alternatives would replace; NULL: it has no name, or there are several. */
static const struct product *replaced(const struct message_input *in)
{
    const struct product *one = NULL;

    for (int i = 0; i < in->picks->count; i++) {
        const struct product *because = &in->because_products[i];
        if (sentence_of(&in->picks->items[i]) != PHRASE_PICKS_INSTEAD) {
            continue;
        }
        if (!name_has(because) ||
            (one != NULL && strcmp(one->product_id, because->product_id) != 0)) {
            return NULL;
        }
        one = because;
    }
    return one;
}

/* The picks of one sentence; nothing where none of them has a name. */
static void say_picks(const struct message_input *in, enum phrase sentence,
                      const struct speech *speech, struct buf *out)
{
    CLEANUP(buf_free) struct buf items = buf_make(TEXT_BYTES);
    CLEANUP(buf_free) struct buf of = buf_make(TEXT_BYTES);
    const struct product *one = sentence == PHRASE_PICKS_INSTEAD ? replaced(in) : NULL;
    struct names names = {0};

    for (int i = 0; i < in->picks->count; i++) {
        if (sentence_of(&in->picks->items[i]) == sentence && name_has(&in->pick_products[i])) {
            names_add(&names, &in->pick_products[i], 0);
        }
    }
    if (!names_say(&names, speech, &items)) {
        return;
    }
    if (one != NULL) {
        name_add(one, &of);
    }
    const struct slot slots[] = {{.name = "items", .text = buf_text(&items)},
                                 {.name = "because", .text = buf_text(&of)},
                                 {.name = "n", .number = names_number(&names)},
                                 {0}};
    buf_add_char(out, ' ');
    speech_say(speech, one != NULL ? PHRASE_PICKS_INSTEAD_OF : sentence, slots, out);
}

static bool has_few(const struct cart *cart, const struct line_today *lines)
{
    bool few = false;

    for (size_t i = 0; i < cart->line_count; i++) {
        few = few || lines[i].few;
    }
    return few;
}

void message_text(const struct message_input *in, const struct line_today *lines,
                  const struct speech *speech, struct buf *out)
{
    struct names left;
    struct names gone;

    gather_names(in, lines, false, &left);
    gather_names(in, lines, true, &gone);
    if (left.things > 0) {
        say_left(in, lines, &left, speech, out);
    }
    /* What is gone was not kept, and the cart as it was is not there to go back to; nor is it where fewer are left. */
    if (gone.things > 0) {
        buf_add_str(out, left.things > 0 ? " " : "");
        say_gone(&gone, speech, out);
    } else if (!has_few(in->cart, lines)) {
        buf_add_char(out, ' ');
        speech_say(speech, PHRASE_KEPT, (const struct slot[]){{0}}, out);
    }
    say_picks(in, PHRASE_PICKS, speech, out);
    say_picks(in, PHRASE_PICKS_POPULAR, speech, out);
    say_picks(in, PHRASE_PICKS_INSTEAD, speech, out);
}
