/* The affinity model: each stage of the chain, what is never recommended, why a pick came up, refusals. */
#include "domain/affinity/affinity.h"

#include "base/cleanup.h"
#include "domain/affinity/affinity_file.h"
#include "domain/affinity/affinity_shelf.h"
#include "domain/shop/money.h"
#include "ml/als/als_serve.h"
#include "ml/linear/csr.h"
#include "support/spec.h"
#include "unit/domain/affinity/affinity_spec.h"
#include "unit/domain/an_event.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* The two tastes, and three products that are only in the catalogue. */
enum { TRAINED = TASTED, ITEMS = TRAINED + 3, FACTORS = TASTE_FACTORS };

static struct world {
    char ids[ITEMS][TASTE_ID_MAX];
    struct affinity_item items[ITEMS];
    struct als_options options;
    struct buf als;
    struct buf popularity;
    struct arena arena;
} w;

static int build_world(void **state)
{
    struct err err = {0};
    struct csr matrix = taste_purchases();
    struct mat shoppers = {0};
    struct mat factors = {0};
    (void)state;
    taste_items(w.ids, w.items, ITEMS);
    w.items[15].repeat_us = DAYS(7);
    w.items[14].repeat_us = DAYS(365);
    w.items[13].repeat_us = AFFINITY_NEVER_US;
    /* who has one of these wants no other */
    for (int i = 2; i < 4; i++) {
        w.items[i].category = "washing machines";
        w.items[i].repeat_us = AFFINITY_NEVER_US;
        w.items[i].once = true;
    }
    /* the new ones: an odd hat, an even hat, and something nobody has filed */
    w.items[TRAINED + 2].category = NULL;
    w.items[TRAINED + 2].brand = NULL;
    w.options = taste_als_options();
    must(als_train(&matrix, &w.options, &shoppers, &factors, &err), &err);
    struct affinity_parts parts = {.items = w.items,
                                   .count = ITEMS,
                                   .trained = TRAINED,
                                   .factors = &factors,
                                   .options = &w.options,
                                   .from_us = 1,
                                   .as_of_us = 2,
                                   .card = "{}"};
    write_affinity(&parts, &w.als);
    parts.factors = NULL;
    parts.options = NULL;
    write_affinity(&parts, &w.popularity);
    csr_free(&matrix);
    mat_free(&shoppers);
    mat_free(&factors);
    return 0;
}

static int free_world(void **state)
{
    (void)state;
    buf_free(&w.als);
    buf_free(&w.popularity);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    arena_free(&w.arena);
    forget_events();
    return 0;
}

/* Ranks for whoever did these events, an hour after the day began. */
static struct picks ranked(const struct buf *model, struct event *events, size_t count, int k,
                           pick_filter *keep)
{
    CLEANUP(affinity_free) struct affinity *a = loaded(model);
    struct picks picks;
    const struct shopper *s = shopper_fold_all(NULL, "c:anna", events, count, INT64_MAX, &w.arena);
    affinity_rank(a, s, TEST_DAY_US + HOURS(1), k, keep, NULL, &picks);
    keep_ids(&picks, &w.arena);
    return picks;
}

static bool contains(const struct picks *p, const char *id)
{
    for (int i = 0; i < p->count; i++) {
        if (strcmp(p->items[i].product_id, id) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- the chain ---- */

static void a_session_is_answered_from_the_shoppers_own_taste(void **state)
{
    struct event events[] = {an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "b9"),
                             an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = "b10")};
    (void)state;
    struct picks p = ranked(&w.als, events, 2, 5, NULL);
    assert_int_equal(p.count, 5);
    for (int i = 0; i < p.count; i++) {
        assert_int_equal(p.items[i].source, PICK_SESSION);
        assert_int_equal(p.items[i].product_id[0], 'b');
        assert_int_equal(p.items[i].because[0], 'b');
        assert_true(i == 0 || p.items[i].score <= p.items[i - 1].score);
    }
}

static void the_reason_of_a_pick_is_the_own_product_of_most_weight(void **state)
{
    struct event events[] = {an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "a1"),
                             an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = "b10")};
    (void)state;
    struct picks p = ranked(&w.als, events, 2, 3, NULL);
    for (int i = 0; i < p.count; i++) {
        char expected = p.items[i].product_id[0];
        assert_string_equal(p.items[i].because, expected == 'b' ? "b10" : "a1");
        assert_int_equal(p.items[i].tie, expected == 'b' ? TIE_CART : TIE_VIEWED);
    }
    assert_int_equal(p.items[0].product_id[0], 'b'); /* the cart weighs four views */
}

