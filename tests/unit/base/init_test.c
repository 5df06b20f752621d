#include "base/init.h"

#include "support/spec.h"

#include <sys/resource.h>

static void no_core_dump_may_be_written(void **state)
{
    struct err err = {0};
    struct rlimit limit = {.rlim_cur = 1};
    (void)state;

    assert_true(base_init(&err));
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    assert_int_equal(limit.rlim_cur, 0);
    assert_int_equal(limit.rlim_max, 0);
    assert_true(base_init(&err)); /* twice is harmless */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_core_dump_may_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
