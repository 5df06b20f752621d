/* The catalogue: PUT and GET of one product, POST of many, pages of all. What changes a part of one is
 * api_product_merge.c. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/json/jdec.h"
#include "domain/shop/money.h"
#include "domain/shop/product.h"
#include "http/api/elements.h"
#include "http/api/product_merge.h"
#include "http/api/router.h"
#include "http/wire/codec.h"
#include "http/wire/respond.h"
#include "store/products.h"

#include <string.h>

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000, WORDS_MAX = 200 };

/* ---- writing ---- */

struct decoding {
    struct arena *arena;
    struct product *products;
    size_t *element;
    size_t count;
};

static void prepare(void *ctx, size_t count, struct arena *a)
{
    struct decoding *d = ctx;

    d->arena = a;
    d->products = arena_array(a, count, sizeof *d->products);
    d->element = arena_array(a, count, sizeof *d->element);
}

static bool decode(void *ctx, size_t index, struct jval doc, struct err *err)
{
    struct decoding *d = ctx;

    /* a failure leaves the place free for the next element */
    if (!product_decode(doc.tree, NULL, d->arena, &d->products[d->count], err)) {
        return false;
    }
    d->element[d->count++] = index;
    return true;
}

CAN_FAIL static bool put(struct request *rq, const struct product *products, size_t count,
                         bool *out_created, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = rq->app->pool};

    /* the connection goes back before the answer is written */
    return count == 0 ||
           (pool_lease(rq->app->pool, &lease, err) &&
            store_products_put(lease.db, products, count, rq->received_us, out_created, err));
}

/* One statement cannot write a row twice: of products with the same id the last one counts. */
static size_t keep_last(struct decoding *d, struct elements *elements, struct arena *a)
{
    const char **ids = arena_array(a, d->count, sizeof *ids);
    size_t kept = 0;

    for (size_t i = 0; i < d->count; i++) {
        ids[i] = d->products[i].product_id;
    }
    const struct named *names = names_sort(ids, d->count, a);
    for (size_t i = 0; i + 1 < d->count; i++) {
        if (strcmp(names[i].id, names[i + 1].id) == 0) {
            elements->items[d->element[names[i].at]].status = "replaced";
        }
    }
    for (size_t i = 0; i < d->count; i++) {
        if (elements->items[d->element[i]].status == NULL) {
            d->products[kept] = d->products[i];
            d->element[kept++] = d->element[i];
        }
    }
    return kept;
}

/* mode=replace, what it is without */
CAN_FAIL static bool replace(struct request *rq, struct err *err)
{
    struct decoding d = {0};
    struct element_reader reader = {
        .id_name = "product_id", .prepare = prepare, .trees = true, .decode = decode, .ctx = &d};
    struct elements elements;

    if (!elements_read(rq, &reader, &elements)) {
        return true;
    }
    /* before the statement, so that its answers, one a row, belong to the elements left */
    d.count = keep_last(&d, &elements, &rq->arena);
    bool *created = arena_array(&rq->arena, d.count, sizeof *created);
    if (!put(rq, d.products, d.count, created, err)) {
        return false;
    }
    for (size_t i = 0; i < d.count; i++) {
        elements.items[d.element[i]].status = created[i] ? "created" : "updated";
    }
    elements_answer(rq, &elements);
    return true;
}

CAN_FAIL bool api_products_post(struct request *rq, struct err *err)
{
    static const char *const modes[] = {"replace", "merge"};
    int mode = -1;

    if (!request_param_enum(rq, "mode", modes, 2, &mode, err)) {
        return false;
    }
    return mode == 1 ? products_merge_post(rq, err) : replace(rq, err);
}

CAN_FAIL bool api_product_put(struct request *rq, struct err *err)
{
    CLEANUP(jdec_free) json_t *doc = NULL;
    struct product product;
    bool created = false;

    if (!request_json(rq, &doc)) {
        return true;
    }
    /* the id of the path counts; one in the body must be the same or absent */
    if (!product_decode(doc, rq->id, &rq->arena, &product, err) ||
        !put(rq, &product, 1, &created, err)) {
        return false;
    }
    struct buf body = buf_make(ANSWER_MAX);
    struct jenc j = jenc_begin(&body);
    jenc_object(&j, NULL);
    jenc_str(&j, "product_id", product.product_id);
    jenc_str(&j, "status", created ? "created" : "updated");
    jenc_object_end(&j);
    /* RFC 9110, 9.3.4: 201 where the PUT made it, 200 where it replaced it */
    answer_json(rq, created ? 201 : 200, &body);
    return true;
}

/* ---- reading ---- */

