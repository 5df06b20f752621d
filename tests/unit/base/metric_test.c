#include "base/metric.h"

#include "support/exposition.h"
#include "support/spec.h"

#include <math.h>

static struct buf rendered(void)
{
    struct buf out = buf_make(1 << 20);

    metric_render(&out);
    assert_true(buf_ok(&out));
    return out;
}

static void counters_and_gauges_show_their_value(void **state)
{
    (void)state;

    metric_add(METRIC_events_stored, 3);
    metric_add(METRIC_events_stored, 4);
    metric_set(METRIC_intake_queue, -5);
    metric_add(METRIC_http_connections, 2);
    metric_sub(METRIC_http_connections, 1);
    assert_int_equal(metric_value(METRIC_events_stored), 7);

    struct buf out = rendered();
    assert_text_contains(buf_text(&out), "\ncartwright_events_total{status=\"stored\"} 7\n");
    assert_text_contains(buf_text(&out), "\ncartwright_intake_queue_events -5\n");
    assert_text_contains(buf_text(&out), "\ncartwright_http_connections 1\n");
    buf_free(&out);
}

static void buckets_count_everything_up_to_their_bound(void **state)
{
    (void)state;

    metric_observe_us(METRIC_intake_commit_us, 100);      /* on a bound: inside */
    metric_observe_us(METRIC_intake_commit_us, 101);      /* just above */
    metric_observe_us(METRIC_intake_commit_us, 10000001); /* above the last bound */
    metric_observe_us(METRIC_intake_commit_us, -1);       /* a clock set back */
    assert_int_equal(metric_value(METRIC_intake_commit_us), 4);

    struct buf out = rendered();
    const char *text = buf_text(&out);
    assert_text_contains(text, "cartwright_intake_commit_seconds_bucket{le=\"0.0001\"} 2\n");
    assert_text_contains(text, "cartwright_intake_commit_seconds_bucket{le=\"0.00025\"} 3\n");
    assert_text_contains(text, "cartwright_intake_commit_seconds_bucket{le=\"10\"} 3\n");
    assert_text_contains(text, "cartwright_intake_commit_seconds_bucket{le=\"+Inf\"} 4\n");
    assert_text_contains(text, "cartwright_intake_commit_seconds_sum 10.000202\n");
    assert_text_contains(text, "cartwright_intake_commit_seconds_count 4\n");
    buf_free(&out);
}

static void seconds_and_reals_are_shown_in_base_units(void **state)
{
    (void)state;

    metric_set(METRIC_fold_lag_us, 1500000);
    metric_set_real(METRIC_risk_shift, -0.3);
    struct buf out = rendered();
    assert_text_contains(buf_text(&out), "\ncartwright_fold_lag_seconds 1.500000\n");
    assert_text_contains(buf_text(&out), "\ncartwright_risk_shift -0.3\n");
    buf_free(&out);
    metric_set(METRIC_fold_lag_us, -20);
    metric_set_real(METRIC_risk_shift, (double)NAN);
    out = rendered();
    assert_text_contains(buf_text(&out), "\ncartwright_fold_lag_seconds -0.000020\n");
    assert_text_contains(buf_text(&out), "\ncartwright_risk_shift NaN\n");
    buf_free(&out);
}

static void labels_of_run_time_may_hold_any_character(void **state)
{
    const struct metric_label labels[] = {{"a", "x\"y\\z\n"}, {"b", ""}};
    struct buf out = buf_make(1000);

    (void)state;
    metric_write_family(&out, "x_total", "counter", "Of a test.");
    metric_write_row(&out, "x_total", labels, 2, 3);
    metric_write_row(&out, "x_total", NULL, 0, 1e15);
    assert_string_equal(buf_text(&out), "# HELP x_total Of a test.\n# TYPE x_total counter\n"
                                        "x_total{a=\"x\\\"y\\\\z\\n\",b=\"\"} 3\n"
                                        "x_total 1e+15\n");
    buf_free(&out);
}

static void the_table_is_what_promtool_accepts(void **state)
{
    char why[300];
    struct buf out = rendered();

    (void)state;
    if (!exposition_check(buf_text(&out), why, sizeof why)) {
        fail_msg("%s", why);
    }
    buf_free(&out);
}

