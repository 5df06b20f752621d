/* One cart: its lines, its rounds, and what is computed from them. Which cart an event belongs to
 * is shopper_carts.c's question. */
#include "domain/shopper/cart.h"

#include "domain/shop/money.h"

#include <assert.h>
#include <string.h>

enum { LINES_CAPACITY_MIN = 4 };

size_t cart_lines_capacity(size_t count)
{
    /* A function of the count alone, so that no capacity needs to be kept or copied: see insert_line. */
    size_t capacity = LINES_CAPACITY_MIN;

    while (capacity < count) {
        capacity *= 2;
    }
    return capacity;
}

/* ---- lines ---- */

/* Where the product's line is, or belongs. */
static size_t line_index(const struct cart *c, const char *product_id, bool *out_found)
{
    size_t low = 0;
    size_t high = c->line_count;

    *out_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(c->lines[middle].product_id, product_id);
        if (order == 0) {
            *out_found = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool cart_has(const struct cart *c, const char *product_id)
{
    bool found;

    (void)line_index(c, product_id, &found);
    return found;
}

static void drop_line(struct cart *c, size_t index)
{
    assert(index < c->line_count);
    memmove(&c->lines[index], &c->lines[index + 1], (c->line_count - index - 1) * sizeof *c->lines);
    c->line_count--;
}

/* Longest untouched; among equals the one added first, then by id, so that no order of arrival
 * shows. */
static bool touched_before(const struct cart_line *x, const struct cart_line *y)
{
    if (x->touched_us != y->touched_us) {
        return x->touched_us < y->touched_us;
    }
    if (x->added_us != y->added_us) {
        return x->added_us < y->added_us;
    }
    return strcmp(x->product_id, y->product_id) < 0;
}

static void drop_longest_untouched(struct cart *c)
{
    size_t victim = 0;

    for (size_t i = 1; i < c->line_count; i++) {
        if (touched_before(&c->lines[i], &c->lines[victim])) {
            victim = i;
        }
    }
    drop_line(c, victim);
}

/* A slot at index for a new line; the caller fills it. */
static struct cart_line *insert_line(struct cart *c, size_t index, struct arena *a)
{
    /* Full exactly at the powers of two. What was there before stays in the arena: old states may point to it. */
    if (c->lines == NULL || c->line_count == cart_lines_capacity(c->line_count)) {
        size_t capacity = cart_lines_capacity(c->line_count + 1);
        struct cart_line *lines = arena_array(a, capacity, sizeof *lines);
        if (c->lines != NULL) {
            memcpy(lines, c->lines, c->line_count * sizeof *lines);
        }
        c->lines = lines;
    }
    memmove(&c->lines[index + 1], &c->lines[index], (c->line_count - index) * sizeof *c->lines);
    c->line_count++;
    return &c->lines[index];
}

/* The product's line, made with quantity 0 where there was none. */
static struct cart_line *line_of(struct cart *c, const char *product_id, int64_t at_us,
                                 struct arena *a)
{
    bool found;
    size_t index = line_index(c, product_id, &found);

    if (found) {
        return &c->lines[index];
    }
    if (c->line_count == CART_LINES_MAX) {
        drop_longest_untouched(c);
        index = line_index(c, product_id, &found); /* the place may have moved by one */
    }
    struct cart_line *line = insert_line(c, index, a);
    *line = (struct cart_line){
        .product_id = arena_strdup(a, product_id),
        .price_minor = MONEY_UNKNOWN,
        .added_us = at_us,
        .touched_us = at_us,
    };
    return line;
}

static void more_of(struct cart_line *line, const struct event_item *item)
{
    line->quantity += item->quantity;
    if (line->quantity > CART_QUANTITY_MAX) {
        line->quantity = CART_QUANTITY_MAX;
    }
    if (item->price_minor !=
        MONEY_UNKNOWN) { /* the newest price known is what the shopper saw last */
        line->price_minor = item->price_minor;
        memcpy(line->currency, item->currency, sizeof line->currency);
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
    }
    stamp(c, e);
}

/* ---- what events do to lines ---- */

void cart_add(struct cart *c, const struct event *e, struct arena *a)
{
    for (size_t i = 0; i < e->item_count; i++) {
        struct cart_line *line = line_of(c, e->items[i].product_id, e->occurred_us, a);
        more_of(line, &e->items[i]);
        line->touched_us = e->occurred_us;
    }
    stamp(c, e);
}

void cart_remove(struct cart *c, const struct event *e)
{
    for (size_t i = 0; i < e->item_count; i++) {
        bool found;
        size_t index = line_index(c, e->items[i].product_id, &found);
        if (!found) {
            continue; /* an addition that never reached us; the cart as known does not change */
        }
        struct cart_line *line = &c->lines[index];
        line->quantity -= e->items[i].quantity;
        line->touched_us = e->occurred_us;
        if (line->quantity <= 0) {
            drop_line(c, index);
        }
        stamp(c, e);
    }
    if (c->line_count == 0) {
        cart_close(c, CART_EMPTIED, e);
    }
}

static bool same_goods(const struct cart_line *x, const struct cart_line *y)
{
    return x->quantity == y->quantity && x->price_minor == y->price_minor &&
           strcmp(x->currency, y->currency) == 0;
}

/* A line that was there before keeps its age and, where the snapshot has none, its price. */
static void inherit(struct cart_line *line, const struct cart *before)
{
    bool found;
    size_t index = line_index(before, line->product_id, &found);

    if (found) {
        const struct cart_line *old = &before->lines[index];
        line->price_minor = old->price_minor;
        memcpy(line->currency, old->currency, sizeof line->currency);
        line->added_us = old->added_us;
        line->touched_us = old->touched_us;
    }
}

void cart_replace(struct cart *c, const struct event *e, struct arena *a)
{
    const struct cart before = *c;
    bool changed = false;

    assert(e->item_count > 0);
    c->lines = NULL;
    c->line_count = 0;
    for (size_t i = 0; i < e->item_count; i++) {
        struct cart_line *line = line_of(c, e->items[i].product_id, e->occurred_us, a);
        if (line->quantity == 0) { /* made just now: the first mention in this snapshot */
            inherit(line, &before);
        }
        more_of(line, &e->items[i]);
    }
    for (size_t i = 0; i < c->line_count; i++) {
        bool found;
        size_t old = line_index(&before, c->lines[i].product_id, &found);
        if (!found || !same_goods(&c->lines[i], &before.lines[old])) {
            c->lines[i].touched_us = e->occurred_us;
            changed = true;
        }
    }
    /* Shops send a snapshot with every page; only one that says something new makes the cart younger. */
    if (changed || c->line_count != before.line_count) {
        stamp(c, e);
    }
}

/* ---- merging ---- */

static int64_t larger(int64_t x, int64_t y)
{
    return x > y ? x : y;
}

static void absorb_line(struct cart *c, const struct cart_line *from, struct arena *a)
{
    struct cart_line *line = line_of(c, from->product_id, from->added_us, a);
    bool known = line->quantity > 0; /* else line_of made it just now */

    if (from->price_minor != MONEY_UNKNOWN &&
        (line->price_minor == MONEY_UNKNOWN || from->touched_us > line->touched_us)) {
        line->price_minor = from->price_minor;
        memcpy(line->currency, from->currency, sizeof line->currency);
    }
    /* The larger, not the sum: who logs in with a full cart has usually put the same thing into both. */
    line->quantity = larger(line->quantity, from->quantity);
    line->added_us = known && line->added_us < from->added_us ? line->added_us : from->added_us;
    line->touched_us = larger(line->touched_us, from->touched_us);
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
    for (size_t i = 0; i < side->line_count; i++) {
        absorb_line(c, &side->lines[i], a);
    }
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
