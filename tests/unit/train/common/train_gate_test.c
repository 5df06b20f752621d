/* Who passes the gate: the figures of made-up contenders, shopper by shopper. */
#include "support/spec.h"
#include "train/common/train_gate.h"

#include <math.h>
#include <string.h>

enum { SHOPPERS = 200 };

/* Every shopper's value, alternately `spread` above and below. */
static void fill(double values[SHOPPERS], double mean, double spread)
{
    for (int i = 0; i < SHOPPERS; i++) {
        values[i] = mean + (i % 2 ? spread : -spread);
    }
}

struct field {
    double challenger[SHOPPERS], baseline[SHOPPERS], simple[SHOPPERS], champion[SHOPPERS];
    struct contest contest;
    struct champion serving;
};

/* A challenger worth .1 more than the baseline, and no third one. */
static void open_field(struct field *f)
{
    *f = (struct field){0};
    fill(f->challenger, -.4, .3);
    fill(f->baseline, -.5, .3);
    f->contest = (struct contest){
        .metric = "log loss",
        .challenger = f->challenger,
        .baseline = f->baseline,
        .count = SHOPPERS,
        .per = SHOPPERS,
        .as_of_us = 1000,
        .seed = 1,
    };
}

static void add_simple(struct field *f, double mean, double spread)
{
    fill(f->simple, mean, spread);
    f->contest.simple = f->simple;
    f->contest.simple_name = "logistic regression";
}

static void add_champion(struct field *f, double mean)
{
    fill(f->champion, mean, .3);
    f->contest.champion = f->champion;
    f->serving = (struct champion){.found = true, .version = "risk-blend-2", .as_of_us = 500};
}

static struct verdict judged(const struct field *f)
{
    return gate_judge(&f->contest, &f->serving);
}

static void better_than_the_baseline_by_more_than_chance_passes(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    struct verdict v = judged(&f);
    assert_true(v.passed);
    assert_text_contains(v.reason, "better than the baseline's by 0.1000");
}

static void better_within_chance_is_refused(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    fill(f.challenger, -.49, -.3); /* in half of the shoppers .61 better, in the others .59 worse */
    struct verdict v = judged(&f);
    assert_false(v.passed);
    assert_true(v.gain > 0);
    assert_text_contains(v.reason, "does not beat the baseline's beyond chance");
}

static void beaten_by_the_simple_learner_is_refused_though_the_baseline_is_worse(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    add_simple(&f, -.38, .3);
    struct verdict v = judged(&f);
    assert_true(v.beats_baseline);
    assert_false(v.passed);
    assert_text_contains(v.reason, "behind that of logistic regression by 0.0200 beyond chance");
}

static void a_simple_learner_that_is_ahead_by_chance_does_not_refuse(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    add_simple(&f, -.38, -.3);
    struct verdict v = judged(&f);
    assert_true(v.passed);
    assert_text_contains(v.reason, "not worse than that of logistic regression");
}

static void behind_the_champion_is_refused_and_the_champion_stands(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    add_champion(&f, -.39);
    struct verdict v = judged(&f);
    assert_false(v.passed);
    assert_true(v.champion_stands);
    assert_text_contains(v.reason, "behind that of risk-blend-2 by 0.0100");
}

static void as_good_as_the_champion_passes_having_learnt_from_more(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    add_champion(&f, -.4);
    assert_true(judged(&f).passed);
}

static void a_champion_that_is_worse_than_the_baseline_does_not_stand(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    add_simple(&f, -.3, .3);
    add_champion(&f, -.6);
    struct verdict v = judged(&f);
    assert_false(v.passed);
    assert_false(v.champion_stands);
}

static void who_learnt_from_an_older_log_is_refused(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    f.serving = (struct champion){.found = true, .version = "risk-blend-9", .as_of_us = 5000};
    struct verdict v = judged(&f);
    assert_false(v.passed);
    assert_true(v.champion_stands);
    assert_text_contains(v.reason, "risk-blend-9 was trained on later events");
}

