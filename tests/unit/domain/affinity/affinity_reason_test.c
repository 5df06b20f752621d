/* Random shoppers before random catalogues: no pick is its own reason, none was bought within the memory, each claim passes its rule, currencies
 * and prices are those of the cart. */
#include "base/cleanup.h"
#include "base/rng.h"
#include "domain/affinity/affinity_shelf.h"
#include "domain/shop/money.h"
#include "ml/als/als.h"
#include "ml/linear/csr.h"
#include "unit/domain/affinity/affinity_spec.h"
#include "unit/domain/an_event.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    WORLDS = 60,
    SHOPPERS_EACH = 12,
    ITEMS = 40,
    TRAINED = 34,
    ROWS = 60,
    FACTORS = 4,
    K = 12,
    DEAREST = 3000
};

static const char *const categories[] = {NULL, "hats", "shoes", "bags > small", "bags > large"};
static const char *const brands[] = {NULL, "one", "two"};
static const char *const currencies[] = {"", "EUR", "USD"};

static struct world {
    char ids[ITEMS][16];
    struct affinity_item items[ITEMS];
    bool together[TRAINED][TRAINED];
    bool next[TRAINED][TRAINED];
    const char *currency[ITEMS];
    int64_t price[ITEMS];
    bool titled[ITEMS];
    bool most_titled;
    struct mat factors; /* empty: the model has none */
    struct buf bytes;
    struct affinity *model;
    struct affinity_shelf *shelf;
} w;
static struct arena arena;

static bool one_in(struct rng *r, uint64_t n)
{
    return rng_below(r, n) == 0;
}

/* ---- worlds ---- */

static void make_items(struct rng *r)
{
    /* none, few or most of them */
    const uint64_t untitled_of_ten = 10 - 4 * rng_below(r, 3);
    const bool mixed = one_in(r, 2);
    int count = 0;
    for (int i = 0; i < ITEMS; i++) {
        (void)snprintf(w.ids[i], sizeof w.ids[i], "p%d", i);
        w.items[i] = (struct affinity_item){
            .id = w.ids[i],
            .category = categories[rng_below(r, COUNT_OF(categories))],
            .brand = brands[rng_below(r, COUNT_OF(brands))],
            .price_minor = one_in(r, 8) ? MONEY_UNKNOWN : 100 + (int64_t)rng_below(r, 9000),
            .popularity = i < TRAINED ? (float)rng_below(r, 90) : 0};
        w.price[i] = w.items[i].price_minor;
        w.currency[i] = mixed ? currencies[rng_below(r, COUNT_OF(currencies))] : "EUR";
        w.titled[i] = rng_below(r, 10) >= untitled_of_ten;
        count += w.titled[i];
    }
    w.most_titled = 2 * count > ITEMS;
}

static void make_pairs(struct rng *r, bool pairs[TRAINED][TRAINED], int64_t start[TRAINED + 1],
                       int32_t target[TRAINED * TRAINED])
{
    int64_t count = 0;
    for (int i = 0; i < TRAINED; i++) {
        start[i] = count;
        for (int k = 0; k < TRAINED; k++) {
            pairs[i][k] = i != k && one_in(r, 6);
            if (pairs[i][k]) {
                target[count++] = k;
            }
        }
    }
    start[TRAINED] = count;
}

static struct mat factors_of(struct rng *r, struct als_options *options)
{
    struct err err = {0};
    struct triple triples[ROWS * 5];
    struct csr matrix = {0};
    struct mat shoppers = {0};
    struct mat factors = {0};
    size_t count = 0;
    for (int i = 0; i < TRAINED; i++) { /* each once, so that all have a row */
        triples[count++] = (struct triple){i % ROWS, i, 1};
    }
    while (count < COUNT_OF(triples)) {
        triples[count++] =
            (struct triple){(int32_t)rng_below(r, ROWS), (int32_t)rng_below(r, TRAINED), 1};
    }
    *options = als_defaults();
    options->factors = FACTORS;
    options->sweeps = 2;
    must(csr_build(ROWS, TRAINED, triples, count, &matrix, &err), &err);
    must(als_train(&matrix, options, &shoppers, &factors, &err), &err);
    csr_free(&matrix);
    mat_free(&shoppers);
    return factors;
}

