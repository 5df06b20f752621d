/* The daily check of the risk model: its row, once a day, and how every replica comes to apply it. */
#include "train/risk/risk_check.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "domain/risk/risk_file.h"
#include "integration/train_spec.h"
#include "live/live.h"
#include "live/live_metrics.h"
#include "live/risk_metrics.h"
#include "store/models.h"
#include "support/spec.h"
#include "train/log/train_log.h"
#include "train/risk/train_moments.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct flow_bench bench;
static struct trained_shop trained;

static int open_bench(void **state)
{
    (void)state;
    flow_open(&bench, "risk_check");
    return 0;
}

static int close_bench(void **state)
{
    (void)state;
    flow_close(&bench);
    return 0;
}

#define AFTER_US (START_US + SECONDS(160000))

/* A model that has seen the larger part of a shop's life: all that is checked below, and none of the checks. */
static int open_half_trained(void **state)
{
    struct err err = {0};
    struct train_options options = quiet_options();
    open_bench(state);
    open_shop(&bench, &(struct shop){.shoppers = 500, .effect = true, .seed = 4});
    options.kind = TRAIN_RISK;
    options.as_of_us = START_US + SECONDS(90000);
    must(try_training(&bench, &options, &trained, &err), &err);
    assert_true(trained.risk.promoted);
    return 0;
}

static int forget_checks(void **state)
{
    (void)state;
    run_sql(&bench, "TRUNCATE cartwright.risk_check");
    return 0;
}

static bool check_at(int64_t now_us, struct risk_check *out)
{
    struct err err = {0};
    bool made = false;
    must(risk_check_run(&bench.database, &bench.config, now_us, &bench.arena, out, &made, &err),
         &err);
    return made;
}

static void a_model_is_checked_once_a_day_on_what_it_has_not_learnt_from(void **state)
{
    struct risk_check c;
    (void)state;
    assert_true(check_at(AFTER_US, &c));
    assert_true(c.moments > RISK_CHECK_ROWS_MIN);
    /* The shop is the same as before, but the model is of some 150 carts. */
    if (!(fabs(c.shift) < 1.5)) {
        fail_msg("shift %g on %lld moments, Brier %g", c.shift, (long long)c.moments, c.brier);
    }
    assert_true(c.brier > 0 && c.brier < .25);
    assert_text_contains(c.psi, "\"idle\":");
    assert_false(check_at(AFTER_US + HOURS(1), &c));
    assert_true(check_at(AFTER_US + DAYS(1), &c));
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.risk_check"), 2);
}

/* Of moments it has learnt from a model is too sure to be measured by them. */
static void a_young_model_has_no_baseline_until_there_are_days_it_has_not_learnt_from(void **state)
{
    struct risk_check c;
    char text[RISK_CHECK_TEXT_MAX];
    (void)state;
    assert_true(check_at(AFTER_US, &c));
    assert_true(c.moments > RISK_CHECK_ROWS_MIN && c.brier_base == 0 && c.psi_score == 0);
    assert_text_contains(risk_check_text(&c, text), "too young");
    assert_true(check_at(AFTER_US + DAYS(8), &c));
    assert_true(c.moments > 0 && c.brier_base > 0 && c.brier_base < .25 && c.psi_score > 0);
    assert_text_contains(risk_check_text(&c, text), "in the 28 days before");
}

static void right_after_a_training_nothing_has_matured_and_the_check_says_so(void **state)
{
    struct risk_check c;
    char text[RISK_CHECK_TEXT_MAX];
    (void)state;
    assert_true(check_at(START_US + SECONDS(90000), &c));
    assert_int_equal(c.moments, 0);
    assert_true(c.shift == 0);
    assert_text_contains(risk_check_text(&c, text), "has matured yet");
    assert_null(strstr(text, "Brier"));
    assert_true(check_at(AFTER_US + DAYS(1), &c));
    assert_text_contains(risk_check_text(&c, text), "Brier 0.");
}

static void the_card_tells_how_the_gate_judged_and_how_the_model_drifts(void **state)
{
    struct risk_check c;
    (void)state;
    const char *fresh = row_of_model(&bench, trained.risk.version).card;
    assert_text_contains(fresh, "\"logistic_regression\"");
    /* so few shoppers teach no more, and all parts together would have been refused */
    assert_text_contains(fresh, "\"logistic_regression_alone\": true");
    assert_text_contains(fresh, "\"machine_alone\"");
    assert_null(strstr(fresh, "\"boosting_alone\"")); /* no tree was trained */
    assert_null(strstr(fresh, "\"boosting_trees\""));
    assert_text_contains(fresh, "\"segments\"");
    assert_text_contains(fresh, "\"psi_score\"");
    assert_null(strstr(fresh, "\"brier_28_days_before\""));
    assert_true(check_at(AFTER_US, &c));
    const char *card = row_of_model(&bench, trained.risk.version).card;
    assert_text_contains(card, "\"brier_28_days_before\"");
    assert_text_contains(card, "\"checked_at\"");
    assert_text_contains(card, "\"segments\"");
}

