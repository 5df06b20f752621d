/* Calibration that depends on a position: planted lines are found, few rows change little, and nothing odd comes out. */
#include "ml/calib_curve.h"

#include "base/rng.h"
#include "ml/logistic.h"
#include "support/spec.h"

#include <math.h>

enum { ROWS = 20000 };

static double margins[ROWS];
static double positions[ROWS];
static uint8_t labels[ROWS];
static const double at[] = {0, 4, 10};

/* At position 0 margins are right, at 10 they are twice too bold and one too low. */
static struct calib_rows planted(int count, double weight)
{
    struct rng r = rng_seed(5);
    for (int i = 0; i < count; i++) {
        positions[i] = i % 2 ? 10 : 0;
        margins[i] = 2 * rng_normal(&r);
        double m = i % 2 ? .5 * margins[i] + 1 : margins[i];
        labels[i] = rng_unit(&r) < logistic(m);
    }
    return (struct calib_rows){count, margins, positions, labels, weight};
}

static void a_planted_line_is_found_at_each_knot(void **state)
{
    const struct calib_rows rows = planted(ROWS, 1);
    struct calib_curve c = calib_curve_fit(&rows, at, 3);
    (void)state;
    assert_true(calib_curve_ok(&c));
    assert_true(fabs(c.slope[0] - 1) < .05 && fabs(c.intercept[0]) < .08);
    assert_true(fabs(c.slope[2] - .5) < .05 && fabs(c.intercept[2] - 1) < .08);
    assert_true(c.slope[1] == 1 && c.intercept[1] == 0); /* no rows there */
}

static void between_knots_it_is_linear_and_beyond_them_constant(void **state)
{
    const struct calib_curve c = {2, {0, 4}, {1, 2}, {0, -1}};
    double slope;
    double intercept;
    (void)state;
    calib_curve_at(&c, 1, &slope, &intercept);
    assert_true(slope == 1.25 && intercept == -.25);
    calib_curve_at(&c, 99, &slope, &intercept);
    assert_true(slope == 2 && intercept == -1);
    calib_curve_at(&c, -5, &slope, &intercept);
    assert_true(slope == 1 && intercept == 0);
    calib_curve_at(&(struct calib_curve){0}, 3, &slope, &intercept);
    assert_true(slope == 1 && intercept == 0);
}

static void few_rows_change_little(void **state)
{
    const struct calib_rows rows = planted(20, 1);
    struct calib_curve c = calib_curve_fit(&rows, at, 3);
    (void)state;
    for (int k = 0; k < 3; k++) {
        assert_true(fabs(c.slope[k] - 1) < .4 && fabs(c.intercept[k]) < .7);
    }
}

static void rows_that_all_went_one_way_leave_finite_numbers(void **state)
{
    struct calib_rows rows = planted(ROWS, 1);
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        labels[i] = 1;
        margins[i] = i % 3 ? 40 : -40;
    }
    struct calib_curve c = calib_curve_fit(&rows, at, 3);
    assert_true(calib_curve_ok(&c));
    assert_true(isfinite(calib_shift_fit(&rows, .5)));
    rows.count = 0;
    assert_true(calib_shift_fit(&rows, .5) == 0);
}

static void a_planted_shift_is_found(void **state)
{
    struct calib_rows rows = planted(ROWS, 1);
    struct rng r = rng_seed(6);
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        labels[i] = rng_unit(&r) < logistic(margins[i] - .6);
    }
    assert_true(fabs(calib_shift_fit(&rows, .5) + .6) < .05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_planted_line_is_found_at_each_knot),
        cmocka_unit_test(between_knots_it_is_linear_and_beyond_them_constant),
        cmocka_unit_test(few_rows_change_little),
        cmocka_unit_test(rows_that_all_went_one_way_leave_finite_numbers),
        cmocka_unit_test(a_planted_shift_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
