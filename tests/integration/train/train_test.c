/* Training on a small shop whose truth is known: what is learnt, what the gate refuses, and that the same log gives the same bytes. */
#include "integration/train_spec.h"

#include "base/clock.h"
#include "domain/risk/risk_encode.h"
#include "eventlog/view.h"
#include "store/models.h"
#include "support/spec.h"
#include "train/log/train_log.h"
#include "train/risk/train_moments.h"

#include <stdlib.h>

static struct flow_bench bench;

static int open_bench(void **state)
{
    (void)state;
    flow_open(&bench, "train");
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static int forget(void **state)
{
    (void)state;
    forget_everything(&bench);
    forget_models(&bench);
    return 0;
}

static void planted_tastes_and_effects_win_over_the_baselines(void **state)
{
    (void)state;
    open_shop(&bench,
              &(struct shop){.shoppers = SHOPPERS_MANY, .taste = true, .effect = true, .seed = 1});
    struct trained_shop t = train_shop(&bench, 1);
    assert_true(t.affinity.promoted);
    assert_string_equal(t.affinity.version, "affinity-als-2");
    assert_true(t.risk.promoted);
    assert_text_contains(t.risk.reason, "not worse than that of logistic regression");
    assert_string_equal(t.risk.version, "risk-blend-2");
    assert_string_equal(row_of_model(&bench, "affinity-popularity-1").verdict, "baseline");
    assert_string_equal(row_of_model(&bench, "risk-base_rate-1").verdict, "baseline");
    struct model_row risk = row_of_model(&bench, "risk-blend-2");
    assert_true(risk.champion);
    assert_string_equal(risk.verdict, "passed");
    assert_text_contains(risk.card, "\"log_loss\"");
    assert_text_contains(risk.card, "\"git\"");
}

static void noise_is_refused_and_the_baselines_serve(void **state)
{
    (void)state;
    open_shop(&bench, &(struct shop){
                          .shoppers = SHOPPERS_ENOUGH, .taste = false, .effect = false, .seed = 2});
    struct trained_shop t = train_shop(&bench, 1);
    assert_false(t.affinity.promoted);
    assert_string_equal(t.affinity.version, "affinity-popularity-1");
    assert_string_equal(t.affinity.trained, "affinity-als-2");
    assert_false(t.risk.promoted);
    assert_string_equal(t.risk.version, "risk-base_rate-1");
    assert_string_equal(row_of_model(&bench, "risk-blend-2").verdict, "refused");
    assert_text_contains(t.risk.reason, "does not beat the baseline");
}

static void the_same_log_and_seed_give_the_same_bytes(void **state)
{
    static const char *const pairs[][2] = {{"affinity-popularity-1", "affinity-popularity-3"},
                                           {"affinity-als-2", "affinity-als-4"},
                                           {"risk-base_rate-1", "risk-base_rate-3"},
                                           {"risk-blend-2", "risk-blend-4"}};
    (void)state;
    open_shop(&bench, &(struct shop){
                          .shoppers = SHOPPERS_ENOUGH, .taste = true, .effect = true, .seed = 3});
    train_shop(&bench, 1);
    train_shop(&bench, 1);
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        assert_memory_equal(row_of_model(&bench, pairs[i][0]).sha256,
                            row_of_model(&bench, pairs[i][1]).sha256, SHA256_BYTES);
    }
    struct train_options other = quiet_options();
    struct trained_shop t = {0};
    struct err err = {0};
    other.kind = TRAIN_RISK;
    other.seed = 2;
    assert_true(try_training(&bench, &other, &t, &err));
    assert_memory_not_equal(row_of_model(&bench, "risk-blend-2").sha256,
                            row_of_model(&bench, "risk-blend-6").sha256, SHA256_BYTES);
}

