/* What picks claim of other products is recomputed from the log, by the rule written once more: every "goes with" has to pass it. */
#include "integration/train/claims_spec.h"
#include "integration/train_spec.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/rng.h"
#include "domain/shop/money.h"
#include "live/live.h"
#include "support/spec.h"

#include <stdlib.h>
#include <string.h>

/* Products of six categories; of the first, number 2 i and 2 i + 1 are wanted together. Every third shopper comes back the next day for the same cart. */
enum { PRODUCTS = 48, KINDS = 6, PLANTED = 8, SHOPPERS = 420, CART_MAX = 4, PICKS = 200 };

static struct flow_bench bench;
static struct live *live;
static struct claims claims;

static const char *product(int number)
{
    return arena_printf(&bench.arena, "p%d", number);
}

static struct told told[SHOPPERS * CART_MAX * 4];
static size_t told_count;

static void visit(int shopper, int day, const int *cart, int count, int64_t at_s)
{
    static const char *const types[] = {"product_viewed", "cart_item_added"};
    for (int i = 0; i < 2 * count; i++) {
        told[told_count++] =
            (struct told){.id = arena_printf(&bench.arena, "e%d-%d-%d", shopper, day, i),
                          .type = types[i % 2],
                          .customer = arena_printf(&bench.arena, "c%d", shopper),
                          .product = product(cart[i / 2]),
                          .at_s = at_s + (int64_t)86400 * day + (int64_t)30 * i};
    }
}

static void tell_shopper(struct rng *r, int shopper)
{
    int cart[CART_MAX];
    const int count = 2 + (int)rng_below(r, CART_MAX - 1);
    int have = 0;
    if (rng_below(r, 2)) {
        cart[0] = 2 * (int)rng_below(r, PLANTED);
        cart[1] = cart[0] + 1;
        have = 2;
    }
    for (; have < count; have++) {
        cart[have] = (int)rng_below(r, PRODUCTS);
    }
    const int64_t at_s = (int64_t)shopper * 60;
    visit(shopper, 0, cart, count, at_s);
    if (shopper % 3 == 0) {
        visit(shopper, 1, cart, count, at_s);
    }
}

static int open_bench(void **state)
{
    struct rng r = rng_seed(3);
    (void)state;
    claims = claims_of(PRODUCTS);
    for (int i = 0; i < PRODUCTS; i++) {
        claims.kind[i] = i % KINDS;
    }
    flow_open(&bench, "claims");
    run_sql(&bench,
            arena_printf(&bench.arena,
                         "INSERT INTO cartwright.product (product_id, title, category, "
                         "price_minor, currency, stock, source, updated_at) SELECT 'p' || i, "
                         "'Product ' || i, 'Kind ' || i %% %d, 1000, 'EUR', 5, 'api', now() "
                         "FROM generate_series(0, %d) i",
                         KINDS, PRODUCTS - 1));
    for (int s = 0; s < SHOPPERS; s++) {
        tell_shopper(&r, s);
    }
    tell_all(&bench, told, told_count);
    live = claims_serve(&bench);
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    live_close(&live);
    flow_close(&bench);
    claims_free(&claims);
    return 0;
}

/* ---- picks ---- */

static const struct shopper *random_shopper(struct rng *r)
{
    struct shopper *s = shopper_new("c:anybody", &bench.arena);
    const size_t count = 1 + rng_below(r, 4);
    for (size_t i = 0; i < count; i++) {
        s->recent[s->recent_count++] = (struct recent_event){
            .type = rng_below(r, 2) ? EVENT_PRODUCT_VIEWED : EVENT_CART_ITEM_ADDED,
            .at_us = START_US + DAYS(4) + (int64_t)i,
            .product_id = arena_strdup(&bench.arena, product((int)rng_below(r, PRODUCTS)))};
    }
    return s;
}

static int number_of(const char *id)
{
    return (int)strtol(id + 1, NULL, 10);
}

static void every_goes_with_of_200_random_picks_passes_the_rule_it_claims(void **state)
{
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    struct rng r = rng_seed(8);
    int picked = 0;
    int gone_with = 0;
    (void)state;
    claims_read(&claims, &bench);
    while (picked < PICKS) {
        struct picks picks;
        const struct pick_wish wish = {.shopper = random_shopper(&r),
                                       .now_us = START_US + DAYS(4) + HOURS(1),
                                       .k = 3,
                                       .shelf = use.set->shelf,
                                       .diverse = true};
        affinity_recommend(use.set->affinity, &wish, &picks);
        for (int i = 0; i < picks.count; i++, picked++) {
            const struct pick *p = &picks.items[i];
            if (p->relation == RELATION_GOES_WITH) {
                gone_with++;
                assert_true(claims_has(&claims, number_of(p->because), number_of(p->product_id)));
            }
        }
    }
    print_message("%d of %d picks go with something\n", gone_with, picked);
    assert_true(gone_with >= 10); /* else nothing was tested */
}

/* The other way round: of two that were planted, and of a claim that holds, it is said. */
static void what_was_planted_is_claimed_and_hardly_anything_else(void **state)
{
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    int count = 0;
    int planted = 0;
    (void)state;
    for (int a = 0; a < PRODUCTS; a++) {
        for (int b = 0; b < PRODUCTS; b++) {
            const bool claimed = claims_has(&claims, a, b);
            count += claimed;
            planted += claimed && a / 2 == b / 2 && a < 2 * PLANTED;
        }
    }
    assert_int_equal(planted, 2 * PLANTED);
    assert_in_range(count, 2 * PLANTED, 2 * PLANTED + 2);
    struct shopper *s = shopper_new("c:anybody", &bench.arena);
    s->recent[s->recent_count++] =
        (struct recent_event){.type = EVENT_CART_ITEM_ADDED,
                              .at_us = START_US + DAYS(4),
                              .product_id = arena_strdup(&bench.arena, product(0))};
    struct picks picks;
    const struct pick_wish wish = {
        .shopper = s, .now_us = START_US + DAYS(4) + HOURS(1), .k = PRODUCTS};
    affinity_recommend(use.set->affinity, &wish, &picks);
    bool said = false;
    for (int i = 0; i < picks.count; i++) {
        said = said || (number_of(picks.items[i].product_id) == 1 &&
                        picks.items[i].relation == RELATION_GOES_WITH);
    }
    assert_true(said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_goes_with_of_200_random_picks_passes_the_rule_it_claims),
        cmocka_unit_test(what_was_planted_is_claimed_and_hardly_anything_else),
    };
    return cmocka_run_group_tests_name("claims", tests, open_bench, close_bench);
}