static void make_model(struct rng *r)
{
    static int64_t starts[2][TRAINED + 1];
    static int32_t targets[2][TRAINED * TRAINED];
    struct err err = {0};
    struct als_options options;
    uint8_t sha256[SHA256_BYTES];
    struct mat factors = factors_of(r, &options);
    const bool als = !one_in(r, 4);
    w.factors = als ? factors : (struct mat){0};
    make_pairs(r, w.together, starts[0], targets[0]);
    make_pairs(r, w.next, starts[1], targets[1]);
    const struct affinity_section more[] = {
        {"together_start", MODEL_I64, starts[0], TRAINED + 1},
        {"together_target", MODEL_I32, targets[0], (uint64_t)starts[0][TRAINED]},
        {"next_start", MODEL_I64, starts[1], TRAINED + 1},
        {"next_target", MODEL_I32, targets[1], (uint64_t)starts[1][TRAINED]}};
    const struct affinity_parts parts = {.items = w.items,
                                         .count = ITEMS,
                                         .trained = TRAINED,
                                         .factors = als ? &factors : NULL,
                                         .options = als ? &options : NULL,
                                         .from_us = 1,
                                         .as_of_us = 2,
                                         .card = "{}",
                                         .more = more,
                                         .more_count = COUNT_OF(more)};
    must(affinity_write(&parts, &w.bytes, sha256, &err), &err);
    must(try_loading(&w.bytes, &w.model, &err), &err);
    if (!als) {
        mat_free(&factors);
    }
}

static void make_world(struct rng *r)
{
    make_items(r);
    make_model(r);
    w.shelf = affinity_shelf_make(w.model);
    for (int i = 0; i < ITEMS; i++) {
        struct shelf_facts facts = {.stock = -1, .price_minor = w.price[i], .titled = w.titled[i]};
        (void)snprintf(facts.currency, sizeof facts.currency, "%s", w.currency[i]);
        affinity_shelf_put(w.shelf, w.model, w.ids[i], &facts);
    }
}

static void free_world(void)
{
    affinity_shelf_free(&w.shelf);
    affinity_free(&w.model);
    buf_free(&w.bytes);
    mat_free(&w.factors);
}

/* ---- shoppers ---- */

static struct shopper *random_shopper(struct rng *r, uint64_t dearest)
{
    static const enum event_type types[] = {EVENT_PRODUCT_VIEWED, EVENT_PRODUCT_VIEWED,
                                            EVENT_WISHLIST_ADDED, EVENT_CART_ITEM_ADDED,
                                            EVENT_CART_SNAPSHOT,  EVENT_PURCHASE};
    enum { MOST = 60 };
    struct event events[MOST];
    const size_t count = rng_below(r, MOST);
    for (size_t i = 0; i < count; i++) {
        const enum event_type type = types[rng_below(r, COUNT_OF(types))];
        events[i] = event_planned(&(struct event_plan){
            .type = type,
            .at = (int64_t)rng_below(r, 80) * DAYS(1) + (int64_t)i,
            .order = type == EVENT_PURCHASE ? arena_printf(&arena, "o%zu", i) : NULL,
            .sku = w.ids[rng_below(r, ITEMS)],
            .price = one_in(r, 5) ? 0 : 100 + (int64_t)rng_below(r, dearest),
            .sku2 = one_in(r, 3) ? w.ids[rng_below(r, ITEMS)] : NULL});
    }
    return shopper_fold_all(NULL, "c:anna", events, count, INT64_MAX, &arena);
}

/* ---- the rules, written once more ---- */

