#include "bench/growth_events.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/mem.h"
#include "base/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    UUID_TEXT = 37,
    LATELY = 4096, /* shoppers that may come back */
    PRODUCTS = 50000,
    BODY_MAX = 4 << 20
};

struct visitor {
    uint64_t number; /* of whom the ids are made */
    char session[UUID_TEXT];
    bool customer;
};

struct growth_events {
    struct rng rng;
    uint64_t shoppers; /* so far */
    struct visitor lately[LATELY];
};

/* Version 4 (RFC 9562, section 5.4). */
static const char *uuid_put(struct rng *rng, char out[UUID_TEXT])
{
    const uint64_t high = (rng_u64(rng) & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
    const uint64_t low = (rng_u64(rng) >> 2) | (UINT64_C(1) << 63);

    (void)snprintf(out, UUID_TEXT, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32),
                   (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xffff),
                   (unsigned)(low >> 48), (unsigned long long)(low & UINT64_C(0xffffffffffff)));
    return out;
}

/* A shopper's id follows from the number, so that only the number is kept. */
static const char *anonymous_put(const struct visitor *v, char out[UUID_TEXT])
{
    struct rng own = rng_seed(v->number * 2 + 1);

    return uuid_put(&own, out);
}

struct growth_events *growth_events_new(uint64_t seed)
{
    struct growth_events *g = mem_alloc(sizeof *g);

    g->rng = rng_seed(seed);
    return g;
}

void growth_events_free(struct growth_events **g)
{
    mem_free(g);
}

static const struct visitor *visitor_next(struct growth_events *g)
{
    struct rng *rng = &g->rng;
    const uint64_t known = g->shoppers < LATELY ? g->shoppers : LATELY;

    if (known == 0 || rng_below(rng, 16) == 0) {
        struct visitor *v = &g->lately[g->shoppers++ % LATELY];
        *v = (struct visitor){.number = g->shoppers, .customer = rng_below(rng, 4) == 0};
        (void)uuid_put(rng, v->session);
        return v;
    }
    /* the nearer in time, the likelier: e^-8 of them are the oldest */
    const double age = -log(1 - rng_unit(rng) * 0.9997) / 8 * (double)known;
    return &g->lately[(g->shoppers - 1 - (uint64_t)(age < (double)known ? age : 0)) % LATELY];
}

static void put_product(struct jenc *j, struct rng *rng)
{
    const double u = rng_unit(rng);
    const int product = (int)(PRODUCTS * u * u * u); /* a few are seen most */
    char text[48];

    (void)snprintf(text, sizeof text, "%d", 1000000 + product * 37);
    jenc_array(j, "items");
    jenc_object(j, NULL);
    jenc_str(j, "product_id", text);
    jenc_i64(j, "price_minor", 199 + product * INT64_C(7919) % 90000);
    jenc_str(j, "currency", "EUR");
    jenc_i64(j, "quantity", 1);
    jenc_object_end(j);
    jenc_array_end(j);
}

static void put_event(struct growth_events *g, struct jenc *j, int64_t at_us)
{
    static const char *const types[] = {"product_viewed",  "product_viewed", "product_viewed",
                                        "product_viewed",  "product_viewed", "cart_item_added",
                                        "cart_item_added", "purchase"};
    const struct visitor *v = visitor_next(g);
    char id[UUID_TEXT];

    jenc_object(j, NULL);
    jenc_str(j, "event_id", uuid_put(&g->rng, id));
    jenc_str(j, "type", types[rng_below(&g->rng, sizeof types / sizeof *types)]);
    if (v->customer) {
        char customer[32];
        const uint64_t number = 500000000 + v->number;
        (void)snprintf(customer, sizeof customer, "%" PRIu64, number);
        jenc_str(j, "customer_id", customer);
    }
    jenc_str(j, "anonymous_id", anonymous_put(v, id));
    jenc_time(j, "occurred_at", at_us);
    jenc_str(j, "session_id", v->session);
    put_product(j, &g->rng);
    jenc_object_end(j);
}

struct load_request *growth_events_next(struct growth_events *g, const char *key, size_t count,
                                        size_t each, size_t *out_bytes)
{
    const int64_t now_us = clock_now_us();
    struct load_request *requests = mem_array(count / each, sizeof *requests);
    struct buf body = buf_make(BODY_MAX);

    *out_bytes = 0;
    for (size_t r = 0; r < count / each; r++) {
        struct jenc j = jenc_begin(&body);
        buf_reset(&body);
        jenc_array(&j, NULL);
        for (size_t i = 0; i < each; i++) {
            put_event(g, &j, now_us - SECONDS(60) + (int64_t)(r * each + i) * 100);
        }
        jenc_array_end(&j);
        requests[r] = load_request_make("/v1/events", key, buf_text(&body), body.len);
        *out_bytes += body.len;
    }
    buf_free(&body);
    return requests;
}
