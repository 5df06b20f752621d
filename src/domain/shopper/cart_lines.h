#ifndef DOMAIN_SHOPPER_CART_LINES_H
#define DOMAIN_SHOPPER_CART_LINES_H

#include "domain/shopper/shopper.h"

/* The lines of a cart as a list, for cart.c and the fold only. A cart has two of them: its products, and what takes something
 * off. Sorted by product, variant and line id; lines that share all three lie in the order in which they came, and differ in
 * price. */
struct line_list {
    struct cart_line **lines;
    size_t *count;
    int64_t *cut; /* how many lines found no room */
};
struct line_list cart_products(struct cart *c);
struct line_list cart_adjustments(struct cart *c);

/* The line that an item joins which is added, or told by a snapshot: of the same product, variant and line id the one of its
 * price, else one that has none yet; without a price the one touched last. NULL: it is a line of its own. */
struct cart_line *lines_for_addition(struct line_list list, const struct event_item *item);

/* The line that a removal means. It may leave out the variant and the line id; then one that has none goes first, one of its
 * price, and the last touched. NULL: there is none. */
struct cart_line *lines_for_removal(struct line_list list, const struct event_item *item);

/* The line of the item's ids with this price; NULL. */
struct cart_line *lines_priced(struct line_list list, const struct event_item *item);
/* The first line of the item's ids, whatever its price; NULL. */
struct cart_line *lines_first(struct line_list list, const struct event_item *item);

/* A new line of quantity 0 behind those that share its ids. A full list gives the longest untouched line up for it, and says
 * so in cut. */
struct cart_line *lines_insert(struct line_list list, const struct event_item *item, int64_t at_us,
                               struct arena *a);
void lines_drop(struct line_list list, struct cart_line *line);

/* The item that would have made this line. */
struct event_item line_as_item(const struct cart_line *line);

void line_set_price(struct cart_line *line, int64_t price_minor, const char currency[4]);
bool line_has_price(const struct cart_line *line, int64_t price_minor, const char currency[4]);

#endif
