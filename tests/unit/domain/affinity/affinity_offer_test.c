/* What may be offered beside a cart in place of what lies in it, what may be called popular in its category, and how soon what was bought comes back. */
#include "base/cleanup.h"
#include "domain/affinity/affinity_file.h"
#include "domain/shop/money.h"
#include "support/spec.h"
#include "unit/domain/affinity/affinity_spec.h"
#include "unit/domain/an_event.h"

enum { MOST = 40 };

static struct affinity_item items[MOST];
static int item_count;
static struct arena arena;
static struct buf bytes;
static struct affinity *model;

static void sells(const char *id, const char *title, const char *category, int64_t price_minor,
                  float popularity)
{
    items[item_count++] = (struct affinity_item){.id = id,
                                                 .title = title,
                                                 .category = category,
                                                 .price_minor = price_minor,
                                                 .popularity = popularity};
}

static void open_shop(void)
{
    const struct affinity_parts parts = {.items = items,
                                         .count = item_count,
                                         .trained = item_count,
                                         .from_us = 1,
                                         .as_of_us = 2,
                                         .card = "{}"};
    write_affinity(&parts, &bytes);
    model = loaded(&bytes);
}

static int close_shop(void **state)
{
    (void)state;
    affinity_free(&model);
    buf_free(&bytes);
    arena_free(&arena);
    forget_events();
    item_count = 0;
    return 0;
}

static const struct pick *pick_of(const struct picks *p, const char *id)
{
    for (int i = 0; i < p->count; i++) {
        if (strcmp(p->items[i].product_id, id) == 0) {
            return &p->items[i];
        }
    }
    return NULL;
}

/* ---- alternatives ---- */

/* A pillow of 25.90 and those that would replace it. */
static void sell_pillows(int64_t price_minor)
{
    sells("hygge", "Hygge soft pillow", "Bedding", price_minor, 9);
    sells("thin", "Thin soft pillow", "Bedding", 900, 8);
    sells("same", "Linen soft pillow", "Bedding", 2590, 7);
    sells("near", "Featherly soft pillow", "Bedding", 3237, 6); /* 1.25 times is 32.375 */
    sells("dear", "Cloud soft pillow", "Bedding", 3238, 5);
    sells("dearest", "Nord soft pillow", "Bedding", 6190, 4);
    sells("unknown", "Orb soft pillow", "Bedding", MONEY_UNKNOWN, 3);
    sells("lamp", "Dot bedside lamp", "Lighting", 9900, 20);
    open_shop();
}

/* Of somebody with `sku` in the cart at that price (0: unknown). */
static struct pick_wish beside(const char *sku, int64_t price_minor)
{
    struct event events[] = {
        an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = sku, .price = price_minor)};
    return (struct pick_wish){.shopper =
                                  shopper_fold_all(NULL, "c:anna", events, 1, INT64_MAX, &arena),
                              .now_us = TEST_DAY_US + HOURS(1),
                              .k = MOST,
                              .diverse = true};
}

/* The picks are these, told by a letter each: A an alternative, o anything else, - not among them. In the order of sell_pillows, behind "hygge". */
static void check_offered(const struct pick_wish *wish, const char *expected)
{
    char told[MOST] = "";
    struct picks p;
    affinity_recommend(model, wish, &p);
    for (int i = 1; i < item_count; i++) {
        const struct pick *pick = pick_of(&p, items[i].id);
        const bool instead = pick != NULL && pick->relation == RELATION_ALTERNATIVE;
        told[i - 1] = "-oA"[(pick != NULL) + instead];
        assert_true(told[i - 1] != 'A' || strcmp(pick->because, "hygge") == 0);
    }
    assert_string_equal(told, expected);
}

static void an_alternative_costs_at_most_a_quarter_more_than_what_it_would_replace(void **state)
{
    (void)state;
    sell_pillows(9900);
    struct pick_wish wish = beside("hygge", 2590);
    check_offered(&wish, "AAA--Ao");
    /* by what it costs today where the cart does not tell */
    wish = beside("hygge", 0);
    check_offered(&wish, "AAAAAAo");
}

static void who_hesitates_at_the_price_is_offered_nothing_dearer(void **state)
{
    (void)state;
    sell_pillows(2590);
    struct pick_wish wish = beside("hygge", 2590);
    wish.about_price = true;
    check_offered(&wish, "AA---Ao");
}