static int number_of(const char *id)
{
    return id[0] == 'p' ? (int)strtol(id + 1, NULL, 10) : -1;
}

static bool same_category(int a, int b)
{
    return w.items[a].category && w.items[b].category &&
           strcmp(w.items[a].category, w.items[b].category) == 0;
}

static void check_claim(const struct pick *p)
{
    const int item = number_of(p->product_id);
    if (p->relation == RELATION_POPULAR_IN) {
        assert_string_equal(p->because, w.items[item].category);
        assert_true(w.items[item].popularity > 0);
        return;
    }
    assert_int_equal(p->because != NULL, pick_relation_is_to_product(p->relation));
    if (p->because == NULL) {
        assert_true(p->relation != RELATION_POPULAR || w.items[item].popularity > 0);
        return;
    }
    const int own = number_of(p->because);
    assert_int_not_equal(own, item);
    if (p->relation == RELATION_GOES_WITH) {
        assert_true(own < TRAINED && item < TRAINED && w.together[own][item]);
        assert_true(w.items[own].category && w.items[item].category && !same_category(own, item));
        assert_true(w.items[own].price_minor <= 0 ||
                    w.items[item].price_minor <= 2 * w.items[own].price_minor);
    } else if (p->relation == RELATION_NEXT) {
        assert_true(own < TRAINED && item < TRAINED && w.next[own][item]);
    } else {
        assert_true(same_category(own, item));
    }
}

/* From reason to reason nobody comes back to where they began. */
static void check_no_circle(const struct picks *picks)
{
    for (int i = 0; i < picks->count; i++) {
        const char *at = picks->items[i].product_id;
        int steps = 0;
        for (int k = 0; k < picks->count; k++) {
            if (strcmp(picks->items[k].product_id, at) == 0 &&
                pick_relation_is_to_product(picks->items[k].relation)) {
                at = picks->items[k].because;
                assert_true(++steps <= picks->count);
                k = -1;
            }
        }
    }
}

static bool bought_within(const struct shopper *s, const char *id, int64_t since_us)
{
    for (size_t i = 0; i < s->purchase_count; i++) {
        if (strcmp(s->purchases[i].product_id, id) == 0 && s->purchases[i].at_us > since_us) {
            return true;
        }
    }
    return false;
}

/* What the cart holds against the product. */
static void check_beside(const struct cart *cart, const struct pick_wish *wish, int item)
{
    int64_t dearest = 0;
    for (size_t i = 0; cart && i < cart->line_count; i++) {
        const struct cart_line *line = &cart->lines[i];
        const int own = number_of(line->product_id);
        const bool cheaper = w.price[item] >= 0 && w.price[item] < line->price_minor;
        assert_int_not_equal(own, item);
        /* all that has a price is in EUR (an_event.h) */
        assert_true(line->currency[0] == '\0' || strcmp(w.currency[item], "USD") != 0);
        assert_false(wish->substitutes == SUBSTITUTES_NEVER && same_category(own, item) && cheaper);
        dearest = line->price_minor > dearest ? line->price_minor : dearest;
    }
    if (wish->dearest_ratio > 0 && dearest > 0 && w.price[item] > 0) {
        assert_true((double)w.price[item] <= wish->dearest_ratio * (double)dearest);
    }
}

static bool same_department(int a, int b)
{
    const char *x = w.items[a].category;
    const char *y = w.items[b].category;
    return same_category(a, b) || (x && y && strstr(x, " > ") && strstr(y, " > ")); /* bags */
}

