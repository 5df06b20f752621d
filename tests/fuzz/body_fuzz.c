/* Bodies of POST /v1/events and /v1/products, from their bytes to the answer. The first byte says how they
 * come: as lines, gzip made here, gzip from the input, as products, in two parts. The answer is JSON that
 * our own parser takes, with one result an element; a body that parses is not refused as a whole, what
 * it was charged is given back, and to events the answer is the same by either reader of JSON. */
#include "fuzz.h"

#include "base/cleanup.h"
#include "base/json/jdec.h"
#include "base/metric.h"
#include "domain/shop/event.h"
#include "domain/shop/money.h"
#include "domain/shop/product.h"
#include "http/api/elements.h"

#include <zlib.h>

enum { LINES = 1, GZIP_OURS = 2, GZIP_THEIRS = 4, PRODUCTS = 8, PARTS = 16 };
enum { BODY_MAX = 1 << 16, BATCH_MAX = 100 };
#define NOW_US INT64_C(1569902400000000)

struct decoding {
    struct arena *arena;
    bool products;
    size_t count;
    size_t decoded;
};

static void prepare(void *ctx, size_t count, struct arena *a)
{
    struct decoding *d = ctx;
    d->count = count;
    d->arena = a;
}

static void check_product(const struct product *p)
{
    DEMAND(p->product_id[0] != '\0' && strlen(p->product_id) <= EVENT_ID_MAX);
    DEMAND(p->title == NULL || strlen(p->title) <= PRODUCT_TITLE_MAX);
    DEMAND(p->category == NULL || strlen(p->category) <= PRODUCT_CATEGORY_MAX);
    DEMAND(p->brand == NULL || strlen(p->brand) <= PRODUCT_BRAND_MAX);
    DEMAND(p->url == NULL || strlen(p->url) <= PRODUCT_URL_MAX);
    DEMAND(p->stock >= -1 && p->stock <= PRODUCT_STOCK_MAX);
    DEMAND(p->price_minor == MONEY_UNKNOWN ||
           (p->price_minor >= 0 && p->price_minor <= MONEY_MINOR_MAX));
    DEMAND((p->price_minor == MONEY_UNKNOWN) == (p->currency[0] == '\0'));
    struct err err = {0};
    CLEANUP(jdec_free) json_t *attributes = jdec_parse(p->attributes, strlen(p->attributes), &err);
    DEMAND(json_is_object(attributes));
}

static bool decode(void *ctx, size_t index, struct jval doc, struct err *err)
{
    struct decoding *d = ctx;
    struct product p = {0};
    struct event e = {0};
    struct event_sent sent = {.received_us = NOW_US};
    bool taken = d->products ? product_decode(doc.tree, NULL, d->arena, &p, err)
                             : event_decode(doc, ORIGIN_API, sent, d->arena, &e, err);

    DEMAND(index < d->count);
    d->decoded++;
    if (!taken) {
        fuzz_refusal(err);
        return false;
    }
    if (d->products) {
        check_product(&p);
        DEMAND(product_title(&p, d->arena)[0] != '\0');
    }
    return true;
}

static void gzip(const uint8_t *data, size_t size, struct buf *out)
{
    enum { GZIP = 16 };
    unsigned char step[4096];
    z_stream z = {0};
    int state = deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + GZIP, 8, Z_DEFAULT_STRATEGY);

    DEMAND(state == Z_OK);
    unsigned char *in = mem_array(size + 1, 1);
    if (size > 0) {
        memcpy(in, data, size);
    }
    z.next_in = in;
    z.avail_in = (uInt)size;
    while (state == Z_OK) {
        z.next_out = step;
        z.avail_out = sizeof step;
        state = deflate(&z, Z_FINISH);
        buf_add(out, step, sizeof step - z.avail_out);
    }
    DEMAND(state == Z_STREAM_END);
    (void)deflateEnd(&z);
    mem_free(&in);
}

/* Whether the bytes are one gzip stream and nothing else, of no more than a body may hold. */
static bool is_gzip(const char *bytes, size_t size)
{
    enum { GZIP_ONLY = 16 };
    unsigned char *out = mem_array(BODY_MAX + 1, 1);
    char *in = fuzz_text((const uint8_t *)bytes, size);
    z_stream z = {.next_in = (unsigned char *)in,
                  .avail_in = (uInt)size,
                  .next_out = out,
                  .avail_out = BODY_MAX + 1};

    DEMAND(inflateInit2(&z, MAX_WBITS + GZIP_ONLY) == Z_OK);
    bool whole = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_in == 0 && z.avail_out > 0;
    (void)inflateEnd(&z);
    mem_free(&in);
    mem_free(&out);
    return whole;
}

