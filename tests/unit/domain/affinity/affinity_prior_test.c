/* What a shop that has trained nothing recommends: what is like the cart, and what people touch; nothing that nobody touched is popular. */
#include "domain/affinity/affinity_prior.h"

#include "base/cleanup.h"
#include "domain/shop/money.h"
#include "unit/domain/affinity/affinity_spec.h"
#include "unit/domain/an_event.h"

static struct affinity_prior prior;
static struct arena arena;
static struct buf bytes;
static struct affinity *model;

static int forget(void **state)
{
    (void)state;
    affinity_free(&model);
    buf_free(&bytes);
    affinity_prior_free(&prior);
    arena_free(&arena);
    forget_events();
    return 0;
}

static void sells(const char *id, const char *category, int64_t price_minor)
{
    affinity_prior_product(&prior, &(struct product){.product_id = id,
                                                     .category = category,
                                                     .price_minor = price_minor,
                                                     .stock = -1});
}

#define somebody(type_, ...)                                                                       \
    do {                                                                                           \
        const struct event e = an_event(type_, __VA_ARGS__);                                       \
        affinity_prior_event(&prior, &e);                                                          \
    } while (0)

static const struct shopper *who(enum event_type type, const char *product_id)
{
    struct event events[] = {an_event(type, .sku = product_id)};
    return shopper_fold_all(NULL, "c:anna", events, 1, INT64_MAX, &arena);
}

/* Ranks for whoever did that with the product. */
static struct picks picks_for(enum event_type type, const char *product_id)
{
    struct err err = {0};
    struct picks picks;
    uint8_t sha256[SHA256_BYTES];
    if (!affinity_prior_write(&prior, &bytes, sha256, &err) || !try_loading(&bytes, &model, &err)) {
        fail_msg("%s", err.text);
    }
    affinity_rank(model, who(type, product_id), TEST_DAY_US + HOURS(1), 5, NULL, NULL, &picks);
    return picks;
}

static struct picks picks_beside(const char *product_id)
{
    return picks_for(EVENT_CART_ITEM_ADDED, product_id);
}

static void a_catalogue_alone_gives_what_is_like_the_cart_the_nearest_price_first(void **state)
{
    (void)state;
    sells("dear", "shoes", 9000);
    sells("mine", "shoes", 5000);
    sells("near", "shoes", 5500);
    sells("hat", "hats", 5000);
    const struct picks p = picks_beside("mine");
    assert_int_equal(p.count, 2);
    assert_string_equal(p.items[0].product_id, "near");
    assert_string_equal(p.items[1].product_id, "dear");
    assert_int_equal(p.items[0].source, PICK_SIMILAR);
    assert_string_equal(p.items[0].because, "mine");
    assert_string_equal(affinity_algorithm(model), "prior");
}

static void sells_as(const char *id, const char *title, const char *category, int64_t price_minor)
{
    affinity_prior_product(&prior, &(struct product){.product_id = id,
                                                     .title = title,
                                                     .category = category,
                                                     .price_minor = price_minor,
                                                     .stock = -1});
}

static bool are_among(const struct picks *p, const char *kind)
{
    for (int i = 0; i < p->count; i++) {
        if (strncmp(p->items[i].product_id, kind, strlen(kind)) == 0) {
            return true;
        }
    }
    return false;
}

/* Everything like the dearest mattress is cheaper: one pillow takes nothing from it, another mattress would. */
static void beside_the_dearest_of_a_category_stands_another_kind_of_thing(void **state)
{
    static const enum pick_substitutes substitutes[] = {SUBSTITUTES_LAST, SUBSTITUTES_NEVER};
    (void)state;
    sells_as("mattress-1", "Alpine mattress", "home > beds", 9000);
    sells_as("mattress-2", "Nordic mattress", "home > beds", 8000);
    sells_as("pillow-1", "Nordic pillow", "home > beds", 900);
    sells_as("pillow-2", "Cloud pillow", "home > beds", 800);
    for (int i = 0; i < 3; i++) {
        static const char *const hats[] = {"hat-1", "hat-2", "hat-3"};
        sells(hats[i], "hats", 1000);
        somebody(EVENT_PURCHASE, .at = 1 + i, .sku = hats[i]);
    }
    (void)picks_beside("mattress-1");
    for (size_t i = 0; i < COUNT_OF(substitutes); i++) {
        struct event events[] = {
            an_event(EVENT_CART_ITEM_ADDED, .sku = "mattress-1", .price = 9000)};
        struct picks p;
        const struct pick_wish wish = {
            .shopper = shopper_fold_all(NULL, "c:anna", events, 1, INT64_MAX, &arena),
            .now_us = TEST_DAY_US + HOURS(1),
            .k = 3,
            .substitutes = substitutes[i],
            .diverse = true};
        affinity_recommend(model, &wish, &p);
        assert_int_equal(p.count, 3);
        assert_int_equal(are_among(&p, "pillow"), substitutes[i] == SUBSTITUTES_LAST);
        assert_false(are_among(&p, "mattress"));
    }
}

