#include "base/civil.h"

#include "support/spec.h"

static void known_days_have_their_numbers(void **state)
{
    (void)state;
    assert_true(civil_days(1970, 1, 1) == 0);
    assert_true(civil_days(1969, 12, 31) == -1);
    assert_true(civil_days(2000, 2, 29) == 11016);
    assert_true(civil_days(2026, 11, 29) == 20786);
    assert_true(civil_days(1, 1, 1) == -719162);
    assert_true(civil_days(10000, 1, 1) == 2932897);
}

/* Day after day from March of the year -400 on (where the first era below year 0 begins), beside a calendar that counts. */
static void every_day_follows_the_one_before(void **state)
{
    (void)state;
    int64_t year = -400;
    int month = 3;
    int day = 1;
    for (int64_t days = civil_days(year, month, day); days < civil_days(2500, 1, 1); days++) {
        int64_t y = 0;
        int m = 0;
        int d = 0;
        civil_date(days, &y, &m, &d);
        if (y != year || m != month || d != day || civil_days(year, month, day) != days) {
            fail_msg("day %lld is %lld-%d-%d, not %lld-%d-%d", (long long)days, (long long)y, m, d,
                     (long long)year, month, day);
        }
        if (++day > civil_days_in_month(year, month)) {
            day = 1;
            month = month % 12 + 1;
            year += month == 1;
        }
    }
}

static void february_has_its_leap_day_by_the_gregorian_rule(void **state)
{
    (void)state;
    assert_int_equal(civil_days_in_month(2024, 2), 29);
    assert_int_equal(civil_days_in_month(2023, 2), 28);
    assert_int_equal(civil_days_in_month(1900, 2), 28);
    assert_int_equal(civil_days_in_month(2000, 2), 29);
    assert_int_equal(civil_days_in_month(2023, 1), 31);
    assert_int_equal(civil_days_in_month(2023, 4), 30);
    assert_int_equal(civil_days_in_month(2023, 12), 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_days_have_their_numbers),
        cmocka_unit_test(every_day_follows_the_one_before),
        cmocka_unit_test(february_has_its_leap_day_by_the_gregorian_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
