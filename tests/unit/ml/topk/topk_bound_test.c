/* The lines of the proof in topk_index.h, each against exact arithmetic: on the safe side, and not by more than it has to be. */
#include "ml/topk/topk_bound.h"

#include "unit/ml/ml_spec.h"

#include <stdlib.h>

enum { DRAWS = 20000 };

/* A number of either sign and of any size that the bounds are used for. */
static float any_size(struct rng *rng)
{
    return (float)ldexp(rng_unit(rng) - 0.5, (int)rng_below(rng, 120) - 60);
}

static float any_length(struct rng *rng)
{
    return fabsf(any_size(rng));
}

/* low <= x, and not below it by more than 2^-19 of its size */
static void check_below(double low, double x, double size, struct told told)
{
    if (!(low <= x && low >= x - size * 0x1p-19 - 4 * (double)FLT_MIN)) {
        print_error("%s: %.17g is no close lower bound of %.17g\n", told.what, low, x);
        _fail(told.file, told.line);
    }
}
#define assert_close_below(low, x, size) check_below((double)(low), (x), (size), TOLD(#low))

static void the_slack_is_both_errors_and_never_nothing(void **state)
{
    struct rng rng = rng_seed(1);
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        const struct tile_bound b = {.spread = any_length(&rng), .length = any_length(&rng)};
        const float norm = any_length(&rng);
        const float error = any_length(&rng);
        const double exact =
            (double)b.spread * (double)norm + (double)b.length * (double)error + (double)FLT_MIN;
        assert_close(topk_bound_slack(&b, norm, error), exact, exact * 0x1p-22);
    }
    assert_true(topk_bound_slack(&(struct tile_bound){0}, 1, 1) >= FLT_MIN);
}

static void what_must_be_reached_is_lowered_whatever_its_sign(void **state)
{
    struct rng rng = rng_seed(2);
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        const float threshold = any_size(&rng);
        const float slack = any_length(&rng) * (i % 2 ? 1 : 1e-9F);
        const double exact = (double)threshold - (double)slack;
        assert_close_below(topk_bound_need(threshold, slack), exact, fabs(exact));
    }
}

static void a_score_lies_between_the_least_and_the_most(void **state)
{
    struct rng rng = rng_seed(3);
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        const float about = any_size(&rng);
        const float slack = any_length(&rng) * (i % 2 ? 1 : 1e-9F);
        const double most = (double)about + (double)slack;
        const double least = (double)about - (double)slack;
        assert_close_below(topk_bound_least(about, slack), least, fabs(least));
        assert_close_below(-topk_bound_most(about, slack), -most, fabs(most));
    }
}

static void every_integer_that_reaches_the_need_reaches_the_floor(void **state)
{
    struct rng rng = rng_seed(4);
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        /* S t, its inverse from below, and a need that integers of a scan can reach */
        const double unit = ldexp(0.5 + rng_unit(&rng) / 2, (int)rng_below(&rng, 60) - 30);
        const float inverse = (float)((1 - 0x1p-20) / unit);
        const float need = (float)(unit * ldexp(rng_unit(&rng), (int)rng_below(&rng, 25)));
        const double least = ceil((double)need / unit); /* the smallest integer that reaches it */
        const double floor = topk_bound_floor(need, inverse);
        assert_true(floor <= least - 1 || (floor <= least && least == (double)need / unit));
        assert_true(floor >= (double)need / unit * (1 - 0x1p-17) - 2);
    }
    assert_int_equal(topk_bound_floor(1, 0.5F), -1);
    assert_int_equal(topk_bound_floor(1, 1.5F), 0);
    assert_int_equal(topk_bound_floor(0, 1), INT32_MIN);
    assert_int_equal(topk_bound_floor(-1, 1), INT32_MIN);
    assert_int_equal(topk_bound_floor(-INFINITY, FLT_MAX), INT32_MIN);
    assert_int_equal(topk_bound_floor(1e30F, 1e5F), (1 << 25) - 1); /* above every product */
    assert_int_equal(topk_bound_floor(INFINITY, FLT_MAX), (1 << 25) - 1);
}

static void only_what_is_certainly_shorter_is_out_of_reach(void **state)
{
    struct rng rng = rng_seed(5);
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        const float norm = any_length(&rng);
        const float reach = any_length(&rng);
        const double most = (double)norm * (double)reach;
        assert_false(topk_bound_out_of_reach((float)most, norm, reach));
        assert_false(topk_bound_out_of_reach((float)(most * (1 - 0x1p-10)), norm, reach));
        assert_true(
            topk_bound_out_of_reach((float)(most * (1 + 0x1p-18)) + 4 * FLT_MIN, norm, reach));
    }
    assert_false(topk_bound_out_of_reach(0, 0, 0));
    assert_false(topk_bound_out_of_reach(-INFINITY, 1, 0));
    assert_false(topk_bound_out_of_reach(1e30F, 1, INFINITY));
    assert_true(topk_bound_out_of_reach(INFINITY, 1, 1));
}

/* ---- what is measured of rows ---- */

