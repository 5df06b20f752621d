#include "ml/judge/split.h"

#include "unit/ml/ml_spec.h"

static void the_quantile_leaves_its_share_before_it(void **state)
{
    (void)state;
    const int64_t times[] = {50, 10, 40, 20, 30};
    assert_int_equal(split_time_quantile(times, 5, 0.6), 40);
    assert_int_equal(split_time_quantile(times, 5, 0), 10);
    assert_int_equal(split_time_quantile(times, 5, 1), 51);
    assert_int_equal(split_time_quantile(times, 0, 0.5), 0);
}

static void equal_times_are_never_parted(void **state)
{
    (void)state;
    const int64_t times[] = {1, 2, 2, 2, 2, 3};
    int64_t cut = split_time_quantile(times, 6, 0.5);
    size_t before = split_first_at(times, 6, cut);
    assert_int_equal(cut, 2);
    assert_int_equal(before, 1);
}

static void the_first_at_a_moment_is_found_by_bisection(void **state)
{
    (void)state;
    const int64_t times[] = {-5, 0, 0, 7};
    const struct {
        int64_t moment;
        size_t at;
    } cases[] = {{-9, 0}, {-5, 0}, {-4, 1}, {0, 1}, {1, 3}, {7, 3}, {8, 4}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(split_first_at(times, 4, cases[i].moment), cases[i].at);
    }
    assert_int_equal(split_first_at(NULL, 0, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_quantile_leaves_its_share_before_it),
        cmocka_unit_test(equal_times_are_never_parted),
        cmocka_unit_test(the_first_at_a_moment_is_found_by_bisection),
    };
    return cmocka_run_group_tests_name("ml/judge/split", tests, NULL, NULL);
}