static void contributions_of_the_own_products_add_up_to_the_score(void **state)
{
    struct err err = {0};
    struct model_file file = {0};
    struct mat factors;
    const float *spectrum = NULL;
    const float *scale = NULL;
    struct als_server server;
    const int ids[] = {1, 9, 10};
    const float weights[] = {1, 4, 2};
    const struct als_entries done = {3, ids, weights};
    float folded[FACTORS];
    (void)state;
    must(model_file_view(w.als.data, w.als.len, &file, &err) &&
             model_file_mat(&file, "factors", ITEMS, FACTORS, &factors, &err) &&
             model_file_f32(&file, "spectrum", FACTORS, &spectrum, &err) &&
             model_file_f32(&file, "item_scale", TRAINED, &scale, &err),
         &err);
    factors.rows = TRAINED; /* behind them stand those that were placed */
    must(als_server_open(&factors, spectrum, scale, 1, &w.options, &server, &err) &&
             als_fold_in(&server, &done, folded, &err),
         &err);
    for (int item = 0; item < TRAINED; item++) {
        float parts[3];
        must(als_explain(&server, &done, item, parts, &err), &err);
        double score = (double)mat_dot(folded, mat_row(&factors, item), FACTORS);
        assert_true(fabs((double)(parts[0] + parts[1] + parts[2]) - score) < 1e-4);
    }
}

static void a_product_too_new_for_the_factors_is_answered_by_its_like(void **state)
{
    struct event events[] = {an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "n16")};
    (void)state;
    struct picks p = ranked(&w.als, events, 1, 3, NULL);
    /* n16 is an even hat for 26.00: b14 (24.00), b12, b10 are the even hats of nearest price */
    const char *const expected[] = {"b14", "b12", "b10"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(p.items[i].source, PICK_SIMILAR);
        assert_string_equal(p.items[i].product_id, expected[i]);
        assert_string_equal(p.items[i].because, "n16");
    }
}

static void a_product_without_a_history_is_placed_by_what_is_known_of_it(void **state)
{
    struct event events[] = {an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "b9"),
                             an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = "b10")};
    bool found = false;
    (void)state;
    struct picks p = ranked(&w.als, events, 2, 9, NULL);
    assert_int_equal(p.count,
                     9); /* seven hats with a history that are not in the cart, two without */
    for (int i = 0; i < p.count; i++) {
        bool is_new = p.items[i].product_id[0] == 'n';
        assert_int_not_equal(p.items[i].product_id[0], 'a');
        assert_int_equal(p.items[i].source, is_new ? PICK_NEW : PICK_SESSION);
        found = found || is_new;
        if (is_new) {
            assert_int_equal(p.items[i].because[0], 'b');
        }
    }
    assert_true(found);
    assert_string_equal(pick_source_name(PICK_NEW), "new_product");
}

static void a_product_without_a_history_is_not_shown_to_another_taste(void **state)
{
    struct event events[] = {an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "a1"),
                             an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = "a2")};
    (void)state;
    struct picks p = ranked(&w.als, events, 2, 6, NULL);
    for (int i = 0; i < p.count; i++) {
        assert_int_equal(p.items[i].product_id[0], 'a');
    }
}

static void a_product_that_nobody_has_filed_is_left_to_the_chain(void **state)
{
    struct event events[] = {an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "b9")};
    (void)state;
    struct picks p = ranked(&w.als, events, 1, ITEMS, NULL);
    assert_true(contains(&p, "n18"));
    for (int i = 0; i < p.count; i++) {
        if (strcmp(p.items[i].product_id, "n18") == 0) {
            assert_int_equal(p.items[i].source, PICK_POPULAR);
        }
    }
}

static void after_its_like_comes_what_is_popular_in_its_category(void **state)
{
    struct event events[] = {an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "n16")};
    (void)state;
    struct picks p = ranked(&w.als, events, 1, 8, NULL);
    assert_int_equal(p.items[3].source, PICK_SIMILAR); /* the last of four even hats */
    assert_int_equal(p.items[4].source, PICK_CATEGORY);
    assert_string_equal(p.items[4].because, "hats");
    assert_string_equal(p.items[4].product_id, "b9"); /* the most popular hat that is left */
}

