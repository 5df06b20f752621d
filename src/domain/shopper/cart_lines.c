/* The lines of a cart: which one an item means, and room for more. What events do with them is cart.c's job. */
#include "domain/shopper/cart_lines.h"

#include "domain/shop/money.h"
#include "domain/shopper/cart.h"

#include <assert.h>
#include <string.h>

enum { LINES_CAPACITY_MIN = 4 };
#define LINE_GONE INT64_MIN /* the quantity of a line that was given up: no other has it */

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
    return (struct line_list){&c->lines, &c->line_count, &c->lines_cut, false};
}

struct line_list cart_adjustments(struct cart *c)
{
    return (struct line_list){&c->adjustments, &c->adjustment_count, &c->lines_cut, false};
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

int item_compare_ids(const struct event_item *x, const struct event_item *y)
{
    int order = strcmp(x->product_id, y->product_id);

    if (order == 0) {
        order = compare_optional(x->variant_id, y->variant_id);
    }
    return order != 0 ? order : compare_optional(x->line_id, y->line_id);
}

static int compare_ids(const struct cart_line *line, const struct event_item *item)
{
    const struct event_item ids = {
        .product_id = line->product_id, .variant_id = line->variant_id, .line_id = line->line_id};

    return item_compare_ids(&ids, item);
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

static bool is_gone(const struct cart_line *line)
{
    return line->quantity_milli == LINE_GONE;
}

/* Of the lines of the item's very ids the one of its price, else the one touched last. */
static struct cart_line *same_for_removal(struct line_list list, const struct event_item *item)
{
    size_t end = bound(list, item, true);
    struct cart_line *best = NULL;
    bool best_priced = false;

    for (size_t i = bound(list, item, false); i < end; i++) {
        struct cart_line *line = &(*list.lines)[i];
        bool priced = line_has_price(line, item->price_minor, item->currency);
        bool better = best == NULL || (priced && !best_priced) ||
                      (priced == best_priced && line->touched_us > best->touched_us);
        if (better && !is_gone(line)) {
            best = line;
            best_priced = priced;
        }
    }
    return best;
}

/* Of all lines of the item's product. */
static struct cart_line *any_for_removal(struct line_list list, const struct event_item *item)
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
        if (by_line < 0 || by_variant < 0 || is_gone(line)) {
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

struct cart_line *lines_for_removal(struct line_list list, const struct event_item *item)
{
    /* Nothing fits better than the very ids: what is said, and not said, on both sides counts most. Nearly every item finds its line
     * so, without a look at all that the product has. */
    struct cart_line *same = same_for_removal(list, item);

    return same != NULL ? same : any_for_removal(list, item);
}

/* ---- making and dropping ---- */

void line_give_up(struct cart_line *line)
{
    line->quantity_milli = LINE_GONE;
}

void lines_sweep(struct line_list list)
{
    struct cart_line *lines = *list.lines;
    size_t kept = 0;

    for (size_t i = 0; i < *list.count; i++) {
        if (!is_gone(&lines[i])) {
            if (kept != i) {
                lines[kept] = lines[i];
            }
            kept++;
        }
    }
    *list.count = kept;
}

static void drop(struct line_list list, struct cart_line *line)
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
    drop(list, victim);
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
    if (!list.roomy && *list.count == CART_LINES_MAX) {
        drop_longest_untouched(list);
        (*list.cut)++;
    }
    struct cart_line *line =
        list.roomy ? *list.lines + (*list.count)++ : make_room(list, bound(list, item, true), a);
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

/* ---- many at once ---- */

struct line_merge lines_merge(struct line_list list, size_t more, struct arena *a)
{
    assert(*list.count + more <= CART_LINES_MAX);
    struct cart_line *out = arena_array(a, cart_lines_capacity(*list.count + more), sizeof *out);

    return (struct line_merge){.list = list, .out = out, .group = out};
}

/* Lines of the list up to `until`, behind those of out. */
static void take(struct line_merge *m, size_t until)
{
    struct cart_line *end = m->group + m->group_count;

    if (until > m->taken) {
        memcpy(end, *m->list.lines + m->taken, (until - m->taken) * sizeof *end);
    }
    m->group = end + (until - m->taken);
    m->group_count = 0;
    m->taken = until;
}

struct line_list lines_merge_group(struct line_merge *m, const struct event_item *item)
{
    size_t first = bound(m->list, item, false);
    size_t end = bound(m->list, item, true);

    assert(first >= m->taken);
    take(m, first);
    if (end > first) {
        memcpy(m->group, *m->list.lines + first, (end - first) * sizeof *m->group);
    }
    m->group_count = end - first;
    m->taken = end;
    return (struct line_list){&m->group, &m->group_count, m->list.cut, true};
}

void lines_merged(struct line_merge *m)
{
    take(m, *m->list.count);
    *m->list.lines = m->out;
    *m->list.count = (size_t)(m->group - m->out);
}