static double distance(const float *x, float scale, const int8_t *numbers, int count)
{
    double sum = 0;
    for (int j = 0; j < count; j++) {
        const double e = (double)x[j] - (double)scale * numbers[j];
        sum += e * e;
    }
    return sqrt(sum);
}

static void a_vector_is_its_scale_times_integers_and_a_measured_error(void **state)
{
    (void)state;
    /* the smallest that is quantised is */
    const float sizes[] = {0x1p-100F, 1e-20F, 1, 1e20F};
    struct rng rng = rng_seed(7);
    for (size_t i = 0; i < 4 * COUNT_OF(sizes); i++) {
        const int columns = 1 + 13 * (int)i;
        const float most = sizes[i % COUNT_OF(sizes)];
        struct mat x = mat_make(1, columns);
        int8_t numbers[1024];
        int largest = 0;
        for (int j = 0; j < columns; j++) {
            x.data[j] = most * (float)(2 * rng_unit(&rng) - 1);
        }
        x.data[columns / 2] = i % 2 ? most : -most;
        const struct quantised q = topk_quantise(x.data, columns, numbers);
        for (int j = 0; j < columns; j++) {
            largest = abs(numbers[j]) > largest ? abs(numbers[j]) : largest;
            /* the nearest, but for the rounding of the quotient */
            assert_true(fabs((double)x.data[j] - (double)q.scale * numbers[j]) <=
                        0.5001 * (double)q.scale);
        }
        assert_int_equal(largest, 127);
        assert_close(q.scale, (double)most / 127, (double)most * 1e-8);
        assert_close(q.error, distance(x.data, q.scale, numbers, columns), 1e-12 * (double)most);
        double square = 0;
        for (int j = 0; j < columns; j++) {
            square += (double)q.scale * numbers[j] * (double)q.scale * numbers[j];
        }
        assert_close(q.magnitude, sqrt(square), 1e-12 * sqrt(square));
        mat_free(&x);
    }
}

static void what_is_too_small_or_not_finite_is_all_error(void **state)
{
    (void)state;
    const float odd[][2] = {{0, 0}, {0x1p-101F, -0x1p-110F}, {INFINITY, 1}, {NAN, 0x1p-101F}};
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        int8_t numbers[3] = {1, 1, 1}; /* one more than there are */
        const struct quantised q = topk_quantise(odd[i], 2, numbers);
        assert_true(q.scale == 0 && q.magnitude == 0);
        assert_true(numbers[0] == 0 && numbers[1] == 0 && numbers[2] == 1);
        assert_true(i > 1 || q.error == topk_norm(odd[i], 2));
    }
}

static void rounding_up_is_up_and_by_little(void **state)
{
    struct rng rng = rng_seed(6);
    (void)state;
    for (int i = 0; i < DRAWS; i++) {
        const double x = (double)any_length(&rng) * (1 + rng_unit(&rng));
        assert_close_below(-topk_up(x), -x, x);
    }
    assert_true(topk_up(0) == 0);
    /* (2): twice what sums of 1024 products in sixteen lanes need, and not ten times */
    assert_less(2 * (1024.0 / 16 + 18 + 12) * 0x1p-24, topk_rounding(1024));
    assert_less(topk_rounding(1024), 10 * (1024.0 / 16 + 18 + 12) * 0x1p-24);
    assert_close(topk_rounding(32), 34 * 0x1p-23, 1e-12);
}

/* ---- tiles ---- */

struct tiles {
    struct mat items;
    struct topk_pack pack;
};

static struct tiles tiles_of(int rows, int columns, int threads)
{
    struct tiles t = {.items = random_mat(rows, columns, (uint64_t)rows)};
    for (int i = 0; i < rows; i++) {
        const float by = i % 97 == 5 ? 0 : powf((float)(1 + i % 1013), -0.5F);
        for (int j = 0; j < columns; j++) {
            mat_row(&t.items, i)[j] *= by;
        }
    }
    t.pack = topk_pack_make(&t.items, threads);
    return t;
}

static void tiles_free(struct tiles *t)
{
    topk_pack_free(&t->pack);
    mat_free(&t->items);
}

/* Row `place` of the tiles under their bounds. Returns its scale. */
static float check_place(const struct tiles *t, int place)
{
    const struct topk_pack *p = &t->pack;
    const int tile = place / TILE_ITEMS;
    const struct tile_bound *b = &p->bounds[tile / BOUND_TILES];
    const uint8_t *data = p->data + (size_t)tile * p->tile_bytes;
    const float *row = mat_row(&t->items, p->ids[place]);
    const float scale = topk_pack_scales(p, tile)[place % TILE_ITEMS];
    const double length = topk_norm(row, p->columns);
    int8_t numbers[1024];
    const struct quantised q = topk_quantise(row, p->columns, numbers);
    for (int j = 0; j < p->columns; j++) {
        const size_t at = ((size_t)(j / 4) * TILE_ITEMS + (size_t)(place % TILE_ITEMS)) * 4;
        assert_int_equal(data[at + (size_t)(j % 4)], numbers[j] + 128);
    }
    const double g = topk_rounding(p->columns);
    assert_true(scale == q.scale);
    assert_true((double)b->spread >= q.error + g * length);
    assert_true((double)b->length >= q.magnitude);
    assert_true((double)b->reach >= length * (1 + g));
    assert_true(scale == 0 || (double)b->inverse * (double)scale < 1);
    return scale;
}