/* Standard error of the mean of n gains that lie `spread` to either side of it. */
static double error_of(double spread)
{
    return spread / sqrt(SHOPPERS);
}

static void the_bar_is_1_64_standard_errors_of_the_gain(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    fill(f.baseline, -.5, 0);
    fill(f.challenger, -.5 + 1.4 * error_of(.3), .3);
    assert_false(judged(&f).passed);
    fill(f.challenger, -.5 + 1.9 * error_of(.3), .3);
    assert_true(judged(&f).passed);
}

static void gain_and_error_are_those_of_the_metric_s_mean_over_rows(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    fill(f.baseline, -.5, 0);
    f.contest.per = 5.0 * SHOPPERS; /* moments; a shopper's value is the sum over its own */
    struct verdict v = judged(&f);
    assert_true(fabs(v.gain - .1 / 5) < 1e-12);
    assert_true(fabs(v.gain_error - error_of(.3) / 5) < .1 * error_of(.3) / 5);
}

static void the_same_figures_as_the_baseline_s_do_not_pass(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    fill(f.challenger, -.5, .3);
    struct verdict v = judged(&f);
    assert_false(v.passed);
    assert_true(v.gain == 0 && v.gain_error == 0);
}

static void a_champion_as_good_as_the_baseline_stands(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    add_champion(&f, -.5);
    fill(f.challenger, -.6, .3);
    assert_true(judged(&f).champion_stands);
}

static void a_baseline_that_serves_is_no_rival(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    add_champion(&f, -.1);
    f.serving.is_baseline = true;
    f.serving.as_of_us = 5000;
    struct verdict v = judged(&f);
    assert_true(v.passed);
    assert_false(v.champion_stands);
}

/* An affinity file tells the first moment it has not seen. */
static void one_microsecond_is_no_later_log(void **state)
{
    struct field f;
    (void)state;
    open_field(&f);
    f.serving = (struct champion){.found = true, .version = "affinity-als-2"};
    f.serving.as_of_us = f.contest.as_of_us + 1;
    assert_true(judged(&f).passed);
    f.serving.as_of_us++;
    assert_false(judged(&f).passed);
}

static void without_a_challenger_the_champion_stands_if_it_is_more_than_a_baseline(void **state)
{
    struct champion serving = {.found = true};
    (void)state;
    struct verdict v = gate_without_challenger(&serving, "too little");
    assert_false(v.passed);
    assert_true(v.champion_stands);
    assert_string_equal(v.reason, "too little");
    serving.is_baseline = true;
    assert_false(gate_without_challenger(&serving, "too little").champion_stands);
    serving = (struct champion){0};
    assert_false(gate_without_challenger(&serving, "too little").champion_stands);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(better_than_the_baseline_by_more_than_chance_passes),
        cmocka_unit_test(better_within_chance_is_refused),
        cmocka_unit_test(beaten_by_the_simple_learner_is_refused_though_the_baseline_is_worse),
        cmocka_unit_test(a_simple_learner_that_is_ahead_by_chance_does_not_refuse),
        cmocka_unit_test(behind_the_champion_is_refused_and_the_champion_stands),
        cmocka_unit_test(as_good_as_the_champion_passes_having_learnt_from_more),
        cmocka_unit_test(a_champion_that_is_worse_than_the_baseline_does_not_stand),
        cmocka_unit_test(who_learnt_from_an_older_log_is_refused),
        cmocka_unit_test(the_bar_is_1_64_standard_errors_of_the_gain),
        cmocka_unit_test(gain_and_error_are_those_of_the_metric_s_mean_over_rows),
        cmocka_unit_test(the_same_figures_as_the_baseline_s_do_not_pass),
        cmocka_unit_test(a_champion_as_good_as_the_baseline_stands),
        cmocka_unit_test(a_baseline_that_serves_is_no_rival),
        cmocka_unit_test(one_microsecond_is_no_later_log),
        cmocka_unit_test(without_a_challenger_the_champion_stands_if_it_is_more_than_a_baseline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
