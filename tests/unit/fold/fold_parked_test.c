/* Which lanes are left alone, and for how long. */
#include "fold/fold_parked.h"

#include "base/clock.h"
#include "base/metric.h"
#include "support/spec.h"

static void a_lane_is_left_alone_ever_longer_up_to_two_seconds(void **state)
{
    static const int64_t wanted_ms[] = {250, 500, 1000, 2000, 2000, 2000};
    struct fold_parked p = {0};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(wanted_ms); i++) {
        const int64_t before_us = clock_monotonic_us();
        parked_put(&p, 7);
        assert_int_equal(p.lanes[7].for_us, wanted_ms[i] * 1000);
        assert_true(p.lanes[7].until_us >= before_us + p.lanes[7].for_us);
        assert_false(parked_is_due(&p, 7));
    }
    parked_clear(&p);
}

static void it_counts_once_and_until_it_is_taken(void **state)
{
    const uint64_t held = metric_value(METRIC_fold_held);
    struct fold_parked p = {0};
    (void)state;

    assert_int_equal(parked_since_us(&p), INT64_MAX);
    parked_put(&p, 0);
    parked_put(&p, 0);
    parked_put(&p, LANES - 1);
    assert_int_equal(p.count, 2);
    assert_int_equal(metric_value(METRIC_fold_held), held + 2);
    assert_int_equal(parked_since_us(&p), p.lanes[0].since_us);
    parked_take(&p, 0);
    parked_take(&p, 0);
    assert_false(parked_has(&p, 0));
    assert_true(parked_has(&p, LANES - 1));
    assert_int_equal(parked_since_us(&p), p.lanes[LANES - 1].since_us);
    assert_int_equal(p.count, 1);
    parked_clear(&p);
    assert_int_equal(p.count, 0);
    assert_int_equal(metric_value(METRIC_fold_held), held);
}

/* One that is not due is none's yet: it may only have been left out of a renewal. */
static void a_lane_that_was_lost_is_forgotten_once_it_is_due(void **state)
{
    const struct lane_lease ours[] = {{.lane = 3}};
    struct fold_parked p = {0};
    (void)state;

    parked_put(&p, 3);
    parked_put(&p, 4);
    parked_put(&p, 5);
    p.lanes[3].until_us = 1;
    p.lanes[4].until_us = 1;
    parked_keep(&p, ours, 1);
    assert_true(parked_has(&p, 3));
    assert_false(parked_has(&p, 4));
    assert_true(parked_has(&p, 5));
    parked_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_is_left_alone_ever_longer_up_to_two_seconds),
        cmocka_unit_test(it_counts_once_and_until_it_is_taken),
        cmocka_unit_test(a_lane_that_was_lost_is_forgotten_once_it_is_due),
    };
    return cmocka_run_group_tests_name("fold/fold_parked", tests, NULL, NULL);
}
