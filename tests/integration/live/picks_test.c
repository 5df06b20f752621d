/* What may be shown: the catalogue has the last word, and what it turns down leaves no hole. */
#include "live/picks.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/stop.h"
#include "domain/affinity/affinity_shelf.h"
#include "domain/shop/money.h"
#include "integration/train_spec.h"
#include "live/live.h"
#include "live/live_shelf.h"
#include "store/models.h"
#include "support/folder.h"
#include "support/spec.h"

#include <stdio.h>

enum { PRODUCTS = 72 }; /* of train_spec's shop: p0-0 .. p5-11 */

static struct flow_bench bench;
static struct live *live;

static int open_bench(void **state)
{
    struct err err = {0};
    (void)state;
    flow_open(&bench, "picks");
    (void)snprintf(bench.config.data_dir, sizeof bench.config.data_dir, "%s", folder_of_run());
    run_sql(
        &bench,
        "INSERT INTO cartwright.product (product_id, title, category, price_minor, currency, "
        "stock, source, updated_at) SELECT 'p' || g || '-' || i, 'Product ' || g || '-' || i, 'Group ' || g "
        "|| CASE WHEN i % 2 = 0 THEN ' > Even' ELSE '' END, 1000 + 100 * i, 'EUR', 5, 'api', "
        "now() FROM generate_series(0, 5) g, generate_series(0, 11) i");
    open_shop(&bench, &(struct shop){.shoppers = 500, .taste = true, .effect = true, .seed = 1});
    struct train_options options = quiet_options();
    struct trained_shop trained;
    options.kind = TRAIN_AFFINITY; /* nothing here asks for the risk */
    must(try_training(&bench, &options, &trained, &err), &err);
    assert_true(store_model_promote(bench.db, "affinity", "affinity-als-2", "promote", true,
                                    clock_now_us(), &err));
    if (!live_open(&bench.database, &bench.config, false, &live, &err)) {
        fail_msg("live: %s", err.text);
    }
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    live_close(&live);
    flow_close(&bench);
    return 0;
}

static int restock(void **state)
{
    struct err err = {0};
    bool changed = false;
    (void)state;
    run_sql(
        &bench,
        "UPDATE cartwright.product SET stock = 5, title = 'Product ' || product_id, currency = 'EUR', "
        "updated_at = now()");
    assert_true(live_refresh(live, &changed, &err));
    return 0;
}

/* Has looked at two products of group 3. */
static struct shopper *dora(void)
{
    struct shopper *s = shopper_new("c:dora", &bench.arena);
    const char *const seen[] = {"p3-1", "p3-2"};
    for (size_t i = 0; i < 2; i++) {
        s->recent[s->recent_count++] =
            (struct recent_event){.type = EVENT_PRODUCT_VIEWED,
                                  .at_us = START_US,
                                  .product_id = arena_strdup(&bench.arena, seen[i])};
    }
    return s;
}

static struct product beside; /* what is shown beside the picks */

static struct shown_picks shown(const struct pick_wish *wish, bool with_shelf)
{
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    struct picks_wanted want = {
        .model = use.set->affinity, .beside = &beside, .beside_count = 1, .wish = *wish};
    struct shown_picks out;
    struct err err = {0};
    want.wish.shopper = dora();
    want.wish.now_us = START_US;
    want.wish.shelf = with_shelf ? use.set->shelf : NULL;
    assert_non_null(use.set->affinity);
    if (!picks_show(bench.db, &want, &bench.arena, &out, &err)) {
        fail_msg("picks: %s", err.text);
    }
    return out;
}

static void everything_in_stock_fills_the_picks(void **state)
{
    (void)state;
    struct shown_picks p = shown(&(struct pick_wish){.k = 10}, true);
    assert_int_equal(p.picks.count, 10);
    assert_int_equal(p.picks.items[0].source, PICK_SESSION);
    assert_memory_equal(p.products[0].product_id, "p3", 2);
}

