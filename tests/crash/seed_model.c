/* A little history, and the risk model that comes of it. */
#include "crash/seed_model.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/jenc.h"
#include "base/rng.h"
#include "support/service.h"

#include <stdio.h>
#include <stdlib.h>

enum { SEED_SHOPPERS = 300, SEED_DAYS = 20 };

__attribute__((noreturn)) static void die(const char *command)
{
    (void)fprintf(stderr, "cartwright %s failed\n", command);
    exit(1);
}

static void put_seed_event(struct buf *out, int shopper, int nth, const char *type, int64_t at_us)
{
    struct jenc j = jenc_begin(out);
    char id[48];

    jenc_object(&j, NULL);
    (void)snprintf(id, sizeof id, "seed-%d-%d", shopper, nth);
    jenc_str(&j, "event_id", id);
    jenc_str(&j, "type", type);
    (void)snprintf(id, sizeof id, "seed-%d", shopper);
    jenc_str(&j, "customer_id", id);
    jenc_time(&j, "occurred_at", at_us);
    jenc_array(&j, "items");
    jenc_object(&j, NULL);
    (void)snprintf(id, sizeof id, "p-%d", shopper % 40);
    jenc_str(&j, "product_id", id);
    jenc_i64(&j, "quantity", 1);
    jenc_i64(&j, "price_minor", 1000);
    jenc_str(&j, "currency", "EUR");
    jenc_object_end(&j);
    jenc_array_end(&j);
    jenc_object_end(&j);
    buf_add_char(out, '\n');
}

/* Three weeks of shoppers, of whom every third buys: enough for a base rate. */
static void import_history(const char *url)
{
    static const char *const args[] = {"import", "--format", "ndjson", "-", NULL};
    struct buf text = buf_make(16 << 20);
    struct rng rng = rng_seed(7);
    int64_t end_us = clock_now_us() - DAYS(2);

    for (int i = 0; i < SEED_SHOPPERS; i++) {
        int64_t at_us = end_us - (int64_t)rng_below(&rng, (uint64_t)DAYS(SEED_DAYS));
        put_seed_event(&text, i, 0, "product_viewed", at_us);
        put_seed_event(&text, i, 1, "cart_item_added", at_us + MINUTES(1));
        if (i % 3 == 0) {
            put_seed_event(&text, i, 2, "purchase", at_us + MINUTES(9));
        }
    }
    if (program_run(url, args, buf_text(&text), NULL) != 0) {
        die("import");
    }
    buf_free(&text);
}

void seed_risk_model(const char *database_url)
{
    static const char *const args[] = {"train", "risk", NULL};

    import_history(database_url);
    if (program_run(database_url, args, NULL, NULL) != 0) {
        die("train risk");
    }
}
