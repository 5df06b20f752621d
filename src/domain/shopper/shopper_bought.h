#ifndef DOMAIN_SHOPPER_SHOPPER_BOUGHT_H
#define DOMAIN_SHOPPER_SHOPPER_BOUGHT_H

#include "domain/shopper/goods_index.h"
#include "domain/shopper/shopper.h"

/* What each order bought (shopper.bought), for the fold only: which of it a later row repeats, what a snapshot only echoes, and
 * what is bought still when another order is cancelled. */

/* More of the order: what a row of it tells. */
void bought_note_items(struct shopper *s, const struct order_seen *order, const struct event *row,
                       struct arena *a);
/* What lay in a cart that it closed. */
void bought_note_cart(struct shopper *s, const struct order_seen *order, const struct cart *c,
                      struct arena *a);
void bought_forget(struct shopper *s, const struct order_seen *order);
/* Forgets what was bought longer than ORDER_LINES_AGE_US before now_us: nothing asks for it any more. */
void bought_forget_old(struct shopper *s, int64_t now_us);

/* The row with what its order did not have before, or not so much of. In arena. */
struct event bought_news(const struct shopper *s, const struct order_seen *order,
                         const struct event *row, struct arena *a);
/* True if the order has any of the row's goods. */
bool bought_shares(const struct shopper *s, const struct order_seen *order,
                   const struct event *row);
/* What was bought, for the two below, which are asked of a line at a time: of about so many lines. In arena, and only while nothing changes. */
struct goods_index bought_index(const struct shopper *s, size_t questions, struct arena *a);
/* True if an order of at most within_us before at_us bought as much of it. */
bool bought_lately(const struct shopper *s, const struct goods_index *by_product,
                   const struct event_item *item, int64_t at_us, int64_t within_us);
/* True if the order told as much of the item, and no cart that it closed had any. */
bool bought_unseen(const struct shopper *s, const struct order_seen *order,
                   const struct event_item *item);
/* True if the order bought everything that lies in the cart. */
bool bought_covers(const struct shopper *s, const struct order_seen *order, const struct cart *c);
/* The last other order that bought what is in the line, in whatever quantity, since it was put there; one that named no goods, and
 * closed no cart, may have bought anything. NULL: none did. */
const struct order_seen *bought_since(const struct shopper *s, const struct goods_index *by_product,
                                      const struct cart_line *line, const struct order_seen *but);

/* Takes the items, which were cancelled, from what the rows of the order told. Returns what was there of them, in arena; *out_left: the
 * order still has something. */
struct event bought_give_up(struct shopper *s, const struct order_seen *order,
                            const struct event *cancelled, bool *out_left, struct arena *a);

/* A product, and its variant where both name one: of a line a hook may tell less than the order did, or more. */
bool bought_same_goods(const char *product, const char *variant, const char *other_product,
                       const char *other_variant);

#endif
