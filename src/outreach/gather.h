#ifndef OUTREACH_GATHER_H
#define OUTREACH_GATHER_H

#include "eventlog/view.h"
#include "outreach/sharers.h"
#include "store/outreach.h"
#include "store/pg/db.h"

/* First step of a decision: everything it is made from, read at once. */
struct outreach_subject {
    const char *key;     /* "c:" + customer or "a:" + anonymous; or NULL, and: */
    const char *cart_id; /* whoever keeps it; with a key: this cart of theirs */
    bool dry_run;
    int64_t at_us; /* dry runs only, a look into the past; 0: none */
    int64_t
        due_us; /* who joins it is stale until then (struct joins_pending); 0: nobody is, as far as is known */
    int64_t
        ordered_us; /* somebody else ordered one of its carts then (struct joins_pending); 0: as far as is known nobody did */
    int64_t withdrawn_us; /* or withdrew consent, naming one of them */
    const char *
        sharers; /* the customers that it may be (struct joins_pending); NULL: as far as is known none */
    int64_t now_us; /* the clock, read by whoever asks: no step reads one */
};

/* In arena. Nothing in it came from two moments: the shopper, what was sent and who may be joining
 * are of one snapshot. */
struct gathered {
    bool
        known; /* false: no such shopper or cart was ever seen, or several people keep one of that id (view.shared); only subject is set */
    struct outreach_subject subject;
    int64_t now_us;   /* the time that is decided about: at_us, or the clock */
    struct view view; /* its rows tell the rounds that were spoken about */
    int64_t
        unread_until_us; /* some of what it, or who joins it, did is not taken into account, until then at least; 0: everything is */
    /* Anonymous shoppers that are this customer, or by the log are about to be, those first that its events named last; of the open ones it is
     * not known whether they are now. */
    const char **vias;
    size_t via_count;
    size_t browsers; /* those of them named within BROWSERS_WITHIN_US */
    bool
        shaken; /* one was taken for its by a cart that somebody else may be about to name: whether it is, the fold has to say */
    bool mistaken; /* or that is several people's, as is known already */
    const char **open;
    size_t open_count;
    const char **cart_ids; /* of all carts, its own or not, and of those that it had before */
    size_t cart_count;
    const char **apart; /* those of them that tell a cart apart */
    size_t apart_count;
    const char **shared; /* of a browser that is nobody's: those, and what it ordered */
    size_t shared_count;
    const char **ordered;
    size_t ordered_count;
    struct sharers sharers; /* what was done by the customers that it may be */
    struct own_time *own;   /* its keys, and when they were its */
    size_t own_count;
};

/* What waits for a join looks again so often: the fold looks every 100 ms. And what is said where it takes too long. */
#define OUTREACH_PENDING_WAIT_US INT64_C(50000)
#define OUTREACH_PENDING_TEXT    "what the shopper did before logging in is still being joined"

/* Whether anything that is committed waits for the fold and may change who the subject is, or what was
 * done with its carts, or has come since it was gathered: also of whom no browser and no cart is known yet, and of nobody. */
CAN_FAIL bool outreach_pending(struct db *db, const struct gathered *g, struct arena *a,
                               struct joins_pending *out, struct err *err);
/* Asked by a cart id alone: may somebody else be about to have one of that id? One round trip; none where somebody was named. */
CAN_FAIL bool outreach_shared_soon(struct db *db, const struct gathered *g, struct arena *a,
                                   bool *out, struct err *err);
/* Nobody is without a cart whom a cart that they ordered is about to join with whoever filled it: whether somebody else is about to name one that
 * they ordered, or withdrew consent for. One round trip; none where they did neither. */
CAN_FAIL bool outreach_joined_soon(struct db *db, const struct gathered *g, struct arena *a,
                                   bool *out, struct err *err);
struct joins outreach_joins(const struct gathered *g); /* what it asks for */
/* Whether somebody else ordered a cart, or withdrew consent, or may be the same, of which the rules were not asked. */
bool outreach_unasked(const struct outreach_subject *asked, const struct joins_pending *seen);

/* One round trip to PostgreSQL; a second where the subject is a bound anonymous shopper, or what is
 * stored does not do (eventlog/view.h). Of the subject's sharers two each. */
CAN_FAIL bool outreach_gather(struct db *db, const struct outreach_subject *subject,
                              struct arena *a, struct gathered *out, struct err *err);

#endif
