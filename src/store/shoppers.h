#ifndef STORE_SHOPPERS_H
#define STORE_SHOPPERS_H

#include "store/db.h"

/* Folded shoppers and the cart rows derived from them. */
struct shopper_row {
    int lane;
    const char *key;
    int64_t folded_off;
    const char *doc;  /* canonical JSON; NULL: no row */
    const char *base; /* shopper_base.doc; NULL: none (read only by the *_with_base forms) */
};
struct cart_row {
    int lane;
    const char *cart_id;
    const char *key;
    int32_t round;
    const char *status;
    int32_t lines;
    int64_t units;
    int64_t total_minor;  /* INT64_MIN: unknown */
    const char *currency; /* NULL unknown */
    int64_t opened_us, changed_us, seen_us;
    int32_t contacted;
    bool bot, imported;
    double risk; /* NaN: not scored by this write; keeps the stored score */
    const char *risk_model;
    int64_t scored_us;
};

CAN_FAIL bool store_shoppers_read(struct db *db, const int *lanes, const char *const *keys,
                                  size_t count, struct arena *a, struct shopper_row *out,
                                  struct err *err);
CAN_FAIL bool store_shopper_read(struct db *db, int lane, const char *key, struct arena *a,
                                 struct shopper_row *out, struct err *err); /* with base */
CAN_FAIL bool store_shoppers_write(struct db *db, const struct shopper_row *rows, size_t count,
                                   struct err *err);
/* Replaces the cart rows of the keys: upserts rows and their cart_lane, deletes rows of these keys
 * that are not among them. */
CAN_FAIL bool store_carts_write(struct db *db, const int *lanes, const char *const *keys,
                                size_t key_count, const struct cart_row *rows, size_t count,
                                struct err *err);

CAN_FAIL bool store_cart_find(struct db *db, const char *cart_id, struct arena *a, int *out_lane,
                              const char **out_key, struct err *err); /* *out_key NULL: unknown */

/* All shoppers ordered by (lane, key) (C collation), for replay --check; rows borrowed. Also the
 * bases. */
typedef bool shopper_row_fn(void *ctx, const struct shopper_row *row, struct err *err);
CAN_FAIL bool store_shoppers_stream(struct db *db, shopper_row_fn *fn, void *ctx, struct err *err);
CAN_FAIL bool store_bases_stream(struct db *db, shopper_row_fn *fn, void *ctx, struct err *err);
CAN_FAIL bool store_bases_write(struct db *db, const struct shopper_row *rows, size_t count,
                                struct err *err); /* doc is the base */
typedef bool cart_row_fn(void *ctx, const struct cart_row *row, struct err *err);
CAN_FAIL bool store_carts_stream(struct db *db, cart_row_fn *fn, void *ctx,
                                 struct err *err); /* by (lane, key, cart_id) */

/* A page of carts. Filter by computed state through time bounds on seen_at and status; see GET
 * /v1/carts. */
enum cart_order { CARTS_BY_SEEN, CARTS_BY_RISK };
struct cart_filter {
    const char *status;    /* NULL: any */
    int64_t seen_from_us;  /* inclusive; INT64_MIN: open */
    int64_t seen_until_us; /* exclusive; INT64_MAX: open */
    enum cart_order order;
    const char *cursor; /* opaque text of the previous page; NULL first */
    int limit;
};
CAN_FAIL bool store_carts_page(struct db *db, const struct cart_filter *f, struct arena *a,
                               struct cart_row **out, size_t *out_count,
                               const char **out_next_cursor, struct err *err);

#endif
