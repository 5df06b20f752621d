#include "store/products.h"

#include "domain/shop/money.h"

#include <assert.h>
#include <stdio.h>

/* The catalogue: what the API wrote, completed by what imports saw. */

enum { STOCK_UNTRACKED = -1 };

/* Of a search, so that a page costs a bounded time in a catalogue of any size: rows fetched here and there, and names
 * taken apart in a row. */
enum { SEARCH_FEW = 5000, SEARCH_WALK = 10000 };

/* What the table writes as NULL. */
struct known {
    int64_t
        *prices; /* INT64_MIN where either half of a price is unknown: the table has both or none */
    const char **currencies;
    int64_t *stocks; /* INT64_MIN: not tracked */
};

static struct known known_of(const struct product *products, size_t count, struct arena *a)
{
    struct known k = {
        .prices = arena_array(a, count, sizeof *k.prices),
        .currencies = arena_array(a, count, sizeof *k.currencies),
        .stocks = arena_array(a, count, sizeof *k.stocks),
    };
    for (size_t i = 0; i < count; i++) {
        const struct product *p = &products[i];
        /* Half a price says nothing, and the table refuses it. */
        bool priced = p->price_minor != MONEY_UNKNOWN && p->currency[0] != '\0';
        k.prices[i] = priced ? p->price_minor : INT64_MIN;
        k.currencies[i] = priced ? p->currency : NULL;
        k.stocks[i] = p->stock == STOCK_UNTRACKED ? INT64_MIN : p->stock;
    }
    return k;
}

bool store_products_put(struct db *db, const struct product *products, size_t count, int64_t now_us,
                        bool *out_created, struct err *err)
{
    if (count == 0) {
        return true;
    }
    CLEANUP(arena_free) struct arena a = {0};
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct known known = known_of(products, count, &a);
    struct params p = params_make(&a);
    param_texts(&p, TEXTS(products, count, product_id));
    param_texts(&p, TEXTS(products, count, title));
    param_texts(&p, TEXTS(products, count, url));
    param_texts(&p, TEXTS(products, count, image_url));
    param_i64_array(&p, known.prices, count);
    param_text_array(&p, known.currencies, count);
    param_texts(&p, TEXTS(products, count, category));
    param_texts(&p, TEXTS(products, count, brand));
    param_i64_array(&p, known.stocks, count);
    param_jsonbs(&p, TEXTS(products, count, attributes));
    param_time(&p, now_us);
    if (!db_query(db, Q_products_put, &p, &rows, err)) {
        return false;
    }
    assert((size_t)PQntuples(rows) == count);
    /* One row an element, also where an id comes twice: the caller answers each. */
    for (size_t i = 0; out_created != NULL && i < count; i++) {
        out_created[i] = row_bool(rows, (int)i, 0);
    }
    return true;
}

bool store_products_learn(struct db *db, const struct product *products, size_t count,
                          struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct known known = known_of(products, count, &a);
    struct params p = params_make(&a);
    param_texts(&p, TEXTS(products, count, product_id));
    param_texts(&p, TEXTS(products, count, title));
    param_texts(&p, TEXTS(products, count, category));
    param_texts(&p, TEXTS(products, count, brand));
    param_i64_array(&p, known.prices, count);
    param_text_array(&p, known.currencies, count);
    param_times(&p, INT64S(products, count, updated_us));
    return count == 0 || db_exec(db, Q_products_learn, &p, NULL, err);
}

/* Borrowed from the result. */
static struct product product_at(const PGresult *rows, int r)
{
    struct product p = {
        .product_id = row_text(rows, r, 0),
        .title = row_text(rows, r, 1),
        .url = row_text(rows, r, 2),
        .image_url = row_text(rows, r, 3),
        .price_minor = row_i64_or(rows, r, 4, MONEY_UNKNOWN),
        .category = row_text(rows, r, 6),
        .brand = row_text(rows, r, 7),
        .stock = row_i64_or(rows, r, 8, STOCK_UNTRACKED),
        .attributes = row_text(rows, r, 9),
        .updated_us = row_time(rows, r, 10),
    };
    const char *currency = row_text(rows, r, 5);
    (void)snprintf(p.currency, sizeof p.currency, "%s", currency == NULL ? "" : currency);
    return p;
}

static struct product product_copy(const PGresult *rows, int r, struct arena *a)
{
    struct product p = product_at(rows, r);
    p.product_id = row_text_copy(rows, r, 0, a);
    p.title = row_text_copy(rows, r, 1, a);
    p.url = row_text_copy(rows, r, 2, a);
    p.image_url = row_text_copy(rows, r, 3, a);
    p.category = row_text_copy(rows, r, 6, a);
    p.brand = row_text_copy(rows, r, 7, a);
    p.attributes = row_text_copy(rows, r, 9, a);
    return p;
}

struct db_call store_products_ask(const char *const *ids, size_t count, struct arena *a)
{
    /* In two halves, so that whoever asks something else at the same time needs one round trip. */
    struct db_call call = {.query = Q_products_read, .params = params_make(a)};
    param_text_array(&call.params, ids, count);
    return call;
}

