/* Products come in groups of 200, shoppers like two groups each: so that the factors have something
 * to find, and picks are no noise. */
#include "bench/decide_shop.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/mem.h"
#include "base/rng.h"
#include "domain/affinity/affinity_file.h"
#include "domain/shop/money.h"
#include "ml/als/als.h"
#include "store/models.h"
#include "store/pg/db.h"
#include "support/ledger.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    GROUP = 200,
    SHOPPERS = 30000,
    PER_SHOPPER = 20,
    SWEEPS = 3,
    PER_REQUEST = 1000,
    CARTS_PER_REQUEST = 100, /* 800 events */
    SEED = 5,
    ID_MAX = 24,
};

/* The longest that the set-up of a catalogue of millions may take. */
#define POST_US MINUTES(20)
#define FOLD_US MINUTES(2)

static const char *product_id(int product, char out[ID_MAX])
{
    (void)snprintf(out, ID_MAX, "product-%06d", product);
    return out;
}

/* Somebody's product: of one of two groups. */
static int liked_product(struct rng *rng, const int groups[2])
{
    return groups[rng_below(rng, 2)] * GROUP + (int)rng_below(rng, GROUP);
}

static void pick_groups(struct rng *rng, int products, int out[2])
{
    out[0] = (int)rng_below(rng, (uint64_t)(products / GROUP));
    out[1] = (int)rng_below(rng, (uint64_t)(products / GROUP));
}

__attribute__((noreturn)) static void die(const char *what, const struct err *err)
{
    (void)fprintf(stderr, "decide_shop: %s: %s\n", what, err->text);
    exit(1);
}

/* ---- the model ---- */

static struct csr synthetic_log(int products, struct err *err)
{
    size_t count = (size_t)SHOPPERS * PER_SHOPPER + (size_t)products;
    struct triple *triples = mem_array(count, sizeof *triples);
    struct rng rng = rng_seed(SEED);
    struct csr log = {0};
    size_t n = 0;

    for (int u = 0; u < SHOPPERS; u++) {
        int groups[2];
        pick_groups(&rng, products, groups);
        for (int e = 0; e < PER_SHOPPER; e++) {
            triples[n++] = (struct triple){u, liked_product(&rng, groups), 1};
        }
    }
    for (int i = 0; i < products; i++) { /* nothing is without an interaction */
        triples[n++] = (struct triple){(int32_t)rng_below(&rng, SHOPPERS), i, 1};
    }
    if (!csr_build(SHOPPERS, products, triples, n, &log, err)) {
        die("log", err);
    }
    mem_free(&triples);
    return log;
}

static struct buf model_bytes(const struct mat *factors, const struct als_options *options,
                              uint8_t sha256[SHA256_BYTES], struct err *err)
{
    struct affinity_item *items = mem_array((size_t)factors->rows, sizeof *items);
    struct arena a = {0};
    struct buf bytes = {0};
    int64_t now_us = clock_now_us();

    for (int i = 0; i < factors->rows; i++) {
        char id[ID_MAX];
        items[i] = (struct affinity_item){.id = arena_strdup(&a, product_id(i, id)),
                                          .category = arena_printf(&a, "Group %d", i / GROUP),
                                          .price_minor = 999,
                                          .popularity = 1};
    }
    const struct affinity_parts parts = {.items = items,
                                         .count = factors->rows,
                                         .trained = factors->rows,
                                         .factors = factors,
                                         .options = options,
                                         .from_us = now_us - DAYS(30),
                                         .as_of_us = now_us - DAYS(1),
                                         .card = "{}"};
    if (!affinity_write(&parts, &bytes, sha256, err)) {
        die("model file", err);
    }
    arena_free(&a);
    mem_free(&items);
    return bytes;
}

static void make_champion(const char *database_url, const struct buf *bytes,
                          const uint8_t sha256[SHA256_BYTES], struct err *err)
{
    struct model_row row = {.kind = "affinity",
                            .algorithm = "als",
                            .bytes = (int64_t)bytes->len,
                            .card = "{}",
                            .verdict = "passed",
                            .reason = "synthetic, for the benchmark",
                            .created_us = clock_now_us()};
    struct arena a = {0};
    struct db *db = NULL;
    const char *version;

    memcpy(row.sha256, sha256, SHA256_BYTES);
    if (!db_open(database_url, true, &db, err) ||
        !store_model_put(db, &row, bytes->data, bytes->len, &a, &version, err) ||
        !store_model_promote(db, "affinity", version, "promote", false, clock_now_us(), err)) {
        die("champion", err);
    }
    db_close(&db);
    arena_free(&a);
}

struct mat decide_shop_model(const char *database_url, const struct shop_size *size)
{
    struct err err = {0};
    struct als_options options = als_defaults();
    struct mat shoppers;
    struct mat items;
    uint8_t sha256[SHA256_BYTES];
    struct csr log = synthetic_log(size->products, &err);

    options.factors = size->factors;
    options.shopper_exponent = 0;
    options.item_exponent = 0;
    options.sweeps = SWEEPS;
    options.threads = 2;
    if (!als_train(&log, &options, &shoppers, &items, &err)) {
        die("training", &err);
    }
    struct buf bytes = model_bytes(&items, &options, sha256, &err);
    make_champion(database_url, &bytes, sha256, &err);
    buf_free(&bytes);
    mat_free(&shoppers);
    csr_free(&log);
    return items;
}

/* ---- requests ---- */

