/* The models that a shop has before any training: who serves, against whom the first training is judged, and the way back to them. */
#include "domain/affinity/affinity_prior.h"
#include "domain/risk/risk_prior.h"
#include "integration/train_spec.h"

#include "base/cleanup.h"
#include "base/metric.h"
#include "live/live.h"
#include "support/folder.h"
#include "support/spec.h"
#include "train/risk/risk_check.h"

#include <stdio.h>
#include <stdlib.h>

static struct flow_bench bench;

/* A database as migrations leave it. */
static int open_bench(void **state)
{
    (void)state;
    flow_open(&bench, "first_models");
    (void)snprintf(bench.config.data_dir, sizeof bench.config.data_dir, "%s", folder_of_run());
    bench.config.model_poll = 10000;
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

static const char *serving(const char *kind)
{
    struct model_row m = {0};
    struct err err = {0};
    bool found = false;
    must(store_model_champion(bench.db, kind, &bench.arena, &m, &found, &err), &err);
    return found ? m.version : "nobody";
}

static const char *before(const char *kind)
{
    const char *version = NULL;
    struct err err = {0};
    must(store_model_previous(bench.db, kind, &bench.arena, &version, &err), &err);
    return version ? version : "nobody";
}

static void a_new_shop_is_served_by_version_0_of_each_kind(void **state)
{
    (void)state;
    assert_string_equal(serving("risk"), RISK_PRIOR_VERSION);
    assert_string_equal(serving("affinity"), AFFINITY_PRIOR_VERSION);
    assert_int_equal(row_of_model(&bench, RISK_PRIOR_VERSION).number, 0);
    assert_string_equal(before("risk"), "nobody");
}

static void the_first_training_is_judged_beside_it_and_a_rollback_goes_back(void **state)
{
    (void)state;
    open_shop(&bench, &(struct shop){
                          .shoppers = SHOPPERS_ENOUGH, .taste = true, .effect = true, .seed = 1});
    const struct trained_shop t = train_shop(&bench, 1);
    assert_true(t.risk.promoted);
    assert_text_contains(t.risk.reason, "not worse than that of " RISK_PRIOR_VERSION);
    assert_text_contains(row_of_model(&bench, t.risk.version).card,
                         "\"champion_version\": \"" RISK_PRIOR_VERSION "\"");
    assert_string_equal(before("risk"), RISK_PRIOR_VERSION);
    assert_string_equal(before("affinity"), AFFINITY_PRIOR_VERSION);
}

static void where_too_little_was_learnt_the_risk_of_the_studies_stays(void **state)
{
    (void)state;
    open_shop(&bench, &(struct shop){.shoppers = 20, .taste = true, .effect = true, .seed = 4});
    const struct trained_shop t = train_shop(&bench, 1);
    assert_string_equal(t.risk.version, RISK_PRIOR_VERSION);
    assert_text_contains(t.risk.reason, "too little to train a learner");
    /* what it counts is popularity, and a training counts all of the log */
    assert_string_equal(t.affinity.version, "affinity-popularity-1");
}

/* What a training says of the log as it is, and how it ends. */
static const char *told(struct err *err)
{
    char *text = NULL;
    size_t len = 0;
    struct train_result affinity;
    struct train_result risk;
    struct train_options options = quiet_options();
    options.json = false;
    options.horizon_us = DAYS(1);
    options.out = open_memstream(&text, &len);
    assert_non_null(options.out);
    assert_false(train_run(&bench.database, &bench.config, &options, &affinity, &risk, err));
    assert_int_equal(fclose(options.out), 0);
    const char *kept = arena_strdup(&bench.arena, text);
    free(text);
    return kept;
}

static void a_training_of_next_to_nothing_says_who_serves_and_what_is_missing(void **state)
{
    struct err err = {0};
    (void)state;
    TELL(&bench, .id = "e1", .type = "product_viewed", .customer = "anna", .product = "p1");
    const char *text = told(&err);
    assert_int_equal(err.kind, ERR_REFUSED);
    assert_text_contains(err.text, "affinity needs 10 views");
    assert_text_contains(text, "affinity-prior-0 serves until");
    assert_text_contains(text, "risk-prior-0 serves until");
    assert_text_contains(text, "no shopper of the log has had a cart");
    assert_null(strstr(text, "50.0 %"));
}

static void a_cart_whose_outcome_is_not_known_yet_is_told_with_the_time_it_will_be(void **state)
{
    struct err err = {0};
    (void)state;
    TELL(&bench, .id = "e1", .type = "cart_item_added", .customer = "anna", .product = "p1");
    const char *text = told(&err);
    assert_text_contains(text, "no outcome within 1d is known yet: the first when the log reaches "
                               "2026-01-02T00:00:00Z");
    assert_null(strstr(text, "50.0 %"));
}

static void the_daily_check_corrects_it_like_any_other(void **state)
{
    struct err err = {0};
    struct risk_check c = {0};
    bool made = false;
    (void)state;
    bench.config.risk_horizon = MINUTES(30);
    open_shop(&bench, &(struct shop){.shoppers = 60, .effect = false, .seed = 4});
    must(risk_check_run(&bench.database, &bench.config, START_US + DAYS(1), &bench.arena, &c, &made,
                        &err),
         &err);
    assert_true(made);
    assert_true(c.shift < 0); /* all of this shop's visitors buy */
    CLEANUP(live_close) struct live *live = NULL;
    must(live_open(&bench.database, &bench.config, false, &live, &err), &err);
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    assert_string_equal(risk_version(use.set->risk), RISK_PRIOR_VERSION);
    assert_true(risk_shift_of(use.set->risk) == c.shift);
}

/* Products that live recommends to somebody who has done nothing. */
static int popular(struct live *live)
{
    CLEANUP(live_use_end) struct live_use use = live_use(live);
    struct picks picks = {0};
    if (use.set->affinity) {
        affinity_rank(use.set->affinity, shopper_new("c:nobody", &bench.arena), START_US, 3, NULL,
                      NULL, &picks);
    }
    return picks.count;
}

static void its_popularity_counts_on_while_it_serves(void **state)
{
    CLEANUP(live_close) struct live *live = NULL;
    struct err err = {0};
    (void)state;
    must(live_open(&bench.database, &bench.config, true, &live, &err), &err);
    const uint64_t swaps = metric_value(METRIC_model_swaps);
    assert_int_equal(popular(live), 0);
    TELL(&bench, .id = "e1", .type = "product_viewed", .customer = "anna", .product = "p1");
    fold_to_end(&bench);
    const int64_t until_us = clock_monotonic_us() + SECONDS(60);
    while (popular(live) != 1) {
        assert_true(clock_monotonic_us() < until_us);
    }
    TELL(&bench, .id = "e2", .type = "product_viewed", .customer = "anna", .product = "p2");
    fold_to_end(&bench);
    while (popular(live) != 2) {
        assert_true(clock_monotonic_us() < until_us);
    }
    /* it appeared, and then it was the same model */
    assert_int_equal(metric_value(METRIC_model_swaps) - swaps, 1);
}

int main(void)
{
#define ALONE(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)
    const struct CMUnitTest tests[] = {
        ALONE(a_new_shop_is_served_by_version_0_of_each_kind),
        ALONE(the_first_training_is_judged_beside_it_and_a_rollback_goes_back),
        ALONE(where_too_little_was_learnt_the_risk_of_the_studies_stays),
        ALONE(a_training_of_next_to_nothing_says_who_serves_and_what_is_missing),
        ALONE(a_cart_whose_outcome_is_not_known_yet_is_told_with_the_time_it_will_be),
        ALONE(the_daily_check_corrects_it_like_any_other),
        ALONE(its_popularity_counts_on_while_it_serves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
