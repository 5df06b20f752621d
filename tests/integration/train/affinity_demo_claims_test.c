/* The demo shop's own pairs: of 200 picks that are said to go with something, each passes the rule when it is recomputed from the log, and most are what the
 * shop's people take together. And what a message says of its picks is what somebody who knows the shop would say: by its nouns and categories, not by the model. */
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
#include "unit/domain/an_event.h"

#include <stdio.h>
#include <stdlib.h>

enum { SHOPPERS = 2000, VISITS = 3, CLAIMS = 200, PICKS_MOST = 20000, DAYS_LATER = 4 };
enum { LISTS = 3000, OWN_MOST = 40, LIVED_DAYS = 60, PER_CATEGORY = SIM_PRODUCTS / SIM_CATEGORIES };

static struct flow_bench bench;
static struct live *live;
static struct claims claims; /* products are numbered from 1 */
static int64_t price[SIM_PRODUCTS];

static void fill_catalogue(const struct sim_world *w)
{
    for (int i = 0; i < SIM_PRODUCTS; i++) {
        const struct sim_product *p = &w->products[i];
        claims.kind[i + 1] = p->category;
        price[i] = p->price_minor;
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

/* ---- what somebody who knows the shop would say ---- */

/* What a shopper did, as the test has told it: products from 0. */
struct lived {
    const struct shopper *shopper;
    int touched[OWN_MOST];
    int touched_count;
    int bought[OWN_MOST]; /* within the memory */
    int bought_count;
    int cart[OWN_MOST];
    int cart_count;
};

static bool same_noun(int a, int b)
{
    return a / PER_CATEGORY == b / PER_CATEGORY && strcmp(sim_noun(a), sim_noun(b)) == 0;
}

static bool same_category(int a, int b)
{
    return a / PER_CATEGORY == b / PER_CATEGORY;
}

/* "Home > Kitchen" and "Home > Bedding" */
static bool same_department(int a, int b)
{
    const char *x = sim_category(a / PER_CATEGORY);
    const char *y = sim_category(b / PER_CATEGORY);
    const size_t len = (size_t)(strchr(x, '>') - x);
    return strncmp(x, y, len + 1) == 0;
}

typedef bool two_are(int a, int b);

static bool any(const int *products, int count, int item, two_are *are)
{
    for (int i = 0; i < count; i++) {
        if (are(products[i], item)) {
            return true;
        }
    }
    return false;
}

static bool same(int a, int b)
{
    return a == b;
}

static void does(struct lived *l, struct event *e, enum event_type type, int product, int64_t at)
{
    *e = event_planned(&(struct event_plan){
        .type = type,
        .at = at,
        .order = type == EVENT_PURCHASE ? arena_printf(&bench.arena, "o%d", (int)at) : NULL,
        .cart = type == EVENT_PURCHASE ? "another" : NULL,
        .sku = arena_printf(&bench.arena, "P%04d", product + 1),
        .price = price[product]});
    l->touched[l->touched_count++] = product;
    if (type == EVENT_PURCHASE) {
        l->bought[l->bought_count++] = product;
    }
    if (type == EVENT_CART_ITEM_ADDED) {
        l->cart[l->cart_count++] = product;
    }
}

/* Every third has only a cart of one product; others looked at and bought things of a few categories before. */
static struct lived random_life(struct rng *r, int n)
{
    struct event events[OWN_MOST];
    struct lived l = {0};
    const int looked = n % 3 == 0 ? 0 : 1 + (int)rng_below(r, 12);
    const int bought = n % 3 == 0 ? 0 : (int)rng_below(r, 4);
    const int carted = n % 3 == 0 ? 1 : 1 + (int)rng_below(r, 3);
    const int liked[] = {(int)rng_below(r, SIM_CATEGORIES), (int)rng_below(r, SIM_CATEGORIES)};
    size_t count = 0;
    for (int i = 0; i < looked + bought + carted; i++) {
        const enum event_type type = i < looked            ? EVENT_PRODUCT_VIEWED
                                     : i < looked + bought ? EVENT_PURCHASE
                                                           : EVENT_CART_ITEM_ADDED;
        const int64_t at = type == EVENT_CART_ITEM_ADDED
                               ? DAYS(LIVED_DAYS) + MINUTES(i)
                               : (int64_t)rng_below(r, LIVED_DAYS) * DAYS(1) + MINUTES(i);
        const int product = liked[rng_below(r, 2)] * PER_CATEGORY + (int)rng_below(r, PER_CATEGORY);
        does(&l, &events[count++], type, product, at);
    }
    l.shopper = shopper_fold_all(NULL, "c:anna", events, count, INT64_MAX, &bench.arena);
    return l;
}

static void check_said(const struct lived *l, const struct picks *picks, const struct pick *p)
{
    const int item = number_of(p->product_id) - 1;
    const bool replaces = any(l->cart, l->cart_count, item, same_noun);
    const int own = pick_relation_is_to_product(p->relation) ? number_of(p->because) - 1 : -1;
    assert_false(any(l->bought, l->bought_count, item, same_noun));
    assert_true(!replaces || p->relation == RELATION_ALTERNATIVE);
    if (own >= 0) {
        assert_true(any(l->touched, l->touched_count, own, same));
    } else if (p->relation == RELATION_TASTE) {
        assert_true(any(l->touched, l->touched_count, item, same_category));
    } else if (p->relation == RELATION_VIEWED) {
        assert_true(any(l->touched, l->touched_count, item, same));
    } else if (p->relation == RELATION_POPULAR_IN) {
        assert_true(any(l->touched, l->touched_count, item, same_department));
    } else if (p->relation == RELATION_NONE) {
        assert_true(any(l->touched, l->touched_count, item, same_category));
    } else {
        assert_int_equal(p->relation, RELATION_POPULAR);
    }
    for (int i = 0; i < picks->count && p->relation == RELATION_SIMILAR; i++) {
        assert_int_not_equal(number_of(picks->items[i].product_id) - 1, own);
    }
    if (p->relation == RELATION_ALTERNATIVE) {
        assert_true(any(l->cart, l->cart_count, own, same));
        assert_true(same_category(own, item));
        assert_true(4 * price[item] <= 5 * price[own]);
    }
}

/* Of its category in the cart the dearest costs so much; 0: none is in it. */
static int64_t dearest_beside(const struct lived *l, int item)
{
    int64_t dearest = 0;
    for (int i = 0; i < l->cart_count; i++) {
        if (same_category(l->cart[i], item) && price[l->cart[i]] > dearest) {
            dearest = price[l->cart[i]];
        }
    }
    return dearest;
}

/* Nothing that towers over the cart and was never looked at, nor because of what was bought that it is like, nor two of a sort. */
static void check_shown(const struct lived *l, const struct picks *picks, const struct pick *p)
{
    const int item = number_of(p->product_id) - 1;
    const int64_t dearest = dearest_beside(l, item);
    assert_true(dearest == 0 || 2 * price[item] <= 3 * dearest ||
                any(l->touched, l->touched_count, item, same));
    assert_true(p->relation != RELATION_SIMILAR || p->tie != TIE_BOUGHT);
    for (int i = 0; i < picks->count; i++) {
        assert_true(&picks->items[i] == p ||
                    !same_noun(number_of(picks->items[i].product_id) - 1, item));
    }
}

static int said[RELATION_ALTERNATIVE + 1];

static bool has_of_the_cart(const struct lived *l)
{
    for (int i = 0; i < l->cart_count; i++) {
        if (any(l->bought, l->bought_count, l->cart[i], same_category)) {
            return true;
        }
    }
    return false;
}

/* What costs less undercuts the cart, what costs more than a quarter more is too dear beside a product of its kind. */
static bool nothing_of_the_cart_is_left(const struct lived *l)
{
    for (int i = 0; i < l->cart_count; i++) {
        const int64_t own = price[l->cart[i]];
        for (int other = 0; other < SIM_PRODUCTS; other++) {
            if (other != l->cart[i] && same_category(other, l->cart[i]) && price[other] >= own &&
                4 * price[other] <= 5 * own) {
                return false;
            }
        }
    }
    return true;
}

static void check_list(const struct lived *l, const struct picks *picks)
{
    int alternatives = 0;
    int of_cart = 0;
    for (int i = 0; i < picks->count; i++) {
        const struct pick *p = &picks->items[i];
        check_said(l, picks, p);
        check_shown(l, picks, p);
        said[p->relation]++;
        alternatives += p->relation == RELATION_ALTERNATIVE;
        of_cart += p->tie == TIE_CART ||
                   any(l->cart, l->cart_count, number_of(p->product_id) - 1, same_category);
    }
    assert_int_equal(picks->count, 3);
    assert_true(alternatives <= 1);
    /* nothing is left for somebody who wants a phone and has bought one, or where no other phone costs about as much */
    assert_true(of_cart >= 1 || has_of_the_cart(l) || nothing_of_the_cart_is_left(l));
}

static void what_is_said_of_a_pick_is_what_who_knows_the_shop_would_say(void **state)
{
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    struct rng r = rng_seed(9);
    (void)state;
    for (int n = 0; n < LISTS; n++) {
        struct picks picks;
        const struct lived l = random_life(&r, n);
        const struct pick_wish wish = {.shopper = l.shopper,
                                       .now_us = TEST_DAY_US + DAYS(LIVED_DAYS) + HOURS(2),
                                       .k = 3,
                                       .shelf = use.set->shelf,
                                       .diverse = true};
        affinity_recommend(use.set->affinity, &wish, &picks);
        check_list(&l, &picks);
        forget_events();
    }
    print_message("nothing: %d\n", said[RELATION_NONE]);
    for (int i = RELATION_TASTE; i <= RELATION_ALTERNATIVE; i++) {
        print_message("%s: %d\n", pick_relation_name((enum pick_relation)i), said[i]);
        assert_true(said[i] >= 10); /* else nothing of it was tested */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_goes_with_of_200_in_the_demo_shop_passes_the_rule_it_claims),
        cmocka_unit_test(what_is_said_of_a_pick_is_what_who_knows_the_shop_would_say),
    };
    return cmocka_run_group_tests_name("claims in the demo shop", tests, open_bench, close_bench);
}
