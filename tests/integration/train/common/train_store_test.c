/* What a training leaves in the database, by verdict: which rows, and who serves. Models are made up, so nothing is trained. */
#include "train/common/train_store.h"

#include "base/clock.h"
#include "domain/risk/risk_file.h"
#include "integration/flow_spec.h"
#include "store/models.h"
#include "support/spec.h"

#include <stdio.h>

static struct flow_bench bench;

static int open_bench(void **state)
{
    (void)state;
    flow_open(&bench, "train_store");
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
    forget_models(&bench);
    return 0;
}

static struct trained base_rate_of(double rate)
{
    struct trained made = {.made = true};
    struct err err = {0};
    const struct risk_window window = {
        .from_us = START_US, .as_of_us = START_US + DAYS(1), .horizon_us = HOURS(1)};
    if (!risk_write_base_rate(rate, &window, "{}", &made.bytes, made.sha256, &err)) {
        fail_msg("%s", err.text);
    }
    return made;
}

struct stored {
    struct train_result result;
    struct err err;
    bool ok;
};

/* Stores a baseline and, where wanted, a challenger (both base rates by content) under the verdict. */
static struct stored store(const struct verdict *v, bool challenger,
                           const struct champion *champion)
{
    struct stored s = {0};
    struct trained baseline = base_rate_of(.5);
    struct trained learnt = challenger ? base_rate_of(.75) : (struct trained){0};
    const struct train_options options = {.json = true, .out = fopen("/dev/null", "w")};
    const struct training t = {.options = &options, .store = bench.db};
    const struct trained_pair pair = {.kind = "risk",
                                      .baseline_algorithm = "base_rate",
                                      .challenger_algorithm = "blend",
                                      .baseline = &baseline,
                                      .challenger = &learnt,
                                      .baseline_card = "{}",
                                      .challenger_card = "{}"};
    assert_non_null(options.out);
    s.ok = train_store(&t, &pair, v, champion, &s.result, &s.err);
    (void)fclose(options.out);
    buf_free(&baseline.bytes);
    buf_free(&learnt.bytes);
    return s;
}

static struct champion champion_now(void)
{
    struct champion c;
    struct err err = {0};
    const struct training t = {.store = bench.db};
    if (!champion_load(&t, "risk", &c, &err)) {
        fail_msg("%s", err.text);
    }
    return c;
}

static const char *serving(void)
{
    return text_of(&bench, "SELECT coalesce((SELECT version FROM cartwright.model_promotion"
                           " ORDER BY seq DESC LIMIT 1), 'nobody')");
}

static const char *verdicts(void)
{
    return text_of(&bench, "SELECT coalesce(string_agg(version || ' ' || verdict, ', '"
                           " ORDER BY number), '') FROM cartwright.model WHERE number > 0");
}

static const struct verdict passed = {.passed = true, .reason = "better"};
static const struct verdict refused = {.reason = "worse"};
static const struct champion nobody = {0};

static void who_passed_serves_and_the_baseline_is_kept_beside_it(void **state)
{
    (void)state;
    struct stored s = store(&passed, true, &nobody);
    assert_true(s.ok);
    assert_string_equal(verdicts(), "risk-base_rate-1 baseline, risk-blend-2 passed");
    assert_string_equal(serving(), "risk-blend-2");
    assert_string_equal(s.result.version, "risk-blend-2");
    assert_string_equal(s.result.trained, "risk-blend-2");
    assert_string_equal(s.result.reason, "better");
    assert_true(s.result.promoted);
}

static void where_the_challenger_is_refused_and_nobody_stands_the_baseline_serves(void **state)
{
    (void)state;
    struct stored s = store(&refused, true, &nobody);
    assert_true(s.ok);
    assert_string_equal(verdicts(), "risk-base_rate-1 baseline, risk-blend-2 refused");
    assert_string_equal(serving(), "risk-base_rate-1");
    assert_string_equal(s.result.version, "risk-base_rate-1");
    assert_string_equal(s.result.trained, "risk-blend-2");
    assert_false(s.result.promoted);
}

static void a_champion_that_stands_serves_on_and_is_not_promoted_again(void **state)
{
    const struct verdict stands = {.champion_stands = true, .reason = "behind"};
    const struct champion champion = {.found = true, .version = "risk-blend-2"};
    (void)state;
    assert_true(store(&passed, true, &nobody).ok);
    struct stored s = store(&stands, true, &champion);
    assert_true(s.ok);
    assert_string_equal(s.result.version, "risk-blend-2");
    assert_string_equal(serving(), "risk-blend-2");
    assert_int_equal(count_of(&bench, "SELECT count(*) FROM cartwright.model_promotion"), 1);
}

static void without_a_challenger_there_is_one_row_and_it_serves(void **state)
{
    (void)state;
    struct stored s = store(&refused, false, &nobody);
    assert_true(s.ok);
    assert_string_equal(verdicts(), "risk-base_rate-1 baseline");
    assert_string_equal(serving(), "risk-base_rate-1");
    assert_string_equal(s.result.trained, "");
}

static void a_promotion_that_fails_leaves_no_rows(void **state)
{
    (void)state;
    run_sql(&bench, "ALTER TABLE cartwright.model_promotion ADD CONSTRAINT closed CHECK (false)");
    struct stored s = store(&passed, true, &nobody);
    run_sql(&bench, "ALTER TABLE cartwright.model_promotion DROP CONSTRAINT closed");
    assert_false(s.ok);
    assert_string_equal(s.result.version, "");
    assert_string_equal(verdicts(), "");
    assert_true(store(&passed, true, &nobody).ok); /* the connection is as good as before */
}

static void the_champion_is_who_serves_with_its_algorithm_and_the_end_of_its_log(void **state)
{
    (void)state;
    struct champion none = champion_now();
    assert_false(none.found);
    assert_true(store(&refused, false, &nobody).ok);
    struct champion baseline = champion_now();
    assert_true(baseline.found && baseline.is_baseline);
    assert_string_equal(baseline.version, "risk-base_rate-1");
    assert_int_equal(baseline.as_of_us, START_US + DAYS(1));
    champion_free(&baseline);
    assert_true(store(&passed, true, &nobody).ok);
    struct champion learnt = champion_now();
    assert_true(learnt.found && !learnt.is_baseline);
    champion_free(&learnt);
}

static void a_champion_whose_file_does_not_load_is_no_rival(void **state)
{
    (void)state;
    assert_true(store(&passed, true, &nobody).ok);
    run_sql(&bench,
            "UPDATE cartwright.model_chunk SET data = overlay(data PLACING '\\x00' FROM 1)");
    struct champion c = champion_now();
    assert_false(c.found);
    champion_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(who_passed_serves_and_the_baseline_is_kept_beside_it, forget),
        cmocka_unit_test_teardown(
            where_the_challenger_is_refused_and_nobody_stands_the_baseline_serves, forget),
        cmocka_unit_test_teardown(a_champion_that_stands_serves_on_and_is_not_promoted_again,
                                  forget),
        cmocka_unit_test_teardown(without_a_challenger_there_is_one_row_and_it_serves, forget),
        cmocka_unit_test_teardown(a_promotion_that_fails_leaves_no_rows, forget),
        cmocka_unit_test_teardown(
            the_champion_is_who_serves_with_its_algorithm_and_the_end_of_its_log, forget),
        cmocka_unit_test_teardown(a_champion_whose_file_does_not_load_is_no_rival, forget),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
