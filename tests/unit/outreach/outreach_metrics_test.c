/* Specification of the decisions in /metrics. */
#include "outreach/outreach_metrics.h"

#include "support/exposition.h"
#include "support/spec.h"

static void decisions_are_counted_by_the_rule_that_decided(void **state)
{
    char why[300];
    struct buf out = buf_make(1 << 16);

    (void)state;
    outreach_metrics_count(true, "risk");
    outreach_metrics_count(false, "risk");
    outreach_metrics_count(false, "buyer");
    outreach_metrics_count(false, "buyer");
    outreach_metrics_render(&out);
    if (!exposition_check(buf_text(&out), why, sizeof why)) {
        fail_msg("%s", why);
    }
    assert_text_contains(buf_text(&out), "_total{decision=\"send\",reason=\"risk\"} 1\n");
    assert_text_contains(buf_text(&out), "_total{decision=\"silence\",reason=\"risk\"} 1\n");
    assert_text_contains(buf_text(&out), "_total{decision=\"silence\",reason=\"buyer\"} 2\n");
    assert_text_contains(buf_text(&out), "_total{decision=\"silence\",reason=\"bot\"} 0\n");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_are_counted_by_the_rule_that_decided),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
