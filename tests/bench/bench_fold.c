/* What one event costs the consumer before the database: body to event, stored text to shopper, the
 * event folded in, shopper to text. Beside it what jansson alone takes to parse the same stored text,
 * which is why shopper_decode reads it by itself. One thread, CPU
 * time; prints one JSON line. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/json/jdec.h"
#include "cli/options.h"
#include "domain/shopper/shopper.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVENTS_BEFORE = 12, ROUNDS = 40000 };

static const char *const types[] = {"product_viewed", "cart_item_added", "page_viewed", "searched"};

/* CPU time of this process: the figures hold on a busy machine, too. */
static int64_t cpu_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * SECONDS(1) + now.tv_nsec / 1000;
}

static const char *body_of(int i, struct arena *a)
{
    char at[CLOCK_TEXT_MAX];

    return arena_printf(
        a,
        "{\"event_id\":\"bench-%d\",\"type\":\"%s\",\"customer_id\":\"customer-17\",\"session_id\":"
        "\"s-1\",\"occurred_at\":\"%s\",\"context\":{\"locale\":\"de-DE\",\"device\":\"phone\"},"
        "\"properties\":{\"page\":\"/help/returns\"},\"items\":[{\"product_id\":\"sku-%d\","
        "\"quantity\":1,\"price_minor\":4999,\"currency\":\"EUR\"}]}",
        i, types[i % 4], clock_format_rfc3339(INT64_C(1569888000000000) + SECONDS(i), at), i % 9);
}

static struct event decoded(const char *body, struct arena *a)
{
    struct err err = {0};
    struct event e;

    if (!event_decode_text(body, strlen(body), ORIGIN_API, INT64_C(1569974400000000), a, &e,
                           &err)) {
        (void)fprintf(stderr, "bench_fold: %s: %s\n", err.path, err.text);
        exit(1);
    }
    return e;
}

struct costs {
    int64_t event_decode, decode, apply, encode, jansson;
};

/* One event through the steps; each is timed by itself. */
static void measure(const struct buf *stored, const char *body, struct buf *out, struct arena *a,
                    struct costs *costs)
{
    struct shopper *s = NULL;
    struct err err = {0};
    int64_t t0 = cpu_us();
    struct event e = {0};

    for (int i = 0; i < 10; i++) {
        e = decoded(body, a);
    }
    int64_t t1 = cpu_us();
    for (int i = 0; i < 10; i++) {
        if (!shopper_decode(buf_text(stored), stored->len, a, &s, &err)) {
            (void)fprintf(stderr, "bench_fold: %s\n", err.text);
            exit(1);
        }
    }
    int64_t t2 = cpu_us();
    for (int i = 0; i < 10; i++) {
        e.occurred_us++; /* each sorts after the one before */
        if (shopper_apply(s, &e, a) != SHOPPER_FOLDED) {
            (void)fprintf(stderr, "bench_fold: a refold was asked for\n");
            exit(1);
        }
    }
    int64_t t3 = cpu_us();
    for (int i = 0; i < 10; i++) {
        buf_reset(out);
        shopper_encode(s, out);
    }
    int64_t t4 = cpu_us();
    for (int i = 0; i < 10; i++) {
        json_t *doc = jdec_parse(buf_text(stored), stored->len, &err);
        jdec_free(&doc);
    }
    costs->event_decode += t1 - t0;
    costs->decode += t2 - t1;
    costs->apply += t3 - t2;
    costs->encode += t4 - t3;
    costs->jansson += cpu_us() - t4;
}

int main(int argc, char **argv)
{
    struct arena a = {0};
    struct arena work = {0};
    struct buf stored = buf_make(1 << 20);
    struct buf out = buf_make(1 << 20);
    struct shopper *s = shopper_new("c:customer-17", &a);
    struct costs costs = {0};
    const double n = 10.0 * (ROUNDS / 10.0);
    struct call call = {.program = "./dev bench", .command = "fold", .usage = "fold"};

    if (!call_read(&call, argc, argv, &(struct option_row){0})) {
        return call.exit_code;
    }
    for (int i = 0; i < EVENTS_BEFORE; i++) {
        struct event e = decoded(body_of(i, &a), &a);
        (void)shopper_apply(s, &e, &a);
    }
    shopper_encode(s, &stored);
    for (int i = 0; i < ROUNDS / 10; i++) {
        measure(&stored, body_of(EVENTS_BEFORE + i % 3600, &work), &out, &work, &costs);
        arena_reset(&work);
    }
    printf("{\"bench\":\"fold\",\"stored_bytes\":%zu,\"event_decode_us\":%.2f,\"decode_us\":%.2f,"
           "\"apply_us\":%.2f,\"encode_us\":%.2f,\"jansson_parse_us\":%.2f}\n",
           stored.len, (double)costs.event_decode / n, (double)costs.decode / n,
           (double)costs.apply / n, (double)costs.encode / n, (double)costs.jansson / n);
    buf_free(&stored);
    buf_free(&out);
    arena_free(&work);
    arena_free(&a);
    return 0;
}
