/* What the cart asks of the picks beside it: its currency, prices of its size, and nothing that undercuts it. */
#include "domain/affinity/affinity_internal.h"
#include "domain/affinity/affinity_shelf.h"
#include "domain/shop/money.h"

#include <string.h>

/* An alternative costs at most so many times what it would replace: who is offered the double has been offered something else. */
static const double ALTERNATIVE_RATIO = 1.25;
/* What is of the category of something in the cart, and no alternative to it, where the shopper has not come upon it themselves. */
static const double UNSEEN_RATIO = 1.5;

static const struct cart *cart_of(const struct pick_wish *w)
{
    return w->cart ? w->cart : shopper_open_cart(w->shopper);
}

/* As long as any currency, because all of it is copied. */
static const char no_currency[sizeof((struct pick_limits *)NULL)->currency] = "";

/* Empty where the lines differ: then no pick is of the wrong one. */
static const char *currency_of(const struct cart *c)
{
    const char *currency = no_currency;
    for (size_t i = 0; c && i < c->line_count; i++) {
        const char *of_line = c->lines[i].currency;
        if (currency[0] != '\0' && of_line[0] != '\0' && strcmp(currency, of_line) != 0) {
            return no_currency;
        }
        currency = of_line[0] != '\0' ? of_line : currency;
    }
    return currency;
}

/* MONEY_UNKNOWN where nothing costs anything, as far as is known, and something is not known. */
static int64_t dearest_of(const struct cart *c)
{
    int64_t dearest = MONEY_UNKNOWN;
    bool all_known = true;
    for (size_t i = 0; c && i < c->line_count; i++) {
        const int64_t price = c->lines[i].price_minor;
        all_known = all_known && price != MONEY_UNKNOWN;
        dearest = price > dearest ? price : dearest;
    }
    return dearest > 0 || all_known ? dearest : MONEY_UNKNOWN;
}

struct pick_limits affinity_limits(const struct pick_wish *w)
{
    const struct cart *c = cart_of(w);
    const int64_t dearest = dearest_of(c);
    const double price_max = w->dearest_ratio * (double)dearest;
    struct pick_limits limits = {.price_max = MONEY_MINOR_MAX};
    memcpy(limits.currency, currency_of(c), sizeof limits.currency);
    /* a cart of unknown prices has no size; beside a free sample nothing stands that costs something */
    if (w->dearest_ratio > 0 && dearest != MONEY_UNKNOWN && price_max < (double)MONEY_MINOR_MAX) {
        limits.price_max = (int64_t)price_max;
    }
    return limits;
}

bool affinity_is_within(const struct pick_limits *limits, int64_t price_minor, const char *currency)
{
    const bool same = limits->currency[0] == '\0' || currency[0] == '\0' ||
                      strcmp(limits->currency, currency) == 0;
    /* an unknown price is below all others */
    return same && price_minor <= limits->price_max;
}

/* ---- the filter ---- */

static void exclude_currencies(struct ranking *r, const struct affinity_shelf *shelf)
{
    const uint32_t wanted = shelf_currency(r->limits.currency);
    for (int i = 0; shelf->is_mixed && wanted != 0 && i < shelf->count; i++) {
        if (shelf->currency[i] != 0 && shelf->currency[i] != wanted) {
            ranking_exclude(r, i);
        }
    }
}

static void exclude_untitled(struct ranking *r, const struct affinity_shelf *shelf)
{
    const bool some = affinity_shelf_has_titles(shelf);
    for (int i = 0; some && i < shelf->count / 64 + 1; i++) {
        r->excluded[i] |= ~shelf->titled[i];
    }
}

/* Of each category the dearest line: what costs less undercuts it. */
static void note_line(struct ranking *r, int32_t category, int64_t price_minor)
{
    for (size_t i = 0; i < r->line_count; i++) {
        if (r->lines[i].category == category) {
            r->lines[i].price_minor =
                price_minor > r->lines[i].price_minor ? price_minor : r->lines[i].price_minor;
            return;
        }
    }
    r->lines[r->line_count++] = (struct rank_line){category, price_minor};
}

