/* One cart: its rounds, and what events do to its lines. Which cart an event belongs to
 * is shopper_carts.c's question. */
#include "domain/shopper/cart.h"

#include "domain/shop/money.h"
#include "domain/shopper/cart_lines.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool cart_has(const struct cart *c, const char *product_id)
{
    size_t low = 0;
    size_t high = c->line_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(c->lines[middle].product_id, product_id);
        if (order == 0) {
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

static void more_of(struct cart_line *line, const struct event_item *item)
{
    line->quantity_milli += item->quantity_milli;
    if (line->quantity_milli > CART_QUANTITY_MAX) {
        line->quantity_milli = CART_QUANTITY_MAX;
    }
    if (item->price_minor != MONEY_UNKNOWN) {
        line_set_price(line, item->price_minor, item->currency);
    }
}

/* ---- rounds ---- */

static void stamp(struct cart *c, const struct event *e)
{
    c->changed_us = e->occurred_us;
    c->imported = e->origin == ORIGIN_IMPORT;
}

void cart_open(struct cart *c, int64_t at_us)
{
    *c = (struct cart){
        .id = c->id,
        .via = c->via,
        .round = c->round + 1,
        .status = CART_OPEN,
        .opened_us = at_us,
        .changed_us = at_us,
        .signals = {.shipping_minor = MONEY_UNKNOWN},
    };
}

static bool was_released(const struct cart *c)
{
    for (size_t i = 0; i < STEPS_MAX; i++) {
        if (c->released[i] != 0) {
            return true;
        }
    }
    return false;
}

void cart_close(struct cart *c, enum cart_status status, const struct event *e)
{
    assert(c->status == CART_OPEN && status != CART_OPEN);
    c->status = status;
    c->closed_us = e->occurred_us;
    c->recovered = status == CART_BOUGHT && was_released(c);
    if (status !=
        CART_BOUGHT) { /* what was bought is still asked about: recommendations, refunds */
        c->line_count = 0;
        c->adjustment_count = 0;
        c->lines_cut = 0;
    }
    stamp(c, e);
}

void cart_reopen(struct cart *c, const struct event *e)
{
    assert(c->status == CART_BOUGHT);
    c->status = CART_OPEN;
    c->closed_us = 0;
    c->recovered = false;
    c->order_id = NULL;
    stamp(c, e);
}

/* ---- what events do to lines ---- */

/* The line that an item goes to, made where it is a new one. The same product at another price is another line. */
static struct cart_line *line_for(struct line_list list, const struct event_item *item,
                                  int64_t at_us, struct arena *a)
{
    struct cart_line *line = lines_for_addition(list, item);

    return line == NULL ? lines_insert(list, item, at_us, a) : line;
}

static void add_item(struct line_list list, const struct event_item *item, int64_t at_us,
                     struct arena *a)
{
    struct cart_line *line = line_for(list, item, at_us, a);

    more_of(line, item);
    line->touched_us = at_us;
}

static int by_ids(const void *x, const void *y)
{
    const struct event_item *const *one = x;
    const struct event_item *const *other = y;
    int order = item_compare_ids(*one, *other);

    /* of the same ids as they came, which is how they lie */
    return order != 0 ? order : (*one > *other) - (*one < *other);
}

/* Items of different ids do not see each other, while no line has to make room: so they may come in the order of the lines. */
static void add_many(struct line_list list, const struct event_item *items, size_t count,
                     int64_t at_us, struct arena *a)
{
    const struct event_item **sorted = arena_array(a, count, sizeof(const struct event_item *));
    struct line_merge merge = lines_merge(list, count, a);
    struct line_list group = {0};

    for (size_t i = 0; i < count; i++) {
        sorted[i] = &items[i];
    }
    qsort(sorted, count, sizeof(const struct event_item *), by_ids);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || item_compare_ids(sorted[i - 1], sorted[i]) != 0) {
            group = lines_merge_group(&merge, sorted[i]);
        }
        add_item(group, sorted[i], at_us, a);
    }
    lines_merged(&merge);
}

static bool is_many(struct line_list list, size_t more)
{
    enum { FEW = 16 };

    return more > FEW && *list.count + more <= CART_LINES_MAX;
}

static void add_to(struct line_list list, const struct event_item *items, size_t count,
                   int64_t at_us, struct arena *a)
{
    if (is_many(list, count)) {
        add_many(list, items, count, at_us, a);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        add_item(list, &items[i], at_us, a);
    }
}

void cart_add(struct cart *c, const struct event *e, struct arena *a)
{
    add_to(cart_products(c), e->items, e->item_count, e->occurred_us, a);
    add_to(cart_adjustments(c), e->adjustments, e->adjustment_count, e->occurred_us, a);
    stamp(c, e);
}