void store_products_answer(const PGresult *rows, struct arena *a, struct product *out)
{
    for (int i = 0; i < PQntuples(rows); i++) {
        out[i] = product_copy(rows, i, a);
        out[i].priced_us = row_time(rows, i, 11);
        out[i].price_before = row_i64_or(rows, i, 12, MONEY_UNKNOWN);
        out[i].priced_before_us = row_time(rows, i, 13);
    }
}

bool store_products_read(struct db *db, const char *const *ids, size_t count, struct arena *a,
                         struct product *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct db_call call = store_products_ask(ids, count, a);
    if (!db_query(db, call.query, &call.params, &rows, err)) {
        return false;
    }
    assert((size_t)PQntuples(rows) == count);
    store_products_answer(rows, a, out);
    return true;
}

static void read_product(const PGresult *rows, int r, struct arena *a, void *out)
{
    *(struct product *)out = product_copy(rows, r, a);
}

bool store_products_page(struct db *db, const char *after_id, int limit, struct arena *a,
                         struct product **out, size_t *out_count, struct err *err)
{
    struct db_rows products;
    struct params p = params_make(a);
    /* Every id is longer than the empty text, so it is before all. */
    param_text(&p, after_id == NULL ? "" : after_id);
    param_i64(&p, limit);
    if (!db_list(db, Q_products_page, &p, sizeof **out, read_product, &products, err)) {
        return false;
    }
    *out = products.all;
    *out_count = products.count;
    return true;
}

bool store_products_search(struct db *db, const struct product_search *search, struct arena *a,
                           struct product_found *out, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    struct params p = params_make(a);
    param_text(&p, search->after_id == NULL ? "" : search->after_id);
    param_i64(&p, search->limit);
    param_text(&p, search->words);
    param_i64(&p, search->few > 0 ? search->few : SEARCH_FEW);
    param_i64(&p, search->walk > 0 ? search->walk : SEARCH_WALK);
    if (!db_query(db, Q_products_search, &p, &rows, err)) {
        return false;
    }
    struct product_found found = {.next = row_text_copy(rows, 0, 11, a)};
    found.products = arena_array(a, (size_t)PQntuples(rows), sizeof *found.products);
    /* one row says where to go on, also where it has no product */
    for (int r = 0; r < PQntuples(rows) && !row_null(rows, r, 0); r++) {
        found.products[found.count++] = product_copy(rows, r, a);
    }
    *out = found;
    return true;
}

bool store_products_lock(struct db *db, const char *const *ids, size_t count, struct arena *a,
                         struct product **out, size_t *out_count, struct err *err)
{
    struct db_rows products;
    struct params p = params_make(a);
    param_text_array(&p, ids, count);
    if (!db_list(db, Q_products_lock, &p, sizeof **out, read_product, &products, err)) {
        return false;
    }
    *out = products.all;
    *out_count = products.count;
    return true;
}

bool store_products_delete(struct db *db, const char *id, int64_t now_us, bool *out_found,
                           struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    int64_t affected = 0;
    struct params p = params_make(&a);
    param_text(&p, id);
    param_time(&p, now_us);
    if (!db_exec(db, Q_products_delete, &p, &affected, err)) {
        return false;
    }
    *out_found = affected > 0;
    return true;
}

struct stream {
    product_fn *fn;
    void *ctx;
};

static bool stream_product(void *ctx, const PGresult *row, struct err *err)
{
    const struct stream *s = ctx;
    struct product p = product_at(row, 0);
    return s->fn(s->ctx, &p, err);
}

bool store_products_stream(struct db *db, product_fn *fn, void *ctx, struct err *err)
{
    /* Borrowed rows: a catalogue of millions is never in memory twice. */
    struct stream s = {fn, ctx};
    return db_stream(db, Q_products_stream, NULL, stream_product, &s, err);
}

bool store_products_open(struct db *db, int64_t *out_us, struct err *err)
{
    CLEANUP(rows_clear) PGresult *rows = NULL;
    if (!db_query(db, Q_products_open, NULL, &rows, err)) {
        return false;
    }
    *out_us = row_time(rows, 0, 0);
    return true;
}

static bool stream_change(void *ctx, const PGresult *row, struct err *err)
{
    const struct stream *s = ctx;
    struct product p = {.product_id = row_text(row, 0, 0),
                        .price_minor = row_i64_or(row, 0, 1, MONEY_UNKNOWN),
                        .stock = row_i64_or(row, 0, 2, STOCK_UNTRACKED),
                        .updated_us = row_time(row, 0, 3),
                        .title = row_text(row, 0, 5)};
    const char *currency = row_text(row, 0, 4);
    (void)snprintf(p.currency, sizeof p.currency, "%s", currency == NULL ? "" : currency);
    return s->fn(s->ctx, &p, err);
}

bool store_products_changed(struct db *db, int64_t since_us, product_fn *fn, void *ctx,
                            struct err *err)
{
    CLEANUP(arena_free) struct arena a = {0};
    struct stream s = {fn, ctx};
    struct params p = params_make(&a);
    param_time(&p, since_us);
    return db_stream(db, Q_products_changed, &p, stream_change, &s, err);
}
