/* Calibration that depends on a position: planted lines are found, few rows change little, and nothing odd comes out. */
#include "ml/judge/calib_curve.h"

#include "base/rng.h"
#include "ml/linear/logistic.h"
#include "support/spec.h"

#include <math.h>

enum { ROWS = 20000 };

static double margins[ROWS];
static double positions[ROWS];
static uint8_t labels[ROWS];
enum { KNOTS = 7 };
static const double at[KNOTS] = {0, 2, 4, 5, 6, 8, 10};

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
    struct calib_curve c = calib_curve_fit(&rows, at, KNOTS);
    (void)state;
    assert_true(calib_curve_ok(&c));
    assert_true(fabs(c.slope[0] - 1) < .05 && fabs(c.intercept[0]) < .08);
    assert_true(fabs(c.slope[6] - .5) < .05 && fabs(c.intercept[6] - 1) < .08);
    assert_true(c.slope[3] == 1 && c.intercept[3] == 0); /* no rows there or beside it */
}

/* Of knots whose own rows are few, the one in between is not left to chance: what its neighbours tell is told of it too. */
static void a_knot_hears_of_its_neighbours(void **state)
{
    struct rng r = rng_seed(8);
    enum { FEW = 40 };
    struct calib_rows rows = planted(ROWS, 1);
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        positions[i] = i < FEW ? 4 : i % 2 ? 2 : 6;
        labels[i] = rng_unit(&r) < logistic(i < FEW ? margins[i] + 3 : .6 * margins[i] + .5);
    }
    struct calib_curve c = calib_curve_fit(&rows, at, KNOTS);
    assert_true(fabs(c.slope[2] - .6) < .06 && fabs(c.intercept[2] - .5) < .12);
    assert_true(fabs(c.slope[1] - .6) < .06 && fabs(c.intercept[1] - .5) < .1);
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
    struct calib_curve c = calib_curve_fit(&rows, at, KNOTS);
    (void)state;
    for (int k = 0; k < KNOTS; k++) {
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
    struct calib_curve c = calib_curve_fit(&rows, at, KNOTS);
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
        cmocka_unit_test(a_knot_hears_of_its_neighbours),
        cmocka_unit_test(between_knots_it_is_linear_and_beyond_them_constant),
        cmocka_unit_test(few_rows_change_little),
        cmocka_unit_test(rows_that_all_went_one_way_leave_finite_numbers),
        cmocka_unit_test(a_planted_shift_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