static void somebody_unknown_gets_what_is_popular(void **state)
{
    struct event events[] = {an_event(EVENT_SEARCHED, .at = 1, .subject = "x"),
                             an_event(EVENT_PRODUCT_VIEWED, .at = 2, .sku = "n18")};
    (void)state;
    struct picks p = ranked(&w.als, events, 2, 3, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(p.items[i].source, PICK_POPULAR);
        assert_string_equal(p.items[i].product_id, w.ids[i]);
        assert_null(p.items[i].because);
    }
}

static void the_popularity_model_answers_by_category_and_then_overall(void **state)
{
    struct event events[] = {an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "b9")};
    (void)state;
    struct picks p = ranked(&w.popularity, events, 1, 12, NULL);
    assert_string_equal(p.items[0].product_id, "b8");
    assert_int_equal(p.items[0].source, PICK_CATEGORY);
    assert_int_equal(p.items[11].source, PICK_POPULAR);
    assert_string_equal(p.items[11].product_id,
                        "a2"); /* nine hats before the third most popular shoe */
}

static void a_pick_due_to_what_was_bought_says_so(void **state)
{
    struct event events[] = {an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "b9"),
                             an_event(EVENT_PURCHASE, .at = 2, .sku = "b9", .order = "o1")};
    (void)state;
    struct picks p = ranked(&w.als, events, 2, 1, NULL);
    assert_string_equal(p.items[0].because, "b9");
    assert_int_equal(p.items[0].tie, TIE_BOUGHT);
    assert_string_equal(pick_tie_name(p.items[0].tie), "bought");
}

/* Who is still choosing is not told what they have. */
static void beside_a_cart_nothing_is_like_what_was_bought(void **state)
{
    struct event events[] = {an_event(EVENT_PURCHASE, .at = 1, .sku = "b9", .order = "o1"),
                             an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = "a1")};
    int hats[] = {0, 0};
    (void)state;
    for (int carts = 0; carts < 2; carts++) {
        const struct picks p = ranked(&w.als, events, 1 + (size_t)carts, TASTED, NULL);
        for (int i = 0; i < p.count; i++) {
            hats[carts] += p.items[i].tie == TIE_BOUGHT;
        }
    }
    assert_true(hats[0] > 1);
    assert_int_equal(hats[1], 0);
}

/* The last events keep the first product of an order alone. */
static void all_of_an_order_says_what_the_shopper_likes(void **state)
{
    struct event forth[] = {
        an_event(EVENT_PURCHASE, .at = 2, .sku = "a1", .sku2 = "b8", .order = "o1")};
    struct event back[] = {
        an_event(EVENT_PURCHASE, .at = 2, .sku = "b8", .sku2 = "a1", .order = "o1")};
    (void)state;
    const struct picks p = ranked(&w.als, forth, 1, TASTE, NULL);
    const struct picks q = ranked(&w.als, back, 1, TASTE, NULL);
    bool shoes = false;
    bool hats = false;
    assert_int_equal(p.count, TASTE);
    for (int i = 0; i < p.count; i++) {
        shoes = shoes || p.items[i].product_id[0] == 'a';
        hats = hats || p.items[i].product_id[0] == 'b';
        assert_string_equal(p.items[i].product_id, q.items[i].product_id);
        assert_true(fabs(p.items[i].score - q.items[i].score) < 1e-5);
    }
    assert_true(shoes && hats);
}

static void an_order_behind_the_last_events_still_says_what_the_shopper_likes(void **state)
{
    struct event events[1 + 45];
    (void)state;
    events[0] = an_event(EVENT_PURCHASE, .at = 2, .sku = "b8", .order = "o1");
    for (int i = 1; i <= 45; i++) {
        events[i] = an_event(EVENT_PAGE_VIEWED, .at = 2 + i);
    }
    struct picks p = ranked(&w.als, events, 46, 1, NULL);
    assert_int_equal(p.items[0].source, PICK_SESSION);
    assert_int_equal(p.items[0].product_id[0], 'b');
    assert_int_equal(p.items[0].tie, TIE_BOUGHT);
}

/* ---- what is never recommended ---- */

static void what_is_in_the_cart_or_was_just_bought_is_left_out(void **state)
{
    struct event events[] = {
        an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "b8"),
        an_event(EVENT_PURCHASE, .at = 2, .sku = "b8", .order = "o1"),
        an_event(EVENT_CART_ITEM_ADDED, .at = 3, .sku = "b9"),
    };
    (void)state;
    for (int model = 0; model < 2; model++) {
        struct picks p = ranked(model ? &w.als : &w.popularity, events, 3, ITEMS, NULL);
        /* nor what is neither popular nor of any category */
        assert_int_equal(p.count, ITEMS - 3);
        assert_false(contains(&p, "b8"));
        assert_false(contains(&p, "b9"));
    }
}