static void too_little_for_any_model_is_refused_with_what_is_missing(void **state)
{
    struct trained_shop t = {0};
    struct err err = {0};
    const struct train_options options = quiet_options();
    (void)state;
    assert_false(try_training(&bench, &options, &t, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_text_contains(err.text, "no events");
    TELL(&bench, .id = "e1", .type = "product_viewed", .customer = "anna", .product = "p1");
    assert_false(try_training(&bench, &options, &t, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_text_contains(err.text, "affinity needs");
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.model"), 0);
}

static void a_few_shoppers_are_enough_for_the_baselines(void **state)
{
    (void)state;
    open_shop(&bench, &(struct shop){.shoppers = 20, .taste = true, .effect = true, .seed = 4});
    struct trained_shop t = train_shop(&bench, 1);
    assert_string_equal(t.risk.version, "risk-base_rate-1");
    assert_string_equal(t.risk.trained, "");
    assert_text_contains(t.risk.reason, "too little to train a learner");
    assert_text_contains(t.affinity.version, "affinity-popularity");
}

static void where_no_cart_is_bought_the_base_rate_serves_and_is_not_certain(void **state)
{
    struct trained_shop t = {0};
    struct err err = {0};
    struct train_options options = quiet_options();
    (void)state;
    open_shop(&bench, &(struct shop){.shoppers = 100, .effect = true, .seed = 6});
    run_sql(&bench, "DELETE FROM cartwright.log WHERE type = cartwright.type_code('purchase')");
    /* and one cart is dearer than anybody has seen */
    TELL(&bench, .id = "dear", .type = "cart_item_added", .customer = "rich", .product = "p1-1",
         .quantity = 1000, .price_minor = 1000000000);
    options.kind = TRAIN_RISK;
    if (!try_training(&bench, &options, &t, &err)) {
        fail_msg("%s", err.text);
    }
    assert_false(t.risk.promoted);
    assert_string_equal(t.risk.version, "risk-base_rate-1");
    assert_int_equal(count_of(&bench,
                              "SELECT count(*) FROM cartwright.model WHERE kind = 'risk'"
                              " AND (card ->> 'lost_share')::float8 BETWEEN 0.99 AND 0.99999"),
                     1);
}

static void a_kind_without_data_does_not_keep_the_other_from_being_trained(void **state)
{
    struct trained_shop t = {0};
    struct err err = {0};
    struct train_options options = quiet_options();
    (void)state;
    open_shop(&bench, &(struct shop){.shoppers = 40, .taste = true, .effect = true, .seed = 5});
    options.horizon_us = DAYS(30); /* nothing is known that late */
    assert_false(try_training(&bench, &options, &t, &err));
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_text_contains(err.text, "risk needs");
    assert_int_equal(
        count_of(&bench, "SELECT count(*) FROM cartwright.model WHERE kind = 'affinity'"), 2);
}

static void an_older_log_does_not_unseat_who_saw_a_later_one(void **state)
{
    struct trained_shop t = {0};
    struct err err = {0};
    struct train_options options = quiet_options();
    (void)state;
    open_shop(&bench, &(struct shop){
                          .shoppers = SHOPPERS_ENOUGH, .taste = true, .effect = true, .seed = 1});
    train_shop(&bench, 1);
    options.as_of_us = SHOP_TIME_US(SHOPPERS_ENOUGH, .8);
    assert_true(try_training(&bench, &options, &t, &err));
    assert_string_equal(t.risk.version, "risk-blend-2");
    assert_false(t.risk.promoted);
    assert_text_contains(t.risk.reason, "later events");
    assert_string_equal(t.affinity.version, "affinity-als-2");
}

static void going_back_is_one_step_and_repeats(void **state)
{
    struct err err = {0};
    const char *before = NULL;
    struct trained_shop t = {0};
    struct train_options options = quiet_options();
    (void)state;
    open_shop(&bench, &(struct shop){
                          .shoppers = SHOPPERS_ENOUGH, .taste = true, .effect = true, .seed = 1});
    options.kind = TRAIN_RISK;
    for (options.seed = 1; options.seed <= 2; options.seed++) {
        if (!try_training(&bench, &options, &t, &err)) {
            fail_msg("train: %s", err.text);
        }
        assert_true(t.risk.promoted);
    }
    assert_true(row_of_model(&bench, "risk-blend-4").champion);
    assert_true(store_model_previous(bench.db, "risk", &bench.arena, &before, &err));
    assert_string_equal(before, "risk-blend-2");
    assert_true(
        store_model_promote(bench.db, "risk", before, "rollback", false, clock_now_us(), &err));
    assert_true(row_of_model(&bench, "risk-blend-2").champion);
    assert_true(store_model_previous(bench.db, "risk", &bench.arena, &before, &err));
    assert_null(before); /* there was none before the first */
}

/* ---- the same moment in training and in serving ---- */

/* What a dry run at the moment would hand to the model. */
static struct risk_example served_at(const char *key, int64_t at_us)
{
    struct view view;
    struct features x;
    struct err err = {0};
    if (!view_read(bench.db, key, at_us, &bench.arena, &view, &err)) {
        fail_msg("view: %s", err.text);
    }
    features_of(view.shopper, shopper_open_cart(view.shopper), at_us, NULL, &x);
    return risk_flatten(&x);
}

static void assert_same_bits(const char *key, const struct risk_example *served,
                             const struct risk_example *trained)
{
    for (int f = 0; f < FEATURE_COUNT; f++) {
        if (served->cells[f].id != trained->cells[f].id) { /* the bits, of numbers too */
            fail_msg("%s of %s: %.17g in serving, %.17g in training",
                     feature_def((enum feature_id)f)->name, key, served->cells[f].number,
                     trained->cells[f].number);
        }
    }
}

static bool take_key(void *ctx, const struct train_key *k, struct err *err)
{
    struct moment_set *set = ctx;
    size_t first = set->count;
    (void)err;
    moment_set_take(set, k);
    for (size_t i = first; i < set->count; i++) {
        struct risk_example served = served_at(k->key, set->all[i].at_us);
        assert_same_bits(k->key, &served, &set->all[i].x);
    }
    return true;
}

static void a_moment_has_the_same_features_in_serving_and_in_training(void **state)
{
    struct moment_set set = {0};
    struct train_log log = {0};
    struct err err = {0};
    CLEANUP(db_close) struct db *reader = NULL;
    (void)state;
    open_shop(&bench, &(struct shop){.shoppers = 30, .taste = true, .effect = true, .seed = 6});
    TELL(&bench, .id = "x1", .type = "cart_item_added", .anonymous = "browser", .product = "p1",
         .at_s = 100);
    TELL(&bench, .id = "x2", .type = "identify", .anonymous = "browser", .customer = "shopper1",
         .at_s = 900);
    fold_to_end(&bench);
    assert_true(database_connect(&bench.database, &reader, &err));
    assert_true(train_log_read(reader, INT64_MAX, take_key, &set, &log, &err));
    assert_true(set.count > 100);
    moment_set_free(&set);
}

static void moments_are_after_each_event_and_after_idle_times_without_one(void **state)
{
    const struct told events[] = {
        {.id = "1", .type = "product_viewed", .customer = "anna", .product = "p", .at_s = 0},
        {.id = "2", .type = "cart_item_added", .customer = "anna", .product = "p", .at_s = 60},
        {.id = "3",
         .type = "product_viewed",
         .customer = "anna",
         .product = "q",
         .at_s = 60 + 12 * 60},
        {.id = "4", .type = "purchase", .customer = "anna", .product = "p", .at_s = 60 + 52 * 60},
    };
    /* added; half a minute to 8 minutes idle; viewed; the same and 20; then it was bought and the cart is closed */
    const int64_t expected[] = {60,  90,  120, 180, 300,  540, /* idle 8 minutes */
                                780, 810, 840, 900, 1020, 1260, 1980};
    struct moment_set set = {0};
    struct train_log log = {0};
    struct err err = {0};
    CLEANUP(db_close) struct db *reader = NULL;
    (void)state;
    tell_all(&bench, events, COUNT_OF(events));
    assert_true(database_connect(&bench.database, &reader, &err));
    assert_true(train_log_read(reader, INT64_MAX, take_key, &set, &log, &err));
    assert_int_equal(set.count, COUNT_OF(expected));
    for (size_t i = 0; i < set.count; i++) {
        assert_int_equal(set.all[i].at_us, START_US + SECONDS(expected[i]));
        assert_int_equal(set.all[i].bought_us, START_US + SECONDS(events[3].at_s));
    }
    moment_set_free(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(planted_tastes_and_effects_win_over_the_baselines, forget),
        cmocka_unit_test_teardown(noise_is_refused_and_the_baselines_serve, forget),
        cmocka_unit_test_teardown(the_same_log_and_seed_give_the_same_bytes, forget),
        cmocka_unit_test_teardown(too_little_for_any_model_is_refused_with_what_is_missing, forget),
        cmocka_unit_test_teardown(a_few_shoppers_are_enough_for_the_baselines, forget),
        cmocka_unit_test_teardown(where_no_cart_is_bought_the_base_rate_serves_and_is_not_certain,
                                  forget),
        cmocka_unit_test_teardown(a_kind_without_data_does_not_keep_the_other_from_being_trained,
                                  forget),
        cmocka_unit_test_teardown(an_older_log_does_not_unseat_who_saw_a_later_one, forget),
        cmocka_unit_test_teardown(going_back_is_one_step_and_repeats, forget),
        cmocka_unit_test_teardown(a_moment_has_the_same_features_in_serving_and_in_training,
                                  forget),
        cmocka_unit_test_teardown(moments_are_after_each_event_and_after_idle_times_without_one,
                                  forget),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
