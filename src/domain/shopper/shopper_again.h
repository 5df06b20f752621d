#ifndef DOMAIN_SHOPPER_SHOPPER_AGAIN_H
#define DOMAIN_SHOPPER_SHOPPER_AGAIN_H

#include "domain/shopper/shopper.h"

/* Folding a shopper of very many events again without folding them all: a fold notes states on its way, and the next one, of
 * the same events and some that came in since (the news), begins at a state before the first of them.
 *
 * A state noted at time T has folded the base and every event up to T, and none after it, but it knows what the whole set says: who is whom,
 * and what came too late. So it stands for the larger set as well, as long as the news
 *   - all occurred after T,
 *   - tell nothing about who is whom that would have to be known before T,
 *   - neither stand in for an event that was not whole nor mend one, and
 *   - have no closer that had been received before something which was folded although it came past LATE_WINDOW.
 * Else everything is folded. Whom the events name (shopper.named) and how often hands changed is taken from the newest document, for
 * it is about the set and not about a time. */

enum { CHECKPOINTS_MAX = 40 };

struct checkpoint {
    int64_t at_us;
    int64_t events; /* folded so far */
    struct shopper *state;
};

/* Oldest first. They lie closer together towards the end, because what comes late mostly comes a little late: so far from the
 * end as spacing, twice, four times ... */
struct checkpoints {
    int64_t spacing; /* at least 1; what else is here the fold fills in */
    struct checkpoint all[CHECKPOINTS_MAX];
    size_t count;
};

/* As shopper_fold_all of all times, and notes states; in arena. */
struct shopper *shopper_fold_noting(const struct shopper *base, const char *key,
                                    struct event *events, size_t count, struct checkpoints *out,
                                    struct arena *a);

/* The same, from a state: known is the fold of everything but the news, and from was noted by it, or by one that it continued.
 * The events are all that occurred after from->at_us, the news first; they are put in another order. NULL: from does not do,
 * and everything has to be folded. Otherwise every state up to from stands as it did, and later ones are to be replaced by what
 * is noted here. */
struct shopper *shopper_fold_again(const struct shopper *known, const struct checkpoint *from,
                                   struct event *events, size_t count, size_t news,
                                   struct checkpoints *out, struct arena *a);

/* Which states to keep, of those with so many events folded (ascending), when there are total: the oldest, the newest, and what it
 * takes for no gap to be much longer than the way from its later side to the end. */
void checkpoints_thin(const int64_t *events, size_t count, int64_t total, bool *out_keep);

#endif