static void who_compares_several_already_is_offered_none_that_is_dearer_than_all(void **state)
{
    (void)state;
    sell_pillows(2590);
    struct event events[] = {
        an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "hygge", .price = 2590),
        an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = "thin", .price = 900)};
    struct pick_wish wish = {.shopper =
                                 shopper_fold_all(NULL, "c:anna", events, 2, INT64_MAX, &arena),
                             .now_us = TEST_DAY_US + HOURS(1),
                             .k = MOST,
                             .diverse = true};
    check_offered(&wish, "-A---Ao");
}

/* A telephone is one by whatever name: of other sorts it is no alternative, and as little wanted where it is dearer. A bag for it is another kind. */
static void what_is_of_a_kind_with_something_in_the_cart_is_not_much_dearer(void **state)
{
    (void)state;
    sells("hygge", "Fjord Mini outdoor phone", "Phones", 20000, 9);
    sells("a", "Orbit Neo outdoor phone", "Phones", 25000, 8);
    sells("b", "Lumen Pro foldable phone", "Phones", 25000, 7);
    sells("c", "Orbit Pro foldable phone", "Phones", 25001, 6);
    sells("d", "Lumen smartphone", "Phones", 99900, 5);
    sells("e", "Lumen phone bag", "Phones", 29900, 4);
    sells("f", "Orbit phone bag", "Phones", 29900, 3);
    sells("g", "Orbit smartphone", "Phones", 89900, 2);
    open_shop();
    struct pick_wish wish = beside("hygge", 20000);
    check_offered(&wish, "Ao--oo-");
    /* who is undecided between two of a kind as well */
    struct event both[] = {an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "hygge", .price = 20000),
                           an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = "b", .price = 19000)};
    wish.shopper = shopper_fold_all(NULL, "c:anna", both, 2, INT64_MAX, &arena);
    check_offered(&wish, "----oo-");
}

static struct pick_wish of(struct event *events, size_t count)
{
    return (struct pick_wish){
        .shopper = shopper_fold_all(NULL, "c:anna", events, count, INT64_MAX, &arena),
        .now_us = TEST_DAY_US + HOURS(1),
        .k = MOST,
        .diverse = true};
}

/* Beside a coffee maker of 100, which is no espresso machine. */
static void sell_kitchens(void)
{
    sells("hygge", "Brewer coffee maker", "Home > Kitchen", 10000, 9);
    sells("other", "Alpina coffee maker", "Home > Kitchen", 10000, 8);
    sells("up to", "Brewer espresso machine", "Home > Kitchen", 15000, 6);
    sells("above", "Alpina espresso machine", "Home > Kitchen", 15001, 7);
    sells("lamp", "Dot lamp", "Lighting", 29900, 20);
    open_shop();
}

static void what_towers_over_the_cart_is_shown_to_who_looked_at_it(void **state)
{
    (void)state;
    sell_kitchens();
    struct pick_wish wish = beside("hygge", 10000);
    wish.k = 3;
    check_offered(&wish, "Ao-o");
    wish.k = 4; /* where nothing else is left */
    check_offered(&wish, "Aooo");
    struct event looked[] = {
        an_event(EVENT_PRODUCT_VIEWED, .at = 0, .sku = "above"),
        an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "hygge", .price = 10000)};
    wish = of(looked, 2);
    wish.k = 3;
    check_offered(&wish, "A-oo"); /* one of a kind */
}

/* The coffee maker is what the message is about; that it is of a kitchen says little of what else they look at. */
static void what_fits_is_of_a_category_of_which_two_others_were_looked_at(void **state)
{
    (void)state;
    sells("hygge", "Brewer coffee maker", "Home > Kitchen", 10000, 9);
    sells("pan", "Alpina iron pan", "Home > Kitchen", 2000, 0);
    sells("pot", "Brewer soup pot", "Home > Kitchen", 300, 0);
    sells("lamp", "Dot lamp", "Lighting", 300, 0);
    sells("tin", "Hearth baking tin", "Home > Kitchen", 100, 0);
    open_shop();
    static const struct {
        const char *first, *second; /* looked at */
        enum pick_relation said;
    } cases[] = {{"hygge", "hygge", RELATION_NONE},
                 {"hygge", "pan", RELATION_NONE},
                 {"pan", "lamp", RELATION_NONE},
                 {"pan", "pot", RELATION_TASTE}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct event events[] = {
            an_event(EVENT_PRODUCT_VIEWED, .at = 0, .sku = cases[i].first),
            an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = cases[i].second),
            an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = "hygge", .price = 10000)};
        struct picks p;
        struct pick_wish wish = of(events, COUNT_OF(events));
        wish.substitutes = SUBSTITUTES_ALLOWED;
        affinity_recommend(model, &wish, &p);
        assert_int_equal(pick_of(&p, "tin")->relation, cases[i].said);
        assert_true(i == 0 || pick_of(&p, "pan")->relation == RELATION_VIEWED);
    }
}

