#ifndef DOMAIN_BOUGHT_PLAIN_H
#define DOMAIN_BOUGHT_PLAIN_H

#include "domain/shopper/shopper.h"

/* The reference of shopper_bought.h: the functions of the same names. */
void plain_note_items(struct shopper *s, const struct order_seen *order, const struct event *row,
                      struct arena *a);
void plain_note_cart(struct shopper *s, const struct order_seen *order, const struct cart *c,
                     struct arena *a);
void plain_forget(struct shopper *s, const struct order_seen *order);
struct event plain_news(const struct shopper *s, const struct order_seen *order,
                        const struct event *row, struct arena *a);
bool plain_shares(const struct shopper *s, const struct order_seen *order, const struct event *row);
bool plain_lately(const struct shopper *s, const struct event_item *item, int64_t at_us,
                  int64_t within_us);
bool plain_covers(const struct shopper *s, const struct order_seen *order, const struct cart *c);
const struct order_seen *plain_since(const struct shopper *s, const struct cart_line *line,
                                     const struct order_seen *but);
struct event plain_give_up(struct shopper *s, const struct order_seen *order,
                           const struct event *cancelled, bool *out_left, struct arena *a);

#endif
