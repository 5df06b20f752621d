#ifndef STORE_GATHER_H
#define STORE_GATHER_H

#include "store/history.h"
#include "store/pg/db.h"

/* Everything that is stored of one shopper, read in one statement and so as of one moment. */
struct shopper_ask {
    const char *key;     /* or NULL, and: */
    const char *cart_id; /* whoever keeps this cart */
    bool whole;          /* all events, not only those that no fold has taken yet */
    bool for_decision;   /* with sent */
    int64_t events_most; /* 0: all there are */
    int64_t
        bytes_most; /* of their bodies, as they lie in the log and as they were sent; not asked where events_most is 0 */
};

/* A round and step of one of the shopper's carts that was spoken about. */
struct sent {
    const char *subject; /* as in store/outreach.h */
    int64_t round;
    int64_t step;
    const char *outreach_id;
    const char *cart_digest; /* as in store/outreach.h */
    int64_t decided_us;
};

struct shopper_rows {
    bool found;  /* false: no shopper has that cart; the rest is empty */
    bool whole;  /* as asked */
    bool shared; /* asked by a cart id: others keep a cart of that id as well */
    bool cut;    /* there are more events than events_most, or bytes_most: all are missing */
    bool heavy;  /* store/heavy.h knows the shopper */
    bool
        held; /* some or all of the events are missing: it is stale, or heavy and has more than events_most, or bytes_most */
    int lane;
    const char *key;
    int64_t folded_off;    /* newest event in doc */
    const char *doc;       /* NULL: not folded yet */
    const char *base;      /* of retention: what lies before the events; NULL */
    struct history events; /* behind folded_off; all of them where whole or without doc */
    int64_t event_bytes;   /* of their bodies, as they were sent */
    struct sent *sent;
    size_t sent_count;
};

/* In arena. */
CAN_FAIL bool store_gather(struct db *db, const struct shopper_ask *ask, struct arena *a,
                           struct shopper_rows *out, struct err *err);

/* Asked by a cart id, so many of those who keep one are looked at. */
enum { KEEPERS_MAX = 8 };
/* Keys of whoever keeps a cart of the id, in arena: at most KEEPERS_MAX + 1, the last of which says that there are more. */
CAN_FAIL bool store_cart_keepers(struct db *db, const char *cart_id, struct arena *a,
                                 const char *out[KEEPERS_MAX + 1], size_t *out_count,
                                 struct err *err);

#endif