static void a_message_shows_one_of_a_kind(void **state)
{
    (void)state;
    sells("a", "Air over-ear headphones", "Headphones", 16000, 9);
    sells("b", "Air travel headphones", "Headphones", 36000, 8);
    sells("c", "One travel headphones", "Headphones", 6000, 7);
    sells("d", "Dot lamp", "Lighting", 2900, 6);
    sells("e", "Oslo chair", "Chairs", 2900, 5);
    open_shop();
    struct pick_wish wish = of(NULL, 0);
    struct picks p;
    wish.k = 3;
    affinity_recommend(model, &wish, &p);
    assert_int_equal(p.count, 3);
    assert_true(pick_of(&p, "a") && pick_of(&p, "d") && pick_of(&p, "e"));
}

static void what_costs_nobody_knows_how_much_is_not_too_dear(void **state)
{
    (void)state;
    sell_pillows(MONEY_UNKNOWN);
    struct pick_wish wish = beside("hygge", 0);
    check_offered(&wish, "AAAAAAo");
}

static void who_asks_for_a_category_gets_what_is_dearer_but_not_as_an_alternative(void **state)
{
    (void)state;
    sell_pillows(2590);
    struct pick_wish wish = beside("hygge", 2590);
    wish.category = "Bedding";
    check_offered(&wish, "AAAooA-");
    wish.category = NULL;
    wish.diverse = false; /* the bare ranking */
    check_offered(&wish, "AAAooAo");
}

/* ---- popular in a category ---- */

/* So many of one category, of these popularities, are called popular in it. */
static int popular_of(const float *popularity, int count)
{
    struct event events[] = {an_event(EVENT_WISHLIST_ADDED, .at = 1, .sku = "p0")};
    struct picks p;
    int popular = 0;
    for (int i = 0; i < count; i++) {
        sells(arena_printf(&arena, "p%d", i), NULL, "Bedding", 1000 + i, popularity[i]);
    }
    sells("other", NULL, "Lighting", 1000, 1);
    open_shop();
    const struct pick_wish wish = {
        .shopper = shopper_fold_all(NULL, "c:anna", events, 1, INT64_MAX, &arena),
        .now_us = TEST_DAY_US + HOURS(1),
        .k = MOST};
    affinity_recommend(model, &wish, &p);
    for (int i = 0; i < count; i++) {
        const struct pick *pick = pick_of(&p, items[i].id);
        const bool is_popular = pick != NULL && pick->relation == RELATION_POPULAR_IN;
        assert_true(!is_popular || i == popular); /* the first ones */
        /* the others are at least of a category of hers */
        assert_true(pick == NULL || pick->relation != RELATION_NONE);
        popular += is_popular;
    }
    close_shop(NULL);
    return popular;
}

static void what_is_popular_in_a_category_is_of_its_best_fifth(void **state)
{
    float falling[25];
    float level[25];
    (void)state;
    for (int i = 0; i < 25; i++) {
        falling[i] = (float)(40 - i);
        level[i] = 3;
    }
    assert_int_equal(popular_of(falling, 25), 5);
    assert_int_equal(popular_of(falling, 9), 1);
    assert_int_equal(popular_of(falling, 5), 1);
    assert_int_equal(popular_of(falling, 4), 0);
    assert_int_equal(popular_of(level, 25), 0);
}

static void what_is_far_behind_the_first_is_not_popular_for_being_second(void **state)
{
    static const float one_leads[10] = {100, 2, 1, 1, 1, 1, 1, 1, 1, 1};
    static const float nothing[10] = {0};
    (void)state;
    assert_int_equal(popular_of(one_leads, 10), 1);
    assert_int_equal(popular_of(nothing, 10), 0);
}

/* ---- what was bought ---- */