static bool take_key(void *ctx, const struct train_key *k, struct err *err)
{
    (void)err;
    moment_set_take(ctx, k);
    return true;
}

/* Most shoppers were here 20 days before the others, a tenth of them 10 days. */
static void move_back(void)
{
    run_sql(&bench, "UPDATE cartwright.log SET occurred_at = occurred_at -"
                    " CASE WHEN key LIKE '%1' THEN interval '10 days' ELSE interval '20 days' END"
                    " WHERE key NOT LIKE '%7'");
}

static void moments_of_a_window_need_only_shoppers_active_near_it(void **state)
{
    struct moment_set all = {.from_us = START_US, .until_us = START_US + DAYS(9)};
    struct moment_set near = all;
    struct train_log all_log = {0};
    struct train_log near_log = {0};
    struct err err = {0};
    (void)state;
    open_shop(&bench, &(struct shop){.shoppers = 100, .effect = true, .seed = 4});
    move_back();
    must(train_log_read(bench.db, INT64_MAX, take_key, &all, &all_log, &err), &err);
    must(train_log_read_active(bench.db, all.from_us - moment_idle_times()[IDLE_MOMENTS - 1] - 1,
                               INT64_MAX, take_key, &near, &near_log, &err),
         &err);
    assert_true(near_log.shoppers < all_log.shoppers);
    assert_true(near.count > IDLE_MOMENTS);
    assert_int_equal(near.count, all.count);
    for (size_t i = 0; i < near.count; i++) {
        assert_int_equal(near.all[i].at_us, all.all[i].at_us);
        assert_int_equal(near.all[i].bought_us, all.all[i].bought_us);
        assert_memory_equal(&near.all[i].x, &all.all[i].x, sizeof near.all[i].x);
    }
    moment_set_free(&near);
    moment_set_free(&all);
}

/* Version 0 is checked like any other (first_models_test); here somebody has emptied the history by hand. */
static void where_nobody_was_ever_promoted_there_is_nothing_to_check(void **state)
{
    struct risk_check c;
    (void)state;
    run_sql(&bench, "TRUNCATE cartwright.model_promotion");
    assert_false(check_at(AFTER_US, &c));
}

static double probability(struct live *live)
{
    const struct live_set *set = live_acquire(live);
    struct features x = {0};
    double p = risk_probability(set->risk, &x);
    live_release(live, &set);
    return log(p / (1 - p));
}

static void replicas_apply_the_newest_check_of_the_version_that_serves(void **state)
{
    struct live *live = NULL;
    struct err err = {0};
    bool stored = false;
    bool changed = false;
    (void)state;
    must(live_open(&bench.database, &bench.config, false, &live, &err), &err);
    double before = probability(live);
    const struct risk_check checks[] = {{.day = 1, .shift = 9, .psi = "{}"},
                                        {.day = 2, .shift = -.7, .psi = "{\"idle\":0.3}"}};
    for (size_t i = 0; i < COUNT_OF(checks); i++) {
        must(store_risk_check_put(bench.db, trained.risk.version, &checks[i], AFTER_US, &stored,
                                  &err),
             &err);
        assert_true(stored);
    }
    must(live_refresh(live, &changed, &err), &err);
    assert_true(changed);
    assert_true(fabs(probability(live) - before + .7) < 1e-6);
    struct buf metrics = buf_make(1 << 16);
    risk_metrics_render(&metrics);
    assert_text_contains(buf_text(&metrics), "cartwright_risk_psi_feature{feature=\"idle\"} 0.3\n");
    assert_text_contains(buf_text(&metrics), "{feature=\"total\"} 0\n");
    live_metrics_render(live, &metrics);
    char row[200];
    (void)snprintf(row, sizeof row, "\ncartwright_model_info{kind=\"risk\",version=\"%s\"} 1\n",
                   trained.risk.version);
    assert_text_contains(buf_text(&metrics), row);
    buf_free(&metrics);
    must(live_refresh(live, &changed, &err), &err);
    assert_false(changed);
    live_close(&live);
}

#define spec(test)        cmocka_unit_test_setup(test, forget_checks)
#define spec_afresh(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest of_one_model[] = {
        spec(a_model_is_checked_once_a_day_on_what_it_has_not_learnt_from),
        spec(a_young_model_has_no_baseline_until_there_are_days_it_has_not_learnt_from),
        spec(right_after_a_training_nothing_has_matured_and_the_check_says_so),
        spec(the_card_tells_how_the_gate_judged_and_how_the_model_drifts),
        spec(replicas_apply_the_newest_check_of_the_version_that_serves),
    };
    const struct CMUnitTest of_others[] = {
        spec_afresh(moments_of_a_window_need_only_shoppers_active_near_it),
        spec_afresh(where_nobody_was_ever_promoted_there_is_nothing_to_check),
    };
    return cmocka_run_group_tests(of_one_model, open_half_trained, close_bench) +
           cmocka_run_group_tests(of_others, NULL, NULL);
}