static void all_of_an_order_is_left_out_whatever_was_looked_at_since(void **state)
{
    struct event events[1 + 45];
    (void)state;
    events[0] = an_event(EVENT_PURCHASE, .at = 2, .sku = "b8", .sku2 = "b9", .order = "o1");
    for (int i = 1; i <= 45; i++) {
        events[i] = an_event(EVENT_PRODUCT_VIEWED, .at = 2 + i, .sku = "a1");
    }
    for (int model = 0; model < 2; model++) {
        struct picks p = ranked(model ? &w.als : &w.popularity, events, 46, ITEMS, NULL);
        assert_int_equal(p.count, ITEMS - 2);
        assert_false(contains(&p, "b8"));
        assert_false(contains(&p, "b9"));
    }
}

static void what_was_bought_longer_ago_than_the_memory_may_return(void **state)
{
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.als);
    struct event events[] = {an_event(EVENT_PURCHASE, .at = 0, .sku = "b8", .order = "o1")};
    const struct shopper *s = shopper_fold_all(NULL, "c:anna", events, 1, INT64_MAX, &w.arena);
    const struct {
        int64_t memory_us;
        int64_t after_us;
        bool returns;
    } cases[] = {
        {0, AFFINITY_BOUGHT_MEMORY_US - 1, false},
        {0, AFFINITY_BOUGHT_MEMORY_US, true},
        {DAYS(90), DAYS(90) - 1, false},
        {HOURS(1), HOURS(1), true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct picks p;
        const struct pick_wish wish = {.shopper = s,
                                       .now_us = TEST_DAY_US + cases[i].after_us,
                                       .k = ITEMS,
                                       .bought_memory_us = cases[i].memory_us};
        affinity_recommend(a, &wish, &p);
        assert_int_equal(contains(&p, "b8"), cases[i].returns);
        assert_int_equal(affinity_has_already(a, s, "b8", wish.bought_memory_us, wish.now_us),
                         !cases[i].returns);
    }
}

/* b15 is bought again after a week, b14 after a year, b13 never (build_world). */
static void what_people_buy_again_comes_back_when_they_do(void **state)
{
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.als);
    struct event events[] = {
        an_event(EVENT_PURCHASE, .at = 0, .sku = "b15", .sku2 = "b14", .order = "o1"),
        an_event(EVENT_PURCHASE, .at = 1, .sku = "b13", .order = "o2")};
    const struct shopper *s = shopper_fold_all(NULL, "c:anna", events, 2, INT64_MAX, &w.arena);
    const struct {
        int64_t after_us;
        bool b15, b14, b13;
    } cases[] = {{DAYS(7) - 1, false, false, false},
                 {DAYS(7), true, false, false},
                 {DAYS(365) - 1, true, false, false},
                 {DAYS(365), true, true, false},
                 {DAYS(400), true, true, false}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct picks p;
        const struct pick_wish wish = {
            .shopper = s, .now_us = TEST_DAY_US + cases[i].after_us, .k = ITEMS};
        affinity_recommend(a, &wish, &p);
        assert_int_equal(contains(&p, "b15"), cases[i].b15);
        assert_int_equal(contains(&p, "b14"), cases[i].b14);
        assert_int_equal(contains(&p, "b13"), cases[i].b13);
        assert_int_equal(affinity_has_already(a, s, "b15", 0, wish.now_us), !cases[i].b15);
        assert_int_equal(affinity_has_already(a, s, "b14", 0, wish.now_us), !cases[i].b14);
        assert_int_equal(affinity_has_already(a, s, "b13", 0, wish.now_us), !cases[i].b13);
    }
}

/* a2 and a3 are washing machines (build_world). */
static void who_has_a_washing_machine_is_offered_no_other(void **state)
{
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.als);
    static const char *const bought[] = {"a1", "a3"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bought); i++) {
        struct event events[] = {an_event(EVENT_PURCHASE, .at = 0, .sku = bought[i], .order = "o")};
        const struct shopper *s = shopper_fold_all(NULL, "c:anna", events, 1, INT64_MAX, &w.arena);
        struct pick_wish wish = {.shopper = s, .now_us = TEST_DAY_US + DAYS(181), .k = ITEMS};
        struct picks p;
        const bool has_one = i == 1;
        affinity_recommend(a, &wish, &p);
        assert_int_equal(contains(&p, "a2"), !has_one);
        assert_int_equal(contains(&p, "a3"), !has_one);
        assert_int_equal(contains(&p, "a1"), true); /* shoes, and past the memory */
        assert_int_equal(affinity_has_already(a, s, "a2", 0, wish.now_us), has_one);
        assert_int_equal(affinity_has_already(a, s, "a1", 0, wish.now_us), false);
        /* nobody knows any more what was bought then */
        assert_int_equal(affinity_has_already(a, s, "a2", 0, TEST_DAY_US + AFFINITY_NEVER_US),
                         false);
    }
}