static void put_product(struct jenc *j, int product)
{
    char id[ID_MAX];
    char text[64];

    jenc_object(j, NULL);
    jenc_str(j, "product_id", product_id(product, id));
    (void)snprintf(text, sizeof text, "Thing number %d", product);
    jenc_str(j, "title", text);
    (void)snprintf(text, sizeof text, "https://shop.example/p/%d", product);
    jenc_str(j, "url", text);
    jenc_i64(j, "price_minor", 199 + product % 20000);
    jenc_str(j, "currency", "EUR");
    (void)snprintf(text, sizeof text, "Group %d", product / GROUP);
    jenc_str(j, "category", text);
    jenc_i64(j, "stock", 10);
    jenc_object_end(j);
}

static struct load_request finish_request(const char *path, const char *key, struct buf *body)
{
    struct load_request r = load_request_make(path, key, buf_text(body), body->len);

    buf_free(body);
    return r;
}

static struct load_request *catalogue_of(const char *key, const struct shop_size *size,
                                         size_t *out_count)
{
    size_t count = (size_t)(size->products / PER_REQUEST);
    struct load_request *requests = mem_array(count, sizeof *requests);

    for (size_t r = 0; r < count; r++) {
        struct buf body = buf_make(1 << 20);
        struct jenc j = jenc_begin(&body);
        jenc_array(&j, NULL);
        for (int i = 0; i < PER_REQUEST; i++) {
            put_product(&j, (int)r * PER_REQUEST + i);
        }
        jenc_array_end(&j);
        requests[r] = finish_request("/v1/products", key, &body);
    }
    *out_count = count;
    return requests;
}

static void put_event(struct jenc *j, size_t customer, int nth, int product, int64_t at_us)
{
    char id[ID_MAX];
    char text[64];

    jenc_object(j, NULL);
    (void)snprintf(text, sizeof text, "decide-%zu-%d", customer, nth);
    jenc_str(j, "event_id", text);
    jenc_str(j, "type", nth % 2 == 0 ? "product_viewed" : "cart_item_added");
    (void)snprintf(text, sizeof text, "customer-%zu", customer);
    jenc_str(j, "customer_id", text);
    jenc_time(j, "occurred_at", at_us);
    jenc_array(j, "items");
    jenc_object(j, NULL);
    jenc_str(j, "product_id", product_id(product, id));
    jenc_i64(j, "quantity", 1);
    jenc_i64(j, "price_minor", 199 + product % 20000);
    jenc_str(j, "currency", "EUR");
    jenc_object_end(j);
    jenc_array_end(j);
    jenc_object_end(j);
}

/* Four products looked at, two of them and two others put in the cart. */
static void put_cart(struct jenc *j, struct rng *rng, int products, size_t customer,
                     int64_t left_us)
{
    int groups[2];
    int product = 0;

    pick_groups(rng, products, groups);
    for (int e = 0; e < 8; e++) {
        if (e % 4 != 1) {
            product = liked_product(rng, groups);
        }
        put_event(j, customer, e, product, left_us - MINUTES(8 - e));
    }
}

static struct load_request *carts_of(const char *key, const struct shop_size *size,
                                     size_t *out_count)
{
    size_t count = SHOP_CARTS / CARTS_PER_REQUEST;
    struct load_request *requests = mem_array(count, sizeof *requests);
    struct rng rng = rng_seed(SEED + 1);
    int64_t left_us = clock_now_us() - HOURS(2);

    for (size_t r = 0; r < count; r++) {
        struct buf body = buf_make(1 << 20);
        struct jenc j = jenc_begin(&body);
        jenc_array(&j, NULL);
        for (size_t i = 0; i < CARTS_PER_REQUEST; i++) {
            put_cart(&j, &rng, size->products, r * CARTS_PER_REQUEST + i, left_us);
        }
        jenc_array_end(&j);
        requests[r] = finish_request("/v1/events", key, &body);
    }
    *out_count = count;
    return requests;
}

static void post_all(int port, struct load_request *requests, size_t count)
{
    const struct load_plan plan = {.port = port,
                                   .connections = 2,
                                   .requests = requests,
                                   .request_count = count,
                                   .time_us = POST_US};
    const struct load_report r = load_run(&plan);

    if (r.answers != count) {
        die("set up", &(struct err){.text = "not everything was posted"});
    }
    load_requests_free(requests, count);
}

static void await_carts(const char *database_url)
{
    PGconn *conn = PQconnectdb(database_url);
    const int64_t until_us = clock_monotonic_us() + FOLD_US;

    while (ledger_lag(conn) != 0) {
        if (clock_monotonic_us() > until_us) {
            die("set up", &(struct err){.text = "the carts are not folded"});
        }
        (void)poll(NULL, 0, 50);
    }
    PQfinish(conn);
}

void decide_shop_fill(int port, const char *database_url, const char *key,
                      const struct shop_size *size)
{
    size_t count;
    struct load_request *requests = catalogue_of(key, size, &count);

    post_all(port, requests, count);
    requests = carts_of(key, size, &count);
    post_all(port, requests, count);
    await_carts(database_url);
}

struct load_request decide_shop_question(const char *key, size_t i)
{
    char body[100];
    int n = snprintf(body, sizeof body, "{\"customer_id\":\"customer-%zu\",\"dry_run\":true}",
                     i % SHOP_CARTS);

    return load_request_make("/v1/outreach", key, body, (size_t)n);
}
