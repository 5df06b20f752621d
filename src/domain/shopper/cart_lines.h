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
    bool roomy;   /* behind the last line is room for those that are inserted, all with its ids */
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

/* Gives a line up. It stays where it is, and is found by no removal, until lines_sweep: lines of which many go at once would else be moved once
 * for each. */
void line_give_up(struct cart_line *line);
void lines_sweep(struct line_list list);

/* A list to which many lines come, in the order of their ids: what is there is copied once, and not moved for each. At most `more` lines, for
 * which there must be room below CART_LINES_MAX. */
struct line_merge {
    struct line_list list;
    struct cart_line *out;
    size_t taken;            /* of the list */
    struct cart_line *group; /* of one product, variant and line id, the last of out */
    size_t group_count;
};
struct line_merge lines_merge(struct line_list list, size_t more, struct arena *a);
/* The lines of the item's ids, which may be none, with room for those that are inserted. Ids must ascend from call to call. Lines of groups
 * before are not to be moved any more. */
struct line_list lines_merge_group(struct line_merge *m, const struct event_item *item);
void lines_merged(struct line_merge *m);

/* How ids of items sort, as those of lines do. */
int item_compare_ids(const struct event_item *x, const struct event_item *y);

/* The item that would have made this line. */
struct event_item line_as_item(const struct cart_line *line);

void line_set_price(struct cart_line *line, int64_t price_minor, const char currency[4]);
bool line_has_price(const struct cart_line *line, int64_t price_minor, const char currency[4]);

#endif