static bool no_b10(void *ctx, const char *product_id)
{
    (void)ctx;
    return strcmp(product_id, "b10") != 0;
}

static void the_callers_filter_holds_in_every_stage(void **state)
{
    struct event events[] = {an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "n16"),
                             an_event(EVENT_PRODUCT_VIEWED, .at = 2, .sku = "b9")};
    (void)state;
    struct picks p = ranked(&w.als, events, 2, ITEMS, no_b10);
    assert_int_equal(p.count, ITEMS - 3); /* nor n18, of which nobody knows anything */
    assert_false(contains(&p, "b10"));
}

static void no_product_comes_up_twice(void **state)
{
    struct event events[] = {an_event(EVENT_CART_ITEM_ADDED, .at = 1, .sku = "n16"),
                             an_event(EVENT_PRODUCT_VIEWED, .at = 2, .sku = "a1")};
    (void)state;
    struct picks p = ranked(&w.als, events, 2, PICKS_MAX, NULL);
    for (int i = 0; i < p.count; i++) {
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(p.items[i].product_id, p.items[j].product_id);
        }
    }
}

/* ---- wishes ---- */

/* The shopper of these tests: looked at b9 and a1, has b10 in the cart. */
static const struct shopper *anna(void)
{
    struct event events[] = {an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = "b9"),
                             an_event(EVENT_PRODUCT_VIEWED, .at = 2, .sku = "a1"),
                             an_event(EVENT_CART_ITEM_ADDED, .at = 3, .sku = "b10")};
    return shopper_fold_all(NULL, "c:anna", events, 3, INT64_MAX, &w.arena);
}

static struct pick_wish a_wish(int k)
{
    return (struct pick_wish){.shopper = anna(), .now_us = TEST_DAY_US + HOURS(1), .k = k};
}

static const struct affinity_item *item_of(const char *id)
{
    for (int i = 0; i < ITEMS; i++) {
        if (strcmp(w.ids[i], id) == 0) {
            return &w.items[i];
        }
    }
    fail_msg("no item %s", id);
    return NULL;
}

static void a_wished_category_and_price_hold_in_every_stage(void **state)
{
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.als);
    struct pick_wish wish = a_wish(ITEMS);
    struct picks p;
    (void)state;
    wish.category = "Hats"; /* whoever asks need not know how the shop writes it */
    wish.priced = true;
    wish.price_min = 1900;
    wish.price_max = 2700;
    affinity_recommend(a, &wish, &p);
    assert_int_equal(p.count, 8); /* b9 .. b15, n16 and n17, without b10, which is in the cart */
    for (int i = 0; i < p.count; i++) {
        const struct affinity_item *item = item_of(p.items[i].product_id);
        assert_string_equal(item->category, "hats");
        assert_in_range(item->price_minor, 1900, 2700);
    }
    wish.category = "hat"; /* not a level above */
    affinity_recommend(a, &wish, &p);
    assert_int_equal(p.count, 0);
}

static int64_t price_limit_of(const int64_t *prices, size_t count)
{
    struct cart_line lines[2] = {{0}};
    const struct cart cart = {.lines = lines, .line_count = count};
    const struct pick_wish wish = {.cart = &cart, .dearest_ratio = 3};

    for (size_t i = 0; i < count; i++) {
        lines[i].price_minor = prices[i];
    }
    return affinity_limits(&wish).price_max;
}

static void a_free_sample_has_a_price_and_an_unknown_one_is_none(void **state)
{
    (void)state;
    assert_int_equal(price_limit_of((int64_t[]){0, 700}, 2), 2100);
    assert_int_equal(price_limit_of((int64_t[]){MONEY_UNKNOWN, 700}, 2), 2100);
    assert_int_equal(price_limit_of((int64_t[]){0}, 1), 0);
    assert_int_equal(price_limit_of((int64_t[]){0, MONEY_UNKNOWN}, 2), MONEY_MINOR_MAX);
    assert_int_equal(price_limit_of((int64_t[]){MONEY_UNKNOWN}, 1), MONEY_MINOR_MAX);
    assert_int_equal(price_limit_of(NULL, 0), MONEY_MINOR_MAX);
}