static bool factors_agree(int a, int b)
{
    double ab = 0;
    double aa = 0;
    double bb = 0;
    if (a >= w.factors.rows || b >= w.factors.rows) {
        return false;
    }
    for (int k = 0; k < FACTORS; k++) {
        const double x = (double)mat_row(&w.factors, a)[k];
        const double y = (double)mat_row(&w.factors, b)[k];
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return ab > 0 && ab / sqrt(aa * bb) >= .499; /* as far as floats tell */
}

static bool is_like(int item, const char *own_id)
{
    const int own = own_id ? number_of(own_id) : -1;
    return own >= 0 && own < ITEMS &&
           (own == item || same_department(own, item) || factors_agree(own, item));
}

/* By category or by the model, to anything of the shopper's. */
static bool is_related(const struct shopper *s, const struct cart *cart, int item)
{
    bool related = false;
    for (size_t i = 0; i < s->recent_count; i++) {
        related = related || (affinity_event_weight(s->recent[i].type) > 0 &&
                              is_like(item, s->recent[i].product_id));
    }
    for (size_t i = 0; i < s->purchase_count; i++) {
        related = related || is_like(item, s->purchases[i].product_id);
    }
    for (size_t i = 0; i < cart->line_count; i++) {
        related = related || is_like(item, cart->lines[i].product_id);
    }
    return related;
}

static int told[RELATION_GOES_WITH + 1];
static int told_beside[RELATION_GOES_WITH + 1];
static int undercutting;

/* Beside a cart nothing stands that has nothing to do with what the shopper did, unless it is called popular. */
static void check_related(const struct shopper *s, const struct cart *cart, const struct pick *p)
{
    if (!cart || cart->line_count == 0) {
        return;
    }
    told_beside[p->relation]++;
    assert_true(pick_relation_is_to_product(p->relation) || p->relation == RELATION_POPULAR ||
                is_related(s, cart, number_of(p->product_id)));
}

/* Who is still choosing is not told what they have, nor what goes with what they only looked at. */
static void check_still_choosing(const struct cart *cart, const struct pick *p)
{
    if (!cart || cart->line_count == 0) {
        return;
    }
    assert_false(p->relation == RELATION_SIMILAR && p->tie == TIE_BOUGHT);
    assert_false(p->relation == RELATION_GOES_WITH && p->tie == TIE_VIEWED);
}

static void check_picks(const struct pick_wish *wish, const struct picks *picks)
{
    const struct cart *cart = shopper_open_cart(wish->shopper);
    for (int i = 0; i < picks->count; i++) {
        const struct pick *p = &picks->items[i];
        const int item = number_of(p->product_id);
        told[p->relation]++;
        check_claim(p);
        assert_false(
            bought_within(wish->shopper, p->product_id, wish->now_us - wish->bought_memory_us));
        assert_true(w.titled[item] || !w.most_titled);
        check_beside(cart, wish, item);
        check_related(wish->shopper, cart, p);
        check_still_choosing(cart, p);
    }
    check_no_circle(picks);
}

static void every_pick_keeps_what_is_promised(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        struct rng r = rng_seed(seed);
        make_world(&r);
        for (int i = 0; i < SHOPPERS_EACH; i++) {
            struct picks picks;
            const struct pick_wish wish = {.shopper = random_shopper(&r, DEAREST),
                                           .now_us = TEST_DAY_US + DAYS(81),
                                           .k = K,
                                           .shelf = w.shelf,
                                           .bought_memory_us = DAYS(1 + (int64_t)rng_below(&r, 90)),
                                           .dearest_ratio = one_in(&r, 3) ? 0 : 1.5,
                                           .substitutes = (enum pick_substitutes)rng_below(&r, 3),
                                           .diverse = one_in(&r, 2)};
            affinity_recommend(w.model, &wish, &picks);
            check_picks(&wish, &picks);
        }
        free_world();
        forget_events();
        arena_reset(&arena);
    }
    for (int i = RELATION_TASTE; i <= RELATION_GOES_WITH; i++) {
        assert_true(told[i] > 10); /* else nothing of it was tested */
        assert_true(told_beside[i] > 10);
    }
}

/* ---- complements first ---- */

