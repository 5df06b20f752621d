/* The lines of a cart: which one an item means, and room for more. What events do with them is cart.c's job. */
#include "domain/shopper/cart_lines.h"

#include "domain/shop/money.h"
#include "domain/shopper/cart.h"

#include <assert.h>
#include <string.h>

enum { LINES_CAPACITY_MIN = 4 };

size_t cart_lines_capacity(size_t count)
{
    /* A function of the count alone, so that no capacity needs to be kept or copied: see lines_insert. */
    size_t capacity = LINES_CAPACITY_MIN;

    while (capacity < count) {
        capacity *= 2;
    }
    return capacity;
}

struct line_list cart_products(struct cart *c)
{
    return (struct line_list){&c->lines, &c->line_count, &c->lines_cut};
}

struct line_list cart_adjustments(struct cart *c)
{
    return (struct line_list){&c->adjustments, &c->adjustment_count, &c->lines_cut};
}

/* ---- prices ---- */

bool line_has_price(const struct cart_line *line, int64_t price_minor, const char currency[4])
{
    return line->price_minor == price_minor && strcmp(line->currency, currency) == 0;
}

void line_set_price(struct cart_line *line, int64_t price_minor, const char currency[4])
{
    line->price_minor = price_minor;
    memcpy(line->currency, currency, sizeof line->currency);
}

/* ---- order ---- */

/* What is absent sorts first. */
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

/* The first line that does not sort before the item; behind: the first that sorts behind it. */
static size_t bound(struct line_list list, const struct event_item *item, bool behind)
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

/* ---- finding ---- */

struct cart_line *lines_first(struct line_list list, const struct event_item *item)
{
    size_t at = bound(list, item, false);

    return at < *list.count && compare_ids(&(*list.lines)[at], item) == 0 ? &(*list.lines)[at]
                                                                          : NULL;
}

struct cart_line *lines_priced(struct line_list list, const struct event_item *item)
{
    size_t end = bound(list, item, true);

    for (size_t i = bound(list, item, false); i < end; i++) {
        if (line_has_price(&(*list.lines)[i], item->price_minor, item->currency)) {
            return &(*list.lines)[i];
        }
    }
    return NULL;
}

struct cart_line *lines_for_addition(struct line_list list, const struct event_item *item)
{
    const struct event_item unpriced = {.product_id = item->product_id,
                                        .variant_id = item->variant_id,
                                        .line_id = item->line_id,
                                        .price_minor = MONEY_UNKNOWN};
    size_t end = bound(list, item, true);
    struct cart_line *best = lines_priced(list, item);

    if (best == NULL && item->price_minor != MONEY_UNKNOWN) {
        return lines_priced(list, &unpriced);
    }
    /* An item without a price is more of the line touched last. */
    for (size_t i = bound(list, item, false); i < end && item->price_minor == MONEY_UNKNOWN; i++) {
        struct cart_line *line = &(*list.lines)[i];
        best = best == NULL || line->touched_us > best->touched_us ? line : best;
    }
    return best;
}

/* How well a line fits ids that a removal may leave out; below 0: it is another one. */
static int fit_of(const char *line, const char *item, int weight)
{
    if (line != NULL && item != NULL) {
        return strcmp(line, item) == 0 ? 2 * weight : -1;
    }
    return line == item ? weight : 0;
}

struct cart_line *lines_for_removal(struct line_list list, const struct event_item *item)
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

/* ---- making and dropping ---- */

void lines_drop(struct line_list list, struct cart_line *line)
{
    size_t index = (size_t)(line - *list.lines);

    assert(index < *list.count);
    memmove(line, line + 1, (*list.count - index - 1) * sizeof *line);
    (*list.count)--;
}

/* Longest untouched; among equals the one added first, then the first by ids, so that no order of arrival shows. */
static bool touched_before(const struct cart_line *x, const struct cart_line *y)
{
    return x->touched_us != y->touched_us ? x->touched_us < y->touched_us
                                          : x->added_us < y->added_us;
}

static void drop_longest_untouched(struct line_list list)
{
    struct cart_line *victim = *list.lines;

    for (size_t i = 1; i < *list.count; i++) {
        if (touched_before(&(*list.lines)[i], victim)) {
            victim = &(*list.lines)[i];
        }
    }
    lines_drop(list, victim);
}

/* A slot at index; the caller fills it. */
static struct cart_line *make_room(struct line_list list, size_t index, struct arena *a)
{
    /* Full exactly at the powers of two. What was there before stays in the arena: old states may point to it. */
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

struct cart_line *lines_insert(struct line_list list, const struct event_item *item, int64_t at_us,
                               struct arena *a)
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

struct event_item line_as_item(const struct cart_line *line)
{
    struct event_item item = {.product_id = line->product_id,
                              .variant_id = line->variant_id,
                              .line_id = line->line_id,
                              .quantity_milli = line->quantity_milli,
                              .price_minor = line->price_minor};

    memcpy(item.currency, line->currency, sizeof item.currency);
    return item;
}
