/* The demo shop's own pairs: of 200 picks that are said to go with something, each passes the rule when it is recomputed from the log, and most are what the
 * shop's people take together. */
#include "integration/train/claims_spec.h"
#include "integration/train_spec.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/rng.h"
#include "live/live.h"
#include "sim/sim_world.h"
#include "store/models.h"
#include "support/folder.h"
#include "support/spec.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHOPPERS = 2000, VISITS = 3, CLAIMS = 200, PICKS_MOST = 20000, DAYS_LATER = 4 };

static struct flow_bench bench;
static struct live *live;
static struct claims claims; /* products are numbered from 1 */

static void fill_catalogue(const struct sim_world *w)
{
    for (int i = 0; i < SIM_PRODUCTS; i++) {
        const struct sim_product *p = &w->products[i];
        claims.kind[i + 1] = p->category;
        run_sql(&bench,
                arena_printf(&bench.arena,
                             "INSERT INTO cartwright.product (product_id, title, category, "
                             "brand, price_minor, currency, stock, source, updated_at) VALUES "
                             "('%s', '%s', '%s', '%s', %lld, 'EUR', 5, 'api', now())",
                             p->id, p->title, sim_category(p->category), p->brand,
                             (long long)p->price_minor));
    }
}

static void tell_visits(const struct sim_world *w)
{
    enum { MOST = SHOPPERS * VISITS * 12 };
    struct told *told = arena_array(&bench.arena, MOST, sizeof *told);
    size_t count = 0;
    for (int n = 0; n < SHOPPERS * VISITS && count < MOST - SIM_VISIT_EVENTS_MAX; n++) {
        struct sim_visit v;
        sim_visit_make(w, n / VISITS, n % VISITS, START_US + DAYS(n % VISITS), &v);
        for (int i = 0; i < v.count; i++) {
            const struct sim_event *e = &v.events[i];
            if (e->type == EVENT_PRODUCT_VIEWED || e->type == EVENT_CART_ITEM_ADDED) {
                told[count++] =
                    (struct told){.id = arena_printf(&bench.arena, "e%d-%d", n, i),
                                  .type = event_type_name(e->type),
                                  .customer = arena_printf(&bench.arena, "c%d", n / VISITS),
                                  .product = w->products[e->product].id,
                                  .at_s = (e->at_us - START_US) / SECONDS(1)};
            }
        }
    }
    tell_all(&bench, told, count);
}

static int open_bench(void **state)
{
    CLEANUP(sim_world_free) struct sim_world world = {0};
    (void)state;
    claims = claims_of(SIM_PRODUCTS + 1);
    flow_open(&bench, "demo_claims");
    sim_world_make(&world, 1, SHOPPERS);
    fill_catalogue(&world);
    tell_visits(&world);
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

/* Somebody with a cart of one to three products. */
static const struct shopper *random_shopper(struct rng *r)
{
    struct shopper *s = shopper_new("c:anybody", &bench.arena);
    const size_t count = 1 + rng_below(r, 3);
    for (size_t i = 0; i < count; i++) {
        s->recent[s->recent_count++] = (struct recent_event){
            .type = EVENT_CART_ITEM_ADDED,
            .at_us = START_US + DAYS(DAYS_LATER) + (int64_t)i,
            .product_id = arena_printf(&bench.arena, "P%04d", 1 + (int)rng_below(r, SIM_PRODUCTS))};
    }
    return s;
}

static int number_of(const char *id)
{
    return (int)strtol(id + 1, NULL, 10);
}

static void every_goes_with_of_200_in_the_demo_shop_passes_the_rule_it_claims(void **state)
{
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    struct rng r = rng_seed(8);
    int picked = 0;
    int gone_with = 0;
    int made_for_it = 0;
    (void)state;
    claims_read(&claims, &bench);
    while (gone_with < CLAIMS && picked < PICKS_MOST) {
        struct picks picks;
        const struct pick_wish wish = {.shopper = random_shopper(&r),
                                       .now_us = START_US + DAYS(DAYS_LATER) + HOURS(1),
                                       .k = 3,
                                       .shelf = use.set->shelf,
                                       .diverse = true};
        affinity_recommend(use.set->affinity, &wish, &picks);
        for (int i = 0; i < picks.count && gone_with < CLAIMS; i++, picked++) {
            const struct pick *p = &picks.items[i];
            if (p->relation == RELATION_GOES_WITH) {
                const int own = number_of(p->because);
                const int item = number_of(p->product_id);
                gone_with++;
                made_for_it +=
                    sim_companion(own - 1) == item - 1 || sim_companion(item - 1) == own - 1;
                assert_true(claims_has(&claims, own, item));
            }
        }
    }
    print_message("%d of %d picks go with something, %d of them were made for it\n", gone_with,
                  picked, made_for_it);
    assert_int_equal(gone_with, CLAIMS);
    assert_true(made_for_it > CLAIMS * 3 / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_goes_with_of_200_in_the_demo_shop_passes_the_rule_it_claims),
    };
    return cmocka_run_group_tests_name("claims in the demo shop", tests, open_bench, close_bench);
}
