#ifndef DOMAIN_SHOPPER_SHOPPER_FOLD_INTERNAL_H
#define DOMAIN_SHOPPER_SHOPPER_FOLD_INTERNAL_H

#include "domain/shopper/shopper_again.h"

/* Steps of the fold of a set, for shopper_fold.c and shopper_again.c only. */

/* Who looks on while a set is folded. */
struct fold_onlooker {
    shopper_visit *visit; /* NULL: nobody */
    void *ctx;
    struct checkpoints *notes; /* NULL: none are taken */
    int64_t before;            /* events that the start has folded */
    int64_t wanted;            /* so far from the end the next note is due; 0: none is */
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

/* So many events are to be folded. */
void notes_begin(struct fold_onlooker *o, size_t count);
/* Notes the state before the event at this index, which is the next, if a note is due. */
void notes_take(struct fold_onlooker *o, const struct shopper *s, const struct event *events,
                size_t count, size_t index, struct arena *a);

#endif