/* False: there is no such line. */
static bool remove_from(struct line_list list, const struct event_item *item, const struct event *e)
{
    struct cart_line *line = lines_for_removal(list, item);

    if (line == NULL) {
        return false;
    }
    line->quantity_milli -= item->quantity_milli;
    line->touched_us = e->occurred_us;
    if (line->quantity_milli <= 0) {
        line_give_up(line);
    }
    return true;
}

void cart_remove(struct cart *c, const struct event *e)
{
    for (size_t i = 0; i < e->item_count; i++) {
        /* Without a price it cannot be seen whether a gift card is meant. What is neither was added by an event that never
         * reached us; the cart as known does not change. */
        if (remove_from(cart_products(c), &e->items[i], e) ||
            remove_from(cart_adjustments(c), &e->items[i], e)) {
            stamp(c, e);
        }
    }
    for (size_t i = 0; i < e->adjustment_count; i++) {
        if (remove_from(cart_adjustments(c), &e->adjustments[i], e)) {
            stamp(c, e);
        }
    }
    lines_sweep(cart_products(c));
    lines_sweep(cart_adjustments(c));
    if (c->line_count == 0) { /* adjustments of nothing are no cart */
        cart_close(c, CART_EMPTIED, e);
    }
}

/* Takes one item from the lines it may mean; true if any was there. */
static bool buy_item(struct line_list list, const struct event_item *item, const struct event *e)
{
    int64_t wanted = item->quantity_milli;
    struct cart_line *line = lines_for_removal(list, item);
    bool found = line != NULL;

    /* An order may name no variant where the cart has several: whatever is bought must not be reminded of. */
    while (line != NULL) {
        int64_t taken = line->quantity_milli < wanted ? line->quantity_milli : wanted;
        wanted -= taken;
        line->quantity_milli -= taken;
        line->touched_us = e->occurred_us;
        if (line->quantity_milli == 0) {
            line_give_up(line);
        }
        line = wanted > 0 ? lines_for_removal(list, item) : NULL;
    }
    return found;
}

bool cart_buy_lines(struct cart *c, const struct event *e, struct arena *a)
{
    struct cart_line *whole = c->lines;
    size_t count = c->line_count;
    bool changed = false;

    c->lines = arena_array(a, cart_lines_capacity(count), sizeof *whole);
    if (count > 0) {
        memcpy(c->lines, whole, count * sizeof *whole);
    }
    for (size_t i = 0; i < e->item_count; i++) {
        changed = buy_item(cart_products(c), &e->items[i], e) || changed;
    }
    lines_sweep(cart_products(c));
    if (c->line_count == 0) {
        c->lines = whole; /* a bought round keeps what was bought */
        c->line_count = count;
        cart_close(c, CART_BOUGHT, e);
        return false;
    }
    if (changed) {
        stamp(c, e);
    }
    return true;
}

/* A line that was there before keeps its age and, where the snapshot has none, its price. Of several it is the one of its
 * price. */
static void inherit(struct cart_line *line, struct line_list before)
{
    const struct event_item item = line_as_item(line);
    const struct cart_line *old = lines_priced(before, &item);

    old = old == NULL ? lines_first(before, &item) : old;
    if (old != NULL) {
        line->added_us = old->added_us;
        line->touched_us = old->touched_us;
        if (line->price_minor == MONEY_UNKNOWN) {
            line_set_price(line, old->price_minor, old->currency);
        }
    }
}

/* Puts the items in place of the lines that were; true if they say something new. */
static bool replace_list(struct line_list list, struct line_list before,
                         const struct event_item *items, size_t count, const struct event *e,
                         struct arena *a)
{
    bool changed = false;

    add_to(list, items, count, e->occurred_us, a);
    for (size_t i = 0; i < *list.count; i++) {
        struct cart_line *line = &(*list.lines)[i];
        inherit(line, before);
        const struct event_item item = line_as_item(line);
        const struct cart_line *same = lines_priced(before, &item);
        if (same == NULL || same->quantity_milli != line->quantity_milli) {
            line->touched_us = e->occurred_us;
            changed = true;
        }
    }
    return changed || *list.count != *before.count;
}

void cart_replace(struct cart *c, const struct event *e, struct arena *a)
{
    struct cart before = *c;

    assert(e->item_count > 0);
    c->lines = NULL;
    c->line_count = 0;
    c->adjustments = NULL;
    c->adjustment_count = 0;
    c->lines_cut = 0;
    bool products =
        replace_list(cart_products(c), cart_products(&before), e->items, e->item_count, e, a);
    bool adjustments = replace_list(cart_adjustments(c), cart_adjustments(&before), e->adjustments,
                                    e->adjustment_count, e, a);
    /* Shops send a snapshot with every page; only one that says something new makes the cart younger. */
    if (products || adjustments) {
        stamp(c, e);
    }
}

/* ---- merging ---- */

static int64_t larger(int64_t x, int64_t y)
{
    return x > y ? x : y;
}