/* The lines that something may undercut. */
static void note_lines(struct ranking *r)
{
    const struct cart *c = r->cart;
    r->lines = arena_array(r->arena, c ? c->line_count + 1 : 1, sizeof *r->lines);
    for (size_t i = 0; c && i < c->line_count; i++) {
        const int item = affinity_find(r->model, c->lines[i].product_id);
        if (item >= 0 && r->model->category[item] != 0 && c->lines[i].price_minor > 0) {
            note_line(r, r->model->category[item], c->lines[i].price_minor);
        }
    }
}

void ranking_limit(struct ranking *r)
{
    const struct pick_wish *w = r->wish;
    r->cart = cart_of(w);
    r->limits = affinity_limits(w);
    r->undercuts = w->substitutes == SUBSTITUTES_ALLOWED;
    note_lines(r);
    if (w->priced || r->limits.price_max < MONEY_MINOR_MAX) {
        r->filter.value = w->shelf ? w->shelf->price : r->model->price;
        /* unknown is below 0, and left out only where a price was asked for */
        r->filter.value_min = !w->priced ? INT64_MIN : w->price_min > 0 ? w->price_min : 0;
        r->filter.value_max =
            w->priced && w->price_max < r->limits.price_max ? w->price_max : r->limits.price_max;
    }
    if (w->shelf) {
        exclude_currencies(r, w->shelf);
        exclude_untitled(r, w->shelf);
    }
}

/* ---- substitutes ---- */

static int64_t price_of(const struct ranking *r, int item)
{
    return r->wish->shelf ? r->wish->shelf->price[item] : r->model->price[item];
}

static bool in_other_currency(const struct ranking *r, int item, const struct cart_line *line)
{
    const struct affinity_shelf *shelf = r->wish->shelf;
    return shelf && shelf->currency[item] != 0 && line->currency[0] != '\0' &&
           shelf->currency[item] != shelf_currency(line->currency);
}

/* Whoever has several of a kind in the cart compares them already. */
static bool has_several(const struct ranking *r, int in_cart)
{
    int count = 0;
    for (int i = 0; i < r->own.count; i++) {
        const struct own_item *own = &r->own.items[i];
        count += own->in_cart &&
                 (own->item == in_cart || affinity_same_kind(r->model, own->item, in_cart));
    }
    return count > 1;
}

bool ranking_is_dearer(const struct ranking *r, int item, int in_cart)
{
    const char *id = affinity_item_id(r->model, in_cart);
    const double ratio = r->wish->about_price || has_several(r, in_cart) ? 1 : ALTERNATIVE_RATIO;
    bool dearer = false;
    /* its sizes are lines of their own: dearer than the dearest of them */
    for (size_t i = 0; r->cart && i < r->cart->line_count; i++) {
        const struct cart_line *line = &r->cart->lines[i];
        if (strcmp(line->product_id, id) != 0) {
            continue;
        }
        const int64_t price =
            line->price_minor != MONEY_UNKNOWN ? line->price_minor : price_of(r, in_cart);
        dearer = price != MONEY_UNKNOWN && !in_other_currency(r, item, line) &&
                 (double)price_of(r, item) > ratio * (double)price;
        if (!dearer) {
            return false;
        }
    }
    return dearer;
}

bool ranking_undercuts(const struct ranking *r, int item)
{
    const int64_t price = price_of(r, item);
    for (size_t i = 0; price >= 0 && i < r->line_count; i++) {
        if (r->lines[i].category == r->model->category[item] && price < r->lines[i].price_minor) {
            return true;
        }
    }
    return false;
}

bool ranking_towers(const struct ranking *r, int item)
{
    const int64_t price = price_of(r, item);
    for (size_t i = 0; i < r->line_count; i++) {
        if (r->lines[i].category == r->model->category[item] &&
            (double)price > UNSEEN_RATIO * (double)r->lines[i].price_minor) {
            return ranking_own_of(r, item) == NULL;
        }
    }
    return false;
}

bool ranking_is_another_kind(const struct ranking *r, int item)
{
    const struct affinity *m = r->model;
    bool other = m->kind && m->kind[item] != 0;
    for (int i = 0; other && i < r->own.count; i++) {
        const int own = r->own.items[i].item;
        if (r->own.items[i].in_cart && m->category[own] == m->category[item]) {
            other = m->kind[own] != 0 && m->kind[own] != m->kind[item];
        }
    }
    return other;
}