static void what_the_shelf_says_is_out_of_stock_leaves_no_hole(void **state)
{
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.als);
    CLEANUP(affinity_shelf_free) struct affinity_shelf *shelf = affinity_shelf_make(a);
    struct pick_wish wish = a_wish(ITEMS - 4);
    struct picks p;
    (void)state;
    affinity_shelf_put(shelf, a, "b11",
                       &(struct shelf_facts){.stock = 0, .price_minor = MONEY_UNKNOWN});
    affinity_shelf_put(shelf, a, "b12",
                       &(struct shelf_facts){.stock = 0, .price_minor = MONEY_UNKNOWN});
    affinity_shelf_put(shelf, a, "a3",
                       &(struct shelf_facts){.stock = 0, .price_minor = MONEY_UNKNOWN});
    affinity_shelf_put(shelf, a, "b12", &(struct shelf_facts){.stock = 7, .price_minor = 500});
    affinity_shelf_put(shelf, a, "not ours", &(struct shelf_facts){.stock = 0, .price_minor = 1});
    wish.shelf = shelf;
    affinity_recommend(a, &wish, &p);
    assert_int_equal(p.count, ITEMS - 4);
    assert_false(contains(&p, "b11"));
    assert_false(contains(&p, "a3"));
    assert_true(contains(&p, "b12"));
    wish.priced = true; /* prices are the shelf's where it knows one */
    wish.price_min = 400;
    wish.price_max = 600;
    affinity_recommend(a, &wish, &p);
    assert_int_equal(p.count, 1);
    assert_string_equal(p.items[0].product_id, "b12");
}

static void ids_the_caller_does_not_want_stay_away(void **state)
{
    static const char *const without[] = {"b11", "unheard of", "n18"};
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.popularity);
    struct pick_wish wish = a_wish(ITEMS);
    struct picks p;
    (void)state;
    wish.without = without;
    wish.without_count = 3;
    affinity_recommend(a, &wish, &p);
    assert_int_equal(p.count, ITEMS - 3); /* and without b10 of the cart */
    assert_false(contains(&p, "b11"));
    assert_false(contains(&p, "n18"));
}

static int variants_before(const struct picks *p, int at)
{
    const struct affinity_item *item = item_of(p->items[at].product_id);
    int variants = 0;
    for (int i = 0; i < at; i++) {
        const struct affinity_item *other = item_of(p->items[i].product_id);
        const double ratio = (double)item->price_minor / (double)other->price_minor;
        variants += item->brand && other->brand && strcmp(item->brand, other->brand) == 0 &&
                    strcmp(item->category, other->category) == 0 && ratio <= 1.1 &&
                    ratio >= 1 / 1.1;
    }
    return variants;
}

static int most_variants_before(const struct affinity *a, const struct pick_wish *wish)
{
    struct picks p;
    int most = 0;
    affinity_recommend(a, wish, &p);
    assert_int_equal(p.count, wish->k);
    for (int i = 0; i < p.count; i++) {
        most = variants_before(&p, i) > most ? variants_before(&p, i) : most;
    }
    return most;
}

static void no_third_variant_comes_up_while_anything_else_is_left(void **state)
{
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.als);
    struct pick_wish wish = a_wish(10);
    struct picks p;
    int most = 0;
    (void)state;
    for (int i = 0; i < TRAINED; i++) {
        struct event events[] = {an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = w.ids[i])};
        wish.shopper = shopper_fold_all(NULL, "c:x", events, 1, INT64_MAX, &w.arena);
        wish.diverse = false;
        int without = most_variants_before(a, &wish);
        most = without > most ? without : most;
        wish.diverse = true;
        assert_true(most_variants_before(a, &wish) < 2);
    }
    assert_true(most >= 2); /* without the wish some would see three */
    wish.k = ITEMS;         /* all there are: nothing is held back for variety */
    affinity_recommend(a, &wish, &p);
    assert_int_equal(p.count, ITEMS - 2); /* n18 has nothing to do with a cart */
}

static int most_of_one_category(const struct affinity *a, const struct pick_wish *wish)
{
    struct picks p;
    int most = 0;
    affinity_recommend(a, wish, &p);
    assert_int_equal(p.count, wish->k);
    for (int i = 0; i < p.count; i++) {
        int same = 0;
        for (int j = 0; j < p.count; j++) {
            same += strcmp(item_of(p.items[i].product_id)->category,
                           item_of(p.items[j].product_id)->category) == 0;
        }
        most = same > most ? same : most;
    }
    return most;
}

