#include "evaluate/report_plot.h"

#include "support/spec.h"

#include <math.h>
#include <stdlib.h>

static struct buf page;

static int begin(void **state)
{
    (void)state;
    page = buf_make(1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buf_free(&page);
    return 0;
}

static int count_text(const char *text, const char *part)
{
    int count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) {
        count++;
    }
    return count;
}

static void ticks_are_round_and_inside(void **state)
{
    static const struct {
        double low, high;
        int wanted, count;
        double first, last;
    } cases[] = {
        {0, 1, 5, 6, 0, 1},           {0, 0.087, 5, 5, 0, 0.08},  {-1, 1, 5, 5, -1, 1},
        {0.13, 0.94, 5, 4, 0.2, 0.8}, {1e6, 9e6, 4, 4, 2e6, 8e6}, {3, 3, 5, 1, 3, 3},
        {0, 1e-9, 5, 6, 0, 1e-9},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        double ticks[PLOT_TICKS_MAX];
        int count = plot_ticks(cases[i].low, cases[i].high, cases[i].wanted, ticks);
        if (count != cases[i].count ||
            fabs(ticks[0] - cases[i].first) > 1e-9 * fabs(cases[i].last) ||
            fabs(ticks[count - 1] - cases[i].last) > 1e-9 * fabs(cases[i].last)) {
            fail_msg("case %zu: %d ticks from %g to %g", i, count, ticks[0], ticks[count - 1]);
        }
    }
}

static void ticks_never_outgrow_their_room(void **state)
{
    double ticks[PLOT_TICKS_MAX];
    (void)state;
    for (int i = 1; i < 2000; i++) {
        for (int wanted = 2; wanted <= PLOT_TICKS_MAX - 2; wanted++) {
            int count = plot_ticks(0, i * 0.37, wanted, ticks);
            assert_in_range(count, 1, wanted + 1);
        }
    }
}

static void a_plot_draws_every_series_and_escapes_its_words(void **state)
{
    const double x[] = {1, 2, 3};
    const double y[] = {.1, .2, .3};
    const struct plot_series series[] = {
        {.name = "a < b", .colour = 0, .mark = PLOT_LINE, .count = 3, .x = x, .y = y},
        {.name = "dots", .colour = 1, .mark = PLOT_DOTS, .count = 3, .x = x, .y = y},
    };
    const struct plot p = {.title = "t & t",
                           .x = {.label = "k"},
                           .y = {.label = "<y>", .percent = true},
                           .series = series,
                           .series_count = 2};
    struct err err = {0};
    (void)state;
    assert_true(plot_xy(&page, &p, &err));
    const char *html = buf_text(&page);
    assert_int_equal(count_text(html, "class=\"s0 path\""), 2); /* the line and the legend's */
    assert_int_equal(count_text(html, "<circle"), 4);           /* three dots and the legend's */
    assert_text_contains(html, "t &amp; t");
    assert_text_contains(html, "a &lt; b");
    assert_text_contains(html, "&lt;y&gt;");
    assert_text_contains(html, "30 %");
}

static void an_interval_is_a_band_of_a_line_and_whiskers_of_dots(void **state)
{
    const double x[] = {1, 2};
    const double y[] = {.1, .2};
    const double low[] = {0, .1};
    const double high[] = {.2, .3};
    struct plot_series s = {
        .name = "s", .mark = PLOT_LINE, .count = 2, .x = x, .y = y, .low = low, .high = high};
    struct plot p = {.title = "t", .series = &s, .series_count = 1};
    struct err err = {0};
    (void)state;
    assert_true(plot_xy(&page, &p, &err));
    assert_int_equal(count_text(buf_text(&page), "band\""), 1);
    buf_reset(&page);
    s.mark = PLOT_DOTS;
    assert_true(plot_xy(&page, &p, &err));
    assert_int_equal(count_text(buf_text(&page), "band\""), 0);
    assert_int_equal(count_text(buf_text(&page), "whisker\""), 2);
}

static void a_plot_without_data_says_so(void **state)
{
    const struct plot p = {.title = "t", .x = {.label = "x"}};
    const struct plot_bars bars = {.title = "t"};
    const struct plot_histogram histogram = {.title = "t", .y_label = "n"};
    struct err err = {0};
    (void)state;
    assert_true(plot_xy(&page, &p, &err));
    assert_true(plot_bars(&page, &bars, &err));
    assert_true(plot_histogram(&page, &histogram, &err));
    assert_int_equal(count_text(buf_text(&page), "no data"), 3);
    assert_null(strstr(buf_text(&page), "nan"));
    assert_null(strstr(buf_text(&page), "inf"));
}

