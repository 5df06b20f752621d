#ifndef STORE_PRODUCTS_H
#define STORE_PRODUCTS_H

#include "domain/shop/product.h"
#include "store/pg/db.h"

CAN_FAIL bool store_products_put(struct db *db, const struct product *products, size_t count,
                                 int64_t now_us, bool *out_created /* count, may be NULL */,
                                 struct err *err);
/* What an import learnt: fills brand, category, title where the row has none or came from an import
 * too; last price by time. Never touches what the API wrote. */
CAN_FAIL bool store_products_learn(struct db *db, const struct product *products, size_t count,
                                   struct err *err);
/* In the order of ids; an unknown one has title, ... NULL and updated_us 0, one that was removed also stock 0. */
CAN_FAIL bool store_products_read(struct db *db, const char *const *ids, size_t count,
                                  struct arena *a, struct product *out, struct err *err);
/* The same in two halves, for db_begin_with. */
struct db_call store_products_ask(const char *const *ids, size_t count, struct arena *a);
void store_products_answer(const PGresult *rows, struct arena *a, struct product *out);
CAN_FAIL bool store_products_page(struct db *db, const char *after_id, int limit, struct arena *a,
                                  struct product **out, size_t *out_count, struct err *err);
/* The same of those whose id, title, brand and category have, for every word of words, one that begins with it. */
struct product_search {
    const char *words;
    const char *after_id; /* NULL: from the first */
    int limit;
    int few;  /* so many are read and put in order; 0: as is good */
    int walk; /* where there are more, so many products are looked at; 0: as is good */
};
struct product_found {
    struct product *products;
    size_t count; /* at most limit */
    const char *
        next; /* after_id of the next page; NULL: there is none. Also behind a page that is short */
};
CAN_FAIL bool store_products_search(struct db *db, const struct product_search *search,
                                    struct arena *a, struct product_found *out, struct err *err);
/* Those of these ids that are described, by id, locked until the transaction ends. */
CAN_FAIL bool store_products_lock(struct db *db, const char *const *ids, size_t count,
                                  struct arena *a, struct product **out, size_t *out_count,
                                  struct err *err);
/* From now on it is sold out and not described, until it is put again; an import does not bring it back. */
CAN_FAIL bool store_products_delete(struct db *db, const char *id, int64_t now_us, bool *out_found,
                                    struct err *err);
typedef bool product_fn(void *ctx, const struct product *p, struct err *err);
CAN_FAIL bool
store_products_stream(struct db *db, product_fn *fn, void *ctx,
                      struct err *err); /* by id, without those that were removed; borrowed */

/* When the oldest transaction began that is open and may write, INT64_MAX for none: what it writes is dated before it can be read. */
CAN_FAIL bool store_products_open(struct db *db, int64_t *out_us, struct err *err);
/* product_id, price_minor, stock and updated_us of what was written at or after a time, oldest first; borrowed. An import carries the time of what
 * it saw, which may lie before. */
CAN_FAIL bool store_products_changed(struct db *db, int64_t since_us, product_fn *fn, void *ctx,
                                     struct err *err);

#endif