static void check_answer(const struct request *rq, const struct elements *elements)
{
    const struct buf *body = &rq->answer.body;
    struct err err = {0};
    CLEANUP(jdec_free) json_t *doc = jdec_parse(body->data, body->len, &err);

    DEMAND(doc != NULL);
    if (elements == NULL) {
        DEMAND(json_integer_value(json_object_get(doc, "status")) == rq->answer.status);
        DEMAND(json_string_length(json_object_get(doc, "detail")) > 0);
        DEMAND(rq->answer.status == 400 || rq->answer.status == 413 || rq->answer.status == 415);
        return;
    }
    const json_t *results = json_object_get(doc, "results");
    DEMAND(json_array_size(results) == elements->count);
    for (size_t i = 0; i < elements->count; i++) {
        const json_t *result = json_array_get(results, i);
        const struct element *e = &elements->items[i];
        size_t errors = json_array_size(json_object_get(result, "errors"));
        DEMAND(errors == e->error_count);
        DEMAND((e->status != NULL) == (errors > 0)); /* the handler has not spoken yet */
        for (size_t k = 0; k < errors; k++) {
            DEMAND(e->errors[k].detail[0] != '\0');
        }
    }
}

static void serve(struct request *rq, uint8_t how, bool trees, const char *bytes, size_t size)
{
    struct decoding d = {.products = (how & PRODUCTS) != 0};
    struct elements elements = {0};
    struct err err = {0};
    bool zipped = (how & (GZIP_OURS | GZIP_THEIRS)) != 0;
    size_t first = (how & PARTS) != 0 ? size / 2 : size;

    DEMAND(request_take_media(
        rq, (how & LINES) != 0 ? "application/x-ndjson" : "application/json; charset=utf-8",
        zipped ? "gzip" : NULL));
    if (!body_add(&rq->body, bytes, first, &err) ||
        !body_add(&rq->body, bytes + first, size - first, &err)) {
        fuzz_refusal(&err);
        DEMAND(rq->body.too_large);
        return;
    }
    struct element_reader reader = {.id_name = d.products ? "product_id" : "event_id",
                                    .prepare = prepare,
                                    .trees = trees,
                                    .decode = decode,
                                    .ctx = &d};
    bool read = elements_read(rq, &reader, &elements);
    if (read) {
        elements_answer(rq, &elements);
        DEMAND(elements.count <= BATCH_MAX && d.decoded <= elements.count);
    }
    DEMAND(!read || !zipped || is_gzip(bytes, size));
    check_answer(rq, read ? &elements : NULL);
}

/* The answer goes to out. */
static void answer_to(struct app *app, uint8_t how, bool trees, const char *bytes, size_t size,
                      struct buf *out)
{
    struct request rq = {0};

    request_begin(&rq, app, "/v1/events");
    rq.method = "POST";
    request_name(&rq, "fuzz", NULL);
    serve(&rq, how, trees, bytes, size);
    buf_printf(out, "%d ", rq.answer.status);
    buf_add(out, rq.answer.body.data, rq.answer.body.len);
    request_end(&rq);
    arena_free(&rq.arena);
    DEMAND(atomic_load(&app->bodies.used) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config config = {.http_body_max = BODY_MAX, .batch_max = BATCH_MAX};
    static struct app app = {.config = &config, .bodies = {.max = 1 << 24}};
    CLEANUP(buf_free) struct buf zipped = buf_make(1 << 24);

    if (size == 0) {
        return 0;
    }
    const uint8_t *bytes = data + 1;
    size_t len = size - 1;
    if ((data[0] & GZIP_OURS) != 0) {
        gzip(bytes, len, &zipped);
        bytes = (const uint8_t *)zipped.data;
        len = zipped.len;
    }
    CLEANUP(buf_free) struct buf by_tree = buf_make(1 << 24);
    CLEANUP(buf_free) struct buf in_one_pass = buf_make(1 << 24);
    answer_to(&app, data[0], true, (const char *)bytes, len, &by_tree);
    if ((data[0] & PRODUCTS) == 0) { /* whose decoder takes trees apart */
        answer_to(&app, data[0], false, (const char *)bytes, len, &in_one_pass);
        DEMAND(strcmp(buf_text(&by_tree), buf_text(&in_one_pass)) == 0);
    }
    return 0;
}