static void a_value_that_is_not_finite_is_refused_and_nothing_is_drawn(void **state)
{
    static const double wrong[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        const double x[] = {1, 2};
        const double y[] = {.1, wrong[i]};
        const struct plot_series s = {.name = "the curve", .count = 2, .x = x, .y = y};
        const struct plot p = {.title = "t", .series = &s, .series_count = 1};
        const struct plot_bar bar = {.name = "the bar", .value = wrong[i]};
        const struct plot_bars bars = {.title = "t", .bars = &bar, .count = 1};
        const struct plot_histogram histogram = {.edges = x, .heights = &y[1], .count = 1};
        struct err err = {0};
        assert_false(plot_xy(&page, &p, &err));
        assert_int_equal(err.kind, ERR_INVALID);
        assert_text_contains(err.text, "value 1 of the curve");
        assert_false(plot_bars(&page, &bars, &err));
        assert_text_contains(err.text, "the bar");
        assert_false(plot_histogram(&page, &histogram, &err));
        assert_int_equal(page.len, 0);
    }
}

static void zero_has_no_place_on_a_logarithmic_axis(void **state)
{
    const double x[] = {0, 2};
    const double y[] = {1, 2};
    const struct plot_series s = {.name = "s", .count = 2, .x = x, .y = y};
    const struct plot p = {
        .title = "t", .x = {.logarithmic = true}, .series = &s, .series_count = 1};
    struct err err = {0};
    (void)state;
    assert_false(plot_xy(&page, &p, &err));
    assert_text_contains(err.text, "above 0");
}

static void one_point_and_a_flat_line_have_their_place(void **state)
{
    const double x[] = {5, 6};
    const double y[] = {0, 0};
    struct plot_series s = {.name = "s", .mark = PLOT_LINE_DOTS, .count = 1, .x = x, .y = y};
    const struct plot p = {.title = "t", .series = &s, .series_count = 1};
    struct err err = {0};
    (void)state;
    assert_true(plot_xy(&page, &p, &err));
    s.count = 2;
    assert_true(plot_xy(&page, &p, &err));
    assert_null(strstr(buf_text(&page), "nan"));
}

static void bars_show_their_values_and_a_bar_of_twice_the_value_is_twice_as_long(void **state)
{
    const struct plot_bar bars[] = {{.name = "one", .value = .2},
                                    {.name = "two", .value = .4, .low = .35, .high = .45}};
    const struct plot_bars p = {.title = "t", .axis = {.percent = true}, .bars = bars, .count = 2};
    struct err err = {0};
    double width[2];
    (void)state;
    assert_true(plot_bars(&page, &p, &err));
    const char *at = buf_text(&page);
    for (int i = 0; i < 2; i++) {
        at = strstr(at, "<rect");
        assert_non_null(at);
        at = strstr(at, "width=\"") + 7;
        width[i] = strtod(at, NULL);
    }
    assert_true(fabs(width[1] - 2 * width[0]) < 0.2);
    assert_text_contains(buf_text(&page), "40.0 %");
    assert_int_equal(count_text(buf_text(&page), "whisker\""), 3);
}

static void a_capped_bar_ends_at_the_cap_and_still_tells_its_value(void **state)
{
    const struct plot_bar bars[] = {{.name = "one", .value = 1}, {.name = "far", .value = 70}};
    const struct plot_bars p = {.title = "t", .bars = bars, .count = 2, .cap = 1};
    struct err err = {0};
    (void)state;
    assert_true(plot_bars(&page, &p, &err));
    const char *first = strstr(buf_text(&page), "<rect");
    assert_non_null(first);
    const char *second = strstr(first + 1, "<rect");
    assert_non_null(second);
    assert_true(strtod(strstr(first, "width=\"") + 7, NULL) ==
                strtod(strstr(second, "width=\"") + 7, NULL));
    assert_text_contains(second, "70.0000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_are_round_and_inside),
        cmocka_unit_test(ticks_never_outgrow_their_room),
        cmocka_unit_test_setup_teardown(a_plot_draws_every_series_and_escapes_its_words, begin,
                                        end),
        cmocka_unit_test_setup_teardown(an_interval_is_a_band_of_a_line_and_whiskers_of_dots, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_plot_without_data_says_so, begin, end),
        cmocka_unit_test_setup_teardown(a_value_that_is_not_finite_is_refused_and_nothing_is_drawn,
                                        begin, end),
        cmocka_unit_test_setup_teardown(zero_has_no_place_on_a_logarithmic_axis, begin, end),
        cmocka_unit_test_setup_teardown(one_point_and_a_flat_line_have_their_place, begin, end),
        cmocka_unit_test_setup_teardown(
            bars_show_their_values_and_a_bar_of_twice_the_value_is_twice_as_long, begin, end),
        cmocka_unit_test_setup_teardown(a_capped_bar_ends_at_the_cap_and_still_tells_its_value,
                                        begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