static void what_people_touch_is_popular_and_what_nobody_touched_is_not(void **state)
{
    (void)state;
    sells("untouched", NULL, 100);
    sells("seen", NULL, 100);
    sells("bought", NULL, 100);
    somebody(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "seen");
    somebody(EVENT_PURCHASE, .at = 2, .sku = "bought");
    const struct picks p = picks_for(EVENT_PRODUCT_VIEWED, "mine");
    assert_int_equal(p.count, 2);
    assert_string_equal(p.items[0].product_id, "bought");
    assert_string_equal(p.items[1].product_id, "seen");
    assert_int_equal(p.items[0].source, PICK_POPULAR);
}

/* "From our range" is nothing to say to somebody who has a cart. */
static void beside_a_cart_stands_what_is_popular_or_like_it_and_nothing_else(void **state)
{
    (void)state;
    sells("mine", "shoes > boots", 5000);
    sells("polish", "shoes > care", 700);
    for (int i = 0; i < 4; i++) { /* it is the best of five */
        sells(arena_printf(&arena, "care-%d", i), "shoes > care", 700);
    }
    sells("seen", NULL, 100);
    sells("bought", NULL, 100);
    somebody(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "seen");
    somebody(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "polish");
    for (int i = 0; i < 5; i++) {
        somebody(EVENT_PURCHASE, .at = 2, .sku = "bought");
    }
    const struct picks p = picks_beside("mine");
    assert_int_equal(p.count, 2);
    assert_string_equal(p.items[0].product_id, "bought");
    assert_int_equal(p.items[0].relation, RELATION_POPULAR);
    assert_string_equal(p.items[1].product_id, "polish"); /* of one department with the boots */
    /* but who asks for a price has said what it is to be about */
    const struct pick_wish wish = {.shopper = who(EVENT_CART_ITEM_ADDED, "mine"),
                                   .now_us = TEST_DAY_US + HOURS(1),
                                   .k = 5,
                                   .priced = true,
                                   .price_min = 100,
                                   .price_max = 200};
    struct picks cheap;
    affinity_recommend(model, &wish, &cheap);
    assert_int_equal(cheap.count, 2);
}

static void a_product_nobody_described_counts_as_well(void **state)
{
    (void)state;
    somebody(EVENT_PRODUCT_VIEWED, .sku = "unknown");
    const struct picks p = picks_beside("mine");
    assert_int_equal(p.count, 1);
    assert_string_equal(p.items[0].product_id, "unknown");
}

static void what_was_touched_long_ago_has_faded(void **state)
{
    (void)state;
    somebody(EVENT_PRODUCT_VIEWED, .at = -DAYS(365), .sku = "old");
    somebody(EVENT_PRODUCT_VIEWED, .at = -DAYS(365) + 1, .sku = "old");
    somebody(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "new");
    const struct picks p = picks_for(EVENT_PRODUCT_VIEWED, "mine");
    assert_int_equal(p.count, 2);
    assert_string_equal(p.items[0].product_id, "new");
}

static void write_in_order(bool backwards, uint8_t out_sha256[SHA256_BYTES])
{
    struct err err = {0};
    CLEANUP(buf_free) struct buf out = {0};
    CLEANUP(affinity_prior_free) struct affinity_prior p = {0};
    for (int i = 0; i < 6; i++) {
        const int at = backwards ? 5 - i : i;
        const struct event e = an_event(EVENT_PRODUCT_VIEWED, .at = HOURS(at), .id = "x",
                                        .sku = at % 2 ? "odd" : "even");
        affinity_prior_event(&p, &e);
    }
    affinity_prior_product(&p, &(struct product){.product_id = backwards ? "b" : "a"});
    affinity_prior_product(&p, &(struct product){.product_id = backwards ? "a" : "b"});
    assert_true(affinity_prior_write(&p, &out, out_sha256, &err));
}

static void the_order_in_which_it_is_told_changes_no_byte(void **state)
{
    uint8_t one[SHA256_BYTES];
    uint8_t other[SHA256_BYTES];
    (void)state;
    write_in_order(false, one);
    write_in_order(true, other);
    assert_memory_equal(one, other, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            a_catalogue_alone_gives_what_is_like_the_cart_the_nearest_price_first, forget),
        cmocka_unit_test_teardown(beside_the_dearest_of_a_category_stands_another_kind_of_thing,
                                  forget),
        cmocka_unit_test_teardown(what_people_touch_is_popular_and_what_nobody_touched_is_not,
                                  forget),
        cmocka_unit_test_teardown(beside_a_cart_stands_what_is_popular_or_like_it_and_nothing_else,
                                  forget),
        cmocka_unit_test_teardown(a_product_nobody_described_counts_as_well, forget),
        cmocka_unit_test_teardown(what_was_touched_long_ago_has_faded, forget),
        cmocka_unit_test_teardown(the_order_in_which_it_is_told_changes_no_byte, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