/* The check itself, which a test with nothing to find would not notice. */
static const struct {
    const char *text;
    const char *why;
} faults[] = {
#define A(name, type, rows) "# HELP " name " Of a test.\n# TYPE " name " " type "\n" rows
    {"", "no line"},
    {"x 1", "does not end"},
    {"x 1\n", "a row of another family"},
    {A("x", "gauge", "x\n"), "none of the format"},
    {A("x", "gauge", "x{a=b} 1\n"), "none of the format"},
    {A("x", "gauge", "x{a=\"b} 1\n"), "none of the format"},
    {A("x", "gauge", "x{a=\"\\x\"} 1\n"), "none of the format"},
    {A("x", "gauge", "x 1 y\n"), "none of the format"},
    {A("x", "gauge", "x  1\n"), "none of the format"},
    {A("x", "gauge", "y 1\n"), "a row of another family"},
    {A("x", "gauge", "x_sum 1\n"), "a row of another family"},
    {A("x", "gauge", "x 1\nx 2\n"), "there before"},
    {A("x", "gauge", "x{a=\"b\"} 1\nx{a=\"b\"} 1\n"), "there before"},
    {A("x", "gauge", "x{le=\"1\"} 1\n"), "le on what is no histogram"},
    {A("x", "gauge", "x 1\n") A("x", "gauge", "x{a=\"b\"} 1\n"), "there before"},
    {A("x", "number", "x 1\n"), "a type that is none"},
    {"# HELP x\n# TYPE x gauge\nx 1\n", "HELP without words"},
    {"# TYPE x gauge\nx 1\n", "TYPE not right behind its HELP"},
    {"# HELP x Y.\nx 1\n", "a row of another family"},
    {"# HELP x Y.\n", "no TYPE"},
    {"# x\n", "neither HELP nor TYPE"},
    {A("x_total", "counter", "x_total -1\n"), "below 0"},
    {A("x_total", "counter", "x_total NaN\n"), "below 0"},
    {A("x", "counter", "x 1\n"), "a counter without _total"},
    {A("x_total", "gauge", "x_total 1\n"), "_total on what is no counter"},
    {A("x_count", "gauge", "x_count 1\n"), "a histogram's"},
    {A("xY", "gauge", "xY 1\n"), "snake case"},
    {A("x:y", "gauge", "x:y 1\n"), "snake case"},
    {A("x_ms", "gauge", "x_ms 1\n"), "abbreviated"},
    {A("x_milliseconds", "gauge", "x_milliseconds 1\n"), "no base unit"},
    {A("x_minutes_y", "gauge", "x_minutes_y 1\n"), "no base unit"},
    {A("x_gauge", "gauge", "x_gauge 1\n"), "a type in it"},
    {A("x", "histogram", "x_bucket{le=\"1\"} 2\nx_bucket{le=\"+Inf\"} 1\nx_sum 1\nx_count 1\n"),
     "do not grow"},
    {A("x", "histogram", "x_bucket{le=\"+Inf\"} 1\nx_sum 1\nx_count 2\n"), "a count that is not"},
    {A("x", "histogram", "x_bucket{le=\"1\"} 1\nx_sum 1\nx_count 1\n"), "without sum, count"},
    {A("x", "histogram", "x_bucket{le=\"+Inf\"} 1\nx_count 1\n"), "without sum, count"},
};

static void the_check_finds_every_fault(void **state)
{
    char why[300];

    (void)state;
    assert_true(
        exposition_check(A("x", "gauge", "x{a=\"b\\\"\",c=\"\"} -1.5\nx NaN\n")
                             A("y_seconds", "histogram",
                               "y_seconds_bucket{le=\"0.1\"} 1\ny_seconds_bucket{le=\"+Inf\"} 1\n"
                               "y_seconds_sum 0.1\ny_seconds_count 1\n"),
                         why, sizeof why));
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        if (exposition_check(faults[i].text, why, sizeof why) ||
            strstr(why, faults[i].why) == NULL) {
            fail_msg("%s: %s", faults[i].text, why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_and_gauges_show_their_value),
        cmocka_unit_test(buckets_count_everything_up_to_their_bound),
        cmocka_unit_test(seconds_and_reals_are_shown_in_base_units),
        cmocka_unit_test(labels_of_run_time_may_hold_any_character),
        cmocka_unit_test(the_table_is_what_promtool_accepts),
        cmocka_unit_test(the_check_finds_every_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
