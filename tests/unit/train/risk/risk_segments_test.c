/* Which rows are in which segment of the risk's figures. */
#include "train/risk/risk_segments.h"

#include "support/spec.h"

#include <math.h>
#include <string.h>

enum { TOTALS = 9 };

/* Carts with totals of 10, 20 ... 90, one of them unknown beside them. */
struct carts {
    struct moment moment[TOTALS + 1];
    const struct moment *all[TOTALS + 1];
};

static struct risk_example example(double total, double sessions, const char *device)
{
    struct features x = {0};
    for (int f = 0; f < FEATURE_COUNT; f++) {
        x.values[f] = (double)NAN;
    }
    x.values[FEATURE_TOTAL] = total;
    x.values[FEATURE_SESSIONS] = sessions;
    x.ids[FEATURE_DEVICE] = device;
    return risk_flatten(&x);
}

static struct moments open_carts(struct carts *c)
{
    *c = (struct carts){0};
    for (int i = 0; i <= TOTALS; i++) {
        c->moment[i].x = example(i < TOTALS ? 10.0 * (TOTALS - i) : (double)NAN, 1, NULL);
        c->all[i] = &c->moment[i];
    }
    return (struct moments){c->all, TOTALS + 1};
}

static bool is_in(const struct risk_segment_range ranges[RISK_SEGMENTS], const char *name,
                  struct risk_example x)
{
    for (int i = 0; i < RISK_SEGMENTS; i++) {
        if (strcmp(ranges[i].name, name) == 0) {
            return risk_segment_has(&ranges[i], &x);
        }
    }
    fail_msg("there is no segment \"%s\"", name);
    return false;
}

static void carts_are_parted_by_value_in_thirds_of_the_known_totals(void **state)
{
    struct risk_segment_range ranges[RISK_SEGMENTS];
    struct carts c;
    int in[3] = {0};
    (void)state;
    const struct moments before = open_carts(&c);
    risk_segments_of(&before, ranges);
    for (int i = 0; i < TOTALS; i++) {
        in[0] += is_in(ranges, "small carts (lowest third)", c.moment[i].x);
        in[1] += is_in(ranges, "middle carts", c.moment[i].x);
        in[2] += is_in(ranges, "large carts (highest third)", c.moment[i].x);
    }
    assert_int_equal(in[0], 3);
    assert_int_equal(in[1], 3);
    assert_int_equal(in[2], 3);
    assert_true(is_in(ranges, "small carts (lowest third)", example(1, 1, NULL)));
    assert_true(is_in(ranges, "large carts (highest third)", example(1e9, 1, NULL)));
}

static void what_is_not_known_is_a_segment_of_its_own(void **state)
{
    struct risk_segment_range ranges[RISK_SEGMENTS];
    struct carts c;
    (void)state;
    const struct moments before = open_carts(&c);
    risk_segments_of(&before, ranges);
    const struct risk_example unknown = example((double)NAN, 1, NULL);
    assert_true(is_in(ranges, "cart value not known", unknown));
    assert_false(is_in(ranges, "small carts (lowest third)", unknown));
    assert_true(is_in(ranges, "device not known", unknown));
    assert_false(is_in(ranges, "cart value not known", example(10, 1, NULL)));
}

static void a_device_is_in_its_own_segment_only(void **state)
{
    static const char *const names[] = {"on a mobile phone", "on a desktop", "on a tablet",
                                        "device not known"};
    static const char *const devices[] = {"mobile", "desktop", "tablet"};
    struct risk_segment_range ranges[RISK_SEGMENTS];
    struct carts c;
    (void)state;
    const struct moments before = open_carts(&c);
    risk_segments_of(&before, ranges);
    for (size_t d = 0; d < COUNT_OF(devices); d++) {
        for (size_t n = 0; n < COUNT_OF(names); n++) {
            assert_int_equal(is_in(ranges, names[n], example(10, 1, devices[d])), n == d);
        }
    }
}

static void the_second_visit_is_one_of_somebody_who_came_back(void **state)
{
    struct risk_segment_range ranges[RISK_SEGMENTS];
    const struct moments nothing = {0};
    (void)state;
    risk_segments_of(&nothing, ranges);
    assert_true(is_in(ranges, "first visit", example(10, 1, NULL)));
    assert_false(is_in(ranges, "came back", example(10, 1, NULL)));
    assert_true(is_in(ranges, "came back", example(10, 2, NULL)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carts_are_parted_by_value_in_thirds_of_the_known_totals),
        cmocka_unit_test(what_is_not_known_is_a_segment_of_its_own),
        cmocka_unit_test(a_device_is_in_its_own_segment_only),
        cmocka_unit_test(the_second_visit_is_one_of_somebody_who_came_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
