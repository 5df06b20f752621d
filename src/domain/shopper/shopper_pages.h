#ifndef DOMAIN_SHOPPER_SHOPPER_PAGES_H
#define DOMAIN_SHOPPER_SHOPPER_PAGES_H

#include "domain/shopper/shopper_again.h"

/* Folding a set of events that is too large to be in memory at once: the same result as shopper_fold_all, from pages. First every event is looked at, in any
 * order: what it says of the whole set (shopper_page_keeps, shopper_page_names, binding_sets) the caller keeps. Of that it is learnt who is whom; then the events are
 * folded in order of time, each page with what occurred at one time whole. */

/* Does the event say something about all others: does it close a round, change whose this anonymous shopper is, or join by a cart alone, or take that back? */
bool shopper_page_keeps(const struct shopper *who, const struct event *e);
/* Is it about a browser of this customer, as that one told it? Of each the newest version counts, and none that the base knows already. */
bool shopper_page_tells_owner(const struct shopper *base, const struct event *e);
/* Of those the last: they are all looked at together before anything is learnt. A copy of what is asked of them, in arena. */
bool shopper_page_joins(const struct event *e);
struct event shopper_page_join(const struct event *e, struct arena *a);
/* Is it an event that was not whole as it came, or may it be such a one mended? All of them are looked at twice before anything is learnt: for
 * those that were not whole, and then for those that mend them. */
bool shopper_page_stands(const struct event *e);
struct stand_in_list {
    struct stand_in *all;
    size_t count, room;
};
struct page_stand_ins {
    struct stand_in_list told, mended; /* in arena */
    bool settled;
};
void shopper_page_stand_in(struct page_stand_ins *p, const struct event *e, struct arena *a);
void shopper_page_mended(struct page_stand_ins *p, const struct event *e, struct arena *a);
/* Whom the events name, but for these, each once, with the times and the rest that these events tell of it; in arena. Returns how many. */
size_t shopper_page_names(const char *key, const struct event *events, size_t count,
                          struct arena *a, struct named_via **out);

/* What is known before anything is learnt: base (NULL: none) or nothing, and what all joins say, which are put in another order. Whom it names by then belongs among
 * those that the other events name. In arena. */
struct shopper *shopper_pages_begin(const char *key, const struct shopper *base,
                                    struct event *joins, size_t count, struct arena *a);
/* What of it was mended, which belongs before anything is folded. */
void shopper_pages_mend(struct shopper *who, struct page_stand_ins *p, struct arena *a);
/* Whom all events name: of these the NAMED_MAX that were named last, in any order; the names are borrowed. */
void shopper_pages_name(struct shopper *who, const struct named_via *named, size_t count,
                        struct arena *a);
/* Learns from a page of what was kept: of a customer from the newest binding_set of some browsers each; of an anonymous shopper from changes of its owner, page by page in
 * order of time: what was kept behind after_us (INT64_MIN: the first page) up to until_us (INT64_MAX: the last). Everything else among the events says nothing here. */
struct learn_page {
    int64_t after_us;
    int64_t until_us;
};
void shopper_pages_learn(struct shopper *who, const struct shopper *base, struct learn_page page,
                         const struct event *events, size_t count, struct arena *a);
/* Who is known to be whom, and nothing folded yet but the base. In arena. */
struct shopper *shopper_pages_start(struct shopper *who, const struct shopper *base,
                                    struct arena *a);

/* Closers behind a page. */
struct page_closers;
/* Whether any of these events came in so late that one of them may matter; else there is no need to look for them. */
bool shopper_page_is_tardy(const struct event *events, size_t count);
/* None yet; in arena. They refer to the events of the page, of which the carts that are asked for are. */
struct page_closers *shopper_page_closers(const struct event *events, size_t count,
                                          struct arena *a);
/* Takes in a page of what was kept, of behind the page, with what occurred at one time whole. The events are put in another order. */
void shopper_page_closers_add(struct page_closers *c, const struct shopper *s, struct event *events,
                              size_t count);
/* Folds a page, whose events are put in another order. later: NULL: shopper_page_is_tardy says no. folded: events of pages before; behind: of pages after. */
struct page_place {
    int64_t folded;
    int64_t behind;
};
void shopper_fold_page(struct shopper *s, struct event *events, size_t count,
                       const struct page_closers *later, struct page_place place,
                       struct checkpoints *notes, struct arena *a);

#endif
