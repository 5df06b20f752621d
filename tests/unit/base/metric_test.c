#include "base/metric.h"

#include "support/spec.h"

static struct buf rendered(void)
{
    struct buf out = buf_make(1 << 20);

    metric_render(&out);
    assert_true(buf_ok(&out));
    return out;
}

static int occurrences(const char *text, const char *part)
{
    int n = 0;

    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) {
        n++;
    }
    return n;
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

static const char *const names[] = {
#define METRIC(id, type, name, help) name,
#include "base/metric_table.inc"
#undef METRIC
};

static void every_family_is_described_once(void **state)
{
    struct buf out = rendered();
    (void)state;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct buf line = buf_make(200);
        buf_printf(&line, "# TYPE %.*s ", (int)strcspn(names[i], "{"), names[i]);
        assert_int_equal(occurrences(buf_text(&out), buf_text(&line)), 1);
        memcpy(line.data, "# HELP", 6);
        assert_int_equal(occurrences(buf_text(&out), buf_text(&line)), 1);
        buf_free(&line);
    }
    buf_free(&out);
}

static void no_two_rows_share_a_name(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(names[i], names[k]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_and_gauges_show_their_value),
        cmocka_unit_test(buckets_count_everything_up_to_their_bound),
        cmocka_unit_test(every_family_is_described_once),
        cmocka_unit_test(no_two_rows_share_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
