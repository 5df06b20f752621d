/* Any arrival order, in batches of any size, folded by two workers at once, gives the same shoppers and carts. */
#include "base/clock.h"
#include "base/rng.h"
#include "base/stop.h"
#include "integration/flow_spec.h"
#include "support/at_length.h"
#include "support/spec.h"

#include <stdlib.h>

enum { EVENTS = 300, PEOPLE = 8, ORDERS = 5 };

static struct flow_bench bench;

static int setup(void **state)
{
    (void)state;
    flow_open(&bench, "shuffle");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static const char *pick(struct rng *r, const char *const *from, size_t count)
{
    return from[rng_below(r, count)];
}

/* Half of the events are anonymous; an identify binds a browser to whoever uses it just now. */
static struct told an_event(struct rng *r, int i)
{
    static const char *const types[] = {
        "product_viewed",   "product_viewed", "cart_item_added", "cart_item_added",
        "cart_item_added",  "cart_snapshot",  "purchase",        "cart_item_removed",
        "checkout_started", "searched",       "consent_given",   "drone_landed",
        "identify",         "page_viewed",    "payment_failed",  "wishlist_added"};
    static const char *const products[] = {"shoe", "hat", "sock", "coat", "belt"};
    static const char *const carts[] = {NULL, NULL, NULL, "basket", "wish"};
    const char *type = pick(r, types, COUNT_OF(types));
    uint64_t person = rng_below(r, PEOPLE);
    uint64_t customer = rng_below(r, PEOPLE);
    bool identifies = strcmp(type, "identify") == 0;
    bool anonymous = identifies || rng_below(r, 2) == 0;
    const char *cart = pick(r, carts, COUNT_OF(carts));
    return (struct told){
        .id = arena_printf(&bench.arena, "e%d", i),
        .type = type,
        .customer =
            identifies || !anonymous ? arena_printf(&bench.arena, "c%d", (int)customer) : NULL,
        .anonymous = anonymous ? arena_printf(&bench.arena, "a%d", (int)person) : NULL,
        /* A cart is one shopper's: of one that several name, the first to be folded would count. */
        .cart = cart == NULL || identifies
                    ? NULL
                    : arena_printf(&bench.arena, "%s-%s%d", cart, anonymous ? "a" : "c",
                                   (int)(anonymous ? person : customer)),
        .product = identifies ? NULL : pick(r, products, COUNT_OF(products)),
        .quantity = 1 + (int64_t)rng_below(r, 3),
        .price_minor = (int64_t)rng_below(r, 3) * 500,
        .at_s = (int64_t)rng_below(r, 3000), /* some at the same second */
    };
}

static void shuffle(struct event_row *rows, size_t count, struct rng *r)
{
    for (size_t i = count; i > 1; i--) {
        size_t j = rng_below(r, i);
        struct event_row kept = rows[i - 1];
        rows[i - 1] = rows[j];
        rows[j] = kept;
    }
}

/* Appends while two workers fold. */
static const char *fold_in_order(struct event_row *rows, struct rng *r)
{
    struct err err = {0};
    struct fold_workers *workers = NULL;
    forget_everything(&bench);
    shuffle(rows, EVENTS, r);
    assert_true(fold_workers_start(&bench.database, &bench.config, NULL, &workers, &err));
    for (size_t i = 0, n; i < EVENTS; i += n) {
        n = 1 + rng_below(r, 20);
        n = n < EVENTS - i ? n : EVENTS - i;
        append(&bench, rows + i, n);
    }
    fold_workers_stop(&workers);
    if (!fold_catch_up(&bench.database, &bench.config, NULL, NULL, &err)) {
        fail_msg("catch up: %s", err.text);
    }
    assert_replay_is_clean(&bench);
    return dump_of(&bench, false);
}

/* Among all the chance, two open carts that certainly meet. */
static const struct told merging[] = {
    {.id = "m1", .type = "cart_item_added", .customer = "cm", .product = "shoe", .at_s = 1},
    {.id = "m2", .type = "cart_item_added", .anonymous = "am", .product = "hat", .at_s = 2},
    {.id = "m3", .type = "identify", .customer = "cm", .anonymous = "am", .at_s = 3},
};

static void assert_same_dump(const char *dump, const char *expected, int order, uint64_t seed)
{
    size_t at = 0;
    while (dump[at] != '\0' && dump[at] == expected[at]) {
        at++;
    }
    if (dump[at] != expected[at]) {
        size_t from = at > 300 ? at - 300 : 0;
        fail_msg("seed %d, order %d differs at byte %zu:\n%.600s\nexpected:\n%.600s", (int)seed,
                 order, at, dump + from, expected + from);
    }
}

static void fold_in_many_orders(uint64_t seed)
{
    struct rng r = rng_seed(seed);
    struct event_row rows[EVENTS];
    for (int i = 0; i < EVENTS; i++) {
        struct told t = i < (int)COUNT_OF(merging) ? merging[i] : an_event(&r, i);
        rows[i] = row_of(&bench, &t);
    }
    const char *expected = fold_in_order(rows, &r);
    assert_text_contains(expected, "\"status\":\"bought\"");
    assert_text_contains(expected, "\"status\":\"merged\"");
    assert_true(count_of(&bench, "SELECT count(*) FROM cartwright.event WHERE type = 'forwarded'") >
                20);
    for (int order = 1; order < ORDERS; order++) {
        bench.config.heavy_events = order % 2 == 1 ? 8 : 0; /* from checkpoints or not: the same */
        assert_same_dump(fold_in_order(rows, &r), expected, order, seed);
    }
}

static void any_arrival_order_gives_the_same_shoppers_and_carts(void **state)
{
    (void)state;
    const uint64_t seeds = at_length() ? 30 : 1;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        fold_in_many_orders(seed);
        arena_reset(&bench.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_arrival_order_gives_the_same_shoppers_and_carts, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
