#include "base/clock.h"

#include "support/spec.h"

static const struct {
    const char *text;
    int64_t us;
} good_times[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2019-10-01T04:00:00Z", INT64_C(1569902400000000)},
    {"2019-10-01t04:00:00z", INT64_C(1569902400000000)},
    {"2019-10-01T06:00:00+02:00", INT64_C(1569902400000000)},
    {"2019-09-30T22:15:00-05:45", INT64_C(1569902400000000)},
    {"2019-10-01T04:00:00-00:00", INT64_C(1569902400000000)},
    {"2019-10-02T03:59:00+23:59", INT64_C(1569902400000000)},
    {"1970-01-01T00:00:00.5Z", 500000},
    {"1970-01-01T00:00:00.05Z", 50000},
    {"1970-01-01T00:00:00.123Z", 123000},
    {"1970-01-01T00:00:00.1234Z", 123400},
    {"1970-01-01T00:00:00.12345Z", 123450},
    {"1970-01-01T00:00:00.123456Z", 123456},
    {"1970-01-01T00:00:00.1234569Z", 123456},
    {"1970-01-01T00:00:00.12345699Z", 123456},
    {"1970-01-01T00:00:00.999999999Z", 999999},
    {"1969-12-31T23:59:59.999999Z", -1},
    {"2000-02-29T00:00:00Z", INT64_C(951782400000000)},
    {"2020-02-29T12:00:00Z", INT64_C(1582977600000000)},
    {"1900-02-28T23:59:60Z", INT64_C(-2203891200000000)},
    {"2016-12-31T23:59:60Z", INT64_C(1483228800000000)}, /* a leap second is the next second */
    {"0001-01-01T00:00:00Z", INT64_C(-62135596800000000)},
    {"0999-12-31T00:00:00Z", INT64_C(-30610310400000000)},
    {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999)},
};

static void times_of_rfc_3339_are_read(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(good_times); i++) {
        struct err err = {0};
        int64_t us = 0;
        if (!clock_parse_rfc3339(good_times[i].text, &us, &err) || us != good_times[i].us) {
            fail_msg("%s: read as %lld %s", good_times[i].text, (long long)us, err.text);
        }
    }
}

static const struct {
    const char *text;
    const char *says;
} bad_times[] = {
    {"", "must be a time such as"},
    {"yesterday", "must be a time such as"},
    {"2019-10-01", "must be a time such as"},
    {"2019-10-01 04:00:00Z", "must be a time such as"},
    {" 2019-10-01T04:00:00Z", "must be a time such as"},
    {"2019-10-01T04:00Z", "must be a time such as"},
    {"2019-1-01T04:00:00Z", "must be a time such as"},
    {"+2019-10-01T04:00:00Z", "must be a time such as"},
    {"12019-10-01T04:00:00Z", "must be a time such as"},
    {"2019-10-01T04:00:00", "must end with its offset"},
    {"2019-10-01T04:00:00.5", "must end with its offset"},
    {"2019-10-01T04:00:00 Z", "must end with its offset"},
    {"2019-10-01T04:00:00,5Z", "must end with its offset"},
    {"2019-10-01T04:00:00.Z", "digits after the decimal point"},
    {"2019-10-01T04:00:00+2", "offset written as +02:00"},
    {"2019-10-01T04:00:00+0200", "offset written as +02:00"},
    {"2019-10-01T04:00:00+24:00", "offset of 24:00"},
    {"2019-10-01T04:00:00+02:60", "offset of 02:60"},
    {"2019-10-01T04:00:00ZZ", "must end after its offset"},
    {"2019-10-01T04:00:00Z ", "must end after its offset"},
    {"2019-00-01T04:00:00Z", "month 00"},
    {"2019-13-01T04:00:00Z", "month 13"},
    {"2019-10-00T04:00:00Z", "day 00"},
    {"2019-09-31T04:00:00Z", "2019-09 has 30 days"},
    {"2019-02-29T04:00:00Z", "2019-02 has 28 days"},
    {"1900-02-29T04:00:00Z", "1900-02 has 28 days"},
    {"2020-02-30T04:00:00Z", "2020-02 has 29 days"},
    {"2019-10-01T24:00:00Z", "24:00:00"},
    {"2019-10-01T04:60:00Z", "04:60:00"},
    {"2019-10-01T04:00:61Z", "04:00:61"},
    {"0000-01-01T00:00:00Z", "years 0001 to 9999"},
    {"0001-01-01T00:00:00+00:01", "years 0001 to 9999"},
    {"9999-12-31T23:59:59-00:01", "years 0001 to 9999"},
    {"9999-12-31T23:59:60Z", "years 0001 to 9999"},
};

static void what_is_no_time_is_refused_with_the_part_at_fault(void **state)
{
    (void)state;

    for (size_t i = 0; i < COUNT_OF(bad_times); i++) {
        struct err err = {.path = "/at"};
        int64_t us = 77;
        if (clock_parse_rfc3339(bad_times[i].text, &us, &err)) {
            fail_msg("\"%s\" was read as a time", bad_times[i].text);
        }
        assert_int_equal(err.kind, ERR_INVALID);
        assert_text_contains(err.text, bad_times[i].says);
        assert_string_equal(err.path, "/at");
        assert_int_equal(us, 77);
    }
}

