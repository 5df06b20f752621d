#include "base/rng.h"

#include "support/spec.h"

#include <math.h>

static void the_generator_gives_the_published_numbers(void **state)
{
    /* of the reference implementation, as the test of Rust's rand_xoshiro quotes them */
    static const uint64_t expected[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    struct rng r = {{1, 2, 3, 4}};
    (void)state;

    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_true(rng_u64(&r) == expected[i]);
    }
}

static void the_seed_is_spread_by_splitmix64(void **state)
{
    (void)state;

    struct rng r = rng_seed(1234567); /* Rosetta Code's values for splitmix64 */
    assert_true(r.s[0] == UINT64_C(6457827717110365317));
    assert_true(r.s[1] == UINT64_C(3203168211198807973));
    assert_true(r.s[2] == UINT64_C(9817491932198370423));
    assert_true(r.s[3] == UINT64_C(4593380528125082431));
}

static void the_same_seed_gives_the_same_numbers(void **state)
{
    struct rng a = rng_seed(7);
    struct rng b = rng_seed(7);
    struct rng c = rng_seed(8);
    int differ = 0;
    (void)state;

    for (int i = 0; i < 1000; i++) {
        double x = rng_normal(&a);
        double y = rng_normal(&b);
        assert_memory_equal(&x, &y, sizeof x);
        differ += x < rng_normal(&c) || x > y;
    }
    assert_in_range(differ, 400, 600);
}

static void numbers_below_a_bound_are_all_as_likely(void **state)
{
    enum { BOUND = 7, DRAWS = 70000 };
    struct rng r = rng_seed(1);
    int seen[BOUND] = {0};
    (void)state;

    for (int i = 0; i < DRAWS; i++) {
        uint64_t x = rng_below(&r, BOUND);
        assert_true(x < BOUND);
        seen[x]++;
    }
    for (int i = 0; i < BOUND; i++) {
        assert_in_range(seen[i], 9500, 10500); /* expected 10,000, standard deviation 93 */
    }
    assert_true(rng_below(&r, 1) == 0);
}

static void a_bound_that_does_not_divide_2_to_the_64_stays_unbiased(void **state)
{
    /* a plain modulo would fold the top quarter onto the first third, which would come half the
     * time */
    const uint64_t bound = UINT64_C(3) << 62;
    struct rng r = rng_seed(2);
    int low = 0;
    (void)state;

    for (int i = 0; i < 10000; i++) {
        low += rng_below(&r, bound) < (UINT64_C(1) << 62);
    }
    assert_in_range(low, 3150, 3520); /* a third, standard deviation 47; folded: 5000 */
}

static void units_lie_in_zero_to_below_one(void **state)
{
    struct rng r = rng_seed(3);
    double sum = 0;
    (void)state;

    for (int i = 0; i < 100000; i++) {
        double u = rng_unit(&r);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_true(fabs(sum / 100000 - 0.5) < 0.005); /* five standard errors */
}

static void normals_have_the_moments_and_tails_of_the_normal_law(void **state)
{
    enum { DRAWS = 200000 };
    struct rng r = rng_seed(4);
    double sum = 0;
    double squares = 0;
    double fourths = 0;
    int outside = 0;
    (void)state;

    for (int i = 0; i < DRAWS; i++) {
        double x = rng_normal(&r);
        sum += x;
        squares += x * x;
        fourths += x * x * x * x;
        outside += fabs(x) > 1.959963985;
    }
    assert_true(fabs(sum / DRAWS) < 0.012);
    assert_true(fabs(squares / DRAWS - 1) < 0.017);
    assert_true(fabs(fourths / DRAWS - 3) < 0.12);
    assert_in_range(outside, 9500, 10500); /* 5 percent */
}

static void the_portable_logarithm_agrees_with_the_c_librarys(void **state)
{
    struct rng r = rng_seed(42);
    (void)state;

    /* log and sqrt of the C library, on the same draws, to 1e-14 */
    for (int i = 0; i < 1000; i++) {
        struct rng before = r;
        double x = rng_normal(&r);
        double u;
        double q;
        do {
            u = 2 * rng_unit(&before) - 1;
            double v = 2 * rng_unit(&before) - 1;
            q = u * u + v * v;
        } while (q >= 1 || q == 0);
        double expected = u * sqrt(-2 * log(q) / q);
        assert_true(fabs(x - expected) <= 1e-14 * fabs(expected));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_generator_gives_the_published_numbers),
        cmocka_unit_test(the_seed_is_spread_by_splitmix64),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(numbers_below_a_bound_are_all_as_likely),
        cmocka_unit_test(a_bound_that_does_not_divide_2_to_the_64_stays_unbiased),
        cmocka_unit_test(units_lie_in_zero_to_below_one),
        cmocka_unit_test(normals_have_the_moments_and_tails_of_the_normal_law),
        cmocka_unit_test(the_portable_logarithm_agrees_with_the_c_librarys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