/* Sizes that are products of their own: nobody is shown the same name twice, nor that of what lies in the cart. */
static void nothing_of_one_name_is_picked_twice(void **state)
{
    (void)state;
    run_sql(
        &bench,
        "UPDATE cartwright.product SET title = CASE WHEN product_id LIKE 'p3-%' THEN 'tee' ELSE 'Tee' END, updated_at = now()"
        " WHERE product_id LIKE 'p3-%' OR product_id LIKE 'p2-%'");
    struct shown_picks p = shown(&(struct pick_wish){.k = 10}, true);
    int tees = 0;
    assert_int_equal(p.picks.count, 10);
    for (int i = 0; i < p.picks.count; i++) {
        tees += strcasecmp(p.products[i].title, "tee") == 0;
    }
    assert_int_equal(tees, 1);
    beside = (struct product){.product_id = "tee-m", .title = "TEE"};
    p = shown(&(struct pick_wish){.k = 10}, true);
    beside = (struct product){0};
    assert_int_equal(p.picks.count, 10);
    for (int i = 0; i < p.picks.count; i++) {
        assert_true(strcasecmp(p.products[i].title, "tee") != 0);
    }
}

static void what_lost_its_title_is_not_shown_while_others_have_one(void **state)
{
    (void)state;
    run_sql(&bench, "UPDATE cartwright.product SET title = NULL, updated_at = now() WHERE "
                    "product_id NOT IN ('p3-4', 'p0-0')");
    struct shown_picks p = shown(&(struct pick_wish){.k = 3}, true);
    assert_int_equal(p.picks.count, 2);
    assert_string_equal(p.products[0].product_id, "p3-4");
    assert_string_equal(p.products[1].product_id, "p0-0");
}

static void the_catalogue_has_the_last_word_on_currency_and_price(void **state)
{
    static char id[] = "p3-1";
    struct cart_line line = {.product_id = id, .price_minor = 1000, .currency = "EUR"};
    const struct cart cart = {.lines = &line, .line_count = 1};
    (void)state;
    run_sql(&bench, "UPDATE cartwright.product SET currency = 'USD', updated_at = now() WHERE "
                    "product_id NOT IN ('p3-4', 'p0-0', 'p3-6')");
    /* p3-6 is 16.00, p3-4 14.00 */
    struct shown_picks p =
        shown(&(struct pick_wish){.k = 3, .cart = &cart, .dearest_ratio = 1.5}, true);
    assert_int_equal(p.picks.count, 2);
    assert_string_equal(p.products[0].product_id, "p3-4");
    assert_string_equal(p.products[1].product_id, "p0-0");
}

static void what_sold_out_since_the_last_look_leaves_no_hole(void **state)
{
    (void)state;
    run_sql(&bench, "UPDATE cartwright.product SET stock = 0, updated_at = now() WHERE product_id "
                    "NOT IN ('p3-4', 'p0-0', 'p5-11')");
    for (int shelf = 0; shelf < 2; shelf++) { /* the shelf still says that all are there */
        struct shown_picks p = shown(&(struct pick_wish){.k = 3}, shelf == 1);
        assert_int_equal(p.picks.count, 3);
        assert_string_equal(p.products[0].product_id, "p3-4");
        for (int i = 0; i < 3; i++) {
            assert_true(p.products[i].stock > 0);
        }
        assert_int_equal(shown(&(struct pick_wish){.k = 50}, shelf == 1).picks.count, 3);
    }
}

static void what_is_back_in_stock_is_picked_again(void **state)
{
    struct err err = {0};
    bool changed = true;
    (void)state;
    for (int back = 0; back < 2; back++) {
        run_sql(&bench, back ? "UPDATE cartwright.product SET stock = 1, updated_at = now() WHERE "
                               "product_id LIKE 'p3-%'"
                             : "UPDATE cartwright.product SET stock = 0, updated_at = now() WHERE "
                               "product_id LIKE 'p3-%'");
        assert_true(live_refresh(live, &changed, &err));
        assert_false(changed); /* no training, no other model */
        struct shown_picks p = shown(&(struct pick_wish){.k = 10}, true);
        assert_int_equal(strncmp(p.products[0].product_id, "p3", 2) == 0, back);
    }
}

