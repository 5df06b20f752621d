#ifndef OUTREACH_RELEASE_H
#define OUTREACH_RELEASE_H

#include "outreach/decide.h"
#include "store/outreach.h"

/* Third step: the only way out. */
enum release_step {
    RELEASED,
    RELEASE_CHANGED, /* the shopper did something since it was gathered: decide again */
    RELEASE_PENDING, /* what joins the shopper is not folded yet: decide again in a moment */
    RELEASE_SENT     /* the primary key has a send: gather finds it */
};

/* Locks, looks again, has it told, and stores it, in one transaction that is over when this
 * returns. *out_row is set only where *out is RELEASED; in arena. For decisions about a cart that
 * are no dry run. *out_pending: what it saw under the locks, or without them, where a send will have to wait
 * anyway. */
CAN_FAIL bool outreach_release(struct db *db, const struct decided *d, struct arena *a,
                               struct outreach_row *out_row, enum release_step *out,
                               struct joins_pending *out_pending, struct err *err);
/* The same look without locks, for what is not stored: a dry run, or what was said before. out->products: of outreach_tell_ids, NULL where there
 * are none. Of the present only. */
CAN_FAIL bool outreach_look(struct db *db, const struct decided *d, struct arena *a,
                            struct release_seen *out, struct err *err);

#endif
