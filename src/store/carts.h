#ifndef STORE_CARTS_H
#define STORE_CARTS_H

#include "store/pg/db.h"

/* The cart rows derived from folded shoppers. */
struct cart_row {
    int lane;
    int32_t round;
    const char *cart_id;
    const char *key;
    const char *status;
    int64_t units;
    int64_t total_minor;  /* INT64_MIN: unknown */
    const char *currency; /* NULL unknown */
    int64_t opened_us, changed_us, seen_us;
    int32_t lines;
    int32_t contacted;
    bool bot, imported;
    double risk; /* NaN: not scored by this write; keeps the stored score */
    const char *risk_model;
    int64_t scored_us;
};

/* Replaces the cart rows of the keys: upserts rows and their cart_lane, deletes rows of these keys that are not among them. In the
 * transaction of the fold. */
CAN_FAIL bool store_carts_write(struct db *db, const int *lanes, const char *const *keys,
                                size_t key_count, const struct cart_row *rows, size_t count,
                                struct err *err);

/* Somebody names a cart. */
struct cart_use {
    int32_t lane; /* of the cart id: event_lane("k:" + cart_id) */
    const char *cart_id;
    const char *key;
    int64_t ordered_us; /* by an order, or a withdrawal of consent; INT64_MIN: by something else */
    int64_t named_us;   /* of several uses the first */
};
/* A customer and an anonymous shopper, and nobody else, had to do with one cart. Keys. */
struct cart_meeting {
    const char *cart_id;
    const char *customer;
    const char *anonymous;
    int64_t ordered_us;
    bool taken_back; /* so it had looked: there are others */
};
/* In the transaction of the fold. Meetings that this made known, or took back, in arena; some that were known before may be among
 * them. */
struct cart_uses {
    const struct cart_use *all;
    size_t count;
    int64_t now_us;
};
CAN_FAIL bool store_cart_uses_put(struct db *db, const struct cart_uses *uses, struct arena *a,
                                  struct cart_meeting **out, size_t *out_count, struct err *err);
/* Forgets the uses of carts of the lane that nobody has named since before_us. */
CAN_FAIL bool store_cart_uses_trim(struct db *db, int lane, int64_t before_us, int64_t *out_deleted,
                                   struct err *err);

/* A page of carts, newest first or by falling risk. Filter by computed state through time bounds on seen_at and status; see GET
 * /v1/carts. */
enum cart_order { CARTS_BY_SEEN, CARTS_BY_RISK };
struct cart_filter {
    const char *status;    /* NULL: any */
    const char *or_status; /* beside status; NULL: none */
    int64_t seen_from_us;  /* inclusive; INT64_MIN: open */
    int64_t seen_until_us; /* exclusive; INT64_MAX: open */
    enum cart_order order;
    const char *cursor; /* opaque text of the previous page; NULL first */
    int limit;
};
/* In arena; *out_next_cursor NULL on the last page. A cursor of another order or none of ours: ERR_INVALID at "cursor". */
CAN_FAIL bool store_carts_page(struct db *db, const struct cart_filter *f, struct arena *a,
                               struct cart_row **out, size_t *out_count,
                               const char **out_next_cursor, struct err *err);

/* The cursor of the page that begins behind this row of one. In arena. */
const char *store_carts_cursor(enum cart_order order, const struct cart_row *last, struct arena *a);

/* An order of one of some carts, by somebody who keeps none of that id. */
struct cart_order_by {
    size_t cart; /* its number */
    const char *key;
    int64_t at_us;
};
/* Those of the carts (lane, key and cart_id are asked for, an id that tells it apart), under whatever keys: some may be the shopper's own. As
 * struct joins_pending (store/outreach.h) has it for a decision. One round trip; in arena. */
CAN_FAIL bool store_carts_ordered(struct db *db, const struct cart_row *rows, size_t count,
                                  struct arena *a, struct cart_order_by **out, size_t *out_count,
                                  struct err *err);

/* The columns of cartwright.cart from cart_id to imported, which every query of carts gives in the table's order: `first` is the first of
 * them. Texts in arena; borrowed from the result where that is NULL. */
void cart_facts_at(const PGresult *rows, int r, int first, struct arena *a, struct cart_row *out);

/* Columns of carts_by_seen and carts_by_risk as a row; borrowed from the result. */
struct cart_row cart_row_at(const PGresult *rows, int r);

#endif