static void write_product(struct jenc *j, const struct product *p, struct arena *a)
{
    jenc_object(j, NULL);
    jenc_str(j, "product_id", p->product_id);
    const char *title = product_title(p, a);
    /* an id is no name: a page that shows it would look as if the shop had called it so */
    jenc_str(j, "title", title != p->product_id ? title : NULL);
    jenc_str(j, "url", p->url);
    jenc_str(j, "image_url", p->image_url);
    /* null says "unknown"; 0 would be a price */
    if (p->price_minor != MONEY_UNKNOWN) {
        jenc_i64(j, "price_minor", p->price_minor);
        jenc_str(j, "currency", p->currency);
    } else {
        jenc_null(j, "price_minor");
        jenc_null(j, "currency");
    }
    jenc_str(j, "category", p->category);
    jenc_str(j, "brand", p->brand);
    if (p->stock >= 0) {
        jenc_i64(j, "stock", p->stock);
    } else {
        jenc_null(j, "stock");
    }
    const char *attributes = p->attributes ? p->attributes : "{}";
    jenc_raw(j, "attributes", attributes, strlen(attributes));
    jenc_time(j, "updated_at", p->updated_us);
    jenc_object_end(j);
}

CAN_FAIL bool api_product_get(struct request *rq, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = rq->app->pool};
    struct product product;

    if (!pool_lease(rq->app->pool, &lease, err) ||
        !store_products_read(lease.db, &rq->id, 1, &rq->arena, &product, err)) {
        return false;
    }
    /* of an id that the catalogue does not have, all columns are NULL */
    if (product.updated_us == 0) {
        return FAIL(err, ERR_NOT_FOUND, "nothing describes this product (now)");
    }
    struct buf body = buf_make(ANSWER_MAX);
    struct jenc j = jenc_begin(&body);
    write_product(&j, &product, &rq->arena);
    answer_json(rq, 200, &body);
    return true;
}

/* Cursors are "1" + the last id, in base64: opaque to clients, and their version told. */
static const char *cursor_of(const char *last_id, struct arena *a)
{
    const char *text = arena_printf(a, "1%s", last_id);

    return codec_base64(text, strlen(text), a);
}

CAN_FAIL static bool read_cursor(struct request *rq, const char **out_after, struct err *err)
{
    const char *cursor = request_param(rq, "cursor");
    const char *text = cursor ? codec_base64_text(cursor, &rq->arena) : "1";

    /* comes from outside like anything else: base64 of UTF-8, of our version, with an id */
    if (text == NULL || text[0] != '1' || (cursor != NULL && text[1] == '\0')) {
        return FAIL_AT(err, ERR_INVALID, "cursor", "is none that was given out");
    }
    *out_after = text + 1;
    return true;
}

/* By the last id and not by a number of rows: products that come or go meanwhile make no page skip one
 * or show it twice. After a full last page follows an empty one. */
CAN_FAIL static bool read_page(struct db *db, const struct product_search *search, struct arena *a,
                               struct product_found *out, struct err *err)
{
    /* an empty field of a form asks for nothing, so for all */
    if (search->words != NULL && search->words[0] != '\0') {
        return store_products_search(db, search, a, out, err);
    }
    out->next = NULL;
    if (!store_products_page(db, search->after_id, search->limit, a, &out->products, &out->count,
                             err)) {
        return false;
    }
    if (out->count == (size_t)search->limit) {
        out->next = out->products[out->count - 1].product_id;
    }
    return true;
}

CAN_FAIL bool api_products_list(struct request *rq, struct err *err)
{
    CLEANUP(pool_return) struct lease lease = {.pool = rq->app->pool};
    struct product_search search = {.words = request_param(rq, "q")};
    struct product_found page = {0};
    int64_t limit = 0;

    if (!request_param_i64(rq, "limit", 1, PAGE_MAX, PAGE_DEFAULT, &limit, err) ||
        !read_cursor(rq, &search.after_id, err)) {
        return false;
    }
    if (search.words != NULL && strlen(search.words) > WORDS_MAX) {
        return FAIL_AT(err, ERR_INVALID, "q", "must be at most %d bytes", WORDS_MAX);
    }
    search.limit = (int)limit;
    if (!pool_lease(rq->app->pool, &lease, err) ||
        !read_page(lease.db, &search, &rq->arena, &page, err)) {
        return false;
    }
    struct buf body = buf_make(ANSWER_MAX);
    struct jenc j = jenc_begin(&body);
    jenc_object(&j, NULL);
    jenc_array(&j, "data");
    for (size_t i = 0; i < page.count; i++) {
        write_product(&j, &page.products[i], &rq->arena);
    }
    jenc_array_end(&j);
    jenc_str(&j, "next_cursor", page.next != NULL ? cursor_of(page.next, &rq->arena) : NULL);
    jenc_object_end(&j);
    answer_json(rq, 200, &body);
    return true;
}
