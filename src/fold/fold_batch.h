#ifndef FOLD_FOLD_BATCH_H
#define FOLD_FOLD_BATCH_H

#include "eventlog/shopper_log.h"
#include "live/live.h"
#include "store/carts.h"

/* One batch of the fold, from what was read to what is written. Everything lives in its arena. */

/* One event of the batch; event.type_name is NULL where it does not decode. */
struct fold_event {
    const struct log_event *log;
    struct event event;
    struct err fault; /* of an event that does not decode */
    bool dead;
};

/* One shopper that the batch touches. */
struct fold_key {
    int32_t lane;
    const char *key;
    struct fold_event *events; /* a run of the batch, in the order to fold */
    size_t count;
    int64_t last_off; /* newest of the run */
    const char *doc;  /* as stored; NULL: new */
    const char *stored_carts[CARTS_MAX];
    size_t stored_cart_count;
    bool sweep;             /* what carts are stored is not known */
    struct shopper *before; /* only where it may become another's, or hears whose others are */
    struct shopper *after;
    bool refold;
    bool
        waits; /* it is stale (store/stale.h): nothing of it is written, and after serves only to tell its logins */
    int64_t
        changed_us; /* from when on what had been folded before became another's; INT64_MAX: nothing did */
    bool handed_over; /* its events are passed on afterwards (fold_hand.h) */
    int64_t
        told_us; /* what its owners are told is dated by; 0: by the newest change of the batch */
    int64_t events_before; /* of the stored document */
    struct history
        history; /* refold, and it was answered or sweep: all events up to last_off, unless a checkpoint did */
};

struct fold_batch {
    struct arena *arena;
    struct fold_event *events; /* by lane, key, time, offset */
    size_t count;
    struct fold_key *keys;
    size_t key_count;
    struct history_keys names; /* of keys, in parallel */
    int64_t last_offs[LANES];  /* newest offset of each lane in the batch; 0 none */
    int64_t now_us;
    int64_t
        heavy_events; /* the setting; 0: nobody is heavy. Set between make and apply, as the next two */
    int64_t heavy_bytes; /* so much of one shopper is read again at once */
    bool
        alone; /* it is the turn of a stale shopper: what a page has room for is folded (fold_refold.h) */
    bool too_long; /* alone: it takes more than that, and nothing was folded */
    bool
        in_pages; /* one page of news of a shopper that is folded already: what it hands over is seen to elsewhere */
    bool patient;   /* waits for lanes; else what it derives does (store/derived.h) */
    size_t waiting; /* so many events do */
    size_t dead;
    size_t refolds;
    size_t put_off; /* keys that wait */
    bool handing;   /* some changed hands and are passed on afterwards */
};

/* Decodes and groups. */
void fold_batch_make(struct fold_batch *b, const struct log_event *events, size_t count,
                     int64_t now_us, struct arena *a);
/* Folds the run of one shopper onto its document (k->doc), as far as that goes; k->refold says whether it has to be folded from
 * the log instead. Of one that waits (k->waits) only whom it names is taken in. Pure. */
void fold_key_apply(struct fold_key *k, struct arena *a);
/* Is it told in the batch whose somebody is? */
bool fold_key_answered(const struct fold_key *k);
/* From now on it waits. Pure. */
void fold_key_postpone(struct fold_key *k, struct arena *a);
/* Reads what is stored of the shoppers and folds the events in. */
CAN_FAIL bool fold_batch_apply(struct fold_batch *b, struct db *db, struct err *err);
/* Writes shoppers and carts; the risk model that serves (live NULL: none does) scores the carts at now. */
CAN_FAIL bool fold_batch_write(const struct fold_batch *b, struct db *db,
                               const struct config *config, struct live *live, struct err *err);
/* Notes who named which cart in the batch. Who turns out by that to have had to do with one cart, in arena. */
CAN_FAIL bool fold_orders_meet(const struct fold_batch *b, struct db *db, struct cart_meeting **out,
                               size_t *out_count, struct err *err);
/* What the batch, and the meetings that it made known, tell other shoppers (identity), but for what happened before it: rows to
 * append, in arena. Pure. Returns how many. */
size_t fold_identity_rows(const struct fold_batch *b, const struct cart_meeting *meetings,
                          size_t meeting_count, struct event_row **out);
/* Of some events of an anonymous shopper of the batch those that belong to somebody else than before it: rows to append, in arena.
 * Pure. Returns how many. */
size_t fold_identity_changed(const struct fold_key *k, const struct history *events,
                             struct arena *a, struct event_row **out);
/* The same of those that occurred at since_us or later, whoever they belonged to before; who: the shopper. */
size_t fold_identity_handed(const char *key, struct shopper *who, const struct history *events,
                            int64_t since_us, struct arena *a, struct event_row **out);
/* Of some events of a customer that were folded before, what an answer, or a fold of another version (sweep), makes news again: rows to append, in
 * arena. Pure. Returns how many. */
struct fold_told {
    const char *key;
    struct shopper *before; /* sweep: NULL */
    struct shopper *after;
    bool sweep;
};
size_t fold_identity_logins(const struct fold_told *t, const struct history *events,
                            struct arena *a, struct event_row **out);
/* Appends all of it; where b->patient is false, what is for lanes that nobody holds. Of what changed hands some of each shopper, in pages: the
 * rest goes afterwards, for a kiosk may have years behind it. */
CAN_FAIL bool fold_batch_derive(struct fold_batch *b, struct db *db, struct err *err);
/* What was done just now counts in the next ranking for anybody else. live may be NULL. */
void fold_batch_tell(const struct fold_batch *b, struct live *live);
/* Dead letters and counts of unknown types. */
CAN_FAIL bool fold_batch_count(const struct fold_batch *b, struct db *db, struct err *err);
/* Adds a batch that was committed to the metrics. */
void fold_batch_done(const struct fold_batch *b);

#endif
