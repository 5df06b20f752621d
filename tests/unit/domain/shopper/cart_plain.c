/* What events do to the lines of a cart, an item after the other and each line moved at once: as it was before carts of many lines were made anew in one
 * pass. The reference of cart.c and cart_lines.c. */
#include "unit/domain/shopper/cart_plain.h"

#include "domain/shop/money.h"

#include <assert.h>
#include <string.h>

struct plain_list {
    struct cart_line **lines;
    size_t *count;
    int64_t *cut;
};

static int compare_optional(const char *x, const char *y)
{
    if (x == NULL || y == NULL) {
        return (x != NULL) - (y != NULL);
    }
    return strcmp(x, y);
}

static int compare_ids(const struct cart_line *line, const struct event_item *item)
{
    int order = strcmp(line->product_id, item->product_id);

    if (order == 0) {
        order = compare_optional(line->variant_id, item->variant_id);
    }
    return order != 0 ? order : compare_optional(line->line_id, item->line_id);
}

static size_t bound(struct plain_list list, const struct event_item *item, bool behind)
{
    size_t low = 0;
    size_t high = *list.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_ids(&(*list.lines)[middle], item);
        if (order < 0 || (behind && order == 0)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct plain_list products_of(struct cart *c)
{
    return (struct plain_list){&c->lines, &c->line_count, &c->lines_cut};
}

static struct plain_list adjustments_of(struct cart *c)
{
    return (struct plain_list){&c->adjustments, &c->adjustment_count, &c->lines_cut};
}

static struct cart_line *plain_lines_first(struct plain_list list, const struct event_item *item)
{
    size_t at = bound(list, item, false);

    return at < *list.count && compare_ids(&(*list.lines)[at], item) == 0 ? &(*list.lines)[at]
                                                                          : NULL;
}

static struct cart_line *plain_lines_priced(struct plain_list list, const struct event_item *item)
{
    size_t end = bound(list, item, true);

    for (size_t i = bound(list, item, false); i < end; i++) {
        if (line_has_price(&(*list.lines)[i], item->price_minor, item->currency)) {
            return &(*list.lines)[i];
        }
    }
    return NULL;
}

static struct cart_line *plain_lines_for_addition(struct plain_list list,
                                                  const struct event_item *item)
{
    const struct event_item unpriced = {.product_id = item->product_id,
                                        .variant_id = item->variant_id,
                                        .line_id = item->line_id,
                                        .price_minor = MONEY_UNKNOWN};
    size_t end = bound(list, item, true);
    struct cart_line *best = plain_lines_priced(list, item);

    if (best == NULL && item->price_minor != MONEY_UNKNOWN) {
        return plain_lines_priced(list, &unpriced);
    }
    for (size_t i = bound(list, item, false); i < end && item->price_minor == MONEY_UNKNOWN; i++) {
        struct cart_line *line = &(*list.lines)[i];
        best = best == NULL || line->touched_us > best->touched_us ? line : best;
    }
    return best;
}

static int fit_of(const char *line, const char *item, int weight)
{
    if (line != NULL && item != NULL) {
        return strcmp(line, item) == 0 ? 2 * weight : -1;
    }
    return line == item ? weight : 0;
}

static struct cart_line *plain_lines_for_removal(struct plain_list list,
                                                 const struct event_item *item)
{
    const struct event_item first = {.product_id = item->product_id};
    struct cart_line *best = NULL;
    int best_fit = -1;

    for (size_t i = bound(list, &first, false); i < *list.count; i++) {
        struct cart_line *line = &(*list.lines)[i];
        if (strcmp(line->product_id, item->product_id) != 0) {
            break;
        }
        int by_line = fit_of(line->line_id, item->line_id, 6);
        int by_variant = fit_of(line->variant_id, item->variant_id, 2);
        int fit = by_line + by_variant + line_has_price(line, item->price_minor, item->currency);
        if (by_line < 0 || by_variant < 0) {
            continue;
        }
        if (best == NULL || fit > best_fit ||
            (fit == best_fit && line->touched_us > best->touched_us)) {
            best = line;
            best_fit = fit;
        }
    }
    return best;
}

static void plain_lines_drop(struct plain_list list, struct cart_line *line)
{
    size_t index = (size_t)(line - *list.lines);

    assert(index < *list.count);
    memmove(line, line + 1, (*list.count - index - 1) * sizeof *line);
    (*list.count)--;
}

static bool touched_before(const struct cart_line *x, const struct cart_line *y)
{
    return x->touched_us != y->touched_us ? x->touched_us < y->touched_us
                                          : x->added_us < y->added_us;
}

static void drop_longest_untouched(struct plain_list list)
{
    struct cart_line *victim = *list.lines;

    for (size_t i = 1; i < *list.count; i++) {
        if (touched_before(&(*list.lines)[i], victim)) {
            victim = &(*list.lines)[i];
        }
    }
    plain_lines_drop(list, victim);
}

static struct cart_line *make_room(struct plain_list list, size_t index, struct arena *a)
{
    if (*list.lines == NULL || *list.count == cart_lines_capacity(*list.count)) {
        struct cart_line *lines =
            arena_array(a, cart_lines_capacity(*list.count + 1), sizeof *lines);
        if (*list.lines != NULL) {
            memcpy(lines, *list.lines, *list.count * sizeof *lines);
        }
        *list.lines = lines;
    }
    struct cart_line *slot = *list.lines + index;
    memmove(slot + 1, slot, (*list.count - index) * sizeof *slot);
    (*list.count)++;
    return slot;
}

static char *keep_optional(const char *text, struct arena *a)
{
    return text == NULL ? NULL : arena_strdup(a, text);
}

static struct cart_line *plain_lines_insert(struct plain_list list, const struct event_item *item,
                                            int64_t at_us, struct arena *a)
{
    if (*list.count == CART_LINES_MAX) {
        drop_longest_untouched(list);
        (*list.cut)++;
    }
    struct cart_line *line = make_room(list, bound(list, item, true), a);
    *line = (struct cart_line){
        .product_id = arena_strdup(a, item->product_id),
        .variant_id = keep_optional(item->variant_id, a),
        .line_id = keep_optional(item->line_id, a),
        .price_minor = MONEY_UNKNOWN,
        .added_us = at_us,
        .touched_us = at_us,
    };
    return line;
}

static struct event_item plain_line_as_item(const struct cart_line *line)
{
    struct event_item item = {.product_id = line->product_id,
                              .variant_id = line->variant_id,
                              .line_id = line->line_id,
                              .quantity_milli = line->quantity_milli,
                              .price_minor = line->price_minor};

    memcpy(item.currency, line->currency, sizeof item.currency);
    return item;
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

static void stamp(struct cart *c, const struct event *e)
{
    c->changed_us = e->occurred_us;
    c->imported = e->origin == ORIGIN_IMPORT;
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

static void close_cart(struct cart *c, enum cart_status status, const struct event *e)
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

static struct cart_line *line_for(struct plain_list list, const struct event_item *item,
                                  int64_t at_us, struct arena *a)
{
    struct cart_line *line = plain_lines_for_addition(list, item);

    return line == NULL ? plain_lines_insert(list, item, at_us, a) : line;
}

static void add_to(struct plain_list list, const struct event_item *items, size_t count,
                   int64_t at_us, struct arena *a)
{
    for (size_t i = 0; i < count; i++) {
        struct cart_line *line = line_for(list, &items[i], at_us, a);
        more_of(line, &items[i]);
        line->touched_us = at_us;
    }
}

void plain_add(struct cart *c, const struct event *e, struct arena *a)
{
    add_to(products_of(c), e->items, e->item_count, e->occurred_us, a);
    add_to(adjustments_of(c), e->adjustments, e->adjustment_count, e->occurred_us, a);
    stamp(c, e);
}

static bool remove_from(struct plain_list list, const struct event_item *item,
                        const struct event *e)
{
    struct cart_line *line = plain_lines_for_removal(list, item);

    if (line == NULL) {
        return false;
    }
    line->quantity_milli -= item->quantity_milli;
    line->touched_us = e->occurred_us;
    if (line->quantity_milli <= 0) {
        plain_lines_drop(list, line);
    }
    return true;
}

void plain_remove(struct cart *c, const struct event *e)
{
    for (size_t i = 0; i < e->item_count; i++) {
        /* Without a price it cannot be seen whether a gift card is meant. What is neither was added by an event that never
         * reached us; the cart as known does not change. */
        if (remove_from(products_of(c), &e->items[i], e) ||
            remove_from(adjustments_of(c), &e->items[i], e)) {
            stamp(c, e);
        }
    }
    for (size_t i = 0; i < e->adjustment_count; i++) {
        if (remove_from(adjustments_of(c), &e->adjustments[i], e)) {
            stamp(c, e);
        }
    }
    if (c->line_count == 0) { /* adjustments of nothing are no cart */
        close_cart(c, CART_EMPTIED, e);
    }
}

static bool buy_item(struct plain_list list, const struct event_item *item, const struct event *e)
{
    int64_t wanted = item->quantity_milli;
    struct cart_line *line = plain_lines_for_removal(list, item);
    bool found = line != NULL;

    for (; wanted > 0 && line != NULL; line = plain_lines_for_removal(list, item)) {
        int64_t taken = line->quantity_milli < wanted ? line->quantity_milli : wanted;
        wanted -= taken;
        line->quantity_milli -= taken;
        line->touched_us = e->occurred_us;
        if (line->quantity_milli == 0) {
            plain_lines_drop(list, line);
        }
    }
    return found;
}

bool plain_buy_lines(struct cart *c, const struct event *e, struct arena *a)
{
    struct cart_line *whole = c->lines;
    size_t count = c->line_count;
    bool changed = false;

    c->lines = arena_array(a, cart_lines_capacity(count), sizeof *whole);
    if (count > 0) {
        memcpy(c->lines, whole, count * sizeof *whole);
    }
    for (size_t i = 0; i < e->item_count; i++) {
        changed = buy_item(products_of(c), &e->items[i], e) || changed;
    }
    if (c->line_count == 0) {
        c->lines = whole; /* a bought round keeps what was bought */
        c->line_count = count;
        close_cart(c, CART_BOUGHT, e);
        return false;
    }
    if (changed) {
        stamp(c, e);
    }
    return true;
}

static void inherit(struct cart_line *line, struct plain_list before)
{
    const struct event_item item = plain_line_as_item(line);
    const struct cart_line *old = plain_lines_priced(before, &item);

    old = old == NULL ? plain_lines_first(before, &item) : old;
    if (old != NULL) {
        line->added_us = old->added_us;
        line->touched_us = old->touched_us;
        if (line->price_minor == MONEY_UNKNOWN) {
            line_set_price(line, old->price_minor, old->currency);
        }
    }
}

static bool replace_list(struct plain_list list, struct plain_list before,
                         const struct event_item *items, size_t count, const struct event *e,
                         struct arena *a)
{
    bool changed = false;

    for (size_t i = 0; i < count; i++) {
        more_of(line_for(list, &items[i], e->occurred_us, a), &items[i]);
    }
    for (size_t i = 0; i < *list.count; i++) {
        struct cart_line *line = &(*list.lines)[i];
        inherit(line, before);
        const struct event_item item = plain_line_as_item(line);
        const struct cart_line *same = plain_lines_priced(before, &item);
        if (same == NULL || same->quantity_milli != line->quantity_milli) {
            line->touched_us = e->occurred_us;
            changed = true;
        }
    }
    return changed || *list.count != *before.count;
}

void plain_replace(struct cart *c, const struct event *e, struct arena *a)
{
    struct cart before = *c;

    assert(e->item_count > 0);
    c->lines = NULL;
    c->line_count = 0;
    c->adjustments = NULL;
    c->adjustment_count = 0;
    c->lines_cut = 0;
    bool products =
        replace_list(products_of(c), products_of(&before), e->items, e->item_count, e, a);
    bool adjustments = replace_list(adjustments_of(c), adjustments_of(&before), e->adjustments,
                                    e->adjustment_count, e, a);
    if (products || adjustments) {
        stamp(c, e);
    }
}

static int64_t larger(int64_t x, int64_t y)
{
    return x > y ? x : y;
}

static bool has_one_price(struct plain_list list, const struct event_item *item)
{
    const struct cart_line *first = plain_lines_first(list, item);
    size_t next = first == NULL ? 0 : (size_t)(first - *list.lines) + 1;

    if (first == NULL || next == *list.count) {
        return true;
    }
    const struct event_item behind = plain_line_as_item(&(*list.lines)[next]);
    return plain_lines_first(list, &behind) != first;
}

static struct cart_line *line_to_join(struct plain_list list, struct plain_list side,
                                      const struct event_item *from)
{
    struct cart_line *line = plain_lines_priced(list, from);

    if (line == NULL && has_one_price(list, from) && has_one_price(side, from)) {
        line = plain_lines_first(list, from); /* the price has changed between the two */
    }
    return line;
}

static void absorb_list(struct plain_list list, struct plain_list side, struct arena *a)
{
    for (size_t i = 0; i < *side.count; i++) {
        const struct cart_line *from = &(*side.lines)[i];
        const struct event_item item = plain_line_as_item(from);
        struct cart_line *line = line_to_join(list, side, &item);
        bool known = line != NULL;
        if (!known) {
            line = plain_lines_insert(list, &item, from->added_us, a);
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
}

void plain_absorb(struct cart *c, struct cart *side, struct arena *a)
{
    absorb_list(products_of(c), products_of(side), a);
    absorb_list(adjustments_of(c), adjustments_of(side), a);
}