static bool has_one_price(struct line_list list, const struct event_item *item)
{
    const struct cart_line *first = lines_first(list, item);
    size_t next = first == NULL ? 0 : (size_t)(first - *list.lines) + 1;

    if (first == NULL || next == *list.count) {
        return true;
    }
    const struct event_item behind = line_as_item(&(*list.lines)[next]);
    return lines_first(list, &behind) != first;
}

/* The line of list that `from` goes on in; NULL: it is a line of its own. */
static struct cart_line *line_to_join(struct line_list list, struct line_list side,
                                      const struct event_item *from)
{
    struct cart_line *line = lines_priced(list, from);

    if (line == NULL && has_one_price(list, from) && has_one_price(side, from)) {
        line = lines_first(list, from); /* the price has changed between the two */
    }
    return line;
}

static void absorb_line(struct line_list list, struct line_list side, const struct cart_line *from,
                        struct arena *a)
{
    const struct event_item item = line_as_item(from);
    struct cart_line *line = line_to_join(list, side, &item);
    bool known = line != NULL;

    if (!known) {
        line = lines_insert(list, &item, from->added_us, a);
    }
    if (from->price_minor != MONEY_UNKNOWN &&
        (line->price_minor == MONEY_UNKNOWN || from->touched_us > line->touched_us)) {
        line_set_price(line, from->price_minor, from->currency);
    }
    /* The larger, not the sum: who logs in with a full cart has usually put the same thing into both. */
    line->quantity_milli = larger(line->quantity_milli, from->quantity_milli);
    line->added_us = known && line->added_us < from->added_us ? line->added_us : from->added_us;
    line->touched_us = larger(line->touched_us, from->touched_us);
}

/* As add_many; the lines of the side are sorted. */
static void absorb_many(struct line_list list, struct line_list side, struct arena *a)
{
    struct line_merge merge = lines_merge(list, *side.count, a);
    struct line_list group = {0};

    for (size_t i = 0; i < *side.count; i++) {
        const struct event_item item = line_as_item(&(*side.lines)[i]);
        const struct event_item before =
            i > 0 ? line_as_item(&(*side.lines)[i - 1]) : (struct event_item){0};
        if (i == 0 || item_compare_ids(&before, &item) != 0) {
            group = lines_merge_group(&merge, &item);
        }
        absorb_line(group, side, &(*side.lines)[i], a);
    }
    lines_merged(&merge);
}

static void absorb_list(struct line_list list, struct line_list side, struct arena *a)
{
    if (is_many(list, *side.count)) {
        absorb_many(list, side, a);
        return;
    }
    for (size_t i = 0; i < *side.count; i++) {
        absorb_line(list, side, &(*side.lines)[i], a);
    }
}

static void absorb_signals(struct cart_signals *to, const struct cart_signals *from)
{
    if (from->shipping_shown_us > to->shipping_shown_us) {
        to->shipping_minor = from->shipping_minor;
    }
    to->checkout_started_us = larger(to->checkout_started_us, from->checkout_started_us);
    to->checkout_step = larger(to->checkout_step, from->checkout_step);
    to->shipping_shown_us = larger(to->shipping_shown_us, from->shipping_shown_us);
    to->payment_info_us = larger(to->payment_info_us, from->payment_info_us);
    to->payment_failed_us = larger(to->payment_failed_us, from->payment_failed_us);
    to->coupon_entered_us = larger(to->coupon_entered_us, from->coupon_entered_us);
    to->coupon_applied_us = larger(to->coupon_applied_us, from->coupon_applied_us);
    to->coupon_denied_us = larger(to->coupon_denied_us, from->coupon_denied_us);
    to->pages_returns += from->pages_returns;
    to->pages_shipping += from->pages_shipping;
    to->pages_size += from->pages_size;
    to->pages_reviews += from->pages_reviews;
    to->adds += from->adds;
    to->removes += from->removes;
    to->views += from->views;
    to->line_views += from->line_views;
    to->searches += from->searches;
    to->events += from->events;
}

void cart_absorb(struct cart *c, struct cart *side, const struct event *e, struct arena *a)
{
    assert(c != side && c->status == CART_OPEN && side->status == CART_OPEN);
    absorb_list(cart_products(c), cart_products(side), a);
    absorb_list(cart_adjustments(c), cart_adjustments(side), a);
    c->lines_cut += side->lines_cut;
    absorb_signals(&c->signals, &side->signals);
    /* A message about either was a message about these lines. */
    for (size_t i = 0; i < STEPS_MAX; i++) {
        c->released[i] = larger(c->released[i], side->released[i]);
    }
    if (side->opened_us < c->opened_us) {
        c->opened_us = side->opened_us;
    }
    stamp(c, e);
    cart_close(side, CART_MERGED, e);
    side->into = c->id;
}