static void the_next_look_tells_the_scan(void **state)
{
    struct err err = {0};
    bool changed = true;
    (void)state;
    run_sql(&bench, "UPDATE cartwright.product SET stock = 0, updated_at = now() WHERE product_id "
                    "LIKE 'p3-%'");
    assert_true(live_refresh(live, &changed, &err));
    assert_false(changed); /* no model was swapped */
    const struct live_set *set = live_acquire(live);
    struct picks picks;
    affinity_recommend(
        set->affinity,
        &(struct pick_wish){
            .shopper = dora(), .now_us = START_US, .k = PRODUCTS, .shelf = set->shelf},
        &picks);
    assert_int_equal(picks.count, PRODUCTS - 12);
    live_release(live, &set);
}

/* Its rows carry the time at which it began; the shelf has been read far beyond it by then. */
static void a_catalogue_transaction_that_stays_open_is_seen_when_it_commits(void **state)
{
    struct flow_bench other = bench;
    struct err err = {0};
    bool changed = true;
    (void)state;
    assert_true(database_connect(&bench.database, &other.db, &err));
    run_sql(&other, "SET idle_in_transaction_session_timeout = 0");
    run_sql(&other, "BEGIN");
    run_sql(&other, "UPDATE cartwright.product SET stock = 0, updated_at = now() WHERE product_id "
                    "LIKE 'p3-%'");
    assert_false(stop_wait_us(SECONDS(11))); /* longer than the overlap */
    run_sql(&bench,
            "UPDATE cartwright.product SET price_minor = 7, updated_at = now() + interval "
            "'10 min' WHERE product_id = 'p0-0'"); /* and a date in the future hides nothing */
    assert_true(live_refresh(live, &changed, &err));
    run_sql(&other, "COMMIT");
    db_close(&other.db);
    assert_true(live_refresh(live, &changed, &err));
    const struct live_set *set = live_acquire(live);
    struct picks picks;
    affinity_recommend(
        set->affinity,
        &(struct pick_wish){
            .shopper = dora(), .now_us = START_US, .k = PRODUCTS, .shelf = set->shelf},
        &picks);
    assert_int_equal(picks.count, PRODUCTS - 12);
    live_release(live, &set);
}

static void a_look_without_news_keeps_the_shelf(void **state)
{
    struct err err = {0};
    bool changed = true;
    (void)state;
    const struct live_set *before = live_acquire(live);
    assert_true(live_refresh(live, &changed, &err));
    const struct live_set *after = live_acquire(live);
    assert_ptr_equal(before, after);
    live_release(live, &before);
    live_release(live, &after);
}

static bool looks_again(struct held_shelf **shelf, struct shelf_seen *seen,
                        const struct affinity *model)
{
    struct held_shelf *old = *shelf;
    struct err err = {0};

    assert_true(held_shelf_read(bench.db, model, old, seen, shelf, &err));
    const bool other = *shelf != old;
    held_shelf_drop(&old);
    return other;
}

/* A change without a date shows who is read: after a catalogue was loaded all of it is of one time, and nobody reads it every second until
 * the next change. */
static void what_has_been_as_it_is_for_a_while_is_not_read_again(void **state)
{
    struct held_shelf *shelf = NULL;
    struct shelf_seen seen = {0};
    (void)state;
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    const struct affinity *model = use.set->affinity;
    run_sql(&bench, "UPDATE cartwright.product SET updated_at = now() - interval '1 minute'");
    assert_true(looks_again(&shelf, &seen, model));
    run_sql(&bench, "UPDATE cartwright.product SET stock = 0 WHERE product_id = 'p3-4'");
    assert_false(looks_again(&shelf, &seen, model));
    run_sql(&bench, "UPDATE cartwright.product SET updated_at = now() - interval '5 s'");
    assert_true(looks_again(&shelf, &seen, model));
    run_sql(&bench, "UPDATE cartwright.product SET stock = 5 WHERE product_id = 'p3-4'");
    assert_true(looks_again(&shelf, &seen, model)); /* what is dated before it may still come */
    held_shelf_drop(&shelf);
}