static void a_third_of_the_picks_is_of_another_category(void **state)
{
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.als);
    struct pick_wish wish = a_wish(3);
    int most = 0;
    (void)state;
    for (int i = 0; i < TRAINED; i++) {
        struct event events[] = {an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = w.ids[i])};
        wish.shopper = shopper_fold_all(NULL, "c:x", events, 1, INT64_MAX, &w.arena);
        wish.diverse = false;
        const int without = most_of_one_category(a, &wish);
        most = without > most ? without : most;
        wish.diverse = true;
        assert_true(most_of_one_category(a, &wish) <= 2);
    }
    assert_int_equal(most, 3); /* without the wish some would see one category alone */
    wish.category = "shoes";   /* who asks for one gets it */
    assert_int_equal(most_of_one_category(a, &wish), 3);
}

static void many_shoppers_at_once_get_what_each_gets_alone(void **state)
{
    enum { MANY = 130 };
    CLEANUP(affinity_free) struct affinity *a = loaded(&w.als);
    static struct pick_wish wishes[MANY];
    static struct picks together[MANY];
    (void)state;
    for (int i = 0; i < MANY; i++) {
        struct event events[] = {
            an_event(EVENT_PRODUCT_VIEWED, .at = 1, .sku = w.ids[i % ITEMS]),
            an_event(EVENT_CART_ITEM_ADDED, .at = 2, .sku = w.ids[i * 7 % ITEMS])};
        wishes[i] = a_wish(i % 12);
        wishes[i].shopper = shopper_fold_all(NULL, "c:x", events, 2, INT64_MAX, &w.arena);
        wishes[i].category = i % 5 == 0 ? "shoes" : NULL;
        wishes[i].diverse = i % 2;
        wishes[i].keep = i % 3 ? NULL : no_b10;
    }
    affinity_recommend_many(a, wishes, MANY, 2, together);
    for (int i = 0; i < MANY; i++) {
        struct picks alone;
        affinity_recommend(a, &wishes[i], &alone);
        assert_int_equal(together[i].count, alone.count);
        for (int n = 0; n < alone.count; n++) {
            const struct pick *x = &together[i].items[n];
            const struct pick *y = &alone.items[n];
            assert_string_equal(x->product_id, y->product_id);
            assert_true(x->score == y->score && x->source == y->source);
            assert_ptr_equal(x->because, y->because);
        }
    }
}

/* ---- weights, refusals ---- */

static void what_was_done_fades_by_half_in_a_month(void **state)
{
    (void)state;
    assert_true(fabs(affinity_decay(DAYS(30)) - .5) < 1e-12);
    assert_true(affinity_decay(-5) == 1);
    assert_true(affinity_event_weight(EVENT_PURCHASE) >
                affinity_event_weight(EVENT_CART_ITEM_ADDED));
    assert_true(affinity_event_weight(EVENT_CART_ITEM_ADDED) >
                affinity_event_weight(EVENT_PRODUCT_VIEWED));
    assert_true(affinity_event_weight(EVENT_SEARCHED) == 0);
}

