#ifndef STORE_OUTREACH_H
#define STORE_OUTREACH_H

#include "domain/shop/product.h"
#include "store/pg/db.h"

/* What a decision is about: this and the cart's id. */
#define OUTREACH_OF_CART "cart:"

struct outreach_row {
    int lane;
    const char *subject; /* NULL: nothing, there was no cart */
    const char *cart_id; /* of the subject */
    int32_t round;
    int32_t step;
    const char *outreach_id;
    const char *key;
    const char *decision; /* send, silence */
    const char *reason;
    int64_t decided_us;
    const char *summary;     /* JSON object */
    const char *why;         /* JSON object */
    const char *message;     /* JSON; NULL for a silence */
    const char *cart_digest; /* of the lines decided about; for store_outreach_put */
};

/* outreach_released, which tells the log of a send. */
struct outreach_event {
    const char *event_id;
    const char *body; /* JSON object */
};
/* Inserts, or overwrites a stored silence, and appends the event (NULL: none) in the same
 * statement. *out_stored false: a send is already there (unchanged), and nothing was appended. */
CAN_FAIL bool store_outreach_put(struct db *db, const struct outreach_row *row,
                                 const struct outreach_event *event, bool *out_stored,
                                 struct err *err);
CAN_FAIL bool store_outreach_by_id(struct db *db, int lane, const char *outreach_id,
                                   struct arena *a, struct outreach_row *out, bool *out_found,
                                   struct err *err);

/* What was told under the key within the time is the shopper's own. */
struct own_time {
    const char *key;
    int64_t from_us, until_us; /* INT64_MIN, INT64_MAX: always */
};
/* Who somebody is, as far as it is known, and what else might say so. */
struct joins {
    int lane;
    const char *key;
    const char **vias; /* anonymous shoppers that are, or are about to be, this customer */
    size_t via_count;
    const char **open; /* those of them of whom it is not settled */
    size_t open_count;
    const char *
        *cart_ids; /* of its carts, also those that are not kept any more, and that it only named */
    size_t cart_count;
    const char **apart; /* those of them that tell a cart apart (domain/shop/cart_id.h) */
    size_t apart_count;
    const struct own_time *own; /* what else names these carts is somebody else's */
    size_t own_count;
    const char **
        shared; /* of an anonymous shopper that is nobody's: those by which it may be a customer who ordered one of them */
    size_t shared_count;
    const char **ordered; /* and those that it ordered, or withdrew consent for, itself */
    size_t ordered_count;
    bool shares;      /* there are such customers, as far as is known */
    bool wait;        /* one of them is being joined, or a browser may be told anew whose it is */
    bool dropped;     /* it had, or named, more carts than are known */
    bool news;        /* of what was read, something is not folded yet */
    int64_t last_off; /* newest of its events that was read */
    const char *found_by; /* key of the anonymous shopper that it was found by; NULL: none */
    int64_t found_by_off; /* newest of that one's that was read */
};
/* Is anything committed and not folded yet that joins it, or comes from whom it joins, or that somebody
 * else did with the carts? Of most shoppers a short question shows that there is nothing (joins_quiet); of others the whole one follows,
 * in a round trip of its own. Who is known not to be one of the most is asked about in whole at once. */
struct joins_pending {
    bool any;
    bool
        moved; /* something of it, or of whom it was found by, came since they were read: decide again */
    int64_t
        due_us; /* some of it is of a stale shopper (store/stale.h), the last of which is due then; 0: none is */
    int64_t
        ordered_us; /* when somebody else, who keeps no such cart, last ordered one of its carts; 0: never */
    int64_t withdrawn_us; /* or withdrew consent, naming one of them */
    const char *
        sharers; /* the customers that it may be (joins.shared), and the offsets of their newest events, as JSON; NULL: none. In arena */
};
CAN_FAIL bool store_joins_pending(struct db *db, const struct joins *j, struct arena *a,
                                  struct joins_pending *out, struct err *err);
/* May there be an event that names the cart and is not folded yet, of somebody who is none of keys? kept: somebody is known to keep
 * such a cart, and of whoever waits to be folded by themselves 5,000 events are looked at, where else more of them are a yes. */
struct cart_look {
    const char *cart_id;
    const char **keys;
    size_t key_count;
    bool kept;
};
CAN_FAIL bool store_cart_pending(struct db *db, const struct cart_look *look, bool *out,
                                 struct err *err);

/* May somebody else than keys be about to name one of the carts, as far as it lies in what no fold has taken? Of very much that waits, strict: there may be.
 * many: one of them is several people's already. */
struct shaken_look {
    const char **cart_ids;
    size_t cart_count;
    const char **keys;
    size_t key_count;
    bool strict;
};
CAN_FAIL bool store_joins_shaken(struct db *db, const struct shaken_look *look, bool *out_soon,
                                 bool *out_many, struct err *err);

/* What is looked at once more before a decision is told: by a release under the locks of the lanes. */
struct release_look {
    struct joins joins;
    int32_t *lanes; /* theirs and its own; of a release */
    size_t lane_count;
    const char *const *ids; /* products wanted along with it; their text is for whoever tells */
    size_t id_count;
};
struct release_seen {
    struct joins_pending pending; /* as store_joins_pending says */
    struct product *products;     /* of ids, in order; in arena */
};
/* Looks without locks, in one round trip, or a second (struct joins_pending). */
CAN_FAIL bool store_look(struct db *db, const struct release_look *look, struct arena *a,
                         struct release_seen *out, struct err *err);
/* Begins a transaction, locks the lanes and looks, in one round trip, or a second (struct joins_pending). What it saw stands until
 * commit: every event of the shopper and of the vias goes through one of these lanes. The caller
 * commits or rolls back, also where this failed. */
CAN_FAIL bool store_release_begin(struct db *db, const struct release_look *look, struct arena *a,
                                  struct release_seen *out, struct err *err);

#endif
