#ifndef DOMAIN_SHOPPER_SHOPPER_FOLD_INTERNAL_H
#define DOMAIN_SHOPPER_SHOPPER_FOLD_INTERNAL_H

#include "domain/shopper/shopper_again.h"
#include "domain/shopper/shopper_late.h"

/* Steps of the fold of a set, for shopper_fold.c, shopper_again.c and shopper_pages.c only. */

/* Who looks on while a set is folded. */
struct fold_onlooker {
    shopper_visit *visit; /* NULL: nobody */
    void *ctx;
    struct checkpoints *notes;   /* NULL: none are taken */
    int64_t before;              /* events that the start has folded */
    int64_t behind;              /* events that come after the last of these */
    const struct closers *later; /* of those; NULL: there are none */
    int64_t wanted;              /* so far from the end the next note is due; 0: none is */
};

/* Sorts, and leaves each event once. Returns how many. */
size_t fold_put_in_order(struct event *events, size_t count);
/* Folds the events, which are in order, as far as they count: s knows already who is whom. */
void fold_ordered(struct shopper *s, struct event *events, size_t count, struct fold_onlooker *o,
                  struct arena *a);
/* Order, who is whom, and then one after the other. */
struct shopper *fold_set(const struct shopper *base, const char *key, struct event *events,
                         size_t count, struct fold_onlooker *o, struct arena *a);

/* Adds to known what e says about who is whom. False: then, a state from before e, may not stand. */
bool fold_learns(struct shopper *known, const struct shopper *then, const struct event *e,
                 struct arena *a);

/* Moves to the front what s folds of events in order: who is whom it knows. Returns how many. */
size_t fold_keep_counted(const struct shopper *s, struct event *events, size_t count);
/* What of s remains where its events turned out to be a customer's. */
struct shopper *fold_handed_over(const struct shopper *s, struct arena *a);

/* So many events are to be folded. */
void notes_begin(struct fold_onlooker *o, size_t count);
/* Notes the state before the event at this index, which is the next, if a note is due. */
void notes_take(struct fold_onlooker *o, const struct shopper *s, const struct event *events,
                size_t count, size_t index, struct arena *a);

#endif
