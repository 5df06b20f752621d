#ifndef EVENTLOG_VIEW_H
#define EVENTLOG_VIEW_H

#include "domain/shopper/shopper.h"
#include "store/gather.h"
#include "store/pg/db.h"

/* A shopper as of now: the stored fold plus the events of the key that no consumer has folded yet,
 * so that an answer never lags behind an event that was acknowledged. Read only: nothing is stored.
 * One round trip and one snapshot; two only where what is stored turns out not to do and everything
 * has to be folded again. */
enum {
    VIEW_EVENTS_MAX = 5000,   /* that one look reads: some 5 MB and 50 ms */
    VIEW_BYTES_MAX = 8 << 20, /* of their bodies, in either case, packed and as they were sent */
    VIEW_BEHIND_MAX =
        2000 /* the same, behind a state that a shopper of very many events has on its way */
};
struct view {
    int lane;
    const char *key;
    struct shopper *shopper; /* in arena; an empty one where the key is unknown */
    bool known;
    bool shared; /* asked by a cart id: several people keep one, and nobody was read (view_find) */
    bool
        unread; /* some of its events are not taken into account: they wait to be folded, and are too many, or lie too far back, to be read */
    int64_t due_us; /* unread: that happens then at the earliest; 0: at once */
    bool
        rebound; /* who logs in and out at it is among what is not folded: the fold tells the customers, and hears from them who else did */
    int64_t last_off; /* newest event of the key taken into account; unread: of all */
    const char
        *found_by; /* key of the anonymous shopper that led to it (view_find); NULL: none did */
    int64_t found_by_off;     /* newest event of that one taken into account */
    struct shopper_rows rows; /* what it was made of */
};

/* Whether something that was read of it, or could not be, has not been folded. */
bool view_has_news(const struct view *v);

/* until_us: INT64_MAX reads the present; otherwise the shopper is folded again from the log as it
 * was then (events that occurred later left out). Where that takes more than VIEW_EVENTS_MAX events, or VIEW_BYTES_MAX, a shopper of very many is read
 * from the newest state on its way that stands for that time (in the past as one who is who, and what came too late, is known now).
 * Where that does not do, the present is unread, or ERR_BUSY for a shopper that was never folded, and the past is ERR_INVALID at "at". */
CAN_FAIL bool view_read(struct db *db, const char *key, int64_t until_us, struct arena *a,
                        struct view *out, struct err *err);

/* Whom a request means. */
struct view_ask {
    const char *key;     /* "c:" + customer or "a:" + anonymous; or NULL, and: */
    const char *cart_id; /* whoever keeps this cart */
    int64_t until_us;    /* INT64_MAX: the present */
    bool for_decision;   /* out->rows get what a decision asks besides */
};
/* The same for whom the request means: a bound anonymous shopper is its customer, and is read as
 * that with a second round trip. out->key NULL: no such cart or anonymous shopper was ever seen, or (shared) several people keep a cart of the id; who
 * keeps one under two names, as a browser and as its customer, is one. An unread
 * anonymous shopper is followed to nobody: whose it is may be what is unread. */
CAN_FAIL bool view_find(struct db *db, const struct view_ask *ask, struct arena *a,
                        struct view *out, struct err *err);

#endif