static void assert_refused(const char *section, const void *data, const char *why)
{
    CLEANUP(buf_free) struct buf bytes = {0};
    struct err err = {0};
    struct model_file file = {0};
    struct affinity *a = NULL;
    uint8_t sha256[SHA256_BYTES];
    must(model_file_view(w.als.data, w.als.len, &file, &err), &err);
    struct model_builder b = model_builder_make(file.kind, file.schema);
    for (int i = 0; i < file.count; i++) {
        const struct model_section *s = &file.sections[i];
        model_builder_add(&b, s->name, s->dtype, strcmp(s->name, section) == 0 ? data : s->data,
                          s->count);
    }
    must(model_builder_finish(&b, &bytes, sha256, &err) &&
             model_file_view(bytes.data, bytes.len, &file, &err),
         &err);
    assert_false(affinity_load(&file, "affinity-1", &a, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_text_contains(err.text, why);
}

static void a_model_that_would_misread_is_refused_and_says_why(void **state)
{
    static const float other[FACTORS] = {1, 2, 3, 4};
    static const int32_t shape[3] = {ITEMS, ITEMS + 1, 3};
    static int32_t category[ITEMS];
    static int64_t start[ITEMS + 1];
    (void)state;
    category[3] = 99;
    assert_refused("probe_factors", other, "fold in");
    assert_refused("shape", shape, "trained");
    assert_refused("category", category, "category");
    assert_refused("id_start", start, "end to end");
}

/* What a reader of the file does with bytes that may be anything. */
static bool loads(const uint8_t *bytes, size_t len)
{
    struct err err = {0};
    struct model_file file = {0};
    struct affinity *a = NULL;
    if (!model_file_view(bytes, len, &file, &err)) {
        return false;
    }
    bool ok = affinity_load(&file, "affinity-1", &a, &err);
    affinity_free(&a);
    return ok;
}

static void every_flipped_byte_and_every_truncation_of_a_model_is_refused(void **state)
{
    const struct buf *files[] = {&w.als, &w.popularity};
    (void)state;
    for (int f = 0; f < 2; f++) {
        const size_t len = files[f]->len;
        uint8_t *bytes = aligned_alloc(64, (len + 63) / 64 * 64);
        memcpy(bytes, files[f]->data, len);
        assert_true(loads(bytes, len));
        for (size_t i = 0; i < len; i++) {
            bytes[i] ^= (uint8_t)(1U << (i % 8));
            assert_false(loads(bytes, len));
            bytes[i] ^= (uint8_t)(1U << (i % 8));
            assert_false(loads(bytes, i));
        }
        assert_true(loads(bytes, len));
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_session_is_answered_from_the_shoppers_own_taste, forget),
        cmocka_unit_test_teardown(the_reason_of_a_pick_is_the_own_product_of_most_weight, forget),
        cmocka_unit_test_teardown(a_pick_due_to_what_was_bought_says_so, forget),
        cmocka_unit_test_teardown(beside_a_cart_nothing_is_like_what_was_bought, forget),
        cmocka_unit_test_teardown(contributions_of_the_own_products_add_up_to_the_score, forget),
        cmocka_unit_test_teardown(a_product_too_new_for_the_factors_is_answered_by_its_like,
                                  forget),
        cmocka_unit_test_teardown(a_product_without_a_history_is_placed_by_what_is_known_of_it,
                                  forget),
        cmocka_unit_test_teardown(a_product_without_a_history_is_not_shown_to_another_taste,
                                  forget),
        cmocka_unit_test_teardown(a_product_that_nobody_has_filed_is_left_to_the_chain, forget),
        cmocka_unit_test_teardown(after_its_like_comes_what_is_popular_in_its_category, forget),
        cmocka_unit_test_teardown(somebody_unknown_gets_what_is_popular, forget),
        cmocka_unit_test_teardown(the_popularity_model_answers_by_category_and_then_overall,
                                  forget),
        cmocka_unit_test_teardown(all_of_an_order_says_what_the_shopper_likes, forget),
        cmocka_unit_test_teardown(an_order_behind_the_last_events_still_says_what_the_shopper_likes,
                                  forget),
        cmocka_unit_test_teardown(what_is_in_the_cart_or_was_just_bought_is_left_out, forget),
        cmocka_unit_test_teardown(all_of_an_order_is_left_out_whatever_was_looked_at_since, forget),
        cmocka_unit_test_teardown(what_was_bought_longer_ago_than_the_memory_may_return, forget),
        cmocka_unit_test_teardown(what_people_buy_again_comes_back_when_they_do, forget),
        cmocka_unit_test_teardown(who_has_a_washing_machine_is_offered_no_other, forget),
        cmocka_unit_test_teardown(the_callers_filter_holds_in_every_stage, forget),
        cmocka_unit_test_teardown(no_product_comes_up_twice, forget),
        cmocka_unit_test_teardown(a_wished_category_and_price_hold_in_every_stage, forget),
        cmocka_unit_test(a_free_sample_has_a_price_and_an_unknown_one_is_none),
        cmocka_unit_test_teardown(what_the_shelf_says_is_out_of_stock_leaves_no_hole, forget),
        cmocka_unit_test_teardown(ids_the_caller_does_not_want_stay_away, forget),
        cmocka_unit_test_teardown(a_third_of_the_picks_is_of_another_category, forget),
        cmocka_unit_test_teardown(no_third_variant_comes_up_while_anything_else_is_left, forget),
        cmocka_unit_test_teardown(many_shoppers_at_once_get_what_each_gets_alone, forget),
        cmocka_unit_test(what_was_done_fades_by_half_in_a_month),
        cmocka_unit_test(a_model_that_would_misread_is_refused_and_says_why),
        cmocka_unit_test(every_flipped_byte_and_every_truncation_of_a_model_is_refused),
    };
    return cmocka_run_group_tests(tests, build_world, free_world);
}