static void a_time_is_written_with_a_fraction_only_where_it_has_one(void **state)
{
    char text[CLOCK_TEXT_MAX];
    (void)state;

    assert_string_equal(clock_format_rfc3339(INT64_C(1569902400000000), text),
                        "2019-10-01T04:00:00Z");
    assert_string_equal(clock_format_rfc3339(INT64_C(1569902400000001), text),
                        "2019-10-01T04:00:00.000001Z");
    assert_string_equal(clock_format_rfc3339(-1, text), "1969-12-31T23:59:59.999999Z");
    assert_string_equal(clock_format_rfc3339(INT64_C(-62135596800000000), text),
                        "0001-01-01T00:00:00Z");
    assert_true(strlen(clock_format_rfc3339(INT64_MAX, text)) < CLOCK_TEXT_MAX);
    assert_true(strlen(clock_format_rfc3339(INT64_MIN, text)) < CLOCK_TEXT_MAX);
}

static void every_day_of_four_centuries_reads_back_as_it_was_written(void **state)
{
    (void)state;

    for (int64_t day = -140000; day < 10000; day++) {
        char text[CLOCK_TEXT_MAX];
        struct err err = {0};
        int64_t us = day * DAYS(1) + (day % 86400) * SECONDS(1) + day % 7;
        int64_t back = 0;
        assert_true(clock_parse_rfc3339(clock_format_rfc3339(us, text), &back, &err));
        assert_int_equal(back, us);
    }
}

static const struct {
    const char *text;
    int64_t us;
    const char *written;
} good_durations[] = {
    {"0s", 0, "0s"},
    {"0d", 0, "0s"},
    {"1us", 1, "1us"},
    {"1500us", 1500, "1500us"},
    {"500ms", 500000, "500ms"},
    {"1000ms", SECONDS(1), "1s"},
    {"30s", SECONDS(30), "30s"},
    {"90s", SECONDS(90), "90s"},
    {"60s", MINUTES(1), "1m"},
    {"30m", MINUTES(30), "30m"},
    {"60m", HOURS(1), "1h"},
    {"24h", DAYS(1), "1d"},
    {"36h", HOURS(36), "36h"},
    {"7d", DAYS(7), "7d"},
    {"007d", DAYS(7), "7d"},
    {"106751991d", DAYS(106751991), "106751991d"},
};

static void durations_are_read_and_written_in_the_shortest_exact_form(void **state)
{
    char text[CLOCK_TEXT_MAX];
    (void)state;

    for (size_t i = 0; i < COUNT_OF(good_durations); i++) {
        struct err err = {0};
        int64_t us = -1;
        assert_true(clock_parse_duration(good_durations[i].text, &us, &err));
        assert_int_equal(us, good_durations[i].us);
        assert_string_equal(clock_format_duration(us, text), good_durations[i].written);
    }
}

static void a_duration_without_a_unit_or_past_64_bits_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "30",
                                      "s",
                                      "30 s",
                                      "-1s",
                                      "+1s",
                                      "1.5h",
                                      "1h30m",
                                      "30S",
                                      "30sec",
                                      "9223372036854775808us",
                                      "106751992d",
                                      "99999999999999999999999s",
                                      "184467440737095516160us"};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct err err = {0};
        int64_t us = 77;
        if (clock_parse_duration(bad[i], &us, &err)) {
            fail_msg("\"%s\" was read as a duration", bad[i]);
        }
        assert_int_equal(err.kind, ERR_INVALID);
        assert_int_equal(us, 77);
    }
}

static void the_clocks_go_forward(void **state)
{
    (void)state;

    int64_t before = clock_monotonic_us();
    assert_true(clock_monotonic_us() >= before);
    assert_true(clock_now_us() > INT64_C(1569902400000000)); /* past October 2019 */
}

static void a_time_is_as_exact_as_it_is_told(void **state)
{
    (void)state;
    assert_int_equal(clock_told_us("2019-10-01T04:00:00.5Z"), 1);
    assert_int_equal(clock_told_us("2019-10-01T04:00:00.0000001Z"), 1);
    assert_int_equal(clock_told_us("2019-10-01T04:00:00.000Z"), SECONDS(1));
    assert_int_equal(clock_told_us("2019-10-01T00:00:00.000+02:00"), DAYS(1));
    assert_int_equal(clock_told_us("2019-10-01T04:00:00Z"), SECONDS(1));
    assert_int_equal(clock_told_us("2019-10-01T00:00:01+00:00"), SECONDS(1));
    assert_int_equal(clock_told_us("2019-10-01t00:00:00z"), DAYS(1));
    assert_int_equal(clock_told_us("2019-10-01T00:00:00-05:00"), DAYS(1));
    assert_int_equal(clock_told_us(""), SECONDS(1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_as_exact_as_it_is_told),
        cmocka_unit_test(times_of_rfc_3339_are_read),
        cmocka_unit_test(what_is_no_time_is_refused_with_the_part_at_fault),
        cmocka_unit_test(a_time_is_written_with_a_fraction_only_where_it_has_one),
        cmocka_unit_test(every_day_of_four_centuries_reads_back_as_it_was_written),
        cmocka_unit_test(durations_are_read_and_written_in_the_shortest_exact_form),
        cmocka_unit_test(a_duration_without_a_unit_or_past_64_bits_is_refused),
        cmocka_unit_test(the_clocks_go_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