static void every_row_is_in_a_tile_under_its_bounds(void **state)
{
    (void)state;
    const int shapes[][2] = {{1, 1}, {31, 3}, {33, 4}, {129, 5}, {2500, 18}, {9000, 6}};
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        const int rows = shapes[i][0];
        struct tiles t = tiles_of(rows, shapes[i][1], 1 + (int)i % 2);
        const struct topk_pack *p = &t.pack;
        uint8_t *seen = mem_array((size_t)rows, 1);
        assert_int_equal(p->tiles, (rows + TILE_ITEMS - 1) / TILE_ITEMS);
        assert_int_equal(p->bound_count, (p->tiles + BOUND_TILES - 1) / BOUND_TILES);
        for (int b = 0; b < p->bound_count; b++) {
            float largest = 0;
            const int end = (b + 1) * BOUND_TILES * TILE_ITEMS;
            for (int place = b * BOUND_TILES * TILE_ITEMS; place < end && place < rows; place++) {
                seen[p->ids[place]]++;
                largest = fmaxf(largest, check_place(&t, place));
            }
            /* tight: the largest of the rows and no other */
            assert_true(largest > 0 ? p->bounds[b].inverse * largest > 1 - 2e-6F
                                    : p->bounds[b].inverse == FLT_MAX);
            const float on = b + 1 < p->bound_count ? p->bounds[b + 1].reach_on : 0;
            assert_true(p->bounds[b].reach_on == fmaxf(p->bounds[b].reach, on));
        }
        for (int r = 0; r < rows; r++) {
            assert_int_equal(seen[r], 1);
        }
        for (int place = rows; place < p->tiles * TILE_ITEMS; place++) {
            assert_int_equal(p->ids[place], -1);
            assert_true(topk_pack_scales(p, p->tiles - 1)[place % TILE_ITEMS] == 0);
        }
        assert_true(p->longest == p->bounds[0].reach_on);
        mem_free(&seen);
        tiles_free(&t);
    }
}

static double largest_of(const float *x, int count)
{
    double most = 0;
    for (int j = 0; j < count; j++) {
        most = fmax(most, fabs((double)x[j]));
    }
    return most;
}

/* Every 1024 rows are longer than those behind them, and within them the coarsest come first. */
static void long_rows_come_first_and_coarse_ones_among_them(void **state)
{
    (void)state;
    enum { RANKED = 1024 };
    struct tiles t = tiles_of(3000, 7, 2);
    double shortest = (double)INFINITY;
    double before = (double)INFINITY;
    for (int place = 0; place < t.items.rows; place++) {
        const float *row = mat_row(&t.items, t.pack.ids[place]);
        const float length = (float)topk_norm(row, 7);
        const double largest = largest_of(row, 7);
        if (place % RANKED == 0) {
            before = (double)INFINITY;
            for (int later = place; later < t.items.rows; later++) {
                assert_true(topk_norm(mat_row(&t.items, t.pack.ids[later]), 7) <= shortest);
            }
            shortest = (double)INFINITY;
        }
        assert_true(largest <= before);
        assert_true(largest < before || place % RANKED == 0 ||
                    t.pack.ids[place] > t.pack.ids[place - 1]);
        before = largest;
        shortest = fmin(shortest, (double)length * (1 + 1e-6));
    }
    tiles_free(&t);
}

static void a_row_that_is_not_finite_makes_the_longest_infinite(void **state)
{
    (void)state;
    const float odd[] = {NAN, INFINITY, 3e38F};
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        struct mat items = random_mat(200, 5, 3);
        mat_row(&items, 150)[3] = odd[i];
        struct topk_pack pack = topk_pack_make(&items, 1);
        assert_true(i == 2 ? pack.longest > 3e38F : pack.longest == INFINITY);
        topk_pack_free(&pack);
        mat_free(&items);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slack_is_both_errors_and_never_nothing),
        cmocka_unit_test(what_must_be_reached_is_lowered_whatever_its_sign),
        cmocka_unit_test(a_score_lies_between_the_least_and_the_most),
        cmocka_unit_test(every_integer_that_reaches_the_need_reaches_the_floor),
        cmocka_unit_test(only_what_is_certainly_shorter_is_out_of_reach),
        cmocka_unit_test(a_vector_is_its_scale_times_integers_and_a_measured_error),
        cmocka_unit_test(what_is_too_small_or_not_finite_is_all_error),
        cmocka_unit_test(rounding_up_is_up_and_by_little),
        cmocka_unit_test(every_row_is_in_a_tile_under_its_bounds),
        cmocka_unit_test(long_rows_come_first_and_coarse_ones_among_them),
        cmocka_unit_test(a_row_that_is_not_finite_makes_the_longest_infinite),
    };
    return cmocka_run_group_tests_name("ml/topk/topk_bound", tests, NULL, NULL);
}
