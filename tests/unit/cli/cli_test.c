/* What all commands share. */
#include "cli/cli.h"

#include "base/clock.h"
#include "support/spec.h"

static void assert_refused(const char *text, const char *why)
{
    struct err err = {0};
    int64_t us = 0;
    assert_false(cli_horizon(text, &us, &err));
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.path, "horizon");
    assert_text_contains(err.text, why);
}

static void a_horizon_reaches_as_far_as_the_curve_of_the_risk(void **state)
{
    struct err err = {0};
    int64_t us = 0;
    (void)state;
    assert_true(cli_horizon("14d", &us, &err));
    assert_true(us == DAYS(14));
    assert_true(cli_horizon("30m", &us, &err));
    assert_true(us == MINUTES(30));
    assert_refused("15d", "at most 14d");
    assert_refused("0s", "more than nothing");
    assert_refused("soon", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_horizon_reaches_as_far_as_the_curve_of_the_risk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