/* A DELETE by hand leaves nothing that could be read as changed. */
static void a_row_that_is_gone_is_missed_when_all_is_read_again(void **state)
{
    struct held_shelf *shelf = NULL;
    struct held_shelf *again = NULL;
    struct shelf_seen seen = {0};
    struct err err = {0};
    (void)state;
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    const struct affinity *model = use.set->affinity;
    const struct shelf_facts gone = {.stock = 5, .price_minor = MONEY_UNKNOWN};
    assert_true(held_shelf_read(bench.db, model, NULL, &seen, &shelf, &err));
    run_sql(&bench, "DELETE FROM cartwright.product WHERE product_id = 'p3-4'");
    assert_true(affinity_shelf_differs(held_shelf_look(shelf), model, "p3-4", &gone));
    seen.whole_us = clock_monotonic_us() - HOURS(1);
    assert_true(held_shelf_read(bench.db, model, shelf, &seen, &again, &err));
    assert_false(affinity_shelf_differs(held_shelf_look(again), model, "p3-4", &gone));
    assert_false(again == shelf);
    held_shelf_drop(&shelf);
    seen.whole_us = clock_monotonic_us() - HOURS(1);
    assert_true(held_shelf_read(bench.db, model, again, &seen, &shelf, &err));
    assert_ptr_equal(again, shelf); /* nothing new: the same one */
    held_shelf_drop(&shelf);
    held_shelf_drop(&again);
    run_sql(&bench, "INSERT INTO cartwright.product (product_id, title, category, price_minor, "
                    "currency, stock, source, updated_at) VALUES ('p3-4', 'Product', "
                    "'Group 3 > Even', 1400, 'EUR', 5, 'api', now())");
}

static void a_wished_category_and_price_are_judged_by_the_catalogue(void **state)
{
    (void)state;
    struct pick_wish wish = {
        .k = 20, .category = "Group 3", .priced = true, .price_min = 1300, .price_max = 1800};
    run_sql(&bench, "UPDATE cartwright.product SET price_minor = 9000 WHERE product_id = 'p3-5'");
    struct shown_picks p = shown(&wish, true);
    assert_int_equal(p.picks.count, 5); /* 3, 4, 6, 7, 8 */
    wish.category = "group 3 > EVEN";
    p = shown(&wish, true);
    assert_int_equal(p.picks.count, 3); /* 4, 6, 8 */
    for (int i = 0; i < 3; i++) {
        assert_string_equal(p.products[i].category, "Group 3 > Even");
    }
    wish.category = "Group"; /* no level of any path */
    assert_int_equal(shown(&wish, true).picks.count, 0);
    run_sql(&bench, "UPDATE cartwright.product SET price_minor = 1500 WHERE product_id = 'p3-5'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_in_stock_fills_the_picks),
        cmocka_unit_test_teardown(what_sold_out_since_the_last_look_leaves_no_hole, restock),
        cmocka_unit_test_teardown(nothing_of_one_name_is_picked_twice, restock),
        cmocka_unit_test_teardown(what_lost_its_title_is_not_shown_while_others_have_one, restock),
        cmocka_unit_test_teardown(the_catalogue_has_the_last_word_on_currency_and_price, restock),
        cmocka_unit_test_teardown(what_is_back_in_stock_is_picked_again, restock),
        cmocka_unit_test_teardown(the_next_look_tells_the_scan, restock),
        cmocka_unit_test(a_look_without_news_keeps_the_shelf),
        cmocka_unit_test_teardown(a_catalogue_transaction_that_stays_open_is_seen_when_it_commits,
                                  restock),
        cmocka_unit_test_teardown(what_has_been_as_it_is_for_a_while_is_not_read_again, restock),
        cmocka_unit_test_teardown(a_row_that_is_gone_is_missed_when_all_is_read_again, restock),
        cmocka_unit_test(a_wished_category_and_price_are_judged_by_the_catalogue),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