static bool is_cheaper_substitute(const struct cart *cart, int item)
{
    for (size_t i = 0; cart && i < cart->line_count; i++) {
        if (same_category(number_of(cart->lines[i].product_id), item) && w.price[item] >= 0 &&
            w.price[item] < cart->lines[i].price_minor) {
            return true;
        }
    }
    return false;
}

static void what_undercuts_the_cart_comes_behind_everything_else(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        struct rng r = rng_seed(1000 + seed);
        make_world(&r);
        for (int i = 0; i < SHOPPERS_EACH; i++) {
            struct picks never;
            struct picks last;
            struct pick_wish wish = {.shopper = random_shopper(&r, DEAREST),
                                     .now_us = TEST_DAY_US + DAYS(81),
                                     .k = ITEMS,
                                     .shelf = w.shelf,
                                     .substitutes = SUBSTITUTES_NEVER};
            const struct cart *cart = shopper_open_cart(wish.shopper);
            affinity_recommend(w.model, &wish, &never);
            wish.substitutes = SUBSTITUTES_LAST;
            affinity_recommend(w.model, &wish, &last);
            assert_true(last.count >= never.count);
            for (int k = 0; k < last.count; k++) {
                const int item = number_of(last.items[k].product_id);
                assert_int_equal(is_cheaper_substitute(cart, item), k >= never.count);
                undercutting += k >= never.count;
            }
        }
        free_world();
        forget_events();
        arena_reset(&arena);
    }
    assert_true(undercutting > 100);
}

/* ---- by taste, however much of it is left out ---- */

struct beside {
    const struct cart *cart;
};

static bool is_no_cheaper_substitute(void *ctx, const char *product_id)
{
    const struct beside *b = ctx;

    return !is_cheaper_substitute(b->cart, number_of(product_id));
}

static int left_out;

/* Given a wish for few, so that what is left out would use up what was found; the reference is told of each product what undercuts. */
static void check_few(struct rng *r)
{
    struct picks never;
    struct picks reference;
    struct pick_wish wish = {.shopper = random_shopper(r, UINT64_C(10) * DEAREST),
                             .now_us = TEST_DAY_US + DAYS(81),
                             .k = 1 + (int)rng_below(r, 3),
                             .shelf = w.shelf,
                             .substitutes = SUBSTITUTES_NEVER};
    affinity_recommend(w.model, &wish, &never);
    struct beside b = {shopper_open_cart(wish.shopper)};
    wish.substitutes = SUBSTITUTES_ALLOWED;
    wish.keep = is_no_cheaper_substitute;
    wish.ctx = &b;
    affinity_recommend(w.model, &wish, &reference);
    assert_int_equal(never.count, reference.count);
    for (int i = 0; i < never.count; i++) {
        assert_string_equal(never.items[i].product_id, reference.items[i].product_id);
        assert_int_equal(never.items[i].source, reference.items[i].source);
        assert_true(never.items[i].score == reference.items[i].score);
    }
    wish.keep = NULL;
    affinity_recommend(w.model, &wish, &reference);
    for (int i = 0; i < reference.count; i++) {
        left_out += is_cheaper_substitute(b.cart, number_of(reference.items[i].product_id));
    }
}

static void what_undercuts_the_cart_takes_no_place_of_what_does_not(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        struct rng r = rng_seed(2000 + seed);
        make_world(&r);
        for (int i = 0; i < SHOPPERS_EACH; i++) {
            check_few(&r);
        }
        free_world();
        forget_events();
        arena_reset(&arena);
    }
    assert_true(left_out > 100);
}

static int forget(void **state)
{
    (void)state;
    forget_events();
    arena_free(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_pick_keeps_what_is_promised, forget),
        cmocka_unit_test_teardown(what_undercuts_the_cart_comes_behind_everything_else, forget),
        cmocka_unit_test_teardown(what_undercuts_the_cart_takes_no_place_of_what_does_not, forget),
    };
    return cmocka_run_group_tests_name("reasons of picks", tests, NULL, NULL);
}