static void what_was_bought_stays_away_and_others_of_its_kind_with_it(void **state)
{
    struct event events[] = {an_event(EVENT_PURCHASE, .at = 0, .sku = "same", .order = "o1")};
    const struct {
        int64_t memory_us, after_us;
        bool back;
    } cases[] = {{0, DAYS(39), false},          {0, DAYS(180) - 1, false},
                 {0, DAYS(180), true},          {DAYS(300), DAYS(299), false},
                 {DAYS(7), DAYS(7) - 1, false}, {DAYS(7), DAYS(7), true}};
    (void)state;
    sell_pillows(2590);
    const struct shopper *s = shopper_fold_all(NULL, "c:anna", events, 1, INT64_MAX, &arena);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct pick_wish wish = {.shopper = s,
                                       .now_us = TEST_DAY_US + cases[i].after_us,
                                       .k = MOST,
                                       .bought_memory_us = cases[i].memory_us};
        struct picks p;
        affinity_recommend(model, &wish, &p);
        assert_int_equal(pick_of(&p, "same") != NULL, cases[i].back);
        assert_int_equal(pick_of(&p, "near") != NULL, cases[i].back);
        assert_int_equal(affinity_has_already(model, s, "same", cases[i].memory_us, wish.now_us),
                         !cases[i].back);
        assert_int_equal(affinity_has_already(model, s, "near", cases[i].memory_us, wish.now_us),
                         !cases[i].back);
    }
}

/* Of the kind at any price for a month, of what it would replace as long as itself. */
static void of_a_kind_that_was_bought_nothing_comes_for_a_month(void **state)
{
    (void)state;
    struct event events[] = {an_event(EVENT_PURCHASE, .at = 0, .sku = "a", .order = "o1")};
    static const struct {
        int64_t memory_us, after_us;
        bool near, far; /* come back */
    } cases[] = {{0, DAYS(30) - 1, false, false},
                 {0, DAYS(30), false, true},
                 {0, DAYS(180), true, true},
                 {DAYS(7), DAYS(7) - 1, false, false},
                 {DAYS(7), DAYS(7), true, true}};
    sells("a", "Fjord Mini outdoor phone", "Phones", 20000, 9);
    sells("near", "Orbit Neo outdoor phone", "Phones", 49900, 8);
    sells("far", "Orbit smartphone", "Phones", 49900, 7);
    sells("b", "Lumen smartphone", "Phones", 49900, 6);
    open_shop();
    const struct shopper *s = shopper_fold_all(NULL, "c:anna", events, 1, INT64_MAX, &arena);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct pick_wish wish = {.shopper = s,
                                       .now_us = TEST_DAY_US + cases[i].after_us,
                                       .k = MOST,
                                       .bought_memory_us = cases[i].memory_us};
        struct picks p;
        affinity_recommend(model, &wish, &p);
        assert_int_equal(pick_of(&p, "near") != NULL, cases[i].near);
        assert_int_equal(pick_of(&p, "far") != NULL, cases[i].far);
        assert_int_equal(affinity_has_already(model, s, "near", cases[i].memory_us, wish.now_us),
                         !cases[i].near);
        assert_int_equal(affinity_has_already(model, s, "far", cases[i].memory_us, wish.now_us),
                         !cases[i].far);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(
            an_alternative_costs_at_most_a_quarter_more_than_what_it_would_replace, close_shop),
        cmocka_unit_test_teardown(who_hesitates_at_the_price_is_offered_nothing_dearer, close_shop),
        cmocka_unit_test_teardown(
            who_compares_several_already_is_offered_none_that_is_dearer_than_all, close_shop),
        cmocka_unit_test_teardown(what_is_of_a_kind_with_something_in_the_cart_is_not_much_dearer,
                                  close_shop),
        cmocka_unit_test_teardown(what_costs_nobody_knows_how_much_is_not_too_dear, close_shop),
        cmocka_unit_test_teardown(
            who_asks_for_a_category_gets_what_is_dearer_but_not_as_an_alternative, close_shop),
        cmocka_unit_test_teardown(what_is_popular_in_a_category_is_of_its_best_fifth, close_shop),
        cmocka_unit_test_teardown(what_is_far_behind_the_first_is_not_popular_for_being_second,
                                  close_shop),
        cmocka_unit_test_teardown(what_towers_over_the_cart_is_shown_to_who_looked_at_it,
                                  close_shop),
        cmocka_unit_test_teardown(what_fits_is_of_a_category_of_which_two_others_were_looked_at,
                                  close_shop),
        cmocka_unit_test_teardown(a_message_shows_one_of_a_kind, close_shop),
        cmocka_unit_test_teardown(of_a_kind_that_was_bought_nothing_comes_for_a_month, close_shop),
        cmocka_unit_test_teardown(what_was_bought_stays_away_and_others_of_its_kind_with_it,
                                  close_shop),
    };
    return cmocka_run_group_tests_name("what is offered", tests, NULL, NULL);
}
