#ifndef STORE_SHOPPERS_H
#define STORE_SHOPPERS_H

#include "store/carts.h"
#include "store/pg/db.h"

/* Folded shoppers, and the bases retention left. */
struct shopper_row {
    int lane;
    bool stale; /* read only: its events behind folded_off wait to be folded (store/stale.h) */
    const char *key;
    int64_t folded_off;
    const char *doc;  /* canonical JSON; NULL: no row */
    const char *base; /* shopper_base.doc; NULL: none, or not read */
};

/* The rows of shoppers_read and history_docs into the order asked for: each is what there is of one key, or a part of it. For these two. */
void store_shopper_parts(const PGresult *rows, const int *lanes, const char *const *keys,
                         size_t count, struct arena *a, struct shopper_row *out);

/* In the order asked for; in arena. */
CAN_FAIL bool store_shoppers_read(struct db *db, const int *lanes, const char *const *keys,
                                  size_t count, struct arena *a, struct shopper_row *out,
                                  struct err *err);
CAN_FAIL bool store_shoppers_write(struct db *db, const struct shopper_row *rows, size_t count,
                                   struct err *err); /* keys differ */
CAN_FAIL bool store_bases_write(struct db *db, const struct shopper_row *rows, size_t count,
                                struct err *err); /* doc is the base */

/* All bases (base set, doc NULL), ordered by (lane, key) in byte order; borrowed during the call. */
typedef bool shopper_row_fn(void *ctx, const struct shopper_row *row, struct err *err);
CAN_FAIL bool store_bases_stream(struct db *db, shopper_row_fn *fn, void *ctx, struct err *err);
/* Of shoppers with an event in the log that occurred after active_us. */
CAN_FAIL bool store_bases_stream_active(struct db *db, int64_t active_us, shopper_row_fn *fn,
                                        void *ctx, struct err *err);

#endif
